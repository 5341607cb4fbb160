/*
 * A card made of a trace: what was recorded of one answers again. Commands
 * must come in the order of the trace; one that does not fit is told, and from
 * then on the card is mute. Of a trace with several readers the first one's
 * card is played.
 */
#ifndef TESTS_REPLAY_H
#define TESTS_REPLAY_H

#include <stdbool.h>
#include <stdio.h>

#include "apdu/channel.h"
#include "apdu/trace.h"
#include "apdu/trace_read.h"
#include "wire.h"

struct replay {
	struct trace_reader reader;
	struct trace_line line; /* read, and not used yet, if has_line */
	bool has_line;
	bool ours;              /* the lines now are those of the reader that is played */
	char name[TRACE_TEXT_MAX];
	unsigned commands;
	char mismatch[700];     /* what did not fit; empty: all did */
};

/*
 * A channel to it. Both the stream and the struct must outlive the channel.
 * NULL: the trace has no ATR, or a line that is not of the format.
 */
struct channel *replay_channel(struct replay *r, FILE *trace);

/* As wire_log_start(), but a trace: what is no APDU is a comment. wire_log_stop() ends it. */
void replay_record(struct wire_log *log);

/* True if nothing was left over and all fitted. */
bool replay_is_over(struct replay *r);

#endif
