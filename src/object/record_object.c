#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/rv.h"
#include "src/object/attribute.h"
#include "src/object/record_object.h"
#include "src/object/schema.h"
#include "src/token/data_area.h"

#define DECIMAL 10

/* ---- which ---- */

static bool says_bool(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type)
{
	const CK_ATTRIBUTE *a = value_in_template(template, count, type);

	return a && value_has_form(FORM_BOOL, a) && *(const CK_BBOOL *)a->pValue;
}

static CK_ULONG said_number(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type)
{
	const CK_ATTRIBUTE *a = value_in_template(template, count, type);
	CK_ULONG number = CK_UNAVAILABLE_INFORMATION;

	if (a && value_has_form(FORM_ULONG, a))
		memcpy(&number, a->pValue, sizeof number);
	return number;
}

static CK_OBJECT_CLASS said_class(const CK_ATTRIBUTE *template, CK_ULONG count)
{
	return schema_class(said_number(template, count, CKA_CLASS),
			    said_number(template, count, CKA_CERTIFICATE_TYPE));
}

bool record_object_is_meant(const CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_OBJECT_CLASS klass = said_class(template, count);

	return says_bool(template, count, CKA_TOKEN) && (klass == CKO_DATA || klass == SCHEMA_ATTRIBUTE);
}

bool record_object_is(struct session *s, CK_OBJECT_HANDLE handle)
{
	const struct object *o;
	bool it_is;

	slot_lock(s->slot);
	o = token_object(&s->slot->token, handle);
	it_is = o && o->sno;
	slot_unlock(s->slot);
	return it_is;
}

/* ---- who may ---- */

static CK_RV may_write(const struct session *s)
{
	const struct token *t = &s->slot->token;

	if (!t->may_write)
		return CKR_TOKEN_WRITE_PROTECTED;
	if (!(s->flags & CKF_RW_SESSION))
		return CKR_SESSION_READ_ONLY;
	return t->logged_in ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
}

/* The number of the record that an object is; CKR_ACTION_PROHIBITED: not this one. */
static CK_RV find_record(struct session *s, CK_OBJECT_HANDLE handle, bool only_data, uint32_t *sno)
{
	const struct object *o;
	CK_RV rv;

	slot_lock(s->slot);
	o = token_object(&s->slot->token, handle);
	if (!o)
		rv = CKR_OBJECT_HANDLE_INVALID;
	else if (!o->may_change || (only_data && o->klass != CKO_DATA))
		rv = CKR_ACTION_PROHIBITED;
	else
		rv = may_write(s);
	*sno = rv == CKR_OK ? o->sno : 0;
	slot_unlock(s->slot);
	return rv;
}

/* ---- what a template says ---- */

/* "SNO 7": the number, without anything before or behind it. */
static bool parse_label(const CK_ATTRIBUTE *label, uint32_t *sno)
{
	static const char before[] = TOKEN_RECORD_LABEL;
	const size_t skip = sizeof before - 1;
	const char *text = label->pValue;
	uint64_t number = 0;

	if (label->ulValueLen <= skip || memcmp(text, before, skip) != 0 || text[skip] == '0')
		return false;
	for (size_t i = skip; i < label->ulValueLen; i++) {
		if (text[i] < '0' || text[i] > '9' || number > UINT32_MAX)
			return false;
		number = DECIMAL * number + (unsigned)(text[i] - '0');
	}
	*sno = (uint32_t)number;
	return number <= UINT32_MAX;
}

static CK_RV settle_number(const CK_ATTRIBUTE *template, CK_ULONG count, uint32_t *sno)
{
	const CK_ATTRIBUTE *label = value_in_template(template, count, CKA_LABEL);

	*sno = RECORD_AUTHORIZATION;
	if (!label)
		return said_class(template, count) == CKO_DATA ? CKR_TEMPLATE_INCOMPLETE : CKR_OK;
	if (!value_has_form(FORM_BYTES, label))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return parse_label(label, sno) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV settle_value(const CK_ATTRIBUTE *value)
{
	if (!value)
		return CKR_TEMPLATE_INCOMPLETE;
	if (!value_has_form(FORM_BYTES, value) || !value->ulValueLen ||
	    value->ulValueLen > AREA_RECORD_MAX)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return CKR_OK;
}

/* What the schema asks of a template, and that it wants nothing that a record cannot have. */
static CK_RV check_template(const CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_OBJECT_CLASS klass = said_class(template, count);

	for (CK_ULONG i = 0; i < count; i++) {
		const struct schema_row *row = schema_find(klass, template[i].type);

		if (!row)
			return CKR_ATTRIBUTE_TYPE_INVALID;
		if (!value_has_form(row->form, &template[i]) ||
		    (row->check && !row->check(template[i].pValue, template[i].ulValueLen)))
			return CKR_ATTRIBUTE_VALUE_INVALID;
	}
	return CKR_OK;
}

/*
 * The object as it will be says of itself what the template says, before
 * anything is written: a record has no room for more than its value.
 */
static CK_RV agrees(struct session *s, uint32_t sno, const CK_ATTRIBUTE *template, CK_ULONG count)
{
	const CK_ATTRIBUTE *value = value_in_template(template, count, CKA_VALUE);
	bool data = said_class(template, count) == CKO_DATA;
	struct token *t = &s->slot->token;
	struct area_objects *record;
	CK_RV rv;

	slot_lock(s->slot);
	rv = rv_of(token_imagine_record(t, sno, value->pValue, value->ulValueLen, &record));
	if (rv == CKR_OK && !data && !record->certificate.value_read)
		rv = CKR_TEMPLATE_INCONSISTENT;
	if (rv == CKR_OK)
		rv = attributes_agree(t, data ? &record->data : &record->certificate, template, count);
	token_forget_imagined(t, record);
	slot_unlock(s->slot);
	return rv;
}

/* ---- what is done ---- */

static CK_OBJECT_HANDLE handle_of(struct session *s, uint32_t sno, bool data)
{
	CK_OBJECT_HANDLE handle;

	slot_lock(s->slot);
	handle = token_record_handle(&s->slot->token, sno, !data);
	slot_unlock(s->slot);
	return handle;
}

CK_RV record_object_create(struct session *s, const CK_ATTRIBUTE *template, CK_ULONG count,
			   CK_OBJECT_HANDLE *handle)
{
	const CK_ATTRIBUTE *value = value_in_template(template, count, CKA_VALUE);
	bool data = said_class(template, count) == CKO_DATA;
	uint32_t sno = 0;
	CK_RV rv;

	slot_lock(s->slot);
	rv = may_write(s);
	slot_unlock(s->slot);
	if (rv == CKR_OK)
		rv = check_template(template, count);
	if (rv == CKR_OK)
		rv = settle_value(value);
	if (rv == CKR_OK && !data && !value_in_template(template, count, CKA_OWNER))
		rv = CKR_TEMPLATE_INCOMPLETE;
	if (rv == CKR_OK)
		rv = settle_number(template, count, &sno);
	if (rv == CKR_OK)
		rv = agrees(s, sno, template, count);
	if (rv == CKR_OK)
		rv = rv_of(slot_load_records(s->slot, false, false));
	if (rv == CKR_OK)
		rv = rv_of(data_area_write(s->slot, sno, AREA_INSERT, value->pValue, value->ulValueLen));
	if (rv == CKR_OK)
		*handle = handle_of(s, sno, data);
	return rv;
}

CK_RV record_object_destroy(struct session *s, CK_OBJECT_HANDLE handle)
{
	uint32_t sno;
	CK_RV rv = find_record(s, handle, false, &sno);

	return rv == CKR_OK ? rv_of(data_area_delete(s->slot, sno)) : rv;
}

CK_RV record_object_replace(struct session *s, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *template,
			    CK_ULONG count)
{
	uint32_t sno;
	CK_RV rv = find_record(s, handle, true, &sno);

	if (rv == CKR_OK && (count != 1 || template->type != CKA_VALUE))
		rv = CKR_ATTRIBUTE_READ_ONLY;
	if (rv == CKR_OK)
		rv = settle_value(template);
	return rv == CKR_OK ? rv_of(data_area_write(s->slot, sno, AREA_REPLACE, template->pValue,
						    template->ulValueLen))
			    : rv;
}
