/*
 * One bad moment: every command of what programs do with a card, and the
 * faults that tell most. tests/sweep asks the same (judge.h) of more scenes
 * and of all faults; this is the part of it that each `make check` does whole.
 */
#include "judge.h"

static const char *const names[] = {
	"lost answer", "lost answer, then mute", "one byte", "garbled", "not done: 6F00",
	"not done: 6982", "not done: 6A82", "done: 6282", "silent reset",
	"card pulled in the answer",
};

static int generation;

/* How many findings. */
static unsigned strike(const struct judge *judge, const struct fault *fault)
{
	unsigned findings = 0;

	for (unsigned n = 1; n <= judge->commands; n++) {
		const struct strike at = {fault, n};
		struct verdict v;

		judge_case(judge, &at, 1, &v);
		findings += v.count;
		if (v.count)
			print_error("generation %d, %s, %s at command %u: %s\n", generation,
				    judge->scene->name, fault->name, n, v.text);
	}
	return findings;
}

static void one_bad_moment(void **state)
{
	static struct judge judge;
	unsigned findings = 0;

	scene_open(scene_find(*state), generation);
	judge_begin(&judge, scene_find(*state));
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_non_null(fault_find(names[i]));
		findings += strike(&judge, fault_find(names[i]));
	}
	print_message("# generation %d, %s: %u commands, %zu faults each, %u findings\n", generation,
		      judge.scene->name, judge.commands, COUNT(names), findings);
	if (findings)
		fail_msg("%u findings", findings);
}

/*
 * A public key that was read wrong, by a bit, is found out by the first result
 * that does not fit it, and not kept: the next try reads it again.
 */
static void a_key_that_was_read_wrong_is_not_kept(void **state)
{
	static const char *const wrong[] = {"the first bit", "a bit in the middle", "the last bit"};
	static struct judge judge;
	unsigned findings = 0;

	generation = 1;
	scene_open(scene_find(*state), generation);
	judge_begin(&judge, scene_find(*state));
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct fault fault = *fault_find(wrong[i]);

		/* here it has to be noticed, and without the card being put in again */
		fault.blame = BLAME_CARD;
		fault.lie = false;
		fault.mend = NULL;
		findings += strike(&judge, &fault);
	}
	assert_int_equal(findings, 0);
}

static void first_generation(void **state)
{
	generation = 1;
	one_bad_moment(state);
}

static void second_generation(void **state)
{
	generation = 2;
	one_bad_moment(state);
}

static int teardown(void **state)
{
	int bad = bench_teardown(state);

	scene_close();
	return bad;
}

#define SCENE(scene, name) {"generation 1: " name, first_generation, NULL, teardown, (void *)(scene)}, \
			   {"generation 2: " name, second_generation, NULL, teardown, (void *)(scene)}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE("listing", "one bad moment while objects are listed"),
		SCENE("listing with a cache", "one bad moment while objects are listed with a cache"),
		SCENE("reading", "one bad moment while certificates and keys are read"),
		SCENE("login", "one bad moment during a login"),
		SCENE("signature", "one bad moment during a signature"),
		SCENE("decryption", "one bad moment during a decryption"),
		{"a key that was read wrong for a signature is not kept",
		 a_key_that_was_read_wrong_is_not_kept, NULL, teardown, (void *)"signature"},
		{"a key that was read wrong for a decryption is not kept",
		 a_key_that_was_read_wrong_is_not_kept, NULL, teardown, (void *)"decryption"},
	};

	return cmocka_run_group_tests_name("moments", tests, NULL, NULL);
}
