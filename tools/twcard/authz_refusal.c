#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/twcard/authz_refusal.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/text.h"

/* ---- what to do ---- */

#define ASK_OPERATOR N_("Try again; if it stays, tell who runs the authority.")

/* Codes of PROTOCOL (docs/AUTHORITY.md), and those of the way there, which are ours. */
static const struct refusal {
	const char *code;
	enum exit_code exit;
	const char *text; /* what is wrong, where the authority does not say it; NULL: it does */
	const char *next;
} refusals[] = {
	{"network", EXIT_FILE, N_("the authority cannot be reached"),
	 N_("Check the network, and whether this network needs a proxy: --proxy, authority-proxy in twcard.conf, or "
	    "https_proxy.")},
	{"timeout", EXIT_FILE, N_("the authority did not answer in time"),
	 N_("Check the network, and whether this network needs a proxy (--proxy); then try again.")},
	{"cut", EXIT_FILE, N_("the connection to the authority was cut"), N_("Check the network and try again.")},
	{"proxy", EXIT_FILE, N_("the proxy does not let us through"),
	 N_("Check its address, account and password: --proxy, authority-proxy in twcard.conf, or https_proxy.")},
	{"tls", EXIT_FILE, N_("who answers has not proven to be the authority"),
	 N_("Nothing was sent. Check the address; --ca names the CAs that its certificate comes from.")},
	{"bad-answer", EXIT_FILE, N_("what answers is no authority that is understood"),
	 N_("Check the address (--server); it may also need a newer twcard.")},
	{"http", EXIT_FILE, N_("the authority does not work"), ASK_OPERATOR},
	{"not-found", EXIT_FILE, N_("there is no authority at this address"),
	 N_("Check the address (--server); who runs the authority sees whether it answers there.")},
	{"method", EXIT_FILE, NULL, N_("Check the address (--server); it may also need a newer twcard.")},
	{"database", EXIT_FILE, N_("the authority cannot reach its database"),
	 N_("Try again later; if it stays, tell who runs the authority that its database does not answer.")},
	{"internal", EXIT_FILE, NULL, ASK_OPERATOR},
	{"too-many", EXIT_FILE, NULL, N_("Wait a minute and try again.")},
	{"too-large", EXIT_NEGATIVE, NULL, N_("Shorten the texts.")},
	{"bad-request", EXIT_NEGATIVE, NULL, N_("It may need a newer twcard.")},
	{"wrong-protocol", EXIT_FILE, N_("the authority speaks another version of the protocol"),
	 N_("It may need a newer twcard.")},
	{"wrong-authority", EXIT_NEGATIVE, NULL, N_("Check the address (--server).")},
	{"bad-signature", EXIT_NEGATIVE, NULL, N_("Try again; if it stays, the card is damaged.")},
	{"signer-not-trusted", EXIT_NEGATIVE, NULL,
	 N_("'twcard cert check' says whether the card's certificate is still good.")},
	{"signer-revoked", EXIT_NEGATIVE, NULL,
	 N_("The card's certificate is not valid any more: its CA says how to get a new one.")},
	{"revocation-unknown", EXIT_FILE, NULL,
	 N_("Tell who runs the authority that its revocation lists are outdated.")},
	{"request-reused", EXIT_NEGATIVE, NULL, N_("Try again.")},
	{"time", EXIT_NEGATIVE, NULL, N_("Set this computer's clock.")},
	{"nonce", EXIT_NEGATIVE, NULL, N_("Try again.")},
	{"wrong-card", EXIT_NEGATIVE, NULL, N_("Put in the card that it concerns.")},
	{"rule", EXIT_NEGATIVE, NULL, N_("docs/AUTHORIZATION.md has the rules. Nothing was changed.")},
	{"not-as-reserved", EXIT_NEGATIVE, NULL, N_("Begin anew. Nothing was changed.")},
	{"not-in-catalogue", EXIT_NEGATIVE, NULL, N_("Choose an application of the authority's catalogue.")},
	{"delegation-missing", EXIT_NEGATIVE, NULL,
	 N_("The primary card delegates with 'twcard authz delegate'; 'twcard authz history' shows what there is.")},
	{"delegation-not-valid", EXIT_NEGATIVE, NULL,
	 N_("It was disabled, or has not begun: 'twcard authz history' shows it.")},
	{"delegation-expired", EXIT_NEGATIVE, NULL,
	 N_("The primary card delegates anew with 'twcard authz delegate'.")},
	{"unknown-serial", EXIT_NEGATIVE, NULL, N_("'twcard authz history' shows those there are.")},
	{"unknown-reservation", EXIT_NEGATIVE, NULL, N_("Begin anew.")},
	{"wrong-state", EXIT_NEGATIVE, NULL, N_("'twcard authz history' shows how far it is.")},
	{"already-activated", EXIT_NEGATIVE, NULL, N_("A card is activated once: nothing is left to be done.")},
	{"user-code", EXIT_NEGATIVE, NULL, N_("Check the user code (用戶代碼) of the attached card.")},
	{"no-activation-key", EXIT_NEGATIVE, NULL, N_("Only the card's issuer can activate it.")},
	{"terms", EXIT_NEGATIVE, NULL, N_("The terms have changed: read and accept them anew.")},
};

const char *authz_refusal_code(unsigned i)
{
	return i < sizeof refusals / sizeof *refusals ? refusals[i].code : NULL;
}

static const struct refusal *find(const char *code)
{
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (strcmp(refusals[i].code, code) == 0)
			return &refusals[i];
	return NULL;
}

/* ---- what the authority says ---- */

/* In the user's language; NULL: it says nothing. */
static const char *words_of(struct json_object *error)
{
	const char *words = json_bytes_text(json_bytes_member(error, "text"), message_in_chinese() ? "zh_TW" : "en");

	return words ? words : json_bytes_text(json_bytes_member(error, "text"), "en");
}

/* ---- telling ---- */

static const char *const failure_codes[] = {
	[HTTP_OK] = "http",           [HTTP_NO_MEMORY] = "http", [HTTP_NETWORK] = "network",
	[HTTP_PROXY] = "proxy",       [HTTP_TLS] = "tls",        [HTTP_TIMEOUT] = "timeout",
	[HTTP_CUT] = "cut",           [HTTP_ANSWER] = "bad-answer",
};

/* Without an authority's words: what stands there instead of one says less by its status. */
static const char *code_of_status(long status)
{
	if (status == 407)
		return "proxy";
	if (status == 404)
		return "not-found";
	return status >= 400 ? "http" : "bad-answer";
}

static void say(const char *what, const struct refusal *known, const char *words, const char *detail)
{
	char *safe = words ? text_safe(words) : NULL, *more = text_safe(detail);
	const char *text = safe ? safe : known && known->text ? _(known->text) : _("the authority refuses");
	const char *next = known ? _(known->next) : _("It may need a newer twcard.");

	/* translators: what was being done, what went wrong, details, the next step */
	message_error(_("%s: %s (%s)\n%s"), what, text, more ? more : "?", next);
	free(safe);
	free(more);
}

static void say_code(const char *code, long status, const char *reason)
{
	message_json_error_add("code", message_json_text(code));
	message_json_error_add("status", status ? json_object_new_int64(status) : NULL);
	message_json_error_add("reason", message_json_text(reason));
}

enum exit_code authz_refusal_tell(const char *what, const struct http_answer *answer,
				  struct json_object *body, char code[AUTHZ_REFUSAL_CODE])
{
	struct json_object *error = json_bytes_member(body, "error");
	const char *own = json_bytes_text(error, "code"), *reason = json_bytes_text(error, "reason");
	const char *word = own ? own : failure_codes[answer->failure];
	const struct refusal *known;
	char detail[HTTP_WHY + AUTHZ_REFUSAL_CODE + 32];

	if (answer->failure == HTTP_NO_MEMORY)
		return message_result(RESULT_NO_MEMORY, NULL);
	if (answer->failure == HTTP_OK && !own)
		word = code_of_status(answer->status);
	known = find(word);
	if (answer->failure != HTTP_OK)
		snprintf(detail, sizeof detail, "%s", answer->why);
	else if (own)
		snprintf(detail, sizeof detail, "%.*s%s%.*s", AUTHZ_REFUSAL_CODE, own, reason ? ": " : "",
			 HTTP_WHY, reason ? reason : "");
	else
		snprintf(detail, sizeof detail, "HTTP %ld", answer->status);
	say(what, known, answer->failure == HTTP_OK ? words_of(error) : NULL, detail);
	say_code(word, answer->status, reason);
	snprintf(code, AUTHZ_REFUSAL_CODE, "%s", word);
	return known ? known->exit : EXIT_NEGATIVE;
}

enum exit_code authz_refusal_tell_bad(const char *detail)
{
	const struct refusal *known = find("bad-answer");

	say(_("asking the authority"), known, NULL, detail);
	say_code("bad-answer", 0, NULL);
	return known ? known->exit : EXIT_NEGATIVE;
}

bool authz_refusal_is_passing(const struct http_answer *answer)
{
	if (answer->failure == HTTP_OK)
		return answer->status == 429 || (answer->status >= 502 && answer->status <= 504);
	return answer->failure == HTTP_TIMEOUT || answer->failure == HTTP_CUT;
}
