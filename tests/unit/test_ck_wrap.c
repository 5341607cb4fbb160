/* Public keys at work: wrapping and unwrapping, encrypting, recovering signatures. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "ck_cipher.h"
#include "rsamech.h"

#define PRKDF "3F00/5030/4100"
#define PUKDF "3F00/5030/4101"
#define SIGN_ONLY 0x20
#define SIGN_AND_RECOVER 0x30
#define VERIFY_ONLY 0x02
#define VERIFY_AND_RECOVER 0x03

static const CK_RSA_PKCS_OAEP_PARAMS oaep_sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static const CK_RSA_PKCS_OAEP_PARAMS oaep_sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED,
						    (void *)"label", 5};

/* The paddings that encrypt; all that the module has. */
static CK_MECHANISM paddings[] = {
	{CKM_RSA_PKCS, NULL, 0},
	{CKM_RSA_PKCS_OAEP, (void *)&oaep_sha1, sizeof oaep_sha1},
	{CKM_RSA_PKCS_OAEP, (void *)&oaep_sha256, sizeof oaep_sha256},
	{CKM_RSA_X_509, NULL, 0},
};
#define WRAPPING_PADDINGS 3

static CK_OBJECT_HANDLE key_of(CK_OBJECT_CLASS klass, const char *id)
{
	return find_one(bench.session, klass, id);
}

/* ---- wrapping ---- */

static CK_RV unwrap(CK_MECHANISM *m, CK_OBJECT_HANDLE key, unsigned char *wrapped, CK_ULONG len,
		    CK_KEY_TYPE type, CK_OBJECT_HANDLE *out)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, type)};

	*out = 0;
	return C_UnwrapKey(bench.session, m, key, wrapped, len, template, COUNT(template), out);
}

static void assert_value(CK_OBJECT_HANDLE key, const void *wanted, size_t len)
{
	unsigned char value[64];

	assert_int_equal(get_attribute(bench.session, key, CKA_VALUE, value, sizeof value), len);
	assert_memory_equal(value, wanted, len);
}

static void a_secret_key_travels_under_a_key_of_the_card(void **state)
{
	CK_OBJECT_HANDLE public_key = key_of(CKO_PUBLIC_KEY, "KEYX");
	CK_OBJECT_HANDLE private_key = key_of(CKO_PRIVATE_KEY, "KEYX");
	CK_OBJECT_HANDLE secret = ck_secret(bench.session, CKK_AES, ck_text(), 32), back;

	(void)state;
	for (size_t i = 0; i < WRAPPING_PADDINGS; i++) {
		unsigned char wrapped[256];
		CK_ULONG len = 0;

		assert_int_equal(C_WrapKey(bench.session, &paddings[i], public_key, secret, NULL, &len),
				 CKR_OK);
		assert_int_equal(len, 256);
		len = 255;
		assert_int_equal(C_WrapKey(bench.session, &paddings[i], public_key, secret, wrapped, &len),
				 CKR_BUFFER_TOO_SMALL);
		assert_int_equal(C_WrapKey(bench.session, &paddings[i], public_key, secret, wrapped, &len),
				 CKR_OK);
		assert_int_equal(unwrap(&paddings[i], private_key, wrapped, len, CKK_AES, &back), CKR_OK);
		assert_value(back, ck_text(), 32);
		assert_false(ck_bool(bench.session, back, CKA_LOCAL));
		assert_false(ck_bool(bench.session, back, CKA_ALWAYS_SENSITIVE));
		assert_int_equal(ck_ulong(bench.session, back, CKA_KEY_GEN_MECHANISM),
				 CK_UNAVAILABLE_INFORMATION);
		assert_int_equal(ck_ulong(bench.session, back, CKA_VALUE_LEN), 32);
	}
}

static void what_openssl_wraps_the_card_unwraps(void **state)
{
	EVP_PKEY *pkey = vcard_public_key(bench.card, KEY_KEYX);
	unsigned char wrapped[SIGNATURE_SIZE], odd[24];
	CK_OBJECT_HANDLE back;

	(void)state;
	memset(odd, 0x0B, sizeof odd); /* odd parity, as DES wants it */
	assert_true(rsamech_encrypt(pkey, RSA_PKCS1_OAEP_PADDING, "SHA256", "label", 5, odd, 24, wrapped));
	assert_int_equal(unwrap(&paddings[2], key_of(CKO_PRIVATE_KEY, "KEYX"), wrapped, 256, CKK_DES3,
				&back),
			 CKR_OK);
	assert_value(back, odd, 24);
	/* PKCS#11 mechanisms, DES: to unwrap a key of wrong parity is an error */
	odd[23] ^= 1;
	assert_true(rsamech_encrypt(pkey, RSA_PKCS1_OAEP_PADDING, "SHA256", "label", 5, odd, 24, wrapped));
	assert_int_not_equal(unwrap(&paddings[2], key_of(CKO_PRIVATE_KEY, "KEYX"), wrapped, 256, CKK_DES3,
				    &back),
			     CKR_OK);
	EVP_PKEY_free(pkey);
}

static void a_secret_key_travels_under_another_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < ck_cipher_count; i++) {
		const struct ck_cipher *c = &ck_ciphers[i];
		CK_OBJECT_HANDLE kek = ck_cipher_key(bench.session, c), back;
		CK_OBJECT_HANDLE secret = ck_secret(bench.session, CKK_GENERIC_SECRET, ck_text(), 21);
		unsigned char wrapped[64], wanted[CK_CIPHER_MAX];
		CK_ULONG len = sizeof wrapped;
		CK_RV rv = C_WrapKey(bench.session, ck_mechanism(c), kek, secret, wrapped, &len);

		assert_int_equal(rv, c->pads ? CKR_OK : CKR_MECHANISM_INVALID);
		if (!c->pads)
			continue;
		assert_int_equal(len, ck_reference(c, 21, wanted));
		assert_memory_equal(wrapped, wanted, len);
		assert_int_equal(unwrap(ck_mechanism(c), kek, wrapped, len, CKK_GENERIC_SECRET, &back), CKR_OK);
		assert_value(back, ck_text(), 21);
		assert_int_equal(unwrap(ck_mechanism(c), kek, wrapped, len - 1, CKK_GENERIC_SECRET, &back),
				 CKR_WRAPPED_KEY_LEN_RANGE);
		assert_int_equal(unwrap(ck_mechanism(c), kek, wrapped, len, CKK_AES, &back),
				 CKR_WRAPPED_KEY_INVALID);
		wrapped[len - 1] ^= 1;
		assert_int_equal(unwrap(ck_mechanism(c), kek, wrapped, len, CKK_GENERIC_SECRET, &back),
				 CKR_WRAPPED_KEY_INVALID);
		assert_int_equal(back, 0);
	}
}

static const struct ck_cipher *aes_pad(void)
{
	for (size_t i = 0; i < ck_cipher_count; i++)
		if (ck_ciphers[i].mechanism == CKM_AES_CBC_PAD)
			return &ck_ciphers[i];
	return NULL;
}

static void keys_that_may_not_leave_are_not_wrapped(void **state)
{
	CK_OBJECT_HANDLE kek = ck_cipher_key(bench.session, aes_pad());
	CK_MECHANISM m = *ck_mechanism(aes_pad());
	unsigned char out[300];
	CK_ULONG len = sizeof out;
	struct {
		CK_OBJECT_HANDLE key;
		CK_RV rv;
	} rows[] = {
		{ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_EXTRACTABLE, false),
		 CKR_KEY_UNEXTRACTABLE},
		{ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_WRAP_WITH_TRUSTED, true),
		 CKR_KEY_NOT_WRAPPABLE},
		{ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_SENSITIVE, true), CKR_OK},
		{key_of(CKO_PRIVATE_KEY, "SIGN"), CKR_KEY_UNEXTRACTABLE},
		{key_of(CKO_PUBLIC_KEY, "SIGN"), CKR_KEY_NOT_WRAPPABLE},
		{ck_data(bench.session, "x"), CKR_KEY_HANDLE_INVALID}, /* no key at all */
		{find_one(bench.session, CKO_CERTIFICATE, "SIGN"), CKR_KEY_HANDLE_INVALID},
		{0x7777777, CKR_KEY_HANDLE_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		len = sizeof out;
		assert_int_equal(C_WrapKey(bench.session, &m, kek, rows[i].key, out, &len), rows[i].rv);
	}
}

static void wrong_wrapping_keys_have_their_own_codes(void **state)
{
	CK_OBJECT_HANDLE secret = ck_secret(bench.session, CKK_GENERIC_SECRET, ck_text(), 300);
	CK_OBJECT_HANDLE no_wrap = ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_WRAP, false);
	CK_OBJECT_HANDLE generic = ck_secret(bench.session, CKK_GENERIC_SECRET, ck_text(), 16);
	CK_MECHANISM m = *ck_mechanism(aes_pad());
	unsigned char out[300];
	CK_ULONG len = sizeof out;

	(void)state;
	assert_int_equal(C_WrapKey(bench.session, &m, 0x7777777, secret, out, &len),
			 CKR_WRAPPING_KEY_HANDLE_INVALID);
	assert_int_equal(C_WrapKey(bench.session, &m, generic, secret, out, &len),
			 CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
	assert_int_equal(C_WrapKey(bench.session, &m, no_wrap, secret, out, &len),
			 CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_WrapKey(bench.session, &paddings[0], key_of(CKO_PUBLIC_KEY, "KEYX"), secret, out,
				   &len),
			 CKR_KEY_SIZE_RANGE);
	assert_int_equal(C_WrapKey(bench.session, &paddings[0], key_of(CKO_PUBLIC_KEY, "SIGN"), generic,
				   out, &len),
			 CKR_KEY_FUNCTION_NOT_PERMITTED);
	m.ulParameterLen = 15;
	assert_int_equal(C_WrapKey(bench.session, &m, generic, generic, out, &len),
			 CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
	assert_int_equal(C_WrapKey(bench.session, &m, ck_cipher_key(bench.session, aes_pad()), generic, out,
				   &len),
			 CKR_MECHANISM_PARAM_INVALID);
	assert_int_equal(C_WrapKey(bench.session, NULL, generic, generic, out, &len), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_WrapKey(bench.session, &m, generic, generic, out, NULL), CKR_ARGUMENTS_BAD);
}

static void wrong_unwrapping_keys_have_their_own_codes(void **state)
{
	CK_OBJECT_HANDLE generic = ck_secret(bench.session, CKK_GENERIC_SECRET, ck_text(), 16), out;
	CK_OBJECT_HANDLE no = ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_UNWRAP, false);
	CK_OBJECT_HANDLE keyx = key_of(CKO_PRIVATE_KEY, "KEYX");
	CK_MECHANISM m = *ck_mechanism(aes_pad());
	CK_ATTRIBUTE not_a_key = ULONG_OF(CKA_CLASS, CKO_DATA);
	unsigned char wrapped[256] = {0};

	(void)state;
	assert_int_equal(unwrap(&m, 0x7777777, wrapped, 32, CKK_AES, &out),
			 CKR_UNWRAPPING_KEY_HANDLE_INVALID);
	assert_int_equal(unwrap(&m, generic, wrapped, 32, CKK_AES, &out),
			 CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
	assert_int_equal(unwrap(&m, no, wrapped, 32, CKK_AES, &out), CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(unwrap(&paddings[0], key_of(CKO_PRIVATE_KEY, "SIGN"), wrapped, 256, CKK_AES, &out),
			 CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(unwrap(&paddings[3], keyx, wrapped, 256, CKK_AES, &out), CKR_MECHANISM_INVALID);
	assert_int_equal(unwrap(&paddings[0], keyx, wrapped, 255, CKK_AES, &out),
			 CKR_WRAPPED_KEY_LEN_RANGE);
	wrapped[255] = 7;
	assert_int_equal(unwrap(&paddings[0], keyx, wrapped, 256, CKK_AES, &out), CKR_WRAPPED_KEY_INVALID);
	assert_int_equal(C_UnwrapKey(bench.session, &paddings[0], keyx, wrapped, 256, NULL, 0, &out),
			 CKR_TEMPLATE_INCOMPLETE);
	assert_int_equal(C_UnwrapKey(bench.session, &paddings[0], keyx, wrapped, 256, &not_a_key, 1, &out),
			 CKR_TEMPLATE_INCONSISTENT);
	assert_int_equal(C_UnwrapKey(bench.session, &paddings[0], keyx, NULL, 256, NULL, 0, &out),
			 CKR_ARGUMENTS_BAD);
	assert_int_equal(C_UnwrapKey(bench.session, &paddings[0], keyx, wrapped, 256, NULL, 0, NULL),
			 CKR_ARGUMENTS_BAD);
}

static void an_unwrapped_key_goes_nowhere_but_into_the_session(void **state)
{
	CK_OBJECT_HANDLE kek = ck_cipher_key(bench.session, aes_pad()), out = 0;
	CK_MECHANISM m = *ck_mechanism(aes_pad());
	unsigned char wrapped[CK_CIPHER_MAX];
	size_t len = ck_reference(aes_pad(), 16, wrapped);
	CK_ATTRIBUTE token[] = {ULONG_OF(CKA_KEY_TYPE, CKK_AES), BOOL_OF(CKA_TOKEN, true)};
	CK_ATTRIBUTE longer[] = {ULONG_OF(CKA_KEY_TYPE, CKK_AES), ULONG_OF(CKA_VALUE_LEN, 32)};
	CK_ATTRIBUTE fits[] = {ULONG_OF(CKA_KEY_TYPE, CKK_AES), ULONG_OF(CKA_VALUE_LEN, 16),
			       BOOL_OF(CKA_PRIVATE, true)};
	CK_ATTRIBUTE no_length[] = {ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				    ULONG_OF(CKA_VALUE_LEN, CK_UNAVAILABLE_INFORMATION)};
	CK_ATTRIBUTE no_check[] = {ULONG_OF(CKA_KEY_TYPE, CKK_AES), BYTES_OF(CKA_CHECK_VALUE, "1234", 4)};

	(void)state;
	assert_int_equal(C_UnwrapKey(bench.session, &m, kek, wrapped, len, token, 2, &out),
			 CKR_TOKEN_WRITE_PROTECTED);
	/* what no key can have is told before anything is decrypted */
	assert_int_equal(C_UnwrapKey(bench.session, &m, kek, wrapped, len, no_length, 2, &out),
			 CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(C_UnwrapKey(bench.session, &m, kek, wrapped, len, no_check, 2, &out),
			 CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(C_UnwrapKey(bench.session, &m, kek, wrapped, len, longer, 2, &out),
			 CKR_WRAPPED_KEY_INVALID);
	assert_int_equal(C_UnwrapKey(bench.session, &m, kek, wrapped, len, fits, 3, &out), CKR_OK);
	assert_true(ck_bool(bench.session, out, CKA_PRIVATE));
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_false(ck_exists(bench.session, out));
	assert_int_equal(C_UnwrapKey(bench.session, &m, kek, wrapped, len, fits, 3, &out),
			 CKR_USER_NOT_LOGGED_IN);
}

/* ---- encrypting ---- */

static size_t most_bytes(const CK_MECHANISM *m, size_t key_len)
{
	if (m->mechanism == CKM_RSA_PKCS)
		return key_len - 11;
	if (m->mechanism == CKM_RSA_X_509)
		return key_len;
	return key_len - 2 - 2 * (m->pParameter == &oaep_sha1 ? 20 : 32);
}

static CK_RV encrypt(CK_MECHANISM *m, CK_OBJECT_HANDLE key, size_t len, size_t part, unsigned char *out,
		     size_t *out_len)
{
	CK_RV rv = C_EncryptInit(bench.session, m, key);
	CK_ULONG n = CK_CIPHER_MAX;

	if (rv == CKR_OK && part)
		return ck_in_parts(CK_ENCRYPT, bench.session, ck_text(), len, part, out, out_len);
	if (rv == CKR_OK)
		rv = C_Encrypt(bench.session, (CK_BYTE *)ck_text(), len, out, &n);
	*out_len = n;
	return rv;
}

static void the_card_decrypts_what_its_public_key_encrypts(void **state)
{
	CK_OBJECT_HANDLE keys[2] = {key_of(CKO_PUBLIC_KEY, "KEYX")};
	CK_OBJECT_HANDLE private_key = key_of(CKO_PRIVATE_KEY, "KEYX");
	EVP_PKEY *pkey = vcard_public_key(bench.card, KEY_KEYX);

	(void)state;
	keys[1] = ck_public(bench.session, pkey); /* the same one as a session object */
	EVP_PKEY_free(pkey);
	for (size_t i = 0; i < COUNT(paddings); i++) {
		for (size_t k = 0; k < 4; k++) {
			unsigned char cipher[CK_CIPHER_MAX], plain[256];
			CK_ULONG plain_len = sizeof plain;
			size_t len, bare = paddings[i].mechanism == CKM_RSA_X_509;

			assert_int_equal(encrypt(&paddings[i], keys[k % 2], 100, k < 2 ? 0 : 33, cipher, &len),
					 CKR_OK);
			assert_int_equal(len, 256);
			assert_int_equal(C_DecryptInit(bench.session, &paddings[i], private_key), CKR_OK);
			assert_int_equal(C_Decrypt(bench.session, cipher, len, plain, &plain_len), CKR_OK);
			assert_int_equal(plain_len, bare ? 256 : 100);
			assert_memory_equal(plain + plain_len - 100, ck_text(), 100);
		}
	}
}

static void openssl_decrypts_what_session_keys_of_any_size_encrypt(void **state)
{
	static const unsigned sizes[] = {1024, 2048, 3072};
	static const int openssl_padding[] = {RSA_PKCS1_PADDING, RSA_PKCS1_OAEP_PADDING};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		EVP_PKEY *pkey = ck_rsa(sizes[i]);
		CK_OBJECT_HANDLE key = ck_public(bench.session, pkey);

		for (size_t p = 0; p < 2; p++) {
			unsigned char cipher[1024], plain[1024];
			CK_ULONG len = 0;
			size_t plain_len = sizeof plain;
			EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);

			assert_int_equal(C_EncryptInit(bench.session, &paddings[p], key), CKR_OK);
			assert_int_equal(C_Encrypt(bench.session, (CK_BYTE *)ck_text(), 50, NULL, &len), CKR_OK);
			assert_int_equal(len, sizes[i] / 8);
			assert_int_equal(C_Encrypt(bench.session, (CK_BYTE *)ck_text(), 50, cipher, &len),
					 CKR_OK);
			assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
			assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, openssl_padding[p]), 1);
			assert_int_equal(EVP_PKEY_decrypt(ctx, plain, &plain_len, cipher, len), 1);
			assert_int_equal(plain_len, 50);
			assert_memory_equal(plain, ck_text(), 50);
			EVP_PKEY_CTX_free(ctx);
		}
	}
}

static void the_most_is_encrypted_and_one_byte_more_is_not(void **state)
{
	CK_OBJECT_HANDLE key = key_of(CKO_PUBLIC_KEY, "KEYX");
	unsigned char out[CK_CIPHER_MAX + 300], low[257] = {0, 1};
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(paddings); i++) {
		size_t most = most_bytes(&paddings[i], 256);

		if (most < 256) {
			assert_int_equal(encrypt(&paddings[i], key, most, 0, out, &len), CKR_OK);
			assert_int_equal(encrypt(&paddings[i], key, most + 1, 0, out, &len), CKR_DATA_LEN_RANGE);
			assert_int_equal(encrypt(&paddings[i], key, most + 1, 100, out, &len),
					 CKR_DATA_LEN_RANGE);
		} else { /* any number of that length, if it is below the modulus */
			CK_ULONG n = sizeof out;

			assert_int_equal(C_EncryptInit(bench.session, &paddings[i], key), CKR_OK);
			assert_int_equal(C_Encrypt(bench.session, low, most, out, &n), CKR_OK);
			assert_int_equal(C_EncryptInit(bench.session, &paddings[i], key), CKR_OK);
			assert_int_equal(C_Encrypt(bench.session, low, most + 1, out, &n),
					 CKR_DATA_LEN_RANGE);
		}
		assert_int_equal(encrypt(&paddings[i], key, 0, 0, out, &len), CKR_OK);
	}
	assert_int_equal(C_EncryptInit(bench.session, &paddings[0], key_of(CKO_PUBLIC_KEY, "SIGN")),
			 CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_EncryptInit(bench.session, &paddings[0], key_of(CKO_CERTIFICATE, "KEYX")),
			 CKR_KEY_HANDLE_INVALID);
	assert_int_equal(C_DecryptInit(bench.session, &paddings[0], ck_public(bench.session, ck_rsa(2048))),
			 CKR_KEY_FUNCTION_NOT_PERMITTED);
}

static void a_number_above_the_modulus_is_not_encrypted(void **state)
{
	CK_OBJECT_HANDLE key = key_of(CKO_PUBLIC_KEY, "KEYX");
	unsigned char in[256], out[256];
	CK_ULONG len = sizeof out;

	(void)state;
	memset(in, 0xFF, sizeof in);
	assert_int_equal(C_EncryptInit(bench.session, MECHANISM(CKM_RSA_X_509), key), CKR_OK);
	assert_int_not_equal(C_Encrypt(bench.session, in, sizeof in, out, &len), CKR_OK);
	assert_int_equal(C_Encrypt(bench.session, in, sizeof in, out, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void session_keys_of_any_size_verify(void **state)
{
	static const unsigned sizes[] = {1024, 2048, 4096};
	unsigned char signature[512];

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		CK_OBJECT_HANDLE key = ck_public(bench.session, ck_rsa(sizes[i]));
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		CK_MECHANISM *m = MECHANISM(CKM_SHA256_RSA_PKCS);
		size_t len = sizeof signature;

		assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, ck_rsa(sizes[i])), 1);
		assert_int_equal(EVP_DigestSign(ctx, signature, &len, ck_text(), 77), 1);
		EVP_MD_CTX_free(ctx);
		assert_int_equal(C_VerifyInit(bench.session, m, key), CKR_OK);
		assert_int_equal(C_Verify(bench.session, (CK_BYTE *)ck_text(), 77, signature, len), CKR_OK);
		assert_int_equal(C_VerifyInit(bench.session, m, key), CKR_OK);
		assert_int_equal(C_Verify(bench.session, (CK_BYTE *)ck_text(), 76, signature, len),
				 CKR_SIGNATURE_INVALID);
		assert_int_equal(C_VerifyInit(bench.session, m, key), CKR_OK);
		assert_int_equal(C_Verify(bench.session, (CK_BYTE *)ck_text(), 77, signature, len - 1),
				 CKR_SIGNATURE_LEN_RANGE);
		assert_int_equal(C_SignInit(bench.session, m, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
	}
}

/* ---- recovering ---- */

static void keys_of_the_sampled_cards_do_not_recover(void **state)
{
	CK_OBJECT_HANDLE private_key = key_of(CKO_PRIVATE_KEY, "SIGN");

	(void)state;
	assert_false(ck_bool(bench.session, private_key, CKA_SIGN_RECOVER));
	assert_int_equal(C_SignRecoverInit(bench.session, MECHANISM(CKM_RSA_PKCS), private_key),
			 CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_VerifyRecoverInit(bench.session, MECHANISM(CKM_RSA_PKCS),
					     key_of(CKO_PUBLIC_KEY, "SIGN")),
			 CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* A card whose records say sign-recover and verify-recover. */
static int setup_recover(void **state)
{
	*state = &bench;
	memset(&bench, 0, sizeof bench);
	fake_clear();
	bench.card = testcard_load();
	ck_change_usage(bench.card, PRKDF, SIGN_ONLY, SIGN_AND_RECOVER);
	ck_change_usage(bench.card, PUKDF, VERIFY_ONLY, VERIFY_AND_RECOVER);
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	module_start();
	bench.slot = slot_of(READER);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	return 0;
}

#define RECOVER_TEST(f) cmocka_unit_test_setup_teardown(f, setup_recover, bench_teardown)

/* What comes out of verify-recover; the length query and a small buffer on the way. */
static CK_RV recover(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, unsigned char *signature, size_t len,
		     unsigned char out[256], CK_ULONG *out_len)
{
	CK_RV rv = C_VerifyRecoverInit(bench.session, MECHANISM(type), key);

	assert_int_equal(rv, CKR_OK);
	assert_int_equal(C_VerifyRecover(bench.session, signature, len, NULL, out_len), CKR_OK);
	assert_in_range(*out_len, 1, 256);
	*out_len = 2;
	rv = C_VerifyRecover(bench.session, signature, len, out, out_len);
	if (rv == CKR_BUFFER_TOO_SMALL)
		rv = C_VerifyRecover(bench.session, signature, len, out, out_len);
	assert_int_equal(C_VerifyRecover(bench.session, signature, len, out, out_len),
			 CKR_OPERATION_NOT_INITIALIZED);
	return rv;
}

static void a_card_that_may_recover_does(void **state)
{
	static const CK_MECHANISM_TYPE types[] = {CKM_RSA_PKCS, CKM_RSA_X_509};
	unsigned char signature[256], out[256];
	CK_OBJECT_HANDLE private_key = key_of(CKO_PRIVATE_KEY, "SIGN");
	EVP_PKEY *pkey = vcard_public_key(bench.card, KEY_SIGN);
	CK_OBJECT_HANDLE public_keys[] = {key_of(CKO_PUBLIC_KEY, "SIGN"), ck_public(bench.session, pkey)};
	CK_ULONG len, out_len;

	(void)state;
	EVP_PKEY_free(pkey);
	for (size_t i = 0; i < COUNT(types); i++) {
		assert_int_equal(C_SignRecoverInit(bench.session, MECHANISM(types[i]), private_key), CKR_OK);
		assert_int_equal(C_SignRecover(bench.session, (CK_BYTE *)ck_text(), 60, NULL, &len), CKR_OK);
		assert_int_equal(len, 256);
		assert_int_equal(C_SignRecover(bench.session, (CK_BYTE *)ck_text(), 60, signature, &len),
				 CKR_OK);
		assert_int_equal(C_SignRecover(bench.session, (CK_BYTE *)ck_text(), 60, signature, &len),
				 CKR_OPERATION_NOT_INITIALIZED);
		for (size_t k = 0; k < COUNT(public_keys); k++) {
			assert_int_equal(recover(types[i], public_keys[k], signature, 256, out, &out_len),
					 CKR_OK);
			assert_int_equal(out_len, types[i] == CKM_RSA_PKCS ? 60 : 256);
			assert_memory_equal(out + out_len - 60, ck_text(), 60);
		}
	}
}

static void a_signature_of_any_kind_is_recovered_or_refused(void **state)
{
	unsigned char signature[256], out[256], digest_info[51] = {0x30, 0x31, 0x30, 0x0D};
	CK_OBJECT_HANDLE key;
	EVP_PKEY *pkey = vcard_public_key(bench.card, KEY_SIGN);
	CK_ULONG out_len;

	(void)state;
	key = ck_public(bench.session, pkey);
	EVP_PKEY_free(pkey);
	assert_int_equal(sign_sha256(bench.session, key_of(CKO_PRIVATE_KEY, "SIGN"), "text", signature),
			 CKR_OK);
	assert_int_equal(recover(CKM_RSA_PKCS, key, signature, 256, out, &out_len), CKR_OK);
	assert_int_equal(out_len, sizeof digest_info);
	assert_memory_equal(out, digest_info, 4);
	signature[9] ^= 1;
	assert_int_equal(recover(CKM_RSA_PKCS, key, signature, 256, out, &out_len), CKR_SIGNATURE_INVALID);
	assert_int_equal(recover(CKM_RSA_PKCS, key, signature, 255, out, &out_len), CKR_SIGNATURE_LEN_RANGE);
	memset(signature, 0xFF, sizeof signature);
	assert_int_equal(recover(CKM_RSA_X_509, key, signature, 256, out, &out_len), CKR_SIGNATURE_INVALID);
	assert_int_equal(C_VerifyRecoverInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key),
			 CKR_MECHANISM_INVALID);
	assert_int_equal(C_VerifyRecoverInit(bench.session, MECHANISM(CKM_RSA_PKCS), key), CKR_OK);
	assert_int_equal(C_VerifyRecover(bench.session, NULL, 256, out, &out_len), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_VerifyRecover(bench.session, signature, 256, out, &out_len),
			 CKR_OPERATION_NOT_INITIALIZED);
}

static void what_is_too_long_to_recover_is_not_signed(void **state)
{
	unsigned char signature[256];
	CK_OBJECT_HANDLE key = key_of(CKO_PRIVATE_KEY, "SIGN");
	CK_ULONG len = sizeof signature;

	(void)state;
	fake_new_commands(READER);
	assert_int_equal(C_SignRecoverInit(bench.session, MECHANISM(CKM_RSA_PKCS), key), CKR_OK);
	assert_int_equal(C_SignRecover(bench.session, (CK_BYTE *)ck_text(), 246, signature, &len),
			 CKR_DATA_LEN_RANGE);
	assert_int_equal(C_SignRecoverInit(bench.session, MECHANISM(CKM_RSA_PKCS), key), CKR_OK);
	assert_int_equal(C_SignRecover(bench.session, NULL, 3, signature, &len), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_SignRecoverInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key),
			 CKR_MECHANISM_INVALID);
	assert_int_equal(fake_new_commands(READER), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOGIN_TEST(a_secret_key_travels_under_a_key_of_the_card),
		LOGIN_TEST(what_openssl_wraps_the_card_unwraps),
		SESSION_TEST(a_secret_key_travels_under_another_one),
		LOGIN_TEST(keys_that_may_not_leave_are_not_wrapped),
		SESSION_TEST(wrong_wrapping_keys_have_their_own_codes),
		LOGIN_TEST(wrong_unwrapping_keys_have_their_own_codes),
		LOGIN_TEST(an_unwrapped_key_goes_nowhere_but_into_the_session),
		LOGIN_TEST(the_card_decrypts_what_its_public_key_encrypts),
		SESSION_TEST(openssl_decrypts_what_session_keys_of_any_size_encrypt),
		SESSION_TEST(the_most_is_encrypted_and_one_byte_more_is_not),
		SESSION_TEST(a_number_above_the_modulus_is_not_encrypted),
		SESSION_TEST(session_keys_of_any_size_verify),
		LOGIN_TEST(keys_of_the_sampled_cards_do_not_recover),
		RECOVER_TEST(a_card_that_may_recover_does),
		RECOVER_TEST(a_signature_of_any_kind_is_recovered_or_refused),
		RECOVER_TEST(what_is_too_long_to_recover_is_not_signed),
	};

	return cmocka_run_group_tests_name("wrapping and recovering", tests, NULL, NULL);
}
