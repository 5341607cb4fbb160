/* What an operator does with the database: catalogue, audit, backup, user codes. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>
#include <openssl/crypto.h>

#include "tools/authority/catalogue.h"
#include "tools/authority/commands.h"
#include "tools/authority/files.h"
#include "tools/authority/signed.h"

#define CODE_MAX 64 /* bytes of a user code */

static enum command_exit tell(enum store_result r, const char *problem)
{
	if (r == STORE_OK)
		return COMMAND_GOOD;
	options_error("%s", *problem ? problem : store_result_text(r));
	return r == STORE_NO_MEMORY ? COMMAND_INTERNAL : COMMAND_FILE;
}

/* The operator's own rows in the audit. */
static enum store_result audit(struct store_tx *tx, const char *operation, const char *detail)
{
	const struct store_audit row = {.at = time(NULL), .operation = (char *)operation, .outcome = (char *)"ok",
					.detail = (char *)detail};

	return store_audit_append(tx, &row);
}

/* ---- catalogue ---- */

struct import {
	const char *document;
	uint32_t version;
};

static enum store_result import(struct store_tx *tx, void *context)
{
	struct import *i = context;
	char detail[64];
	enum store_result r = store_catalogue_set(tx, i->document, time(NULL), &i->version);

	snprintf(detail, sizeof detail, "{\"version\":%" PRIu32 "}", i->version);
	return r == STORE_OK ? audit(tx, "catalogue", detail) : r;
}

enum command_exit command_catalogue_import(const struct options *o, struct store *store, char **words)
{
	char problem[STORE_PROBLEM_SIZE] = "", *text;
	struct json_object *document;
	struct import i = {.document = NULL};
	enum command_exit code = COMMAND_FILE;
	const char *why;
	size_t len;

	(void)o;
	text = files_read(words[0], CATALOGUE_MAX, &len);
	if (!text)
		return COMMAND_FILE;
	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	document = catalogue_parse(text, len, &why);
	if (document) {
		i.document = json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN);
		code = tell(store_run(store, import, &i, problem), problem);
		if (code == COMMAND_GOOD)
			printf("catalogue: version %" PRIu32 "\n", i.version);
	} else {
		options_error("%s: %s", words[0], why);
	}
	json_object_put(document);
	free(text);
	return code;
}

static enum store_result load(struct store_tx *tx, void *context)
{
	struct catalogue *c = context;

	catalogue_clear(c);
	return catalogue_load(tx, c);
}

enum command_exit command_catalogue_show(const struct options *o, struct store *store, char **words)
{
	char problem[STORE_PROBLEM_SIZE] = "";
	struct catalogue c = {.all = NULL};
	enum command_exit code = tell(store_look(store, load, &c, problem), problem);

	(void)o;
	(void)words;
	if (code == COMMAND_GOOD)
		printf("%s\n", json_object_to_json_string_ext(c.all, JSON_C_TO_STRING_PRETTY));
	catalogue_clear(&c);
	return code;
}

/* ---- audit ---- */

enum command_exit command_audit_verify(const struct options *o, struct store *store, char **words)
{
	char problem[STORE_PROBLEM_SIZE] = "";
	uint64_t count = 0, first_bad = 0;
	enum store_result r = store_audit_verify(store, &count, &first_bad, problem);

	(void)o;
	(void)words;
	if (r == STORE_BROKEN) {
		printf("audit: row %" PRIu64 " is changed or missing\n", first_bad);
		return COMMAND_NEGATIVE;
	}
	if (r == STORE_OK)
		printf("audit: %" PRIu64 " rows, all as they were written\n", count);
	return tell(r, problem);
}

static enum command_exit export_to(const struct options *o, struct store *store, FILE *file)
{
	char problem[STORE_PROBLEM_SIZE] = "";
	unsigned first;

	if (!options_number("first", o->first, 1, 999999999, &first))
		return COMMAND_USAGE;
	return tell(store_audit_export(store, first, file, problem), problem);
}

enum command_exit command_audit_export(const struct options *o, struct store *store, char **words)
{
	struct files_new out;
	enum command_exit code;

	if (strcmp(words[0], "-") == 0) {
		code = export_to(o, store, stdout);
		if (code == COMMAND_GOOD && fflush(stdout) != 0)
			code = COMMAND_FILE;
		return code;
	}
	if (!files_new_open(words[0], &out))
		return COMMAND_FILE;
	code = export_to(o, store, out.file);
	if (code != COMMAND_GOOD)
		files_new_abort(&out);
	else if (!files_new_commit(&out, o->force))
		code = COMMAND_FILE;
	return code;
}

/* ---- backup ---- */

enum command_exit command_backup(const struct options *o, struct store *store, char **words)
{
	char problem[STORE_PROBLEM_SIZE] = "";

	return tell(store_backup(store, words[0], o->force, problem), problem);
}

/* ---- user codes ---- */

struct code_note {
	char detail[HEX_SHA256_LEN + 64];
};

static enum store_result note_code(struct store_tx *tx, void *context)
{
	const struct code_note *n = context;

	return audit(tx, "user-code", n->detail);
}

/* One line of standard input: a code is no word of a command line. */
static bool read_code(char out[CODE_MAX + 2], size_t *len)
{
	if (!fgets(out, CODE_MAX + 2, stdin))
		*out = '\0';
	*len = strcspn(out, "\r\n");
	if (!*len || *len > CODE_MAX) {
		options_error("the user code is one line of standard input, of 1 to %d bytes", CODE_MAX);
		return false;
	}
	return true;
}

enum command_exit command_user_code_set(const struct options *o, struct store *store, char **words)
{
	char code[CODE_MAX + 2] = "", who[HEX_SHA256_LEN + 1], problem[STORE_PROBLEM_SIZE] = "";
	struct code_note note;
	enum store_result r;
	size_t len = 0;
	X509 *card;

	(void)words;
	if (!o->card) {
		options_error("--card names the file of the card's certificate");
		return COMMAND_USAGE;
	}
	card = files_certificate(o->card);
	if (!card)
		return COMMAND_FILE;
	signed_who(card, who);
	X509_free(card);
	if (!o->remove && !read_code(code, &len))
		return COMMAND_USAGE;
	snprintf(note.detail, sizeof note.detail, "{\"card\":\"%s\",\"removed\":%s}", who, o->remove ? "true" : "false");
	r = store_code_set(store, who, code, len, time(NULL));
	OPENSSL_cleanse(code, sizeof code);
	if (r == STORE_OK)
		r = store_run(store, note_code, &note, problem);
	return tell(r, problem);
}

/* ---- version ---- */

enum command_exit command_version(const struct options *o, struct store *store, char **words)
{
	(void)o;
	(void)store;
	(void)words;
	printf("twcard-authority %s\n", PACKAGE_VERSION);
	return COMMAND_GOOD;
}
