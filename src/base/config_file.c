#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "apdu/platform.h"
#include "src/base/config_file.h"

#define SESSION_OBJECTS 10000 /* by default: about 10 MB of the usual keys */
#define NUMBER_MAX 1000000000

/* Reading into a config, or only looking for what to complain about. */
struct pass {
	struct config *config;
	const char *path;
	bool report;
};

static bool take_bool(struct config *c, size_t at, const char *value)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};
	bool *out = (bool *)((char *)c + at);

	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
		if (strcasecmp(value, yes[i]) == 0 || strcasecmp(value, no[i]) == 0) {
			*out = strcasecmp(value, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

static bool take_level(struct config *c, size_t at, const char *value)
{
	return log_level_parse(value, (enum log_level *)(void *)((char *)c + at));
}

/* The default's word is false, the other true. */
static bool take_either(bool *out, const char *value, const char *by_default, const char *other)
{
	bool is_other = strcasecmp(value, other) == 0;

	if (!is_other && strcasecmp(value, by_default) != 0)
		return false;
	*out = is_other;
	return true;
}

static bool take_verified_state(struct config *c, size_t at, const char *value)
{
	return take_either((bool *)((char *)c + at), value, "session", "operation");
}

static bool take_labels(struct config *c, size_t at, const char *value)
{
	return take_either((bool *)((char *)c + at), value, "card", "holder");
}

/* Decimal digits and nothing else. */
static bool take_number(struct config *c, size_t at, const char *value)
{
	char *end;
	unsigned long number;

	if (!*value || strspn(value, "0123456789") != strlen(value))
		return false;
	errno = 0;
	number = strtoul(value, &end, 10);
	if (errno || number > NUMBER_MAX)
		return false;
	*(unsigned long *)(void *)((char *)c + at) = number;
	return true;
}

/* Absolute, because what the working directory is depends on the program. */
static bool take_path(struct config *c, size_t at, const char *value)
{
	if (!platform_is_absolute(value) || strlen(value) >= CONFIG_PATH_MAX)
		return false;
	strcpy((char *)c + at, value);
	return true;
}

/* An empty one would be in every name. */
static bool take_name(struct config *c, size_t at, const char *value)
{
	if (!*value || strlen(value) >= CONFIG_PATH_MAX)
		return false;
	strcpy((char *)c + at, value);
	return true;
}

/* What the address says is for who uses it. */
static bool take_address(struct config *c, size_t at, const char *value)
{
	if (!strstr(value, "://") || strlen(value) >= CONFIG_PATH_MAX)
		return false;
	strcpy((char *)c + at, value);
	return true;
}

static const struct {
	const char *name;
	bool (*take)(struct config *c, size_t at, const char *value);
	size_t at;
	const char *wants;
} keys[] = {
	{"allow-unproven", take_bool, offsetof(struct config, allow_unproven), "yes or no"},
	{"token-name", take_bool, offsetof(struct config, token_name), "yes or no"},
	{"labels", take_labels, offsetof(struct config, holder_labels), "card or holder"},
	{"cache", take_bool, offsetof(struct config, cache), "yes or no"},
	{"vendor-compat", take_bool, offsetof(struct config, vendor_compat), "yes or no"},
	{"verified-state", take_verified_state, offsetof(struct config, verified_for_operation),
	 "session or operation"},
	{"reader", take_name, offsetof(struct config, reader), "a reader's name or a part of it"},
	{"session-objects", take_number, offsetof(struct config, session_objects),
	 "a number, 0 for no limit"},
	{"log", take_level, offsetof(struct config, log), "none, error, info, debug or trace"},
	{"log-file", take_path, offsetof(struct config, log_file), "an absolute path"},
	{"authority", take_address, offsetof(struct config, authority), "an address (https://…)"},
	{"authority-ca", take_path, offsetof(struct config, authority_ca), "an absolute path"},
	{"authority-proxy", take_address, offsetof(struct config, authority_proxy),
	 "an address (http://…)"},
	{"keyset-dir", take_path, offsetof(struct config, keyset_dir), "an absolute path"},
};

static int take(void *user, const char *section, const char *name, const char *value)
{
	struct pass *pass = user;

	for (size_t i = 0; !*section && i < sizeof keys / sizeof *keys; i++) {
		if (strcmp(name, keys[i].name) != 0)
			continue;
		if (!keys[i].take(pass->config, keys[i].at, value) && pass->report)
			log_line(LOG_ERROR, "%s: %s = %s: ignored, it wants %s", pass->path, name, value,
				 keys[i].wants);
		return 1;
	}
	if (pass->report)
		log_line(LOG_ERROR, "%s: %s%s%s is not known: ignored", pass->path, section,
			 *section ? "/" : "", name);
	return 1;
}

/* What the reader below needs; a line is never left to the parser in pieces. */
struct lines {
	FILE *file;
	char *line; /* getline()'s */
	size_t room;
	unsigned number;
	const struct pass *pass;
};

/*
 * Hands the parser one line a call. It takes an indented line as more of the
 * one before, and cuts long ones: neither is wanted here. A comment may also
 * stand behind a value.
 */
static char *next_line(char *out, int size, void *context)
{
	struct lines *lines = context;
	ssize_t n = getline(&lines->line, &lines->room, lines->file);
	char *start, *comment;

	if (n < 0)
		return NULL;
	lines->number++;
	start = lines->line + strspn(lines->line, " \t");
	for (comment = start; (comment = strchr(comment, '#')); comment++) {
		if (comment == start || comment[-1] == ' ' || comment[-1] == '\t') {
			*comment = '\0';
			break;
		}
	}
	if (strlen(start) >= (size_t)size) {
		if (lines->pass->report)
			log_line(LOG_ERROR, "%s: line %u is too long (%d bytes at most): ignored",
				 lines->pass->path, lines->number, size - 1);
		start = lines->line + n; /* an empty line */
	}
	return strcpy(out, start);
}

static void read_file(const char *path, bool must_exist, struct config *config, bool report)
{
	struct pass pass = {config, path, report};
	struct lines lines = {.pass = &pass};
	int line;

	lines.file = fopen(path, "re");
	if (!lines.file) {
		if (report && (must_exist || errno != ENOENT))
			log_line(LOG_ERROR, "%s: %s", path, strerror(errno));
		return;
	}
	line = ini_parse_stream(next_line, &lines, take, &pass);
	if (line > 0 && report)
		log_line(LOG_ERROR, "%s: line %d is not \"name = value\": ignored", path, line);
	free(lines.line);
	fclose(lines.file);
}

static bool path_in(enum platform_folder folder, const char *name, char out[CONFIG_PATH_MAX])
{
	char base[CONFIG_PATH_MAX];
	int n;

	if (!platform_folder(folder, base, sizeof base))
		return false;
	n = snprintf(out, CONFIG_PATH_MAX, "%s/twcard/%s", base, name);
	return n > 0 && n < CONFIG_PATH_MAX;
}

bool config_user_path(const char *name, char out[CONFIG_PATH_MAX])
{
	return path_in(PLATFORM_CONFIG, name, out);
}

/* secure_getenv() finds nothing in set-user-id programs, so neither variable counts there. */
static void read_all(struct config *config, bool report)
{
	const char *only = secure_getenv("TWCARD_CONF");
	char path[CONFIG_PATH_MAX];

	if (only && *only) {
		read_file(only, true, config, report);
		return;
	}
	if (path_in(PLATFORM_SYSTEM, "twcard.conf", path))
		read_file(path, false, config, report);
	if (config_user_path("twcard.conf", path))
		read_file(path, false, config, report);
}

/* The one that was named, or the system's and the user's. */
static void find_keyset_dirs(struct config *c)
{
	size_t n = 0;

	if (c->keyset_dir[0]) {
		c->keyset_dirs[n++] = c->keyset_dir;
	} else {
		if (path_in(PLATFORM_SYSTEM, "keysets", c->system_keysets))
			c->keyset_dirs[n++] = c->system_keysets;
		if (config_user_path("keysets", c->user_keysets))
			c->keyset_dirs[n++] = c->user_keysets;
	}
	c->keyset_dirs[n] = NULL;
}

void config_read(struct config *out)
{
	*out = (struct config){.cache = true, .session_objects = SESSION_OBJECTS};
	read_all(out, false);
	find_keyset_dirs(out);
	if (platform_is_privileged()) { /* a privileged process writes nothing for its caller */
		out->cache = false;
		out->log = LOG_NONE;
	}
}

/* Written by C_Initialize (or a tool, at its start) only, while no call is inside. */
static struct config current;

void config_load(void)
{
	config_read(&current);
}

const struct config *config_current(void)
{
	return &current;
}

void config_without_cache(void)
{
	current.cache = false;
}

void config_report(void)
{
	struct config *scratch = calloc(1, sizeof *scratch);

	if (scratch)
		read_all(scratch, true);
	free(scratch);
}
