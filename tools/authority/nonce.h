/*
 * Nonces that need no table until they are used: the time they end, random
 * bytes, and a MAC with the authority's secret, so that every instance knows
 * its own and those of the others. That one is used once, the database says.
 */
#ifndef TWCARD_AUTHORITY_NONCE_H
#define TWCARD_AUTHORITY_NONCE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define NONCE_SECRET_LEN 32
#define NONCE_SECONDS 300
#define NONCE_LEN 80 /* characters: hexadecimal digits of 8, 16 and 16 bytes */

/* False: no random bytes. */
bool nonce_make(const uint8_t secret[NONCE_SECRET_LEN], time_t now, char out[NONCE_LEN + 1], time_t *expires);

/* Is it one of ours, and not expired? */
bool nonce_good(const uint8_t secret[NONCE_SECRET_LEN], time_t now, const char *text);

#endif
