/* Files of the card manager's page, of any size: signed, or their signatures checked. */
#include "config.h"

#include <json-c/json.h>

#include "tools/agent/answer.h"
#include "tools/agent/call.h"
#include "tools/agent/card_trust.h"
#include "tools/agent/request.h"
#include "tools/agent/verify.h"
#include "tools/twcard/json_bytes.h"

#define DIGEST "SHA256" /* upload_sha256() */

/* What came is the page's under a token; the server has let only its page send it. */
static void keep(struct call *c)
{
	struct upload *u = c->q->upload;
	struct json_object *answer;

	c->q->upload = NULL;
	if (!u) {
		call_refuse(c, keys_good(c->a->keys, c->q->token, c->now) ? REFUSAL_ROOM : REFUSAL_TOKEN);
		return;
	}
	if (u->failed) {
		upload_free(u);
		call_refuse(c, REFUSAL_ROOM);
		return;
	}
	answer = json_object_new_object();
	json_object_object_add(answer, "upload", json_object_new_string(u->token));
	json_object_object_add(answer, "size", json_object_new_int64((int64_t)u->size));
	answer_json(c->out, answer);
	uploads_put(c->a->uploads, u, c->now);
}

void file_data(struct call *c)
{
	keep(c);
}

void file_signature(struct call *c)
{
	keep(c);
}

/* The page's member that names an upload. NULL: it is gone. */
static struct upload *take(struct call *c, struct json_object *request, const char *key, enum upload_kind kind)
{
	return uploads_take(c->a->uploads, json_bytes_text(request, key), kind, c->now);
}

/* After a wrong PIN the file need not be sent again. */
static void put_back(struct call *c, struct upload *u)
{
	if (u)
		uploads_put(c->a->uploads, u, c->now);
}

static void sign(struct call *c, struct json_object *request, const struct secret *pin, const struct upload *u)
{
	struct perform p = {.function = WORK_SIGN_FILE, .func = "signFile", .request = request, .pin = pin, .serial = "",
			    .who = "card manager"};
	unsigned char digest[32];

	if (!upload_sha256(u, digest)) {
		call_refuse(c, REFUSAL_INTERNAL);
		return;
	}
	json_object_object_add(request, "hashAlgorithm", json_object_new_string(DIGEST));
	json_object_object_add(request, "digest", json_bytes_new(digest, sizeof digest));
	answer_json(c->out, manage_by_hand(c->a, &p));
}

void file_sign(struct call *c)
{
	struct secret pin = SECRET_INIT;
	struct json_object *request = manage_request(c, &pin);
	struct upload *u = request ? take(c, request, "file", UPLOAD_DATA) : NULL;

	if (request && u)
		sign(c, request, &pin, u);
	else if (request)
		call_refuse(c, REFUSAL_UPLOAD);
	put_back(c, u);
	request_free(request);
	secret_clear(&pin);
}

static void verify(struct call *c, struct upload *signature, const struct upload *data)
{
	static const char *const states[] = {
		[VERIFY_DONE] = "done", [VERIFY_NEEDS_DATA] = "needs-data", [VERIFY_DATA_INSIDE] = "data-inside"};
	struct json_object *info = manage_cards(c->a), *out = NULL;
	enum verify_end end = VERIFY_FAILED;
	struct trust trust;

	if (card_trust_gather(info, &trust))
		end = verify_upload(signature, data, &trust, &out);
	if (end == VERIFY_NO_SIGNATURE || end == VERIFY_FAILED) {
		call_refuse(c, end == VERIFY_FAILED ? REFUSAL_INTERNAL : REFUSAL_NO_SIGNATURE);
	} else {
		if (!out)
			out = json_object_new_object();
		json_object_object_add(out, "state", json_object_new_string(states[end]));
		answer_json(c->out, out);
	}
	trust_clear(&trust);
	json_object_put(info);
}

void file_verify(struct call *c)
{
	struct secret pin = SECRET_INIT;
	struct json_object *request = manage_request(c, &pin);
	bool named = json_bytes_text(request, "file") != NULL;
	struct upload *signature = request ? take(c, request, "signature", UPLOAD_SIGNATURE) : NULL;
	struct upload *data = named ? take(c, request, "file", UPLOAD_DATA) : NULL;

	if (request && signature && !named == !data)
		verify(c, signature, data);
	else if (request)
		call_refuse(c, REFUSAL_UPLOAD);
	put_back(c, signature);
	put_back(c, data);
	request_free(request);
	secret_clear(&pin);
}
