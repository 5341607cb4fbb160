#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/twcard/message.h"
#include "tools/twcard/progress.h"

#define FIRST_MS 500
#define EVERY_MS 200
#define MIB (UINT64_C(1) << 20)
#define CLEAR_LINE "\r\033[K"

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool has_terminal(void)
{
	const char *terminal = getenv("TERM");

	return !message_is_json() && isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

void progress_start(struct progress *p, const char *what, uint64_t total)
{
	*p = (struct progress){.what = what, .total = total, .possible = has_terminal()};
	p->next = now_ms() + FIRST_MS;
}

static void show(const struct progress *p)
{
	/* a file may grow while it is read */
	if (p->total && p->done <= p->total)
		fprintf(stderr, CLEAR_LINE "%s: %d %% (%" PRIu64 " / %" PRIu64 " MiB)", p->what,
			(int)((double)p->done * 100 / (double)p->total), p->done / MIB, p->total / MIB);
	else
		fprintf(stderr, CLEAR_LINE "%s: %" PRIu64 " MiB", p->what, p->done / MIB);
	fflush(stderr);
}

void progress_add(struct progress *p, uint64_t bytes)
{
	int64_t now;

	p->done += bytes;
	if (!p->possible)
		return;
	now = now_ms();
	if (now < p->next)
		return;
	p->next = now + EVERY_MS;
	p->shown = true;
	show(p);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs(CLEAR_LINE, stderr);
	p->shown = false;
}
