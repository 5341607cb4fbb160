/*
 * Marks of PINs that are being tried: where they are, what they say, and that
 * nothing that somebody else put in their place does any harm.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "child.h"
#include "gen2card.h"
#include "src/token/pin_watch.h"

#define NUMBER "TP00000000000042"
#define MARK "run/twcard/" NUMBER ".pin"
#define FOLDER_MAX 1100 /* bytes of a path and its end, as pin_watch.c has it */

static int setup(void **state)
{
	(void)state;
	home_make();
	home_remove(MARK);
	rmdir(home_path("run/twcard"));
	mkdir(home_path("run"), 0700);
	setenv("XDG_RUNTIME_DIR", home_path("run"), 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	home_remove(MARK);
	rmdir(home_path(MARK));
	setenv("XDG_RUNTIME_DIR", "/dev/null/none", 1);
	return 0;
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* ---- what they say ---- */

static void a_mark_is_a_failure_until_it_is_taken_back(void **state)
{
	uint64_t start = pin_watch_now(), first, second;

	(void)state;
	assert_true(start > 0);
	assert_false(pin_watch_failed(NUMBER, 0));
	assert_false(is_there(home_path("run/twcard"))); /* who only asks makes nothing */
	first = pin_watch_mark(NUMBER);
	assert_int_equal(first, 0);
	assert_true(pin_watch_failed(NUMBER, start));
	assert_false(pin_watch_failed(NUMBER, pin_watch_now()));
	assert_false(pin_watch_failed("TP00000000000043", 0));
	second = pin_watch_mark(NUMBER); /* another process, before the first has an answer */
	assert_true(second > start && second < pin_watch_now());
	pin_watch_unmark(NUMBER, second);
	assert_true(pin_watch_failed(NUMBER, second - 1));
	assert_false(pin_watch_failed(NUMBER, second)); /* it is as old as that, not newer */
	pin_watch_unmark(NUMBER, first);
	assert_false(pin_watch_failed(NUMBER, 0));
}

/* A shorter number over a longer one. */
static void nothing_of_an_older_mark_is_left(void **state)
{
	(void)state;
	(void)pin_watch_mark(NUMBER);
	pin_watch_unmark(NUMBER, 5);
	assert_true(pin_watch_failed(NUMBER, 4));
	assert_false(pin_watch_failed(NUMBER, 5));
	pin_watch_unmark(NUMBER, 0);
	assert_false(pin_watch_failed(NUMBER, 0));
}

static void what_makes_no_sense_says_nothing(void **state)
{
	static const char *const texts[] = {"", "\n", "x", "-1", "99999999999999999999999",
					    "18446744073709551615\n", "0\n"};

	(void)state;
	(void)pin_watch_mark(NUMBER);
	for (size_t i = 0; i < COUNT(texts); i++) {
		home_write_bytes(MARK, texts[i], strlen(texts[i]), 0600);
		assert_false(pin_watch_failed(NUMBER, 0));
		assert_int_equal(pin_watch_mark(NUMBER), 0);
		assert_true(pin_watch_failed(NUMBER, 0));
	}
}

/* ---- where they are ---- */

static void whoever_has_the_card_may_say_so(void **state)
{
	mode_t mask = umask(077);
	struct stat st;

	(void)state;
	(void)pin_watch_mark(NUMBER);
	umask(mask);
	assert_int_equal(stat(home_path(MARK), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	assert_int_equal(stat(home_path("run/twcard"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

/* Its name is the card's to choose. */
static void a_number_is_letters_and_digits(void **state)
{
	static const char *const numbers[] = {"", "../x", "a/b", ".", "a b", "a.b"};

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		(void)pin_watch_mark(numbers[i]);
		assert_false(pin_watch_failed(numbers[i], 0));
	}
	assert_false(is_there(home_path("run/x.pin")));
	assert_false(is_there(home_path("run/twcard/.pin")));
	(void)pin_watch_mark("azAZ09");
	assert_true(pin_watch_failed("azAZ09", 0));
	home_remove("run/twcard/azAZ09.pin");
}

static void without_a_runtime_folder_it_is_in_tmp(void **state)
{
	static const char *const folders[] = {NULL, "relative", ""};
	static const char path[] = "/tmp/.twcard-" NUMBER ".pin";

	(void)state;
	for (size_t i = 0; i < COUNT(folders); i++) {
		if (folders[i])
			setenv("XDG_RUNTIME_DIR", folders[i], 1);
		else
			unsetenv("XDG_RUNTIME_DIR");
		(void)pin_watch_mark(NUMBER);
		assert_true(is_there(path));
		assert_true(pin_watch_failed(NUMBER, 0));
		assert_int_equal(unlink(path), 0);
	}
}

/* One byte decides; more slashes name the same folder. */
static void a_path_that_is_too_long_is_none(void **state)
{
	static char folder[2 * FOLDER_MAX];
	size_t rest = strlen("/twcard/" NUMBER ".pin");

	(void)state;
	for (size_t len = FOLDER_MAX - rest - 2; len < FOLDER_MAX + 2; len++) {
		bool fits = len + rest < FOLDER_MAX;

		memset(folder, '/', len);
		folder[len] = 0;
		memcpy(folder, home_path("run"), strlen(home_path("run")));
		setenv("XDG_RUNTIME_DIR", folder, 1);
		(void)pin_watch_mark(NUMBER);
		assert_int_equal(pin_watch_failed(NUMBER, 0), fits);
		assert_int_equal(is_there(home_path(MARK)), fits);
		home_remove(MARK);
	}
}

/* ---- what else may be there ---- */

static void links_pipes_and_folders_are_left_alone(void **state)
{
	(void)state;
	mkdir(home_path("run/twcard"), 0700);
	home_write_bytes("run/victim", "1\n", 2, 0600);
	assert_int_equal(symlink(home_path("run/victim"), home_path(MARK)), 0);
	(void)pin_watch_mark(NUMBER);
	assert_false(pin_watch_failed(NUMBER, 0));
	pin_watch_unmark(NUMBER, 3);
	home_remove(MARK);
	assert_int_equal(mkfifo(home_path(MARK), 0600), 0);
	assert_int_equal(pin_watch_mark(NUMBER), 0);
	assert_false(pin_watch_failed(NUMBER, 0));
	home_remove(MARK);
	assert_int_equal(mkdir(home_path(MARK), 0700), 0);
	assert_int_equal(pin_watch_mark(NUMBER), 0);
	assert_false(pin_watch_failed(NUMBER, 0));
	home_remove("run/victim");
}

static void no_file_stays_open(void **state)
{
	unsigned before = count_open_files();

	(void)state;
	(void)pin_watch_mark(NUMBER);
	(void)pin_watch_failed(NUMBER, 0);
	pin_watch_unmark(NUMBER, 0);
	home_remove(MARK);
	assert_int_equal(mkfifo(home_path(MARK), 0600), 0);
	(void)pin_watch_mark(NUMBER);
	(void)pin_watch_failed(NUMBER, 0);
	assert_int_equal(count_open_files(), before);
}

/* A daemon may have closed its standard streams: the first file is number 0 then. */
static void a_file_may_have_the_number_0(void **state)
{
	pid_t child = child_start();

	(void)state;
	if (child == 0) {
		unsigned before;

		close(0);
		before = count_open_files();
		CHILD_WANTS(pin_watch_mark(NUMBER) == 0);
		CHILD_WANTS(pin_watch_failed(NUMBER, 0));
		pin_watch_unmark(NUMBER, 5);
		CHILD_WANTS(pin_watch_mark(NUMBER) == 5);
		CHILD_WANTS(count_open_files() == before);
		child_done_leaving_memory();
	}
	child_assert_well(child);
}

static void a_program_without_standard_input_leaves_marks_all_the_same(void **state)
{
	bool marked, still;
	int saved;

	(void)state;
	(void)pin_watch_mark(NUMBER); /* the file is there, or has to be made */
	for (int there = 1; there >= 0; there--) {
		saved = stdin_close();
		(void)pin_watch_mark(NUMBER);
		marked = pin_watch_failed(NUMBER, 0);
		pin_watch_unmark(NUMBER, 0);
		still = pin_watch_failed(NUMBER, 0);
		stdin_open(saved);
		assert_true(marked && !still);
		home_remove(MARK);
	}
}

static void a_file_of_another_kind_does_not_stay_open(void **state)
{
	int saved;

	(void)state;
	(void)pin_watch_mark(NUMBER);
	home_remove(MARK);
	assert_int_equal(mkfifo(home_path(MARK), 0600), 0);
	saved = stdin_close();
	(void)pin_watch_mark(NUMBER);
	assert_false(pin_watch_failed(NUMBER, 0));
	stdin_open(saved);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mark_is_a_failure_until_it_is_taken_back),
		TEST(a_program_without_standard_input_leaves_marks_all_the_same),
		TEST(a_file_of_another_kind_does_not_stay_open),
		TEST(nothing_of_an_older_mark_is_left),
		TEST(what_makes_no_sense_says_nothing),
		TEST(whoever_has_the_card_may_say_so),
		TEST(a_number_is_letters_and_digits),
		TEST(without_a_runtime_folder_it_is_in_tmp),
		TEST(a_path_that_is_too_long_is_none),
		TEST(links_pipes_and_folders_are_left_alone),
		TEST(no_file_stays_open),
		TEST(a_file_may_have_the_number_0),
	};

	return cmocka_run_group_tests_name("marks of PINs", tests, NULL, NULL);
}
