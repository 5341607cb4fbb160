/*
 * vcard.h - a virtual card of the Taiwan government PKI, as a library.
 *
 * The card side of the protocol, written from the published facts about the
 * cards alone. It shares no code with the card library that it tests: an
 * error must not cancel out.
 *
 * Conventions: lengths are in bytes, times in microseconds; texts are UTF-8
 * and NUL-terminated. Functions that take `err`/`errlen` leave a text for
 * people there when they fail (err may be NULL). A card is not thread-safe:
 * one thread at a time.
 */
#ifndef VCARD_H
#define VCARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcard;

enum {
	VCARD_ATR_MAX = 33,
	VCARD_COMMAND_MAX = 261,  /* header, Lc, 255 data bytes, Le */
	VCARD_RESPONSE_MAX = 258, /* 256 data bytes and the status word */
	VCARD_CIN_LEN = 10,
	VCARD_MASTER_KEY_LEN = 16,
	VCARD_CHALLENGE_LEN = 8,
	VCARD_PIN_TRIES = 3,
	VCARD_UNBLOCK_TRIES = 3,
	VCARD_ISSUER_KEY_LEN = 16,
	VCARD_ISSUER_TRIES = 3,
	VCARD_ATTRIBUTE_CERT_MAX = 4096
};

enum vcard_ca {
	VCARD_CA_MOICA,  /* natural persons */
	VCARD_CA_MOEACA, /* companies */
};

enum vcard_rank {
	VCARD_RANK_DEFAULT,   /* none for MOICA, primary for MOEACA */
	VCARD_RANK_PRIMARY,
	VCARD_RANK_SECONDARY,
};

/* What a READ BINARY that starts inside a file and asks beyond its end gets.
 * The facts are silent, so a client has to live with all of them. */
enum vcard_read_end {
	VCARD_READ_END_SHORT,  /* the data that is there, 9000 (default) */
	VCARD_READ_END_WARN,   /* the data that is there, 6282 */
	VCARD_READ_END_EXACT,  /* no data, 6Cxx; Le 00 takes what there is */
	VCARD_READ_END_STRICT, /* no data, 6700, also for Le 00 */
};

/* Ways in which real cards may differ; all zero is the default card. */
struct vcard_behaviour {
	bool plain_ends_channel;        /* gen 2: a command outside the open channel ends it */
	bool pin_lost_after_private_op; /* VERIFY before every private operation */
	bool select_61;                 /* gen 2: SELECT answers 61xx instead of data */
	unsigned read_max;              /* READ BINARY above this answers 6700; 0: no limit */
	enum vcard_read_end read_end;
};

struct vcard_options {
	int generation;          /* 1 or 2; 0 means 1 */
	enum vcard_ca ca;
	enum vcard_rank rank;
	const char *name;        /* holder, person or company; NULL: a default of the CA */
	const char *id;          /* national ID or unified business number; NULL: a default */
	const char *pin;         /* 6 to 8 letters and digits; NULL: 123456 */
	const char *unblock_code; /* of the same form; NULL: 87654321 */
	const char *card_number; /* 16 characters; NULL: TP or MT and 14 random digits */
	const char *os_text;     /* EF 0905, up to 32 characters; NULL: "CHT V32N" */
	const uint8_t *cin;        /* gen 2: VCARD_CIN_LEN bytes; NULL: random */
	const uint8_t *master_key; /* gen 2: VCARD_MASTER_KEY_LEN bytes; NULL: 00 01 .. 0F */
	const uint8_t *issuer_key; /* VCARD_ISSUER_KEY_LEN bytes; NULL: 40 41 .. 4F */
	bool contactless;        /* gen 2: the ATR seen over NFC */
	bool pad_zero;           /* pad directory files with 00 instead of FF */
	int valid_from;          /* holder's certificates: days from now, may be negative */
	unsigned valid_days;     /* how long; 0: from yesterday, five years */
	const char *ca_key_file; /* the issuing CA's private key is written there (PEM); NULL: lost */
	const uint8_t *attribute_cert; /* DER, in the certificates' directory; NULL: none */
	size_t attribute_cert_len;     /* at most VCARD_ATTRIBUTE_CERT_MAX */
	struct vcard_behaviour behaviour;
	void (*progress)(void *context, const char *text); /* may be NULL */
	void *progress_context;
};

/*
 * Makes keys and certificates and personalises a card in memory. `options`
 * may be NULL (a first-generation MOICA card). Takes about a second: five
 * RSA keys. The caller frees *card with vcard_free(). On failure *card is NULL.
 */
bool vcard_create(const struct vcard_options *options, struct vcard **card,
    char *err, size_t errlen);

/* Reads a card image; the card remembers `path` and keeps PIN, try counters and
 * what is written to files there. Ownership as vcard_create(). */
bool vcard_load(const char *path, struct vcard **card, char *err, size_t errlen);

/*
 * Writes the image (temporary file, fsync, rename; mode 0600) and remembers
 * `path`: from now on a changed try counter, PIN or file is in the image before the
 * answer to its command goes out.
 */
bool vcard_save(struct vcard *card, const char *path, char *err, size_t errlen);

/* Forgets the path: nothing is written from now on. */
void vcard_detach(struct vcard *card);

/* Wipes and frees *card and sets it to NULL; *card may be NULL. */
void vcard_free(struct vcard **card);

/* ---- power and commands -------------------------------------------------- */

/* Answer to reset; valid until vcard_set_atr() or vcard_free(). */
const uint8_t *vcard_atr(const struct vcard *card, size_t *len);

/* Power-on and reset put the card into its initial state: nothing selected,
 * nothing verified, no channel, no pending result. A new card is off. */
void vcard_power_on(struct vcard *card);
void vcard_power_off(struct vcard *card);
void vcard_reset(struct vcard *card);
bool vcard_powered(const struct vcard *card);

enum vcard_result {
	VCARD_ANSWERED, /* `resp` holds an answer */
	VCARD_MUTE,     /* no answer: no power, or a DROP fault; until power-on or reset */
};

/*
 * Sends any byte string to the card. `resp_cap` should be at least
 * VCARD_RESPONSE_MAX; an answer that does not fit becomes VCARD_MUTE.
 * *resp_len is the length of data and status word, or 0.
 */
enum vcard_result vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
    uint8_t *resp, size_t resp_cap, size_t *resp_len);

/* ---- counters, faults, trace --------------------------------------------- */

/*
 * Counted since creation or vcard_stats_reset(). card_time_us is modelled:
 * 5 ms a command, 12 etu a byte in both directions (etu from the ATR's TA1 at
 * 4 MHz), and 300 ms a private operation.
 */
struct vcard_stats {
	uint64_t commands;
	uint64_t bytes_in;    /* command bytes, to the card */
	uint64_t bytes_out;   /* answer bytes with status words */
	uint64_t private_ops;
	uint64_t verifies;    /* VERIFY commands in any form, refused ones too */
	uint64_t card_time_us;
};

void vcard_stats(const struct vcard *card, struct vcard_stats *stats);
void vcard_stats_reset(struct vcard *card);

enum vcard_fault_kind {
	VCARD_FAULT_NONE,     /* takes a pending fault back */
	VCARD_FAULT_DROP,     /* the command is executed, the answer is lost, the card is mute */
	VCARD_FAULT_GARBLE,   /* bits of the answer's data are flipped; without data, of SW2 */
	VCARD_FAULT_TRUNCATE, /* only the first byte of the answer arrives */
	VCARD_FAULT_STATUS,   /* not executed, answers `sw` */
	/* power fails in the middle: of an UPDATE BINARY the first half is done, another
	 * command is not; no answer, the card is mute */
	VCARD_FAULT_TEAR,
};

/* One-shot; `nth` 1 is the next command. Replaces a pending fault. */
void vcard_fault(struct vcard *card, unsigned nth, enum vcard_fault_kind kind, uint16_t sw);

/* Names for the kinds as on the command line; false when unknown. */
bool vcard_fault_kind_parse(const char *name, enum vcard_fault_kind *kind);

/*
 * Every line of the trace, without a newline: "= ATR", "> command",
 * "< answer", "! event". PINs and the blocks of private operations are
 * replaced by "**N" before a line is made. The file header is the caller's
 * with the callback; with a FILE it is written here and each line is flushed.
 * The FILE stays the caller's. NULL turns either off; one at a time.
 */
typedef void vcard_trace_fn(void *context, const char *line);
void vcard_set_trace(struct vcard *card, vcard_trace_fn *trace, void *context);
void vcard_set_trace_file(struct vcard *card, FILE *file);
/* Adds "! text" to the trace. */
void vcard_trace_event(struct vcard *card, const char *text);

/* ---- behaviours ----------------------------------------------------------- */

void vcard_behaviour_get(const struct vcard *card, struct vcard_behaviour *behaviour);
void vcard_behaviour_set(struct vcard *card, const struct vcard_behaviour *behaviour);

/*
 * Applies "name", "name=value" or a comma-separated list of them:
 * plain-ends-channel, pin-lost-after-private-op, select-61 (on, off),
 * read-max (a number of bytes), read-end (short, warn, exact, strict).
 * *behaviour changes only when the whole text is good.
 */
bool vcard_behaviour_parse(struct vcard_behaviour *behaviour, const char *text,
    char *err, size_t errlen);

/* ---- looking inside, for tests and tools ---------------------------------- */

int vcard_generation(const struct vcard *card);
const char *vcard_card_number(const struct vcard *card); /* 16 characters */
const char *vcard_holder(const struct vcard *card);
enum vcard_ca vcard_issuer(const struct vcard *card);

unsigned vcard_tries_left(const struct vcard *card);
unsigned vcard_unblock_tries_left(const struct vcard *card);
unsigned vcard_issuer_tries_left(const struct vcard *card);
/* Sets and, when the card has a path, saves the counter. */
bool vcard_set_pin_tries(struct vcard *card, unsigned tries);

/* 2 to VCARD_ATR_MAX bytes. The cost model follows the new ATR. */
bool vcard_set_atr(struct vcard *card, const uint8_t *atr, size_t len);

/*
 * Raw content of an EF, `path` such as "3F00/5030/4104" (gen 2: the root is
 * 7FFF). A record EF is its records in a row: gen 1 number and 128 bytes, gen
 * 2 key reference, part (03 or 04) and 128 bytes. The data is the card's and
 * valid until the file changes.
 */
bool vcard_file_get(const struct vcard *card, const char *path, const uint8_t **data, size_t *len);
/* Replaces the content, or creates a transparent EF in an existing DF. Not
 * saved to the image by itself. */
bool vcard_file_put(struct vcard *card, const char *path, const uint8_t *data, size_t len);
/* Removes an EF or a DF with all in it; not the root. Deselects it. */
bool vcard_file_delete(struct vcard *card, const char *path);

/* Called for every file, parents first; `df` tells directories. */
typedef void vcard_file_fn(void *context, const char *path, bool df, size_t len);
void vcard_file_each(const struct vcard *card, vcard_file_fn *visit, void *context);

/* Public key with this reference (01 SIGN, 05 KEYX, 11 hex SIGN02), without
 * its private part, for EVP_PKEY_free(); NULL when there is none. */
EVP_PKEY *vcard_public_key(const struct vcard *card, unsigned key_ref);

enum vcard_cert {
	VCARD_CERT_ROOT,
	VCARD_CERT_CA,
	VCARD_CERT_SIGN,
	VCARD_CERT_ENCRYPT,
};

/* The certificate as the card holds it (EF 08F2), for X509_free(); NULL when
 * the file is torn. */
X509 *vcard_certificate(const struct vcard *card, enum vcard_cert which);

/* Gen 2. Fixes the next card challenges (NULL: random again), to reproduce
 * recorded sessions. */
void vcard_set_card_challenge(struct vcard *card, const uint8_t challenge[VCARD_CHALLENGE_LEN]);
/* Gen 2. New card image number and master key; an open channel is lost. */
void vcard_set_cin(struct vcard *card, const uint8_t cin[VCARD_CIN_LEN]);
void vcard_set_master_key(struct vcard *card, const uint8_t key[VCARD_MASTER_KEY_LEN]);
/* Gen 2. A secure channel is open. */
bool vcard_channel_open(const struct vcard *card);
/* The right PIN was given, and nothing since then has taken that back; not on
 * a card that is mute, which only a reset makes answer. */
bool vcard_verified(const struct vcard *card);

#ifdef __cplusplus
}
#endif

#endif
