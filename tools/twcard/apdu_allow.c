#include "config.h"

#include "tools/twcard/apdu_allow.h"
#include "tools/twcard/apdu_words.h"
#include "tools/twcard/message.h"

#define HEADER 4

/* In class 00 or 80. What is not here is APDU_UNPROVEN. */
static const struct {
	uint8_t ins;
	enum apdu_verdict verdict;
} rules[] = {
	{INS_SELECT, APDU_READS},
	{INS_READ_BINARY, APDU_READS},
	{INS_READ_BINARY_TLV, APDU_READS},
	{INS_READ_RECORD, APDU_READS},
	{INS_READ_RECORD_TLV, APDU_READS},
	{INS_GET_DATA, APDU_READS},
	{INS_GET_DATA_TLV, APDU_READS},
	{INS_GET_CHALLENGE, APDU_READS},
	{INS_GET_RESPONSE, APDU_READS},
	{0x22, APDU_KEYS}, /* MANAGE SECURITY ENVIRONMENT */
	{0x2A, APDU_KEYS}, /* PERFORM SECURITY OPERATION */
	{0x2B, APDU_KEYS},
	{0x50, APDU_KEYS}, /* INITIALIZE UPDATE: cards count the attempts */
	{0x82, APDU_KEYS}, /* EXTERNAL AUTHENTICATE: so do they here */
	{0x86, APDU_KEYS}, /* GENERAL AUTHENTICATE */
	{0x87, APDU_KEYS},
	{0x88, APDU_KEYS}, /* INTERNAL AUTHENTICATE */
	{0x89, APDU_KEYS},
	{INS_PRIVATE, APDU_KEYS},
	{INS_REST, APDU_KEYS},
};

bool apdu_parse(const uint8_t *apdu, size_t len, struct command *out)
{
	size_t lc = len > HEADER + 1 ? apdu[HEADER] : 0;

	if (len < HEADER || len > COMMAND_MAX_SIZE)
		return false;
	*out = (struct command){.cla = apdu[0], .ins = apdu[1], .p1 = apdu[2], .p2 = apdu[3]};
	if (len == HEADER)
		return true;
	if (len > HEADER + 1) {
		/* a zero here begins an extended length */
		if (!lc || (len != HEADER + 1 + lc && len != HEADER + 2 + lc))
			return false;
		out->data = apdu + HEADER + 1;
		out->len = lc;
	}
	if (len == HEADER + 1 || len == HEADER + 2 + lc)
		out->le = apdu[len - 1] ? apdu[len - 1] : COMMAND_MAX_LE;
	return true;
}

enum apdu_verdict apdu_judge(const uint8_t *apdu, size_t len)
{
	struct command cmd;

	/* before all else: a PIN in a wrong command is still a PIN */
	if (len >= 2 && apdu_is_secret(apdu[1]))
		return APDU_SECRET;
	if (!apdu_parse(apdu, len, &cmd))
		return APDU_MALFORMED;
	if (cmd.cla != 0x00 && cmd.cla != 0x80)
		return APDU_HIDDEN;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i].ins == cmd.ins)
			return rules[i].verdict;
	return APDU_UNPROVEN;
}

const char *apdu_verdict_text(enum apdu_verdict verdict)
{
	static const char *const texts[] = {
		[APDU_READS] = "",
		[APDU_UNPROVEN] = N_("it may change the card, or nobody knows what it does there"),
		[APDU_SECRET] = N_("it is or may be a PIN, which costs a try when it is wrong"),
		[APDU_KEYS] = N_("it uses the card's keys, or is a step of an authentication"),
		[APDU_HIDDEN] = N_("only the classes 00 and 80 are sent: what another one does cannot be told"),
		[APDU_MALFORMED] =
			N_("it is no short command: CLA INS P1 P2, then a length and as many bytes, then perhaps Le"),
	};

	return texts[verdict][0] ? _(texts[verdict]) : "";
}
