#include "config.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "src/crypto/certificate.h"
#include "src/crypto/context.h"
#include "src/crypto/rsa.h"
#include "src/object/value.h"

#define UUID_BYTES 16

/* The highest values that PKCS#11 has (4.6.3); the headers do not name them. */
#define OTHER_ENTITY 3 /* CK_CERTIFICATE_CATEGORY_… */
#define THIRD_PARTY 3  /* CK_SECURITY_DOMAIN_… */

/* ---- what values must be like ---- */

/* Two digits; -1: they are none. */
static int two_digits(const uint8_t *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return 10 * (p[0] - '0') + p[1] - '0';
}

static bool is_date(const uint8_t *p, size_t len)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int century, year, month, day;
	bool leap;

	if (len != VALUE_DATE_SIZE)
		return len == 0;
	century = two_digits(p);
	year = two_digits(p + 2);
	month = two_digits(p + 4);
	day = two_digits(p + 6);
	if (century < 0 || year < 0 || month < 1 || month > 12 || day < 1)
		return false;
	leap = year % 4 == 0 && (year || century % 4 == 0);
	return day <= days[month - 1] + (leap && month == 2);
}

/* True if the last of these is there before, with another value. */
static bool contradicts(const CK_ATTRIBUTE *inner, CK_ULONG last)
{
	const CK_ATTRIBUTE *a = &inner[last];

	for (CK_ULONG i = 0; i < last; i++)
		if (inner[i].type == a->type &&
		    (inner[i].ulValueLen != a->ulValueLen ||
		     (a->ulValueLen && memcmp(inner[i].pValue, a->pValue, a->ulValueLen) != 0)))
			return true;
	return false;
}

/* Attributes with a length each, none with two values, and no array in the array. */
static bool is_template(const CK_ATTRIBUTE *a)
{
	const CK_ATTRIBUTE *inner = a->pValue;

	if (a->ulValueLen % sizeof *inner)
		return false;
	for (CK_ULONG i = 0; i < a->ulValueLen / sizeof *inner; i++)
		if (inner[i].type & CKF_ARRAY_ATTRIBUTE || inner[i].type > UINT32_MAX ||
		    inner[i].ulValueLen == CK_UNAVAILABLE_INFORMATION ||
		    (inner[i].ulValueLen && !inner[i].pValue) || contradicts(inner, i))
			return false;
	return true;
}

bool value_has_form(enum value_form form, const CK_ATTRIBUTE *a)
{
	/* the length of what there is not: nothing may be read */
	if (a->ulValueLen == CK_UNAVAILABLE_INFORMATION || (a->ulValueLen && !a->pValue))
		return false;
	switch (form) {
	case FORM_BOOL:
		return a->ulValueLen == sizeof(CK_BBOOL) && *(const CK_BBOOL *)a->pValue <= CK_TRUE;
	case FORM_ULONG:
		return a->ulValueLen == sizeof(CK_ULONG);
	case FORM_DATE:
		return is_date(a->pValue, a->ulValueLen);
	case FORM_MECHANISMS:
		return a->ulValueLen % sizeof(CK_MECHANISM_TYPE) == 0;
	case FORM_TEMPLATE:
		return is_template(a);
	default:
		return true;
	}
}

static CK_ULONG number_of(const void *value, size_t len)
{
	CK_ULONG number = CK_UNAVAILABLE_INFORMATION;

	if (len == sizeof number)
		memcpy(&number, value, sizeof number);
	return number;
}

bool value_is_x509(const void *value, size_t len)
{
	return number_of(value, len) == CKC_X_509;
}

bool value_is_rsa(const void *value, size_t len)
{
	return number_of(value, len) == CKK_RSA;
}

bool value_is_category(const void *value, size_t len)
{
	return number_of(value, len) <= OTHER_ENTITY;
}

bool value_is_security_domain(const void *value, size_t len)
{
	return number_of(value, len) <= THIRD_PARTY;
}

bool value_is_name_hash(const void *value, size_t len)
{
	static const CK_MECHANISM_TYPE hashes[] = {CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384,
						   CKM_SHA512};

	for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
		if (number_of(value, len) == hashes[i])
			return true;
	return false;
}

bool value_is_check_value(const void *value, size_t len)
{
	(void)value;
	return len == VALUE_CHECK_SIZE || len == 0;
}

bool value_has_odd_parity(const uint8_t *key, size_t len)
{
	unsigned even = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned folded = key[i] ^ key[i] >> 4;

		folded ^= folded >> 2;
		folded ^= folded >> 1;
		even |= ~folded & 1; /* all bytes are looked at: the time tells nothing of the key */
	}
	return !even;
}

/* ---- templates, also those that are values ---- */

const CK_ATTRIBUTE *value_in_template(const CK_ATTRIBUTE *template, CK_ULONG count,
				      CK_ATTRIBUTE_TYPE type)
{
	for (CK_ULONG i = 0; i < count; i++)
		if (template[i].type == type)
			return &template[i];
	return NULL;
}

struct store value_as_store(const uint8_t *bytes, size_t len)
{
	return (struct store){{(uint8_t *)bytes, len, len}};
}

enum result value_of_template(const CK_ATTRIBUTE *array, struct buffer *out)
{
	const CK_ATTRIBUTE *inner = array->pValue;
	struct store s = STORE_INIT;
	enum result r = RESULT_OK;

	for (CK_ULONG i = 0; r == RESULT_OK && i < array->ulValueLen / sizeof *inner; i++)
		r = store_set(&s, inner[i].type, inner[i].pValue, inner[i].ulValueLen);
	if (r == RESULT_OK)
		r = buffer_append(out, s.block.data, s.block.len);
	store_clear(&s);
	return r;
}

/* ---- values that follow from others ---- */

size_t value_bits(const uint8_t *number, size_t len)
{
	size_t bits;

	while (len && !*number) {
		number++;
		len--;
	}
	bits = 8 * len;
	for (unsigned top = len ? *number : 0x80; !(top & 0x80); top <<= 1)
		bits--;
	return bits;
}

enum result value_put_der(struct buffer *out, unsigned char *der, int len)
{
	enum result r = len > 0 ? buffer_append(out, der, (size_t)len) : RESULT_CRYPTO;

	OPENSSL_free(der);
	return r;
}

enum result value_rsa_key_info(const uint8_t *modulus, size_t modulus_len, const uint8_t *exponent,
			       size_t exponent_len, struct buffer *out)
{
	EVP_PKEY *key = rsa_public_key(crypto_context(), modulus, modulus_len, exponent, exponent_len);
	unsigned char *der = NULL;
	int len;

	if (!key)
		return RESULT_CRYPTO;
	len = i2d_PUBKEY(key, &der);
	EVP_PKEY_free(key);
	return value_put_der(out, der, len);
}

enum result value_certificate_key_info(const uint8_t *der, size_t len, struct buffer *out)
{
	unsigned char *info = NULL;
	X509 *x;
	enum result r = certificate_parse(der, len, &x, NULL);
	int info_len;

	if (r != RESULT_OK)
		return r;
	info_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &info);
	X509_free(x);
	return value_put_der(out, info, info_len);
}

static enum result digest(const char *name, const void *data, size_t len,
			  uint8_t out[EVP_MAX_MD_SIZE])
{
	const EVP_MD *md = crypto_digest(name);

	return md && EVP_Digest(data, len, out, NULL, md, NULL) ? RESULT_OK : RESULT_CRYPTO;
}

/* The first bytes of the SHA-1 of the value. */
enum result value_check_certificate(const uint8_t *der, size_t len, uint8_t out[VALUE_CHECK_SIZE])
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	enum result r = digest("SHA1", der, len, hash);

	if (r == RESULT_OK)
		memcpy(out, hash, VALUE_CHECK_SIZE);
	return r;
}

/* The first bytes of a block of zeros, encrypted. */
static enum result encrypt_zeros(const char *name, const uint8_t *key, uint8_t out[VALUE_CHECK_SIZE])
{
	static const uint8_t zeros[16];
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(crypto_context(), name, NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t block[2 * sizeof zeros];
	int n = 0;
	bool ok;

	ok = cipher && c && EVP_EncryptInit_ex2(c, cipher, key, NULL, NULL) == 1 &&
	     EVP_CIPHER_CTX_set_padding(c, 0) == 1 &&
	     EVP_EncryptUpdate(c, block, &n, zeros, EVP_CIPHER_get_block_size(cipher)) == 1 &&
	     n >= VALUE_CHECK_SIZE;
	if (ok)
		memcpy(out, block, VALUE_CHECK_SIZE);
	OPENSSL_cleanse(block, sizeof block);
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(cipher);
	return ok ? RESULT_OK : RESULT_CRYPTO;
}

enum result value_check_secret(CK_KEY_TYPE type, const uint8_t *key, size_t len,
			       uint8_t out[VALUE_CHECK_SIZE])
{
	switch (type) {
	case CKK_AES:
		return encrypt_zeros(len == 16   ? "AES-128-ECB"
				     : len == 24 ? "AES-192-ECB"
						 : "AES-256-ECB",
				     key, out);
	case CKK_DES2:
		return encrypt_zeros("DES-EDE-ECB", key, out);
	case CKK_DES3:
		return encrypt_zeros("DES-EDE3-ECB", key, out);
	default:
		return value_check_certificate(key, len, out); /* a generic secret: the same hash */
	}
}

/* ---- names ---- */

static void print_uuid(uint8_t bytes[UUID_BYTES], unsigned version, char out[VALUE_UNIQUE_SIZE])
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	static const char digits[] = "0123456789abcdef";
	size_t nibble = 0;

	bytes[6] = (uint8_t)(version << 4 | (bytes[6] & 0x0F)); /* RFC 9562 */
	bytes[8] = 0x80 | (bytes[8] & 0x3F);
	for (size_t i = 0; i < sizeof shape; i++) {
		out[i] = shape[i];
		if (shape[i] != 'x')
			continue;
		out[i] = digits[bytes[nibble / 2] >> (nibble % 2 ? 0 : 4) & 0x0F];
		nibble++;
	}
}

enum result value_unique_random(char out[VALUE_UNIQUE_SIZE])
{
	uint8_t bytes[UUID_BYTES];

	if (RAND_bytes_ex(crypto_context(), bytes, sizeof bytes, 0) != 1)
		return RESULT_CRYPTO;
	print_uuid(bytes, 4, out);
	return RESULT_OK;
}

enum result value_unique_of(const char *words, char out[VALUE_UNIQUE_SIZE])
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	enum result r = digest("SHA256", words, strlen(words), hash);

	if (r == RESULT_OK)
		print_uuid(hash, 8, out);
	return r;
}
