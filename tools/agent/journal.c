#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "tools/agent/journal.h"

#define LINE 320

struct journal {
	pthread_mutex_t lock;
	bool echo;
	size_t next, count;
	char lines[JOURNAL_LINES][LINE];
};

struct journal *journal_new(bool echo)
{
	struct journal *j = calloc(1, sizeof *j);

	if (!j)
		return NULL;
	pthread_mutex_init(&j->lock, NULL);
	j->echo = echo;
	return j;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	pthread_mutex_destroy(&j->lock);
	free(j);
}

void journal_arguments(struct journal *j, const char *format, va_list args)
{
	char line[LINE];
	time_t now = time(NULL);
	struct tm tm;
	size_t len = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%SZ ", gmtime_r(&now, &tm));

	vsnprintf(line + len, sizeof line - len, format, args);
	len = strlen(line);
	while (len && line[len - 1] == '\n')
		line[--len] = '\0';
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	pthread_mutex_lock(&j->lock);
	memcpy(j->lines[j->next], line, sizeof line);
	j->next = (j->next + 1) % JOURNAL_LINES;
	j->count += j->count < JOURNAL_LINES;
	if (j->echo)
		fprintf(stderr, "%s\n", line);
	pthread_mutex_unlock(&j->lock);
}

void journal_line(struct journal *j, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	journal_arguments(j, format, args);
	va_end(args);
}

struct json_object *journal_json(struct journal *j)
{
	struct json_object *list = json_object_new_array();

	pthread_mutex_lock(&j->lock);
	for (size_t i = 0; i < j->count; i++) {
		size_t at = (j->next + JOURNAL_LINES - j->count + i) % JOURNAL_LINES;

		json_object_array_add(list, json_object_new_string(j->lines[at]));
	}
	pthread_mutex_unlock(&j->lock);
	return list;
}
