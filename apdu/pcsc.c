#include "config.h"

#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#endif

#include <winscard.h>

#include "apdu/log.h"
#include "apdu/pcsc.h"
#include "apdu/platform.h"
#include "apdu/queue.h"

#ifdef _WIN32
#define MAX_ATR_SIZE 36
#define PCSCLITE_VERSION_NUMBER "WinSCard"
#define pcsc_stringify_error(code) "see winerror.h"
#endif

#define LIST_ROUNDS 4
/* Resets by others while we ask for the card. Each program that logs out makes one, so those
 * before us make as many as they are; more is a fight. */
#define BEGIN_ROUNDS 64

struct pcsc {
	SCARDCONTEXT context;
};

struct card_transport {
	SCARDHANDLE card;
	DWORD protocol;
	bool still_inside; /* in a transaction that did not end */
	struct queue *queue;
};

static const struct {
	LONG code;
	enum result result;
} results[] = {
	{SCARD_S_SUCCESS, RESULT_OK},
	{SCARD_W_RESET_CARD, RESULT_CARD_RESET},
	{SCARD_W_REMOVED_CARD, RESULT_CARD_REMOVED},
	{SCARD_E_NO_SMARTCARD, RESULT_NO_CARD},
	{SCARD_E_UNKNOWN_READER, RESULT_NO_READER},
	{SCARD_E_READER_UNAVAILABLE, RESULT_NO_READER},
	{SCARD_E_NO_READERS_AVAILABLE, RESULT_NO_READER},
	{SCARD_E_NO_SERVICE, RESULT_NO_SERVICE},
	{SCARD_E_SERVICE_STOPPED, RESULT_NO_SERVICE},
	{SCARD_E_INVALID_HANDLE, RESULT_NO_SERVICE},
	{SCARD_E_SHARING_VIOLATION, RESULT_READER_BUSY},
	{SCARD_W_SECURITY_VIOLATION, RESULT_NO_ACCESS}, /* polkit says no */
	{SCARD_E_CANCELLED, RESULT_CANCELLED},
	{SCARD_E_TIMEOUT, RESULT_TIMEOUT},
	{SCARD_E_NO_MEMORY, RESULT_NO_MEMORY},
	{SCARD_W_UNRESPONSIVE_CARD, RESULT_CARD_MUTE},
	{SCARD_W_UNPOWERED_CARD, RESULT_CARD_MUTE},
	{SCARD_W_UNSUPPORTED_CARD, RESULT_CARD_MUTE},
	/* pcscd knows of no protocol while, and after, it resets the card of a killed program */
	{SCARD_E_PROTO_MISMATCH, RESULT_CARD_RESET},
	{SCARD_E_NOT_TRANSACTED, RESULT_CARD_MUTE},
	{SCARD_F_COMM_ERROR, RESULT_CARD_MUTE},
};

static enum result from_pcsc(LONG code, const char *what)
{
	/* PC/SC codes are 32-bit; LONG may be wider and sign-extended or not */
	for (size_t i = 0; i < sizeof results / sizeof *results; i++)
		if ((uint32_t)results[i].code == (uint32_t)code)
			return results[i].result;
	log_line(LOG_INFO, "%s: PC/SC code %08X: %s", what, (unsigned)(uint32_t)code,
		 pcsc_stringify_error(code));
	return RESULT_CARD_MUTE;
}

enum result pcsc_open(struct pcsc **out)
{
	struct pcsc *ctx = calloc(1, sizeof *ctx);
	LONG code;

	*out = NULL;
	if (!ctx)
		return RESULT_NO_MEMORY;
	code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &ctx->context);
	if (code != SCARD_S_SUCCESS) {
		free(ctx);
		log_line(LOG_INFO, "no PC/SC service: %s", pcsc_stringify_error(code));
		return (uint32_t)code == (uint32_t)SCARD_W_SECURITY_VIOLATION ? RESULT_NO_ACCESS :
										RESULT_NO_SERVICE;
	}
	*out = ctx;
	return RESULT_OK;
}

const char *pcsc_version(void)
{
	return PCSCLITE_VERSION_NUMBER;
}

void pcsc_close(struct pcsc **ctx)
{
	if (!*ctx)
		return;
	SCardReleaseContext((*ctx)->context);
	free(*ctx);
	*ctx = NULL;
}

void pcsc_readers_clear(struct pcsc_readers *readers)
{
	for (size_t i = 0; i < readers->count; i++)
		free(readers->names[i]);
	readers->count = 0;
}

/* PC/SC gives the names as one block: each ends with a NUL, the last with two. */
static enum result split_names(const char *block, DWORD len, struct pcsc_readers *out)
{
	const char *end = block + len;

	while (block < end && *block && out->count < PCSC_READERS_MAX) {
		size_t n = strnlen(block, (size_t)(end - block));

		out->names[out->count] = strndup(block, n);
		if (!out->names[out->count])
			return RESULT_NO_MEMORY;
		out->count++;
		block += n + 1;
	}
	return RESULT_OK;
}

enum result pcsc_list(struct pcsc *ctx, struct pcsc_readers *out)
{
	char *block = NULL;
	DWORD len = 0;
	enum result r;

	out->count = 0;
	/* a reader may come between the question and the answer: ask again */
	for (int round = 0; round < LIST_ROUNDS; round++) {
		LONG code = SCardListReaders(ctx->context, NULL, NULL, &len);

		if ((uint32_t)code == (uint32_t)SCARD_E_NO_READERS_AVAILABLE)
			return RESULT_OK;
		if (code != SCARD_S_SUCCESS)
			return from_pcsc(code, "reader list");
		free(block);
		block = malloc(len ? len : 1);
		if (!block)
			return RESULT_NO_MEMORY;
		code = SCardListReaders(ctx->context, NULL, block, &len);
		if ((uint32_t)code == (uint32_t)SCARD_E_INSUFFICIENT_BUFFER)
			continue;
		r = from_pcsc(code, "reader list");
		if (r == RESULT_OK)
			r = split_names(block, len, out);
		else if (r == RESULT_NO_READER)
			r = RESULT_OK;
		if (r != RESULT_OK)
			pcsc_readers_clear(out);
		free(block);
		return r;
	}
	free(block);
	return RESULT_NO_SERVICE;
}

enum result pcsc_watch(struct pcsc *ctx, struct pcsc_watch *watches, size_t count,
		       uint32_t timeout_ms)
{
	SCARD_READERSTATE *states = calloc(count ? count : 1, sizeof *states);
	enum result r;

	if (!states)
		return RESULT_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		states[i].szReader = watches[i].reader;
		states[i].dwCurrentState = watches[i].known & ~(DWORD)SCARD_STATE_CHANGED;
	}
	r = from_pcsc(SCardGetStatusChange(ctx->context,
					   timeout_ms == PCSC_FOREVER ? INFINITE : timeout_ms,
					   states, (DWORD)count),
		      "reader states");
	for (size_t i = 0; i < count; i++)
		watches[i].seen = (uint32_t)states[i].dwEventState;
	free(states);
	return r;
}

void pcsc_cancel(struct pcsc *ctx)
{
	SCardCancel(ctx->context);
}

bool pcsc_card_present(uint32_t state)
{
	return state & SCARD_STATE_PRESENT;
}

bool pcsc_reader_present(uint32_t state)
{
	return state && !(state & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE | SCARD_STATE_IGNORE));
}

bool pcsc_card_changed(uint32_t before, uint32_t now)
{
	/* the high half counts insertions and removals */
	return pcsc_card_present(before) != pcsc_card_present(now) ||
	       pcsc_reader_present(before) != pcsc_reader_present(now) ||
	       (before >> 16) != (now >> 16);
}

/*
 * To who has a connection "no card" means that it went; and that the reader
 * took too long, or was interrupted, is no answer of a card.
 */
static enum result about_card(enum result r)
{
	switch (r) {
	case RESULT_NO_CARD:
		return RESULT_CARD_REMOVED;
	case RESULT_TIMEOUT:
	case RESULT_CANCELLED:
		return RESULT_CARD_MUTE;
	default:
		return r;
	}
}

static enum result reconnect(struct card_transport *t)
{
	return from_pcsc(SCardReconnect(t->card, SCARD_SHARE_SHARED,
					SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, SCARD_LEAVE_CARD,
					&t->protocol),
			 "reconnect");
}

static enum result transport_begin(void *self, bool *was_reset)
{
	struct card_transport *t = self;
	enum result r = RESULT_CARD_RESET;

	queue_enter(t->queue);
	for (int round = 0; round < BEGIN_ROUNDS; round++) {
		r = from_pcsc(SCardBeginTransaction(t->card), "transaction");
		if (r != RESULT_CARD_RESET)
			break;
		*was_reset = true;
		r = reconnect(t);
		if (r != RESULT_OK && r != RESULT_CARD_RESET)
			break;
		r = RESULT_CARD_RESET;
	}
	if (r != RESULT_OK)
		queue_leave(t->queue);
	return about_card(r);
}

/*
 * A handle with a reset that it was not told of yet is neither reset nor let
 * out of its transaction by this call: only after a reconnect.
 */
static enum result transport_end(void *self, bool reset)
{
	const DWORD what = reset ? SCARD_RESET_CARD : SCARD_LEAVE_CARD;
	struct card_transport *t = self;
	enum result r = from_pcsc(SCardEndTransaction(t->card, what), "end of a transaction");

	if (r == RESULT_CARD_RESET && reconnect(t) == RESULT_OK)
		r = from_pcsc(SCardEndTransaction(t->card, what), "end of a transaction");
	queue_leave(t->queue);
	r = about_card(r);
	t->still_inside = r != RESULT_OK && r != RESULT_CARD_REMOVED;
	return r;
}

static enum result transport_transmit(void *self, const uint8_t *apdu, size_t len, uint8_t *answer,
				      size_t cap, size_t *answer_len)
{
	struct card_transport *t = self;
	const SCARD_IO_REQUEST *pci = t->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
	DWORD n = (DWORD)cap;
	enum result r;

	r = from_pcsc(SCardTransmit(t->card, pci, apdu, (DWORD)len, NULL, answer, &n), "transmit");
	*answer_len = r == RESULT_OK ? n : 0;
	return about_card(r);
}

static void transport_close(void *self)
{
	struct card_transport *t = self;

	/* as pcscd does it for who dies in one: what was verified would stay so */
	SCardDisconnect(t->card, t->still_inside ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
	queue_free(&t->queue);
	free(t);
}

static const struct transport_ops pcsc_ops = {
	.begin = transport_begin,
	.end = transport_end,
	.transmit = transport_transmit,
	.close = transport_close,
};

enum result pcsc_connect(struct pcsc *ctx, const char *reader, struct channel **out)
{
	struct card_transport *t = calloc(1, sizeof *t);
	uint8_t atr[MAX_ATR_SIZE];
	DWORD atr_len = sizeof atr, name_len = 0;
	enum result r;

	*out = NULL;
	if (!t)
		return RESULT_NO_MEMORY;
	t->queue = queue_new(reader);
	queue_enter(t->queue); /* SCardConnect() waits for transactions as all others do */
	r = from_pcsc(SCardConnect(ctx->context, reader, SCARD_SHARE_SHARED,
				   SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &t->card, &t->protocol),
		      reader);
	if (r != RESULT_OK) {
		queue_free(&t->queue);
		free(t);
		return r;
	}
	r = from_pcsc(SCardStatus(t->card, NULL, &name_len, NULL, NULL, atr, &atr_len), reader);
	if (r == RESULT_CARD_RESET) /* between the two calls: nothing is lost yet */
		r = reconnect(t);
	queue_leave(t->queue);
	if (r != RESULT_OK) {
		transport_close(t);
		return r;
	}
	return channel_new(&pcsc_ops, t, reader, atr, atr_len, out);
}
