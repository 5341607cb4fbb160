/*
 * Every place of the module that held a secret for a moment wipes it there, as
 * soon as it is of no use (wipes.h). test_memory.c searches what is left of it
 * all in the end; here each copy counts, also one that the next call would
 * have overwritten.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "child.h"
#include "ck_objects.h"
#include "gen2card.h"
#include "rsamech.h"
#include "spycard.h"
#include "src/operation/internal.h"
#include "wipes.h"

#define TEXT "some text"
#define KEY_LEN 32
#define PIN_LEN (sizeof PIN - 1)

static const uint8_t none[256];
static const uint8_t value[KEY_LEN] = "the 32 bytes of a secret AES key";

static CK_OBJECT_HANDLE private_key(const char *id)
{
	return find_one(bench.session, CKO_PRIVATE_KEY, id);
}

/* ---- signing and decrypting with the card ---- */

static void a_signature_leaves_no_digest_no_block_and_no_copy(void **state)
{
	CK_OBJECT_HANDLE key = private_key("SIGN");
	uint8_t digest[SHA256_DIGEST_LENGTH], sig[256];

	(void)state;
	SHA256((const uint8_t *)TEXT, strlen(TEXT), digest);
	wipes_record();
	assert_int_equal(sign_sha256(bench.session, key, TEXT, sig), CKR_OK);
	wipes_stop();
	/* where it was made, and the operation's data */
	assert_int_equal(wiped(EVP_MAX_MD_SIZE, digest, sizeof digest), 2);
	assert_int_equal(wiped(256, "\0\1\xFF\xFF", 4), 1); /* the block */
	assert_int_equal(wiped(256, sig, sizeof sig), 2); /* the result, and where it was checked */
	assert_int_equal(wiped(255, "\1\xFF\xFF", 3), 2);   /* the block there, and the power */
	assert_int_equal(wiped(sizeof(struct operation), NULL, 0), 1);
	wipes_forget();
}

static const uint8_t *encrypt_to_card(const uint8_t *plain, size_t len)
{
	static uint8_t wrapped[SIGNATURE_SIZE];
	EVP_PKEY *pkey = vcard_public_key(bench.card, KEY_KEYX);

	assert_true(rsamech_encrypt(pkey, RSA_PKCS1_PADDING, NULL, NULL, 0, plain, len, wrapped));
	EVP_PKEY_free(pkey);
	return wrapped;
}

static CK_RV decrypt(CK_MECHANISM *m, CK_OBJECT_HANDLE key, const uint8_t *in, uint8_t out[256])
{
	CK_ULONG len = 256;
	CK_RV rv = C_DecryptInit(bench.session, m, key);

	return rv == CKR_OK ? C_Decrypt(bench.session, (CK_BYTE *)in, 256, out, &len) : rv;
}

static void a_plaintext_is_wiped_in_its_block_and_where_it_came_out(void **state)
{
	static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
	CK_MECHANISM other = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
	CK_OBJECT_HANDLE key = private_key("KEYX");
	const uint8_t *in = encrypt_to_card(value, sizeof value);
	uint8_t out[256];

	(void)state;
	wipes_record();
	assert_int_equal(decrypt(MECHANISM(CKM_RSA_PKCS), key, in, out), CKR_OK);
	wipes_stop();
	assert_int_equal(wiped(256, "\0\2", 2), 1);
	assert_int_equal(wiped(256, value, sizeof value), 1);
	assert_int_equal(wiped(255, "\2", 1), 1); /* where it was checked */
	wipes_record();
	assert_int_equal(decrypt(&other, key, in, out), CKR_ENCRYPTED_DATA_INVALID);
	wipes_stop();
	assert_int_equal(wiped(256, "\0\2", 2), 1);
	wipes_forget();
}

/* The card's result was not the key's: the one who asked for it gets nothing to see. */
static void a_wrong_result_is_wiped_before_it_is_handed_up(void **state)
{
	static const struct spy_fault garbled = {"garbled", SPY_GARBLED, 0};
	static struct spy spy;
	CK_OBJECT_HANDLE key;
	uint8_t sig[256];

	(void)state;
	assert_int_equal(C_CloseAllSessions(bench.slot), CKR_OK);
	spy_insert(&spy, READER, bench.card);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = private_key("SIGN");
	spy_watch(&spy);
	spy_strike(&spy, &garbled, SPY_REST, 1, 1);
	wipes_record();
	assert_int_equal(sign_sha256(bench.session, key, TEXT, sig), CKR_DEVICE_ERROR);
	wipes_stop();
	assert_true(spy.struck);
	assert_int_equal(wiped(256, none, sizeof none), 1); /* the caller's, wiped for him already */
	wipes_forget();
}

/* ---- keys ---- */

static CK_RV unwrap(CK_KEY_TYPE type, CK_OBJECT_HANDLE by, const uint8_t *in)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, type)};
	CK_OBJECT_HANDLE key;

	return C_UnwrapKey(bench.session, MECHANISM(CKM_RSA_PKCS), by, (CK_BYTE *)in, 256, template,
			   COUNT(template), &key);
}

static void an_unwrapped_key_and_its_stand_in_are_wiped(void **state)
{
	static const struct {
		CK_KEY_TYPE type;
		CK_RV rv;
	} rows[] = {{CKK_AES, CKR_OK}, {CKK_DES3, CKR_WRAPPED_KEY_INVALID}};
	CK_OBJECT_HANDLE by = private_key("KEYX");
	const uint8_t *in = encrypt_to_card(value, sizeof value);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		wipes_record();
		assert_int_equal(unwrap(rows[i].type, by, in), rows[i].rv);
		wipes_stop();
		assert_int_equal(wiped(256, "\0\2", 2), 1);
		assert_int_equal(wiped(sizeof(struct unwrapped), NULL, 0), 1);
		assert_int_equal(wiped(TEMPLATE_SECRET_MAX, NULL, 0), 1);
		assert_int_equal(wiped(TEMPLATE_SECRET_MAX, none, 8), 0); /* it held something */
	}
	wipes_forget();
}

static void a_generated_key_and_its_check_value_are_wiped(void **state)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_VALUE_LEN, KEY_LEN), BOOL_OF(CKA_SENSITIVE, false),
				   BOOL_OF(CKA_EXTRACTABLE, true)};
	uint8_t made[KEY_LEN], check[3];
	CK_OBJECT_HANDLE key = 0;

	(void)state;
	wipes_record();
	assert_int_equal(C_GenerateKey(bench.session, MECHANISM(CKM_AES_KEY_GEN), template,
				       COUNT(template), &key),
			 CKR_OK);
	wipes_stop();
	assert_int_equal(get_attribute(bench.session, key, CKA_VALUE, made, sizeof made), KEY_LEN);
	assert_int_equal(get_attribute(bench.session, key, CKA_CHECK_VALUE, check, sizeof check), 3);
	assert_int_equal(wiped(TEMPLATE_SECRET_MAX, made, sizeof made), 1);
	assert_int_equal(wiped(32, check, sizeof check), 1);
	wipes_forget();
}

static void a_mac_is_wiped_when_it_was_given_and_when_it_was_compared(void **state)
{
	CK_OBJECT_HANDLE key = ck_secret(bench.session, CKK_GENERIC_SECRET, value, sizeof value);
	uint8_t mac[32], wrong[32] = {0};
	CK_ULONG len = sizeof mac;

	(void)state;
	wipes_record();
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_SHA256_HMAC), key), CKR_OK);
	assert_int_equal(C_Sign(bench.session, (CK_BYTE *)TEXT, strlen(TEXT), mac, &len), CKR_OK);
	assert_int_equal(wiped(EVP_MAX_MD_SIZE, mac, sizeof mac), 1);
	assert_int_equal(C_VerifyInit(bench.session, MECHANISM(CKM_SHA256_HMAC), key), CKR_OK);
	assert_int_equal(C_Verify(bench.session, (CK_BYTE *)TEXT, strlen(TEXT), wrong, sizeof wrong),
			 CKR_SIGNATURE_INVALID);
	assert_int_equal(wiped(EVP_MAX_MD_SIZE, mac, sizeof mac), 2);
	wipes_forget();
}

static void a_plaintext_with_a_wrong_tag_is_wiped_where_it_came_out(void **state)
{
	static uint8_t iv[12];
	CK_GCM_PARAMS params = {.pIv = iv, .ulIvLen = sizeof iv, .ulIvBits = 96, .ulTagBits = 128};
	CK_MECHANISM gcm = {CKM_AES_GCM, &params, sizeof params};
	CK_OBJECT_HANDLE key = ck_secret(bench.session, CKK_AES, value, sizeof value);
	uint8_t plain[48], sealed[64], out[64];
	CK_ULONG len = sizeof sealed;

	(void)state;
	memset(plain, 0x5E, sizeof plain);
	assert_int_equal(C_EncryptInit(bench.session, &gcm, key), CKR_OK);
	assert_int_equal(C_Encrypt(bench.session, plain, sizeof plain, sealed, &len), CKR_OK);
	assert_int_equal(len, sizeof sealed);
	sealed[63] ^= 1;
	len = sizeof out;
	assert_int_equal(C_DecryptInit(bench.session, &gcm, key), CKR_OK);
	wipes_record();
	assert_int_equal(C_Decrypt(bench.session, sealed, sizeof sealed, out, &len),
			 CKR_ENCRYPTED_DATA_INVALID);
	wipes_stop();
	assert_int_equal(wiped(sizeof plain, plain, sizeof plain), 1);
	wipes_forget();
}

/* ---- the PIN ---- */

static void a_pin_is_wiped_however_its_login_ends(void **state)
{
	CK_SESSION_INFO info;

	(void)state;
	wipes_record();
	assert_int_equal(login(bench.session, WRONG_PIN), CKR_PIN_INCORRECT);
	assert_int_equal(wiped(PIN_LEN, WRONG_PIN, PIN_LEN), 1);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(wiped(PIN_LEN, PIN, PIN_LEN), 0);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(wiped(PIN_LEN, PIN, PIN_LEN), 1);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	fake_eject(READER);
	assert_int_not_equal(C_GetSessionInfo(bench.session, &info), CKR_OK);
	assert_int_equal(wiped(PIN_LEN, PIN, PIN_LEN), 2);
	wipes_forget();
}

/* A copy for the card alone: the PIN is kept. */
static void a_pin_that_is_given_again_is_wiped_once(void **state)
{
	CK_OBJECT_HANDLE key = private_key("SIGN");
	uint8_t sig[256];

	(void)state;
	fake_foreign_reset(READER);
	wipes_record();
	assert_int_equal(sign_sha256(bench.session, key, TEXT, sig), CKR_OK);
	assert_int_equal(verifies(bench.card), 2);
	assert_int_equal(wiped(PIN_LEN, PIN, PIN_LEN), 1);
	wipes_forget();
}

/* In a child: a bench.session that is logged in. */
static void log_in_as_child(void)
{
	CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
	CHILD_WANTS(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &bench.session) == CKR_OK);
	CHILD_WANTS(C_Login(bench.session, CKU_USER, (CK_BYTE *)PIN, PIN_LEN) == CKR_OK);
}

static void *sign_in_thread(void *context)
{
	uint8_t sig[256];

	(void)sign_sha256(bench.session, *(CK_OBJECT_HANDLE *)context, TEXT, sig);
	return NULL;
}

/* C_Finalize does not wait for a call that hangs, nor does the PIN. */
static void a_pin_is_wiped_under_a_call_that_hangs(void **state)
{
	pid_t child;

	(void)state;
	module_stop();
	child = child_start();
	if (child == 0) { /* which leaves open what the call had open */
		CK_OBJECT_HANDLE key;
		pthread_t thread;

		log_in_as_child();
		key = private_key("SIGN");
		fake_hang(READER, true);
		CHILD_WANTS(pthread_create(&thread, NULL, sign_in_thread, &key) == 0);
		CHILD_WANTS(fake_wait_hanging(READER, 5000));
		wipes_record();
		CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
		CHILD_WANTS(wiped(PIN_LEN, PIN, PIN_LEN) == 1);
		wipes_forget();
		fake_hang(READER, false);
		pthread_join(thread, NULL);
		child_done_leaving_memory();
	}
	child_assert_well(child);
}

/* Runs last of all: after the module's own destructor. */
static bool child_looks;

static __attribute__((destructor(101))) void look_at_the_end(void)
{
	if (child_looks)
		_exit(wiped(PIN_LEN, PIN, PIN_LEN) == 1 ? 0 : 66);
}

static void a_program_that_just_ends_wipes_its_pin(void **state)
{
	pid_t child;

	(void)state;
	module_stop();
	child = child_start();
	if (child == 0) {
		log_in_as_child();
		wipes_record();
		child_looks = true;
		exit(0);
	}
	child_assert_well(child);
}

/* With its first call of any kind; where the kernel does it at the fork, there are zeros by then. */
static void a_forked_child_wipes_the_parents_pin(void **state)
{
	static const char zeros[PIN_LEN];
	pid_t child = child_start();

	(void)state;
	if (child == 0) {
		CK_INFO info;

		wipes_record();
		CHILD_WANTS(C_GetInfo(&info) == CKR_CRYPTOKI_NOT_INITIALIZED);
		CHILD_WANTS(wiped(PIN_LEN, PIN, PIN_LEN) + wiped(PIN_LEN, zeros, PIN_LEN) == 1);
		child_done_leaving_memory();
	}
	child_assert_well(child);
	assert_int_equal(verifies(bench.card), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOGIN_TEST(a_signature_leaves_no_digest_no_block_and_no_copy),
		LOGIN_TEST(a_plaintext_is_wiped_in_its_block_and_where_it_came_out),
		LOGIN_TEST(a_wrong_result_is_wiped_before_it_is_handed_up),
		LOGIN_TEST(an_unwrapped_key_and_its_stand_in_are_wiped),
		SESSION_TEST(a_generated_key_and_its_check_value_are_wiped),
		SESSION_TEST(a_mac_is_wiped_when_it_was_given_and_when_it_was_compared),
		SESSION_TEST(a_plaintext_with_a_wrong_tag_is_wiped_where_it_came_out),
		SESSION_TEST(a_pin_is_wiped_however_its_login_ends),
		LOGIN_TEST(a_pin_that_is_given_again_is_wiped_once),
		BENCH_TEST(a_pin_is_wiped_under_a_call_that_hangs),
		BENCH_TEST(a_program_that_just_ends_wipes_its_pin),
		LOGIN_TEST(a_forked_child_wipes_the_parents_pin),
	};

	return cmocka_run_group_tests_name("wipes", tests, NULL, NULL);
}
