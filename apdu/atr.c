#include "config.h"

#include <stdbool.h>

#include "apdu/atr.h"
#include "apdu/cursor.h"

#define IFSC_DEFAULT 32
#define READ_SIZE_PROVEN 200 /* facts: transport rules, observed */

/*
 * Walks the interface bytes. TD(i) says in its high half which of TA..TD(i+1)
 * follow and in its low half the protocol they belong to; TA(i), i > 2, of
 * protocol 1 is the IFSC.
 */
unsigned atr_ifsc(const uint8_t *atr, size_t len)
{
	struct cursor c = cursor_of(atr, len);
	uint8_t ts, td, byte;

	if (!cursor_u8(&c, &ts) || !cursor_u8(&c, &td))
		return IFSC_DEFAULT;
	for (int i = 1;; i++) {
		bool block_protocol = i > 2 && (td & 0x0F) == 1;

		for (int bit = 4; bit < 7; bit++) {
			if (!(td & 1 << bit))
				continue;
			if (!cursor_u8(&c, &byte))
				return IFSC_DEFAULT;
			if (bit == 4 && block_protocol && byte != 0 && byte != 0xFF)
				return byte;
		}
		if (!(td & 0x80) || !cursor_u8(&c, &td))
			return IFSC_DEFAULT;
	}
}

unsigned atr_read_size(const uint8_t *atr, size_t len)
{
	unsigned ifsc = atr_ifsc(atr, len);

	return ifsc >= READ_SIZE_PROVEN + 2 ? ifsc - 2 : READ_SIZE_PROVEN;
}
