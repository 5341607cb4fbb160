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
	bool dont_dump;
};

/* One entry of smaps: its head line, then others up to VmFlags. */
static bool next_mapping(FILE *smaps, struct mapping *m)
{
	char line[512];
	bool head = false;

	while (fgets(line, sizeof line, smaps)) {
		if (!head) {
			m->name[0] = '\0';
			head = sscanf(line, "%lx-%lx %7s %*s %*s %*s %199[^\n]", &m->start, &m->end,
				      m->rights, m->name) >= 3;
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
		return dont_dump && (stage == MEMORY_LOGGED_IN || stage == MEMORY_CONTROL);
	case SECRET_OF_CARD:
		return dont_dump && stage != MEMORY_EMPTY;
	case SECRET_OF_CALL:
		return stage == MEMORY_CONTROL;
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

static void search_mapping(int mem, const struct mapping *m, enum memory_stage stage,
			   const char *name, struct memory_found *found)
{
	size_t len = m->end - m->start;
	uint8_t *copy;
	ssize_t n;

	if (m->rights[0] != 'r' || len > MAPPING_MAX || strcmp(m->name, "[vvar]") == 0)
		return;
	copy = malloc(len);
	assert_non_null(copy);
	n = pread(mem, copy, len, (off_t)m->start);
	if (n > 0)
		search_bytes(copy, (size_t)n, m, stage, name, found);
	OPENSSL_cleanse(copy, len);
	free(copy);
}

struct memory_found memory_search(pid_t pid, enum memory_stage stage, const char *name)
{
	struct memory_found found = {0, 0, 0};
	unsigned mappings = 0;
	struct mapping m;
	char path[64];
	FILE *smaps;
	int mem;

	snprintf(path, sizeof path, "/proc/%ld/mem", (long)pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem < 0)
		fail_msg("%s: %s", path, strerror(errno));
	snprintf(path, sizeof path, "/proc/%ld/smaps", (long)pid);
	smaps = fopen(path, "re");
	assert_non_null(smaps);
	for (; next_mapping(smaps, &m); mappings++)
		search_mapping(mem, &m, stage, name, &found);
	fclose(smaps);
	close(mem);
	assert_true(mappings > 10);
	return found;
}
