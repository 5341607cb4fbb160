/* The public files of a card on disk: what they save, and when they must not be believed. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "cachebench.h"
#include "child.h"
#include "forge.h"

#define DATA_SIZE 25 /* the data objects' file: card number and name in a row, as nowhere else */

/* ---- what OpenSSL has of memory ---- */

static _Atomic long kept_blocks; /* that were not given back */
static bool counts_blocks;

static void *count_malloc(size_t size, const char *file, int line)
{
	void *p = malloc(size);

	(void)file;
	(void)line;
	kept_blocks += p != NULL;
	return p;
}

static void count_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	kept_blocks -= p != NULL;
	free(p);
}

static void *count_realloc(void *old, size_t size, const char *file, int line)
{
	void *p = size ? realloc(old, size) : NULL;

	if (!size)
		count_free(old, file, line);
	kept_blocks += !old && p;
	return p;
}

/* Before OpenSSL is asked for anything, as random numbers are set up before main(), too. */
static __attribute__((constructor(101))) void count_blocks(void)
{
	counts_blocks = CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) == 1;
}

/* ---- what it saves ---- */

static void a_warm_list_is_cheap_and_right(void **state)
{
	unsigned cold, warm;

	(void)state;
	assert_int_equal(list_objects(), 9);
	cold = fake_new_commands(READER);
	read_certificates();
	begin_again();
	assert_int_equal(list_objects(), 9);
	warm = fake_new_commands(READER);
	print_message("# generation %d: objects listed in %u commands cold, %u warm\n", generation, cold,
		      warm);
	assert_in_range(warm, 1, WARM_LIST);
	assert_true(warm < cold);
	read_certificates();
	assert_int_equal(fake_new_commands(READER), 0);
}

/* All four together: the first one asked brings its issuer's, which checks it. */
static void a_cold_certificate_costs_its_blocks(void **state)
{
	unsigned cost, all = 0, blocks = 0;
	CK_OBJECT_HANDLE found[8];
	size_t n;

	(void)state;
	n = find_class(bench.session, CKO_CERTIFICATE, found, COUNT(found));
	for (size_t i = 0; i < n; i++) {
		unsigned char der[4096];
		size_t len;

		fake_new_commands(READER);
		len = get_attribute(bench.session, found[i], CKA_VALUE, der, sizeof der);
		cost = fake_new_commands(READER);
		print_message("# generation %d: %zu bytes in %u commands\n", generation, len, cost);
		all += cost;
		blocks += (unsigned)(len + 230) / 231;
	}
	assert_true(10 * all <= 11 * blocks + 30 * n);
}

static void slot_token_and_session_info_cost_nothing(void **state)
{
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	CK_SESSION_INFO session;

	(void)state;
	assert_int_equal(C_GetTokenInfo(bench.slot, &token), CKR_OK);
	fake_new_commands(READER);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(C_GetSlotInfo(bench.slot, &slot), CKR_OK);
		assert_int_equal(C_GetTokenInfo(bench.slot, &token), CKR_OK);
		assert_int_equal(C_GetSessionInfo(bench.session, &session), CKR_OK);
	}
	assert_int_equal(fake_new_commands(READER), 0);
}

static void signing_works_from_a_warm_start(void **state)
{
	unsigned char sig[256];

	(void)state;
	warm_up();
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "x",
				     sig),
			 CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, "x", sig));
}

/* Many programs look at a key before they use it: that must not end a secure channel. */
static void a_warm_login_and_signature_cost_one_verify(void **state)
{
	unsigned char modulus[256], sig[256];
	CK_OBJECT_HANDLE key;
	unsigned before;

	(void)state;
	warm_up();
	before = verifies(bench.card);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	get_attribute(bench.session, key, CKA_MODULUS, modulus, sizeof modulus);
	assert_int_equal(sign_sha256(bench.session, key, "x", sig), CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, "x", sig));
	assert_int_equal(verifies(bench.card) - before, 1);
}

/* ---- what must be noticed ---- */

static void a_renewed_certificate_is_noticed(void **state)
{
	static const enum vcard_cert which[] = {VCARD_CERT_SIGN, VCARD_CERT_ENCRYPT};

	(void)state;
	forge_world(bench.card);
	for (size_t i = 0; i < COUNT(which); i++) {
		warm_up();
		forge_renew(bench.card, which[i], NULL);
		list_objects();
		assert_true(fake_new_commands(READER) > WARM_LIST);
		read_certificates();
		begin_again(); /* and the new one is in the cache */
		list_objects();
		assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
		read_certificates();
		assert_int_equal(fake_new_commands(READER), 0);
	}
}

/* With a key of its own, so that what it issued is new as well. */
static void a_renewed_issuer_is_noticed(void **state)
{
	(void)state;
	warm_up();
	forge_world(bench.card);
	list_objects();
	read_certificates();
	assert_true(fake_new_commands(READER) > WARM_LIST);
}

static void another_persons_certificate_is_noticed(void **state)
{
	(void)state;
	forge_world(bench.card);
	warm_up();
	forge_renew(bench.card, VCARD_CERT_SIGN, ck_rsa(2048));
	list_objects();
	read_certificates();
	assert_true(fake_new_commands(READER) > WARM_LIST);
}

static void another_card_has_a_file_of_its_own(void **state)
{
	struct vcard *other = testcard_load_other();
	struct stat st;

	(void)state;
	warm_up();
	fake_insert(READER, other);
	begin_again();
	list_objects();
	assert_true(fake_new_commands(READER) > WARM_LIST);
	assert_int_equal(stat(home_path(file_of(bench.card)), &st), 0);
	assert_int_equal(stat(home_path(FOLDER "/TP99999999999999.cache"), &st), 0);
	fake_insert(READER, bench.card);
	begin_again();
	list_objects();
	assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
	vcard_free(&other);
}

/* ---- files that are not to be believed ---- */

/* Everything is right, and it cost more than a warm start. */
static void assert_ignored(void)
{
	begin_again();
	assert_int_equal(list_objects(), 9);
	read_certificates();
	assert_true(fake_new_commands(READER) > 2 * WARM_LIST);
}

static void a_torn_file_is_ignored(void **state)
{
	static unsigned char good[FILE_MAX];
	size_t len;

	(void)state;
	warm_up();
	len = read_cache(file_of(bench.card), good);
	assert_true(len > 1000);
	for (size_t cut = 0; cut < len; cut = cut * 2 + 1) {
		home_write_bytes(file_of(bench.card), good, len - 1 - cut % len, 0600);
		assert_ignored();
	}
	good[len] = 0;
	home_write_bytes(file_of(bench.card), good, len + 1, 0600);
	assert_ignored();
}

static void a_file_with_any_bit_flipped_is_ignored(void **state)
{
	static unsigned char good[FILE_MAX];
	size_t len;

	(void)state;
	warm_up();
	len = read_cache(file_of(bench.card), good);
	for (size_t at = 0; at < len; at += len / 40 + 1) {
		good[at] ^= 0x04;
		home_write_bytes(file_of(bench.card), good, len, 0600);
		assert_ignored();
		good[at] ^= 0x04;
	}
}

static void the_file_of_another_card_is_ignored(void **state)
{
	static unsigned char good[FILE_MAX];
	struct vcard *other = testcard_load_other();
	size_t len;

	(void)state;
	warm_up();
	len = read_cache(file_of(bench.card), good);
	home_write_bytes(FOLDER "/TP99999999999999.cache", good, len, 0600);
	fake_insert(READER, other);
	assert_ignored();
	vcard_free(&other);
}

static void a_file_that_others_may_touch_is_ignored(void **state)
{
	static const mode_t modes[] = {0644, 0660, 0602, 0601};

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		warm_up();
		assert_int_equal(chmod(home_path(file_of(bench.card)), modes[i]), 0);
		assert_ignored();
	}
}

static void a_directory_that_others_may_enter_is_refused(void **state)
{
	static unsigned char before[FILE_MAX], after[FILE_MAX];
	unsigned files;
	size_t len;

	(void)state;
	warm_up();
	len = read_cache(file_of(bench.card), before);
	assert_int_equal(chmod(home_path(FOLDER), 0755), 0);
	assert_ignored();
	files = count_open_files();
	assert_ignored();
	assert_int_equal(count_open_files(), files);
	assert_int_equal(read_cache(file_of(bench.card), after), len);
	assert_memory_equal(before, after, len);
	assert_int_equal(chmod(home_path(FOLDER), 0700), 0);
	begin_again();
	list_objects();
	assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
}

static void links_are_not_followed(void **state)
{
	struct stat st;

	(void)state;
	warm_up();
	assert_int_equal(rename(home_path(file_of(bench.card)), home_path("moved")), 0);
	assert_int_equal(symlink(home_path("moved"), home_path(file_of(bench.card))), 0);
	assert_ignored();
	/* written anew in its place, not through it */
	assert_int_equal(lstat(home_path(file_of(bench.card)), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(rename(home_path(FOLDER), home_path("elsewhere")), 0);
	assert_int_equal(symlink(home_path("elsewhere"), home_path(FOLDER)), 0);
	assert_ignored();
	home_remove(FOLDER);
}

static void what_is_no_file_is_ignored(void **state)
{
	(void)state;
	warm_up();
	home_remove(file_of(bench.card));
	assert_int_equal(mkfifo(home_path(file_of(bench.card)), 0600), 0);
	assert_ignored();
	home_remove(file_of(bench.card));
	assert_int_equal(mkdir(home_path(file_of(bench.card)), 0700), 0);
	assert_ignored();
	home_write_bytes(FOLDER "/empty", "", 0, 0600);
}

/* ---- writing ---- */

/* In the folder, the lock with them: no temporary one may be left. */
static int count_files(void)
{
	DIR *dir = opendir(home_path(FOLDER));
	int files = 0;

	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));)
		files += e->d_name[0] != '.' || (e->d_name[1] && e->d_name[1] != '.');
	closedir(dir);
	return files;
}

static void files_are_ours_alone(void **state)
{
	struct stat st;

	(void)state;
	umask(0);
	warm_up();
	umask(022);
	assert_int_equal(stat(home_path(FOLDER), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(home_path(file_of(bench.card)), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(count_files(), 2);
}

/* Of a program that was killed while it wrote, and had our process id. */
static void a_temporary_file_that_was_left_is_replaced(void **state)
{
	char name[200];
	struct stat st;

	(void)state;
	warm_up();
	assert_int_equal(unlink(home_path(file_of(bench.card))), 0);
	snprintf(name, sizeof name, FOLDER "/%s.%ld.new", strrchr(file_of(bench.card), '/') + 1,
		 (long)getpid());
	home_write(name, "half of it", 0600);
	begin_again();
	warm_up();
	assert_int_equal(stat(home_path(file_of(bench.card)), &st), 0);
	assert_int_equal(count_files(), 2);
}

static void nothing_private_is_in_it(void **state)
{
	static unsigned char file[FILE_MAX];
	const uint8_t *prkdf, *secret;
	unsigned char sig[256];
	size_t len, prkdf_len, secret_len;

	(void)state;
	warm_up();
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	list_objects();
	assert_int_equal(sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, "SIGN"), "x",
				     sig),
			 CKR_OK);
	begin_again();
	list_objects();
	len = read_cache(file_of(bench.card), file);
	assert_true(len > 1000);
	assert_true(vcard_file_get(bench.card, generation == 1 ? "3F00/5030/4100" : "7FFF/5030/4100", &prkdf,
				   &prkdf_len));
	assert_null(memmem(file, len, prkdf, 40));
	assert_true(vcard_file_get(bench.card, generation == 1 ? "3F00/5030/0870" : "7FFF/5030/0870", &secret,
				   &secret_len));
	assert_true(secret_len >= DATA_SIZE);
	assert_null(memmem(file, len, secret, DATA_SIZE));
	assert_null(memmem(file, len, PIN, strlen(PIN)));
	assert_null(memmem(file, len, sig, 32));
}

static void without_a_place_to_write_all_works(void **state)
{
	static const char *const places[] = {"/dev/null/none", "relative", "/proc/none", ""};

	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		setenv("XDG_CACHE_HOME", places[i], 1);
		setenv("HOME", "/dev/null", 1);
		begin_again();
		assert_int_equal(list_objects(), 9);
		read_certificates();
	}
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	assert_ignored();
}

static void the_home_directory_has_one_too(void **state)
{
	struct stat st;

	(void)state;
	unsetenv("XDG_CACHE_HOME");
	setenv("HOME", home_path("xdg"), 1);
	begin_again();
	warm_up();
	assert_int_equal(stat(home_path("xdg/.cache/twcard"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	list_objects();
	assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
	setenv("HOME", "/dev/null", 1);
}

/* Writing fails half-way, as on a full disk: a child, because limits cannot be raised again. */
static void a_full_disk_leaves_the_old_file_or_none(void **state)
{
	pid_t child = child_start();
	struct stat st;

	(void)state;
	if (child == 0) {
		struct rlimit small = {700, 700};

		CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
		bench.slot = slot_of(READER);
		bench.session = open_session(bench.slot);
		CHILD_WANTS(setrlimit(RLIMIT_FSIZE, &small) == 0);
		signal(SIGXFSZ, SIG_IGN);
		CHILD_WANTS(list_objects() == 9);
		read_certificates();
		CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
		child_done_leaving_memory();
	}
	child_assert_well(child);
	assert_int_equal(stat(home_path(file_of(bench.card)), &st), -1);
	assert_int_equal(count_files(), 1);
	list_objects();
	assert_int_equal(stat(home_path(file_of(bench.card)), &st), 0);
}

/* A daemon may have closed its standard streams: the folder is file number 0 then. */
static void a_program_without_standard_streams_has_one_too(void **state)
{
	pid_t child = child_start();
	struct stat st;

	(void)state;
	if (child == 0) {
		unsigned before;

		close(0);
		before = count_open_files();
		for (int i = 0; i < 2; i++) {
			CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
			bench.slot = slot_of(READER);
			bench.session = open_session(bench.slot);
			CHILD_WANTS(list_objects() == 9);
			CHILD_WANTS(i == 0 || fake_new_commands(READER) <= WARM_LIST);
			read_certificates();
			CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
			fake_new_commands(READER);
		}
		CHILD_WANTS(count_open_files() == before);
		child_done_leaving_memory();
	}
	child_assert_well(child);
	assert_int_equal(stat(home_path(file_of(bench.card)), &st), 0);
}

static void it_can_be_switched_off(void **state)
{
	struct stat st;

	(void)state;
	warm_up();
	configure("no");
	assert_ignored();
	home_remove(file_of(bench.card));
	assert_ignored();
	assert_int_equal(stat(home_path(file_of(bench.card)), &st), -1);
}

/* Also where no leak checker runs: what certificates were parsed for is given back. */
static void saving_again_and_again_keeps_no_memory(void **state)
{
	long before = 0;

	(void)state;
	if (!counts_blocks)
		skip(); /* a library was first */
	for (int life = 0; life < 6; life++) {
		list_objects();
		read_certificates();
		module_stop();
		if (life == 2) /* from here on all that is made once is there */
			before = kept_blocks;
		home_remove(FOLDER);
		fake_foreign_reset(READER);
		begin();
	}
	module_stop();
	assert_int_equal(kept_blocks, before);
	begin();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_warm_list_is_cheap_and_right),
		BOTH(a_cold_certificate_costs_its_blocks),
		BOTH(slot_token_and_session_info_cost_nothing),
		BOTH(signing_works_from_a_warm_start),
		BOTH(a_warm_login_and_signature_cost_one_verify),
		BOTH(a_renewed_certificate_is_noticed),
		BOTH(a_renewed_issuer_is_noticed),
		FIRST(another_persons_certificate_is_noticed),
		FIRST(another_card_has_a_file_of_its_own),
		FIRST(a_torn_file_is_ignored),
		FIRST(a_file_with_any_bit_flipped_is_ignored),
		FIRST(the_file_of_another_card_is_ignored),
		FIRST(a_file_that_others_may_touch_is_ignored),
		FIRST(a_directory_that_others_may_enter_is_refused),
		FIRST(links_are_not_followed),
		FIRST(what_is_no_file_is_ignored),
		BOTH(files_are_ours_alone),
		FIRST(a_temporary_file_that_was_left_is_replaced),
		BOTH(nothing_private_is_in_it),
		FIRST(without_a_place_to_write_all_works),
		FIRST(the_home_directory_has_one_too),
		FIRST(a_full_disk_leaves_the_old_file_or_none),
		FIRST(a_program_without_standard_streams_has_one_too),
		FIRST(it_can_be_switched_off),
		BOTH(saving_again_and_again_keeps_no_memory),
	};

	return cmocka_run_group_tests_name("disk cache", tests, NULL, NULL);
}
