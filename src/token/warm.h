/*
 * Between a token and the disk cache: what is taken from it, after a look at
 * the card, and what is put into it. The file may have been filled by another
 * card that gave itself this one's number, so nothing in it is shown unless it
 * is bound to the card in the reader: docs/SECURITY.md has the argument.
 */
#ifndef TWCARD_SRC_WARM_H
#define TWCARD_SRC_WARM_H

#include "src/token/token.h"

/* The directories that may be kept; private keys' is not. */
#define WARM_KINDS 3
extern const enum p15_class warm_kinds[WARM_KINDS];

/*
 * Once per insertion: reads the card's number and the ends of some
 * certificates, and if all certificates of the cache are bound to the card by
 * them, takes the directories from there. Talks to the card. Only errors of
 * the way to the card are errors.
 */
MUST_USE enum result warm_start(struct token *t);

/*
 * Binds what certificates can be, once per insertion, for a card whose
 * directory was read. Talks to the card, if the cache has anything for it.
 */
MUST_USE enum result warm_bind(struct token *t);

/* Loads the file if that was not done yet; its keys are there to check results. Talks to no card. */
void warm_load(struct token *t);

/*
 * After the private keys' directory was read, which is never in the cache:
 * names of public keys that contradict it are not for the next program.
 * Wants the turn.
 */
void warm_compare_names(struct token *t);

/*
 * Gives certificates and public keys that have records what is bound to this
 * card. Under the lock, with the turn; talks to no card.
 */
void warm_fill(struct token *t);

/* The key of the one certificate with the key's CKA_ID, if that is bound to this card. */
bool warm_key(const struct token *t, const struct p15_object *key, struct rsa_public *out);

/* What the cache had is wrong: never again, also not on disk. */
void warm_refute(struct token *t, enum cache_kind kind, unsigned index);

/*
 * True if bytes that were just read cannot be this certificate: it is not what
 * its record says, or the issuer, as far as that was read, did not sign it.
 */
bool warm_doubts(const struct token *t, const struct object *o, const struct buffer *value);

/* Adds what was read to the cache. Talks to no card. */
void warm_save(struct token *t);

#endif
