/* personalise.c - a new card: options, file system, keys. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

/* ATRs of real cards (facts: which cards; the contactless one documented). */
static const uint8_t atr_gen1[] = {
	0x3B, 0xB8, 0x13, 0x00, 0x81, 0x31, 0xFA, 0x52, 'C', 'H', 'T', 'M', 'O', 'I', 'C', 'A', 0xA5
};
static const uint8_t atr_gen2[] = {
	0x3B, 0xD8, 0x96, 0x00, 0x81, 0xB1, 0xFE, 0x45, 0x1F, 0x07,
	'C', 'H', 'T', 'G', 'P', 'K', 'I', 'J', 0xDD
};
static const uint8_t atr_contactless[] = {
	0x3B, 0x8B, 0x80, 0x01, 0x00, 0x31, 0xC1, 0x64, 0x08, 0x40, 0x21, 0x30, 0x00, 0x90, 0x00, 0x57
};

/* File sizes: fixed, as SELECT does not tell them. The numbers are ours. */
enum {
	SIZE_DIR = 0x80,
	SIZE_CARD_NUMBER = 0x20,
	SIZE_OS_TEXT = 0x20,
	SIZE_TOKEN_INFO = 0x100,
	SIZE_KEY_DIRECTORY = 0x200,
	SIZE_CDF = 0x800,
	SIZE_DODF = 0x200,
	SIZE_AODF = 0x100,
	SIZE_DATA = 0x400,
	TRAILER = 2, /* content length of a directory file, little-endian */
	OS_TEXT_MAX = SIZE_OS_TEXT,
	NAME_MAX_BYTES = 150,
	ID_MAX = 32
};

struct builder {
	struct vcard *card;
	struct vc_file *pki; /* 5030 */
	uint8_t root[2];     /* first two bytes of every path */
	uint8_t pad;
};

/* ---- files ----------------------------------------------------------------------- */

static bool
add_plain(struct vc_file *df, uint16_t fid, const void *data, size_t len, size_t size, uint8_t pad)
{
	struct vc_file *file = vc_fs_add(df, fid, VC_TRANSPARENT);

	return file != NULL && vc_fs_set_padded(file, data, len, size, pad);
}

/* DER records, padding, and the content length in the last two bytes. */
static bool
add_directory(struct builder *b, uint16_t fid, struct vc_der *der, size_t size)
{
	struct vc_file *file = vc_fs_add(b->pki, fid, VC_TRANSPARENT);
	bool ok = false;

	if (file == NULL || der->failed || der->len + TRAILER > size)
		goto out;
	if (!vc_fs_set_padded(file, der->data, der->len, size, b->pad))
		goto out;
	file->data[size - 2] = (uint8_t)(der->len & 0xFF);
	file->data[size - 1] = (uint8_t)(der->len >> 8);
	ok = true;
out:
	vc_der_clear(der);
	return ok;
}

/* A DER file without the trailer. */
static bool
add_der(struct vc_file *df, uint16_t fid, struct vc_der *der, size_t size, uint8_t pad)
{
	bool ok = !der->failed && add_plain(df, fid, der->data, der->len, size, pad);

	vc_der_clear(der);
	return ok;
}

static bool
add_certificates(struct builder *b, X509 *const certs[VC_CERTS])
{
	uint8_t image[VC_CERTS * VC_CERT_SLOT];
	unsigned char *at;
	size_t i;

	memset(image, 0xFF, sizeof(image));
	for (i = 0; i < VC_CERTS; i++) {
		at = image + i * VC_CERT_SLOT;
		if (i2d_X509(certs[i], NULL) > VC_CERT_SLOT || i2d_X509(certs[i], &at) <= 0)
			return false;
	}
	return add_plain(b->pki, FID_CERTS, image, sizeof(image), sizeof(image), 0xFF);
}

static bool
add_data_objects(struct builder *b, const char *holder)
{
	char text[2 * NAME_MAX_BYTES];
	struct vc_der der = { 0 };
	size_t first, second;

	first = (size_t)snprintf(text, sizeof(text), "%s", b->card->number);
	second = (size_t)snprintf(text + first, sizeof(text) - first, "%s", holder);
	if (!add_plain(b->pki, FID_DATA, text, first + second, SIZE_DATA, 0xFF))
		return false;
	vc_p15_data_objects(&der, b->root, first, second);
	return add_directory(b, FID_DODF, &der, SIZE_DODF);
}

/* ---- public key records ------------------------------------------------------------ */

static bool
modulus(const EVP_PKEY *pkey, uint8_t out[VC_BLOCK])
{
	BIGNUM *n = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
	    BN_bn2binpad(n, out, VC_BLOCK) == VC_BLOCK;

	BN_free(n);
	return ok;
}

/* Gen 1: exponent, zeros, and the modulus with its 32-bit words in reverse
 * order (facts: public keys, observed). Four records a key. */
static size_t
gen1_records(uint8_t ref, const uint8_t n[VC_BLOCK], uint8_t *out)
{
	static const uint8_t exponent[4] = { 0x00, 0x01, 0x00, 0x01 };
	enum { LEN = 1 + VC_HALF };
	uint8_t reversed[VC_BLOCK];
	size_t i;

	for (i = 0; i < VC_BLOCK; i += 4)
		memcpy(reversed + i, n + VC_BLOCK - 4 - i, 4);
	memset(out, 0, (size_t)4 * LEN);
	for (i = 0; i < 4; i++)
		out[i * LEN] = (uint8_t)(ref + i);
	memcpy(out + 1, exponent, sizeof(exponent));
	memcpy(out + 2 * LEN + 1, reversed, VC_HALF);
	memcpy(out + 3 * LEN + 1, reversed + VC_HALF, VC_HALF);
	return (size_t)4 * LEN;
}

/* Gen 2: two halves, big-endian as they are (facts: public key, observed). */
static size_t
gen2_records(uint8_t ref, const uint8_t n[VC_BLOCK], uint8_t *out)
{
	enum { LEN = 2 + VC_HALF };
	size_t i;

	for (i = 0; i < 2; i++) {
		out[i * LEN] = ref;
		out[i * LEN + 1] = (uint8_t)(3 + i);
		memcpy(out + i * LEN + 2, n + i * VC_HALF, VC_HALF);
	}
	return (size_t)2 * LEN;
}

static bool
add_keys(struct builder *b, struct vc_pki *pki)
{
	struct vc_file *df = vc_fs_add(b->pki, FID_KEYS, VC_DF);
	struct vc_file *file = df != NULL ? vc_fs_add(df, FID_PUBLIC_KEYS, VC_RECORDS) : NULL;
	uint8_t records[VC_KEYS * 4 * (1 + VC_HALF)], n[VC_BLOCK];
	size_t i, len = 0;

	if (file == NULL)
		return false;
	for (i = 0; i < VC_KEYS; i++) {
		if (!modulus(pki->keys[i], n))
			return false;
		len += b->card->generation == 1 ? gen1_records(vc_key_refs[i], n, records + len) :
		    gen2_records(vc_key_refs[i], n, records + len);
		b->card->keys[i].ref = vc_key_refs[i];
		b->card->keys[i].pkey = pki->keys[i];
		pki->keys[i] = NULL;
	}
	return vc_fs_set(file, records, len);
}

/* ---- the whole tree ------------------------------------------------------------------ */

static bool
add_card_data(struct builder *b, const char *os_text)
{
	struct vc_file *df = vc_fs_add(b->card->root, FID_CARD_DATA, VC_DF);
	struct vc_der der = { 0 };

	vc_p15_dir(&der, b->root);
	if (!add_der(b->card->root, FID_DIR, &der, SIZE_DIR, 0xFF) || df == NULL)
		return false;
	return add_plain(df, FID_CARD_NUMBER, b->card->number, 16, SIZE_CARD_NUMBER, 0x00) &&
	    add_plain(df, FID_OS_TEXT, os_text, strlen(os_text), SIZE_OS_TEXT, ' ');
}

static bool
add_directories(struct builder *b, const struct vc_pki *pki, const struct vcard_options *options)
{
	struct vc_der der = { 0 };

	vc_p15_token_info(&der, b->card->number);
	if (!add_der(b->pki, FID_TOKEN_INFO, &der, SIZE_TOKEN_INFO, b->pad))
		return false;
	vc_p15_private_keys(&der, b->root);
	if (!add_directory(b, FID_PRKDF, &der, SIZE_KEY_DIRECTORY))
		return false;
	vc_p15_public_keys(&der, b->root);
	if (!add_directory(b, FID_PUKDF, &der, SIZE_KEY_DIRECTORY))
		return false;
	vc_p15_certificates(&der, b->root, pki->certs);
	if (options->attribute_cert != NULL) {
		vc_p15_attribute_certificate(&der, b->root, options->attribute_cert_len);
		if (!add_plain(b->pki, FID_ATTRIBUTE_CERTS, options->attribute_cert,
		    options->attribute_cert_len, VCARD_ATTRIBUTE_CERT_MAX, 0xFF))
			return false;
	}
	if (!add_directory(b, FID_CDF, &der, SIZE_CDF))
		return false;
	vc_p15_authentication(&der, b->root);
	return add_directory(b, FID_AODF, &der, SIZE_AODF);
}

static bool
build(struct builder *b, const struct vc_person *person, struct vc_pki *pki)
{
	const struct vcard_options *options = person->options;
	uint16_t root = b->card->generation == 1 ? FID_MF : FID_APPLET;

	b->root[0] = (uint8_t)(root >> 8);
	b->root[1] = (uint8_t)(root & 0xFF);
	b->pad = options->pad_zero ? 0x00 : 0xFF;
	b->card->root = vc_fs_add(NULL, root, VC_DF);
	if (b->card->root == NULL ||
	    !add_card_data(b, options->os_text != NULL ? options->os_text : "CHT V32N"))
		return false;
	b->pki = vc_fs_add(b->card->root, FID_PKI, VC_DF);
	return b->pki != NULL && add_directories(b, pki, options) && add_data_objects(b, person->name) &&
	    add_certificates(b, pki->certs) && add_keys(b, pki);
}

/* ---- options ---------------------------------------------------------------------------- */

static bool
valid_utf8(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	unsigned long c;
	int left = (int)strlen(text), n;

	for (; left > 0; at += n, left -= n) {
		n = UTF8_getc(at, left, &c);
		if (n <= 0 || c < 0x20)
			return false;
	}
	return true;
}

static bool
check_identity(const struct vc_person *p, char *err, size_t errlen)
{
	size_t i, len = strlen(p->name);

	if (len == 0 || len > NAME_MAX_BYTES || !valid_utf8(p->name)) {
		vc_error(err, errlen, "the name must be 1 to %d bytes of UTF-8", NAME_MAX_BYTES);
		return false;
	}
	len = strlen(p->id);
	for (i = 0; i < len; i++)
		if (!((p->id[i] >= '0' && p->id[i] <= '9') || (p->id[i] >= 'A' && p->id[i] <= 'Z')))
			break;
	if (len < 4 || len > ID_MAX || i < len) {
		vc_error(err, errlen, "the id '%s' must be 4 to %d digits and capital letters, "
		    "such as A123456789 or 12345678", p->id, ID_MAX);
		return false;
	}
	len = strlen(p->number);
	for (i = 0; i < len; i++)
		if (p->number[i] <= 0x20 || p->number[i] >= 0x7F)
			break;
	if (len != 16 || i < len) {
		vc_error(err, errlen, "the card number '%s' must be 16 characters, "
		    "such as TP12345678901234", p->number);
		return false;
	}
	return true;
}

static bool
check_options(const struct vcard_options *o, char *err, size_t errlen)
{
	if (o->generation < 0 || o->generation > 2)
		vc_error(err, errlen, "generation %d: there are generations 1 and 2", o->generation);
	else if (o->ca != VCARD_CA_MOICA && o->ca != VCARD_CA_MOEACA)
		vc_error(err, errlen, "unknown CA");
	else if (o->pin != NULL && !vc_pin_valid(o->pin))
		vc_error(err, errlen, "the PIN must be 6 to 8 letters and digits");
	else if (o->unblock_code != NULL && !vc_pin_valid(o->unblock_code))
		vc_error(err, errlen, "the unblocking code must be 6 to 8 letters and digits");
	else if (o->os_text != NULL && strlen(o->os_text) > OS_TEXT_MAX)
		vc_error(err, errlen, "the card OS text is longer than %d characters", OS_TEXT_MAX);
	else if (o->contactless && o->generation != 2)
		vc_error(err, errlen, "only second-generation cards are contactless");
	else
		return true;
	return false;
}

static bool
random_number(enum vcard_ca ca, char number[17])
{
	uint8_t digits[14];
	size_t i;

	if (RAND_bytes(digits, sizeof(digits)) != 1)
		return false;
	memcpy(number, ca == VCARD_CA_MOICA ? "TP" : "MT", 2);
	for (i = 0; i < sizeof(digits); i++)
		number[2 + i] = (char)('0' + digits[i] % 10);
	number[16] = '\0';
	return true;
}

static bool
fill_card(struct vcard *card, const struct vc_person *person)
{
	const struct vcard_options *o = person->options;
	size_t i;

	card->ca = person->ca;
	card->behaviour = o->behaviour;
	snprintf(card->number, sizeof(card->number), "%s", person->number);
	snprintf(card->pin, sizeof(card->pin), "%s", o->pin != NULL ? o->pin : "123456");
	if (o->unblock_code != NULL)
		snprintf(card->unblock_code, sizeof(card->unblock_code), "%s", o->unblock_code);
	card->holder = strdup(person->name);
	for (i = 0; i < VCARD_MASTER_KEY_LEN; i++)
		card->master_key[i] = o->master_key != NULL ? o->master_key[i] : (uint8_t)i;
	if (o->issuer_key != NULL)
		memcpy(card->issuer_key, o->issuer_key, VCARD_ISSUER_KEY_LEN);
	if (o->cin != NULL)
		memcpy(card->cin, o->cin, VCARD_CIN_LEN);
	else if (RAND_bytes(card->cin, VCARD_CIN_LEN) != 1)
		return false;
	if (o->contactless)
		vcard_set_atr(card, atr_contactless, sizeof(atr_contactless));
	else if (card->generation == 2)
		vcard_set_atr(card, atr_gen2, sizeof(atr_gen2));
	else
		vcard_set_atr(card, atr_gen1, sizeof(atr_gen1));
	return card->holder != NULL;
}

bool
vcard_create(const struct vcard_options *options, struct vcard **cardp, char *err, size_t errlen)
{
	static const struct vcard_options defaults;
	const struct vcard_options *o = options != NULL ? options : &defaults;
	struct vc_person person = { .options = o, .ca = o->ca, .rank = o->rank };
	bool company = o->ca == VCARD_CA_MOEACA, ok = false;
	struct builder b = { 0 };
	struct vc_pki pki = { 0 };
	char number[17];

	*cardp = NULL;
	if (!check_options(o, err, errlen))
		return false;
	if (!random_number(o->ca, number)) {
		vc_error(err, errlen, "no random numbers");
		return false;
	}
	person.number = o->card_number != NULL ? o->card_number : number;
	person.name = o->name != NULL ? o->name : company ? "測試股份有限公司" : "王小明";
	person.id = o->id != NULL ? o->id : company ? "12345678" : "A123456789";
	if (company && person.rank == VCARD_RANK_DEFAULT)
		person.rank = VCARD_RANK_PRIMARY;
	if (!check_identity(&person, err, errlen) || !vc_pki_make(&person, &pki, err, errlen))
		return false;
	vc_error(err, errlen, "the card could not be put together");
	b.card = vc_card_new(o->generation == 2 ? 2 : 1);
	if (b.card == NULL || !fill_card(b.card, &person) || !build(&b, &person, &pki))
		goto out;
	*cardp = b.card;
	b.card = NULL;
	ok = true;
	vc_error(err, errlen, "%s", "");
out:
	vcard_free(&b.card);
	vc_pki_clear(&pki);
	return ok;
}
