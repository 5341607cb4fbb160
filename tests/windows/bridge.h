/*
 * What winscard.dll, the test double, and bridge, its other half, say to each
 * other over a loopback connection: one for each PC/SC context, a request and
 * its answer at a time. Both are little-endian.
 */
#ifndef TWCARD_TESTS_WINDOWS_BRIDGE_H
#define TWCARD_TESTS_WINDOWS_BRIDGE_H

#include <stdint.h>

#define BRIDGE_DATA 16384
#define BRIDGE_NAME 128
#define BRIDGE_ATR 36

enum bridge_call {
	BRIDGE_ESTABLISH = 1,
	BRIDGE_LIST,
	BRIDGE_WATCH, /* a: timeout; the data: struct bridge_state of each reader, in the answer, too */
	BRIDGE_CANCEL, /* a: the context, as ESTABLISH said it; on a connection of its own */
	BRIDGE_CONNECT,   /* a: mode, b: protocols, data: reader; answer a: handle, b: protocol */
	BRIDGE_RECONNECT, /* handle, a: mode, b: protocols, c: what of the card; answer b: protocol */
	BRIDGE_DISCONNECT, /* handle, c: what of the card */
	BRIDGE_BEGIN,
	BRIDGE_END,	 /* handle, c: what of the card */
	BRIDGE_TRANSMIT, /* handle, a: room, b: protocol, data: the command; answer data */
	BRIDGE_STATUS,	 /* answer a: state, b: protocol, data: ATR */
};

/* `call` or, in an answer, the PC/SC code; then `len` bytes. */
struct bridge_frame {
	uint32_t call;
	uint32_t len;
	uint64_t handle, a, b, c;
};

struct bridge_state {
	uint32_t known, seen, atr_len;
	uint8_t atr[BRIDGE_ATR];
	char name[BRIDGE_NAME];
};

#endif
