#include <stdio.h>
#include <string.h>

#include "tale.h"

#define TESTS_MAX 128
#define NAME_SIZE 100

/* ---- the client ---- */

void tale_begin(void)
{
	module_start();
	bench.slot = slot_of(READER);
	bench.session = open_session(bench.slot);
}

void tale_begin_logged_in(void)
{
	tale_begin();
	assert_int_equal(far_login(bench.session, true), CKR_OK);
}

void tale_end(void)
{
	module_stop();
	far_stage(MEMORY_EMPTY, "finalized");
}

bool tale_says_logged_in(void)
{
	CK_SESSION_INFO info;

	return C_GetSessionInfo(bench.session, &info) == CKR_OK &&
	       info.state == CKS_RW_USER_FUNCTIONS;
}

static int run_client(const char *name, const struct tale *tales, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(tales[i].name, name) != 0)
			continue;
		far_begin();
		tales[i].tell();
		far_end();
		return 0;
	}
	return 4;
}

/* ---- the test program ---- */

static struct vcard *card; /* with its PIN it serves all tales of its generation */

static void nothing_is_left(int generation, const char *name)
{
	struct far_result result;
	size_t known;

	far_skip_unsearched();
	if (!card || vcard_generation(card) != generation) {
		vcard_free(&card);
		card = far_card_new(generation);
	}
	testcard_freshen(card);
	known = secrets_count();
	result = far_run(card, name);
	secrets_keep(known);
	assert_true(result.stages > 0);
	if (result.controls)
		assert_true(result.found.held > 0); /* the search finds what there is */
	if (result.found.wrong)
		fail_msg("%u secrets left", result.found.wrong);
}

static void first_generation(void **state)
{
	nothing_is_left(1, *state);
}

static void second_generation(void **state)
{
	nothing_is_left(2, *state);
}

static int setup(void **state)
{
	(void)state;
	home_make();
	log_level("none"); /* it overwrites the stack; test_secrets.c looks at what it leaves */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vcard_free(&card);
	return 0;
}

int tale_main(int argc, char **argv, const char *title, const struct tale *tales, size_t count)
{
	static void (*const of[])(void **state) = {NULL, first_generation, second_generation};
	static char names[TESTS_MAX][NAME_SIZE];
	struct CMUnitTest tests[TESTS_MAX];
	const char *name = far_story(argc, argv);
	size_t n = 0;

	if (name)
		return run_client(name, tales, count);
	for (int generation = 1; generation <= 2; generation++) {
		for (size_t i = 0; i < count && n < TESTS_MAX; i++) {
			snprintf(names[n], NAME_SIZE, "generation %d: %s", generation, tales[i].name);
			tests[n] = (struct CMUnitTest){names[n], of[generation], NULL, NULL,
						       (void *)tales[i].name};
			n++;
		}
	}
	return _cmocka_run_group_tests(title, tests, n, setup, teardown);
}
