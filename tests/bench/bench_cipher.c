/*
 * bench_cipher [MEBIBYTES] - AES in one call: the processor's time that the
 * module takes for it, as a multiple of what OpenSSL takes for the same. The
 * best of several runs each, one after the other, so that both meet the same
 * machine. The last line is the largest ratio of those that have a goal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <openssl/evp.h>

#include "ck_cipher.h"

#define RUNS 5
#define TAG 16

static const struct {
	const char *name;
	CK_MECHANISM_TYPE type;
	bool pads, decrypts, has_goal;
} rows[] = {
	{"AES-128-ECB", CKM_AES_ECB, false, false, true}, {"AES-128-ECB", CKM_AES_ECB, false, true, true},
	{"AES-128-CBC", CKM_AES_CBC, false, false, true}, {"AES-128-CBC", CKM_AES_CBC, false, true, true},
	{"AES-128-CBC", CKM_AES_CBC_PAD, true, false, true},
	{"AES-128-CBC", CKM_AES_CBC_PAD, true, true, true},
	{"AES-128-CTR", CKM_AES_CTR, false, false, true}, {"AES-128-CTR", CKM_AES_CTR, false, true, true},
	{"AES-128-GCM", CKM_AES_GCM, false, false, true},
	{"AES-128-GCM", CKM_AES_GCM, false, true, false}, /* collects: nothing comes out before the tag */
};

static unsigned char key_bytes[] = "0123456789ABCDEF", iv[] = "FEDCBA9876543210";

static double now(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static CK_MECHANISM *mechanism(CK_MECHANISM_TYPE type)
{
	static CK_AES_CTR_PARAMS ctr = {.ulCounterBits = 128};
	static CK_GCM_PARAMS gcm = {.pIv = iv, .ulIvLen = 12, .ulTagBits = 8 * TAG};
	static CK_MECHANISM m;

	memcpy(ctr.cb, iv, 16);
	m = (CK_MECHANISM){type, iv, 16};
	if (type == CKM_AES_ECB)
		m = (CK_MECHANISM){type, NULL, 0};
	if (type == CKM_AES_CTR)
		m = (CK_MECHANISM){type, &ctr, sizeof ctr};
	if (type == CKM_AES_GCM)
		m = (CK_MECHANISM){type, &gcm, sizeof gcm};
	return &m;
}

static size_t by_openssl(size_t row, const unsigned char *in, size_t len, unsigned char *out)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, rows[row].name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool gcm = rows[row].type == CKM_AES_GCM, opens = gcm && rows[row].decrypts;
	int a = 0, b = 0;

	EVP_CipherInit_ex2(ctx, cipher, key_bytes, iv, !rows[row].decrypts, NULL);
	EVP_CIPHER_CTX_set_padding(ctx, rows[row].pads);
	if (opens)
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(in + len - TAG));
	EVP_CipherUpdate(ctx, out, &a, in, (int)(len - (opens ? TAG : 0)));
	assert_int_equal(EVP_CipherFinal_ex(ctx, out + a, &b), 1);
	if (gcm && !opens)
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + a + b);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return (size_t)(a + b) + (gcm && !opens ? TAG : 0);
}

static size_t by_module(size_t row, CK_OBJECT_HANDLE key, unsigned char *in, size_t len,
			unsigned char *out, size_t room)
{
	enum ck_way way = rows[row].decrypts ? CK_DECRYPT : CK_ENCRYPT;
	CK_ULONG n = room;

	assert_int_equal(ck_init(way, bench.session, mechanism(rows[row].type), key), CKR_OK);
	assert_int_equal(ck_single(way, bench.session, in, len, out, &n), CKR_OK);
	return n;
}

static double ratio(size_t row, CK_OBJECT_HANDLE key, unsigned char *in, size_t len, unsigned char *out,
		    size_t room)
{
	double best[2] = {1e9, 1e9}, start, took;

	for (int run = 0; run < 2 * RUNS; run++) {
		start = now();
		if (run % 2)
			by_module(row, key, in, len, out, room);
		else
			by_openssl(row, in, len, out);
		took = now() - start;
		if (took < best[run % 2])
			best[run % 2] = took;
	}
	printf("%-12s %s%s: %6.1f ms, OpenSSL %6.1f ms, ratio %.2f\n", rows[row].name,
	       rows[row].decrypts ? "decrypt" : "encrypt", rows[row].pads ? ", padded" : "",
	       1e3 * best[1], 1e3 * best[0], best[1] / best[0]);
	return best[1] / best[0];
}

int main(int argc, char **argv)
{
	size_t len = (argc > 1 ? strtoul(argv[1], NULL, 10) : 100) << 20, room = len + 64, cipher_len = 0;
	unsigned char *plain = calloc(1, room), *cipher = calloc(1, room), *out = calloc(1, room);
	double worst = 0, r;
	void *state = NULL;
	CK_OBJECT_HANDLE key;

	bench_setup_session(&state);
	key = ck_secret(bench.session, CKK_AES, key_bytes, 16);
	memset(plain, 1, room);
	memset(out, 1, room);
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!rows[i].decrypts)
			cipher_len = by_module(i, key, plain, len, cipher, room);
		r = ratio(i, key, rows[i].decrypts ? cipher : plain, rows[i].decrypts ? cipher_len : len, out,
			  room);
		if (rows[i].has_goal && r > worst)
			worst = r;
	}
	printf("worst ratio with a goal: %.2f\n", worst);
	free(plain);
	free(cipher);
	free(out);
	return bench_teardown(&state);
}
