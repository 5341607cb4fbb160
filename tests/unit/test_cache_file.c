/*
 * The file of a card's cache, without a card: what is put in comes out again,
 * and what this module did not write is not taken, even where its hash is right.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "gen2card.h"
#include "src/token/cache.h"
#include "src/token/internal.h"
#include "wire.h"

#define SERIAL "TP00000000000042"
#define FOLDER "files/twcard"
#define FILE_NAME FOLDER "/" SERIAL ".cache"
#define MAGIC "twcard cache 2\n"
#define SERIAL_ROW "C010 54503030303030303030303030303432"

static int setup(void **state)
{
	(void)state;
	home_make();
	mkdir(home_path("files"), 0700);
	mkdir(home_path(FOLDER), 0700);
	home_remove(FILE_NAME);
	setenv("XDG_CACHE_HOME", home_path("files"), 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	home_remove(FILE_NAME);
	setenv("XDG_CACHE_HOME", "/dev/null/none", 1);
	return 0;
}

/* ---- what is in it ---- */

static void assert_entry(const struct cache *c, enum cache_kind kind, unsigned index, const char *text)
{
	const struct buffer *b = cache_get(c, kind, index);

	if (!text) {
		assert_null(b);
		return;
	}
	assert_non_null(b);
	assert_int_equal(b->len, strlen(text));
	assert_memory_equal(b->data, text, b->len);
}

static bool put_three(void *context, struct cache *c)
{
	assert_int_equal(c->count, *(size_t *)context);
	return cache_put(c, CACHE_DIRECTORY, 0, "first", 5) && cache_put(c, CACHE_DATE, 255, "last", 4) &&
	       cache_put(c, CACHE_KEY, 7, "key", 3);
}

static bool drop_one(void *context, struct cache *c)
{
	(void)context;
	cache_drop(c, CACHE_DIRECTORY, 0);
	cache_drop(c, CACHE_DIRECTORY, 1); /* is not there */
	return cache_put(c, CACHE_KEY, 7, "another", 7);
}

static bool leave_it(void *context, struct cache *c)
{
	*(size_t *)context = c->count;
	return !cache_put(c, CACHE_KEY, 9, "not to be saved", 15);
}

static void what_is_put_in_comes_out_again(void **state)
{
	struct cache c = {.count = 77};
	size_t count = 0;

	(void)state;
	assert_false(cache_load(SERIAL, &c));
	assert_int_equal(c.count, 0);
	cache_update(SERIAL, put_three, &count);
	assert_true(cache_load(SERIAL, &c));
	assert_int_equal(c.count, 3);
	assert_entry(&c, CACHE_DIRECTORY, 0, "first");
	assert_entry(&c, CACHE_DATE, 255, "last");
	assert_entry(&c, CACHE_KEY, 7, "key");
	assert_entry(&c, CACHE_KEY, 0, NULL);
	assert_entry(&c, CACHE_CERTIFICATE, 7, NULL);
	cache_clear(&c);
	assert_int_equal(c.count, 0);
	cache_update(SERIAL, drop_one, NULL);
	cache_update(SERIAL, leave_it, &count);
	assert_int_equal(count, 2);
	assert_true(cache_load(SERIAL, &c));
	assert_int_equal(c.count, 2);
	assert_entry(&c, CACHE_DIRECTORY, 0, NULL);
	assert_entry(&c, CACHE_KEY, 7, "another");
	assert_entry(&c, CACHE_DATE, 255, "last");
	cache_clear(&c);
}

static void a_full_cache_keeps_what_it_has(void **state)
{
	struct cache c = {.count = 0};

	(void)state;
	for (unsigned i = 0; i < CACHE_ENTRIES_MAX; i++)
		assert_true(cache_put(&c, CACHE_CERTIFICATE, i, &i, sizeof i));
	assert_false(cache_put(&c, CACHE_CERTIFICATE, CACHE_ENTRIES_MAX, "x", 1));
	assert_int_equal(c.count, CACHE_ENTRIES_MAX);
	assert_true(cache_put(&c, CACHE_CERTIFICATE, 5, "five", 4)); /* in place of the old one */
	assert_int_equal(c.count, CACHE_ENTRIES_MAX);
	assert_entry(&c, CACHE_CERTIFICATE, 5, "five");
	cache_drop(&c, CACHE_CERTIFICATE, 0);
	assert_true(cache_put(&c, CACHE_KEY, 255, "x", 1));
	cache_clear(&c);
	assert_false(cache_put(&c, CACHE_KEY, 256, "x", 1)); /* an index is one byte */
	assert_int_equal(c.count, 0);
}

/* ---- what is not taken ---- */

static size_t make_file(const char *magic, const char *rows, uint8_t file[400])
{
	size_t len = strlen(magic);

	memcpy(file, magic, len);
	len += wire_unhex(rows, file + len, 300);
	assert_true(EVP_Digest(file, len, file + len, NULL, EVP_sha256(), NULL));
	return len + 32;
}

static bool is_taken(const uint8_t *file, size_t len)
{
	struct cache c = {.count = 77};
	bool taken;

	home_write_bytes(FILE_NAME, file, len, 0600);
	taken = cache_load(SERIAL, &c);
	if (!taken)
		assert_int_equal(c.count, 0);
	cache_clear(&c);
	return taken;
}

static void a_right_hash_is_not_enough(void **state)
{
	static const struct {
		const char *rows;
		bool taken;
	} cases[] = {
		{SERIAL_ROW, true},
		{SERIAL_ROW "C103 00AABB C201 00 C401 FF", true},
		{"", false},                            /* nobody's */
		{"C103 00AABB", false},
		{"C010 54503030303030303030303030303433", false}, /* another card's */
		{"C00F 545030303030303030303030303034", false},
		{"C011 5450303030303030303030303030343200", false},
		{"C110 54503030303030303030303030303432", false},
		{SERIAL_ROW SERIAL_ROW, false},         /* a number is no kind of content */
		{SERIAL_ROW "C503 00AABB", false},      /* a kind that there is not */
		{SERIAL_ROW "BF03 00AABB", false},
		{SERIAL_ROW "C100", false},             /* of no index */
		{SERIAL_ROW "C103 00AABB C104 01AABB", false}, /* torn */
	};
	uint8_t file[400];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(is_taken(file, make_file(MAGIC, cases[i].rows, file)), cases[i].taken);
}

static void another_format_or_hash_is_not_taken(void **state)
{
	uint8_t file[400];
	size_t len;

	(void)state;
	assert_false(is_taken(file, make_file("twcard cache 1\n", SERIAL_ROW, file)));
	assert_false(is_taken(file, make_file("", SERIAL_ROW, file)));
	assert_false(is_taken(file, make_file(MAGIC, "", file)));
	len = make_file(MAGIC, SERIAL_ROW, file);
	assert_true(is_taken(file, len));
	for (size_t cut = 0; cut < len; cut++)
		assert_false(is_taken(file, cut));
	for (size_t at = 0; at < len; at++) {
		file[at] ^= 1;
		assert_false(is_taken(file, len));
		file[at] ^= 1;
	}
}

/* Modulus and exponent; one that no card has is somebody's work. */
static void a_key_comes_back_if_its_exponent_is_the_usual_one(void **state)
{
	static const uint32_t others[] = {3, 65536, 65539, 0x01010001, 0x00000101};
	struct rsa_public key = {.exponent = 65537}, back;
	uint8_t bytes[KEY_BYTES];
	struct buffer b = BUFFER_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof key.modulus; i++)
		key.modulus[i] = (uint8_t)(i ^ 0xA5);
	memset(bytes, 0x77, sizeof bytes);
	key_to_bytes(&key, bytes);
	assert_memory_equal(bytes, key.modulus, sizeof key.modulus);
	assert_memory_equal(bytes + sizeof key.modulus, "\x00\x01\x00\x01", 4);
	assert_int_equal(buffer_append(&b, bytes, sizeof bytes), RESULT_OK);
	memset(&back, 0x77, sizeof back);
	assert_true(key_from_bytes(&b, &back));
	assert_memory_equal(back.modulus, key.modulus, sizeof key.modulus);
	assert_int_equal(back.exponent, 65537);
	b.len--;
	assert_false(key_from_bytes(&b, &back));
	b.len++;
	assert_int_equal(buffer_append_u8(&b, 0), RESULT_OK);
	assert_false(key_from_bytes(&b, &back));
	b.len--;
	for (size_t i = 0; i < COUNT(others); i++) {
		key.exponent = others[i];
		key_to_bytes(&key, b.data);
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(b.data[sizeof key.modulus + k], (uint8_t)(others[i] >> (24 - 8 * k)));
		assert_false(key_from_bytes(&b, &back));
	}
	buffer_clear(&b);
}

static void a_number_that_is_no_word_has_no_file(void **state)
{
	static const char *const numbers[] = {
		"", "../x", "a/b", ".", "a b",
		"0123456789012345678901234567890123456789012345678901234567890123"};
	struct cache c;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		cache_update(numbers[i], put_three, &count);
		assert_false(cache_load(numbers[i], &c));
		assert_int_equal(c.count, 0);
	}
	cache_update("0123456789", put_three, &count);
	assert_true(cache_load("0123456789", &c));
	cache_clear(&c);
	home_remove(FOLDER "/0123456789.cache");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_put_in_comes_out_again),
		TEST(a_full_cache_keeps_what_it_has),
		TEST(a_right_hash_is_not_enough),
		TEST(another_format_or_hash_is_not_taken),
		TEST(a_key_comes_back_if_its_exponent_is_the_usual_one),
		TEST(a_number_that_is_no_word_has_no_file),
	};

	return cmocka_run_group_tests_name("cache files", tests, NULL, NULL);
}
