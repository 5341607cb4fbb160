/* Session objects: what can be made, copied, changed and destroyed, and when they end. */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "ck_objects.h"

static const unsigned char bytes16[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* A template that must not make anything. */
static void refuse(CK_RV wanted, CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_OBJECT_HANDLE object, found[16];
	size_t before = find_objects(bench.session, NULL, 0, found, COUNT(found));

	assert_int_equal(ck_try_create(bench.session, template, count, &object), wanted);
	assert_int_equal(object, 0);
	assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), before);
}

#define REFUSED(rv, ...)                                                                           \
	do {                                                                                       \
		CK_ATTRIBUTE refused_[] = {__VA_ARGS__};                                           \
		refuse((rv), refused_, COUNT(refused_));                                           \
	} while (0)

static size_t sessions_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *out, size_t max)
{
	CK_ATTRIBUTE template = BOOL_OF(CKA_TOKEN, false);

	return find_objects(session, &template, 1, out, max);
}

/* ---- making ---- */

static void a_data_object_has_what_it_was_given(void **state)
{
	static const unsigned char oid[] = {0x2A, 3, 4};
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_DATA),
				   BYTES_OF(CKA_LABEL, "label", 5),
				   BYTES_OF(CKA_APPLICATION, "app", 3),
				   BYTES_OF(CKA_OBJECT_ID, oid, sizeof oid),
				   BYTES_OF(CKA_VALUE, bytes16, sizeof bytes16)};
	CK_OBJECT_HANDLE object = ck_create(bench.session, template, COUNT(template)), found[4];
	unsigned char value[32];

	(void)state;
	assert_int_equal(get_attribute(bench.session, object, CKA_VALUE, value, sizeof value), 16);
	assert_memory_equal(value, bytes16, 16);
	assert_int_equal(get_attribute(bench.session, object, CKA_OBJECT_ID, value, sizeof value), 3);
	assert_memory_equal(value, oid, 3);
	assert_int_equal(get_attribute(bench.session, object, CKA_APPLICATION, value, sizeof value), 3);
	assert_int_equal(ck_ulong(bench.session, object, CKA_CLASS), CKO_DATA);
	assert_int_equal(find_objects(bench.session, template, COUNT(template), found, COUNT(found)), 1);
	assert_int_equal(found[0], object);
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_KEY_TYPE), CKR_ATTRIBUTE_TYPE_INVALID);
}

static void a_certificate_can_be_made_of_the_cards(void **state)
{
	unsigned char der[4096], subject[600], out[4096];
	CK_OBJECT_HANDLE cards = find_one(bench.session, CKO_CERTIFICATE, "SIGN"), made;
	size_t len = get_attribute(bench.session, cards, CKA_VALUE, der, sizeof der);
	size_t subject_len = get_attribute(bench.session, cards, CKA_SUBJECT, subject, sizeof subject);
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_CERTIFICATE),
				   ULONG_OF(CKA_CERTIFICATE_TYPE, CKC_X_509),
				   BYTES_OF(CKA_SUBJECT, subject, subject_len),
				   BYTES_OF(CKA_VALUE, der, len)};

	(void)state;
	made = ck_create(bench.session, template, COUNT(template));
	assert_int_equal(get_attribute(bench.session, made, CKA_VALUE, out, sizeof out), len);
	assert_memory_equal(out, der, len);
	assert_int_equal(get_attribute(bench.session, made, CKA_ISSUER, out, sizeof out), 0);
	assert_int_equal(get_attribute(bench.session, made, CKA_URL, out, sizeof out), 0);
	assert_int_equal(ck_ulong(bench.session, made, CKA_CERTIFICATE_CATEGORY), 0);
	assert_false(ck_bool(bench.session, made, CKA_TRUSTED));
}

static void a_public_key_knows_its_size(void **state)
{
	static const unsigned sizes[] = {1024, 2048, 3072};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		CK_OBJECT_HANDLE key = ck_public(bench.session, ck_rsa(sizes[i]));

		assert_int_equal(ck_ulong(bench.session, key, CKA_MODULUS_BITS), sizes[i]);
		assert_int_equal(ck_ulong(bench.session, key, CKA_KEY_TYPE), CKK_RSA);
		assert_true(ck_bool(bench.session, key, CKA_ENCRYPT));
		assert_true(ck_bool(bench.session, key, CKA_VERIFY));
		assert_true(ck_bool(bench.session, key, CKA_VERIFY_RECOVER));
		assert_true(ck_bool(bench.session, key, CKA_WRAP));
	}
}

/* PKCS#11, RSA public key objects: CKA_MODULUS_BITS must not be said to C_CreateObject. */
static void a_size_that_is_not_the_modulus_is_refused(void **state)
{
	unsigned char modulus[128] = {0xC0};
	CK_OBJECT_HANDLE object;
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_PUBLIC_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_RSA),
				   BYTES_OF(CKA_MODULUS, modulus, sizeof modulus),
				   BYTES_OF(CKA_PUBLIC_EXPONENT, "\1\0\1", 3),
				   ULONG_OF(CKA_MODULUS_BITS, 4096)};

	(void)state;
	modulus[127] = 1;
	assert_int_equal(ck_try_create(bench.session, template, COUNT(template) - 1, &object), CKR_OK);
	assert_int_not_equal(ck_try_create(bench.session, template, COUNT(template), &object), CKR_OK);
}

static void a_modulus_may_have_zeros_in_front(void **state)
{
	unsigned char modulus[129] = {0, 0xC0};
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_PUBLIC_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_RSA),
				   BYTES_OF(CKA_MODULUS, modulus, sizeof modulus),
				   BYTES_OF(CKA_PUBLIC_EXPONENT, "\1\0\1", 3)};

	(void)state;
	modulus[128] = 1;
	assert_int_equal(ck_ulong(bench.session, ck_create(bench.session, template, COUNT(template)),
				  CKA_MODULUS_BITS),
			 1024);
	modulus[1] = 0x40; /* 1023 bits */
	refuse(CKR_ATTRIBUTE_VALUE_INVALID, template, COUNT(template));
	memset(modulus, 0, sizeof modulus);
	refuse(CKR_ATTRIBUTE_VALUE_INVALID, template, COUNT(template));
	template[2].ulValueLen = 0;
	refuse(CKR_ATTRIBUTE_VALUE_INVALID, template, COUNT(template));
}

static void a_secret_key_has_the_standards_defaults(void **state)
{
	static const CK_ATTRIBUTE_TYPE yes[] = {CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE,
						CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP,
						CKA_UNWRAP, CKA_EXTRACTABLE};
	static const CK_ATTRIBUTE_TYPE no[] = {CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_DERIVE, CKA_LOCAL,
					       CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE,
					       CKA_WRAP_WITH_TRUSTED, CKA_TRUSTED};
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				   BYTES_OF(CKA_VALUE, bytes16, 16)};
	CK_OBJECT_HANDLE key = ck_create(bench.session, template, COUNT(template));
	unsigned char value[32];

	(void)state;
	for (size_t i = 0; i < COUNT(yes); i++)
		assert_true(ck_bool(bench.session, key, yes[i]));
	for (size_t i = 0; i < COUNT(no); i++)
		assert_false(ck_bool(bench.session, key, no[i]));
	assert_int_equal(ck_ulong(bench.session, key, CKA_VALUE_LEN), 16);
	assert_int_equal(ck_ulong(bench.session, key, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);
	assert_int_equal(get_attribute(bench.session, key, CKA_VALUE, value, sizeof value), 16);
	assert_memory_equal(value, bytes16, 16);
}

static void key_values_have_lengths_for_their_type(void **state)
{
	static const struct {
		CK_KEY_TYPE type;
		size_t good[3], bad[5];
	} rows[] = {
		{CKK_AES, {16, 24, 32}, {1, 15, 17, 33, 64}},
		{CKK_DES2, {16, 16, 16}, {8, 15, 17, 24, 1}},
		{CKK_DES3, {24, 24, 24}, {8, 16, 23, 25, 1}},
		{CKK_GENERIC_SECRET, {1, 20, 4096}, {4097, 5000, 4098, 4099, 8000}},
	};
	static unsigned char value[8000];

	(void)state;
	memset(value, 1, sizeof value); /* odd parity, as DES wants it */
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t k = 0; k < 3; k++)
			assert_true(ck_secret(bench.session, rows[i].type, value, rows[i].good[k]));
		for (size_t k = 0; k < 5; k++)
			REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
				ULONG_OF(CKA_KEY_TYPE, rows[i].type),
				BYTES_OF(CKA_VALUE, value, rows[i].bad[k]));
		REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
			ULONG_OF(CKA_KEY_TYPE, rows[i].type), BYTES_OF(CKA_VALUE, value, 0));
	}
	REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
		ULONG_OF(CKA_KEY_TYPE, CKK_DES), BYTES_OF(CKA_VALUE, value, 8));
}

/* ---- what is refused ---- */

static void a_template_that_lacks_something_is_incomplete(void **state)
{
	(void)state;
	REFUSED(CKR_TEMPLATE_INCOMPLETE, BYTES_OF(CKA_LABEL, "x", 1));
	REFUSED(CKR_TEMPLATE_INCOMPLETE, ULONG_OF(CKA_CLASS, CKO_CERTIFICATE));
	REFUSED(CKR_TEMPLATE_INCOMPLETE, ULONG_OF(CKA_CLASS, CKO_CERTIFICATE),
		ULONG_OF(CKA_CERTIFICATE_TYPE, CKC_X_509), BYTES_OF(CKA_VALUE, "x", 1));
	REFUSED(CKR_TEMPLATE_INCOMPLETE, ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
		BYTES_OF(CKA_VALUE, bytes16, 16));
	REFUSED(CKR_TEMPLATE_INCOMPLETE, ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
		ULONG_OF(CKA_KEY_TYPE, CKK_AES));
	REFUSED(CKR_TEMPLATE_INCOMPLETE, ULONG_OF(CKA_CLASS, CKO_PUBLIC_KEY),
		ULONG_OF(CKA_KEY_TYPE, CKK_RSA), BYTES_OF(CKA_MODULUS, bytes16, 16));
}

static void a_template_that_contradicts_itself_is_inconsistent(void **state)
{
	(void)state;
	REFUSED(CKR_TEMPLATE_INCONSISTENT, ULONG_OF(CKA_CLASS, CKO_DATA),
		ULONG_OF(CKA_CLASS, CKO_SECRET_KEY));
	REFUSED(CKR_TEMPLATE_INCONSISTENT, ULONG_OF(CKA_CLASS, CKO_DATA), BYTES_OF(CKA_LABEL, "a", 1),
		BYTES_OF(CKA_LABEL, "b", 1));
	REFUSED(CKR_TEMPLATE_INCONSISTENT, ULONG_OF(CKA_CLASS, CKO_DATA), BYTES_OF(CKA_LABEL, "a", 1),
		BYTES_OF(CKA_LABEL, "", 0));
}

static void the_same_said_twice_is_accepted(void **state)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_DATA), BYTES_OF(CKA_LABEL, "a", 1),
				   ULONG_OF(CKA_CLASS, CKO_DATA), BYTES_OF(CKA_LABEL, "a", 1)};
	CK_ATTRIBUTE twice[] = {BYTES_OF(CKA_LABEL, "b", 1), BYTES_OF(CKA_LABEL, "b", 1)};
	CK_ATTRIBUTE both[] = {BYTES_OF(CKA_LABEL, "c", 1), BYTES_OF(CKA_LABEL, "d", 1)};
	CK_OBJECT_HANDLE object = ck_create(bench.session, template, COUNT(template)), copy, found[4];
	char label[8];

	(void)state;
	assert_int_equal(find_objects(bench.session, template, COUNT(template), found, COUNT(found)), 1);
	assert_int_equal(C_SetAttributeValue(bench.session, object, twice, 2), CKR_OK);
	assert_int_equal(C_CopyObject(bench.session, object, twice, 2, &copy), CKR_OK);
	assert_int_equal(C_SetAttributeValue(bench.session, object, both, 2), CKR_TEMPLATE_INCONSISTENT);
	assert_int_equal(C_CopyObject(bench.session, object, both, 2, &copy), CKR_TEMPLATE_INCONSISTENT);
	assert_int_equal(get_attribute(bench.session, object, CKA_LABEL, label, sizeof label), 1);
	assert_int_equal(label[0], 'b');
	assert_int_equal(find_objects(bench.session, both, 2, found, COUNT(found)), 0);
}

static void attributes_of_other_classes_are_unknown(void **state)
{
	(void)state;
	REFUSED(CKR_ATTRIBUTE_TYPE_INVALID, ULONG_OF(CKA_CLASS, CKO_DATA),
		ULONG_OF(CKA_KEY_TYPE, CKK_AES));
	REFUSED(CKR_ATTRIBUTE_TYPE_INVALID, ULONG_OF(CKA_CLASS, CKO_DATA),
		BYTES_OF(CKA_VENDOR_DEFINED | 7, "x", 1));
	REFUSED(CKR_ATTRIBUTE_TYPE_INVALID, ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
		ULONG_OF(CKA_KEY_TYPE, CKK_AES), BYTES_OF(CKA_VALUE, bytes16, 16),
		BYTES_OF(CKA_MODULUS, bytes16, 16));
}

static void values_of_the_wrong_form_are_refused(void **state)
{
	static const CK_BBOOL two = 2;

	(void)state;
	REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, ULONG_OF(CKA_CLASS, CKO_DATA), BYTES_OF(CKA_PRIVATE, &two, 1));
	REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, ULONG_OF(CKA_CLASS, CKO_DATA), ULONG_OF(CKA_PRIVATE, 0));
	REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, ULONG_OF(CKA_CLASS, CKO_DATA), BYTES_OF(CKA_PRIVATE, "", 0));
	REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, BYTES_OF(CKA_CLASS, "x", 1));
	REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
		BYTES_OF(CKA_KEY_TYPE, "xyz", 3), BYTES_OF(CKA_VALUE, bytes16, 16));
	REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, ULONG_OF(CKA_CLASS, CKO_PRIVATE_KEY),
		ULONG_OF(CKA_KEY_TYPE, CKK_RSA));
	REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, ULONG_OF(CKA_CLASS, CKO_PROFILE));
	REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, ULONG_OF(CKA_CLASS, 0x7777));
	REFUSED(CKR_ATTRIBUTE_VALUE_INVALID, ULONG_OF(CKA_CLASS, CKO_PUBLIC_KEY),
		ULONG_OF(CKA_KEY_TYPE, CKK_EC), BYTES_OF(CKA_MODULUS, bytes16, 16),
		BYTES_OF(CKA_PUBLIC_EXPONENT, "\3", 1));
}

static void what_the_module_says_nobody_else_may_say(void **state)
{
	static const CK_ATTRIBUTE_TYPE fixed[] = {CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE,
						  CKA_TRUSTED};

	(void)state;
	for (size_t i = 0; i < COUNT(fixed); i++)
		REFUSED(CKR_ATTRIBUTE_READ_ONLY, ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
			ULONG_OF(CKA_KEY_TYPE, CKK_AES), BYTES_OF(CKA_VALUE, bytes16, 16),
			BOOL_OF(fixed[i], true));
	REFUSED(CKR_ATTRIBUTE_READ_ONLY, ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
		ULONG_OF(CKA_KEY_TYPE, CKK_AES), BYTES_OF(CKA_VALUE, bytes16, 16),
		ULONG_OF(CKA_VALUE_LEN, 16));
	REFUSED(CKR_ATTRIBUTE_READ_ONLY, ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
		ULONG_OF(CKA_KEY_TYPE, CKK_AES), BYTES_OF(CKA_VALUE, bytes16, 16),
		ULONG_OF(CKA_KEY_GEN_MECHANISM, CKM_AES_KEY_GEN));
}

static void null_arguments_make_nothing(void **state)
{
	CK_ATTRIBUTE none = {CKA_LABEL, NULL, 4}, data = ULONG_OF(CKA_CLASS, CKO_DATA);
	CK_OBJECT_HANDLE object = ck_data(bench.session, "a"), copy;
	CK_ULONG size;

	(void)state;
	assert_int_equal(C_CreateObject(bench.session, NULL, 0, &copy), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_CreateObject(bench.session, &none, 1, &copy), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_CreateObject(bench.session, &data, 1, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_CreateObject(bench.session, &data, 0, &copy), CKR_TEMPLATE_INCOMPLETE);
	assert_int_equal(C_CopyObject(bench.session, object, NULL, 1, &copy), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_CopyObject(bench.session, object, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_SetAttributeValue(bench.session, object, NULL, 1), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_SetAttributeValue(bench.session, object, &none, 1), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GetObjectSize(bench.session, object, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_CopyObject(bench.session, 0x7777777, NULL, 0, &copy),
			 CKR_OBJECT_HANDLE_INVALID);
	assert_int_equal(C_DestroyObject(bench.session, 0x7777777), CKR_OBJECT_HANDLE_INVALID);
	assert_int_equal(C_SetAttributeValue(bench.session, 0x7777777, &data, 1),
			 CKR_OBJECT_HANDLE_INVALID);
	assert_int_equal(C_GetObjectSize(bench.session, 0x7777777, &size), CKR_OBJECT_HANDLE_INVALID);
}

/* ---- the card stays as it is ---- */

static void nothing_is_written_to_the_card(void **state)
{
	CK_OBJECT_HANDLE cert = find_one(bench.session, CKO_CERTIFICATE, "SIGN"), object, read_only;
	CK_ATTRIBUTE on_card[] = {ULONG_OF(CKA_CLASS, CKO_DATA), BOOL_OF(CKA_TOKEN, true)};

	(void)state;
	fake_new_commands(READER);
	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &read_only), CKR_OK);
	assert_int_equal(ck_try_create(bench.session, on_card, 2, &object), CKR_TOKEN_WRITE_PROTECTED);
	assert_int_equal(ck_try_create(read_only, on_card, 2, &object), CKR_TOKEN_WRITE_PROTECTED);
	assert_int_equal(ck_set(bench.session, cert, CKA_LABEL, "x", 1), CKR_ACTION_PROHIBITED);
	assert_int_equal(ck_set(read_only, cert, CKA_LABEL, "x", 1), CKR_ACTION_PROHIBITED);
	assert_int_equal(C_DestroyObject(bench.session, cert), CKR_ACTION_PROHIBITED);
	assert_int_equal(C_DestroyObject(read_only, cert), CKR_ACTION_PROHIBITED);
	assert_true(ck_exists(bench.session, cert));
	assert_int_equal(C_CopyObject(bench.session, cert, NULL, 0, &object), CKR_ACTION_PROHIBITED);
	object = ck_data(read_only, "in a read-only session");
	assert_int_equal(C_CopyObject(read_only, object, &on_card[1], 1, &object),
			 CKR_TOKEN_WRITE_PROTECTED);
	assert_int_equal(C_CopyObject(bench.session, object, &on_card[1], 1, &object),
			 CKR_TOKEN_WRITE_PROTECTED);
	assert_int_equal(fake_new_commands(READER), 0);
}

/* A program that wants to import learns that the card takes nothing, not what its template lacks. */
static void whatever_is_for_the_card_is_write_protected(void **state)
{
	CK_ATTRIBUTE rows[][3] = {
		{BOOL_OF(CKA_TOKEN, true), ULONG_OF(CKA_CLASS, CKO_PRIVATE_KEY),
		 ULONG_OF(CKA_KEY_TYPE, CKK_RSA)},
		{ULONG_OF(CKA_CLASS, CKO_PUBLIC_KEY), BOOL_OF(CKA_TOKEN, true),
		 ULONG_OF(CKA_KEY_TYPE, CKK_EC)},
		{ULONG_OF(CKA_CLASS, CKO_CERTIFICATE), ULONG_OF(CKA_CERTIFICATE_TYPE, CKC_X_509),
		 BOOL_OF(CKA_TOKEN, true)},
	};
	CK_ATTRIBUTE bad[] = {ULONG_OF(CKA_CLASS, CKO_DATA), BYTES_OF(CKA_TOKEN, "\1\1", 2)};
	CK_OBJECT_HANDLE object;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(ck_try_create(bench.session, rows[i], 3, &object),
				 CKR_TOKEN_WRITE_PROTECTED);
	assert_int_equal(ck_try_create(bench.session, bad, 2, &object), CKR_ATTRIBUTE_VALUE_INVALID);
}

/* ---- copies and changes ---- */

static void a_copy_is_an_object_of_its_own(void **state)
{
	CK_OBJECT_HANDLE first = ck_data(bench.session, "first"), second;
	CK_ATTRIBUTE change[] = {BYTES_OF(CKA_LABEL, "second", 6), BOOL_OF(CKA_MODIFIABLE, false)};
	char label[16];

	(void)state;
	assert_int_equal(C_CopyObject(bench.session, first, change, COUNT(change), &second), CKR_OK);
	assert_int_not_equal(first, second);
	assert_int_equal(C_DestroyObject(bench.session, first), CKR_OK);
	assert_int_equal(get_attribute(bench.session, second, CKA_LABEL, label, sizeof label), 6);
	assert_memory_equal(label, "second", 6);
	assert_int_equal(ck_set(bench.session, second, CKA_LABEL, "x", 1), CKR_ACTION_PROHIBITED);
}

static void a_copy_may_not_become_looser(void **state)
{
	CK_OBJECT_HANDLE key = ck_secret_with(bench.session, CKK_AES, bytes16, 16, CKA_SENSITIVE, true);
	CK_ATTRIBUTE loose = BOOL_OF(CKA_SENSITIVE, false), klass = ULONG_OF(CKA_CLASS, CKO_DATA),
		     other = BYTES_OF(CKA_VALUE, "another value !!", 16);
	CK_OBJECT_HANDLE copy;

	(void)state;
	assert_int_equal(C_CopyObject(bench.session, key, &loose, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(C_CopyObject(bench.session, key, &klass, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(C_CopyObject(bench.session, key, &other, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(C_CopyObject(bench.session, key, NULL, 0, &copy), CKR_OK);
	assert_true(ck_bool(bench.session, copy, CKA_SENSITIVE));
}

static void what_may_not_be_copied_or_destroyed_is_not(void **state)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_DATA), BOOL_OF(CKA_COPYABLE, false),
				   BOOL_OF(CKA_DESTROYABLE, false)};
	CK_OBJECT_HANDLE object = ck_create(bench.session, template, COUNT(template)), copy;

	(void)state;
	assert_int_equal(C_CopyObject(bench.session, object, NULL, 0, &copy), CKR_ACTION_PROHIBITED);
	assert_int_equal(ck_set_bool(bench.session, object, CKA_COPYABLE, true), CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(C_DestroyObject(bench.session, object), CKR_ACTION_PROHIBITED);
	assert_true(ck_exists(bench.session, object));
}

static void sensitive_goes_up_and_extractable_down_only(void **state)
{
	CK_OBJECT_HANDLE key = ck_secret(bench.session, CKK_AES, bytes16, 16);

	(void)state;
	assert_int_equal(ck_set_bool(bench.session, key, CKA_SENSITIVE, true), CKR_OK);
	assert_int_equal(ck_set_bool(bench.session, key, CKA_SENSITIVE, true), CKR_OK);
	assert_int_equal(ck_set_bool(bench.session, key, CKA_SENSITIVE, false), CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(ck_set_bool(bench.session, key, CKA_EXTRACTABLE, false), CKR_OK);
	assert_int_equal(ck_set_bool(bench.session, key, CKA_EXTRACTABLE, true), CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(ck_set_bool(bench.session, key, CKA_WRAP_WITH_TRUSTED, true), CKR_OK);
	assert_int_equal(ck_set_bool(bench.session, key, CKA_WRAP_WITH_TRUSTED, false),
			 CKR_ATTRIBUTE_READ_ONLY);
	assert_false(ck_bool(bench.session, key, CKA_ALWAYS_SENSITIVE));
	assert_false(ck_bool(bench.session, key, CKA_NEVER_EXTRACTABLE));
}

static void all_changes_are_made_or_none(void **state)
{
	CK_OBJECT_HANDLE key = ck_secret(bench.session, CKK_AES, bytes16, 16);
	CK_ATTRIBUTE changes[] = {BYTES_OF(CKA_LABEL, "new", 3), BOOL_OF(CKA_ENCRYPT, false),
				  BYTES_OF(CKA_VALUE, "x", 1)};
	char label[8];

	(void)state;
	assert_int_equal(C_SetAttributeValue(bench.session, key, changes, 3), CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(get_attribute(bench.session, key, CKA_LABEL, label, sizeof label), 0);
	assert_true(ck_bool(bench.session, key, CKA_ENCRYPT));
	assert_int_equal(C_SetAttributeValue(bench.session, key, changes, 2), CKR_OK);
	assert_int_equal(get_attribute(bench.session, key, CKA_LABEL, label, sizeof label), 3);
	assert_false(ck_bool(bench.session, key, CKA_ENCRYPT));
	assert_int_equal(ck_set(bench.session, key, CKA_MODULUS, "x", 1), CKR_ATTRIBUTE_TYPE_INVALID);
	assert_int_equal(ck_set(bench.session, key, CKA_ENCRYPT, "xy", 2), CKR_ATTRIBUTE_VALUE_INVALID);
}

static void a_size_is_told_without_the_card(void **state)
{
	CK_OBJECT_HANDLE small = ck_data(bench.session, "x"), large, found[32];
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_DATA), BYTES_OF(CKA_LABEL, "x", 1),
				   BYTES_OF(CKA_VALUE, bytes16, 16)};
	CK_ULONG a = 0, b = 0;
	size_t n;

	(void)state;
	large = ck_create(bench.session, template, COUNT(template));
	assert_int_equal(C_GetObjectSize(bench.session, small, &a), CKR_OK);
	assert_int_equal(C_GetObjectSize(bench.session, large, &b), CKR_OK);
	assert_true(a > 0 && b >= a + 16);
	n = find_objects(bench.session, NULL, 0, found, COUNT(found));
	fake_new_commands(READER);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(C_GetObjectSize(bench.session, found[i], &a), CKR_OK);
		assert_true(a > 0);
	}
	assert_int_equal(fake_new_commands(READER), 0);
}

/* ---- secrets ---- */

static void the_value_of_a_sensitive_key_is_not_told(void **state)
{
	CK_OBJECT_HANDLE keys[] = {
		ck_secret_with(bench.session, CKK_AES, bytes16, 16, CKA_SENSITIVE, true),
		ck_secret_with(bench.session, CKK_AES, bytes16, 16, CKA_EXTRACTABLE, false)};
	CK_OBJECT_HANDLE open_one = ck_secret(bench.session, CKK_AES, bytes16, 16), found[4];
	CK_ATTRIBUTE by_value = BYTES_OF(CKA_VALUE, bytes16, 16);

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		unsigned char value[16] = {0};
		CK_ATTRIBUTE wanted[] = {{CKA_VALUE, value, sizeof value}, {CKA_LABEL, NULL, 0}};

		assert_int_equal(C_GetAttributeValue(bench.session, keys[i], wanted, 2),
				 CKR_ATTRIBUTE_SENSITIVE);
		assert_int_equal(wanted[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
		assert_int_equal(wanted[1].ulValueLen, 0);
		assert_memory_equal(value, (unsigned char[16]){0}, 16);
	}
	/* nor can it be guessed by a search */
	assert_int_equal(find_objects(bench.session, &by_value, 1, found, COUNT(found)), 1);
	assert_int_equal(found[0], open_one);
}

/* ---- life ---- */

static void a_private_object_wants_a_login_and_ends_with_it(void **state)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_DATA), BOOL_OF(CKA_PRIVATE, true)};
	CK_ATTRIBUTE private_one = BOOL_OF(CKA_PRIVATE, true);
	CK_OBJECT_HANDLE object, copy, other, found[8];

	(void)state;
	other = ck_data(bench.session, "public");
	assert_int_equal(ck_try_create(bench.session, template, 2, &object), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(C_CopyObject(bench.session, other, &private_one, 1, &copy),
			 CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	object = ck_create(bench.session, template, 2);
	assert_int_equal(C_CopyObject(bench.session, other, &private_one, 1, &copy), CKR_OK);
	assert_int_equal(sessions_objects(bench.session, found, COUNT(found)), 3);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_false(ck_exists(bench.session, object));
	assert_false(ck_exists(bench.session, copy));
	assert_true(ck_exists(bench.session, other));
	assert_int_equal(sessions_objects(bench.session, found, COUNT(found)), 1);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_false(ck_exists(bench.session, object));
}

static void an_object_ends_with_its_session_only(void **state)
{
	CK_SESSION_HANDLE second = open_session(bench.slot);
	CK_OBJECT_HANDLE mine = ck_data(bench.session, "mine"), its = ck_data(second, "its"), found[8];

	(void)state;
	assert_true(ck_exists(bench.session, its));
	assert_true(ck_exists(second, mine));
	assert_int_equal(C_CloseSession(second), CKR_OK);
	assert_true(ck_exists(bench.session, mine));
	assert_false(ck_exists(bench.session, its));
	assert_int_equal(C_CloseAllSessions(bench.slot), CKR_OK);
	bench.session = open_session(bench.slot);
	assert_false(ck_exists(bench.session, mine));
	assert_int_equal(sessions_objects(bench.session, found, COUNT(found)), 0);
}

static void a_pulled_card_takes_the_objects_along(void **state)
{
	CK_OBJECT_HANDLE object = ck_data(bench.session, "x"), found[8];

	(void)state;
	fake_eject(READER);
	fake_insert(READER, bench.card);
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_CLASS), CKR_DEVICE_REMOVED);
	bench.session = open_session(bench.slot);
	assert_false(ck_exists(bench.session, object));
	assert_int_equal(sessions_objects(bench.session, found, COUNT(found)), 0);
}

/* What it needs of the key was taken at Init. */
static void an_operation_outlives_its_session_key(void **state)
{
	CK_OBJECT_HANDLE key = ck_public(bench.session, ck_rsa(2048));
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	(void)state;
	assert_int_equal(C_EncryptInit(bench.session, MECHANISM(CKM_RSA_PKCS), key), CKR_OK);
	assert_int_equal(C_DestroyObject(bench.session, key), CKR_OK);
	assert_int_equal(C_Encrypt(bench.session, (CK_BYTE *)"x", 1, out, &len), CKR_OK);
	assert_int_equal(len, 256);
	assert_int_equal(C_Encrypt(bench.session, (CK_BYTE *)"x", 1, out, &len),
			 CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_EncryptInit(bench.session, MECHANISM(CKM_RSA_PKCS), key),
			 CKR_KEY_HANDLE_INVALID);
}

static void session_objects_come_last_and_oldest_first(void **state)
{
	CK_OBJECT_HANDLE made[3], found[32];
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(made); i++)
		made[i] = ck_data(bench.session, "same");
	n = find_objects(bench.session, NULL, 0, found, COUNT(found));
	assert_int_equal(n, 9 + COUNT(made));
	assert_memory_equal(found + 9, made, sizeof made);
	assert_int_equal(C_DestroyObject(bench.session, made[1]), CKR_OK);
	n = find_objects(bench.session, NULL, 0, found, COUNT(found));
	assert_int_equal(n, 9 + COUNT(made) - 1);
	assert_int_equal(found[9], made[0]);
	assert_int_equal(found[10], made[2]);
}

/* Whatever their classes: each has a list of its own. */
static void session_objects_of_several_classes_come_oldest_first(void **state)
{
	CK_OBJECT_HANDLE made[6], found[8];
	CK_ATTRIBUTE keys = ULONG_OF(CKA_CLASS, CKO_SECRET_KEY);

	(void)state;
	for (size_t i = 0; i < COUNT(made); i += 3) {
		made[i] = ck_data(bench.session, "data");
		made[i + 1] = ck_secret(bench.session, CKK_AES, bytes16, 16);
		made[i + 2] = ck_public(bench.session, ck_rsa(2048));
	}
	assert_int_equal(sessions_objects(bench.session, found, COUNT(found)), COUNT(made));
	assert_memory_equal(found, made, sizeof made);
	assert_int_equal(find_objects(bench.session, &keys, 1, found, COUNT(found)), 2);
	assert_int_equal(found[0], made[1]);
	assert_int_equal(found[1], made[4]);
}

/* ---- identity ---- */

#define ID_SIZE 64

static size_t unique_ids(char ids[][ID_SIZE], size_t max)
{
	CK_OBJECT_HANDLE found[32];
	size_t n = find_objects(bench.session, NULL, 0, found, COUNT(found));

	assert_true(n <= max);
	memset(ids, 0, max * ID_SIZE);
	for (size_t i = 0; i < n; i++)
		assert_true(get_attribute(bench.session, found[i], CKA_UNIQUE_ID, ids[i], ID_SIZE - 1) > 0);
	return n;
}

static void unique_ids_are_distinct_and_the_cards_are_stable(void **state)
{
	char first[16][ID_SIZE], again[16][ID_SIZE];
	size_t n;

	(void)state;
	ck_data(bench.session, "one");
	ck_data(bench.session, "two");
	n = unique_ids(first, COUNT(first));
	assert_int_equal(n, 12 + 2);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(first[i], first[k]);
	module_stop();
	module_start();
	bench.session = open_session(slot_of(READER));
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(unique_ids(again, COUNT(again)), 12);
	for (size_t i = 0; i < 12; i++)
		assert_string_equal(again[i], first[i]);
}

static void id_of(CK_OBJECT_HANDLE object, char id[ID_SIZE])
{
	memset(id, 0, ID_SIZE);
	assert_int_equal(get_attribute(bench.session, object, CKA_UNIQUE_ID, id, ID_SIZE - 1), 36);
	assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
	assert_non_null(strchr("48", id[14])); /* RFC 9562: random, or its maker's own */
	assert_non_null(strchr("89ab", id[19]));
}

static void a_unique_id_cannot_be_chosen(void **state)
{
	CK_ATTRIBUTE mine = BYTES_OF(CKA_UNIQUE_ID, "mine", 4);
	CK_OBJECT_HANDLE object = ck_data(bench.session, "a"), copy;
	char before[ID_SIZE], after[ID_SIZE];

	(void)state;
	REFUSED(CKR_ATTRIBUTE_READ_ONLY, ULONG_OF(CKA_CLASS, CKO_DATA),
		BYTES_OF(CKA_UNIQUE_ID, "mine", 4));
	assert_int_equal(C_CopyObject(bench.session, object, &mine, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(C_SetAttributeValue(bench.session, object, &mine, 1), CKR_ATTRIBUTE_READ_ONLY);
	/* a change keeps it, a copy has its own */
	id_of(object, before);
	assert_int_equal(ck_set(bench.session, object, CKA_LABEL, "b", 1), CKR_OK);
	id_of(object, after);
	assert_string_equal(before, after);
	assert_int_equal(C_CopyObject(bench.session, object, NULL, 0, &copy), CKR_OK);
	id_of(copy, after);
	assert_string_not_equal(before, after);
}

/* The same place in the same directory, on cards of two numbers. */
static void no_two_cards_have_the_same_unique_ids(void **state)
{
	struct vcard *other = testcard_load_other();
	char first[ID_SIZE], second[ID_SIZE];

	(void)state;
	id_of(find_one(bench.session, CKO_CERTIFICATE, "SIGN"), first);
	fake_eject(READER);
	fake_insert(READER, other);
	bench.session = open_session(bench.slot);
	id_of(find_one(bench.session, CKO_CERTIFICATE, "SIGN"), second);
	assert_string_not_equal(first, second);
	fake_eject(READER);
	vcard_free(&other);
}

/* ---- profile objects ---- */

static void profiles_are_shown_to_those_who_ask_for_them(void **state)
{
	CK_OBJECT_HANDLE found[32], copy;
	CK_ATTRIBUTE certificates = ULONG_OF(CKA_CLASS, CKO_CERTIFICATE);
	CK_ATTRIBUTE baseline = ULONG_OF(CKA_PROFILE_ID, CKP_BASELINE_PROVIDER);
	CK_ATTRIBUTE none = ULONG_OF(CKA_PROFILE_ID, 0x7777);
	CK_ULONG ids = 0;

	(void)state;
	assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), 9);
	assert_int_equal(find_class(bench.session, CKO_PROFILE, found, COUNT(found)), 3);
	for (size_t i = 0; i < 3; i++) {
		ids |= 1UL << ck_ulong(bench.session, found[i], CKA_PROFILE_ID);
		assert_true(ck_bool(bench.session, found[i], CKA_TOKEN));
		assert_false(ck_bool(bench.session, found[i], CKA_MODIFIABLE));
		assert_int_equal(C_DestroyObject(bench.session, found[i]), CKR_ACTION_PROHIBITED);
		assert_int_equal(ck_set(bench.session, found[i], CKA_LABEL, "x", 1),
				 CKR_ACTION_PROHIBITED);
		assert_int_equal(C_CopyObject(bench.session, found[i], NULL, 0, &copy),
				 CKR_ACTION_PROHIBITED);
	}
	assert_int_equal(ids, 1UL << CKP_BASELINE_PROVIDER | 1UL << CKP_AUTHENTICATION_TOKEN |
				      1UL << CKP_PUBLIC_CERTIFICATES_TOKEN);
	/* still not among all: programs know the vendor's list */
	assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), 9);
	assert_int_equal(find_objects(bench.session, &certificates, 1, found, COUNT(found)), 4);
	/* their own attribute asks for them, too */
	assert_int_equal(find_objects(bench.session, &baseline, 1, found, COUNT(found)), 1);
	assert_int_equal(ck_ulong(bench.session, found[0], CKA_PROFILE_ID), CKP_BASELINE_PROVIDER);
	assert_int_equal(find_objects(bench.session, &none, 1, found, COUNT(found)), 0);
}

static void profiles_are_the_tokens_whatever_the_interface(void **state)
{
	CK_VERSION version = {3, 0};
	CK_INTERFACE *interface;
	CK_OBJECT_HANDLE found[32], again[4];

	(void)state;
	assert_int_equal(C_GetInterface(NULL, &version, &interface, 0), CKR_OK);
	assert_int_equal(find_class(bench.session, CKO_PROFILE, found, COUNT(found)), 3);
	assert_int_equal(find_objects(bench.session, NULL, 0, again, COUNT(again)), COUNT(again));
	assert_int_equal(C_CloseAllSessions(bench.slot), CKR_OK);
	bench.session = open_session(bench.slot);
	assert_int_equal(find_class(bench.session, CKO_PROFILE, again, COUNT(again)), 3);
	assert_memory_equal(found, again, 3 * sizeof *found);
	assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(a_data_object_has_what_it_was_given),
		SESSION_TEST(a_certificate_can_be_made_of_the_cards),
		SESSION_TEST(a_public_key_knows_its_size),
		SESSION_TEST(a_size_that_is_not_the_modulus_is_refused),
		SESSION_TEST(a_modulus_may_have_zeros_in_front),
		SESSION_TEST(a_secret_key_has_the_standards_defaults),
		SESSION_TEST(key_values_have_lengths_for_their_type),
		SESSION_TEST(a_template_that_lacks_something_is_incomplete),
		SESSION_TEST(a_template_that_contradicts_itself_is_inconsistent),
		SESSION_TEST(the_same_said_twice_is_accepted),
		SESSION_TEST(attributes_of_other_classes_are_unknown),
		SESSION_TEST(values_of_the_wrong_form_are_refused),
		SESSION_TEST(what_the_module_says_nobody_else_may_say),
		SESSION_TEST(null_arguments_make_nothing),
		SESSION_TEST(nothing_is_written_to_the_card),
		SESSION_TEST(whatever_is_for_the_card_is_write_protected),
		SESSION_TEST(a_copy_is_an_object_of_its_own),
		SESSION_TEST(a_copy_may_not_become_looser),
		SESSION_TEST(what_may_not_be_copied_or_destroyed_is_not),
		SESSION_TEST(sensitive_goes_up_and_extractable_down_only),
		SESSION_TEST(all_changes_are_made_or_none),
		SESSION_TEST(a_size_is_told_without_the_card),
		SESSION_TEST(the_value_of_a_sensitive_key_is_not_told),
		SESSION_TEST(a_private_object_wants_a_login_and_ends_with_it),
		SESSION_TEST(an_object_ends_with_its_session_only),
		SESSION_TEST(a_pulled_card_takes_the_objects_along),
		SESSION_TEST(an_operation_outlives_its_session_key),
		SESSION_TEST(session_objects_come_last_and_oldest_first),
		SESSION_TEST(session_objects_of_several_classes_come_oldest_first),
		LOGIN_TEST(unique_ids_are_distinct_and_the_cards_are_stable),
		SESSION_TEST(a_unique_id_cannot_be_chosen),
		SESSION_TEST(no_two_cards_have_the_same_unique_ids),
		SESSION_TEST(profiles_are_shown_to_those_who_ask_for_them),
		SESSION_TEST(profiles_are_the_tokens_whatever_the_interface),
	};

	return cmocka_run_group_tests_name("session objects", tests, NULL, NULL);
}
