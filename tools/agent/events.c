#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "tools/agent/call.h"
#include "tools/agent/events.h"

#define RETRY_MS 1000 /* a page whose stream has ended asks again so soon */

struct events {
	struct agent *a;
	char token[TOKEN_LEN + 1];
	unsigned long told; /* the generation; 0: nothing yet */
	int64_t last;       /* when something was told */
	char *text;         /* what is being told; owned */
	size_t len, at;
};

struct events *events_new(struct agent *a, const char *token)
{
	struct events *e = NULL;

	if (atomic_fetch_add(&a->streams, 1) < EVENTS_MAX)
		e = calloc(1, sizeof *e);
	if (!e) {
		atomic_fetch_sub(&a->streams, 1);
		return NULL;
	}
	e->a = a;
	snprintf(e->token, sizeof e->token, "%s", token);
	return e;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	atomic_fetch_sub(&e->a->streams, 1);
	free(e->text);
	free(e);
}

char *events_text(struct agent *a)
{
	struct json_object *state = manage_state_json(a);
	char *text = NULL;

	if (asprintf(&text, "retry: %d\nevent: state\ndata: %s\n\n", RETRY_MS,
		     json_object_to_json_string_ext(state, JSON_C_TO_STRING_PLAIN)) < 0)
		text = NULL;
	json_object_put(state);
	return text;
}

/* What is to be told now; false: nothing yet, or out of memory. */
static bool next_text(struct events *e)
{
	unsigned long now = work_generation(e->a->work);
	int64_t time = e->a->now();

	if (now != e->told)
		e->text = events_text(e->a);
	else if (time - e->last >= EVENTS_BEAT_MS)
		e->text = strdup(":\n\n");
	if (!e->text)
		return false;
	e->told = now;
	e->last = time;
	e->len = strlen(e->text);
	e->at = 0;
	/* a page that is open is a user that is there */
	atomic_store(&e->a->used, time);
	return true;
}

static ssize_t give(struct events *e, char *to, size_t room)
{
	size_t n = e->len - e->at < room ? e->len - e->at : room;

	memcpy(to, e->text + e->at, n);
	e->at += n;
	if (e->at == e->len) {
		free(e->text);
		e->text = NULL;
	}
	return (ssize_t)n;
}

ssize_t events_read(struct events *e, char *to, size_t room)
{
	const struct timespec soon = {.tv_nsec = EVENTS_LOOK_MS * 1000000L};

	while (!e->text) {
		if (atomic_load(&e->a->stop) || !keys_good(e->a->keys, e->token, e->a->now()))
			return -1;
		if (!next_text(e))
			nanosleep(&soon, NULL);
	}
	return give(e, to, room);
}
