#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "apdu/cursor.h"
#include "apdu/log.h"
#include "apdu/platform.h"
#include "src/base/file.h"
#include "src/base/text.h"
#include "src/crypto/context.h"
#include "src/token/cache.h"

/*
 * The file: a line that names the format, then BER-TLV objects (the card's
 * number first), then the SHA-256 of all that. A tag is 0xC0 plus the kind;
 * the value starts with the index.
 */
#define MAGIC "twcard cache 2\n" /* 1 had no proof of what is in it */
#define MAGIC_SIZE (sizeof MAGIC - 1)
#define TAG 0xC0
#define HASH_SIZE 32
#define FILE_MAX (256 * 1024)
#define PATH_SIZE 1100
#define NAME_SIZE 64
#define LOCK_NAME "lock"
#define LOCK_TRIES 20

void cache_clear(struct cache *c)
{
	for (size_t i = 0; i < c->count; i++)
		buffer_clear(&c->entries[i].bytes);
	c->count = 0;
}

static struct cache_entry *find(const struct cache *c, enum cache_kind kind, unsigned index)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->entries[i].kind == kind && c->entries[i].index == index)
			return (struct cache_entry *)&c->entries[i];
	return NULL;
}

const struct buffer *cache_get(const struct cache *c, enum cache_kind kind, unsigned index)
{
	const struct cache_entry *e = find(c, kind, index);

	return e ? &e->bytes : NULL;
}

bool cache_put(struct cache *c, enum cache_kind kind, unsigned index, const void *bytes, size_t len)
{
	struct cache_entry new = {kind, index, BUFFER_INIT};

	if (index > UINT8_MAX || buffer_append(&new.bytes, bytes, len) != RESULT_OK)
		return false;
	cache_drop(c, kind, index);
	if (c->count == CACHE_ENTRIES_MAX) {
		buffer_clear(&new.bytes);
		return false;
	}
	c->entries[c->count++] = new;
	return true;
}

void cache_drop(struct cache *c, enum cache_kind kind, unsigned index)
{
	struct cache_entry *e = find(c, kind, index);

	if (!e)
		return;
	buffer_clear(&e->bytes);
	*e = c->entries[--c->count];
}

/* ---- where ---- */

/* A file name from the card's number, which the card chose. */
static bool file_name(const char *serial, char out[NAME_SIZE])
{
	return text_is_word(serial) && snprintf(out, NAME_SIZE, "%s.cache", serial) < NAME_SIZE;
}

/* `make`: the user's cache directory above it is made if it is not there yet. */
static bool make_path(char path[PATH_SIZE], bool make)
{
	if (!platform_folder(PLATFORM_CACHE, path, PATH_SIZE - 16))
		return false;
	if (make)
		(void)mkdir(path, 0700);
	strcat(path, "/twcard");
	return true;
}

/* The directory, made if it must be; -1 if it is not ours alone. */
static int open_dir(bool make)
{
	char path[PATH_SIZE];
	int fd;

	if (!make_path(path, make))
		return -1;
	if (make && mkdir(path, 0700) != 0 && errno != EEXIST) {
		log_line(LOG_INFO, "cache %s: %s", path, strerror(errno));
		return -1;
	}
	fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	if (is_private(fd, S_IFDIR))
		return fd;
	log_line(LOG_ERROR, "cache %s is not used: others have access to it", path);
	close(fd);
	return -1;
}

/* ---- reading ---- */

static bool read_file(int dir, const char *name, struct buffer *out)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	bool ok = false;
	ssize_t n;

	if (fd < 0)
		return false;
	if (!is_private(fd, S_IFREG) || fstat(fd, &st) != 0 || st.st_size <= 0 ||
	    st.st_size > FILE_MAX)
		goto out;
	if (buffer_reserve(out, (size_t)st.st_size) != RESULT_OK)
		goto out;
	n = read(fd, out->data, (size_t)st.st_size);
	out->len = n > 0 ? (size_t)n : 0;
	ok = n == st.st_size;
out:
	close(fd);
	return ok;
}

static bool hash(const struct buffer *b, size_t len, uint8_t out[HASH_SIZE])
{
	const EVP_MD *md = crypto_digest("SHA256");

	return md && EVP_Digest(b->data, len, out, NULL, md, NULL);
}

static bool check_hash(const struct buffer *file)
{
	uint8_t expected[HASH_SIZE];

	return file->len > MAGIC_SIZE + HASH_SIZE && memcmp(file->data, MAGIC, MAGIC_SIZE) == 0 &&
	       hash(file, file->len - HASH_SIZE, expected) &&
	       memcmp(expected, file->data + file->len - HASH_SIZE, HASH_SIZE) == 0;
}

static bool parse(const struct buffer *file, const char *serial, struct cache *out)
{
	struct cursor c = cursor_of(file->data + MAGIC_SIZE, file->len - MAGIC_SIZE - HASH_SIZE);
	struct tlv tlv;
	uint8_t index;

	if (cursor_tlv(&c, &tlv, NULL) != TLV_OK || tlv.tag != TAG ||
	    tlv.value.left != strlen(serial) || memcmp(tlv.value.p, serial, tlv.value.left) != 0)
		return false;
	while (c.left) {
		if (cursor_tlv(&c, &tlv, NULL) != TLV_OK || tlv.tag <= TAG ||
		    tlv.tag >= TAG + CACHE_KINDS || !cursor_u8(&tlv.value, &index) ||
		    !cache_put(out, (enum cache_kind)(tlv.tag - TAG), index, tlv.value.p,
			       tlv.value.left))
			return false;
	}
	return true;
}

static bool load_from(int dir, const char *name, const char *serial, struct cache *out)
{
	struct buffer file = BUFFER_INIT;
	bool ok = false;

	out->count = 0;
	if (read_file(dir, name, &file)) {
		ok = check_hash(&file) && parse(&file, serial, out);
		if (!ok)
			log_line(LOG_INFO, "cache %s: torn or not this card's: ignored", name);
	}
	if (!ok)
		cache_clear(out);
	buffer_clear(&file);
	return ok;
}

bool cache_load(const char *serial, struct cache *out)
{
	char name[NAME_SIZE];
	bool ok;
	int dir;

	out->count = 0;
	if (!file_name(serial, name))
		return false;
	dir = open_dir(false);
	if (dir < 0)
		return false;
	ok = load_from(dir, name, serial, out);
	close(dir);
	return ok;
}

/* ---- writing ---- */

static enum result put_tlv(struct buffer *file, uint8_t tag, const uint8_t *prefix, size_t prefix_len,
			   const void *bytes, size_t len)
{
	size_t total = prefix_len + len;
	const uint8_t head[6] = {tag, 0x84, (uint8_t)(total >> 24), (uint8_t)(total >> 16),
				 (uint8_t)(total >> 8), (uint8_t)total};
	enum result r = buffer_append(file, head, sizeof head);

	if (r == RESULT_OK)
		r = buffer_append(file, prefix, prefix_len);
	return r == RESULT_OK ? buffer_append(file, bytes, len) : r;
}

static enum result encode(const char *serial, const struct cache *c, struct buffer *file)
{
	uint8_t digest[HASH_SIZE];
	enum result r = buffer_append(file, MAGIC, MAGIC_SIZE);

	if (r == RESULT_OK)
		r = put_tlv(file, TAG, NULL, 0, serial, strlen(serial));
	for (size_t i = 0; r == RESULT_OK && i < c->count; i++) {
		const struct cache_entry *e = &c->entries[i];
		const uint8_t index = (uint8_t)e->index;

		r = put_tlv(file, (uint8_t)(TAG + e->kind), &index, 1, e->bytes.data, e->bytes.len);
	}
	if (r == RESULT_OK)
		r = hash(file, file->len, digest) ? buffer_append(file, digest, sizeof digest)
						  : RESULT_CRYPTO;
	return r;
}

void cache_update(const char *serial, cache_edit *edit, void *context)
{
	struct buffer file = BUFFER_INIT;
	struct cache c = {.count = 0};
	char name[NAME_SIZE];
	int dir, lock;

	if (!file_name(serial, name))
		return;
	dir = open_dir(true);
	if (dir < 0)
		return;
	/* a program that was stopped may hold it for long */
	lock = file_lock(dir, LOCK_NAME, LOCK_TRIES);
	if (lock < 0)
		log_line(LOG_INFO, "cache: no lock (%s): nothing is saved", strerror(errno));
	if (lock >= 0) {
		(void)load_from(dir, name, serial, &c);
		if (edit(context, &c) && encode(serial, &c, &file) == RESULT_OK &&
		    file.len <= FILE_MAX &&
		    !file_replace(dir, name, file.data, file.len, 0600, false))
			log_line(LOG_INFO, "cache %s: %s", name, strerror(errno));
		close(lock);
	}
	close(dir);
	cache_clear(&c);
	buffer_clear(&file);
}
