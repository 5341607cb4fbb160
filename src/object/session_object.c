#include "config.h"

#include <stdlib.h>

#include "src/base/rv.h"
#include "src/object/session_object.h"
#include "src/token/slot.h"
#include "src/object/template.h"

/* The card's objects are not written: whether the session could is told first. */
static CK_RV refuse_write(const struct session *s)
{
	return s->flags & CKF_RW_SESSION ? CKR_TOKEN_WRITE_PROTECTED : CKR_SESSION_READ_ONLY;
}

/* Not the card's, and not one of the token's profile objects. */
static bool is_sessions(const struct object *o)
{
	return o->attributes && o->owner;
}

CK_RV session_object_allowed(const struct session *s, const struct store *attributes)
{
	if (store_bool(attributes, CKA_TOKEN))
		return refuse_write(s);
	if (store_bool(attributes, CKA_PRIVATE) && !s->slot->token.logged_in)
		return CKR_USER_NOT_LOGGED_IN;
	return CKR_OK;
}

CK_RV session_object_add(struct session *s, struct store *attributes, CK_OBJECT_HANDLE *handle)
{
	struct token *t = &s->slot->token;
	CK_RV rv = session_object_allowed(s, attributes);

	if (rv != CKR_OK) {
		store_clear(attributes);
		return rv;
	}
	return rv_of(token_add_session_object(t, attributes, s->handle, handle));
}

CK_RV session_object_copy(struct session *s, struct object *from, const CK_ATTRIBUTE *template,
			  CK_ULONG count, CK_OBJECT_HANDLE *handle)
{
	struct store copy = {NULL, 0};
	CK_RV rv;

	/* what is on the card stays there: CKA_COPYABLE is false */
	if (!is_sessions(from) || !store_bool(from->attributes, CKA_COPYABLE))
		return CKR_ACTION_PROHIBITED;
	rv = rv_of(store_copy(from->attributes, &copy));
	if (rv == CKR_OK)
		rv = template_change(&copy, true, template, count);
	if (rv != CKR_OK) {
		store_clear(&copy);
		return rv;
	}
	return session_object_add(s, &copy, handle);
}

CK_RV session_object_change(struct session *s, struct object *o, const CK_ATTRIBUTE *template,
			    CK_ULONG count)
{
	if (!is_sessions(o))
		return refuse_write(s);
	if (!store_bool(o->attributes, CKA_MODIFIABLE))
		return CKR_ACTION_PROHIBITED;
	return template_change(o->attributes, false, template, count);
}

CK_RV session_object_destroy(struct session *s, struct object *o)
{
	if (!is_sessions(o))
		return refuse_write(s);
	if (!store_bool(o->attributes, CKA_DESTROYABLE))
		return CKR_ACTION_PROHIBITED;
	token_remove_session_object(&s->slot->token, o);
	return CKR_OK;
}

CK_ULONG session_object_size(const struct object *o)
{
	CK_ULONG size = 0;

	for (size_t i = 0; o->attributes && i < o->attributes->count; i++)
		size += o->attributes->items[i].value.len;
	if (!o->record)
		return size;
	size = o->record->label.len + o->record->id.len;
	if (o->klass == CKO_PRIVATE_KEY || o->klass == CKO_PUBLIC_KEY)
		return size + CARD_MODULUS_SIZE;
	return size + (o->value_read ? o->value.len : o->record->length);
}
