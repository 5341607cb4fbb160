#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "tools/twcard/message.h"
#include "tools/twcard/pin_ask.h"

#define LINE_MAX_BYTES 256

/*
 * A line without its end, byte for byte, so that what follows is left for the
 * next question. -1: it is too long, or does not come.
 */
static int read_line(int fd, uint8_t line[LINE_MAX_BYTES])
{
	int len = 0;
	ssize_t got;

	for (;;) {
		got = read(fd, line + len, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || (got == 0 && len == 0))
			return -1;
		if (got == 0 || line[len] == '\n')
			break;
		if (++len == LINE_MAX_BYTES)
			return -1;
	}
	return len && line[len - 1] == '\r' ? len - 1 : len;
}

static enum exit_code keep_line(int fd, struct secret *out)
{
	uint8_t line[LINE_MAX_BYTES];
	int len = read_line(fd, line);
	enum exit_code code = EXIT_GOOD;

	if (len < 0) {
		message_error(_("no PIN was given"));
		code = EXIT_PIN;
	} else if (secret_set(out, line, (size_t)len) != RESULT_OK) {
		code = message_result(RESULT_NO_MEMORY, NULL);
	}
	OPENSSL_cleanse(line, sizeof line);
	return code;
}

/* ---- the terminal ---- */

static enum exit_code ask_terminal(const char *prompt, struct secret *out)
{
	struct termios before, quiet;
	enum exit_code code;
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &before) != 0) {
		if (fd >= 0)
			close(fd);
		message_error(_("there is no terminal to ask for the PIN\nGive it with --pin-fd."));
		return EXIT_PIN;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ECHONL;
	dprintf(fd, "%s", prompt);
	(void)tcsetattr(fd, TCSAFLUSH, &quiet);
	code = keep_line(fd, out);
	(void)tcsetattr(fd, TCSAFLUSH, &before);
	close(fd);
	return code;
}

enum exit_code pin_ask_secret(const struct arguments *args, const char *prompt, struct secret *out)
{
	const char *given = arguments_value(args, "pin-fd");
	char *end;
	long fd;

	if (!given)
		return ask_terminal(prompt, out);
	fd = strtol(given, &end, 10);
	if (*end || end == given || fd < 0 || fd > 1023)
		return message_usage(args->command, _("--pin-fd wants the number of a file descriptor"));
	return keep_line((int)fd, out);
}

/* ---- the card's PIN ---- */

static void warn(const struct slot_token *token)
{
	if (token->tries_left == 1)
		message_note(_("This is the last try: if the PIN is wrong, the card locks."));
	else if (token->tries_left > 1 && token->tries_left < token->pin_tries)
		message_note(ngettext("%d try is left.", "%d tries are left.", (unsigned long)token->tries_left),
			     token->tries_left);
}

enum exit_code pin_ask(const struct arguments *args, const struct slot_token *token,
		       struct secret *out)
{
	enum exit_code code;

	warn(token);
	code = pin_ask_secret(args, _("PIN: "), out);
	if (code == EXIT_GOOD && (out->len < token->pin_min || out->len > token->pin_max)) {
		secret_clear(out);
		message_error(_("a PIN of this card has %zu to %zu characters\nNothing was sent to the card."),
			      token->pin_min, token->pin_max);
		code = EXIT_PIN;
	}
	return code;
}
