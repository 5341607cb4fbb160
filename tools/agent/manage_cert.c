/* What the card manager's page is told of certificates: their check, and the authorizations of attached cards. */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include <json-c/json.h>
#include <openssl/x509.h>

#include "tools/agent/answer.h"
#include "tools/agent/call.h"
#include "tools/agent/card_trust.h"
#include "tools/agent/request.h"
#include "tools/twcard/arguments.h"
#include "tools/twcard/authz_source.h"
#include "tools/twcard/authz_view.h"
#include "tools/twcard/cert_view.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"

/* Nobody is asked over the network; the roots on the cards stand in for those that a user would name. */
static void check(struct call *c, X509 *x509)
{
	struct json_object *info = manage_cards(c->a), *answer;
	struct cert_finding findings[CERT_POINTS];
	struct trust trust;

	if (card_trust_gather(info, &trust) &&
	    cert_check(&(struct cert_request){.others = trust.others, .trust_others = true, .at = time(NULL)}, x509, findings)) {
		answer = json_object_new_object();
		json_object_object_add(answer, "result", json_object_new_string(cert_view_result(findings)));
		json_object_object_add(answer, "points", cert_view_points(findings));
		answer_json(c->out, answer);
	} else {
		call_refuse(c, REFUSAL_INTERNAL);
	}
	trust_clear(&trust);
	json_object_put(info);
}

void cert_check_one(struct call *c)
{
	struct secret pin = SECRET_INIT;
	struct json_object *request = manage_request(c, &pin);
	X509 *x509 = json_bytes_x509(request, "certb64");

	if (x509)
		check(c, x509);
	else if (request)
		call_refuse(c, REFUSAL_JSON);
	X509_free(x509);
	request_free(request);
	secret_clear(&pin);
}

/* ---- authorizations ---- */

/* One of the card's values as 'twcard authz show --json' tells it; what is none: {"damaged": why}. Takes `others` not over. */
static struct json_object *view(struct json_object *value, struct json_object *card, const struct trust *trust)
{
	static const struct arguments none = {.command = NULL};
	struct json_object *one = json_object_new_object(), *told;
	struct authz_source source = {.verdict = AUTHZ_VERDICT_NOT_CHECKED};
	enum authz_reason reason = AUTHZ_NO_MEMORY;
	unsigned char *der = NULL;
	size_t len;

	json_object_object_add(one, "d", json_object_get(value));
	if (json_bytes_take(one, "d", &der, &len))
		reason = authz_cert_parse(der, len, NULL, &source.cert);
	json_object_put(one);
	if (reason == AUTHZ_GOOD) {
		source.holder = json_bytes_x509(card, "holder");
		source.others = X509_chain_up_ref(trust->others);
		(void)authz_source_check(&none, &source);
		told = authz_view_json(source.cert);
		authz_source_json(&source, told);
		json_object_object_add(told, "why", message_json_text(source.verdict == AUTHZ_VERDICT_BAD
							      ? authz_view_reason(source.reason) : source.missing));
	} else {
		told = json_object_new_object();
		json_object_object_add(told, "damaged", message_json_text(authz_view_reason(reason)));
	}
	authz_source_clear(&source);
	free(der);
	return told;
}

/* In place of the values: what they say. */
static void add_views(struct call *c, struct json_object *card)
{
	struct json_object *values = json_object_get(json_bytes_member(card, "certificates"));
	struct json_object *list = json_object_new_array(), *info = manage_cards(c->a);
	struct trust trust;

	if (card_trust_gather(info, &trust))
		for (size_t i = 0; json_object_is_type(values, json_type_array) && i < json_object_array_length(values); i++)
			json_object_array_add(list, view(json_object_array_get_idx(values, i), card, &trust));
	json_object_object_add(card, "certificates", list);
	trust_clear(&trust);
	json_object_put(values);
	json_object_put(info);
}

void cert_authz(struct call *c)
{
	struct secret pin = SECRET_INIT;
	struct json_object *request = manage_request(c, &pin), *answer;
	struct perform p = {.function = WORK_AUTHZ, .func = "authz", .request = request, .pin = &pin, .serial = "",
			    .who = "card manager"};

	if (request) {
		answer = manage_by_hand(c->a, &p);
		if (json_bytes_member(answer, "certificates"))
			add_views(c, answer);
		answer_json(c->out, answer);
	}
	request_free(request);
	secret_clear(&pin);
}
