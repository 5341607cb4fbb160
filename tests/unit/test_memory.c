/*
 * What is left in a program's memory after every way in which a login or an
 * operation can end: the PIN, the keys of the secure channel, a plaintext.
 * Tales (tale.h) of logins and of what the card decrypts and signs; those of
 * session keys are in test_memory_keys.c.
 */

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <winscard.h>

#include "ck_objects.h"
#include "spycard.h"
#include "tale.h"

#define TEXT_LEN 32

static CK_RV sign(void)
{
	unsigned char sig[256];

	return sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "text", sig);
}

/* ---- tales: a login ends ---- */

static void login_ended_by_logout(void)
{
	tale_begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(far_login(bench.session, true), CKR_USER_ALREADY_LOGGED_IN);
	far_stage(MEMORY_LOGGED_IN, "logged in");
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "logged out");
	tale_end();
}

static void login_ended_by_closing_the_session(void)
{
	tale_begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "closed");
	tale_end();
}

static void login_ended_by_closing_all_sessions(void)
{
	tale_begin_logged_in();
	open_session(bench.slot);
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(C_CloseAllSessions(bench.slot), CKR_OK);
	far_stage(MEMORY_CARD_IN, "all closed");
	tale_end();
}

static void login_ended_by_finalize(void)
{
	tale_begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	tale_end();
}

static void login_refused_for_a_wrong_pin(void)
{
	tale_begin();
	assert_int_equal(far_login(bench.session, false), CKR_PIN_INCORRECT);
	far_stage(MEMORY_CARD_IN, "refused");
	assert_int_equal(far_login(bench.session, true), CKR_OK);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "logged out");
	tale_end();
}

static void login_with_a_lost_answer(void)
{
	tale_begin();
	far_refuse(SPY_VERIFY, 0);
	assert_int_not_equal(far_login(bench.session, true), CKR_OK);
	far_stage(MEMORY_CARD_IN, "the answer lost");
	far_refuse(SPY_VERIFY, 0x6F00);
	assert_int_not_equal(far_login(bench.session, true), CKR_OK);
	far_stage(MEMORY_CARD_IN, "refused");
	far_refuse_nothing();
	tale_end();
}

/* The program learns of it with its next call. */
static void login_ended_by_pulling_the_card(void)
{
	CK_SESSION_INFO info;

	tale_begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	fake_eject(READER);
	assert_int_not_equal(C_GetSessionInfo(bench.session, &info), CKR_OK);
	far_stage(MEMORY_EMPTY, "pulled");
	tale_end();
}

static void login_ended_by_pulling_the_reader(void)
{
	tale_begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	fake_remove_reader(READER);
	assert_false(tale_says_logged_in());
	far_stage(MEMORY_EMPTY, "pulled");
	tale_end();
}

static void login_ended_by_the_service(void)
{
	tale_begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	fake_service_stop();
	assert_false(tale_says_logged_in());
	far_stage(MEMORY_EMPTY, "stopped");
	tale_end();
}

static void login_dropped_after_a_refusal(void)
{
	tale_begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	far_refuse(SPY_PRIVATE_OP, 0x6982);
	assert_int_not_equal(sign(), CKR_OK);
	assert_false(tale_says_logged_in());
	far_stage(MEMORY_CARD_IN, "dropped");
	far_refuse_nothing();
	tale_end();
}

static void login_dropped_after_a_lost_answer(void)
{
	tale_begin_logged_in();
	far_refuse(SPY_REST, 0);
	assert_int_not_equal(sign(), CKR_OK);
	far_refuse_nothing();
	far_stage(tale_says_logged_in() ? MEMORY_LOGGED_IN : MEMORY_CARD_IN, "the answer lost");
	tale_end();
}

static void login_dropped_after_a_transport_error(void)
{
	tale_begin_logged_in();
	assert_int_equal(sign(), CKR_OK);
	fake_fail(READER, 1, SCARD_F_COMM_ERROR);
	assert_int_not_equal(sign(), CKR_OK);
	far_stage(tale_says_logged_in() ? MEMORY_LOGGED_IN : MEMORY_CARD_IN, "the exchange failed");
	tale_end();
}

static void login_that_comes_back_and_one_that_does_not(void)
{
	tale_begin_logged_in();
	fake_foreign_reset(READER);
	assert_int_equal(sign(), CKR_OK);
	far_stage(MEMORY_LOGGED_IN, "taken up again");
	fake_foreign_reset(READER);
	far_refuse(SPY_VERIFY, 0x6983);
	assert_int_not_equal(sign(), CKR_OK);
	assert_false(tale_says_logged_in());
	far_stage(MEMORY_CARD_IN, "not taken up again");
	far_refuse_nothing();
	tale_end();
}

/* The PIN may be where it is kept, and the keys of the channel; and no copy of them elsewhere. */
static void the_moments_of_a_login(void)
{
	tale_begin();
	far_search_at(SPY_PRIVATE_OP);
	far_search_at_ends(MEMORY_LOGGED_IN);
	assert_int_equal(far_login(bench.session, false), CKR_PIN_INCORRECT);
	assert_int_equal(far_login(bench.session, true), CKR_OK);
	assert_int_equal(sign(), CKR_OK);
	fake_foreign_reset(READER);
	assert_int_equal(sign(), CKR_OK);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	tale_end();
}

/* What goes out is encrypted already, and what it was made of is wiped. */
static void the_moment_of_a_verify(void)
{
	tale_begin();
	far_search_at(SPY_ANY); /* also on the way to it: the PIN is protected first */
	assert_int_equal(far_login(bench.session, false), CKR_PIN_INCORRECT);
	assert_int_equal(far_login(bench.session, true), CKR_OK);
	fake_foreign_reset(READER);
	assert_int_equal(sign(), CKR_OK);
	tale_end();
}

/* ---- tales: a plaintext ---- */

static CK_RV decrypt(unsigned char *out, CK_ULONG *len, CK_MECHANISM_TYPE mechanism)
{
	CK_RV rv = C_DecryptInit(bench.session, MECHANISM(mechanism),
				 find_one(bench.session, CKO_PRIVATE_KEY, "KEYX"));

	return rv == CKR_OK ? C_Decrypt(bench.session, (unsigned char *)far_ciphertext(), 256, out, len) : rv;
}

/* The client has got it and wiped it: nobody else has a reason to have it. */
static void plaintext_delivered(void)
{
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	tale_begin_logged_in();
	assert_int_equal(decrypt(out, &len, CKM_RSA_PKCS), CKR_OK);
	assert_int_equal(len, FAR_PLAINTEXT_LEN);
	OPENSSL_cleanse(out, sizeof out);
	far_stage(MEMORY_LOGGED_IN, "delivered");
	tale_end();
}

static void plaintext_delivered_in_parts(void)
{
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	tale_begin_logged_in();
	assert_int_equal(C_DecryptInit(bench.session, MECHANISM(CKM_RSA_PKCS),
				       find_one(bench.session, CKO_PRIVATE_KEY, "KEYX")),
			 CKR_OK);
	assert_int_equal(C_DecryptUpdate(bench.session, (unsigned char *)far_ciphertext(), 256, out, &len),
			 CKR_OK);
	len = sizeof out;
	assert_int_equal(C_DecryptFinal(bench.session, out, &len), CKR_OK);
	assert_int_equal(len, FAR_PLAINTEXT_LEN);
	OPENSSL_cleanse(out, sizeof out);
	far_stage(MEMORY_LOGGED_IN, "delivered");
	tale_end();
}

/* The block without its padding taken off: the plaintext is at its end. */
static void plaintext_delivered_raw(void)
{
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	tale_begin_logged_in();
	assert_int_equal(decrypt(out, &len, CKM_RSA_X_509), CKR_OK);
	OPENSSL_cleanse(out, sizeof out);
	far_stage(MEMORY_LOGGED_IN, "delivered");
	tale_end();
}

static void refuse_plaintext(void)
{
	static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
	CK_MECHANISM m = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	assert_int_equal(C_DecryptInit(bench.session, &m, find_one(bench.session, CKO_PRIVATE_KEY, "KEYX")), CKR_OK);
	assert_int_not_equal(C_Decrypt(bench.session, (unsigned char *)far_ciphertext(), 256, out, &len),
			     CKR_OK);
}

static void plaintext_with_another_padding(void)
{
	tale_begin_logged_in();
	refuse_plaintext();
	far_stage(MEMORY_LOGGED_IN, "refused");
	tale_end();
}

/* The same, before other calls have used the stack: the refused plaintext is nowhere. */
static void the_moment_of_a_refused_plaintext(void)
{
	tale_begin_logged_in();
	far_search_at_ends(MEMORY_LOGGED_IN);
	refuse_plaintext();
	tale_end();
}

/* At the end of the call it is in the program's buffer, and has no copy. */
static void the_moment_of_a_delivered_plaintext(void)
{
	unsigned char *out = far_own_bytes();
	CK_ULONG len = FAR_OWN;

	tale_begin_logged_in();
	far_search_at_ends(MEMORY_DELIVERED);
	assert_int_equal(decrypt(out, &len, CKM_RSA_PKCS), CKR_OK);
	assert_int_equal(len, FAR_PLAINTEXT_LEN);
	OPENSSL_cleanse(out, len);
	far_search_at_ends(MEMORY_LOGGED_IN);
	assert_int_equal(sign(), CKR_OK);
	tale_end();
}

/* A result that the buffer was too small for is kept, until the operation ends. */
static void begin_unread(void)
{
	unsigned char out[4];
	CK_ULONG len = sizeof out;

	tale_begin_logged_in();
	assert_int_equal(decrypt(out, &len, CKM_RSA_PKCS), CKR_BUFFER_TOO_SMALL);
	far_stage(MEMORY_CONTROL, "unread");
}

static void plaintext_unread_at_logout(void)
{
	begin_unread();
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "logged out");
	tale_end();
}

static void plaintext_unread_at_the_sessions_end(void)
{
	begin_unread();
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "closed");
	tale_end();
}

static void plaintext_unread_in_one_of_two_sessions(void)
{
	begin_unread();
	open_session(bench.slot);
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	far_stage(MEMORY_LOGGED_IN, "closed");
	tale_end();
}

static void plaintext_unread_at_the_end_of_all_sessions(void)
{
	begin_unread();
	assert_int_equal(C_CloseAllSessions(bench.slot), CKR_OK);
	far_stage(MEMORY_CARD_IN, "all closed");
	tale_end();
}

static void plaintext_unread_at_finalize(void)
{
	begin_unread();
	tale_end();
}

static void plaintext_unread_and_cancelled(void)
{
	begin_unread();
	assert_int_equal(C_SessionCancel(bench.session, CKF_DECRYPT), CKR_OK);
	far_stage(MEMORY_LOGGED_IN, "cancelled");
	tale_end();
}

static void plaintext_unread_when_the_card_is_pulled(void)
{
	begin_unread();
	fake_eject(READER);
	assert_false(tale_says_logged_in());
	far_stage(MEMORY_EMPTY, "pulled");
	tale_end();
}

static void plaintext_unread_when_the_login_is_dropped(void)
{
	begin_unread();
	far_refuse(SPY_PRIVATE_OP, 0x6982);
	assert_int_not_equal(sign(), CKR_OK);
	assert_false(tale_says_logged_in());
	far_stage(MEMORY_CARD_IN, "dropped");
	far_refuse_nothing();
	tale_end();
}

static void plaintext_read_at_the_second_call(void)
{
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	begin_unread();
	assert_int_equal(C_Decrypt(bench.session, (unsigned char *)far_ciphertext(), 256, out, &len), CKR_OK);
	assert_int_equal(len, FAR_PLAINTEXT_LEN);
	OPENSSL_cleanse(out, sizeof out);
	far_stage(MEMORY_LOGGED_IN, "delivered");
	tale_end();
}

/* Data for a signature by the card wait in the operation. */
static void text_of_an_unfinished_signature(void)
{
	uint8_t text[TEXT_LEN];

	tale_begin_logged_in();
	assert_int_equal(C_SignInit(bench.session, MECHANISM(CKM_RSA_PKCS),
				    find_one(bench.session, CKO_PRIVATE_KEY, "SIGN")),
			 CKR_OK);
	assert_int_equal(RAND_bytes(text, sizeof text), 1);
	assert_int_equal(C_SignUpdate(bench.session, text, sizeof text), CKR_OK);
	far_tell_secret("text", text, sizeof text);
	far_stage(MEMORY_CONTROL, "collected");
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "logged out");
	tale_end();
}

/* ---- the tests ---- */

static const struct tale tales[] = {
	TALE(login_ended_by_logout),
	TALE(login_ended_by_closing_the_session),
	TALE(login_ended_by_closing_all_sessions),
	TALE(login_ended_by_finalize),
	TALE(login_refused_for_a_wrong_pin),
	TALE(login_with_a_lost_answer),
	TALE(login_ended_by_pulling_the_card),
	TALE(login_ended_by_pulling_the_reader),
	TALE(login_ended_by_the_service),
	TALE(login_dropped_after_a_refusal),
	TALE(login_dropped_after_a_lost_answer),
	TALE(login_dropped_after_a_transport_error),
	TALE(login_that_comes_back_and_one_that_does_not),
	TALE(the_moments_of_a_login),
	TALE(the_moment_of_a_verify),
	TALE(plaintext_delivered),
	TALE(plaintext_delivered_in_parts),
	TALE(plaintext_delivered_raw),
	TALE(plaintext_with_another_padding),
	TALE(the_moment_of_a_refused_plaintext),
	TALE(the_moment_of_a_delivered_plaintext),
	TALE(plaintext_unread_at_logout),
	TALE(plaintext_unread_at_the_sessions_end),
	TALE(plaintext_unread_in_one_of_two_sessions),
	TALE(plaintext_unread_at_the_end_of_all_sessions),
	TALE(plaintext_unread_at_finalize),
	TALE(plaintext_unread_and_cancelled),
	TALE(plaintext_unread_when_the_card_is_pulled),
	TALE(plaintext_unread_when_the_login_is_dropped),
	TALE(plaintext_read_at_the_second_call),
	TALE(text_of_an_unfinished_signature),
};

int main(int argc, char **argv)
{
	return tale_main(argc, argv, "memory", tales, COUNT(tales));
}
