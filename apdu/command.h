/*
 * A short command APDU (ISO/IEC 7816-4, 5.1), cases 1 to 4. Extended length
 * is not known on these cards (facts: transport rules) and not offered.
 */
#ifndef TWCARD_APDU_COMMAND_H
#define TWCARD_APDU_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apdu/buffer.h"
#include "apdu/result.h"

#define COMMAND_MAX_DATA 255
#define COMMAND_MAX_LE 256
#define COMMAND_MAX_SIZE (5 + COMMAND_MAX_DATA + 1)

struct command {
	uint8_t cla, ins, p1, p2;
	const uint8_t *data; /* not owned; may be NULL when len is 0 */
	size_t len;          /* 0..255 */
	unsigned le;         /* bytes expected: 0 = no Le field, 1..256 (256 is sent as 00) */
	uint16_t fine_sw;    /* beside 9000, what does not end a secure channel; 0: nothing */
	bool once;           /* never repeated with another Le: its MAC counts */
	bool ignore_more;    /* 61xx is success, what it announces is not wanted */
	bool sensitive;      /* body and answer are never traced: PINs, plaintexts */
};

/* Appends the encoded command to out. RESULT_ARGUMENT: len or le out of range. */
MUST_USE enum result command_encode(const struct command *cmd, struct buffer *out);

#endif
