#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "src/base/file.h"
#include "tools/agent/runtime.h"
#include "tools/twcard/json_bytes.h"

#define FILE_MAX 4096
#define LOCK_TRIES 100 /* of 10 ms: one that is just ending */

/* A file below a folder that a variable names, or below one in the home. False, with errno. */
static bool path_of(const char *variable, const char *in_home, const char *name, char *out, size_t size)
{
	const char *base = secure_getenv(variable), *home = secure_getenv("HOME");
	int n = -1;

	errno = ENOENT;
	if (base && *base == '/')
		n = snprintf(out, size, "%s/twcard/%s", base, name);
	else if (home && *home == '/')
		n = snprintf(out, size, "%s/%s/twcard/%s", home, in_home, name);
	if (n > 0 && (size_t)n >= size)
		errno = ENAMETOOLONG;
	return n > 0 && (size_t)n < size;
}

static bool runtime_path(const char *name, char out[FILE_PATH_MAX])
{
	return path_of("XDG_RUNTIME_DIR", ".local/state", name, out, FILE_PATH_MAX);
}

bool runtime_sites_path(char *out, size_t size)
{
	return path_of("XDG_CONFIG_HOME", ".config", "agent-sites.json", out, size);
}

static bool read_json(struct json_object *json, struct runtime *out)
{
	int64_t port = json_object_get_int64(json_bytes_member(json, "port"));
	int64_t pid = json_object_get_int64(json_bytes_member(json, "pid"));
	const char *secret = json_bytes_text(json, "secret");

	if (port <= 0 || port > 65535 || pid <= 0 || !secret || strlen(secret) >= sizeof out->secret)
		return false;
	*out = (struct runtime){.port = (unsigned)port, .pid = (pid_t)pid};
	snprintf(out->secret, sizeof out->secret, "%s", secret);
	return true;
}

bool runtime_read(struct runtime *out)
{
	char path[FILE_PATH_MAX];
	struct buffer text = BUFFER_INIT;
	struct json_object *json;
	bool good;

	if (!runtime_path("agent.json", path) || !file_read(AT_FDCWD, path, FILE_MAX, &text))
		return false;
	json = json_bytes_parse(text.data, text.len);
	good = json && read_json(json, out);
	json_object_put(json);
	buffer_clear(&text);
	if (!good)
		errno = EINVAL;
	return good;
}

int runtime_lock(void)
{
	char path[FILE_PATH_MAX];

	if (!runtime_path("agent.lock", path) || !file_make_folders(path))
		return -1;
	return file_lock(AT_FDCWD, path, LOCK_TRIES);
}

bool runtime_write(const struct runtime *r)
{
	char path[FILE_PATH_MAX], text[FILE_MAX];

	if (!runtime_path("agent.json", path))
		return false;
	snprintf(text, sizeof text, "{\"port\":%u,\"pid\":%ld,\"secret\":\"%s\"}\n", r->port, (long)r->pid, r->secret);
	return file_replace(AT_FDCWD, path, text, strlen(text), 0600, false);
}

void runtime_remove(void)
{
	char path[FILE_PATH_MAX];

	if (runtime_path("agent.json", path))
		(void)unlink(path);
}
