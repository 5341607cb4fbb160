/* A copy of the database in a file: all of it, or none. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/authority/store_internal.h"

static enum store_result fail(const char *path, char problem[STORE_PROBLEM_SIZE])
{
	int error = errno;

	if (problem)
		snprintf(problem, STORE_PROBLEM_SIZE, "%s: %s", path, strerror(error));
	if (error == EEXIST)
		return STORE_EXISTS;
	return error == ENOSPC || error == EDQUOT || error == EFBIG ? STORE_FULL : STORE_UNAVAILABLE;
}

/* On the disk, not only in memory: a file's bytes, or a folder's names. */
static bool sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	bool good = fd >= 0 && !fsync(fd);

	if (fd >= 0)
		close(fd);
	return good;
}

static bool sync_folder_of(const char *path)
{
	char *copy = strdup(path);
	bool good = copy && sync_path(dirname(copy), O_RDONLY | O_DIRECTORY);

	free(copy);
	return good;
}

static enum store_result publish(const char *temporary, const char *path, bool replace,
                                 char problem[STORE_PROBLEM_SIZE])
{
	if (!sync_path(temporary, O_RDONLY))
		return fail(path, problem);
	/* link() does not replace, whoever was faster */
	if (replace ? rename(temporary, path) : link(temporary, path))
		return fail(path, problem);
	return sync_folder_of(path) ? STORE_OK : fail(path, problem);
}

static enum store_result copy_to(struct store *s, const char *temporary, const char *path,
                                 char problem[STORE_PROBLEM_SIZE])
{
	struct db *db;
	enum store_result result = store_take(s, &db, problem);

	if (result != STORE_OK)
		return result;
	db->problem[0] = '\0';
	if (db->driver->is_file(db, path))
		result = db_problem(db, STORE_REFUSED, "%s is the database itself", path);
	else
		result = db->driver->copy(db, temporary);
	if (result != STORE_OK)
		store_say(result, db->problem, problem);
	store_give(s, db);
	return result;
}

enum store_result store_backup(struct store *s, const char *path, bool replace, char problem[STORE_PROBLEM_SIZE])
{
	char *temporary = NULL;
	enum store_result result;
	int fd;

	if (!replace && !access(path, F_OK)) {
		errno = EEXIST;
		return fail(path, problem);
	}
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return store_say(STORE_NO_MEMORY, NULL, problem);
	fd = mkostemp(temporary, O_CLOEXEC); /* 0600: it has the secret and the hashes of codes */
	if (fd < 0) {
		result = fail(path, problem);
		free(temporary);
		return result;
	}
	close(fd);
	result = copy_to(s, temporary, path, problem);
	if (result == STORE_OK)
		result = publish(temporary, path, replace, problem);
	unlink(temporary); /* gone already when it was renamed */
	free(temporary);
	return result;
}
