/*
 * Key set files: which are taken, which are refused and with what words, and
 * that no word ever holds a byte of a key.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "apdu/log.h"
#include "profiles/keyset.h"
#include "gen2card.h"
#include "owners.h"

#define KEY_LINE "master-key = " GEN2_MASTER_KEY "\n"
#define AID_LINE "diversification-aid = " GEN2_AID "\n"
#define USER 1001
#define OTHER_USER 1002
/* A key that cannot be mistaken for anything else in a log. */
#define TELLING_KEY "C0FFEE11C0FFEE22C0FFEE33C0FFEE44"
#define FILE_NAME "keysets/a.keyset"

static struct keyset found;
static char said[65536];

static void hear(enum log_level level, const char *line, void *context)
{
	size_t n = strlen(said);

	(void)level;
	(void)context;
	snprintf(said + n, sizeof said - n, "%s\n", line);
}

static enum result find(void)
{
	const char *dirs[] = {home_path("keysets"), NULL};

	said[0] = '\0';
	memset(&found, 0xA5, sizeof found);
	return keyset_find(dirs, "gppki", 0, &found);
}

static int setup(void **state)
{
	(void)state;
	home_make();
	home_remove("keysets");
	assert_int_equal(mkdir(home_path("keysets"), 0700), 0);
	log_set(LOG_TRACE, hear, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	owners_clear();
	log_set(LOG_NONE, NULL, NULL);
	return 0;
}

/* Three bytes of a key in a row, in hex of either case, would be too much. */
static void assert_no_key_in(const char *text, const char *key_hex)
{
	size_t n = strlen(key_hex);

	for (size_t i = 0; i + 6 <= n; i++) {
		char piece[7] = {0};

		memcpy(piece, key_hex + i, 6);
		if (strcasestr(text, piece))
			fail_msg("key bytes %s in: %s", piece, text);
	}
}

static void assert_says(const char *text)
{
	if (!strstr(said, text))
		fail_msg("not said: \"%s\", but:\n%s", text, said);
}

static void assert_wiped(void)
{
	static const uint8_t nothing[SCP03_KEY_SIZE];
	static const uint8_t untouched[SCP03_KEY_SIZE] = {
		0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5,
		0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5, 0xA5};

	assert_true(memcmp(found.master_key, nothing, sizeof nothing) == 0 ||
		    memcmp(found.master_key, untouched, sizeof untouched) == 0);
}

static void assert_refused(const char *reason)
{
	assert_int_equal(find(), RESULT_NO_KEYSET);
	assert_wiped();
	assert_says(home_path(FILE_NAME));
	assert_says(reason);
	assert_no_key_in(said, GEN2_MASTER_KEY);
	assert_no_key_in(said, TELLING_KEY);
}

static void assert_taken(void)
{
	static const uint8_t key[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	static const uint8_t aid[] = {0xA0, 0x00, 0x00, 0x02, 0x83, 0xFF, 0x08, 0x86,
				      0x92, 0x53, 0x53, 0x89, 0xC0, 0x00, 0x14};

	if (find() != RESULT_OK)
		fail_msg("refused: %s", said);
	assert_memory_equal(found.master_key, key, sizeof key);
	assert_int_equal(found.aid_len, sizeof aid);
	assert_memory_equal(found.aid, aid, sizeof aid);
	assert_no_key_in(said, GEN2_MASTER_KEY);
}

static void refuse_text(const char *text, const char *reason)
{
	home_write(FILE_NAME, text, 0600);
	assert_refused(reason);
}

static void take_text(const char *text)
{
	home_write(FILE_NAME, text, 0600);
	assert_taken();
}

/* ---- taken ---- */

static void a_good_key_set_is_taken(void **state)
{
	(void)state;
	take_text(GEN2_KEYSET);
	assert_says(home_path(FILE_NAME));
	home_write(FILE_NAME, GEN2_KEYSET, 0400);
	assert_taken();
}

static void order_case_and_blanks_do_not_matter(void **state)
{
	(void)state;
	take_text(AID_LINE KEY_LINE "profile = gppki\n");
	take_text("profile=gppki\nmaster-key=000102030405060708090a0b0c0d0e0f\n"
		  "diversification-aid=a000000283ff088692535389c00014\n");
	take_text("\n  \t profile \t =\tgppki  \n\n\t" KEY_LINE "   \n" AID_LINE "\n\n");
}

static void the_last_line_needs_no_newline(void **state)
{
	(void)state;
	take_text("profile = gppki\n" KEY_LINE "diversification-aid = " GEN2_AID);
}

static void lines_may_end_as_on_windows(void **state)
{
	(void)state;
	take_text("profile = gppki\r\nmaster-key = " GEN2_MASTER_KEY "\r\n"
		  "diversification-aid = " GEN2_AID "\r\n");
}

static void comments_are_left_out(void **state)
{
	(void)state;
	take_text("# a test\n#profile = other\nprofile = gppki # this one\n" KEY_LINE
		  "   # master-key = " TELLING_KEY "\n" AID_LINE "#");
}

/* ---- refused: who could read it ---- */

static void a_file_that_others_can_read_is_refused(void **state)
{
	static const unsigned modes[] = {0640, 0620, 0610, 0604, 0602, 0601, 0644, 0666, 0777};

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		home_write(FILE_NAME, GEN2_KEYSET, modes[i]);
		assert_refused("group or others");
	}
	assert_says("chmod 600");
}

static void a_link_is_refused(void **state)
{
	char target[400];

	(void)state;
	home_write("elsewhere", GEN2_KEYSET, 0600);
	snprintf(target, sizeof target, "%s", home_path("elsewhere"));
	assert_int_equal(symlink(target, home_path(FILE_NAME)), 0);
	assert_refused("link");
	home_remove(FILE_NAME);
	assert_int_equal(symlink("/nowhere/at/all", home_path(FILE_NAME)), 0);
	assert_refused("link");
	home_remove(FILE_NAME);
	assert_int_equal(symlink("a.keyset", home_path(FILE_NAME)), 0);
	assert_refused("link");
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(home_path(FILE_NAME), 0600), 0);
	alarm(10); /* a FIFO without a writer must not hold us up */
	assert_refused("not a regular file");
	alarm(0);
	home_remove(FILE_NAME);
	assert_int_equal(mkdir(home_path(FILE_NAME), 0700), 0);
	assert_refused("not a regular file");
}

static void a_file_of_another_user_is_refused(void **state)
{
	static const struct {
		unsigned long me, owner;
		bool taken;
	} cases[] = {
		{USER, USER, true},
		{USER, 0, true}, /* root's: mode 0600 leaves it to root, wherever there is one */
		{USER, OTHER_USER, false},
		{0, 0, true},
		{0, USER, false},
	};

	(void)state;
	home_write(FILE_NAME, GEN2_KEYSET, 0600);
	for (size_t i = 0; i < COUNT(cases); i++) {
		owners_be(cases[i].me);
		assert_true(owners_pretend(home_path(FILE_NAME), cases[i].owner));
		if (cases[i].taken)
			assert_taken();
		else
			assert_refused("another user");
	}
}

/* What root may open whatever its mode is, he may not without these; the version has two sets of them. */
static void may_open_everything(bool may)
{
	struct __user_cap_header_struct who = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	const uint32_t opening = CAP_TO_MASK(CAP_DAC_OVERRIDE) | CAP_TO_MASK(CAP_DAC_READ_SEARCH);

	assert_int_equal(syscall(SYS_capget, &who, sets), 0);
	sets[0].effective = may ? sets[0].effective | (sets[0].permitted & opening)
				: sets[0].effective & ~opening;
	assert_int_equal(syscall(SYS_capset, &who, sets), 0);
}

static void a_file_that_cannot_be_opened_is_named(void **state)
{
	enum result r;

	(void)state;
	home_write(FILE_NAME, GEN2_KEYSET, 0000);
	may_open_everything(false);
	r = find();
	may_open_everything(true);
	assert_int_equal(r, RESULT_NO_KEYSET);
	assert_says(home_path(FILE_NAME));
	assert_says("Permission denied");
}

/* ---- refused: what is in it ---- */

static void a_key_of_another_length_is_refused(void **state)
{
	static const char *const keys[] = {
		"", "00", TELLING_KEY "00", "C0FFEE11C0FFEE22C0FFEE33C0FFEE4",
		"C0FFEE11C0FFEE22C0FFEE33C0FFEE", TELLING_KEY TELLING_KEY,
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		snprintf(text, sizeof text, "profile = gppki\nmaster-key = %s\n" AID_LINE, keys[i]);
		refuse_text(text, "master-key is not 16 bytes in hex");
	}
}

static void what_is_not_hex_is_refused(void **state)
{
	static const char *const keys[] = {
		"C0FFEE11C0FFEE22C0FFEE33C0FFEE4G", "0xC0FFEE11C0FFEE22C0FFEE33C0FFEE",
		"C0 FFEE11C0FFEE22C0FFEE33C0FFEE4", "\"C0FFEE11C0FFEE22C0FFEE33C0FFE\"",
		("C0FFEE11C0FFEE22\xC3\xA9" "C0FFEE33C0FFEE"),
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		snprintf(text, sizeof text, "profile = gppki\nmaster-key = %s\n" AID_LINE, keys[i]);
		refuse_text(text, "master-key is not 16 bytes in hex");
	}
}

static void an_aid_of_another_length_is_refused(void **state)
{
	static const char *const aids[] = {"", "A0000002", "A000000", GEN2_AID "0000",
					   "A00000028300000000000000000000000G"};
	char text[400];

	(void)state;
	for (size_t i = 0; i < COUNT(aids); i++) {
		snprintf(text, sizeof text, "profile = gppki\n" KEY_LINE "diversification-aid = %s\n",
			 aids[i]);
		refuse_text(text, "diversification-aid is not 5 to 16 bytes in hex");
	}
	home_write(FILE_NAME, "profile = gppki\n" KEY_LINE "diversification-aid = A000000283\n", 0600);
	assert_int_equal(find(), RESULT_OK);
	assert_int_equal(found.aid_len, 5);
}

static void a_line_that_nobody_knows_is_refused(void **state)
{
	(void)state;
	refuse_text(GEN2_KEYSET "master_key = " TELLING_KEY "\n", "unknown name");
	refuse_text("Profile = gppki\n" KEY_LINE AID_LINE, "unknown name");
	refuse_text(GEN2_KEYSET "= " TELLING_KEY "\n", "unknown name");
	refuse_text(GEN2_KEYSET TELLING_KEY "\n", "not \"name = value\"");
	refuse_text("[gppki]\n" GEN2_KEYSET, "not \"name = value\"");
}

static void a_missing_line_is_named(void **state)
{
	(void)state;
	refuse_text("profile = gppki\n" KEY_LINE, "there is no diversification-aid");
	refuse_text("profile = gppki\n" AID_LINE, "there is no master-key");
	refuse_text("profile = gppki\n", "there is no master-key");
}

/* Without a profile it is for nobody: neither taken nor silently passed over. */
static void a_file_without_a_profile_is_not_taken(void **state)
{
	(void)state;
	home_write(FILE_NAME, KEY_LINE AID_LINE, 0600);
	assert_int_equal(find(), RESULT_NO_KEYSET);
	assert_wiped();
	assert_says(home_path(FILE_NAME));
	assert_says("profile");
}

static void an_empty_file_is_not_taken(void **state)
{
	(void)state;
	home_write(FILE_NAME, "", 0600);
	assert_int_equal(find(), RESULT_NO_KEYSET);
	home_write(FILE_NAME, "# nothing yet\n", 0600);
	assert_int_equal(find(), RESULT_NO_KEYSET);
}

static void a_huge_file_is_refused(void **state)
{
	static char text[1 << 20];

	(void)state;
	memset(text, '#', sizeof text);
	memcpy(text, GEN2_KEYSET, sizeof GEN2_KEYSET - 1);
	home_write_bytes(FILE_NAME, text, sizeof text, 0600);
	assert_refused("too large");
	home_write_bytes(FILE_NAME, text, 4096, 0600);
	assert_taken();
	home_write_bytes(FILE_NAME, text, 4097, 0600);
	assert_refused("too large");
}

static void bytes_that_are_no_text_do_no_harm(void **state)
{
	static const char nul[] = "profile = gppki\0\n" KEY_LINE AID_LINE;
	unsigned char bytes[4096];

	(void)state;
	home_write_bytes(FILE_NAME, nul, sizeof nul - 1, 0600);
	assert_int_equal(find(), RESULT_NO_KEYSET);
	assert_wiped();
	for (unsigned round = 0; round < 64; round++) {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (unsigned char)(i * (round + 3) ^ i >> 5 ^ round);
		home_write_bytes(FILE_NAME, bytes, sizeof bytes, 0600);
		assert_int_equal(find(), RESULT_NO_KEYSET);
		assert_wiped();
		for (const char *c = said; *c; c++)
			assert_true(*c == '\n' || !iscntrl((unsigned char)*c));
	}
}

/* ---- several ---- */

#define OTHER_KEY_TEXT                                                                             \
	"profile = gppki\nmaster-key = " TELLING_KEY "\ndiversification-aid = " GEN2_AID "\n"

static void the_first_by_name_wins(void **state)
{
	(void)state;
	home_write("keysets/b.keyset", OTHER_KEY_TEXT, 0600);
	home_write(FILE_NAME, GEN2_KEYSET, 0600);
	assert_taken();
	home_write("keysets/0.keyset", OTHER_KEY_TEXT, 0600);
	assert_int_equal(find(), RESULT_OK);
	assert_int_equal(found.master_key[0], 0xC0);
}

static void one_for_another_profile_is_skipped(void **state)
{
	(void)state;
	home_write("keysets/0.keyset",
		   "profile = other\nmaster-key = " TELLING_KEY "\n" AID_LINE, 0600);
	assert_int_equal(find(), RESULT_NO_KEYSET);
	assert_wiped();
	home_write(FILE_NAME, GEN2_KEYSET, 0600);
	assert_taken();
}

static void a_bad_one_does_not_hide_a_good_one(void **state)
{
	(void)state;
	home_write("keysets/0.keyset", OTHER_KEY_TEXT, 0644);
	home_write(FILE_NAME, GEN2_KEYSET, 0600);
	assert_taken();
	assert_says("0.keyset refused");
	assert_no_key_in(said, TELLING_KEY);
}

static void other_names_are_not_looked_at(void **state)
{
	static const char *const names[] = {"keysets/a.conf", "keysets/a.keyset~", "keysets/.keyset",
					    "keysets/.a.keyset", "keysets/keyset", "keysets/a.KEYSET"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		home_write(names[i], GEN2_KEYSET, 0600);
	assert_int_equal(find(), RESULT_NO_KEYSET);
}

static void directories_are_searched_in_order(void **state)
{
	const char *dirs[] = {"/nowhere/at/all", home_path("first"), home_path("keysets"), NULL};

	(void)state;
	home_remove("first");
	assert_int_equal(mkdir(home_path("first"), 0700), 0);
	home_write(FILE_NAME, GEN2_KEYSET, 0600);
	assert_int_equal(keyset_find(dirs, "gppki", 0, &found), RESULT_OK);
	assert_int_equal(found.master_key[0], 0x00);
	home_write("first/z.keyset", OTHER_KEY_TEXT, 0600);
	assert_int_equal(keyset_find(dirs, "gppki", 0, &found), RESULT_OK);
	assert_int_equal(found.master_key[0], 0xC0);
}

static void those_that_were_tried_are_passed_over(void **state)
{
	const char *dirs[] = {home_path("first"), home_path("keysets"), NULL};

	(void)state;
	home_remove("first");
	assert_int_equal(mkdir(home_path("first"), 0700), 0);
	home_write("first/z.keyset", OTHER_KEY_TEXT, 0600);
	home_write("keysets/0.keyset", OTHER_KEY_TEXT, 0644); /* refused: does not count */
	home_write(FILE_NAME, GEN2_KEYSET, 0600);
	assert_int_equal(keyset_find(dirs, "gppki", 0, &found), RESULT_OK);
	assert_int_equal(found.master_key[0], 0xC0);
	assert_int_equal(keyset_find(dirs, "gppki", 1, &found), RESULT_OK);
	assert_int_equal(found.master_key[0], 0x00);
	assert_int_equal(keyset_find(dirs, "gppki", 2, &found), RESULT_NO_KEYSET);
	assert_wiped();
	assert_int_equal(keyset_find(dirs, "gppki", 1000, &found), RESULT_NO_KEYSET);
}

static void a_program_without_standard_input_finds_them_all_the_same(void **state)
{
	enum result r;
	int saved;

	(void)state;
	home_write(FILE_NAME, GEN2_KEYSET, 0600);
	saved = stdin_close();
	r = find();
	stdin_open(saved);
	assert_int_equal(r, RESULT_OK);
}

static void nothing_anywhere_names_all_places(void **state)
{
	const char *dirs[] = {"/nowhere/at/all", home_path("keysets"), NULL};
	const char *none[] = {NULL};

	(void)state;
	said[0] = '\0';
	assert_int_equal(keyset_find(dirs, "gppki", 0, &found), RESULT_NO_KEYSET);
	assert_says("/nowhere/at/all/*.keyset");
	assert_says(dirs[1]);
	assert_says("profile = gppki");
	assert_int_equal(keyset_find(none, "gppki", 0, &found), RESULT_NO_KEYSET);
	assert_int_equal(keyset_find(NULL, "gppki", 0, &found), RESULT_NO_KEYSET);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_key_set_is_taken),
		TEST(order_case_and_blanks_do_not_matter),
		TEST(the_last_line_needs_no_newline),
		TEST(lines_may_end_as_on_windows),
		TEST(comments_are_left_out),
		TEST(a_file_that_others_can_read_is_refused),
		TEST(a_link_is_refused),
		TEST(what_is_no_file_is_refused),
		TEST(a_file_of_another_user_is_refused),
		TEST(a_file_that_cannot_be_opened_is_named),
		TEST(a_key_of_another_length_is_refused),
		TEST(what_is_not_hex_is_refused),
		TEST(an_aid_of_another_length_is_refused),
		TEST(a_line_that_nobody_knows_is_refused),
		TEST(a_missing_line_is_named),
		TEST(a_file_without_a_profile_is_not_taken),
		TEST(an_empty_file_is_not_taken),
		TEST(a_huge_file_is_refused),
		TEST(bytes_that_are_no_text_do_no_harm),
		TEST(the_first_by_name_wins),
		TEST(one_for_another_profile_is_skipped),
		TEST(a_bad_one_does_not_hide_a_good_one),
		TEST(other_names_are_not_looked_at),
		TEST(directories_are_searched_in_order),
		TEST(those_that_were_tried_are_passed_over),
		TEST(a_program_without_standard_input_finds_them_all_the_same),
		TEST(nothing_anywhere_names_all_places),
	};

	return cmocka_run_group_tests_name("keyset", tests, NULL, NULL);
}
