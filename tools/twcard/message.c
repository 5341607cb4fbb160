#include "config.h"

#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/twcard/message.h"
#include "tools/twcard/text.h"

#define ERROR_MAX 2048

static struct {
	bool json;
	bool json_said;
	char error[ERROR_MAX]; /* of this command, for --json */
	struct json_object *more; /* about it; owned; NULL: nothing */
} said;

void message_start(void)
{
	setlocale(LC_ALL, "");
	bindtextdomain("twcard", LOCALEDIR);
	bind_textdomain_codeset("twcard", "UTF-8");
	textdomain("twcard");
}

void message_use_json(void)
{
	said.json = true;
}

bool message_is_json(void)
{
	return said.json;
}

bool message_in_chinese(void)
{
	/* translators: the name of your language, of these: en zh */
	return strcmp(_("en"), "zh") == 0;
}

static __attribute__((format(printf, 1, 0))) void print_error(const char *format, va_list args)
{
	char text[ERROR_MAX];

	vsnprintf(text, sizeof text, format, args);
	if (said.json) {
		memcpy(said.error, text, sizeof text);
		return;
	}
	fprintf(stderr, "%stwcard:%s %s\n", message_style(stderr, STYLE_BAD), message_style_end(stderr),
		text);
}

void message_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error(format, args);
	va_end(args);
}

enum exit_code message_usage(const struct subcommand *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error(format, args);
	va_end(args);
	if (said.json)
		return EXIT_USAGE;
	fprintf(stderr, _("'twcard %s --help' says more.\n"), command->name);
	return EXIT_USAGE;
}

void message_note(const char *format, ...)
{
	va_list args;

	if (said.json)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* ---- results of the card library ---- */

static const struct {
	enum result r;
	enum exit_code code;
	const char *next; /* what to do; NULL: nothing that is known */
} endings[] = {
	{RESULT_NO_SERVICE, EXIT_NO_CARD,
	 N_("Install and start pcscd (Debian: apt install pcscd); 'twcard doctor' looks into it.")},
	{RESULT_NO_ACCESS, EXIT_NO_CARD, N_("'twcard doctor' says what to allow.")},
	{RESULT_NO_READER, EXIT_NO_CARD, N_("Plug the reader in; 'twcard doctor' looks into it.")},
	{RESULT_NO_CARD, EXIT_NO_CARD, N_("Put the card in, chip first.")},
	{RESULT_CARD_REMOVED, EXIT_NO_CARD, N_("Put the card back in and try again.")},
	{RESULT_READER_BUSY, EXIT_CARD, N_("End the other program, or wait for it.")},
	{RESULT_CARD_RESET, EXIT_CARD, N_("Try again.")},
	{RESULT_CARD_MUTE, EXIT_CARD, N_("Take the card out, clean its contacts, put it in again.")},
	{RESULT_UNKNOWN_CARD, EXIT_CARD,
	 N_("'twcard profile list' names the cards that are known; 'twcard doctor' says more.")},
	{RESULT_BAD_ANSWER, EXIT_CARD, N_("Take the card out and put it in again.")},
	{RESULT_BAD_DATA, EXIT_CARD, NULL},
	{RESULT_BAD_SIGNATURE, EXIT_CARD, N_("Nothing was given out. Try again; if it stays, the card is damaged.")},
	{RESULT_NOT_FOUND, EXIT_CARD, NULL},
	{RESULT_UNPROVEN, EXIT_REFUSED, NULL},
	{RESULT_NO_KEYSET, EXIT_CARD,
	 N_("Cards of the second generation need their issuer's key set: see docs/KEYSETS.md.")},
	{RESULT_SECURITY_STATUS, EXIT_PIN, NULL},
	{RESULT_PIN_WRONG, EXIT_PIN, NULL},
	{RESULT_PIN_LOCKED, EXIT_PIN,
	 N_("Only the card's issuer can unlock it, on the web site of the CA.")},
	{RESULT_PIN_LENGTH, EXIT_PIN, N_("Nothing was sent to the card.")},
	{RESULT_PIN_INVALID, EXIT_PIN, N_("Nothing was sent to the card.")},
	{RESULT_NO_MEMORY, EXIT_INTERNAL, NULL},
	{RESULT_FAILED, EXIT_INTERNAL, NULL},
	{RESULT_ARGUMENT, EXIT_INTERNAL, NULL},
	{RESULT_CRYPTO, EXIT_INTERNAL, NULL},
	{RESULT_CONFIG, EXIT_FILE, N_("See twcard.conf(5).")},
};

enum exit_code message_result(enum result r, const char *what)
{
	enum exit_code code = r == RESULT_OK ? EXIT_GOOD : EXIT_CARD;
	const char *next = NULL;

	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		if (endings[i].r != r)
			continue;
		code = endings[i].code;
		next = endings[i].next;
	}
	/* translators: between what was being done and what went wrong */
	if (r != RESULT_OK)
		message_error("%s%s%s%s%s", what ? what : "", what ? _(": ") : "", _(result_text(r)),
			      next ? "\n" : "", next ? _(next) : "");
	return code;
}

/* ---- JSON ---- */

void message_json(struct json_object *value)
{
	puts(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
							   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(value);
	said.json_said = true;
}

struct json_object *message_json_text(const char *text)
{
	char *valid = text ? text_valid(text) : NULL;
	struct json_object *value = valid ? json_object_new_string(valid) : NULL;

	free(valid);
	return value;
}

struct json_object *message_json_some(const char *text)
{
	return text && *text ? message_json_text(text) : NULL;
}

/* The next step has its own name: what to show and what went wrong are two things to a program. */
static struct json_object *error_json(enum exit_code code)
{
	struct json_object *value = json_object_new_object();
	char *next = strchr(said.error, '\n');

	if (next)
		*next++ = '\0';
	json_object_object_add(value, "error", message_json_text(said.error));
	json_object_object_add(value, "next", message_json_text(next));
	json_object_object_add(value, "exit", json_object_new_int(code));
	if (said.more) {
		json_object_object_foreach(said.more, key, about)
			json_object_object_add(value, key, json_object_get(about));
	}
	return value;
}

void message_json_error_add(const char *key, struct json_object *value)
{
	if (said.json && !said.more)
		said.more = json_object_new_object();
	if (said.more)
		json_object_object_add(said.more, key, value);
	else
		json_object_put(value);
}

void message_end(enum exit_code code)
{
	if (said.json && !said.json_said && code != EXIT_GOOD)
		message_json(error_json(code));
	json_object_put(said.more);
	said.more = NULL;
	if (fflush(stdout) != 0 || ferror(stdout))
		perror("twcard");
}

/* ---- colours ---- */

static bool has_colours(FILE *stream)
{
	const char *terminal = getenv("TERM");

	return isatty(fileno(stream)) && !getenv("NO_COLOR") && terminal && strcmp(terminal, "dumb") != 0;
}

const char *message_style(FILE *stream, enum style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "",          [STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m",
		[STYLE_BAD] = "\033[31m", [STYLE_HEAD] = "\033[1m",
	};

	return has_colours(stream) ? codes[style] : "";
}

const char *message_style_end(FILE *stream)
{
	return has_colours(stream) ? "\033[0m" : "";
}
