/* Encrypting with session keys: every cipher against OpenSSL, in every form of call. */
#include <stdlib.h>
#include <string.h>

#include "ck_cipher.h"

#define LENGTHS 70 /* all lengths below it are tried */
#define PARTS 40   /* all sizes of parts up to it are tried */

static const struct ck_cipher *row_of(CK_MECHANISM_TYPE mechanism)
{
	for (size_t i = 0; i < ck_cipher_count; i++)
		if (ck_ciphers[i].mechanism == mechanism)
			return &ck_ciphers[i];
	fail_msg("no cipher %lx", mechanism);
	return NULL;
}

static void start(enum ck_way way, const struct ck_cipher *c, CK_OBJECT_HANDLE key)
{
	assert_int_equal(ck_init(way, bench.session, ck_mechanism(c), key), CKR_OK);
}

static void assert_idle(enum ck_way way)
{
	CK_ULONG len = 0;

	assert_int_equal(ck_final(way, bench.session, NULL, &len), CKR_OPERATION_NOT_INITIALIZED);
}

/* ---- right answers ---- */

static void one_call_is_openssls(const struct ck_cipher *c, CK_OBJECT_HANDLE key, size_t len)
{
	unsigned char wanted[CK_CIPHER_MAX], out[CK_CIPHER_MAX];
	size_t wanted_len = ck_reference(c, len, wanted);
	CK_ULONG out_len = 0;

	start(CK_ENCRYPT, c, key);
	assert_int_equal(ck_single(CK_ENCRYPT, bench.session, ck_text(), len, NULL, &out_len), CKR_OK);
	assert_int_equal(out_len, wanted_len);
	assert_int_equal(ck_single(CK_ENCRYPT, bench.session, ck_text(), len, out, &out_len), CKR_OK);
	assert_int_equal(out_len, wanted_len);
	assert_memory_equal(out, wanted, wanted_len);
	start(CK_DECRYPT, c, key);
	out_len = sizeof out;
	assert_int_equal(ck_single(CK_DECRYPT, bench.session, wanted, wanted_len, out, &out_len), CKR_OK);
	assert_int_equal(out_len, len);
	assert_memory_equal(out, ck_text(), len);
	assert_idle(CK_DECRYPT);
}

static void every_cipher_in_one_call_is_openssls(void **state)
{
	(void)state;
	fake_new_commands(READER);
	for (size_t i = 0; i < ck_cipher_count; i++) {
		CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, &ck_ciphers[i]);

		for (size_t len = 0; len < LENGTHS; len++)
			if (ck_takes(&ck_ciphers[i], len))
				one_call_is_openssls(&ck_ciphers[i], key, len);
	}
	assert_int_equal(fake_new_commands(READER), 0);
}

static void parts_are_openssls(const struct ck_cipher *c, CK_OBJECT_HANDLE key, size_t part)
{
	static const size_t lengths[] = {0, 1, 16, 48, 80, 101};

	for (size_t i = 0; i < COUNT(lengths); i++) {
		unsigned char wanted[CK_CIPHER_MAX], out[2 * CK_CIPHER_MAX];
		size_t wanted_len, out_len;

		if (!ck_takes(c, lengths[i]))
			continue;
		wanted_len = ck_reference(c, lengths[i], wanted);
		start(CK_ENCRYPT, c, key);
		assert_int_equal(ck_in_parts(CK_ENCRYPT, bench.session, ck_text(), lengths[i], part, out,
					     &out_len),
				 CKR_OK);
		assert_int_equal(out_len, wanted_len);
		assert_memory_equal(out, wanted, wanted_len);
		start(CK_DECRYPT, c, key);
		assert_int_equal(ck_in_parts(CK_DECRYPT, bench.session, wanted, wanted_len, part, out,
					     &out_len),
				 CKR_OK);
		assert_int_equal(out_len, lengths[i]);
		assert_memory_equal(out, ck_text(), lengths[i]);
	}
}

static void every_cipher_in_parts_of_every_size_is_openssls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ck_cipher_count; i++) {
		CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, &ck_ciphers[i]);

		for (size_t part = 1; part <= PARTS; part++)
			parts_are_openssls(&ck_ciphers[i], key, part);
	}
}

/* The standards' own examples: FIPS 197 C.1, SP 800-38A F.2.1. */
static void known_answers_come_out(void **state)
{
	static const struct {
		CK_MECHANISM_TYPE type;
		const char *key, *iv, *plain, *cipher;
	} rows[] = {
		{CKM_AES_ECB, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", NULL,
		 "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
		 "\x69\xc4\xe0\xd8\x6a\x7b\x04\x30\xd8\xcd\xb7\x80\x70\xb4\xc5\x5a"},
		{CKM_AES_CBC, "\x2b\x7e\x15\x16\x28\xae\xd2\xa6\xab\xf7\x15\x88\x09\xcf\x4f\x3c",
		 "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
		 "\x6b\xc1\xbe\xe2\x2e\x40\x9f\x96\xe9\x3d\x7e\x11\x73\x93\x17\x2a",
		 "\x76\x49\xab\xac\x81\x19\xb2\x46\xce\xe9\x8e\x9b\x12\xe9\x19\x7d"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		CK_OBJECT_HANDLE key = ck_secret(bench.session, CKK_AES, rows[i].key, 16);
		CK_MECHANISM m = {rows[i].type, (void *)rows[i].iv, rows[i].iv ? 16 : 0};
		unsigned char out[16];
		CK_ULONG len = sizeof out;

		assert_int_equal(C_EncryptInit(bench.session, &m, key), CKR_OK);
		assert_int_equal(C_Encrypt(bench.session, (CK_BYTE *)rows[i].plain, 16, out, &len), CKR_OK);
		assert_memory_equal(out, rows[i].cipher, 16);
	}
}

/* ---- buffers ---- */

static void a_small_buffer_gets_the_length_and_keeps_the_operation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ck_cipher_count; i++) {
		const struct ck_cipher *c = &ck_ciphers[i];
		CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
		unsigned char wanted[CK_CIPHER_MAX], out[CK_CIPHER_MAX];
		size_t wanted_len = ck_reference(c, 48, wanted);
		CK_ULONG len = wanted_len - 1;

		start(CK_ENCRYPT, c, key);
		assert_int_equal(ck_single(CK_ENCRYPT, bench.session, ck_text(), 48, out, &len),
				 CKR_BUFFER_TOO_SMALL);
		assert_int_equal(len, wanted_len);
		assert_int_equal(ck_single(CK_ENCRYPT, bench.session, ck_text(), 48, out, &len), CKR_OK);
		assert_memory_equal(out, wanted, wanted_len);
		start(CK_DECRYPT, c, key);
		len = 47;
		memset(out, 0xEE, sizeof out);
		assert_int_equal(ck_single(CK_DECRYPT, bench.session, wanted, wanted_len, out, &len),
				 CKR_BUFFER_TOO_SMALL);
		assert_int_equal(out[47], 0xEE);
		assert_true(len >= 48);
		assert_int_equal(ck_single(CK_DECRYPT, bench.session, wanted, wanted_len, out, &len), CKR_OK);
		assert_int_equal(len, 48);
		assert_memory_equal(out, ck_text(), 48);
		assert_idle(CK_DECRYPT);
	}
}

static void the_same_holds_for_the_parts(void **state)
{
	const struct ck_cipher *c = row_of(CKM_AES_CBC_PAD);
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
	unsigned char wanted[CK_CIPHER_MAX], out[CK_CIPHER_MAX];
	size_t wanted_len = ck_reference(c, 40, wanted);
	CK_ULONG len = 15, rest;

	(void)state;
	start(CK_ENCRYPT, c, key);
	assert_int_equal(ck_update(CK_ENCRYPT, bench.session, ck_text(), 20, out, &len),
			 CKR_BUFFER_TOO_SMALL);
	assert_int_equal(len, 16);
	assert_int_equal(ck_update(CK_ENCRYPT, bench.session, ck_text(), 20, out, &len), CKR_OK);
	assert_int_equal(len, 16);
	rest = sizeof out - 16;
	assert_int_equal(ck_update(CK_ENCRYPT, bench.session, ck_text() + 20, 20, out + 16, &rest), CKR_OK);
	assert_int_equal(rest, 16);
	rest = 15;
	assert_int_equal(ck_final(CK_ENCRYPT, bench.session, out + 32, &rest), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(rest, 16);
	assert_int_equal(ck_final(CK_ENCRYPT, bench.session, out + 32, &rest), CKR_OK);
	assert_memory_equal(out, wanted, wanted_len);
	start(CK_DECRYPT, c, key);
	len = sizeof out;
	assert_int_equal(ck_update(CK_DECRYPT, bench.session, wanted, wanted_len, out, &len), CKR_OK);
	assert_int_equal(len, 32);
	rest = 7;
	assert_int_equal(ck_final(CK_DECRYPT, bench.session, out + len, &rest), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(ck_final(CK_DECRYPT, bench.session, out + len, &rest), CKR_OK);
	assert_int_equal(len + rest, 40);
	assert_memory_equal(out, ck_text(), 40);
}

static void a_single_call_after_parts_is_refused(void **state)
{
	const struct ck_cipher *c = row_of(CKM_AES_CTR);
	unsigned char out[CK_CIPHER_MAX];
	CK_ULONG len = sizeof out;

	(void)state;
	start(CK_ENCRYPT, c, ck_cipher_key(bench.session, c));
	assert_int_equal(ck_init(CK_ENCRYPT, bench.session, ck_mechanism(c), 1), CKR_OPERATION_ACTIVE);
	assert_int_equal(ck_update(CK_ENCRYPT, bench.session, ck_text(), 3, out, &len), CKR_OK);
	len = sizeof out;
	assert_int_equal(ck_single(CK_ENCRYPT, bench.session, ck_text(), 3, out, &len),
			 CKR_OPERATION_ACTIVE);
	assert_idle(CK_ENCRYPT); /* PKCS#11, C_Encrypt: it always terminates the operation */
	len = sizeof out;
	assert_int_equal(ck_update(CK_ENCRYPT, bench.session, ck_text(), 3, out, &len),
			 CKR_OPERATION_NOT_INITIALIZED);
}

/* ---- what is refused ---- */

static void incomplete_blocks_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ck_cipher_count; i++) {
		const struct ck_cipher *c = &ck_ciphers[i];
		CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
		unsigned char out[2 * CK_CIPHER_MAX];
		CK_ULONG len = sizeof out;
		size_t got;

		if (c->block == 1)
			continue;
		start(CK_DECRYPT, c, key);
		assert_int_equal(ck_single(CK_DECRYPT, bench.session, ck_text(), 33, out, &len),
				 CKR_ENCRYPTED_DATA_LEN_RANGE);
		assert_idle(CK_DECRYPT);
		start(CK_DECRYPT, c, key);
		assert_int_equal(ck_in_parts(CK_DECRYPT, bench.session, ck_text(), 33, 5, out, &got),
				 CKR_ENCRYPTED_DATA_LEN_RANGE);
		assert_idle(CK_DECRYPT);
		if (c->pads)
			continue;
		start(CK_ENCRYPT, c, key);
		len = sizeof out;
		assert_int_equal(ck_single(CK_ENCRYPT, bench.session, ck_text(), 33, out, &len),
				 CKR_DATA_LEN_RANGE);
		assert_idle(CK_ENCRYPT);
	}
}

static void bad_padding_is_one_error(void **state)
{
	static const unsigned char ends[][16] = {
		{0}, {17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17},
		{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2}, {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 4, 3, 2, 3}};
	const struct ck_cipher *pad = row_of(CKM_AES_CBC_PAD);
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, pad);
	CK_MECHANISM bare = *ck_mechanism(pad);
	unsigned char cipher[16], out[32];
	CK_ULONG len;

	(void)state;
	bare.mechanism = CKM_AES_CBC;
	for (size_t i = 0; i < COUNT(ends); i++) {
		len = sizeof cipher;
		assert_int_equal(C_EncryptInit(bench.session, &bare, key), CKR_OK);
		assert_int_equal(C_Encrypt(bench.session, (CK_BYTE *)ends[i], 16, cipher, &len), CKR_OK);
		start(CK_DECRYPT, pad, key);
		len = sizeof out;
		assert_int_equal(ck_single(CK_DECRYPT, bench.session, cipher, 16, out, &len),
				 CKR_ENCRYPTED_DATA_INVALID);
		assert_idle(CK_DECRYPT);
	}
	start(CK_DECRYPT, pad, key);
	len = sizeof out;
	assert_int_equal(ck_single(CK_DECRYPT, bench.session, cipher, 0, out, &len),
			 CKR_ENCRYPTED_DATA_LEN_RANGE);
}

static void gcm_gives_no_plaintext_without_the_right_tag(void **state)
{
	const struct ck_cipher *c = row_of(CKM_AES_GCM);
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
	unsigned char cipher[CK_CIPHER_MAX], out[CK_CIPHER_MAX], untouched[CK_CIPHER_MAX];
	size_t len = ck_reference(c, 40, cipher), got;
	CK_ULONG out_len;

	(void)state;
	memset(untouched, 0xEE, sizeof untouched);
	for (size_t bit = 0; bit < 8 * len; bit += 13) {
		cipher[bit / 8] ^= (unsigned char)(1 << bit % 8);
		memset(out, 0xEE, sizeof out);
		start(CK_DECRYPT, c, key);
		out_len = sizeof out;
		assert_int_equal(ck_single(CK_DECRYPT, bench.session, cipher, len, out, &out_len),
				 CKR_ENCRYPTED_DATA_INVALID);
		start(CK_DECRYPT, c, key);
		assert_int_equal(ck_in_parts(CK_DECRYPT, bench.session, cipher, len, 11, out, &got),
				 CKR_ENCRYPTED_DATA_INVALID);
		assert_int_equal(got, 0);
		assert_memory_equal(out, untouched, sizeof out);
		cipher[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	start(CK_DECRYPT, c, key);
	out_len = sizeof out;
	assert_int_equal(ck_single(CK_DECRYPT, bench.session, cipher, c->tag - 1, out, &out_len),
			 CKR_ENCRYPTED_DATA_LEN_RANGE);
	assert_idle(CK_DECRYPT);
}

static void gcm_minds_its_additional_data(void **state)
{
	const struct ck_cipher *c = row_of(CKM_AES_GCM);
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
	CK_MECHANISM m = *ck_mechanism(c);
	CK_GCM_PARAMS params = *(CK_GCM_PARAMS *)m.pParameter;
	unsigned char cipher[CK_CIPHER_MAX], out[CK_CIPHER_MAX];
	size_t len = ck_reference(c, 20, cipher);
	CK_ULONG out_len = sizeof out;

	(void)state;
	params.ulAADLen--;
	m.pParameter = &params;
	assert_int_equal(C_DecryptInit(bench.session, &m, key), CKR_OK);
	assert_int_equal(C_Decrypt(bench.session, cipher, len, out, &out_len), CKR_ENCRYPTED_DATA_INVALID);
}

static void wrong_parameters_are_refused_at_init(void **state)
{
	(void)state;
	for (size_t i = 0; i < ck_cipher_count; i++) {
		const struct ck_cipher *c = &ck_ciphers[i];
		CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
		const CK_MECHANISM good = *ck_mechanism(c);
		CK_MECHANISM wrong[] = {
			{good.mechanism, (void *)ck_text(), good.ulParameterLen + 1},
			{good.mechanism, NULL, good.ulParameterLen ? 0 : 1},
			{good.mechanism, (void *)ck_text(), good.ulParameterLen ? good.ulParameterLen - 1 : 7},
		};

		for (size_t k = 0; k < COUNT(wrong); k++) {
			assert_int_equal(C_EncryptInit(bench.session, &wrong[k], key),
					 CKR_MECHANISM_PARAM_INVALID);
			assert_int_equal(C_DecryptInit(bench.session, &wrong[k], key),
					 CKR_MECHANISM_PARAM_INVALID);
		}
		start(CK_ENCRYPT, c, key); /* nothing was left active */
		assert_int_equal(C_SessionCancel(bench.session, CKF_ENCRYPT), CKR_OK);
	}
}

static void gcm_and_ctr_parameters_have_their_limits(void **state)
{
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, row_of(CKM_AES_GCM));
	CK_GCM_PARAMS good = *(CK_GCM_PARAMS *)ck_mechanism(row_of(CKM_AES_GCM))->pParameter;
	CK_GCM_PARAMS rows[8];
	CK_AES_CTR_PARAMS ctr[] = {{.ulCounterBits = 0}, {.ulCounterBits = 129}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		rows[i] = good;
	rows[0].pIv = NULL;
	rows[1].ulIvLen = 0;
	rows[2].ulIvLen = 129;
	rows[3].pAAD = NULL;
	rows[4].ulTagBits = 0;
	rows[5].ulTagBits = 33;
	rows[6].ulTagBits = 24;
	rows[7].ulTagBits = 136;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(C_EncryptInit(bench.session,
					       &(CK_MECHANISM){CKM_AES_GCM, &rows[i], sizeof rows[i]}, key),
				 CKR_MECHANISM_PARAM_INVALID);
	for (size_t i = 0; i < COUNT(ctr); i++)
		assert_int_equal(C_EncryptInit(bench.session,
					       &(CK_MECHANISM){CKM_AES_CTR, &ctr[i], sizeof ctr[i]}, key),
				 CKR_MECHANISM_PARAM_INVALID);
}

/* A counter of n bits that stands `left` blocks before its end. */
static CK_RV count_on(unsigned bits, unsigned left, size_t len, size_t part)
{
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, row_of(CKM_AES_CTR));
	CK_AES_CTR_PARAMS params = {.ulCounterBits = bits};
	unsigned char out[2 * CK_CIPHER_MAX];
	size_t got;
	CK_RV rv;

	memset(params.cb, 0xFF, sizeof params.cb);
	params.cb[15] = (unsigned char)(0x100 - left);
	assert_int_equal(C_EncryptInit(bench.session,
				       &(CK_MECHANISM){CKM_AES_CTR, &params, sizeof params}, key),
			 CKR_OK);
	rv = ck_in_parts(CK_ENCRYPT, bench.session, ck_text(), len, part, out, &got);
	assert_idle(CK_ENCRYPT);
	return rv;
}

static void a_counter_is_not_taken_beyond_its_end(void **state)
{
	(void)state;
	for (size_t part = 1; part <= PARTS; part += 3) {
		assert_int_equal(count_on(8, 3, 48, part), CKR_OK);
		assert_int_equal(count_on(8, 3, 49, part), CKR_DATA_LEN_RANGE);
		assert_int_equal(count_on(32, 1, 16, part), CKR_OK);
		assert_int_equal(count_on(32, 1, 17, part), CKR_DATA_LEN_RANGE);
		assert_int_equal(count_on(128, 1, 100, part), CKR_OK); /* the whole block is the counter */
	}
}

static void counters_of_every_width_have_their_end(void **state)
{
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, row_of(CKM_AES_CTR));

	(void)state;
	for (CK_ULONG bits = 1; bits <= 128; bits++) { /* from their beginning, too */
		CK_AES_CTR_PARAMS params = {.ulCounterBits = bits};
		unsigned char out[CK_CIPHER_MAX];
		CK_ULONG len = sizeof out;

		assert_int_equal(C_EncryptInit(bench.session,
					       &(CK_MECHANISM){CKM_AES_CTR, &params, sizeof params}, key),
				 CKR_OK);
		assert_int_equal(C_Encrypt(bench.session, (CK_BYTE *)ck_text(), bits < 5 ? 16u << bits : 300,
					   out, &len),
				 CKR_OK);
	}
	for (unsigned bits = 8; bits < 128; bits += 5) {
		assert_int_equal(count_on(bits, 2, 32, 32), CKR_OK);
		assert_int_equal(count_on(bits, 2, 33, 33), CKR_DATA_LEN_RANGE);
	}
}

static void keys_do_what_they_are_for(void **state)
{
	const struct ck_cipher *c = row_of(CKM_AES_CBC);
	CK_OBJECT_HANDLE aes = ck_cipher_key(bench.session, c);
	CK_OBJECT_HANDLE generic = ck_secret(bench.session, CKK_GENERIC_SECRET, ck_text(), 16);
	CK_OBJECT_HANDLE no_encrypt =
		ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_ENCRYPT, false);
	CK_OBJECT_HANDLE no_decrypt =
		ck_secret_with(bench.session, CKK_AES, ck_text(), 16, CKA_DECRYPT, false);
	CK_MECHANISM m = *ck_mechanism(c);
	CK_MECHANISM des = *ck_mechanism(row_of(CKM_DES3_CBC));

	(void)state;
	assert_int_equal(C_EncryptInit(bench.session, &m, generic), CKR_KEY_TYPE_INCONSISTENT);
	assert_int_equal(C_EncryptInit(bench.session, &des, aes), CKR_KEY_TYPE_INCONSISTENT);
	assert_int_equal(C_EncryptInit(bench.session, &m, ck_data(bench.session, "x")),
			 CKR_KEY_HANDLE_INVALID);
	assert_int_equal(C_EncryptInit(bench.session, &m, find_one(bench.session, CKO_PUBLIC_KEY, "KEYX")),
			 CKR_KEY_TYPE_INCONSISTENT);
	assert_int_equal(C_EncryptInit(bench.session, MECHANISM(CKM_RSA_PKCS), aes),
			 CKR_KEY_TYPE_INCONSISTENT);
	assert_int_equal(C_EncryptInit(bench.session, &m, no_encrypt), CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_DecryptInit(bench.session, &m, no_decrypt), CKR_KEY_FUNCTION_NOT_PERMITTED);
	assert_int_equal(C_EncryptInit(bench.session, MECHANISM(CKM_SHA256), aes), CKR_MECHANISM_INVALID);
	assert_int_equal(C_EncryptInit(bench.session, &m, no_decrypt), CKR_OK);
	assert_int_equal(C_DecryptInit(bench.session, &m, no_encrypt), CKR_OK);
}

static void null_arguments_end_the_operation(void **state)
{
	const struct ck_cipher *c = row_of(CKM_AES_CTR);
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
	unsigned char out[16];
	CK_ULONG len = sizeof out;

	(void)state;
	for (int way = CK_ENCRYPT; way <= CK_DECRYPT; way++) {
		start((enum ck_way)way, c, key);
		assert_int_equal(ck_single((enum ck_way)way, bench.session, NULL, 3, out, &len),
				 CKR_ARGUMENTS_BAD);
		start((enum ck_way)way, c, key);
		assert_int_equal(ck_single((enum ck_way)way, bench.session, ck_text(), 3, out, NULL),
				 CKR_ARGUMENTS_BAD);
		start((enum ck_way)way, c, key);
		assert_int_equal(ck_update((enum ck_way)way, bench.session, NULL, 3, out, &len),
				 CKR_ARGUMENTS_BAD);
		start((enum ck_way)way, c, key);
		assert_int_equal(ck_final((enum ck_way)way, bench.session, out, NULL), CKR_ARGUMENTS_BAD);
		assert_idle((enum ck_way)way);
	}
}

static void much_data_take_one_call(void **state)
{
	const struct ck_cipher *c = row_of(CKM_AES_CTR);
	const size_t size = 3 << 20;
	unsigned char *in = calloc(1, size), *out = malloc(size), *back = malloc(size);
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
	CK_ULONG len = size;

	(void)state;
	assert_true(in && out && back);
	start(CK_ENCRYPT, c, key);
	assert_int_equal(ck_single(CK_ENCRYPT, bench.session, in, size, out, &len), CKR_OK);
	start(CK_DECRYPT, c, key);
	assert_int_equal(ck_single(CK_DECRYPT, bench.session, out, size, back, &len), CKR_OK);
	assert_int_equal(len, size);
	assert_memory_equal(in, back, size);
	free(in);
	free(out);
	free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(every_cipher_in_one_call_is_openssls),
		SESSION_TEST(every_cipher_in_parts_of_every_size_is_openssls),
		SESSION_TEST(known_answers_come_out),
		SESSION_TEST(a_small_buffer_gets_the_length_and_keeps_the_operation),
		SESSION_TEST(the_same_holds_for_the_parts),
		SESSION_TEST(a_single_call_after_parts_is_refused),
		SESSION_TEST(incomplete_blocks_are_refused),
		SESSION_TEST(bad_padding_is_one_error),
		SESSION_TEST(gcm_gives_no_plaintext_without_the_right_tag),
		SESSION_TEST(gcm_minds_its_additional_data),
		SESSION_TEST(wrong_parameters_are_refused_at_init),
		SESSION_TEST(gcm_and_ctr_parameters_have_their_limits),
		SESSION_TEST(a_counter_is_not_taken_beyond_its_end),
		SESSION_TEST(counters_of_every_width_have_their_end),
		SESSION_TEST(keys_do_what_they_are_for),
		SESSION_TEST(null_arguments_end_the_operation),
		SESSION_TEST(much_data_take_one_call),
	};

	return cmocka_run_group_tests_name("ciphers", tests, NULL, NULL);
}
