#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "gen2card.h"
#include "judge.h"

#define WAIT_MAX 5000 /* ms, in one scene */
#define NEXT_LIMIT 200 /* s of the real clock */
#define FOUND_WRONG "next.txt"

const char *const judge_questions[QUESTIONS] = {
	[VALUE] = "value", [ERROR] = "error", [AGAIN] = "again", [NEXT] = "next",
	[ANEW] = "anew",   [LEFT] = "left",   [TRIES] = "tries", [TIME] = "time",   [KEPT] = "kept",
};

static void finding(struct verdict *v, enum question q, const char *text)
{
	if (!v->count++)
		snprintf(v->text, sizeof v->text, "%s: %s", judge_questions[q], text);
	v->found[q]++;
}

static void compare(struct verdict *v, enum question q, const struct facts *right, const struct facts *f,
		    bool errors)
{
	char text[200];

	if (!facts_agree(right, f, errors, text, sizeof text))
		finding(v, q, text);
}

static void check_left(struct verdict *v, const char *when)
{
	if (spy_stranger_can_sign(&scene_spy, READER))
		finding(v, LEFT, when);
}

/* Since spy_watch(). */
static void check_verifies(struct verdict *v, const struct facts *f)
{
	if (scene_spy.verifies > f->logins + f->private_ops)
		finding(v, TRIES, "more VERIFYs than allowed");
	if (vcard_tries_left(bench.card) != VCARD_PIN_TRIES)
		finding(v, TRIES, "a PIN try is lost");
}

static void check_time(struct verdict *v)
{
	const unsigned waited = clock_waited();
	char text[60];

	snprintf(text, sizeof text, "%u ms of waiting", waited);
	if (waited > WAIT_MAX)
		finding(v, TIME, text);
}

/* Between calls; there is one reader. */
static void check_connections(struct verdict *v)
{
	char text[60];

	if (fake_in_transaction(READER))
		finding(v, KEPT, "a transaction is left, and everybody waits");

	snprintf(text, sizeof text, "%u connections to one card", fake_open_handles());
	if (fake_open_handles() > 1)
		finding(v, KEPT, text);
}

static void check_kept(struct verdict *v)
{
	char text[60];

	snprintf(text, sizeof text, "%u contexts, %u connections", fake_open_contexts(),
		 fake_open_handles());
	if (fake_open_contexts() + fake_open_handles())
		finding(v, KEPT, text);
	if (fake_left_handles())
		finding(v, KEPT, "a connection was left for its context to close, which resets the card");
}

/* ---- who is to blame ---- */

#define RVS_MAX 12

static const struct {
	enum fault_blame blame;
	CK_RV rvs[RVS_MAX]; /* ends with CKR_OK */
} right_errors[] = {
	{BLAME_CARD, {CKR_DEVICE_ERROR, CKR_TOKEN_NOT_RECOGNIZED, CKR_USER_NOT_LOGGED_IN}},
	{BLAME_PIN, {CKR_DEVICE_ERROR, CKR_TOKEN_NOT_RECOGNIZED, CKR_USER_NOT_LOGGED_IN,
		     CKR_PIN_INCORRECT, CKR_PIN_LOCKED}},
	{BLAME_COMMAND, {CKR_DEVICE_ERROR, CKR_TOKEN_NOT_RECOGNIZED, CKR_FUNCTION_NOT_SUPPORTED,
			 CKR_USER_NOT_LOGGED_IN}},
	{BLAME_GONE, {CKR_DEVICE_REMOVED}},
	{BLAME_MEMORY, {CKR_HOST_MEMORY, CKR_DEVICE_ERROR}},
};

static bool blames(enum fault_blame blame, CK_RV rv)
{
	for (size_t i = 0; i < COUNT(right_errors); i++) {
		for (size_t k = 0; right_errors[i].blame == blame && right_errors[i].rvs[k] != CKR_OK; k++)
			if (right_errors[i].rvs[k] == rv)
				return true;
	}
	return false;
}

struct struck {
	const struct strike *strikes;
	size_t count;
	const struct scene *scene;
};

/* "Blocked" is said of files that the PIN opens as of the PIN. */
static bool says_locked(const struct fault *fault, const struct scene *scene, CK_RV rv)
{
	return scene->records && fault->sw == 0x6983 && rv == CKR_PIN_LOCKED;
}

static bool blames_one(CK_RV rv, void *context)
{
	const struct struck *s = context;

	for (size_t i = 0; i < s->count; i++)
		if (blames(fault_blame(i), rv) || says_locked(s->strikes[i].fault, s->scene, rv))
			return true;
	return false;
}

/* Did one of those lie; one that does not show, if only such count? */
static bool has_lie(const struct struck *s, bool hidden_only)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct fault *fault = s->strikes[i].fault;

		if (fault->lie && !(hidden_only && fault->told))
			return true;
	}
	return false;
}

static bool one_lies(void *context)
{
	return has_lie(context, false);
}

static bool one_deceives(void *context)
{
	return has_lie(context, true);
}

/* The scene with the trouble in it. */
static void judge_answers(const struct judge *judge, const struct judge_trouble *trouble,
			  const struct facts *f, struct verdict *v)
{
	char text[200];

	v->first = facts_first_error(f);
	if (trouble->lies(trouble->context)) {
		if (!facts_results_agree(&judge->right, f, text, sizeof text))
			finding(v, VALUE, text);
		return;
	}
	compare(v, VALUE, &judge->right, f, true);
	snprintf(text, sizeof text, "0x%lx", v->first);
	if (v->first != CKR_OK && !trouble->may_answer(v->first, trouble->context))
		finding(v, ERROR, text);
}

/* ---- a case ---- */

static void work(const struct scene *scene, struct facts *f)
{
	facts_clear(f);
	spy_watch(&scene_spy);
	clock_waited();
	scene->work(f);
}

static void try_again(const struct judge *judge, enum question q, struct verdict *v)
{
	static struct facts f;

	work(judge->scene, &f);
	compare(v, q, &judge->right, &f, false);
	check_verifies(v, &f);
	check_time(v);
}

/* What another program finds out: FOUND_WRONG is written if it is not right. */
static void be_next(const struct judge *judge)
{
	static struct facts f;
	char text[200];

	alarm(NEXT_LIMIT);
	setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failed step must not go on with the parent's tests */
	scene_be_another();
	work(judge->scene, &f);
	if (!facts_agree(&judge->right, &f, false, text, sizeof text))
		home_write(FOUND_WRONG, text, 0600);
	_exit(0);
}

/* While this one runs: what it knows it may still make good. Not asked where there are no children. */
static void ask_next(const struct judge *judge, struct verdict *v)
{
	char text[200] = "";
	FILE *wrong;
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child == 0)
		be_next(judge);
	if (child < 0 && errno == ENOSYS)
		return;
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		finding(v, NEXT, "another process did not end well");
	wrong = fopen(home_path(FOUND_WRONG), "re");
	if (!wrong)
		return;
	if (fgets(text, sizeof text, wrong))
		finding(v, NEXT, text);
	fclose(wrong);
	home_remove(FOUND_WRONG);
}

void judge_trouble(const struct judge *judge, const struct judge_trouble *trouble,
		   struct verdict *v)
{
	static struct facts f;

	*v = (struct verdict){.first = CKR_OK};
	scene_begin(judge->scene);
	trouble->arm(trouble->context);
	work(judge->scene, &f);
	v->struck = trouble->disarm(trouble->context);
	if (v->struck) {
		judge_answers(judge, trouble, &f, v);
		check_verifies(v, &f);
		check_time(v);
		check_connections(v);
		if (!scene_says_logged_in())
			check_left(v, "logged out, and another program can sign");
		/* without a cache it has what it had when the scene began */
		if (scene_has_cache() && !trouble->deceives(trouble->context))
			ask_next(judge, v);
		try_again(judge, AGAIN, v);
		check_connections(v);
		module_stop();
		check_left(v, "finalized, and another program can sign");
		scene_begin_life();
		try_again(judge, ANEW, v);
	}
	module_stop();
	check_left(v, "at the end, and another program can sign");
	check_kept(v);
}

static void arm(void *context)
{
	const struct struck *s = context;

	fault_arm(s->strikes, s->count);
}

static size_t disarm(void *context)
{
	struct struck *s = context;
	size_t struck = fault_disarm();

	s->count = struck;
	fault_mend();
	return struck;
}

void judge_case(const struct judge *judge, const struct strike *strikes, size_t count, struct verdict *v)
{
	struct struck s = {strikes, count, judge->scene};
	const struct judge_trouble trouble = {arm, disarm, &s, blames_one, one_lies, one_deceives};

	judge_trouble(judge, &trouble, v);
}

/* A card whose cache is out of date must not be the measure of itself. */
static void check_right(const struct judge *judge, const struct facts *afresh)
{
	char text[200] = "";
	CK_RV rv = facts_first_error(&judge->right);

	if (rv != CKR_OK)
		snprintf(text, sizeof text, "0x%lx", rv);
	else if (facts_agree(afresh, &judge->right, false, text, sizeof text))
		return;
	fprintf(stderr, "%s, without a fault: %s\n", judge->scene->name, text);
	exit(1);
}

void judge_begin(struct judge *judge, const struct scene *scene)
{
	static struct facts afresh;

	judge->scene = scene;
	scene_begin_unprepared(scene);
	work(scene, &afresh);
	module_stop();
	scene_begin(scene);
	work(scene, &judge->right);
	judge->commands = scene_spy.commands;
	check_right(judge, &afresh);
	module_stop();
}
