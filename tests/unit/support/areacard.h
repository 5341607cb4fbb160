/*
 * A card with a data area, at the card library's interface: the issuer's
 * authority that activates it, a login, records made of a seed, and what the
 * card holds put away and back again.
 */
#ifndef TESTS_AREACARD_H
#define TESTS_AREACARD_H

#include "faultcard.h"
#include "profiles/area.h"
#include "profiles/area_index.h"
#include "profiles/internal.h"

enum { INS_UPDATE = 0xD6, AREA_FILES = 3 };

/* The issuer's authority. */
struct area_issuer {
	unsigned asked; /* how often it was */
	bool refuses;   /* it has no answer */
	bool wrong;     /* it answers with another key */
};

/* Its answer, with twcard-virtual's usual key; the context is a struct area_issuer. */
enum result areacard_authority(void *context, const uint8_t challenge[CARD_CHALLENGE_SIZE],
			       uint8_t cryptogram[CARD_CRYPTOGRAM_SIZE]);

struct areacard {
	struct faultcard f;
	struct area *area;    /* open, or NULL */
	struct area_issuer issuer;
	uint8_t *kept[AREA_FILES];
	size_t kept_len[AREA_FILES];
};

/* The card of a test, and its set-up on each generation. */
extern struct areacard area_bench;
int area_first(void **state);
int area_second(void **state);
int area_done(void **state);
#define AREA_TESTS(f)                                                                              \
	{#f ", generation 1", f, area_first, area_done, NULL},                                     \
	{#f ", generation 2", f, area_second, area_done, NULL}

void areacard_load(struct areacard *c, int generation);
void areacard_clear(struct areacard *c);

/* As after insertion: no fault, card open, allowed to write, nothing verified. */
void areacard_insert(struct areacard *c);
/* The same, and the PIN given. */
void areacard_login(struct areacard *c);
/* The same, and the area open. */
void areacard_open(struct areacard *c);
/* Reads the index anew. */
MUST_USE enum result areacard_again(struct areacard *c);

MUST_USE enum result areacard_activate(struct areacard *c);
/* A card that has an empty area, and is open. */
void areacard_fresh(struct areacard *c);

/* "0881" in the area. */
const char *areacard_path(const struct areacard *c, const char *file);
/* The area is gone from the card. */
void areacard_remove(struct areacard *c);
/* What is in its files, put away, and back. */
void areacard_keep(struct areacard *c);
void areacard_restore(struct areacard *c);

/* len bytes that follow from the seed. */
void areacard_fill(uint8_t *out, size_t len, unsigned seed);
MUST_USE enum result areacard_write(struct areacard *c, uint32_t sno, size_t len, unsigned seed);
/* The record is there and is that one. */
bool areacard_has(struct areacard *c, uint32_t sno, size_t len, unsigned seed);

#endif
