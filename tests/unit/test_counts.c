/*
 * What things cost, in commands to a first-generation card. Each is tens of
 * milliseconds on a real reader, so these numbers are the module's speed. The
 * limits are the project's promise; the open Rust module takes 101, 101, 101,
 * 107 and 4.
 */
#include <string.h>

#include "testcard.h"

#define LIMIT_TOKEN 12
#define LIMIT_OBJECTS 38
#define LIMIT_CERTIFICATE 30
#define LIMIT_LOGIN_SIGN 32
#define LIMIT_NEXT_SIGN 4
#define FLOOR_NEXT_SIGN 3

static void assert_costs(const char *what, unsigned most)
{
	unsigned commands = fake_new_commands(READER);

	print_message("# %s: %u commands\n", what, commands);
	assert_in_range(commands, 0, most);
}

static void look_at_slot(void)
{
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;

	assert_int_equal(C_GetSlotInfo(bench.slot, &slot), CKR_OK);
	assert_int_equal(C_GetTokenInfo(bench.slot, &token), CKR_OK);
}

static void initializing_and_listing_slots_costs_nothing(void **state)
{
	CK_ULONG count = 0;
	CK_SLOT_INFO info;

	(void)state;
	assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
	assert_int_equal(C_GetSlotInfo(bench.slot, &info), CKR_OK);
	assert_costs("initialize, list slots", 0);
}

static void token_info_is_cheap(void **state)
{
	(void)state;
	look_at_slot();
	assert_true(fake_commands(READER) > 0);
	assert_costs("pkcs11-tool -L", LIMIT_TOKEN);
}

/* What a tool prints of each object. */
static void print_object(CK_OBJECT_HANDLE object)
{
	static const CK_ATTRIBUTE_TYPE types[] = {
		CKA_LABEL, CKA_ID, CKA_SUBJECT, CKA_SERIAL_NUMBER, CKA_KEY_TYPE, CKA_MODULUS_BITS,
		CKA_ENCRYPT, CKA_VERIFY, CKA_WRAP, CKA_LOCAL, CKA_APPLICATION, CKA_OBJECT_ID,
		CKA_PRIVATE, CKA_MODIFIABLE,
	};
	unsigned char value[2048];

	for (size_t i = 0; i < COUNT(types); i++) {
		CK_ATTRIBUTE a = {types[i], value, sizeof value};
		CK_RV rv = C_GetAttributeValue(bench.session, object, &a, 1);

		assert_true(rv == CKR_OK || rv == CKR_ATTRIBUTE_TYPE_INVALID);
	}
}

static void listing_objects_is_cheap(void **state)
{
	CK_OBJECT_HANDLE objects[32];
	size_t count;

	(void)state;
	look_at_slot();
	bench.session = open_session(bench.slot);
	count = find_objects(bench.session, NULL, 0, objects, COUNT(objects));
	assert_int_equal(count, 4 + 3 + 2);
	for (size_t i = 0; i < count; i++)
		print_object(objects[i]);
	assert_costs("pkcs11-tool -O", LIMIT_OBJECTS);
}

static void one_certificate_is_cheap(void **state)
{
	unsigned char der[4096];

	(void)state;
	look_at_slot();
	bench.session = open_session(bench.slot);
	get_attribute(bench.session, find_one(bench.session, CKO_CERTIFICATE, "SIGN"), CKA_VALUE,
		      der, sizeof der);
	assert_costs("reading one certificate", LIMIT_CERTIFICATE);
	get_attribute(bench.session, find_one(bench.session, CKO_CERTIFICATE, "SIGN"), CKA_VALUE,
		      der, sizeof der);
	assert_costs("reading it again", 0);
}

static void login_and_signatures_are_cheap(void **state)
{
	unsigned char sig[256];
	CK_OBJECT_HANDLE key;

	(void)state;
	look_at_slot();
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	assert_int_equal(sign_sha256(bench.session, key, "first", sig), CKR_OK);
	assert_costs("login and signature", LIMIT_LOGIN_SIGN);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(sign_sha256(bench.session, key, "next", sig), CKR_OK);
		assert_in_range(fake_new_commands(READER), FLOOR_NEXT_SIGN, LIMIT_NEXT_SIGN);
	}
}

static void asking_a_hundred_times_costs_nothing(void **state)
{
	CK_SESSION_INFO info;

	(void)state;
	look_at_slot();
	fake_new_commands(READER);
	for (int i = 0; i < 100; i++) {
		look_at_slot();
		assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_OK);
	}
	assert_costs("100 times slot, token and session info", 0);
}

static void sessions_cost_nothing(void **state)
{
	CK_SESSION_HANDLE more;

	(void)state;
	look_at_slot();
	fake_new_commands(READER);
	more = open_session(bench.slot);
	assert_int_equal(C_CloseSession(more), CKR_OK);
	assert_costs("opening and closing a session", 0);
}

static void what_the_host_does_costs_nothing(void **state)
{
	unsigned char out[64], data[] = "data";
	CK_ULONG len = sizeof out;

	(void)state;
	fake_new_commands(READER);
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA512)), CKR_OK);
	assert_int_equal(C_Digest(bench.session, data, sizeof data, out, &len), CKR_OK);
	assert_int_equal(C_GenerateRandom(bench.session, out, sizeof out), CKR_OK);
	assert_costs("digest and random", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(initializing_and_listing_slots_costs_nothing),
		BENCH_TEST(token_info_is_cheap),
		BENCH_TEST(listing_objects_is_cheap),
		BENCH_TEST(one_certificate_is_cheap),
		BENCH_TEST(login_and_signatures_are_cheap),
		SESSION_TEST(asking_a_hundred_times_costs_nothing),
		SESSION_TEST(sessions_cost_nothing),
		SESSION_TEST(what_the_host_does_costs_nothing),
	};

	return cmocka_run_group_tests_name("command counts", tests, NULL, NULL);
}
