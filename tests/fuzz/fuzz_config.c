/*
 * twcard.conf: whatever its bytes, what is taken from it is of the form that
 * the settings have, read twice it says the same, and complaints about it are
 * lines of text.
 */
#include <ctype.h>

#include "apdu/log.h"
#include "src/base/config_file.h"
#include "folder.h"
#include "fuzz.h"
#include "script.h"

static void check_line(enum log_level level, const char *line, void *context)
{
	unsigned *lines = context;

	MUST(level >= LOG_ERROR && level <= LOG_TRACE && strlen(line) < 1024);
	for (; *line; line++)
		MUST(!iscntrl((unsigned char)*line));
	++*lines;
}

static void check_path(const char path[CONFIG_PATH_MAX])
{
	MUST(memchr(path, '\0', CONFIG_PATH_MAX) && (*path == '\0' || *path == '/'));
}

static void check_address(const char address[CONFIG_PATH_MAX])
{
	MUST(memchr(address, '\0', CONFIG_PATH_MAX) && (*address == '\0' || strstr(address, "://")));
}

static void check(const struct config *c)
{
	size_t dirs = 0;

	MUST((int)c->log >= LOG_NONE && c->log <= LOG_TRACE && c->session_objects <= 1000000000);
	check_path(c->log_file);
	check_path(c->authority_ca);
	check_path(c->keyset_dir);
	check_address(c->authority);
	check_address(c->authority_proxy);
	while (c->keyset_dirs[dirs]) {
		MUST(c->keyset_dirs[dirs] > (const char *)c && c->keyset_dirs[dirs] < (const char *)(c + 1));
		check_path(c->keyset_dirs[dirs]);
		MUST(++dirs <= CONFIG_DIRS_MAX);
	}
	MUST(!c->keyset_dir[0] || (dirs == 1 && c->keyset_dirs[0] == c->keyset_dir));
}

static void must_be_same(const struct config *a, const struct config *b)
{
	MUST(a->allow_unproven == b->allow_unproven && a->cache == b->cache && a->vendor_compat == b->vendor_compat);
	MUST(a->token_name == b->token_name && a->holder_labels == b->holder_labels);
	MUST(a->verified_for_operation == b->verified_for_operation && a->log == b->log);
	MUST(a->session_objects == b->session_objects && strcmp(a->log_file, b->log_file) == 0);
	MUST(strcmp(a->authority, b->authority) == 0 && strcmp(a->authority_ca, b->authority_ca) == 0);
	MUST(strcmp(a->authority_proxy, b->authority_proxy) == 0 && strcmp(a->keyset_dir, b->keyset_dir) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config first, second;
	unsigned complaints = 0, again = 0;

	folder_make();
	folder_write("twcard.conf", data, size);
	MUST(setenv("TWCARD_CONF", folder_path("twcard.conf"), 1) == 0);
	config_read(&first);
	check(&first);
	log_set(LOG_TRACE, check_line, &complaints);
	config_report();
	log_set(LOG_TRACE, check_line, &again);
	config_report();
	log_set(LOG_NONE, NULL, NULL);
	MUST(complaints == again);
	config_read(&second);
	must_be_same(&first, &second);
	return 0;
}
