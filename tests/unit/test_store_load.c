/*
 * The authority's database when many use it at once, are killed while they do,
 * and when there is no room: what was answered is there, whole and once.
 *
 *   test_store_load --register URL NAME COUNT       registers until COUNT (0: no end); a line for each that was kept
 *   test_store_load --full URL NAME COUNT           the same with files of at most 400 KB; then without that limit
 *   test_store_load --small-disk URL FOLDER 0       the same on a small disk in the place of FOLDER, which then grows
 *   test_store_load --verify URL FILE MORE          is what these lines say there, all whole, and at most MORE unsaid?
 *   test_store_load --empty URL x x                 PostgreSQL: as it was at first
 *   test_store_load --measure URL THREADS COUNT     registrations a second
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_world.h"

#define THREADS 8

/* Until a condition holds: a failed test after a minute, which no machine needs. */
static void pause_or_fail(int *rounds, const char *what)
{
	struct timespec pause = {0, 5000000};

	if (++*rounds > 12000)
		fail_msg("waited in vain: %s", what);
	nanosleep(&pause, NULL);
}

/* ---- threads ---- */

struct worker {
	pthread_t thread;
	struct store *store;
	int index, rounds;
	int good, exists, other; /* answers */
	uint32_t *numbers;
};

static void run_workers(struct store *store, struct worker workers[THREADS], int rounds, void *(*body)(void *))
{
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.store = store, .index = i, .rounds = rounds};
		workers[i].numbers = calloc((size_t)rounds, sizeof *workers[i].numbers);
		assert_non_null(workers[i].numbers);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, body, &workers[i]), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
}

static void *take_numbers(void *context)
{
	struct worker *w = context;

	for (int i = 0; i < w->rounds; i++)
		w->good += call_sequence(w->store, "one", &w->numbers[i]) == STORE_OK;
	return NULL;
}

static void eight_threads_get_each_number_once(void **state)
{
	enum { ROUNDS = 25 };
	static bool seen[THREADS * ROUNDS + 1];
	struct world *w = *state;
	struct worker workers[THREADS];

	memset(seen, 0, sizeof seen);
	run_workers(w->store, workers, ROUNDS, take_numbers);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(workers[i].good, ROUNDS);
		for (int k = 0; k < ROUNDS; k++) {
			assert_in_range(workers[i].numbers[k], 1, THREADS * ROUNDS);
			assert_false(seen[workers[i].numbers[k]]);
			seen[workers[i].numbers[k]] = true;
		}
		free(workers[i].numbers);
	}
}

static void *use_nonces(void *context)
{
	struct worker *w = context;

	for (int i = 0; i < w->rounds; i++) {
		char id[32], nonce[32];
		enum store_result result;

		snprintf(id, sizeof id, "%d-%d", w->index, i);
		snprintf(nonce, sizeof nonce, "nonce-%d", i);
		result = call_put_request(w->store, id, nonce, "r");
		w->good += result == STORE_OK;
		w->exists += result == STORE_EXISTS;
	}
	return NULL;
}

static void of_eight_threads_one_uses_the_nonce(void **state)
{
	enum { ROUNDS = 25 };
	struct world *w = *state;
	struct worker workers[THREADS];
	int good = 0, exists = 0;

	run_workers(w->store, workers, ROUNDS, use_nonces);
	for (int i = 0; i < THREADS; i++) {
		good += workers[i].good;
		exists += workers[i].exists;
		free(workers[i].numbers);
	}
	assert_int_equal(good, ROUNDS);
	assert_int_equal(exists, ROUNDS * (THREADS - 1));
}

static enum store_result look_head(struct store_tx *tx, void *context)
{
	uint8_t hash[STORE_HASH];

	return store_audit_head(tx, context, hash);
}

/* Half of them write the audit, half verify it meanwhile. */
static void *append_and_verify(void *context)
{
	struct worker *w = context;
	uint64_t count, bad, head;

	for (int i = 0; i < w->rounds; i++) {
		if (w->index % 2)
			w->good += call_audit(w->store, "reserve", "r") == STORE_OK;
		else
			w->good += store_audit_verify(w->store, &count, &bad, NULL) == STORE_OK &&
			           store_look(w->store, look_head, &head, NULL) == STORE_OK && head >= count;
	}
	return NULL;
}

static void the_audit_is_whole_while_it_grows(void **state)
{
	enum { ROUNDS = 25 };
	struct world *w = *state;
	struct worker workers[THREADS];
	uint64_t count, bad;

	run_workers(w->store, workers, ROUNDS, append_and_verify);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(workers[i].good, ROUNDS);
		free(workers[i].numbers);
	}
	world_good(w, store_audit_verify(w->store, &count, &bad, w->problem));
	assert_int_equal(count, ROUNDS * THREADS / 2);
}

static void *check_wrong_code(void *context)
{
	struct worker *w = context;

	for (int i = 0; i < w->rounds; i++) {
		enum store_code code;

		if (store_code_check(w->store, "card", "0000", 4, &code) != STORE_OK)
			w->other++;
		else if (code == STORE_CODE_WRONG)
			w->good++;
	}
	return NULL;
}

/* Guesses at the same time are counted one by one. */
static void eight_threads_have_ten_guesses_together(void **state)
{
	struct world *w = *state;
	struct worker workers[THREADS];
	int wrong = 0;

	world_good(w, store_code_set(w->store, "card", "1234", 4, 1));
	run_workers(w->store, workers, 3, check_wrong_code);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(workers[i].other, 0);
		wrong += workers[i].good;
		free(workers[i].numbers);
	}
	assert_int_equal(wrong, STORE_CODE_TRIES);
}

/* ---- others hold the lock ---- */

static void who_waits_for_another_program_is_served(void **state)
{
	struct world *w = *state;
	struct db *db = world_connect(w);
	struct worker worker = {.store = w->store, .rounds = 1, .numbers = calloc(1, sizeof(uint32_t))};

	assert_int_equal(db->driver->begin(db, DB_WRITE), STORE_OK);
	assert_int_equal(pthread_create(&worker.thread, NULL, take_numbers, &worker), 0);
	assert_int_equal(db->driver->execute(db, "INSERT INTO sequence VALUES ('one', 41)"), STORE_OK);
	assert_int_equal(db->driver->commit(db), STORE_OK);
	pthread_join(worker.thread, NULL);
	assert_int_equal(worker.good, 1);
	/* before the other or after it, not in the middle: 42, or 1 and then the other could not have gone on */
	assert_int_equal(worker.numbers[0], 42);
	free(worker.numbers);
	db->driver->close(db);
}

/* A transaction of the store and one by hand that wait for each other. */
struct knot {
	struct world *w;
	struct db *by_hand;
	pthread_t thread;
	int runs;
	uint32_t number;
};

static void *ask_for_the_chain(void *context)
{
	struct knot *k = context;

	/* waits for the store's transaction; then it ends, and its row is free */
	k->by_hand->driver->execute(k->by_hand, "SELECT number FROM chain FOR UPDATE");
	k->by_hand->driver->rollback(k->by_hand);
	return NULL;
}

static enum store_result tie(struct store_tx *tx, void *context)
{
	struct knot *k = context;
	int rounds = 0;
	enum store_result result;

	if (k->runs++)
		return store_sequence_next(tx, "one", &k->number);
	assert_int_equal(pthread_create(&k->thread, NULL, ask_for_the_chain, k), 0);
	while (world_number(k->w, "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") < 1)
		pause_or_fail(&rounds, "the other asks for the lock");
	result = store_sequence_next(tx, "one", &k->number); /* ends in a deadlock, which we are told of */
	assert_int_not_equal(result, STORE_OK);
	return result;
}

static void a_deadlock_is_run_again(void **state)
{
	struct world *w = *state;
	struct knot k = {.w = w};
	uint32_t number;

	world_good(w, call_sequence(w->store, "one", &number));
	k.by_hand = world_connect(w);
	assert_int_equal(k.by_hand->driver->execute(k.by_hand, "SET deadlock_timeout = '1h'; BEGIN;"
	                                            "UPDATE sequence SET last_number = 40 WHERE authorizer = 'one'"),
	                 STORE_OK);
	world_good(w, store_run(w->store, tie, &k, w->problem));
	assert_int_equal(pthread_join(k.thread, NULL), 0);
	assert_true(k.runs >= 2); /* more, where the store is faster than the other to ask again */
	assert_int_equal(k.number, 2);
	k.by_hand->driver->close(k.by_hand);
}

static void cut_all(struct world *w)
{
	world_number(w, "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity"
	                " WHERE application_name = 'twcard-authority' AND pid <> pg_backend_pid()");
}

static enum store_result cut_in_the_middle(struct store_tx *tx, void *context)
{
	struct knot *k = context;
	enum store_result result = store_sequence_next(tx, "one", &k->number);

	if (result != STORE_OK || k->runs++)
		return result;
	cut_all(k->w);
	return store_sequence_next(tx, "one", &k->number);
}

static void a_connection_that_was_cut_is_made_again(void **state)
{
	struct world *w = *state;
	struct knot k = {.w = w};
	uint32_t number;

	world_good(w, call_sequence(w->store, "one", &number));
	cut_all(w);
	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(number, 2);
	world_good(w, store_run(w->store, cut_in_the_middle, &k, w->problem));
	assert_int_equal(k.runs, 2);
	assert_int_equal(k.number, 3); /* the number of the first run was not kept */
}

/* An instance that has stopped in the middle is cut off by the server, and its lock is free again. */
static void who_stands_still_does_not_stop_the_others(void **state)
{
	struct world *w = *state;
	struct db *still = NULL;
	uint32_t number;

	assert_int_equal(db_driver_of(w->url)->open(w->url, false, &still), STORE_OK); /* as patient as an instance is */
	assert_int_equal(still->driver->begin(still, DB_WRITE), STORE_OK);
	assert_int_equal(still->driver->execute(still, "INSERT INTO sequence VALUES ('one', 41)"), STORE_OK);
	world_good(w, call_sequence(w->store, "one", &number));
	assert_int_equal(number, 1);
	assert_int_equal(still->driver->commit(still), STORE_UNAVAILABLE);
	still->driver->close(still);
}

/* ---- processes ---- */

struct child {
	pid_t pid;
	FILE *lines;
};

static void start(struct child *c, const char *what, const char *url, const char *name, const char *count)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fflush(NULL);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (!c->pid) {
		dup2(ends[1], 1);
		execl("/proc/self/exe", "test_store_load", what, url, name, count, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	c->lines = fdopen(ends[0], "r");
	assert_non_null(c->lines);
}

/* The answer of one registration: it is there, with this number. False: there are no more. */
static bool next_line(struct child *c, char id[64], uint32_t *number)
{
	char line[128];

	/* a line that the kill cut short was not answered */
	return fgets(line, sizeof line, c->lines) && strchr(line, '\n') && sscanf(line, "%63s %u", id, number) == 2;
}

static int finish(struct child *c)
{
	int status = -1;

	fclose(c->lines);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	return status;
}

struct lookup {
	const char *id;
	struct store_certificate found;
};

static enum store_result find(struct store_tx *tx, void *context)
{
	struct lookup *l = context;
	struct store_request request;
	enum store_result result = store_certificate_by_reservation(tx, l->id, &l->found);

	if (result != STORE_OK)
		return result;
	result = store_request_find(tx, l->id, &request);
	if (result == STORE_OK)
		store_request_clear(&request);
	return result;
}

static void assert_kept(struct world *w, const char *id, uint32_t number)
{
	struct lookup l = {.id = id};

	if (store_look(w->store, find, &l, w->problem) != STORE_OK)
		fail_msg("answered and not kept: %s (%s)", id, w->problem);
	assert_int_equal(l.found.sequence, number);
	store_certificate_clear(&l.found);
}

/* As many of each as of the others, numbers without gap or repetition, a whole chain: no transaction is a half. */
static int64_t assert_whole(struct world *w)
{
	int64_t all = world_number(w, "SELECT COUNT(*) FROM certificate");
	uint64_t count, bad;

	assert_int_equal(world_number(w, "SELECT COUNT(*) FROM request"), all);
	assert_int_equal(world_number(w, "SELECT COUNT(*) FROM audit"), all);
	assert_int_equal(world_number(w, "SELECT COUNT(*) FROM (SELECT DISTINCT authorizer, sequence FROM certificate) AS d"),
	                 all);
	assert_int_equal(world_number(w, "SELECT COUNT(*) FROM sequence AS s WHERE last_number <>"
	                                 " (SELECT COUNT(*) FROM certificate WHERE authorizer = s.authorizer)"), 0);
	world_good(w, store_audit_verify(w->store, &count, &bad, w->problem));
	assert_int_equal(count, all);
	world_good(w, store_check(w->store, w->problem));
	return all;
}

static void what_was_answered_outlives_a_kill(void **state)
{
	enum { KILLS = 30 };
	struct world *w = *state;
	int answered = 0;

	for (int k = 0; k < KILLS; k++) {
		struct child c;
		char name[16], id[64];
		uint32_t number;
		int before = 1 + k * 7 % 13;

		/* nobody else has it open: what the killed one leaves is taken up by the next */
		store_close(&w->store);
		snprintf(name, sizeof name, "k%d", k);
		start(&c, "--register", w->url, name, "0");
		for (int i = 0; i < before; i++)
			assert_true(next_line(&c, id, &number));
		kill(c.pid, SIGKILL);
		world_good(w, store_open(w->url, &w->store, w->problem));
		answered += before;
		assert_kept(w, id, number);
		while (next_line(&c, id, &number)) {
			assert_kept(w, id, number);
			answered++;
		}
		assert_true(WIFSIGNALED(finish(&c)));
	}
	/* the one that was under way when it was killed may be there, unanswered */
	assert_in_range(assert_whole(w), answered, answered + KILLS);
}

static void of_two_instances_one_is_killed(void **state)
{
	enum { WHOLE = 60, BEFORE = 20 };
	struct world *w = *state;
	struct child stays, dies;
	char id[64];
	uint32_t number;
	int left = 0;

	start(&stays, "--register", w->url, "stays", "60");
	start(&dies, "--register", w->url, "dies", "0");
	for (; left < BEFORE; left++)
		assert_true(next_line(&dies, id, &number));
	kill(dies.pid, SIGKILL);
	for (int i = 0; i < WHOLE; i++) {
		assert_true(next_line(&stays, id, &number));
		assert_kept(w, id, number);
	}
	assert_int_equal(finish(&stays), 0);
	for (; next_line(&dies, id, &number); left++)
		assert_kept(w, id, number);
	assert_true(WIFSIGNALED(finish(&dies)));
	assert_in_range(assert_whole(w), WHOLE + left, WHOLE + left + 1);
}

static void start_at_once_on_nothing(struct world *w)
{
	enum { INSTANCES = 8 };
	struct child children[INSTANCES];
	char id[64];
	uint32_t number;

	store_close(&w->store);
	if (w->postgresql)
		assert_int_equal(world_execute(w, "DROP SCHEMA public CASCADE; CREATE SCHEMA public"), STORE_OK);
	else
		assert_int_equal(unlink(world_path(w, "authority.db")), 0);
	for (int i = 0; i < INSTANCES; i++)
		start(&children[i], "--register", w->url, (char[]){(char)('a' + i), 0}, "2");
	for (int i = 0; i < INSTANCES; i++) {
		for (int k = 0; k < 2; k++)
			assert_true(next_line(&children[i], id, &number));
		assert_int_equal(finish(&children[i]), 0);
	}
	world_good(w, store_open(w->url, &w->store, w->problem));
	assert_int_equal(assert_whole(w), 2 * INSTANCES);
}

/* In a file the moments that matter are short: one in ten times one instance came into them. */
static void those_that_start_at_once_make_one_database(void **state)
{
	struct world *w = *state;

	for (int rounds = w->postgresql ? 1 : 30; rounds > 0; rounds--)
		start_at_once_on_nothing(w);
}

/* ---- no room ---- */

static void a_full_disk_keeps_nothing_half(void **state)
{
	struct world *w = *state;
	struct child c;
	char id[64] = "";
	uint32_t number;
	int answered = 0, full = 0;

	start(&c, "--full", w->url, "full", "5");
	while (next_line(&c, id, &number)) {
		if (!strcmp(id, "full")) {
			full++;
			continue;
		}
		assert_kept(w, id, number);
		answered++;
	}
	assert_int_equal(finish(&c), 0);
	assert_int_equal(full, 1);
	assert_true(answered > 5); /* some before, five after */
	assert_int_equal(assert_whole(w), answered);
}

/* How many the audit of this database has; -1: it is not whole. */
static int64_t whole_audit(struct store *s)
{
	uint64_t count, bad;

	return store_audit_verify(s, &count, &bad, NULL) == STORE_OK ? (int64_t)count : -1;
}

static int register_until(struct store *s, const char *name, int count, enum store_result end, int *kept);

/* On a disk of its own, which only this process sees. */
static int live_on_small_disk(const char *folder, const char *url)
{
	char problem[STORE_PROBLEM_SIZE];
	struct store *s = NULL;
	int kept = 0, status = 0;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", folder, "tmpfs", 0, "size=600k"))
		return 77;
	if (store_open(url, &s, problem) != STORE_OK)
		return 2;
	status |= register_until(s, "before", 0, STORE_FULL, &kept) ? 4 : 0;
	status |= kept < 1 || whole_audit(s) != kept ? 8 : 0;
	status |= mount("none", folder, "tmpfs", MS_REMOUNT, "size=4m") ? 16 : 0;
	status |= register_until(s, "after", 5, STORE_OK, &kept) ? 32 : 0;
	store_close(&s);
	if (store_open(url, &s, problem) != STORE_OK || store_check(s, problem) != STORE_OK)
		return 3;
	status |= whole_audit(s) != kept ? 64 : 0;
	store_close(&s);
	return status;
}

static void a_disk_without_room_is_said_and_when_there_is_some_it_goes_on(void **state)
{
	struct world *w = *state;
	struct child c;
	char id[64];
	uint32_t number;
	int status;

	start(&c, "--small-disk", w->url, w->folder, "0");
	while (next_line(&c, id, &number))
		continue;
	status = finish(&c);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		print_message("# no disk of our own without root: seen with a limit of the process only\n");
	else
		assert_int_equal(WEXITSTATUS(status), 0);
}

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_backup_without_room_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct rlimit before;
	enum store_result result;
	uint32_t number;
	char id[16];

	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof id, "%d", i);
		world_good(w, call_register(w->store, id, "one", &number));
	}
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit_files(100000);
	result = store_backup(w->store, world_path(w, "copy.db"), false, w->problem);
	limit_files(before.rlim_cur);
	assert_int_equal(result, STORE_FULL);
	assert_int_equal(world_files(w, "copy.db"), 0);
	world_good(w, store_backup(w->store, world_path(w, "copy.db"), false, w->problem));
	assert_int_equal(world_files(w, "copy.db"), 1);
	assert_int_equal(assert_whole(w), 100);
}

/* ---- the program's other lives ---- */

static int register_until(struct store *s, const char *name, int count, enum store_result end, int *kept)
{
	enum store_result result = STORE_OK;
	char id[64];
	uint32_t number;

	for (int i = 0; result == STORE_OK && (!count || i < count); i++) {
		snprintf(id, sizeof id, "%s-%d", name, i);
		result = call_register(s, id, i % 2 ? "one" : "two", &number);
		if (result != STORE_OK)
			continue;
		dprintf(1, "%s %u\n", id, number);
		*kept += 1;
	}
	if (result != end)
		fprintf(stderr, "%s: %s\n", name, store_result_text(result));
	return result == end ? 0 : 1;
}

static int live_full(struct store *s, const char *name, int count)
{
	struct rlimit before;
	char after[64];
	int status, kept = 0;

	getrlimit(RLIMIT_FSIZE, &before);
	limit_files(400000);
	status = register_until(s, name, 0, STORE_FULL, &kept);
	dprintf(1, "full 0\n");
	limit_files(before.rlim_cur);
	snprintf(after, sizeof after, "%s-after", name);
	return status | register_until(s, after, count, STORE_OK, &kept);
}

/* Are they all there, after all? A case, so that what is wrong is said. */
static char **verified;

static void what_was_answered_is_there(void **state)
{
	struct world w = {.store = NULL};
	struct child c = {.lines = fopen(verified[3], "r")};
	char id[64];
	uint32_t number;
	int answered = 0;

	(void)state;
	assert_non_null(c.lines);
	snprintf(w.url, sizeof w.url, "%s", verified[2]);
	world_good(&w, store_open(w.url, &w.store, w.problem));
	for (; next_line(&c, id, &number); answered++)
		assert_kept(&w, id, number);
	fclose(c.lines);
	assert_in_range(assert_whole(&w), answered, answered + atoi(verified[4]));
	store_close(&w.store);
}

static int verify_lines(char **argv)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_answered_is_there)};

	verified = argv;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

static int empty_schema(const char *url)
{
	struct world w;

	snprintf(w.url, sizeof w.url, "%s", url);
	return world_execute(&w, "DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public") != STORE_OK;
}

static void *measure_some(void *context)
{
	struct worker *w = context;
	char id[64], authorizer[32];

	snprintf(authorizer, sizeof authorizer, "authorizer-%d", w->index);
	for (int i = 0; i < w->rounds; i++) {
		snprintf(id, sizeof id, "m-%d-%d", w->index, i);
		w->good += call_register(w->store, id, authorizer, &w->numbers[i]) == STORE_OK;
	}
	return NULL;
}

static int measure(struct store *s, int threads, int count)
{
	struct worker *workers = calloc((size_t)threads, sizeof *workers);
	struct timespec from, to;
	double seconds;
	int good = 0;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < threads; i++) {
		workers[i] = (struct worker){.store = s, .index = i, .rounds = count / threads};
		workers[i].numbers = calloc((size_t)count, sizeof(uint32_t));
		pthread_create(&workers[i].thread, NULL, measure_some, &workers[i]);
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		good += workers[i].good;
		free(workers[i].numbers);
	}
	free(workers);
	clock_gettime(CLOCK_MONOTONIC, &to);
	seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	printf("%d of %d registrations with %d threads: %.0f a second\n", good, count / threads * threads, threads,
	       good / seconds);
	return good == count / threads * threads ? 0 : 1;
}

static int other_life(char **argv)
{
	char problem[STORE_PROBLEM_SIZE];
	struct store *s;
	int status = 1, kept = 0;

	if (!strcmp(argv[1], "--small-disk"))
		return live_on_small_disk(argv[3], argv[2]);
	if (!strcmp(argv[1], "--verify"))
		return verify_lines(argv);
	if (!strcmp(argv[1], "--empty"))
		return empty_schema(argv[2]);
	if (store_open(argv[2], &s, problem) != STORE_OK) {
		fprintf(stderr, "%s\n", problem);
		return 1;
	}
	if (!strcmp(argv[1], "--register"))
		status = register_until(s, argv[3], atoi(argv[4]), STORE_OK, &kept);
	else if (!strcmp(argv[1], "--full"))
		status = live_full(s, argv[3], atoi(argv[4]));
	else if (!strcmp(argv[1], "--measure"))
		status = measure(s, atoi(argv[3]), atoi(argv[4]));
	store_close(&s);
	return status;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(int argc, char **argv)
{
	static const struct CMUnitTest both[] = {
		CASE(eight_threads_get_each_number_once),
		CASE(of_eight_threads_one_uses_the_nonce),
		CASE(the_audit_is_whole_while_it_grows),
		CASE(eight_threads_have_ten_guesses_together),
		CASE(who_waits_for_another_program_is_served),
		CASE(what_was_answered_outlives_a_kill),
		CASE(of_two_instances_one_is_killed),
		CASE(those_that_start_at_once_make_one_database),
	};
	static const struct CMUnitTest sqlite[] = {
		CASE(a_full_disk_keeps_nothing_half),
		CASE(a_disk_without_room_is_said_and_when_there_is_some_it_goes_on),
		CASE(a_backup_without_room_leaves_nothing),
	};
	static const struct CMUnitTest postgresql[] = {
		CASE(a_deadlock_is_run_again),
		CASE(a_connection_that_was_cut_is_made_again),
		CASE(who_stands_still_does_not_stop_the_others),
	};
	bool one = getenv("TWCARD_TEST_STORE") != NULL;
	size_t own = one ? sizeof postgresql / sizeof *postgresql : sizeof sqlite / sizeof *sqlite;
	struct CMUnitTest tests[sizeof both / sizeof *both + 8];

	if (argc == 5)
		return other_life(argv);
	memcpy(tests, both, sizeof both);
	memcpy(tests + sizeof both / sizeof *both, one ? postgresql : sqlite, own * sizeof *tests);
	return _cmocka_run_group_tests("store under load", tests, sizeof both / sizeof *both + own, NULL, NULL);
}
