/*
 * One file for each reader, in a directory that is the user's alone. Who comes
 * draws a ticket and locks the byte with its number; his turn is when no lower
 * byte is locked. The locks belong to the open file: a process that dies gives
 * its place back at once, whatever it was doing, and nobody has to clean up.
 * The file is open only from queue_enter() to queue_leave(): a program that
 * closes all files, or forks, seldom meets it.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apdu/log.h"
#include "apdu/platform.h"
#include "apdu/queue.h"

#define PATH_SIZE 4096
#define GUARD ((off_t)1 << 62)              /* this byte is locked while a ticket is drawn */
#define TICKETS_MAX ((uint64_t)1 << 61)     /* more were not drawn: the file is spoilt */
#define LOOK_EVERY_MS 2
#define GUARD_WAIT_MS 50   /* it is held for microseconds, or by a process that was stopped */
#define STALL_WAIT_MS 2000 /* nobody's turn came: more than a long transaction of a card */
#define MOST_WAIT_MS 60000
/* Hand-over is so fast that a program that is not in the queue finds the card taken each time it
 * looks: after this much use without a break one break is made, longer than it waits to look. */
#define BUSY_MOST_MS 4000
#define BREAK_MS 210

/* What the file holds; all else is locks. Written by other processes: not to be relied on. */
struct page {
	uint64_t drawn;  /* the last ticket */
	uint64_t served; /* the last whose turn came */
	int64_t since;   /* the card is in use without a break, or was; ms of the monotonic clock */
};

struct queue {
	char *directory;
	char *file; /* in the directory */
	int fd;     /* -1: not in the queue */
	uint64_t ticket;
	uint64_t given_up; /* tickets up to this one did not move, and are waited for no more */
};

/* Reader names hold spaces, slashes and more: a number stands for them (FNV-1a). Two readers
 * with one number would only wait for each other. */
static uint64_t number_of(const char *reader)
{
	uint64_t h = 0xCBF29CE484222325;

	for (const char *p = reader; *p; p++)
		h = (h ^ (uint8_t)*p) * 0x100000001B3;
	return h;
}

struct queue *queue_new(const char *reader)
{
	char base[PATH_SIZE];
	struct queue *q;

	if (!platform_folder(PLATFORM_RUNTIME, base, sizeof base))
		return NULL;
	q = calloc(1, sizeof *q);
	if (!q)
		return NULL;
	q->fd = -1;
	if (asprintf(&q->directory, "%s/twcard", base) < 0)
		q->directory = NULL;
	if (asprintf(&q->file, "reader-%016" PRIx64 ".queue", number_of(reader)) < 0)
		q->file = NULL;
	if (!q->directory || !q->file)
		queue_free(&q);
	return q;
}

void queue_free(struct queue **q)
{
	if (!*q)
		return;
	queue_leave(*q);
	free((*q)->directory);
	free((*q)->file);
	free(*q);
	*q = NULL;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* Writable for nobody else: who could, could hold up the user's programs. */
static int open_queue(const struct queue *q)
{
	int dir, fd = -1;

	if (mkdir(q->directory, 0700) && errno != EEXIST)
		return -1;
	dir = open(q->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return -1;
	if (is_private(dir, S_IFDIR))
		fd = openat(dir, q->file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			    0600);
	close(dir);
	if (fd >= 0 && !is_private(fd, S_IFREG)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool lock_byte(int fd, short type, off_t byte)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static bool lock_guard(int fd)
{
	int64_t end = now_ms() + GUARD_WAIT_MS;

	while (!lock_byte(fd, F_WRLCK, GUARD)) {
		if (now_ms() >= end)
			return false;
		pause_ms(LOOK_EVERY_MS);
	}
	return true;
}

/* A new file, or a spoilt one, is all zeros. */
static struct page read_page(const struct queue *q)
{
	struct page page = {0};

	if (pread(q->fd, &page, sizeof page, 0) < 0)
		log_line(LOG_DEBUG, "the queue for the card cannot be read");
	return page;
}

static bool draw_ticket(struct queue *q)
{
	bool ok;

	if (!lock_guard(q->fd))
		return false;
	q->ticket = read_page(q).drawn;
	if (q->ticket >= TICKETS_MAX)
		q->ticket = 0;
	q->ticket++;
	ok = pwrite(q->fd, &q->ticket, sizeof q->ticket, 0) == (ssize_t)sizeof q->ticket &&
	     lock_byte(q->fd, F_WRLCK, (off_t)q->ticket);
	lock_byte(q->fd, F_UNLCK, GUARD);
	if (q->given_up >= q->ticket) /* counted from the start again */
		q->given_up = 0;
	return ok;
}

static bool someone_before(const struct queue *q)
{
	struct flock lock = {.l_type = F_WRLCK,
			     .l_whence = SEEK_SET,
			     .l_start = (off_t)q->given_up + 1,
			     .l_len = (off_t)(q->ticket - 1 - q->given_up)};

	/* a length of 0 would mean: to the end of the file */
	return lock.l_len > 0 && fcntl(q->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* True if it had to wait. */
static bool wait_for_turn(struct queue *q)
{
	int64_t end = now_ms() + MOST_WAIT_MS, stalled = now_ms() + STALL_WAIT_MS;
	uint64_t served = read_page(q).served;
	bool waited = false;

	for (; someone_before(q); waited = true) {
		uint64_t last = read_page(q).served;
		int64_t now = now_ms();

		if (last != served)
			stalled = now + STALL_WAIT_MS;
		served = last;
		if (now >= stalled || now >= end) {
			log_line(LOG_INFO, "those before in the queue for the card do not move");
			q->given_up = q->ticket - 1;
			break;
		}
		pause_ms(LOOK_EVERY_MS);
	}
	return waited;
}

/* Lets others in, if it is time, and tells those behind that it goes on. */
static void begin_turn(struct queue *q, bool waited)
{
	const size_t own = offsetof(struct page, served); /* the number is written by who draws */
	struct page page = read_page(q);
	int64_t now = now_ms();
	bool unbroken = waited && page.since > 0 && page.since <= now;

	page.served = q->ticket;
	if (unbroken && now - page.since >= BUSY_MOST_MS)
		pause_ms(BREAK_MS);
	else if (unbroken)
		now = page.since;
	page.since = now;
	/* where that fails, those behind go on without us after a while */
	if (pwrite(q->fd, (const char *)&page + own, sizeof page - own, own) < 0)
		log_line(LOG_DEBUG, "the queue for the card cannot be written");
}

void queue_enter(struct queue *q)
{
	if (!q || q->fd >= 0)
		return;
	q->fd = open_queue(q);
	if (q->fd < 0)
		return;
	if (!draw_ticket(q)) {
		queue_leave(q);
		return;
	}
	begin_turn(q, wait_for_turn(q));
}

void queue_leave(struct queue *q)
{
	struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	if (!q || q->fd < 0)
		return;
	/* a child that was forked meanwhile has the file open, too: closing it is not enough */
	if (fcntl(q->fd, F_OFD_SETLK, &all))
		log_line(LOG_DEBUG, "the place in the queue for the card cannot be given back");
	close(q->fd);
	q->fd = -1;
}
