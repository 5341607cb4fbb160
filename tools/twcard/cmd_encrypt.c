/* twcard encrypt: a file for the holders of certificates, or of the card. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tools/twcard/arguments.h"
#include "tools/twcard/card_key.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/cert_problem.h"
#include "tools/twcard/cms_file.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/mime.h"
#include "tools/twcard/output.h"
#include "tools/twcard/x509_file.h"

static const char *const ciphers[] = {"aes-256-cbc", "aes-256-gcm"}; /* the first if none is asked for */

struct encryption {
	const struct arguments *args;
	const char *file;
	char *out; /* owned */
	const char *cipher;
	enum cms_encoding encoding;
	STACK_OF(X509) *recipients;
	struct stream_in in;
};

/* ---- who can read it ---- */

static bool fits(const struct card_certificate *c, const void *context)
{
	(void)context;
	return card_certificate_decrypts(c);
}

static enum exit_code add_card(struct encryption *e)
{
	struct card_key key;
	enum exit_code code = card_key_find(e->args, fits, NULL,
					    _("the card has no certificate for encryption"), &key);

	if (code == EXIT_GOOD && !X509_add_cert(e->recipients, key.x509, X509_ADD_FLAG_UP_REF))
		code = message_result(RESULT_NO_MEMORY, NULL);
	card_key_clear(&key);
	return code;
}

static enum exit_code check_recipient(const struct encryption *e, X509 *x509)
{
	const EVP_PKEY *key = X509_get0_pubkey(x509);

	if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return cert_problem_allow(e->args, x509, CERT_USE_ENCRYPT);
	message_error(_("only RSA keys can be encrypted for"));
	return EXIT_NEGATIVE;
}

static enum exit_code find_recipients(struct encryption *e)
{
	enum exit_code code = EXIT_GOOD;
	const char *path;

	e->recipients = sk_X509_new_null();
	if (!e->recipients)
		return message_result(RESULT_NO_MEMORY, NULL);
	for (size_t i = 0; code == EXIT_GOOD && (path = arguments_nth(e->args, "to", i)); i++)
		code = x509_file_load(path, e->recipients);
	if (code == EXIT_GOOD && arguments_has(e->args, "to-card"))
		code = add_card(e);
	for (int i = 0; code == EXIT_GOOD && i < sk_X509_num(e->recipients); i++)
		code = check_recipient(e, sk_X509_value(e->recipients, i));
	return code;
}

/* ---- the command line ---- */

static char *out_name(const struct encryption *e)
{
	const char *given = arguments_value(e->args, "out");
	const char *suffix = e->encoding == CMS_AS_PEM ? ".pem" : ".p7m";
	char *name;

	if (given || strcmp(e->file, "-") == 0)
		return strdup(given ? given : "-");
	name = malloc(strlen(e->file) + strlen(suffix) + 1);
	if (name)
		strcat(strcpy(name, e->file), suffix);
	return name;
}

static enum exit_code read_options(struct encryption *e)
{
	const char *cipher = arguments_value(e->args, "cipher");
	enum exit_code code = cms_file_encoding(e->args, &e->encoding);

	e->file = e->args->words[0];
	if (code != EXIT_GOOD)
		return code;
	if (!arguments_has(e->args, "to") && !arguments_has(e->args, "to-card"))
		return message_usage(e->args->command, _("for whom? --to CERTIFICATE, or --to-card"));
	e->cipher = cipher ? NULL : ciphers[0];
	for (size_t i = 0; cipher && i < sizeof ciphers / sizeof *ciphers; i++)
		if (strcmp(cipher, ciphers[i]) == 0)
			e->cipher = ciphers[i];
	if (!e->cipher)
		return message_usage(e->args->command, _("--cipher is aes-256-cbc or aes-256-gcm"));
	e->out = out_name(e);
	if (!e->out)
		return message_result(RESULT_NO_MEMORY, NULL);
	if (message_is_json() && strcmp(e->out, "-") == 0)
		return message_usage(e->args->command, _("with --json the result goes to a file: --out FILE"));
	return EXIT_GOOD;
}

/* ---- the work ---- */

static enum exit_code pass_data(void *context, stream_taker *take, void *taker_context)
{
	struct encryption *e = context;
	struct mime_entity entity = {.in = &e->in, .name = strcmp(e->file, "-") == 0 ? "data" : e->file,
				     .take = take, .context = taker_context};

	if (e->encoding == CMS_AS_SMIME)
		return mime_pump(&entity, _("encrypting"));
	return stream_pump(&e->in, _("encrypting"), take, taker_context);
}

static enum exit_code write_message(struct encryption *e, struct output *out)
{
	const EVP_CIPHER *cipher = EVP_get_cipherbyname(e->cipher);
	bool authenticated = EVP_CIPHER_get_flags(cipher) & EVP_CIPH_FLAG_AEAD_CIPHER;
	CMS_ContentInfo *cms = CMS_encrypt(e->recipients, NULL, cipher, CMS_BINARY | CMS_PARTIAL | CMS_STREAM);
	size_t len = 0;
	enum exit_code code = cms ? stream_look(&e->in, &len) : EXIT_INTERNAL;

	if (code == EXIT_GOOD)
		code = cms_file_pass(cms, e->encoding,
				     authenticated ? "authEnveloped-data" : "enveloped-data",
				     !len && e->encoding != CMS_AS_SMIME, pass_data, e, out->file);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	if (code == EXIT_INTERNAL && !ferror(out->file))
		return message_result(RESULT_CRYPTO, NULL);
	return code == EXIT_FILE ? code : output_commit(out);
}

static void tell_json(const struct encryption *e)
{
	struct json_object *v = json_object_new_object(), *list = json_object_new_array();
	struct cert_info info;

	for (int i = 0; i < sk_X509_num(e->recipients); i++) {
		if (!cert_info_read(sk_X509_value(e->recipients, i), time(NULL), &info))
			continue;
		json_object_array_add(list, cert_info_json(&info));
		cert_info_clear(&info);
	}
	json_object_object_add(v, "file", message_json_text(e->file));
	json_object_object_add(v, "out", message_json_text(e->out));
	json_object_object_add(v, "bytes", json_object_new_int64((int64_t)e->in.done));
	json_object_object_add(v, "encoding", message_json_text(cms_file_encoding_name(e->encoding)));
	json_object_object_add(v, "cipher", message_json_text(e->cipher));
	json_object_object_add(v, "recipients", list);
	message_json(v);
}

static void tell(const struct encryption *e)
{
	struct cert_info info;

	if (message_is_json()) {
		tell_json(e);
		return;
	}
	for (int i = 0; i < sk_X509_num(e->recipients); i++) {
		if (!cert_info_read(sk_X509_value(e->recipients, i), time(NULL), &info))
			continue;
		message_note(_("%s: encrypted for %s"), strcmp(e->out, "-") == 0 ? e->in.name : e->out,
			     info.holder);
		cert_info_clear(&info);
	}
}

static enum exit_code run(const struct arguments *args)
{
	struct encryption e = {.args = args, .in = STREAM_CLOSED};
	struct output out = OUTPUT_CLOSED;
	enum exit_code code = read_options(&e);

	if (code == EXIT_GOOD)
		code = stream_open(e.file, &e.in);
	if (code == EXIT_GOOD)
		code = find_recipients(&e);
	if (code == EXIT_GOOD)
		code = output_open(e.out, OUTPUT_PUBLIC, arguments_has(args, "force"), &out);
	if (code == EXIT_GOOD)
		code = write_message(&e, &out);
	if (code == EXIT_GOOD)
		tell(&e);
	output_abort(&out);
	stream_close(&e.in);
	sk_X509_pop_free(e.recipients, X509_free);
	free(e.out);
	return code;
}

static const struct option_row options[] = {
	{"to", 0, N_("CERTIFICATE"), N_("a recipient's certificate, PEM or DER; may be given several times")},
	{"to-card", 0, NULL, N_("the card's holder can decrypt it")},
	{"out", 'o', N_("FILE"), N_("where it goes (default: FILE with .p7m added; -: standard output)")},
	{"cipher", 0, N_("NAME"), N_("aes-256-cbc (the default), or aes-256-gcm, which older programs do not read")},
	CMS_FILE_OPTIONS,
	{"force", 'f', NULL, N_("replace a file that is there; take a certificate that is not good for it")},
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_encrypt = {
	.name = "encrypt",
	.words = N_("FILE"),
	.words_min = 1,
	.words_max = 1,
	.summary = N_("encrypt a file of any size for holders of certificates"),
	.more = N_("Whoever has the private key of one of the certificates can decrypt it. No PIN is needed. FILE may "
		   "be -, standard input."),
	.options = options,
	.run = run,
};
