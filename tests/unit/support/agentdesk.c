#include "agentdesk.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/agent/events.h"

#define KEPT_MAX 4096

struct desk_card desk_card;
int64_t desk_time;
_Atomic unsigned long desk_generation;
struct agent *desk;

/* what replies hold, until the test ends */
static struct json_object *kept_json[KEPT_MAX];
static char *kept_text[KEPT_MAX];
static size_t kept;

#define FILE_OF(name, text) {name, (const unsigned char *)(text), sizeof(text) - 1}
static const struct page desk_pages[] = {
	FILE_OF("popup.html", "<meta content=\"@TOKEN@\"><meta content=\"@READY@\">me@home"),
	FILE_OF("add.html", "<meta content=\"@TOKEN@\"><p>@SITE@</p>"),
	FILE_OF("manager.html", "<title>cards</title>"),
	FILE_OF("selftest.html", "<title>self test</title>"),
	FILE_OF("popup.js", "go();"),
	FILE_OF("style.css", "p{}"),
	FILE_OF("waiting.gif", "GIF89a"),
	{NULL, NULL, 0},
};

/* ---- the played work ---- */

static pthread_mutex_t playing = PTHREAD_MUTEX_INITIALIZER;

struct work {
	int unused;
};

struct work *work_open(const char *module, char *problem, size_t size)
{
	(void)module;
	(void)problem;
	(void)size;
	return calloc(1, sizeof(struct work));
}

void work_close(struct work *w)
{
	free(w);
}

unsigned long work_generation(struct work *w)
{
	(void)w;
	return atomic_load(&desk_generation);
}

const char *work_response_func(const char *func)
{
	return func;
}

struct json_object *work_error(enum work_function function, const char *func, uint32_t code, uint64_t last_error)
{
	struct json_object *json = json_object_new_object();

	(void)function;
	json_object_object_add(json, "func", json_object_new_string(func ? func : ""));
	json_object_object_add(json, "ret_code", json_object_new_int64(code));
	json_object_object_add(json, "last_error", json_object_new_int64((int64_t)last_error));
	return json;
}

void work_preview(struct work *w, enum work_function function, struct json_object *request, struct work_preview *out)
{
	(void)w;
	(void)function;
	(void)request;
	pthread_mutex_lock(&playing);
	desk_card.previews++;
	*out = (struct work_preview){.code = desk_card.code, .needs_pin = desk_card.needs_pin, .tries = desk_card.tries};
	if (desk_card.code == WORK_OK) {
		snprintf(out->reader, sizeof out->reader, "Reader <b>1</b>");
		snprintf(out->serial, sizeof out->serial, "%s", desk_card.serial);
		out->certificate = json_object_new_object();
		json_object_object_add(out->certificate, "subjectCN", json_object_new_string("<script>alert(1)</script>"));
	}
	pthread_mutex_unlock(&playing);
	if (desk_card.looked)
		desk_card.looked();
}

static enum work_pin_end verify(const struct work_consent *consent)
{
	desk_card.verifies++;
	snprintf(desk_card.said, sizeof desk_card.said, "%.*s", (int)consent->pin_len, (const char *)consent->pin);
	if (strcmp(desk_card.said, desk_card.pin) == 0) {
		desk_card.tries = WORK_TRIES_FULL;
		return WORK_PIN_RIGHT;
	}
	if (desk_card.tries < WORK_TRIES_LOCKED)
		desk_card.tries++;
	return desk_card.tries == WORK_TRIES_LOCKED ? WORK_PIN_LOCKED : WORK_PIN_WRONG;
}

static void play(enum work_function function, struct json_object *request, const struct work_consent *consent,
		 struct work_answer *out)
{
	struct json_object *func = NULL;

	desk_card.calls++;
	desk_card.function = function;
	desk_card.func[0] = '\0';
	if (json_object_object_get_ex(request, "func", &func))
		snprintf(desk_card.func, sizeof desk_card.func, "%s", json_object_get_string(func));
	*out = (struct work_answer){.pin = WORK_PIN_NOT_TRIED, .ret_code = desk_card.code};
	if (consent->serial && strcmp(consent->serial, desk_card.serial) != 0)
		out->ret_code = WORK_NO_CARD;
	else if (desk_card.needs_pin && function != WORK_INFO && function != WORK_INFO_CERTS)
		out->pin = consent->pin ? verify(consent) : WORK_PIN_NOT_TRIED;
	if (out->pin == WORK_PIN_WRONG || out->pin == WORK_PIN_LOCKED)
		out->ret_code = WORK_LOGIN;
	out->json = work_error(function, desk_card.func, out->ret_code, 0);
}

void work_call(struct work *w, enum work_function function, struct json_object *request,
	       const struct work_consent *consent, struct work_answer *out)
{
	(void)w;
	if (desk_card.called)
		desk_card.called();
	pthread_mutex_lock(&playing);
	play(function, request, consent, out);
	pthread_mutex_unlock(&playing);
	if (function == WORK_INFO || function == WORK_INFO_CERTS) {
		json_object_object_add(out->json, "slots", json_object_new_array());
		json_object_object_add(out->json, "serverVersion", json_object_new_string(WORK_SERVER_VERSION));
		json_object_object_add(out->json, "message", json_object_new_string("王小明𠮷"));
	}
}

/* ---- an agent ---- */

static int64_t tell_time(void)
{
	return desk_time;
}

static char folder[256], sites_file[300];

const char *desk_sites_file(void)
{
	return sites_file;
}

void desk_write_sites(const char *text)
{
	FILE *f = fopen(sites_file, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void make_folder(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(folder, sizeof folder, "%s/twcard-desk.XXXXXX", base && *base ? base : "/tmp");
	assert_non_null(mkdtemp(folder));
	snprintf(sites_file, sizeof sites_file, "%s/sites.json", folder);
}

static void remove_folder(void)
{
	char lock[320];

	snprintf(lock, sizeof lock, "%s.lock", sites_file);
	(void)unlink(lock);
	(void)unlink(sites_file);
	assert_int_equal(rmdir(folder), 0); /* nothing else was left */
}

int desk_set_up(void **state)
{
	char problem[256] = "";

	make_folder();
	desk_time = 1000000;
	atomic_store(&desk_generation, 1);
	desk_card = (struct desk_card){.code = WORK_OK, .needs_pin = true, .tries = WORK_TRIES_FULL, .pin = "123456",
				       .serial = DESK_SERIAL};
	desk = calloc(1, sizeof *desk);
	assert_non_null(desk);
	desk->work = work_open(NULL, problem, sizeof problem);
	desk->sites = sites_open(desk_sites_file(), problem, sizeof problem);
	assert_non_null(desk->sites);
	desk->page_list = desk_pages;
	desk->port = DESK_PORT;
	desk->consent_seconds = AGENT_CONSENT_SECONDS;
	desk->now = tell_time;
	assert_true(agent_init(desk));
	*state = desk;
	return 0;
}

int desk_tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < kept; i++) {
		json_object_put(kept_json[i]);
		free(kept_text[i]);
	}
	kept = 0;
	agent_clear(desk);
	free(desk);
	desk = NULL;
	remove_folder();
	return 0;
}

/* ---- questions ---- */

struct agent_question desk_question(const char *method, const char *path)
{
	return (struct agent_question){.method = method, .path = path, .host = "localhost:61161", .peer = AGENT_PEER_OWN};
}

struct desk_reply desk_ask(struct agent_question *q, const char *body)
{
	struct desk_reply reply = {.status = 0};
	const void *from;
	char *text;

	q->body = body ? (uint8_t *)strdup(body) : NULL;
	q->len = body ? strlen(body) : 0;
	agent_ask(desk, q, &reply.head);
	for (size_t i = 0; i < q->len; i++)
		assert_int_equal(q->body[i], 0);
	free(q->body);
	from = reply.head.fixed ? reply.head.fixed : reply.head.body;
	text = calloc(1, reply.head.len + 1);
	assert_non_null(text);
	if (reply.head.len)
		memcpy(text, from, reply.head.len);
	free(reply.head.body);
	events_free(reply.head.events);
	assert_true(kept < KEPT_MAX);
	kept_text[kept] = text;
	kept_json[kept] = *text == '{' ? json_tokener_parse(text) : NULL;
	reply.text = text;
	reply.json = kept_json[kept];
	reply.len = reply.head.len;
	reply.status = reply.head.status;
	kept++;
	return reply;
}

struct desk_reply desk_own(const char *path, const char *token, const char *body)
{
	struct agent_question q = desk_question("POST", path);

	q.origin = DESK_OWN;
	q.fetch_site = "same-origin";
	q.fetch_mode = "cors";
	q.fetch_dest = "empty";
	q.type = "application/json";
	q.token = token;
	return desk_ask(&q, body);
}

const char *desk_window(const char *path, const char *referer)
{
	struct agent_question q = desk_question("GET", path);
	struct desk_reply reply;
	const char *token;

	q.referer = referer;
	q.fetch_site = "cross-site";
	q.fetch_mode = "navigate";
	q.fetch_dest = "document";
	reply = desk_ask(&q, NULL);
	assert_int_equal(reply.status, 200);
	token = strstr(reply.text, "content=\"");
	assert_non_null(token);
	token += strlen("content=\"");
	/* a text of its own, which is kept as well */
	assert_true(kept < KEPT_MAX);
	kept_json[kept] = NULL;
	kept_text[kept] = strndup(token, strcspn(token, "\""));
	assert_int_equal(strlen(kept_text[kept]), TOKEN_LEN);
	return kept_text[kept++];
}

struct desk_reply desk_popup(const char *token, const char *site, const char *request)
{
	struct agent_question q = desk_question("POST", "/popup");
	struct desk_reply reply;
	char *body;

	q.origin = DESK_OWN;
	q.fetch_site = "same-origin";
	q.token = token;
	q.site = site;
	assert_true(asprintf(&body, "tbsPackage=%s", request) > 0);
	reply = desk_ask(&q, body);
	free(body);
	return reply;
}

struct desk_reply desk_say(const char *token, struct desk_reply consent, const char *decision, const char *more)
{
	struct desk_reply reply;
	char *body;

	assert_true(desk_is_asked(consent));
	assert_true(asprintf(&body, "{\"token\":\"%s\",\"decision\":\"%s\"%s%s}", desk_text(consent.json, "token"),
			     decision, *more ? "," : "", more) > 0);
	reply = desk_own("/consent", token, body);
	free(body);
	return reply;
}

/* ---- answers ---- */

const char *desk_text(struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	if (json)
		json_object_object_get_ex(json, key, &value);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

int64_t desk_code(struct desk_reply reply)
{
	const char *answer = desk_text(reply.json, "answer");
	struct json_object *json = *answer ? json_tokener_parse(answer) : json_object_get(reply.json), *code = NULL;
	int64_t value = -1;

	if (json && json_object_object_get_ex(json, "ret_code", &code))
		value = json_object_get_int64(code);
	json_object_put(json);
	return value;
}

bool desk_is_asked(struct desk_reply reply)
{
	return strcmp(desk_text(reply.json, "state"), "consent") == 0;
}

struct desk_reply desk_begin(const char *site, const char *request, const char **token)
{
	*token = desk_window("/popupForm", NULL);
	return desk_popup(*token, site, request);
}

void desk_allow(void)
{
	assert_true(sites_set(desk->sites, DESK_SITE, SITE_ALLOWED));
}

struct json_object *desk_member(struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	assert_true(json_object_object_get_ex(json, key, &value));
	return value;
}

void desk_assert_refused(struct desk_reply reply, const char *word)
{
	assert_string_equal(desk_text(reply.json, "error"), word);
	assert_true(reply.status >= 400);
}

const char *desk_enter(void)
{
	struct agent_question q = desk_question("POST", "/control/open");
	char body[256];
	const char *key;

	snprintf(body, sizeof body, "{\"secret\":\"%s\"}", keys_secret(desk->keys));
	key = strstr(desk_text(desk_ask(&q, body).json, "url"), "#key=");
	assert_non_null(key);
	snprintf(body, sizeof body, "{\"key\":\"%s\"}", key + strlen("#key="));
	key = desk_text(desk_own("/manage/login", NULL, body).json, "token");
	assert_int_equal(strlen(key), TOKEN_LEN);
	/* a key is used once */
	desk_assert_refused(desk_own("/manage/login", NULL, body), "token");
	return key;
}
