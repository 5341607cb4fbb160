/* twcard cert export: the certificates of the card for other programs. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include <json-c/json.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tools/twcard/cert_list.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/output.h"

#define PICKED_MAX 64 /* a directory's records (profiles/pkcs15.h) */

struct picked {
	const struct cert_item *items[PICKED_MAX];
	size_t count;
};

/* ---- which ones ---- */

/* Once. */
static void pick(struct picked *p, const struct cert_item *item)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->items[i] == item)
			return;
	if (item->x509 && p->count < PICKED_MAX)
		p->items[p->count++] = item;
}

/* By name, key identifier and signature: a card's own words about its chain are not needed. */
static const struct cert_item *issuer_of(const struct cert_list *list, const struct cert_item *item)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct cert_item *ca = &list->items[i];

		if (ca != item && ca->x509 && X509_check_issued(ca->x509, item->x509) == X509_V_OK &&
		    X509_verify(item->x509, X509_get0_pubkey(ca->x509)) == 1)
			return ca;
	}
	return NULL;
}

static void pick_chains(const struct cert_list *list, struct picked *p)
{
	for (size_t i = 0; i < p->count; i++) { /* grows as it goes */
		const struct cert_item *ca = issuer_of(list, p->items[i]);

		if (ca)
			pick(p, ca);
	}
}

static enum exit_code pick_all(const struct cert_list *list, const char *which, bool bundle,
			       struct picked *p)
{
	const struct cert_item *one = which ? cert_list_find(list, which) : NULL;

	*p = (struct picked){.count = 0};
	if (which && !one)
		return EXIT_USAGE;
	if (one && !one->x509) {
		message_error(_("%s is damaged: what is on the card is no certificate"), which);
		return EXIT_CARD;
	}
	for (size_t i = 0; i < list->count; i++)
		if (one ? &list->items[i] == one : cert_item_is_users(&list->items[i]))
			pick(p, &list->items[i]);
	if (bundle)
		pick_chains(list, p);
	if (p->count)
		return EXIT_GOOD;
	message_error(_("there is no certificate of a holder on this card\n"
			"'twcard cert list' shows those there are."));
	return EXIT_CARD;
}

/* ---- writing ---- */

static bool write_picked(BIO *to, const struct picked *p, bool der)
{
	for (size_t i = 0; i < p->count; i++)
		if ((der ? i2d_X509_bio(to, p->items[i]->x509)
			 : PEM_write_bio_X509(to, p->items[i]->x509)) != 1)
			return false;
	return true;
}

static enum exit_code write_standard(const char *data, size_t len)
{
	if (fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0)
		return EXIT_GOOD;
	message_error(_("standard output could not be written"));
	return EXIT_FILE;
}

static void say_json(const struct picked *p, const char *file, const char *pem, size_t len)
{
	struct json_object *value = json_object_new_object(), *list = json_object_new_array();

	for (size_t i = 0; i < p->count; i++)
		json_object_array_add(list, cert_item_json(p->items[i]));
	json_object_object_add(value, "certificates", list);
	json_object_object_add(value, "file", message_json_text(file));
	json_object_object_add(value, "pem",
			       file ? NULL : json_object_new_string_len(pem, (int)len));
	message_json(value);
}

static enum exit_code put_out(const struct arguments *args, const struct picked *p, BIO *text)
{
	const char *file = arguments_value(args, "out");
	enum exit_code code = EXIT_GOOD;
	char *data;
	long len = BIO_get_mem_data(text, &data);

	if (file)
		code = output_save(file, arguments_has(args, "force"), data, (size_t)len);
	else if (!message_is_json())
		return write_standard(data, (size_t)len);
	if (code != EXIT_GOOD)
		return code;
	if (message_is_json())
		say_json(p, file, data, (size_t)len);
	else
		message_note(ngettext("%s: %zu certificate", "%s: %zu certificates",
				      (unsigned long)p->count), file, p->count);
	return EXIT_GOOD;
}

static enum exit_code export(const struct arguments *args, const struct cert_list *list)
{
	bool der = arguments_has(args, "der");
	struct picked p;
	enum exit_code code = pick_all(list, args->word_count ? args->words[0] : NULL,
				       arguments_has(args, "bundle"), &p);
	BIO *text;

	if (code != EXIT_GOOD)
		return code;
	if (der && p.count > 1)
		return message_usage(args->command, _("--der is for one certificate: say which"));
	text = BIO_new(BIO_s_mem());
	if (text && write_picked(text, &p, der))
		code = put_out(args, &p, text);
	else
		code = message_result(RESULT_NO_MEMORY, NULL);
	BIO_free(text);
	return code;
}

/* What needs no card to be told. */
static enum exit_code check_arguments(const struct arguments *args)
{
	bool der = arguments_has(args, "der"), file = arguments_has(args, "out");

	if (der && arguments_has(args, "pem"))
		return message_usage(args->command, _("--der and --pem are one or the other"));
	if (der && arguments_has(args, "bundle"))
		return message_usage(args->command, _("--bundle is PEM: leave --der out"));
	if (der && !file && message_is_json())
		return message_usage(args->command, _("--der with --json needs --out FILE"));
	if (der && !file && isatty(STDOUT_FILENO))
		return message_usage(args->command, _("--der is no text for a terminal: say --out FILE"));
	if (arguments_has(args, "force") && !file)
		return message_usage(args->command, _("--force is for --out FILE"));
	return EXIT_GOOD;
}

static enum exit_code run(const struct arguments *args)
{
	struct cert_list list;
	enum exit_code code = check_arguments(args);

	if (code == EXIT_GOOD)
		code = cert_list_read(args, time(NULL), &list);
	if (code != EXIT_GOOD)
		return code;
	code = export(args, &list);
	cert_list_clear(&list);
	return code;
}

static const struct option_row options[] = {
	{"pem", 0, NULL, N_("text (the default)")},
	{"der", 0, NULL, N_("bytes; of one certificate")},
	{"bundle", 0, NULL, N_("with the certificates of the CAs, as far as the card has them")},
	OUTPUT_PRIVATE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_cert_export = {
	.name = "cert export",
	.words = N_("[WHICH]"),
	.words_max = 1,
	.summary = N_("certificates in PEM or DER"),
	.more = N_("WHICH is the certificate's number in 'twcard cert list', its id or its label; "
		   "without it, all that are the holder's."),
	.options = options,
	.run = run,
};
