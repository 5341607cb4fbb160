/*
 * Channels to no reader: a script, a function, or a virtual card answers.
 * What happened is in the struct wire, which must outlive the channel.
 */
#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apdu/buffer.h"
#include "apdu/channel.h"
#include "apdu/log.h"
#include "vcard.h"

#ifndef COUNT
#define COUNT(array) (sizeof(array) / sizeof *(array))
#endif

/* Answers a command; RESULT_OK and 0 bytes are possible. */
typedef enum result wire_answer(void *context, const uint8_t *cmd, size_t len, uint8_t *answer,
				size_t cap, size_t *answer_len);

struct wire {
	wire_answer *answer;
	void *context;
	const char *const *script; /* what is left of it */
	unsigned commands;
	unsigned class_00;         /* commands with the standard's class */
	unsigned begins, ends, resets, closes;
	bool reset_next;           /* the next begin tells of a reset */
};

/*
 * "8084…" in, "9000" out, pairs up to a NULL. Another command than the one
 * that the script wants fails the test; beyond its end the card is mute.
 */
struct channel *wire_script(struct wire *w, const char *const *script);
struct channel *wire_function(struct wire *w, wire_answer *answer, void *context);
/* The card is powered on; it stays the caller's. */
struct channel *wire_vcard(struct wire *w, struct vcard *card);

/* Hex digits, blanks between them allowed; answers the number of bytes. */
size_t wire_unhex(const char *hex, uint8_t *out, size_t cap);

/* The log as text, every level or those up to one, from now on; logging is off after wire_log_stop(). */
struct wire_log {
	char *text; /* lines, each with a newline; NULL while there are none */
	size_t len;
};
void wire_log_start(struct wire_log *log);
void wire_log_start_at(struct wire_log *log, enum log_level level);
void wire_log_stop(struct wire_log *log);

#endif
