/*
 * Where a PIN comes from: the terminal without echo, a pinentry program, or
 * --pin-fd. Never the command line, never the environment.
 */
#ifndef TWCARD_TOOLS_PIN_ASK_H
#define TWCARD_TOOLS_PIN_ASK_H

#include "apdu/secret.h"
#include "src/token/slot.h"
#include "tools/twcard/arguments.h"
#include "tools/twcard/subcommand.h"

/* The rows of commands that ask for a PIN. */
#define PIN_OPTIONS                                                                                \
	{"pin-fd", 0, N_("N"), N_("read the PIN from file descriptor N, up to a newline")},         \
	{"pinentry", 0, N_("PROGRAM"), N_("ask for the PIN with this pinentry program")}

/*
 * Asks for the card's PIN, once, and warns before the last tries. One of a
 * length that the card cannot have is refused here. The user has been told of
 * all that is not EXIT_GOOD; then *out is empty.
 */
enum exit_code pin_ask(const struct arguments *args, const struct slot_token *token,
		       struct secret *out);

/*
 * The same with another prompt (translated, ": " at its end), for what has the
 * form of a PIN: a new one, or an unblocking code. Warns of nothing.
 */
enum exit_code pin_ask_another(const struct arguments *args, const struct slot_token *token,
			       const char *prompt, struct secret *out);

/* Warns, if few tries are left, before a PIN is asked for with pin_ask_another(). */
void pin_warn(const struct slot_token *token);

/* Asks for a secret with this prompt; from --pin-fd each call takes the next line. */
enum exit_code pin_ask_secret(const struct arguments *args, const char *prompt, struct secret *out);

#endif
