/* What doctor asks of one card. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "apdu/log.h"
#include "src/token/chain.h"
#include "src/token/internal.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/doctor.h"
#include "tools/twcard/message.h"
#include "tools/twcard/run_child.h"

#define CONNECT_MS 10000
#define RECOGNIZE_MS 20000 /* a reader's own limit may be 10 s or more, and a command is repeated */
#define SOON_DAYS 60 /* before the end of a certificate */

static struct doctor_card *this_card(struct doctor *d)
{
	return &d->cards[d->card_count - 1];
}

/* For what is no answer to the question of a check: what was done, and why that failed. */
static void say_failed(struct doctor_finding *f, enum result r)
{
	doctor_say(f, DOCTOR_PROBLEM, "%s", _(result_text(r)));
	doctor_todo(f, _("Take the card out, clean its contacts, put it in again; try another reader"));
}

/* ---- the card answers ---- */

/* In a child: while another program holds the card, PC/SC waits without end. */
static void connect_card(int out, void *context)
{
	const struct slot *slot = context;
	struct channel *channel = NULL;
	struct pcsc *pcsc = NULL;
	enum result r = pcsc_open(&pcsc);

	if (r == RESULT_OK)
		r = pcsc_connect(pcsc, slot->reader, &channel);
	dprintf(out, "%d ", (int)r);
	for (size_t i = 0; channel && i < channel->atr_len; i++)
		dprintf(out, "%02X", channel->atr[i]);
	channel_free(&channel);
	pcsc_close(&pcsc);
}

/* Why a card cannot be connected to, and what to do: the rows of what is known. */
static const struct {
	enum result r;
	const char *text, *todo;
} hindrances[] = {
	{RESULT_CARD_MUTE, N_("the card does not answer: it is in the wrong way, dirty or broken, or no smart card"),
	 N_("Take it out, clean its contacts, put it in again; try another reader")},
	{RESULT_READER_BUSY, N_("another program holds the reader for itself"),
	 N_("End the other program (browsers, gpg's scdaemon, the vendor's software)")},
	{RESULT_NO_ACCESS, N_("polkit lets you use pcscd, but no card"),
	 N_("Allow the action org.debian.pcsc-lite.access_card: see twcard-doctor(1)")},
	{RESULT_NO_CARD, N_("the card was taken out"), N_("Put it in and try again")},
};

static void say_hindrance(struct doctor_finding *f, enum result r)
{
	for (size_t i = 0; i < sizeof hindrances / sizeof *hindrances; i++) {
		if (hindrances[i].r == r) {
			doctor_say(f, DOCTOR_PROBLEM, "%s", _(hindrances[i].text));
			doctor_todo(f, "%s", _(hindrances[i].todo));
			return;
		}
	}
	say_failed(f, r);
}

void doctor_check_answer(struct doctor *d, struct doctor_finding *f)
{
	struct doctor_card *card = &d->cards[d->card_count++];
	struct child_answer answer;
	char *atr;
	enum result r;

	card->reader = d->slot->reader;
	child_run(connect_card, d->slot, CONNECT_MS, &answer);
	if (answer.end == CHILD_HUNG) {
		doctor_say(f, DOCTOR_PROBLEM, _("another program has held the card for more than %d seconds"),
			   CONNECT_MS / 1000);
		doctor_todo(f, _("End the other program, or restart pcscd: sudo systemctl restart pcscd"));
		return;
	}
	r = answer.end == CHILD_DONE && answer.len ? (enum result)strtol(answer.text, &atr, 10) :
						    RESULT_FAILED;
	if (r != RESULT_OK) {
		say_hindrance(f, r);
		return;
	}
	snprintf(card->atr, sizeof card->atr, "%s", *atr ? atr + 1 : "");
	doctor_say(f, DOCTOR_OK, _("its answer to reset is %s"), card->atr);
}

/* ---- what it is ---- */

/* In a child first: who waits for a card that fell silent can wait without end. */
static void recognize(int out, void *context)
{
	struct slot *slot = context;
	enum result r = slot_touch(slot);

	slot_leave(slot);
	dprintf(out, "%d", (int)r);
}

void doctor_check_profile(struct doctor *d, struct doctor_finding *f)
{
	struct child_answer answer;
	enum result r;

	child_run(recognize, d->slot, RECOGNIZE_MS, &answer);
	if (answer.end != CHILD_DONE) {
		doctor_say(f, DOCTOR_PROBLEM, _("the card fell silent at the first commands"));
		doctor_todo(f, _("Take the card out, clean its contacts, put it in again; try another reader"));
		return;
	}
	r = slot_touch(d->slot);
	if (r == RESULT_UNKNOWN_CARD) {
		doctor_say(f, DOCTOR_PROBLEM, _("no profile knows this card: it is no government card, or "
						"one of a kind that twcard does not know"));
		doctor_todo(f, _("'twcard profile list' names the cards that are known; if it is one of "
				 "the government's, send its ATR with 'twcard doctor --report FILE'"));
	} else if (r != RESULT_OK) {
		say_failed(f, slot_after_error(d->slot, r));
	} else {
		this_card(d)->profile = card_profile_name(card_profile_of(d->slot->token.card));
		doctor_say(f, DOCTOR_OK, "%s", this_card(d)->profile);
	}
}

void doctor_check_number(struct doctor *d, struct doctor_finding *f)
{
	struct slot_token info;
	enum result r = card_token(d->slot, &info);

	if (r != RESULT_OK) {
		say_failed(f, r);
		return;
	}
	redact_add(&d->secrets, info.data.serial, "<card-number>");
	if (!info.data.serial[0])
		doctor_say(f, DOCTOR_PROBLEM, _("there is none on the card"));
	else
		doctor_say(f, DOCTOR_OK, _("readable"));
}

/* What the card library says of key sets while it looks for one: the first line tells why. */
static void hear_keyset(enum log_level level, const char *line, void *context)
{
	char *said = context;

	(void)level;
	if (!*said)
		snprintf(said, DOCTOR_TEXT / 2, "%s", line);
}

void doctor_check_keyset(struct doctor *d, struct doctor_finding *f)
{
	char said[DOCTOR_TEXT / 2] = "";

	log_set(LOG_ERROR, hear_keyset, said);
	token_look_for_login(&d->slot->token);
	doctor_log_start(d);
	if (d->slot->token.can_login) {
		doctor_say(f, DOCTOR_OK, _("what a login takes beside the PIN is there"));
		return;
	}
	doctor_say(f, DOCTOR_PROBLEM, _("the card can be read, but not used: %s"),
		   *said ? said : _(result_text(RESULT_NO_KEYSET)));
	doctor_todo(f, _("Cards of the second generation need their issuer's key set, in a file that only "
			 "you can read: see docs/KEYSETS.md"));
}

/* ---- certificates ---- */

/* What a certificate tells of its holder; of all that is not a CA. */
static void keep_secrets(struct doctor *d, const struct card_certificate *c, const struct cert_info *info)
{
	const X509_NAME *subject = X509_get_subject_name(c->x509);
	const struct cert_attributes *a = &info->attributes;

	for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
		unsigned char *text = NULL;
		int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));

		/* "TW" would be found everywhere */
		if (len > 2)
			redact_add(&d->secrets, (const char *)text, "<subject>");
		OPENSSL_free(text);
	}
	redact_add(&d->secrets, info->holder, "<name>");
	redact_add(&d->secrets, info->serial, "<certificate-number>");
	redact_add(&d->secrets, a->id_last4, "<national-id>");
	redact_add(&d->secrets, a->organization_id, "<organization-id>");
	redact_add(&d->secrets, a->card_number, "<card-number>");
}

static bool is_holders(const struct card_certificate *c)
{
	return c->x509 && !c->object->is_authority && !X509_check_ca(c->x509);
}

void doctor_check_certificates(struct doctor *d, struct doctor_finding *f)
{
	size_t holders = 0, bad = 0, sign = 0, decrypt = 0;
	enum result r = card_certificates(d->slot, &d->certificates);

	if (r != RESULT_OK) {
		say_failed(f, slot_after_error(d->slot, r));
		return;
	}
	for (size_t i = 0; i < d->certificates.count; i++) {
		const struct card_certificate *c = &d->certificates.items[i];

		bad += !c->x509;
		holders += is_holders(c);
		sign += card_certificate_signs(c);
		decrypt += card_certificate_decrypts(c);
	}
	if (bad) {
		doctor_say(f, DOCTOR_PROBLEM, _("%zu of %zu are damaged"), bad, d->certificates.count);
		doctor_todo(f, _("Ask the card's CA for new certificates"));
	} else if (!holders) {
		doctor_say(f, DOCTOR_PROBLEM, _("there is none of a holder on the card"));
		doctor_todo(f, _("Ask the card's CA: it may not be in use yet (開卡)"));
	} else {
		doctor_say(f, DOCTOR_OK, _("%zu of the holder (%zu sign, %zu decrypt), %zu of CAs"), holders,
			   sign, decrypt, d->certificates.count - holders);
	}
}

void doctor_check_validity(struct doctor *d, struct doctor_finding *f)
{
	bool any = false, early = false, unreadable = false;
	long left = 0;

	for (size_t i = 0; i < d->certificates.count; i++) {
		const struct card_certificate *c = &d->certificates.items[i];
		struct cert_info info;

		if (!is_holders(c) || !cert_info_read(c->x509, d->place.now, &info))
			continue;
		keep_secrets(d, c, &info);
		unreadable = unreadable || info.validity == CERT_NO_VALIDITY;
		early = early || info.validity == CERT_NOT_YET_VALID;
		if (info.validity != CERT_NO_VALIDITY && info.not_before > d->issued)
			d->issued = info.not_before;
		if (!any || info.days_left < left)
			left = info.days_left;
		any = any || info.validity != CERT_NO_VALIDITY;
		cert_info_clear(&info);
	}
	if (!any || unreadable) {
		doctor_say(f, DOCTOR_PROBLEM, _("how long they last cannot be read"));
	} else if (early) {
		doctor_say(f, DOCTOR_PROBLEM, _("they are not valid yet, or this computer's clock is wrong"));
	} else if (left < 0) {
		doctor_say(f, DOCTOR_PROBLEM, _("a certificate has expired, %ld days ago"), -left);
		doctor_todo(f, _("Ask the card's CA to renew it; what was encrypted to it can still be decrypted"));
	} else if (left < SOON_DAYS) {
		doctor_say(f, DOCTOR_NOTE, _("the first certificate expires in %ld days"), left);
		doctor_todo(f, _("Renew it on the CA's web site before that"));
	} else {
		doctor_say(f, DOCTOR_OK, _("the first certificate expires in %ld days"), left);
	}
}

/* How many holder's certificates have no chain to a root on the card; *forged: how many a wrong one. */
static size_t count_without_root(const struct doctor *d, const struct chain *chain, size_t *forged)
{
	size_t without = 0;

	*forged = 0;
	for (size_t i = 0; i < d->certificates.count && i < CHAIN_MAX; i++) {
		int above = (int)i;

		if (!is_holders(&d->certificates.items[i]) || chain_root(chain, i) >= 0)
			continue;
		without++;
		for (size_t n = 0; above >= 0 && n < CHAIN_MAX && chain->issuer[above] != above; n++)
			above = chain->issuer[above];
		*forged += above == CHAIN_FORGED;
	}
	return without;
}

void doctor_check_chain(struct doctor *d, struct doctor_finding *f)
{
	size_t without, forged, strange = 0;
	struct chain chain;

	chain_init(&chain);
	for (size_t i = 0; i < d->certificates.count && i < CHAIN_MAX; i++) {
		const struct object *o = d->certificates.items[i].object;

		strange += !chain_put(&chain, i, &o->value, o->record);
	}
	chain_verify(&chain);
	without = count_without_root(d, &chain, &forged);
	chain_clear(&chain);
	if (forged) {
		doctor_say(f, DOCTOR_PROBLEM, _("a signature does not hold: the card was damaged, or changed"));
		doctor_todo(f, _("'twcard cert check' says which; ask the card's CA"));
	} else if (strange) {
		doctor_say(f, DOCTOR_PROBLEM, _("a certificate is not the one that the card's directory lists"));
		doctor_todo(f, _("Take the card out and put it in again; if it stays, ask the card's CA"));
	} else if (without) {
		doctor_say(f, DOCTOR_NOTE, _("not all CA certificates up to the root are on the card"));
		doctor_todo(f, _("Programs need them from elsewhere: 'twcard cert check --help'"));
	} else {
		doctor_say(f, DOCTOR_OK, _("complete up to the root, all signatures hold"));
	}
}

/* ---- the PIN, and what only a report wants ---- */

static void count_objects(struct doctor *d)
{
	struct doctor_card *card = this_card(d);

	for (size_t kind = 0; kind < P15_CLASSES; kind++) {
		card->lists[kind] = slot_load(d->slot, (enum p15_class)kind);
		card->counts[kind] = d->slot->token.lists[kind].records.count;
	}
}

void doctor_check_pin(struct doctor *d, struct doctor_finding *f)
{
	struct slot_token info;
	enum result r = card_token(d->slot, &info);

	if (d->report)
		count_objects(d);
	if (r != RESULT_OK) {
		say_failed(f, r);
	} else if (info.tries_left == 0) {
		doctor_say(f, DOCTOR_PROBLEM, _("locked"));
		doctor_todo(f, _("Only the card's issuer can unlock it, on the web site of the CA"));
	} else if (info.tries_left > 0 && info.tries_left < info.pin_tries) {
		doctor_say(f, DOCTOR_NOTE, _("%d of %d tries are left"), info.tries_left, info.pin_tries);
	} else {
		doctor_say(f, DOCTOR_SKIPPED,
			   _("a card tells how many of the %d tries are left, and whether it is "
			     "locked, only when a PIN is given; doctor never gives one"),
			   info.pin_tries);
		doctor_todo(f, _("If you are sure of the PIN: twcard pin verify"));
	}
}
