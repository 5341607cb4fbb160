/*
 * PC/SC: readers, what happens to their cards, and the transport to one.
 * Every context is a connection to pcscd of its own; calls on one context
 * wait for each other inside the PC/SC library, so each slot has its own.
 */
#ifndef TWCARD_APDU_PCSC_H
#define TWCARD_APDU_PCSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apdu/channel.h"
#include "apdu/result.h"

#define PCSC_READERS_MAX 64
#define PCSC_FOREVER UINT32_MAX

struct pcsc;

/* Names as PC/SC gives them: UTF-8, unique among the readers present. */
struct pcsc_readers {
	char *names[PCSC_READERS_MAX]; /* owned */
	size_t count;
};

/* What is known of one reader, and what pcsc_watch() found. */
struct pcsc_watch {
	const char *reader;   /* not owned; PCSC_NEW_READERS watches for readers coming and going */
	uint32_t known;       /* the state last seen; 0 at first */
	uint32_t seen;        /* set by pcsc_watch() */
};

/* The version of the PC/SC library that this was built with. */
const char *pcsc_version(void);

#define PCSC_NEW_READERS "\\\\?PnP?\\Notification"

/* RESULT_NO_SERVICE: no pcscd is running. RESULT_NO_ACCESS: it refuses this user. */
MUST_USE enum result pcsc_open(struct pcsc **out);
void pcsc_close(struct pcsc **ctx);

/* No reader at all is RESULT_OK with a count of 0. Free with pcsc_readers_clear(). */
MUST_USE enum result pcsc_list(struct pcsc *ctx, struct pcsc_readers *out);
void pcsc_readers_clear(struct pcsc_readers *readers);

/*
 * Waits until a reader's state differs from `known`, at most timeout_ms (0:
 * just looks; PCSC_FOREVER). Sends nothing to any card. RESULT_TIMEOUT: no
 * change (`seen` is set all the same), RESULT_CANCELLED, RESULT_NO_READER: a
 * name that is unknown (anymore), RESULT_NO_SERVICE.
 */
MUST_USE enum result pcsc_watch(struct pcsc *ctx, struct pcsc_watch *watches, size_t count,
				uint32_t timeout_ms);

/* Makes a pcsc_watch() on ctx in another thread return RESULT_CANCELLED. */
void pcsc_cancel(struct pcsc *ctx);

bool pcsc_card_present(uint32_t state);
bool pcsc_reader_present(uint32_t state);

/* True if two states differ in more than whether somebody uses the card: a
 * card or reader came, went, or was exchanged. */
bool pcsc_card_changed(uint32_t before, uint32_t now);

/*
 * Connects to the card, shared, without resetting it. RESULT_NO_CARD,
 * RESULT_READER_BUSY (held exclusively by somebody), RESULT_CARD_MUTE,
 * RESULT_NO_READER, RESULT_NO_SERVICE, RESULT_NO_ACCESS. The channel must be freed before ctx.
 */
MUST_USE enum result pcsc_connect(struct pcsc *ctx, const char *reader, struct channel **out);

#endif
