/*
 * A server that is killed in the middle of a request, before and after each call
 * to the database; then the same bytes once more, to another server. There is
 * one effect, whenever it was: the answer, the numbers and the audit are those
 * of a request that came once. The same for a database that fails at each call.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "authority_bench.h"

#define CUTS_MAX 200

/* Counted down at each point; at 0 this process is killed. -1: never. */
static int cut_at = -1;

static void point(void)
{
	if (cut_at == 0)
		(void)raise(SIGKILL);
	if (cut_at > 0)
		cut_at--;
}

/* The same for a database that fails; counted down, too. */
static int fail_at = -1;
static enum store_result failure;

static bool fails(void)
{
	return fail_at >= 0 && fail_at-- == 0;
}

/* A call with a point before and behind. */
#define WRAP(name, parameters, arguments)                                                                    \
	enum store_result __real_##name parameters;                                                          \
	enum store_result __wrap_##name parameters;                                                          \
	enum store_result __wrap_##name parameters                                                           \
	{                                                                                                    \
		enum store_result result;                                                                    \
		point();                                                                                     \
		result = fails() ? failure : __real_##name arguments;                                        \
		point();                                                                                     \
		return result;                                                                               \
	}

WRAP(store_look, (struct store * s, store_work *work, void *context, char problem[STORE_PROBLEM_SIZE]),
     (s, work, context, problem))
WRAP(store_run, (struct store * s, store_work *work, void *context, char problem[STORE_PROBLEM_SIZE]),
     (s, work, context, problem))
WRAP(store_request_find, (struct store_tx * tx, const char *id, struct store_request *out), (tx, id, out))
WRAP(store_request_put, (struct store_tx * tx, const struct store_request *in), (tx, in))
WRAP(store_nonce_used, (struct store_tx * tx, const char *nonce), (tx, nonce))
WRAP(store_sequence_next, (struct store_tx * tx, const char *authorizer, uint32_t *out), (tx, authorizer, out))
WRAP(store_certificate_put, (struct store_tx * tx, const struct store_certificate *in), (tx, in))
WRAP(store_certificate_by_reservation, (struct store_tx * tx, const char *reservation, struct store_certificate *out),
     (tx, reservation, out))
WRAP(store_certificate_by_serial, (struct store_tx * tx, const char *serial, struct store_certificate *out),
     (tx, serial, out))
WRAP(store_certificate_set_signed,
     (struct store_tx * tx, const char *reservation, const char *serial, const struct store_bytes *der,
      enum store_state state, int64_t at),
     (tx, reservation, serial, der, state, at))
WRAP(store_certificate_set_state,
     (struct store_tx * tx, const char *reservation, enum store_state state, int64_t at), (tx, reservation, state, at))
WRAP(store_certificate_move,
     (struct store_tx * tx, const char *holder, enum store_kind kind, enum store_state from, enum store_state to,
      const char *except, int64_t at),
     (tx, holder, kind, from, to, except, at))
WRAP(store_certificate_list,
     (struct store_tx * tx, const struct store_filter *filter, struct store_certificates *out), (tx, filter, out))
WRAP(store_catalogue_get, (struct store_tx * tx, char **document, uint32_t *version), (tx, document, version))
WRAP(store_activation_done, (struct store_tx * tx, const char *card, int64_t at), (tx, card, at))
WRAP(store_audit_append, (struct store_tx * tx, const struct store_audit *in), (tx, in))

/* ---- killing it ---- */

/* True: a server was killed at the point; false: it got to its end before. */
static bool kill_at(struct bench *b, int cut, const uint8_t *bytes, size_t len)
{
	int status = 0;
	pid_t child;

	bench_close(b); /* a database that is open must not be handed to a child */
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		bench_open(b);
		cut_at = cut;
		bench_send(b, bytes, len);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
	bench_open(b);
	return WIFSIGNALED(status);
}

/* Kills one, sends the bytes again (twice), and says whether that was the last point. */
static bool one_effect(struct bench *b, int cut, const struct ask *ask, struct reply *answer)
{
	size_t len;
	uint8_t *bytes = bench_bytes(b, ask, &len);
	uint64_t rows = bench_audit(b, NULL);
	bool killed = kill_at(b, cut, bytes, len);
	char outcome[64];

	*answer = bench_send(b, bytes, len);
	bench_good(*answer);
	assert_string_equal(bench_send(b, bytes, len).text, answer->text);
	assert_int_equal(bench_audit(b, outcome), rows + 1);
	assert_string_equal(outcome, "ok");
	free(bytes);
	return killed;
}

static struct ask ask_for(enum world_card signer, const char *operation, struct json_object *fields)
{
	return (struct ask){.signer = signer, .operation = operation, .fields = fields};
}

static void a_reservation_gets_one_number(void **state)
{
	struct bench *b = *state;
	bool killed = true;
	int cut = 0;

	for (; killed; cut++) {
		struct authz_spec spec = world_spec(&w);
		struct ask ask = ask_for(WORLD_PRIMARY, "reserve", bench_reservation(&spec));
		struct reply r;

		assert_true(cut < CUTS_MAX);
		killed = one_effect(b, cut, &ask, &r);
		assert_int_equal(bench_number(r, "sequence"), cut + 1);
	}
	assert_true(cut > 15);
}

static void a_certificate_is_registered_and_written_once(void **state)
{
	struct bench *b = *state;
	bool killed = true;
	int cut = 0;

	for (; killed; cut++) {
		struct authz_spec spec = world_spec(&w);
		struct reply reserved = bench_reserve(b, WORLD_PRIMARY, &spec), r;
		struct authz_cert *cert = world_build(&w, &spec, WORLD_PRIMARY);
		size_t len;
		const unsigned char *der = authz_cert_der(cert, &len);
		struct ask ask = ask_for(WORLD_PRIMARY, "register",
					 bench_registration(bench_text(reserved, "reservation"), der, len));

		assert_true(cut < CUTS_MAX);
		killed = one_effect(b, cut, &ask, &r);
		assert_string_equal(bench_text(r, "state"), "signed");
		bench_good(bench_written(b, WORLD_CLERK, cert));
		authz_cert_free(cert);
	}
	assert_true(cut > 12);
}

static void a_delegation_is_replaced_once(void **state)
{
	struct bench *b = *state;
	bool killed = true;

	for (int cut = 0; killed; cut++) {
		struct authz_spec spec = world_delegation(&w);
		struct reply reserved = bench_reserve(b, WORLD_PRIMARY, &spec), r;
		struct authz_cert *cert = world_build(&w, &spec, WORLD_PRIMARY);
		size_t len;
		const unsigned char *der = authz_cert_der(cert, &len);
		struct ask ask = ask_for(WORLD_PRIMARY, "register",
					 bench_registration(bench_text(reserved, "reservation"), der, len));
		const char *active;

		assert_true(cut < CUTS_MAX);
		killed = one_effect(b, cut, &ask, &r);
		assert_string_equal(bench_text(r, "state"), "active");
		/* one counts, not two and not none */
		active = strstr(bench_state(b), " active ");
		assert_non_null(active);
		assert_null(strstr(active + 1, " active "));
		authz_cert_free(cert);
	}
}

static void an_activation_is_told_once(void **state)
{
	struct bench *b = *state;
	bool killed = true;

	for (int cut = 0; killed; cut++) {
		struct ask ask = ask_for(WORLD_CLERK, "activated", NULL);
		struct reply r;

		assert_true(cut < CUTS_MAX);
		killed = one_effect(b, cut, &ask, &r);
	}
}

/* ---- a database that fails ---- */

/* At each call, once; then the same bytes again. True: there was such a call. */
static bool fail_and_repeat(struct bench *b, int call, enum store_result with, const char *code, int status)
{
	struct authz_spec spec = world_spec(&w);
	struct ask ask = ask_for(WORLD_PRIMARY, "reserve", bench_reservation(&spec));
	size_t len;
	uint8_t *bytes = bench_bytes(b, &ask, &len);
	uint64_t rows = bench_audit(b, NULL);
	struct reply r;
	bool failed;

	failure = with;
	fail_at = call;
	r = bench_send(b, bytes, len);
	failed = fail_at < 0;
	fail_at = -1;
	/* the store may have tried again by itself */
	if (r.status != 200) {
		bench_refused(r, code, "");
		assert_int_equal(r.status, status);
		assert_int_equal(bench_audit(b, NULL), rows);
		assert_true(failed);
	}
	r = bench_send(b, bytes, len);
	bench_good(r);
	assert_int_equal(bench_number(r, "sequence"), call + 1);
	assert_int_equal(bench_audit(b, NULL), rows + 1);
	free(bytes);
	return failed;
}

static void a_database_that_is_away_changes_nothing(void **state)
{
	int call = 0;

	while (fail_and_repeat(*state, call, STORE_UNAVAILABLE, "database", 503))
		assert_true(++call < CUTS_MAX);
	assert_true(call > 6);
}

static void a_full_disk_changes_nothing(void **state)
{
	int call = 0;

	while (fail_and_repeat(*state, call, STORE_FULL, "database", 503))
		assert_true(++call < CUTS_MAX);
}

static void a_database_that_makes_no_sense_changes_nothing(void **state)
{
	int call = 0;

	while (fail_and_repeat(*state, call, STORE_BROKEN, "internal", 500))
		assert_true(++call < CUTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH(a_reservation_gets_one_number),
		BENCH(a_certificate_is_registered_and_written_once),
		BENCH(a_delegation_is_replaced_once),
		BENCH(an_activation_is_told_once),
		BENCH(a_database_that_is_away_changes_nothing),
		BENCH(a_full_disk_changes_nothing),
		BENCH(a_database_that_makes_no_sense_changes_nothing),
	};

	return cmocka_run_group_tests(tests, bench_set_up_world, bench_tear_down_world);
}
