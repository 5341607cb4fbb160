/* twcard verify: is a signature good, and whose is it? */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "tools/twcard/arguments.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/cms_file.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/output.h"
#include "tools/twcard/signer_view.h"
#include "tools/twcard/table.h"
#include "tools/twcard/x509_file.h"

#define RAW_MAX 1024 /* bytes of a bare signature: RSA of 8192 bits */

struct verification {
	const struct arguments *args;
	const char *signature; /* its file */
	const char *file;      /* of the data; NULL: they are inside */
	char *guessed;         /* owned; what `file` is when nothing was named */
	enum cms_encoding encoding;
	bool raw;
	struct trust trust;
	STACK_OF(X509) *given; /* certificates of --cert-file */
	struct signer *signers;
	int signer_count;
};

static bool all_good(const struct verification *v)
{
	bool good = v->signer_count > 0;

	for (int i = 0; i < v->signer_count; i++)
		good = good && signer_is_good(&v->signers[i]);
	return good;
}

/* ---- CMS ---- */

/* What the digests are made of: the content goes through it, and to --out or nowhere. */
static BIO *digests_of(CMS_ContentInfo *cms, const struct output *out)
{
	BIO *end = out->file ? BIO_new_fp(out->file, BIO_NOCLOSE) : BIO_new(BIO_s_null());
	BIO *digests = end ? CMS_dataInit(cms, end) : NULL;

	if (!digests)
		BIO_free(end);
	return digests;
}

static enum exit_code open_out(const struct verification *v, const struct cms_file *message,
			       struct output *out)
{
	const char *path = arguments_value(v->args, "out");

	if (!path)
		return EXIT_GOOD;
	if (!cms_file_has_content(message) || message->beside)
		return message_usage(v->args->command, _("--out is for signatures with the data inside"));
	if (strcmp(path, "-") == 0)
		return message_usage(v->args->command, _("--out is the name of a file"));
	return output_open(path, OUTPUT_HELD, arguments_has(v->args, "force"), out);
}

static enum exit_code pass_file(const char *path, BIO *digests)
{
	struct stream_in in;
	enum exit_code code = stream_open(path, &in);

	if (code == EXIT_GOOD)
		code = stream_pump(&in, _("verifying"), stream_to_bio, digests);
	stream_close(&in);
	return code;
}

/* "x.p7s" is the signature of "x", if that is there. */
static void guess_file(struct verification *v)
{
	const char *dot = strrchr(v->signature, '.');

	if (!dot || (strcmp(dot, ".p7s") != 0 && strcmp(dot, ".pem") != 0 && strcmp(dot, ".sig") != 0))
		return;
	v->guessed = strndup(v->signature, (size_t)(dot - v->signature));
	if (v->guessed && access(v->guessed, R_OK) == 0)
		v->file = v->guessed;
}

static enum exit_code pass_content(struct verification *v, struct cms_file *message, BIO *digests)
{
	if (cms_file_has_content(message)) {
		if (v->file)
			return message_usage(v->args->command,
					     _("the data are in the signature itself: name no other file"));
		return cms_file_pump(message, _("verifying"), stream_to_bio, digests);
	}
	if (!v->file)
		guess_file(v);
	if (v->file)
		return pass_file(v->file, digests);
	return message_usage(v->args->command, _("name the file that was signed, too"));
}

static enum exit_code check_signers(struct verification *v, CMS_ContentInfo *cms, BIO *digests)
{
	STACK_OF(CMS_SignerInfo) *list = CMS_get0_SignerInfos(cms);
	int count = sk_CMS_SignerInfo_num(list);

	if (count <= 0) {
		message_error(_("%s holds certificates, and nobody's signature"), v->signature);
		return EXIT_NEGATIVE;
	}
	v->signers = calloc((size_t)count, sizeof *v->signers);
	if (!v->signers)
		return message_result(RESULT_NO_MEMORY, NULL);
	(void)CMS_set1_signers_certs(cms, v->given, 0);
	for (; v->signer_count < count; v->signer_count++)
		signer_check(cms, sk_CMS_SignerInfo_value(list, v->signer_count), digests, &v->trust,
			     &v->signers[v->signer_count]);
	return EXIT_GOOD;
}

static enum exit_code verify_message(struct verification *v, struct cms_file *message)
{
	struct output out = OUTPUT_CLOSED;
	enum exit_code code = open_out(v, message, &out);
	BIO *digests = NULL;

	if (code == EXIT_GOOD) {
		digests = digests_of(message->cms, &out);
		code = digests ? pass_content(v, message, digests) : EXIT_INTERNAL;
	}
	if (code == EXIT_INTERNAL && out.file && ferror(out.file)) /* says why */
		code = output_commit(&out);
	if (code == EXIT_GOOD)
		code = check_signers(v, message->cms, digests);
	BIO_free_all(digests);
	if (code == EXIT_GOOD && out.file && all_good(v))
		code = output_commit(&out);
	output_abort(&out);
	return code;
}

static enum exit_code verify_cms(struct verification *v)
{
	struct cms_file message;
	enum exit_code code = cms_file_read(v->signature, &message);

	v->encoding = message.encoding;
	if (code == EXIT_GOOD && OBJ_obj2nid(CMS_get0_type(message.cms)) != NID_pkcs7_signed) {
		message_error(_("%s is no signature, but another kind of message"), v->signature);
		code = EXIT_NEGATIVE;
	}
	if (code == EXIT_GOOD)
		code = verify_message(v, &message);
	cms_file_clear(&message);
	ERR_clear_error();
	return code;
}

/* ---- plain signatures ---- */

static enum exit_code read_raw(const char *path, uint8_t out[RAW_MAX], size_t *len)
{
	struct stream_in in;
	enum exit_code code = stream_open(path, &in);

	_Static_assert(RAW_MAX >= STREAM_HEAD, "what is looked at fits");
	if (code == EXIT_GOOD)
		code = stream_look(&in, len);
	if (code == EXIT_GOOD)
		memcpy(out, in.head, *len);
	stream_close(&in);
	return code;
}

static const EVP_MD *raw_digest(const struct verification *v)
{
	const char *name = arguments_value(v->args, "digest");

	return EVP_get_digestbyname(name ? name : "sha256");
}

static enum exit_code verify_with(struct verification *v, struct signer *s, const uint8_t *signature,
				  size_t len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	struct stream_in in = STREAM_CLOSED;
	enum exit_code code = EXIT_INTERNAL;
	const EVP_MD *digest = raw_digest(v);

	s->digest = EVP_MD_get0_name(digest);
	if (md && EVP_DigestVerifyInit(md, &ctx, digest, NULL, X509_get0_pubkey(s->x509)) == 1 &&
	    (!arguments_has(v->args, "pss") ||
	     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0))
		code = stream_open(v->file, &in);
	if (code == EXIT_GOOD)
		code = stream_pump(&in, _("verifying"), stream_to_verification, md);
	if (code == EXIT_GOOD) {
		s->intact = EVP_DigestVerifyFinal(md, signature, len) == 1;
		if (!s->intact)
			signer_add_problem(s, _("the data are not those that were signed, or the signature is damaged"));
	}
	stream_close(&in);
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return code;
}

static enum exit_code verify_raw(struct verification *v)
{
	uint8_t signature[RAW_MAX];
	size_t len = 0;
	enum exit_code code;

	if (sk_X509_num(v->given) < 1)
		return message_usage(v->args->command, _("--raw wants the signer's certificate: --cert-file FILE"));
	if (!raw_digest(v))
		return message_usage(v->args->command, _("there is no such --digest"));
	if (!v->file)
		guess_file(v);
	if (!v->file)
		return message_usage(v->args->command, _("name the file that was signed, too"));
	v->signers = calloc(1, sizeof *v->signers);
	if (!v->signers)
		return message_result(RESULT_NO_MEMORY, NULL);
	v->signer_count = 1;
	v->signers->x509 = sk_X509_value(v->given, 0);
	X509_up_ref(v->signers->x509);
	code = read_raw(v->signature, signature, &len);
	if (code == EXIT_GOOD)
		code = verify_with(v, v->signers, signature, len);
	if (code == EXIT_GOOD)
		signer_check_chain(v->signers, &v->trust, v->given);
	return code;
}

/* ---- what is said ---- */

static void say_json(const struct verification *v)
{
	struct json_object *o = json_object_new_object(), *signers = json_object_new_array();

	for (int i = 0; i < v->signer_count; i++)
		json_object_array_add(signers, signer_view_json(&v->signers[i], v->trust.source, v->raw));
	json_object_object_add(o, "valid", json_object_new_boolean(all_good(v)));
	json_object_object_add(o, "signature", message_json_text(v->signature));
	json_object_object_add(o, "file", message_json_some(v->file));
	json_object_object_add(o, "encoding", message_json_text(
		v->raw ? "raw" : cms_file_encoding_name(v->encoding)));
	json_object_object_add(o, "signers", signers);
	message_json(o);
}

static const char *chain_text(const struct verification *v, const struct signer *s)
{
	if (s->chain == TRUST_NOT_CHECKED)
		return _("not checked");
	if (s->chain == TRUST_BAD)
		return v->trust.source == TRUST_CARD ? _("bad (against the CAs on the card)")
						     : _("bad (against the CAs of --ca)");
	return v->trust.source == TRUST_CARD ? _("good (against the CAs on the card)")
					     : _("good (against the CAs of --ca)");
}

static void row(struct table *table, const char *name, enum style style, const char *text)
{
	table_cell(table, STYLE_PLAIN, "%s", name);
	table_cell(table, style, "%s", text);
}

static void say_signer(const struct verification *v, const struct signer *s)
{
	static const enum style chain_styles[] = {
		[TRUST_GOOD] = STYLE_GOOD, [TRUST_BAD] = STYLE_BAD, [TRUST_NOT_CHECKED] = STYLE_WARN};
	struct table *table = table_new(2);
	struct cert_info info;
	char when[CERT_TIME_SIZE];

	signer_view_time(s, when);
	row(table, _("signature"), signer_is_good(s) ? STYLE_GOOD : STYLE_BAD,
	    signer_is_good(s) ? _("good") : _("NOT good"));
	if (s->x509 && cert_info_read(s->x509, time(NULL), &info)) {
		row(table, _("signed by"), STYLE_HEAD, info.holder);
		row(table, _("subject"), STYLE_PLAIN, info.subject);
		row(table, _("issuer"), STYLE_PLAIN, info.issuer);
		row(table, _("serial number"), STYLE_PLAIN, info.serial);
		cert_info_clear(&info);
	}
	if (*when)
		row(table, _("time (says the signer)"), STYLE_PLAIN, when);
	row(table, _("hash"), STYLE_PLAIN, s->digest);
	row(table, _("chain"), chain_styles[s->chain], chain_text(v, s));
	for (size_t i = 0; i < s->problem_count; i++)
		row(table, _("problem"), STYLE_BAD, s->problems[i]);
	table_print(table, stdout, 0);
	table_free(&table);
}

static void say(const struct verification *v)
{
	if (message_is_json()) {
		say_json(v);
		return;
	}
	for (int i = 0; i < v->signer_count; i++) {
		if (i)
			putchar('\n');
		say_signer(v, &v->signers[i]);
	}
}

/* ---- the command ---- */

static enum exit_code prepare(struct verification *v)
{
	enum exit_code code = EXIT_GOOD;
	const char *path;

	v->raw = arguments_has(v->args, "raw");
	v->signature = v->args->words[0];
	v->file = v->args->word_count > 1 ? v->args->words[1] : NULL;
	v->given = sk_X509_new_null();
	if (!v->given)
		return message_result(RESULT_NO_MEMORY, NULL);
	for (size_t i = 0; code == EXIT_GOOD && (path = arguments_nth(v->args, "cert-file", i)); i++)
		code = x509_file_load(path, v->given);
	return code == EXIT_GOOD ? trust_gather(v->args, &v->trust) : code;
}

static enum exit_code run(const struct arguments *args)
{
	struct verification v = {.args = args};
	enum exit_code code = prepare(&v);

	if (code == EXIT_GOOD) {
		code = v.raw ? verify_raw(&v) : verify_cms(&v);
		if (code == EXIT_INTERNAL)
			code = message_result(RESULT_CRYPTO, NULL);
	}
	if (code == EXIT_GOOD) {
		say(&v);
		code = all_good(&v) ? EXIT_GOOD : EXIT_NEGATIVE;
	}
	for (int i = 0; i < v.signer_count; i++)
		signer_clear(&v.signers[i]);
	free(v.signers);
	free(v.guessed);
	sk_X509_pop_free(v.given, X509_free);
	trust_clear(&v.trust);
	return code;
}

static const struct option_row options[] = {
	TRUST_OPTIONS,
	{"cert-file", 0, N_("FILE"), N_("the signer's certificate, where the signature does not bring it")},
	{"raw", 0, NULL, N_("a bare signature; needs --cert-file")},
	{"digest", 0, N_("NAME"), N_("of a bare signature (default: sha256)")},
	{"pss", 0, NULL, N_("the bare signature is RSA-PSS")},
	{"out", 'o', N_("FILE"), N_("write the data that are in the signature, if it is good")},
	{"force", 'f', NULL, N_("replace a file that is there")},
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_verify = {
	.name = "verify",
	.words = N_("SIGNATURE [FILE]"),
	.words_min = 1,
	.words_max = 2,
	.summary = N_("is a signature good, and whose is it?"),
	.more = N_("Takes CMS signatures as DER, PEM or S/MIME. Good means: the data are what was signed, and a "
		   "CA that is trusted says whose key it was. No card is needed."),
	.options = options,
	.run = run,
};
