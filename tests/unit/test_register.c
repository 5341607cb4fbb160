/*
 * What a registration stands on: our lines in an ssh_config, byte for byte, and
 * other programs, with their input, output and ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/file.h"
#include "gen2card.h"
#include "tools/twcard/message.h"
#include "tools/twcard/program.h"
#include "tools/twcard/register.h"
#include "tools/twcard/ssh_config.h"

#define MODULE "/usr/lib/pkcs11/twcard-pkcs11.so"
#define BLOCK(module) \
	"# twcard cert register: begin\nHost *\n\tPKCS11Provider \"" module "\"\n" \
	"# twcard cert register: end\n"

static struct buffer buffer_of(const char *text)
{
	struct buffer b = BUFFER_INIT;

	assert_int_equal(buffer_append(&b, text, strlen(text)), RESULT_OK);
	return b;
}

static void assert_text(const struct buffer *b, const char *text)
{
	assert_int_equal(b->len, strlen(text));
	if (b->len)
		assert_memory_equal(b->data, text, b->len);
}

/* ---- ssh_config ---- */

static void our_lines_come_and_go(void **state)
{
	static const char *const texts[] = {
		"", "\n", "Host a\n", "Host a", "\n\n\n", "a\r\n", "a\r", "\xFF\xFE\n\x80",
		"# twcard\n", "Host *\n\tPKCS11Provider \"/other.so\"\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct buffer file = buffer_of(texts[i]);
		struct buffer with = BUFFER_INIT, again = BUFFER_INIT, moved = BUFFER_INIT,
			      without = BUFFER_INIT;
		struct ssh_config found;

		assert_true(ssh_config_edit(&file, MODULE, &with));
		ssh_config_look(&with, &found);
		assert_int_equal(found.state, SSH_CONFIG_OURS);
		assert_string_equal(found.module, MODULE);
		assert_int_equal(found.start, file.len);
		assert_true(ssh_config_edit(&with, MODULE, &again));
		assert_true(buffer_same(&with, &again));
		assert_true(ssh_config_edit(&with, "/else where.so", &moved));
		assert_true(ssh_config_edit(&moved, NULL, &without));
		assert_text(&without, texts[i]);
		buffer_clear(&file);
		buffer_clear(&with);
		buffer_clear(&again);
		buffer_clear(&moved);
		buffer_clear(&without);
	}
}

/* The user went on writing below it. */
static void what_follows_stays(void **state)
{
	struct buffer file = buffer_of("a\n" BLOCK(MODULE) "b"), out = BUFFER_INIT;

	(void)state;
	assert_true(ssh_config_edit(&file, "/new.so", &out));
	assert_text(&out, "a\n" BLOCK("/new.so") "b");
	buffer_reset(&out);
	assert_true(ssh_config_edit(&file, NULL, &out));
	assert_text(&out, "a\nb");
	buffer_clear(&file);
	buffer_clear(&out);
}

static void what_was_edited_is_not_touched(void **state)
{
	static const char *const texts[] = {
		"# twcard cert register: begin\n",
		"# twcard cert register: end\n",
		"# twcard cert register: end\n# twcard cert register: begin\n",
		BLOCK(MODULE) BLOCK(MODULE),
		"x" BLOCK(MODULE),
		"# twcard cert register: begin\nHost *\n# twcard cert register: end\n",
		"# twcard cert register: begin\nHost *\n\tPKCS11Provider \"\"\n# twcard cert register: end\n",
		"# twcard cert register: begin\nHost *\n\tPKCS11Provider \"/a\nb\"\n# twcard cert register: end\n",
		("# twcard cert register: begin\nHost *\n\tPKCS11Provider \"/a\"\n\tUser me\n"
		 "# twcard cert register: end\n"),
		"# twcard cert register: begin\nHost *\n\tPKCS11Provider \"/a",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct buffer file = buffer_of(texts[i]), out = BUFFER_INIT;
		struct ssh_config found;

		ssh_config_look(&file, &found);
		if (found.state != SSH_CONFIG_CHANGED)
			fail_msg("row %zu", i);
		assert_false(ssh_config_edit(&file, MODULE, &out));
		assert_false(ssh_config_edit(&file, NULL, &out));
		assert_int_equal(out.len, 0);
		buffer_clear(&file);
		buffer_clear(&out);
	}
}

static void a_provider_of_the_users_own_is_seen(void **state)
{
	static const struct {
		const char *text;
		bool any, same;
	} rows[] = {
		{"", false, false},
		{"Host a\n", false, false},
		{"#PKCS11Provider " MODULE "\n", false, false},
		{"PKCS11ProviderX " MODULE "\n", false, false},
		{"PKCS11Provider " MODULE "\n", true, true},
		{"  pkcs11provider = \"" MODULE "\"  \r\n", true, true},
		{"Host a\n\tPKCS11Provider /b.so", true, false},
		{"PKCS11Provider\n", false, false},
		{"PKCS11Provider " MODULE "x\nPKCS11Provider " MODULE, true, true},
		{BLOCK(MODULE), false, false},
		{BLOCK("/x.so") "PKCS11Provider " MODULE, true, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buffer file = buffer_of(rows[i].text);
		struct ssh_config found;
		bool same;

		ssh_config_look(&file, &found);
		if (ssh_config_names_provider(&file, &found, MODULE, &same) != rows[i].any ||
		    same != rows[i].same)
			fail_msg("row %zu", i);
		buffer_clear(&file);
	}
}

/* ---- programs ---- */

static void a_program_gets_its_input_and_gives_its_output(void **state)
{
	const char *const argv[] = {"sh", "-c", "cat; pwd; echo bad >&2; exit 7", NULL};
	struct program_result result = PROGRAM_RESULT_INIT;

	(void)state;
	assert_true(program_run(argv, "/", "in\n", 3, &result));
	assert_int_equal(result.status, 7);
	assert_string_equal((char *)result.out.data, "in\n/\n");
	assert_string_equal((char *)result.err.data, "bad\n");
	program_result_clear(&result);
}

/* Not a word of it is looked at by a shell. */
static void arguments_are_arguments(void **state)
{
	const char *const argv[] = {"printf", "%s", "$(id) ; `id` * \"'", NULL};
	struct program_result result = PROGRAM_RESULT_INIT;

	(void)state;
	assert_true(program_run(argv, NULL, NULL, 0, &result));
	assert_string_equal((char *)result.out.data, argv[2]);
	program_result_clear(&result);
}

/* Where the system (or valgrind) cannot tell why, the child ends with 127: so says POSIX. */
static void assert_not_run(const char *program, const char *folder, int error)
{
	const char *const argv[] = {program, "-c", "exit 0", NULL};
	struct program_result result = PROGRAM_RESULT_INIT;

	if (program_run(argv, folder, NULL, 0, &result))
		assert_int_equal(result.status, 127);
	else
		assert_int_equal(errno, error);
	program_result_clear(&result);
}

static void what_cannot_be_run_is_said(void **state)
{
	const char *const killed[] = {"sh", "-c", "kill -9 $$", NULL};
	struct program_result result = PROGRAM_RESULT_INIT;

	(void)state;
	assert_not_run("twcard-no-such-program", NULL, ENOENT);
	assert_not_run("/", NULL, EACCES);
	assert_not_run("sh", "/nowhere", ENOENT);
	assert_true(program_run(killed, NULL, NULL, 0, &result));
	assert_int_equal(result.status, 128 + SIGKILL);
	program_result_clear(&result);
}

/* More than a pipe holds, and more than is kept. */
static void much_output_stops_nobody(void **state)
{
	const char *const argv[] = {"head", "-c", "3000000", "/dev/zero", NULL};
	struct program_result result = PROGRAM_RESULT_INIT;

	(void)state;
	assert_true(program_run(argv, NULL, NULL, 0, &result));
	assert_int_equal(result.status, 0);
	assert_int_equal(result.out.len, 1024 * 1024);
	program_result_clear(&result);
}

/* ---- files ---- */

static void a_file_that_cannot_be_written_is_as_it_was(void **state)
{
	struct rlimit all, little;
	struct registration r = {.target = "test", .steps = json_object_new_array()};
	struct buffer text = buffer_of("longer than that\n"), file = BUFFER_INIT;
	char path[FILE_PATH_MAX];
	enum exit_code code;
	struct stat st;

	(void)state;
	home_make();
	home_write("config", "old", 0640);
	snprintf(path, sizeof path, "%s", home_path("config"));
	message_use_json();
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	little = (struct rlimit){4, all.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	code = register_write(&r, path, "it", &text, 0640, REGISTER_ADDED);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_int_equal(code, EXIT_FILE);
	assert_false(r.changed);
	assert_true(file_read(AT_FDCWD, path, 100, &file));
	assert_text(&file, "old");
	r.dry_run = true;
	assert_int_equal(register_write(&r, path, "it", &text, 0600, REGISTER_ADDED), EXIT_GOOD);
	buffer_reset(&file);
	assert_true(file_read(AT_FDCWD, path, 100, &file));
	assert_text(&file, "old");
	r.dry_run = false;
	assert_int_equal(register_write(&r, path, "it", &text, 0640, REGISTER_ADDED), EXIT_GOOD);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(json_object_array_length(r.steps), 3);
	buffer_clear(&text);
	buffer_clear(&file);
	register_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_lines_come_and_go),
		cmocka_unit_test(what_follows_stays),
		cmocka_unit_test(what_was_edited_is_not_touched),
		cmocka_unit_test(a_provider_of_the_users_own_is_seen),
		cmocka_unit_test(a_program_gets_its_input_and_gives_its_output),
		cmocka_unit_test(arguments_are_arguments),
		cmocka_unit_test(what_cannot_be_run_is_said),
		cmocka_unit_test(much_output_stops_nobody),
		cmocka_unit_test(a_file_that_cannot_be_written_is_as_it_was),
	};

	return cmocka_run_group_tests_name("register", tests, NULL, NULL);
}
