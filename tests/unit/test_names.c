/*
 * The names of cards: what may be one, damaged and foreign files, two writers,
 * a file that cannot be written, and the token's label.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/names.h"
#include "child.h"
#include "gen2card.h"

#define FILE_NAME "xdg/twcard/names"
#define WRITERS 4
#define ROUNDS 25

static int setup(void **state)
{
	(void)state;
	home_make();
	home_remove("xdg");
	unsetenv("HOME");
	setenv("XDG_CONFIG_HOME", home_path("xdg"), 1);
	return 0;
}

static void assert_name(const char *number, const char *wanted)
{
	char name[NAMES_SIZE];

	assert_int_equal(names_get(number, name), *wanted != '\0');
	assert_string_equal(name, wanted);
}

/* The file as it is; valid until the next call. */
static const char *text_of_file(void)
{
	static char text[70000];
	FILE *file = fopen(home_path(FILE_NAME), "re");
	size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;

	if (file)
		fclose(file);
	text[n] = '\0';
	return text;
}

static void make_file(const char *text)
{
	assert_int_equal(names_set("MAKES1FOLDERS", "x"), NAMES_CHANGED);
	home_write(FILE_NAME, text, 0600);
}

static unsigned count_files(void)
{
	DIR *folder = opendir(home_path("xdg/twcard"));
	const struct dirent *entry;
	unsigned count = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(folder);
	return count;
}

/* ---- names ---- */

static void what_may_be_a_name(void **state)
{
	static const struct {
		const char *name;
		enum names_fault fault;
	} rows[] = {
		{"正卡", NAMES_GOOD},
		{"a", NAMES_GOOD},
		{"= # ; \"x\" % \\", NAMES_GOOD},
		{"一二三四五六七八九十", NAMES_GOOD},
		{"12345678901234567890123456789012", NAMES_GOOD},
		{"", NAMES_EMPTY},
		{"123456789012345678901234567890123", NAMES_LONG},
		{"一二三四五六七八九十一", NAMES_LONG},
		{" a", NAMES_BLANKS},
		{"a ", NAMES_BLANKS},
		{"a\nB = c", NAMES_UNSAFE},
		{"\t", NAMES_UNSAFE},
		{"\033[2J", NAMES_UNSAFE},
		{"a\x7F", NAMES_UNSAFE},
		{"\xC2\x9B" "2J", NAMES_UNSAFE},
		{"a\xE2\x80\xAE" "b", NAMES_UNSAFE},
		{"\xFF", NAMES_NO_UTF8},
		{"a\xC0\x80", NAMES_NO_UTF8},
		{"\xED\xA0\x80", NAMES_NO_UTF8},
		{"\xE6\xAD", NAMES_NO_UTF8},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (names_check(rows[i].name) != rows[i].fault)
			fail_msg("row %zu: %d", i, (int)names_check(rows[i].name));
		if (rows[i].fault == NAMES_GOOD) {
			assert_int_equal(names_set("TP1", rows[i].name), NAMES_CHANGED);
			assert_name("TP1", rows[i].name);
		} else {
			assert_int_equal(names_set("TP2", rows[i].name), NAMES_FAILED);
			assert_name("TP2", "");
		}
	}
}

static void what_may_be_a_number(void **state)
{
	static const char *const bad[] = {"", " ", "a b", "TP=1", "../x", "TP\n1", "正"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(names_set(bad[i], "x"), NAMES_FAILED);
		assert_int_equal(errno, EBADMSG);
		assert_name(bad[i], "");
	}
	assert_string_equal(text_of_file(), "");
}

/* ---- the file ---- */

static void a_name_is_set_changed_and_taken_away(void **state)
{
	(void)state;
	assert_name("TP1", "");
	assert_int_equal(names_set("TP1", NULL), NAMES_SAME);
	assert_int_equal(names_set("TP1", "正卡"), NAMES_CHANGED);
	assert_int_equal(names_set("TP1", "正卡"), NAMES_SAME);
	assert_int_equal(names_set("TP2", "附卡"), NAMES_CHANGED);
	assert_int_equal(names_set("TP1", "head office"), NAMES_CHANGED);
	assert_name("TP1", "head office");
	assert_name("TP2", "附卡");
	assert_name("TP", "");
	assert_name("TP11", "");
	assert_string_equal(text_of_file(), "TP2 = 附卡\nTP1 = head office\n");
	assert_int_equal(names_set("TP2", NULL), NAMES_CHANGED);
	assert_name("TP2", "");
	assert_name("TP1", "head office");
	assert_int_equal(count_files(), 2); /* the lock is the other one */
}

static void the_file_is_the_users_alone(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(names_set("TP1", "x"), NAMES_CHANGED);
	assert_int_equal(stat(home_path(FILE_NAME), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void what_is_not_understood_stays(void **state)
{
	const char *text = "# mine\n\n=\nTP3\n\xFF\xFE\nTP1=old\r\n TP2 =  two  \nTP1 = twice\nno end";

	(void)state;
	make_file(text);
	assert_name("TP1", "old");
	assert_name("TP2", "two");
	assert_name("TP3", "");
	assert_int_equal(names_set("TP1", "new"), NAMES_CHANGED);
	assert_string_equal(text_of_file(),
			    "# mine\n\n=\nTP3\n\xFF\xFE\n TP2 =  two  \nno end\nTP1 = new\n");
	assert_int_equal(names_set("TP9", NULL), NAMES_SAME);
}

static void a_bad_line_is_no_name(void **state)
{
	static const char bytes[] = "TP1 = a\0b\nTP2 = \xFF\nTP3 = \033[2J\nTP4 = \nTP5 = "
				    "123456789012345678901234567890123\nTP6 = \xE2\x80\xAE\nTP1 = good\n";

	(void)state;
	make_file("");
	home_write_bytes(FILE_NAME, bytes, sizeof bytes - 1, 0600);
	for (const char *number = "TP2\0TP3\0TP4\0TP5\0TP6\0"; *number; number += 4)
		assert_name(number, "");
	assert_name("TP1", "good");
	assert_int_equal(names_set("TP2", NULL), NAMES_CHANGED);
	assert_int_equal(names_set("TP2", NULL), NAMES_SAME);
}

static void what_is_no_file_of_names_is_left_alone(void **state)
{
	static char large[65537];
	struct stat st;

	(void)state;
	memset(large, '#', sizeof large - 1);
	make_file(large);
	assert_int_equal(names_set("TP1", "x"), NAMES_FAILED);
	assert_int_equal(errno, EFBIG);
	assert_name("TP1", "");
	assert_int_equal(stat(home_path(FILE_NAME), &st), 0);
	assert_int_equal(st.st_size, sizeof large - 1);
	home_remove(FILE_NAME);
	assert_int_equal(mkdir(home_path(FILE_NAME), 0700), 0);
	assert_name("TP1", "");
	assert_int_equal(names_set("TP1", "x"), NAMES_FAILED);
}

static void a_pipe_is_not_waited_for(void **state)
{
	(void)state;
	make_file("");
	home_remove(FILE_NAME);
	assert_int_equal(mkfifo(home_path(FILE_NAME), 0600), 0);
	assert_name("TP1", "");
	assert_int_equal(names_set("TP1", "x"), NAMES_FAILED);
	assert_int_equal(errno, EINVAL);
}

static void a_link_is_followed(void **state)
{
	struct stat st;

	(void)state;
	make_file("");
	home_write("elsewhere", "TP1 = one\n", 0600);
	home_remove(FILE_NAME);
	assert_int_equal(symlink("../../elsewhere", home_path(FILE_NAME)), 0);
	assert_name("TP1", "one");
	assert_int_equal(names_set("TP1", "two"), NAMES_CHANGED);
	assert_int_equal(lstat(home_path(FILE_NAME), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_name("TP1", "two");
}

static void without_a_home_there_are_no_names(void **state)
{
	(void)state;
	unsetenv("XDG_CONFIG_HOME");
	assert_int_equal(names_set("TP1", "x"), NAMES_FAILED);
	assert_int_equal(errno, ENOENT);
	assert_name("TP1", "");
	setenv("XDG_CONFIG_HOME", "/dev/null/none", 1);
	assert_int_equal(names_set("TP1", "x"), NAMES_FAILED);
	setenv("XDG_CONFIG_HOME", home_path("xdg"), 1);
	setenv("HOME", home_path("xdg"), 1);
	unsetenv("XDG_CONFIG_HOME");
	assert_int_equal(names_set("TP1", "x"), NAMES_CHANGED);
	assert_int_equal(access(home_path("xdg/.config/twcard/names"), F_OK), 0);
}

/* ---- failures, and others ---- */

/* As on a full disk: in the middle of the write there is no more room. */
static void a_file_that_cannot_be_written_is_as_it_was(void **state)
{
	struct rlimit all, little;
	enum names_change done;
	int error;

	(void)state;
	make_file("TP1 = one\nTP2 = two\n");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	little = (struct rlimit){20, all.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	done = names_set("TP3", "three");
	error = errno;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_int_equal(done, NAMES_FAILED);
	assert_int_equal(error, EFBIG);
	assert_string_equal(text_of_file(), "TP1 = one\nTP2 = two\n");
	assert_int_equal(count_files(), 2);
}

static void what_a_killed_writer_left_does_no_harm(void **state)
{
	char name[100];

	(void)state;
	make_file("TP1 = one\n");
	snprintf(name, sizeof name, FILE_NAME ".%ld.new", (long)getpid());
	home_write(name, "TP1 = ha", 0600);
	assert_int_equal(names_set("TP2", "two"), NAMES_CHANGED);
	assert_string_equal(text_of_file(), "TP1 = one\nTP2 = two\n");
	assert_int_equal(count_files(), 2);
}

/* A writer that was stopped: others give up, and what is there can be read. */
static void a_lock_is_not_waited_for_forever(void **state)
{
	int lock;

	(void)state;
	make_file("TP1 = one\n");
	lock = open(home_path(FILE_NAME ".lock"), O_RDWR | O_CLOEXEC);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(names_set("TP2", "two"), NAMES_FAILED);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_name("TP1", "one");
	close(lock);
	assert_int_equal(names_set("TP2", "two"), NAMES_CHANGED);
}

static void nothing_that_two_write_is_lost(void **state)
{
	pid_t children[WRITERS];
	char number[32], name[32];

	(void)state;
	make_file("TP1 = one\n");
	for (int w = 0; w < WRITERS; w++) {
		children[w] = child_start();
		for (int i = 0; children[w] == 0 && i < ROUNDS; i++) {
			snprintf(number, sizeof number, "W%dR%d", w, i);
			CHILD_WANTS(names_set(number, number) == NAMES_CHANGED);
		}
		if (children[w] == 0)
			child_done_leaving_memory();
	}
	for (int w = 0; w < WRITERS; w++)
		child_assert_well(children[w]);
	for (int i = 0; i < WRITERS * ROUNDS; i++) {
		snprintf(name, sizeof name, "W%dR%d", i / ROUNDS, i % ROUNDS);
		assert_name(name, name);
	}
	assert_name("TP1", "one");
}

/* ---- the token's label ---- */

static void assert_label(const char *wanted)
{
	CK_TOKEN_INFO info;
	char padded[33];

	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	memset(padded, ' ', 32);
	memcpy(padded, wanted, strlen(wanted));
	assert_memory_equal(info.label, padded, 32);
}

static const char *number_of_card(void)
{
	static char number[17];
	CK_TOKEN_INFO info;

	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	memcpy(number, info.serialNumber, 16);
	number[strcspn(number, " ")] = '\0';
	return number;
}

static int setup_card(void **state)
{
	return setup(state) || gen2_setup(state);
}

static void begin_with(const char *setting)
{
	assert_int_equal(C_Finalize(NULL), CKR_OK);
	home_write("names.conf", setting, 0600);
	setenv("TWCARD_CONF", home_path("names.conf"), 1);
	assert_int_equal(C_Initialize(NULL), CKR_OK);
}

static void the_label_is_the_name_only_if_it_is_wanted(void **state)
{
	(void)state;
	assert_int_equal(names_set(number_of_card(), "一二三四五六七八九十ab"), NAMES_CHANGED);
	assert_label("HiCOS PKI Smart Card");
	begin_with("token-name = yes\n");
	assert_label("一二三四五六七八九十ab");
	assert_int_equal(names_set(number_of_card(), "正卡"), NAMES_CHANGED);
	assert_label("正卡");
	assert_int_equal(names_set(number_of_card(), NULL), NAMES_CHANGED);
	assert_label("HiCOS PKI Smart Card");
	assert_int_equal(names_set("OTHER1", "x"), NAMES_CHANGED);
	assert_label("HiCOS PKI Smart Card");
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_may_be_a_name),
		TEST(what_may_be_a_number),
		TEST(a_name_is_set_changed_and_taken_away),
		TEST(the_file_is_the_users_alone),
		TEST(what_is_not_understood_stays),
		TEST(a_bad_line_is_no_name),
		TEST(what_is_no_file_of_names_is_left_alone),
		TEST(a_pipe_is_not_waited_for),
		TEST(a_link_is_followed),
		TEST(without_a_home_there_are_no_names),
		TEST(a_file_that_cannot_be_written_is_as_it_was),
		TEST(what_a_killed_writer_left_does_no_harm),
		TEST(a_lock_is_not_waited_for_forever),
		TEST(nothing_that_two_write_is_lost),
		cmocka_unit_test_setup_teardown(the_label_is_the_name_only_if_it_is_wanted, setup_card,
						gen2_teardown),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
