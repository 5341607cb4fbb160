/* cli_card.c - create, show, export. */
#include "server.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

int
vc_cli_fail(const char *format, ...)
{
	va_list args;

	fputs("twcard-virtual: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return VC_EXIT_FAILED;
}

int
vc_cli_usage(const char *command, const char *format, ...)
{
	va_list args;

	fputs("twcard-virtual: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (see 'twcard-virtual %s --help')\n", command);
	return VC_EXIT_USAGE;
}

/* ---- create ------------------------------------------------------------------------ */

enum { DAYS_MAX = 20000 }; /* about 55 years: no farther than certificates' dates go */

static const char create_help[] =
"Usage: twcard-virtual create --out FILE [OPTION...]\n"
"Makes keys and certificates and writes a card image.\n\n"
"  -o, --out FILE          the image; not overwritten without --force\n"
"  -g, --generation 1|2    first or second generation (1)\n"
"  -c, --ca moica|moeaca   issuer: natural persons or companies (moica)\n"
"  -n, --name NAME         holder (王小明, 測試股份有限公司)\n"
"  -r, --rank primary|secondary  正卡 or 附卡 (moica: none, moeaca: primary)\n"
"  -i, --id ID             national ID or unified business number\n"
"  -p, --pin PIN           6 to 8 letters and digits (123456)\n"
"      --pin-file FILE     the PIN is the first line of FILE\n"
"      --unblock-code CODE unblocks the PIN: 6 to 8 letters and digits (87654321)\n"
"      --issuer-key HEX    makes the issuer's cryptograms: 16 bytes (40 41 .. 4F)\n"
"      --card-number NUM   16 characters (TP or MT and random digits)\n"
"      --os-text TEXT      card OS text, EF 0905 (CHT V32N)\n"
"      --cin HEX           gen 2: card image number, 10 bytes (random)\n"
"      --master-key HEX    gen 2: test master key, 16 bytes (00 01 .. 0F)\n"
"      --contactless       gen 2: the ATR of the card over NFC\n"
"      --padding 00|FF     after directory records (FF)\n"
"      --valid-days N      how long the holder's certificates are valid (five years)\n"
"      --valid-from N      with it: from when, in days from now (0; -400: long ago)\n"
"      --ca-key FILE       keep the issuing CA's private key, for tests\n"
"      --attribute-cert FILE  in the certificates' directory, too: DER, at most 4096 bytes\n"
"  -b, --behaviour NAME[=VALUE],...  what real cards may do differently:\n"
"                          plain-ends-channel, pin-lost-after-private-op,\n"
"                          select-61, read-max=N, read-end=short|warn|exact|strict\n"
"  -f, --force             overwrite FILE\n";

enum {
	OPT_PIN_FILE = 256,
	OPT_UNBLOCK_CODE,
	OPT_ISSUER_KEY,
	OPT_CARD_NUMBER,
	OPT_OS_TEXT,
	OPT_CIN,
	OPT_MASTER_KEY,
	OPT_CONTACTLESS,
	OPT_PADDING,
	OPT_VALID_DAYS,
	OPT_VALID_FROM,
	OPT_CA_KEY,
	OPT_ATTRIBUTE_CERT
};

static const struct option create_options[] = {
	{ "out", required_argument, NULL, 'o' },
	{ "generation", required_argument, NULL, 'g' },
	{ "ca", required_argument, NULL, 'c' },
	{ "name", required_argument, NULL, 'n' },
	{ "rank", required_argument, NULL, 'r' },
	{ "id", required_argument, NULL, 'i' },
	{ "pin", required_argument, NULL, 'p' },
	{ "pin-file", required_argument, NULL, OPT_PIN_FILE },
	{ "unblock-code", required_argument, NULL, OPT_UNBLOCK_CODE },
	{ "issuer-key", required_argument, NULL, OPT_ISSUER_KEY },
	{ "card-number", required_argument, NULL, OPT_CARD_NUMBER },
	{ "os-text", required_argument, NULL, OPT_OS_TEXT },
	{ "cin", required_argument, NULL, OPT_CIN },
	{ "master-key", required_argument, NULL, OPT_MASTER_KEY },
	{ "contactless", no_argument, NULL, OPT_CONTACTLESS },
	{ "padding", required_argument, NULL, OPT_PADDING },
	{ "valid-days", required_argument, NULL, OPT_VALID_DAYS },
	{ "valid-from", required_argument, NULL, OPT_VALID_FROM },
	{ "ca-key", required_argument, NULL, OPT_CA_KEY },
	{ "attribute-cert", required_argument, NULL, OPT_ATTRIBUTE_CERT },
	{ "behaviour", required_argument, NULL, 'b' },
	{ "behavior", required_argument, NULL, 'b' },
	{ "force", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

struct create {
	struct vcard_options card;
	const char *out;
	bool force;
	bool help;
	char pin[64];
	uint8_t cin[VCARD_CIN_LEN];
	uint8_t master_key[VCARD_MASTER_KEY_LEN];
	uint8_t issuer_key[VCARD_ISSUER_KEY_LEN];
	uint8_t attribute_cert[VCARD_ATTRIBUTE_CERT_MAX];
};

static bool
pin_from_file(struct create *c, const char *path)
{
	FILE *file = fopen(path, "r");
	bool ok;

	if (file == NULL)
		return false;
	ok = fgets(c->pin, sizeof(c->pin), file) != NULL;
	c->pin[strcspn(c->pin, "\r\n")] = '\0';
	c->card.pin = c->pin;
	fclose(file);
	return ok;
}

/* What does not fit is no attribute certificate for a card. */
static bool
attribute_cert_from_file(struct create *c, const char *path)
{
	FILE *file = fopen(path, "rb");
	bool ok;

	if (file == NULL)
		return false;
	c->card.attribute_cert = c->attribute_cert;
	c->card.attribute_cert_len = fread(c->attribute_cert, 1, sizeof(c->attribute_cert), file);
	ok = c->card.attribute_cert_len > 0 && getc(file) == EOF && !ferror(file);
	fclose(file);
	return ok;
}

/* One of two words. */
static bool
one_of(const char *value, const char *first, const char *second, bool *is_second)
{
	*is_second = strcmp(value, second) == 0;
	return *is_second || strcmp(value, first) == 0;
}

static bool
exact_hex(const char *value, uint8_t *out, size_t len)
{
	size_t got;

	return vc_unhex(value, out, len, &got) && got == len;
}

static bool
hex_value(struct create *c, int option, const char *value)
{
	if (option == OPT_CIN) {
		c->card.cin = c->cin;
		return exact_hex(value, c->cin, sizeof(c->cin));
	}
	if (option == OPT_MASTER_KEY) {
		c->card.master_key = c->master_key;
		return exact_hex(value, c->master_key, sizeof(c->master_key));
	}
	c->card.issuer_key = c->issuer_key;
	return exact_hex(value, c->issuer_key, sizeof(c->issuer_key));
}

static bool
file_value(struct create *c, int option, const char *value)
{
	return option == OPT_PIN_FILE ? pin_from_file(c, value) : attribute_cert_from_file(c, value);
}

static bool
validity_value(struct create *c, int option, const char *value)
{
	char *end;
	long days = strtol(value, &end, 10);

	if (*value == '\0' || *end != '\0' || days > DAYS_MAX)
		return false;
	if (option == OPT_VALID_FROM) {
		c->card.valid_from = (int)days;
		return days >= -DAYS_MAX;
	}
	c->card.valid_days = days > 0 ? (unsigned)days : 0;
	return days > 0;
}

/* Options that need a look at their value; false when it is bad. */
static bool
create_value(struct create *c, int option, const char *value)
{
	char err[256];
	bool second;

	switch (option) {
	case OPT_VALID_DAYS:
	case OPT_VALID_FROM:
		return validity_value(c, option, value);
	case 'g':
		c->card.generation = strcmp(value, "2") == 0 ? 2 : 1;
		return strcmp(value, "1") == 0 || strcmp(value, "2") == 0;
	case 'c':
		if (!one_of(value, "moica", "moeaca", &second))
			return false;
		c->card.ca = second ? VCARD_CA_MOEACA : VCARD_CA_MOICA;
		return true;
	case 'r':
		if (!one_of(value, "primary", "secondary", &second))
			return false;
		c->card.rank = second ? VCARD_RANK_SECONDARY : VCARD_RANK_PRIMARY;
		return true;
	case OPT_PADDING:
		return one_of(strcasecmp(value, "ff") == 0 ? "FF" : value, "FF", "00",
		    &c->card.pad_zero);
	case OPT_PIN_FILE:
	case OPT_ATTRIBUTE_CERT:
		return file_value(c, option, value);
	case OPT_CIN:
	case OPT_MASTER_KEY:
	case OPT_ISSUER_KEY:
		return hex_value(c, option, value);
	case 'b':
		if (vcard_behaviour_parse(&c->card.behaviour, value, err, sizeof(err)))
			return true;
		vc_cli_fail("%s", err);
		return false;
	default:
		return false;
	}
}

static const char *
option_name(int option)
{
	const struct option *at;

	for (at = create_options; at->name != NULL; at++)
		if (at->val == option)
			return at->name;
	return "?";
}

static int
parse_create(struct create *c, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "o:g:c:n:r:i:p:b:fh", create_options, NULL)) != -1) {
		switch (option) {
		case 'o': c->out = optarg; break;
		case 'n': c->card.name = optarg; break;
		case 'i': c->card.id = optarg; break;
		case 'p': c->card.pin = optarg; break;
		case 'f': c->force = true; break;
		case 'h': c->help = true; return VC_EXIT_OK;
		case OPT_UNBLOCK_CODE: c->card.unblock_code = optarg; break;
		case OPT_CARD_NUMBER: c->card.card_number = optarg; break;
		case OPT_OS_TEXT: c->card.os_text = optarg; break;
		case OPT_CONTACTLESS: c->card.contactless = true; break;
		case OPT_CA_KEY: c->card.ca_key_file = optarg; break;
		case '?': return vc_cli_usage("create", "bad option");
		default:
			if (!create_value(c, option, optarg))
				return vc_cli_usage("create", "bad value '%s' for --%s",
				    option == OPT_MASTER_KEY || option == OPT_ISSUER_KEY ?
				    "..." : optarg,
				    option_name(option));
			break;
		}
	}
	if (optind < argc)
		return vc_cli_usage("create", "'%s' is not an option", argv[optind]);
	if (c->out == NULL)
		return vc_cli_usage("create", "--out FILE is missing");
	if (c->card.valid_from != 0 && c->card.valid_days == 0)
		return vc_cli_usage("create", "--valid-from wants --valid-days");
	return VC_EXIT_OK;
}

static void
print_progress(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "making the %s\n", text);
}

int
vc_cli_create(int argc, char **argv)
{
	struct create c = { .out = NULL };
	struct vcard *card = NULL;
	char err[256];
	int rc;

	rc = parse_create(&c, argc, argv);
	if (c.help)
		fputs(create_help, stdout);
	if (rc != VC_EXIT_OK || c.help)
		return rc;
	if (!c.force && access(c.out, F_OK) == 0)
		return vc_cli_fail("%s exists; use --force to replace the card", c.out);
	c.card.progress = print_progress;
	if (!vcard_create(&c.card, &card, err, sizeof(err)) ||
	    !vcard_save(card, c.out, err, sizeof(err))) {
		vcard_free(&card);
		return vc_cli_fail("%s", err);
	}
	printf("%s: generation %d card %s of %s, 4 certificates, 3 keys, PIN %s\n"
	    "Next: twcard-virtual run %s\n", c.out, vcard_generation(card),
	    vcard_card_number(card), vcard_holder(card),
	    c.card.pin == NULL ? "123456" : "as given", c.out);
	vcard_free(&card);
	return VC_EXIT_OK;
}

/* ---- show ---------------------------------------------------------------------------- */

static const char *const cert_names[VC_CERTS] = { "root", "ca", "sign-cert", "encrypt-cert" };

/* UTF-8 and unescaped: people read this. For free(). */
static char *
name_text(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *data;
	long len;

	if (bio != NULL && X509_NAME_print_ex(bio, name, 0,
	    (XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) | ASN1_STRFLGS_UTF8_CONVERT) >= 0) {
		len = BIO_get_mem_data(bio, &data);
		text = strndup(data, (size_t)len);
	}
	BIO_free(bio);
	return text;
}

static struct json_object *
describe_cert(const struct vcard *card, unsigned which)
{
	struct json_object *object = json_object_new_object();
	X509 *cert = vcard_certificate(card, (enum vcard_cert)which);
	char *text;

	json_object_object_add(object, "what", json_object_new_string(cert_names[which]));
	if (cert == NULL)
		return object;
	text = name_text(X509_get_subject_name(cert));
	json_object_object_add(object, "subject", json_object_new_string(text != NULL ? text : ""));
	free(text);
	text = name_text(X509_get_issuer_name(cert));
	json_object_object_add(object, "issuer", json_object_new_string(text != NULL ? text : ""));
	free(text);
	json_object_object_add(object, "size", json_object_new_int(i2d_X509(cert, NULL)));
	X509_free(cert);
	return object;
}

static void
add_file(void *context, const char *path, bool df, size_t len)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "path", json_object_new_string(path));
	if (!df)
		json_object_object_add(object, "size", json_object_new_int((int)len));
	json_object_array_add(context, object);
}

static struct json_object *
describe(const struct vcard *card)
{
	struct json_object *object = json_object_new_object(), *list;
	char hex[2 * VCARD_ATR_MAX + 1];
	unsigned i;

	vc_hex(card->atr, card->atr_len, hex);
	json_object_object_add(object, "generation", json_object_new_int(card->generation));
	json_object_object_add(object, "ca",
	    json_object_new_string(card->ca == VCARD_CA_MOICA ? "moica" : "moeaca"));
	json_object_object_add(object, "holder", json_object_new_string(vcard_holder(card)));
	json_object_object_add(object, "card_number", json_object_new_string(card->number));
	json_object_object_add(object, "atr", json_object_new_string(hex));
	json_object_object_add(object, "tries_left", json_object_new_int((int)card->tries));
	json_object_object_add(object, "unblock_tries_left",
	    json_object_new_int((int)card->unblock_tries));
	json_object_object_add(object, "issuer_tries_left",
	    json_object_new_int((int)card->issuer_tries));
	if (card->generation == 2) {
		vc_hex(card->cin, sizeof(card->cin), hex);
		json_object_object_add(object, "cin", json_object_new_string(hex));
	}
	list = json_object_new_array();
	for (i = 0; i < VC_CERTS; i++)
		json_object_array_add(list, describe_cert(card, i));
	json_object_object_add(object, "certificates", list);
	list = json_object_new_array();
	vcard_file_each(card, add_file, list);
	json_object_object_add(object, "files", list);
	return object;
}

static void
print_list(struct json_object *list, const char *name)
{
	struct json_object *item;
	size_t i;

	printf("%s:\n", name);
	for (i = 0; i < json_object_array_length(list); i++) {
		item = json_object_array_get_idx(list, i);
		json_object_object_foreach(item, key, value) {
			if (strcmp(key, "what") == 0 || strcmp(key, "path") == 0)
				printf("  %-16s", json_object_get_string(value));
			else
				printf(" %s=%s", key, json_object_get_string(value));
		}
		printf("\n");
	}
}

/* The JSON description, as lines. */
static void
print_text(struct json_object *object)
{
	json_object_object_foreach(object, key, value) {
		if (json_object_is_type(value, json_type_array))
			print_list(value, key);
		else
			printf("%s: %s\n", key, json_object_get_string(value));
	}
}

static int
show(const char *path, bool json)
{
	struct json_object *object;
	struct vcard *card;
	char err[256];

	if (!vcard_load(path, &card, err, sizeof(err)))
		return vc_cli_fail("%s", err);
	object = describe(card);
	if (json)
		printf("%s\n", json_object_to_json_string_ext(object,
		    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		print_text(object);
	json_object_put(object);
	vcard_free(&card);
	return VC_EXIT_OK;
}

int
vc_cli_show(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h') {
			puts("Usage: twcard-virtual show FILE [--json]\n"
			    "Says what is on a card image: holder, certificates, files, PIN tries.");
			return VC_EXIT_OK;
		}
		if (option != 'j')
			return vc_cli_usage("show", "bad option");
		json = true;
	}
	if (optind + 1 != argc)
		return vc_cli_usage("show", "one card image is needed");
	return show(argv[optind], json);
}

/* ---- export ---------------------------------------------------------------------------- */

static int
export_cert(const char *path, unsigned which, const char *out)
{
	struct vcard *card;
	X509 *cert;
	FILE *file;
	char err[256];
	bool ok;

	if (!vcard_load(path, &card, err, sizeof(err)))
		return vc_cli_fail("%s", err);
	cert = vcard_certificate(card, (enum vcard_cert)which);
	vcard_free(&card);
	if (cert == NULL)
		return vc_cli_fail("%s: there is no %s", path, cert_names[which]);
	file = out != NULL ? fopen(out, "w") : stdout;
	ok = file != NULL && PEM_write_X509(file, cert) == 1;
	if (file != NULL && (file == stdout ? fflush(file) : fclose(file)) != 0)
		ok = false;
	X509_free(cert);
	if (!ok)
		return vc_cli_fail("%s: %s", out != NULL ? out : "standard output", strerror(errno));
	return VC_EXIT_OK;
}

int
vc_cli_export(int argc, char **argv)
{
	static const struct option options[] = {
		{ "what", required_argument, NULL, 'w' },
		{ "out", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	const char *what = NULL, *out = NULL;
	unsigned which;
	int option;

	while ((option = getopt_long(argc, argv, "w:o:h", options, NULL)) != -1) {
		if (option == 'h') {
			puts("Usage: twcard-virtual export FILE --what root|ca|sign-cert|encrypt-cert"
			    " [--out PEM]\nWrites a certificate as PEM, to standard output without --out.");
			return VC_EXIT_OK;
		}
		if (option == 'w')
			what = optarg;
		else if (option == 'o')
			out = optarg;
		else
			return vc_cli_usage("export", "bad option");
	}
	if (optind + 1 != argc)
		return vc_cli_usage("export", "one card image is needed");
	for (which = 0; what != NULL && which < VC_CERTS; which++)
		if (strcmp(what, cert_names[which]) == 0)
			return export_cert(argv[optind], which, out);
	return vc_cli_usage("export", "--what is root, ca, sign-cert or encrypt-cert");
}
