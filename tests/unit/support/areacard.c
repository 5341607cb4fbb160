#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "areacard.h"

static const char *const files[AREA_FILES] = {"0881", "0882", "0883"};

/* As docs/PROTOCOL.md says it; the key is twcard-virtual's usual one. */
enum result areacard_authority(void *context, const uint8_t challenge[CARD_CHALLENGE_SIZE],
			       uint8_t cryptogram[CARD_CRYPTOGRAM_SIZE])
{
	struct area_issuer *issuer = context;
	uint8_t key[16], iv[8] = {0};
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, rest;

	issuer->asked++;
	for (unsigned i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(0x40 + i);
	key[0] ^= issuer->wrong ? 0x80 : 0;
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_des_ede_cbc(), NULL, key, iv), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, cryptogram, &n, challenge, CARD_CHALLENGE_SIZE), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, cryptogram + n, &rest), 1);
	assert_int_equal(n + rest, CARD_CRYPTOGRAM_SIZE);
	EVP_CIPHER_CTX_free(ctx);
	return issuer->refuses ? RESULT_CANCELLED : RESULT_OK;
}

void areacard_load(struct areacard *c, int generation)
{
	*c = (struct areacard){.area = NULL};
	faultcard_load(&c->f, generation);
}

static void drop_kept(struct areacard *c)
{
	for (int i = 0; i < AREA_FILES; i++) {
		free(c->kept[i]);
		c->kept[i] = NULL;
	}
}

void areacard_clear(struct areacard *c)
{
	area_free(&c->area);
	drop_kept(c);
	faultcard_clear(&c->f);
}

void areacard_insert(struct areacard *c)
{
	area_free(&c->area);
	vcard_fault(c->f.vcard, 0, VCARD_FAULT_NONE, 0);
	faultcard_must_open(&c->f);
	c->f.card->options.allow_unproven = true;
}

void areacard_login(struct areacard *c)
{
	int tries;

	areacard_insert(c);
	assert_int_equal(card_verify_pin(c->f.card, (const uint8_t *)PIN, strlen(PIN), &tries),
			 RESULT_OK);
}

enum result areacard_again(struct areacard *c)
{
	area_free(&c->area);
	return area_open(c->f.card, &c->area);
}

void areacard_open(struct areacard *c)
{
	areacard_login(c);
	assert_int_equal(areacard_again(c), RESULT_OK);
}

enum result areacard_activate(struct areacard *c)
{
	return area_activate(c->f.card, areacard_authority, &c->issuer);
}

void areacard_fresh(struct areacard *c)
{
	areacard_remove(c);
	areacard_login(c);
	assert_int_equal(areacard_activate(c), RESULT_OK);
	assert_int_equal(areacard_again(c), RESULT_OK);
}

const char *areacard_path(const struct areacard *c, const char *file)
{
	static char path[40];

	snprintf(path, sizeof path, "%s/5030/0880%s%s", c->f.generation == 1 ? "3F00" : "7FFF",
		 *file ? "/" : "", file);
	return path;
}

void areacard_remove(struct areacard *c)
{
	(void)vcard_file_delete(c->f.vcard, areacard_path(c, ""));
}

void areacard_keep(struct areacard *c)
{
	drop_kept(c);
	for (int i = 0; i < AREA_FILES; i++) {
		const uint8_t *data;

		assert_true(vcard_file_get(c->f.vcard, areacard_path(c, files[i]), &data,
					   &c->kept_len[i]));
		c->kept[i] = malloc(c->kept_len[i]);
		assert_non_null(c->kept[i]);
		memcpy(c->kept[i], data, c->kept_len[i]);
	}
}

void areacard_restore(struct areacard *c)
{
	for (int i = 0; i < AREA_FILES; i++)
		assert_true(vcard_file_put(c->f.vcard, areacard_path(c, files[i]), c->kept[i],
					   c->kept_len[i]));
}

void areacard_fill(uint8_t *out, size_t len, unsigned seed)
{
	uint32_t x = seed * 2654435761u + 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		out[i] = (uint8_t)(x >> 24);
	}
}

enum result areacard_write(struct areacard *c, uint32_t sno, size_t len, unsigned seed)
{
	static uint8_t data[AREA_RECORD_MAX + 1];

	areacard_fill(data, len, seed);
	return area_write(c->area, sno, AREA_PUT, data, len);
}

bool areacard_has(struct areacard *c, uint32_t sno, size_t len, unsigned seed)
{
	static uint8_t data[AREA_RECORD_MAX], want[AREA_RECORD_MAX];
	size_t got = sizeof data;

	areacard_fill(want, len, seed);
	return area_read(c->area, sno, data, &got) == RESULT_OK && got == len &&
	       memcmp(data, want, len) == 0;
}

/* ---- the card of a test ---- */

struct areacard area_bench;

int area_first(void **state)
{
	(void)state;
	areacard_load(&area_bench, 1);
	return 0;
}

int area_second(void **state)
{
	(void)state;
	areacard_load(&area_bench, 2);
	return 0;
}

int area_done(void **state)
{
	(void)state;
	areacard_clear(&area_bench);
	return 0;
}
