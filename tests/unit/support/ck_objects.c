#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "ck_objects.h"

#define RSA_KEYS 8
#define MODULUS_MAX 1024

/* ---- making ---- */

CK_RV ck_try_create(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
		    CK_OBJECT_HANDLE *out)
{
	*out = 0;
	return C_CreateObject(session, template, count, out);
}

CK_OBJECT_HANDLE ck_create(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_OBJECT_HANDLE object;

	assert_int_equal(ck_try_create(session, template, count, &object), CKR_OK);
	assert_int_not_equal(object, 0);
	return object;
}

CK_OBJECT_HANDLE ck_secret(CK_SESSION_HANDLE session, CK_KEY_TYPE type, const void *value, size_t len)
{
	return ck_secret_with(session, type, value, len, CKA_DERIVE, false);
}

CK_OBJECT_HANDLE ck_secret_with(CK_SESSION_HANDLE session, CK_KEY_TYPE type, const void *value,
				size_t len, CK_ATTRIBUTE_TYPE flag, bool truth)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, type),
				   BYTES_OF(CKA_VALUE, value, len), BOOL_OF(flag, truth)};

	return ck_create(session, template, COUNT(template));
}

static size_t key_number(const EVP_PKEY *key, const char *name, unsigned char out[MODULUS_MAX])
{
	BIGNUM *number = NULL;
	int len;

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
	assert_true(BN_num_bytes(number) <= MODULUS_MAX);
	len = BN_bn2bin(number, out);
	BN_free(number);
	return (size_t)len;
}

CK_OBJECT_HANDLE ck_public(CK_SESSION_HANDLE session, const EVP_PKEY *key)
{
	unsigned char n[MODULUS_MAX], e[MODULUS_MAX];
	size_t n_len = key_number(key, OSSL_PKEY_PARAM_RSA_N, n);
	size_t e_len = key_number(key, OSSL_PKEY_PARAM_RSA_E, e);
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_PUBLIC_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_RSA),
				   BYTES_OF(CKA_MODULUS, n, n_len),
				   BYTES_OF(CKA_PUBLIC_EXPONENT, e, e_len)};

	return ck_create(session, template, COUNT(template));
}

CK_OBJECT_HANDLE ck_data(CK_SESSION_HANDLE session, const char *label)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_DATA),
				   BYTES_OF(CKA_LABEL, label, strlen(label))};

	return ck_create(session, template, COUNT(template));
}

EVP_PKEY *ck_rsa(unsigned bits)
{
	static struct {
		unsigned bits;
		EVP_PKEY *key;
	} made[RSA_KEYS];

	for (size_t i = 0; i < RSA_KEYS; i++) {
		if (made[i].bits == bits)
			return made[i].key;
		if (made[i].bits)
			continue;
		made[i].key = EVP_RSA_gen(bits);
		assert_non_null(made[i].key);
		made[i].bits = bits;
		return made[i].key;
	}
	fail_msg("more than %d sizes of RSA keys", RSA_KEYS);
	return NULL;
}

/* ---- attributes ---- */

CK_RV ck_attribute_rv(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
	CK_ATTRIBUTE a = {type, NULL, 0};

	return C_GetAttributeValue(session, object, &a, 1);
}

bool ck_bool(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL value = 0xFF;

	assert_int_equal(get_attribute(session, object, type, &value, sizeof value), 1);
	assert_in_range(value, CK_FALSE, CK_TRUE);
	return value;
}

CK_ULONG ck_ulong(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
	CK_ULONG value = 0;

	assert_int_equal(get_attribute(session, object, type, &value, sizeof value), sizeof value);
	return value;
}

CK_RV ck_set(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
	     const void *value, size_t len)
{
	CK_ATTRIBUTE a = BYTES_OF(type, value, len);

	return C_SetAttributeValue(session, object, &a, 1);
}

CK_RV ck_set_bool(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		  bool value)
{
	const CK_BBOOL byte = value ? CK_TRUE : CK_FALSE;

	return ck_set(session, object, type, &byte, sizeof byte);
}

bool ck_exists(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	CK_RV rv = ck_attribute_rv(session, object, CKA_CLASS);

	assert_true(rv == CKR_OK || rv == CKR_OBJECT_HANDLE_INVALID);
	return rv == CKR_OK;
}

/* ---- the card's records ---- */

static unsigned unused_bits(unsigned byte)
{
	unsigned n = 0;

	while (n < 7 && !(byte >> n & 1))
		n++;
	return n;
}

void ck_change_usage(struct vcard *card, const char *path, unsigned from, unsigned to)
{
	const uint8_t wanted[] = {0x03, 0x02, (uint8_t)unused_bits(from), (uint8_t)from};
	const uint8_t put[] = {0x03, 0x02, (uint8_t)unused_bits(to), (uint8_t)to};
	uint8_t copy[0x8000], *at;
	const uint8_t *data;
	size_t len;

	assert_true(vcard_file_get(card, path, &data, &len) && len <= sizeof copy);
	memcpy(copy, data, len);
	at = memmem(copy, len, wanted, sizeof wanted);
	assert_non_null(at);
	memcpy(at, put, sizeof put);
	assert_true(vcard_file_put(card, path, copy, len));
}

unsigned ck_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}
