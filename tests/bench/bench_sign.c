/*
 * bench_sign COUNT [GENERATION] - signs COUNT times after one login, with a
 * virtual card in this process. What is not the card's work is the module's:
 * run.sh lets callgrind tell them apart, and takes the cost of a run of one
 * signature away from that of many: start, login and what the first signature
 * reads do not count.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen2card.h"

static __attribute__((noinline)) void sign_once(CK_OBJECT_HANDLE key, CK_ULONG number)
{
	unsigned char sig[256];
	CK_ULONG len = sizeof sig;

	if (C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key) != CKR_OK ||
	    C_Sign(bench.session, (CK_BYTE *)&number, sizeof number, sig, &len) != CKR_OK) {
		fprintf(stderr, "bench_sign: signature %lu failed\n", number);
		exit(1);
	}
}

/* As gen2_setup_login() and bench_setup_login() do it, but with logging off. */
static void prepare(int generation)
{
	home_make();
	log_level("none");
	keyset_install();
	bench.card = generation == 2 ? gen2_load() : testcard_load();
	fake_clear();
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	module_start();
	bench.slot = slot_of(READER);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	int generation = argc > 2 ? atoi(argv[2]) : 1;
	CK_OBJECT_HANDLE key;
	void *state = NULL;

	prepare(generation);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	for (unsigned long i = 1; i <= count; i++)
		sign_once(key, i);
	printf("%lu signatures, generation %d\n", count, generation);
	return bench_teardown(&state);
}
