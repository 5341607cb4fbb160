/*
 * One card in one reader, and what can be done with it whichever generation
 * it is. Nothing outside profiles/ asks which card this is. Every function
 * that talks to the card is called inside a transaction (card_begin/card_end)
 * and under the caller's lock.
 */
#ifndef TWCARD_PROFILES_CARD_H
#define TWCARD_PROFILES_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "apdu/buffer.h"
#include "apdu/channel.h"
#include "apdu/result.h"
#include "profiles/path.h"
#include "profiles/pkcs15.h"
#include "profiles/provenance.h"

struct card;
struct card_profile;

#define CARD_MODULUS_SIZE 256 /* bytes: every key seen is RSA-2048 */

/* What the token shows; UTF-8, no trailing blanks, NUL-terminated. */
struct token_data {
	char label[64];
	char manufacturer[64];
	char model[32];
	char serial[32];
};

struct rsa_public {
	uint8_t modulus[CARD_MODULUS_SIZE]; /* big-endian */
	uint32_t exponent;
};

/* What the owner of a card decides about it. */
struct card_options {
	OSSL_LIB_CTX *libctx;  /* for all cryptography; not owned; may be NULL */
	bool allow_unproven;   /* let operations through that change a card and were never observed */
	const char *const *keyset_dirs; /* where key sets are looked for, NULL at the end; not owned */
};

/*
 * Takes over the channel (also on failure), begins a transaction and finds the
 * profile that knows the card. RESULT_UNKNOWN_CARD: none does, and the card
 * answered every one of them twice, the second time as the first; an answer
 * that changed is RESULT_CARD_REFUSED, and another try may find the profile.
 * On success the transaction goes on, so that what was selected is still
 * known: card_end().
 */
MUST_USE enum result card_open(struct channel *ch, const struct card_options *options,
			       struct card **out);
void card_free(struct card **card);

const struct card_profile *card_profile_of(const struct card *card);

/* "hicos-v3"; static. */
const char *card_profile_name(const struct card_profile *profile);

/*
 * A transaction. When *was_reset, the card has lost its verified state and
 * everything selected; what the card object believed is forgotten already.
 */
MUST_USE enum result card_begin(struct card *card, bool *was_reset);

/*
 * Ends it. With `reset` the card is reset: no program can go on using its
 * verified state. Anything but RESULT_OK: that is not certain.
 */
MUST_USE enum result card_end(struct card *card, bool reset);

/* Resets the card at once, without a transaction and without waiting: channel_reset_now(). */
MUST_USE enum result card_reset_now(struct card *card);

MUST_USE enum result card_read_token(struct card *card, struct token_data *out);

/*
 * The card's number alone, NUL-terminated; read once between two resets that
 * are known. RESULT_BAD_DATA: what was read is no number, and not the same twice.
 */
MUST_USE enum result card_read_number(struct card *card, char *out, size_t size);

/*
 * The same from the card, whatever is known of it: is it still the card that
 * it was? To be asked before a PIN is given again, because PC/SC does not tell
 * of every reset and exchange. On the second generation it ends the secure
 * channel, as every plain command may.
 */
MUST_USE enum result card_read_number_again(struct card *card, char *out, size_t size);

/*
 * All records of one kind. A card without that directory has 0 of them: that
 * is believed when it was said twice of the directory itself; anything else
 * that is not found or refused is an error of this call. Their bytes are
 * appended to *raw, if that is not NULL: p15_parse() makes them records again.
 */
MUST_USE enum result card_read_directory(struct card *card, enum p15_class kind,
					 struct p15_list *out, struct buffer *raw);

/*
 * What is read next is selected anew: the card may only have said that it had
 * selected it, and a second reading would repeat what the first one read in its place.
 */
void card_select_again(struct card *card);

/* What a directory record points to: the certificate's or data object's bytes. */
MUST_USE enum result card_read_object(struct card *card, const struct p15_object *object,
				      struct buffer *out);

/*
 * One more try if it fails or is no RSA-2048 key by its looks; RESULT_BAD_DATA:
 * it is none then either.
 */
MUST_USE enum result card_read_public_key(struct card *card, unsigned key_ref,
					  struct rsa_public *out);

/* True if what a login takes beside the PIN (a key set) is there. Looks at files, not at the card. */
bool card_can_login(const struct card *card);

/* The PIN's lengths in bytes and how many wrong ones lock it. */
void card_pin_limits(const struct card *card, size_t *min, size_t *max, int *tries);

/*
 * One VERIFY, never a second. The length is checked before anything is sent
 * (RESULT_PIN_LENGTH). *tries: tries left as the card told, or -1.
 * RESULT_PIN_WRONG, RESULT_PIN_LOCKED.
 */
MUST_USE enum result card_verify_pin(struct card *card, const uint8_t *pin, size_t len, int *tries);

/*
 * What would keep the card from getting a new PIN: OP_CHANGE_PIN for the old
 * one, or OP_UNBLOCK_PIN for the unblocking code (`right`). RESULT_UNPROVEN,
 * RESULT_NOT_SUPPORTED, RESULT_PIN_LENGTH (of either), RESULT_PIN_INVALID: the
 * new one is not letters and digits, or is the old one. Sends nothing. `right`
 * NULL: what can be said before any PIN is known.
 */
MUST_USE enum result card_check_new_pin(const struct card *card, enum card_op op,
					const uint8_t *right, size_t right_len,
					const uint8_t *pin, size_t len);

/*
 * One CHANGE REFERENCE DATA, never a second; card_check_new_pin() decides
 * before anything is sent. *tries: of the old PIN, as for card_verify_pin().
 * RESULT_PIN_WRONG, RESULT_PIN_LOCKED: the PIN is what it was. After any other
 * error which of the two holds is not certain, unless it is one of
 * card_check_new_pin(). Whether the card is verified afterwards is not known.
 */
MUST_USE enum result card_change_pin(struct card *card, const uint8_t *old, size_t old_len,
				     const uint8_t *new, size_t new_len, int *tries);

/*
 * One RESET RETRY COUNTER with the unblocking code and a new PIN. The same
 * holds; *tries is the code's, and so are RESULT_PIN_WRONG and
 * RESULT_PIN_LOCKED.
 */
MUST_USE enum result card_unblock_pin(struct card *card, const uint8_t *code, size_t code_len,
				      const uint8_t *new, size_t new_len, int *tries);

/*
 * The bare RSA private operation on one block. RESULT_SECURITY_STATUS: the
 * card is not (any more) in the verified state.
 */
MUST_USE enum result card_private_op(struct card *card, unsigned key_ref,
				     const uint8_t in[CARD_MODULUS_SIZE],
				     uint8_t out[CARD_MODULUS_SIZE]);

/* ---- files with access rules (guarded.c) ---- */

/*
 * Files that the PIN opens and the issuer makes. Their commands go where the
 * PIN was given: on the second generation through the secure channel of
 * card_verify_pin(), which any plain command ends. docs/PROTOCOL.md has the
 * forms; all that changes a card here is assumed or static, and refused with
 * RESULT_UNPROVEN, before anything is sent, unless the options allow it.
 * All of them: RESULT_SECURITY_STATUS: the PIN (or for what makes and deletes
 * files the issuer's cryptogram) was not given; RESULT_AREA_LOCKED: it is
 * locked; RESULT_NOT_FOUND; RESULT_CARD_REFUSED; errors of the channel.
 */

#define CARD_CHALLENGE_SIZE 8
#define CARD_CRYPTOGRAM_SIZE 16
#define CARD_BLOCK_SIZE 200 /* bytes of one UPDATE BINARY (facts: transport rules, static) */

/* RESULT_NOT_FOUND: the card said twice that the directory is not in the one above it. */
MUST_USE enum result card_find_directory(struct card *card, const struct card_path *dir);

/*
 * Is there such a directory? Asked where it disturbs nothing: in the channel
 * while that is open, else plainly. RESULT_NOT_FOUND: the card said twice that
 * it is not there; any other refusal says nothing.
 */
MUST_USE enum result card_look_for_directory(struct card *card, const struct card_path *dir);

/* Appends exactly length bytes. RESULT_END_OF_FILE: the file is shorter. What is read is not traced. */
MUST_USE enum result card_read_guarded(struct card *card, const struct card_path *file,
				       unsigned offset, unsigned length, struct buffer *out);

/*
 * UPDATE BINARY, in blocks of CARD_BLOCK_SIZE from the offset on. After an error
 * any part of what was to be written may be there. What is written is not
 * traced. RESULT_DATA_TOO_LARGE: beyond the 15 bits of an offset; nothing is sent.
 */
MUST_USE enum result card_update_file(struct card *card, const struct card_path *file,
				      unsigned offset, const uint8_t *data, size_t len);

/* GET CHALLENGE, with the directory selected; good for the next command only. */
MUST_USE enum result card_get_challenge(struct card *card, const struct card_path *dir,
					uint8_t out[CARD_CHALLENGE_SIZE]);

/*
 * EXTERNAL AUTHENTICATE with what the issuer made of the challenge before. One
 * command, never a second. RESULT_AUTHENTICATION: it is not accepted, which may
 * cost a try of the issuer's key; RESULT_AREA_LOCKED: there are none left.
 */
MUST_USE enum result card_authenticate_issuer(struct card *card,
					      const uint8_t cryptogram[CARD_CRYPTOGRAM_SIZE]);

/*
 * CREATE FILE: a file of `size` bytes that the PIN opens to read and to update,
 * or with size 0 a directory in which the issuer makes files. RESULT_FILE_EXISTS,
 * RESULT_NO_SPACE: there is no room for it. RESULT_ARGUMENT: larger than a file is.
 */
MUST_USE enum result card_create_file(struct card *card, const struct card_path *file,
				      unsigned size);

/* DELETE FILE: a file, or a directory with all in it. Only the issuer may. */
MUST_USE enum result card_delete_file(struct card *card, const struct card_path *file);

/*
 * Would the operation be refused before anything is sent? RESULT_UNPROVEN,
 * RESULT_NOT_SUPPORTED; the log says more. Sends nothing.
 */
MUST_USE enum result card_allow(const struct card *card, enum card_op op);

/*
 * For operations that no profile has a form for (yet): why this card does not
 * do it. RESULT_UNPROVEN: it would change the card, and nobody allowed that;
 * RESULT_NOT_SUPPORTED. The log says more.
 */
MUST_USE enum result card_refuse(const struct card *card, enum card_op op);

/* True if public-key records can be read between private operations at no loss. */
bool card_reads_keys_freely(const struct card *card);

/* True if the PIN must be given again although nobody reset the card. */
bool card_wants_pin_again(const struct card *card);

/* ---- what is known of cards, without one ---- */

/* The profiles, in probing order from 0; NULL: there are no more. */
const struct card_profile *card_profile_at(size_t i);

struct card_profile_facts {
	const char *name;
	const char *cards; /* which cards carry it, for people; English */
	size_t pin_min, pin_max; /* bytes */
	int pin_tries;
};
struct card_profile_facts card_profile_facts(const struct card_profile *profile);

enum card_permission {
	CARD_MAY,
	CARD_MAY_IF_ALLOWED, /* allow-unproven: it changes the card and was never observed */
	CARD_CANNOT          /* the profile has no form for it */
};

/* What becomes of an operation, by the rule that the operations themselves go by. */
enum card_permission card_profile_permits(const struct card_profile *profile, enum card_op op,
					  enum provenance *mark);

#endif
