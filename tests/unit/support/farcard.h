/*
 * A card in another process than the module. A client, the test program
 * again, uses the module with a card that is on the other side of a socket,
 * and so are the PIN, the master key and all that is derived from it: what the
 * client's memory has of them is the module's. At stages that the client
 * chooses it waits, and its memory is searched (memory_scan.h).
 */
#ifndef TESTS_FARCARD_H
#define TESTS_FARCARD_H

#include "gen2card.h"
#include "memory_scan.h"

#define FAR_PIN_LEN 8
#define FAR_PLAINTEXT_LEN 32

/* ---- the client: everything it knows of secrets is masked, and wiped ---- */

/* What a client is to do; NULL in the test program itself. */
const char *far_story(int argc, char **argv);

/* Takes the briefing; the card is in the reader then. */
void far_begin(void);
/* The last thing that a client does. */
void far_end(void);

/* FAR_OWN bytes of the program's own, kept out of core dumps. */
#define FAR_OWN 1024
unsigned char *far_own_bytes(void);

/* The right PIN, or one that differs from it in one character. */
CK_RV far_login(CK_SESSION_HANDLE session, bool right);
/* FAR_PLAINTEXT_LEN random bytes, encrypted to the card's key KEYX with PKCS#1 v1.5. */
const uint8_t *far_ciphertext(void);

/* Commands with this instruction get this status word instead of the card, 0: no answer. */
void far_refuse(int ins, uint16_t sw);
void far_refuse_nothing(void);

/* Bytes of a secret that must be nowhere from now on; those given are wiped. */
void far_tell_secret(const char *name, uint8_t *bytes, size_t len);

/*
 * From now on our memory is searched whenever a command with this instruction (-1: any)
 * goes out, or a transaction ends: what was left on the stack is not overwritten yet.
 */
void far_search_at(int ins);
void far_search_at_ends(enum memory_stage stage);

/* The other side searches our memory now; we go on when it has. */
void far_stage(enum memory_stage stage, const char *name);

/* ---- the card's side ---- */

/*
 * Makes a card with a PIN and a master key of its own; the secrets that are to
 * be searched for are these and what follows from them. Takes about a second.
 */
struct vcard *far_card_new(int generation);

struct far_result {
	unsigned stages, controls;
	struct memory_found found; /* of all stages */
};

/*
 * Starts a client and answers for the card until it ends, as it must, well. Its session keys,
 * its plaintext and what it told of are secrets from then on: secrets_keep() forgets them.
 */
struct far_result far_run(struct vcard *card, const char *story);

/*
 * Why clients cannot be searched here, NULL if they can: a client's memory is also valgrind's,
 * and so is the program that would be the client; or this system does not tell of its pages
 * (memory_scan.h).
 */
const char *far_cannot_search(void);
/* Skips the test where they cannot. */
void far_skip_unsearched(void);

#endif
