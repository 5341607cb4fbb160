/*
 * What is left in a program's memory of session keys, and of what they
 * encrypted, after every way in which they can end (see test_memory.c).
 */
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "ck_objects.h"
#include "tale.h"

#define KEY_LEN 32
#define WRAPPED_MAX 64

/* ---- tales: a session key ---- */

/* Works with a key, so that there are key schedules and copies to be found. */
static void use_key(CK_OBJECT_HANDLE key)
{
	unsigned char data[64] = {0}, out[WRAPPED_MAX + 32];
	unsigned char iv[16] = {0};
	CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ULONG len = sizeof out;

	assert_int_equal(C_EncryptInit(bench.session, MECHANISM(CKM_AES_ECB), key), CKR_OK);
	assert_int_equal(C_Encrypt(bench.session, data, sizeof data, out, &len), CKR_OK);
	assert_int_equal(C_EncryptInit(bench.session, &cbc, key), CKR_OK); /* one that goes on */
	len = sizeof out;
	assert_int_equal(C_EncryptUpdate(bench.session, data, 20, out, &len), CKR_OK);
}

/* The plaintext of the far card's ciphertext becomes a key: its bytes are known over there. */
static CK_OBJECT_HANDLE begin_unwrapped(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				   BOOL_OF(CKA_ENCRYPT, true)};
	CK_OBJECT_HANDLE key = 0;

	tale_begin_logged_in();
	assert_int_equal(C_UnwrapKey(bench.session, MECHANISM(CKM_RSA_PKCS),
				     find_one(bench.session, CKO_PRIVATE_KEY, "KEYX"),
				     (unsigned char *)far_ciphertext(), 256, template, COUNT(template),
				     &key),
			 CKR_OK);
	use_key(key);
	far_stage(MEMORY_CONTROL, "unwrapped");
	return key;
}

static void unwrapped_key_destroyed(void)
{
	CK_OBJECT_HANDLE key = begin_unwrapped();

	assert_int_equal(C_SessionCancel(bench.session, CKF_ENCRYPT), CKR_OK);
	assert_int_equal(C_DestroyObject(bench.session, key), CKR_OK);
	far_stage(MEMORY_LOGGED_IN, "destroyed");
	tale_end();
}

static void unwrapped_key_at_the_sessions_end(void)
{
	begin_unwrapped();
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "closed");
	tale_end();
}

static void unwrapped_key_at_finalize(void)
{
	begin_unwrapped();
	tale_end();
}

static void unwrapped_key_when_the_card_is_pulled(void)
{
	begin_unwrapped();
	fake_eject(READER);
	assert_false(tale_says_logged_in());
	far_stage(MEMORY_EMPTY, "pulled");
	tale_end();
}

/* The template does not fit what the card decrypted. */
static void unwrapped_key_refused(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
				   ULONG_OF(CKA_KEY_TYPE, CKK_DES3)};
	CK_OBJECT_HANDLE key = 0;

	tale_begin_logged_in();
	assert_int_not_equal(C_UnwrapKey(bench.session, MECHANISM(CKM_RSA_PKCS),
					 find_one(bench.session, CKO_PRIVATE_KEY, "KEYX"),
					 (unsigned char *)far_ciphertext(), 256, template,
					 COUNT(template), &key),
			     CKR_OK);
	far_stage(MEMORY_LOGGED_IN, "refused");
	tale_end();
}

/* Its value is read once, to be told to those who search for it. */
static CK_OBJECT_HANDLE begin_generated(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_VALUE_LEN, KEY_LEN), BOOL_OF(CKA_SENSITIVE, false),
				   BOOL_OF(CKA_EXTRACTABLE, true), BOOL_OF(CKA_ENCRYPT, true),
				   BOOL_OF(CKA_WRAP, true)};
	uint8_t value[KEY_LEN];
	CK_OBJECT_HANDLE key = 0;

	tale_begin();
	assert_int_equal(C_GenerateKey(bench.session, MECHANISM(CKM_AES_KEY_GEN), template, COUNT(template),
				       &key),
			 CKR_OK);
	assert_int_equal(get_attribute(bench.session, key, CKA_VALUE, value, sizeof value), KEY_LEN);
	far_tell_secret("generated key", value, sizeof value);
	use_key(key);
	far_stage(MEMORY_CONTROL, "generated");
	return key;
}

static void generated_key_destroyed(void)
{
	CK_OBJECT_HANDLE key = begin_generated();

	assert_int_equal(C_DestroyObject(bench.session, key), CKR_OK);
	assert_int_equal(C_SessionCancel(bench.session, CKF_ENCRYPT), CKR_OK);
	far_stage(MEMORY_CARD_IN, "destroyed");
	tale_end();
}

static void generated_key_at_the_sessions_end(void)
{
	begin_generated();
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "closed");
	tale_end();
}

static void generated_key_at_finalize(void)
{
	begin_generated();
	tale_end();
}

/* A change makes its attributes anew. */
static void changed_key_destroyed(void)
{
	CK_OBJECT_HANDLE key = begin_generated();
	CK_BBOOL no = CK_FALSE;

	assert_int_equal(C_SessionCancel(bench.session, CKF_ENCRYPT), CKR_OK);
	assert_int_equal(ck_set(bench.session, key, CKA_LABEL, "a label", 7), CKR_OK);
	assert_int_equal(ck_set(bench.session, key, CKA_LABEL, "a longer label", 14), CKR_OK);
	assert_int_not_equal(ck_set(bench.session, key, CKA_TOKEN, &no, 0), CKR_OK);
	assert_int_equal(C_DestroyObject(bench.session, key), CKR_OK);
	far_stage(MEMORY_CARD_IN, "destroyed");
	tale_end();
}

static void copied_and_wrapped_key_destroyed(void)
{
	CK_ATTRIBUTE change = TEXT_ATTRIBUTE(CKA_LABEL, "a copy"), wrong = TEXT_ATTRIBUTE(CKA_VALUE, "x");
	CK_OBJECT_HANDLE key = begin_generated(), copy = 0, none;
	unsigned char iv[16] = {0}, wrapped[WRAPPED_MAX];
	CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ULONG len = sizeof wrapped;

	assert_int_equal(C_SessionCancel(bench.session, CKF_ENCRYPT), CKR_OK);
	assert_int_equal(C_CopyObject(bench.session, key, &change, 1, &copy), CKR_OK);
	assert_int_not_equal(C_CopyObject(bench.session, key, &wrong, 1, &none), CKR_OK);
	assert_int_equal(C_WrapKey(bench.session, &cbc, key, copy, wrapped, &len), CKR_OK);
	assert_int_equal(C_DestroyObject(bench.session, key), CKR_OK);
	assert_int_equal(C_DestroyObject(bench.session, copy), CKR_OK);
	far_stage(MEMORY_CARD_IN, "destroyed");
	tale_end();
}

/* A secret that a program brings along: in its template, and wiped there. */
static CK_OBJECT_HANDLE create_secret(CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE use)
{
	uint8_t value[KEY_LEN];
	CK_OBJECT_HANDLE key;

	assert_int_equal(RAND_bytes(value, sizeof value), 1);
	key = ck_secret_with(bench.session, type, value, sizeof value, use, true);
	far_tell_secret("created key", value, sizeof value);
	return key;
}

static void created_key_used_for_a_mac(void)
{
	unsigned char mac[32];
	CK_ULONG len = sizeof mac;
	CK_OBJECT_HANDLE key;

	tale_begin();
	key = create_secret(CKK_GENERIC_SECRET, CKA_SIGN);
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_HMAC), key), CKR_OK);
	assert_int_equal(C_Sign(bench.session, (unsigned char *)"text", 4, mac, &len), CKR_OK);
	far_stage(MEMORY_CONTROL, "used");
	assert_int_equal(C_DestroyObject(bench.session, key), CKR_OK);
	far_stage(MEMORY_CARD_IN, "destroyed");
	tale_end();
}

/* Whoever gives a wrong one must not find the right one. */
static void right_mac_for_a_wrong_one(void)
{
	unsigned char mac[32], wrong[32] = {0};
	uint8_t value[KEY_LEN];
	CK_ULONG len = sizeof mac;
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
				   ULONG_OF(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
				   BYTES_OF(CKA_VALUE, value, sizeof value), BOOL_OF(CKA_SIGN, true),
				   BOOL_OF(CKA_VERIFY, true)};
	CK_OBJECT_HANDLE key;

	tale_begin();
	assert_int_equal(RAND_bytes(value, sizeof value), 1);
	key = ck_create(bench.session, template, COUNT(template));
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_HMAC), key), CKR_OK);
	assert_int_equal(C_Sign(bench.session, (unsigned char *)"text", 4, mac, &len), CKR_OK);
	far_tell_secret("right MAC", mac, sizeof mac);
	far_stage(MEMORY_CARD_IN, "signed");
	assert_int_equal(C_VerifyInit(bench.session, MECHANISM(CKM_SHA256_HMAC), key), CKR_OK);
	assert_int_equal(C_Verify(bench.session, (unsigned char *)"text", 4, wrong, sizeof wrong),
			 CKR_SIGNATURE_INVALID);
	far_stage(MEMORY_CARD_IN, "refused");
	tale_end();
}

static void created_key_digested(void)
{
	unsigned char digest[32];
	CK_ULONG len = sizeof digest;
	CK_OBJECT_HANDLE key;

	tale_begin();
	key = create_secret(CKK_GENERIC_SECRET, CKA_DERIVE);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_DigestKey(bench.session, key), CKR_OK);
	assert_int_equal(C_DestroyObject(bench.session, key), CKR_OK);
	assert_int_equal(C_DigestFinal(bench.session, digest, &len), CKR_OK);
	far_stage(MEMORY_CARD_IN, "digested");
	tale_end();
}

/* A created key that cannot be: the template was refused. */
static void created_key_refused(void)
{
	uint8_t value[KEY_LEN];
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				   BYTES_OF(CKA_VALUE, value, sizeof value),
				   BYTES_OF(CKA_MODULUS, "x", 1)};
	CK_OBJECT_HANDLE key;

	tale_begin();
	assert_int_equal(RAND_bytes(value, sizeof value), 1);
	assert_int_not_equal(ck_try_create(bench.session, template, COUNT(template), &key), CKR_OK);
	far_tell_secret("refused key", value, sizeof value);
	far_stage(MEMORY_CARD_IN, "refused");
	tale_end();
}

/* ---- tales: what a session key encrypted ---- */

static CK_MECHANISM *gcm(void)
{
	static unsigned char iv[12];
	static CK_GCM_PARAMS params = {.pIv = iv, .ulIvLen = sizeof iv, .ulIvBits = 96, .ulTagBits = 128};
	static CK_MECHANISM m = {CKM_AES_GCM, &params, sizeof params};

	return &m;
}

/* A ciphertext of 32 random bytes; the other side knows them. */
static CK_OBJECT_HANDLE begin_encrypted(CK_MECHANISM *mechanism, unsigned char out[WRAPPED_MAX],
					CK_ULONG *len)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_VALUE_LEN, KEY_LEN), BOOL_OF(CKA_ENCRYPT, true),
				   BOOL_OF(CKA_DECRYPT, true)};
	uint8_t plain[KEY_LEN];
	CK_OBJECT_HANDLE key = 0;

	tale_begin();
	assert_int_equal(C_GenerateKey(bench.session, MECHANISM(CKM_AES_KEY_GEN), template, COUNT(template),
				       &key),
			 CKR_OK);
	assert_int_equal(RAND_bytes(plain, sizeof plain), 1);
	assert_int_equal(C_EncryptInit(bench.session, mechanism, key), CKR_OK);
	*len = WRAPPED_MAX;
	assert_int_equal(C_Encrypt(bench.session, plain, sizeof plain, out, len), CKR_OK);
	far_tell_secret("what was encrypted", plain, sizeof plain);
	far_stage(MEMORY_CARD_IN, "encrypted");
	return key;
}

static void aes_plaintext_delivered(void)
{
	unsigned char in[WRAPPED_MAX], out[WRAPPED_MAX], iv[16] = {0};
	CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ULONG len, out_len = sizeof out;
	CK_OBJECT_HANDLE key = begin_encrypted(&cbc, in, &len);

	assert_int_equal(C_DecryptInit(bench.session, &cbc, key), CKR_OK);
	assert_int_equal(C_Decrypt(bench.session, in, len, out, &out_len), CKR_OK);
	OPENSSL_cleanse(out, sizeof out);
	far_stage(MEMORY_CARD_IN, "delivered");
	tale_end();
}

static void aes_gcm_plaintext_unread(void)
{
	unsigned char in[WRAPPED_MAX], out[4];
	CK_ULONG len, out_len = sizeof out;
	CK_OBJECT_HANDLE key = begin_encrypted(gcm(), in, &len);

	assert_int_equal(C_DecryptInit(bench.session, gcm(), key), CKR_OK);
	assert_int_equal(C_Decrypt(bench.session, in, len, out, &out_len), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "closed");
	tale_end();
}

/* It must not be seen before its tag is: also not in memory afterwards. */
static void aes_gcm_plaintext_with_a_wrong_tag(void)
{
	unsigned char in[WRAPPED_MAX], out[WRAPPED_MAX];
	CK_ULONG len, out_len = sizeof out;
	CK_OBJECT_HANDLE key = begin_encrypted(gcm(), in, &len);

	in[len - 1] ^= 1;
	assert_int_equal(C_DecryptInit(bench.session, gcm(), key), CKR_OK);
	assert_int_not_equal(C_Decrypt(bench.session, in, len, out, &out_len), CKR_OK);
	far_stage(MEMORY_CARD_IN, "refused");
	tale_end();
}

/* ---- the tests ---- */

static const struct tale tales[] = {
	TALE(unwrapped_key_destroyed),
	TALE(unwrapped_key_at_the_sessions_end),
	TALE(unwrapped_key_at_finalize),
	TALE(unwrapped_key_when_the_card_is_pulled),
	TALE(unwrapped_key_refused),
	TALE(generated_key_destroyed),
	TALE(generated_key_at_the_sessions_end),
	TALE(generated_key_at_finalize),
	TALE(changed_key_destroyed),
	TALE(copied_and_wrapped_key_destroyed),
	TALE(created_key_used_for_a_mac),
	TALE(right_mac_for_a_wrong_one),
	TALE(created_key_digested),
	TALE(created_key_refused),
	TALE(aes_plaintext_delivered),
	TALE(aes_gcm_plaintext_unread),
	TALE(aes_gcm_plaintext_with_a_wrong_tag),
};

int main(int argc, char **argv)
{
	return tale_main(argc, argv, "memory of session keys", tales, COUNT(tales));
}
