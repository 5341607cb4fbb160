#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "memory_scan.h"

#define SECRETS_MAX 80
#define MAPPING_MAX ((size_t)256 << 20) /* a sanitizer's shadow is larger: no secret is meant for it */

struct secret_bytes {
	enum secret_kind kind;
	char name[40];
	uint8_t bytes[SECRET_MAX];
	size_t len;
};

static struct {
	struct secret_bytes items[SECRETS_MAX];
	size_t count;
} secrets;

void secrets_clear(void)
{
	memset(&secrets, 0, sizeof secrets);
}

void secrets_add(enum secret_kind kind, const char *name, const uint8_t *bytes, size_t len)
{
	struct secret_bytes *s = &secrets.items[secrets.count];

	assert_true(secrets.count < SECRETS_MAX && len <= SECRET_MAX);
	s->kind = kind;
	snprintf(s->name, sizeof s->name, "%s", name);
	memcpy(s->bytes, bytes, len);
	s->len = len;
	secrets.count++;
}

size_t secrets_count(void)
{
	return secrets.count;
}

void secrets_keep(size_t count)
{
	secrets.count = count;
}

/* ---- in bytes ---- */

/* Writes `len` bytes as hex digits; upper or lower case. */
static void to_hex(const uint8_t *bytes, size_t len, const char *digits, char *out)
{
	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static bool is_in(const struct secret_bytes *s, const uint8_t *data, size_t len)
{
	char upper[2 * SECRET_MAX + 1], lower[2 * SECRET_MAX + 1];

	to_hex(s->bytes, s->len, "0123456789ABCDEF", upper);
	to_hex(s->bytes, s->len, "0123456789abcdef", lower);
	return memmem(data, len, s->bytes, s->len) || memmem(data, len, upper, 2 * s->len) ||
	       memmem(data, len, lower, 2 * s->len);
}

const char *secrets_find(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < secrets.count; i++)
		if (is_in(&secrets.items[i], data, len))
			return secrets.items[i].name;
	return NULL;
}

/* ---- in a process ---- */

struct mapping {
	unsigned long start, end;
	char rights[8];
	char name[200];
	bool dont_dump, resident;
};

/* Of the process that is searched. */
struct files {
	int mem, pagemap;
};

/* One entry of smaps: its head line, then others up to VmFlags. */
static bool next_mapping(FILE *smaps, struct mapping *m)
{
	char line[512];
	bool head = false;

	while (fgets(line, sizeof line, smaps)) {
		if (!head) {
			m->name[0] = '\0';
			m->resident = false;
			head = sscanf(line, "%lx-%lx %7s %*s %*s %*s %199[^\n]", &m->start, &m->end,
				      m->rights, m->name) >= 3;
		} else if (strncmp(line, "Rss:", 4) == 0 || strncmp(line, "Swap:", 5) == 0) {
			m->resident |= strtoul(strchr(line, ':') + 1, NULL, 10) != 0;
		} else if (strncmp(line, "VmFlags:", 8) == 0) {
			m->dont_dump = strstr(line, " dd") != NULL;
			return true;
		}
	}
	return false;
}

static bool may_be_there(enum secret_kind kind, enum memory_stage stage, bool dont_dump)
{
	switch (kind) {
	case SECRET_OF_LOGIN:
		return dont_dump && (stage == MEMORY_LOGGED_IN || stage == MEMORY_DELIVERED ||
				     stage == MEMORY_CONTROL);
	case SECRET_OF_CARD:
		return dont_dump && stage != MEMORY_EMPTY;
	case SECRET_OF_CALL:
		return stage == MEMORY_CONTROL || (stage == MEMORY_DELIVERED && dont_dump);
	}
	return false;
}

static void search_bytes(const uint8_t *data, size_t len, const struct mapping *m,
			 enum memory_stage stage, const char *name, struct memory_found *found)
{
	for (size_t i = 0; i < secrets.count; i++) {
		const struct secret_bytes *s = &secrets.items[i];

		if (!is_in(s, data, len))
			continue;
		if (may_be_there(s->kind, stage, m->dont_dump)) {
			found->kept++;
			found->held += s->kind == SECRET_OF_CALL;
			continue;
		}
		found->wrong++;
		print_error("%s: %s in memory: %lx-%lx %s %s%s\n", name, s->name, m->start, m->end,
			    m->rights, m->name, m->dont_dump ? " (not in core dumps)" : "");
	}
}

/* Reads a part of the other's memory and searches it. */
static void search_part(const struct files *files, unsigned long start, size_t len,
			const struct mapping *m, enum memory_stage stage, const char *name,
			struct memory_found *found)
{
	uint8_t *copy = malloc(len);
	ssize_t n;

	assert_non_null(copy);
	n = pread(files->mem, copy, len, (off_t)start);
	if (n > 0)
		search_bytes(copy, (size_t)n, m, stage, name, found);
	OPENSSL_cleanse(copy, len);
	free(copy);
}

/* An entry of pagemap: a page that is neither in memory nor swapped out was never written to. */
static bool is_there(uint64_t entry)
{
	return entry >> 62 != 0;
}

/* Pages in a row are searched in one: a secret may lie across the border of two. */
static void search_mapping(const struct files *files, const struct mapping *m,
			   enum memory_stage stage, const char *name, struct memory_found *found)
{
	const unsigned long size = (unsigned long)sysconf(_SC_PAGESIZE);
	size_t pages = (m->end - m->start) / size, end;
	uint64_t *entries;
	ssize_t n;

	if (strncmp(m->rights, "rw", 2) != 0 || m->end - m->start > MAPPING_MAX || !m->resident)
		return;
	entries = malloc(pages * sizeof *entries);
	assert_non_null(entries);
	n = pread(files->pagemap, entries, pages * sizeof *entries,
		  (off_t)(m->start / size * sizeof *entries));
	if (n != (ssize_t)(pages * sizeof *entries))
		memset(entries, 0xFF, pages * sizeof *entries); /* not told: all of them, then */
	for (size_t at = 0; at < pages; at = end + 1) {
		for (end = at; end < pages && is_there(entries[end]);)
			end++;
		if (end > at)
			search_part(files, m->start + at * size, (end - at) * size, m, stage, name, found);
	}
	free(entries);
}

static int open_of(pid_t pid, const char *file)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

bool memory_is_kept_out(const void *page)
{
	FILE *smaps = fdopen(open_of(getpid(), "smaps"), "re");
	struct mapping m;
	bool kept = false;

	assert_non_null(smaps);
	while (next_mapping(smaps, &m))
		kept = kept || (m.dont_dump && m.start <= (uintptr_t)page && (uintptr_t)page < m.end);
	fclose(smaps);
	return kept;
}

struct memory_found memory_search(pid_t pid, enum memory_stage stage, const char *name)
{
	const struct files files = {open_of(pid, "mem"), open_of(pid, "pagemap")};
	struct memory_found found = {0, 0, 0};
	FILE *smaps = fdopen(open_of(pid, "smaps"), "re");
	unsigned mappings = 0;
	struct mapping m;

	assert_non_null(smaps);
	for (; next_mapping(smaps, &m); mappings++)
		search_mapping(&files, &m, stage, name, &found);
	fclose(smaps);
	close(files.pagemap);
	close(files.mem);
	assert_true(mappings > 10);
	return found;
}
