#include "config.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "tools/authority/options.h"

enum { FIRST_OPTION = 256 };

/* at: a text's place; SIZE_MAX: a flag's, which is at `flag`. */
static const struct row {
	const char *name, *value, *help;
	size_t at, flag;
	bool file; /* may be in the file, too */
} rows[] = {
	{"config", "FILE", "a file with options, one a line: name = value", offsetof(struct options, config), 0, false},
	{"database", "URL", "an SQLite file, or postgresql://…", offsetof(struct options, database), 0, true},
	{"listen", "ADDRESS:PORT", "where to listen (127.0.0.1:8443); port 0: any", offsetof(struct options, listen), 0, true},
	{"name", "NAME", "the authority's name (the host's name)", offsetof(struct options, name), 0, true},
	{"trust", "FILE", "CA certificates that cards are trusted by, PEM; several", offsetof(struct options, trust), 0, true},
	{"crl", "FILE", "revocation lists of these CAs, PEM or DER; several", offsetof(struct options, crl), 0, true},
	{"tls-cert", "FILE", "the server's certificate and its chain, PEM", offsetof(struct options, tls_cert), 0, true},
	{"tls-key", "FILE", "its key, PEM", offsetof(struct options, tls_key), 0, true},
	{"activation-key", "FILE", "the key that opens data areas: 32 hexadecimal digits",
	 offsetof(struct options, activation_key), 0, true},
	{"terms", "FILE", "the terms of use, JSON", offsetof(struct options, terms), 0, true},
	{"threads", "N", "threads that answer (8)", offsetof(struct options, threads), 0, true},
	{"connections", "N", "connections at once (500)", offsetof(struct options, connections), 0, true},
	{"signer-rate", "N", "requests a second by one card (10); 0: any number", offsetof(struct options, signer_rate), 0, true},
	{"address-rate", "N", "questions a second from one address (200); 0: any number",
	 offsetof(struct options, address_rate), 0, true},
	{"card", "FILE", "a card's certificate, PEM or DER", offsetof(struct options, card), 0, false},
	{"first", "N", "the audit's row to begin with (1)", offsetof(struct options, first), 0, false},
	{"force", NULL, "replace the file that is there", SIZE_MAX, offsetof(struct options, force), false},
	{"remove", NULL, "remove the user code", SIZE_MAX, offsetof(struct options, remove), false},
	{"version", NULL, "the version", SIZE_MAX, offsetof(struct options, version), false},
	{"help", NULL, "this text", SIZE_MAX, offsetof(struct options, help), false},
};

#define ROWS (sizeof rows / sizeof *rows)

void options_error(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	fprintf(stderr, "twcard-authority: %s\n", line);
}

/* NULL: an option that is there once. */
static struct option_files *files_of(const struct options *o, const struct row *row)
{
	if (row->at != offsetof(struct options, trust) && row->at != offsetof(struct options, crl))
		return NULL;
	return (struct option_files *)(void *)((char *)(uintptr_t)o + row->at);
}

/* False: out of memory, or too many of them. */
static bool set(struct options *o, const struct row *row, const char *value)
{
	char **place = (char **)(void *)((char *)o + row->at);
	struct option_files *files = files_of(o, row);

	if (row->at == SIZE_MAX) {
		*((bool *)o + row->flag) = true;
		return true;
	}
	if (files) {
		if (files->count == OPTIONS_FILES_MAX)
			return false;
		place = &files->path[files->count++];
	}
	free(*place);
	*place = strdup(value);
	return *place != NULL;
}

/* ---- the file ---- */

struct pass {
	struct options *to;
	const struct options *given; /* what the command line said wins */
	const char *path;
	bool bad;
};

static bool is_given(const struct options *o, const struct row *row)
{
	const struct option_files *files = files_of(o, row);

	if (files)
		return files->count > 0;
	return *(char *const *)(const void *)((const char *)o + row->at) != NULL;
}

static int take_line(void *context, const char *section, const char *name, const char *value)
{
	struct pass *p = context;

	for (size_t i = 0; !*section && i < ROWS; i++) {
		if (!rows[i].file || strcmp(rows[i].name, name) != 0)
			continue;
		if (!is_given(p->given, &rows[i]) && !set(p->to, &rows[i], value))
			p->bad = true;
		return 1;
	}
	options_error("%s: '%.60s' is no option of the file", p->path, name);
	p->bad = true;
	return 1;
}

static bool read_file(struct options *o)
{
	struct options given = *o;
	struct pass p = {.to = o, .given = &given, .path = o->config};
	int line = ini_parse(o->config, take_line, &p);

	if (line < 0)
		options_error("%s cannot be read", o->config);
	else if (line > 0)
		options_error("%s: line %d is not 'name = value'", o->config, line);
	return line == 0 && !p.bad;
}

/* ---- the command line ---- */

static void make_long(struct option out[ROWS + 1])
{
	for (size_t i = 0; i < ROWS; i++)
		out[i] = (struct option){.name = rows[i].name,
					 .has_arg = rows[i].value ? required_argument : no_argument,
					 .val = FIRST_OPTION + (int)i};
	out[ROWS] = (struct option){.name = NULL};
}

bool options_read(int argc, char **argv, struct options *out, int *words)
{
	struct option all[ROWS + 1];
	int c;

	*out = (struct options){.config = NULL};
	*words = 0;
	make_long(all);
	optind = 0;
	while ((c = getopt_long(argc, argv, "hV", all, NULL)) != -1) {
		if (c == 'h')
			out->help = true;
		else if (c == 'V')
			out->version = true;
		else if (c < FIRST_OPTION)
			return false; /* getopt has told */
		else if (!set(out, &rows[c - FIRST_OPTION], optarg)) {
			options_error("--%s is there too often", rows[c - FIRST_OPTION].name);
			return false;
		}
	}
	*words = argc - optind;
	memmove(argv + 1, argv + optind, (size_t)*words * sizeof *argv);
	return !out->config || read_file(out);
}

void options_clear(struct options *o)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct option_files *files = files_of(o, &rows[i]);

		for (size_t k = 0; files && k < files->count; k++)
			free(files->path[k]);
		if (!files && rows[i].at != SIZE_MAX)
			free(*(char **)(void *)((char *)o + rows[i].at));
	}
	*o = (struct options){.config = NULL};
}

bool options_number(const char *name, const char *text, unsigned otherwise, unsigned max, unsigned *out)
{
	unsigned long value;

	*out = otherwise;
	if (!text)
		return true;
	value = *text && strlen(text) < 10 && strspn(text, "0123456789") == strlen(text) ? strtoul(text, NULL, 10)
											  : (unsigned long)max + 1;
	if (value > max) {
		options_error("--%s wants a number up to %u", name, max);
		return false;
	}
	*out = (unsigned)value;
	return true;
}

void options_help(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		char head[64];

		snprintf(head, sizeof head, "--%s%s%s", rows[i].name, rows[i].value ? " " : "",
			 rows[i].value ? rows[i].value : "");
		printf("  %-24s %s\n", head, rows[i].help);
	}
}
