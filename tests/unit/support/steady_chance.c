/* steady_chance.c - random numbers that a test can have again. */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD has no successor a program could set */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "steady_chance.h"

static _Atomic uint64_t place, forks;

/* SplitMix64: every place of the sequence has its number, whichever thread asks. */
static uint64_t number_at(uint64_t at)
{
	at = (at ^ at >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	at = (at ^ at >> 27) * UINT64_C(0x94D049BB133111EB);
	return at ^ at >> 31;
}

static int fill(unsigned char *out, int len)
{
	uint64_t number;
	size_t left = len < 0 ? 0 : (size_t)len, n;

	for (; left > 0; left -= n, out += n) {
		number = number_at(atomic_fetch_add(&place, UINT64_C(0x9E3779B97F4A7C15)));
		n = left < sizeof number ? left : sizeof number;
		memcpy(out, &number, n);
	}
	return 1;
}

static int status(void)
{
	return 1;
}

unsigned long steady_chance_seed(void)
{
	const char *text = getenv("TWCARD_TEST_SEED");

	return text ? strtoul(text, NULL, 10) : 1;
}

static uint64_t sum_of(const char *name)
{
	uint64_t sum = 0;

	for (; *name; name++)
		sum = number_at(sum + (unsigned char)*name);
	return sum;
}

void steady_chance_for(const char *name)
{
	atomic_fetch_add(&place, sum_of(name));
}

void steady_chance_from(const char *name)
{
	atomic_store(&place, number_at(steady_chance_seed() + 1) + sum_of(name));
}

static void before_fork(void)
{
	atomic_fetch_add(&forks, 1);
}

/* A child has numbers of its own: what two processes draw must differ, as it does in life. */
static void in_child(void)
{
	atomic_fetch_add(&place, number_at(atomic_load(&forks)));
}

__attribute__((constructor)) static void start(void)
{
	static const RAND_METHOD method = {NULL, fill, NULL, NULL, fill, status};

	steady_chance_from("");
	pthread_atfork(before_fork, NULL, in_child);
	/* OpenSSL 3.0 tidies this context when it ends, and leaks where nobody has used it */
	(void)OSSL_LIB_CTX_get0_global_default();
	RAND_set_rand_method(&method);
}
