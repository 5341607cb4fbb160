/*
 * Who may ask the agent what: every address, under its own name and no other, by
 * its own pages, by sites that the user allowed, by programs; and what each of
 * the others gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agentdesk.h"
#include "tools/agent/origin.h"

static struct desk_reply get(const char *path)
{
	struct agent_question q = desk_question("GET", path);

	return desk_ask(&q, NULL);
}

/* As a script of a site asks, without a window. */
static struct desk_reply site_asks(const char *method, const char *path, const char *origin, const char *body)
{
	struct agent_question q = desk_question(method, path);

	q.origin = origin;
	q.fetch_site = "cross-site";
	q.fetch_mode = "cors";
	q.fetch_dest = "empty";
	return desk_ask(&q, body);
}

static void assert_refused(struct desk_reply reply, const char *word)
{
	assert_string_equal(desk_text(reply.json, "error"), word);
	assert_true(reply.status >= 400);
	assert_string_equal(reply.head.allow, "");
}

/* ---- addresses ---- */

static const struct {
	const char *method, *path;
} addresses[] = {
	{"GET", "/popupForm"}, {"GET", "/ChtPopupForm"}, {"GET", "/CardManagement/CMCPopForm"},
	{"GET", "/eIDPM/ChtPopupFormEIDPM"}, {"GET", "/PrintCard/ChtPopupFormPrintCard"},
	{"GET", "/addDomain"}, {"GET", "/pkcs11info"}, {"POST", "/pkcs11info"}, {"POST", "/sign"},
	{"POST", "/decrypt"}, {"POST", "/umakeSig"}, {"POST", "/makeCsr"}, {"POST", "/writecert"},
	{"POST", "/getChallenge"}, {"POST", "/CardManagement/sendCardCommand"}, {"POST", "/eIDPM/ListEID"},
	{"POST", "/eIDPM/GetEIDPublicData"}, {"POST", "/eIDPM/GetEIDHouseHoldData"},
	{"POST", "/eIDPM/GetEIDPrivateDataStep1"}, {"POST", "/eIDPM/GetEIDPrivateDataStep2"},
	{"POST", "/eIDPM/ChangePinEID"}, {"POST", "/eIDPM/BulidUnblockCardRequestEID"},
	{"POST", "/eIDPM/UnblockCardEID"}, {"POST", "/PrintCard/sendCommand_PrintImageb64toPrinter"},
	{"POST", "/PrintCard/sendCommand_PrintImageb64toCardPrinter"},
	{"POST", "/PrintCard/sendCommand_PrintCardCtrl"}, {"GET", "/p11Image.bmp"}, {"GET", "/waiting.gif"},
	{"GET", "/selfTest.htm"}, {"GET", "/"}, {"GET", "/pages/popup.js"},
};

static void test_every_address_is_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct agent_question q = desk_question(addresses[i].method, addresses[i].path);

		assert_int_equal(desk_ask(&q, NULL).status, 200);
	}
}

/* Browsers ask for it with each page. */
static void test_a_picture_for_the_page_is_no_trouble(void **state)
{
	struct desk_reply reply = get("/favicon.ico");
	struct json_object *log = journal_json(desk->journal);

	(void)state;
	assert_int_equal(reply.status, 204);
	assert_int_equal(json_object_array_length(log), 0);
	json_object_put(log);
}

static void test_another_method_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct agent_question q = desk_question("DELETE", addresses[i].path);

		assert_refused(desk_ask(&q, NULL), "method");
		q = desk_question("GE", addresses[i].path);
		assert_refused(desk_ask(&q, NULL), "method");
	}
}

static void test_no_path_leads_anywhere_else(void **state)
{
	static const char *const paths[] = {"/x", "", "/pages/", "/pages/../../etc/passwd", "/pages/popup.html",
					    "/pages/../popup.js", "/pages/popup.js/", "/popupForm/", "/PopupForm",
					    "/pages//popup.js", "/sign/../popupForm", "/pages/."};

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		assert_refused(get(paths[i]), "not-found");
}

static void test_windows_have_their_marks_replaced(void **state)
{
	struct desk_reply one = get("/popupForm"), two = get("/popupForm"), card = get("/CardManagement/CMCPopForm");

	(void)state;
	assert_null(strstr(one.text, "@TOKEN@"));
	assert_non_null(strstr(one.text, "\"getTbs\">me@home"));
	assert_non_null(strstr(card.text, "\"CMCAtn\""));
	assert_string_not_equal(one.text, two.text);
	assert_int_equal(one.head.kind, AGENT_POPUP);
	assert_int_equal(get("/").head.kind, AGENT_PAGE);
}

static void test_what_is_not_offered_says_so(void **state)
{
	struct agent_question q = desk_question("POST", "/eIDPM/ListEID");

	(void)state;
	assert_int_equal(desk_code(desk_ask(&q, NULL)), WORK_METHOD);
	assert_int_equal(desk_card.calls, 0);
}

/* ---- names ---- */

static void test_only_own_names_are_answered(void **state)
{
	static const char *const own[] = {"localhost:61161", "127.0.0.1:61161", "[::1]:61161", "LocalHost:61161"};
	static const char *const others[] = {NULL, "", "localhost", "localhost:80", "evil.example:61161", "127.0.0.1",
					     "localhost:61161.evil.example", "localhost.evil.example:61161",
					     "127.0.0.1:611610", "0.0.0.0:61161", "localhost:61161 "};
	struct agent_question q;

	(void)state;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		q = desk_question("GET", "/popupForm");
		q.host = own[i];
		assert_int_equal(desk_ask(&q, NULL).status, 200);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		q = desk_question("GET", "/pkcs11info");
		q.host = others[i];
		assert_refused(desk_ask(&q, NULL), "host");
	}
	assert_int_equal(desk_card.calls, 0);
}

static void test_another_user_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct agent_question q = desk_question(addresses[i].method, addresses[i].path);

		q.peer = AGENT_PEER_OTHER;
		assert_refused(desk_ask(&q, NULL), "peer");
	}
	assert_int_equal(desk_card.calls, 0);
}

/* Where the system does not tell whose a connection is, only windows are answered: they ask the user. */
static void test_a_program_of_nobody_gets_nothing(void **state)
{
	struct agent_question q = desk_question("GET", "/pkcs11info");

	(void)state;
	q.peer = AGENT_PEER_UNKNOWN;
	assert_int_equal(desk_code(desk_ask(&q, NULL)), WORK_SITE_UNKNOWN);
	q = desk_question("GET", "/popupForm");
	q.peer = AGENT_PEER_UNKNOWN;
	assert_int_equal(desk_ask(&q, NULL).status, 200);
	assert_int_equal(desk_card.calls, 0);
}

static void test_origins_are_read_strictly(void **state)
{
	static const struct {
		const char *text, *origin;
	} rows[] = {
		{"https://www.example.gov.tw", "https://www.example.gov.tw"},
		{"HTTPS://WWW.Example.gov.tw", "https://www.example.gov.tw"},
		{"https://a.tw:443", "https://a.tw"},
		{"http://a.tw:80", "http://a.tw"},
		{"http://a.tw:443", "http://a.tw:443"},
		{"http://127.0.0.1:8000", "http://127.0.0.1:8000"},
		{"http://[::1]:8000", "http://[::1]:8000"},
		{"https://xn--kpry57d", "https://xn--kpry57d"},
		{"null", ""}, {"", ""}, {"file://", ""}, {"ftp://a.tw", ""}, {"https://", ""}, {"https://a.tw/", ""},
		{"https://a.tw:", ""}, {"https://a.tw:0", ""}, {"https://a.tw:65536", ""}, {"https://a.tw:1x", ""},
		{"https://u@a.tw", ""}, {"https://a.tw b", ""}, {"https://.a", ""}, {"https://[::1", ""},
		{"https://a\"b", ""}, {"https://<b>", ""}, {" https://a.tw", ""},
	};
	char out[ORIGIN_MAX], large[2 * ORIGIN_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(origin_parse(rows[i].text, out), *rows[i].origin != '\0');
		assert_string_equal(out, rows[i].origin);
	}
	memset(large, 'a', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	memcpy(large, "https://", 8);
	assert_false(origin_parse(large, out));
	assert_false(origin_parse(NULL, out));
	assert_true(origin_of_url("https://a.tw/b?c=https://d", out));
	assert_string_equal(out, "https://a.tw");
	assert_false(origin_of_url("https://a.tw@d/", out));
	assert_true(origin_of_name("www.a.tw", out));
	assert_string_equal(out, "https://www.a.tw");
	assert_false(origin_of_name("a.tw/x", out));
	assert_false(origin_of_name("a.tw:80", out));
	assert_false(origin_of_name("", out));
}

/* ---- browsers ---- */

static void test_no_page_is_shown_in_a_frame(void **state)
{
	static const char *const paths[] = {"/popupForm", "/addDomain", "/", "/selfTest.htm"};
	static const char *const places[] = {"iframe", "frame", "object", "embed", "image"};

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
			struct agent_question q = desk_question("GET", paths[i]);

			q.fetch_dest = places[k];
			q.fetch_mode = "navigate";
			assert_refused(desk_ask(&q, NULL), "frame");
		}
	assert_int_equal(popups_count(desk->popups, desk_time), 0);
}

static void test_no_site_leads_to_the_card_manager(void **state)
{
	static const char *const from[] = {"cross-site", "same-site"};
	struct agent_question q;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		q = desk_question("GET", "/");
		q.fetch_site = from[i];
		q.fetch_mode = "navigate";
		q.fetch_dest = "document";
		assert_refused(desk_ask(&q, NULL), "origin");
		q = desk_question("GET", "/pages/popup.js");
		q.fetch_site = from[i];
		assert_refused(desk_ask(&q, NULL), "origin");
	}
	q = desk_question("GET", "/");
	q.fetch_site = "none";
	q.fetch_mode = "navigate";
	q.fetch_dest = "document";
	assert_int_equal(desk_ask(&q, NULL).status, 200);
}

/* Scripts of other sites cannot use what is for the agent's pages, even with a token. */
static void test_own_addresses_want_the_own_origin(void **state)
{
	static const char *const paths[] = {"/popup", "/consent", "/consent/closed", "/manage/login", "/manage/state", "/manage/sites",
					    "/manage/site", "/manage/log", "/manage/call", "/manage/selftest",
					    "/manage/report"};
	static const char *const origins[] = {NULL, "null", DESK_OTHER, "http://localhost:61162", "https://localhost:61161",
					      "http://localhost", "http://localhost:61161.evil.example"};
	const char *token = desk_window("/popupForm", NULL);

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		for (size_t k = 0; k < sizeof origins / sizeof *origins; k++) {
			struct agent_question q = desk_question("POST", paths[i]);

			q.origin = origins[k];
			q.token = token;
			q.site = DESK_SITE;
			assert_refused(desk_ask(&q, "{}"), "origin");
			q = desk_question("OPTIONS", paths[i]);
			q.origin = origins[k];
			q.ask_method = "POST";
			assert_refused(desk_ask(&q, NULL), "method");
		}
	/* and the browser's own word counts, too */
	{
		struct agent_question q = desk_question("POST", "/popup");

		q.origin = DESK_OWN;
		q.fetch_site = "cross-site";
		q.token = token;
		assert_refused(desk_ask(&q, "{}"), "origin");
	}
	assert_int_equal(desk_card.calls, 0);
}

static void test_a_form_of_another_site_does_nothing(void **state)
{
	struct agent_question q = desk_question("POST", "/sign");

	(void)state;
	assert_true(sites_set(desk->sites, DESK_SITE, SITE_ALLOWED));
	q.origin = DESK_SITE;
	q.fetch_site = "cross-site";
	q.fetch_mode = "navigate";
	q.fetch_dest = "document";
	assert_refused(desk_ask(&q, "tbsPackage={\"tbs\":\"x\",\"pin\":\"123456\"}"), "origin");
	/* an image, a script: a browser, but no script of a site */
	q = desk_question("GET", "/pkcs11info");
	q.fetch_site = "cross-site";
	q.fetch_mode = "no-cors";
	q.fetch_dest = "script";
	assert_int_equal(desk_code(desk_ask(&q, NULL)), WORK_SITE_UNKNOWN);
	/* an old browser, which says only where it comes from */
	q = desk_question("GET", "/pkcs11info");
	q.referer = DESK_OTHER "/";
	assert_int_equal(desk_code(desk_ask(&q, NULL)), WORK_SITE_UNKNOWN);
	assert_int_equal(desk_card.calls, 0);
}

/* ---- without a window ---- */

static void test_a_program_is_answered(void **state)
{
	struct agent_question q = desk_question("POST", "/sign");
	struct desk_reply reply = desk_ask(&q, "tbsPackage=%7B%22tbs%22%3A%22a%2Bb%22%2C%22pin%22%3A%22123456%22%7D");

	(void)state;
	assert_int_equal(desk_code(reply), WORK_OK);
	assert_int_equal(desk_card.function, WORK_SIGN);
	assert_string_equal(desk_card.said, "123456");
	assert_string_equal(reply.head.allow, "");
	q = desk_question("POST", "/pkcs11info");
	assert_int_equal(desk_code(desk_ask(&q, NULL)), WORK_OK);
	assert_int_equal(desk_card.function, WORK_INFO);
	q.withcert = "true";
	assert_int_equal(desk_code(desk_ask(&q, NULL)), WORK_OK);
	assert_int_equal(desk_card.function, WORK_INFO_CERTS);
}

static void test_an_unknown_or_blocked_site_gets_its_code(void **state)
{
	(void)state;
	assert_true(sites_set(desk->sites, DESK_OTHER, SITE_BLOCKED));
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct desk_reply unknown, blocked;

		if (strcmp(addresses[i].method, "POST") != 0)
			continue;
		unknown = site_asks("POST", addresses[i].path, DESK_SITE, "tbsPackage={\"pin\":\"123456\"}");
		blocked = site_asks("POST", addresses[i].path, DESK_OTHER, NULL);
		assert_int_equal(desk_code(unknown), WORK_SITE_UNKNOWN);
		assert_int_equal(desk_code(blocked), WORK_SITE_FORBIDDEN);
		assert_string_equal(unknown.head.allow, "");
		assert_string_equal(blocked.head.allow, "");
		assert_int_equal(desk_code(site_asks("POST", addresses[i].path, "null", NULL)), WORK_SITE_UNKNOWN);
	}
	assert_int_equal(desk_card.calls, 0);
}

static void test_an_allowed_site_may_look_and_no_more(void **state)
{
	struct desk_reply reply;

	(void)state;
	assert_true(sites_set(desk->sites, DESK_SITE, SITE_ALLOWED));
	reply = site_asks("POST", "/pkcs11info", DESK_SITE, NULL);
	assert_int_equal(desk_code(reply), WORK_OK);
	assert_string_equal(reply.head.allow, DESK_SITE);
	assert_int_equal(desk_code(site_asks("POST", "/sign", DESK_SITE, "tbsPackage={\"pin\":\"123456\"}")),
			 WORK_CANCELLED);
	assert_int_equal(desk_card.verifies, 0);
	sites_grant(desk->sites, DESK_SITE);
	assert_int_equal(desk_code(site_asks("POST", "/sign", DESK_SITE, "tbsPackage={\"pin\":\"123456\"}")), WORK_OK);
	/* what changes a card always needs the user */
	assert_int_equal(desk_code(site_asks("POST", "/writecert", DESK_SITE, "tbsPackage={\"pin\":\"123456\"}")),
			 WORK_CANCELLED);
	assert_int_equal(desk_code(site_asks("POST", "/CardManagement/sendCardCommand", DESK_SITE,
					     "tbsPackage={\"currentPIN\":\"123456\"}")), WORK_CANCELLED);
	assert_int_equal(desk_card.verifies, 1);
}

static void test_only_an_allowed_site_has_its_preflight(void **state)
{
	struct agent_question q = desk_question("OPTIONS", "/sign");
	struct desk_reply reply;

	(void)state;
	q.origin = DESK_SITE;
	q.ask_method = "POST";
	q.ask_private = "true";
	assert_refused(desk_ask(&q, NULL), "origin");
	assert_true(sites_set(desk->sites, DESK_SITE, SITE_ALLOWED));
	reply = desk_ask(&q, NULL);
	assert_int_equal(reply.status, 204);
	assert_string_equal(reply.head.allow, DESK_SITE);
	assert_true(reply.head.preflight);
	assert_true(reply.head.private_network);
	q.ask_private = NULL;
	assert_false(desk_ask(&q, NULL).head.private_network);
	assert_true(sites_set(desk->sites, DESK_SITE, SITE_BLOCKED));
	reply = desk_ask(&q, NULL);
	assert_refused(reply, "origin");
	assert_false(reply.head.private_network);
	q.ask_method = NULL;
	assert_refused(desk_ask(&q, NULL), "origin");
}

/* ---- bad bodies ---- */

static void test_bad_bodies_get_their_codes(void **state)
{
	static const struct {
		const char *body;
		uint32_t code;
	} rows[] = {
		{"tbsPackage=", WORK_OK}, /* no PIN: see below */
		{"tbsPackage={", WORK_JSON_BAD}, {"tbsPackage=[]", WORK_JSON_BAD}, {"tbsPackage=1", WORK_JSON_BAD},
		{"tbsPackage={}x", WORK_JSON_BAD}, {"{}", WORK_JSON_BAD},
		{"x=1", WORK_JSON_BAD}, {"tbs", WORK_JSON_BAD}, {"tbsPackage={\"a\":\"\xff\"}", WORK_JSON_BAD},
		{"tbsPackage=%00", WORK_JSON_BAD}, {"tbsPackage={\"a\":%00}", WORK_JSON_BAD},
		{"tbsPackage={\"pin\":1}", WORK_PARAMETER_BAD},
		{"tbsPackage={\"pin\":[\"123456\"]}", WORK_PARAMETER_BAD},
		{"tbsPackage={\"pin\":{}}", WORK_PARAMETER_BAD},
		{"tbsPackage={\"a\":[[[[[[[[[[1]]]]]]]]]]}", WORK_JSON_BAD},
		{"tbsPackage={\"a\":1e999999}", WORK_OK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct agent_question q = desk_question("POST", "/sign");
		struct desk_reply reply = desk_ask(&q, rows[i].body);

		if (rows[i].code != WORK_OK && desk_code(reply) != rows[i].code)
			fail_msg("%s: 0x%llx", rows[i].body, (unsigned long long)desk_code(reply));
		assert_int_equal(reply.status, 200);
	}
	assert_int_equal(desk_card.verifies, 0);
}

static void test_a_pin_may_be_anything_but_empty(void **state)
{
	static const struct {
		const char *body, *said;
		unsigned verifies;
	} rows[] = {
		{"tbsPackage={\"pin\":\"\"}", "", 0},
		{"tbsPackage={\"pin\":null}", "", 0},
		{"tbsPackage={\"pin\":\"__NotExistedTag__\"}", "", 0},
		{"tbsPackage={\"pin\":\"12%2B4%2556\"}", "12+4%56", 1},
	};
	struct agent_question q;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		q = desk_question("POST", "/sign");
		desk_card.verifies = 0;
		desk_ask(&q, rows[i].body);
		assert_int_equal(desk_card.verifies, rows[i].verifies);
		if (rows[i].verifies)
			assert_string_equal(desk_card.said, rows[i].said);
	}
}

static void test_too_much_is_refused(void **state)
{
	struct agent_question q = desk_question("POST", "/sign");

	(void)state;
	q.too_large = true;
	assert_refused(desk_ask(&q, NULL), "size");
	assert_int_equal(desk_card.calls, 0);
}

/* ---- the bitmap ---- */

/* As pages read it: three characters a pixel, to the first whose blue is 0. */
static struct json_object *read_bitmap(struct desk_reply reply)
{
	const unsigned char *row = (const unsigned char *)reply.text + 54;
	char text[6001];
	size_t len = 0;

	assert_int_equal(reply.len, 54 + 6000);
	assert_memory_equal(reply.text, "BM", 2);
	assert_string_equal(reply.head.type, "image/bmp");
	for (size_t i = 0; i < 6000 && row[i]; i += 3)
		for (size_t k = 0; k < 3; k++) {
			assert_true(row[i + k] && row[i + k] < 0x80);
			text[len++] = (char)row[i + k];
		}
	text[len] = '\0';
	return json_tokener_parse(text);
}

static void test_the_bitmap_is_what_pages_read(void **state)
{
	struct agent_question q = desk_question("GET", "/p11Image.bmp");
	struct desk_reply reply;
	struct json_object *json;

	(void)state;
	assert_true(sites_set(desk->sites, DESK_SITE, SITE_ALLOWED));
	q.origin = DESK_SITE;
	q.fetch_site = "cross-site";
	q.fetch_mode = "cors";
	q.fetch_dest = "image";
	reply = desk_ask(&q, NULL);
	json = read_bitmap(reply);
	assert_non_null(json);
	assert_string_equal(desk_text(json, "serverVersion"), WORK_SERVER_VERSION);
	assert_string_equal(desk_text(json, "message"), "王小明𠮷");
	assert_string_equal(reply.head.allow, DESK_SITE);
	assert_int_equal(desk_card.function, WORK_INFO);
	json_object_put(json);
}

static void test_the_bitmap_tells_an_unknown_site_that_it_is_unknown(void **state)
{
	struct agent_question q = desk_question("GET", "/p11Image.bmp");
	struct desk_reply reply;
	struct json_object *json, *code = NULL;

	(void)state;
	q.origin = DESK_SITE;
	q.fetch_mode = "cors";
	reply = desk_ask(&q, NULL);
	json = read_bitmap(reply);
	assert_true(json_object_object_get_ex(json, "ret_code", &code));
	assert_int_equal(json_object_get_int64(code), WORK_SITE_UNKNOWN);
	assert_false(json_object_object_get_ex(json, "slots", &code));
	assert_string_equal(reply.head.allow, DESK_SITE);
	json_object_put(json);
	/* a blocked one cannot read even that */
	assert_true(sites_set(desk->sites, DESK_SITE, SITE_BLOCKED));
	assert_string_equal(desk_ask(&q, NULL).head.allow, "");
	/* an image without crossorigin, which no page can read */
	q.origin = NULL;
	q.fetch_mode = "no-cors";
	json = read_bitmap(desk_ask(&q, NULL));
	assert_true(json_object_object_get_ex(json, "ret_code", &code));
	assert_int_equal(json_object_get_int64(code), WORK_SITE_UNKNOWN);
	json_object_put(json);
	assert_int_equal(desk_card.calls, 0);
}

/* ---- sites ---- */

static void test_sites_are_kept(void **state)
{
	char problem[256] = "";
	struct sites *again;
	struct stat st;

	(void)state;
	assert_true(sites_set(desk->sites, DESK_SITE, SITE_ALLOWED));
	assert_true(sites_set(desk->sites, DESK_OTHER, SITE_BLOCKED));
	sites_grant(desk->sites, DESK_SITE);
	sites_grant(desk->sites, DESK_OTHER);
	assert_true(sites_granted(desk->sites, DESK_SITE));
	assert_false(sites_granted(desk->sites, DESK_OTHER));
	assert_int_equal(stat(desk_sites_file(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	again = sites_open(desk_sites_file(), problem, sizeof problem);
	assert_non_null(again);
	assert_int_equal(sites_state(again, DESK_SITE), SITE_ALLOWED);
	assert_int_equal(sites_state(again, DESK_OTHER), SITE_BLOCKED);
	assert_false(sites_granted(again, DESK_SITE)); /* until the end of an agent */
	/* what one wrote the other one does not undo; a grant ends with what it stood on */
	assert_true(sites_set(again, DESK_OTHER, SITE_UNKNOWN));
	assert_true(sites_set(again, DESK_SITE, SITE_BLOCKED));
	assert_true(sites_set(desk->sites, "https://third.tw", SITE_ALLOWED));
	assert_int_equal(sites_state(desk->sites, DESK_OTHER), SITE_UNKNOWN);
	assert_int_equal(sites_state(desk->sites, DESK_SITE), SITE_BLOCKED);
	assert_false(sites_granted(desk->sites, DESK_SITE));
	sites_close(again);
}

static void test_a_damaged_file_of_sites_is_not_forgotten(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{\"version\":1}", "{\"version\":2,\"sites\":[]}",
					    "{\"version\":1,\"sites\":[{\"origin\":\"x\",\"state\":\"allowed\",\"since\":1}]}",
					    "{\"version\":1,\"sites\":[{\"origin\":\"https://a\",\"state\":\"unknown\",\"since\":1}]}",
					    "{\"version\":1,\"sites\":[{\"origin\":\"https://a\",\"state\":\"allowed\"}]}",
					    "{\"version\":1,\"sites\":[7]}"};
	char problem[256];

	(void)state;
	assert_true(sites_set(desk->sites, DESK_OTHER, SITE_BLOCKED));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		desk_write_sites(texts[i]);
		assert_null(sites_open(desk_sites_file(), problem, sizeof problem));
		assert_non_null(strstr(problem, "sites.json"));
		/* one that runs writes nothing over it, and keeps what it knows */
		assert_false(sites_set(desk->sites, DESK_SITE, SITE_ALLOWED));
		assert_int_equal(sites_state(desk->sites, DESK_SITE), SITE_UNKNOWN);
		assert_int_equal(sites_state(desk->sites, DESK_OTHER), SITE_BLOCKED);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		DESK(test_every_address_is_there),
		DESK(test_a_picture_for_the_page_is_no_trouble),
		DESK(test_another_method_is_refused),
		DESK(test_no_path_leads_anywhere_else),
		DESK(test_windows_have_their_marks_replaced),
		DESK(test_what_is_not_offered_says_so),
		DESK(test_only_own_names_are_answered),
		DESK(test_another_user_is_refused),
		DESK(test_a_program_of_nobody_gets_nothing),
		DESK(test_origins_are_read_strictly),
		DESK(test_no_page_is_shown_in_a_frame),
		DESK(test_no_site_leads_to_the_card_manager),
		DESK(test_own_addresses_want_the_own_origin),
		DESK(test_a_form_of_another_site_does_nothing),
		DESK(test_a_program_is_answered),
		DESK(test_an_unknown_or_blocked_site_gets_its_code),
		DESK(test_an_allowed_site_may_look_and_no_more),
		DESK(test_only_an_allowed_site_has_its_preflight),
		DESK(test_bad_bodies_get_their_codes),
		DESK(test_a_pin_may_be_anything_but_empty),
		DESK(test_too_much_is_refused),
		DESK(test_the_bitmap_is_what_pages_read),
		DESK(test_the_bitmap_tells_an_unknown_site_that_it_is_unknown),
		DESK(test_sites_are_kept),
		DESK(test_a_damaged_file_of_sites_is_not_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
