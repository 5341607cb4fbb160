#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#include "src/base/file.h"
#include "tools/agent/origin.h"
#include "tools/agent/sites.h"
#include "tools/twcard/json_bytes.h"

#define FORMAT 1
#define FILE_MAX (1u << 20) /* bytes */
#define SITES_MAX 2000
#define LOCK_TRIES 500 /* of 10 ms */

struct site {
	char origin[ORIGIN_MAX];
	enum site_state state;
	int64_t since; /* seconds since 1970 */
	bool granted;
};

struct sites {
	pthread_mutex_t lock;
	char path[FILE_PATH_MAX];
	struct site *all;
	size_t count;
};

static const char *const words[] = {"unknown", "allowed", "blocked"};

const char *sites_word(enum site_state state)
{
	return words[state];
}

bool sites_from_word(const char *word, enum site_state *out)
{
	for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
		if (strcmp(word, words[i]) == 0) {
			*out = (enum site_state)i;
			return true;
		}
	return false;
}

static struct site *find(struct sites *s, const char *origin)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->all[i].origin, origin) == 0)
			return &s->all[i];
	return NULL;
}

/* ---- the file ---- */

static bool read_row(struct json_object *row, struct site *out)
{
	const char *origin = json_bytes_text(row, "origin");
	struct json_object *since = json_bytes_member(row, "since");

	*out = (struct site){.since = json_object_get_int64(since)};
	return origin && origin_parse(origin, out->origin) && json_object_is_type(since, json_type_int) &&
	       sites_from_word(json_bytes_text(row, "state"), &out->state) && out->state != SITE_UNKNOWN;
}

/* Rows, owned by the caller. False, with errno EINVAL: not of its form. */
static bool read_rows(struct json_object *root, struct site **rows, size_t *count)
{
	struct json_object *list = json_bytes_member(root, "sites");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	errno = EINVAL;
	if (!json_object_is_type(list, json_type_array) || n > SITES_MAX ||
	    json_object_get_int(json_bytes_member(root, "version")) != FORMAT)
		return false;
	*rows = calloc(n + 1, sizeof **rows);
	if (!*rows)
		return false;
	for (*count = 0; *count < n; (*count)++)
		if (!read_row(json_object_array_get_idx(list, *count), &(*rows)[*count])) {
			free(*rows);
			*rows = NULL;
			errno = EINVAL;
			return false;
		}
	return true;
}

/* What the file says now; grants stay with those that are still allowed. False, with errno; then nothing has changed. */
static bool load(struct sites *s)
{
	struct buffer text = BUFFER_INIT;
	struct json_object *root = NULL;
	struct site *rows = NULL;
	size_t count = 0;
	bool good = file_read(AT_FDCWD, s->path, FILE_MAX, &text);

	if (good) {
		root = json_bytes_parse(text.data, text.len);
		good = read_rows(root, &rows, &count);
	} else if (errno == ENOENT) {
		rows = calloc(1, sizeof *rows);
		good = rows != NULL;
	}
	for (size_t i = 0; good && i < count; i++) {
		const struct site *before = find(s, rows[i].origin);

		rows[i].granted = before && before->granted && rows[i].state == SITE_ALLOWED;
	}
	if (good) {
		free(s->all);
		s->all = rows;
		s->count = count;
	}
	json_object_put(root);
	buffer_clear(&text);
	return good;
}

static struct json_object *rows_json(const struct site *rows, size_t count, bool session)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "origin", json_object_new_string(rows[i].origin));
		json_object_object_add(row, "state", json_object_new_string(words[rows[i].state]));
		json_object_object_add(row, "since", json_object_new_int64(rows[i].since));
		if (session)
			json_object_object_add(row, "session", json_object_new_boolean(rows[i].granted));
		json_object_array_add(list, row);
	}
	return list;
}

/* False, with errno. */
static bool save(const char *path, const struct site *rows, size_t count)
{
	struct json_object *root = json_object_new_object();
	const char *text;
	bool good;
	int error;

	json_object_object_add(root, "version", json_object_new_int(FORMAT));
	json_object_object_add(root, "sites", rows_json(rows, count, false));
	text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	errno = ENOMEM;
	good = text && file_replace(AT_FDCWD, path, text, strlen(text), 0600, true);
	error = errno;
	json_object_put(root);
	errno = error;
	return good;
}

/* ---- for others ---- */

struct sites *sites_open(const char *path, char *problem, size_t size)
{
	struct sites *s = calloc(1, sizeof *s);

	if (!s) {
		snprintf(problem, size, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	errno = ENAMETOOLONG;
	if (snprintf(s->path, sizeof s->path, "%s", path) < (int)sizeof s->path && load(s))
		return s;
	snprintf(problem, size, "%s: %s; mend or remove it (then no site is known, or blocked)", path,
		 errno == EINVAL ? "not of its form" : strerror(errno));
	sites_close(s);
	return NULL;
}

void sites_close(struct sites *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->all);
	free(s);
}

enum site_state sites_state(struct sites *s, const char *origin)
{
	enum site_state state = SITE_UNKNOWN;
	const struct site *site;

	pthread_mutex_lock(&s->lock);
	site = find(s, origin);
	if (site)
		state = site->state;
	pthread_mutex_unlock(&s->lock);
	return state;
}

/* A copy of the rows with this one changed, the newest last. NULL, with errno. Owned by the caller. */
static struct site *change(const struct sites *s, const char *origin, enum site_state state, size_t *count)
{
	struct site *rows = calloc(s->count + 1, sizeof *rows);
	size_t n = 0;

	for (size_t i = 0; rows && i < s->count; i++)
		if (strcmp(s->all[i].origin, origin) != 0)
			rows[n++] = s->all[i];
	if (rows && state != SITE_UNKNOWN) {
		rows[n] = (struct site){.state = state, .since = time(NULL)};
		snprintf(rows[n].origin, sizeof rows[n].origin, "%s", origin);
		n++;
	}
	if (n > SITES_MAX) {
		free(rows);
		errno = ENOSPC;
		return NULL;
	}
	*count = n;
	return rows;
}

/* Another agent of the user's may have written meanwhile: it is read again. False, with errno. */
static bool set_locked(struct sites *s, const char *origin, enum site_state state)
{
	struct site *rows;
	size_t count = 0;

	if (!load(s))
		return false;
	rows = change(s, origin, state, &count);
	if (!rows || !save(s->path, rows, count)) {
		free(rows);
		return false;
	}
	free(s->all);
	s->all = rows;
	s->count = count;
	return true;
}

bool sites_set(struct sites *s, const char *origin, enum site_state state)
{
	char path[FILE_PATH_MAX + 8];
	bool good = false;
	int fd, error;

	snprintf(path, sizeof path, "%s.lock", s->path);
	pthread_mutex_lock(&s->lock);
	fd = file_make_folders(s->path) ? file_lock(AT_FDCWD, path, LOCK_TRIES) : -1;
	if (fd >= 0)
		good = set_locked(s, origin, state);
	error = errno;
	if (fd >= 0)
		close(fd);
	pthread_mutex_unlock(&s->lock);
	errno = error;
	return good;
}

void sites_grant(struct sites *s, const char *origin)
{
	struct site *site;

	pthread_mutex_lock(&s->lock);
	site = find(s, origin);
	if (site)
		site->granted = site->state == SITE_ALLOWED;
	pthread_mutex_unlock(&s->lock);
}

bool sites_granted(struct sites *s, const char *origin)
{
	const struct site *site;
	bool granted;

	pthread_mutex_lock(&s->lock);
	site = find(s, origin);
	granted = site && site->granted;
	pthread_mutex_unlock(&s->lock);
	return granted;
}

struct json_object *sites_json(struct sites *s)
{
	struct json_object *list;

	pthread_mutex_lock(&s->lock);
	list = rows_json(s->all, s->count, true);
	pthread_mutex_unlock(&s->lock);
	return list;
}
