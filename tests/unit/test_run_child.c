/* What crashes, hangs or leaves in a child does so alone, and its answer up to then is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/twcard/run_child.h"

enum deed { END_WELL, CRASH, HANG, LEAVE, LEAVE_AS_IF_WELL, HANG_WITHOUT_PIPE, ORPHAN, SHOUT };

static void act(int out, void *context)
{
	enum deed deed = *(enum deed *)context;

	dprintf(out, "begun");
	switch (deed) {
	case CRASH:
		raise(SIGSEGV);
		break;
	case LEAVE:
		_exit(3);
	case LEAVE_AS_IF_WELL:
		_exit(0);
	case HANG_WITHOUT_PIPE:
		close(out); /* fallthrough */
	case HANG:
		for (;;)
			pause();
	case ORPHAN:
		if (fork() == 0)
			for (;;)
				pause();
		break;
	case SHOUT:
		for (int i = 0; i < 10000; i++)
			dprintf(out, "0123456789");
		break;
	case END_WELL:
		break;
	}
}

static struct child_answer answer;

static void run(enum deed deed, unsigned limit_ms)
{
	child_run(act, &deed, limit_ms, &answer);
	assert_true(waitpid(-1, NULL, WNOHANG) < 0); /* no zombie */
}

static void the_end_is_told(void **state)
{
	(void)state;
	run(END_WELL, 20000);
	assert_int_equal(answer.end, CHILD_DONE);
	assert_string_equal(answer.text, "begun");
	run(CRASH, 20000);
	assert_int_equal(answer.end, CHILD_CRASHED);
	assert_int_equal(answer.signal, SIGSEGV);
	assert_string_equal(answer.text, "begun");
	run(LEAVE, 20000);
	assert_int_equal(answer.end, CHILD_CRASHED);
	assert_int_equal(answer.signal, 0);
	run(LEAVE_AS_IF_WELL, 20000);
	assert_int_equal(answer.end, CHILD_CRASHED);
}

static void who_hangs_is_ended_in_time(void **state)
{
	static const enum deed deeds[] = {HANG, HANG_WITHOUT_PIPE};
	time_t start = time(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
		run(deeds[i], 300);
		assert_int_equal(answer.end, CHILD_HUNG);
		assert_string_equal(answer.text, "begun");
	}
	assert_true(time(NULL) - start < 60);
}

static void what_it_started_is_ended_with_it(void **state)
{
	(void)state;
	run(ORPHAN, 500); /* who keeps the pipe open */
	assert_int_equal(answer.end, CHILD_DONE);
	assert_string_equal(answer.text, "begun");
}

static void a_long_answer_is_cut(void **state)
{
	(void)state;
	run(SHOUT, 20000);
	assert_int_equal(answer.end, CHILD_DONE);
	assert_int_equal(answer.len, CHILD_ANSWER_MAX);
	assert_int_equal(strlen(answer.text), CHILD_ANSWER_MAX);
}

static void a_program_answers_on_its_standard_output(void **state)
{
	static char name[] = "/bin/echo", word[] = "hello", none[] = "/nowhere/none";
	char *const argv[] = {name, word, NULL};

	(void)state;
	child_run_program(name, argv, 20000, &answer);
	assert_int_equal(answer.end, CHILD_DONE);
	assert_string_equal(answer.text, "hello\n");
	child_run_program(none, argv, 20000, &answer);
	assert_int_equal(answer.end, CHILD_CRASHED);
	assert_int_equal(answer.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_is_told),
		cmocka_unit_test(who_hangs_is_ended_in_time),
		cmocka_unit_test(what_it_started_is_ended_with_it),
		cmocka_unit_test(a_long_answer_is_cut),
		cmocka_unit_test(a_program_answers_on_its_standard_output),
	};

	return cmocka_run_group_tests_name("children", tests, NULL, NULL);
}
