#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/authority/fields.h"
#include "tools/authority/operation.h"
#include "tools/authority/reply.h"
#include "tools/authority/request.h"

/* One request, with what it said of itself. */
struct request {
	struct authority *a;
	struct signed_message message;
	struct json_object *fields;
	const struct operation *operation;
	const char *nonce;
	char id[HEX_ID_LEN + 1]; /* small letters: "AB" is "ab" */
	time_t time, now;
	bool code_wrong;         /* a user code was asked for, and is not right */
	struct authority_answer *out;
};

/* ---- what it says ---- */

static enum error_code read_frame(struct request *r)
{
	const char *operation = fields_text(r->fields, "operation"), *name = fields_text(r->fields, "authority");
	uint8_t id[HEX_ID_LEN / 2];
	int64_t protocol = 0;

	if (!fields_number(r->fields, "protocol", &protocol))
		return ERROR_BAD_REQUEST;
	if (protocol != AUTHORITY_PROTOCOL)
		return ERROR_WRONG_PROTOCOL;
	r->nonce = fields_text(r->fields, "nonce");
	if (!operation || !name || !r->nonce || !fields_hex(r->fields, "request", id, sizeof id) ||
	    !fields_time(r->fields, "time", &r->time))
		return ERROR_BAD_REQUEST;
	hex_write(id, sizeof id, r->id);
	strcpy(r->out->request, r->id);
	if (strcmp(name, r->a->name) != 0)
		return ERROR_WRONG_AUTHORITY;
	r->operation = operation_find(operation);
	if (!r->operation)
		return ERROR_BAD_REQUEST;
	r->out->operation = r->operation->name;
	return ERROR_NONE;
}

static enum error_code check_card(const struct request *r)
{
	struct authz_card card;

	if (r->operation->signer == OPERATION_ANY_CARD)
		return ERROR_NONE;
	return authz_card_read(r->message.signer, &card) == AUTHZ_GOOD && card.rank == AUTHZ_RANK_ATTACHED
		       ? ERROR_NONE
		       : ERROR_WRONG_CARD;
}

static enum error_code check_fresh(const struct request *r)
{
	if (r->time < r->now - AUTHORITY_CLOCK_SECONDS || r->time > r->now + AUTHORITY_CLOCK_SECONDS)
		return ERROR_TIME;
	return nonce_good(r->a->secret, r->now, r->nonce) ? ERROR_NONE : ERROR_NONCE;
}

/* ---- the transaction ---- */

static enum store_result write_audit(struct request *r, struct store_tx *tx, const struct operation_call *call)
{
	struct json_object *detail = json_object_new_object();
	struct store_audit row = {.at = r->now,
				  .signer = r->message.who,
				  .operation = (char *)(r->operation ? r->operation->name : ""),
				  .request = r->id,
				  .outcome = (char *)error_name(call->error)};
	enum store_result result;

	if (call->serial[0])
		json_object_object_add(detail, "of", json_object_new_string(call->serial));
	if (call->reason != AUTHZ_UNDECIDED)
		json_object_object_add(detail, "reason", json_object_new_string(authz_reason_name(call->reason)));
	row.detail = (char *)json_object_to_json_string_ext(detail, JSON_C_TO_STRING_PLAIN);
	result = row.detail ? store_audit_append(tx, &row) : STORE_NO_MEMORY;
	json_object_put(detail);
	return result;
}

/* An answer to these bytes is there: again. */
static void repeat(struct request *r, struct store_request *before)
{
	if (memcmp(before->sha256, r->message.sha256, STORE_HASH) != 0) {
		reply_error(r->out, ERROR_REQUEST_REUSED, AUTHZ_UNDECIDED);
		return;
	}
	free(r->out->body);
	r->out->body = before->response;
	r->out->status = before->status;
	before->response = NULL;
}

static enum store_result find_before(struct request *r, struct store_tx *tx, bool *found)
{
	struct store_request before = {.id = NULL};
	enum store_result result = store_request_find(tx, r->id, &before);

	*found = result == STORE_OK;
	if (*found)
		repeat(r, &before);
	store_request_clear(&before);
	return result == STORE_NONE ? STORE_OK : result;
}

/* Asked again in the transaction: another thread or instance may have answered meanwhile. */
static enum store_result answer_call(struct request *r, struct operation_call *call)
{
	enum store_result result = store_nonce_used(call->tx, r->nonce);
	struct store_request row = {.id = r->id, .nonce = (char *)r->nonce, .at = r->now};
	bool nonce_used = result == STORE_OK;

	if (result != STORE_OK && result != STORE_NONE)
		return result;
	if (nonce_used)
		result = operation_refuse(call, ERROR_NONCE, AUTHZ_UNDECIDED);
	else if (check_card(r) != ERROR_NONE)
		result = operation_refuse(call, ERROR_WRONG_CARD, AUTHZ_UNDECIDED);
	else if (r->code_wrong)
		result = operation_refuse(call, ERROR_USER_CODE, AUTHZ_UNDECIDED);
	else
		result = r->operation->run(call);
	if (result != STORE_OK)
		return result;
	if (call->error == ERROR_NONE)
		reply_json(r->out, call->answer);
	else
		reply_error(r->out, call->error, call->reason);
	row.response = r->out->body;
	row.status = r->out->status;
	memcpy(row.sha256, r->message.sha256, sizeof row.sha256);
	if (!row.response)
		return STORE_NO_MEMORY;
	result = nonce_used ? STORE_OK : store_request_put(call->tx, &row);
	return result == STORE_OK ? write_audit(r, call->tx, call) : result;
}

static enum store_result work(struct store_tx *tx, void *context)
{
	struct request *r = context;
	struct operation_call call = {.a = r->a, .tx = tx, .message = &r->message, .fields = r->fields,
				      .now = r->now, .reason = AUTHZ_UNDECIDED};
	bool found = false;
	enum store_result result = find_before(r, tx, &found);

	if (result == STORE_OK && !found)
		result = answer_call(r, &call);
	json_object_put(call.answer);
	return result;
}

static enum store_result look(struct store_tx *tx, void *context)
{
	struct request *r = context;
	bool found = false;
	enum store_result result = find_before(r, tx, &found);

	return result == STORE_OK && !found ? STORE_NONE : result;
}

/* Refused before it was worth an answer that is kept: the audit has it. */
struct refusal {
	struct request *r;
	enum error_code error;
};

static enum store_result note_refusal(struct store_tx *tx, void *context)
{
	const struct refusal *x = context;
	const struct operation_call call = {.error = x->error, .reason = AUTHZ_UNDECIDED};

	return write_audit(x->r, tx, &call);
}

/* ---- from bytes to an answer ---- */

static void fail(struct request *r, enum store_result result)
{
	if (result == STORE_OK) {
		r->out->problem[0] = '\0'; /* of a question that had no row, or of a try before this one */
		return;
	}
	reply_error(r->out, result == STORE_NO_MEMORY || result == STORE_BROKEN ? ERROR_INTERNAL : ERROR_DATABASE,
		    AUTHZ_UNDECIDED);
	if (!r->out->problem[0])
		snprintf(r->out->problem, sizeof r->out->problem, "%s", store_result_text(result));
}

/* Slow on purpose, so before the transaction; counted by the store. */
static enum store_result ask_code(struct request *r)
{
	const char *given = fields_text(r->fields, "user_code");
	enum store_code code = STORE_CODE_NOT_SET;
	enum store_result result;

	if (r->operation->run != operation_activate || check_card(r) != ERROR_NONE)
		return STORE_OK;
	result = store_code_check(r->a->store, r->message.who, given ? given : "", given ? strlen(given) : 0,
				  &code);
	r->code_wrong = code == STORE_CODE_WRONG || code == STORE_CODE_LOCKED;
	return result;
}

static void run_new(struct request *r)
{
	enum store_result result = ask_code(r);

	if (result == STORE_OK)
		result = store_run(r->a->store, work, r, r->out->problem);
	fail(r, result);
}

static void refuse(struct request *r, enum error_code error)
{
	struct refusal x = {r, error};
	enum store_result result = store_run(r->a->store, note_refusal, &x, r->out->problem);

	reply_error(r->out, error, AUTHZ_UNDECIDED);
	fail(r, result);
}

/* Its signature is good. */
static void answer_signed(struct request *r)
{
	enum error_code error = ERROR_BAD_REQUEST;
	enum store_result result;

	r->fields = fields_parse(r->message.content, r->message.len);
	if (r->fields)
		error = read_frame(r);
	if (error != ERROR_NONE) {
		refuse(r, error);
		return;
	}
	result = store_look(r->a->store, look, r, r->out->problem);
	if (result != STORE_NONE) {
		fail(r, result);
		return;
	}
	error = check_fresh(r);
	if (error != ERROR_NONE)
		refuse(r, error);
	else
		run_new(r);
}

void request_answer(struct authority *a, const uint8_t *der, size_t len, struct authority_answer *out)
{
	struct request r = {.a = a, .now = a->now(), .out = out};
	enum error_code error = signed_read(der, len, a->trust, r.now, &r.message);

	if (error == ERROR_NONE) {
		strcpy(out->who, r.message.who);
		if (!rates_take(a->signers, r.message.who))
			error = ERROR_TOO_MANY;
	}
	if (error == ERROR_NONE)
		answer_signed(&r);
	else
		reply_error(out, error, AUTHZ_UNDECIDED);
	json_object_put(r.fields);
	signed_clear(&r.message);
}
