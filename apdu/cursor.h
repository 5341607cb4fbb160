/*
 * A bounds-checked reader over bytes that somebody else owns: everything a
 * card or a file sends is read through one. A failed read moves nothing.
 */
#ifndef TWCARD_APDU_CURSOR_H
#define TWCARD_APDU_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *p; /* the next byte; not owned */
	size_t left;      /* bytes from p to the end */
};

/* One BER-TLV data object (ISO/IEC 7816-4, 5.2.2): definite lengths only. */
struct tlv {
	uint32_t tag;         /* all tag bytes, big-endian: 0x30, 0x7F49 */
	struct cursor value;  /* the value field */
	size_t size;          /* bytes of tag, length and value together */
};

enum tlv_state {
	TLV_OK,
	TLV_MORE, /* the bytes end before the object does: more may come */
	TLV_BAD   /* no object can start like this, however many bytes follow */
};

struct cursor cursor_of(const void *data, size_t len);

/* Each answers false, and moves nothing, when fewer bytes are left. */
bool cursor_u8(struct cursor *c, uint8_t *out);
bool cursor_u16be(struct cursor *c, uint16_t *out);
bool cursor_bytes(struct cursor *c, size_t len, struct cursor *out);

/*
 * Reads one object. Tags of up to 4 bytes, lengths of up to 4 length bytes;
 * indefinite length is TLV_BAD. On TLV_MORE *need (if not NULL) is the least
 * number of bytes, from the start of the object, that must be there before
 * another try can say more.
 */
enum tlv_state cursor_tlv(struct cursor *c, struct tlv *out, size_t *need);

#endif
