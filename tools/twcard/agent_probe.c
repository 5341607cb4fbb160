#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "tools/twcard/agent_probe.h"
#include "tools/twcard/http.h"
#include "tools/twcard/json_bytes.h"

#define WAIT_MS 30000
#define ANSWER_MAX (1u << 20)
/* a name that nobody can have (RFC 2606) */
#define STRANGER "https://stranger.invalid"
#define PICTURE_HEAD 54
#define PICTURE_MAX 6000

const char *const agent_probe_pages[] = {
	"/popupForm", "/ChtPopupForm", "/CardManagement/CMCPopForm", "/selfTest.htm", "/p11Image.bmp", NULL,
};

/* One question, with headers of its own. */
struct question {
	const char *path, *body;       /* body NULL: GET */
	const char *const *headers;
	const char *wanted;            /* this header of the answer; NULL: none */
};

struct reply {
	struct http_answer answer;
	bool has_wanted;               /* and it lets the stranger in, or is there at all */
	char wanted[128];
};

static void ask(unsigned port, const struct question *q, struct reply *out)
{
	char base[64];
	const struct http_server server = {
		.base = base,
		.headers = q->headers,
		.limits = {.connect_ms = WAIT_MS, .total_ms = WAIT_MS, .answer_max = ANSWER_MAX},
	};
	struct http *http;
	const char *header;

	snprintf(base, sizeof base, "http://127.0.0.1:%u", port);
	http = http_new(&server);
	*out = (struct reply){.answer = {.failure = HTTP_NO_MEMORY}};
	if (http)
		(void)http_exchange(http, q->path, "application/x-www-form-urlencoded", q->body,
				    q->body ? strlen(q->body) : 0, &out->answer);
	header = http && q->wanted && out->answer.failure == HTTP_OK ? http_header(http, q->wanted) : NULL;
	out->has_wanted = header != NULL;
	snprintf(out->wanted, sizeof out->wanted, "%s", header ? header : "");
	http_free(&http);
}

static struct json_object *json_of(const struct reply *reply)
{
	return reply->answer.failure == HTTP_OK && reply->answer.status == 200
		       ? json_bytes_parse(reply->answer.body, reply->answer.body_len) : NULL;
}

/* Does it tell of readers, and not only that nothing is told? */
static bool tells_cards(struct json_object *json)
{
	return json_object_is_type(json_bytes_member(json, "slots"), json_type_array) &&
	       json_object_get_int64(json_bytes_member(json, "ret_code")) == 0;
}

/* ---- what it is ---- */

static void count_cards(struct json_object *json, struct agent_probe *out)
{
	struct json_object *slots = json_bytes_member(json, "slots");

	out->readers = json_object_is_type(slots, json_type_array) ? json_object_array_length(slots) : 0;
	for (size_t i = 0; i < out->readers; i++)
		out->cards += json_object_is_type(json_bytes_member(json_object_array_get_idx(slots, i), "token"),
						  json_type_object);
}

/* Only ours knows this address, and refuses who does not know its secret. */
static bool is_own(unsigned port)
{
	static const struct question q = {.path = "/control/status", .body = "{}"};
	struct json_object *json = NULL;
	const char *error;
	struct reply reply;
	bool own;

	ask(port, &q, &reply);
	if (reply.answer.failure == HTTP_OK && reply.answer.status == 403)
		json = json_bytes_parse(reply.answer.body, reply.answer.body_len);
	error = json_bytes_text(json, "error");
	own = error && strcmp(error, "token") == 0;
	json_object_put(json);
	http_answer_clear(&reply.answer);
	return own;
}

/* False: out of memory. */
static bool ask_kind(unsigned port, struct agent_probe *out)
{
	static const struct question q = {.path = "/pkcs11info", .body = ""};
	struct json_object *json;
	const char *version;
	struct reply reply;
	enum http_failure failure;

	ask(port, &q, &reply);
	failure = reply.answer.failure;
	json = json_of(&reply);
	version = json_bytes_text(json, "serverVersion");
	if (failure == HTTP_NETWORK)
		out->kind = AGENT_PROBE_NOBODY;
	else
		out->kind = !version ? AGENT_PROBE_FOREIGN : is_own(port) ? AGENT_PROBE_OWN : AGENT_PROBE_VENDOR;
	snprintf(out->version, sizeof out->version, "%s", version ? version : "");
	count_cards(json, out);
	json_object_put(json);
	http_answer_clear(&reply.answer);
	return failure != HTTP_NO_MEMORY;
}

static void ask_pages(unsigned port, struct agent_probe *out)
{
	for (size_t i = 0; i < AGENT_PROBE_PAGES; i++) {
		const struct question q = {.path = agent_probe_pages[i]};
		struct reply reply;

		ask(port, &q, &reply);
		out->pages[i] = reply.answer.failure == HTTP_OK && reply.answer.status == 200;
		http_answer_clear(&reply.answer);
	}
}

/* ---- what every page may ---- */

static const char *const stranger[] = {"Origin: " STRANGER, NULL};
static const char *const other_name[] = {"Host: stranger.invalid", NULL};
static const char *const framed[] = {"Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site", NULL};

static bool lets_read(const struct reply *reply)
{
	return strcmp(reply->wanted, "*") == 0 || strcmp(reply->wanted, STRANGER) == 0;
}

static bool gives_cards(const struct reply *reply)
{
	struct json_object *json = lets_read(reply) ? json_of(reply) : NULL;
	bool gives = tells_cards(json);

	json_object_put(json);
	return gives;
}

char *agent_probe_picture(const void *image, size_t len)
{
	const char *row = (const char *)image + PICTURE_HEAD;
	size_t room = len > PICTURE_HEAD ? len - PICTURE_HEAD : 0;

	return room && memcmp(image, "BM", 2) == 0 ? strndup(row, room < PICTURE_MAX ? room : PICTURE_MAX) : NULL;
}

static bool gives_picture(const struct reply *reply)
{
	char *text = lets_read(reply) && reply->answer.failure == HTTP_OK
			     ? agent_probe_picture(reply->answer.body, reply->answer.body_len) : NULL;
	struct json_object *json = text ? json_bytes_parse(text, strlen(text)) : NULL;
	bool gives = tells_cards(json);

	json_object_put(json);
	free(text);
	return gives;
}

static bool gives_name(const struct reply *reply)
{
	struct json_object *json = json_of(reply);
	bool gives = json_bytes_text(json, "serverVersion") != NULL;

	json_object_put(json);
	return gives;
}

static bool gives_frame(const struct reply *reply)
{
	return reply->answer.failure == HTTP_OK && reply->answer.status == 200 && !reply->has_wanted;
}

static const struct {
	struct question question;
	bool (*gives)(const struct reply *reply);
} rights[AGENT_PROBE_RIGHTS] = {
	[AGENT_PROBE_CARDS] = {{"/pkcs11info", "", stranger, "Access-Control-Allow-Origin"}, gives_cards},
	[AGENT_PROBE_PICTURE] = {{"/p11Image.bmp", NULL, stranger, "Access-Control-Allow-Origin"}, gives_picture},
	[AGENT_PROBE_NAME] = {{"/pkcs11info", "", other_name, NULL}, gives_name},
	[AGENT_PROBE_FRAME] = {{"/popupForm", NULL, framed, "X-Frame-Options"}, gives_frame},
};

bool agent_probe(unsigned port, struct agent_probe *out)
{
	*out = (struct agent_probe){.kind = AGENT_PROBE_NOBODY};
	if (!ask_kind(port, out))
		return false;
	if (out->kind == AGENT_PROBE_NOBODY || out->kind == AGENT_PROBE_FOREIGN)
		return true;
	ask_pages(port, out);
	for (size_t i = 0; i < AGENT_PROBE_RIGHTS; i++) {
		struct reply reply;

		ask(port, &rights[i].question, &reply);
		out->rights[i] = rights[i].gives(&reply);
		http_answer_clear(&reply.answer);
	}
	return true;
}
