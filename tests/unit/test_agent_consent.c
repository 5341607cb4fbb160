/*
 * What windows ask, what the user is shown and says: one request and one consent
 * for each window, an answer for the page in time. test_agent_tries.c has what
 * that costs the card.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "agentdesk.h"

/* ---- sites ---- */

static void test_an_unknown_site_asks_the_user_first(void **state)
{
	const char *token;
	struct desk_reply reply = desk_begin(DESK_SITE, "{\"func\":\"CheckEnvir\"}", &token);
	struct json_object *site = desk_member(reply.json, "site");

	(void)state;
	assert_true(desk_is_asked(reply));
	assert_string_equal(desk_text(site, "origin"), DESK_SITE);
	assert_string_equal(desk_text(site, "state"), "unknown");
	assert_string_equal(desk_text(reply.json, "kind"), "info");
	assert_string_equal(desk_text(reply.json, "pin"), "none");
	assert_int_equal(json_object_array_length(desk_member(reply.json, "may")), 2); /* a look has no "session" */
	assert_int_equal(desk_card.calls, 0);
	assert_int_equal(desk_code(desk_say(token, reply, "yes", "\"remember\":\"once\"")), WORK_OK);
	assert_int_equal(desk_card.calls, 1);
	assert_int_equal(desk_card.function, WORK_INFO);
	/* once is once */
	assert_true(desk_is_asked(desk_begin(DESK_SITE, "{\"func\":\"CheckEnvir\"}", &token)));
}

static void test_an_allowed_site_looks_without_a_click(void **state)
{
	const char *token;
	struct desk_reply reply = desk_begin(DESK_SITE, "{\"func\":\"GetUserCert\"}", &token);

	(void)state;
	assert_int_equal(desk_code(desk_say(token, reply, "yes", "\"remember\":\"site\"")), WORK_OK);
	reply = desk_begin(DESK_SITE, "{\"func\":\"GetUserCert\"}", &token);
	assert_false(desk_is_asked(reply));
	assert_string_equal(desk_text(reply.json, "state"), "done");
	assert_int_equal(desk_code(reply), WORK_OK);
	assert_int_equal(desk_card.function, WORK_INFO_CERTS);
	/* and no other site */
	assert_true(desk_is_asked(desk_begin(DESK_OTHER, "{\"func\":\"GetUserCert\"}", &token)));
}

static void test_a_signature_takes_a_click_until_the_user_says_otherwise(void **state)
{
	const char *token;
	struct desk_reply reply;

	(void)state;
	desk_allow();
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	assert_true(desk_is_asked(reply));
	assert_string_equal(desk_text(reply.json, "pin"), "given");
	assert_int_equal(desk_card.verifies, 0);
	assert_int_equal(desk_code(desk_say(token, reply, "yes", "\"remember\":\"session\"")), WORK_OK);
	assert_string_equal(desk_card.said, "123456");
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	assert_false(desk_is_asked(reply));
	assert_int_equal(desk_code(reply), WORK_OK);
	assert_int_equal(desk_card.verifies, 2);
}

static void test_what_changes_a_card_is_always_asked(void **state)
{
	static const char *const requests[] = {"{\"func\":\"writecert\",\"pin\":\"123456\"}",
					       "{\"func\":\"changeUserPINCode\",\"currentPIN\":\"123456\",\"newpin\":\"1\"}",
					       "{\"func\":\"openCard\"}"};
	const char *token;

	(void)state;
	desk_allow();
	sites_grant(desk->sites, DESK_SITE);
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		struct desk_reply reply = desk_begin(DESK_SITE, requests[i], &token);

		assert_true(desk_is_asked(reply));
		assert_int_equal(json_object_array_length(desk_member(reply.json, "may")), 2);
	}
	assert_int_equal(desk_card.calls, 0);
}

static void test_no_and_block(void **state)
{
	const char *token;
	struct desk_reply reply = desk_begin(DESK_SITE, DESK_SIGN, &token);

	(void)state;
	assert_int_equal(desk_code(desk_say(token, reply, "no", "")), WORK_CANCELLED);
	assert_int_equal(sites_state(desk->sites, DESK_SITE), SITE_UNKNOWN);
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	assert_int_equal(desk_code(desk_say(token, reply, "block", "")), WORK_SITE_FORBIDDEN);
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	assert_int_equal(desk_code(reply), WORK_SITE_FORBIDDEN);
	assert_int_equal(desk_card.calls, 0);
}

/* The page says who asks; the browser says who opened the window. */
static void test_another_site_cannot_use_a_window(void **state)
{
	const char *token = desk_window("/popupForm", DESK_OTHER "/page.html");

	(void)state;
	desk_allow();
	assert_int_equal(desk_code(desk_popup(token, DESK_SITE, "{\"func\":\"CheckEnvir\"}")), WORK_SITE_FORBIDDEN);
	token = desk_window("/popupForm", DESK_SITE "/page.html");
	assert_int_equal(desk_code(desk_popup(token, DESK_SITE, "{\"func\":\"CheckEnvir\"}")), WORK_OK);
	token = desk_window("/popupForm", NULL);
	assert_int_equal(desk_code(desk_popup(token, "null", "{\"func\":\"CheckEnvir\"}")), WORK_SITE_UNKNOWN);
	token = desk_window("/popupForm", NULL);
	assert_int_equal(desk_code(desk_popup(token, NULL, "{\"func\":\"CheckEnvir\"}")), WORK_SITE_UNKNOWN);
	/* the self test is none of the user's sites: it asks */
	token = desk_window("/popupForm", NULL);
	assert_true(desk_is_asked(desk_popup(token, DESK_OWN, "{\"func\":\"CheckEnvir\"}")));
	assert_int_equal(desk_card.calls, 1);
}

/* ---- tokens ---- */

static void test_a_window_asks_once(void **state)
{
	const char *token;

	(void)state;
	desk_allow();
	assert_int_equal(desk_code(desk_begin(DESK_SITE, "{\"func\":\"CheckEnvir\"}", &token)), WORK_OK);
	desk_assert_refused(desk_popup(token, DESK_SITE, "{\"func\":\"CheckEnvir\"}"), "token");
	desk_begin(DESK_SITE, DESK_SIGN, &token);
	desk_assert_refused(desk_popup(token, DESK_SITE, DESK_SIGN), "token");
	desk_assert_refused(desk_popup("", DESK_SITE, DESK_SIGN), "token");
	desk_assert_refused(desk_popup(NULL, DESK_SITE, DESK_SIGN), "token");
	desk_assert_refused(desk_popup("0123456789012345678901234567890123456789012", DESK_SITE, DESK_SIGN), "token");
	assert_int_equal(desk_card.calls, 1);
}

/* A consent that was stolen, or is another window's, does nothing; the user of its own window is still asked. */
static void test_a_consent_is_bound_to_its_window(void **state)
{
	const char *mine, *yours;
	struct desk_reply my_reply = desk_begin(DESK_SITE, DESK_SIGN, &mine), your_reply = desk_begin(DESK_OTHER, DESK_SIGN, &yours);

	(void)state;
	desk_assert_refused(desk_say(yours, my_reply, "yes", ""), "token");
	desk_assert_refused(desk_say(mine, your_reply, "yes", ""), "token");
	assert_int_equal(desk_card.calls, 0);
	assert_int_equal(desk_code(desk_say(mine, my_reply, "yes", "")), WORK_OK);
	desk_assert_refused(desk_say(mine, my_reply, "yes", ""), "token");
	assert_int_equal(desk_card.calls, 1);
}

static void test_what_the_user_says_has_a_form(void **state)
{
	static const char *const bodies[] = {"", "{}", "[]", "yes", "{\"token\":\"x\"}", "{\"token\":1,\"decision\":\"yes\"}",
					     "{\"token\":\"x\",\"decision\":\"maybe\"}",
					     "{\"token\":\"x\",\"decision\":\"yes\",\"pin\":7}"};
	const char *token;
	struct desk_reply reply = desk_begin(DESK_SITE, DESK_SIGN, &token);

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		desk_assert_refused(desk_own("/consent", token, bodies[i]), "json");
	assert_int_equal(desk_code(desk_say(token, reply, "yes", "")), WORK_OK);
}

static void test_the_page_is_told_in_time(void **state)
{
	const char *token;
	struct desk_reply reply = desk_begin(DESK_SITE, DESK_SIGN, &token), late;

	(void)state;
	assert_int_equal(json_object_get_int(desk_member(reply.json, "seconds")), AGENT_CONSENT_SECONDS);
	desk_time += AGENT_CONSENT_SECONDS * 1000;
	late = desk_begin(DESK_SITE, DESK_SIGN, &token);
	desk_time += AGENT_CONSENT_SECONDS * 1000 + 1;
	late = desk_say(token, late, "yes", "");
	assert_int_equal(late.status, 403);
	assert_string_equal(desk_text(late.json, "error"), "expired");
	assert_int_equal(desk_code(late), WORK_CANCELLED);
	assert_int_equal(desk_card.calls, 0);
	/* and without a limit there is none */
	desk->consent_seconds = 0;
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	assert_null(desk_member(reply.json, "seconds"));
	desk_time += 86400000;
	assert_int_equal(desk_code(desk_say(token, reply, "yes", "")), WORK_OK);
}

static struct desk_reply close_window(const char *token)
{
	char body[128];

	snprintf(body, sizeof body, "{\"token\":\"%s\"}", token);
	return desk_own("/consent/closed", NULL, body);
}

/* Its site gets the answer that the window was given beforehand; the agent forgets what was asked. */
static void test_a_window_that_is_closed_is_over(void **state)
{
	const char *token, *other;
	struct desk_reply reply = desk_begin(DESK_SITE, DESK_SIGN, &token), closed;

	(void)state;
	(void)desk_begin(DESK_OTHER, DESK_SIGN, &other);
	closed = close_window(token);
	assert_int_equal(closed.status, 200);
	assert_int_equal(desk_code(closed), WORK_CANCELLED);
	assert_string_equal(desk_text(reply.json, "cancelled"), desk_text(closed.json, "answer"));
	desk_assert_refused(desk_say(token, reply, "yes", ""), "token");
	desk_assert_refused(close_window(token), "token");
	assert_int_equal(popups_count(desk->popups, desk_time), 1);
	/* before anything was asked, and after the time */
	assert_int_equal(desk_code(close_window(desk_window("/popupForm", NULL))), WORK_CANCELLED);
	desk_time += AGENT_CONSENT_SECONDS * 1000 + 1;
	assert_int_equal(desk_code(close_window(other)), WORK_CANCELLED);
	assert_int_equal(popups_count(desk->popups, desk_time), 0);
	desk_assert_refused(desk_own("/consent/closed", NULL, ""), "json");
	desk_assert_refused(desk_own("/consent/closed", token, "{}"), "token");
	desk_assert_refused(desk_own("/consent/closed", NULL, "{\"token\":7}"), "token");
	assert_int_equal(desk_card.calls, 0);
}

static void test_an_old_window_asks_nothing(void **state)
{
	const char *token = desk_window("/popupForm", NULL);

	(void)state;
	desk_time += POPUPS_OPEN_SECONDS * 1000 + 1;
	desk_assert_refused(desk_popup(token, DESK_SITE, DESK_SIGN), "expired");
	assert_int_equal(popups_count(desk->popups, desk_time), 0);
}

static void test_windows_without_number_take_no_memory(void **state)
{
	const char *first = desk_window("/popupForm", NULL), *last = NULL;

	(void)state;
	for (int i = 0; i < POPUPS_MAX; i++)
		last = desk_window("/popupForm", NULL);
	assert_int_equal(popups_count(desk->popups, desk_time), POPUPS_MAX);
	desk_assert_refused(desk_popup(first, DESK_SITE, DESK_SIGN), "token");
	assert_true(desk_is_asked(desk_popup(last, DESK_SITE, DESK_SIGN)));
	desk_time += 86400000;
	assert_int_equal(popups_count(desk->popups, desk_time), 0);
}

/* ---- what is shown ---- */

static void test_the_user_sees_what_is_signed(void **state)
{
	static const struct {
		const char *request, *text; /* NULL: no text */
		int size;
	} rows[] = {
		{DESK_SIGN, "hello", 5},
		{"{\"func\":\"MakeSignature\",\"tbs\":\"aGVsbG8=\",\"tbsEncoding\":\"base64\"}", "hello", 5},
		{"{\"func\":\"MakeSignature\",\"tbs\":\"\xe7\x8e\x8b%2B%0A\"}", "王+\n", 5},
		{"{\"func\":\"MakeSignature\",\"tbs\":\"AAEC\",\"tbsEncoding\":\"base64\"}", NULL, 3},
		{"{\"func\":\"MakeSignature\",\"tbs\":\"4oCuYWJj\",\"tbsEncoding\":\"base64\"}", NULL, 6},
		{"{\"func\":\"MakeSignature\",\"tbs\":\"/+8=\",\"tbsEncoding\":\"base64\"}", NULL, 2},
		{"{\"func\":\"MakeSignature\",\"tbs\":\"a\\u0000b\"}", NULL, 3},
	};
	const char *token;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct desk_reply reply = desk_begin(DESK_SITE, rows[i].request, &token);
		struct json_object *shows = desk_member(reply.json, "shows");

		assert_int_equal(json_object_get_int(desk_member(shows, "size")), rows[i].size);
		assert_int_equal(strlen(desk_text(shows, "sha256")), 64);
		if (rows[i].text)
			assert_string_equal(desk_text(shows, "text"), rows[i].text);
		else
			assert_null(desk_member(shows, "text"));
	}
}

static void test_what_cannot_be_read_is_not_shown(void **state)
{
	static const char *const requests[] = {"{\"func\":\"MakeSignature\"}", "{\"func\":\"MakeSignature\",\"tbs\":7}",
					       "{\"func\":\"MakeSignature\",\"tbs\":\"*\",\"tbsEncoding\":\"base64\"}",
					       "{\"func\":\"DecryptData\",\"cipher\":\"AAAA\"}"};
	const char *token;

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
		assert_null(desk_member(desk_begin(DESK_SITE, requests[i], &token).json, "shows"));
}

static void test_names_of_cards_stay_text(void **state)
{
	const char *token;
	struct desk_reply reply;

	(void)state;
	desk_card.serial = "A\x1b[31m\xe2\x80\xae\xff";
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	assert_string_equal(desk_text(desk_member(reply.json, "card"), "reader"), "Reader <b>1</b>");
	assert_string_equal(desk_text(desk_member(reply.json, "card"), "serial"), "A�[31m��");
	assert_string_equal(desk_text(desk_member(reply.json, "certificate"), "subjectCN"), "<script>alert(1)</script>");
	assert_null(strstr(reply.text, "\x1b"));
	/* the answer is JSON, and no browser takes it for anything else */
	assert_string_equal(reply.head.type, "application/json; charset=utf-8");
}

/* These PINs have a dot, which no token and no digest has. */
static void test_no_secret_is_logged_or_shown(void **state)
{
	const char *token;
	struct desk_reply reply = desk_begin(DESK_SITE, "{\"func\":\"MakeSignature\",\"tbs\":\"h.llo\",\"pin\":\"12.34\"}", &token);
	struct json_object *log;
	const char *text;

	(void)state;
	assert_null(strstr(reply.text, "12.34"));
	desk_say(token, reply, "yes", "\"pin\":\"87.65\"");
	assert_string_equal(desk_card.said, "87.65");
	log = journal_json(desk->journal);
	assert_true(json_object_array_length(log) > 0);
	text = json_object_to_json_string(log);
	assert_null(strstr(text, "12.34"));
	assert_null(strstr(text, "87.65"));
	assert_null(strstr(text, "h.llo"));
	assert_non_null(strstr(text, "pin=wrong"));
	json_object_put(log);
}

/* ---- functions ---- */

static void test_every_func_has_its_function(void **state)
{
	static const struct {
		const char *func;
		enum work_function function;
	} rows[] = {
		{"CheckEnvir", WORK_INFO}, {"GetUserCert", WORK_INFO_CERTS}, {"MakeSignature", WORK_SIGN},
		{"DecryptData", WORK_DECRYPT}, {"umakeSig", WORK_UMAKESIG}, {"makeCsr", WORK_MAKE_CSR},
		{"writecert", WORK_WRITE_CERT}, {"getChallenge", WORK_CHALLENGE},
		{"changeUserPINCode", WORK_CARD_COMMAND}, {"bulidResetUserPINRequest", WORK_CARD_COMMAND},
		{"resetUserPIN", WORK_CARD_COMMAND}, {"bulidUnblockCardRequest", WORK_CARD_COMMAND},
		{"unblockCard", WORK_CARD_COMMAND}, {"buildOpenCardGetUserPINRequest", WORK_CARD_COMMAND},
		{"buildOpenCardValidateUserRequest", WORK_CARD_COMMAND}, {"openCard", WORK_CARD_COMMAND},
	};
	char request[128];
	const char *token;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct desk_reply reply;

		snprintf(request, sizeof request, "{\"func\":\"%s\",\"pin\":\"123456\"}", rows[i].func);
		reply = desk_begin(DESK_SITE, request, &token);
		assert_int_equal(desk_code(desk_say(token, reply, "yes", "")), WORK_OK);
		assert_int_equal(desk_card.function, rows[i].function);
		assert_string_equal(desk_card.func, rows[i].func);
	}
}

static void test_an_unknown_func_is_not_offered(void **state)
{
	static const struct {
		const char *request;
		uint32_t code;
	} rows[] = {
		{"{\"func\":\"MakeCoffee\"}", WORK_METHOD}, {"{}", WORK_METHOD}, {"{\"func\":7}", WORK_METHOD},
		{"{\"func\":\"ListEID\"}", WORK_METHOD}, {"hello", WORK_JSON_BAD}, {"[]", WORK_JSON_BAD},
		{"{\"func\":\"MakeSignature\",\"pin\":123456}", WORK_PARAMETER_BAD},
	};
	const char *token;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(desk_code(desk_begin(DESK_SITE, rows[i].request, &token)), rows[i].code);
	assert_int_equal(desk_card.calls, 0);
}

/* ---- adding a site ---- */

static struct desk_reply open_add(const char *domain, const char *referer, const char **token)
{
	struct agent_question q = desk_question("GET", "/addDomain");
	struct desk_reply reply;
	static char found[TOKEN_LEN + 1];

	q.domain = domain;
	q.referer = referer;
	reply = desk_ask(&q, NULL);
	memcpy(found, strstr(reply.text, "content=\"") + strlen("content=\""), TOKEN_LEN);
	*token = found;
	return reply;
}

static struct desk_reply say_add(const char *token, const char *decision)
{
	char body[128];

	snprintf(body, sizeof body, "{\"token\":\"%s\",\"decision\":\"%s\"}", token, decision);
	return desk_own("/consent", token, body);
}

static void test_a_site_is_added_by_the_user(void **state)
{
	const char *token;
	struct desk_reply reply = open_add("www.example.gov.tw", NULL, &token);

	(void)state;
	assert_non_null(strstr(reply.text, "<p>" DESK_SITE "</p>"));
	assert_int_equal(sites_state(desk->sites, DESK_SITE), SITE_UNKNOWN);
	assert_int_equal(desk_code(say_add(token, "yes")), WORK_OK);
	assert_int_equal(sites_state(desk->sites, DESK_SITE), SITE_ALLOWED);
	desk_assert_refused(say_add(token, "yes"), "token");
	open_add("www.example.gov.tw", DESK_SITE "/x", &token);
	assert_int_equal(desk_code(say_add(token, "block")), WORK_SITE_FORBIDDEN);
	assert_int_equal(sites_state(desk->sites, DESK_SITE), SITE_BLOCKED);
	open_add("other.tw", "http://other.tw:8000/x", &token);
	assert_int_equal(desk_code(say_add(token, "no")), WORK_CANCELLED);
	assert_int_equal(sites_state(desk->sites, "http://other.tw:8000"), SITE_UNKNOWN);
	open_add("other.tw", "http://other.tw:8000/x", &token);
	assert_int_equal(desk_code(say_add(token, "yes")), WORK_OK);
	assert_int_equal(sites_state(desk->sites, "http://other.tw:8000"), SITE_ALLOWED);
	assert_int_equal(sites_state(desk->sites, "https://other.tw"), SITE_UNKNOWN);
}

static void test_a_site_adds_no_other(void **state)
{
	static const char *const domains[] = {NULL, "", "<script>", "a b", "a.tw/x", "a.tw:80", "\"", "evil.example@a.tw"};
	const char *token;

	(void)state;
	for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
		assert_non_null(strstr(open_add(domains[i], NULL, &token).text, "<p></p>"));
		desk_assert_refused(say_add(token, "yes"), "origin");
	}
	assert_non_null(strstr(open_add("www.example.gov.tw", DESK_OTHER "/", &token).text, "<p></p>"));
	desk_assert_refused(say_add(token, "yes"), "origin");
	assert_int_equal(sites_state(desk->sites, DESK_SITE), SITE_UNKNOWN);
}

/* ---- the card manager ---- */

static void test_the_card_manager_wants_its_token(void **state)
{
	static const char *const paths[] = {"/manage/state", "/manage/sites", "/manage/log", "/manage/selftest",
					    "/manage/report", "/manage/site", "/manage/call"};
	const char *token = desk_enter(), *window = desk_window("/popupForm", NULL);
	struct agent_question q;

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		desk_assert_refused(desk_own(paths[i], NULL, "{}"), "token");
		desk_assert_refused(desk_own(paths[i], window, "{}"), "token");
		desk_assert_refused(desk_own(paths[i], keys_secret(desk->keys), "{}"), "token");
		if (i < 5)
			assert_int_equal(desk_own(paths[i], token, "{}").status, 200);
	}
	/* nor is it good for a window, or the secret's place */
	desk_assert_refused(desk_popup(token, DESK_SITE, DESK_SIGN), "token");
	q = desk_question("GET", "/manage/events");
	desk_assert_refused(desk_ask(&q, NULL), "token");
	q.key = token;
	assert_string_equal(desk_ask(&q, NULL).head.type, "text/event-stream");
	q.fetch_site = "cross-site";
	desk_assert_refused(desk_ask(&q, NULL), "origin");
	desk_time += (int64_t)KEYS_PAGE_HOURS * 3600 * 1000 + 1;
	desk_assert_refused(desk_own("/manage/state", token, "{}"), "token");
}

static void test_an_old_key_opens_nothing(void **state)
{
	char key[TOKEN_LEN + 1], token[TOKEN_LEN + 1];

	(void)state;
	assert_true(keys_open(desk->keys, desk_time, key));
	assert_false(keys_enter(desk->keys, key, desk_time + KEYS_OPEN_SECONDS * 1000 + 1, token));
	assert_false(keys_enter(desk->keys, "", desk_time, token));
	assert_false(keys_enter(desk->keys, NULL, desk_time, token));
	assert_true(keys_enter(desk->keys, key, desk_time, token));
	assert_false(keys_good(desk->keys, key, desk_time));
}

static void test_control_wants_the_secret_and_no_browser(void **state)
{
	static const char *const paths[] = {"/control/status", "/control/open", "/control/stop", "/control/log"};
	char body[128];
	struct agent_question q;

	(void)state;
	snprintf(body, sizeof body, "{\"secret\":\"%s\"}", keys_secret(desk->keys));
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		q = desk_question("POST", paths[i]);
		desk_assert_refused(desk_ask(&q, "{}"), "token");
		desk_assert_refused(desk_ask(&q, "{\"secret\":\"\"}"), "token");
		desk_assert_refused(desk_ask(&q, NULL), "token");
		assert_false(atomic_load(&desk->stop));
		q.origin = DESK_OWN;
		desk_assert_refused(desk_ask(&q, body), "origin");
		q.origin = NULL;
		q.fetch_site = "none";
		desk_assert_refused(desk_ask(&q, body), "origin");
		q.fetch_site = NULL;
		if (strcmp(paths[i], "/control/stop") != 0)
			assert_int_equal(desk_ask(&q, body).status, 200);
	}
	q = desk_question("POST", "/control/stop");
	assert_int_equal(desk_ask(&q, body).status, 200);
	assert_true(atomic_load(&desk->stop));
}

static void test_the_card_manager_keeps_the_rules_of_pins(void **state)
{
	const char *token = desk_enter();
	struct desk_reply reply;

	(void)state;
	assert_int_equal(desk_code(desk_own("/manage/call", token, DESK_SIGN_WRONG)), WORK_LOGIN);
	assert_int_equal(desk_code(desk_own("/manage/call", token, DESK_SIGN_NO_PIN)), WORK_NO_PIN);
	/* typed by the user: it may be tried again, but not the last one like this */
	assert_int_equal(desk_code(desk_own("/manage/call", token, DESK_SIGN_WRONG)), WORK_LOGIN);
	assert_int_equal(desk_card.tries, WORK_TRIES_LAST);
	reply = desk_own("/manage/call", token, DESK_SIGN);
	assert_string_equal(desk_text(reply.json, "state"), "typed");
	assert_string_equal(desk_text(reply.json, "typed"), DESK_TYPED);
	assert_int_equal(desk_card.verifies, 2);
	reply = desk_own("/manage/call", token, "{\"func\":\"MakeSignature\"," DESK_PIN ",\"typed\":\"1111\"}");
	assert_string_equal(desk_text(reply.json, "state"), "typed");
	assert_int_equal(desk_card.verifies, 2);
	reply = desk_own("/manage/call", token, "{\"func\":\"MakeSignature\"," DESK_PIN ",\"typed\":\"" DESK_TYPED "\"}");
	assert_int_equal(desk_code(reply), WORK_OK);
	assert_int_equal(desk_code(desk_own("/manage/call", token, "{\"func\":\"MakeCoffee\"}")), WORK_METHOD);
}

static void test_the_card_manager_changes_sites(void **state)
{
	const char *token = desk_enter();

	(void)state;
	assert_int_equal(desk_own("/manage/site", token, "{\"origin\":\"" DESK_SITE "\",\"state\":\"blocked\"}").status, 200);
	assert_int_equal(sites_state(desk->sites, DESK_SITE), SITE_BLOCKED);
	assert_int_equal(desk_own("/manage/site", token, "{\"origin\":\"" DESK_SITE "\",\"state\":\"unknown\"}").status, 200);
	assert_int_equal(sites_state(desk->sites, DESK_SITE), SITE_UNKNOWN);
	desk_assert_refused(desk_own("/manage/site", token, "{\"origin\":\"x\",\"state\":\"allowed\"}"), "json");
	desk_assert_refused(desk_own("/manage/site", token, "{\"origin\":\"" DESK_SITE "\",\"state\":\"x\"}"), "json");
	desk_write_sites("damaged");
	desk_assert_refused(desk_own("/manage/site", token, "{\"origin\":\"" DESK_SITE "\",\"state\":\"allowed\"}"), "file");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		DESK(test_an_unknown_site_asks_the_user_first),
		DESK(test_an_allowed_site_looks_without_a_click),
		DESK(test_a_signature_takes_a_click_until_the_user_says_otherwise),
		DESK(test_what_changes_a_card_is_always_asked),
		DESK(test_no_and_block),
		DESK(test_another_site_cannot_use_a_window),
		DESK(test_a_window_asks_once),
		DESK(test_a_consent_is_bound_to_its_window),
		DESK(test_what_the_user_says_has_a_form),
		DESK(test_the_page_is_told_in_time),
		DESK(test_a_window_that_is_closed_is_over),
		DESK(test_an_old_window_asks_nothing),
		DESK(test_windows_without_number_take_no_memory),
		DESK(test_the_user_sees_what_is_signed),
		DESK(test_what_cannot_be_read_is_not_shown),
		DESK(test_names_of_cards_stay_text),
		DESK(test_no_secret_is_logged_or_shown),
		DESK(test_every_func_has_its_function),
		DESK(test_an_unknown_func_is_not_offered),
		DESK(test_a_site_is_added_by_the_user),
		DESK(test_a_site_adds_no_other),
		DESK(test_the_card_manager_wants_its_token),
		DESK(test_an_old_key_opens_nothing),
		DESK(test_control_wants_the_secret_and_no_browser),
		DESK(test_the_card_manager_keeps_the_rules_of_pins),
		DESK(test_the_card_manager_changes_sites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
