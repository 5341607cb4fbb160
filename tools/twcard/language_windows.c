/*
 * Texts in the user's language: a catalog of gettext (its .mo file) is a part of
 * the program. It was made with it, so what is read here is trusted.
 */
#include "config.h"

#include <libintl.h>
#include <stdint.h>
#include <string.h>

#include <windows.h>

#define CATALOG_MAGIC 0x950412DEu

struct entry {
	uint32_t len, at;
};

static struct {
	const char *base;
	const struct entry *texts, *translations; /* sorted by text */
	uint32_t count;				  /* 0: nothing is translated */
} catalog;

/* What says so, else Windows' own language. */
static bool wants_chinese(void)
{
	static const char *const names[] = {"LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strncmp(value, "zh", 2) == 0;
	}
	return PRIMARYLANGID(GetUserDefaultUILanguage()) == LANG_CHINESE;
}

void platform_language(void)
{
	const HRSRC found = FindResourceW(NULL, L"CATALOG", (LPCWSTR)RT_RCDATA);
	const HGLOBAL loaded = found ? LoadResource(NULL, found) : NULL;
	const uint32_t *head = loaded ? LockResource(loaded) : NULL;

	if (!head || SizeofResource(NULL, found) < 5 * sizeof *head || head[0] != CATALOG_MAGIC || !wants_chinese())
		return;
	catalog.base = (const char *)head;
	catalog.texts = (const struct entry *)(catalog.base + head[3]);
	catalog.translations = (const struct entry *)(catalog.base + head[4]);
	catalog.count = head[2];
}

/* NULL: there is none. The plural of a text stands behind its NUL. */
static const char *find(const char *text)
{
	uint32_t low = 0, high = catalog.count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		const int order = strcmp(text, catalog.base + catalog.texts[middle].at);

		if (order == 0)
			return catalog.base + catalog.translations[middle].at;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

char *gettext(const char *text)
{
	const char *translated = *text ? find(text) : NULL; /* the empty one is the catalog's head */

	return (char *)(translated ? translated : text);
}

/* Chinese has one form for any number. */
char *ngettext(const char *one, const char *many, unsigned long n)
{
	const char *translated = find(one);

	if (translated)
		return (char *)translated;
	return (char *)(n == 1 ? one : many);
}
