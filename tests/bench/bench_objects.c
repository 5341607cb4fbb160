/*
 * bench_objects COUNT - what COUNT session objects (AES keys) of one session
 * cost: their memory, a search for certificates among them, the end of
 * another session, and the end of theirs. Prints bytes and times; for
 * instructions, which do not depend on the machine's other work:
 *
 *   valgrind --tool=callgrind --toggle-collect=close_session \
 *       tests/bench/bench_objects 10000
 *
 * and the same with search_certificates and make_objects.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ck_objects.h"
#include "gen2card.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t memory(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static __attribute__((noinline)) void make_objects(CK_SESSION_HANDLE session, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++)
		ck_secret(session, CKK_AES, "sixteen bytes ..", 16);
}

static __attribute__((noinline)) size_t search_certificates(void)
{
	CK_OBJECT_HANDLE found[16];

	return find_class(bench.session, CKO_CERTIFICATE, found, COUNT(found));
}

static __attribute__((noinline)) void close_session(CK_SESSION_HANDLE session)
{
	assert_int_equal(C_CloseSession(session), CKR_OK);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	CK_SESSION_HANDLE theirs, other;
	void *state = NULL;
	size_t before, n;
	double start;

	home_make();
	home_write("twcard.conf", "session-objects = 0\ncache = no\n", 0600);
	log_level("none");
	(void)!bench_setup_session(&state);
	theirs = open_session(bench.slot);
	other = open_session(bench.slot);
	search_certificates(); /* the directory has been read */
	before = memory();
	start = now();
	make_objects(theirs, count);
	printf("%lu objects: %zu bytes each, %.1f us each to make\n", count,
	       (memory() - before) / (count ? count : 1), (now() - start) * 1e6 / (double)count);
	start = now();
	n = search_certificates();
	printf("a search for certificates: %zu found, %.1f us\n", n, (now() - start) * 1e6);
	start = now();
	close_session(other);
	printf("the end of a session without any: %.1f us\n", (now() - start) * 1e6);
	start = now();
	close_session(theirs);
	printf("the end of theirs: %.3f s\n", now() - start);
	return bench_teardown(&state);
}
