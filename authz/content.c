#include "config.h"

#include <string.h>

#include "authz/asn1.h"
#include "authz/content.h"
#include "authz/id_number.h"
#include "authz/strict.h"

/* ---- texts in both directions ---- */

/* Absent: NULL. */
static enum authz_reason read_text(const ASN1_UTF8STRING *s, size_t max, struct pool *pool, const char **out)
{
	size_t len = s ? (size_t)ASN1_STRING_length(s) : 0;

	*out = NULL;
	if (!s)
		return AUTHZ_GOOD;
	if (!strict_text(ASN1_STRING_get0_data(s), len, max))
		return AUTHZ_TEXT;
	*out = pool_copy(pool, ASN1_STRING_get0_data(s), len);
	return *out ? AUTHZ_GOOD : AUTHZ_NO_MEMORY;
}

static enum authz_reason write_text(const char *text, size_t max, ASN1_UTF8STRING **out)
{
	size_t len = text ? strnlen(text, max + 1) : 0;

	if (!text)
		return AUTHZ_GOOD;
	if (!strict_text(text, len, max))
		return AUTHZ_TEXT;
	if (!*out)
		*out = ASN1_UTF8STRING_new();
	return *out && ASN1_STRING_set(*out, text, (int)len) ? AUTHZ_GOOD : AUTHZ_NO_MEMORY;
}

/* Unit and role, which authorizations and delegations have alike. */
struct place {
	ASN1_UTF8STRING **unit_name, **unit_code, **role;
};

static enum authz_reason read_place(struct place from, struct pool *pool, struct authz_grant *out)
{
	enum authz_reason r = read_text(*from.unit_name, AUTHZ_UNIT_NAME_MAX, pool, &out->unit_name);

	if (r == AUTHZ_GOOD)
		r = read_text(*from.unit_code, AUTHZ_UNIT_CODE_MAX, pool, &out->unit_code);
	if (r == AUTHZ_GOOD)
		r = read_text(*from.role, AUTHZ_ROLE_MAX, pool, &out->role);
	return r;
}

static enum authz_reason write_place(const struct authz_grant *from, struct place to)
{
	enum authz_reason r = write_text(from->unit_name, AUTHZ_UNIT_NAME_MAX, to.unit_name);

	if (r == AUTHZ_GOOD)
		r = write_text(from->unit_code, AUTHZ_UNIT_CODE_MAX, to.unit_code);
	if (r == AUTHZ_GOOD)
		r = write_text(from->role, AUTHZ_ROLE_MAX, to.role);
	return r;
}

/* ---- reading ---- */

struct reader {
	struct authz_info *info;
	struct pool *pool;
	bool seen[OIDS_COUNT];
};

static enum authz_reason read_grant(const TWCARD_AC_GRANT *g, struct reader *to)
{
	struct authz_grant *out = &to->info->grants[to->info->grant_count++];
	struct place place = {(ASN1_UTF8STRING **)&g->unit_name, (ASN1_UTF8STRING **)&g->unit_code,
			      (ASN1_UTF8STRING **)&g->role};
	enum authz_reason r = read_text(g->application, AUTHZ_APPLICATION_MAX, to->pool, &out->application);

	return r == AUTHZ_GOOD ? read_place(place, to->pool, out) : r;
}

static enum authz_reason read_grants(const void *value, struct reader *to)
{
	const TWCARD_AC_GRANTS *grants = value;
	enum authz_reason r = AUTHZ_GOOD;

	if (sk_TWCARD_AC_GRANT_num(grants) > AUTHZ_GRANTS_MAX)
		return AUTHZ_TOO_MANY;
	for (int i = 0; r == AUTHZ_GOOD && i < sk_TWCARD_AC_GRANT_num(grants); i++)
		r = read_grant(sk_TWCARD_AC_GRANT_value(grants, i), to);
	return r;
}

/* False: it is neither 0 nor 1, the only values that our enumerations have. */
static bool read_choice(const ASN1_ENUMERATED *from, bool *out)
{
	int64_t value;

	if (!ASN1_ENUMERATED_get_int64(&value, from) || value < 0 || value > 1)
		return false;
	*out = value == 1;
	return true;
}

static enum authz_reason read_delegation(const void *value, struct reader *to)
{
	const TWCARD_AC_DELEGATION *d = value;
	struct place place = {(ASN1_UTF8STRING **)&d->unit_name, (ASN1_UTF8STRING **)&d->unit_code,
			      (ASN1_UTF8STRING **)&d->role};

	if (!read_choice(d->state, &to->info->delegation_disabled))
		return AUTHZ_ATTRIBUTE_FORM;
	return read_place(place, to->pool, &to->info->delegation_scope);
}

static enum authz_reason read_bearer(const void *value, struct reader *to)
{
	const TWCARD_AC_BEARER *b = value;
	bool other;

	if (!read_choice(b->kind, &other))
		return AUTHZ_ATTRIBUTE_FORM;
	to->info->bearer_id_kind = other ? AUTHZ_ID_OTHER : AUTHZ_ID_NATIONAL;
	return read_text(b->number, AUTHZ_ID_MAX, to->pool, &to->info->bearer_id);
}

static const struct {
	const ASN1_ITEM *(*item)(void);
	enum authz_reason (*read)(const void *value, struct reader *to);
} forms[OIDS_COUNT] = {
	[OIDS_AUTHORIZATIONS] = {TWCARD_AC_GRANTS_it, read_grants},
	[OIDS_DELEGATION] = {TWCARD_AC_DELEGATION_it, read_delegation},
	[OIDS_BEARER_ID] = {TWCARD_AC_BEARER_it, read_bearer},
};

/* Which of ours it is; OIDS_COUNT: none. */
static int which(const X509_ATTRIBUTE *attribute, const struct oids *oids)
{
	int i = 0;

	while (i < OIDS_COUNT &&
	       OBJ_cmp(X509_ATTRIBUTE_get0_object((X509_ATTRIBUTE *)attribute), oids->objects[i]) != 0)
		i++;
	return i;
}

static enum authz_reason read_attribute(X509_ATTRIBUTE *attribute, int i, struct reader *to)
{
	const ASN1_TYPE *type = X509_ATTRIBUTE_get0_type(attribute, 0);
	const unsigned char *p, *end;
	enum authz_reason r = AUTHZ_ATTRIBUTE_FORM;
	ASN1_VALUE *value;

	if (X509_ATTRIBUTE_count(attribute) != 1 || !type || type->type != V_ASN1_SEQUENCE)
		return AUTHZ_ATTRIBUTE_FORM;
	p = ASN1_STRING_get0_data(type->value.sequence);
	end = p + ASN1_STRING_length(type->value.sequence);
	value = ASN1_item_d2i(NULL, &p, end - p, forms[i].item());
	if (value && p == end)
		r = forms[i].read(value, to);
	ASN1_item_free(value, forms[i].item());
	return r;
}

/* RFC 5755, 4.2.7: an attribute certificate has each type once. */
static bool has_duplicates(const STACK_OF(X509_ATTRIBUTE) *list)
{
	for (int i = 0; i < sk_X509_ATTRIBUTE_num(list); i++)
		for (int k = 0; k < i; k++)
			if (OBJ_cmp(X509_ATTRIBUTE_get0_object(sk_X509_ATTRIBUTE_value(list, i)),
				    X509_ATTRIBUTE_get0_object(sk_X509_ATTRIBUTE_value(list, k))) == 0)
				return true;
	return false;
}

enum authz_reason content_read(const STACK_OF(X509_ATTRIBUTE) *from, const struct oids *oids,
			       struct authz_info *info, struct pool *pool)
{
	struct reader to = {.info = info, .pool = pool};

	if (has_duplicates(from))
		return AUTHZ_DUPLICATE;
	for (int i = 0; i < sk_X509_ATTRIBUTE_num(from); i++) {
		X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(from, i);
		int form = which(attribute, oids);
		enum authz_reason r;

		if (form == OIDS_COUNT) {
			info->other_attributes++;
			continue;
		}
		r = read_attribute(attribute, form, &to);
		if (r != AUTHZ_GOOD)
			return r;
		to.seen[form] = true;
	}
	if (to.seen[OIDS_AUTHORIZATIONS] && to.seen[OIDS_DELEGATION])
		return AUTHZ_TWO_KINDS;
	info->kind = to.seen[OIDS_DELEGATION]       ? AUTHZ_KIND_DELEGATION
		     : to.seen[OIDS_AUTHORIZATIONS] ? AUTHZ_KIND_APPLICATIONS
						    : AUTHZ_KIND_NONE;
	return AUTHZ_GOOD;
}

/* ---- writing ---- */

static bool add_attribute(const ASN1_OBJECT *type, const void *value, const ASN1_ITEM *item,
			  STACK_OF(X509_ATTRIBUTE) *to)
{
	unsigned char *der = NULL;
	int len = ASN1_item_i2d(value, &der, item);
	X509_ATTRIBUTE *attribute =
		len > 0 ? X509_ATTRIBUTE_create_by_OBJ(NULL, type, V_ASN1_SEQUENCE, der, len) : NULL;
	bool ok = attribute && sk_X509_ATTRIBUTE_push(to, attribute) > 0;

	if (!ok)
		X509_ATTRIBUTE_free(attribute);
	OPENSSL_free(der);
	return ok;
}

static enum authz_reason write_grant(const struct authz_grant *grant, TWCARD_AC_GRANTS *to)
{
	TWCARD_AC_GRANT *g;
	enum authz_reason r;

	if (!grant->application)
		return AUTHZ_TEXT;
	g = (TWCARD_AC_GRANT *)ASN1_item_new(ASN1_ITEM_rptr(TWCARD_AC_GRANT));
	if (!g || sk_TWCARD_AC_GRANT_push(to, g) <= 0) {
		ASN1_item_free((ASN1_VALUE *)g, ASN1_ITEM_rptr(TWCARD_AC_GRANT));
		return AUTHZ_NO_MEMORY;
	}
	r = write_text(grant->application, AUTHZ_APPLICATION_MAX, &g->application);
	return r == AUTHZ_GOOD ? write_place(grant, (struct place){&g->unit_name, &g->unit_code, &g->role}) : r;
}

static enum authz_reason write_grants(const struct authz_spec *spec, const ASN1_OBJECT *type,
				      STACK_OF(X509_ATTRIBUTE) *to)
{
	TWCARD_AC_GRANTS *grants = sk_TWCARD_AC_GRANT_new_null();
	enum authz_reason r = grants ? AUTHZ_GOOD : AUTHZ_NO_MEMORY;

	if (spec->grant_count > AUTHZ_GRANTS_MAX)
		r = AUTHZ_TOO_MANY;
	for (size_t i = 0; r == AUTHZ_GOOD && i < spec->grant_count; i++)
		r = write_grant(&spec->grants[i], grants);
	if (r == AUTHZ_GOOD && !add_attribute(type, grants, ASN1_ITEM_rptr(TWCARD_AC_GRANTS), to))
		r = AUTHZ_NO_MEMORY;
	ASN1_item_free((ASN1_VALUE *)grants, ASN1_ITEM_rptr(TWCARD_AC_GRANTS));
	return r;
}

static enum authz_reason write_delegation(const struct authz_spec *spec, const ASN1_OBJECT *type,
					  STACK_OF(X509_ATTRIBUTE) *to)
{
	TWCARD_AC_DELEGATION *d =
		(TWCARD_AC_DELEGATION *)ASN1_item_new(ASN1_ITEM_rptr(TWCARD_AC_DELEGATION));
	int state = spec->delegation_disabled ? AC_DELEGATION_DISABLED : AC_DELEGATION_ENABLED;
	enum authz_reason r = AUTHZ_NO_MEMORY;

	if (spec->grant_count || spec->delegation_scope.application)
		r = AUTHZ_BAD_ARGUMENT;
	else if (d && ASN1_ENUMERATED_set(d->state, state))
		r = write_place(&spec->delegation_scope, (struct place){&d->unit_name, &d->unit_code, &d->role});
	if (r == AUTHZ_GOOD && !add_attribute(type, d, ASN1_ITEM_rptr(TWCARD_AC_DELEGATION), to))
		r = AUTHZ_NO_MEMORY;
	ASN1_item_free((ASN1_VALUE *)d, ASN1_ITEM_rptr(TWCARD_AC_DELEGATION));
	return r;
}

static enum authz_reason write_bearer(const struct authz_spec *spec, const ASN1_OBJECT *type,
				      STACK_OF(X509_ATTRIBUTE) *to)
{
	TWCARD_AC_BEARER *b;
	int kind = spec->bearer_id_kind == AUTHZ_ID_NATIONAL ? AC_ID_NATIONAL : AC_ID_OTHER;
	enum authz_reason r = AUTHZ_NO_MEMORY;

	if (!spec->bearer_id || !*spec->bearer_id)
		return AUTHZ_NO_BEARER;
	b = (TWCARD_AC_BEARER *)ASN1_item_new(ASN1_ITEM_rptr(TWCARD_AC_BEARER));
	if (b && ASN1_ENUMERATED_set(b->kind, kind))
		r = write_text(spec->bearer_id, AUTHZ_ID_MAX, &b->number);
	if (r == AUTHZ_GOOD && !add_attribute(type, b, ASN1_ITEM_rptr(TWCARD_AC_BEARER), to))
		r = AUTHZ_NO_MEMORY;
	ASN1_item_free((ASN1_VALUE *)b, ASN1_ITEM_rptr(TWCARD_AC_BEARER));
	return r;
}

enum authz_reason content_write(const struct authz_spec *spec, const struct oids *oids,
				STACK_OF(X509_ATTRIBUTE) *to)
{
	enum authz_reason r = AUTHZ_BAD_ARGUMENT;

	if (spec->kind == AUTHZ_KIND_APPLICATIONS)
		r = write_grants(spec, oids->objects[OIDS_AUTHORIZATIONS], to);
	else if (spec->kind == AUTHZ_KIND_DELEGATION)
		r = write_delegation(spec, oids->objects[OIDS_DELEGATION], to);
	return r == AUTHZ_GOOD ? write_bearer(spec, oids->objects[OIDS_BEARER_ID], to) : r;
}

bool content_copy_others(const STACK_OF(X509_ATTRIBUTE) *from, const struct oids *oids,
			 STACK_OF(X509_ATTRIBUTE) *to)
{
	for (int i = 0; i < sk_X509_ATTRIBUTE_num(from); i++) {
		X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(from, i), *copy;

		if (which(attribute, oids) != OIDS_COUNT)
			continue;
		copy = X509_ATTRIBUTE_dup(attribute);
		if (!copy || sk_X509_ATTRIBUTE_push(to, copy) <= 0) {
			X509_ATTRIBUTE_free(copy);
			return false;
		}
	}
	return true;
}

/* ---- checking ---- */

/* How many levels; 0: one of them is empty. */
static unsigned levels(const char *text)
{
	unsigned count = 1;
	const char *next;

	while ((next = strstr(text, AUTHZ_UNIT_SEPARATOR)) != NULL) {
		if (next == text)
			return 0;
		count++;
		text = next + strlen(AUTHZ_UNIT_SEPARATOR);
	}
	return *text ? count : 0;
}

static bool unit_fits(const struct authz_grant *g)
{
	if (g->unit_name && levels(g->unit_name) == 0)
		return false;
	if (!g->unit_code)
		return true;
	return g->unit_name && levels(g->unit_code) == levels(g->unit_name);
}

enum authz_reason content_check(const struct authz_info *info)
{
	if (info->kind == AUTHZ_KIND_NONE)
		return AUTHZ_NO_CONTENT;
	for (size_t i = 0; i < info->grant_count; i++)
		if (!unit_fits(&info->grants[i]))
			return AUTHZ_UNIT_LEVELS;
	if (!unit_fits(&info->delegation_scope))
		return AUTHZ_UNIT_LEVELS;
	return id_number_check(info->bearer_id_kind, info->bearer_id);
}
