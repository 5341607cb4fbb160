/*
 * Between a token and the disk cache: what is taken from it, after a look at
 * the card, and what is put into it. See docs/CRYPTOKI, "the disk cache".
 */
#ifndef TWCARD_SRC_WARM_H
#define TWCARD_SRC_WARM_H

#include "src/token/token.h"

/*
 * Once per insertion: reads the card's number and the beginnings of up to
 * three certificates (the holder's first), and if they are those in the cache,
 * takes directories, certificates and public keys from there. Talks to the
 * card. Only errors of the way to the card are errors.
 */
MUST_USE enum result warm_start(struct token *t);

/*
 * Writes what was read since to the cache. May read beginnings of certificates
 * that are not known yet, unless that could disturb a login.
 */
void warm_save(struct token *t);

#endif
