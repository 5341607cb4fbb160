#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/twcard/program.h"

#define SYSTEM_FOLDERS "/usr/local/sbin:/usr/sbin:/sbin"
#define OUTPUT_MAX (1024 * 1024)

extern char **environ;

/* ---- which file ---- */

static bool find_in(const char *folders, const char *name, char out[PATH_MAX])
{
	while (folders && *folders) {
		size_t len = strcspn(folders, ":");

		if (*folders == '/' &&
		    snprintf(out, PATH_MAX, "%.*s/%s", (int)len, folders, name) < PATH_MAX &&
		    access(out, X_OK) == 0)
			return true;
		folders += len + (folders[len] == ':');
	}
	return false;
}

static bool find(const char *name, char out[PATH_MAX])
{
	if (strchr(name, '/'))
		return snprintf(out, PATH_MAX, "%s", name) < PATH_MAX;
	return find_in(getenv("PATH"), name, out) || find_in(SYSTEM_FOLDERS, name, out);
}

/* ---- its streams: files in memory, so that no pipe can be full ---- */

enum { IN, OUT, ERR, STREAMS };

static void close_all(const int fds[STREAMS])
{
	for (int i = 0; i < STREAMS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static bool open_all(int fds[STREAMS], const void *in, size_t len)
{
	bool ok = true;

	for (int i = 0; i < STREAMS; i++)
		ok = (fds[i] = memfd_create("twcard", MFD_CLOEXEC)) >= 0 && ok;
	if (ok && len)
		ok = write(fds[IN], in, len) == (ssize_t)len && lseek(fds[IN], 0, SEEK_SET) == 0;
	if (!ok)
		close_all(fds);
	return ok;
}

static bool take(int fd, struct buffer *out)
{
	off_t len = lseek(fd, 0, SEEK_END);

	if (len < 0)
		return false;
	if (len > OUTPUT_MAX)
		len = OUTPUT_MAX;
	buffer_reset(out);
	if (buffer_reserve(out, (size_t)len + 1) != RESULT_OK ||
	    pread(fd, out->data, (size_t)len, 0) != len)
		return false;
	out->data[len] = '\0';
	out->len = (size_t)len;
	return true;
}

/* ---- the run ---- */

static int spawn(const char *path, const char *const argv[], const char *folder,
		 const int fds[STREAMS], pid_t *child)
{
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return error;
	for (int i = 0; i < STREAMS && !error; i++)
		error = posix_spawn_file_actions_adddup2(&actions, fds[i], i);
	if (folder && !error)
		error = posix_spawn_file_actions_addchdir_np(&actions, folder);
	if (!error)
		error = posix_spawn(child, path, &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int program_wait(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool program_run(const char *const argv[], const char *folder, const void *in, size_t len,
		 struct program_result *out)
{
	char path[PATH_MAX];
	int fds[STREAMS], error;
	pid_t child;

	out->status = -1;
	errno = ENOENT;
	if (!find(argv[0], path))
		return false;
	if (!open_all(fds, in, len))
		return false;
	fflush(NULL);
	error = spawn(path, argv, folder, fds, &child);
	if (!error) {
		out->status = program_wait(child);
		if (!take(fds[OUT], &out->out) || !take(fds[ERR], &out->err))
			error = ENOMEM;
	}
	close_all(fds);
	errno = error;
	return !error;
}

void program_result_clear(struct program_result *result)
{
	buffer_clear(&result->out);
	buffer_clear(&result->err);
	result->status = -1;
}
