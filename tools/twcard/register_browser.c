/* The NSS databases that are meant: Firefox's profiles, Chromium's, and folders that were named. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <ini.h>

#include "src/base/file.h"
#include "tools/twcard/message.h"
#include "tools/twcard/nss_folders.h"
#include "tools/twcard/register.h"

#define PROFILES_MAX 64

enum exit_code register_nss(struct registration *r)
{
	enum exit_code code = EXIT_GOOD;
	const char *folder;

	for (size_t i = 0; (folder = arguments_nth(r->args, "nss", i)); i++) {
		enum exit_code one;

		if (strncmp(folder, "sql:", 4) == 0)
			folder += 4;
		one = register_nss_folder(r, folder);
		code = code == EXIT_GOOD ? one : code;
	}
	return code;
}

enum exit_code register_chromium(struct registration *r)
{
	char folder[FILE_PATH_MAX];

	if (!register_home(NULL, "", NSS_SHARED, folder, sizeof folder))
		return EXIT_FILE;
	return register_nss_folder(r, folder);
}

/* ---- Firefox ---- */

struct profile {
	char section[64];
	char name[128];
	char path[FILE_PATH_MAX / 2];
	bool relative;
};

struct profiles {
	struct profile items[PROFILES_MAX];
	size_t count;
};

/* Sections "Profile0" …, each with Name, Path and IsRelative. */
static int take(void *user, const char *section, const char *name, const char *value)
{
	struct profiles *list = user;
	struct profile *last = list->count ? &list->items[list->count - 1] : NULL;

	if (strncmp(section, "Profile", 7) != 0)
		return 1;
	if (!last || strcmp(last->section, section) != 0) {
		if (list->count == PROFILES_MAX)
			return 1;
		last = &list->items[list->count++];
		*last = (struct profile){.relative = true};
		snprintf(last->section, sizeof last->section, "%s", section);
	}
	if (strcasecmp(name, "Name") == 0)
		snprintf(last->name, sizeof last->name, "%s", value);
	else if (strcasecmp(name, "Path") == 0)
		snprintf(last->path, sizeof last->path, "%s", value);
	else if (strcasecmp(name, "IsRelative") == 0)
		last->relative = strcmp(value, "0") != 0;
	return 1;
}

static enum exit_code do_profile(struct registration *r, const char *base, const struct profile *p)
{
	char folder[2 * FILE_PATH_MAX], database[2 * FILE_PATH_MAX + 16];

	snprintf(folder, sizeof folder, "%s%s%s", p->relative ? base : "", p->relative ? "/" : "", p->path);
	snprintf(database, sizeof database, "%s/cert9.db", folder);
	if (access(database, F_OK) == 0)
		return register_nss_folder(r, folder);
	register_say(r, folder, p->name, REGISTER_ABSENT, _("the profile was never used"));
	return EXIT_GOOD;
}

/* All profiles of one installation that are meant; *met counts them. */
static enum exit_code do_installation(struct registration *r, const char *base, bool caged, size_t *met)
{
	const char *wanted = arguments_value(r->args, "profile");
	struct profiles *list = calloc(1, sizeof *list);
	char path[FILE_PATH_MAX + 16];
	enum exit_code code = EXIT_GOOD;
	size_t before = *met;

	snprintf(path, sizeof path, "%s/profiles.ini", base);
	if (list && ini_parse(path, take, list) == -1)
		list->count = 0;
	for (size_t i = 0; list && i < list->count; i++) {
		const struct profile *p = &list->items[i];
		enum exit_code one;

		if (!*p->path || (wanted && strcmp(p->name, wanted) != 0))
			continue;
		(*met)++;
		one = do_profile(r, base, p);
		code = code == EXIT_GOOD ? one : code;
	}
	if (caged && *met > before && !r->removing)
		message_note(_("A Firefox of a snap or flatpak may not see the module's file, nor pcscd."));
	free(list);
	return code;
}

enum exit_code register_firefox(struct registration *r)
{
	enum exit_code code = EXIT_GOOD;
	size_t met = 0;

	for (const struct nss_firefox *place = nss_firefox; place->folder; place++) {
		char base[FILE_PATH_MAX];
		enum exit_code one;

		if (!register_home(NULL, "", place->folder, base, sizeof base))
			return EXIT_FILE;
		one = do_installation(r, base, place->caged, &met);
		code = code == EXIT_GOOD ? one : code;
	}
	if (met)
		return code;
	message_error(_("no Firefox profile was found\nStart Firefox once, or look at the name: about:profiles."));
	return EXIT_FILE;
}
