/*
 * What S/MIME signs: a MIME entity. A file that is one already (its first line
 * is a header of MIME's) is taken as it is; any other becomes an attachment in
 * base64. Lines end with CR LF where they are signed and with LF where they
 * are written, as mail programs want it.
 */
#ifndef TWCARD_TOOLS_MIME_H
#define TWCARD_TOOLS_MIME_H

#include <stdio.h>

#include "tools/twcard/stream.h"

struct mime_entity {
	struct stream_in *in;
	const char *name;    /* of the attachment; not owned */
	FILE *copy;          /* gets it, too, with LF; may be NULL */
	stream_taker *take;  /* gets it with CR LF */
	void *context;
	void *encoder;       /* base64; NULL: it is taken as it is */
	bool carriage_return; /* one was seen, and not yet what follows */
};

/* Passes the entity that the data become. Answers as stream_pump(). */
enum exit_code mime_pump(struct mime_entity *entity, const char *what);

#endif
