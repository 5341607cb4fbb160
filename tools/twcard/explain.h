/*
 * What codes mean: those of PKCS#11, cards, PC/SC and of other software that
 * uses the cards. The same number can belong to several of them. Texts are
 * English and marked for translation; whoever shows them passes them to _().
 */
#ifndef TWCARD_TOOLS_EXPLAIN_H
#define TWCARD_TOOLS_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPLAIN_NAME_MAX 64
#define EXPLAIN_MATCHES_MAX 16

struct explain_source;

struct explain_match {
	const struct explain_source *source;
	uint32_t first, last; /* the codes that share this meaning; usually one */
	uint32_t code;        /* the one asked for; first in a list */
	char name[EXPLAIN_NAME_MAX]; /* as the source calls it; empty: it has no name */
	const char *meaning;
	const char *action; /* what to do; NULL: nothing */
	const char *rest;   /* what the code's place in its range says, from `rest_value`; NULL: nothing */
	const char *equals; /* the CKR_ name that a number was derived from; NULL: none */
	unsigned likelihood; /* 1: written as it usually is; more: less likely meant; 0: only near */
};

/* NULL at the end; the more usual first. */
extern const struct explain_source *const explain_sources[];

/* By its name, in any case; NULL: there is none. */
const struct explain_source *explain_source_named(const char *name);
const char *explain_source_name(const struct explain_source *source);
const char *explain_source_title(const struct explain_source *source); /* to be translated */
/* Whether people know its codes as decimal numbers, not as hexadecimal ones. */
bool explain_source_is_decimal(const struct explain_source *source);

/* The nth code of a source, from 0. False: it has no more. */
bool explain_nth(const struct explain_source *source, size_t n, struct explain_match *out);

/* The place of the code in its range: what match->rest names. */
uint32_t explain_rest(const struct explain_match *match);

/*
 * What a text can mean, most likely first: a name, or a number as people and
 * programs write it (decimal, also negative; hexadecimal with and without 0x;
 * "69 82"; "SW=6982"). only: this source alone, or NULL. Answers how many.
 */
size_t explain_find(const char *text, const struct explain_source *only,
		    struct explain_match out[EXPLAIN_MATCHES_MAX]);

/* The codes nearest to one that explain_find() does not know, at most max, the nearest first. */
size_t explain_near(const char *text, const struct explain_source *only,
		    struct explain_match *out, size_t max);

#endif
