/*
 * The data area of an attached card: records keyed by a service number (SNO),
 * which the issuer activates once and the PIN opens afterwards. What is public
 * about it are the names of its errors; commands and layout are assumed
 * (docs/PROTOCOL.md), and what changes the card is refused with
 * RESULT_UNPROVEN, before anything is sent, unless card_options allow it.
 *
 * A card that is pulled at any command has, afterwards, the old record or the
 * new one. Everything read from the card is checked.
 *
 * Called inside a transaction, after card_verify_pin(). All functions that
 * talk to the card: RESULT_SECURITY_STATUS: the PIN was not given;
 * RESULT_AREA_LOCKED: the PIN or the issuer's key is locked; errors of the
 * card and of the way to it.
 */
#ifndef TWCARD_PROFILES_AREA_H
#define TWCARD_PROFILES_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apdu/result.h"
#include "profiles/card.h"

#define AREA_RECORD_MAX 4000 /* bytes */

struct area;

/*
 * The issuer's authority: makes the cryptogram for a challenge. It is asked
 * inside the transaction, and the card waits. What it does not answer with
 * RESULT_OK is what area_activate() comes to.
 */
typedef enum result area_authority(void *context, const uint8_t challenge[CARD_CHALLENGE_SIZE],
				   uint8_t cryptogram[CARD_CRYPTOGRAM_SIZE]);

/*
 * Makes the area's files, once for a card. One that was broken off goes on
 * where it was. RESULT_SNO_EXISTS: it is active; nothing was changed and the
 * authority not asked. RESULT_AUTHENTICATION: the card does not accept the
 * cryptogram. RESULT_INDEX_FORMAT: there is something that is not understood.
 */
MUST_USE enum result area_activate(struct card *card, area_authority *authority, void *context);

/*
 * Reads the index; the newest whole copy of it counts. Nothing is written.
 * What is known of the area is good until the transaction ends; the card must
 * outlive it. RESULT_AREA_NOT_ACTIVATED; RESULT_INDEX_FORMAT: no copy is
 * whole, or one is of an unknown version.
 */
MUST_USE enum result area_open(struct card *card, struct area **out);
void area_free(struct area **area);

/*
 * Is there one, perhaps? For who does not know what card it is: two commands or
 * a few more, and the PIN is not wanted. RESULT_AREA_NOT_ACTIVATED: no.
 */
MUST_USE enum result area_look(struct card *card);

struct area_record {
	uint32_t sno;
	size_t length; /* bytes */
};

/*
 * All records by their numbers. *count: in, how many `out` has room for; out,
 * how many there are. out NULL asks for the number. RESULT_BUFFER_TOO_SMALL.
 * Sends nothing.
 */
MUST_USE enum result area_list(const struct area *area, struct area_record *out, size_t *count);

/*
 * The record's bytes. *len: in, the room in `out`; out, the record's length.
 * out NULL asks for that and sends nothing. RESULT_BUFFER_TOO_SMALL: nothing is
 * sent. RESULT_SNO_UNKNOWN. RESULT_BAD_DATA: the bytes are not those that were
 * written; out has nothing then, as after any error.
 */
MUST_USE enum result area_read(struct area *area, uint32_t sno, uint8_t *out, size_t *len);

enum area_mode {
	AREA_INSERT,  /* RESULT_SNO_EXISTS */
	AREA_REPLACE, /* RESULT_SNO_UNKNOWN */
	AREA_PUT      /* whichever it is */
};

/*
 * Writes a record. RESULT_ARGUMENT: no bytes, or number 0. RESULT_DATA_TOO_LARGE:
 * above AREA_RECORD_MAX. RESULT_NO_SPACE: see area_space(). After any error but
 * these and those of the mode the old or the new record is there: open again.
 */
MUST_USE enum result area_write(struct area *area, uint32_t sno, enum area_mode mode,
				const uint8_t *data, size_t len);

/* RESULT_SNO_UNKNOWN. After any other error the record is there, or it is not: open again. */
MUST_USE enum result area_delete(struct area *area, uint32_t sno);

struct area_space {
	size_t total;   /* bytes for records */
	size_t used;    /* in whole blocks */
	size_t insert;  /* the largest record that can be inserted */
	size_t records; /* how many more records there can be */
};

/*
 * As much as the largest record takes is kept free: so each record can be
 * replaced by one as long as the longest, on a full card, too. Sends nothing.
 */
MUST_USE enum result area_space(const struct area *area, struct area_space *out);

#endif
