/* Session secret keys: generating, HMACs, digests of keys, two operations at once. */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "ck_cipher.h"

#define MESSAGE_LEN 150

static const struct {
	const char *openssl;
	CK_MECHANISM_TYPE hmac, general;
} hmacs[] = {
	{"MD5", CKM_MD5_HMAC, CKM_MD5_HMAC_GENERAL},
	{"SHA1", CKM_SHA_1_HMAC, CKM_SHA_1_HMAC_GENERAL},
	{"SHA224", CKM_SHA224_HMAC, CKM_SHA224_HMAC_GENERAL},
	{"SHA256", CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL},
	{"SHA384", CKM_SHA384_HMAC, CKM_SHA384_HMAC_GENERAL},
	{"SHA512", CKM_SHA512_HMAC, CKM_SHA512_HMAC_GENERAL},
};

/* ---- generating ---- */

static CK_RV generate(CK_MECHANISM_TYPE type, CK_ULONG len, CK_OBJECT_HANDLE *key)
{
	CK_ATTRIBUTE template = ULONG_OF(CKA_VALUE_LEN, len);

	*key = 0;
	return C_GenerateKey(bench.session, MECHANISM(type), &template, len ? 1 : 0, key);
}

static const struct {
	CK_MECHANISM_TYPE mechanism;
	CK_KEY_TYPE type;
	CK_ULONG wanted, len; /* wanted 0: the mechanism knows */
} generators[] = {
	{CKM_AES_KEY_GEN, CKK_AES, 16, 16},
	{CKM_AES_KEY_GEN, CKK_AES, 24, 24},
	{CKM_AES_KEY_GEN, CKK_AES, 32, 32},
	{CKM_DES2_KEY_GEN, CKK_DES2, 0, 16},
	{CKM_DES3_KEY_GEN, CKK_DES3, 0, 24},
	{CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET, 1, 1},
	{CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET, 4096, 4096},
};

static void generated_keys_are_what_they_should_be(void **state)
{
	unsigned char first[4096], second[4096];
	CK_OBJECT_HANDLE key;

	(void)state;
	for (size_t i = 0; i < COUNT(generators); i++) {
		assert_int_equal(generate(generators[i].mechanism, generators[i].wanted, &key), CKR_OK);
		assert_int_equal(get_attribute(bench.session, key, CKA_VALUE, first, sizeof first),
				 generators[i].len);
		assert_int_equal(ck_ulong(bench.session, key, CKA_KEY_TYPE), generators[i].type);
		assert_int_equal(ck_ulong(bench.session, key, CKA_VALUE_LEN), generators[i].len);
		assert_int_equal(ck_ulong(bench.session, key, CKA_KEY_GEN_MECHANISM), generators[i].mechanism);
		assert_true(ck_bool(bench.session, key, CKA_LOCAL));
		assert_int_equal(generate(generators[i].mechanism, generators[i].wanted, &key), CKR_OK);
		get_attribute(bench.session, key, CKA_VALUE, second, sizeof second);
		if (generators[i].len >= 16)
			assert_memory_not_equal(first, second, generators[i].len);
	}
}

static void generated_keys_remember_how_they_began(void **state)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_VALUE_LEN, 16), BOOL_OF(CKA_SENSITIVE, true),
				   BOOL_OF(CKA_EXTRACTABLE, false)};
	CK_OBJECT_HANDLE key, loose;

	(void)state;
	assert_int_equal(C_GenerateKey(bench.session, MECHANISM(CKM_AES_KEY_GEN), template, 3, &key),
			 CKR_OK);
	assert_true(ck_bool(bench.session, key, CKA_ALWAYS_SENSITIVE));
	assert_true(ck_bool(bench.session, key, CKA_NEVER_EXTRACTABLE));
	assert_int_equal(ck_attribute_rv(bench.session, key, CKA_VALUE), CKR_ATTRIBUTE_SENSITIVE);
	assert_int_equal(generate(CKM_AES_KEY_GEN, 16, &loose), CKR_OK);
	assert_int_equal(ck_set_bool(bench.session, loose, CKA_SENSITIVE, true), CKR_OK);
	assert_false(ck_bool(bench.session, loose, CKA_ALWAYS_SENSITIVE));
	assert_false(ck_bool(bench.session, loose, CKA_NEVER_EXTRACTABLE));
}

static bool has_odd_parity(const unsigned char *key, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!(__builtin_popcount(key[i]) & 1))
			return false;
	return true;
}

/* PKCS#11, DES keys: "must always have their parity bits properly set". */
static void generated_des_keys_have_odd_parity(void **state)
{
	unsigned char value[24];
	CK_OBJECT_HANDLE key;

	(void)state;
	assert_int_equal(generate(CKM_DES2_KEY_GEN, 0, &key), CKR_OK);
	assert_true(has_odd_parity(value, get_attribute(bench.session, key, CKA_VALUE, value, 24)));
	assert_int_equal(generate(CKM_DES3_KEY_GEN, 0, &key), CKR_OK);
	assert_true(has_odd_parity(value, get_attribute(bench.session, key, CKA_VALUE, value, 24)));
}

static void lengths_that_do_not_fit_generate_nothing(void **state)
{
	static const struct {
		CK_MECHANISM_TYPE mechanism;
		CK_ULONG len;
		CK_RV rv;
	} rows[] = {
		{CKM_AES_KEY_GEN, 0, CKR_TEMPLATE_INCOMPLETE},
		{CKM_AES_KEY_GEN, 17, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKM_AES_KEY_GEN, (CK_ULONG)-1, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKM_GENERIC_SECRET_KEY_GEN, 0, CKR_TEMPLATE_INCOMPLETE},
		{CKM_GENERIC_SECRET_KEY_GEN, 4097, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKM_DES3_KEY_GEN, 16, CKR_TEMPLATE_INCONSISTENT},
		{CKM_RSA_PKCS_KEY_PAIR_GEN, 0, CKR_MECHANISM_INVALID},
		{CKM_AES_CBC, 16, CKR_MECHANISM_INVALID},
		{CKM_DES_KEY_GEN, 0, CKR_MECHANISM_INVALID},
	};
	CK_OBJECT_HANDLE key;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(generate(rows[i].mechanism, rows[i].len, &key), rows[i].rv);
		assert_int_equal(key, 0);
	}
}

static void templates_that_do_not_fit_generate_nothing(void **state)
{
	CK_ATTRIBUTE rows[][2] = {
		{ULONG_OF(CKA_CLASS, CKO_DATA), ULONG_OF(CKA_VALUE_LEN, 16)},
		{ULONG_OF(CKA_KEY_TYPE, CKK_DES3), ULONG_OF(CKA_VALUE_LEN, 16)},
		{BYTES_OF(CKA_VALUE, "0123456789ABCDEF", 16), ULONG_OF(CKA_VALUE_LEN, 16)},
	};
	CK_ATTRIBUTE on_card[] = {BOOL_OF(CKA_TOKEN, true), ULONG_OF(CKA_VALUE_LEN, 16)};
	CK_ATTRIBUTE hidden[] = {BOOL_OF(CKA_PRIVATE, true), ULONG_OF(CKA_VALUE_LEN, 16)};
	CK_MECHANISM *aes = MECHANISM(CKM_AES_KEY_GEN);
	CK_MECHANISM with_parameter = {CKM_AES_KEY_GEN, &on_card, 4};
	CK_OBJECT_HANDLE key = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(C_GenerateKey(bench.session, aes, rows[i], 2, &key),
				 CKR_TEMPLATE_INCONSISTENT);
	assert_int_equal(C_GenerateKey(bench.session, aes, on_card, 2, &key), CKR_TOKEN_WRITE_PROTECTED);
	assert_int_equal(C_GenerateKey(bench.session, aes, hidden, 2, &key), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(C_GenerateKey(bench.session, &with_parameter, rows[0] + 1, 1, &key),
			 CKR_MECHANISM_PARAM_INVALID);
	assert_int_equal(C_GenerateKey(bench.session, NULL, NULL, 0, &key), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GenerateKey(bench.session, aes, NULL, 1, &key), CKR_ARGUMENTS_BAD);
	assert_int_equal(C_GenerateKey(bench.session, aes, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
	assert_int_equal(key, 0);
}

/* Not even what would be so of a key that was given: this one is made here. */
static void how_a_generated_key_began_is_not_the_callers_to_say(void **state)
{
	static const CK_ATTRIBUTE_TYPE facts[] = {CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE};
	CK_OBJECT_HANDLE key = 0;

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(facts); i++) {
		CK_ATTRIBUTE template[] = {ULONG_OF(CKA_VALUE_LEN, 16), BOOL_OF(CKA_SENSITIVE, true),
					   BOOL_OF(CKA_EXTRACTABLE, false), BOOL_OF(facts[i / 2], i % 2)};

		assert_int_equal(C_GenerateKey(bench.session, MECHANISM(CKM_AES_KEY_GEN), template,
					       COUNT(template), &key),
				 CKR_ATTRIBUTE_READ_ONLY);
		assert_int_equal(key, 0);
	}
}

/* ---- HMAC ---- */

static unsigned reference(const char *hash, const void *key, size_t key_len, size_t len,
			  unsigned char out[EVP_MAX_MD_SIZE])
{
	unsigned n = 0;

	assert_non_null(HMAC(EVP_get_digestbyname(hash), key, (int)key_len, ck_text(), len, out, &n));
	return n;
}

/* In parts of that size; 0: in one call. */
static CK_RV mac(CK_MECHANISM *m, CK_OBJECT_HANDLE key, size_t len, size_t part, unsigned char *out,
		 CK_ULONG *out_len)
{
	CK_RV rv = C_SignInit(bench.session, m, key);

	if (rv == CKR_OK && !part)
		return C_Sign(bench.session, (CK_BYTE *)ck_text(), len, out, out_len);
	for (size_t at = 0; rv == CKR_OK && at < len; at += part)
		rv = C_SignUpdate(bench.session, (CK_BYTE *)ck_text() + at,
				  part < len - at ? part : len - at);
	return rv == CKR_OK ? C_SignFinal(bench.session, out, out_len) : rv;
}

static void every_hmac_is_openssls(void **state)
{
	static const size_t key_lengths[] = {1, 16, 64, 65, 128, 129, 1000};

	(void)state;
	fake_new_commands(READER);
	for (size_t i = 0; i < COUNT(hmacs); i++) {
		for (size_t k = 0; k < COUNT(key_lengths); k++) {
			unsigned char value[1000], wanted[EVP_MAX_MD_SIZE], out[EVP_MAX_MD_SIZE];
			size_t len = key_lengths[k];
			CK_OBJECT_HANDLE key;
			unsigned n;

			memset(value, (int)k + 3, sizeof value);
			n = reference(hmacs[i].openssl, value, len, MESSAGE_LEN, wanted);
			key = ck_secret(bench.session, CKK_GENERIC_SECRET, value, len);
			for (size_t part = 0; part <= 40; part += 5) {
				CK_ULONG out_len = sizeof out;

				assert_int_equal(mac(MECHANISM(hmacs[i].hmac), key, MESSAGE_LEN, part, out,
						     &out_len),
						 CKR_OK);
				assert_int_equal(out_len, n);
				assert_memory_equal(out, wanted, n);
			}
			assert_int_equal(C_VerifyInit(bench.session, MECHANISM(hmacs[i].hmac), key), CKR_OK);
			assert_int_equal(C_Verify(bench.session, (CK_BYTE *)ck_text(), MESSAGE_LEN, wanted, n),
					 CKR_OK);
		}
	}
	assert_int_equal(fake_new_commands(READER), 0);
}

static void a_general_hmac_is_the_beginning_of_it(void **state)
{
	CK_OBJECT_HANDLE key = ck_secret(bench.session, CKK_AES, ck_text(), 16);

	(void)state;
	for (size_t i = 0; i < COUNT(hmacs); i++) {
		unsigned char wanted[EVP_MAX_MD_SIZE], out[EVP_MAX_MD_SIZE + 1];
		unsigned n = reference(hmacs[i].openssl, ck_text(), 16, MESSAGE_LEN, wanted);

		for (CK_ULONG len = 0; len <= n + 1; len++) {
			CK_MECHANISM m = {hmacs[i].general, &len, sizeof len};
			CK_ULONG out_len = len;
			CK_RV rv = mac(&m, key, MESSAGE_LEN, 0, out, &out_len);

			assert_int_equal(rv, len && len <= n ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
			if (rv == CKR_OK)
				assert_memory_equal(out, wanted, len);
		}
		assert_int_equal(C_SignInit(bench.session, MECHANISM(hmacs[i].general), key),
				 CKR_MECHANISM_PARAM_INVALID);
		assert_int_equal(C_SignInit(bench.session,
					    &(CK_MECHANISM){hmacs[i].hmac, out, sizeof(CK_ULONG)}, key),
				 CKR_MECHANISM_PARAM_INVALID);
	}
}

static CK_RV verify_mac(CK_OBJECT_HANDLE key, unsigned char *tag, CK_ULONG tag_len, size_t len)
{
	assert_int_equal(C_VerifyInit(bench.session, MECHANISM(CKM_SHA256_HMAC), key), CKR_OK);
	assert_int_equal(C_VerifyUpdate(bench.session, (CK_BYTE *)ck_text(), len), CKR_OK);
	return C_VerifyFinal(bench.session, tag, tag_len);
}

static void a_wrong_mac_is_told(void **state)
{
	CK_OBJECT_HANDLE key = ck_secret(bench.session, CKK_GENERIC_SECRET, "secret", 6);
	unsigned char tag[EVP_MAX_MD_SIZE];

	(void)state;
	reference("SHA256", "secret", 6, 100, tag);
	assert_int_equal(verify_mac(key, tag, 32, 100), CKR_OK);
	assert_int_equal(verify_mac(key, tag, 32, 99), CKR_SIGNATURE_INVALID);
	assert_int_equal(verify_mac(key, tag, 31, 100), CKR_SIGNATURE_LEN_RANGE);
	assert_int_equal(verify_mac(key, tag, 33, 100), CKR_SIGNATURE_LEN_RANGE);
	for (size_t i = 0; i < 32; i++) {
		tag[i] ^= 0x10;
		assert_int_equal(verify_mac(key, tag, 32, 100), CKR_SIGNATURE_INVALID);
		tag[i] ^= 0x10;
	}
	assert_int_equal(C_VerifyFinal(bench.session, tag, 32), CKR_OPERATION_NOT_INITIALIZED);
}

static void a_mac_minds_buffers_and_permissions(void **state)
{
	CK_OBJECT_HANDLE key = ck_secret(bench.session, CKK_GENERIC_SECRET, "secret", 6);
	CK_OBJECT_HANDLE mute = ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_SIGN, false);
	CK_OBJECT_HANDLE deaf = ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_VERIFY, false);
	CK_MECHANISM *m = MECHANISM(CKM_SHA256_HMAC);
	unsigned char wanted[EVP_MAX_MD_SIZE], out[32];
	CK_ULONG len = 0;

	(void)state;
	reference("SHA256", "secret", 6, 5, wanted);
	assert_int_equal(C_SignInit(bench.session, m, key), CKR_OK);
	assert_int_equal(C_Sign(bench.session, (CK_BYTE *)ck_text(), 5, NULL, &len), CKR_OK);
	assert_int_equal(len, 32);
	len = 31;
	assert_int_equal(C_Sign(bench.session, (CK_BYTE *)ck_text(), 5, out, &len), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(C_Sign(bench.session, (CK_BYTE *)ck_text(), 5, out, &len), CKR_OK);
	assert_memory_equal(out, wanted, 32);
	assert_int_equal(C_SignInit(bench.session, m, mute), CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_VerifyInit(bench.session, m, deaf), CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_SignInit(bench.session, m, deaf), CKR_OK);
	assert_int_equal(C_VerifyInit(bench.session, m, mute), CKR_OK);
}

static void a_mac_is_not_made_with_a_key_of_the_card(void **state)
{
	CK_MECHANISM *m = MECHANISM(CKM_SHA256_HMAC);

	(void)state;
	assert_int_equal(C_SignInit(bench.session, m, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN")),
			 CKR_KEY_TYPE_INCONSISTENT);
	assert_int_equal(C_VerifyInit(bench.session, m, find_one(bench.session, CKO_PUBLIC_KEY, "SIGN")),
			 CKR_KEY_TYPE_INCONSISTENT);
	assert_int_equal(C_SignInit(bench.session, m, find_one(bench.session, CKO_CERTIFICATE, "SIGN")),
			 CKR_KEY_HANDLE_INVALID);
}

/* A logout ends what was done with a private key, of the card or not. */
static void a_logout_ends_operations_with_private_keys_only(void **state)
{
	CK_OBJECT_HANDLE hidden =
		ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_PRIVATE, true);
	CK_OBJECT_HANDLE plain = ck_secret(bench.session, CKK_AES, ck_text(), 16);
	CK_MECHANISM *m = MECHANISM(CKM_SHA256_HMAC);
	unsigned char out[32];
	CK_ULONG len = sizeof out;

	(void)state;
	assert_int_equal(C_SignInit(bench.session, m, hidden), CKR_OK);
	assert_int_equal(C_VerifyInit(bench.session, m, plain), CKR_OK);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_not_equal(C_Sign(bench.session, (CK_BYTE *)ck_text(), 5, out, &len), CKR_OK);
	assert_int_equal(C_VerifyUpdate(bench.session, (CK_BYTE *)ck_text(), 5), CKR_OK);
}

/* ---- digests of keys ---- */

static void a_digest_may_take_a_key(void **state)
{
	CK_OBJECT_HANDLE key = ck_secret(bench.session, CKK_GENERIC_SECRET, "secret", 6);
	unsigned char wanted[32], out[32];
	CK_ULONG len = sizeof out;

	(void)state;
	EVP_Digest("a secret!", 9, wanted, NULL, EVP_sha256(), NULL);
	assert_int_equal(C_DigestKey(bench.session, key), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_DigestUpdate(bench.session, (CK_BYTE *)"a ", 2), CKR_OK);
	assert_int_equal(C_DigestKey(bench.session, key), CKR_OK);
	assert_int_equal(C_DigestUpdate(bench.session, (CK_BYTE *)"!", 1), CKR_OK);
	assert_int_equal(C_DigestFinal(bench.session, out, &len), CKR_OK);
	assert_memory_equal(out, wanted, 32);
}

static void keys_that_are_not_shown_are_indigestible(void **state)
{
	CK_OBJECT_HANDLE keys[] = {
		ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_SENSITIVE, true),
		ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_EXTRACTABLE, false),
		ck_public(bench.session, ck_rsa(1024)),
		find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"),
		find_one(bench.session, CKO_PUBLIC_KEY, "SIGN"),
	};

	(void)state;
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	for (size_t i = 0; i < COUNT(keys); i++)
		assert_int_equal(C_DigestKey(bench.session, keys[i]), CKR_KEY_INDIGESTIBLE);
	assert_int_equal(C_DigestKey(bench.session, 0x7777777), CKR_KEY_HANDLE_INVALID);
	assert_int_equal(C_DigestKey(bench.session, ck_data(bench.session, "no key")),
			 CKR_KEY_HANDLE_INVALID);
}

/* ---- two at once ---- */

typedef CK_RV dual_update(CK_SESSION_HANDLE, unsigned char *, CK_ULONG, unsigned char *, CK_ULONG *);

/* All of a text in parts of seven bytes, asking for each length first. */
static size_t run_dual(dual_update *update, const unsigned char *in, size_t len, unsigned char *out)
{
	size_t total = 0;

	for (size_t at = 0; at < len; at += 7) {
		size_t part = len - at < 7 ? len - at : 7;
		CK_ULONG told = 0, got;

		assert_int_equal(update(bench.session, (CK_BYTE *)in + at, part, NULL, &told), CKR_OK);
		got = told;
		if (told) { /* too small a buffer must feed neither of the two */
			got = told - 1;
			assert_int_equal(update(bench.session, (CK_BYTE *)in + at, part, out + total, &got),
					 CKR_BUFFER_TOO_SMALL);
			assert_int_equal(got, told);
		}
		assert_int_equal(update(bench.session, (CK_BYTE *)in + at, part, out + total, &got), CKR_OK);
		total += got;
	}
	return total;
}

static void end_cipher(enum ck_way way, unsigned char *out, size_t *len)
{
	CK_ULONG got = CK_CIPHER_MAX;

	assert_int_equal(ck_final(way, bench.session, out + *len, &got), CKR_OK);
	*len += got;
}

static const struct ck_cipher *cbc_pad(void)
{
	for (size_t i = 0; i < ck_cipher_count; i++)
		if (ck_ciphers[i].mechanism == CKM_AES_CBC_PAD)
			return &ck_ciphers[i];
	return NULL;
}

static void digesting_and_ciphering_go_together(void **state)
{
	const struct ck_cipher *c = cbc_pad();
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
	unsigned char wanted[CK_CIPHER_MAX], digest[32], out[2 * CK_CIPHER_MAX], hash[32];
	size_t wanted_len = ck_reference(c, 100, wanted), len;
	CK_ULONG hash_len = sizeof hash;

	(void)state;
	EVP_Digest(ck_text(), 100, digest, NULL, EVP_sha256(), NULL);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_EncryptInit(bench.session, ck_mechanism(c), key), CKR_OK);
	len = run_dual(C_DigestEncryptUpdate, ck_text(), 100, out);
	end_cipher(CK_ENCRYPT, out, &len);
	assert_int_equal(len, wanted_len);
	assert_memory_equal(out, wanted, wanted_len);
	assert_int_equal(C_DigestFinal(bench.session, hash, &hash_len), CKR_OK);
	assert_memory_equal(hash, digest, 32);
}

static void deciphering_and_digesting_go_together(void **state)
{
	const struct ck_cipher *c = cbc_pad();
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
	unsigned char cipher[CK_CIPHER_MAX], digest[32], out[2 * CK_CIPHER_MAX], hash[32];
	size_t cipher_len = ck_reference(c, 100, cipher), len;
	CK_ULONG hash_len = sizeof hash;

	(void)state;
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_DecryptInit(bench.session, ck_mechanism(c), key), CKR_OK);
	len = run_dual(C_DecryptDigestUpdate, cipher, cipher_len, out);
	/* what the final call gives is the caller's to digest (PKCS#11, C_DecryptDigestUpdate) */
	EVP_Digest(ck_text(), len, digest, NULL, EVP_sha256(), NULL);
	end_cipher(CK_DECRYPT, out, &len);
	assert_int_equal(len, 100);
	assert_memory_equal(out, ck_text(), 100);
	assert_int_equal(C_DigestFinal(bench.session, hash, &hash_len), CKR_OK);
	assert_memory_equal(hash, digest, 32);
}

static void signing_goes_together_with_both(void **state)
{
	const struct ck_cipher *c = cbc_pad();
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
	CK_OBJECT_HANDLE mac_key = ck_secret(bench.session, CKK_GENERIC_SECRET, "secret", 6);
	CK_MECHANISM *m = MECHANISM(CKM_SHA256_HMAC);
	unsigned char out[2 * CK_CIPHER_MAX], plain[2 * CK_CIPHER_MAX], tag[32], wanted[EVP_MAX_MD_SIZE];
	CK_ULONG tag_len = sizeof tag;
	size_t len, plain_len;

	(void)state;
	reference("SHA256", "secret", 6, 96, wanted);
	assert_int_equal(C_SignInit(bench.session, m, mac_key), CKR_OK);
	assert_int_equal(C_EncryptInit(bench.session, ck_mechanism(c), key), CKR_OK);
	len = run_dual(C_SignEncryptUpdate, ck_text(), 96, out);
	end_cipher(CK_ENCRYPT, out, &len);
	assert_int_equal(C_SignFinal(bench.session, tag, &tag_len), CKR_OK);
	assert_memory_equal(tag, wanted, 32);
	assert_int_equal(C_VerifyInit(bench.session, m, mac_key), CKR_OK);
	assert_int_equal(C_DecryptInit(bench.session, ck_mechanism(c), key), CKR_OK);
	plain_len = run_dual(C_DecryptVerifyUpdate, out, len, plain);
	len = plain_len;
	end_cipher(CK_DECRYPT, plain, &plain_len);
	assert_int_equal(plain_len, 96);
	assert_memory_equal(plain, ck_text(), 96);
	assert_int_equal(C_VerifyUpdate(bench.session, plain + len, plain_len - len), CKR_OK);
	assert_int_equal(C_VerifyFinal(bench.session, tag, 32), CKR_OK);
}

static void two_at_once_need_both(void **state)
{
	const struct ck_cipher *c = cbc_pad();
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
	dual_update *const updates[] = {C_DigestEncryptUpdate, C_DecryptDigestUpdate, C_SignEncryptUpdate,
					C_DecryptVerifyUpdate};
	unsigned char out[64];
	CK_ULONG len = sizeof out;

	(void)state;
	for (size_t i = 0; i < COUNT(updates); i++)
		assert_int_equal(updates[i](bench.session, out, 1, out, &len),
				 CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(C_EncryptInit(bench.session, ck_mechanism(c), key), CKR_OK);
	assert_int_equal(C_DecryptInit(bench.session, ck_mechanism(c), key), CKR_OK);
	for (size_t i = 0; i < COUNT(updates); i++) {
		assert_int_equal(updates[i](bench.session, out, 1, out, &len),
				 CKR_OPERATION_NOT_INITIALIZED);
		assert_int_equal(updates[i](bench.session, NULL, 1, out, NULL),
				 CKR_OPERATION_NOT_INITIALIZED);
		assert_int_equal(updates[i](0x7FF00000, out, 1, out, &len), CKR_SESSION_HANDLE_INVALID);
	}
	/* which was not theirs to end */
	len = 0;
	assert_int_equal(C_EncryptFinal(bench.session, NULL, &len), CKR_OK);
	assert_int_equal(C_DecryptFinal(bench.session, NULL, &len), CKR_OK);
}

/* ---- random numbers ---- */

static void a_seed_is_taken_and_randomness_stays_random(void **state)
{
	unsigned char a[64], b[64];

	(void)state;
	assert_int_equal(C_SeedRandom(bench.session, a, 0), CKR_OK);
	assert_int_equal(C_SeedRandom(bench.session, NULL, 4), CKR_ARGUMENTS_BAD);
	memset(a, 0, sizeof a);
	assert_int_equal(C_SeedRandom(bench.session, a, sizeof a), CKR_OK);
	assert_int_equal(C_GenerateRandom(bench.session, a, sizeof a), CKR_OK);
	memset(b, 0, sizeof b);
	assert_int_equal(C_SeedRandom(bench.session, b, sizeof b), CKR_OK);
	assert_int_equal(C_GenerateRandom(bench.session, b, sizeof b), CKR_OK);
	assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(generated_keys_are_what_they_should_be),
		SESSION_TEST(generated_keys_remember_how_they_began),
		SESSION_TEST(generated_des_keys_have_odd_parity),
		SESSION_TEST(lengths_that_do_not_fit_generate_nothing),
		SESSION_TEST(templates_that_do_not_fit_generate_nothing),
		SESSION_TEST(how_a_generated_key_began_is_not_the_callers_to_say),
		SESSION_TEST(every_hmac_is_openssls),
		SESSION_TEST(a_general_hmac_is_the_beginning_of_it),
		SESSION_TEST(a_wrong_mac_is_told),
		SESSION_TEST(a_mac_minds_buffers_and_permissions),
		LOGIN_TEST(a_mac_is_not_made_with_a_key_of_the_card),
		LOGIN_TEST(a_logout_ends_operations_with_private_keys_only),
		SESSION_TEST(a_digest_may_take_a_key),
		LOGIN_TEST(keys_that_are_not_shown_are_indigestible),
		SESSION_TEST(digesting_and_ciphering_go_together),
		SESSION_TEST(deciphering_and_digesting_go_together),
		SESSION_TEST(signing_goes_together_with_both),
		SESSION_TEST(two_at_once_need_both),
		SESSION_TEST(a_seed_is_taken_and_randomness_stays_random),
	};

	return cmocka_run_group_tests_name("secret keys", tests, NULL, NULL);
}
