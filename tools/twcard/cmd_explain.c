/* twcard explain: what a code means, in which software, and what to do about it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/twcard/commands.h"
#include "tools/twcard/explain.h"
#include "tools/twcard/message.h"
#include "tools/twcard/table.h"
#include "tools/twcard/text.h"

#define NEAR_MAX 3
#define NUMBERS_MAX 48
#define NAMES_MAX 256

/* "0xA4 (164)", "61006 (0xEE4E)", "0x6100-0x61FF": as people know it first. */
static const char *numbers(const struct explain_match *m, bool range, char out[NUMBERS_MAX])
{
	bool decimal = explain_source_is_decimal(m->source);

	if (range && m->last != m->first)
		snprintf(out, NUMBERS_MAX, "0x%X-0x%X", (unsigned)m->first, (unsigned)m->last);
	else if (decimal)
		snprintf(out, NUMBERS_MAX, "%u (0x%X)", (unsigned)m->code, (unsigned)m->code);
	else
		snprintf(out, NUMBERS_MAX, "0x%X (%u)", (unsigned)m->code, (unsigned)m->code);
	return out;
}

/* " pkcs11 status-word …" */
static const char *source_names(char out[NAMES_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; explain_sources[i] && n < NAMES_MAX; i++)
		n += (size_t)snprintf(out + n, NAMES_MAX - n, " %s", explain_source_name(explain_sources[i]));
	return out;
}

/* ---- for people ---- */

static void print_match(const struct explain_match *m, bool range)
{
	char number[NUMBERS_MAX];

	printf("  %s%s %s%s%s%s\n", message_style(stdout, STYLE_HEAD), _(explain_source_title(m->source)),
	       numbers(m, range, number), m->name[0] ? " " : "", m->name, message_style_end(stdout));
	printf("    %s\n", _(m->meaning));
	if (m->rest && !range) {
		printf("    ");
		printf(_("%s: %u"), _(m->rest), (unsigned)explain_rest(m));
		putchar('\n');
	}
	if (m->equals) {
		printf("    ");
		printf(_("It is 9000 + %u: the place of %s among the codes of PKCS#11 2.01."),
		       (unsigned)m->code - 9000, m->equals);
		putchar('\n');
	}
	if (m->action) {
		printf("    ");
		printf(_("What to do: %s"), _(m->action));
		putchar('\n');
	}
}

static void print_code(const char *text, const struct explain_match *matches, size_t count)
{
	char *safe = text_safe(text);

	printf("%s\n", safe ? safe : "");
	for (size_t i = 0; i < count; i++)
		print_match(&matches[i], false);
	free(safe);
}

static void say_unknown(const char *text, const struct explain_match *near, size_t count)
{
	char names[NAMES_MAX], number[NUMBERS_MAX], *safe = text_safe(text);

	message_error(_("%s: not known"), safe ? safe : "");
	free(safe);
	message_note(_("The kinds of codes there are:%s"), source_names(names));
	if (count == 0)
		return;
	message_note("%s", _("Near to it:"));
	for (size_t i = 0; i < count; i++)
		message_note("  %s %s%s%s\n    %s", _(explain_source_title(near[i].source)),
			     numbers(&near[i], true, number), near[i].name[0] ? " " : "", near[i].name,
			     _(near[i].meaning));
}

static void print_source(const struct explain_source *source)
{
	struct table *t = table_new(3);
	struct explain_match m;
	char number[NUMBERS_MAX];

	for (size_t n = 0; explain_nth(source, n, &m); n++) {
		table_cell(t, STYLE_PLAIN, "%s", numbers(&m, true, number));
		table_cell(t, STYLE_PLAIN, "%s", m.name[0] ? m.name : "-");
		table_cell(t, STYLE_PLAIN, "%s", _(m.meaning));
	}
	printf("%s%s%s (%s)\n", message_style(stdout, STYLE_HEAD), _(explain_source_title(source)),
	       message_style_end(stdout), explain_source_name(source));
	table_print(t, stdout, 2);
	table_free(&t);
}

static void print_list(const struct explain_source *only)
{
	for (size_t i = 0; explain_sources[i]; i++)
		if (!only || only == explain_sources[i])
			print_source(explain_sources[i]);
}

/* ---- for programs ---- */

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, message_json_text(text));
}

static struct json_object *match_json(const struct explain_match *m, bool range)
{
	struct json_object *object = json_object_new_object(), *rest;
	char hex[16];

	snprintf(hex, sizeof hex, "0x%X", (unsigned)m->code);
	add_text(object, "source", explain_source_name(m->source));
	json_object_object_add(object, "code", json_object_new_int64(m->code));
	add_text(object, "hex", hex);
	if (range && m->last != m->first)
		json_object_object_add(object, "last", json_object_new_int64(m->last));
	add_text(object, "name", m->name[0] ? m->name : NULL);
	if (m->equals)
		add_text(object, "equals", m->equals);
	add_text(object, "meaning", _(m->meaning));
	add_text(object, "action", m->action ? _(m->action) : NULL);
	if (m->rest && !range) {
		rest = json_object_new_object();
		add_text(rest, "meaning", _(m->rest));
		json_object_object_add(rest, "value", json_object_new_int64(explain_rest(m)));
		json_object_object_add(object, "rest", rest);
	}
	return object;
}

static struct json_object *matches_json(const struct explain_match *matches, size_t count, bool range)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, match_json(&matches[i], range));
	return array;
}

static struct json_object *list_json(const struct explain_source *only)
{
	struct json_object *object = json_object_new_object(), *array = json_object_new_array();
	struct explain_match m;

	for (size_t i = 0; explain_sources[i]; i++) {
		if (only && only != explain_sources[i])
			continue;
		for (size_t n = 0; explain_nth(explain_sources[i], n, &m); n++)
			json_object_array_add(array, match_json(&m, true));
	}
	json_object_object_add(object, "codes", array);
	return object;
}

/* ---- the command ---- */

static enum exit_code list(const struct explain_source *only)
{
	if (message_is_json())
		message_json(list_json(only));
	else
		print_list(only);
	return EXIT_GOOD;
}

/* Adds to `codes` under --json, prints otherwise. */
static bool explain(const char *text, const struct explain_source *only, struct json_object *codes)
{
	struct explain_match matches[EXPLAIN_MATCHES_MAX], near[NEAR_MAX];
	size_t count = explain_find(text, only, matches), near_count = 0;
	struct json_object *object;

	if (count == 0)
		near_count = explain_near(text, only, near, NEAR_MAX);
	if (message_is_json()) {
		object = json_object_new_object();
		add_text(object, "asked", text);
		json_object_object_add(object, "matches", matches_json(matches, count, false));
		json_object_object_add(object, "near", matches_json(near, near_count, true));
		json_object_array_add(codes, object);
	} else if (count) {
		print_code(text, matches, count);
	} else {
		say_unknown(text, near, near_count);
	}
	return count != 0;
}

static enum exit_code explain_all(const struct arguments *args, const struct explain_source *only)
{
	struct json_object *object, *codes = message_is_json() ? json_object_new_array() : NULL;
	enum exit_code code = EXIT_GOOD;

	for (int i = 0; i < args->word_count; i++)
		if (!explain(args->words[i], only, codes))
			code = EXIT_NEGATIVE;
	if (codes) {
		object = json_object_new_object();
		json_object_object_add(object, "codes", codes);
		message_json(object);
	}
	return code;
}

static enum exit_code run(const struct arguments *args)
{
	const char *name = arguments_value(args, "source");
	const struct explain_source *only = name ? explain_source_named(name) : NULL;
	char names[NAMES_MAX], *safe;

	if (name && !only) {
		safe = text_safe(name);
		message_usage(args->command, _("there is no kind of code %s\nThere are:%s"),
			      safe ? safe : "", source_names(names));
		free(safe);
		return EXIT_USAGE;
	}
	if (arguments_has(args, "list"))
		return args->word_count ? message_usage(args->command, _("too many words")) : list(only);
	if (args->word_count == 0)
		return message_usage(args->command, _("something is missing: a code, or --list"));
	return explain_all(args, only);
}

static const struct option_row options[] = {
	{"source", 's', N_("NAME"), N_("only codes of this kind (names: see --list)")},
	{"list", 'l', NULL, N_("every code that is known")},
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_explain = {
	.name = "explain",
	.words = N_("CODE..."),
	.words_min = 0,
	.words_max = -1,
	.summary = N_("what a code means and what to do about it"),
	.more = N_("A code is a number or a name: PKCS#11 (CKR_PIN_LOCKED, 0xA4), a card's status word "
		   "(6983, 63C2,\n\"69 82\"), PC/SC (0x8010000C), ServiSign (61006) and its component "
		   "(9039), HiPKI (0x76100006).\nWhere a number belongs to several, all are shown, the "
		   "most likely first."),
	.options = options,
	.run = run,
};
