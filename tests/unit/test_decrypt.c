/* Decryption inverts what OpenSSL encrypts; whatever is wrong with the padding is one error. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "rsamech.h"
#include "spycard.h"

static const unsigned char plain[] = "a key for a message";
#define PLAIN_SIZE (sizeof plain - 1)
#define LABEL "a label"

static CK_RSA_PKCS_OAEP_PARAMS oaep_sha1 = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_RSA_PKCS_OAEP_PARAMS oaep_sha256 = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL,
					      0};
static CK_RSA_PKCS_OAEP_PARAMS oaep_label = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED,
					     (void *)LABEL, sizeof LABEL - 1};

static CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0};
static CK_MECHANISM raw = {CKM_RSA_X_509, NULL, 0};
static CK_MECHANISM with_sha1 = {CKM_RSA_PKCS_OAEP, &oaep_sha1, sizeof oaep_sha1};
static CK_MECHANISM with_sha256 = {CKM_RSA_PKCS_OAEP, &oaep_sha256, sizeof oaep_sha256};
static CK_MECHANISM with_label = {CKM_RSA_PKCS_OAEP, &oaep_label, sizeof oaep_label};

static CK_OBJECT_HANDLE keyx(void)
{
	return find_one(bench.session, CKO_PRIVATE_KEY, "KEYX");
}

static void encrypt_to_card(int padding, const char *hash, const char *label,
			    const unsigned char *data, size_t len, unsigned char out[256])
{
	EVP_PKEY *key = vcard_public_key(bench.card, KEY_KEYX);

	assert_true(rsamech_encrypt(key, padding, hash, label, label ? strlen(label) : 0, data, len, out));
	EVP_PKEY_free(key);
}

static CK_RV decrypt(CK_MECHANISM *mechanism, unsigned char *cipher, unsigned char *out,
		     CK_ULONG *len)
{
	CK_RV rv = C_DecryptInit(bench.session, mechanism, keyx());

	assert_int_equal(rv, CKR_OK);
	return C_Decrypt(bench.session, cipher, 256, out, len);
}

static void assert_decrypts(CK_MECHANISM *mechanism, unsigned char *cipher)
{
	unsigned char out[256];
	CK_ULONG len = sizeof out;

	assert_int_equal(decrypt(mechanism, cipher, out, &len), CKR_OK);
	assert_int_equal(len, PLAIN_SIZE);
	assert_memory_equal(out, plain, PLAIN_SIZE);
}

static void each_padding_inverts_openssls(void **state)
{
	unsigned char cipher[256];

	(void)state;
	encrypt_to_card(RSA_PKCS1_PADDING, NULL, NULL, plain, PLAIN_SIZE, cipher);
	assert_decrypts(&pkcs1, cipher);
	encrypt_to_card(RSA_PKCS1_OAEP_PADDING, "SHA1", NULL, plain, PLAIN_SIZE, cipher);
	assert_decrypts(&with_sha1, cipher);
	encrypt_to_card(RSA_PKCS1_OAEP_PADDING, "SHA256", NULL, plain, PLAIN_SIZE, cipher);
	assert_decrypts(&with_sha256, cipher);
	encrypt_to_card(RSA_PKCS1_OAEP_PADDING, "SHA256", LABEL, plain, PLAIN_SIZE, cipher);
	assert_decrypts(&with_label, cipher);
}

static void the_bare_operation_gives_the_whole_block(void **state)
{
	unsigned char block[256] = {0}, cipher[256], out[256];
	CK_ULONG len = sizeof out;

	(void)state;
	assert_int_equal(RAND_bytes(block + 1, sizeof block - 1), 1);
	encrypt_to_card(RSA_NO_PADDING, NULL, NULL, block, sizeof block, cipher);
	assert_int_equal(decrypt(MECHANISM(CKM_RSA_X_509), cipher, out, &len), CKR_OK);
	assert_int_equal(len, 256);
	assert_memory_equal(out, block, sizeof block);
}

static void an_empty_and_the_longest_message_come_back(void **state)
{
	unsigned char cipher[256], most[256 - 11], out[256];
	CK_ULONG len = sizeof out;

	(void)state;
	encrypt_to_card(RSA_PKCS1_PADDING, NULL, NULL, plain, 0, cipher);
	assert_int_equal(decrypt(&pkcs1, cipher, out, &len), CKR_OK);
	assert_int_equal(len, 0);
	memset(most, 'm', sizeof most);
	encrypt_to_card(RSA_PKCS1_PADDING, NULL, NULL, most, sizeof most, cipher);
	len = sizeof out;
	assert_int_equal(decrypt(&pkcs1, cipher, out, &len), CKR_OK);
	assert_int_equal(len, sizeof most);
	assert_memory_equal(out, most, sizeof most);
}

static void parts_come_together(void **state)
{
	unsigned char cipher[256], out[256];
	CK_ULONG len = sizeof out;

	(void)state;
	encrypt_to_card(RSA_PKCS1_PADDING, NULL, NULL, plain, PLAIN_SIZE, cipher);
	assert_int_equal(C_DecryptInit(bench.session, &pkcs1, keyx()), CKR_OK);
	assert_int_equal(C_DecryptUpdate(bench.session, cipher, 100, out, &len), CKR_OK);
	assert_int_equal(len, 0);
	len = sizeof out;
	assert_int_equal(C_DecryptUpdate(bench.session, cipher + 100, 156, out, &len), CKR_OK);
	len = sizeof out;
	assert_int_equal(C_DecryptFinal(bench.session, out, &len), CKR_OK);
	assert_int_equal(len, PLAIN_SIZE);
	assert_memory_equal(out, plain, PLAIN_SIZE);
}

/* One error for every way in which a block can be wrong: what differs would be an oracle. */
static void every_wrong_padding_is_the_same_error(void **state)
{
	static const struct {
		unsigned char start[4];
		size_t zero_at; /* of the separator; 0: none */
	} blocks[] = {
		{{0x00, 0x01, 0x11, 0x22}, 100},
		{{0x01, 0x02, 0x11, 0x22}, 100},
		{{0x00, 0x02, 0x11, 0x22}, 0},
		{{0x00, 0x02, 0x11, 0x22}, 5},
	};
	CK_MECHANISM *mechanisms[] = {&pkcs1, &with_sha1, &with_sha256};

	(void)state;
	for (size_t i = 0; i < COUNT(blocks); i++) {
		unsigned char block[256], cipher[256], out[256];

		memset(block, 0x33, sizeof block);
		memcpy(block, blocks[i].start, 4);
		if (blocks[i].zero_at)
			block[blocks[i].zero_at] = 0;
		encrypt_to_card(RSA_NO_PADDING, NULL, NULL, block, sizeof block, cipher);
		for (size_t k = 0; k < COUNT(mechanisms); k++) {
			CK_ULONG len = sizeof out;

			assert_int_equal(decrypt(mechanisms[k], cipher, out, &len),
					 CKR_ENCRYPTED_DATA_INVALID);
		}
	}
}

static void another_label_or_hash_is_an_error(void **state)
{
	unsigned char cipher[256], out[256];
	CK_ULONG len = sizeof out;

	(void)state;
	encrypt_to_card(RSA_PKCS1_OAEP_PADDING, "SHA256", LABEL, plain, PLAIN_SIZE, cipher);
	assert_int_equal(decrypt(&with_sha256, cipher, out, &len), CKR_ENCRYPTED_DATA_INVALID);
	len = sizeof out;
	assert_int_equal(decrypt(&with_sha1, cipher, out, &len), CKR_ENCRYPTED_DATA_INVALID);
}

static void wrong_lengths_are_refused(void **state)
{
	unsigned char cipher[257] = {0}, out[256];
	static const CK_ULONG lengths[] = {0, 255, 257};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		CK_ULONG len = sizeof out;

		assert_int_equal(C_DecryptInit(bench.session, &pkcs1, keyx()), CKR_OK);
		fake_new_commands(READER);
		assert_int_equal(C_Decrypt(bench.session, cipher, lengths[i], out, &len),
				 CKR_ENCRYPTED_DATA_LEN_RANGE);
		assert_int_equal(fake_new_commands(READER), 0);
	}
}

static void count_private_ops(void *context, const uint8_t *cmd, size_t len)
{
	(void)len;
	*(unsigned *)context += cmd[1] == SPY_PRIVATE_OP;
}

/* RSA is not defined for it: the card is not asked what it makes of it. */
static void a_block_that_is_not_below_the_modulus_stays_here(void **state)
{
	EVP_PKEY *pkey = vcard_public_key(bench.card, KEY_KEYX);
	unsigned char block[256], out[256];
	unsigned ops = 0;
	BIGNUM *n = NULL;

	(void)state;
	assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	EVP_PKEY_free(pkey);
	fake_on_command(READER, count_private_ops, &ops);
	for (int i = 0; i < 2; i++) { /* the first time the key must be read before */
		CK_ULONG len = sizeof out;

		BN_bn2binpad(n, block, sizeof block);
		assert_int_equal(decrypt(&raw, block, out, &len), CKR_ENCRYPTED_DATA_INVALID);
		memset(block, 0xFF, sizeof block);
		assert_int_equal(decrypt(&raw, block, out, &len), CKR_ENCRYPTED_DATA_INVALID);
	}
	assert_int_equal(ops, 0);
	for (int i = 0; i < 2; i++) {
		CK_ULONG len = sizeof out;

		assert_int_equal(BN_sub_word(n, 1), 1); /* n - 1 is its own result, n - 2 is any */
		BN_bn2binpad(n, block, sizeof block);
		assert_int_equal(decrypt(&raw, block, out, &len), CKR_OK);
		assert_int_equal(memcmp(out, block, sizeof block) == 0, i == 0);
	}
	assert_true(ops >= 2);
	BN_free(n);
}

static void a_length_query_costs_no_command(void **state)
{
	unsigned char cipher[256], out[256];
	CK_ULONG len = 0;

	(void)state;
	encrypt_to_card(RSA_PKCS1_PADDING, NULL, NULL, plain, PLAIN_SIZE, cipher);
	assert_int_equal(C_DecryptInit(bench.session, &pkcs1, keyx()), CKR_OK);
	fake_new_commands(READER);
	assert_int_equal(C_Decrypt(bench.session, cipher, sizeof cipher, NULL, &len), CKR_OK);
	assert_int_equal(fake_new_commands(READER), 0);
	assert_in_range(len, PLAIN_SIZE, 256);
	assert_int_equal(C_Decrypt(bench.session, cipher, sizeof cipher, out, &len), CKR_OK);
	assert_int_equal(len, PLAIN_SIZE);
}

/* The most that a block can carry is less than the block, and by how much is the padding's matter. */
static void a_length_query_knows_the_padding(void **state)
{
	static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
	CK_MECHANISM ways[] = {pkcs1, {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep}, {CKM_RSA_X_509, NULL, 0}};
	static const CK_ULONG most[] = {256 - 11, 256 - 2 * 32 - 2, 256};
	unsigned char cipher[256] = {0};
	CK_ULONG len;

	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		assert_int_equal(C_DecryptInit(bench.session, &ways[i], keyx()), CKR_OK);
		assert_int_equal(C_Decrypt(bench.session, cipher, sizeof cipher, NULL, &len), CKR_OK);
		assert_int_equal(len, most[i]);
		assert_int_equal(C_DecryptInit(bench.session, NULL, 0), CKR_OK); /* 3.0: it is given up */
	}
}

static void a_small_buffer_gets_the_length_and_keeps_the_operation(void **state)
{
	unsigned char cipher[256], out[256];
	CK_ULONG len = PLAIN_SIZE - 1;

	(void)state;
	encrypt_to_card(RSA_PKCS1_PADDING, NULL, NULL, plain, PLAIN_SIZE, cipher);
	assert_int_equal(C_DecryptInit(bench.session, &pkcs1, keyx()), CKR_OK);
	assert_int_equal(C_Decrypt(bench.session, cipher, sizeof cipher, out, &len),
			 CKR_BUFFER_TOO_SMALL);
	assert_in_range(len, PLAIN_SIZE, 256);
	assert_int_equal(C_Decrypt(bench.session, cipher, sizeof cipher, out, &len), CKR_OK);
	assert_int_equal(len, PLAIN_SIZE);
	assert_memory_equal(out, plain, PLAIN_SIZE);
}

static void wrong_parameters_are_refused_at_init(void **state)
{
	CK_RSA_PKCS_OAEP_PARAMS no_hash = {CKM_RSA_PKCS, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0};
	CK_RSA_PKCS_OAEP_PARAMS no_mask = {CKM_SHA_1, 99, CKZ_DATA_SPECIFIED, NULL, 0};
	CK_RSA_PKCS_OAEP_PARAMS source = {CKM_SHA_1, CKG_MGF1_SHA1, 77, NULL, 0};
	CK_RSA_PKCS_OAEP_PARAMS null_label = {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 5};
	CK_MECHANISM bad[] = {
		{CKM_RSA_PKCS_OAEP, NULL, 0},
		{CKM_RSA_PKCS_OAEP, &oaep_sha1, sizeof oaep_sha1 - 1},
		{CKM_RSA_PKCS_OAEP, &no_hash, sizeof no_hash},
		{CKM_RSA_PKCS_OAEP, &no_mask, sizeof no_mask},
		{CKM_RSA_PKCS_OAEP, &source, sizeof source},
		{CKM_RSA_PKCS_OAEP, &null_label, sizeof null_label},
		{CKM_RSA_PKCS, &oaep_sha1, sizeof oaep_sha1},
	};
	CK_OBJECT_HANDLE key = keyx();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(C_DecryptInit(bench.session, &bad[i], key),
				 CKR_MECHANISM_PARAM_INVALID);
	assert_int_equal(C_DecryptInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key),
			 CKR_MECHANISM_INVALID);
	assert_int_equal(C_DecryptInit(bench.session, &with_sha1, key), CKR_OK);
}

static void only_a_decryption_key_decrypts(void **state)
{
	CK_OBJECT_HANDLE sign = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	CK_OBJECT_HANDLE public = find_one(bench.session, CKO_PUBLIC_KEY, "KEYX");

	(void)state;
	assert_int_equal(C_DecryptInit(bench.session, &pkcs1, sign), CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_DecryptInit(bench.session, &pkcs1, public), CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_DecryptInit(bench.session, &pkcs1, keyx()), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOGIN_TEST(each_padding_inverts_openssls),
		LOGIN_TEST(the_bare_operation_gives_the_whole_block),
		LOGIN_TEST(an_empty_and_the_longest_message_come_back),
		LOGIN_TEST(parts_come_together),
		LOGIN_TEST(every_wrong_padding_is_the_same_error),
		LOGIN_TEST(another_label_or_hash_is_an_error),
		LOGIN_TEST(wrong_lengths_are_refused),
		LOGIN_TEST(a_block_that_is_not_below_the_modulus_stays_here),
		LOGIN_TEST(a_length_query_costs_no_command),
		LOGIN_TEST(a_length_query_knows_the_padding),
		LOGIN_TEST(a_small_buffer_gets_the_length_and_keeps_the_operation),
		LOGIN_TEST(wrong_parameters_are_refused_at_init),
		LOGIN_TEST(only_a_decryption_key_decrypts),
	};

	return cmocka_run_group_tests_name("decrypt", tests, NULL, NULL);
}
