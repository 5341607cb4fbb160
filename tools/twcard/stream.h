/*
 * Data that are read from a file or standard input, a piece at a time, so that
 * their size costs no memory.
 */
#ifndef TWCARD_TOOLS_STREAM_H
#define TWCARD_TOOLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "tools/twcard/subcommand.h"

#define STREAM_PIECE (128 * 1024) /* bytes */
#define STREAM_HEAD 512           /* bytes that can be looked at before */

struct stream_in {
	int fd;           /* -1: not open */
	const char *name; /* for messages; not owned */
	uint64_t size;    /* bytes; 0: not known */
	uint64_t done;    /* bytes that were given out */
	size_t ahead;     /* bytes of `head` that are still to be given out */
	uint8_t head[STREAM_HEAD];
};

#define STREAM_CLOSED {.fd = -1}

/* "-": standard input. EXIT_FILE: the user has been told. */
enum exit_code stream_open(const char *path, struct stream_in *out);
void stream_close(struct stream_in *in);

/*
 * Looks at the first bytes, up to STREAM_HEAD, in in->head; none: it is empty.
 * Before stream_pump(). EXIT_FILE: the user has been told.
 */
enum exit_code stream_look(struct stream_in *in, size_t *len);

/* Gets a piece of the data; false: it failed, and the work ends. */
typedef bool stream_taker(void *context, const uint8_t *data, size_t len);

/*
 * Gives all that comes to `take`, with progress shown as `what` (translated).
 * EXIT_FILE: reading failed, the user has been told. EXIT_INTERNAL: `take`
 * answered false, the user has not been told.
 */
enum exit_code stream_pump(struct stream_in *in, const char *what, stream_taker *take, void *context);

/* Takers: the context is a BIO; an EVP_MD_CTX that signs, or verifies. */
bool stream_to_bio(void *bio, const uint8_t *data, size_t len);
bool stream_to_signature(void *md, const uint8_t *data, size_t len);
bool stream_to_verification(void *md, const uint8_t *data, size_t len);

#endif
