/*
 * What is left in a program's memory after every way in which a login or an
 * operation can end: the PIN, the keys of the secure channel, a plaintext, a
 * session key. A story is told by a client in a process of its own
 * (farcard.h); at its stages the client's memory is searched.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <winscard.h>

#include "ck_objects.h"
#include "farcard.h"
#include "spycard.h"

#define KEY_LEN 32
#define WRAPPED_MAX 64

/* ---- the client ---- */

static CK_SLOT_ID slot;
static CK_SESSION_HANDLE session;

static void begin(void)
{
	module_start();
	slot = slot_of(READER);
	session = open_session(slot);
}

static void begin_logged_in(void)
{
	begin();
	assert_int_equal(far_login(session, true), CKR_OK);
}

static CK_RV sign(void)
{
	unsigned char sig[256];

	return sign_sha256(session, find_one(session, CKO_PRIVATE_KEY, "SIGN"), "text", sig);
}

static bool says_logged_in(void)
{
	CK_SESSION_INFO info;

	return C_GetSessionInfo(session, &info) == CKR_OK && info.state == CKS_RW_USER_FUNCTIONS;
}

static void end_module(void)
{
	module_stop();
	far_stage(MEMORY_EMPTY, "finalized");
}

/* ---- stories: a login ends ---- */

static void login_ended_by_logout(void)
{
	begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(far_login(session, true), CKR_USER_ALREADY_LOGGED_IN);
	far_stage(MEMORY_LOGGED_IN, "logged in");
	assert_int_equal(C_Logout(session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "logged out");
	end_module();
}

static void login_ended_by_closing_the_session(void)
{
	begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(C_CloseSession(session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "closed");
	end_module();
}

static void login_ended_by_closing_all_sessions(void)
{
	begin_logged_in();
	open_session(slot);
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(C_CloseAllSessions(slot), CKR_OK);
	far_stage(MEMORY_CARD_IN, "all closed");
	end_module();
}

static void login_ended_by_finalize(void)
{
	begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	end_module();
}

static void login_refused_for_a_wrong_pin(void)
{
	begin();
	assert_int_equal(far_login(session, false), CKR_PIN_INCORRECT);
	far_stage(MEMORY_CARD_IN, "refused");
	assert_int_equal(far_login(session, true), CKR_OK);
	assert_int_equal(C_Logout(session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "logged out");
	end_module();
}

static void login_with_a_lost_answer(void)
{
	begin();
	far_refuse(SPY_VERIFY, 0);
	assert_int_not_equal(far_login(session, true), CKR_OK);
	far_stage(MEMORY_CARD_IN, "the answer lost");
	far_refuse(SPY_VERIFY, 0x6F00);
	assert_int_not_equal(far_login(session, true), CKR_OK);
	far_stage(MEMORY_CARD_IN, "refused");
	far_refuse_nothing();
	end_module();
}

/* The program learns of it with its next call. */
static void login_ended_by_pulling_the_card(void)
{
	CK_SESSION_INFO info;

	begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	fake_eject(READER);
	assert_int_not_equal(C_GetSessionInfo(session, &info), CKR_OK);
	far_stage(MEMORY_EMPTY, "pulled");
	end_module();
}

static void login_ended_by_pulling_the_reader(void)
{
	begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	fake_remove_reader(READER);
	assert_false(says_logged_in());
	far_stage(MEMORY_EMPTY, "pulled");
	end_module();
}

static void login_ended_by_the_service(void)
{
	begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	fake_service_stop();
	assert_false(says_logged_in());
	far_stage(MEMORY_EMPTY, "stopped");
	end_module();
}

static void login_dropped_after_a_refusal(void)
{
	begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	far_refuse(SPY_PRIVATE_OP, 0x6982);
	assert_int_not_equal(sign(), CKR_OK);
	assert_false(says_logged_in());
	far_stage(MEMORY_CARD_IN, "dropped");
	far_refuse_nothing();
	end_module();
}

static void login_dropped_after_a_lost_answer(void)
{
	begin_logged_in();
	far_refuse(SPY_REST, 0);
	assert_int_not_equal(sign(), CKR_OK);
	far_refuse_nothing();
	far_stage(says_logged_in() ? MEMORY_LOGGED_IN : MEMORY_CARD_IN, "the answer lost");
	end_module();
}

static void login_dropped_after_a_transport_error(void)
{
	begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	fake_fail(READER, 1, SCARD_F_COMM_ERROR);
	assert_int_not_equal(sign(), CKR_OK);
	far_stage(says_logged_in() ? MEMORY_LOGGED_IN : MEMORY_CARD_IN, "the exchange failed");
	end_module();
}

static void login_that_comes_back_and_one_that_does_not(void)
{
	begin_logged_in();
	fake_foreign_reset(READER);
	assert_int_equal(sign(), CKR_OK);
	far_stage(MEMORY_LOGGED_IN, "taken up again");
	fake_foreign_reset(READER);
	far_refuse(SPY_VERIFY, 0x6983);
	assert_int_not_equal(sign(), CKR_OK);
	assert_false(says_logged_in());
	far_stage(MEMORY_CARD_IN, "not taken up again");
	far_refuse_nothing();
	end_module();
}

/* The PIN may be where it is kept, and the keys of the channel; and no copy of them elsewhere. */
static void the_moments_of_a_login(void)
{
	begin();
	far_search_at(SPY_PRIVATE_OP);
	far_search_at_ends(MEMORY_LOGGED_IN);
	assert_int_equal(far_login(session, false), CKR_PIN_INCORRECT);
	assert_int_equal(far_login(session, true), CKR_OK);
	assert_int_equal(sign(), CKR_OK);
	fake_foreign_reset(READER);
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(C_Logout(session), CKR_OK);
	end_module();
}

/* What goes out is encrypted already, and what it was made of is wiped. */
static void the_moment_of_a_verify(void)
{
	begin();
	far_search_at(SPY_ANY); /* also on the way to it: the PIN is protected first */
	assert_int_equal(far_login(session, false), CKR_PIN_INCORRECT);
	assert_int_equal(far_login(session, true), CKR_OK);
	fake_foreign_reset(READER);
	assert_int_equal(sign(), CKR_OK);
	end_module();
}

/* ---- stories: a plaintext ---- */

static CK_RV decrypt(unsigned char *out, CK_ULONG *len, CK_MECHANISM_TYPE mechanism)
{
	CK_RV rv = C_DecryptInit(session, MECHANISM(mechanism),
				 find_one(session, CKO_PRIVATE_KEY, "KEYX"));

	return rv == CKR_OK ? C_Decrypt(session, (unsigned char *)far_ciphertext(), 256, out, len) : rv;
}

/* The client has got it and wiped it: nobody else has a reason to have it. */
static void plaintext_delivered(void)
{
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	begin_logged_in();
	assert_int_equal(decrypt(out, &len, CKM_RSA_PKCS), CKR_OK);
	assert_int_equal(len, FAR_PLAINTEXT_LEN);
	OPENSSL_cleanse(out, sizeof out);
	far_stage(MEMORY_LOGGED_IN, "delivered");
	end_module();
}

static void plaintext_delivered_in_parts(void)
{
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	begin_logged_in();
	assert_int_equal(C_DecryptInit(session, MECHANISM(CKM_RSA_PKCS),
				       find_one(session, CKO_PRIVATE_KEY, "KEYX")),
			 CKR_OK);
	assert_int_equal(C_DecryptUpdate(session, (unsigned char *)far_ciphertext(), 256, out, &len),
			 CKR_OK);
	len = sizeof out;
	assert_int_equal(C_DecryptFinal(session, out, &len), CKR_OK);
	assert_int_equal(len, FAR_PLAINTEXT_LEN);
	OPENSSL_cleanse(out, sizeof out);
	far_stage(MEMORY_LOGGED_IN, "delivered");
	end_module();
}

/* The block without its padding taken off: the plaintext is at its end. */
static void plaintext_delivered_raw(void)
{
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	begin_logged_in();
	assert_int_equal(decrypt(out, &len, CKM_RSA_X_509), CKR_OK);
	OPENSSL_cleanse(out, sizeof out);
	far_stage(MEMORY_LOGGED_IN, "delivered");
	end_module();
}

static void refuse_plaintext(void)
{
	static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
	CK_MECHANISM m = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	assert_int_equal(C_DecryptInit(session, &m, find_one(session, CKO_PRIVATE_KEY, "KEYX")), CKR_OK);
	assert_int_not_equal(C_Decrypt(session, (unsigned char *)far_ciphertext(), 256, out, &len),
			     CKR_OK);
}

static void plaintext_with_another_padding(void)
{
	begin_logged_in();
	refuse_plaintext();
	far_stage(MEMORY_LOGGED_IN, "refused");
	end_module();
}

/* The same, before other calls have used the stack: the refused plaintext is nowhere. */
static void the_moment_of_a_refused_plaintext(void)
{
	begin_logged_in();
	far_search_at_ends(MEMORY_LOGGED_IN);
	refuse_plaintext();
	end_module();
}

/* At the end of the call it is in the program's buffer, and has no copy. */
static void the_moment_of_a_delivered_plaintext(void)
{
	unsigned char *out = far_own_bytes();
	CK_ULONG len = FAR_OWN;

	begin_logged_in();
	far_search_at_ends(MEMORY_DELIVERED);
	assert_int_equal(decrypt(out, &len, CKM_RSA_PKCS), CKR_OK);
	assert_int_equal(len, FAR_PLAINTEXT_LEN);
	OPENSSL_cleanse(out, len);
	far_search_at_ends(MEMORY_LOGGED_IN);
	assert_int_equal(sign(), CKR_OK);
	end_module();
}

/* A result that the buffer was too small for is kept, until the operation ends. */
static void begin_unread(void)
{
	unsigned char out[4];
	CK_ULONG len = sizeof out;

	begin_logged_in();
	assert_int_equal(decrypt(out, &len, CKM_RSA_PKCS), CKR_BUFFER_TOO_SMALL);
	far_stage(MEMORY_CONTROL, "unread");
}

static void plaintext_unread_at_logout(void)
{
	begin_unread();
	assert_int_equal(C_Logout(session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "logged out");
	end_module();
}

static void plaintext_unread_at_the_sessions_end(void)
{
	begin_unread();
	assert_int_equal(C_CloseSession(session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "closed");
	end_module();
}

static void plaintext_unread_in_one_of_two_sessions(void)
{
	begin_unread();
	open_session(slot);
	assert_int_equal(C_CloseSession(session), CKR_OK);
	far_stage(MEMORY_LOGGED_IN, "closed");
	end_module();
}

static void plaintext_unread_at_the_end_of_all_sessions(void)
{
	begin_unread();
	assert_int_equal(C_CloseAllSessions(slot), CKR_OK);
	far_stage(MEMORY_CARD_IN, "all closed");
	end_module();
}

static void plaintext_unread_at_finalize(void)
{
	begin_unread();
	end_module();
}

static void plaintext_unread_and_cancelled(void)
{
	begin_unread();
	assert_int_equal(C_SessionCancel(session, CKF_DECRYPT), CKR_OK);
	far_stage(MEMORY_LOGGED_IN, "cancelled");
	end_module();
}

static void plaintext_unread_when_the_card_is_pulled(void)
{
	begin_unread();
	fake_eject(READER);
	assert_false(says_logged_in());
	far_stage(MEMORY_EMPTY, "pulled");
	end_module();
}

static void plaintext_unread_when_the_login_is_dropped(void)
{
	begin_unread();
	far_refuse(SPY_PRIVATE_OP, 0x6982);
	assert_int_not_equal(sign(), CKR_OK);
	assert_false(says_logged_in());
	far_stage(MEMORY_CARD_IN, "dropped");
	far_refuse_nothing();
	end_module();
}

static void plaintext_read_at_the_second_call(void)
{
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	begin_unread();
	assert_int_equal(C_Decrypt(session, (unsigned char *)far_ciphertext(), 256, out, &len), CKR_OK);
	assert_int_equal(len, FAR_PLAINTEXT_LEN);
	OPENSSL_cleanse(out, sizeof out);
	far_stage(MEMORY_LOGGED_IN, "delivered");
	end_module();
}

/* ---- stories: a session key ---- */

/* Works with a key, so that there are key schedules and copies to be found. */
static void use_key(CK_OBJECT_HANDLE key)
{
	unsigned char data[64] = {0}, out[WRAPPED_MAX + 32];
	unsigned char iv[16] = {0};
	CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ULONG len = sizeof out;

	assert_int_equal(C_EncryptInit(session, MECHANISM(CKM_AES_ECB), key), CKR_OK);
	assert_int_equal(C_Encrypt(session, data, sizeof data, out, &len), CKR_OK);
	assert_int_equal(C_EncryptInit(session, &cbc, key), CKR_OK); /* one that goes on */
	len = sizeof out;
	assert_int_equal(C_EncryptUpdate(session, data, 20, out, &len), CKR_OK);
}

/* The plaintext of the far card's ciphertext becomes a key: its bytes are known over there. */
static CK_OBJECT_HANDLE begin_unwrapped(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				   BOOL_OF(CKA_ENCRYPT, true)};
	CK_OBJECT_HANDLE key = 0;

	begin_logged_in();
	assert_int_equal(C_UnwrapKey(session, MECHANISM(CKM_RSA_PKCS),
				     find_one(session, CKO_PRIVATE_KEY, "KEYX"),
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

	assert_int_equal(C_SessionCancel(session, CKF_ENCRYPT), CKR_OK);
	assert_int_equal(C_DestroyObject(session, key), CKR_OK);
	far_stage(MEMORY_LOGGED_IN, "destroyed");
	end_module();
}

static void unwrapped_key_at_the_sessions_end(void)
{
	begin_unwrapped();
	assert_int_equal(C_CloseSession(session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "closed");
	end_module();
}

static void unwrapped_key_at_finalize(void)
{
	begin_unwrapped();
	end_module();
}

static void unwrapped_key_when_the_card_is_pulled(void)
{
	begin_unwrapped();
	fake_eject(READER);
	assert_false(says_logged_in());
	far_stage(MEMORY_EMPTY, "pulled");
	end_module();
}

/* The template does not fit what the card decrypted. */
static void unwrapped_key_refused(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
				   ULONG_OF(CKA_KEY_TYPE, CKK_DES3)};
	CK_OBJECT_HANDLE key = 0;

	begin_logged_in();
	assert_int_not_equal(C_UnwrapKey(session, MECHANISM(CKM_RSA_PKCS),
					 find_one(session, CKO_PRIVATE_KEY, "KEYX"),
					 (unsigned char *)far_ciphertext(), 256, template,
					 COUNT(template), &key),
			     CKR_OK);
	far_stage(MEMORY_LOGGED_IN, "refused");
	end_module();
}

/* Its value is read once, to be told to those who search for it. */
static CK_OBJECT_HANDLE begin_generated(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_VALUE_LEN, KEY_LEN), BOOL_OF(CKA_SENSITIVE, false),
				   BOOL_OF(CKA_EXTRACTABLE, true), BOOL_OF(CKA_ENCRYPT, true),
				   BOOL_OF(CKA_WRAP, true)};
	uint8_t value[KEY_LEN];
	CK_OBJECT_HANDLE key = 0;

	begin();
	assert_int_equal(C_GenerateKey(session, MECHANISM(CKM_AES_KEY_GEN), template, COUNT(template),
				       &key),
			 CKR_OK);
	assert_int_equal(get_attribute(session, key, CKA_VALUE, value, sizeof value), KEY_LEN);
	far_tell_secret("generated key", value, sizeof value);
	use_key(key);
	far_stage(MEMORY_CONTROL, "generated");
	return key;
}

static void generated_key_destroyed(void)
{
	CK_OBJECT_HANDLE key = begin_generated();

	assert_int_equal(C_DestroyObject(session, key), CKR_OK);
	assert_int_equal(C_SessionCancel(session, CKF_ENCRYPT), CKR_OK);
	far_stage(MEMORY_CARD_IN, "destroyed");
	end_module();
}

static void generated_key_at_the_sessions_end(void)
{
	begin_generated();
	assert_int_equal(C_CloseSession(session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "closed");
	end_module();
}

static void generated_key_at_finalize(void)
{
	begin_generated();
	end_module();
}

static void copied_and_wrapped_key_destroyed(void)
{
	CK_OBJECT_HANDLE key = begin_generated(), copy = 0;
	unsigned char iv[16] = {0}, wrapped[WRAPPED_MAX];
	CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ULONG len = sizeof wrapped;

	assert_int_equal(C_SessionCancel(session, CKF_ENCRYPT), CKR_OK);
	assert_int_equal(C_CopyObject(session, key, NULL, 0, &copy), CKR_OK);
	assert_int_equal(C_WrapKey(session, &cbc, key, copy, wrapped, &len), CKR_OK);
	assert_int_equal(C_DestroyObject(session, key), CKR_OK);
	assert_int_equal(C_DestroyObject(session, copy), CKR_OK);
	far_stage(MEMORY_CARD_IN, "destroyed");
	end_module();
}

/* A secret that a program brings along: in its template, and wiped there. */
static CK_OBJECT_HANDLE create_secret(CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE use)
{
	uint8_t value[KEY_LEN];
	CK_OBJECT_HANDLE key;

	assert_int_equal(RAND_bytes(value, sizeof value), 1);
	key = ck_secret_with(session, type, value, sizeof value, use, true);
	far_tell_secret("created key", value, sizeof value);
	return key;
}

static void created_key_used_for_a_mac(void)
{
	unsigned char mac[32];
	CK_ULONG len = sizeof mac;
	CK_OBJECT_HANDLE key;

	begin();
	key = create_secret(CKK_GENERIC_SECRET, CKA_SIGN);
	assert_int_equal(C_SignInit(session, MECHANISM(CKM_SHA256_HMAC), key), CKR_OK);
	assert_int_equal(C_Sign(session, (unsigned char *)"text", 4, mac, &len), CKR_OK);
	far_stage(MEMORY_CONTROL, "used");
	assert_int_equal(C_DestroyObject(session, key), CKR_OK);
	far_stage(MEMORY_CARD_IN, "destroyed");
	end_module();
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

	begin();
	assert_int_equal(RAND_bytes(value, sizeof value), 1);
	key = ck_create(session, template, COUNT(template));
	assert_int_equal(C_SignInit(session, MECHANISM(CKM_SHA256_HMAC), key), CKR_OK);
	assert_int_equal(C_Sign(session, (unsigned char *)"text", 4, mac, &len), CKR_OK);
	far_tell_secret("right MAC", mac, sizeof mac);
	far_stage(MEMORY_CARD_IN, "signed");
	assert_int_equal(C_VerifyInit(session, MECHANISM(CKM_SHA256_HMAC), key), CKR_OK);
	assert_int_equal(C_Verify(session, (unsigned char *)"text", 4, wrong, sizeof wrong),
			 CKR_SIGNATURE_INVALID);
	far_stage(MEMORY_CARD_IN, "refused");
	end_module();
}

static void created_key_digested(void)
{
	unsigned char digest[32];
	CK_ULONG len = sizeof digest;
	CK_OBJECT_HANDLE key;

	begin();
	key = create_secret(CKK_GENERIC_SECRET, CKA_DERIVE);
	assert_int_equal(C_DigestInit(session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(C_DigestKey(session, key), CKR_OK);
	assert_int_equal(C_DestroyObject(session, key), CKR_OK);
	assert_int_equal(C_DigestFinal(session, digest, &len), CKR_OK);
	far_stage(MEMORY_CARD_IN, "digested");
	end_module();
}

/* A created key that cannot be: the template was refused. */
static void created_key_refused(void)
{
	uint8_t value[KEY_LEN];
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				   BYTES_OF(CKA_VALUE, value, sizeof value),
				   BYTES_OF(CKA_MODULUS, "x", 1)};
	CK_OBJECT_HANDLE key;

	begin();
	assert_int_equal(RAND_bytes(value, sizeof value), 1);
	assert_int_not_equal(ck_try_create(session, template, COUNT(template), &key), CKR_OK);
	far_tell_secret("refused key", value, sizeof value);
	far_stage(MEMORY_CARD_IN, "refused");
	end_module();
}

/* ---- stories: what a session key encrypted ---- */

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

	begin();
	assert_int_equal(C_GenerateKey(session, MECHANISM(CKM_AES_KEY_GEN), template, COUNT(template),
				       &key),
			 CKR_OK);
	assert_int_equal(RAND_bytes(plain, sizeof plain), 1);
	assert_int_equal(C_EncryptInit(session, mechanism, key), CKR_OK);
	*len = WRAPPED_MAX;
	assert_int_equal(C_Encrypt(session, plain, sizeof plain, out, len), CKR_OK);
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

	assert_int_equal(C_DecryptInit(session, &cbc, key), CKR_OK);
	assert_int_equal(C_Decrypt(session, in, len, out, &out_len), CKR_OK);
	OPENSSL_cleanse(out, sizeof out);
	far_stage(MEMORY_CARD_IN, "delivered");
	end_module();
}

static void aes_gcm_plaintext_unread(void)
{
	unsigned char in[WRAPPED_MAX], out[4];
	CK_ULONG len, out_len = sizeof out;
	CK_OBJECT_HANDLE key = begin_encrypted(gcm(), in, &len);

	assert_int_equal(C_DecryptInit(session, gcm(), key), CKR_OK);
	assert_int_equal(C_Decrypt(session, in, len, out, &out_len), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(C_CloseSession(session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "closed");
	end_module();
}

/* It must not be seen before its tag is: also not in memory afterwards. */
static void aes_gcm_plaintext_with_a_wrong_tag(void)
{
	unsigned char in[WRAPPED_MAX], out[WRAPPED_MAX];
	CK_ULONG len, out_len = sizeof out;
	CK_OBJECT_HANDLE key = begin_encrypted(gcm(), in, &len);

	in[len - 1] ^= 1;
	assert_int_equal(C_DecryptInit(session, gcm(), key), CKR_OK);
	assert_int_not_equal(C_Decrypt(session, in, len, out, &out_len), CKR_OK);
	far_stage(MEMORY_CARD_IN, "refused");
	end_module();
}

/* Data for a signature by the card wait in the operation. */
static void text_of_an_unfinished_signature(void)
{
	uint8_t text[KEY_LEN];

	begin_logged_in();
	assert_int_equal(C_SignInit(session, MECHANISM(CKM_RSA_PKCS),
				    find_one(session, CKO_PRIVATE_KEY, "SIGN")),
			 CKR_OK);
	assert_int_equal(RAND_bytes(text, sizeof text), 1);
	assert_int_equal(C_SignUpdate(session, text, sizeof text), CKR_OK);
	far_tell_secret("text", text, sizeof text);
	far_stage(MEMORY_CONTROL, "collected");
	assert_int_equal(C_Logout(session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "logged out");
	end_module();
}

/* ---- the tests ---- */

/* clang-format off */
#define STORIES(X) \
	X(login_ended_by_logout) \
	X(login_ended_by_closing_the_session) \
	X(login_ended_by_closing_all_sessions) \
	X(login_ended_by_finalize) \
	X(login_refused_for_a_wrong_pin) \
	X(login_with_a_lost_answer) \
	X(login_ended_by_pulling_the_card) \
	X(login_ended_by_pulling_the_reader) \
	X(login_ended_by_the_service) \
	X(login_dropped_after_a_refusal) \
	X(login_dropped_after_a_lost_answer) \
	X(login_dropped_after_a_transport_error) \
	X(login_that_comes_back_and_one_that_does_not) \
	X(the_moments_of_a_login) \
	X(plaintext_delivered) \
	X(plaintext_delivered_in_parts) \
	X(plaintext_delivered_raw) \
	X(plaintext_with_another_padding) \
	X(the_moment_of_a_refused_plaintext) \
	X(the_moment_of_a_delivered_plaintext) \
	X(plaintext_unread_at_logout) \
	X(plaintext_unread_at_the_sessions_end) \
	X(plaintext_unread_in_one_of_two_sessions) \
	X(plaintext_unread_at_the_end_of_all_sessions) \
	X(plaintext_unread_at_finalize) \
	X(plaintext_unread_and_cancelled) \
	X(plaintext_unread_when_the_card_is_pulled) \
	X(plaintext_unread_when_the_login_is_dropped) \
	X(plaintext_read_at_the_second_call) \
	X(unwrapped_key_destroyed) \
	X(unwrapped_key_at_the_sessions_end) \
	X(unwrapped_key_at_finalize) \
	X(unwrapped_key_when_the_card_is_pulled) \
	X(unwrapped_key_refused) \
	X(generated_key_destroyed) \
	X(generated_key_at_the_sessions_end) \
	X(generated_key_at_finalize) \
	X(copied_and_wrapped_key_destroyed) \
	X(created_key_used_for_a_mac) \
	X(right_mac_for_a_wrong_one) \
	X(created_key_digested) \
	X(created_key_refused) \
	X(aes_plaintext_delivered) \
	X(aes_gcm_plaintext_unread) \
	X(aes_gcm_plaintext_with_a_wrong_tag) \
	X(text_of_an_unfinished_signature)

/* On the second generation the secure channel has the PIN on the stack while it encrypts. */
#define FIRST_ONLY(X) \
	X(the_moment_of_a_verify)

#define ENTRY(story) {#story, story},
static const struct {
	const char *name;
	void (*tell)(void);
} stories[] = {STORIES(ENTRY) FIRST_ONLY(ENTRY)};
/* clang-format on */

static int run_client(const char *name)
{
	for (size_t i = 0; i < COUNT(stories); i++) {
		if (strcmp(stories[i].name, name) != 0)
			continue;
		far_begin();
		stories[i].tell();
		far_end();
		return 0;
	}
	return 4;
}

static struct vcard *card; /* with its PIN it serves all stories of its generation */

static void nothing_is_left(int generation, const char *story)
{
	struct far_result result;
	size_t known;

	if (far_runs_under_valgrind()) {
		print_message("# SKIP not under valgrind\n");
		skip();
	}
	if (!card || vcard_generation(card) != generation) {
		vcard_free(&card);
		card = far_card_new(generation);
	}
	testcard_freshen(card);
	known = secrets_count();
	result = far_run(card, story);
	secrets_keep(known);
	assert_true(result.stages > 0);
	if (result.controls)
		assert_true(result.found.held > 0); /* the search finds what there is */
	if (result.found.wrong)
		fail_msg("%u secrets left", result.found.wrong);
}

static void first_generation(void **state)
{
	nothing_is_left(1, *state);
}

static void second_generation(void **state)
{
	nothing_is_left(2, *state);
}

static int setup(void **state)
{
	(void)state;
	home_make();
	log_level("none"); /* it overwrites the stack; test_secrets.c looks at what it leaves */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vcard_free(&card);
	return 0;
}

#define FIRST(story) {"generation 1: " #story, first_generation, NULL, NULL, (void *)#story},
#define SECOND(story) {"generation 2: " #story, second_generation, NULL, NULL, (void *)#story},

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {STORIES(FIRST) FIRST_ONLY(FIRST) STORIES(SECOND)};
	const char *story = far_story(argc, argv);

	if (story)
		return run_client(story);
	return cmocka_run_group_tests_name("memory", tests, setup, teardown);
}
