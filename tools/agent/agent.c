#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "tools/agent/call.h"

#define POPUP(path, page, ready) {path, ROUTE_POPUP, "GET", open_popup, WORK_NOT_OFFERED, page, ready}
#define DIRECT(path, methods, function) {path, ROUTE_DIRECT, methods, direct_ask, function, NULL, NULL}
#define PAGE(path, page) {path, ROUTE_PAGE, "GET", open_page, WORK_NOT_OFFERED, page, NULL}
#define OWN(path, run) {path, ROUTE_OWN, "POST", run, WORK_NOT_OFFERED, NULL, NULL}
#define UPLOAD(path, run) {path, ROUTE_UPLOAD, "POST", run, WORK_NOT_OFFERED, NULL, NULL}
#define CONTROL(path, run) {path, ROUTE_CONTROL, "POST", run, WORK_NOT_OFFERED, NULL, NULL}

static const struct route routes[] = {
	POPUP("/popupForm", "popup.html", "getTbs"),
	POPUP("/ChtPopupForm", "popup.html", "getTbs"),
	POPUP("/CardManagement/CMCPopForm", "popup.html", "CMCAtn"),
	POPUP("/eIDPM/ChtPopupFormEIDPM", "popup.html", "getTbs"),
	POPUP("/PrintCard/ChtPopupFormPrintCard", "popup.html", "getTbs"),
	{"/addDomain", ROUTE_POPUP, "GET", open_add, WORK_NOT_OFFERED, "add.html", NULL},
	DIRECT("/pkcs11info", "GET POST", WORK_INFO),
	DIRECT("/sign", "POST", WORK_SIGN),
	DIRECT("/decrypt", "POST", WORK_DECRYPT),
	DIRECT("/umakeSig", "POST", WORK_UMAKESIG),
	DIRECT("/makeCsr", "POST", WORK_MAKE_CSR),
	DIRECT("/writecert", "POST", WORK_WRITE_CERT),
	DIRECT("/getChallenge", "POST", WORK_CHALLENGE),
	DIRECT("/CardManagement/sendCardCommand", "POST", WORK_CARD_COMMAND),
	DIRECT("/eIDPM/ListEID", "POST", WORK_NOT_OFFERED),
	DIRECT("/eIDPM/GetEIDPublicData", "POST", WORK_NOT_OFFERED),
	DIRECT("/eIDPM/GetEIDHouseHoldData", "POST", WORK_NOT_OFFERED),
	DIRECT("/eIDPM/GetEIDPrivateDataStep1", "POST", WORK_NOT_OFFERED),
	DIRECT("/eIDPM/GetEIDPrivateDataStep2", "POST", WORK_NOT_OFFERED),
	DIRECT("/eIDPM/ChangePinEID", "POST", WORK_NOT_OFFERED),
	DIRECT("/eIDPM/BulidUnblockCardRequestEID", "POST", WORK_NOT_OFFERED),
	DIRECT("/eIDPM/UnblockCardEID", "POST", WORK_NOT_OFFERED),
	DIRECT("/PrintCard/sendCommand_PrintImageb64toPrinter", "POST", WORK_NOT_OFFERED),
	DIRECT("/PrintCard/sendCommand_PrintImageb64toCardPrinter", "POST", WORK_NOT_OFFERED),
	DIRECT("/PrintCard/sendCommand_PrintCardCtrl", "POST", WORK_NOT_OFFERED),
	{"/p11Image.bmp", ROUTE_DIRECT, "GET", direct_bitmap, WORK_INFO, NULL, NULL},
	PAGE("/", "manager.html"),
	{"/selfTest.htm", ROUTE_PAGE, "GET", open_self_test, WORK_NOT_OFFERED, "selftest.html", NULL},
	{"/waiting.gif", ROUTE_FILE, "GET", open_file, WORK_NOT_OFFERED, "waiting.gif", NULL},
	{"/favicon.ico", ROUTE_FILE, "GET", open_nothing, WORK_NOT_OFFERED, NULL, NULL},
	{"/pages/*", ROUTE_FILE, "GET", open_file, WORK_NOT_OFFERED, NULL, NULL},
	OWN("/popup", consent_ask),
	OWN("/consent", consent_answer),
	OWN("/consent/closed", consent_closed),
	OWN("/manage/login", manage_login),
	OWN("/manage/state", manage_state),
	OWN("/manage/sites", manage_sites),
	OWN("/manage/site", manage_site),
	OWN("/manage/log", manage_log),
	OWN("/manage/call", manage_call),
	OWN("/manage/check", cert_check_one),
	OWN("/manage/authz", cert_authz),
	OWN("/manage/sign", file_sign),
	OWN("/manage/verify", file_verify),
	UPLOAD("/manage/file", file_data),
	UPLOAD("/manage/signature", file_signature),
	OWN("/manage/selftest", manage_selftest),
	OWN("/manage/report", manage_report),
	{"/manage/events", ROUTE_EVENTS, "GET", manage_events, WORK_NOT_OFFERED, NULL, NULL},
	CONTROL("/control/status", control_status),
	CONTROL("/control/open", control_open),
	CONTROL("/control/stop", control_stop),
	CONTROL("/control/log", control_log),
};

static bool is(const char *value, const char *word)
{
	return value && strcmp(value, word) == 0;
}

/* Not said, or this: old browsers say nothing. */
static bool is_or_none(const char *value, const char *word)
{
	return !value || strcmp(value, word) == 0;
}

void call_refuse(struct call *c, enum refusal r)
{
	journal_line(c->a->journal, "%s refused: %s", c->route ? c->route->path : "?", refusal_word(r));
	refusal_answer(r, c->out);
}

/* ---- who may ask what ---- */

/* REFUSAL_COUNT: it may. */
static enum refusal check_popup(const struct agent *a, const struct agent_question *q)
{
	(void)a;
	return is_or_none(q->fetch_dest, "document") && is_or_none(q->fetch_mode, "navigate") ? REFUSAL_COUNT
											     : REFUSAL_FRAME;
}

/* No site can lead the user here: typed, or opened by a program. */
static enum refusal check_page(const struct agent *a, const struct agent_question *q)
{
	enum refusal frame = check_popup(a, q);

	if (frame != REFUSAL_COUNT)
		return frame;
	return !q->fetch_site || is(q->fetch_site, "none") || is(q->fetch_site, "same-origin") ? REFUSAL_COUNT
												: REFUSAL_ORIGIN;
}

static enum refusal check_file(const struct agent *a, const struct agent_question *q)
{
	if (q->origin && !origin_is_own(q->origin, a->port))
		return REFUSAL_ORIGIN;
	return !q->fetch_site || is(q->fetch_site, "none") || is(q->fetch_site, "same-origin") ? REFUSAL_COUNT
												: REFUSAL_ORIGIN;
}

/* A browser says the origin of what scripts post; without it there is no page, or not ours. */
static enum refusal check_own(const struct agent *a, const struct agent_question *q)
{
	return origin_is_own(q->origin, a->port) && is_or_none(q->fetch_site, "same-origin") ? REFUSAL_COUNT
											     : REFUSAL_ORIGIN;
}

static enum refusal check_events(const struct agent *a, const struct agent_question *q)
{
	return (!q->origin || origin_is_own(q->origin, a->port)) && is_or_none(q->fetch_site, "same-origin")
		       ? REFUSAL_COUNT : REFUSAL_ORIGIN;
}

/* Sites are looked at where the answer is made: they get a code, not an error. A form that is sent, or a frame, is no script. */
static enum refusal check_direct(const struct agent *a, const struct agent_question *q)
{
	(void)a;
	return is(q->fetch_mode, "navigate") ? REFUSAL_ORIGIN : REFUSAL_COUNT;
}

/* No browser: every sign of one is a refusal. */
static enum refusal check_control(const struct agent *a, const struct agent_question *q)
{
	(void)a;
	return q->origin || q->referer || q->fetch_site || q->fetch_mode || q->fetch_dest ? REFUSAL_ORIGIN
											  : REFUSAL_COUNT;
}

static enum refusal (*const checks[ROUTE_KINDS])(const struct agent *a, const struct agent_question *q) = {
	[ROUTE_POPUP] = check_popup,
	[ROUTE_PAGE] = check_page,
	[ROUTE_FILE] = check_file,
	[ROUTE_OWN] = check_own,
	[ROUTE_UPLOAD] = check_own,
	[ROUTE_EVENTS] = check_events,
	[ROUTE_DIRECT] = check_direct,
	[ROUTE_CONTROL] = check_control,
};

/* ---- which way ---- */

static bool route_is(const struct route *r, const char *path)
{
	size_t len = strlen(r->path);

	if (r->path[len - 1] == '*')
		return strncmp(path, r->path, len - 1) == 0;
	return strcmp(path, r->path) == 0;
}

static const struct route *find_route(const char *path)
{
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
		if (route_is(&routes[i], path))
			return &routes[i];
	return NULL;
}

/* One of a list of words. */
static bool takes(const char *methods, const char *method)
{
	size_t len = strlen(method);

	for (const char *at = methods; (at = strstr(at, method)); at += len)
		if ((at == methods || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
	return false;
}

static enum refusal check(struct call *c)
{
	if (c->q->peer == AGENT_PEER_OTHER)
		return REFUSAL_PEER;
	if (!origin_is_own_host(c->q->host, c->a->port))
		return REFUSAL_HOST;
	c->route = find_route(c->q->path);
	if (!c->route)
		return REFUSAL_NOT_FOUND;
	if (c->route->kind == ROUTE_DIRECT && is(c->q->method, "OPTIONS"))
		return REFUSAL_COUNT;
	if (!takes(c->route->methods, c->q->method))
		return REFUSAL_METHOD;
	if (c->q->too_large)
		return REFUSAL_SIZE;
	return checks[c->route->kind](c->a, c->q);
}

struct upload *agent_upload(struct agent *a, struct agent_question *q)
{
	struct call c = {.a = a, .q = q, .now = a->now()};

	if (check(&c) != REFUSAL_COUNT || c.route->kind != ROUTE_UPLOAD || !keys_good(a->keys, q->token, c.now))
		return NULL;
	return upload_new(c.route->run == file_signature ? UPLOAD_SIGNATURE : UPLOAD_DATA);
}

void agent_ask(struct agent *a, struct agent_question *q, struct agent_answer *out)
{
	struct call c = {.a = a, .q = q, .out = out, .now = a->now()};
	enum refusal refusal;

	*out = (struct agent_answer){.status = 200, .kind = AGENT_DATA};
	refusal = check(&c);
	if (refusal != REFUSAL_COUNT)
		call_refuse(&c, refusal);
	else if (is(q->method, "OPTIONS"))
		direct_preflight(&c);
	else
		c.route->run(&c);
	if (refusal != REFUSAL_PEER)
		atomic_store(&a->used, c.now);
	if (q->body)
		OPENSSL_cleanse(q->body, q->len);
}

/* ---- begin and end ---- */

bool agent_init(struct agent *a)
{
	a->popups = popups_new();
	a->pins = pin_rule_new();
	a->turns = turns_new();
	a->keys = keys_new();
	a->uploads = uploads_new();
	if (!a->journal)
		a->journal = journal_new(false);
	if (!a->popups || !a->pins || !a->turns || !a->keys || !a->uploads || !a->journal)
		return false;
	atomic_store(&a->used, a->now());
	return true;
}

void agent_clear(struct agent *a)
{
	popups_free(a->popups);
	pin_rule_free(a->pins);
	turns_free(a->turns);
	keys_free(a->keys);
	uploads_free(a->uploads);
	journal_free(a->journal);
	sites_close(a->sites);
	work_close(a->work);
}
