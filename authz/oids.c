#include "config.h"

#include <openssl/objects.h>

#include "authz/oids.h"

/* The UUID d0492275-bc9d-47fe-afe1-1816ed78d957, made for this project, as ITU-T X.667 says. */
#define ARC "2.25.276859159723930405492855592902404397399"

static const struct authz_oids defaults = {
	.authorizations = ARC ".1.1",
	.delegation = ARC ".1.2",
	.bearer_id = ARC ".1.3",
};

const struct authz_oids *authz_oids_default(void)
{
	return &defaults;
}

enum authz_reason oids_init(struct oids *out, const struct authz_oids *texts)
{
	const struct authz_oids *from = texts ? texts : &defaults;
	const char *const dotted[OIDS_COUNT] = {
		[OIDS_AUTHORIZATIONS] = from->authorizations,
		[OIDS_DELEGATION] = from->delegation,
		[OIDS_BEARER_ID] = from->bearer_id,
	};

	*out = (struct oids){.objects = {NULL}};
	for (int i = 0; i < OIDS_COUNT; i++) {
		out->objects[i] = dotted[i] ? OBJ_txt2obj(dotted[i], 1) : NULL;
		if (!out->objects[i])
			return AUTHZ_BAD_ARGUMENT;
		for (int k = 0; k < i; k++)
			if (OBJ_cmp(out->objects[i], out->objects[k]) == 0)
				return AUTHZ_BAD_ARGUMENT;
	}
	return AUTHZ_GOOD;
}

void oids_clear(struct oids *oids)
{
	for (int i = 0; i < OIDS_COUNT; i++)
		ASN1_OBJECT_free(oids->objects[i]);
	*oids = (struct oids){.objects = {NULL}};
}
