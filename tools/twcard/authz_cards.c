#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>

#include "apdu/pcsc.h"
#include "tools/twcard/authz_cards.h"
#include "tools/twcard/message.h"
#include "tools/twcard/text.h"

#define WAIT_DEFAULT 300 /* seconds, at a terminal */
#define WAIT_MAX 86400
#define LOOK_MS 200
#define LOOKS_AGAIN 10

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- which card is the right one ---- */

static enum authz_misfit fits_holder(const struct authz_party *holder, const struct authz_party *card)
{
	(void)holder;
	if (card->rank == CERT_RANK_SECONDARY)
		return card->organization[0] ? AUTHZ_MISFIT_NONE : AUTHZ_MISFIT_NO_ORGANIZATION;
	return card->rank == CERT_RANK_PRIMARY ? AUTHZ_MISFIT_NOT_ATTACHED : AUTHZ_MISFIT_NO_COMPANY_CARD;
}

static enum authz_misfit fits_again(const struct authz_party *holder, const struct authz_party *card)
{
	if (strcmp(holder->number, card->number) != 0)
		return AUTHZ_MISFIT_OTHER_CARD;
	return authz_party_is(holder, card) ? AUTHZ_MISFIT_NONE : AUTHZ_MISFIT_OTHER_CERTIFICATE;
}

static enum authz_misfit fits_company(const struct authz_party *holder, const struct authz_party *card)
{
	if (!card->organization[0])
		return AUTHZ_MISFIT_NO_ORGANIZATION;
	return strcmp(holder->organization, card->organization) == 0 ? AUTHZ_MISFIT_NONE : AUTHZ_MISFIT_OTHER_COMPANY;
}

static enum authz_misfit fits_primary(const struct authz_party *holder, const struct authz_party *card)
{
	if (card->rank == CERT_RANK_SECONDARY)
		return AUTHZ_MISFIT_NOT_PRIMARY;
	return card->rank == CERT_RANK_PRIMARY ? fits_company(holder, card) : AUTHZ_MISFIT_NO_COMPANY_CARD;
}

/* Number or certificate: either says that it is one card. */
static bool is_one_card(const struct authz_party *a, const struct authz_party *b)
{
	return strcmp(a->number, b->number) == 0 || X509_cmp(a->x509, b->x509) == 0;
}

static enum authz_misfit fits_attached_signer(const struct authz_party *holder, const struct authz_party *card)
{
	if (card->rank != CERT_RANK_SECONDARY)
		return card->rank == CERT_RANK_PRIMARY ? AUTHZ_MISFIT_NOT_ATTACHED : AUTHZ_MISFIT_NO_COMPANY_CARD;
	return is_one_card(holder, card) ? AUTHZ_MISFIT_SAME_CARD : fits_company(holder, card);
}

static const struct {
	enum authz_misfit (*fits)(const struct authz_party *holder, const struct authz_party *card);
	const char *reader; /* the option that names it */
	const char *wanted; /* what is asked for */
} roles[] = {
	[AUTHZ_ROLE_HOLDER] = {fits_holder, "reader-holder", N_("the attached card (附卡) that is to be authorized")},
	[AUTHZ_ROLE_HOLDER_AGAIN] = {fits_again, "reader-holder", N_("the attached card (附卡) that it was made for")},
	[AUTHZ_ROLE_PRIMARY] = {fits_primary, "reader-authorizer", N_("the company's primary card (正卡)")},
	[AUTHZ_ROLE_ATTACHED] = {fits_attached_signer, "reader-authorizer",
				   N_("the attached card (附卡) that authorizes")},
	[AUTHZ_ROLE_AUTHORIZER_AGAIN] = {fits_again, "reader-authorizer", N_("the card that signed it")},
};

enum authz_misfit authz_cards_fit(enum authz_role role, const struct authz_party *holder,
				  const struct authz_party *card)
{
	return roles[role].fits(holder, card);
}

static const struct {
	const char *name; /* in JSON */
	const char *text;
} misfits[] = {
	[AUTHZ_MISFIT_NONE] = {"none", N_("it is the right card")},
	[AUTHZ_MISFIT_NO_COMPANY_CARD] = {"no-company-card", N_("it is neither a primary nor an attached card of a company")},
	[AUTHZ_MISFIT_NOT_ATTACHED] = {"not-attached", N_("it is the primary card (正卡), not an attached one")},
	[AUTHZ_MISFIT_NOT_PRIMARY] = {"not-primary", N_("it is an attached card (附卡), not the primary one")},
	[AUTHZ_MISFIT_NO_ORGANIZATION] = {"no-organization", N_("its certificate does not say of which company it is")},
	[AUTHZ_MISFIT_OTHER_COMPANY] = {"other-organization", N_("it is a card of another company")},
	[AUTHZ_MISFIT_SAME_CARD] = {"same-card", N_("an attached card cannot authorize itself")},
	[AUTHZ_MISFIT_OTHER_CARD] = {"other-card", N_("it is another card than the one that was read")},
	[AUTHZ_MISFIT_OTHER_CERTIFICATE] = {"other-certificate",
				     N_("it has another certificate than the one that was read")},
};

const char *authz_cards_misfit_text(enum authz_misfit misfit)
{
	return _(misfits[misfit].text);
}

/* ---- how a card is shown ---- */

char *authz_cards_title(const struct authz_party *party)
{
	char *number = card_title(party->number), *organization = text_safe(party->organization), *title = NULL;

	if (number && organization &&
	    asprintf(&title, _("card %s, company %s"), number, organization[0] ? organization : "-") < 0)
		title = NULL;
	free(number);
	free(organization);
	return title;
}

static struct json_object *serial_json(const X509 *x509)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
	char *decimal = number ? BN_bn2dec(number) : NULL;
	struct json_object *json = message_json_text(decimal);

	OPENSSL_free(decimal);
	BN_free(number);
	return json;
}

struct json_object *authz_cards_json(const struct authz_party *party)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "card", message_json_text(party->number));
	json_object_object_add(json, "rank",
			       json_object_new_string(party->rank == CERT_RANK_PRIMARY ? "primary" : "secondary"));
	json_object_object_add(json, "organization", message_json_some(party->organization));
	json_object_object_add(json, "certificate_serial", serial_json(party->x509));
	return json;
}

/* ---- looking for it ---- */

struct search {
	const struct arguments *args;
	enum authz_role role;
	const struct authz_party *holder;
	const char *reader; /* the one that is meant; NULL: any */
	size_t cards, good; /* found in this round */
	struct slot *slot;  /* of the one that fits */
	enum authz_misfit misfit; /* of the last wrong one */
	struct {
		char *title; /* owned; NULL: nothing is said of it */
		enum authz_misfit misfit;
	} wrong[PCSC_READERS_MAX];
	size_t wrong_count;
	enum result error;  /* of the last that could not be read */
	const char *where;  /* its reader */
	uint32_t states[PCSC_READERS_MAX]; /* as of this round */
};

/* The one that was just read is still there in a single reader: that is no news. */
static bool is_news(const struct search *s, const struct authz_party *card)
{
	return s->role == AUTHZ_ROLE_HOLDER || s->role == AUTHZ_ROLE_ATTACHED || !authz_party_is(card, s->holder);
}

static void take_misfit(struct search *s, char *title, enum authz_misfit misfit)
{
	s->misfit = misfit;
	s->wrong[s->wrong_count].title = title;
	s->wrong[s->wrong_count++].misfit = misfit;
}

/* Beside the right card a wrong one does no harm: nothing is said then. */
static void tell_misfits(struct search *s)
{
	for (size_t i = 0; i < s->wrong_count; i++) {
		if (s->good == 0 && s->wrong[i].title)
			message_note(_("%s: %s"), s->wrong[i].title, authz_cards_misfit_text(s->wrong[i].misfit));
		free(s->wrong[i].title);
	}
	s->wrong_count = 0;
}

static void probe(struct search *s, struct slot *slot)
{
	struct authz_session card;
	enum authz_misfit misfit;
	enum result r = authz_session_look(s->args, slot, &card);

	if (r == RESULT_NOT_FOUND) {
		take_misfit(s, text_safe(slot->reader), AUTHZ_MISFIT_NO_COMPANY_CARD);
	} else if (r != RESULT_OK) {
		s->error = r;
		s->where = slot->reader;
	} else {
		misfit = authz_cards_fit(s->role, s->holder, &card.party);
		if (misfit == AUTHZ_MISFIT_NONE) {
			s->good++;
			s->slot = slot;
		} else {
			take_misfit(s, is_news(s, &card.party) ? authz_cards_title(&card.party) : NULL, misfit);
		}
	}
	authz_session_clear(&card);
}

static bool is_meant(const struct search *s, size_t i)
{
	return !s->reader || cards_is_meant(s->reader, i);
}

static void look_round(struct search *s)
{
	s->cards = s->good = 0;
	s->slot = NULL;
	s->misfit = AUTHZ_MISFIT_NONE;
	s->error = RESULT_OK;
	for (size_t i = 0; i < cards_count(); i++) {
		struct slot *slot = cards_slot(i);
		bool there = slot_look_for_card(slot);

		s->states[i] = slot->state;
		if (!is_meant(s, i) || !there)
			continue;
		s->cards++;
		probe(s, slot);
	}
	tell_misfits(s);
}

/* Did a card or reader come, go, or change since the round? Sends nothing to a card. */
static bool has_changed(const struct search *s)
{
	size_t before = cards_count();

	if (cards_look() != RESULT_OK)
		return false;
	for (size_t i = 0; i < before; i++) {
		(void)slot_look(cards_slot(i));
		if (pcsc_card_changed(s->states[i], cards_slot(i)->state))
			return true;
	}
	return cards_count() != before;
}

/* A card that could not be read is tried again after a while: it may have just been put in. */
static bool wait_for_change(const struct search *s, const struct timespec *end)
{
	const struct timespec step = {0, LOOK_MS * 1000000L};
	struct timespec now;

	for (int looks = 0;; looks++) {
		if (has_changed(s) || (s->error != RESULT_OK && looks == LOOKS_AGAIN))
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec >= end->tv_sec)
			return false;
		nanosleep(&step, NULL);
	}
}

/* ---- asking ---- */

static bool is_at_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static enum exit_code wait_seconds(const struct arguments *args, long *out)
{
	const char *given = arguments_value(args, "wait");
	char *end;

	*out = is_at_terminal() ? WAIT_DEFAULT : 0;
	if (!given)
		return EXIT_GOOD;
	*out = strtol(given, &end, 10);
	if (end == given || *end || *out < 0 || *out > WAIT_MAX)
		return message_usage(args->command, _("--wait wants a number of seconds"));
	return EXIT_GOOD;
}

/* Nobody waits any longer: why there is no card. */
static enum exit_code tell_none(const struct search *s)
{
	if (s->good > 1) {
		message_error(_("there are two cards that fit\nSay which with --%s and a number or part of the"
				" reader's name, or take one out."), roles[s->role].reader);
		return EXIT_NO_CARD;
	}
	if (s->misfit != AUTHZ_MISFIT_NONE) {
		message_json_error_add("misfit", json_object_new_string(misfits[s->misfit].name));
		message_error(_("wrong card: %s\nWanted is %s; nothing was done."),
			      authz_cards_misfit_text(s->misfit), _(roles[s->role].wanted));
		return EXIT_NEGATIVE;
	}
	if (s->error != RESULT_OK)
		return message_result(s->error, s->where);
	if (!cards_count())
		return cards_tell_none(s->reader);
	message_error(_("there is no card in the reader\nWanted is %s."), _(roles[s->role].wanted));
	return EXIT_NO_CARD;
}

/* As the readers are, the card must be asked for. */
static void ask_for(const struct search *s)
{
	char *company = s->holder ? text_safe(s->holder->organization) : NULL;
	bool again = s->role == AUTHZ_ROLE_HOLDER_AGAIN || s->role == AUTHZ_ROLE_AUTHORIZER_AGAIN;
	char *number = s->holder && again ? card_title(s->holder->number) : NULL;

	if (number)
		message_note(_("Put in %s: %s"), _(roles[s->role].wanted), number);
	else if (company)
		message_note(_("Put in %s, of company %s."), _(roles[s->role].wanted), company);
	else
		message_note(_("Put in %s."), _(roles[s->role].wanted));
	if (s->error != RESULT_OK)
		message_note(_("%s: %s"), s->where, _(result_text(s->error)));
	free(company);
	free(number);
}

/* The PIN of the card that signs may come from a place of its own. */
static void choose_pin(enum authz_role role, struct arguments *args)
{
	bool own = role != AUTHZ_ROLE_HOLDER && role != AUTHZ_ROLE_HOLDER_AGAIN &&
		   arguments_has(args, "authorizer-pin-fd");

	for (size_t i = 0; own && i < args->given_count; i++) {
		if (strcmp(args->given[i].name, "pin-fd") == 0)
			args->given[i].name = "";
		else if (strcmp(args->given[i].name, "authorizer-pin-fd") == 0)
			args->given[i].name = "pin-fd";
	}
}

static enum exit_code take(const struct search *s, struct authz_session *out)
{
	enum result r = authz_session_look(s->args, s->slot, out);

	if (r != RESULT_OK)
		return message_result(r, s->slot->reader);
	if (authz_cards_fit(s->role, s->holder, &out->party) != AUTHZ_MISFIT_NONE) {
		message_error(_("another card was put in\nNothing was done with it."));
		return EXIT_NO_CARD;
	}
	choose_pin(s->role, &out->args);
	return EXIT_GOOD;
}

enum exit_code authz_cards_ask(const struct arguments *args, enum authz_role role,
			       const struct authz_party *holder, struct authz_session *out)
{
	struct search s = {.args = args, .role = role, .holder = role == AUTHZ_ROLE_HOLDER ? NULL : holder};
	struct timespec end;
	long seconds;
	enum exit_code code = wait_seconds(args, &seconds);

	*out = (struct authz_session)AUTHZ_SESSION_NONE;
	if (code != EXIT_GOOD)
		return code;
	s.reader = arguments_value(args, roles[role].reader);
	if (!s.reader)
		s.reader = arguments_value(args, "reader");
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	look_round(&s);
	while (s.good != 1) {
		if (s.good == 0 && seconds)
			ask_for(&s);
		if (s.good > 1 || !wait_for_change(&s, &end))
			return tell_none(&s);
		look_round(&s);
	}
	return take(&s, out);
}
