/*
 * A card with a private data object: it is shown to nobody who is not logged
 * in, by no way, and nothing of it gets to the disk. And whose cache files are
 * believed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ck_objects.h"
#include "gen2card.h"
#include "owners.h"

#define FOLDER "xdg/twcard"
#define FILE_MAX 65536
#define ALL 9       /* objects without login: certificates, public keys, data */
#define WARM_LIST 12
#define SECRET_LABEL "data1"
#define PUBLIC_LABEL "data2"
#define HANDLES 200 /* more than a card's objects have had by then */
#define STRANGER 12345
#define DATA_SIZE 25 /* the data objects' file: card number and name in a row, as nowhere else */

static int generation;

/* ---- the card ---- */

static const char *path_of(const char *file)
{
	static char path[40];

	snprintf(path, sizeof path, "%s/5030/%s", generation == 1 ? "3F00" : "7FFF", file);
	return path;
}

/* CommonObjectFlags stand behind the label: modifiable becomes private and modifiable. */
static void make_private(const char *label)
{
	static const uint8_t modifiable[] = {0x03, 0x02, 0x06, 0x40}, both[] = {0x03, 0x02, 0x06, 0xC0};
	uint8_t copy[0x8000], *at;
	const uint8_t *data;
	size_t len;

	assert_true(vcard_file_get(bench.card, path_of("4107"), &data, &len) && len <= sizeof copy);
	memcpy(copy, data, len);
	at = memmem(copy, len, label, strlen(label));
	assert_non_null(at);
	at += strlen(label);
	assert_memory_equal(at, modifiable, sizeof modifiable);
	memcpy(at, both, sizeof both);
	assert_true(vcard_file_put(bench.card, path_of("4107"), copy, len));
}

/* ---- the bench: with a cache, the card's first data object private ---- */

static void begin(void)
{
	module_start();
	fake_new_commands(READER);
	bench.slot = slot_of(READER);
	bench.session = open_session(bench.slot);
}

static void begin_again(void)
{
	module_stop();
	fake_foreign_reset(READER);
	begin();
}

static int setup_public(void **state)
{
	char conf[400];

	generation = (int)(uintptr_t)*state;
	memset(&bench, 0, sizeof bench);
	home_make();
	snprintf(conf, sizeof conf, "keyset-dir = %s\ncache = yes\n", home_path("keysets"));
	home_write("twcard.conf", conf, 0600);
	keyset_install();
	log_level("none");
	home_remove(FOLDER);
	home_remove("xdg");
	assert_int_equal(mkdir(home_path("xdg"), 0700), 0);
	setenv("XDG_CACHE_HOME", home_path("xdg"), 1);
	fake_clear();
	bench.card = generation == 1 ? testcard_load() : gen2_load();
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	begin();
	return 0;
}

/* Nothing of the card is read before the first search. */
static int setup(void **state)
{
	setup_public(state);
	make_private(SECRET_LABEL);
	return 0;
}

static int teardown(void **state)
{
	owners_clear();
	return bench_teardown(state);
}

#define BOTH(f, first) {"generation 1: " #f, f, first, teardown, (void *)1}, \
		       {"generation 2: " #f, f, first, teardown, (void *)2}

static size_t find_label(const char *label, CK_OBJECT_HANDLE *out)
{
	CK_ATTRIBUTE template = {CKA_LABEL, (char *)label, strlen(label)};

	return find_objects(bench.session, &template, 1, out, 1);
}

static void assert_gone(CK_OBJECT_HANDLE object)
{
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS, CKA_LABEL, CKA_VALUE, CKA_PRIVATE};
	CK_ULONG size;

	for (size_t i = 0; i < COUNT(types); i++)
		assert_int_equal(ck_attribute_rv(bench.session, object, types[i]),
				 CKR_OBJECT_HANDLE_INVALID);
	assert_int_equal(C_GetObjectSize(bench.session, object, &size), CKR_OBJECT_HANDLE_INVALID);
}

/* Logs in, and answers the private object; its value is the card's. */
static CK_OBJECT_HANDLE see_it(void)
{
	unsigned char value[256];
	CK_OBJECT_HANDLE object;
	const uint8_t *data;
	size_t len, n;

	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(find_label(SECRET_LABEL, &object), 1);
	assert_true(ck_bool(bench.session, object, CKA_PRIVATE));
	n = get_attribute(bench.session, object, CKA_VALUE, value, sizeof value);
	assert_true(vcard_file_get(bench.card, path_of("0870"), &data, &len));
	assert_true(n > 0 && n <= len);
	assert_memory_equal(value, data, n);
	return object;
}

/* ---- showing ---- */

static void without_login_no_search_finds_it(void **state)
{
	static CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE is_private = {CKA_PRIVATE, &yes, sizeof yes};
	CK_OBJECT_HANDLE found[32];

	(void)state;
	assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), ALL - 1);
	assert_int_equal(find_class(bench.session, CKO_DATA, found, COUNT(found)), 1);
	assert_int_equal(find_label(PUBLIC_LABEL, found), 1);
	assert_int_equal(find_label(SECRET_LABEL, found), 0);
	assert_int_equal(find_objects(bench.session, &is_private, 1, found, COUNT(found)), 0);
}

static void without_login_no_handle_leads_to_it(void **state)
{
	CK_OBJECT_HANDLE found[32];

	(void)state;
	find_objects(bench.session, NULL, 0, found, COUNT(found));
	for (CK_OBJECT_HANDLE h = 0; h < HANDLES; h++) {
		unsigned char label[100] = {0};
		CK_ATTRIBUTE a = {CKA_LABEL, label, sizeof label - 1};

		if (C_GetAttributeValue(bench.session, h, &a, 1) == CKR_OK)
			assert_string_not_equal((char *)label, SECRET_LABEL);
	}
}

/* Commands that read the data objects' file, and that among them which is the private one's. */
static struct {
	bool in_file;
	unsigned reads, of_secret;
} watched;

static void watch(void *context, const uint8_t *cmd, size_t len)
{
	(void)context;
	if (cmd[1] == 0xA4 && len >= 7)
		watched.in_file = cmd[5] == 0x08 && cmd[6] == 0x70;
	if (cmd[1] != 0xB0 || !watched.in_file)
		return;
	watched.reads++;
	watched.of_secret += cmd[2] == 0 && cmd[3] == 0; /* it is the first in the file */
}

/* By its value, too, only public objects are searched: the other is not even read. */
static void without_login_no_search_reads_it(void **state)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_DATA), TEXT_ATTRIBUTE(CKA_VALUE, "none")};
	CK_OBJECT_HANDLE found[32];

	(void)state;
	memset(&watched, 0, sizeof watched);
	fake_on_command(READER, watch, NULL);
	assert_int_equal(find_objects(bench.session, template, COUNT(template), found, COUNT(found)), 0);
	assert_true(watched.reads > 0);
	assert_int_equal(watched.of_secret, 0);
	see_it();
	assert_true(watched.of_secret > 0);
}

static void with_login_it_is_there(void **state)
{
	CK_OBJECT_HANDLE found[32], object;

	(void)state;
	object = see_it();
	assert_true(ck_exists(bench.session, object));
	assert_int_equal(find_class(bench.session, CKO_DATA, found, COUNT(found)), 2);
	assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), ALL + 3);
}

static void after_logout_its_handle_is_none(void **state)
{
	CK_OBJECT_HANDLE object, found[32];

	(void)state;
	object = see_it();
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_gone(object);
	without_login_no_search_finds_it(state);
	without_login_no_handle_leads_to_it(state);
	see_it();
	assert_gone(object); /* a new login does not bring the old handle back */
	assert_int_equal(find_class(bench.session, CKO_DATA, found, COUNT(found)), 2);
}

/* Only what the card does ends the login here, no call. */
static void after_a_dropped_login_its_handle_is_none(void **state)
{
	CK_OBJECT_HANDLE object;
	unsigned char sig[256];

	(void)state;
	object = see_it();
	assert_true(vcard_set_pin_tries(bench.card, 0));
	fake_foreign_reset(READER);
	assert_int_not_equal(
		sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "x", sig),
		CKR_OK);
	assert_gone(object);
	without_login_no_search_finds_it(state);
}

static void in_another_session_its_handle_ends_too(void **state)
{
	CK_SESSION_HANDLE second = open_session(bench.slot);
	CK_OBJECT_HANDLE object;

	(void)state;
	object = see_it();
	assert_int_equal(ck_attribute_rv(second, object, CKA_VALUE), CKR_OK);
	assert_int_equal(C_Logout(second), CKR_OK);
	assert_gone(object);
	bench.session = second;
	assert_gone(object);
}

/* The list was made while it could be seen, and is asked for when it cannot. */
static void a_search_begun_before_logout_does_not_give_it_away(void **state)
{
	CK_OBJECT_HANDLE found[32], object;
	CK_ULONG count = 0;

	(void)state;
	object = see_it();
	assert_int_equal(C_FindObjectsInit(bench.session, NULL, 0), CKR_OK);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(C_FindObjects(bench.session, found, COUNT(found), &count), CKR_OK);
	assert_int_equal(C_FindObjectsFinal(bench.session), CKR_OK);
	assert_in_range(count, 0, ALL - 1);
	for (CK_ULONG i = 0; i < count; i++) {
		assert_int_not_equal(found[i], object);
		assert_true(ck_exists(bench.session, found[i]));
		assert_false(ck_bool(bench.session, found[i], CKA_PRIVATE));
	}
}

static void private_keys_are_shown_with_login_only(void **state)
{
	CK_OBJECT_HANDLE found[32], key;

	(void)state;
	assert_int_equal(find_class(bench.session, CKO_PRIVATE_KEY, found, COUNT(found)), 0);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_gone(key);
	assert_int_equal(find_class(bench.session, CKO_PRIVATE_KEY, found, COUNT(found)), 0);
}

/* ---- the disk ---- */

static const char *cache_file(void)
{
	static char name[100];

	snprintf(name, sizeof name, FOLDER "/%.16s.cache", vcard_card_number(bench.card));
	return name;
}

static size_t read_cache(unsigned char out[FILE_MAX])
{
	FILE *file = fopen(home_path(cache_file()), "re");
	size_t n = file ? fread(out, 1, FILE_MAX, file) : 0;

	if (file)
		fclose(file);
	return n;
}

/* All that a program may look at, logged in or not. */
static void look_at_everything(void)
{
	CK_OBJECT_HANDLE found[32];
	unsigned char value[4096];
	size_t n = find_objects(bench.session, NULL, 0, found, COUNT(found));

	for (size_t i = 0; i < n; i++)
		(void)C_GetAttributeValue(bench.session, found[i],
					  &(CK_ATTRIBUTE){CKA_VALUE, value, sizeof value}, 1);
}

static bool cache_has(const void *bytes, size_t len)
{
	static unsigned char file[FILE_MAX];
	size_t n = read_cache(file);

	assert_true(n > 1000);
	return memmem(file, n, bytes, len) != NULL;
}

static void assert_nothing_private_saved(void)
{
	const uint8_t *data;
	size_t len;

	assert_false(cache_has(SECRET_LABEL, strlen(SECRET_LABEL)));
	assert_true(vcard_file_get(bench.card, path_of("0870"), &data, &len));
	assert_true(len >= DATA_SIZE);
	assert_false(cache_has(data, DATA_SIZE));
}

static void its_directory_is_not_saved(void **state)
{
	CK_OBJECT_HANDLE found[32];

	(void)state;
	look_at_everything();
	begin_again();
	assert_nothing_private_saved();
	see_it();
	look_at_everything();
	begin_again();
	assert_nothing_private_saved();
	/* what the next program sees is right all the same, with and without login */
	assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), ALL - 1);
	see_it();
	assert_int_equal(find_objects(bench.session, NULL, 0, found, COUNT(found)), ALL + 3);
}

/* A login comes first, and the first search is one that finds it. */
static void its_directory_is_not_saved_by_a_login_either(void **state)
{
	(void)state;
	see_it();
	look_at_everything();
	begin_again();
	look_at_everything();
	begin_again();
	assert_nothing_private_saved();
}

/* The control: a directory without private objects is saved, and the search would find it. */
static void a_public_directory_is_saved(void **state)
{
	(void)state;
	look_at_everything();
	begin_again();
	assert_true(cache_has(SECRET_LABEL, strlen(SECRET_LABEL)));
}

/* ---- whose cache file it is ---- */

/* All is right, and the card was read for it. */
static void assert_ignored(const char *why)
{
	unsigned commands;

	begin_again();
	look_at_everything();
	commands = fake_new_commands(READER);
	if (commands <= 2 * WARM_LIST)
		fail_msg("%s: %u commands: the file was believed", why, commands);
}

/* And here it is taken. */
static void warm_up(void)
{
	look_at_everything();
	begin_again();
	look_at_everything();
	assert_in_range(fake_new_commands(READER), 1, 2 * WARM_LIST);
}

static void another_owners_file_is_ignored(void **state)
{
	(void)state;
	warm_up();
	assert_true(owners_pretend(home_path(cache_file()), STRANGER));
	assert_ignored("another owner");
}

static void another_owners_folder_is_ignored(void **state)
{
	(void)state;
	warm_up();
	assert_true(owners_pretend(home_path(FOLDER), STRANGER));
	assert_ignored("another owner's folder");
}

static void a_file_that_others_have_a_right_to_is_ignored(void **state)
{
	(void)state;
	for (unsigned bit = 01; bit <= 040; bit <<= 1) {
		char why[40];

		warm_up();
		snprintf(why, sizeof why, "mode %o", 0600 | bit);
		assert_int_equal(chmod(home_path(cache_file()), 0600 | bit), 0);
		assert_ignored(why);
		begin_again();
	}
}

static void a_folder_that_others_have_a_right_to_is_ignored(void **state)
{
	(void)state;
	warm_up();
	for (unsigned bit = 01; bit <= 040; bit <<= 1) {
		char why[40];

		snprintf(why, sizeof why, "folder mode %o", 0700 | bit);
		assert_int_equal(chmod(home_path(FOLDER), 0700 | bit), 0);
		assert_ignored(why);
	}
	assert_int_equal(chmod(home_path(FOLDER), 0700), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(without_login_no_search_finds_it, setup),
		BOTH(without_login_no_handle_leads_to_it, setup),
		BOTH(without_login_no_search_reads_it, setup),
		BOTH(with_login_it_is_there, setup),
		BOTH(after_logout_its_handle_is_none, setup),
		BOTH(after_a_dropped_login_its_handle_is_none, setup),
		BOTH(in_another_session_its_handle_ends_too, setup),
		BOTH(a_search_begun_before_logout_does_not_give_it_away, setup),
		BOTH(private_keys_are_shown_with_login_only, setup),
		BOTH(its_directory_is_not_saved, setup),
		BOTH(its_directory_is_not_saved_by_a_login_either, setup),
		BOTH(a_public_directory_is_saved, setup_public),
		BOTH(another_owners_file_is_ignored, setup_public),
		BOTH(another_owners_folder_is_ignored, setup_public),
		BOTH(a_file_that_others_have_a_right_to_is_ignored, setup_public),
		BOTH(a_folder_that_others_have_a_right_to_is_ignored, setup_public),
	};

	return cmocka_run_group_tests_name("private objects", tests, NULL, NULL);
}
