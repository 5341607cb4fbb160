/* twcard sign: a file, as CMS or as a plain signature. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "tools/twcard/arguments.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/cert_problem.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/output.h"
#include "tools/twcard/pin_ask.h"
#include "tools/twcard/sign_cms.h"

static const char *const digests[] = {"sha256", "sha384", "sha512"}; /* the first if none is asked for */

/* What the options say beside the job itself. */
struct plan {
	const struct arguments *args;
	const char *file;
	char *out; /* owned */
	const char *digest;
	bool raw;
};

/* ---- the command line ---- */

static enum exit_code choose_digest(const struct arguments *args, const char **out)
{
	const char *wanted = arguments_value(args, "digest");

	*out = digests[0];
	for (size_t i = 0; wanted && i < sizeof digests / sizeof *digests; i++)
		if (strcmp(wanted, digests[i]) == 0) {
			*out = digests[i];
			return EXIT_GOOD;
		}
	return wanted ? message_usage(args->command, _("--digest is sha256, sha384 or sha512")) : EXIT_GOOD;
}

/* FILE.p7s for a CMS signature, as mail programs and others look for it. */
static char *out_name(const struct plan *p, const struct sign_job *job)
{
	const char *given = arguments_value(p->args, "out");
	const char *suffix = p->raw ? ".sig"
			     : job->encoding == CMS_AS_SMIME ? (job->attached ? ".p7m" : ".eml")
			     : job->encoding == CMS_AS_PEM ? ".pem" : job->attached ? ".p7m" : ".p7s";
	char *name;

	if (given || strcmp(p->file, "-") == 0)
		return strdup(given ? given : "-");
	name = malloc(strlen(p->file) + strlen(suffix) + 1);
	if (name)
		strcat(strcpy(name, p->file), suffix);
	return name;
}

static enum exit_code read_options(const struct arguments *args, struct plan *p, struct sign_job *job)
{
	enum exit_code code = cms_file_encoding(args, &job->encoding);

	*p = (struct plan){.args = args, .file = args->words[0], .raw = arguments_has(args, "raw")};
	job->pss = arguments_has(args, "pss");
	job->attached = arguments_has(args, "attach");
	job->name = strcmp(p->file, "-") == 0 ? "data" : p->file;
	if (code == EXIT_GOOD)
		code = choose_digest(args, &p->digest);
	if (code != EXIT_GOOD)
		return code;
	if (p->raw && (job->attached || job->encoding != CMS_AS_DER || arguments_has(args, "cms")))
		return message_usage(args->command,
				     _("--raw makes a bare signature: no --cms, --attach, --pem or --smime"));
	job->digest = EVP_get_digestbyname(p->digest);
	p->out = out_name(p, job);
	if (!p->out || !job->digest)
		return message_result(RESULT_NO_MEMORY, NULL);
	if (message_is_json() && strcmp(p->out, "-") == 0)
		return message_usage(args->command, _("with --json the signature goes to a file: --out FILE"));
	return EXIT_GOOD;
}

/* ---- the certificate ---- */

static bool fits(const struct card_certificate *c, const void *which)
{
	return card_certificate_signs(c) && (!which || card_key_is_called(c, which));
}

static enum exit_code find_key(const struct plan *p, struct card_key *key)
{
	enum exit_code code;

	code = card_key_find(p->args, fits, arguments_value(p->args, "cert"),
			     _("the card has no such certificate for signing\n"
			       "'twcard cert list' shows what is there."), key);
	if (code != EXIT_GOOD)
		return code;
	return code == EXIT_GOOD ? cert_problem_allow(p->args, key->x509, CERT_USE_SIGN) : code;
}

/* ---- the work ---- */

static struct json_object *result_json(const struct plan *p, const struct sign_job *job,
				       const struct cert_info *signer)
{
	struct json_object *v = json_object_new_object();

	json_object_object_add(v, "file", message_json_text(p->file));
	json_object_object_add(v, "out", message_json_text(p->out));
	json_object_object_add(v, "bytes", json_object_new_int64((int64_t)job->in->done));
	json_object_object_add(v, "form", json_object_new_string(p->raw ? "raw" : "cms"));
	json_object_object_add(v, "encoding", json_object_new_string(
		p->raw ? "raw" : cms_file_encoding_name(job->encoding)));
	json_object_object_add(v, "attached", json_object_new_boolean(job->attached));
	json_object_object_add(v, "digest", json_object_new_string(p->digest));
	json_object_object_add(v, "padding", json_object_new_string(job->pss ? "pss" : "pkcs1"));
	json_object_object_add(v, "signer", cert_info_json(signer));
	return v;
}

static void tell(const struct plan *p, const struct sign_job *job)
{
	struct cert_info signer;

	if (!cert_info_read(job->key->x509, time(NULL), &signer))
		return; /* the signature is there, and no memory to say so */
	if (message_is_json())
		message_json(result_json(p, job, &signer));
	else
		message_note(_("%s: signed by %s"), strcmp(p->out, "-") == 0 ? job->in->name : p->out,
			     signer.holder);
	cert_info_clear(&signer);
}

static enum exit_code work(const struct plan *p, struct sign_job *job, struct output *out)
{
	enum exit_code code = find_key(p, job->key);

	if (code != EXIT_GOOD)
		return code;
	job->file = out->file;
	code = p->raw ? sign_raw(job) : sign_cms(job);
	if (job->key->code != EXIT_GOOD) /* the card's error is the cause of OpenSSL's */
		return job->key->code;
	if (code == EXIT_INTERNAL && !ferror(out->file))
		return message_result(RESULT_CRYPTO, NULL);
	return code == EXIT_FILE ? code : output_commit(out);
}

static enum exit_code run(const struct arguments *args)
{
	struct card_key key = {.code = EXIT_GOOD};
	struct stream_in in = STREAM_CLOSED;
	struct output out = OUTPUT_CLOSED;
	struct sign_job job = {.key = &key, .in = &in};
	struct plan plan = {.args = args};
	enum exit_code code = read_options(args, &plan, &job);

	if (code == EXIT_GOOD)
		code = stream_open(plan.file, &in);
	if (code == EXIT_GOOD)
		code = output_open(plan.out, OUTPUT_PUBLIC, arguments_has(args, "force"), &out);
	if (code == EXIT_GOOD)
		code = work(&plan, &job, &out);
	if (code == EXIT_GOOD)
		tell(&plan, &job);
	output_abort(&out);
	card_key_clear(&key);
	stream_close(&in);
	free(plan.out);
	return code;
}

static const struct option_row options[] = {
	{"out", 'o', N_("FILE"), N_("where the signature goes (default: FILE with .p7s added; -: standard output)")},
	{"cms", 0, NULL, N_("a CMS signature with CAdES-BES attributes (the default)")},
	{"raw", 0, NULL, N_("a bare signature of 256 bytes")},
	{"attach", 0, NULL, N_("put the data into the signature")},
	{"digest", 0, N_("NAME"), N_("sha256 (the default), sha384 or sha512")},
	{"pss", 0, NULL, N_("RSA-PSS instead of PKCS#1 v1.5")},
	CMS_FILE_OPTIONS,
	{"cert", 0, N_("WHICH"), N_("the certificate: its label, its id or its serial number")},
	{"force", 'f', NULL, N_("replace a file that is there; sign with an expired certificate")},
	PIN_OPTIONS,
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_sign = {
	.name = "sign",
	.words = N_("FILE"),
	.words_min = 1,
	.words_max = 1,
	.summary = N_("sign a file of any size"),
	.more = N_("The file is read first; then the PIN is asked for, and the card signs once. FILE may be -, "
		   "standard input."),
	.options = options,
	.run = run,
};
