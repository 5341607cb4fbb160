/*
 * Unwrapping tells nothing of what it decrypted: what is not a key is replaced
 * by one that looks like it could have been, and that goes through all that
 * the key would have gone through. Linked with --wrap=template_set_secret,
 * which is where the two meet.
 */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "ck_cipher.h"
#include "rsamech.h"
#include "src/object/template.h"

#define BLOCK 16
#define PLAIN_MAX (TEMPLATE_SECRET_MAX + 3 * BLOCK)
#define KEY_BYTE 0x0B /* of odd parity, as DES wants it */
#define STAND_IN 32

/* ---- what became of what was decrypted ---- */

static struct {
	unsigned calls;
	uint8_t value[PLAIN_MAX];
	size_t len;
	CK_RV rv;
} taken;

CK_RV __real_template_set_secret(struct store *attributes, const void *value, size_t len, bool local,
				 CK_MECHANISM_TYPE mechanism);
CK_RV __wrap_template_set_secret(struct store *attributes, const void *value, size_t len, bool local,
				 CK_MECHANISM_TYPE mechanism);

CK_RV __wrap_template_set_secret(struct store *attributes, const void *value, size_t len, bool local,
				 CK_MECHANISM_TYPE mechanism)
{
	assert_true(len <= sizeof taken.value);
	taken.calls++;
	taken.len = len;
	memcpy(taken.value, value, len);
	taken.rv = __real_template_set_secret(attributes, value, len, local, mechanism);
	return taken.rv;
}

static CK_RV unwrap(CK_MECHANISM *m, CK_OBJECT_HANDLE by, uint8_t *wrapped, CK_ULONG len,
		    CK_KEY_TYPE type, CK_ULONG said)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, type),
				   ULONG_OF(CKA_VALUE_LEN, said)};
	CK_OBJECT_HANDLE key = 0;
	CK_RV rv;

	memset(&taken, 0, sizeof taken);
	rv = C_UnwrapKey(bench.session, m, by, wrapped, len, template, said ? 3 : 2, &key);
	assert_int_equal(taken.calls, 1);
	assert_int_equal(key != 0, rv == CKR_OK);
	return rv;
}

static void assert_taken(const uint8_t *key, size_t len)
{
	assert_int_equal(taken.len, len);
	assert_memory_equal(taken.value, key, len);
}

/* It is accepted, has that length, and nothing of it is the decrypted bytes. */
static void assert_stand_in(size_t len)
{
	static uint8_t before[PLAIN_MAX];

	assert_int_equal(taken.rv, CKR_OK);
	assert_int_equal(taken.len, len);
	assert_memory_not_equal(taken.value, before, len); /* nor ever the same */
	memcpy(before, taken.value, sizeof before);
	for (size_t i = 0; i + 8 <= len; i += 8) {
		assert_memory_not_equal(taken.value + i, "\0\0\0\0\0\0\0\0", 8);
		assert_memory_not_equal(taken.value + i, "\x0B\x0B\x0B\x0B\x0B\x0B\x0B\x0B", 8);
	}
}

/* ---- under a session key ---- */

/* A key of `len` bytes, with its padding, which is changed where a row says so. */
struct row {
	CK_KEY_TYPE type;
	CK_ULONG said;     /* CKA_VALUE_LEN of the template; 0: nothing */
	size_t len;        /* bytes of the key */
	size_t bad;        /* a byte from the end, 1 is the last; 0: none */
	uint8_t to;        /* what it is then */
	size_t stand_in;   /* 0: it is a key */
};

static const struct row rows[] = {
	{CKK_AES, 0, 16, 0, 0, 0},
	{CKK_AES, 0, 24, 0, 0, 0},
	{CKK_AES, 0, 32, 0, 0, 0},
	{CKK_AES, 0, 0, 0, 0, STAND_IN},
	{CKK_AES, 0, 15, 0, 0, STAND_IN},
	{CKK_AES, 0, 17, 0, 0, STAND_IN},
	{CKK_AES, 0, 31, 0, 0, STAND_IN},
	{CKK_AES, 0, 33, 0, 0, STAND_IN},
	{CKK_AES, 0, 64, 0, 0, STAND_IN},
	{CKK_AES, 16, 16, 0, 0, 0},
	{CKK_AES, 16, 32, 0, 0, 16},
	{CKK_AES, 32, 16, 0, 0, 32},
	{CKK_DES2, 0, 16, 0, 0, 0},
	{CKK_DES2, 0, 24, 0, 0, 16},
	{CKK_DES3, 0, 24, 0, 0, 0},
	{CKK_DES3, 24, 24, 0, 0, 0},
	{CKK_DES3, 0, 16, 0, 0, 24},
	{CKK_GENERIC_SECRET, 0, 0, 0, 0, STAND_IN},
	{CKK_GENERIC_SECRET, 0, 1, 0, 0, 0},
	{CKK_GENERIC_SECRET, 0, 21, 0, 0, 0},
	{CKK_GENERIC_SECRET, 0, TEMPLATE_SECRET_MAX, 0, 0, 0},
	{CKK_GENERIC_SECRET, 0, TEMPLATE_SECRET_MAX + 1, 0, 0, STAND_IN},
	{CKK_GENERIC_SECRET, 21, 21, 0, 0, 0},
	{CKK_GENERIC_SECRET, 21, 20, 0, 0, 21},
	{CKK_GENERIC_SECRET, TEMPLATE_SECRET_MAX, 20, 0, 0, TEMPLATE_SECRET_MAX},
	/* the padding: 0, more than a block, and a wrong byte at either end of it */
	{CKK_AES, 0, 32, 1, 0, STAND_IN},
	{CKK_AES, 0, 32, 1, BLOCK + 1, STAND_IN},
	{CKK_AES, 0, 32, 1, 0xFF, STAND_IN},
	{CKK_AES, 0, 32, 2, 0, STAND_IN},
	{CKK_AES, 0, 32, BLOCK, 0, STAND_IN},
	{CKK_AES, 0, 32, BLOCK + 1, BLOCK, 0}, /* that one is the key's */
	{CKK_GENERIC_SECRET, 0, 21, 11, 0, STAND_IN},
	{CKK_GENERIC_SECRET, 0, 15, 1, 2, STAND_IN},
	{CKK_GENERIC_SECRET, 32, 32, 1, 0, 32},
};

static size_t make_plain(const struct row *row, uint8_t plain[PLAIN_MAX])
{
	size_t all = row->len / BLOCK * BLOCK + BLOCK;

	memset(plain, KEY_BYTE, row->len);
	memset(plain + row->len, (int)(all - row->len), all - row->len);
	if (row->bad)
		plain[all - row->bad] = row->to;
	return all;
}

static size_t wrap(CK_OBJECT_HANDLE by, uint8_t iv[BLOCK], uint8_t *plain, size_t len,
		   uint8_t out[PLAIN_MAX])
{
	CK_MECHANISM m = {CKM_AES_CBC, iv, BLOCK};
	CK_ULONG n = PLAIN_MAX;

	assert_int_equal(C_EncryptInit(bench.session, &m, by), CKR_OK);
	assert_int_equal(C_Encrypt(bench.session, plain, len, out, &n), CKR_OK);
	return n;
}

static void what_is_not_a_key_is_replaced_before_anyone_looks(void **state)
{
	static uint8_t plain[PLAIN_MAX], wrapped[PLAIN_MAX];
	CK_OBJECT_HANDLE by = ck_secret(bench.session, CKK_AES, ck_text(), 16);
	uint8_t iv[BLOCK] = {0};
	CK_MECHANISM m = {CKM_AES_CBC_PAD, iv, sizeof iv};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		size_t all = make_plain(row, plain);
		size_t len = wrap(by, iv, plain, all, wrapped);
		CK_RV rv = unwrap(&m, by, wrapped, len, row->type, row->said);

		if (rv != (row->stand_in ? CKR_WRAPPED_KEY_INVALID : CKR_OK))
			fail_msg("row %zu: %lx", i, rv);
		if (row->stand_in)
			assert_stand_in(row->stand_in);
		else
			assert_taken(plain, row->len);
	}
}

/* ---- under a key of the card ---- */

static void the_same_under_a_key_of_the_card(void **state)
{
	static const struct {
		int padding;
		CK_MECHANISM_TYPE unwraps;
		size_t len, stand_in;
	} ways[] = {
		{RSA_PKCS1_PADDING, CKM_RSA_PKCS, 16, 0},
		{RSA_PKCS1_PADDING, CKM_RSA_PKCS, 17, STAND_IN},
		{RSA_PKCS1_PADDING, CKM_RSA_PKCS_OAEP, 16, STAND_IN},
		{RSA_PKCS1_OAEP_PADDING, CKM_RSA_PKCS_OAEP, 16, 0},
		{RSA_PKCS1_OAEP_PADDING, CKM_RSA_PKCS_OAEP, 33, STAND_IN},
		{RSA_PKCS1_OAEP_PADDING, CKM_RSA_PKCS, 16, STAND_IN},
	};
	static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
	CK_OBJECT_HANDLE by = find_one(bench.session, CKO_PRIVATE_KEY, "KEYX");
	EVP_PKEY *pkey = vcard_public_key(bench.card, KEY_KEYX);
	uint8_t plain[64], wrapped[SIGNATURE_SIZE];

	(void)state;
	memset(plain, KEY_BYTE, sizeof plain);
	for (size_t i = 0; i < COUNT(ways); i++) {
		bool is_oaep = ways[i].unwraps == CKM_RSA_PKCS_OAEP;
		CK_MECHANISM m = {ways[i].unwraps, is_oaep ? &oaep : NULL, is_oaep ? sizeof oaep : 0};
		CK_RV rv;

		assert_true(rsamech_encrypt(pkey, ways[i].padding, "SHA256", NULL, 0, plain, ways[i].len,
					    wrapped));
		rv = unwrap(&m, by, wrapped, sizeof wrapped, CKK_AES, 0);
		assert_int_equal(rv, ways[i].stand_in ? CKR_WRAPPED_KEY_INVALID : CKR_OK);
		if (ways[i].stand_in)
			assert_stand_in(ways[i].stand_in);
		else
			assert_taken(plain, ways[i].len);
	}
	EVP_PKEY_free(pkey);
}

/* A key that is one, but not the one that the template speaks of. */
static void another_check_value_than_was_said_is_told_as_any_other_fault(void **state)
{
	static uint8_t plain[PLAIN_MAX], wrapped[PLAIN_MAX];
	const struct row aes = {CKK_AES, 0, 16, 0, 0, 0};
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				   BYTES_OF(CKA_CHECK_VALUE, "abc", 3)};
	CK_OBJECT_HANDLE by = ck_secret(bench.session, CKK_AES, ck_text(), 16), key = 0;
	uint8_t iv[BLOCK] = {0};
	CK_MECHANISM m = {CKM_AES_CBC_PAD, iv, sizeof iv};
	size_t len = wrap(by, iv, plain, make_plain(&aes, plain), wrapped);

	(void)state;
	assert_int_equal(C_UnwrapKey(bench.session, &m, by, wrapped, len, template, COUNT(template),
				     &key),
			 CKR_WRAPPED_KEY_INVALID);
	assert_int_equal(key, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(what_is_not_a_key_is_replaced_before_anyone_looks),
		LOGIN_TEST(the_same_under_a_key_of_the_card),
		SESSION_TEST(another_check_value_than_was_said_is_told_as_any_other_fault),
	};

	return cmocka_run_group_tests_name("unwrapping", tests, NULL, NULL);
}
