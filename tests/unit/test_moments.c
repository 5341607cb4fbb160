/*
 * One bad moment: every command of what programs do with a card, and every
 * fault that can strike it. Asked is:
 *
 *   value    the right value or an error, never a wrong value or a list that
 *            is shorter and said to be good
 *   again    all is right at the next try in the same process, with one new
 *            session and one new login at the most
 *   anew     all is right in a new process that finds the disk cache
 *   left     where the module says "logged out", nobody can use the card
 *   tries    one VERIFY for each login, one more for each private operation,
 *            and no PIN try lost
 *
 * A test collects what it finds, prints all of it, and then fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gen2card.h"
#include "spycard.h"

#define FACTS_MAX 400
#define FOUND CKA_VENDOR_DEFINED /* no attribute: how many objects a search found */
#define COMMANDS_MAX 400 /* more than any job has */

static const struct spy_fault faults[] = {
	{"lost answer", SPY_LOST, 0},
	{"lost answer, then mute", SPY_MUTE, 0},
	{"one byte", SPY_ONE_BYTE, 0},
	{"garbled", SPY_GARBLED, 0},
	{"6F00", SPY_STATUS, 0x6F00},
	{"6982", SPY_STATUS, 0x6982},
	{"6A82", SPY_STATUS, 0x6A82},
	{"6282 for 9000", SPY_WARNING, 0x6282},
	{"silent reset", SPY_SILENT_RESET, 0},
};

/* ---- what a job found out ---- */

/* The answer to one question. Values are compared by a hash: 64 bits of FNV-1a. */
struct fact {
	CK_RV rv;
	unsigned object;
	CK_ATTRIBUTE_TYPE type;
	size_t len;
	uint64_t hash;
};

struct facts {
	struct fact items[FACTS_MAX];
	size_t count;
	unsigned logins, private_ops; /* how many were asked for */
};

static uint64_t hash_of(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	uint64_t hash = 0xCBF29CE484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ b[i]) * 0x100000001B3u;
	return hash;
}

/* Answers `rv`, to be looked at. */
static CK_RV note(struct facts *f, CK_RV rv, unsigned object, CK_ATTRIBUTE_TYPE type,
		  const void *bytes, size_t len)
{
	struct fact *fact = &f->items[f->count];

	assert_true(f->count < FACTS_MAX);
	if (rv != CKR_OK)
		len = 0;
	*fact = (struct fact){rv, object, type, len, hash_of(bytes, len)};
	f->count++;
	return rv;
}

/* Of what is a way to the answers, and may be needed or not: only errors are noted. */
static CK_RV note_failure(struct facts *f, CK_RV rv)
{
	return rv == CKR_OK ? rv : note(f, rv, 0, 0, NULL, 0);
}

/* ---- the world of one run ---- */

static struct spy spy;
static int generation;
static unsigned char ciphertext[256];
static const char plaintext[] = "read me if you can";

static void make_folders(void)
{
	char conf[400];

	snprintf(conf, sizeof conf, "keyset-dir = %s\ncache = yes\n", home_path("keysets"));
	home_write("twcard.conf", conf, 0600);
	home_remove("xdg/twcard");
	home_remove("xdg");
	assert_int_equal(mkdir(home_path("xdg"), 0700), 0);
	setenv("XDG_CACHE_HOME", home_path("xdg"), 1);
}

static void begin_life(void)
{
	module_start();
	bench.slot = slot_of(READER);
	bench.session = CK_INVALID_HANDLE;
}

/* A card from the shelf, no cache, the module's first life. */
static void begin_world(void)
{
	make_folders();
	fake_clear();
	fake_add_reader(READER);
	testcard_freshen(bench.card);
	spy_insert(&spy, READER, bench.card);
	begin_life();
}

/* True if the module says that the user is logged in. */
static bool says_logged_in(void)
{
	CK_SESSION_INFO info;

	return bench.session != CK_INVALID_HANDLE &&
	       C_GetSessionInfo(bench.session, &info) == CKR_OK &&
	       info.state == CKS_RW_USER_FUNCTIONS;
}

/* A session: the one that is there, if it still is one. */
static CK_RV open_if_needed(struct facts *f)
{
	CK_SESSION_INFO info;

	if (bench.session != CK_INVALID_HANDLE &&
	    C_GetSessionInfo(bench.session, &info) == CKR_OK)
		return CKR_OK;
	bench.session = CK_INVALID_HANDLE;
	return note_failure(f, C_OpenSession(bench.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
					     NULL, &bench.session));
}

static CK_RV login_if_needed(struct facts *f)
{
	CK_RV rv = open_if_needed(f);

	if (rv != CKR_OK || says_logged_in())
		return rv;
	f->logins++;
	return note_failure(f, login(bench.session, PIN));
}

/* ---- jobs ---- */

static CK_RV find(struct facts *f, CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE found[32],
		  CK_ULONG *count)
{
	CK_RV rv = C_FindObjectsInit(bench.session, template, n);

	*count = 0;
	if (rv == CKR_OK) {
		rv = C_FindObjects(bench.session, found, 32, count);
		C_FindObjectsFinal(bench.session);
	}
	return note(f, rv, 0, FOUND, count, sizeof *count);
}

static void note_attributes(struct facts *f, const CK_OBJECT_HANDLE *found, CK_ULONG count,
			    const CK_ATTRIBUTE_TYPE *types, size_t n)
{
	unsigned char value[4096];

	for (CK_ULONG i = 0; i < count; i++) {
		for (size_t k = 0; k < n; k++) {
			CK_ATTRIBUTE a = {types[k], value, sizeof value};
			CK_RV rv = C_GetAttributeValue(bench.session, found[i], &a, 1);

			note(f, rv, (unsigned)i + 1, types[k], value, rv == CKR_OK ? a.ulValueLen : 0);
		}
	}
}

/* What a token says of itself; its flags and memory are another matter. */
static void note_token(struct facts *f)
{
	CK_TOKEN_INFO info = {0};
	CK_RV rv = C_GetTokenInfo(bench.slot, &info);

	note(f, rv, 0, CKA_LABEL, &info, offsetof(CK_TOKEN_INFO, flags));
}

static void list_objects(struct facts *f)
{
	static const CK_ATTRIBUTE_TYPE types[] = {
		CKA_CLASS, CKA_LABEL, CKA_ID, CKA_SUBJECT, CKA_ISSUER, CKA_SERIAL_NUMBER,
		CKA_CERTIFICATE_CATEGORY, CKA_KEY_TYPE, CKA_MODULUS_BITS, CKA_ENCRYPT, CKA_VERIFY,
		CKA_APPLICATION, CKA_OBJECT_ID, CKA_PRIVATE};
	CK_OBJECT_HANDLE found[32];
	CK_ULONG count;

	note_token(f);
	if (open_if_needed(f) == CKR_OK && find(f, NULL, 0, found, &count) == CKR_OK)
		note_attributes(f, found, count, types, COUNT(types));
}

/* False: the objects could not be had. */
static bool read_class(struct facts *f, CK_OBJECT_CLASS klass, const CK_ATTRIBUTE_TYPE *types,
		       size_t n)
{
	CK_ATTRIBUTE template = {CKA_CLASS, &klass, sizeof klass};
	CK_OBJECT_HANDLE found[32];
	CK_ULONG count;

	if (find(f, &template, 1, found, &count) != CKR_OK)
		return false;
	note_attributes(f, found, count, types, n);
	return true;
}

static void read_values(struct facts *f)
{
	static const CK_ATTRIBUTE_TYPE certificate[] = {CKA_VALUE};
	static const CK_ATTRIBUTE_TYPE key[] = {CKA_MODULUS, CKA_PUBLIC_EXPONENT};

	if (open_if_needed(f) == CKR_OK &&
	    read_class(f, CKO_CERTIFICATE, certificate, COUNT(certificate)))
		read_class(f, CKO_PUBLIC_KEY, key, COUNT(key));
}

static void log_in(struct facts *f)
{
	static const CK_ATTRIBUTE_TYPE key[] = {CKA_ID, CKA_SIGN, CKA_DECRYPT};

	if (login_if_needed(f) == CKR_OK)
		read_class(f, CKO_PRIVATE_KEY, key, COUNT(key));
}

/* The private key of that id; false is noted. */
static bool find_key(struct facts *f, const char *id, CK_OBJECT_HANDLE *key)
{
	CK_OBJECT_CLASS klass = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass},
				   {CKA_ID, (char *)id, strlen(id)}};
	CK_OBJECT_HANDLE found[32];
	CK_ULONG count;

	if (login_if_needed(f) != CKR_OK ||
	    find(f, template, COUNT(template), found, &count) != CKR_OK || count != 1)
		return false;
	*key = found[0];
	f->private_ops++;
	return true;
}

static void sign(struct facts *f)
{
	unsigned char sig[256] = {0};
	CK_ULONG len = sizeof sig;
	CK_OBJECT_HANDLE key;
	CK_RV rv;

	if (!find_key(f, "SIGN", &key))
		return;
	rv = C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key);
	if (rv == CKR_OK)
		rv = C_Sign(bench.session, (unsigned char *)"text", 4, sig, &len);
	note(f, rv, 0, CKA_SIGN, sig, rv == CKR_OK ? len : 0);
}

static void decrypt(struct facts *f)
{
	unsigned char out[256] = {0};
	CK_ULONG len = sizeof out;
	CK_OBJECT_HANDLE key;
	CK_RV rv;

	if (!find_key(f, "KEYX", &key))
		return;
	rv = decrypt_pkcs(bench.session, key, ciphertext, out, &len);
	note(f, rv, 0, CKA_DECRYPT, out, rv == CKR_OK ? len : 0);
}

static void nothing(void)
{
}

/* Another life has filled the cache. */
static void fill_cache(void)
{
	struct facts f = {.count = 0};

	list_objects(&f);
	read_values(&f);
	module_stop();
	begin_life();
}

static void be_logged_in(void)
{
	struct facts f = {.count = 0};

	assert_int_equal(login_if_needed(&f), CKR_OK);
}

static const struct job {
	const char *name;
	void (*prepare)(void); /* without a fault */
	void (*work)(struct facts *f);
} jobs[] = {
	{"listing", nothing, list_objects},
	{"listing with a cache", fill_cache, list_objects},
	{"reading", nothing, read_values},
	{"login", nothing, log_in},
	{"signature", be_logged_in, sign},
	{"decryption", be_logged_in, decrypt},
};

/* ---- judging ---- */

/* What a run is called in the list of findings, and how many there are of each kind. */
static struct {
	const struct job *job;
	const struct spy_fault *fault;
	unsigned n; /* the command that it struck */
	unsigned count, found[5][COUNT(faults)];
} now;

enum question { VALUE, AGAIN, ANEW, LEFT, TRIES };
static const char *const questions[] = {"value", "again", "anew", "left", "tries"};

static void finding(enum question q, const char *text)
{
	print_error("generation %d, %s, %s at command %u: %s: %s\n", generation, now.job->name,
		    now.fault->name, now.n, questions[q], text);
	now.found[q][now.fault - faults]++;
	now.count++;
}

/* Errors say so: "there is no such attribute" is an answer. */
static bool is_error(CK_RV rv)
{
	return rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID && rv != CKR_ATTRIBUTE_SENSITIVE;
}

static bool same(const struct fact *a, const struct fact *b)
{
	return a->rv == b->rv && a->object == b->object && a->type == b->type && a->len == b->len &&
	       a->hash == b->hash;
}

/* Compares with what a run without faults found out; errors are allowed or not. */
static void compare(enum question q, const struct facts *good, const struct facts *f, bool errors)
{
	bool failed = false;
	char text[200];

	for (size_t i = 0; i < f->count && i < good->count; i++) {
		const struct fact *is = &f->items[i], *right = &good->items[i];

		failed |= is_error(is->rv);
		if (same(is, right) || (errors && is_error(is->rv)))
			continue;
		if (right->type == FOUND)
			snprintf(text, sizeof text, "the search: 0x%lx, or another number of objects", is->rv);
		else
			snprintf(text, sizeof text,
				 "object %u, attribute %lx: %zu bytes and 0x%lx for %zu and 0x%lx",
				 right->object, right->type, is->len, is->rv, right->len, right->rv);
		finding(q, text);
		return; /* what follows is out of step */
	}
	if (f->count == good->count || (errors && failed))
		return;
	snprintf(text, sizeof text, "%zu answers for %zu", f->count, good->count);
	finding(q, text);
}

static void assert_nothing_left(const char *when)
{
	if (spy_stranger_can_sign(&spy, READER))
		finding(LEFT, when);
}

/* Since spy_watch(). */
static void check_verifies(const struct facts *f)
{
	if (spy.verifies > f->logins + f->private_ops)
		finding(TRIES, "more VERIFYs than allowed");
	if (vcard_tries_left(bench.card) != VCARD_PIN_TRIES)
		finding(TRIES, "a PIN try is lost");
}

/* The job with the fault, or with none; false: it did not come to strike. */
static bool run_job(const struct spy_fault *fault, unsigned n, struct facts *f)
{
	bool struck;

	f->count = f->logins = f->private_ops = 0;
	spy_watch(&spy);
	if (fault)
		spy_strike(&spy, fault, SPY_ANY, n, 1);
	now.job->work(f);
	struck = spy.struck;
	if (struck || !fault)
		check_verifies(f);
	return struck;
}

static void run_with_fault(const struct spy_fault *fault, unsigned n, const struct facts *good)
{
	static struct facts f;

	now.fault = fault;
	now.n = n;
	begin_world();
	now.job->prepare();
	if (run_job(fault, n, &f)) {
		compare(VALUE, good, &f, true);
		if (!says_logged_in())
			assert_nothing_left("logged out, and another program can sign");
		if (fault->kind == SPY_MUTE)
			fake_foreign_reset(READER);
		run_job(NULL, 0, &f);
		compare(AGAIN, good, &f, false);
		module_stop();
		assert_nothing_left("finalized, and another program can sign");
		begin_life();
		run_job(NULL, 0, &f);
		compare(ANEW, good, &f, false);
	}
	module_stop();
	assert_nothing_left("at the end, and another program can sign");
}

/* How many commands the job has, and what it finds out. */
static unsigned run_without_fault(struct facts *good)
{
	unsigned n;

	begin_world();
	now.job->prepare();
	now.fault = faults;
	run_job(NULL, 0, good);
	n = spy.commands;
	for (size_t i = 0; i < good->count; i++)
		if (is_error(good->items[i].rv))
			fail_msg("without a fault: 0x%lx", good->items[i].rv);
	module_stop();
	return n;
}

static void print_summary(unsigned commands)
{
	print_message("# generation %d, %s: %u commands, %zu faults each, %u findings\n", generation,
		      now.job->name, commands, COUNT(faults), now.count);
	for (size_t i = 0; now.count && i < COUNT(faults); i++) {
		print_message("#   %-24s", faults[i].name);
		for (size_t q = 0; q < COUNT(questions); q++)
			print_message(" %s %u", questions[q], now.found[q][i]);
		print_message("\n");
	}
}

static void one_bad_moment(const struct job *job, int of_generation)
{
	static struct facts good;
	unsigned commands;

	memset(&now, 0, sizeof now);
	now.job = job;
	generation = of_generation;
	home_make();
	keyset_install();
	log_level("none");
	bench.card = generation == 1 ? testcard_load() : gen2_load();
	encrypt_to(bench.card, KEY_KEYX, plaintext, ciphertext);
	commands = run_without_fault(&good);
	assert_in_range(commands, 1, COMMANDS_MAX);
	for (size_t i = 0; i < COUNT(faults); i++)
		for (unsigned n = 1; n <= commands; n++)
			run_with_fault(&faults[i], n, &good);
	print_summary(commands);
	if (now.count)
		fail_msg("%u findings", now.count);
}

static void first_generation(void **state)
{
	one_bad_moment(*state, 1);
}

static void second_generation(void **state)
{
	one_bad_moment(*state, 2);
}

#define JOB(i, name) {"generation 1: " name, first_generation, NULL, bench_teardown, \
		      (void *)&jobs[i]}, \
		     {"generation 2: " name, second_generation, NULL, bench_teardown, \
		      (void *)&jobs[i]}

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOB(0, "one bad moment while objects are listed"),
		JOB(1, "one bad moment while objects are listed with a cache"),
		JOB(2, "one bad moment while certificates and keys are read"),
		JOB(3, "one bad moment during a login"),
		JOB(4, "one bad moment during a signature"),
		JOB(5, "one bad moment during a decryption"),
	};

	return cmocka_run_group_tests_name("moments", tests, NULL, NULL);
}
