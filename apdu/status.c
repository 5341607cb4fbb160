#include "config.h"

#include <stddef.h>

#include "apdu/status.h"

/* First match wins: a status word masked with `mask` equals `value`. */
static const struct {
	uint16_t mask, value;
	enum result result;
} rules[] = {
	{0xFFFF, 0x9000, RESULT_OK},
	{0xFF00, 0x6100, RESULT_BAD_ANSWER}, /* the channel resolves it; left over = nonsense */
	{0xFFFF, 0x6282, RESULT_END_OF_FILE},
	{0xFFFF, 0x6700, RESULT_WRONG_LENGTH},
	{0xFF00, 0x6C00, RESULT_WRONG_LENGTH},
	{0xFFFF, 0x6982, RESULT_SECURITY_STATUS},
	{0xFFFF, 0x6983, RESULT_SECURITY_STATUS},
	{0xFFFF, 0x6984, RESULT_SECURITY_STATUS},
	{0xFFFF, 0x6985, RESULT_SECURITY_STATUS},
	{0xFFFF, 0x6987, RESULT_SECURITY_STATUS},
	{0xFFFF, 0x6988, RESULT_SECURITY_STATUS},
	{0xFFFF, 0x6A82, RESULT_NOT_FOUND},
	{0xFFFF, 0x6A83, RESULT_NOT_FOUND},
	{0xFFFF, 0x6A88, RESULT_NOT_FOUND},
	{0xFFFF, 0x6A81, RESULT_NOT_SUPPORTED},
	{0xFFFF, 0x6B00, RESULT_END_OF_FILE},
	{0xFF00, 0x6D00, RESULT_NOT_SUPPORTED},
	{0xFF00, 0x6E00, RESULT_NOT_SUPPORTED},
};

enum result status_result(uint16_t sw)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if ((sw & rules[i].mask) == rules[i].value)
			return rules[i].result;
	return RESULT_CARD_REFUSED;
}

enum result status_select_result(uint16_t sw)
{
	enum result r = status_result(sw);

	/* 6A83 and 6A88 speak of records and keys: to a SELECT they make no sense */
	return r == RESULT_NOT_FOUND && sw != SW_NO_FILE ? RESULT_CARD_REFUSED : r;
}

enum result status_guarded_result(uint16_t sw)
{
	switch (sw) {
	case 0x6983:
	case 0x6984:
		return RESULT_AREA_LOCKED;
	case 0x6A84:
		return RESULT_NO_SPACE;
	case SW_FILE_EXISTS:
		return RESULT_FILE_EXISTS;
	default:
		return status_result(sw);
	}
}

enum result status_authenticate_result(uint16_t sw)
{
	if (sw == 0x63C0)
		return RESULT_AREA_LOCKED;
	return sw >> 8 == 0x63 ? RESULT_AUTHENTICATION : status_guarded_result(sw);
}

enum result status_pin_result(uint16_t sw, int *tries)
{
	*tries = -1;
	if ((sw & 0xFFF0) == 0x63C0) {
		*tries = sw & 0x0F;
		return *tries ? RESULT_PIN_WRONG : RESULT_PIN_LOCKED;
	}
	if (sw == 0x6983 || sw == 0x6984) {
		*tries = 0;
		return RESULT_PIN_LOCKED;
	}
	return status_result(sw);
}
