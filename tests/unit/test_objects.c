/* Objects: which there are, in which order, and what is to be known of them. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "testcard.h"

#define UNAVAILABLE ((CK_ULONG)-1)

static void assert_text(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const char *want)
{
	char got[100];
	size_t len = get_attribute(bench.session, object, type, got, sizeof got);

	assert_int_equal(len, strlen(want));
	assert_memory_equal(got, want, len);
}

static void assert_bool(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, CK_BBOOL want)
{
	CK_BBOOL got = 2;

	assert_int_equal(get_attribute(bench.session, object, type, &got, 1), 1);
	assert_int_equal(got, want);
}

/* ---- finding ---- */

static void public_objects_are_seen_without_login_in_order(void **state)
{
	static const struct {
		CK_OBJECT_CLASS klass;
		const char *label, *id;
	} want[] = {
		{CKO_CERTIFICATE, "cert1", "SIGN"},
		{CKO_CERTIFICATE, "cert2", "KEYX"},
		{CKO_CERTIFICATE, "ROOT CA Cert", "ROOTCACert"},
		{CKO_CERTIFICATE, "CA Cert", "CACert"},
		{CKO_PUBLIC_KEY, "k1", "SIGN"},
		{CKO_PUBLIC_KEY, "k1", "KEYX"},
		{CKO_PUBLIC_KEY, "k3", "SIGN02"},
		{CKO_DATA, NULL, NULL},
		{CKO_DATA, NULL, NULL},
	};
	CK_OBJECT_HANDLE found[32], again[32];
	size_t count = find_objects(bench.session, NULL, 0, found, COUNT(found));

	(void)state;
	assert_int_equal(count, COUNT(want));
	for (size_t i = 0; i < count; i++) {
		CK_OBJECT_CLASS klass = 0;

		get_attribute(bench.session, found[i], CKA_CLASS, &klass, sizeof klass);
		assert_int_equal(klass, want[i].klass);
		if (want[i].label)
			assert_text(found[i], CKA_LABEL, want[i].label);
		if (want[i].id)
			assert_text(found[i], CKA_ID, want[i].id);
	}
	assert_int_equal(find_objects(bench.session, NULL, 0, again, COUNT(again)), count);
	assert_memory_equal(found, again, count * sizeof *found);
}

static void private_keys_are_seen_after_login_only(void **state)
{
	CK_OBJECT_HANDLE found[8];

	(void)state;
	assert_int_equal(find_class(bench.session, CKO_PRIVATE_KEY, found, COUNT(found)), 0);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(find_class(bench.session, CKO_PRIVATE_KEY, found, COUNT(found)), 3);
	assert_text(found[0], CKA_ID, "SIGN");
	assert_text(found[1], CKA_ID, "KEYX");
	assert_text(found[2], CKA_ID, "SIGN02");
	assert_bool(found[0], CKA_PRIVATE, CK_TRUE);
}

static void private_handles_die_at_logout_and_do_not_come_back(void **state)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	CK_OBJECT_HANDLE cert = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	char label[64];
	CK_ATTRIBUTE a = {CKA_LABEL, label, sizeof label};

	(void)state;
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(C_GetAttributeValue(bench.session, key, &a, 1),
			 CKR_OBJECT_HANDLE_INVALID);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_RSA_PKCS), key),
			 CKR_KEY_HANDLE_INVALID);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_not_equal(find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), key);
	assert_text(cert, CKA_LABEL, "cert1");
}

static void a_search_across_a_logout_does_not_show_private_keys(void **state)
{
	CK_OBJECT_HANDLE found[32];
	CK_ULONG count = 0;

	(void)state;
	assert_int_equal(C_FindObjectsInit(bench.session, NULL, 0), CKR_OK);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(C_FindObjects(bench.session, found, COUNT(found), &count), CKR_OK);
	assert_int_equal(count, 4 + 3 + 2);
	assert_int_equal(C_FindObjectsFinal(bench.session), CKR_OK);
}

static size_t count_matches(CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_OBJECT_HANDLE found[32];

	return find_objects(bench.session, template, count, found, COUNT(found));
}

static void a_template_selects_by_every_attribute(void **state)
{
	CK_OBJECT_CLASS cert = CKO_CERTIFICATE, key = CKO_PUBLIC_KEY;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE by_id[] = {TEXT_ATTRIBUTE(CKA_ID, "SIGN")};
	CK_ATTRIBUTE by_class_and_id[] = {{CKA_CLASS, &key, sizeof key}, TEXT_ATTRIBUTE(CKA_ID, "KEYX")};
	CK_ATTRIBUTE by_label[] = {TEXT_ATTRIBUTE(CKA_LABEL, "k1")};
	CK_ATTRIBUTE on_token[] = {{CKA_TOKEN, &yes, 1}, {CKA_CLASS, &cert, sizeof cert}};
	CK_ATTRIBUTE in_session[] = {{CKA_TOKEN, &no, 1}};
	CK_ATTRIBUTE verifying[] = {{CKA_VERIFY, &yes, 1}};

	(void)state;
	assert_int_equal(count_matches(by_id, 1), 2); /* certificate and public key */
	assert_int_equal(count_matches(by_class_and_id, 2), 1);
	assert_int_equal(count_matches(by_label, 1), 2);
	assert_int_equal(count_matches(on_token, 2), 4);
	assert_int_equal(count_matches(in_session, 1), 0);
	assert_int_equal(count_matches(verifying, 1), 2);
}

static void a_template_that_fits_nothing_finds_nothing(void **state)
{
	CK_OBJECT_CLASS nonsense = 0x12345678;
	CK_ATTRIBUTE prefix[] = {TEXT_ATTRIBUTE(CKA_ID, "SIG")};
	CK_ATTRIBUTE empty[] = {{CKA_ID, NULL, 0}};
	CK_ATTRIBUTE unknown[] = {TEXT_ATTRIBUTE(CKA_VENDOR_DEFINED | 1, "x")};
	CK_ATTRIBUTE klass[] = {{CKA_CLASS, &nonsense, sizeof nonsense}};
	CK_ATTRIBUTE short_class[] = {{CKA_CLASS, &nonsense, 1}};

	(void)state;
	assert_int_equal(count_matches(prefix, 1), 0);
	assert_int_equal(count_matches(empty, 1), 0);
	assert_int_equal(count_matches(unknown, 1), 0);
	assert_int_equal(count_matches(klass, 1), 0);
	assert_int_equal(count_matches(short_class, 1), 0);
}

static void a_search_is_one_at_a_time_and_ends(void **state)
{
	CK_OBJECT_HANDLE found[4];
	CK_ULONG count, total = 0;

	(void)state;
	assert_int_equal(C_FindObjects(bench.session, found, 1, &count),
			 CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_FindObjectsFinal(bench.session), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_FindObjectsInit(bench.session, NULL, 0), CKR_OK);
	assert_int_equal(C_FindObjectsInit(bench.session, NULL, 0), CKR_OPERATION_ACTIVE);
	do {
		assert_int_equal(C_FindObjects(bench.session, found, COUNT(found), &count), CKR_OK);
		total += count;
	} while (count);
	assert_int_equal(total, 9);
	assert_int_equal(C_FindObjectsFinal(bench.session), CKR_OK);
}

static void a_search_reads_only_the_directories_it_needs(void **state)
{
	CK_OBJECT_HANDLE found[8];
	unsigned one, all;

	(void)state;
	fake_new_commands(READER);
	find_class(bench.session, CKO_CERTIFICATE, found, COUNT(found));
	one = fake_new_commands(READER);
	find_class(bench.session, CKO_CERTIFICATE, found, COUNT(found));
	assert_int_equal(fake_new_commands(READER), 0);
	find_objects(bench.session, NULL, 0, found, COUNT(found));
	all = fake_new_commands(READER);
	assert_true(one > 0 && all > 0);
	find_objects(bench.session, NULL, 0, found, COUNT(found));
	assert_int_equal(fake_new_commands(READER), 0);
}

/* ---- attributes ---- */

static void a_public_key_has_the_cards_modulus(void **state)
{
	static const struct {
		const char *id;
		unsigned ref;
	} keys[] = {{"SIGN", KEY_SIGN}, {"KEYX", KEY_KEYX}, {"SIGN02", KEY_SIGN02}};

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PUBLIC_KEY, keys[i].id);
		EVP_PKEY *pkey = vcard_public_key(bench.card, keys[i].ref);
		unsigned char want[256], got[256];
		CK_ULONG bits = 0;
		BIGNUM *n = NULL;

		assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
		assert_int_equal(BN_bn2binpad(n, want, sizeof want), sizeof want);
		assert_int_equal(get_attribute(bench.session, key, CKA_MODULUS, got, sizeof got), 256);
		assert_memory_equal(got, want, sizeof want);
		get_attribute(bench.session, key, CKA_MODULUS_BITS, &bits, sizeof bits);
		assert_int_equal(bits, 2048);
		assert_int_equal(get_attribute(bench.session, key, CKA_PUBLIC_EXPONENT, got, sizeof got),
				 3);
		assert_memory_equal(got, "\x01\x00\x01", 3);
		BN_free(n);
		EVP_PKEY_free(pkey);
	}
}

static void a_certificate_is_the_cards(void **state)
{
	static const struct {
		const char *id;
		enum vcard_cert which;
	} certs[] = {{"SIGN", VCARD_CERT_SIGN}, {"KEYX", VCARD_CERT_ENCRYPT},
		     {"ROOTCACert", VCARD_CERT_ROOT}, {"CACert", VCARD_CERT_CA}};
	unsigned char got[4096];

	(void)state;
	for (size_t i = 0; i < COUNT(certs); i++) {
		CK_OBJECT_HANDLE cert = find_one(bench.session, CKO_CERTIFICATE, certs[i].id);
		X509 *x = vcard_certificate(bench.card, certs[i].which);
		unsigned char *der = NULL, *subject = NULL;
		int len = i2d_X509(x, &der), name_len = i2d_X509_NAME(X509_get_subject_name(x), &subject);

		assert_int_equal(get_attribute(bench.session, cert, CKA_VALUE, got, sizeof got), len);
		assert_memory_equal(got, der, len);
		assert_int_equal(get_attribute(bench.session, cert, CKA_SUBJECT, got, sizeof got),
				 name_len);
		assert_memory_equal(got, subject, name_len);
		OPENSSL_free(subject);
		OPENSSL_free(der);
		X509_free(x);
	}
}

static void certificate_categories_tell_holder_from_authority(void **state)
{
	CK_ULONG category = 99;

	(void)state;
	get_attribute(bench.session, find_one(bench.session, CKO_CERTIFICATE, "SIGN"),
		      CKA_CERTIFICATE_CATEGORY, &category, sizeof category);
	assert_int_equal(category, CK_CERTIFICATE_CATEGORY_TOKEN_USER);
	get_attribute(bench.session, find_one(bench.session, CKO_CERTIFICATE, "CACert"),
		      CKA_CERTIFICATE_CATEGORY, &category, sizeof category);
	assert_int_equal(category, CK_CERTIFICATE_CATEGORY_AUTHORITY);
}

static void a_private_key_tells_its_uses_and_its_public_half(void **state)
{
	CK_OBJECT_HANDLE sign = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	CK_OBJECT_HANDLE keyx = find_one(bench.session, CKO_PRIVATE_KEY, "KEYX");
	unsigned char a[256], b[256];

	(void)state;
	assert_bool(sign, CKA_SIGN, CK_TRUE);
	assert_bool(sign, CKA_DECRYPT, CK_FALSE);
	assert_bool(keyx, CKA_SIGN, CK_FALSE);
	assert_bool(keyx, CKA_DECRYPT, CK_TRUE);
	assert_bool(sign, CKA_SENSITIVE, CK_TRUE);
	assert_bool(sign, CKA_EXTRACTABLE, CK_FALSE);
	assert_bool(sign, CKA_ALWAYS_AUTHENTICATE, CK_FALSE);
	get_attribute(bench.session, sign, CKA_MODULUS, a, sizeof a);
	get_attribute(bench.session, find_one(bench.session, CKO_PUBLIC_KEY, "SIGN"), CKA_MODULUS,
		      b, sizeof b);
	assert_memory_equal(a, b, sizeof a);
	assert_int_equal(get_attribute(bench.session, sign, CKA_PUBLIC_EXPONENT, a, sizeof a), 3);
}

static void a_data_object_tells_its_identifiers_content_bytes(void **state)
{
	CK_OBJECT_HANDLE found[4];
	unsigned char oid[32], value[4096];

	(void)state;
	assert_int_equal(find_class(bench.session, CKO_DATA, found, COUNT(found)), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(get_attribute(bench.session, found[i], CKA_OBJECT_ID, oid, sizeof oid) > 0);
		assert_int_not_equal(oid[0], 0x06); /* not the tag */
		assert_true(get_attribute(bench.session, found[i], CKA_VALUE, value, sizeof value) > 0);
	}
}

/* Every entry gets its own answer, whatever the others got (PKCS#11 5.7.5). */
static void the_whole_template_is_worked_through(void **state)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	unsigned char secret[256] = {0}, tiny[2], id[16], unknown[8];
	CK_ATTRIBUTE template[] = {
		{CKA_PRIVATE_EXPONENT, secret, sizeof secret},
		{CKA_LABEL, NULL, 0},
		{CKA_MODULUS, tiny, sizeof tiny},
		{CKA_VENDOR_DEFINED | 7, unknown, sizeof unknown},
		{CKA_ID, id, sizeof id},
	};

	(void)state;
	assert_int_equal(C_GetAttributeValue(bench.session, key, template, COUNT(template)),
			 CKR_ATTRIBUTE_SENSITIVE);
	assert_int_equal(template[0].ulValueLen, UNAVAILABLE);
	assert_int_equal(template[1].ulValueLen, 2);
	assert_int_equal(template[2].ulValueLen, UNAVAILABLE);
	assert_int_equal(template[3].ulValueLen, UNAVAILABLE);
	assert_int_equal(template[4].ulValueLen, 4);
	assert_memory_equal(id, "SIGN", 4);
	for (size_t i = 0; i < sizeof secret; i++)
		assert_int_equal(secret[i], 0);
}

static void each_kind_of_refusal_has_its_code(void **state)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	CK_OBJECT_HANDLE cert = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	unsigned char small[1];
	CK_ATTRIBUTE sensitive = {CKA_PRIME_1, NULL, 0}, short_one = {CKA_LABEL, small, 1};
	CK_ATTRIBUTE unknown = {CKA_MODULUS, NULL, 0}, exact = {CKA_TOKEN, small, 1};

	(void)state;
	assert_int_equal(C_GetAttributeValue(bench.session, key, &sensitive, 1),
			 CKR_ATTRIBUTE_SENSITIVE);
	assert_int_equal(C_GetAttributeValue(bench.session, cert, &unknown, 1),
			 CKR_ATTRIBUTE_TYPE_INVALID);
	assert_int_equal(C_GetAttributeValue(bench.session, cert, &short_one, 1),
			 CKR_BUFFER_TOO_SMALL);
	assert_int_equal(short_one.ulValueLen, UNAVAILABLE);
	assert_int_equal(C_GetAttributeValue(bench.session, cert, &exact, 1), CKR_OK);
}

/* Every boolean that the standard defines for the class is answered (behaviour 20). */
static void every_boolean_of_a_class_is_answered(void **state)
{
	static const CK_ATTRIBUTE_TYPE of_private[] = {
		CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE, CKA_DERIVE, CKA_LOCAL, CKA_SENSITIVE,
		CKA_DECRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_UNWRAP, CKA_EXTRACTABLE,
		CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_WRAP_WITH_TRUSTED,
		CKA_ALWAYS_AUTHENTICATE};
	static const CK_ATTRIBUTE_TYPE of_public[] = {
		CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE, CKA_DERIVE, CKA_LOCAL, CKA_ENCRYPT, CKA_VERIFY,
		CKA_VERIFY_RECOVER, CKA_WRAP, CKA_TRUSTED};
	static const CK_ATTRIBUTE_TYPE of_cert[] = {CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE,
						    CKA_TRUSTED};
	const struct {
		CK_OBJECT_CLASS klass;
		const CK_ATTRIBUTE_TYPE *types;
		size_t count;
	} classes[] = {{CKO_PRIVATE_KEY, of_private, COUNT(of_private)},
		       {CKO_PUBLIC_KEY, of_public, COUNT(of_public)},
		       {CKO_CERTIFICATE, of_cert, COUNT(of_cert)}};

	(void)state;
	for (size_t i = 0; i < COUNT(classes); i++) {
		CK_OBJECT_HANDLE object = find_one(bench.session, classes[i].klass, "SIGN");

		for (size_t k = 0; k < classes[i].count; k++) {
			CK_BBOOL value = 2;

			assert_int_equal(get_attribute(bench.session, object, classes[i].types[k],
						       &value, sizeof value),
					 sizeof value);
			assert_in_range(value, CK_FALSE, CK_TRUE);
		}
	}
}

static void what_the_directory_tells_needs_no_further_command(void **state)
{
	CK_OBJECT_HANDLE cert = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	unsigned char value[2048];

	(void)state;
	fake_new_commands(READER);
	get_attribute(bench.session, cert, CKA_LABEL, value, sizeof value);
	get_attribute(bench.session, cert, CKA_SUBJECT, value, sizeof value);
	get_attribute(bench.session, cert, CKA_ISSUER, value, sizeof value);
	get_attribute(bench.session, cert, CKA_SERIAL_NUMBER, value, sizeof value);
	assert_int_equal(fake_new_commands(READER), 0);
	get_attribute(bench.session, cert, CKA_VALUE, value, sizeof value);
	assert_true(fake_new_commands(READER) > 0);
	get_attribute(bench.session, cert, CKA_VALUE, value, sizeof value);
	assert_int_equal(fake_new_commands(READER), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(public_objects_are_seen_without_login_in_order),
		SESSION_TEST(private_keys_are_seen_after_login_only),
		LOGIN_TEST(private_handles_die_at_logout_and_do_not_come_back),
		LOGIN_TEST(a_search_across_a_logout_does_not_show_private_keys),
		SESSION_TEST(a_template_selects_by_every_attribute),
		SESSION_TEST(a_template_that_fits_nothing_finds_nothing),
		SESSION_TEST(a_search_is_one_at_a_time_and_ends),
		SESSION_TEST(a_search_reads_only_the_directories_it_needs),
		SESSION_TEST(a_public_key_has_the_cards_modulus),
		SESSION_TEST(a_certificate_is_the_cards),
		SESSION_TEST(certificate_categories_tell_holder_from_authority),
		LOGIN_TEST(a_private_key_tells_its_uses_and_its_public_half),
		SESSION_TEST(a_data_object_tells_its_identifiers_content_bytes),
		LOGIN_TEST(the_whole_template_is_worked_through),
		LOGIN_TEST(each_kind_of_refusal_has_its_code),
		LOGIN_TEST(every_boolean_of_a_class_is_answered),
		SESSION_TEST(what_the_directory_tells_needs_no_further_command),
	};

	return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
