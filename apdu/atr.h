/* What an answer to reset says about block sizes (ISO/IEC 7816-3, 8.2 and 11.4.2). */
#ifndef TWCARD_APDU_ATR_H
#define TWCARD_APDU_ATR_H

#include <stddef.h>
#include <stdint.h>

#define ATR_MAX 33

/* The IFSC of T=1 in bytes; 32, the standard's default, if the ATR does not tell. */
unsigned atr_ifsc(const uint8_t *atr, size_t len);

/*
 * How many bytes one READ BINARY may ask for so that data and status word fit
 * one T=1 block; at least 200, what the vendor's module is seen to use.
 */
unsigned atr_read_size(const uint8_t *atr, size_t len);

#endif
