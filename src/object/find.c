#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "src/object/attribute.h"
#include "src/object/find.h"
#include "src/token/slot.h"
#include "src/base/rv.h"

static const enum p15_class order[] = {P15_CERTIFICATE, P15_PUBLIC_KEY, P15_PRIVATE_KEY, P15_DATA};

/* False if no object of the class can match, so that its directory need not be read. */
static bool can_match(CK_OBJECT_CLASS klass, const CK_ATTRIBUTE *template, CK_ULONG count)
{
	for (CK_ULONG i = 0; i < count; i++) {
		const CK_ATTRIBUTE *a = &template[i];

		if (!attribute_exists(klass, a->type))
			return false;
		if (a->type == CKA_CLASS &&
		    (a->ulValueLen != sizeof klass || memcmp(a->pValue, &klass, sizeof klass) != 0))
			return false;
		if (a->type == CKA_TOKEN && a->ulValueLen == sizeof(CK_BBOOL) &&
		    *(const CK_BBOOL *)a->pValue == CK_FALSE)
			return false;
	}
	return true;
}

static CK_RV add_handle(struct find_state *find, CK_OBJECT_HANDLE handle)
{
	CK_OBJECT_HANDLE *more = realloc(find->handles, (find->count + 1) * sizeof *more);

	if (!more)
		return CKR_HOST_MEMORY;
	find->handles = more;
	find->handles[find->count++] = handle;
	return CKR_OK;
}

static CK_RV find_in(struct slot *slot, enum p15_class kind, const CK_ATTRIBUTE *template,
		     CK_ULONG count, struct find_state *found)
{
	struct token *token = &slot->token;
	struct object_list *list = &token->lists[kind];
	CK_RV rv = rv_of(slot_load(slot, kind));

	for (size_t i = 0; rv == CKR_OK && i < list->count; i++) {
		struct object *o = &list->items[i];
		bool match;

		if (o->is_private && !token->logged_in)
			continue;
		rv = attributes_match(slot, o, template, count, &match);
		if (rv == CKR_OK && match)
			rv = add_handle(found, o->handle);
	}
	return rv;
}

/* Session objects follow, oldest first; every session of the slot sees them. */
static CK_RV find_session_objects(struct slot *slot, const CK_ATTRIBUTE *template, CK_ULONG count,
				  bool profiles, struct find_state *found)
{
	struct object *o, *next;
	CK_RV rv = CKR_OK;

	HASH_ITER(hh, slot->token.handles, o, next) {
		bool match;

		if (!o->attributes || (o->is_private && !slot->token.logged_in))
			continue;
		if (!o->owner && !profiles)
			continue;
		rv = attributes_match(slot, o, template, count, &match);
		if (rv == CKR_OK && match)
			rv = add_handle(found, o->handle);
		if (rv != CKR_OK)
			break;
	}
	return rv;
}

/*
 * Profile objects are for who asks for them. In the list of all objects they
 * would be a novelty to programs that know the vendor's list.
 */
static bool wants_profiles(const CK_ATTRIBUTE *template, CK_ULONG count)
{
	const CK_OBJECT_CLASS profile = CKO_PROFILE;

	for (CK_ULONG i = 0; i < count; i++)
		if (template[i].type == CKA_CLASS)
			return template[i].ulValueLen == sizeof profile &&
			       memcmp(template[i].pValue, &profile, sizeof profile) == 0;
	return false;
}

CK_RV find_start(struct session *s, const CK_ATTRIBUTE *template, CK_ULONG count)
{
	struct find_state found = {.active = true};
	bool profiles = wants_profiles(template, count);
	struct slot *slot = s->slot;
	CK_RV rv = CKR_OK;

	if (s->find.active)
		return CKR_OPERATION_ACTIVE;
	for (size_t i = 0; rv == CKR_OK && i < sizeof order / sizeof *order; i++) {
		if (!can_match(object_class(order[i]), template, count))
			continue;
		if (order[i] == P15_PRIVATE_KEY && !slot->token.logged_in)
			continue;
		rv = find_in(slot, order[i], template, count, &found);
	}
	if (rv == CKR_OK && profiles)
		rv = rv_of(token_add_profiles(&slot->token));
	if (rv == CKR_OK)
		rv = find_session_objects(slot, template, count, profiles, &found);
	if (rv == CKR_OK)
		s->find = found;
	else
		find_end(&found);
	return rv;
}
