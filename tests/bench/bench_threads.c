/*
 * bench_threads [--check] [--module FILE PIN] [SECONDS] - who waits for whom,
 * with 64 threads in one module: one signs with a card that takes its time, four
 * wait for slot events, one digests large data, the others make calls that need
 * no card. The module is this program's, with a card and a PC/SC in the same
 * process; or that of the file, with the card that the real PC/SC has for it.
 *
 * Three rounds: nobody holds anything up; then with the signer; then with the
 * digester, too. For each function and round: calls, median, p99 and longest
 * time of all calls, and the longest of those that really waited - that gave
 * the processor up by themselves (getrusage) - in microseconds. That tells a
 * lock from a busy machine. "(no lock)" and "(a mutex)" do as much without the
 * module, the second with one mutex that its threads share: what they show is
 * the machine's.
 *
 * A function waits for a card, or for the digester, when more than one in
 * 1,000 of its calls waits for more than 25 ms, and none does so in the first
 * round. --check: status 1 if one does, or if C_GetSlotInfo's longest wait is
 * more than 10 times its median, longer than any of "(a mutex)", and longer than
 * twice that of the first round, in which there is nobody to wait for but each
 * other. (With a PC/SC in the same process the median is that of a few function
 * calls, and any sleep, however short, is more than 10 times that.)
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "gen2card.h"

#define THREADS 64
#define WAITERS 4
#define CARD_MS 50 /* of a private operation */
#define LONG_US 25000
#define PAUSE_US 2000 /* between calls, on average: 64 threads shall not use up the machine */
#define SAMPLES 20000 /* of a thread in a round */
#define LARGE (16u << 20)
#define INS_GET_RESULT 0xC1 /* the last of the three commands of a private operation */

enum { ROUND_QUIET, ROUND_SIGNER, ROUND_DIGESTER, ROUNDS };
static const char *const round_names[ROUNDS] = {"quiet", "signer", "signer + digester"};

static atomic_int current_round = -1;
static atomic_bool stop;
static CK_FUNCTION_LIST *p11;
static CK_SLOT_ID slot;
static CK_OBJECT_HANDLE certificate;
static unsigned char *large;

/* ---- the calls ---- */

struct worker {
	pthread_t thread;
	size_t call;
	CK_SESSION_HANDLE session;
	unsigned seed;
	size_t count[ROUNDS];
	unsigned *us[ROUNDS];
	bool *waited[ROUNDS];
};

static CK_RV call_slot_info(CK_SESSION_HANDLE s)
{
	CK_SLOT_INFO info;

	(void)s;
	return p11->C_GetSlotInfo(slot, &info);
}

static CK_RV call_token_info(CK_SESSION_HANDLE s)
{
	CK_TOKEN_INFO info;

	(void)s;
	return p11->C_GetTokenInfo(slot, &info);
}

static CK_RV call_session_info(CK_SESSION_HANDLE s)
{
	CK_SESSION_INFO info;

	return p11->C_GetSessionInfo(s, &info);
}

static CK_RV call_digest(CK_SESSION_HANDLE s)
{
	return p11->C_DigestUpdate(s, large, 64);
}

static CK_RV call_random(CK_SESSION_HANDLE s)
{
	unsigned char bytes[32];

	return p11->C_GenerateRandom(s, bytes, sizeof bytes);
}

static CK_RV call_find(CK_SESSION_HANDLE s)
{
	CK_OBJECT_CLASS klass = CKO_CERTIFICATE;
	CK_ATTRIBUTE template = {CKA_CLASS, &klass, sizeof klass};
	CK_OBJECT_HANDLE found[8];
	CK_ULONG n;
	CK_RV rv = p11->C_FindObjectsInit(s, &template, 1);

	if (rv == CKR_OK)
		rv = p11->C_FindObjects(s, found, COUNT(found), &n);
	return rv == CKR_OK ? p11->C_FindObjectsFinal(s) : rv;
}

static CK_RV call_attribute(CK_SESSION_HANDLE s)
{
	unsigned char der[4096];
	CK_ATTRIBUTE value = {CKA_VALUE, der, sizeof der};

	return p11->C_GetAttributeValue(s, certificate, &value, 1);
}

/* About what a call costs that takes no lock; the clock is read by who measures. */
static CK_RV call_nothing(CK_SESSION_HANDLE s)
{
	unsigned sum = 0;

	(void)s;
	for (size_t i = 0; i < 4096; i++)
		sum += ((const volatile unsigned char *)large)[i];
	return sum ? CKR_GENERAL_ERROR : CKR_OK; /* they are zeros */
}

static CK_RV call_mutex(CK_SESSION_HANDLE s)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	CK_RV rv;

	pthread_mutex_lock(&lock);
	rv = call_nothing(s);
	pthread_mutex_unlock(&lock);
	return rv;
}

static const struct call {
	const char *name;
	CK_RV (*call)(CK_SESSION_HANDLE s);
} calls[] = {
	{"(no lock)", call_nothing},
	{"(a mutex)", call_mutex},
	{"C_GetSlotInfo", call_slot_info},
	{"C_GetTokenInfo", call_token_info},
	{"C_GetSessionInfo", call_session_info},
	{"C_DigestUpdate", call_digest},
	{"C_GenerateRandom", call_random},
	{"C_FindObjects", call_find},
	{"C_GetAttributeValue", call_attribute},
};

enum { CALL_NOTHING, CALL_MUTEX, CALL_SLOT_INFO };

/* ---- the threads ---- */

static void expect_ok(const char *what, CK_RV rv)
{
	if (rv == CKR_OK)
		return;
	fprintf(stderr, "bench_threads: %s: %lX\n", what, rv);
	exit(2);
}

static CK_SESSION_HANDLE new_session(void)
{
	CK_SESSION_HANDLE session;

	expect_ok("C_OpenSession", p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session));
	return session;
}

/* The signature certificate, and its key. */
static CK_OBJECT_HANDLE find_of_class(CK_SESSION_HANDLE s, CK_OBJECT_CLASS klass)
{
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass}, TEXT_ATTRIBUTE(CKA_ID, "SIGN")};
	CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
	CK_ULONG n = 0;

	expect_ok("C_FindObjectsInit", p11->C_FindObjectsInit(s, template, COUNT(template)));
	expect_ok("C_FindObjects", p11->C_FindObjects(s, &found, 1, &n));
	expect_ok("C_FindObjectsFinal", p11->C_FindObjectsFinal(s));
	return found;
}

static unsigned now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned)(t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

/* How often this thread has given the processor up by itself. */
static long waits(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

static void *measure(void *context)
{
	struct worker *w = context;

	if (calls[w->call].call == call_digest)
		expect_ok("C_DigestInit", p11->C_DigestInit(w->session, MECHANISM(CKM_SHA256)));
	while (!atomic_load(&stop)) {
		int in_round = atomic_load(&current_round);
		long waited = waits();
		unsigned begin = now_us(), took;
		CK_RV rv = calls[w->call].call(w->session);

		took = now_us() - begin;
		waited = waits() - waited;
		expect_ok(calls[w->call].name, rv);
		/* a call belongs to the round in which it began and ended */
		if (in_round >= 0 && in_round == atomic_load(&current_round) &&
		    w->count[in_round] < SAMPLES) {
			w->us[in_round][w->count[in_round]] = took;
			w->waited[in_round][w->count[in_round]++] = waited > 0;
		}
		usleep((unsigned)rand_r(&w->seed) % (2 * PAUSE_US));
	}
	return NULL;
}

static atomic_uint signatures, digested, events;

static void *sign(void *context)
{
	CK_SESSION_HANDLE session = *(CK_SESSION_HANDLE *)context;
	CK_OBJECT_HANDLE key = find_of_class(session, CKO_PRIVATE_KEY);
	unsigned char sig[256];

	while (!atomic_load(&stop)) {
		CK_ULONG len = sizeof sig;

		if (atomic_load(&current_round) < ROUND_SIGNER) {
			usleep(1000);
			continue;
		}
		expect_ok("C_SignInit", p11->C_SignInit(session, MECHANISM(CKM_SHA256_RSA_PKCS), key));
		expect_ok("C_Sign", p11->C_Sign(session, (unsigned char *)"text", 4, sig, &len));
		atomic_fetch_add(&signatures, 1);
	}
	return NULL;
}

static void *digest(void *context)
{
	CK_SESSION_HANDLE session = *(CK_SESSION_HANDLE *)context;

	expect_ok("C_DigestInit", p11->C_DigestInit(session, MECHANISM(CKM_SHA512)));
	while (!atomic_load(&stop)) {
		if (atomic_load(&current_round) < ROUND_DIGESTER) {
			usleep(1000);
			continue;
		}
		expect_ok("C_DigestUpdate", p11->C_DigestUpdate(session, large, LARGE));
		atomic_fetch_add(&digested, LARGE >> 20);
	}
	return NULL;
}

/* Until C_Finalize. */
static void *wait_for_events(void *context)
{
	CK_SLOT_ID changed;

	(void)context;
	while (p11->C_WaitForSlotEvent(0, &changed, NULL) == CKR_OK)
		atomic_fetch_add(&events, 1);
	return NULL;
}

/* ---- the world ---- */

static void slow_card(void *context, const uint8_t *cmd, size_t len)
{
	(void)context;
	if (len > 1 && cmd[1] == INS_GET_RESULT)
		usleep(CARD_MS * 1000);
}

/* A card and a PC/SC in this process. */
static void make_world(void)
{
	home_make();
	log_level("none");
	bench.card = testcard_load();
	fake_clear();
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	expect_ok("C_GetFunctionList", C_GetFunctionList(&p11));
}

/* The program's own PC/SC is no part of what the file is bound to: its symbols are not exported. */
static void load_module(const char *file)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = NULL;

	if (library)
		*(void **)&get = dlsym(library, "C_GetFunctionList");
	if (!get) {
		fprintf(stderr, "bench_threads: %s\n", dlerror());
		exit(2);
	}
	expect_ok("C_GetFunctionList", get(&p11));
}

/* Everything that the threads ask for has been read once. */
static void prepare(const char *pin)
{
	CK_SLOT_ID slots[16];
	CK_ULONG count = COUNT(slots);
	CK_SESSION_HANDLE session;

	expect_ok("C_Initialize", p11->C_Initialize(NULL));
	expect_ok("C_GetSlotList", p11->C_GetSlotList(CK_TRUE, slots, &count));
	expect_ok("a card", count ? CKR_OK : CKR_TOKEN_NOT_PRESENT);
	slot = slots[0];
	session = new_session();
	expect_ok("C_Login", p11->C_Login(session, CKU_USER, (unsigned char *)pin, strlen(pin)));
	large = calloc(1, LARGE);
	certificate = find_of_class(session, CKO_CERTIFICATE);
	(void)find_of_class(session, CKO_PRIVATE_KEY);
	for (size_t i = 0; i < COUNT(calls); i++)
		if (calls[i].call != call_digest)
			expect_ok(calls[i].name, calls[i].call(session));
}

static struct worker workers[THREADS - WAITERS - 2];

static void run_rounds(unsigned seconds)
{
	CK_SESSION_HANDLE signs = new_session(), digests = new_session();
	pthread_t signer, digester, waiters[WAITERS];

	for (size_t i = 0; i < WAITERS; i++)
		pthread_create(&waiters[i], NULL, wait_for_events, NULL);
	pthread_create(&signer, NULL, sign, &signs);
	pthread_create(&digester, NULL, digest, &digests);
	for (size_t i = 0; i < COUNT(workers); i++) {
		workers[i].call = i % COUNT(calls);
		workers[i].seed = (unsigned)i;
		workers[i].session = new_session();
		for (int round = 0; round < ROUNDS; round++) {
			workers[i].us[round] = calloc(SAMPLES, sizeof(unsigned));
			workers[i].waited[round] = calloc(SAMPLES, sizeof(bool));
		}
		pthread_create(&workers[i].thread, NULL, measure, &workers[i]);
	}
	for (int round = 0; round < ROUNDS; round++) {
		atomic_store(&current_round, round);
		sleep(seconds);
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < COUNT(workers); i++)
		pthread_join(workers[i].thread, NULL);
	pthread_join(signer, NULL);
	pthread_join(digester, NULL);
	expect_ok("C_Finalize", p11->C_Finalize(NULL));
	for (size_t i = 0; i < WAITERS; i++)
		pthread_join(waiters[i], NULL);
}

/* ---- the report ---- */

struct figures {
	size_t calls, long_waits;
	unsigned median, p99, longest, longest_wait;
};

static int compare(const void *a, const void *b)
{
	const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

static struct figures figures_of(size_t call, int round)
{
	static unsigned all[SAMPLES * THREADS];
	struct figures f = {0};

	for (size_t i = 0; i < COUNT(workers); i++) {
		const struct worker *w = &workers[i];

		if (w->call != call)
			continue;
		for (size_t n = 0; n < w->count[round]; n++) {
			all[f.calls++] = w->us[round][n];
			f.long_waits += w->waited[round][n] && w->us[round][n] > LONG_US;
			if (w->waited[round][n] && w->us[round][n] > f.longest_wait)
				f.longest_wait = w->us[round][n];
		}
	}
	if (!f.calls)
		return f;
	qsort(all, f.calls, sizeof *all, compare);
	f.median = all[f.calls / 2];
	f.p99 = all[f.calls * 99 / 100];
	f.longest = all[f.calls - 1];
	return f;
}

/* What is wrong with the round's figures, given those of the quiet round; NULL: nothing. */
static const char *fault_of(size_t call, const struct figures *f, const struct figures *quiet,
			    const struct figures *control)
{
	if (f->long_waits * 1000 > f->calls && !quiet->long_waits)
		return "WAITS";
	if (call == CALL_SLOT_INFO && f->longest_wait > 10 * f->median &&
	    f->longest_wait > control->longest && f->longest_wait > 2 * quiet->longest_wait)
		return "above 10 x its median";
	return NULL;
}

static unsigned report(void)
{
	unsigned faults = 0;

	for (int round = 0; round < ROUNDS; round++) {
		const struct figures control = figures_of(CALL_MUTEX, round);

		printf("\n%-22s %8s %8s %8s %8s %14s %9s\n", round_names[round], "calls", "median",
		       "p99", "longest", "longest wait", ">25 ms");
		for (size_t i = 0; i < COUNT(calls); i++) {
			const struct figures f = figures_of(i, round), quiet = figures_of(i, ROUND_QUIET);
			const char *fault = fault_of(i, &f, &quiet, &control);

			printf("%-22s %8zu %8u %8u %8u %8u %4.0fx %9zu  %s\n", calls[i].name, f.calls,
			       f.median, f.p99, f.longest, f.longest_wait,
			       f.median ? (double)f.longest_wait / f.median : 0.0, f.long_waits,
			       fault ? fault : "");
			faults += fault != NULL;
		}
	}
	printf("\n%u signatures, %u MiB digested, %u events, %u threads\n", atomic_load(&signatures),
	       atomic_load(&digested), atomic_load(&events), THREADS);
	return faults;
}

static void clean_up(void)
{
	for (size_t i = 0; i < COUNT(workers); i++)
		for (int round = 0; round < ROUNDS; round++) {
			free(workers[i].us[round]);
			free(workers[i].waited[round]);
		}
	free(large);
	if (!bench.card)
		return;
	fake_clear();
	vcard_free(&bench.card);
}

int main(int argc, char **argv)
{
	const char *file = NULL, *pin = PIN;
	bool check = false;
	unsigned faults, seconds = 5;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--check") == 0) {
			check = true;
		} else if (strcmp(argv[i], "--module") == 0 && i + 2 < argc) {
			file = argv[++i];
			pin = argv[++i];
		} else {
			seconds = (unsigned)atoi(argv[i]);
		}
	}
	if (file)
		load_module(file);
	else
		make_world();
	prepare(pin);
	if (!file)
		fake_on_command(READER, slow_card, NULL);
	run_rounds(seconds);
	faults = report();
	clean_up();
	return check && faults;
}
