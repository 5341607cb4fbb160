#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/rv.h"
#include "src/object/session_object.h"
#include "src/object/template.h"
#include "src/object/value.h"
#include "src/token/slot.h"

/*
 * The object, if it is a session's and does not forbid what is to be done
 * (CKA_COPYABLE, …). What is on the card stays as it is; so do the profiles.
 */
static CK_RV find_own(struct session *s, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE permission,
		      struct object **out)
{
	struct object *o = token_object(&s->slot->token, handle);

	*out = o;
	if (!o)
		return CKR_OBJECT_HANDLE_INVALID;
	if (!o->attributes || !store_bool(o->attributes, permission))
		return CKR_ACTION_PROHIBITED;
	return CKR_OK;
}

/* The token is write-protected: no session would do, so that this is told first. */
static CK_RV may_add(const struct token *t, const struct store *attributes)
{
	if (store_bool(attributes, CKA_TOKEN))
		return CKR_TOKEN_WRITE_PROTECTED;
	if (store_bool(attributes, CKA_PRIVATE) && !t->logged_in)
		return CKR_USER_NOT_LOGGED_IN;
	return CKR_OK;
}

CK_RV session_object_allowed(const struct session *s, const struct store *attributes)
{
	CK_RV rv;

	slot_lock(s->slot);
	rv = may_add(&s->slot->token, attributes);
	if (rv == CKR_OK)
		rv = rv_of(token_has_room(&s->slot->token, attributes));
	slot_unlock(s->slot);
	return rv;
}

/* Appends the CKA_UNWRAP_TEMPLATE of a session key, if it has one. */
static enum result copy_unwrap_template(struct session *s, CK_OBJECT_HANDLE key, struct buffer *out)
{
	const struct stored *wanted = NULL;
	enum result r = RESULT_OK;
	const struct object *o;

	slot_lock(s->slot);
	o = token_object(&s->slot->token, key);
	if (o && o->attributes)
		wanted = store_get(o->attributes, CKA_UNWRAP_TEMPLATE);
	if (wanted)
		r = buffer_append(out, wanted->data, wanted->len);
	slot_unlock(s->slot);
	return r;
}

CK_RV session_object_build_unwrapped(struct session *s, CK_OBJECT_HANDLE unwrapping,
				     const CK_ATTRIBUTE *template, CK_ULONG count,
				     struct store *out)
{
	const CK_OBJECT_CLASS klass = CKO_SECRET_KEY;
	struct buffer bytes = BUFFER_INIT;
	const struct stored *item = NULL;
	CK_ATTRIBUTE *all = NULL;
	struct store added;
	size_t n = 0;
	CK_RV rv = rv_of(copy_unwrap_template(s, unwrapping, &bytes));

	*out = (struct store)STORE_INIT;
	added = value_as_store(bytes.data, bytes.len);
	while ((item = store_next(&added, item)))
		n++;
	if (rv == CKR_OK && n && !(all = calloc(n + count, sizeof *all)))
		rv = CKR_HOST_MEMORY;
	if (all) { /* one template: what it says twice must be the same */
		for (n = 0; (item = store_next(&added, item)); n++)
			all[n] = (CK_ATTRIBUTE){item->type, (void *)item->data, item->len};
		if (count)
			memcpy(all + n, template, count * sizeof *all);
	}
	if (rv == CKR_OK)
		rv = template_build(TEMPLATE_UNWRAP, klass, CK_UNAVAILABLE_INFORMATION,
				    n ? all : template, n + count, out);
	free(all);
	buffer_clear(&bytes);
	return rv;
}

CK_RV session_object_add(struct session *s, struct store *attributes, CK_OBJECT_HANDLE *handle)
{
	struct token *t = &s->slot->token;
	CK_RV rv;

	slot_lock(s->slot);
	/* its objects have ended already: nobody would end this one */
	rv = s->closed ? CKR_SESSION_CLOSED : may_add(t, attributes);
	if (rv == CKR_OK)
		rv = rv_of(token_add_session_object(t, attributes, s->handle, handle));
	slot_unlock(s->slot);
	store_clear(attributes);
	return rv;
}

CK_RV session_object_copy(struct session *s, CK_OBJECT_HANDLE from, const CK_ATTRIBUTE *template,
			  CK_ULONG count, CK_OBJECT_HANDLE *handle)
{
	struct store copy = STORE_INIT;
	struct object *o;
	CK_RV rv;

	slot_lock(s->slot);
	rv = find_own(s, from, CKA_COPYABLE, &o);
	if (rv == CKR_OK)
		rv = rv_of(store_copy(o->attributes, &copy));
	slot_unlock(s->slot);
	if (rv == CKR_OK)
		rv = template_change(&copy, true, template, count);
	if (rv == CKR_OK)
		return session_object_add(s, &copy, handle);
	store_clear(&copy);
	return rv;
}

CK_RV session_object_change(struct session *s, CK_OBJECT_HANDLE handle,
			    const CK_ATTRIBUTE *template, CK_ULONG count)
{
	struct store changed = STORE_INIT;
	struct object *o;
	CK_RV rv;

	slot_lock(s->slot);
	rv = find_own(s, handle, CKA_MODIFIABLE, &o);
	if (rv == CKR_OK)
		rv = rv_of(store_copy(o->attributes, &changed));
	if (rv == CKR_OK)
		rv = template_change(&changed, false, template, count);
	if (rv == CKR_OK)
		rv = rv_of(token_change_session_object(&s->slot->token, o, &changed));
	slot_unlock(s->slot);
	store_clear(&changed);
	return rv;
}

CK_RV session_object_destroy(struct session *s, CK_OBJECT_HANDLE handle)
{
	struct object *o;
	CK_RV rv;

	slot_lock(s->slot);
	rv = find_own(s, handle, CKA_DESTROYABLE, &o);
	if (rv == CKR_OK)
		token_remove_session_object(&s->slot->token, o);
	slot_unlock(s->slot);
	return rv;
}

static CK_ULONG size_of(const struct object *o)
{
	CK_ULONG size;

	if (o->attributes)
		return o->attributes->block.len;
	size = o->record->label.len + o->record->id.len;
	if (o->klass == CKO_PRIVATE_KEY || o->klass == CKO_PUBLIC_KEY)
		return size + CARD_MODULUS_SIZE;
	return size + (o->value_read ? o->value.len : o->record->length);
}

CK_RV session_object_size(struct session *s, CK_OBJECT_HANDLE handle, CK_ULONG *size)
{
	const struct object *o;

	slot_lock(s->slot);
	o = token_object(&s->slot->token, handle);
	if (o)
		*size = size_of(o);
	slot_unlock(s->slot);
	return o ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}
