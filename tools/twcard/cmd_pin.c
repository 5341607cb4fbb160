/*
 * twcard pin verify, change, unblock. The last two were never seen on a real
 * card: they are refused unless twcard.conf allows them and the user confirms.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "tools/twcard/card.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/pin_ask.h"
#include "tools/twcard/pin_tries.h"
#include "tools/twcard/terminal.h"
#include "tools/twcard/text.h"

/* What the two ways to a new PIN have in common, and the texts that they do not. */
struct way {
	enum card_op op;
	enum result (*replace)(struct token *t, const uint8_t *right, size_t right_len,
			       const uint8_t *pin, size_t len, int *tries);
	const char *prompt;  /* for what gives the right to it */
	const char *warning; /* before it is confirmed */
	const char *refused;
	const char *wrong;
	const char *locked;
	const char *done;
	const char *json;
};

static const struct way change = {
	.op = OP_CHANGE_PIN,
	.replace = token_change_pin,
	.prompt = N_("Old PIN: "),
	.warning = N_("this changes the PIN in a way that was never tried on a real card"),
	.refused = N_("the PIN is not changed: how a real card wants that was never observed"),
	.wrong = N_("the old PIN is wrong: the PIN is not changed"),
	.locked = N_("the PIN is locked, and not changed"),
	.done = N_("the PIN is changed"),
	.json = "changed",
};

static const struct way unblock = {
	.op = OP_UNBLOCK_PIN,
	.replace = token_unblock_pin,
	.prompt = N_("Unblocking code: "),
	.warning = N_("this unblocks the PIN in a way that was never tried on a real card"),
	.refused = N_("the PIN is not unblocked: no real card is known that can do it"),
	.wrong = N_("the unblocking code is wrong: the PIN is what it was"),
	.locked = N_("the unblocking code is locked: the PIN is what it was"),
	.done = N_("the PIN is unblocked, and is the new one"),
	.json = "unblocked",
};

struct job {
	const struct way *way;
	const struct arguments *args;
	struct slot *slot;
	struct slot_token token;
	struct secret right, pin;
};

/* ---- what is said ---- */

/* "NUMBER: text"; the number is what the card chose. */
static void note_of_card(const char *number, const char *text)
{
	char *title = card_title(number);

	message_note("%s: %s", title ? title : "", text);
	free(title);
}

static void tell_done(const struct slot *slot, const char *number, const char *text,
		      const char *json)
{
	struct json_object *value;

	if (!message_is_json()) {
		note_of_card(number, _(text));
		return;
	}
	value = json_object_new_object();
	json_object_object_add(value, "reader", message_json_text(slot->reader));
	json_object_object_add(value, "card", message_json_text(number));
	json_object_object_add(value, "pin", json_object_new_string(json));
	message_json(value);
}

/* ---- twcard pin verify ---- */

static enum exit_code run_verify(const struct arguments *args)
{
	struct slot_token token;
	struct slot *slot;
	enum exit_code code = cards_choose(args, &slot);

	if (code != EXIT_GOOD)
		return code;
	code = card_login(slot, args);
	token.data.serial[0] = '\0';
	if (code == EXIT_GOOD)
		code = message_result(card_token(slot, &token), slot->reader);
	card_end_login(slot);
	if (code == EXIT_GOOD)
		tell_done(slot, token.data.serial, N_("the PIN is right"), "verified");
	return code;
}

/* ---- a new PIN: may it be, and is it meant? ---- */

static enum exit_code refuse(const struct way *way)
{
	message_error("%s\n%s\n%s", _(way->refused),
		      _("The certification authority warns that other software which changes or unlocks a PIN"
			" may lock the card for good: its web site is the way to do it."),
		      _("For a card that you can spare, a virtual one say, 'allow-unproven = yes' in"
			" twcard.conf(5) lets it through."));
	return EXIT_REFUSED;
}

/* Nothing is asked, and no PIN typed, for what will be refused. */
static enum exit_code prepare(struct job *job)
{
	enum result r = card_token(job->slot, &job->token);

	if (r == RESULT_OK)
		r = slot_touch(job->slot);
	if (r == RESULT_OK)
		r = card_check_new_pin(job->slot->token.card, job->way->op, NULL, 0, NULL, 0);
	if (r == RESULT_OK && !job->token.can_login)
		r = RESULT_NO_KEYSET;
	r = slot_after_error(job->slot, r);
	card_leave(job->slot); /* a person types for a while */
	return r == RESULT_UNPROVEN ? refuse(job->way) : message_result(r, job->slot->reader);
}

static enum exit_code not_confirmed(const char *next)
{
	message_error("%s\n%s", _("not confirmed: nothing was sent to the card"), next);
	return EXIT_REFUSED;
}

static enum exit_code ask_number(const char *number)
{
	uint8_t line[TERMINAL_LINE_MAX];
	int len;

	switch (terminal_ask(_("Type the card's number to go on: "), true, line, &len)) {
	case TERMINAL_ANSWERED:
		if ((size_t)len == strlen(number) && memcmp(line, number, (size_t)len) == 0)
			return EXIT_GOOD;
		return not_confirmed(_("That is not the number of this card."));
	case TERMINAL_NO_ANSWER:
		return not_confirmed(_("The card's number was not typed."));
	default:
		return not_confirmed(_("There is no terminal to ask on: give the card's number with --confirm."));
	}
}

static enum exit_code confirm(const struct job *job)
{
	const char *number = job->token.data.serial, *given = arguments_value(job->args, "confirm");

	if (given)
		return *given && strcmp(given, number) == 0
			       ? EXIT_GOOD
			       : not_confirmed(_("What --confirm gives is not the number of this card."));
	note_of_card(number, _(job->way->warning));
	message_note(_("The certification authority warns that other software which changes or unlocks a PIN"
		       " may lock the card for good."));
	return ask_number(number);
}

/* ---- a new PIN: it is asked for, and given to the card ---- */

static enum exit_code ask_new(struct job *job)
{
	struct secret again = SECRET_INIT;
	enum exit_code code;

	code = pin_ask_another(job->args, &job->token, _("New PIN: "), &job->pin);
	if (code == EXIT_GOOD)
		code = pin_ask_secret(job->args, _("New PIN again: "), &again);
	if (code == EXIT_GOOD && (again.len != job->pin.len ||
				  CRYPTO_memcmp(again.data, job->pin.data, again.len) != 0)) {
		message_error(_("the two new PINs are not the same\nNothing was sent to the card."));
		code = EXIT_PIN;
	}
	secret_clear(&again);
	return code;
}

static enum exit_code ask(struct job *job)
{
	enum exit_code code;

	if (job->way->op == OP_CHANGE_PIN)
		pin_warn(&job->token);
	code = pin_ask_another(job->args, &job->token, _(job->way->prompt), &job->right);
	return code == EXIT_GOOD ? ask_new(job) : code;
}

/* `sent`: the command may have reached the card, so that an error says little of what it did. */
static enum exit_code tell_failure(const struct job *job, enum result r, bool sent, int tries)
{
	bool answered = r == RESULT_PIN_WRONG || r == RESULT_PIN_LOCKED;
	enum exit_code code = answered ? EXIT_PIN : EXIT_CARD;

	if (answered)
		message_error("%s", r == RESULT_PIN_WRONG ? _(job->way->wrong) : _(job->way->locked));
	else if (sent)
		message_error(_("%s: it is not known whether the PIN is the old one or the new one\n"
				"Try the new one with 'twcard pin verify'; a wrong one costs a try."),
			      _(result_text(r)));
	else
		code = message_result(r, NULL);
	message_json_error_add("pin", json_object_new_string(sent && !answered ? "unknown" : "unchanged"));
	card_tell_tries(tries);
	return code;
}

static enum exit_code send(struct job *job)
{
	enum result r = slot_touch(job->slot);
	bool sent = false;
	int tries = -1;

	if (r == RESULT_OK) {
		r = job->way->replace(&job->slot->token, job->right.data, job->right.len,
				      job->pin.data, job->pin.len, &tries);
		sent = job->slot->token.owes_reset;
		/* the code's tries are not the PIN's */
		if (job->way->op == OP_CHANGE_PIN || r == RESULT_OK)
			pin_tries_saw(job->token.data.serial, r, tries);
	}
	r = slot_after_error(job->slot, r);
	card_end_login(job->slot);
	if (r != RESULT_OK)
		return tell_failure(job, r, sent, tries);
	tell_done(job->slot, job->token.data.serial, job->way->done, job->way->json);
	return EXIT_GOOD;
}

static enum exit_code replace(const struct way *way, const struct arguments *args)
{
	struct job job = {.way = way, .args = args, .right = SECRET_INIT, .pin = SECRET_INIT};
	enum exit_code code = cards_choose(args, &job.slot);

	if (code == EXIT_GOOD)
		code = prepare(&job);
	if (code == EXIT_GOOD)
		code = confirm(&job);
	if (code == EXIT_GOOD)
		code = ask(&job);
	if (code == EXIT_GOOD)
		code = send(&job);
	secret_clear(&job.right);
	secret_clear(&job.pin);
	return code;
}

static enum exit_code run_change(const struct arguments *args)
{
	return replace(&change, args);
}

static enum exit_code run_unblock(const struct arguments *args)
{
	return replace(&unblock, args);
}

static const struct option_row verify_options[] = {
	PIN_OPTIONS,
	{NULL, 0, NULL, NULL},
};

static const struct option_row new_pin_options[] = {
	{"confirm", 0, N_("NUMBER"), N_("the card's number, in place of typing it when asked")},
	PIN_OPTIONS,
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_pin_verify = {
	.name = "pin verify",
	.summary = N_("give the card its PIN, once, and tell whether it is right"),
	.more = N_("A wrong PIN costs a try; after three of them the card locks. The card is reset afterwards."),
	.options = verify_options,
	.run = run_verify,
};

const struct subcommand command_pin_change = {
	.name = "pin change",
	.summary = N_("change the PIN (refused unless twcard.conf allows it)"),
	.more = N_("Asks for the old PIN, the new one, and the new one again; --pin-fd has them in three lines.\n"
		   "Never observed on a real card: 'allow-unproven = yes' lets it through, and the card's\n"
		   "number confirms it."),
	.options = new_pin_options,
	.run = run_change,
};

const struct subcommand command_pin_unblock = {
	.name = "pin unblock",
	.summary = N_("unblock a locked PIN with a code (refused unless twcard.conf allows it)"),
	.more = N_("Asks for the unblocking code, a new PIN, and that again; --pin-fd has them in three lines.\n"
		   "No real card is known that can do this: the CA's web site is the way. The virtual card can."),
	.options = new_pin_options,
	.run = run_unblock,
};
