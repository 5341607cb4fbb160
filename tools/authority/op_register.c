/* register, written, withdraw: what becomes of a reservation. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/authority/delegation.h"
#include "tools/authority/fields.h"

static struct json_object *tell_state(struct operation_call *call, const char *serial, enum store_state state)
{
	struct json_object *answer = json_object_new_object();

	if (serial) {
		json_object_object_add(answer, "serial", json_object_new_string(serial));
		snprintf(call->serial, sizeof call->serial, "%s", serial);
	}
	json_object_object_add(answer, "state", json_object_new_string(store_state_name(state)));
	return answer;
}

/* ---- register ---- */

/* What was reserved, as a specification; the texts live as long as *content. False: the database has nonsense. */
static bool reserved(const struct store_certificate *c, struct authz_spec *spec, struct json_object **content)
{
	*content = fields_parse(c->content, strlen(c->content));
	*spec = (struct authz_spec){.sequence = c->sequence, .not_before = c->not_before, .not_after = c->not_after};
	return *content && fields_content(*content,
					  c->kind == STORE_DELEGATION ? AUTHZ_KIND_DELEGATION : AUTHZ_KIND_APPLICATIONS,
					  spec);
}

/* What came: is it good, and what was reserved? */
struct arrival {
	struct store_certificate reservation, delegation;
	struct store_bytes der;
	struct authz_result result;
	bool disables;
};

static enum authz_reason verify(const struct operation_call *call, struct arrival *in)
{
	const struct store_certificate *c = &in->reservation;
	X509 *holder = delegation_x509(&c->holder_der), *primary = delegation_x509(&c->primary_der);
	struct authz_der delegation = {in->delegation.der.data, in->delegation.der.len};
	struct authz_request q = {
		.cert = {in->der.data, in->der.len},
		.kind = c->kind == STORE_DELEGATION ? AUTHZ_KIND_DELEGATION : AUTHZ_KIND_APPLICATIONS,
		.holder = holder,
		.authorizer = call->message->signer,
		.store = call->a->trust,
		.untrusted = call->message->others,
		.at = call->now,
		.primary = primary,
		.delegations = &delegation,
		.delegation_count = in->delegation.der.data ? 1 : 0,
	};
	enum authz_reason r = authz_verify(&q, &in->result);

	X509_free(holder);
	X509_free(primary);
	return r;
}

static enum store_result compare(struct operation_call *call, struct arrival *in)
{
	struct json_object *content = NULL;
	struct authz_spec spec;
	enum store_result r = reserved(&in->reservation, &spec, &content) ? STORE_OK : STORE_BROKEN;

	in->disables = spec.delegation_disabled;
	if (r == STORE_OK && !fields_same(&spec, authz_cert_info(in->result.cert)))
		r = operation_refuse(call, ERROR_NOT_AS_RESERVED, AUTHZ_UNDECIDED);
	json_object_put(content);
	return r;
}

/* The library says that the highest number of a primary card counts: one that is older comes too late. */
static enum store_result check_newest(struct operation_call *call, const struct arrival *in)
{
	struct store_certificate newest = {.reservation = NULL};
	enum store_result r;

	if (in->reservation.kind != STORE_DELEGATION)
		return STORE_OK;
	r = delegation_newest(call->tx, in->reservation.holder, &newest);
	if (r == STORE_OK && newest.number > in->reservation.number)
		operation_refuse(call, ERROR_WRONG_STATE, AUTHZ_UNDECIDED);
	store_certificate_clear(&newest);
	return r == STORE_NONE ? STORE_OK : r;
}

static enum store_result keep_signed(struct operation_call *call, const struct arrival *in)
{
	const struct store_certificate *c = &in->reservation;
	const char *serial = authz_cert_info(in->result.cert)->serial;
	enum store_state state = c->kind != STORE_DELEGATION ? STORE_SIGNED : in->disables ? STORE_DISABLED : STORE_ACTIVE;
	enum store_result r = store_certificate_set_signed(call->tx, c->reservation, serial, &in->der, state, call->now);

	if (r == STORE_OK && c->kind == STORE_DELEGATION)
		r = store_certificate_move(call->tx, c->holder, STORE_DELEGATION, STORE_ACTIVE,
					   in->disables ? STORE_DISABLED : STORE_REPLACED,
					   in->disables ? NULL : c->reservation, call->now);
	if (r == STORE_OK)
		call->answer = tell_state(call, serial, state);
	return r;
}

/* It is there already: then the same once more is no harm. */
static enum store_result again(struct operation_call *call, const struct arrival *in)
{
	const struct store_certificate *c = &in->reservation;
	bool same = c->der.len == in->der.len && c->der.data && memcmp(c->der.data, in->der.data, in->der.len) == 0;

	if (!same || c->state == STORE_WITHDRAWN)
		return operation_refuse(call, ERROR_WRONG_STATE, AUTHZ_UNDECIDED);
	call->answer = tell_state(call, c->serial, c->state);
	return STORE_OK;
}

static enum store_result take(struct operation_call *call, struct arrival *in)
{
	enum authz_reason reason = AUTHZ_GOOD;
	enum store_result r = STORE_OK;

	if (strcmp(in->reservation.authorizer, call->message->who) != 0)
		return operation_refuse(call, ERROR_WRONG_CARD, AUTHZ_UNDECIDED);
	if (in->reservation.state != STORE_RESERVED)
		return again(call, in);
	if (in->reservation.primary_der.data)
		r = delegation_ask(call, call->message->who, &in->delegation, &reason);
	if (r == STORE_OK)
		reason = verify(call, in);
	if (r == STORE_OK && reason != AUTHZ_GOOD)
		return operation_refuse_reason(call, reason);
	if (r == STORE_OK)
		r = compare(call, in);
	if (r == STORE_OK && call->error == ERROR_NONE)
		r = check_newest(call, in);
	return r == STORE_OK && call->error == ERROR_NONE ? keep_signed(call, in) : r;
}

enum store_result operation_register(struct operation_call *call)
{
	const char *reservation = fields_text(call->fields, "reservation");
	struct arrival in = {.disables = false};
	enum store_result r;

	in.der.data = fields_der(call->fields, "certificate", AUTHZ_DER_MAX, &in.der.len);
	if (!reservation || !in.der.data) {
		r = operation_refuse(call, ERROR_BAD_REQUEST, AUTHZ_UNDECIDED);
	} else {
		r = store_certificate_by_reservation(call->tx, reservation, &in.reservation);
		if (r == STORE_NONE)
			r = operation_refuse(call, ERROR_UNKNOWN_RESERVATION, AUTHZ_UNDECIDED);
		else if (r == STORE_OK)
			r = take(call, &in);
	}
	authz_result_clear(&in.result);
	store_certificate_clear(&in.reservation);
	store_certificate_clear(&in.delegation);
	free(in.der.data);
	return r;
}

/* ---- written ---- */

static enum store_result keep_written(struct operation_call *call, const struct store_certificate *c,
				      const uint8_t sha256[STORE_HASH])
{
	enum store_result r = STORE_OK;

	if (strcmp(c->holder, call->message->who) != 0)
		return operation_refuse(call, ERROR_WRONG_CARD, AUTHZ_UNDECIDED);
	if (memcmp(c->sha256, sha256, STORE_HASH) != 0)
		return operation_refuse(call, ERROR_NOT_AS_RESERVED, AUTHZ_UNDECIDED);
	/* a delegation counts from its registration: that it is on the card changes nothing */
	if (c->state == STORE_SIGNED) {
		r = store_certificate_set_state(call->tx, c->reservation, STORE_WRITTEN, call->now);
		if (r == STORE_OK)
			r = store_certificate_move(call->tx, c->holder, c->kind, STORE_WRITTEN, STORE_REPLACED,
						   c->reservation, call->now);
	} else if (c->state != STORE_WRITTEN && c->kind != STORE_DELEGATION) {
		return operation_refuse(call, ERROR_WRONG_STATE, AUTHZ_UNDECIDED);
	}
	if (r == STORE_OK)
		call->answer = tell_state(call, c->serial, c->state == STORE_SIGNED ? STORE_WRITTEN : c->state);
	return r;
}

enum store_result operation_written(struct operation_call *call)
{
	const char *serial = fields_text(call->fields, "serial");
	struct store_certificate c = {.reservation = NULL};
	uint8_t sha256[STORE_HASH];
	enum store_result r;

	if (!serial || !fields_hex(call->fields, "sha256", sha256, sizeof sha256))
		return operation_refuse(call, ERROR_BAD_REQUEST, AUTHZ_UNDECIDED);
	r = store_certificate_by_serial(call->tx, serial, &c);
	if (r == STORE_NONE)
		r = operation_refuse(call, ERROR_UNKNOWN_SERIAL, AUTHZ_UNDECIDED);
	else if (r == STORE_OK)
		r = keep_written(call, &c, sha256);
	store_certificate_clear(&c);
	return r;
}

/* ---- withdraw ---- */

static enum store_result keep_withdrawn(struct operation_call *call, const struct store_certificate *c)
{
	enum store_result r = STORE_OK;

	if (strcmp(c->holder, call->message->who) != 0 && strcmp(c->authorizer, call->message->who) != 0)
		return operation_refuse(call, ERROR_WRONG_CARD, AUTHZ_UNDECIDED);
	if (c->state == STORE_RESERVED || c->state == STORE_SIGNED)
		r = store_certificate_set_state(call->tx, c->reservation, STORE_WITHDRAWN, call->now);
	else if (c->state != STORE_WITHDRAWN)
		return operation_refuse(call, ERROR_WRONG_STATE, AUTHZ_UNDECIDED);
	if (r == STORE_OK) {
		call->answer = tell_state(call, NULL, STORE_WITHDRAWN);
		snprintf(call->serial, sizeof call->serial, "%s", c->serial ? c->serial : c->reservation);
	}
	return r;
}

enum store_result operation_withdraw(struct operation_call *call)
{
	const char *serial = fields_text(call->fields, "serial");
	const char *reservation = fields_text(call->fields, "reservation");
	struct store_certificate c = {.reservation = NULL};
	enum store_result r;

	if (!serial == !reservation)
		return operation_refuse(call, ERROR_BAD_REQUEST, AUTHZ_UNDECIDED);
	r = serial ? store_certificate_by_serial(call->tx, serial, &c)
		   : store_certificate_by_reservation(call->tx, reservation, &c);
	if (r == STORE_NONE)
		r = operation_refuse(call, serial ? ERROR_UNKNOWN_SERIAL : ERROR_UNKNOWN_RESERVATION, AUTHZ_UNDECIDED);
	else if (r == STORE_OK)
		r = keep_withdrawn(call, &c);
	store_certificate_clear(&c);
	return r;
}
