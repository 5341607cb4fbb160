#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/line.h"
#include "apdu/log.h"
#include "apdu/platform.h"
#include "apdu/secret.h"
#include "profiles/keyset.h"

#define SUFFIX ".keyset"
#define FILE_MAX 4096 /* bytes; a key set has a few lines */
#define AID_MIN 5

/*
 * The file is read and taken apart here, not by a parser library: those copy
 * lines to memory that they do not wipe.
 */
struct parse {
	struct keyset *keyset;
	const char *profile; /* the one that is wanted */
	const char *problem; /* why the file cannot be used; NULL: nothing wrong */
	bool has_profile, is_for_profile;
	bool has_key, has_aid;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Hex digits to at most max bytes; the number of bytes, or 0 if it is not hex. */
static size_t from_hex(const char *text, size_t len, uint8_t *out, size_t max)
{
	if (len % 2 || len / 2 > max)
		return 0;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return 0;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return len / 2;
}

static bool equals(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

static void take_value(struct parse *p, const char *key, size_t key_len, const char *value,
		       size_t len)
{
	struct keyset *k = p->keyset;

	if (equals(key, key_len, "profile")) {
		p->has_profile = true;
		p->is_for_profile = equals(value, len, p->profile);
	} else if (equals(key, key_len, "master-key")) {
		p->has_key = from_hex(value, len, k->master_key, sizeof k->master_key) ==
			     sizeof k->master_key;
		if (!p->has_key)
			p->problem = "master-key is not 16 bytes in hex";
	} else if (equals(key, key_len, "diversification-aid")) {
		k->aid_len = from_hex(value, len, k->aid, sizeof k->aid);
		p->has_aid = k->aid_len >= AID_MIN;
		if (!p->has_aid)
			p->problem = "diversification-aid is not 5 to 16 bytes in hex";
	} else {
		p->problem = "a line has an unknown name (known: profile, master-key, "
			     "diversification-aid)";
	}
}

static void take_line(struct parse *p, const char *line, size_t len)
{
	const char *comment = memchr(line, '#', len), *equal, *value;
	size_t key_len, value_len;

	if (comment)
		len = (size_t)(comment - line);
	line_trim(&line, &len);
	if (!len)
		return;
	equal = memchr(line, '=', len);
	if (!equal) {
		p->problem = "a line is not \"name = value\"";
		return;
	}
	key_len = (size_t)(equal - line);
	value = equal + 1;
	value_len = len - key_len - 1;
	line_trim(&line, &key_len);
	line_trim(&value, &value_len);
	take_value(p, line, key_len, value, value_len);
}

static void take_text(struct parse *p, const char *text, size_t len)
{
	while (len && !p->problem) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		take_line(p, text, n);
		text += end ? n + 1 : n;
		len -= end ? n + 1 : n;
	}
	if (!p->problem && !p->has_profile)
		p->problem = "there is no profile";
	if (p->problem || !p->is_for_profile)
		return;
	if (!p->has_key)
		p->problem = "there is no master-key";
	else if (!p->has_aid)
		p->problem = "there is no diversification-aid";
}

/* NULL: it is a file that nobody else could have read or exchanged. */
static const char *check_file(int fd)
{
	const char *exposed;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return "it cannot be examined";
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	exposed = platform_file_exposed(fd);
	if (exposed)
		return exposed;
	if (st.st_size > FILE_MAX)
		return "it is too large";
	return NULL;
}

static bool read_all(int fd, char *text, size_t *len)
{
	ssize_t n;

	for (*len = 0; *len < FILE_MAX; *len += (size_t)n) {
		n = read(fd, text + *len, FILE_MAX - *len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return n == 0;
	}
	return true;
}

/* RESULT_OK: loaded. RESULT_NO_KEYSET: not this one, for whatever reason but RESULT_NO_MEMORY. */
static enum result load(int dir_fd, const char *dir, const char *name, const char *profile,
			struct keyset *out)
{
	struct parse p = {.keyset = out, .profile = profile};
	char *text = secret_new(FILE_MAX);
	size_t len = 0;
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (!text)
		p.problem = "out of memory";
	else if (fd < 0)
		p.problem = errno == ELOOP ? "it is a link" : strerror(errno);
	else
		p.problem = check_file(fd);
	if (!p.problem && !read_all(fd, text, &len))
		p.problem = "it cannot be read";
	if (!p.problem)
		take_text(&p, text, len);
	if (p.problem)
		log_line(LOG_ERROR, "key set %s/%s refused: %s", dir, name, p.problem);
	if (fd >= 0)
		close(fd);
	secret_free(text, FILE_MAX);
	if (p.problem || !p.is_for_profile) {
		OPENSSL_cleanse(out, sizeof *out);
		return text ? RESULT_NO_KEYSET : RESULT_NO_MEMORY;
	}
	log_line(LOG_INFO, "key set %s/%s", dir, name);
	return RESULT_OK;
}

static int is_keyset_name(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > sizeof SUFFIX - 1 &&
	       strcmp(entry->d_name + len - (sizeof SUFFIX - 1), SUFFIX) == 0;
}

/* By bytes, in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static enum result search(const char *dir, const char *profile, unsigned *skip, struct keyset *out)
{
	enum result r = RESULT_NO_KEYSET;
	struct dirent **names = NULL;
	int dir_fd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int count = dir_fd < 0 ? 0 : scandir(dir, &names, is_keyset_name, by_name);

	if (count < 0 && errno == ENOMEM)
		r = RESULT_NO_MEMORY;
	for (int i = 0; i < count; i++) {
		if (r == RESULT_NO_KEYSET)
			r = load(dir_fd, dir, names[i]->d_name, profile, out);
		if (r == RESULT_OK && *skip > 0) {
			OPENSSL_cleanse(out, sizeof *out);
			(*skip)--;
			r = RESULT_NO_KEYSET;
		}
		free(names[i]);
	}
	free(names);
	if (dir_fd >= 0)
		close(dir_fd);
	return r;
}

enum result keyset_find(const char *const *dirs, const char *profile, unsigned skip,
			struct keyset *out)
{
	unsigned left = skip;

	for (size_t i = 0; dirs && dirs[i]; i++) {
		enum result r = search(dirs[i], profile, &left, out);

		if (r != RESULT_NO_KEYSET)
			return r;
	}
	if (skip > left) /* there were some */
		return RESULT_NO_KEYSET;
	log_line(LOG_ERROR, "no usable key set for %s cards: the card can be read, but login needs the "
		 "issuer's key set (see docs/KEYSETS)", profile);
	for (size_t i = 0; dirs && dirs[i]; i++)
		log_line(LOG_ERROR, "  looked for: %s/*" SUFFIX " with profile = %s", dirs[i], profile);
	return RESULT_NO_KEYSET;
}
