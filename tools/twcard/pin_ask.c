#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "src/base/names.h"
#include "tools/twcard/message.h"
#include "tools/twcard/pin_ask.h"
#include "tools/twcard/pin_tries.h"
#include "tools/twcard/pinentry.h"
#include "tools/twcard/terminal.h"

#define PINENTRY_SECONDS 120 /* for a person to answer in */

static enum exit_code not_given(void)
{
	message_error(_("no PIN was given"));
	return EXIT_PIN;
}

/* What was typed; wipes the line. */
static enum exit_code keep_line(uint8_t line[TERMINAL_LINE_MAX], int len, struct secret *out)
{
	enum exit_code code = EXIT_GOOD;

	if (len <= 0)
		code = not_given();
	else if (secret_set(out, line, (size_t)len) != RESULT_OK)
		code = message_result(RESULT_NO_MEMORY, NULL);
	OPENSSL_cleanse(line, TERMINAL_LINE_MAX);
	return code;
}

static enum exit_code ask_terminal(const char *prompt, struct secret *out)
{
	uint8_t line[TERMINAL_LINE_MAX];
	int len;

	if (terminal_ask(prompt, false, line, &len) == TERMINAL_NONE) {
		message_error(_("there is no terminal to ask for the PIN\n"
				"Give it with --pin-fd, or ask with --pinentry."));
		return EXIT_PIN;
	}
	return keep_line(line, len, out);
}

static enum exit_code ask_descriptor(const struct arguments *args, const char *given,
				     struct secret *out)
{
	uint8_t line[TERMINAL_LINE_MAX];
	char *end;
	long fd = strtol(given, &end, 10);
	int len;

	if (*end || end == given || fd < 0 || fd > 1023)
		return message_usage(args->command, _("--pin-fd wants the number of a file descriptor"));
	/* no program that is started later reads what follows */
	if (fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0) {
		message_error(_("file descriptor %ld: %s\nOpen it for twcard, as in: twcard … --pin-fd 3 3<FILE"),
			      fd, strerror(errno));
		return EXIT_PIN;
	}
	len = terminal_read_line((int)fd, line);
	return keep_line(line, len, out);
}

static enum exit_code ask_pinentry(const char *program, const char *prompt, struct secret *out)
{
	switch (pinentry_ask(program, _("A PIN of your card is needed."), prompt, PINENTRY_SECONDS, out)) {
	case PINENTRY_ANSWERED:
		return out->len ? EXIT_GOOD : not_given();
	case PINENTRY_CANCELLED:
		return not_given();
	default:
		message_error(_("%s did not ask for the PIN\nIs it a pinentry program, and installed?"),
			      program);
		return EXIT_FILE;
	}
}

enum exit_code pin_ask_secret(const struct arguments *args, const char *prompt, struct secret *out)
{
	const char *fd = arguments_value(args, "pin-fd"), *program = arguments_value(args, "pinentry");

	if (fd)
		return ask_descriptor(args, fd, out);
	return program ? ask_pinentry(program, prompt, out) : ask_terminal(prompt, out);
}

/* ---- the card's PIN ---- */

void pin_warn(const struct slot_token *token)
{
	int left = token->tries_left >= 0 ? token->tries_left : pin_tries_last(token->data.serial);

	if (left == 0)
		message_note(_("When it was last used, the PIN was locked."));
	else if (left == 1)
		message_note(_("This is the last try: if the PIN is wrong, the card locks."));
	else if (left > 1 && left < token->pin_tries)
		message_note(ngettext("%d try is left.", "%d tries are left.", (unsigned long)left), left);
}

enum exit_code pin_ask_another(const struct arguments *args, const struct slot_token *token,
			       const char *prompt, struct secret *out)
{
	enum exit_code code = pin_ask_secret(args, prompt, out);

	if (code == EXIT_GOOD && (out->len < token->pin_min || out->len > token->pin_max)) {
		secret_clear(out);
		message_error(_("a PIN of this card has %zu to %zu characters\nNothing was sent to the card."),
			      token->pin_min, token->pin_max);
		code = EXIT_PIN;
	}
	return code;
}

enum exit_code pin_ask(const struct arguments *args, const struct slot_token *token,
		       struct secret *out)
{
	char name[NAMES_SIZE], prompt[NAMES_SIZE + 64];

	pin_warn(token);
	if (!names_get(token->data.serial, name))
		return pin_ask_another(args, token, _("PIN: "), out);
	snprintf(prompt, sizeof prompt, _("PIN of %s: "), name);
	return pin_ask_another(args, token, prompt, out);
}
