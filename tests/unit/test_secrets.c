/*
 * No secret leaves a trace: not in the log at its highest level, not in the
 * card's, and not in the memory of a client that lists, signs, decrypts, logs
 * out and ends. While it is logged in, secrets may only be in pages that are
 * kept out of core dumps; after a logout only the card's own keys may be there;
 * at the end nothing is anywhere. test_memory.c has all the other ways in which
 * a login or an operation ends.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "farcard.h"

#define TRACE_MAX (4 << 20)

/* ---- the client ---- */

static void client_list(CK_SESSION_HANDLE session)
{
	CK_OBJECT_HANDLE objects[32];
	unsigned char value[4096];
	size_t count = find_objects(session, NULL, 0, objects, COUNT(objects));

	for (size_t i = 0; i < count; i++) {
		CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};

		C_GetAttributeValue(session, objects[i], &a, 1);
	}
}

static void client_use_keys(CK_SESSION_HANDLE session)
{
	CK_OBJECT_HANDLE sign = find_one(session, CKO_PRIVATE_KEY, "SIGN");
	CK_OBJECT_HANDLE decrypt = find_one(session, CKO_PRIVATE_KEY, "KEYX");
	unsigned char out[256];
	CK_ULONG len;

	assert_int_equal(sign_sha256(session, sign, "text", out), CKR_OK);
	assert_int_equal(sign_sha256(session, sign, "more text", out), CKR_OK);
	assert_int_equal(decrypt_pkcs(session, decrypt, far_ciphertext(), out, &len), CKR_OK);
	OPENSSL_cleanse(out, sizeof out);
	fake_foreign_reset(READER); /* the login is re-established */
	assert_int_equal(sign_sha256(session, sign, "text", out), CKR_OK);
}

static int run_client(void)
{
	CK_SESSION_HANDLE session;

	far_begin();
	module_start();
	session = open_session(slot_of(READER));
	client_list(session);
	assert_int_equal(far_login(session, false), CKR_PIN_INCORRECT);
	far_stage(MEMORY_CARD_IN, "after a wrong PIN");
	assert_int_equal(far_login(session, true), CKR_OK);
	client_list(session);
	client_use_keys(session);
	far_stage(MEMORY_LOGGED_IN, "logged in");
	assert_int_equal(C_Logout(session), CKR_OK);
	far_stage(MEMORY_CARD_IN, "logged out");
	assert_int_equal(far_login(session, true), CKR_OK);
	client_use_keys(session);
	module_stop(); /* without a logout */
	far_stage(MEMORY_EMPTY, "finalized");
	far_end();
	return 0;
}

/* ---- the test ---- */

static char *trace_lines;

static void to_trace(void *context, const char *line)
{
	(void)context;
	if (strlen(trace_lines) + strlen(line) + 2 < TRACE_MAX)
		strcat(strcat(trace_lines, line), "\n");
}

static void assert_not_in_text(const char *where, const char *text)
{
	const char *name = secrets_find((const uint8_t *)text, strlen(text));

	assert_true(strlen(text) > 1000); /* there is something to search */
	if (name)
		fail_msg("%s: in %s", name, where);
}

static void no_secret_leaves_a_trace(int generation)
{
	struct far_result result;
	struct vcard *card;

	far_skip_unsearched();
	home_make();
	log_level("trace");
	log_clear();
	card = far_card_new(generation);
	trace_lines = calloc(1, TRACE_MAX);
	assert_non_null(trace_lines);
	vcard_set_trace(card, to_trace, NULL);
	result = far_run(card, "everything");
	assert_int_equal(result.stages, 4);
	assert_true(result.found.kept > 0); /* the search does find what it looks for */
	assert_true(secrets_count() >= (generation == 2 ? 2 + 4 + 2 * 4 : 2));
	assert_not_in_text("the log", log_text());
	assert_non_null(strstr(log_text(), "**")); /* it is a trace, and something is left out */
	assert_not_in_text("the card's trace", trace_lines);
	assert_int_equal(result.found.wrong, 0);
	free(trace_lines);
	vcard_free(&card);
}

static void a_first_generation_card_leaves_no_secret_behind(void **state)
{
	(void)state;
	no_secret_leaves_a_trace(1);
}

static void a_second_generation_card_leaves_no_secret_behind(void **state)
{
	(void)state;
	no_secret_leaves_a_trace(2);
}

/* The search itself finds what it is meant to find, in every form. */
static void the_search_finds_a_secret(void **state)
{
	static const uint8_t key[16] = {0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	uint8_t bytes[100] = {0};

	(void)state;
	secrets_clear();
	secrets_add(SECRET_OF_CALL, "key", key, sizeof key);
	assert_null(secrets_find(bytes, sizeof bytes));
	memcpy(bytes + 7, key, sizeof key);
	assert_non_null(secrets_find(bytes, sizeof bytes));
	memcpy(bytes, "..DEADBEEF0102030405060708090A0B0C", 34);
	assert_non_null(secrets_find(bytes, 34));
	memcpy(bytes, "..deadbeef0102030405060708090a0b0c", 34);
	assert_non_null(secrets_find(bytes, 34));
	assert_null(secrets_find(bytes, 33));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_search_finds_a_secret),
		cmocka_unit_test(a_first_generation_card_leaves_no_secret_behind),
		cmocka_unit_test(a_second_generation_card_leaves_no_secret_behind),
	};

	if (far_story(argc, argv))
		return run_client();
	return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
