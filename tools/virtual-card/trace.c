/*
 * trace.c - the project's trace text: "= ATR", "> command", "< answer",
 * "! event". Secret bytes are replaced by "**N" here, before any line exists
 * that somebody could see.
 */
#include "internal.h"

#include <string.h>

enum {
	INS_VERIFY = 0x20,
	INS_CHANGE = 0x24,
	INS_UNBLOCK = 0x2C,
	INS_AUTHENTICATE = 0x82,
	INS_READ_BINARY = 0xB0,
	INS_UPDATE = 0xD6,
	INS_PRIVATE = 0xEA,
	INS_REST = 0xC1,
	TRACE_LINE = 2 * (VCARD_COMMAND_MAX + 8) + 32
};

static void
emit(struct vcard *card, const char *line)
{
	if (card->trace != NULL)
		card->trace(card->trace_context, line);
}

void
vc_trace_atr(struct vcard *card)
{
	char line[TRACE_LINE] = "= ";

	vc_hex(card->atr, card->atr_len, line + 2);
	emit(card, line);
}

void
vcard_trace_event(struct vcard *card, const char *text)
{
	char line[TRACE_LINE];

	snprintf(line, sizeof(line), "! %s", text);
	emit(card, line);
}

/* The class byte is not asked: a PIN sent with a wrong class is still a PIN. */
static bool
secret_command(const uint8_t *cmd, size_t len)
{
	return len >= 2 && (cmd[1] == INS_VERIFY || cmd[1] == INS_CHANGE ||
	    cmd[1] == INS_UNBLOCK || cmd[1] == INS_PRIVATE || cmd[1] == INS_UPDATE ||
	    /* the issuer's; that of SCP03 (84) is good for one session */
	    (cmd[1] == INS_AUTHENTICATE && cmd[0] != 0x84));
}

static bool
secret_answer(const struct vcard *card, const uint8_t *cmd, size_t len)
{
	const struct vc_file *ef = card->session.ef;

	if (len < 2)
		return false;
	if (cmd[1] == INS_READ_BINARY && ef != NULL && ef->access.own)
		return ef->access.read != VC_ALWAYS;
	return cmd[1] == INS_PRIVATE || cmd[1] == INS_REST;
}

void
vc_trace_command(struct vcard *card, const uint8_t *cmd, size_t len)
{
	char line[TRACE_LINE] = "> ", *at = line + 2;
	struct vc_apdu apdu;

	if (card->trace == NULL)
		return;
	if (!secret_command(cmd, len) || len <= 5) {
		if (len > VCARD_COMMAND_MAX) {
			vc_hex(cmd, VCARD_COMMAND_MAX, at);
			strcat(line, " ..");
		} else
			vc_hex(cmd, len, at);
	} else if (vc_apdu_parse(cmd, len, &apdu)) {
		vc_hex(cmd, 5, at);
		at += 10;
		at += snprintf(at, 16, " **%zu", apdu.lc);
		if (apdu.has_le)
			snprintf(at, 16, " %02X", apdu.le & 0xFF);
	} else {
		/* Malformed: where the secret starts is anybody's guess. */
		vc_hex(cmd, 4, at);
		snprintf(at + 8, 24, " **%zu", len - 4);
	}
	emit(card, line);
}

void
vc_trace_answer(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
    const uint8_t *resp, size_t len)
{
	char line[TRACE_LINE] = "< ", *at = line + 2;

	if (card->trace == NULL)
		return;
	if (secret_answer(card, cmd, cmd_len) && len == 1) {
		strcpy(at, "**1");
	} else if (secret_answer(card, cmd, cmd_len) && len > 2) {
		at += snprintf(at, 24, "**%zu ", len - 2);
		vc_hex(resp + len - 2, 2, at);
	} else
		vc_hex(resp, len, at);
	emit(card, line);
}

void
vcard_set_trace(struct vcard *card, vcard_trace_fn *trace, void *context)
{
	card->trace = trace;
	card->trace_context = context;
}

static void
to_file(void *context, const char *line)
{
	FILE *file = context;

	fprintf(file, "%s\n", line);
	fflush(file);
}

void
vcard_set_trace_file(struct vcard *card, FILE *file)
{
	if (file == NULL) {
		vcard_set_trace(card, NULL, NULL);
		return;
	}
	to_file(file, "# twcard trace 1");
	vcard_set_trace(card, to_file, file);
}
