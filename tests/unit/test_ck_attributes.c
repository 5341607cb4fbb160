/* Attributes that PKCS#11 3.0 wants of the card's objects, against OpenSSL; and the vendor's PIN codes. */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "ck_objects.h"
#include "gen2card.h"

static const struct {
	const char *id;
	enum vcard_cert which;
	CK_ULONG category;
} certificates[] = {
	{"SIGN", VCARD_CERT_SIGN, CK_CERTIFICATE_CATEGORY_TOKEN_USER},
	{"KEYX", VCARD_CERT_ENCRYPT, CK_CERTIFICATE_CATEGORY_TOKEN_USER},
	{"CACert", VCARD_CERT_CA, CK_CERTIFICATE_CATEGORY_AUTHORITY},
	{"ROOTCACert", VCARD_CERT_ROOT, CK_CERTIFICATE_CATEGORY_AUTHORITY},
};

/* The attribute is there and has these bytes, which are freed. */
static void assert_der(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, unsigned char *der, int len)
{
	unsigned char value[4096];

	assert_true(len > 0);
	assert_int_equal(get_attribute(bench.session, object, type, value, sizeof value), len);
	assert_memory_equal(value, der, len);
	OPENSSL_free(der);
}

static void assert_date(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const ASN1_TIME *time)
{
	char wanted[16], value[8];
	struct tm tm;

	assert_int_equal(ASN1_TIME_to_tm(time, &tm), 1);
	strftime(wanted, sizeof wanted, "%Y%m%d", &tm);
	assert_int_equal(get_attribute(bench.session, object, type, value, sizeof value), 8);
	assert_memory_equal(value, wanted, 8);
}

static void a_certificates_attributes_are_what_openssl_reads_in_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(certificates); i++) {
		CK_OBJECT_HANDLE object = find_one(bench.session, CKO_CERTIFICATE, certificates[i].id);
		X509 *x = vcard_certificate(bench.card, certificates[i].which);
		unsigned char *der = NULL, hash[EVP_MAX_MD_SIZE], value[8];
		int len = i2d_X509(x, &der);

		EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha1(), NULL);
		assert_int_equal(get_attribute(bench.session, object, CKA_CHECK_VALUE, value, sizeof value),
				 3);
		assert_memory_equal(value, hash, 3);
		assert_der(object, CKA_VALUE, der, len);
		der = NULL;
		len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
		assert_der(object, CKA_PUBLIC_KEY_INFO, der, len);
		der = NULL;
		len = i2d_X509_NAME(X509_get_subject_name(x), &der);
		assert_der(object, CKA_SUBJECT, der, len);
		assert_date(object, CKA_START_DATE, X509_get0_notBefore(x));
		assert_date(object, CKA_END_DATE, X509_get0_notAfter(x));
		assert_int_equal(ck_ulong(bench.session, object, CKA_CERTIFICATE_CATEGORY),
				 certificates[i].category);
		X509_free(x);
	}
}

static void a_certificate_has_no_url_and_no_hashes(void **state)
{
	static const CK_ATTRIBUTE_TYPE empty[] = {CKA_URL, CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
						  CKA_HASH_OF_ISSUER_PUBLIC_KEY};
	CK_OBJECT_HANDLE object = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	unsigned char value[4];

	(void)state;
	for (size_t i = 0; i < COUNT(empty); i++)
		assert_int_equal(get_attribute(bench.session, object, empty[i], value, sizeof value), 0);
	assert_int_equal(ck_ulong(bench.session, object, CKA_JAVA_MIDP_SECURITY_DOMAIN),
			 CK_SECURITY_DOMAIN_UNSPECIFIED);
	assert_int_equal(ck_ulong(bench.session, object, CKA_CERTIFICATE_TYPE), CKC_X_509);
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_MODULUS), CKR_ATTRIBUTE_TYPE_INVALID);
}

/* The same id on all three, and the same key in them. */
/* What holds for every card, and so is in no directory of one. */
static void objects_of_the_card_are_what_they_are(void **state)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		CK_ULONG value;
	} wanted[] = {
		{CKA_TOKEN, CK_TRUE}, {CKA_MODIFIABLE, CK_FALSE}, {CKA_COPYABLE, CK_FALSE},
		{CKA_DESTROYABLE, CK_FALSE}, {CKA_TRUSTED, CK_FALSE}, {CKA_DERIVE, CK_FALSE},
		{CKA_SENSITIVE, CK_TRUE}, {CKA_EXTRACTABLE, CK_FALSE}, {CKA_WRAP_WITH_TRUSTED, CK_FALSE},
		{CKA_ALWAYS_AUTHENTICATE, CK_FALSE}, {CKA_CERTIFICATE_TYPE, CKC_X_509},
		{CKA_NAME_HASH_ALGORITHM, CKM_SHA_1}, {CKA_KEY_TYPE, CKK_RSA},
		{CKA_JAVA_MIDP_SECURITY_DOMAIN, CK_SECURITY_DOMAIN_UNSPECIFIED},
		{CKA_KEY_GEN_MECHANISM, CK_UNAVAILABLE_INFORMATION},
	};
	CK_OBJECT_HANDLE found[32];
	size_t n = find_objects(bench.session, NULL, 0, found, COUNT(found));

	(void)state;
	assert_true(n > 8);
	for (size_t k = 0; k < COUNT(wanted); k++) {
		unsigned have = 0;

		for (size_t i = 0; i < n; i++) {
			CK_ULONG value = 0;

			if (ck_attribute_rv(bench.session, found[i], wanted[k].type) != CKR_OK)
				continue;
			if (get_attribute(bench.session, found[i], wanted[k].type, &value, sizeof value) == 1)
				value = *(CK_BBOOL *)&value;
			assert_int_equal(value, wanted[k].value);
			have++;
		}
		assert_true(have > 0);
	}
}

static void keys_and_certificates_belong_together(void **state)
{
	static const char *const ids[] = {"SIGN", "KEYX"};

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		CK_OBJECT_HANDLE objects[] = {find_one(bench.session, CKO_CERTIFICATE, ids[i]),
					      find_one(bench.session, CKO_PUBLIC_KEY, ids[i]),
					      find_one(bench.session, CKO_PRIVATE_KEY, ids[i])};
		unsigned char first[600], info[600];
		size_t len = get_attribute(bench.session, objects[0], CKA_PUBLIC_KEY_INFO, first, sizeof first);

		for (size_t k = 1; k < COUNT(objects); k++) {
			assert_int_equal(get_attribute(bench.session, objects[k], CKA_PUBLIC_KEY_INFO, info,
						       sizeof info),
					 len);
			assert_memory_equal(info, first, len);
		}
		assert_int_equal(ck_ulong(bench.session, objects[1], CKA_MODULUS_BITS), 2048);
		assert_false(ck_bool(bench.session, objects[2], CKA_ALWAYS_AUTHENTICATE));
	}
}

/* ---- a damaged certificate fails alone ---- */

static void a_certificate_of_other_bytes_has_no_dates(void **state)
{
	static const CK_ATTRIBUTE_TYPE inside[] = {CKA_START_DATE, CKA_END_DATE, CKA_PUBLIC_KEY_INFO};
	X509 *x = vcard_certificate(bench.card, VCARD_CERT_SIGN);
	unsigned char *der = NULL, copy[0x8000], *at;
	int der_len = i2d_X509(x, &der);
	CK_OBJECT_HANDLE object = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	const uint8_t *data;
	size_t len;

	(void)state;
	assert_true(vcard_file_get(bench.card, "3F00/5030/08F2", &data, &len));
	memcpy(copy, data, len);
	at = memmem(copy, len, der, (size_t)der_len);
	assert_non_null(at);
	memset(at + 4, 0, (size_t)der_len - 4); /* still one object of that length, and nothing in it */
	assert_true(vcard_file_put(bench.card, "3F00/5030/08F2", copy, len));
	for (size_t i = 0; i < COUNT(inside); i++)
		assert_int_equal(ck_attribute_rv(bench.session, object, inside[i]), CKR_DEVICE_ERROR);
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_LABEL), CKR_OK);
	assert_int_equal(ck_attribute_rv(bench.session,
					 find_one(bench.session, CKO_CERTIFICATE, "KEYX"), CKA_END_DATE),
			 CKR_OK);
	OPENSSL_free(der);
	X509_free(x);
}

/* What is no certificate is asked for once in a call, and the rest of the template is filled. */
static void what_cannot_be_read_is_tried_once_and_the_rest_is_told(void **state)
{
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_VALUE, CKA_LABEL, CKA_CHECK_VALUE, CKA_START_DATE,
						  CKA_END_DATE, CKA_ID, CKA_PUBLIC_KEY_INFO};
	X509 *x = vcard_certificate(bench.card, VCARD_CERT_SIGN);
	CK_OBJECT_HANDLE object = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	unsigned char *der = NULL, copy[0x8000];
	int der_len = i2d_X509(x, &der);
	CK_ATTRIBUTE template[COUNT(types)];
	const uint8_t *bytes;
	unsigned once;
	size_t len;

	(void)state;
	assert_true(vcard_file_get(bench.card, "3F00/5030/08F2", &bytes, &len));
	memcpy(copy, bytes, len);
	*(unsigned char *)memmem(copy, len, der, (size_t)der_len) = 0x31;
	assert_true(vcard_file_put(bench.card, "3F00/5030/08F2", copy, len));
	fake_new_commands(READER);
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_VALUE), CKR_DEVICE_ERROR);
	once = fake_new_commands(READER);
	assert_true(once > 0);
	for (size_t i = 0; i < COUNT(types); i++)
		template[i] = (CK_ATTRIBUTE){types[i], NULL, 0};
	assert_int_equal(C_GetAttributeValue(bench.session, object, template, COUNT(types)),
			 CKR_DEVICE_ERROR);
	assert_true(fake_new_commands(READER) <= once);
	for (size_t i = 0; i < COUNT(types); i++) {
		bool known = types[i] == CKA_LABEL || types[i] == CKA_ID;

		assert_int_equal(template[i].ulValueLen == CK_UNAVAILABLE_INFORMATION, !known);
	}
	assert_int_equal(template[1].ulValueLen, 5); /* cert1 */
	OPENSSL_free(der);
	X509_free(x);
}

/* ---- vendor-compat ---- */

static int setup_vendor(void **state)
{
	int failed;

	home_make();
	home_write("twcard.conf", "vendor-compat = yes\ncache = no\n", 0600);
	failed = bench_setup_session(state);
	return failed;
}

static int teardown_vendor(void **state)
{
	home_write("twcard.conf", "cache = no\n", 0600);
	return bench_teardown(state);
}

static void a_wrong_pin_may_be_told_as_the_vendor_does(void **state)
{
	(void)state;
	assert_int_equal(login(bench.session, WRONG_PIN), 0x80000002);
	assert_int_equal(login(bench.session, WRONG_PIN), 0x80000001);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	for (int i = 0; i < 3; i++)
		assert_int_not_equal(login(bench.session, WRONG_PIN), CKR_OK);
	assert_int_equal(login(bench.session, PIN), CKR_PIN_LOCKED);
}

static void by_default_it_is_told_as_the_standard_does(void **state)
{
	(void)state;
	assert_int_equal(login(bench.session, WRONG_PIN), CKR_PIN_INCORRECT);
	assert_int_equal(login(bench.session, WRONG_PIN), CKR_PIN_INCORRECT);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
}

/* ---- more sessions than anybody needs ---- */

static void sessions_that_leak_come_to_an_end(void **state)
{
	CK_SESSION_HANDLE session;
	unsigned opened = 0;
	CK_RV rv;

	(void)state;
	while ((rv = C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session)) == CKR_OK)
		assert_true(++opened < 100000);
	assert_int_equal(rv, CKR_SESSION_COUNT);
	assert_int_equal(C_CloseAllSessions(bench.slot), CKR_OK);
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(a_certificates_attributes_are_what_openssl_reads_in_it),
		SESSION_TEST(a_certificate_has_no_url_and_no_hashes),
		LOGIN_TEST(objects_of_the_card_are_what_they_are),
		LOGIN_TEST(keys_and_certificates_belong_together),
		SESSION_TEST(a_certificate_of_other_bytes_has_no_dates),
		SESSION_TEST(what_cannot_be_read_is_tried_once_and_the_rest_is_told),
		cmocka_unit_test_setup_teardown(a_wrong_pin_may_be_told_as_the_vendor_does, setup_vendor,
						teardown_vendor),
		SESSION_TEST(by_default_it_is_told_as_the_standard_does),
		BENCH_TEST(sessions_that_leak_come_to_an_end),
	};

	return cmocka_run_group_tests_name("attributes", tests, NULL, NULL);
}
