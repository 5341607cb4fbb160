/*
 * Libraries that fail in the scenes of the sweep: memory, OpenSSL, PC/SC.
 * Every nth call of them once, all of them from the nth on, and by chance from
 * a seed. What is asked is in judge.h.
 *
 *   libraries [EVERY [NAME]]   every EVERYth call only; 1: each. With a name, of functions that
 *                              begin with it: SCard, EVP_, malloc
 *
 * Without an argument it takes few, and speaks TAP as with one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <winscard.h>

#include "judge.h"
#include "refusals.h"

#define FEW 53
#define CHANCES 20 /* runs of each scene in which one call of 32 fails */

enum pattern { ONCE, FROM_THEN_ON, BY_CHANCE };
static const char *const patterns[] = {"once", "from then on", "by chance"};

static struct {
	bool armed;
	unsigned in_card; /* what the card calls does not count */
	enum pattern pattern;
	unsigned at, calls, refused;
	const char *first; /* the function that failed first */
	const char *only;  /* how those begin that may fail; NULL: all */
} plan;

/* In how many cases which function failed first. */
#define FUNCTIONS_MAX 100
static struct {
	const char *name;
	unsigned cases;
} functions[FUNCTIONS_MAX];

/* SplitMix64, as ever. */
static uint64_t number_at(uint64_t at)
{
	at = (at + UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xBF58476D1CE4E5B9);
	at = (at ^ at >> 30) * UINT64_C(0x94D049BB133111EB);
	return at ^ at >> 31;
}

bool refusals_now(const char *name)
{
	bool now;

	if (!plan.armed || plan.in_card || (plan.only && strncmp(name, plan.only, strlen(plan.only)) != 0))
		return false;
	plan.calls++;
	switch (plan.pattern) {
	case ONCE: now = plan.calls == plan.at; break;
	case FROM_THEN_ON: now = plan.calls >= plan.at; break;
	default: now = number_at((uint64_t)plan.at << 32 | plan.calls) % 32 == 0; break;
	}
	if (now && !plan.refused++)
		plan.first = name;
	return now;
}

/* clang-format off */
REFUSES(void *, NULL, malloc, (size_t size), (size))
REFUSES(void *, NULL, calloc, (size_t count, size_t size), (count, size))
REFUSES(void *, NULL, realloc, (void *p, size_t size), (p, size))
REFUSES(char *, NULL, strdup, (const char *text), (text))
REFUSES(char *, NULL, strndup, (const char *text, size_t len), (text, len))
REFUSES(LONG, SCARD_E_NO_SERVICE, SCardEstablishContext,
	(DWORD scope, LPCVOID one, LPCVOID two, LPSCARDCONTEXT out), (scope, one, two, out))
REFUSES(LONG, SCARD_F_COMM_ERROR, SCardListReaders,
	(SCARDCONTEXT c, LPCSTR groups, LPSTR out, LPDWORD len), (c, groups, out, len))
REFUSES(LONG, SCARD_F_COMM_ERROR, SCardGetStatusChange,
	(SCARDCONTEXT c, DWORD ms, SCARD_READERSTATE *states, DWORD n), (c, ms, states, n))
REFUSES(LONG, SCARD_F_COMM_ERROR, SCardConnect,
	(SCARDCONTEXT c, LPCSTR reader, DWORD share, DWORD want, LPSCARDHANDLE out, LPDWORD is),
	(c, reader, share, want, out, is))
REFUSES(LONG, SCARD_F_COMM_ERROR, SCardReconnect,
	(SCARDHANDLE h, DWORD share, DWORD want, DWORD how, LPDWORD is), (h, share, want, how, is))
REFUSES(LONG, SCARD_F_COMM_ERROR, SCardStatus,
	(SCARDHANDLE h, LPSTR name, LPDWORD name_len, LPDWORD state, LPDWORD is, LPBYTE atr, LPDWORD len),
	(h, name, name_len, state, is, atr, len))
REFUSES(LONG, SCARD_F_COMM_ERROR, SCardBeginTransaction, (SCARDHANDLE h), (h))
REFUSES(LONG, SCARD_F_COMM_ERROR, SCardTransmit,
	(SCARDHANDLE h, const SCARD_IO_REQUEST *out_pci, LPCBYTE cmd, DWORD len, SCARD_IO_REQUEST *in_pci, LPBYTE answer, LPDWORD answer_len),
	(h, out_pci, cmd, len, in_pci, answer, answer_len))
REFUSES(LONG, SCARD_F_COMM_ERROR, SCardEndTransaction, (SCARDHANDLE h, DWORD how), (h, how))
/* These two say that they failed, and did it all the same: what is closed cannot be closed again. */
REFUSES(LONG, (__real_SCardDisconnect(h, how), SCARD_F_COMM_ERROR), SCardDisconnect,
	(SCARDHANDLE h, DWORD how), (h, how))
REFUSES(LONG, (__real_SCardReleaseContext(c), SCARD_F_COMM_ERROR), SCardReleaseContext,
	(SCARDCONTEXT c), (c))
/* clang-format on */
/* SCardCancel() is called for who waits for cards, and nobody does here. */

enum vcard_result __real_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);
enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);

enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len)
{
	enum vcard_result r;

	plan.in_card++;
	r = __real_vcard_transmit(card, cmd, cmd_len, resp, resp_cap, resp_len);
	plan.in_card--;
	return r;
}

/* ---- the cases ---- */

static void arm(void *context)
{
	(void)context;
	plan.calls = plan.refused = 0;
	plan.armed = true;
}

/*
 * Where more than one call failed, also the reset of the card may have: that is
 * made up for by the first call that gets through.
 */
static size_t disarm(void *context)
{
	CK_SESSION_HANDLE session;

	(void)context;
	plan.armed = false;
	if (plan.refused && plan.pattern != ONCE &&
	    C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK)
		C_CloseSession(session);
	return plan.refused;
}

/* Nothing that blames the PIN or the caller. */
static bool may_answer(CK_RV rv, void *context)
{
	static const CK_RV right[] = {
		CKR_HOST_MEMORY,  CKR_FUNCTION_FAILED,	CKR_GENERAL_ERROR,     CKR_DEVICE_ERROR,
		CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_USER_NOT_LOGGED_IN, CKR_SESSION_HANDLE_INVALID};

	(void)context;
	for (size_t i = 0; i < COUNT(right); i++)
		if (rv == right[i])
			return true;
	return false;
}

static bool never_lies(void *context)
{
	(void)context;
	return false;
}

static unsigned cases, errors, violations;

static void count_first(void)
{
	size_t i = 0;

	while (i < FUNCTIONS_MAX - 1 && functions[i].name && strcmp(functions[i].name, plan.first) != 0)
		i++;
	functions[i].name = plan.first;
	functions[i].cases++;
}

static void print_functions(void)
{
	printf("# cases by the function that failed first:");
	for (size_t i = 0; i < FUNCTIONS_MAX && functions[i].name; i++)
		printf("%s %s %u", i ? "," : "", functions[i].name, functions[i].cases);
	printf("\n");
}

static bool run(const struct judge *judge, int generation, enum pattern pattern, unsigned at)
{
	static const struct judge_trouble trouble = {arm, disarm, NULL, may_answer, never_lies, never_lies};
	struct verdict v;

	plan.pattern = pattern;
	plan.at = at;
	judge_trouble(judge, &trouble, &v);
	if (!v.struck)
		return false;
	cases++;
	count_first();
	errors += v.first != CKR_OK;
	violations += v.count != 0;
	if (v.count)
		print_error("generation %d, %s, %s (%s, %u): %s\n", generation, judge->scene->name, plan.first,
			    patterns[pattern], at, v.text);
	return true;
}

/* What the cache has is looked at once: all of its calls are tried, as far as one fails. */
static bool is_dense(const struct scene *scene, int generation)
{
	return generation == 1 && scene == scene_find("listing with a cache");
}

static void run_scene(const struct scene *scene, int generation, unsigned every)
{
	static struct judge judge;

	scene_open(scene, generation);
	judge_begin(&judge, scene);
	for (unsigned n = 1; run(&judge, generation, ONCE, n); n += is_dense(scene, generation) ? 1 : every)
		;
	for (unsigned n = 1; run(&judge, generation, FROM_THEN_ON, n); n += every)
		;
	for (unsigned n = 0; n < CHANCES; n += (every + CHANCES - 1) / CHANCES)
		(void)run(&judge, generation, BY_CHANCE, n);
	scene_close();
}

int main(int argc, char **argv)
{
	const unsigned every = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : FEW;
	unsigned test = 0, all = 0;

	plan.only = argc > 2 ? argv[2] : NULL;
	printf("1..%zu\n", 2 * scene_count);
	for (size_t i = 0; i < 2 * scene_count; i++) {
		cases = errors = violations = 0;
		run_scene(&scenes[i / 2], (int)(i % 2) + 1, every ? every : 1);
		printf("%sok %u - generation %zu: %s: %u cases, %u errors, %u violations\n",
		       violations || !cases ? "not " : "", ++test, i % 2 + 1, scenes[i / 2].name, cases,
		       errors, violations);
		fflush(stdout);
		all += violations;
	}
	print_functions();
	return all != 0;
}
