/* The queue for a card: in order, never for ever, and gone with the process that was in it. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "apdu/pcsc.h"
#include "apdu/queue.h"
#include "child.h"
#include "testcard.h"

#define AT_ONCE_MS 1000 /* a wait for somebody who does not move takes two seconds */
#define CHILD_SECONDS 20 /* a test that fails leaves its children behind: they end, too */

static char runtime[128], directory[160], file[256];

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* The file of READER: the only one there after the first queue_enter(). */
static void find_file(void)
{
	struct queue *q = queue_new(READER);
	FILE *list;
	char command[200], name[64];

	assert_non_null(q);
	queue_enter(q);
	queue_free(&q);
	snprintf(command, sizeof command, "ls %s", directory);
	list = popen(command, "r");
	assert_non_null(list);
	assert_int_equal(fscanf(list, "%63s", name), 1);
	pclose(list);
	snprintf(file, sizeof file, "%s/%s", directory, name);
}

static int setup(void **state)
{
	(void)state;
	snprintf(runtime, sizeof runtime, "/tmp/twcard-queue.XXXXXX");
	if (!mkdtemp(runtime))
		return -1;
	snprintf(directory, sizeof directory, "%s/twcard", runtime);
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	find_file();
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	setenv("XDG_RUNTIME_DIR", "/dev/null/none", 1);
	return nftw(runtime, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Milliseconds until our turn; leaves again. */
static int64_t wait_of(const char *reader)
{
	struct queue *q = queue_new(reader);
	int64_t start = now_ms();

	queue_enter(q);
	start = now_ms() - start;
	queue_free(&q);
	return start;
}

static uint64_t drawn(void)
{
	uint64_t n = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && read(fd, &n, sizeof n) == (ssize_t)sizeof n);
	close(fd);
	return n;
}

static void write_page(uint64_t a, uint64_t b, int64_t since)
{
	struct {
		uint64_t drawn, served;
		int64_t since;
	} page = {a, b, since};
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, &page, sizeof page, 0), sizeof page);
	close(fd);
}

static void await_drawn(uint64_t n)
{
	for (int64_t end = now_ms() + 5000; drawn() < n && now_ms() < end;)
		pause_ms(1);
	assert_int_equal(drawn(), n);
}

/* A process that is in the queue when this returns, until a signal ends it. */
static pid_t occupant(void)
{
	uint64_t before = drawn();
	pid_t child = child_start();

	if (child == 0) {
		alarm(CHILD_SECONDS);
		queue_enter(queue_new(READER));
		for (;;)
			pause();
	}
	await_drawn(before + 1);
	pause_ms(20); /* its turn has come */
	return child;
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* A process that queues up now and writes the letter when its turn has come. */
static pid_t queue_up(int out, char letter)
{
	uint64_t before = drawn();
	pid_t child = child_start();

	if (child == 0) {
		struct queue *q = queue_new(READER);

		queue_enter(q);
		CHILD_WANTS(write(out, &letter, 1) == 1);
		pause_ms(20);
		queue_free(&q);
		_exit(0);
	}
	await_drawn(before + 1);
	return child;
}

static void who_came_first_is_first_and_nobody_overtakes(void **state)
{
	struct queue *q = queue_new(READER);
	char order[6] = "";
	pid_t children[4];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	queue_enter(q);
	for (int i = 0; i < 4; i++)
		children[i] = queue_up(ends[1], (char)('a' + i));
	/* who leaves and comes back at once is the last */
	queue_leave(q);
	queue_enter(q);
	assert_int_equal(write(ends[1], "q", 1), 1);
	queue_free(&q);
	for (int i = 0; i < 4; i++)
		child_assert_well(children[i]);
	assert_int_equal(read(ends[0], order, 5), 5);
	assert_string_equal(order, "abcdq");
	close(ends[0]);
	close(ends[1]);
	assert_true(wait_of(READER) < AT_ONCE_MS);
}

static void readers_do_not_wait_for_each_other(void **state)
{
	pid_t child = occupant();

	(void)state;
	assert_true(wait_of(OTHER_READER) < AT_ONCE_MS);
	assert_true(wait_of(READER) > AT_ONCE_MS); /* but this one is taken */
	end_child(child);
}

static void a_killed_process_gives_its_place_back(void **state)
{
	pid_t holder = occupant(), waiter = occupant();

	(void)state;
	end_child(waiter);
	end_child(holder);
	assert_true(wait_of(READER) < AT_ONCE_MS);
}

static void a_stopped_process_costs_two_seconds_and_only_once(void **state)
{
	struct queue *q = queue_new(READER);
	pid_t child = occupant();
	int64_t start;

	(void)state;
	kill(child, SIGSTOP);
	start = now_ms();
	queue_enter(q);
	assert_in_range(now_ms() - start, 1900, 4000);
	queue_leave(q);
	start = now_ms();
	queue_enter(q);
	assert_true(now_ms() - start < AT_ONCE_MS);
	queue_leave(q);
	end_child(child);
	/* the next one that comes is waited for again */
	child = occupant();
	start = now_ms();
	queue_enter(q);
	assert_true(now_ms() - start > AT_ONCE_MS);
	queue_free(&q);
	end_child(child);
}

/* Tickets that were given up are others when the file was spoilt. */
static void who_is_counted_from_the_start_again_is_waited_for(void **state)
{
	struct queue *q = queue_new(READER);
	pid_t child = occupant();
	int64_t start;

	(void)state;
	kill(child, SIGSTOP);
	assert_int_equal(drawn(), 2); /* one is setup's */
	queue_enter(q);
	queue_leave(q);
	end_child(child);
	write_page(0, 0, 0);
	child = occupant();
	assert_int_equal(drawn(), 1);
	start = now_ms();
	queue_enter(q); /* with the number of the one that was given up */
	assert_true(now_ms() - start > AT_ONCE_MS);
	queue_free(&q);
	end_child(child);
}

static void a_queue_that_moves_is_waited_for(void **state)
{
	struct queue *q = queue_new(READER);
	pid_t children[3];
	int64_t start;

	(void)state;
	/* three in a row, 1.2 s each: more than two seconds, but one goes on after the other */
	for (int i = 0; i < 3; i++) {
		uint64_t before = drawn();

		children[i] = child_start();
		if (children[i] == 0) {
			struct queue *mine = queue_new(READER);

			queue_enter(mine);
			pause_ms(1200);
			queue_free(&mine);
			_exit(0);
		}
		await_drawn(before + 1);
	}
	start = now_ms();
	queue_enter(q);
	assert_in_range(now_ms() - start, 3300, 5000);
	queue_free(&q);
	for (int i = 0; i < 3; i++)
		child_assert_well(children[i]);
}

static void a_forked_child_keeps_nobody_waiting(void **state)
{
	struct queue *q = queue_new(READER);
	pid_t child;

	(void)state;
	queue_enter(q);
	child = child_start();
	if (child == 0) {
		alarm(CHILD_SECONDS);
		for (;;)
			pause();
	}
	queue_free(&q);
	assert_true(wait_of(READER) < AT_ONCE_MS);
	end_child(child);
}

/* Open files of this process below the runtime directory that a program it starts would inherit,
 * or (any) at all. */
static unsigned open_files(bool any)
{
	unsigned count = 0;

	for (int fd = 0; fd < 256; fd++) {
		char link[64], target[256];
		ssize_t n;

		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		n = readlink(link, target, sizeof target - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		if (strncmp(target, runtime, strlen(runtime)) == 0 &&
		    (any || !(fcntl(fd, F_GETFD) & FD_CLOEXEC)))
			count++;
	}
	return count;
}

static void no_file_stays_open_and_none_is_inherited(void **state)
{
	struct queue *q = queue_new(READER);

	(void)state;
	assert_int_equal(open_files(true), 0);
	queue_enter(q);
	queue_enter(q); /* twice is once */
	assert_int_equal(open_files(true), 1);
	assert_int_equal(open_files(false), 0);
	queue_leave(q);
	queue_leave(q);
	assert_int_equal(open_files(true), 0);
	queue_free(&q);
	assert_null(q);
}

/* Nobody waits although somebody is there, and no ticket is drawn. */
static void assert_no_queue(void)
{
	struct queue *first = queue_new(READER);

	queue_enter(first);
	assert_int_equal(open_files(true), 0);
	assert_true(wait_of(READER) < AT_ONCE_MS);
	queue_free(&first);
}

static void a_program_without_standard_input_is_in_the_queue_all_the_same(void **state)
{
	struct queue *q = queue_new(READER);
	uint64_t before = drawn();
	int saved = stdin_close();
	unsigned open;

	(void)state;
	queue_enter(q);
	open = open_files(true);
	queue_free(&q);
	stdin_open(saved);
	assert_int_equal(open, 1);
	assert_int_equal(drawn(), before + 1);
}

static void what_is_made_is_the_users_alone(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(directory, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void without_a_private_directory_there_is_no_queue(void **state)
{
	static const char *const bad[] = {"", "relative", "/dev/null/none", "/proc"};
	struct queue *none = NULL;
	char other[160];

	(void)state;
	queue_enter(none);
	queue_leave(none);
	queue_free(&none);
	unsetenv("XDG_RUNTIME_DIR");
	assert_no_queue();
	for (size_t i = 0; i < COUNT(bad); i++) {
		setenv("XDG_RUNTIME_DIR", bad[i], 1);
		assert_no_queue();
	}
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	assert_int_equal(chmod(directory, 0770), 0);
	assert_no_queue();
	assert_int_equal(chmod(directory, 0700), 0);
	/* a link to a private directory is not it */
	snprintf(other, sizeof other, "%s/other", runtime);
	assert_int_equal(rename(directory, other), 0);
	assert_int_equal(symlink(other, directory), 0);
	assert_no_queue();
	assert_int_equal(unlink(directory), 0);
	assert_int_equal(rename(other, directory), 0);
	queue_free(&none);
}

static void only_a_private_file_is_written(void **state)
{
	char victim[160], text[16] = "";
	int fd;

	(void)state;
	assert_int_equal(chmod(file, 0620), 0);
	assert_no_queue();
	assert_int_equal(unlink(file), 0);
	snprintf(victim, sizeof victim, "%s/victim", runtime);
	fd = open(victim, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "untouched", 9), 9);
	close(fd);
	assert_int_equal(symlink(victim, file), 0);
	assert_no_queue();
	fd = open(victim, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, sizeof text - 1), 9);
	assert_string_equal(text, "untouched");
	close(fd);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_no_queue();
	assert_int_equal(unlink(file), 0);
}

static int64_t since(void)
{
	int64_t ms = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, &ms, sizeof ms, 16), sizeof ms);
	close(fd);
	return ms;
}

static void a_spoilt_file_is_begun_anew(void **state)
{
	int64_t begin = now_ms();
	pid_t child;

	(void)state;
	write_page(UINT64_MAX, UINT64_MAX, INT64_MIN);
	assert_true(wait_of(READER) < AT_ONCE_MS);
	assert_int_equal(drawn(), 1);
	assert_in_range(since(), begin, now_ms()); /* in use from now on */
	child = occupant();
	assert_true(wait_of(READER) > AT_ONCE_MS);
	end_child(child);
	assert_int_equal(truncate(file, 3), 0);
	assert_true(wait_of(READER) < AT_ONCE_MS);
}

/* By a process that was stopped while it drew its ticket: the card is taken without one. */
static void who_cannot_draw_a_ticket_goes_on_soon(void **state)
{
	struct flock guard = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)1 << 62,
			      .l_len = 1};
	int fd = open(file, O_RDWR | O_CLOEXEC);
	uint64_t before = drawn();
	int64_t took;

	(void)state;
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &guard), 0);
	took = wait_of(READER);
	assert_true(took >= 50 && took < 1000);
	assert_int_equal(drawn(), before);
	close(fd);
	assert_true(wait_of(READER) < AT_ONCE_MS);
	assert_int_equal(drawn(), before + 1);
}

static void after_long_use_a_break_lets_other_programs_in(void **state)
{
	struct queue *q = queue_new(READER);
	int ends[2];
	int64_t left;
	char letter;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	for (int busy = 0; busy < 2; busy++) {
		int64_t begun = now_ms() - (busy ? 5000 : 1000);
		pid_t child;

		queue_enter(q);
		child = queue_up(ends[1], 'x');
		write_page(drawn(), drawn(), begun);
		queue_leave(q);
		left = now_ms();
		assert_int_equal(read(ends[0], &letter, 1), 1);
		left = now_ms() - left;
		assert_true(busy ? left >= 200 : left < 150);
		child_assert_well(child);
		assert_int_equal(since() == begun, !busy); /* the use goes on, or began anew */
	}
	/* who is alone has no break */
	write_page(drawn(), drawn(), now_ms() - 5000);
	assert_true(wait_of(READER) < 150);
	queue_free(&q);
	close(ends[0]);
	close(ends[1]);
}

/* ---- the transport is in the queue while it has the card, and only then ---- */

static void transactions_and_connections_take_their_turn(void **state)
{
	struct vcard *card = testcard_load();
	struct pcsc *ctx = NULL;
	struct channel *ch = NULL;
	bool was_reset;

	(void)state;
	fake_clear();
	fake_add_reader(READER);
	assert_int_equal(pcsc_open(&ctx), RESULT_OK);
	assert_int_equal(pcsc_connect(ctx, READER, &ch), RESULT_NO_CARD);
	assert_int_equal(open_files(true), 0);
	fake_insert(READER, card);
	assert_int_equal(pcsc_connect(ctx, READER, &ch), RESULT_OK);
	assert_int_equal(drawn(), 3); /* one is setup's */
	assert_int_equal(open_files(true), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
		assert_int_equal(open_files(true), 1);
		(void)!channel_end(ch, i);
		assert_int_equal(open_files(true), 0);
	}
	assert_int_equal(drawn(), 5);
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	channel_free(&ch);
	assert_int_equal(open_files(true), 0);
	assert_int_equal(pcsc_connect(ctx, READER, &ch), RESULT_OK);
	fake_eject(READER);
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_CARD_REMOVED);
	assert_int_equal(open_files(true), 0);
	channel_free(&ch);
	pcsc_close(&ctx);
	assert_int_equal(fake_open_contexts() + fake_open_handles(), 0);
	fake_clear();
	vcard_free(&card);
}

static unsigned resets_to_come;

static void reset_again(void *context)
{
	(void)context;
	if (resets_to_come > 0) {
		resets_to_come--;
		fake_foreign_reset(READER);
	}
}

static void programs_that_log_out_before_us_do_not_cost_us_our_turn(void **state)
{
	struct vcard *card = testcard_load();
	struct pcsc *ctx = NULL;
	struct channel *ch = NULL;
	bool was_reset = false;

	(void)state;
	fake_clear();
	fake_add_reader(READER);
	fake_insert(READER, card);
	assert_int_equal(pcsc_open(&ctx), RESULT_OK);
	assert_int_equal(pcsc_connect(ctx, READER, &ch), RESULT_OK);
	fake_on_begin(READER, reset_again, NULL);
	resets_to_come = 30;
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	assert_true(was_reset);
	assert_int_equal(resets_to_come, 0);
	(void)!channel_end(ch, false);
	/* one that does nothing but reset the card does not keep us for ever */
	resets_to_come = 100000;
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_CARD_RESET);
	assert_int_equal(open_files(true), 0);
	resets_to_come = 0;
	assert_int_equal(channel_begin(ch, &was_reset), RESULT_OK);
	channel_free(&ch);
	pcsc_close(&ctx);
	fake_clear();
	vcard_free(&card);
}

#define QUEUE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		QUEUE_TEST(who_came_first_is_first_and_nobody_overtakes),
		QUEUE_TEST(readers_do_not_wait_for_each_other),
		QUEUE_TEST(a_killed_process_gives_its_place_back),
		QUEUE_TEST(a_stopped_process_costs_two_seconds_and_only_once),
		QUEUE_TEST(who_is_counted_from_the_start_again_is_waited_for),
		QUEUE_TEST(a_queue_that_moves_is_waited_for),
		QUEUE_TEST(a_forked_child_keeps_nobody_waiting),
		QUEUE_TEST(no_file_stays_open_and_none_is_inherited),
		QUEUE_TEST(a_program_without_standard_input_is_in_the_queue_all_the_same),
		QUEUE_TEST(what_is_made_is_the_users_alone),
		QUEUE_TEST(without_a_private_directory_there_is_no_queue),
		QUEUE_TEST(only_a_private_file_is_written),
		QUEUE_TEST(a_spoilt_file_is_begun_anew),
		QUEUE_TEST(who_cannot_draw_a_ticket_goes_on_soon),
		QUEUE_TEST(after_long_use_a_break_lets_other_programs_in),
		QUEUE_TEST(transactions_and_connections_take_their_turn),
		QUEUE_TEST(programs_that_log_out_before_us_do_not_cost_us_our_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
