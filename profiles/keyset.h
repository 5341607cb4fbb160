/*
 * Key sets: what a card issuer's master key looks like on this machine. The
 * master key itself is never part of this project. See docs/KEYSETS.
 */
#ifndef TWCARD_PROFILES_KEYSET_H
#define TWCARD_PROFILES_KEYSET_H

#include <stddef.h>
#include <stdint.h>

#include "apdu/result.h"
#include "apdu/scp03.h"

#define KEYSET_AID_MAX 16

struct keyset {
	uint8_t master_key[SCP03_KEY_SIZE];
	uint8_t aid[KEYSET_AID_MAX]; /* diversification AID */
	size_t aid_len;              /* 5..16 */
};

/*
 * Looks through the directories (NULL-terminated), in each through *.keyset by
 * name, and takes the first file for the profile that can be used, after
 * `skip` others (which were tried, and are not the card's). One that
 * cannot is named in the log with the reason: readable by others, a link, a
 * foreign owner, a wrong length, an unknown line. RESULT_NO_KEYSET: none; the
 * log says where it was looked for. RESULT_NO_MEMORY: there may be some. out must
 * be in secure memory.
 */
MUST_USE enum result keyset_find(const char *const *dirs, const char *profile, unsigned skip,
				 struct keyset *out);

#endif
