/*
 * A second-generation card, end to end through the module: under every
 * combination of the ways in which real cards may behave (nobody has recorded
 * them), and what it costs in commands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "gen2card.h"

#define LIMIT_TOKEN 14
#define LIMIT_OBJECTS 45
#define LIMIT_LOGIN_SIGN 40
#define LIMIT_NEXT_SIGN 4
#define FLOOR_NEXT_SIGN 3
#define MANY 100

static const char message[] = "a message to be signed";
static unsigned ways; /* of the card in the test that runs */

static int setup_ways(void **state)
{
	ways = (unsigned)(uintptr_t)*state;
	gen2_setup(state);
	gen2_behave(bench.card, ways);
	return 0;
}

/* ---- one walk through everything ---- */

static void check_token(void)
{
	CK_TOKEN_INFO info;

	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_memory_equal(info.label, "HiCOS PKI Smart Card            ", 32);
	assert_memory_equal(info.manufacturerID, "Chunghwa TeleCom Co., Ltd.      ", 32);
	assert_memory_equal(info.model, "T7S0", 4);
	assert_memory_equal(info.serialNumber, vcard_card_number(bench.card), 16);
	assert_int_equal(info.ulMinPinLen, 6);
	assert_int_equal(info.ulMaxPinLen, 8);
	assert_int_equal(info.flags, CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED |
					     CKF_DUAL_CRYPTO_OPERATIONS | CKF_TOKEN_INITIALIZED);
}

static void check_public_objects(void)
{
	CK_OBJECT_HANDLE found[16];

	assert_int_equal(find_class(bench.session, CKO_CERTIFICATE, found, COUNT(found)), 4);
	assert_int_equal(find_class(bench.session, CKO_PUBLIC_KEY, found, COUNT(found)), 3);
	assert_int_equal(find_class(bench.session, CKO_DATA, found, COUNT(found)), 2);
	assert_int_equal(find_class(bench.session, CKO_PRIVATE_KEY, found, COUNT(found)), 0);
}

static void check_certificate(const char *id, enum vcard_cert which)
{
	CK_OBJECT_HANDLE object = find_one(bench.session, CKO_CERTIFICATE, id);
	unsigned char value[4096], *der = NULL;
	size_t len = get_attribute(bench.session, object, CKA_VALUE, value, sizeof value);
	X509 *certificate = vcard_certificate(bench.card, which);
	int der_len = i2d_X509(certificate, &der);

	assert_true(der_len > 0);
	assert_int_equal(len, der_len);
	assert_memory_equal(value, der, len);
	OPENSSL_free(der);
	X509_free(certificate);
}

/* Not word-reversed: what OpenSSL has in the certificate of the same key. */
static void check_public_key(const char *id, unsigned key_ref)
{
	CK_OBJECT_HANDLE object = find_one(bench.session, CKO_PUBLIC_KEY, id);
	EVP_PKEY *pkey = vcard_public_key(bench.card, key_ref);
	unsigned char modulus[512], wanted[256];
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(pkey, "n", &n), 1);
	assert_int_equal(BN_bn2binpad(n, wanted, sizeof wanted), sizeof wanted);
	assert_int_equal(get_attribute(bench.session, object, CKA_MODULUS, modulus, sizeof modulus),
			 256);
	assert_memory_equal(modulus, wanted, 256);
	BN_free(n);
	EVP_PKEY_free(pkey);
}

static void check_signature(CK_OBJECT_HANDLE key, unsigned key_ref, CK_MECHANISM_TYPE type,
			    const EVP_MD *md, bool pss)
{
	CK_RSA_PKCS_PSS_PARAMS params = {
		md == EVP_sha512() ? CKM_SHA512 : CKM_SHA256,
		md == EVP_sha512() ? CKG_MGF1_SHA512 : CKG_MGF1_SHA256,
		(CK_ULONG)EVP_MD_get_size(md),
	};
	CK_MECHANISM mechanism = {type, pss ? &params : NULL, pss ? sizeof params : 0};
	unsigned char sig[256];

	assert_int_equal(sign_with(bench.session, key, &mechanism, message, strlen(message), sig),
			 CKR_OK);
	assert_true(is_signature_with(bench.card, key_ref, md, pss, message, strlen(message), sig));
	assert_false(is_signature_with(bench.card, key_ref, md, pss, message, strlen(message) - 1,
				       sig));
}

static void check_signatures(void)
{
	CK_OBJECT_HANDLE first = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	CK_OBJECT_HANDLE third = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN02");

	check_signature(first, KEY_SIGN, CKM_SHA256_RSA_PKCS, EVP_sha256(), false);
	check_signature(first, KEY_SIGN, CKM_SHA512_RSA_PKCS, EVP_sha512(), false);
	check_signature(first, KEY_SIGN, CKM_SHA256_RSA_PKCS_PSS, EVP_sha256(), true);
	check_signature(third, KEY_SIGN02, CKM_SHA512_RSA_PKCS_PSS, EVP_sha512(), true);
	check_signature(third, KEY_SIGN02, CKM_SHA1_RSA_PKCS, EVP_sha1(), false);
}

static void check_decryption(void)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "KEYX");
	unsigned char secret[256], plain[256];
	CK_ULONG len;

	encrypt_to(bench.card, KEY_KEYX, message, secret);
	assert_int_equal(decrypt_pkcs(bench.session, key, secret, plain, &len), CKR_OK);
	assert_int_equal(len, strlen(message));
	assert_memory_equal(plain, message, len);
}

static void everything_works(void **state)
{
	struct vcard_stats stats;

	(void)state;
	check_token();
	bench.session = open_session(bench.slot);
	check_public_objects();
	check_certificate("SIGN", VCARD_CERT_SIGN);
	check_certificate("ROOTCACert", VCARD_CERT_ROOT);
	check_public_key("SIGN", KEY_SIGN);
	check_public_key("SIGN02", KEY_SIGN02);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	check_signatures();
	check_decryption();
	check_certificate("KEYX", VCARD_CERT_ENCRYPT); /* a plain read between two operations */
	check_signatures();
	vcard_stats(bench.card, &stats);
	assert_int_equal(stats.private_ops, 11);
	assert_in_range(stats.verifies, 1, 11);
	if (ways & WAY_PIN_LOST)
		assert_int_equal(stats.verifies, 11);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_false(vcard_channel_open(bench.card));
}

/* ---- cost ---- */

static void assert_costs(const char *what, unsigned most)
{
	unsigned commands = fake_new_commands(READER);

	print_message("# %s, %s: %u commands\n", gen2_ways_text(ways), what, commands);
	assert_in_range(commands, 0, most);
}

static void look_at_slot(void)
{
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;

	assert_int_equal(C_GetSlotInfo(bench.slot, &slot), CKR_OK);
	assert_int_equal(C_GetTokenInfo(bench.slot, &token), CKR_OK);
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
		assert_costs("a further signature", LIMIT_NEXT_SIGN);
	}
	assert_int_equal(verifies(bench.card), 1);
}

static void a_further_signature_has_no_needless_command(void **state)
{
	unsigned char sig[256];
	CK_OBJECT_HANDLE key;

	(void)state;
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	assert_int_equal(sign_sha256(bench.session, key, "first", sig), CKR_OK);
	fake_new_commands(READER);
	assert_int_equal(sign_sha256(bench.session, key, "second", sig), CKR_OK);
	assert_int_equal(fake_new_commands(READER), FLOOR_NEXT_SIGN);
}

static void each_of_many_signatures_has_one_verify_when_the_pin_state_is_lost(void **state)
{
	CK_OBJECT_HANDLE key;

	(void)state;
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	for (unsigned i = 1; i <= MANY; i++) {
		unsigned char sig[256];
		char text[32];

		snprintf(text, sizeof text, "message %u", i);
		assert_int_equal(sign_sha256(bench.session, key, text, sig), CKR_OK);
		assert_true(is_signature(bench.card, KEY_SIGN, text, sig));
		assert_int_equal(verifies(bench.card), i);
	}
	print_message("# %u signatures: %u commands\n", MANY, fake_commands(READER));
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

/* ---- which card it is ---- */

static void the_model_is_made_from_the_card_number(void **state)
{
	FILE *file = fopen(TESTDATA "/gppki-model.txt", "re");
	char line[200], number[32], os[32], model[32];
	unsigned rows = 0;
	CK_TOKEN_INFO info;

	(void)state;
	assert_non_null(file);
	module_stop();
	while (fgets(line, sizeof line, file)) {
		if (line[0] == '#' || sscanf(line, "%31s %31s %31s", number, os, model) != 3)
			continue;
		for (char *c = os; *c; c++)
			*c = *c == '_' ? ' ' : *c;
		assert_true(vcard_file_put(bench.card, "7FFF/0900/0903", (uint8_t *)number,
					   strlen(number)));
		assert_true(vcard_file_put(bench.card, "7FFF/0900/0905", (uint8_t *)os, strlen(os)));
		module_start();
		bench.slot = slot_of(READER);
		assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
		assert_memory_equal(info.model, model, strlen(model));
		assert_int_equal(info.model[strlen(model)], ' ');
		assert_memory_equal(info.serialNumber, number, 16);
		module_stop();
		rows++;
	}
	fclose(file);
	assert_int_equal(rows, 3);
}

static void the_contactless_card_is_known(void **state)
{
	static const uint8_t atr[] = {0x3B, 0x8B, 0x80, 0x01, 0x00, 0x31, 0xC1, 0x64,
				      0x08, 0x40, 0x21, 0x30, 0x00, 0x90, 0x00, 0x57};

	(void)state;
	fake_eject(READER);
	assert_true(vcard_set_atr(bench.card, atr, sizeof atr));
	fake_insert(READER, bench.card);
	check_token();
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	check_signatures();
}

static void an_atr_that_nobody_knows_is_only_a_missing_hint(void **state)
{
	static const uint8_t atr[] = {0x3B, 0x87, 0x01, 'U', 'N', 'K', 'N', 'O', 'W', 'N', 0x05};

	(void)state;
	fake_eject(READER);
	assert_true(vcard_set_atr(bench.card, atr, sizeof atr));
	fake_insert(READER, bench.card);
	check_token();
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	check_signatures();
}

static void a_card_without_the_applet_is_not_known(void **state)
{
	struct vcard *other = testcard_load();
	CK_TOKEN_INFO info;
	size_t len;
	const uint8_t *atr = vcard_atr(bench.card, &len);
	uint8_t copy[VCARD_ATR_MAX];

	(void)state;
	memcpy(copy, atr, len);
	assert_true(vcard_set_atr(other, copy, len)); /* gen 1 under gen 2's ATR: still gen 1 */
	fake_eject(READER);
	fake_insert(READER, other);
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_memory_equal(info.model, "T7S             ", 16);
	fake_eject(READER);
	vcard_free(&other);
}

#define WAYS_TEST(f) cmocka_unit_test_setup_teardown(f, setup_ways, gen2_teardown)

int main(void)
{
	static const struct CMUnitTest fixed[] = {
		WAYS_TEST(token_info_is_cheap),
		WAYS_TEST(listing_objects_is_cheap),
		WAYS_TEST(login_and_signatures_are_cheap),
		WAYS_TEST(a_further_signature_has_no_needless_command),
		WAYS_TEST(the_model_is_made_from_the_card_number),
		WAYS_TEST(the_contactless_card_is_known),
		WAYS_TEST(an_atr_that_nobody_knows_is_only_a_missing_hint),
		WAYS_TEST(a_card_without_the_applet_is_not_known),
	};
	static const char *const read_ends[] = {"short", "6282", "6Cxx", "6700"};
	static char names[2 * WAYS][200];
	struct CMUnitTest tests[2 * WAYS + COUNT(fixed)];
	size_t count = 0;

	for (unsigned i = 0; i < WAYS; i++) {
		snprintf(names[count], sizeof names[0], "everything works: %s", gen2_ways_text(i));
		tests[count] = (struct CMUnitTest){names[count], everything_works, setup_ways,
						   gen2_teardown, (void *)(uintptr_t)i};
		count++;
	}
	for (unsigned i = 1; i < COUNT(read_ends); i++) {
		snprintf(names[count], sizeof names[0], "everything works: end of file: %s", read_ends[i]);
		tests[count] = (struct CMUnitTest){
			names[count], everything_works, setup_ways, gen2_teardown,
			(void *)(uintptr_t)(WAY_READ_END * i | WAY_READ_MAX)};
		count++;
	}
	for (unsigned i = WAY_PIN_LOST; i < WAYS; i++) {
		if (!(i & WAY_PIN_LOST))
			continue;
		snprintf(names[count], sizeof names[0], "%u signatures, one VERIFY each: %s", MANY,
			 gen2_ways_text(i));
		tests[count] = (struct CMUnitTest){
			names[count],
			each_of_many_signatures_has_one_verify_when_the_pin_state_is_lost, setup_ways,
			gen2_teardown, (void *)(uintptr_t)i};
		count++;
	}
	memcpy(tests + count, fixed, sizeof fixed);
	count += COUNT(fixed);
	return _cmocka_run_group_tests("gppki", tests, count, NULL, NULL);
}
