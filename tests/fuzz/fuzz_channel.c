/* The channel: 61xx, 6Cxx and answers of any form, for commands of every case. */
#include "fuzz.h"
#include "script.h"

static const uint8_t body[COMMAND_MAX_DATA] = {1, 2, 3};

/* Two bytes of the input make a command: which case, how long, what it wants. */
static struct command make_command(uint8_t kind, uint8_t amount)
{
	struct command cmd = {.cla = kind & 0x80, .ins = 0xA4, .p1 = amount};

	if (kind & 1) {
		cmd.data = body;
		cmd.len = amount;
	}
	if (kind & 2)
		cmd.le = kind & 0x40 ? COMMAND_MAX_LE : (unsigned)amount + 1;
	cmd.ignore_more = kind & 4;
	cmd.sensitive = kind & 8;
	return cmd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.in = cursor_of(data, size)};
	struct response resp = RESPONSE_INIT;
	struct channel *ch = script_channel(&script, body, 0);
	uint8_t kind, amount;
	bool was_reset;

	if (!ch)
		return 0;
	MUST(channel_begin(ch, &was_reset) == RESULT_OK);
	while (cursor_u8(&script.in, &kind) && cursor_u8(&script.in, &amount)) {
		struct command cmd = make_command(kind, amount);
		enum result r;

		ch->get_response_cla = kind & 0x20 ? 0x80 : 0x00;
		r = channel_transmit(ch, &cmd, &resp);
		if (r != RESULT_OK)
			MUST(resp.data.len == 0);
		else
			MUST(resp.sw >> 8 != 0x61);
		if (cmd.ignore_more && r == RESULT_OK)
			MUST(resp.data.len <= COMMAND_MAX_LE);
		if (kind & 0x10) {
			(void)!channel_end(ch, kind & 1);
			MUST(channel_begin(ch, &was_reset) == RESULT_OK);
		}
	}
	response_clear(&resp);
	channel_free(&ch);
	MUST(!script.in_transaction);
	return 0;
}
