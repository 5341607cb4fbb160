#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "ck_objects.h"
#include "forge.h"

#define EF_MAX 0x8000
#define SERIAL_BITS 128

enum { ROOT_KEY, ISSUER_KEY, WORLD_KEYS };

static EVP_PKEY *world[2][WORLD_KEYS]; /* ours and the forger's; made once */

static EVP_PKEY *world_key(int which, int rank)
{
	if (!world[which][rank])
		world[which][rank] = EVP_RSA_gen(2048);
	assert_non_null(world[which][rank]);
	return world[which][rank];
}

static const char *path_of(const struct vcard *card, const char *name)
{
	static char path[40];

	snprintf(path, sizeof path, "%s/5030/%s", vcard_generation(card) == 1 ? "3F00" : "7FFF", name);
	return path;
}

unsigned forge_bytes(struct vcard *card, const char *path, const void *from, const void *to, size_t len)
{
	static unsigned char copy[EF_MAX];
	unsigned char *at = copy;
	const uint8_t *data;
	unsigned times = 0;
	size_t size;

	assert_true(vcard_file_get(card, path, &data, &size) && size <= sizeof copy);
	memcpy(copy, data, size);
	while ((at = memmem(at, (size_t)(copy + size - at), from, len))) {
		memcpy(at, to, len);
		at += len;
		times++;
	}
	assert_true(vcard_file_put(card, path, copy, size));
	return times;
}

/* Puts `new` in the place of the card's certificate, and its serial number into the directory. */
static void replace(struct vcard *card, enum vcard_cert which, X509 *new)
{
	X509 *old = vcard_certificate(card, which);
	const ASN1_INTEGER *before = X509_get0_serialNumber(old), *after = X509_get0_serialNumber(new);
	unsigned char *old_der = NULL, *new_der = NULL;
	int old_len = i2d_X509(old, &old_der), new_len = i2d_X509(new, &new_der);

	assert_int_equal(new_len, old_len);
	assert_int_equal(ASN1_STRING_length(before), ASN1_STRING_length(after));
	assert_int_equal(forge_bytes(card, path_of(card, "08F2"), old_der, new_der, (size_t)old_len), 1);
	assert_int_equal(forge_bytes(card, path_of(card, "4104"), ASN1_STRING_get0_data(before),
				     ASN1_STRING_get0_data(after), (size_t)ASN1_STRING_length(after)),
			 1);
	OPENSSL_free(old_der);
	OPENSSL_free(new_der);
	X509_free(old);
}

static void new_serial(X509 *x)
{
	BIGNUM *bn = BN_new();

	assert_int_equal(BN_rand(bn, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), 1);
	assert_non_null(BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)));
	BN_free(bn);
}

/* Key identifiers stand in an extension of fixed size: the new key's, in the old one's place. */
static void set_key_id(X509 *x, int nid, EVP_PKEY *key)
{
	static const size_t sha1 = 20;
	unsigned char id[EVP_MAX_MD_SIZE], copy[64];
	int at = X509_get_ext_by_NID(x, nid, -1);
	X509 *holder = X509_new();
	ASN1_OCTET_STRING *value;
	size_t len;

	if (at < 0) {
		X509_free(holder);
		return;
	}
	assert_int_equal(X509_set_pubkey(holder, key), 1);
	assert_int_equal(X509_pubkey_digest(holder, EVP_sha1(), id, NULL), 1);
	value = X509_EXTENSION_get_data(X509_get_ext(x, at));
	len = (size_t)ASN1_STRING_length(value);
	assert_true(len >= sha1 && len <= sizeof copy);
	memcpy(copy, ASN1_STRING_get0_data(value), len);
	memcpy(copy + len - sha1, id, sha1);
	assert_int_equal(ASN1_OCTET_STRING_set(value, copy, (int)len), 1);
	X509_free(holder);
}

/* Signs anew, by one of the worlds. */
static void issue(struct vcard *card, enum vcard_cert which, int by, EVP_PKEY *key, bool renew)
{
	bool is_root = which == VCARD_CERT_ROOT, is_issuer = which == VCARD_CERT_CA;
	EVP_PKEY *signer = world_key(by, is_root || is_issuer ? ROOT_KEY : ISSUER_KEY);
	X509 *x = vcard_certificate(card, which), *new;
	unsigned char *der = NULL;
	const unsigned char *p;
	int len;

	if (is_root || is_issuer)
		key = world_key(by, is_root ? ROOT_KEY : ISSUER_KEY);
	if (renew)
		new_serial(x);
	if (key) {
		assert_int_equal(X509_set_pubkey(x, key), 1);
		set_key_id(x, NID_subject_key_identifier, key);
	}
	set_key_id(x, NID_authority_key_identifier, signer);
	/* through DER once, because OpenSSL remembers how extensions were */
	len = i2d_re_X509_tbs(x, &der) > 0 ? X509_sign(x, signer, EVP_sha256()) : 0;
	assert_true(len > 0);
	OPENSSL_free(der);
	der = NULL;
	len = i2d_X509(x, &der);
	p = der;
	new = d2i_X509(NULL, &p, len);
	assert_non_null(new);
	replace(card, which, new);
	OPENSSL_free(der);
	X509_free(new);
	X509_free(x);
}

static void issue_all(struct vcard *card, int by, EVP_PKEY *key)
{
	static const enum vcard_cert order[] = {VCARD_CERT_ROOT, VCARD_CERT_CA, VCARD_CERT_SIGN,
						VCARD_CERT_ENCRYPT};

	for (size_t i = 0; i < COUNT(order); i++)
		issue(card, order[i], by, key, false);
}

void forge_world(struct vcard *card)
{
	issue_all(card, 0, NULL);
}

void forge_other_world(struct vcard *card, EVP_PKEY *key)
{
	issue_all(card, 1, key);
}

void forge_renew(struct vcard *card, enum vcard_cert which, EVP_PKEY *key)
{
	issue(card, which, 0, key, true);
}

void forge_issue(struct vcard *card, enum vcard_cert which, EVP_PKEY *key)
{
	issue(card, which, 0, key, false);
}

void forge_key(struct vcard *card, enum vcard_cert which, EVP_PKEY *key)
{
	X509 *x = vcard_certificate(card, which);

	assert_int_equal(X509_set_pubkey(x, key), 1);
	replace(card, which, x);
	X509_free(x);
}

void forge_first_record(struct vcard *card, const char *name, unsigned size)
{
	static unsigned char copy[EF_MAX];
	const uint8_t *data;
	size_t len, content;

	assert_true(vcard_file_get(card, path_of(card, name), &data, &len) && len >= 2);
	assert_true(size > 128 + 3 && size <= UINT8_MAX + 3 && len + size <= sizeof copy);
	/* its last two bytes are the content's length */
	content = (size_t)(data[len - 2] | data[len - 1] << 8) + size;
	memset(copy, 0, size);
	memcpy(copy, (const uint8_t[]){0xBE, 0x81, (uint8_t)(size - 3)}, 3);
	memcpy(copy + size, data, len);
	len += size;
	copy[len - 2] = (uint8_t)content;
	copy[len - 1] = (uint8_t)(content >> 8);
	assert_true(vcard_file_put(card, path_of(card, name), copy, len));
}
