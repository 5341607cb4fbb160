#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "tools/twcard/authz_ask.h"
#include "tools/twcard/message.h"
#include "tools/twcard/terminal.h"
#include "tools/twcard/text.h"

#define PROMPT_MAX 512

/* ---- one question ---- */

/* An answer without blanks around it. False: there is none, and the user has been told. */
static bool ask(const char *prompt, char answer[TERMINAL_LINE_MAX])
{
	uint8_t line[TERMINAL_LINE_MAX];
	int len, from = 0;

	switch (terminal_ask(prompt, true, line, &len)) {
	case TERMINAL_NONE:
		message_error(_("there is no terminal to ask what is to be authorized\nSay it in a file: --from FILE."));
		return false;
	case TERMINAL_NO_ANSWER:
		message_error(_("no answer was given\nNothing was signed."));
		return false;
	default:
		break;
	}
	while (len && line[len - 1] == ' ')
		len--;
	while (from < len && line[from] == ' ')
		from++;
	memcpy(answer, line + from, (size_t)(len - from));
	answer[len - from] = '\0';
	if (strlen(answer) == (size_t)(len - from))
		return true;
	message_error(_("no answer was given\nNothing was signed."));
	return false;
}

enum exit_code authz_ask_yes(const char *question, const char *else_)
{
	char prompt[PROMPT_MAX];
	uint8_t line[TERMINAL_LINE_MAX];
	int len = 0;

	snprintf(prompt, sizeof prompt, _("%s [y/N] "), question);
	if (terminal_ask(prompt, true, line, &len) == TERMINAL_NONE) {
		message_error("%s", else_);
		return EXIT_REFUSED;
	}
	if (len == 1 && (line[0] == 'y' || line[0] == 'Y'))
		return EXIT_GOOD;
	message_error(_("it was not confirmed\nNothing was signed."));
	return EXIT_REFUSED;
}

/* ---- a choice from a list, or a text of one's own ---- */

/* The list's i-th entry: a text, or an object's "name". NULL: it has none. */
static const char *entry(struct json_object *list, size_t i)
{
	struct json_object *e = json_object_array_get_idx(list, i);

	if (json_object_is_type(e, json_type_object))
		e = json_object_object_get(e, "name");
	return json_object_is_type(e, json_type_string) ? json_object_get_string(e) : NULL;
}

static size_t length(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static void show_list(struct json_object *list)
{
	for (size_t i = 0; i < length(list); i++) {
		char *safe = text_safe(entry(list, i) ? entry(list, i) : "");

		message_note("  %zu  %s", i + 1, safe ? safe : "");
		free(safe);
	}
}

/* Which of the list an answer means; its length: none, it is a text. */
static size_t chosen(struct json_object *list, const char *answer)
{
	char *end;
	unsigned long n = strtoul(answer, &end, 10);

	if (end != answer && !*end && n >= 1 && n <= length(list) && entry(list, n - 1))
		return n - 1;
	for (size_t i = 0; i < length(list); i++)
		if (entry(list, i) && strcmp(entry(list, i), answer) == 0)
			return i;
	return length(list);
}

/* `now`: what it is so far, and an empty answer keeps; "-" then takes it away. *index: of the list, or its length. */
static bool choose(const char *what, struct json_object *list, const char *now, size_t *index,
		   char answer[TERMINAL_LINE_MAX])
{
	char prompt[PROMPT_MAX], *safe = text_safe(now ? now : "");

	show_list(list);
	/* translators: what is asked for, and what an empty answer stands for */
	snprintf(prompt, sizeof prompt, _("%s [%s]: "), what, safe && *safe ? safe : _("none"));
	free(safe);
	if (!ask(prompt, answer))
		return false;
	if (!*answer && now)
		snprintf(answer, TERMINAL_LINE_MAX, "%s", now);
	else if (strcmp(answer, "-") == 0)
		*answer = '\0';
	*index = chosen(list, answer);
	if (*index < length(list))
		snprintf(answer, TERMINAL_LINE_MAX, "%s", entry(list, *index));
	return true;
}

static void add(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, message_json_some(text));
}

static const char *text_of(struct json_object *from, const char *key)
{
	struct json_object *text = from ? json_object_object_get(from, key) : NULL;

	return json_object_is_type(text, json_type_string) ? json_object_get_string(text) : NULL;
}

/* ---- an authorization ---- */

/* The unit with its code, and the role, into the object. */
static bool ask_where(struct json_object *units, struct json_object *roles, struct json_object *before,
		      struct json_object *to)
{
	char answer[TERMINAL_LINE_MAX];
	size_t i;

	if (!choose(_("Unit"), units, text_of(before, "unit_name"), &i, answer))
		return false;
	add(to, "unit_name", answer);
	if (i < length(units)) {
		add(to, "unit_code", text_of(json_object_array_get_idx(units, i), "code"));
	} else if (*answer) {
		if (!choose(_("Unit's code"), NULL, text_of(before, "unit_code"), &i, answer))
			return false;
		add(to, "unit_code", answer);
	}
	if (!choose(_("Role"), roles, text_of(before, "role"), &i, answer))
		return false;
	add(to, "role", answer);
	return true;
}

/* *out NULL: there is none in this place. */
static bool ask_grant(struct json_object *catalogue, size_t number, struct json_object *before,
		      struct json_object **out)
{
	struct json_object *list = json_object_object_get(catalogue, "applications"), *application;
	char answer[TERMINAL_LINE_MAX];
	size_t i;

	*out = NULL;
	message_note(_("Authorization %zu of %d: by number or in words; \"-\" for none."), number, AUTHZ_GRANTS_MAX);
	if (!choose(_("Application"), list, text_of(before, "application"), &i, answer))
		return false;
	if (!*answer)
		return true;
	application = i < length(list) ? json_object_array_get_idx(list, i) : NULL;
	*out = json_object_new_object();
	add(*out, "application", answer);
	return ask_where(application ? json_object_object_get(application, "units") : NULL,
			 application ? json_object_object_get(application, "roles") : NULL, before, *out);
}

static bool ask_bearer(struct json_object *before, struct json_object *to)
{
	struct json_object *bearer = before ? json_object_object_get(before, "bearer") : NULL;
	struct json_object *made = json_object_new_object();
	const char *now = text_of(bearer, "number");
	char answer[TERMINAL_LINE_MAX];
	size_t i;

	json_object_object_add(to, "bearer", made);
	if (!choose(_("Id number of the card's bearer"), NULL, now, &i, answer))
		return false;
	/* what has the form of a national id is one: another number is not asked about */
	add(made, "kind", authz_id_is_national(answer) ? "national" : "other");
	add(made, "number", answer);
	if (!authz_id_is_national(answer))
		message_note(_("It is no national id: it counts as another id number."));
	return true;
}

enum exit_code authz_ask_grants(struct json_object *catalogue, struct json_object *before,
				struct json_object **out)
{
	struct json_object *json = json_object_new_object(), *list = json_object_new_array(), *grant;
	struct json_object *old = before ? json_object_object_get(before, "grants") : NULL;
	bool answered = true;

	*out = json;
	json_object_object_add(json, "grants", list);
	for (size_t i = 0; answered && i < AUTHZ_GRANTS_MAX; i++) {
		struct json_object *was = i < length(old) ? json_object_array_get_idx(old, i) : NULL;

		answered = ask_grant(catalogue, i + 1, was, &grant);
		if (grant)
			json_object_array_add(list, grant);
		if (!grant && i + 1 >= length(old))
			break;
	}
	return answered && ask_bearer(before, json) ? EXIT_GOOD : EXIT_USAGE;
}

enum exit_code authz_ask_delegation(bool disabled, struct json_object **out)
{
	struct json_object *json = json_object_new_object(), *scope = json_object_new_object();

	*out = json;
	json_object_object_add(json, "disabled", json_object_new_boolean(disabled));
	json_object_object_add(json, "scope", scope);
	if (!disabled && !ask_where(NULL, NULL, NULL, scope))
		return EXIT_USAGE;
	return ask_bearer(NULL, json) ? EXIT_GOOD : EXIT_USAGE;
}
