#include "config.h"

#include <stdio.h>

#include "apdu/log.h"
#include "apdu/trace.h"

#define HEADER 5     /* CLA INS P1 P2 Lc */
#define STATUS_WORD 2
#define MAX_SHOWN 270 /* a short command with Le, or 256 bytes and a status word */

static char *put_hex(char *at, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		*at++ = digits[data[i] >> 4];
		*at++ = digits[data[i] & 15];
	}
	*at = '\0';
	return at;
}

const char *trace_format(char out[TRACE_LINE], char mark, const uint8_t *data, size_t len,
			 size_t clear, size_t tail)
{
	char *at = out;

	*at++ = mark;
	*at++ = ' ';
	if (len > MAX_SHOWN || clear + tail >= len) {
		/* an over-long answer is no APDU: its start says enough */
		at = put_hex(at, data, len > MAX_SHOWN ? 16 : len);
		if (len > MAX_SHOWN)
			snprintf(at, 32, " **%zu", len - 16);
		return out;
	}
	at = put_hex(at, data, clear);
	at += snprintf(at, 32, "%s**%zu%s", clear ? " " : "", len - clear - tail, tail ? " " : "");
	put_hex(at, data + len - tail, tail);
	return out;
}

void trace_command(const char *reader, const uint8_t *apdu, size_t len, bool sensitive)
{
	char line[TRACE_LINE];

	if (!log_wants(LOG_TRACE))
		return;
	log_line(LOG_TRACE, "@ %s", reader);
	log_line(LOG_TRACE, "%s",
		 trace_format(line, '>', apdu, len, sensitive ? HEADER : len, 0));
}

void trace_answer(const uint8_t *apdu, size_t len, bool sensitive)
{
	char line[TRACE_LINE];

	if (!log_wants(LOG_TRACE))
		return;
	if (sensitive && len > MAX_SHOWN) { /* not even its start */
		log_line(LOG_TRACE, "< **%zu", len);
		return;
	}
	log_line(LOG_TRACE, "%s",
		 trace_format(line, '<', apdu, len, sensitive ? 0 : len,
			      sensitive ? (len < STATUS_WORD ? len : STATUS_WORD) : 0));
}

void trace_event(const char *reader, const char *text)
{
	log_line(LOG_TRACE, "@ %s", reader);
	log_line(LOG_TRACE, "! %s", text);
}

void trace_atr(const char *reader, const uint8_t *atr, size_t len)
{
	char line[TRACE_LINE];

	if (!log_wants(LOG_TRACE))
		return;
	log_line(LOG_TRACE, "@ %s", reader);
	log_line(LOG_TRACE, "%s", trace_format(line, '=', atr, len, len, 0));
}
