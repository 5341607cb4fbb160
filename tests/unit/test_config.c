/*
 * twcard.conf: every key, what is wrong with a file and what is said about it,
 * which file counts, and what a privileged process makes of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apdu/log.h"
#include "src/base/config_file.h"
#include "src/base/settings.h"
#include "child.h"
#include "gen2card.h"

#define PRIVILEGED "--privileged"

static struct config config;
static char said[65536];

static void hear(enum log_level level, const char *line, void *context)
{
	size_t n = strlen(said);

	(void)level;
	(void)context;
	snprintf(said + n, sizeof said - n, "%s\n", line);
}

static void read_config(void)
{
	memset(&config, 0xA5, sizeof config);
	said[0] = '\0';
	config_read(&config);
	log_set(LOG_TRACE, hear, NULL);
	config_report();
	log_set(LOG_NONE, NULL, NULL);
}

static void read_text(const char *text)
{
	home_write("test.conf", text, 0600);
	setenv("TWCARD_CONF", home_path("test.conf"), 1);
	read_config();
}

static int setup(void **state)
{
	(void)state;
	home_make();
	home_remove("xdg");
	home_remove("home");
	unsetenv("TWCARD_DEBUG");
	setenv("XDG_CONFIG_HOME", home_path("xdg"), 1);
	setenv("HOME", home_path("home"), 1);
	return 0;
}

static void assert_says(const char *text)
{
	if (!strstr(said, text))
		fail_msg("not said: \"%s\", but:\n%s", text, said);
}

static void assert_silent(void)
{
	if (said[0])
		fail_msg("said: %s", said);
}

static void assert_defaults(void)
{
	assert_false(config.allow_unproven);
	assert_false(config.holder_labels);
	assert_true(config.cache);
	assert_int_equal(config.log, LOG_NONE);
	assert_int_equal(config.session_objects, 10000);
	assert_string_equal(config.log_file, "");
	assert_string_equal(config.keyset_dir, "");
	assert_string_equal(config.reader, "");
}

/* ---- keys and values ---- */

static void every_key_is_known(void **state)
{
	(void)state;
	read_text("# a comment\n; another\nallow-unproven = yes\ncache = no\nlog = debug\n"
		  "log-file = /var/log/twcard.log\nkeyset-dir = /etc/other/keysets\n"
		  "session-objects = 17\nlabels = holder\nreader = A Reader 01 00\n"
		  "authority = https://a.example\nauthority-ca = /etc/ca.pem\n"
		  "authority-proxy = socks5://b.example:1080\n");
	assert_string_equal(config.authority, "https://a.example");
	assert_string_equal(config.authority_ca, "/etc/ca.pem");
	assert_string_equal(config.authority_proxy, "socks5://b.example:1080");
	assert_true(config.holder_labels);
	assert_int_equal(config.session_objects, 17);
	assert_string_equal(config.reader, "A Reader 01 00");
	assert_silent();
	assert_true(config.allow_unproven);
	assert_false(config.cache);
	assert_int_equal(config.log, LOG_DEBUG);
	assert_string_equal(config.log_file, "/var/log/twcard.log");
	assert_string_equal(config.keyset_dir, "/etc/other/keysets");
	assert_string_equal(config.keyset_dirs[0], "/etc/other/keysets");
	assert_null(config.keyset_dirs[1]);
}

static void yes_and_no_have_several_words(void **state)
{
	static const char *const yes[] = {"yes", "true", "on", "1", "YES", "True"};
	static const char *const no[] = {"no", "false", "off", "0", "No", "OFF"};
	char text[100];

	(void)state;
	for (size_t i = 0; i < COUNT(yes); i++) {
		snprintf(text, sizeof text, "allow-unproven = %s\ncache = %s\n", yes[i], no[i]);
		read_text(text);
		assert_silent();
		assert_true(config.allow_unproven);
		assert_false(config.cache);
	}
}

static void every_level_is_known(void **state)
{
	static const char *const words[] = {"none", "error", "info", "debug", "trace"};
	char text[100];

	(void)state;
	for (int i = 0; i < (int)COUNT(words); i++) {
		snprintf(text, sizeof text, "log = %s\n", words[i]);
		read_text(text);
		assert_silent();
		assert_int_equal(config.log, i);
	}
}

static void an_unknown_key_is_named_and_ignored(void **state)
{
	(void)state;
	read_text("Cache = no\nallow-unproven = yes\nfrobnicate = 7\n[section]\ncache = no\n");
	assert_says("Cache is not known: ignored");
	assert_says("frobnicate is not known: ignored");
	assert_says("section/cache is not known: ignored");
	assert_says(home_path("test.conf"));
	assert_true(config.cache);
	assert_true(config.allow_unproven);
}

static void a_bad_value_is_named_and_ignored(void **state)
{
	(void)state;
	read_text("allow-unproven = maybe\ncache = 2\nlog = loud\nlog-file = relative/path\n"
		  "labels = owner\nkeyset-dir = ~/keysets\nsession-objects = -1\nsession-objects = 1e3\n"
		  "session-objects = 1000000001\nauthority = a.example\nauthority-proxy = b:1080\n"
		  "session-objects = 99999999999999999999\n");
	assert_defaults();
	assert_string_equal(config.authority, "");
	assert_string_equal(config.authority_proxy, "");
	assert_says("authority = a.example: ignored, it wants an address (https://");
	assert_says("authority-proxy = b:1080: ignored");
	assert_says("allow-unproven = maybe: ignored, it wants yes or no");
	assert_says("cache = 2: ignored");
	assert_says("log = loud: ignored, it wants none, error, info, debug or trace");
	assert_says("log-file = relative/path: ignored, it wants an absolute path");
	assert_says("keyset-dir = ~/keysets: ignored");
	assert_says("labels = owner: ignored, it wants card or holder");
	assert_says("session-objects = -1: ignored, it wants a number, 0 for no limit");
	assert_says("session-objects = 1e3: ignored");
	assert_says("session-objects = 1000000001: ignored");
	assert_says("session-objects = 99999999999999999999: ignored");
}

static void an_empty_value_is_a_bad_one(void **state)
{
	(void)state;
	read_text("allow-unproven =\nlog-file =\nkeyset-dir =\nreader =\n");
	assert_defaults();
	assert_says("allow-unproven = : ignored");
	assert_says("log-file = : ignored");
}

static void a_line_that_is_none_is_named_by_number(void **state)
{
	(void)state;
	read_text("allow-unproven = yes\n\nthis is nothing\n");
	assert_says("line 3");
	assert_true(config.allow_unproven);
}

/* inih folds and cuts lines; neither must make another key of what follows. */
static void a_line_that_is_too_long_does_no_harm(void **state)
{
	static char text[12000];

	(void)state;
	strcpy(text, "keyset-dir = /");
	memset(text + strlen(text), 'a', 8000);
	strcat(text, "\nallow-unproven = yes\n");
	read_text(text);
	assert_string_equal(config.keyset_dir, "");
	assert_true(said[0]);
	memset(text, 'b', sizeof text - 1);
	read_text(text);
	assert_defaults();
	assert_true(said[0]);
}

static void a_path_has_an_end(void **state)
{
	char text[200] = "log-file = /";

	(void)state;
	memset(text + strlen(text), 'x', 150);
	read_text(text);
	assert_silent();
	assert_int_equal(strlen(config.log_file), 151);
}

static void an_empty_file_is_valid(void **state)
{
	(void)state;
	setenv("TWCARD_CONF", "/dev/null", 1);
	read_config();
	assert_silent();
	assert_defaults();
	read_text("");
	assert_silent();
	assert_defaults();
}

static void bytes_that_are_no_text_do_no_harm(void **state)
{
	unsigned char bytes[5000];

	(void)state;
	for (unsigned round = 0; round < 64; round++) {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (unsigned char)(i * (round + 7) ^ i >> 4 ^ round);
		home_write_bytes("test.conf", bytes, sizeof bytes, 0600);
		setenv("TWCARD_CONF", home_path("test.conf"), 1);
		read_config();
		assert_defaults();
	}
}

/* ---- which file ---- */

static void a_missing_file_that_was_named_is_reported(void **state)
{
	(void)state;
	setenv("TWCARD_CONF", home_path("not-there.conf"), 1);
	read_config();
	assert_says("not-there.conf: No such file");
	assert_defaults();
}

static void a_directory_in_place_of_a_file_is_survived(void **state)
{
	(void)state;
	setenv("TWCARD_CONF", home_path(""), 1);
	read_config();
	assert_defaults();
}

static void make_user_file(const char *folder, const char *text)
{
	char path[200];

	assert_int_equal(mkdir(home_path(folder), 0700), 0);
	if (strcmp(folder, "home") == 0) {
		folder = "home/.config";
		assert_int_equal(mkdir(home_path(folder), 0700), 0);
	}
	snprintf(path, sizeof path, "%s/twcard", folder);
	assert_int_equal(mkdir(home_path(path), 0700), 0);
	snprintf(path, sizeof path, "%s/twcard/twcard.conf", folder);
	home_write(path, text, 0600);
}

static void no_file_at_all_is_no_error(void **state)
{
	(void)state;
	unsetenv("TWCARD_CONF");
	read_config();
	assert_silent();
	assert_defaults();
}

static void the_user_has_a_file(void **state)
{
	(void)state;
	unsetenv("TWCARD_CONF");
	make_user_file("xdg", "log = info\n");
	make_user_file("home", "log = error\n");
	read_config();
	assert_int_equal(config.log, LOG_INFO);
	unsetenv("XDG_CONFIG_HOME");
	read_config();
	assert_int_equal(config.log, LOG_ERROR);
	setenv("XDG_CONFIG_HOME", "relative", 1); /* not allowed by the XDG specification */
	read_config();
	assert_int_equal(config.log, LOG_ERROR);
}

static void a_named_file_counts_alone(void **state)
{
	(void)state;
	make_user_file("xdg", "log = info\nallow-unproven = yes\n");
	read_text("cache = no\n");
	assert_false(config.cache);
	assert_false(config.allow_unproven);
	assert_int_equal(config.log, LOG_NONE);
	setenv("TWCARD_CONF", "", 1); /* empty is as good as unset */
	read_config();
	assert_true(config.allow_unproven);
}

/* This program has its own config_file.c, whose system folder is a test's. */
static void write_system_file(const char *text)
{
	FILE *file;

	if (mkdir(TESTTMP, 0777) < 0)
		assert_int_equal(errno, EEXIST);
	if (mkdir(SYSCONFDIR, 0755) < 0)
		assert_int_equal(errno, EEXIST);
	if (mkdir(SYSCONFDIR "/twcard", 0755) < 0)
		assert_int_equal(errno, EEXIST);
	file = fopen(SYSCONFDIR "/twcard/twcard.conf", "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
}

static int remove_system_file(void **state)
{
	(void)state;
	return unlink(SYSCONFDIR "/twcard/twcard.conf") < 0 && errno != ENOENT;
}

static void the_users_file_wins_over_the_systems(void **state)
{
	(void)state;
	write_system_file("log = error\ncache = no\nallow-unproven = yes\nsystem-word = 1\n");
	unsetenv("TWCARD_CONF");
	read_config();
	assert_int_equal(config.log, LOG_ERROR);
	assert_false(config.cache);
	make_user_file("xdg", "log = info\nallow-unproven = no\nuser-word = 1\n");
	read_config();
	assert_int_equal(config.log, LOG_INFO);
	assert_false(config.cache); /* what the user does not say stays the system's */
	assert_false(config.allow_unproven);
	assert_says("system-word is not known");
	assert_says("user-word is not known");
	read_text(""); /* a named file alone */
	assert_defaults();
	assert_silent();
}

static void key_sets_are_looked_for_in_two_places(void **state)
{
	char user[400];

	(void)state;
	read_text("");
	snprintf(user, sizeof user, "%s/twcard/keysets", home_path("xdg"));
	assert_non_null(strstr(config.keyset_dirs[0], "/twcard/keysets"));
	assert_string_equal(config.keyset_dirs[1], user);
	assert_null(config.keyset_dirs[2]);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("HOME");
	read_config();
	assert_non_null(config.keyset_dirs[0]);
	assert_null(config.keyset_dirs[1]);
}

/* ---- the log ---- */

static void log_something(void)
{
	config_read(&config);
	settings_start_log(&config);
	log_line(LOG_ERROR, "an error");
	log_line(LOG_DEBUG, "a step");
	settings_stop_log();
}

static void the_file_says_what_is_logged_and_where(void **state)
{
	char text[400];
	struct stat st;

	(void)state;
	unsetenv("TWCARD_DEBUG_FILE");
	home_remove("own.log");
	snprintf(text, sizeof text, "log = error\nlog-file = %s\n", home_path("own.log"));
	read_text(text);
	log_something();
	assert_int_equal(stat(home_path("own.log"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	setenv("TWCARD_DEBUG_FILE", home_path("own.log"), 1);
	assert_true(st.st_size > 0);
}

static void a_program_without_standard_input_has_a_log_all_the_same(void **state)
{
	int saved;

	(void)state;
	home_write("test.conf", "log = error\n", 0600);
	setenv("TWCARD_CONF", home_path("test.conf"), 1);
	setenv("TWCARD_DEBUG_FILE", home_path("twcard.log"), 1);
	log_clear();
	saved = stdin_close();
	log_something();
	stdin_open(saved);
	assert_non_null(strstr(log_text(), "an error"));
}

static void the_environment_wins_over_the_file(void **state)
{
	char text[400];

	(void)state;
	home_remove("own.log");
	snprintf(text, sizeof text, "log = error\nlog-file = %s\n", home_path("own.log"));
	home_write("test.conf", text, 0600);
	setenv("TWCARD_CONF", home_path("test.conf"), 1);
	setenv("TWCARD_DEBUG_FILE", home_path("twcard.log"), 1);
	setenv("TWCARD_DEBUG", "debug", 1);
	log_clear();
	log_something();
	assert_non_null(strstr(log_text(), "an error"));
	assert_non_null(strstr(log_text(), "a step"));
	assert_int_equal(access(home_path("own.log"), F_OK), -1);
	setenv("TWCARD_DEBUG", "1", 1); /* a level's number */
	log_clear();
	log_something();
	assert_non_null(strstr(log_text(), "an error"));
	assert_null(strstr(log_text(), "a step"));
	setenv("TWCARD_DEBUG", "none", 1);
	log_clear();
	log_something();
	assert_string_equal(log_text(), "");
}

static void a_log_file_is_not_written_through_a_link(void **state)
{
	char target[400];
	struct stat st;

	(void)state;
	home_write("victim", "", 0600);
	home_remove("link.log");
	snprintf(target, sizeof target, "%s", home_path("victim"));
	assert_int_equal(symlink(target, home_path("link.log")), 0);
	setenv("TWCARD_DEBUG_FILE", home_path("link.log"), 1);
	setenv("TWCARD_DEBUG", "trace", 1);
	log_something();
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 0);
}

/* As in a daemon that has closed its standard streams; and it is closed in the end. */
static void a_log_file_may_have_the_number_0(void **state)
{
	pid_t child = child_start();

	(void)state;
	if (child == 0) {
		home_remove("zero.log");
		setenv("TWCARD_DEBUG_FILE", home_path("zero.log"), 1);
		setenv("TWCARD_DEBUG", "error", 1);
		close(0);
		log_something();
		CHILD_WANTS(fcntl(0, F_GETFD) == -1);
		CHILD_WANTS(open(home_path("zero.log"), O_RDONLY) == 0);
		CHILD_WANTS(lseek(0, 0, SEEK_END) > 0);
		child_done_leaving_memory();
	}
	child_assert_well(child);
}

/* ---- privileged processes ---- */

/* This program again, with AT_SECURE: prints what it made of the environment. */
static int run_privileged(void)
{
	config_read(&config);
	printf("secure=%d log=%d cache=%d unproven=%d log_file=%s dirs=%d\n",
	       getauxval(AT_SECURE) != 0, (int)config.log, config.cache, config.allow_unproven,
	       config.log_file, config.keyset_dirs[1] ? 2 : 1);
	settings_start_log(&config);
	log_line(LOG_ERROR, "must not be written");
	settings_stop_log();
	return 0;
}

/* A copy with a file capability, in a folder whose file system knows such. */
static bool make_privileged_copy(void)
{
	char command[1000], self[400];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	assert_true(n > 0);
	self[n] = '\0';
	snprintf(command, sizeof command,
		 "PATH=$PATH:/usr/sbin:/sbin; cp '%s' '%s' && chmod 755 '%s' && "
		 "setcap cap_net_raw+ep '%s' 2>/dev/null",
		 self, home_path("copy"), home_path("copy"), home_path("copy"));
	return system(command) == 0;
}

/* As another user: a capability that root has anyway makes no process privileged. */
static bool run_copy(char *out, size_t cap)
{
	int ends[2], status;
	pid_t child;
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(1);
		execl(home_path("copy"), "copy", PRIVILEGED, (char *)NULL);
		_exit(1);
	}
	close(ends[1]);
	n = read(ends[0], out, cap - 1);
	out[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void a_privileged_process_takes_nothing_from_its_caller(void **state)
{
	char out[1000];

	(void)state;
	assert_int_equal(chmod(home_path(""), 0777), 0);
	if (!make_privileged_copy()) {
		print_message("# SKIP no file capabilities here (setcap, file system or rights)\n");
		skip();
	}
	home_write("test.conf", "log = trace\nallow-unproven = yes\nlog-file = /tmp/none\n", 0644);
	home_remove("secure.log");
	setenv("TWCARD_CONF", home_path("test.conf"), 1);
	setenv("TWCARD_DEBUG", "trace", 1);
	setenv("TWCARD_DEBUG_FILE", home_path("secure.log"), 1);
	if (!run_copy(out, sizeof out) || !strstr(out, "secure=1")) {
		print_message("# SKIP the kernel gives no AT_SECURE here: %s\n", out);
		skip();
	}
	assert_string_equal(out, "secure=1 log=0 cache=0 unproven=0 log_file= dirs=1\n");
	assert_null(strstr(out, "must not"));
	assert_int_equal(access(home_path("secure.log"), F_OK), -1);
}

static void an_ordinary_process_takes_it(void **state)
{
	(void)state;
	read_text("log = trace\nallow-unproven = yes\n");
	assert_int_equal(getauxval(AT_SECURE), 0);
	assert_int_equal(config.log, LOG_TRACE);
	assert_true(config.allow_unproven);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(every_key_is_known),
		TEST(yes_and_no_have_several_words),
		TEST(every_level_is_known),
		TEST(an_unknown_key_is_named_and_ignored),
		TEST(a_bad_value_is_named_and_ignored),
		TEST(an_empty_value_is_a_bad_one),
		TEST(a_line_that_is_none_is_named_by_number),
		TEST(a_line_that_is_too_long_does_no_harm),
		TEST(a_path_has_an_end),
		TEST(an_empty_file_is_valid),
		TEST(bytes_that_are_no_text_do_no_harm),
		TEST(a_missing_file_that_was_named_is_reported),
		TEST(a_directory_in_place_of_a_file_is_survived),
		TEST(no_file_at_all_is_no_error),
		TEST(the_user_has_a_file),
		TEST(a_named_file_counts_alone),
		cmocka_unit_test_setup_teardown(the_users_file_wins_over_the_systems, setup,
						remove_system_file),
		TEST(key_sets_are_looked_for_in_two_places),
		TEST(the_file_says_what_is_logged_and_where),
		TEST(a_program_without_standard_input_has_a_log_all_the_same),
		TEST(the_environment_wins_over_the_file),
		TEST(a_log_file_is_not_written_through_a_link),
		TEST(a_log_file_may_have_the_number_0),
		TEST(a_privileged_process_takes_nothing_from_its_caller),
		TEST(an_ordinary_process_takes_it),
	};

	if (argc > 1 && strcmp(argv[1], PRIVILEGED) == 0)
		return run_privileged();
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
