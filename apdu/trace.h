/*
 * The trace: one text format for the debug log, the regression fixtures and
 * the fuzz corpus, so that a user's trace can become a test.
 *
 *   # text      a comment (every other log line is written as one)
 *   @ name      the reader that the next lines belong to
 *   = HEX       ATR
 *   > HEX       command APDU
 *   < HEX       answer with its status word
 *   ! text      an event: reset, removed
 *
 * Secret bytes are left out at the source and stand as "**N", N bytes:
 * "> 8C20000120 **32", "< **128 9000".
 */
#ifndef TWCARD_APDU_TRACE_H
#define TWCARD_APDU_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest line written: two hex digits a byte for a full short APDU, and a mark. */
#define TRACE_LINE 640

/*
 * Formats one line into out (TRACE_LINE bytes) and answers out. `clear` bytes
 * at the front and `tail` bytes at the end are shown, what lies between is
 * redacted; clear >= len shows all.
 */
const char *trace_format(char out[TRACE_LINE], char mark, const uint8_t *data, size_t len,
			 size_t clear, size_t tail);

/* Writes a command to the log: a sensitive one as its 5 header bytes only. */
void trace_command(const char *reader, const uint8_t *apdu, size_t len, bool sensitive);

/* Writes an answer: a sensitive one as its status word only. */
void trace_answer(const uint8_t *apdu, size_t len, bool sensitive);

/* Writes an event or an ATR. */
void trace_event(const char *reader, const char *text);
void trace_atr(const char *reader, const uint8_t *atr, size_t len);

#endif
