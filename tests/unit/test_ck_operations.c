/*
 * What holds for every kind of operation: how it ends, buffers that overlap,
 * what is taken of keys and parameters, and what unwrapping does not tell.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "ck_cipher.h"
#include "gen2card.h"
#include "rsamech.h"
#include "src/crypto/context.h"
#include "src/crypto/rsa.h"

#define SHA256_SIZE 32

static const struct ck_cipher *row_of(CK_MECHANISM_TYPE mechanism)
{
	for (size_t i = 0; i < ck_cipher_count; i++)
		if (ck_ciphers[i].mechanism == mechanism)
			return &ck_ciphers[i];
	fail_msg("no cipher %lx", mechanism);
	return NULL;
}

static CK_OBJECT_HANDLE secret_key(void)
{
	return ck_secret(bench.session, CKK_AES, "0123456789ABCDEF", 16);
}

/* ---- every kind, begun and asked whether it is there ---- */

enum kind { DIGEST, SIGN, VERIFY, ENCRYPT, DECRYPT, SIGN_RECOVER, VERIFY_RECOVER, KINDS };

static CK_RV init(enum kind kind, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	CK_SESSION_HANDLE s = bench.session;

	switch (kind) {
	case DIGEST:
		return C_DigestInit(s, m);
	case SIGN:
		return C_SignInit(s, m, key);
	case VERIFY:
		return C_VerifyInit(s, m, key);
	case ENCRYPT:
		return C_EncryptInit(s, m, key);
	case DECRYPT:
		return C_DecryptInit(s, m, key);
	case SIGN_RECOVER:
		return C_SignRecoverInit(s, m, key);
	default:
		return C_VerifyRecoverInit(s, m, key);
	}
}

static void begin(enum kind kind, CK_OBJECT_HANDLE key, CK_OBJECT_HANDLE public_key)
{
	static const CK_MECHANISM_TYPE types[KINDS] = {CKM_SHA256,  CKM_SHA256_HMAC, CKM_SHA256_HMAC,
						       CKM_AES_ECB, CKM_AES_ECB,     CKM_RSA_PKCS,
						       CKM_RSA_PKCS};

	assert_int_equal(init(kind, MECHANISM(types[kind]), kind == VERIFY_RECOVER ? public_key : key),
			 CKR_OK);
}

static CK_RV update(enum kind kind)
{
	unsigned char out[16], byte = 7;
	CK_ULONG len = sizeof out;

	switch (kind) {
	case DIGEST:
		return C_DigestUpdate(bench.session, &byte, 1);
	case SIGN:
		return C_SignUpdate(bench.session, &byte, 1);
	case VERIFY:
		return C_VerifyUpdate(bench.session, &byte, 1);
	default:
		return ck_update(kind == ENCRYPT ? CK_ENCRYPT : CK_DECRYPT, bench.session, &byte, 1, out,
				 &len);
	}
}

static CK_RV single(enum kind kind)
{
	unsigned char out[256] = {0}, in[16] = {0};
	CK_ULONG len = sizeof out;

	switch (kind) {
	case DIGEST:
		return C_Digest(bench.session, in, 16, out, &len);
	case SIGN:
		return C_Sign(bench.session, in, 16, out, &len);
	case VERIFY:
		return C_Verify(bench.session, in, 16, out, SHA256_SIZE);
	case VERIFY_RECOVER:
		return C_VerifyRecover(bench.session, in, 16, out, &len);
	default:
		return ck_single(kind == ENCRYPT ? CK_ENCRYPT : CK_DECRYPT, bench.session, in, 16, out,
				 &len);
	}
}

static void a_null_mechanism_cancels(void **state)
{
	CK_OBJECT_HANDLE key = secret_key(), public_key = ck_public(bench.session, ck_rsa(2048));

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		assert_int_equal(init((enum kind)kind, NULL, 0), CKR_OK); /* nothing to cancel: no harm */
		if (kind == SIGN_RECOVER) /* no key of the sampled cards does it */
			continue;
		begin((enum kind)kind, key, public_key);
		assert_int_equal(init((enum kind)kind, NULL, 0), CKR_OK);
		assert_int_equal(single((enum kind)kind), CKR_OPERATION_NOT_INITIALIZED);
		begin((enum kind)kind, key, public_key); /* and there is room for the next */
	}
	assert_int_equal(init(DIGEST, NULL, 0), CKR_OK);
	assert_int_equal(update(DIGEST), CKR_OPERATION_NOT_INITIALIZED);
	assert_int_equal(update(SIGN), CKR_OK); /* the others are still there */
	assert_int_equal(C_SignInit(0x7FF00000, NULL, 0), CKR_SESSION_HANDLE_INVALID);
}

static void a_single_call_after_an_update_ends_the_operation(void **state)
{
	CK_OBJECT_HANDLE key = secret_key();

	(void)state;
	for (int kind = DIGEST; kind <= DECRYPT; kind++) {
		begin((enum kind)kind, key, 0);
		assert_int_equal(update((enum kind)kind), CKR_OK);
		assert_int_equal(single((enum kind)kind), CKR_OPERATION_ACTIVE);
		assert_int_equal(single((enum kind)kind), CKR_OPERATION_NOT_INITIALIZED);
		begin((enum kind)kind, key, 0);
		assert_int_not_equal(single((enum kind)kind), CKR_OPERATION_ACTIVE);
	}
}

/* Decrypts 33 bytes into a buffer for 32: the plaintext is there and waits. */
static void leave_a_result(void)
{
	const struct ck_cipher *c = row_of(CKM_AES_CBC_PAD);
	unsigned char cipher[CK_CIPHER_MAX], out[32];
	size_t cipher_len = ck_reference(c, 33, cipher);
	CK_ULONG len = sizeof out;

	assert_int_equal(C_DecryptInit(bench.session, ck_mechanism(c), ck_cipher_key(bench.session, c)),
			 CKR_OK);
	assert_int_equal(C_Decrypt(bench.session, cipher, cipher_len, out, &len), CKR_BUFFER_TOO_SMALL);
}

static void an_update_while_a_result_waits_ends_the_operation(void **state)
{
	unsigned char buffer[64] = {0};
	CK_ULONG len;

	(void)state;
	for (int asks = 0; asks < 2; asks++) {
		unsigned char *out = asks ? NULL : buffer;

		leave_a_result();
		len = sizeof buffer;
		assert_int_equal(C_DecryptUpdate(bench.session, buffer, 16, out, &len),
				 CKR_OPERATION_ACTIVE);
		assert_int_equal(single(DECRYPT), CKR_OPERATION_NOT_INITIALIZED);
		leave_a_result();
		begin(DIGEST, 0, 0);
		len = sizeof buffer;
		assert_int_equal(C_DecryptDigestUpdate(bench.session, buffer, 16, out, &len),
				 CKR_OPERATION_ACTIVE);
		assert_int_equal(single(DECRYPT), CKR_OPERATION_NOT_INITIALIZED);
		assert_int_equal(single(DIGEST), CKR_OPERATION_NOT_INITIALIZED);
	}
	leave_a_result(); /* and who only asks again gets it */
	len = sizeof buffer;
	assert_int_equal(C_Decrypt(bench.session, buffer, 16, buffer, &len), CKR_OK);
	assert_int_equal(len, 33);
	assert_memory_equal(buffer, ck_text(), 33);
}

/* ---- two operations on the same bytes ---- */

typedef CK_RV dual_update(CK_SESSION_HANDLE, unsigned char *, CK_ULONG, unsigned char *, CK_ULONG *);

static const struct {
	dual_update *update;
	enum kind cipher, other;
} duals[] = {
	{C_DigestEncryptUpdate, ENCRYPT, DIGEST},
	{C_DecryptDigestUpdate, DECRYPT, DIGEST},
	{C_SignEncryptUpdate, ENCRYPT, SIGN},
	{C_DecryptVerifyUpdate, DECRYPT, VERIFY},
};

static void wrong_arguments_to_two_at_once_end_both(void **state)
{
	CK_OBJECT_HANDLE key = secret_key();
	unsigned char buffer[16] = {0};
	CK_ULONG len = sizeof buffer;

	(void)state;
	for (size_t i = 0; i < COUNT(duals); i++) {
		begin(duals[i].cipher, key, 0);
		begin(duals[i].other, key, 0);
		assert_int_equal(duals[i].update(bench.session, NULL, 1, buffer, &len), CKR_ARGUMENTS_BAD);
		assert_int_equal(single(duals[i].cipher), CKR_OPERATION_NOT_INITIALIZED);
		assert_int_equal(single(duals[i].other), CKR_OPERATION_NOT_INITIALIZED);
		begin(duals[i].cipher, key, 0);
		begin(duals[i].other, key, 0);
		len = 15; /* too small a buffer ends nothing, and feeds nothing */
		assert_int_equal(duals[i].update(bench.session, buffer, 16, buffer, &len),
				 CKR_BUFFER_TOO_SMALL);
		assert_int_equal(len, 16);
		assert_int_not_equal(single(duals[i].cipher), CKR_OPERATION_NOT_INITIALIZED);
		assert_int_not_equal(single(duals[i].other), CKR_OPERATION_NOT_INITIALIZED);
	}
}

/* Digests and encrypts, or decrypts and digests, 160 bytes in one buffer. */
static void dual_in_place(dual_update *work, enum ck_way way, const struct ck_cipher *c, size_t part)
{
	unsigned char wanted[CK_CIPHER_MAX], cipher[CK_CIPHER_MAX], out[2 * CK_CIPHER_MAX], hash[32];
	size_t cipher_len = ck_reference(c, 160, cipher), done = 0, len;
	const unsigned char *in = way == CK_ENCRYPT ? ck_text() : cipher;
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
	CK_ULONG hash_len = sizeof hash, n;

	len = way == CK_ENCRYPT ? 160 : cipher_len;
	assert_int_equal(C_DigestInit(bench.session, MECHANISM(CKM_SHA256)), CKR_OK);
	assert_int_equal(ck_init(way, bench.session, ck_mechanism(c), key), CKR_OK);
	for (size_t at = 0; at < len; at += part) {
		unsigned char work_area[CK_CIPHER_MAX];

		memcpy(work_area, in + at, part < len - at ? part : len - at);
		n = sizeof work_area;
		assert_int_equal(work(bench.session, work_area, part < len - at ? part : len - at,
				      work_area, &n),
				 CKR_OK);
		memcpy(out + done, work_area, n);
		done += n;
	}
	assert_memory_equal(out, way == CK_ENCRYPT ? cipher : ck_text(), done);
	EVP_Digest(ck_text(), way == CK_ENCRYPT ? 160 : done, wanted, NULL, EVP_sha256(), NULL);
	assert_int_equal(C_DigestFinal(bench.session, hash, &hash_len), CKR_OK);
	assert_memory_equal(hash, wanted, sizeof hash);
	assert_int_equal(C_SessionCancel(bench.session, CKF_ENCRYPT | CKF_DECRYPT), CKR_OK);
}

static void two_at_once_may_work_in_one_buffer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ck_cipher_count; i++) {
		if (ck_ciphers[i].tag)
			continue;
		for (size_t part = 1; part <= 160; part = part * 2 + 5) {
			dual_in_place(C_DigestEncryptUpdate, CK_ENCRYPT, &ck_ciphers[i], part);
			dual_in_place(C_DecryptDigestUpdate, CK_DECRYPT, &ck_ciphers[i], part);
		}
	}
}

/* ---- overlapping buffers ---- */

/* One call whose output begins `shift` bytes before or behind its input. */
static void overlap(enum ck_way way, const struct ck_cipher *c, CK_OBJECT_HANDLE key, int shift)
{
	unsigned char cipher[CK_CIPHER_MAX], area[2 * CK_CIPHER_MAX];
	size_t cipher_len = ck_reference(c, 160, cipher);
	unsigned char *in = area + 64, *out = in + shift;
	CK_ULONG len = CK_CIPHER_MAX;

	memcpy(in, way == CK_ENCRYPT ? ck_text() : cipher, way == CK_ENCRYPT ? 160 : cipher_len);
	assert_int_equal(ck_init(way, bench.session, ck_mechanism(c), key), CKR_OK);
	assert_int_equal(ck_single(way, bench.session, in, way == CK_ENCRYPT ? 160 : cipher_len, out, &len),
			 CKR_OK);
	assert_int_equal(len, way == CK_ENCRYPT ? cipher_len : 160);
	assert_memory_equal(out, way == CK_ENCRYPT ? cipher : ck_text(), len);
}

/* Parts, each read and written from the same place, which is the next one's, too. */
static void overlap_in_parts(enum ck_way way, const struct ck_cipher *c, CK_OBJECT_HANDLE key,
			     size_t part)
{
	unsigned char cipher[CK_CIPHER_MAX], area[CK_CIPHER_MAX];
	size_t cipher_len = ck_reference(c, 160, cipher), done = 0;
	size_t len = way == CK_ENCRYPT ? 160 : cipher_len;
	CK_ULONG n;

	memcpy(area, way == CK_ENCRYPT ? ck_text() : cipher, len);
	assert_int_equal(ck_init(way, bench.session, ck_mechanism(c), key), CKR_OK);
	for (size_t at = 0; at < len; at += part) {
		size_t more = part < len - at ? part : len - at;
		unsigned char *in = area + at;

		n = sizeof area - done;
		/* where there is room in front, what comes out is not ahead of what was read */
		assert_int_equal(ck_update(way, bench.session, in, more, area + done, &n), CKR_OK);
		done += n;
		assert_true(done <= at + more);
	}
	n = sizeof area - done;
	assert_int_equal(ck_final(way, bench.session, area + done, &n), CKR_OK);
	assert_int_equal(done + n, way == CK_ENCRYPT ? cipher_len : 160);
	assert_memory_equal(area, way == CK_ENCRYPT ? cipher : ck_text(), done + n);
}

static void every_cipher_may_work_in_its_own_input(void **state)
{
	static const int shifts[] = {0, 1, -1, 7, -7, 16, -16, 33, -33};

	(void)state;
	for (size_t i = 0; i < ck_cipher_count; i++) {
		CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, &ck_ciphers[i]);

		for (size_t k = 0; k < COUNT(shifts); k++) {
			overlap(CK_ENCRYPT, &ck_ciphers[i], key, shifts[k]);
			overlap(CK_DECRYPT, &ck_ciphers[i], key, shifts[k]);
		}
		for (size_t part = 1; part <= 160; part = part * 2 + 3) {
			overlap_in_parts(CK_ENCRYPT, &ck_ciphers[i], key, part);
			overlap_in_parts(CK_DECRYPT, &ck_ciphers[i], key, part);
		}
	}
}

/* ---- GCM ---- */

/* A part asked for with NULL: a buffer of that size must be enough, and one byte at least. */
static void the_parts_of_gcm_have_a_usable_bound(void **state)
{
	const struct ck_cipher *c = row_of(CKM_AES_GCM);
	CK_OBJECT_HANDLE key = ck_cipher_key(bench.session, c);
	unsigned char cipher[CK_CIPHER_MAX], out[CK_CIPHER_MAX];
	size_t cipher_len = ck_reference(c, 100, cipher);
	CK_ULONG len = 0;

	(void)state;
	assert_int_equal(C_DecryptInit(bench.session, ck_mechanism(c), key), CKR_OK);
	assert_int_equal(C_DecryptUpdate(bench.session, cipher, cipher_len, NULL, &len), CKR_OK);
	assert_in_range(len, 100, cipher_len);
	assert_int_equal(C_DecryptUpdate(bench.session, cipher, cipher_len, out, &len), CKR_OK);
	assert_int_equal(len, 0);
	assert_int_equal(C_DecryptFinal(bench.session, NULL, &len), CKR_OK);
	assert_int_equal(len, 100);
	assert_int_equal(C_DecryptFinal(bench.session, out, &len), CKR_OK);
	assert_memory_equal(out, ck_text(), 100);
}

#define HUGE (((size_t)1 << 31) + 4097)

/* Pages of nothing but zeros, which take no memory until they are written. With 32 bits there is no room for them. */
static unsigned char *huge_zeros(void)
{
	unsigned char *zeros;

	if (HUGE > PTRDIFF_MAX)
		skip();
	zeros = mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(zeros, MAP_FAILED);
	return zeros;
}

static void additional_data_of_any_length_are_authenticated(void **state)
{
	unsigned char *aad = huge_zeros();
	CK_GCM_PARAMS params = {.pIv = (unsigned char *)"twelve bytes", .ulIvLen = 12, .pAAD = aad,
				.ulAADLen = HUGE, .ulTagBits = 128};
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char out[4 + 16], wanted[4 + 16];
	CK_ULONG len = sizeof out;
	int n;

	(void)state;
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, (CK_BYTE *)"0123456789ABCDEF",
					    params.pIv),
			 1);
	for (size_t at = 0; at < HUGE; at += 1 << 20)
		assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &n, aad + at,
						   (int)(HUGE - at < 1 << 20 ? HUGE - at : 1 << 20)),
				 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, wanted, &n, (CK_BYTE *)"text", 4), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, wanted + 4, &n), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, wanted + 4), 1);
	EVP_CIPHER_CTX_free(ctx);
	assert_int_equal(C_EncryptInit(bench.session, &(CK_MECHANISM){CKM_AES_GCM, &params, sizeof params},
				       secret_key()),
			 CKR_OK);
	assert_int_equal(munmap(aad, HUGE), 0); /* taken at Init, as all of a parameter */
	assert_int_equal(C_Encrypt(bench.session, (CK_BYTE *)"text", 4, out, &len), CKR_OK);
	assert_int_equal(len, sizeof out);
	assert_memory_equal(out, wanted, sizeof wanted);
}

/* A label that OpenSSL could not count is no label. */
static void a_huge_label_is_refused(void **state)
{
	unsigned char *label = huge_zeros();
	CK_RSA_PKCS_OAEP_PARAMS params = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, label, HUGE};
	CK_OBJECT_HANDLE key = ck_public(bench.session, ck_rsa(2048));
	CK_MECHANISM m = {CKM_RSA_PKCS_OAEP, &params, sizeof params};

	(void)state;
	assert_int_equal(C_EncryptInit(bench.session, &m, key), CKR_MECHANISM_PARAM_INVALID);
	params.ulSourceDataLen = 4096;
	assert_int_equal(C_EncryptInit(bench.session, &m, key), CKR_OK);
	munmap(label, HUGE);
}

/* ---- RSA ---- */

static void what_signs_no_bytes_is_verified(void **state)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	CK_OBJECT_HANDLE public_key = find_one(bench.session, CKO_PUBLIC_KEY, "SIGN");
	static const CK_MECHANISM_TYPE types[] = {CKM_RSA_PKCS, CKM_RSA_PKCS};
	unsigned char sig[256];
	CK_ULONG len;

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		len = sizeof sig;
		assert_int_equal(C_SignInit(bench.session, MECHANISM(types[i]), key), CKR_OK);
		assert_int_equal(C_Sign(bench.session, NULL, 0, sig, &len), CKR_OK);
		assert_int_equal(C_VerifyInit(bench.session, MECHANISM(types[i]), public_key), CKR_OK);
		assert_int_equal(C_Verify(bench.session, NULL, 0, sig, len), CKR_OK);
		assert_int_equal(C_VerifyInit(bench.session, MECHANISM(types[i]), public_key), CKR_OK);
		assert_int_equal(C_Verify(bench.session, (CK_BYTE *)"", 1, sig, len), CKR_SIGNATURE_INVALID);
		sig[9] ^= 1;
		assert_int_equal(C_VerifyInit(bench.session, MECHANISM(types[i]), public_key), CKR_OK);
		assert_int_equal(C_Verify(bench.session, NULL, 0, sig, len), CKR_SIGNATURE_INVALID);
	}
}

/* Public exponents have up to 32 bits here. */
static void the_largest_exponents_are_calculated_with(void **state)
{
	static const uint32_t exponents[] = {3, 0x7FFFFFFF, 0x80000001, 0xFFFFFFFF};
	EVP_PKEY *pkey = ck_rsa(2048);
	BIGNUM *n = NULL, *base = BN_new(), *e = BN_new(), *power = BN_new();
	BN_CTX *work = BN_CTX_new();
	uint8_t in[RSA_BLOCK], out[RSA_BLOCK];

	(void)state;
	assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	for (size_t i = 0; i < COUNT(exponents); i++) {
		struct rsa_public key = {.exponent = exponents[i]};

		assert_int_equal(BN_bn2binpad(n, key.modulus, RSA_BLOCK), RSA_BLOCK);
		assert_true(BN_set_word(base, 12345) && BN_set_word(e, exponents[i]) &&
			    BN_mod_exp(power, base, e, n, work));
		assert_int_equal(BN_bn2binpad(power, in, RSA_BLOCK), RSA_BLOCK);
		assert_int_equal(BN_bn2binpad(base, out, RSA_BLOCK), RSA_BLOCK);
		assert_true(rsa_undoes(&key, in, out));
		in[RSA_BLOCK - 1] ^= 1;
		assert_false(rsa_undoes(&key, in, out));
	}
	BN_free(n);
	BN_free(base);
	BN_free(e);
	BN_free(power);
	BN_CTX_free(work);
}

/* 2 to the exponent, and the same with a base that is the modulus too large. */
static void a_result_beyond_the_modulus_is_none(void **state)
{
	EVP_PKEY *pkey = ck_rsa(2048);
	BIGNUM *n = NULL, *two = BN_new(), *e = BN_new(), *power = BN_new();
	BN_CTX *work = BN_CTX_new();
	struct rsa_public key = {.exponent = 65537};
	struct rsa_check *check;
	uint8_t in[RSA_BLOCK], out[RSA_BLOCK];

	(void)state;
	assert_int_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	assert_true(BN_set_word(two, 2) && BN_set_word(e, 65537) && BN_mod_exp(power, two, e, n, work));
	assert_int_equal(BN_bn2binpad(n, key.modulus, RSA_BLOCK), RSA_BLOCK);
	assert_int_equal(BN_bn2binpad(power, in, RSA_BLOCK), RSA_BLOCK);
	check = rsa_check_new(&key);
	assert_non_null(check);
	for (int i = 0; i < 2; i++) { /* the key can be asked again, also after a no */
		BN_bn2binpad(two, out, RSA_BLOCK);
		assert_true(rsa_check_undoes(check, in, out));
		in[7] ^= 1;
		assert_false(rsa_check_undoes(check, in, out));
		in[7] ^= 1;
		assert_true(BN_add(power, two, n));
		BN_bn2binpad(power, out, RSA_BLOCK);
		assert_false(rsa_check_undoes(check, in, out));
	}
	rsa_check_free(&check);
	assert_null(check);
	key.modulus[RSA_BLOCK - 1] ^= 1;
	assert_null(rsa_check_new(&key)); /* even: no RSA key */
	BN_free(n);
	BN_free(two);
	BN_free(e);
	BN_free(power);
	BN_CTX_free(work);
}

/* ---- unwrapping ---- */

static CK_RV unwrap_with(CK_MECHANISM *m, CK_OBJECT_HANDLE key, unsigned char *wrapped, size_t len,
			 CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_OBJECT_HANDLE out = 0;
	CK_RV rv = C_UnwrapKey(bench.session, m, key, wrapped, len, template, count, &out);

	assert_true((rv == CKR_OK) == (out != 0));
	return rv;
}

/* All that is wrong with a template is told before the card has decrypted anything. */
static void a_wrong_template_sends_nothing_to_the_card(void **state)
{
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "KEYX");
	EVP_PKEY *pkey = vcard_public_key(bench.card, KEY_KEYX);
	CK_ATTRIBUTE token[] = {ULONG_OF(CKA_KEY_TYPE, CKK_AES), BOOL_OF(CKA_TOKEN, true)};
	CK_ATTRIBUTE length[] = {ULONG_OF(CKA_KEY_TYPE, CKK_AES), ULONG_OF(CKA_VALUE_LEN, 17)};
	CK_ATTRIBUTE fixed[] = {ULONG_OF(CKA_KEY_TYPE, CKK_DES3), ULONG_OF(CKA_VALUE_LEN, 16)};
	CK_ATTRIBUTE good[] = {ULONG_OF(CKA_KEY_TYPE, CKK_AES), ULONG_OF(CKA_VALUE_LEN, 16)};
	CK_MECHANISM *m = MECHANISM(CKM_RSA_PKCS);
	unsigned char wrapped[256];

	(void)state;
	assert_true(rsamech_encrypt(pkey, RSA_PKCS1_PADDING, NULL, NULL, 0, ck_text(), 16, wrapped));
	EVP_PKEY_free(pkey);
	fake_new_commands(READER);
	assert_int_not_equal(unwrap_with(m, key, wrapped, 256, token, 2), CKR_OK);
	assert_int_equal(unwrap_with(m, key, wrapped, 256, length, 2), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(unwrap_with(m, key, wrapped, 256, fixed, 2), CKR_TEMPLATE_INCONSISTENT);
	assert_int_equal(unwrap_with(m, key, wrapped, 255, good, 2), CKR_WRAPPED_KEY_LEN_RANGE);
	assert_int_equal(fake_new_commands(READER), 0);
	assert_int_equal(unwrap_with(m, key, wrapped, 256, good, 2), CKR_OK);
	assert_true(fake_new_commands(READER) > 0);
}

/* Padding right or wrong, length right or wrong: what is not a key is not a key. */
static void after_decryption_there_is_one_answer(void **state)
{
	static const size_t lengths[] = {0, 1, 15, 17, 24, 32, 100, 245};
	CK_OBJECT_HANDLE key = find_one(bench.session, CKO_PRIVATE_KEY, "KEYX");
	EVP_PKEY *pkey = vcard_public_key(bench.card, KEY_KEYX);
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_KEY_TYPE, CKK_AES), ULONG_OF(CKA_VALUE_LEN, 16)};
	CK_MECHANISM *m = MECHANISM(CKM_RSA_PKCS);
	unsigned char wrapped[256], block[256];
	unsigned commands;

	(void)state;
	assert_true(rsamech_encrypt(pkey, RSA_PKCS1_PADDING, NULL, NULL, 0, ck_text(), 16, wrapped));
	assert_int_equal(unwrap_with(m, key, wrapped, 256, template, 2), CKR_OK); /* reads its key */
	fake_new_commands(READER);
	assert_int_equal(unwrap_with(m, key, wrapped, 256, template, 2), CKR_OK);
	commands = fake_new_commands(READER);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		assert_true(rsamech_encrypt(pkey, RSA_PKCS1_PADDING, NULL, NULL, 0, ck_text(), lengths[i],
					    wrapped));
		assert_int_equal(unwrap_with(m, key, wrapped, 256, template, 2), CKR_WRAPPED_KEY_INVALID);
		assert_int_equal(fake_new_commands(READER), commands);
	}
	for (size_t at = 0; at < 12; at++) { /* 00 02, eight bytes that are not 0, and on */
		memset(block, 0x55, sizeof block);
		block[0] = 0;
		block[1] = 2;
		block[256 - 17] = 0;
		block[at] = at < 1 ? 1 : 0;
		assert_true(rsamech_encrypt(pkey, RSA_NO_PADDING, NULL, NULL, 0, block, 256, wrapped));
		assert_int_equal(unwrap_with(m, key, wrapped, 256, template, 2), CKR_WRAPPED_KEY_INVALID);
		assert_int_equal(unwrap_with(m, key, wrapped, 256, template, 1), CKR_WRAPPED_KEY_INVALID);
	}
	EVP_PKEY_free(pkey);
}

/* What decrypts to this under the CBC key, unwrapped as a secret of any length. */
static CK_RV unwrap_plain(CK_OBJECT_HANDLE kek, unsigned char plain[32], CK_ATTRIBUTE *template,
			  CK_ULONG count)
{
	CK_MECHANISM pad = *ck_mechanism(row_of(CKM_AES_CBC_PAD)), bare = pad;
	unsigned char wrapped[32];
	CK_ULONG len = sizeof wrapped;

	bare.mechanism = CKM_AES_CBC;
	assert_int_equal(C_EncryptInit(bench.session, &bare, kek), CKR_OK);
	assert_int_equal(C_Encrypt(bench.session, plain, 32, wrapped, &len), CKR_OK);
	return unwrap_with(&pad, kek, wrapped, 32, template, count);
}

/* The same for a cipher's padding: all 256 last bytes, behind what would be a key. */
static void a_ciphers_padding_is_not_told_either(void **state)
{
	CK_OBJECT_HANDLE kek = ck_cipher_key(bench.session, row_of(CKM_AES_CBC_PAD));
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_KEY_TYPE, CKK_GENERIC_SECRET), ULONG_OF(CKA_VALUE_LEN, 20)};
	unsigned char plain[32];

	(void)state;
	for (unsigned last = 0; last < 256; last++) {
		bool any = last == 12 || last == 1; /* 31 bytes and one of padding: a key, too */

		memset(plain, 12, sizeof plain);
		plain[31] = (unsigned char)last;
		assert_int_equal(unwrap_plain(kek, plain, template, 2),
				 last == 12 ? CKR_OK : CKR_WRAPPED_KEY_INVALID);
		assert_int_equal(unwrap_plain(kek, plain, template, 1),
				 any ? CKR_OK : CKR_WRAPPED_KEY_INVALID);
	}
	for (unsigned all = 15; all < 34; all++) { /* a block of padding is one, more is none */
		memset(plain, (int)all, sizeof plain);
		assert_int_equal(unwrap_plain(kek, plain, template, 1),
				 all <= 16 ? CKR_OK : CKR_WRAPPED_KEY_INVALID);
	}
}

/* ---- random numbers ---- */

static unsigned reseeds(void)
{
	unsigned count = 0;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_uint(OSSL_DRBG_PARAM_RESEED_COUNTER, &count),
			       OSSL_PARAM_construct_end()};

	assert_int_equal(EVP_RAND_CTX_get_params(RAND_get0_primary(crypto_context()), params), 1);
	return count;
}

static void a_seed_goes_to_the_generator_that_is_used(void **state)
{
	unsigned char bytes[32];
	unsigned before;

	(void)state;
	assert_int_equal(C_GenerateRandom(bench.session, bytes, sizeof bytes), CKR_OK);
	before = reseeds();
	assert_int_equal(C_GenerateRandom(bench.session, bytes, sizeof bytes), CKR_OK);
	assert_int_equal(reseeds(), before);
	assert_int_equal(C_SeedRandom(bench.session, bytes, sizeof bytes), CKR_OK);
	assert_true(reseeds() > before);
	assert_int_equal(C_GenerateRandom(bench.session, bytes, sizeof bytes), CKR_OK);
}

/* ---- the log ---- */

/* One reader without a card, and a log of all calls. */
static int setup_log(void **state)
{
	(void)state;
	home_make();
	log_level("debug");
	log_clear();
	fake_clear();
	fake_add_reader(READER);
	module_start();
	return 0;
}

static int teardown_log(void **state)
{
	(void)state;
	module_stop();
	log_level("none");
	return 0;
}

/* Under its own name, with the code that the caller got, and how long it took. */
static void assert_logged(const char *function, CK_RV rv)
{
	char start[80];
	const char *line;
	long ms = -1;

	snprintf(start, sizeof start, "%s: %08lX, ", function, rv);
	line = strstr(log_text(), start);
	assert_non_null(line);
	assert_int_equal(sscanf(line + strlen(start), "%ld ms\n", &ms), 1);
	assert_in_range(ms, 0, 10000);
	line = strstr(line + 1, function);
	assert_null(line); /* and once */
	log_clear();
}

static void the_log_says_what_the_caller_got(void **state)
{
	CK_SESSION_INFO session;
	CK_SLOT_ID slot = slot_of(READER);
	CK_SLOT_INFO info;

	(void)state;
	log_clear();
	assert_int_equal(C_GetSlotInfo(2000, &info), CKR_SLOT_ID_INVALID);
	assert_logged("C_GetSlotInfo", CKR_SLOT_ID_INVALID);
	assert_int_equal(C_GetSessionInfo(0x7FF00000, &session), CKR_SESSION_HANDLE_INVALID);
	assert_logged("C_GetSessionInfo", CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_Sign(1 << 20 | 7, NULL, 0, NULL, NULL), CKR_SESSION_HANDLE_INVALID);
	assert_logged("C_Sign", CKR_SESSION_HANDLE_INVALID);
	assert_int_equal(C_MessageSignFinal(1), CKR_FUNCTION_NOT_SUPPORTED);
	assert_logged("C_MessageSignFinal", CKR_FUNCTION_NOT_SUPPORTED);
	assert_int_equal(C_GetSlotInfo(slot, &info), CKR_OK);
	assert_logged("C_GetSlotInfo", CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(a_null_mechanism_cancels),
		SESSION_TEST(a_single_call_after_an_update_ends_the_operation),
		SESSION_TEST(an_update_while_a_result_waits_ends_the_operation),
		SESSION_TEST(wrong_arguments_to_two_at_once_end_both),
		SESSION_TEST(two_at_once_may_work_in_one_buffer),
		SESSION_TEST(every_cipher_may_work_in_its_own_input),
		SESSION_TEST(the_parts_of_gcm_have_a_usable_bound),
		SESSION_TEST(additional_data_of_any_length_are_authenticated),
		SESSION_TEST(a_huge_label_is_refused),
		LOGIN_TEST(what_signs_no_bytes_is_verified),
		cmocka_unit_test(a_result_beyond_the_modulus_is_none),
		cmocka_unit_test(the_largest_exponents_are_calculated_with),
		LOGIN_TEST(a_wrong_template_sends_nothing_to_the_card),
		LOGIN_TEST(after_decryption_there_is_one_answer),
		SESSION_TEST(a_ciphers_padding_is_not_told_either),
		SESSION_TEST(a_seed_goes_to_the_generator_that_is_used),
		cmocka_unit_test_setup_teardown(the_log_says_what_the_caller_got, setup_log, teardown_log),
	};

	return cmocka_run_group_tests_name("operations", tests, NULL, NULL);
}
