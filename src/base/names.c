#include "config.h"

#include <errno.h>
#include <string.h>

#include "apdu/line.h"
#include "apdu/platform.h"
#include "src/base/config_file.h"
#include "src/base/file.h"
#include "src/base/names.h"
#include "src/base/text.h"
#include "src/base/utf8.h"

#define FILE_MAX 65536 /* bytes: more cards than anybody has */
#define LOCK_SUFFIX ".lock"
#define LOCK_TRIES 200

enum names_fault names_check(const char *name)
{
	size_t len = strlen(name);
	uint32_t c;
	int n;

	if (!len)
		return NAMES_EMPTY;
	if (len > NAMES_NAME_MAX)
		return NAMES_LONG;
	for (const char *at = name; (n = utf8_next(at, &c)) != 0; at += n) {
		if (n < 0)
			return NAMES_NO_UTF8;
		if (utf8_is_unsafe(c))
			return NAMES_UNSAFE;
	}
	return name[0] == ' ' || name[len - 1] == ' ' ? NAMES_BLANKS : NAMES_GOOD;
}

/* ---- the file's lines ---- */

/* True if it is a line of this card; *value is what follows the sign. */
static bool is_of(const char *line, size_t len, const char *number, const char **value,
		  size_t *value_len)
{
	const char *sign = memchr(line, '=', len);
	size_t word_len = sign ? (size_t)(sign - line) : 0;

	if (!sign)
		return false;
	*value = sign + 1;
	*value_len = len - word_len - 1;
	line_trim(value, value_len);
	line_trim(&line, &word_len);
	return word_len == strlen(number) && memcmp(line, number, word_len) == 0;
}

/* Its first line that is good counts. */
static bool find(const struct buffer *file, const char *number, char out[NAMES_SIZE])
{
	const char *line = (const char *)file->data, *end = line + file->len, *next, *value;
	size_t len;

	for (; line < end; line = next) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		next = newline ? newline + 1 : end;
		if (!is_of(line, (size_t)((newline ? newline : end) - line), number, &value, &len) ||
		    len > NAMES_NAME_MAX || memchr(value, '\0', len))
			continue;
		memcpy(out, value, len);
		out[len] = '\0';
		if (names_check(out) == NAMES_GOOD)
			return true;
	}
	out[0] = '\0';
	return false;
}

/* All lines but this card's, and one that it is to have. */
static bool rewrite(const struct buffer *file, const char *number, const char *name,
		    struct buffer *out)
{
	const char *line = (const char *)file->data, *end = line + file->len, *next, *value;
	enum result r = RESULT_OK;
	size_t len;

	for (; line < end && r == RESULT_OK; line = next) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		next = newline ? newline + 1 : end;
		if (is_of(line, (size_t)((newline ? newline : end) - line), number, &value, &len))
			continue;
		r = buffer_append(out, line, (size_t)(next - line));
		if (r == RESULT_OK && !newline)
			r = buffer_append_u8(out, '\n');
	}
	if (!name)
		return r == RESULT_OK;
	if (r == RESULT_OK)
		r = buffer_append(out, number, strlen(number));
	if (r == RESULT_OK)
		r = buffer_append(out, " = ", 3);
	if (r == RESULT_OK)
		r = buffer_append(out, name, strlen(name));
	return r == RESULT_OK && buffer_append_u8(out, '\n') == RESULT_OK;
}

bool names_get(const char *number, char out[NAMES_SIZE])
{
	struct buffer file = BUFFER_INIT;
	char path[CONFIG_PATH_MAX];
	bool found;

	out[0] = '\0';
	found = text_is_word(number) && config_user_path("names", path) &&
		file_read(AT_FDCWD, path, FILE_MAX, &file) && file.len && find(&file, number, out);
	buffer_clear(&file);
	return found;
}

/* ---- writing ---- */

static bool mentions(const struct buffer *file, const char *number)
{
	struct buffer without = BUFFER_INIT;
	bool differs = file->len && rewrite(file, number, NULL, &without) && without.len < file->len;

	buffer_clear(&without);
	return differs;
}

static bool is_so(const struct buffer *file, const char *number, const char *name)
{
	char now[NAMES_SIZE];

	if (!name)
		return !mentions(file, number);
	return file->len && find(file, number, now) && strcmp(now, name) == 0;
}

/* With the lock. */
static enum names_change change(const char *path, const char *number, const char *name)
{
	struct buffer file = BUFFER_INIT, new = BUFFER_INIT;
	enum names_change done = NAMES_FAILED;
	int error;

	if (!file_read(AT_FDCWD, path, FILE_MAX, &file) && errno != ENOENT)
		goto out;
	if (is_so(&file, number, name)) {
		done = NAMES_SAME;
		goto out;
	}
	errno = ENOMEM;
	if (!rewrite(&file, number, name, &new))
		goto out;
	errno = EFBIG;
	if (new.len <= FILE_MAX && file_replace(AT_FDCWD, path, new.data, new.len, 0600, true))
		done = NAMES_CHANGED;
out:
	error = errno;
	buffer_clear(&file);
	buffer_clear(&new);
	errno = error;
	return done;
}

enum names_change names_set(const char *number, const char *name)
{
	char path[CONFIG_PATH_MAX], lock_path[CONFIG_PATH_MAX + sizeof LOCK_SUFFIX];
	char real[FILE_PATH_MAX];
	enum names_change done;
	int lock, error;

	errno = EBADMSG;
	if (!text_is_word(number) || (name && names_check(name) != NAMES_GOOD))
		return NAMES_FAILED;
	errno = ENOENT;
	if (!config_user_path("names", path) || !file_resolve(path, real))
		return NAMES_FAILED;
	strcat(strcpy(lock_path, path), LOCK_SUFFIX);
	if (!file_make_folders(path))
		return NAMES_FAILED;
	lock = file_lock(AT_FDCWD, lock_path, LOCK_TRIES);
	if (lock < 0)
		return NAMES_FAILED;
	done = change(real, number, name);
	error = errno;
	close(lock);
	errno = error;
	return done;
}
