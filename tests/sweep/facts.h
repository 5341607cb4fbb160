/*
 * What a program found out about a card: a list of answers, to be compared
 * with what it finds out when nothing goes wrong.
 */
#ifndef TESTS_SWEEP_FACTS_H
#define TESTS_SWEEP_FACTS_H

#include "testcard.h"

#define FACTS_MAX 400
#define FOUND CKA_VENDOR_DEFINED /* no attribute: how many objects a search found */

/* The answer to one question. Values are compared by a hash: 64 bits of FNV-1a. */
struct fact {
	CK_RV rv;
	unsigned object;
	CK_ATTRIBUTE_TYPE type;
	size_t len;
	uint64_t hash;
};

struct facts {
	struct fact items[FACTS_MAX];
	size_t count;
	unsigned logins, private_ops; /* how many were asked for */
};

void facts_clear(struct facts *f);

/* Answers `rv`, to be looked at. */
CK_RV facts_note(struct facts *f, CK_RV rv, unsigned object, CK_ATTRIBUTE_TYPE type, const void *bytes,
		 size_t len);

/* Of what is a way to the answers, and may be needed or not: only errors are noted. */
CK_RV facts_note_failure(struct facts *f, CK_RV rv);

/* Errors say so: "there is no such attribute" is an answer. */
bool facts_is_error(CK_RV rv);

/* The first error, or CKR_OK. */
CK_RV facts_first_error(const struct facts *f);

/*
 * Compares with what is right; errors are allowed or not. False: `text` says
 * what is wrong.
 */
bool facts_agree(const struct facts *right, const struct facts *f, bool errors, char *text, size_t size);

/* Only that what keys gave is right, where they gave anything. */
bool facts_results_agree(const struct facts *right, const struct facts *f, char *text, size_t size);

#endif
