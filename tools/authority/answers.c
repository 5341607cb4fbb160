/* What is under which address: authority_ask(). */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "tools/authority/catalogue.h"
#include "tools/authority/fields.h"
#include "tools/authority/reply.h"
#include "tools/authority/request.h"
#include "tools/authority/ticket.h"

/* ---- plain questions ---- */

static void answer_version(struct authority *a, const struct authority_question *q, struct authority_answer *out)
{
	struct json_object *all = json_object_new_object();

	(void)q;
	json_object_object_add(all, "protocol", json_object_new_int(AUTHORITY_PROTOCOL));
	json_object_object_add(all, "software", json_object_new_string(PACKAGE_VERSION));
	json_object_object_add(all, "client_minimum", json_object_new_string(AUTHORITY_CLIENT_MINIMUM));
	json_object_object_add(all, "time", fields_time_json(a->now()));
	json_object_object_add(all, "name", json_object_new_string(a->name));
	reply_json(out, all);
	json_object_put(all);
}

static enum store_result load_catalogue(struct store_tx *tx, void *context)
{
	struct catalogue *c = context;

	catalogue_clear(c);
	return catalogue_load(tx, c);
}

static void answer_catalogue(struct authority *a, const struct authority_question *q, struct authority_answer *out)
{
	struct catalogue c = {.all = NULL};
	enum store_result r = store_look(a->store, load_catalogue, &c, out->problem);

	(void)q;
	if (r == STORE_OK)
		reply_json(out, c.all);
	else
		reply_error(out, r == STORE_NO_MEMORY ? ERROR_INTERNAL : ERROR_DATABASE, AUTHZ_UNDECIDED);
	catalogue_clear(&c);
}

static void answer_nonce(struct authority *a, const struct authority_question *q, struct authority_answer *out)
{
	char nonce[NONCE_LEN + 1];
	struct json_object *all;
	time_t expires;

	(void)q;
	if (!nonce_make(a->secret, a->now(), nonce, &expires)) {
		reply_error(out, ERROR_INTERNAL, AUTHZ_UNDECIDED);
		return;
	}
	all = json_object_new_object();
	json_object_object_add(all, "nonce", json_object_new_string(nonce));
	json_object_object_add(all, "expires", fields_time_json(expires));
	reply_json(out, all);
	json_object_put(all);
}

static void answer_terms(struct authority *a, const struct authority_question *q, struct authority_answer *out)
{
	(void)q;
	reply_json(out, a->terms);
}

/* ---- the others ---- */

static void answer_request(struct authority *a, const struct authority_question *q, struct authority_answer *out)
{
	request_answer(a, q->body, q->len, out);
}

static void answer_cryptogram(struct authority *a, const struct authority_question *q, struct authority_answer *out)
{
	struct json_object *fields = fields_parse(q->body, q->len);
	enum error_code error = ERROR_BAD_REQUEST;
	char *text = NULL;

	out->operation = "cryptogram";
	if (fields)
		error = ticket_redeem(a, fields, &text, out->problem);
	if (error == ERROR_NONE)
		reply_text(out, text);
	else
		reply_error(out, error, AUTHZ_UNDECIDED);
	json_object_put(fields);
}

static const struct {
	const char *path, *method, *type; /* type: what the body must be; NULL: there is none */
	void (*answer)(struct authority *a, const struct authority_question *q, struct authority_answer *out);
} paths[] = {
	{"/v1/version", "GET", NULL, answer_version},
	{"/v1/catalogue", "GET", NULL, answer_catalogue},
	{"/v1/nonce", "GET", NULL, answer_nonce},
	{"/v1/terms", "GET", NULL, answer_terms},
	{"/v1/requests", "POST", "application/pkcs7-mime", answer_request},
	{"/v1/cryptogram", "POST", "application/json", answer_cryptogram},
};

/* "application/json; charset=utf-8" is application/json. */
static bool same_type(const char *got, const char *wanted)
{
	size_t len = strlen(wanted);

	return got && strncasecmp(got, wanted, len) == 0 && (!got[len] || got[len] == ';' || got[len] == ' ');
}

static void dispatch(struct authority *a, const struct authority_question *q, struct authority_answer *out)
{
	size_t i = 0;

	while (i < sizeof paths / sizeof *paths && strcmp(paths[i].path, q->path) != 0)
		i++;
	if (i == sizeof paths / sizeof *paths)
		reply_error(out, ERROR_NOT_FOUND, AUTHZ_UNDECIDED);
	else if (strcmp(paths[i].method, q->method) != 0)
		reply_error(out, ERROR_METHOD, AUTHZ_UNDECIDED);
	else if (q->len > AUTHORITY_BODY_MAX)
		reply_error(out, ERROR_TOO_LARGE, AUTHZ_UNDECIDED);
	else if (paths[i].type && !same_type(q->type, paths[i].type))
		reply_error(out, ERROR_BAD_REQUEST, AUTHZ_UNDECIDED);
	else
		paths[i].answer(a, q, out);
}

void authority_ask(struct authority *a, const struct authority_question *q, struct authority_answer *out)
{
	*out = (struct authority_answer){.operation = ""};
	if (!rates_take(a->addresses, q->address))
		reply_error(out, ERROR_TOO_MANY, AUTHZ_UNDECIDED);
	else
		dispatch(a, q, out);
	if (!out->body)
		out->status = error_status(ERROR_INTERNAL);
}
