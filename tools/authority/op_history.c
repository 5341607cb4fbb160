/* history and get: what a card may see, which is what it gave or got. */
#include "config.h"

#include <string.h>

#include "tools/authority/delegation.h"
#include "tools/authority/fields.h"

#define NEWEST 40 /* the manual's number */
#define PAGE 40

/* ---- history ---- */

struct question {
	struct store_filter filter;
	enum store_kind kind;
};

static bool read_kind(struct json_object *fields, struct question *q)
{
	const char *name = fields_text(fields, "kind");

	if (!name)
		return fields_absent(fields, "kind");
	if (strcmp(name, "all") == 0)
		return true;
	q->filter.kind = &q->kind;
	return store_kind_of(name, &q->kind);
}

static bool read_direction(const struct operation_call *call, struct question *q)
{
	const char *name = fields_text(call->fields, "direction");

	if (!name)
		return false;
	if (strcmp(name, "issued") == 0)
		q->filter.authorizer = call->message->who;
	else if (strcmp(name, "received") == 0)
		q->filter.holder = call->message->who;
	return q->filter.authorizer || q->filter.holder;
}

static bool read_question(const struct operation_call *call, struct question *q)
{
	time_t from = 0, to = 0;

	*q = (struct question){.filter = {.limit = PAGE, .states = ~(1U << STORE_RESERVED)}};
	if (!fields_time(call->fields, "from", &from) && !fields_absent(call->fields, "from"))
		return false;
	if (!fields_time(call->fields, "to", &to) && !fields_absent(call->fields, "to"))
		return false;
	q->filter.from = from;
	q->filter.to = to;
	return (!to || from <= to) && read_kind(call->fields, q) && read_direction(call, q);
}

/* NULL: no certificate came of it. */
static struct json_object *tell_row(const struct store_certificate *c)
{
	struct authz_cert *cert = NULL;
	struct json_object *row;
	const struct authz_info *info;

	if (!c->der.data || authz_cert_parse(c->der.data, c->der.len, NULL, &cert) != AUTHZ_GOOD)
		return NULL;
	info = authz_cert_info(cert);
	row = json_object_new_object();
	json_object_object_add(row, "serial", json_object_new_string(c->serial));
	json_object_object_add(row, "kind", json_object_new_string(store_kind_name(c->kind)));
	json_object_object_add(row, "state", json_object_new_string(store_state_name(c->state)));
	json_object_object_add(row, "issued", fields_time_json(c->created));
	json_object_object_add(row, "holder_serial",
			       info->holder_serial ? json_object_new_string(info->holder_serial) : NULL);
	json_object_object_add(row, "issuer", json_object_new_string(info->issuer));
	json_object_object_add(row, "certificate", fields_base64(c->der.data, c->der.len));
	authz_cert_free(cert);
	return row;
}

/* Reservations that were withdrawn have no certificate: the next page may be wanted for others. */
static enum store_result gather(struct operation_call *call, struct question *q, struct json_object *list, bool *more)
{
	enum store_result r = STORE_OK;

	*more = true;
	while (r == STORE_OK && *more && json_object_array_length(list) < NEWEST) {
		struct store_certificates page = {.rows = NULL};
		size_t i = 0;

		r = store_certificate_list(call->tx, &q->filter, &page);
		for (; i < page.count && json_object_array_length(list) < NEWEST; i++) {
			struct json_object *row = tell_row(&page.rows[i]);

			if (row)
				json_object_array_add(list, row);
			q->filter.before = page.rows[i].number;
		}
		*more = page.more || i < page.count;
		store_certificates_clear(&page);
	}
	return r;
}

enum store_result operation_history(struct operation_call *call)
{
	struct json_object *list;
	struct question q;
	bool more;
	enum store_result r;

	if (!read_question(call, &q))
		return operation_refuse(call, ERROR_BAD_REQUEST, AUTHZ_UNDECIDED);
	list = json_object_new_array();
	r = gather(call, &q, list, &more);
	if (r != STORE_OK) {
		json_object_put(list);
		return r;
	}
	call->answer = json_object_new_object();
	json_object_object_add(call->answer, "certificates", list);
	json_object_object_add(call->answer, "more", json_object_new_boolean(more));
	return STORE_OK;
}

/* ---- get ---- */

static void tell_one(struct operation_call *call, const struct store_certificate *c,
		     const struct store_certificate *delegation)
{
	struct json_object *a = json_object_new_object();

	json_object_object_add(a, "certificate", fields_base64(c->der.data, c->der.len));
	json_object_object_add(a, "authorizer", fields_base64(c->authorizer_der.data, c->authorizer_der.len));
	json_object_object_add(a, "holder", fields_base64(c->holder_der.data, c->holder_der.len));
	json_object_object_add(a, "state", json_object_new_string(store_state_name(c->state)));
	delegation_tell(a, delegation);
	call->answer = a;
}

/* As it is now: a delegation that has been disabled since is shown so. */
static enum store_result find_delegation(struct operation_call *call, const struct store_certificate *c,
					 struct store_certificate *out, bool *found)
{
	enum store_result r = c->primary_der.data ? delegation_newest(call->tx, c->authorizer, out) : STORE_NONE;

	*found = r == STORE_OK;
	return r == STORE_NONE ? STORE_OK : r;
}

enum store_result operation_get(struct operation_call *call)
{
	const char *serial = fields_text(call->fields, "serial");
	struct store_certificate c = {.reservation = NULL}, delegation = {.reservation = NULL};
	bool found = false;
	enum store_result r;

	if (!serial)
		return operation_refuse(call, ERROR_BAD_REQUEST, AUTHZ_UNDECIDED);
	r = store_certificate_by_serial(call->tx, serial, &c);
	if (r == STORE_NONE) {
		r = operation_refuse(call, ERROR_UNKNOWN_SERIAL, AUTHZ_UNDECIDED);
	} else if (r == STORE_OK && strcmp(c.holder, call->message->who) != 0 &&
		   strcmp(c.authorizer, call->message->who) != 0) {
		r = operation_refuse(call, ERROR_WRONG_CARD, AUTHZ_UNDECIDED);
	} else if (r == STORE_OK) {
		r = find_delegation(call, &c, &delegation, &found);
		if (r == STORE_OK)
			tell_one(call, &c, found ? &delegation : NULL);
	}
	store_certificate_clear(&c);
	store_certificate_clear(&delegation);
	return r;
}
