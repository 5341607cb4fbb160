/* twcard decrypt: a message that was encrypted for the card. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tools/twcard/arguments.h"
#include "tools/twcard/card_key.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/cms_file.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/output.h"
#include "tools/twcard/pin_ask.h"

/* ---- for which of the card's keys ---- */

/* The lock that this certificate's key opens; NULL: there is none. */
static CMS_RecipientInfo *recipient(CMS_ContentInfo *cms, X509 *x509)
{
	STACK_OF(CMS_RecipientInfo) *list = CMS_get0_RecipientInfos(cms);

	for (int i = 0; i < sk_CMS_RecipientInfo_num(list); i++) {
		CMS_RecipientInfo *r = sk_CMS_RecipientInfo_value(list, i);

		if (CMS_RecipientInfo_type(r) == CMS_RECIPINFO_TRANS &&
		    CMS_RecipientInfo_ktri_cert_cmp(r, x509) == 0)
			return r;
	}
	return NULL;
}

static bool fits(const struct card_certificate *c, const void *cms)
{
	return recipient((CMS_ContentInfo *)cms, c->x509) != NULL;
}

/* ---- the work ---- */

/*
 * One answer for all that can be wrong with the message: who could tell wrong
 * padding from a wrong key could have other messages decrypted.
 */
static enum exit_code tell_damaged(const char *path)
{
	message_error(_("%s cannot be decrypted: it is damaged, or was not made for this key"), path);
	return EXIT_NEGATIVE;
}

/* What comes out of the cipher goes to the file, which has no name before all is good. */
static enum exit_code pass_content(struct cms_file *message, struct output *out)
{
	BIO *file = BIO_new_fp(out->file, BIO_NOCLOSE);
	BIO *cipher = file ? CMS_dataInit(message->cms, file) : NULL;
	enum exit_code code = EXIT_INTERNAL;

	if (cipher)
		code = cms_file_pump(message, _("decrypting"), stream_to_bio, cipher);
	if (code == EXIT_GOOD && (BIO_flush(cipher) != 1 || BIO_get_cipher_status(cipher) != 1))
		code = EXIT_INTERNAL;
	if (cipher)
		BIO_free_all(cipher);
	else
		BIO_free(file);
	return code;
}

/*
 * False: no content key came of it. CMS_decrypt_set1_pkey() would not say so,
 * and the content is then decrypted with a key from the random generator all
 * the same: as long as it would have taken, to what one time in 256 (or always,
 * by the cipher) looks like content.
 */
static bool unlock(struct cms_file *message, struct card_key *key)
{
	CMS_RecipientInfo *r = recipient(message->cms, key->x509);
	bool good;

	if (!r || EVP_PKEY_up_ref(key->pkey) != 1)
		return false;
	good = CMS_RecipientInfo_set0_pkey(r, key->pkey) == 1 && CMS_RecipientInfo_decrypt(message->cms, r) > 0;
	CMS_RecipientInfo_set0_pkey(r, NULL);
	return good && key->used;
}

static enum exit_code decrypt(struct cms_file *message, struct card_key *key, struct output *out)
{
	bool unlocked = unlock(message, key);
	enum exit_code code;

	if (key->code != EXIT_GOOD)
		return key->code;
	code = pass_content(message, out);
	if (code == EXIT_FILE)
		return code;
	if (ferror(out->file)) /* says why */
		return output_commit(out);
	if (code != EXIT_GOOD || !unlocked)
		return tell_damaged(message->in.name);
	return output_commit(out);
}

static enum exit_code open_message(const struct arguments *args, struct cms_file *message)
{
	enum exit_code code = cms_file_read(args->words[0], message);
	int type = NID_undef;

	if (code != EXIT_GOOD)
		return code;
	type = OBJ_obj2nid(CMS_get0_type(message->cms));
	if (type != NID_pkcs7_enveloped && type != NID_id_smime_ct_authEnvelopedData)
		message_error(_("%s is not encrypted, but another kind of message"), message->in.name);
	else if (!cms_file_has_content(message))
		message_error(_("%s is damaged: there is nothing in it"), message->in.name);
	else
		return EXIT_GOOD;
	return EXIT_NEGATIVE;
}

/* ---- the command ---- */

/* Without the ending that encrypt adds. */
static enum exit_code choose_name(const struct arguments *args, char **out)
{
	static const char *const endings[] = {".p7m", ".pem", ".p7e", ".cms", ".eml"};
	const char *given = arguments_value(args, "out"), *file = args->words[0];
	const char *dot = strrchr(file, '.');

	*out = given ? strdup(given) : NULL;
	for (size_t i = 0; !given && dot && i < sizeof endings / sizeof *endings; i++)
		if (strcmp(dot, endings[i]) == 0 && dot != file && dot[-1] != '/')
			*out = strndup(file, (size_t)(dot - file));
	if (!*out)
		return message_usage(args->command, _("where should it go? --out FILE (-: standard output)"));
	if (message_is_json() && strcmp(*out, "-") == 0)
		return message_usage(args->command, _("with --json the result goes to a file: --out FILE"));
	return EXIT_GOOD;
}

static void tell(const struct arguments *args, const char *out, const struct card_key *key)
{
	struct json_object *v;
	struct cert_info info;

	if (!message_is_json()) {
		message_note(_("%s: decrypted"), strcmp(out, "-") == 0 ? args->words[0] : out);
		return;
	}
	v = json_object_new_object();
	json_object_object_add(v, "file", message_json_text(args->words[0]));
	json_object_object_add(v, "out", message_json_text(out));
	if (cert_info_read(key->x509, time(NULL), &info)) {
		json_object_object_add(v, "recipient", cert_info_json(&info));
		cert_info_clear(&info);
	}
	message_json(v);
}

static enum exit_code run(const struct arguments *args)
{
	struct cms_file message = {.in = STREAM_CLOSED};
	struct card_key key = {.code = EXIT_GOOD};
	struct output out = OUTPUT_CLOSED;
	char *name = NULL;
	enum exit_code code = choose_name(args, &name);

	if (code == EXIT_GOOD)
		code = open_message(args, &message);
	if (code == EXIT_GOOD)
		code = output_open(name, OUTPUT_SECRET, arguments_has(args, "force"), &out);
	if (code == EXIT_GOOD)
		code = card_key_find(args, fits, message.cms,
				     _("it is not encrypted for this card\nPut the card of a recipient in."), &key);
	if (code == EXIT_GOOD)
		code = decrypt(&message, &key, &out);
	if (code == EXIT_GOOD)
		tell(args, name, &key);
	ERR_clear_error();
	output_abort(&out);
	card_key_clear(&key);
	cms_file_clear(&message);
	free(name);
	return code;
}

static const struct option_row options[] = {
	{"out", 'o', N_("FILE"), N_("where the data go (default: FILE without .p7m; -: standard output)")},
	{"force", 'f', NULL, N_("replace a file that is there")},
	PIN_OPTIONS,
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_decrypt = {
	.name = "decrypt",
	.words = N_("FILE"),
	.words_min = 1,
	.words_max = 1,
	.summary = N_("decrypt a message with the card"),
	.more = N_("Takes CMS messages as DER, PEM or S/MIME. The card works once; the data are written when all of "
		   "them are good, readable for you alone."),
	.options = options,
	.run = run,
};
