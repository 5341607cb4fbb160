#include "config.h"

#include <stdlib.h>

#include "src/token/token.h"

enum result token_add_session_object(struct token *t, struct store *attributes,
				     CK_SESSION_HANDLE owner, CK_OBJECT_HANDLE *handle)
{
	struct object *o = calloc(1, sizeof *o);
	struct store *own = calloc(1, sizeof *own);

	if (!o || !own)
		goto fail;
	*own = *attributes;
	o->attributes = own;
	o->owner = owner;
	o->klass = store_ulong(own, CKA_CLASS);
	o->is_private = store_bool(own, CKA_PRIVATE);
	o->handle = t->next_handle++;
	HASH_ADD(hh, t->handles, handle, sizeof o->handle, o);
	if (!o->hh.tbl)
		goto fail;
	*attributes = (struct store){NULL, 0};
	*handle = o->handle;
	return RESULT_OK;
fail:
	store_clear(attributes);
	free(own);
	free(o);
	return RESULT_NO_MEMORY;
}

enum result token_add_profiles(struct token *t)
{
	static const CK_ULONG ids[] = {CKP_BASELINE_PROVIDER, CKP_AUTHENTICATION_TOKEN,
				       CKP_PUBLIC_CERTIFICATES_TOKEN};
	enum result r = RESULT_OK;

	for (size_t i = 0; !t->has_profiles && r == RESULT_OK && i < sizeof ids / sizeof *ids; i++) {
		struct store s = {NULL, 0};
		CK_OBJECT_HANDLE handle;

		r = store_set_ulong(&s, CKA_CLASS, CKO_PROFILE);
		if (r == RESULT_OK)
			r = store_set_bool(&s, CKA_TOKEN, true);
		if (r == RESULT_OK)
			r = store_set_bool(&s, CKA_PRIVATE, false);
		if (r == RESULT_OK)
			r = store_set_bool(&s, CKA_MODIFIABLE, false);
		if (r == RESULT_OK)
			r = store_set_ulong(&s, CKA_PROFILE_ID, ids[i]);
		if (r == RESULT_OK)
			r = token_add_session_object(t, &s, 0, &handle);
		store_clear(&s);
	}
	t->has_profiles = t->has_profiles || r == RESULT_OK;
	return r;
}

void token_remove_session_object(struct token *t, struct object *o)
{
	HASH_DEL(t->handles, o);
	object_release(o);
	free(o);
}

void token_end_session_objects(struct token *t, CK_SESSION_HANDLE owner, bool only_private)
{
	struct object *o, *next;

	HASH_ITER(hh, t->handles, o, next)
		if (o->attributes && (!owner || o->owner == owner) && (!only_private || o->is_private))
			token_remove_session_object(t, o);
}
