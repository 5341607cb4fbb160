/*
 * The data area (profiles/area.h) of the card in a slot, for who is logged in.
 * All that uses the area goes through here, so that the rules of a login hold
 * for it: the kept PIN is given again once where it must be, to the same card
 * only; an answer that makes no sense ends the login, and the card is reset
 * with the turn.
 *
 * Each function makes the card ready for commands (slot_touch) and leaves it
 * so until slot_leave(). Up to then nobody else can change the area: its index
 * is read once, by the first function that needs it. Called without the
 * slot's lock.
 *
 * All of them, beside their own and what area.h says: RESULT_SECURITY_STATUS:
 * nobody is logged in, or the login has ended; RESULT_AREA_NOT_ACTIVATED;
 * RESULT_UNPROVEN: it would change the card, which nobody has allowed
 * (allow-unproven), and nothing was sent; RESULT_CARD_REMOVED.
 */
#ifndef TWCARD_SRC_DATA_AREA_H
#define TWCARD_SRC_DATA_AREA_H

#include "profiles/area.h"
#include "src/token/slot.h"

/* area_list(). RESULT_BUFFER_TOO_SMALL. */
MUST_USE enum result data_area_list(struct slot *slot, struct area_record *out, size_t *count);

/* The record's bytes, in place of what is in *out; nothing after an error. RESULT_SNO_UNKNOWN. */
MUST_USE enum result data_area_read(struct slot *slot, uint32_t sno, struct buffer *out);

/*
 * area_write(): after any error the old or the new record is there, whichever,
 * and never a half. RESULT_SNO_EXISTS, RESULT_SNO_UNKNOWN, RESULT_NO_SPACE,
 * RESULT_DATA_TOO_LARGE, RESULT_ARGUMENT.
 */
MUST_USE enum result data_area_write(struct slot *slot, uint32_t sno, enum area_mode mode,
				     const uint8_t *data, size_t len);

/* RESULT_SNO_UNKNOWN. After any other error the record is there, or it is not. */
MUST_USE enum result data_area_delete(struct slot *slot, uint32_t sno);

MUST_USE enum result data_area_space(struct slot *slot, struct area_space *out);

/*
 * area_activate(); the authority is asked at most once, while the card waits
 * in the transaction. RESULT_SNO_EXISTS: it is active, and was not asked.
 */
MUST_USE enum result data_area_activate(struct slot *slot, area_authority *authority,
					void *context);

#endif
