/*
 * SCP03 (GlobalPlatform Card Specification v2.3, Amendment D) as second-
 * generation cards use it: security level 3, C-MAC and C-DECRYPTION, no
 * R-MAC, AES-128. Keys live in secure memory and are wiped with it.
 */
#ifndef TWCARD_APDU_SCP03_H
#define TWCARD_APDU_SCP03_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "apdu/channel.h"
#include "apdu/result.h"

#define SCP03_KEY_SIZE 16
#define SCP03_CHALLENGE_SIZE 8
#define SCP03_CIN_SIZE 10      /* card image number */
#define SCP03_AID_TAIL_SIZE 5  /* of the diversification AID */
#define SCP03_MAX_DATA 239     /* bytes of a command body: padded and with its MAC they fit 255 */

struct scp03_keys {
	uint8_t enc[SCP03_KEY_SIZE];
	uint8_t mac[SCP03_KEY_SIZE];
	uint8_t dek[SCP03_KEY_SIZE];
};

struct scp03_session {
	uint8_t enc[SCP03_KEY_SIZE]; /* S-ENC */
	uint8_t mac[SCP03_KEY_SIZE]; /* S-MAC */
	uint8_t chaining[16];        /* the MAC of the command before, all of it */
	uint32_t counter;            /* of encrypted commands (facts: gen 2, SCP03, observed) */
};

struct scp03 {
	struct scp03_session session;
	bool open;
	/* OpenSSL's, without a key of ours; from the first scp03_open() to scp03_release() */
	EVP_MAC_CTX *mac;
	EVP_CIPHER *aes;
};

/* A card's static keys from the issuer's master key (facts: gen 2, key diversification). */
MUST_USE enum result scp03_diversify(OSSL_LIB_CTX *libctx, const uint8_t master[SCP03_KEY_SIZE],
				     const uint8_t cin[SCP03_CIN_SIZE],
				     const uint8_t aid_tail[SCP03_AID_TAIL_SIZE],
				     struct scp03_keys *out);

/*
 * Opens a channel with the application that is selected: INITIALIZE UPDATE
 * and EXTERNAL AUTHENTICATE. host_challenge NULL: a random one. The card is
 * only told our cryptogram after its own was right. RESULT_CHANNEL: the keys
 * are not the card's, or it refuses; *s is closed and wiped then.
 */
MUST_USE enum result scp03_open(OSSL_LIB_CTX *libctx, struct channel *ch,
				const struct scp03_keys *keys,
				const uint8_t host_challenge[SCP03_CHALLENGE_SIZE],
				struct scp03 *s);

/*
 * Sends a command through the channel: class with the secure-messaging bit,
 * body encrypted if there is one, MAC. A status word other than 9000 and the
 * command's fine_sw closes the channel, and so does any failure. RESULT_CHANNEL: it is not open.
 */
MUST_USE enum result scp03_transmit(struct channel *ch, struct scp03 *s, const struct command *cmd,
				    struct response *resp);

/* Forgets the session and wipes its keys; a closed one: no effect. */
void scp03_close(struct scp03 *s);

/* The same, and gives everything back. *s is as new: all zeros. */
void scp03_release(struct scp03 *s);

#endif
