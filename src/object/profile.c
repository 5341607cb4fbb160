#include "config.h"

#include <stdio.h>
#include <string.h>

#include "src/base/rv.h"
#include "src/object/profile.h"
#include "src/object/template.h"
#include "src/object/value.h"

/* A name that is always the same: a profile is the module's, not the card's. */
static enum result name(CK_ULONG id, struct store *s)
{
	char words[32], text[VALUE_UNIQUE_SIZE];
	enum result r;

	snprintf(words, sizeof words, "profile/%lu", id);
	r = value_unique_of(words, text);
	return r == RESULT_OK ? store_set(s, CKA_UNIQUE_ID, text, strlen(text)) : r;
}

static CK_RV add_one(struct token *t, CK_ULONG id)
{
	CK_OBJECT_CLASS klass = CKO_PROFILE;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	const CK_ATTRIBUTE template[] = {{CKA_TOKEN, &yes, sizeof yes},
					 {CKA_MODIFIABLE, &no, sizeof no},
					 {CKA_COPYABLE, &no, sizeof no},
					 {CKA_DESTROYABLE, &no, sizeof no},
					 {CKA_PROFILE_ID, &id, sizeof id}};
	CK_OBJECT_HANDLE handle;
	struct store s;
	CK_RV rv = template_build(TEMPLATE_PROFILE, klass, CK_UNAVAILABLE_INFORMATION, template,
				  sizeof template / sizeof *template, &s);

	if (rv == CKR_OK)
		rv = rv_of(name(id, &s));
	if (rv == CKR_OK)
		rv = rv_of(token_add_session_object(t, &s, 0, &handle));
	store_clear(&s);
	return rv;
}

CK_RV profile_add_objects(struct token *t)
{
	static const CK_ULONG ids[] = {CKP_BASELINE_PROVIDER, CKP_AUTHENTICATION_TOKEN,
				       CKP_PUBLIC_CERTIFICATES_TOKEN};
	CK_RV rv = CKR_OK;

	if (t->has_profiles)
		return CKR_OK;
	for (size_t i = 0; rv == CKR_OK && i < sizeof ids / sizeof *ids; i++)
		rv = add_one(t, ids[i]);
	t->has_profiles = rv == CKR_OK;
	return rv;
}
