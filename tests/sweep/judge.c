#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "judge.h"

#define WAIT_MAX 5000 /* ms, in one scene */

const char *const judge_questions[QUESTIONS] = {
	[VALUE] = "value", [ERROR] = "error", [AGAIN] = "again", [ANEW] = "anew",
	[LEFT] = "left",   [TRIES] = "tries", [TIME] = "time",   [KEPT] = "kept",
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

static void check_kept(struct verdict *v)
{
	char text[60];

	snprintf(text, sizeof text, "%u contexts, %u connections", fake_open_contexts(),
		 fake_open_handles());
	if (fake_open_contexts() + fake_open_handles())
		finding(v, KEPT, text);
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
	{BLAME_COMMAND, {CKR_DEVICE_ERROR, CKR_TOKEN_NOT_RECOGNIZED, CKR_FUNCTION_NOT_SUPPORTED}},
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
};

static bool blames_one(CK_RV rv, void *context)
{
	const struct struck *s = context;

	for (size_t i = 0; i < s->count; i++)
		if (blames(s->strikes[i].fault->blame, rv))
			return true;
	return false;
}

static bool one_lies(void *context)
{
	const struct struck *s = context;

	for (size_t i = 0; i < s->count; i++)
		if (s->strikes[i].fault->lie)
			return true;
	return false;
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
		if (!scene_says_logged_in())
			check_left(v, "logged out, and another program can sign");
		try_again(judge, AGAIN, v);
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
	struct struck s = {strikes, count};
	const struct judge_trouble trouble = {arm, disarm, &s, blames_one, one_lies};

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
