#include "config.h"

#include <string.h>

#include "src/base/rv.h"
#include "src/object/attribute.h"
#include "src/object/schema.h"

/* An object that is being asked, and what was read of the card for it so far. */
struct asked {
	struct slot *slot;
	CK_OBJECT_HANDLE handle;
	struct object *object; /* NULL: it is gone */
	unsigned fetched;      /* enum slot_need: tried, each once */
	enum result results[SLOT_NEEDS]; /* what came of it, by the number of the bit */
};

/* Comes back with the lock held. */
static struct asked ask(struct slot *slot, CK_OBJECT_HANDLE handle)
{
	slot_lock(slot);
	return (struct asked){.slot = slot,
			      .handle = handle,
			      .object = token_object(&slot->token, handle)};
}

/*
 * Reads what is needed, once for all attributes that need it. Card I/O wants
 * the lock free; the object may be gone when it is back.
 */
static enum result fetch(struct asked *a, unsigned need)
{
	enum result *result = &a->results[__builtin_ctz(need)];

	if (a->fetched & need)
		return *result;
	a->fetched |= need;
	slot_unlock(a->slot);
	*result = slot_fetch(a->slot, a->handle, need);
	slot_lock(a->slot);
	a->object = token_object(&a->slot->token, a->handle);
	return *result;
}

/* The card's secrets stay there; a session key says itself whether it is shown. */
static bool is_secret(const struct object *o, const struct schema_row *row)
{
	if (!(row->rules & RULE_SECRET))
		return false;
	return !o->attributes || store_bool(o->attributes, CKA_SENSITIVE) ||
	       !store_bool(o->attributes, CKA_EXTRACTABLE);
}

/* What is in memory. RESULT_NOT_READ, with *needs: it is not. */
static enum result look(struct asked *a, const struct schema_row *row, struct buffer *out,
			unsigned *needs)
{
	struct request q = {&a->slot->token, a->object, row->arg, 0};
	const struct stored *value;
	enum result r;

	if (a->object->attributes) {
		value = store_get(a->object->attributes, row->type);
		return value ? buffer_append(out, value->data, value->len) : RESULT_OK;
	}
	r = row->get(&q, out);
	*needs = q.needs;
	return r;
}

/* Appends the value, which may have to be read first. */
static CK_RV get_one(struct asked *a, CK_ATTRIBUTE_TYPE type, struct buffer *out)
{
	const struct schema_row *row;
	unsigned needs = 0;
	enum result r;

	if (!a->object)
		return CKR_OBJECT_HANDLE_INVALID;
	row = schema_find(schema_class_of(a->object), type);
	if (!row)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (is_secret(a->object, row))
		return CKR_ATTRIBUTE_SENSITIVE;
	if (!a->object->attributes && !row->get)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	r = look(a, row, out, &needs);
	if (r != RESULT_NOT_READ)
		return rv_of(r);
	r = fetch(a, needs);
	if (r != RESULT_OK)
		return rv_of(r);
	if (!a->object)
		return CKR_OBJECT_HANDLE_INVALID;
	r = look(a, row, out, &needs);
	return rv_of(r == RESULT_NOT_READ ? RESULT_NOT_FOUND : r);
}

/* PKCS#11, C_GetAttributeValue: a length, a value, or neither. */
static CK_RV deliver(CK_ATTRIBUTE *entry, const void *value, size_t len)
{
	/* what an earlier call left there is no room */
	bool no_room = entry->ulValueLen == CK_UNAVAILABLE_INFORMATION || entry->ulValueLen < len;

	if (entry->pValue && len && no_room) {
		entry->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return CKR_BUFFER_TOO_SMALL;
	}
	if (entry->pValue && len)
		memcpy(entry->pValue, value, len);
	entry->ulValueLen = len;
	return CKR_OK;
}

/* An array attribute: the entries in the caller's are filled in turn. */
static CK_RV deliver_template(CK_ATTRIBUTE *entry, const struct buffer *value)
{
	struct store inner = value_as_store(value->data, value->len);
	const struct stored *item = NULL;
	CK_ATTRIBUTE *array = entry->pValue;
	CK_ULONG room = entry->ulValueLen, size = 0;
	CK_RV first = CKR_OK;

	while ((item = store_next(&inner, item)))
		size += sizeof *array;
	entry->ulValueLen = size;
	if (!array)
		return CKR_OK;
	if (size && (room == CK_UNAVAILABLE_INFORMATION || room < size)) {
		entry->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return CKR_BUFFER_TOO_SMALL;
	}
	for (item = store_next(&inner, NULL); item; item = store_next(&inner, item), array++) {
		CK_RV rv;

		array->type = item->type;
		rv = deliver(array, item->data, item->len);
		if (first == CKR_OK)
			first = rv;
	}
	return first;
}

static CK_RV fill(struct asked *a, CK_ATTRIBUTE *entry)
{
	struct buffer value = BUFFER_INIT;
	CK_RV rv = get_one(a, entry->type, &value);

	if (rv != CKR_OK)
		entry->ulValueLen = CK_UNAVAILABLE_INFORMATION;
	else if (schema_find(schema_class_of(a->object), entry->type)->form == FORM_TEMPLATE)
		rv = deliver_template(entry, &value);
	else
		rv = deliver(entry, value.data, value.len);
	buffer_clear(&value);
	return rv;
}

CK_RV attributes_get(struct slot *slot, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *template,
		     CK_ULONG count)
{
	struct asked a = ask(slot, handle);
	bool there = a.object;
	CK_RV first = there ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;

	for (CK_ULONG i = 0; there && i < count; i++) {
		CK_RV rv = fill(&a, &template[i]);

		if (first == CKR_OK)
			first = rv;
	}
	slot_unlock(slot);
	return first;
}

/* The caller's value, of which no byte is read unless its length is that of ours. */
static bool has_bytes(const struct buffer *ours, const void *theirs, size_t len)
{
	return len == ours->len && (len == 0 || memcmp(ours->data, theirs, len) == 0);
}

/* An error says nothing of the two values. */
static CK_RV compare(const struct schema_row *row, const CK_ATTRIBUTE *theirs,
		     const struct buffer *ours, bool *same)
{
	struct buffer kept = BUFFER_INIT;
	CK_RV rv = CKR_OK;

	*same = false;
	if (row->form != FORM_TEMPLATE) {
		*same = has_bytes(ours, theirs->pValue, theirs->ulValueLen);
	} else if (value_has_form(row->form, theirs)) {
		rv = rv_of(value_of_template(theirs, &kept));
		*same = rv == CKR_OK && has_bytes(ours, kept.data, kept.len);
	}
	buffer_clear(&kept);
	return rv;
}

CK_RV attributes_match(struct slot *slot, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *template,
		       CK_ULONG count, bool *match)
{
	struct asked a = ask(slot, handle);
	CK_RV rv = CKR_OK;

	*match = a.object;
	for (CK_ULONG i = 0; *match && i < count; i++) {
		const struct schema_row *row = schema_find(schema_class_of(a.object), template[i].type);
		struct buffer value = BUFFER_INIT;

		rv = get_one(&a, template[i].type, &value);
		*match = false;
		if (rv == CKR_OK)
			rv = compare(row, &template[i], &value, match);
		buffer_clear(&value);
	}
	slot_unlock(slot);
	/* not to have it, not to tell it, and to be gone is no error of a search */
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE ||
	    rv == CKR_OBJECT_HANDLE_INVALID)
		rv = CKR_OK;
	return rv;
}

/* Not to have it is to have another value. */
static CK_RV has_value(struct token *t, struct object *o, const CK_ATTRIBUTE *wanted)
{
	const struct schema_row *row = schema_find(schema_class_of(o), wanted->type);
	struct request q = {t, o, row ? row->arg : 0, 0};
	struct buffer value = BUFFER_INIT;
	CK_RV rv = CKR_ATTRIBUTE_TYPE_INVALID;
	bool same = false;

	if (row && row->get)
		rv = rv_of(row->get(&q, &value));
	if (rv == CKR_OK)
		rv = compare(row, wanted, &value, &same);
	buffer_clear(&value);
	if (rv == CKR_HOST_MEMORY || rv == CKR_FUNCTION_FAILED)
		return rv;
	return same ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

CK_RV attributes_agree(struct token *t, struct object *o, const CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_RV rv = CKR_OK;

	for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++)
		rv = has_value(t, o, &template[i]);
	return rv;
}

bool attribute_allows_mechanism(const struct object *key, CK_MECHANISM_TYPE mechanism)
{
	const struct stored *list =
		key->attributes ? store_get(key->attributes, CKA_ALLOWED_MECHANISMS) : NULL;

	for (size_t at = 0; list && at < list->len; at += sizeof mechanism)
		if (memcmp(list->data + at, &mechanism, sizeof mechanism) == 0)
			return true;
	return !list || !list->len;
}

bool attribute_allows_wrapping(const struct object *wrapping, const struct object *key)
{
	const struct stored *wanted =
		wrapping->attributes ? store_get(wrapping->attributes, CKA_WRAP_TEMPLATE) : NULL;
	const struct stored *item = NULL, *has;
	struct store inner;

	if (!wanted || !wanted->len)
		return true;
	inner = value_as_store(wanted->data, wanted->len);
	while ((item = store_next(&inner, item))) {
		has = key->attributes ? store_get(key->attributes, item->type) : NULL;
		if (!has || has->len != item->len || memcmp(has->data, item->data, item->len) != 0)
			return false;
	}
	return true;
}
