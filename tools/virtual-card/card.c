/* card.c - the card as a thing: power, transmission, counters, faults. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

enum {
	INS_UPDATE = 0xD6,
	COMMAND_US = 5000,
	PRIVATE_OP_US = 300000,
	ETU_PER_BYTE = 12, /* T=1: start, 8 data, parity, 2 guard */
	CLOCK_KHZ = 4000,
	CONTACTLESS_ETU_NS = 9440 /* ISO 14443 at 106 kbit/s */
};

/* ISO 7816-3 table 7; 0 is reserved. */
static const unsigned fi_table[16] = {
	372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024, 1536, 2048, 0, 0
};
static const unsigned di_table[16] = {
	0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0
};

struct vcard *
vc_card_new(int generation)
{
	struct vcard *card = calloc(1, sizeof(*card));

	if (card == NULL)
		return NULL;
	card->generation = generation;
	card->tries = VCARD_PIN_TRIES;
	card->unblock_tries = VCARD_UNBLOCK_TRIES;
	strcpy(card->unblock_code, VC_UNBLOCK_CODE);
	memcpy(card->issuer_key, VC_ISSUER_KEY, sizeof(card->issuer_key));
	card->issuer_tries = VCARD_ISSUER_TRIES;
	return card;
}

void
vcard_free(struct vcard **cardp)
{
	struct vcard *card = *cardp;
	size_t i;

	*cardp = NULL;
	if (card == NULL)
		return;
	vc_fs_remove(card->root);
	for (i = 0; i < VC_KEYS; i++)
		EVP_PKEY_free(card->keys[i].pkey);
	free(card->holder);
	free(card->path);
	OPENSSL_cleanse(card, sizeof(*card));
	free(card);
}

const uint8_t *
vcard_atr(const struct vcard *card, size_t *len)
{
	*len = card->atr_len;
	return card->atr;
}

bool
vcard_set_atr(struct vcard *card, const uint8_t *atr, size_t len)
{
	if (len < 2 || len > VCARD_ATR_MAX)
		return false;
	memcpy(card->atr, atr, len);
	card->atr_len = len;
	return true;
}

void
vc_session_clear(struct vcard *card)
{
	bool powered = card->session.powered;

	OPENSSL_cleanse(&card->session, sizeof(card->session));
	card->session.powered = powered;
	/* Gen 1 starts in the MF; gen 2 has nothing until the applet is
	 * selected by AID. */
	card->session.df = card->generation == 1 ? card->root : NULL;
}

void
vcard_power_on(struct vcard *card)
{
	card->session.powered = true;
	vc_session_clear(card);
	vc_trace_atr(card);
}

void
vcard_power_off(struct vcard *card)
{
	card->session.powered = false;
	vc_session_clear(card);
}

void
vcard_reset(struct vcard *card)
{
	vcard_trace_event(card, "reset");
	vcard_power_on(card);
}

bool
vcard_powered(const struct vcard *card)
{
	return card->session.powered;
}

bool
vc_apdu_parse(const uint8_t *cmd, size_t len, struct vc_apdu *apdu)
{
	memset(apdu, 0, sizeof(*apdu));
	if (len < 4)
		return false;
	apdu->cla = cmd[0];
	apdu->ins = cmd[1];
	apdu->p1 = cmd[2];
	apdu->p2 = cmd[3];
	if (len == 4)
		return true;
	if (len > 5) {
		/* Lc 0 would start an extended length, which these cards
		 * are not known to take (facts: transport rules). */
		apdu->lc = cmd[4];
		if (apdu->lc == 0 || (len != 5 + apdu->lc && len != 6 + apdu->lc))
			return false;
		apdu->data = cmd + 5;
		if (len == 5 + apdu->lc)
			return true;
	}
	apdu->has_le = true;
	apdu->le = cmd[len - 1] != 0 ? cmd[len - 1] : 256;
	return true;
}

void
vc_reply_data(struct vc_reply *reply, const uint8_t *data, size_t len)
{
	if (len > sizeof(reply->data))
		len = sizeof(reply->data);
	if (len > 0)
		memcpy(reply->data, data, len);
	reply->len = len;
	reply->sw = SW_OK;
}

/* ---- cost model ------------------------------------------------------------- */

/* Nanoseconds of one elementary time unit. */
static uint64_t
etu_ns(const struct vcard *card)
{
	unsigned fi = fi_table[1], di = di_table[1];

	/* PC/SC part 3 ATRs of contactless cards are 3B 8n 80 01: no interface
	 * bytes, the reader speaks ISO 14443. */
	if (card->atr_len > 4 && (card->atr[1] & 0xF0) == 0x80 && card->atr[2] == 0x80 &&
	    card->atr[3] == 0x01)
		return CONTACTLESS_ETU_NS;
	if (card->atr_len > 2 && (card->atr[1] & 0x10) != 0) {
		fi = fi_table[card->atr[2] >> 4];
		di = di_table[card->atr[2] & 0x0F];
	}
	if (fi == 0 || di == 0) {
		fi = fi_table[1];
		di = di_table[1];
	}
	return (uint64_t)fi * 1000000 / di / CLOCK_KHZ;
}

static void
count(struct vcard *card, size_t in, size_t out)
{
	card->stats.commands++;
	card->stats.bytes_in += in;
	card->stats.bytes_out += out;
}

void
vcard_stats(const struct vcard *card, struct vcard_stats *stats)
{
	uint64_t bytes = card->stats.bytes_in + card->stats.bytes_out;

	*stats = card->stats;
	stats->card_time_us = card->stats.commands * COMMAND_US +
	    bytes * ETU_PER_BYTE * etu_ns(card) / 1000 +
	    card->stats.private_ops * PRIVATE_OP_US;
}

void
vcard_stats_reset(struct vcard *card)
{
	memset(&card->stats, 0, sizeof(card->stats));
}

/* ---- faults ------------------------------------------------------------------ */

static const struct {
	const char *name;
	enum vcard_fault_kind kind;
} fault_kinds[] = {
	{ "none", VCARD_FAULT_NONE },
	{ "drop", VCARD_FAULT_DROP },
	{ "garble", VCARD_FAULT_GARBLE },
	{ "truncate", VCARD_FAULT_TRUNCATE },
	{ "status", VCARD_FAULT_STATUS },
	{ "tear", VCARD_FAULT_TEAR },
};

bool
vcard_fault_kind_parse(const char *name, enum vcard_fault_kind *kind)
{
	size_t i;

	for (i = 0; i < sizeof(fault_kinds) / sizeof(fault_kinds[0]); i++) {
		if (strcmp(name, fault_kinds[i].name) == 0) {
			*kind = fault_kinds[i].kind;
			return true;
		}
	}
	return false;
}

void
vcard_fault(struct vcard *card, unsigned nth, enum vcard_fault_kind kind, uint16_t sw)
{
	card->fault.nth = kind == VCARD_FAULT_NONE ? 0 : nth;
	card->fault.kind = kind;
	card->fault.sw = sw;
}

/* The fault that strikes this command, if any. */
static enum vcard_fault_kind
fault_due(struct vcard *card)
{
	char text[32];

	if (card->fault.nth == 0 || --card->fault.nth > 0)
		return VCARD_FAULT_NONE;
	snprintf(text, sizeof(text), "fault %s", fault_kinds[card->fault.kind].name);
	vcard_trace_event(card, text);
	return card->fault.kind;
}

static void
garble(uint8_t *answer, size_t *len)
{
	size_t i;

	if (*len == 2)
		answer[1] ^= 0x55;
	for (i = 0; i + 2 < *len; i++)
		answer[i] ^= 0x55;
}

/* ---- transmission -------------------------------------------------------------- */

static void
execute(struct vcard *card, const uint8_t *cmd, size_t cmd_len, struct vc_reply *reply)
{
	struct vc_apdu apdu;

	reply->sw = SW_WRONG_LENGTH;
	if (!vc_apdu_parse(cmd, cmd_len, &apdu)) {
		vc_keyop_clear(&card->session.keyop);
		return;
	}
	if (apdu.ins == 0x20)
		card->stats.verifies++;
	if (card->session.challenge_age > 0)
		card->session.challenge_age--;
	if (card->generation == 1)
		vc_gen1_command(card, &apdu, reply);
	else
		vc_gen2_command(card, &apdu, reply);
	if (reply->len > sizeof(reply->data))
		reply->len = 0;
}

enum vcard_result
vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
    uint8_t *resp, size_t resp_cap, size_t *resp_len)
{
	enum vcard_result result = VCARD_MUTE;
	enum vcard_fault_kind fault;
	struct vc_reply reply = { .len = 0, .sw = 0 };
	uint8_t answer[VCARD_RESPONSE_MAX];
	size_t len = 0;

	*resp_len = 0;
	if (!card->session.powered || card->session.mute)
		return VCARD_MUTE;
	vc_trace_command(card, cmd, cmd_len);
	fault = fault_due(card);
	card->tear = fault == VCARD_FAULT_TEAR;
	if (fault == VCARD_FAULT_STATUS)
		reply.sw = card->fault.sw;
	else if (!card->tear || (cmd_len > 1 && cmd[1] == INS_UPDATE))
		execute(card, cmd, cmd_len, &reply);
	memcpy(answer, reply.data, reply.len);
	len = reply.len;
	answer[len++] = (uint8_t)(reply.sw >> 8);
	answer[len++] = (uint8_t)(reply.sw & 0xFF);
	if (fault == VCARD_FAULT_DROP || fault == VCARD_FAULT_TEAR) {
		card->session.mute = true;
		len = 0;
	} else if (fault == VCARD_FAULT_GARBLE)
		garble(answer, &len);
	else if (fault == VCARD_FAULT_TRUNCATE)
		len = 1;
	count(card, cmd_len, len);
	if (len > 0 && len <= resp_cap) {
		vc_trace_answer(card, cmd, cmd_len, answer, len);
		memcpy(resp, answer, len);
		*resp_len = len;
		result = VCARD_ANSWERED;
	}
	OPENSSL_cleanse(answer, sizeof(answer));
	OPENSSL_cleanse(&reply, sizeof(reply));
	return result;
}
