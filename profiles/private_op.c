#include "config.h"

#include <string.h>

#include "apdu/status.h"
#include "profiles/internal.h"

#define CLA 0x80
#define HALF (CARD_MODULUS_SIZE / 2)

/* One command of the operation: exactly `want` bytes must come back. */
static enum result step(struct card *card, card_send send, const struct command *cmd, size_t want,
			uint8_t *out)
{
	struct response resp = RESPONSE_INIT;
	enum result r = send(card, cmd, &resp);

	if (r == RESULT_OK)
		r = status_result(resp.sw);
	if (r == RESULT_OK && resp.data.len != want)
		r = RESULT_BAD_ANSWER;
	if (r == RESULT_OK && want)
		memcpy(out, resp.data.data, want);
	response_clear(&resp);
	return r;
}

/* facts: gen 1 and gen 2, RSA private: two halves in, two halves out */
enum result private_op_in_halves(struct card *card, card_send send, unsigned second_le,
				 unsigned key_ref, const uint8_t in[CARD_MODULUS_SIZE],
				 uint8_t out[CARD_MODULUS_SIZE])
{
	const struct command first = {.cla = CLA, .ins = 0xEA, .p1 = 0x82, .p2 = (uint8_t)key_ref,
				      .data = in, .len = HALF, .sensitive = true};
	const struct command second = {.cla = CLA, .ins = 0xEA, .p1 = 0x02, .p2 = (uint8_t)key_ref,
				       .data = in + HALF, .len = HALF, .le = second_le,
				       .sensitive = true};
	const struct command rest = {.cla = CLA, .ins = 0xC1, .p2 = HALF, .le = HALF,
				     .sensitive = true};
	enum result r = step(card, send, &first, 0, NULL);

	if (r == RESULT_OK)
		r = step(card, send, &second, HALF, out);
	if (r == RESULT_OK)
		r = step(card, send, &rest, HALF, out + HALF);
	return r;
}
