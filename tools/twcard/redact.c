#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/twcard/redact.h"

#define SERIAL_DIGITS 6 /* as many hex digits in a row, one of them 0 to 9, are no name */

/* Kept in order of length, so that no part of a secret is taken for another one. */
void redact_add(struct redactor *r, const char *secret, const char *placeholder)
{
	struct redact_secret *more, new;
	size_t at = 0;

	if (!secret || strlen(secret) < 2)
		return;
	new = (struct redact_secret){strdup(secret), strdup(placeholder)};
	more = realloc(r->secrets, (r->count + 1) * sizeof *more);
	if (more)
		r->secrets = more;
	if (!more || !new.text || !new.placeholder) {
		free(new.text);
		free(new.placeholder);
		r->failed = true;
		return;
	}
	while (at < r->count && strlen(more[at].text) >= strlen(secret))
		at++;
	memmove(more + at + 1, more + at, (r->count - at) * sizeof *more);
	more[at] = new;
	r->count++;
}

void redact_clear(struct redactor *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->secrets[i].text);
		free(r->secrets[i].placeholder);
	}
	free(r->secrets);
	*r = (struct redactor)REDACTOR_INIT;
}

/* ---- words ---- */

static bool in_word(char c)
{
	return isalnum((unsigned char)c);
}

/* True if no word goes on over the ends of what lies at `at`. */
static bool stands_alone(const char *start, const char *at, size_t len)
{
	return !(at > start && in_word(at[-1]) && in_word(at[0])) &&
	       !(in_word(at[len - 1]) && in_word(at[len]));
}

/* A: a capital letter, 9: a digit, X: either. */
static const struct {
	const char *form, *placeholder;
} forms[] = {
	{"AA99999999999999", "<card-number>"},
	{"AX99999999", "<national-id>"},
};

static bool has_form(const char *at, const char *form)
{
	for (; *form; at++, form++) {
		bool upper = *at >= 'A' && *at <= 'Z', digit = *at >= '0' && *at <= '9';

		if (!(upper && *form != '9') && !(digit && *form != 'A'))
			return false;
	}
	return true;
}

/* The placeholder of what begins here, and its length; NULL: nothing to hide. */
static const char *find(const struct redactor *r, const char *start, const char *at, size_t *len)
{
	for (size_t i = 0; i < r->count; i++) {
		*len = strlen(r->secrets[i].text);
		if (strncmp(at, r->secrets[i].text, *len) == 0 && stands_alone(start, at, *len))
			return r->secrets[i].placeholder;
	}
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		*len = strlen(forms[i].form);
		if (has_form(at, forms[i].form) && stands_alone(start, at, *len))
			return forms[i].placeholder;
	}
	return NULL;
}

char *redact_text(const struct redactor *r, const char *text)
{
	const char *at = text, *placeholder;
	char *out = NULL;
	size_t size, len;
	FILE *stream = r->failed ? NULL : open_memstream(&out, &size);

	while (stream && *at) {
		placeholder = find(r, text, at, &len);
		if (placeholder)
			fputs(placeholder, stream);
		else
			fputc(*at, stream);
		at += placeholder ? len : 1;
	}
	if (stream && fclose(stream) != 0) {
		free(out);
		out = NULL;
	}
	return out;
}

/* ---- readers ---- */

static size_t serial_length(const char *start, const char *at)
{
	bool digit = false;
	size_t len = 0;

	if (at > start && in_word(at[-1]))
		return 0;
	for (; isxdigit((unsigned char)at[len]); len++)
		digit = digit || isdigit((unsigned char)at[len]);
	return len >= SERIAL_DIGITS && digit && !in_word(at[len]) ? len : 0;
}

char *redact_reader(const char *name)
{
	const char *at = name, *end;
	char *out = NULL;
	size_t size, len;
	FILE *stream = open_memstream(&out, &size);

	while (stream && *at) {
		end = *at == '(' ? strrchr(at, ')') : NULL;
		len = end ? (size_t)(end - at) + 1 : serial_length(name, at);
		if (len)
			fputs("(serial)", stream);
		else
			fputc(*at, stream);
		at += len ? len : 1;
	}
	if (stream && fclose(stream) != 0) {
		free(out);
		out = NULL;
	}
	return out;
}
