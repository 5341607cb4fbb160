/*
 * What waits to be finished: it is there after everything that can happen to a
 * program and its disk, in the old state or the new one, and for nobody else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tools/twcard/authz_pending.h"
#include "authz_world.h"
#include "gen2card.h"
#include "hear.h"

#define FOLDER "state/twcard/authz"
#define DIED 42

static struct world world;

/* ---- a program that ends at a moment ---- */

static long moments_left = -1; /* below 0: it does not */

static void moment(void)
{
	if (moments_left >= 0 && moments_left-- == 0)
		(void)raise(SIGKILL);
}

/* In place of libc's: what reaches the disk, and the moment before it. */
int fsync(int fd)
{
	moment();
	return (int)syscall(SYS_fsync, fd);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	moment();
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int unlinkat(int dir, const char *name, int flags)
{
	moment();
	return (int)syscall(SYS_unlinkat, dir, name, flags);
}

int fchmod(int fd, mode_t mode)
{
	moment();
	return (int)syscall(SYS_fchmod, fd, mode);
}

/* What a child answers, or DIED. */
static int in_child(int (*work)(void *context), void *context, long moments)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		moments_left = moments;
		hear_begin();
		_exit(work(context));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGKILL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : DIED;
}

/* ---- what is kept ---- */

static char *copy(const char *text)
{
	char *out = strdup(text);

	assert_non_null(out);
	return out;
}

static struct authz_pending sample(void)
{
	struct authz_pending p = AUTHZ_PENDING_NONE;

	p.server = copy("https://authority.example");
	p.reservation = copy("r-1");
	p.cert = (unsigned char *)copy("a certificate");
	p.cert_len = strlen("a certificate");
	p.authorizer = world.cards[WORLD_PRIMARY];
	p.holder = world.cards[WORLD_CLERK];
	assert_true(X509_up_ref(p.authorizer) && X509_up_ref(p.holder));
	p.authorizer_number = copy("MO00000001");
	p.holder_number = copy("MO00000002");
	p.since = 1800000000;
	return p;
}

static void assert_is_sample(const struct authz_pending *p, enum authz_pending_step step)
{
	assert_int_equal(p->step, step);
	assert_string_equal(p->server, "https://authority.example");
	assert_string_equal(p->reservation, "r-1");
	assert_int_equal(p->cert_len, strlen("a certificate"));
	assert_memory_equal(p->cert, "a certificate", p->cert_len);
	assert_int_equal(X509_cmp(p->authorizer, world.cards[WORLD_PRIMARY]), 0);
	assert_int_equal(X509_cmp(p->holder, world.cards[WORLD_CLERK]), 0);
	assert_string_equal(p->authorizer_number, "MO00000001");
	assert_string_equal(p->holder_number, "MO00000002");
	assert_int_equal(p->since, 1800000000);
}

static int setup(void **state)
{
	(void)state;
	home_make();
	world_init(&world, 1800000000);
	setenv("XDG_STATE_HOME", home_path("state"), 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_clear(&world);
	return 0;
}

static void empty_folder(void)
{
	DIR *dir = opendir(home_path(FOLDER));
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			assert_int_equal(unlinkat(dirfd(dir), e->d_name, 0), 0);
	if (dir)
		closedir(dir);
}

static int each_setup(void **state)
{
	(void)state;
	empty_folder();
	return 0;
}

static size_t files_in_folder(void)
{
	DIR *dir = opendir(home_path(FOLDER));
	struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

static size_t listed(struct authz_pending_list *list)
{
	hear_begin();
	assert_int_equal(authz_pending_list(list), EXIT_GOOD);
	hear_end();
	return list->count;
}

/* ---- the plain course ---- */

static void nothing_is_listed_where_nothing_is(void **state)
{
	struct authz_pending_list list;

	(void)state;
	assert_int_equal(rmdir(home_path(FOLDER)) == 0 || errno == ENOENT, 1);
	assert_int_equal(listed(&list), 0);
	assert_int_equal(list.damaged, 0);
}

static void one_is_kept_listed_and_dropped(void **state)
{
	struct authz_pending p = sample();
	struct authz_pending_list list;
	struct stat st;
	char path[200];

	(void)state;
	assert_int_equal(authz_pending_keep(&p), EXIT_GOOD);
	assert_int_equal(strlen(p.id), AUTHZ_PENDING_ID);
	snprintf(path, sizeof path, FOLDER "/%s.json", p.id);
	assert_int_equal(stat(home_path(path), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(home_path(FOLDER), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(listed(&list), 1);
	assert_is_sample(&list.items[0], AUTHZ_PENDING_SIGNED);
	assert_string_equal(list.items[0].id, p.id);
	authz_pending_list_clear(&list);
	p.step = AUTHZ_PENDING_REGISTERED;
	assert_int_equal(authz_pending_keep(&p), EXIT_GOOD);
	assert_int_equal(listed(&list), 1);
	assert_is_sample(&list.items[0], AUTHZ_PENDING_REGISTERED);
	authz_pending_list_clear(&list);
	assert_int_equal(authz_pending_drop(&p), EXIT_GOOD);
	authz_pending_clear(&p);
	assert_int_equal(files_in_folder(), 0);
}

static void the_oldest_comes_first(void **state)
{
	struct authz_pending a = sample(), b = sample();
	struct authz_pending_list list;

	(void)state;
	b.since--;
	assert_int_equal(authz_pending_keep(&a), EXIT_GOOD);
	assert_int_equal(authz_pending_keep(&b), EXIT_GOOD);
	assert_int_equal(listed(&list), 2);
	assert_string_equal(list.items[0].id, b.id);
	assert_string_equal(list.items[1].id, a.id);
	authz_pending_list_clear(&list);
	authz_pending_clear(&a);
	authz_pending_clear(&b);
}

/* ---- two programs ---- */

static int take(void *context)
{
	struct authz_pending p = AUTHZ_PENDING_NONE;
	enum exit_code code;

	snprintf(p.id, sizeof p.id, "%s", (const char *)context);
	code = authz_pending_take(&p);
	authz_pending_clear(&p);
	return (int)code;
}

static void only_one_program_works_on_it(void **state)
{
	struct authz_pending p = sample();
	char id[AUTHZ_PENDING_ID + 1];

	(void)state;
	assert_int_equal(authz_pending_keep(&p), EXIT_GOOD);
	strcpy(id, p.id);
	assert_int_equal(in_child(take, id, -1), EXIT_FILE);
	authz_pending_clear(&p); /* lets go of it */
	assert_int_equal(in_child(take, id, -1), EXIT_GOOD);
	strcpy(p.id, id);
	assert_int_equal(authz_pending_take(&p), EXIT_GOOD);
	assert_is_sample(&p, AUTHZ_PENDING_SIGNED);
	assert_int_equal(in_child(take, id, -1), EXIT_FILE);
	assert_int_equal(authz_pending_drop(&p), EXIT_GOOD);
	assert_int_equal(in_child(take, id, -1), EXIT_FILE); /* finished meanwhile */
	authz_pending_clear(&p);
	assert_int_equal(files_in_folder(), 0);
}

/* ---- damage ---- */

static void a_damaged_one_is_told_and_kept(void **state)
{
	static const char *const bad[] = {
		"", "{", "[]", "{\"version\":2}", "{\"version\":1,\"step\":\"signed\"}", "\xFF\xFE",
		"{\"version\":1,\"step\":\"eaten\",\"server\":\"s\",\"reservation\":\"r\",\"certificate\":\"AAAA\"}",
	};
	struct authz_pending p = sample();
	struct authz_pending_list list;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char path[200];

		snprintf(path, sizeof path, FOLDER "/%032zx.json", i + 1);
		assert_int_equal(mkdir(home_path("state"), 0700) == 0 || errno == EEXIST, 1);
		assert_int_equal(mkdir(home_path("state/twcard"), 0700) == 0 || errno == EEXIST, 1);
		assert_int_equal(mkdir(home_path(FOLDER), 0700) == 0 || errno == EEXIST, 1);
		home_write(path, bad[i], 0600);
	}
	home_write(FOLDER "/notes.txt", "mine", 0600);
	assert_int_equal(authz_pending_keep(&p), EXIT_GOOD);
	assert_int_equal(listed(&list), 1);
	assert_is_sample(&list.items[0], AUTHZ_PENDING_SIGNED);
	assert_int_equal(list.damaged, sizeof bad / sizeof *bad);
	assert_non_null(strstr(hear_text(), "00000001.json cannot be read (damaged): it is kept"));
	assert_int_equal(files_in_folder(), sizeof bad / sizeof *bad + 1 + 2);
	authz_pending_list_clear(&list);
	authz_pending_clear(&p);
}

/* ---- a full disk ---- */

static int keep_with_little_room(void *context)
{
	struct rlimit limit = {200, 200};

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return EXIT_INTERNAL;
	return (int)authz_pending_keep(context);
}

static void a_full_disk_leaves_what_was_there(void **state)
{
	struct authz_pending p = sample();
	struct authz_pending_list list;

	(void)state;
	assert_int_equal(in_child(keep_with_little_room, &p, -1), EXIT_FILE);
	assert_int_equal(files_in_folder(), 0);
	assert_int_equal(authz_pending_keep(&p), EXIT_GOOD);
	p.step = AUTHZ_PENDING_WRITTEN;
	assert_int_equal(in_child(keep_with_little_room, &p, -1), EXIT_FILE);
	assert_int_equal(listed(&list), 1);
	assert_is_sample(&list.items[0], AUTHZ_PENDING_SIGNED);
	authz_pending_list_clear(&list);
	authz_pending_clear(&p);
	assert_int_equal(files_in_folder(), 2);
}

static int keep(void *context)
{
	return (int)authz_pending_keep(context);
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
	struct authz_pending p = sample();

	(void)state;
	home_write("in-the-way", "", 0600);
	setenv("XDG_STATE_HOME", home_path("in-the-way"), 1);
	assert_int_equal(in_child(keep, &p, -1), EXIT_FILE);
	setenv("XDG_STATE_HOME", home_path("state"), 1);
	authz_pending_clear(&p);
}

/* ---- killed at each moment ---- */

/* A whole life: kept, a step further, dropped. */
static int live(void *context)
{
	struct authz_pending *p = context;

	if (authz_pending_keep(p) != EXIT_GOOD)
		return 1;
	p->step = AUTHZ_PENDING_REGISTERED;
	if (authz_pending_keep(p) != EXIT_GOOD || authz_pending_drop(p) != EXIT_GOOD)
		return 1;
	return 0;
}

static void killed_at_any_moment_it_is_there_whole_or_not_at_all(void **state)
{
	struct authz_pending_list list;
	long moments = 0;
	size_t found = 0;
	int end;

	(void)state;
	do {
		struct authz_pending p = sample();

		empty_folder();
		end = in_child(live, &p, moments++);
		assert_true(end == 0 || end == DIED);
		(void)listed(&list);
		assert_int_equal(list.damaged, 0);
		assert_true(list.count <= 1);
		if (list.count) {
			found++;
			assert_is_sample(&list.items[0], list.items[0].step);
			assert_true(list.items[0].step <= AUTHZ_PENDING_REGISTERED);
			assert_int_equal(in_child(take, list.items[0].id, -1), EXIT_GOOD);
		}
		assert_true(files_in_folder() <= 2); /* no temporary one is left after it was listed */
		authz_pending_list_clear(&list);
		authz_pending_clear(&p);
	} while (end == DIED);
	assert_true(found >= 6); /* after the first renaming, and up to the removal */
	assert_int_equal(files_in_folder(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_listed_where_nothing_is, each_setup),
		cmocka_unit_test_setup(one_is_kept_listed_and_dropped, each_setup),
		cmocka_unit_test_setup(the_oldest_comes_first, each_setup),
		cmocka_unit_test_setup(only_one_program_works_on_it, each_setup),
		cmocka_unit_test_setup(a_damaged_one_is_told_and_kept, each_setup),
		cmocka_unit_test_setup(a_full_disk_leaves_what_was_there, each_setup),
		cmocka_unit_test_setup(a_folder_that_cannot_be_made_is_told, each_setup),
		cmocka_unit_test_setup(killed_at_any_moment_it_is_there_whole_or_not_at_all, each_setup),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
