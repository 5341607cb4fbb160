/* twcard authz show, save: the authorization on an attached card, or in a file. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "tools/twcard/authz_client.h"
#include "tools/twcard/authz_source.h"
#include "tools/twcard/authz_view.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/output.h"
#include "tools/twcard/pin_ask.h"

/* ---- show ---- */

static void show(const struct authz_source *source)
{
	struct json_object *v;

	if (message_is_json()) {
		v = authz_view_json(source->cert);
		json_object_object_add(v, "card", message_json_text(source->number));
		authz_source_json(source, v);
		message_json(v);
		return;
	}
	authz_view_print(source->cert, stdout);
	putchar('\n');
	authz_source_print(source);
}

static enum exit_code run_show(const struct arguments *args)
{
	struct authz_source source;
	enum exit_code code = authz_source_open(args, &source);

	if (code == EXIT_GOOD)
		code = authz_source_check(args, &source);
	if (code == EXIT_GOOD) {
		show(&source);
		code = source.verdict == AUTHZ_VERDICT_BAD ? EXIT_NEGATIVE : EXIT_GOOD;
	}
	authz_source_clear(&source);
	return code;
}

/* ---- save ---- */

static void write_der(const struct authz_cert *cert, FILE *to)
{
	size_t len;
	const unsigned char *der = authz_cert_der(cert, &len);

	(void)fwrite(der, 1, len, to); /* the stream remembers an error for the end */
}

static void write_pem(const struct authz_cert *cert, FILE *to)
{
	size_t len;
	const unsigned char *der = authz_cert_der(cert, &len);

	(void)PEM_write(to, "ATTRIBUTE CERTIFICATE", "", der, (long)len);
}

static void write_json(const struct authz_cert *cert, FILE *to)
{
	struct json_object *v = authz_view_json(cert);

	fprintf(to, "%s\n", json_object_to_json_string_ext(v, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
								    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(v);
}

static const struct format {
	const char *name; /* and the end of a file's name */
	void (*write)(const struct authz_cert *cert, FILE *to);
} formats[] = {
	{"txt", authz_view_write_manual},
	{"der", write_der},
	{"pem", write_pem},
	{"json", write_json},
	{"ac", write_der},
};

/* EXIT_USAGE: none is meant, or it is not known; the user has been told. */
static enum exit_code choose(const struct arguments *args, const struct format **out)
{
	const char *dot = strrchr(args->words[0], '.');
	const char *name = arguments_value(args, "format");

	*out = NULL;
	if (!name)
		name = dot ? dot + 1 : "";
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (strcasecmp(formats[i].name, name) == 0)
			*out = &formats[i];
	return *out ? EXIT_GOOD
		    : message_usage(args->command, _("in which format? The file's name ends in .txt, .der, .pem or .json, "
						     "or --format says it"));
}

static enum exit_code save(const struct arguments *args, const struct authz_source *source,
			   const struct format *format)
{
	struct output out;
	struct json_object *v;
	enum exit_code code = output_open(args->words[0], OUTPUT_PRIVATE, arguments_has(args, "force"), &out);

	if (code != EXIT_GOOD)
		return code;
	format->write(source->cert, out.file);
	code = output_commit(&out);
	if (code != EXIT_GOOD)
		return code;
	if (message_is_json()) {
		v = json_object_new_object();
		json_object_object_add(v, "file", message_json_text(args->words[0]));
		json_object_object_add(v, "format", json_object_new_string(format->name));
		json_object_object_add(v, "serial", message_json_text(authz_cert_info(source->cert)->serial));
		message_json(v);
	} else {
		message_note(_("%s: the certificate is saved; it was not checked ('twcard authz show --file' does)"),
			     args->words[0]);
	}
	return EXIT_GOOD;
}

static enum exit_code run_save(const struct arguments *args)
{
	struct authz_source source;
	const struct format *format;
	enum exit_code code = choose(args, &format);

	if (code != EXIT_GOOD)
		return code;
	code = authz_source_open(args, &source);
	if (code == EXIT_GOOD)
		code = save(args, &source, format);
	authz_source_clear(&source);
	return code;
}

/* ---- the rows ---- */

static const struct option_row show_options[] = {
	AUTHZ_SOURCE_OPTIONS,
	AUTHZ_CHECK_OPTIONS,
	AUTHZ_CLIENT_OPTIONS,
	PIN_OPTIONS,
	{NULL, 0, NULL, NULL},
};

static const struct option_row save_options[] = {
	{"format", 0, N_("FORMAT"), N_("txt, der, pem or json (default: as the file's name ends)")},
	{"force", 'f', NULL, N_("replace FILE if it is there")},
	AUTHZ_SOURCE_OPTIONS,
	PIN_OPTIONS,
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_authz_show = {
	.name = "authz show",
	.summary = N_("show the authorization on an attached card, and check it"),
	.more = N_("It is checked as far as what that takes is at hand; what is not is said."),
	.options = show_options,
	.run = run_show,
};

const struct subcommand command_authz_save = {
	.name = "authz save",
	.words = N_("FILE"),
	.words_min = 1,
	.words_max = 1,
	.summary = N_("save the authorization on an attached card in a file"),
	.more = N_("A .txt file has the layout of the service's own program, in 繁體中文."),
	.options = save_options,
	.run = run_save,
};
