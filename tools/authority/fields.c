#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/authority/fields.h"
#include "tools/authority/hex.h"

#define X509_MAX 8192 /* bytes of a card's certificate */

struct json_object *fields_parse(const void *bytes, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(FIELDS_DEPTH);
	struct json_object *all = NULL;

	if (tokener && len <= INT32_MAX) {
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		all = json_tokener_parse_ex(tokener, bytes, (int)len);
		if (json_tokener_get_error(tokener) != json_tokener_success ||
		    json_tokener_get_parse_end(tokener) != len || !json_object_is_type(all, json_type_object)) {
			json_object_put(all);
			all = NULL;
		}
	}
	if (tokener)
		json_tokener_free(tokener);
	return all;
}

static struct json_object *typed(struct json_object *from, const char *name, enum json_type type)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(from, name, &value) && json_object_is_type(value, type) ? value : NULL;
}

const char *fields_text(struct json_object *from, const char *name)
{
	struct json_object *value = typed(from, name, json_type_string);
	const char *text = value ? json_object_get_string(value) : NULL;

	return text && strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

bool fields_absent(struct json_object *from, const char *name)
{
	struct json_object *value = NULL;

	return !json_object_object_get_ex(from, name, &value) || !value;
}

struct json_object *fields_object(struct json_object *from, const char *name)
{
	return typed(from, name, json_type_object);
}

bool fields_bool(struct json_object *from, const char *name, bool *out)
{
	struct json_object *value = typed(from, name, json_type_boolean);

	if (value)
		*out = json_object_get_boolean(value);
	return value != NULL;
}

bool fields_number(struct json_object *from, const char *name, int64_t *out)
{
	struct json_object *value = typed(from, name, json_type_int);

	if (value)
		*out = json_object_get_int64(value);
	return value != NULL;
}

bool fields_time(struct json_object *from, const char *name, time_t *out)
{
	const char *text = fields_text(from, name);

	return text && hex_time_read(text, out);
}

bool fields_hex(struct json_object *from, const char *name, uint8_t *out, size_t len)
{
	const char *text = fields_text(from, name);

	return text && hex_read(text, out, len);
}

uint8_t *fields_der(struct json_object *from, const char *name, size_t max, size_t *len)
{
	const char *text = fields_text(from, name);

	return text ? hex_base64_read(text, max, len) : NULL;
}

X509 *fields_x509(struct json_object *from, const char *name)
{
	size_t len = 0;
	uint8_t *der = fields_der(from, name, X509_MAX, &len);
	const unsigned char *p = der;
	X509 *x = der ? d2i_X509(NULL, &p, (long)len) : NULL;

	if (x && p != der + len) {
		X509_free(x);
		x = NULL;
	}
	free(der);
	return x;
}

struct json_object *fields_base64(const uint8_t *data, size_t len)
{
	char *text = data ? hex_base64_write(data, len) : NULL;
	struct json_object *value = text ? json_object_new_string(text) : NULL;

	free(text);
	return value;
}

struct json_object *fields_time_json(time_t t)
{
	char text[HEX_TIME_MAX];

	hex_time_write(t, text);
	return json_object_new_string(text);
}

/* ---- what is authorized ---- */

/* A text or nothing; false: something else. */
static bool take_text(struct json_object *from, const char *name, const char **out)
{
	*out = fields_text(from, name);
	return *out || fields_absent(from, name);
}

static bool take_grant(struct json_object *from, struct authz_grant *out)
{
	return json_object_is_type(from, json_type_object) && take_text(from, "application", &out->application) &&
	       take_text(from, "unit_name", &out->unit_name) && take_text(from, "unit_code", &out->unit_code) &&
	       take_text(from, "role", &out->role);
}

static bool take_bearer(struct json_object *content, struct authz_spec *out)
{
	struct json_object *bearer = fields_object(content, "bearer");
	const char *kind = bearer ? fields_text(bearer, "kind") : NULL;

	out->bearer_id = bearer ? fields_text(bearer, "number") : NULL;
	if (!kind || !out->bearer_id || (strcmp(kind, "national") != 0 && strcmp(kind, "other") != 0))
		return false;
	out->bearer_id_kind = strcmp(kind, "national") == 0 ? AUTHZ_ID_NATIONAL : AUTHZ_ID_OTHER;
	return true;
}

static bool take_grants(struct json_object *content, struct authz_spec *out)
{
	struct json_object *grants = typed(content, "grants", json_type_array);
	size_t count = grants ? json_object_array_length(grants) : 0;

	if (!grants || count > AUTHZ_GRANTS_MAX)
		return false;
	out->grant_count = count;
	for (size_t i = 0; i < count; i++)
		if (!take_grant(json_object_array_get_idx(grants, i), &out->grants[i]))
			return false;
	return true;
}

bool fields_content(struct json_object *content, enum authz_kind kind, struct authz_spec *out)
{
	struct json_object *scope = fields_object(content, "scope");

	out->kind = kind;
	if (!take_bearer(content, out))
		return false;
	if (kind == AUTHZ_KIND_APPLICATIONS)
		return take_grants(content, out);
	return fields_bool(content, "disabled", &out->delegation_disabled) &&
	       (scope ? take_grant(scope, &out->delegation_scope) && !out->delegation_scope.application
		      : fields_absent(content, "scope"));
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_grant(const struct authz_grant *a, const struct authz_grant *b)
{
	return same_text(a->application, b->application) && same_text(a->unit_name, b->unit_name) &&
	       same_text(a->unit_code, b->unit_code) && same_text(a->role, b->role);
}

bool fields_same(const struct authz_spec *wanted, const struct authz_info *got)
{
	if (wanted->kind != got->kind || wanted->sequence != got->sequence ||
	    wanted->not_before != got->not_before || wanted->not_after != got->not_after ||
	    wanted->bearer_id_kind != got->bearer_id_kind || !same_text(wanted->bearer_id, got->bearer_id))
		return false;
	if (wanted->kind == AUTHZ_KIND_DELEGATION)
		return wanted->delegation_disabled == got->delegation_disabled &&
		       same_grant(&wanted->delegation_scope, &got->delegation_scope);
	if (wanted->grant_count != got->grant_count)
		return false;
	for (size_t i = 0; i < got->grant_count; i++)
		if (!same_grant(&wanted->grants[i], &got->grants[i]))
			return false;
	return true;
}
