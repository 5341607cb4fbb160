/* What commands, files and status words of the cards are called, for people. */
#ifndef TWCARD_TOOLS_APDU_WORDS_H
#define TWCARD_TOOLS_APDU_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum apdu_ins {
	INS_VERIFY = 0x20,
	INS_PRIVATE = 0xEA,
	INS_SELECT = 0xA4,
	INS_READ_BINARY = 0xB0,
	INS_READ_BINARY_TLV = 0xB1,
	INS_READ_RECORD = 0xB2,
	INS_READ_RECORD_TLV = 0xB3,
	INS_GET_RESPONSE = 0xC0,
	INS_REST = 0xC1,
	INS_GET_DATA = 0xCA,
	INS_GET_DATA_TLV = 0xCB,
	INS_GET_CHALLENGE = 0x84,
};

/* "READ BINARY", as ISO/IEC 7816-4 has it or the card's own; NULL: not known. */
const char *apdu_ins_name(uint8_t ins);

/* True if a body of this instruction is or may be a PIN, in whatever class it is sent. */
bool apdu_is_secret(uint8_t ins);

/* True for a class with secure messaging: what is in the body cannot be seen. */
bool apdu_is_secured(uint8_t cla);

/* "card number"; translated. NULL: not a file of these cards. */
const char *apdu_file_name(unsigned fid);

/* "PKI application"; translated. NULL: not known. */
const char *apdu_application_name(const uint8_t *aid, size_t len);

/* What a status word means; translated, never NULL. Valid until the next call. */
const char *apdu_status_text(uint16_t sw);

#endif
