/*
 * PC/SC in this process: the SCard* functions that apdu/pcsc.c calls, with
 * readers and cards that a test controls, linked in place of the PC/SC
 * library. It answers as pcsc-lite 1.9.9 does: each handle learns of a reset
 * or removal by itself, calls on one context wait for each other, a
 * transaction keeps other handles out, event counters stand in the high half
 * of a reader's state. All functions are thread-safe.
 */
#ifndef TESTS_FAKEPCSC_H
#define TESTS_FAKEPCSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vcard;

#define FAKE_ANSWER_MAX 600

/* What is in a reader. */
struct fake_card {
	/* Answers a command; 0 bytes: the card stays mute. */
	size_t (*answer)(void *context, const uint8_t *cmd, size_t len,
			 uint8_t answer[FAKE_ANSWER_MAX]);
	/* Power on (also a reset) and off; may be NULL. */
	void (*power)(void *context, bool on);
	void *context;
	uint8_t atr[33];
	size_t atr_len;
};

/* ---- the world ---- */

/* Takes all readers, contexts and handles away; the service runs. */
void fake_clear(void);

/* pcscd. What was connected before a stop is unknown after the next start. */
void fake_service_stop(void);
void fake_service_start(void);

/* Contexts and card handles that are open: 0 when nothing has leaked. */
unsigned fake_open_contexts(void);
unsigned fake_open_handles(void);

/* True if one of our handles has a transaction: all others wait. */
bool fake_in_transaction(const char *reader);

/* Calls on a context or handle that another process had opened, in this process. */
unsigned fake_strange_calls(void);

/*
 * Handles that were open when their context was released, since fake_clear(). pcscd
 * closes them, and resets their cards, whoever else has them.
 */
unsigned fake_left_handles(void);

/* ---- readers and cards ---- */

void fake_add_reader(const char *reader);
/* With what is in it. Handles to it answer SCARD_E_READER_UNAVAILABLE. */
void fake_remove_reader(const char *reader);

/* The virtual card stays the caller's, and must outlive its stay in the reader. */
void fake_insert(const char *reader, struct vcard *card);
void fake_insert_card(const char *reader, const struct fake_card *card);
void fake_eject(const char *reader);
/* In the middle of its next answer: one byte of it arrives, or none of one that is lost. */
void fake_eject_in_answer(const char *reader);

/* ---- other programs ---- */

/* Resets the card as another program does it. */
void fake_foreign_reset(const char *reader);
/* Sends a command between our transactions; answers its status word, 0 if the card is mute. */
unsigned fake_foreign_command(const char *reader, const uint8_t *cmd, size_t len);
/* Selects the master file: nobody is where he thinks he is. */
void fake_foreign_select(const char *reader);
/* Holds the reader exclusively: no connection, but those there are stay. */
void fake_hold_exclusively(const char *reader, bool hold);
/* As polkit does it: no context (reader NULL), or no connection. */
void fake_deny(const char *reader, bool deny);
/* Holds a transaction: others wait in SCardBeginTransaction. */
void fake_hold_transaction(const char *reader, bool hold);

/* Called, without any lock held, before every transaction that is granted; NULL: nothing. */
typedef void fake_begin_hook(void *context);
void fake_on_begin(const char *reader, fake_begin_hook *hook, void *context);

/* Called, without any lock held, before every command that gets to the reader. */
typedef void fake_command_hook(void *context, const uint8_t *cmd, size_t len);
void fake_on_command(const char *reader, fake_command_hook *hook, void *context);

/* Called, without any lock held, before every end of a transaction. */
typedef void fake_end_hook(void *context);
void fake_on_end(const char *reader, fake_end_hook *hook, void *context);

/* ---- trouble ---- */

/* The next `count` exchanges fail with this PC/SC code, without reaching the card. */
void fake_fail(const char *reader, unsigned count, long code);
/* The next `count` ends of transactions fail with this code, and end nothing. */
void fake_fail_ends(const char *reader, unsigned count, long code);
/* Exchanges of all handles that are open now answer this code; those opened later are good. */
void fake_break_handles(const char *reader, long code);
/* Commands wait in the reader until it is let go, or the card is pulled. */
void fake_hang(const char *reader, bool hang);
/* Waits until a command waits in the reader; false: none did in time. */
bool fake_wait_hanging(const char *reader, unsigned timeout_ms);
/* The next `count` questions for reader states fail with this code. */
void fake_fail_looks(unsigned count, long code);
/* They wait until they are let go. */
void fake_hang_looks(bool hang);
/* The code that handles to a removed reader answer; pcsc-lite versions differ. */
void fake_set_gone_code(long code);

/* ---- counters ---- */

unsigned fake_commands(const char *reader);
/* The count since the last call of it. */
unsigned fake_new_commands(const char *reader);
/* Resets of the card, by whomever. */
unsigned fake_resets(const char *reader);

#endif
