/*
 * Values in templates: what is refused, what is computed and compared, array
 * attributes, and how many objects there may be.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "ck_objects.h"
#include "gen2card.h"

#define CHECK_SIZE 3

static const unsigned char bytes16[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static size_t count_all(void)
{
	CK_OBJECT_HANDLE found[64];

	return find_objects(bench.session, NULL, 0, found, COUNT(found));
}

/* A template must make nothing, and give this answer. */
static void refuse(CK_RV wanted, CK_ATTRIBUTE *template, CK_ULONG count)
{
	size_t before = count_all();
	CK_OBJECT_HANDLE object;

	assert_int_equal(ck_try_create(bench.session, template, count, &object), wanted);
	assert_int_equal(object, 0);
	assert_int_equal(count_all(), before);
}

/* An object of the template and one attribute more; 0: it was refused with that code. */
static CK_OBJECT_HANDLE with(CK_RV wanted, const CK_ATTRIBUTE *base, size_t count, CK_ATTRIBUTE more)
{
	CK_ATTRIBUTE template[8];
	CK_OBJECT_HANDLE object = 0;

	assert_true(count < COUNT(template));
	memcpy(template, base, count * sizeof *base);
	template[count] = more;
	if (wanted != CKR_OK)
		refuse(wanted, template, count + 1);
	else
		object = ck_create(bench.session, template, count + 1);
	return object;
}

static const CK_ATTRIBUTE data[] = {ULONG_OF(CKA_CLASS, CKO_DATA)};
static const CK_ATTRIBUTE aes[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				   BYTES_OF(CKA_VALUE, bytes16, 16)};
static const CK_ATTRIBUTE cert[] = {ULONG_OF(CKA_CLASS, CKO_CERTIFICATE),
				    ULONG_OF(CKA_CERTIFICATE_TYPE, CKC_X_509),
				    BYTES_OF(CKA_SUBJECT, "0\0", 2), BYTES_OF(CKA_VALUE, "value", 5)};

#define WITH(rv, base, ...) with((rv), (base), COUNT(base), (CK_ATTRIBUTE)__VA_ARGS__)

static void assert_bytes(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *wanted, size_t len)
{
	unsigned char value[4096];

	assert_int_equal(get_attribute(bench.session, object, type, value, sizeof value), len);
	assert_memory_equal(value, wanted, len);
}

/* ---- single values ---- */

static void a_date_is_a_day_of_the_calendar_or_empty(void **state)
{
	static const char *const good[] = {"20260101", "20241231", "20240229", "20000229", "19991130", ""};
	static const char *const bad[] = {"20260001", "20261301", "20260100", "20260132", "20260431",
					  "20250229", "19000229", "2026010",  "202601011", "2026010x",
					  "2o260101", "        "};
	CK_OBJECT_HANDLE key = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		key = WITH(CKR_OK, aes, BYTES_OF(CKA_START_DATE, good[i], strlen(good[i])));
		WITH(CKR_OK, cert, BYTES_OF(CKA_END_DATE, good[i], strlen(good[i])));
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		CK_ATTRIBUTE date = BYTES_OF(CKA_END_DATE, bad[i], strlen(bad[i]));
		CK_OBJECT_HANDLE copy;

		WITH(CKR_ATTRIBUTE_VALUE_INVALID, aes, BYTES_OF(CKA_START_DATE, bad[i], strlen(bad[i])));
		WITH(CKR_ATTRIBUTE_VALUE_INVALID, cert, BYTES_OF(CKA_END_DATE, bad[i], strlen(bad[i])));
		assert_int_equal(C_SetAttributeValue(bench.session, key, &date, 1),
				 CKR_ATTRIBUTE_VALUE_INVALID);
		assert_int_equal(C_CopyObject(bench.session, key, &date, 1, &copy),
				 CKR_ATTRIBUTE_VALUE_INVALID);
	}
	assert_bytes(key, CKA_END_DATE, "", 0);
}

static void assert_date(const char *text, bool good)
{
	WITH(good ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID, aes, BYTES_OF(CKA_START_DATE, text, 8));
}

/* As the C library counts them. With 32 bits for a time it cannot count back to 1900: 1902 has the same months. */
static void every_month_has_its_days(void **state)
{
	static const int years[] = {1900, 2000, 2023, 2024}, counted[] = {1902, 2000, 2023, 2024};
	char text[32];

	(void)state;
	for (size_t y = 0; y < COUNT(years); y++) {
		for (int month = 0; month < 12; month++) {
			for (int day = 28; day <= 32; day++) {
				struct tm t = {.tm_year = counted[y] - 1900, .tm_mon = month, .tm_mday = day};

				snprintf(text, sizeof text, "%04d%02d%02d", years[y], month + 1, day);
				timegm(&t);
				assert_date(text, t.tm_mon == month);
			}
		}
	}
	/* the neighbours of the digits, in any place */
	for (size_t i = 0; i < 8; i++) {
		memcpy(text, "11111111", 9);
		assert_date(text, true);
		text[i] = '0' - 1;
		assert_date(text, false);
		text[i] = '9' + 1;
		assert_date(text, false);
	}
}

/* PKCS#11 4.6.3: of a certificate only CKA_ID, CKA_ISSUER and CKA_SERIAL_NUMBER change. */
static void a_certificate_keeps_its_dates(void **state)
{
	CK_OBJECT_HANDLE made = WITH(CKR_OK, cert, BYTES_OF(CKA_START_DATE, "20260101", 8));
	CK_OBJECT_HANDLE key = ck_create(bench.session, (CK_ATTRIBUTE *)aes, COUNT(aes));
	static const CK_ATTRIBUTE_TYPE changing[] = {CKA_ID, CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_LABEL};

	(void)state;
	assert_int_equal(ck_set(bench.session, made, CKA_START_DATE, "20260102", 8),
			 CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(ck_set(bench.session, made, CKA_END_DATE, "20260102", 8),
			 CKR_ATTRIBUTE_READ_ONLY);
	assert_bytes(made, CKA_START_DATE, "20260101", 8);
	for (size_t i = 0; i < COUNT(changing); i++)
		assert_int_equal(ck_set(bench.session, made, changing[i], "new", 3), CKR_OK);
	assert_int_equal(ck_set(bench.session, key, CKA_START_DATE, "20260102", 8), CKR_OK);
}

static void numbers_of_a_certificate_are_among_the_standards(void **state)
{
	CK_OBJECT_HANDLE made;

	(void)state;
	made = WITH(CKR_OK, cert, ULONG_OF(CKA_CERTIFICATE_CATEGORY, 3));
	assert_int_equal(ck_ulong(bench.session, made, CKA_CERTIFICATE_CATEGORY), 3);
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, cert, ULONG_OF(CKA_CERTIFICATE_CATEGORY, 4));
	WITH(CKR_OK, cert, ULONG_OF(CKA_JAVA_MIDP_SECURITY_DOMAIN, 3));
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, cert, ULONG_OF(CKA_JAVA_MIDP_SECURITY_DOMAIN, 4));
	WITH(CKR_OK, cert, ULONG_OF(CKA_NAME_HASH_ALGORITHM, CKM_SHA256));
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, cert, ULONG_OF(CKA_NAME_HASH_ALGORITHM, CKM_RSA_PKCS));
	refuse(CKR_ATTRIBUTE_VALUE_INVALID,
	       (CK_ATTRIBUTE[]){cert[0], ULONG_OF(CKA_CERTIFICATE_TYPE, CKC_WTLS), cert[2], cert[3]}, 4);
	refuse(CKR_ATTRIBUTE_TYPE_INVALID, /* which has an owner and no subject */
	       (CK_ATTRIBUTE[]){cert[0], ULONG_OF(CKA_CERTIFICATE_TYPE, CKC_X_509_ATTR_CERT), cert[2],
				cert[3]},
	       4);
}

/* What the card's certificates have, those of a session have and accept. */
static void a_certificate_has_the_attributes_of_the_cards(void **state)
{
	CK_OBJECT_HANDLE on_card = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	CK_OBJECT_HANDLE made = ck_create(bench.session, (CK_ATTRIBUTE *)cert, COUNT(cert));

	(void)state;
	for (CK_ATTRIBUTE_TYPE type = 0; type < 0x800; type++)
		if (ck_attribute_rv(bench.session, on_card, type) == CKR_OK)
			assert_int_equal(ck_attribute_rv(bench.session, made, type), CKR_OK);
	assert_int_equal(ck_ulong(bench.session, made, CKA_NAME_HASH_ALGORITHM), CKM_SHA_1);
	assert_int_equal(ck_ulong(bench.session, on_card, CKA_NAME_HASH_ALGORITHM), CKM_SHA_1);
	made = WITH(CKR_OK, cert, BYTES_OF(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, bytes16, 16));
	assert_bytes(made, CKA_HASH_OF_SUBJECT_PUBLIC_KEY, bytes16, 16);
	made = WITH(CKR_OK, cert, BYTES_OF(CKA_HASH_OF_ISSUER_PUBLIC_KEY, bytes16, 16));
	assert_bytes(made, CKA_HASH_OF_ISSUER_PUBLIC_KEY, bytes16, 16);
}

/* PKCS#11 4.6.3: a certificate is here, or says where it is and whose key is in it. */
static void a_certificate_is_here_or_elsewhere(void **state)
{
	CK_ATTRIBUTE elsewhere[] = {cert[0],
				    cert[1],
				    cert[2],
				    BYTES_OF(CKA_VALUE, NULL, 0),
				    BYTES_OF(CKA_URL, "http://x", 8),
				    BYTES_OF(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, bytes16, 16),
				    BYTES_OF(CKA_HASH_OF_ISSUER_PUBLIC_KEY, bytes16, 16)};
	CK_OBJECT_HANDLE made;

	(void)state;
	refuse(CKR_ATTRIBUTE_VALUE_INVALID, elsewhere, 4);
	refuse(CKR_TEMPLATE_INCOMPLETE, elsewhere, 6);
	made = ck_create(bench.session, elsewhere, 7);
	assert_bytes(made, CKA_CHECK_VALUE, "", 0);
	elsewhere[2].ulValueLen = 0; /* a name is never empty: that of nobody is 30 00 */
	refuse(CKR_ATTRIBUTE_VALUE_INVALID, elsewhere, 7);
}

static void a_length_that_is_none_is_never_read(void **state)
{
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_LABEL, CKA_VALUE, CKA_TOKEN, CKA_PRIVATE, CKA_CLASS};
	CK_OBJECT_HANDLE object = ck_data(bench.session, "a"), copy, found[4];

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		/* no address that could be read */
		CK_ATTRIBUTE wild[] = {{types[i], (void *)8, CK_UNAVAILABLE_INFORMATION},
				       {types[i], NULL, CK_UNAVAILABLE_INFORMATION}};

		for (size_t k = 0; k < COUNT(wild); k++) {
			if (types[i] != CKA_CLASS)
				WITH(CKR_ATTRIBUTE_VALUE_INVALID, data, {types[i], wild[k].pValue,
									 wild[k].ulValueLen});
			refuse(types[i] == CKA_CLASS ? CKR_ATTRIBUTE_VALUE_INVALID
						     : CKR_TEMPLATE_INCOMPLETE,
			       &wild[k], 1);
			assert_int_not_equal(C_SetAttributeValue(bench.session, object, &wild[k], 1),
					     CKR_OK);
			assert_int_not_equal(C_CopyObject(bench.session, object, &wild[k], 1, &copy),
					     CKR_OK);
			assert_int_equal(find_objects(bench.session, &wild[k], 1, found, COUNT(found)),
					 0);
		}
	}
	assert_bytes(object, CKA_LABEL, "a", 1);
}

/* C_GetAttributeValue leaves that length behind: given back with the buffer it is no room. */
static void what_a_failed_question_left_is_no_room(void **state)
{
	unsigned char buffer[4] = {1, 2, 3, 4};
	CK_ATTRIBUTE label = {CKA_LABEL, buffer, 1};
	CK_OBJECT_HANDLE object = ck_data(bench.session, "abc");

	(void)state;
	assert_int_equal(C_GetAttributeValue(bench.session, object, &label, 1), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(label.ulValueLen, CK_UNAVAILABLE_INFORMATION);
	assert_int_equal(C_GetAttributeValue(bench.session, object, &label, 1), CKR_BUFFER_TOO_SMALL);
	assert_memory_equal(buffer, ((unsigned char[]){1, 2, 3, 4}), 4);
	label.ulValueLen = 4;
	assert_int_equal(C_GetAttributeValue(bench.session, object, &label, 1), CKR_OK);
	assert_int_equal(label.ulValueLen, 3);
}

/* ---- keys ---- */

static void a_des_key_has_odd_parity(void **state)
{
	unsigned char key[24];

	(void)state;
	memset(key, 0x0B, sizeof key);
	assert_true(ck_secret(bench.session, CKK_DES3, key, 24));
	assert_true(ck_secret(bench.session, CKK_DES2, key, 16));
	for (size_t i = 0; i < sizeof key; i++) {
		CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
					   ULONG_OF(CKA_KEY_TYPE, CKK_DES3), BYTES_OF(CKA_VALUE, key, 24)};

		key[i] ^= 1u << i % 8;
		refuse(CKR_ATTRIBUTE_VALUE_INVALID, template, COUNT(template));
		key[i] ^= 1u << i % 8;
	}
	key[3] ^= 1;
	refuse(CKR_ATTRIBUTE_VALUE_INVALID,
	       (CK_ATTRIBUTE[]){ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_DES2),
				BYTES_OF(CKA_VALUE, key, 16)},
	       3);
	/* other keys have no parity */
	assert_true(ck_secret(bench.session, CKK_AES, key, 24));
}

static void what_is_no_rsa_key_is_refused(void **state)
{
	static const struct {
		const char *e;
		size_t len;
	} bad[] = {{"\0", 1}, {"\1", 1}, {"\2", 1}, {"\0\0\1", 3}, {"\1\0\0", 3}, {"", 0}}, good[] = {
		{"\3", 1}, {"\1\0\1", 3}, {"\0\0\3", 3}};
	unsigned char modulus[128] = {0xC0};
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_PUBLIC_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_RSA),
				   BYTES_OF(CKA_MODULUS, modulus, sizeof modulus),
				   BYTES_OF(CKA_PUBLIC_EXPONENT, "\3", 1)};

	(void)state;
	refuse(CKR_ATTRIBUTE_VALUE_INVALID, template, COUNT(template)); /* an even modulus */
	modulus[127] = 1;
	for (size_t i = 0; i < COUNT(bad); i++) {
		template[3] = (CK_ATTRIBUTE)BYTES_OF(CKA_PUBLIC_EXPONENT, bad[i].e, bad[i].len);
		refuse(CKR_ATTRIBUTE_VALUE_INVALID, template, COUNT(template));
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		template[3] = (CK_ATTRIBUTE)BYTES_OF(CKA_PUBLIC_EXPONENT, good[i].e, good[i].len);
		ck_create(bench.session, template, COUNT(template));
	}
	/* not above the modulus */
	modulus[0] = 0x80;
	template[3] = (CK_ATTRIBUTE)BYTES_OF(CKA_PUBLIC_EXPONENT,
					     ((unsigned char[129]){[0] = 1, [128] = 1}), 129);
	refuse(CKR_ATTRIBUTE_VALUE_INVALID, template, COUNT(template));
}

static void a_public_key_tells_its_key_info(void **state)
{
	EVP_PKEY *pkey = ck_rsa(2048);
	CK_OBJECT_HANDLE key = ck_public(bench.session, pkey);
	unsigned char *der = NULL, n[256], e[8];
	int len = i2d_PUBKEY(pkey, &der);
	size_t n_len = get_attribute(bench.session, key, CKA_MODULUS, n, sizeof n);
	size_t e_len = get_attribute(bench.session, key, CKA_PUBLIC_EXPONENT, e, sizeof e);
	CK_ATTRIBUTE base[] = {ULONG_OF(CKA_CLASS, CKO_PUBLIC_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_RSA),
			       BYTES_OF(CKA_MODULUS, n, n_len), BYTES_OF(CKA_PUBLIC_EXPONENT, e, e_len)};

	(void)state;
	assert_bytes(key, CKA_PUBLIC_KEY_INFO, der, (size_t)len);
	WITH(CKR_OK, base, BYTES_OF(CKA_PUBLIC_KEY_INFO, der, (size_t)len));
	key = WITH(CKR_OK, base, BYTES_OF(CKA_PUBLIC_KEY_INFO, NULL, 0));
	assert_bytes(key, CKA_PUBLIC_KEY_INFO, der, (size_t)len);
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, base, BYTES_OF(CKA_PUBLIC_KEY_INFO, der, (size_t)len - 1));
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, base, BYTES_OF(CKA_PUBLIC_KEY_INFO, "x", 1));
	der[len / 2] ^= 1; /* another modulus */
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, base, BYTES_OF(CKA_PUBLIC_KEY_INFO, der, (size_t)len));
	OPENSSL_free(der);
}

/* The subject stands in the directory, next to the certificate of the same CKA_ID. */
static void a_key_of_the_card_tells_its_certificates_subject(void **state)
{
	static const struct {
		const char *id;
		enum vcard_cert which;
	} keys[] = {{"SIGN", VCARD_CERT_SIGN}, {"KEYX", VCARD_CERT_ENCRYPT}};
	unsigned char none[4];

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		X509 *x = vcard_certificate(bench.card, keys[i].which);
		CK_OBJECT_HANDLE halves[] = {find_one(bench.session, CKO_PUBLIC_KEY, keys[i].id),
					     find_one(bench.session, CKO_PRIVATE_KEY, keys[i].id)};
		unsigned char *der = NULL;
		int len = i2d_X509_NAME(X509_get_subject_name(x), &der);

		if (!i) /* nothing is read for it */
			assert_int_equal(get_attribute(bench.session, halves[0], CKA_SUBJECT, none, 4), 0);
		find_one(bench.session, CKO_CERTIFICATE, keys[i].id);
		fake_new_commands(READER);
		for (size_t k = 0; k < COUNT(halves); k++)
			assert_bytes(halves[k], CKA_SUBJECT, der, (size_t)len);
		assert_int_equal(fake_new_commands(READER), 0);
		OPENSSL_free(der);
		X509_free(x);
	}
	/* one without a certificate */
	assert_int_equal(get_attribute(bench.session, find_one(bench.session, CKO_PUBLIC_KEY, "SIGN02"),
				       CKA_SUBJECT, none, 4),
			 0);
}

/* Only of a key that was made here is it known where it has been. */
static void a_key_that_was_given_was_not_always_sensitive(void **state)
{
	CK_OBJECT_HANDLE key =
		ck_secret_with(bench.session, CKK_AES, bytes16, 16, CKA_SENSITIVE, true);
	CK_OBJECT_HANDLE locked =
		ck_secret_with(bench.session, CKK_AES, bytes16, 16, CKA_EXTRACTABLE, false);

	(void)state;
	assert_true(ck_bool(bench.session, key, CKA_SENSITIVE));
	assert_false(ck_bool(bench.session, key, CKA_ALWAYS_SENSITIVE));
	assert_false(ck_bool(bench.session, locked, CKA_NEVER_EXTRACTABLE));
}

/* ---- check values ---- */

/* The first bytes of a block of zeros under the key, by OpenSSL. */
static void zeros_under(const EVP_CIPHER *cipher, const unsigned char *key, unsigned char out[CHECK_SIZE])
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	unsigned char block[32], zeros[16] = {0};
	int n;

	assert_int_equal(EVP_EncryptInit_ex(c, cipher, NULL, key, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(c, block, &n, zeros, EVP_CIPHER_get_block_size(cipher)), 1);
	memcpy(out, block, CHECK_SIZE);
	EVP_CIPHER_CTX_free(c);
}

static void a_secret_key_has_the_standards_check_value(void **state)
{
	unsigned char key[32], check[CHECK_SIZE], hash[EVP_MAX_MD_SIZE];
	const struct {
		CK_KEY_TYPE type;
		size_t len;
		const EVP_CIPHER *cipher;
	} rows[] = {{CKK_AES, 16, EVP_aes_128_ecb()}, {CKK_AES, 24, EVP_aes_192_ecb()},
		    {CKK_AES, 32, EVP_aes_256_ecb()}, {CKK_DES2, 16, EVP_des_ede_ecb()},
		    {CKK_DES3, 24, EVP_des_ede3_ecb()}};

	(void)state;
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (unsigned char)(1u << i % 8); /* odd parity */
	for (size_t i = 0; i < COUNT(rows); i++) {
		CK_ATTRIBUTE base[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
				       ULONG_OF(CKA_KEY_TYPE, rows[i].type),
				       BYTES_OF(CKA_VALUE, key, rows[i].len)};

		zeros_under(rows[i].cipher, key, check);
		assert_bytes(ck_create(bench.session, base, COUNT(base)), CKA_CHECK_VALUE, check, CHECK_SIZE);
		WITH(CKR_OK, base, BYTES_OF(CKA_CHECK_VALUE, check, CHECK_SIZE));
		assert_bytes(WITH(CKR_OK, base, BYTES_OF(CKA_CHECK_VALUE, NULL, 0)), CKA_CHECK_VALUE, "", 0);
		WITH(CKR_ATTRIBUTE_VALUE_INVALID, base, BYTES_OF(CKA_CHECK_VALUE, check, 2));
		check[0] ^= 1;
		WITH(CKR_ATTRIBUTE_VALUE_INVALID, base, BYTES_OF(CKA_CHECK_VALUE, check, CHECK_SIZE));
	}
	EVP_Digest(key, 21, hash, NULL, EVP_sha1(), NULL);
	assert_bytes(ck_secret(bench.session, CKK_GENERIC_SECRET, key, 21), CKA_CHECK_VALUE, hash,
		     CHECK_SIZE);
}

static void a_generated_key_has_one_too_also_if_it_is_not_shown(void **state)
{
	CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_VALUE_LEN, 32), BYTES_OF(CKA_CHECK_VALUE, "xyz", 3)};
	unsigned char value[32], check[CHECK_SIZE];
	CK_OBJECT_HANDLE key;
	size_t before;

	(void)state;
	assert_int_equal(C_GenerateKey(bench.session, &generate, template, 1, &key), CKR_OK);
	assert_int_equal(get_attribute(bench.session, key, CKA_VALUE, value, sizeof value), 32);
	zeros_under(EVP_aes_256_ecb(), value, check);
	assert_int_equal(ck_set_bool(bench.session, key, CKA_SENSITIVE, true), CKR_OK);
	assert_bytes(key, CKA_CHECK_VALUE, check, CHECK_SIZE);
	assert_int_equal(ck_set(bench.session, key, CKA_CHECK_VALUE, check, 3), CKR_ATTRIBUTE_READ_ONLY);
	/* nobody can know it before */
	before = count_all();
	assert_int_equal(C_GenerateKey(bench.session, &generate, template, 2, &key),
			 CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(count_all(), before);
}

static void a_certificates_check_value_and_key_are_its_own(void **state)
{
	X509 *x = vcard_certificate(bench.card, VCARD_CERT_SIGN);
	unsigned char *der = NULL, *info = NULL, hash[EVP_MAX_MD_SIZE];
	int len = i2d_X509(x, &der), info_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &info);
	CK_ATTRIBUTE base[] = {cert[0], cert[1], cert[2], BYTES_OF(CKA_VALUE, der, (size_t)len)};
	CK_OBJECT_HANDLE made = ck_create(bench.session, base, COUNT(base));

	(void)state;
	EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha1(), NULL);
	assert_bytes(made, CKA_CHECK_VALUE, hash, CHECK_SIZE);
	assert_bytes(made, CKA_PUBLIC_KEY_INFO, info, (size_t)info_len);
	WITH(CKR_OK, base, BYTES_OF(CKA_CHECK_VALUE, hash, CHECK_SIZE));
	assert_bytes(WITH(CKR_OK, base, BYTES_OF(CKA_CHECK_VALUE, NULL, 0)), CKA_CHECK_VALUE, "", 0);
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, base, BYTES_OF(CKA_CHECK_VALUE, "xyz", 3));
	WITH(CKR_OK, base, BYTES_OF(CKA_PUBLIC_KEY_INFO, info, (size_t)info_len));
	info[40] ^= 1;
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, base, BYTES_OF(CKA_PUBLIC_KEY_INFO, info, (size_t)info_len));
	/* a session's public key has no check value */
	assert_int_equal(ck_attribute_rv(bench.session, ck_public(bench.session, ck_rsa(2048)),
					 CKA_CHECK_VALUE),
			 CKR_ATTRIBUTE_TYPE_INVALID);
	OPENSSL_free(der);
	OPENSSL_free(info);
	X509_free(x);
}

/* ---- lists ---- */

static void a_list_of_mechanisms_is_kept(void **state)
{
	CK_MECHANISM_TYPE two[] = {CKM_AES_CBC, CKM_AES_GCM};
	CK_OBJECT_HANDLE key = WITH(CKR_OK, aes, BYTES_OF(CKA_ALLOWED_MECHANISMS, two, sizeof two)), found[4];
	CK_ATTRIBUTE by_list = BYTES_OF(CKA_ALLOWED_MECHANISMS, two, sizeof two);

	(void)state;
	assert_bytes(key, CKA_ALLOWED_MECHANISMS, two, sizeof two);
	assert_int_equal(find_objects(bench.session, &by_list, 1, found, COUNT(found)), 1);
	assert_bytes(WITH(CKR_OK, aes, BYTES_OF(CKA_ALLOWED_MECHANISMS, NULL, 0)), CKA_ALLOWED_MECHANISMS, "",
		     0);
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, aes, BYTES_OF(CKA_ALLOWED_MECHANISMS, two, sizeof two - 1));
	WITH(CKR_ATTRIBUTE_TYPE_INVALID, data, BYTES_OF(CKA_ALLOWED_MECHANISMS, two, sizeof two));
	assert_int_equal(ck_set(bench.session, key, CKA_ALLOWED_MECHANISMS, two, sizeof *two),
			 CKR_ATTRIBUTE_READ_ONLY);
	/* the card's keys have no list */
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	assert_bytes(key, CKA_ALLOWED_MECHANISMS, "", 0);
	assert_bytes(key, CKA_UNWRAP_TEMPLATE, "", 0);
	assert_bytes(find_one(bench.session, CKO_PUBLIC_KEY, "SIGN"), CKA_WRAP_TEMPLATE, "", 0);
}

static void a_template_in_a_template_is_kept_and_filled_in(void **state)
{
	CK_ATTRIBUTE inner[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), BYTES_OF(CKA_LABEL, "abcde", 5)};
	CK_OBJECT_HANDLE key = WITH(CKR_OK, aes, BYTES_OF(CKA_WRAP_TEMPLATE, inner, sizeof inner)), found[4];
	CK_ATTRIBUTE by_template = BYTES_OF(CKA_WRAP_TEMPLATE, inner, sizeof inner);
	CK_ATTRIBUTE back[2] = {{0}}, outer = {CKA_WRAP_TEMPLATE, NULL, 0};
	CK_ULONG klass = 0;
	char label[5];

	(void)state;
	memcpy(label, "abcde", 5);
	assert_int_equal(C_GetAttributeValue(bench.session, key, &outer, 1), CKR_OK);
	assert_int_equal(outer.ulValueLen, sizeof inner);
	outer = (CK_ATTRIBUTE){CKA_WRAP_TEMPLATE, back, sizeof back - 1};
	assert_int_equal(C_GetAttributeValue(bench.session, key, &outer, 1), CKR_BUFFER_TOO_SMALL);
	outer.ulValueLen = sizeof back; /* types and lengths first */
	assert_int_equal(C_GetAttributeValue(bench.session, key, &outer, 1), CKR_OK);
	assert_int_equal(back[0].type, CKA_CLASS);
	assert_int_equal(back[0].ulValueLen, sizeof klass);
	assert_int_equal(back[1].type, CKA_LABEL);
	assert_int_equal(back[1].ulValueLen, 5);
	back[0].pValue = &klass;
	back[1].pValue = label;
	back[1].ulValueLen = 4;
	assert_int_equal(C_GetAttributeValue(bench.session, key, &outer, 1), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(klass, CKO_SECRET_KEY);
	assert_int_equal(back[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
	back[1].ulValueLen = 5;
	memset(label, 0, sizeof label);
	assert_int_equal(C_GetAttributeValue(bench.session, key, &outer, 1), CKR_OK);
	assert_memory_equal(label, "abcde", 5);
	assert_int_equal(find_objects(bench.session, &by_template, 1, found, COUNT(found)), 1);
	inner[1].ulValueLen = 4;
	assert_int_equal(find_objects(bench.session, &by_template, 1, found, COUNT(found)), 0);
}

static void a_template_in_a_template_has_whole_entries(void **state)
{
	CK_ATTRIBUTE nested = {CKA_WRAP_TEMPLATE, NULL, 0}, lost = {CKA_LABEL, NULL, 3};
	CK_ATTRIBUTE unknown = {CKA_LABEL, (void *)8, CK_UNAVAILABLE_INFORMATION};
	CK_ATTRIBUTE fine = BYTES_OF(CKA_LABEL, "a", 1);

	(void)state;
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, aes, BYTES_OF(CKA_WRAP_TEMPLATE, &nested, sizeof nested));
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, aes, BYTES_OF(CKA_WRAP_TEMPLATE, &lost, sizeof lost));
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, aes, BYTES_OF(CKA_UNWRAP_TEMPLATE, &unknown, sizeof unknown));
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, aes, BYTES_OF(CKA_WRAP_TEMPLATE, &fine, sizeof fine - 1));
	WITH(CKR_OK, aes, BYTES_OF(CKA_UNWRAP_TEMPLATE, &fine, sizeof fine));
	WITH(CKR_OK, aes, BYTES_OF(CKA_WRAP_TEMPLATE, NULL, 0));
}

static void a_template_in_a_template_does_not_contradict_itself(void **state)
{
	CK_ATTRIBUTE twice[] = {BYTES_OF(CKA_LABEL, "a", 1), BYTES_OF(CKA_ID, "b", 1),
				BYTES_OF(CKA_LABEL, "a", 1)};

	(void)state;
	WITH(CKR_OK, aes, BYTES_OF(CKA_WRAP_TEMPLATE, twice, sizeof twice));
	twice[2].pValue = (char *)"b";
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, aes, BYTES_OF(CKA_WRAP_TEMPLATE, twice, sizeof twice));
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, aes, BYTES_OF(CKA_UNWRAP_TEMPLATE, twice, sizeof twice));
	twice[2].ulValueLen = 0;
	WITH(CKR_ATTRIBUTE_VALUE_INVALID, aes, BYTES_OF(CKA_UNWRAP_TEMPLATE, twice, sizeof twice));
}

/* ---- how many ---- */

static int setup_few(void **state)
{
	home_make();
	home_write("twcard.conf", "session-objects = 5\ncache = no\n", 0600);
	return bench_setup_session(state);
}

static int setup_unlimited(void **state)
{
	home_make();
	home_write("twcard.conf", "session-objects = 0\ncache = no\n", 0600);
	return bench_setup_session(state);
}

static int teardown_few(void **state)
{
	home_write("twcard.conf", "cache = no\n", 0600);
	return bench_teardown(state);
}

static void there_is_an_end_to_session_objects(void **state)
{
	CK_MECHANISM generate = {CKM_DES3_KEY_GEN, NULL, 0};
	CK_SESSION_HANDLE second = open_session(bench.slot);
	CK_OBJECT_HANDLE objects[5], more, found[4];

	(void)state;
	assert_int_equal(find_class(bench.session, CKO_PROFILE, found, COUNT(found)), 3); /* not counted */
	for (size_t i = 0; i < COUNT(objects); i++)
		objects[i] = ck_data(i % 2 ? bench.session : second, "x");
	refuse(CKR_DEVICE_MEMORY, (CK_ATTRIBUTE *)data, COUNT(data));
	assert_int_equal(C_CopyObject(bench.session, objects[0], NULL, 0, &more), CKR_DEVICE_MEMORY);
	assert_int_equal(C_GenerateKey(bench.session, &generate, NULL, 0, &more), CKR_DEVICE_MEMORY);
	/* one goes, one may come */
	assert_int_equal(C_DestroyObject(bench.session, objects[1]), CKR_OK);
	ck_data(bench.session, "y");
	refuse(CKR_DEVICE_MEMORY, (CK_ATTRIBUTE *)data, COUNT(data));
	assert_int_equal(C_CloseSession(second), CKR_OK); /* takes three along */
	for (size_t i = 0; i < 3; i++)
		ck_data(bench.session, "z");
	refuse(CKR_DEVICE_MEMORY, (CK_ATTRIBUTE *)data, COUNT(data));
}

static void and_to_what_is_in_them(void **state)
{
	static unsigned char large[5 * 4096];
	CK_OBJECT_HANDLE object = ck_data(bench.session, "x");

	(void)state;
	WITH(CKR_DEVICE_MEMORY, data, BYTES_OF(CKA_VALUE, large, sizeof large));
	WITH(CKR_OK, data, BYTES_OF(CKA_VALUE, large, sizeof large / 2));
	assert_int_equal(ck_set(bench.session, object, CKA_VALUE, large, sizeof large / 2),
			 CKR_DEVICE_MEMORY);
	assert_bytes(object, CKA_VALUE, "", 0);
	assert_bytes(object, CKA_LABEL, "x", 1);
	/* a value that grew counts, and one that shrank does not */
	assert_int_equal(ck_set(bench.session, object, CKA_VALUE, large, sizeof large / 4), CKR_OK);
	WITH(CKR_DEVICE_MEMORY, data, BYTES_OF(CKA_VALUE, large, sizeof large / 4));
	assert_int_equal(ck_set(bench.session, object, CKA_VALUE, "", 0), CKR_OK);
	assert_int_equal(C_DestroyObject(bench.session,
					 WITH(CKR_OK, data, BYTES_OF(CKA_VALUE, large, sizeof large / 4))),
			 CKR_OK);
	for (int i = 0; i < 10; i++) { /* what was taken is given back */
		assert_int_equal(ck_set(bench.session, object, CKA_VALUE, large, sizeof large / 4), CKR_OK);
		assert_int_equal(ck_set(bench.session, object, CKA_VALUE, "", 0), CKR_OK);
	}
}

static void no_limit_is_none(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++)
		ck_data(bench.session, "x");
}

/* ---- names ---- */

/* Without the disk cache nobody has asked for the card's number before. */
static void a_unique_id_is_of_the_cards_number_also_if_that_was_not_read(void **state)
{
	struct vcard *other = testcard_load_other();
	char first[40] = {0}, again[40] = {0}, second[40] = {0};
	CK_OBJECT_HANDLE object = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	CK_TOKEN_INFO info;

	(void)state;
	get_attribute(bench.session, object, CKA_UNIQUE_ID, first, sizeof first - 1);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	fake_new_commands(READER);
	get_attribute(bench.session, object, CKA_UNIQUE_ID, again, sizeof again - 1);
	assert_int_equal(fake_new_commands(READER), 0);
	assert_string_equal(first, again);
	fake_eject(READER);
	fake_insert(READER, other);
	bench.session = open_session(bench.slot);
	object = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	get_attribute(bench.session, object, CKA_UNIQUE_ID, second, sizeof second - 1);
	assert_string_not_equal(first, second);
	fake_eject(READER);
	vcard_free(&other);
}

#define LIMIT_TEST(f, setup) cmocka_unit_test_setup_teardown(f, setup, teardown_few)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(a_date_is_a_day_of_the_calendar_or_empty),
		SESSION_TEST(every_month_has_its_days),
		SESSION_TEST(a_certificate_keeps_its_dates),
		SESSION_TEST(numbers_of_a_certificate_are_among_the_standards),
		SESSION_TEST(a_certificate_has_the_attributes_of_the_cards),
		SESSION_TEST(a_certificate_is_here_or_elsewhere),
		SESSION_TEST(a_length_that_is_none_is_never_read),
		SESSION_TEST(what_a_failed_question_left_is_no_room),
		SESSION_TEST(a_des_key_has_odd_parity),
		SESSION_TEST(what_is_no_rsa_key_is_refused),
		SESSION_TEST(a_public_key_tells_its_key_info),
		LOGIN_TEST(a_key_of_the_card_tells_its_certificates_subject),
		SESSION_TEST(a_key_that_was_given_was_not_always_sensitive),
		SESSION_TEST(a_secret_key_has_the_standards_check_value),
		SESSION_TEST(a_generated_key_has_one_too_also_if_it_is_not_shown),
		SESSION_TEST(a_certificates_check_value_and_key_are_its_own),
		LOGIN_TEST(a_list_of_mechanisms_is_kept),
		SESSION_TEST(a_template_in_a_template_is_kept_and_filled_in),
		SESSION_TEST(a_template_in_a_template_has_whole_entries),
		SESSION_TEST(a_template_in_a_template_does_not_contradict_itself),
		LIMIT_TEST(there_is_an_end_to_session_objects, setup_few),
		LIMIT_TEST(and_to_what_is_in_them, setup_few),
		LIMIT_TEST(no_limit_is_none, setup_unlimited),
		LIMIT_TEST(a_unique_id_is_of_the_cards_number_also_if_that_was_not_read, setup_few),
	};

	return cmocka_run_group_tests_name("values in templates", tests, NULL, NULL);
}
