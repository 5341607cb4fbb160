/*
 * A server on 127.0.0.1 that answers as a test says: well, badly, or not at
 * all. It has a thread of its own and takes one connection after the other;
 * every connection has one request.
 */
#ifndef TESTS_UNIT_STUB_SERVER_H
#define TESTS_UNIT_STUB_SERVER_H

#include <stddef.h>

enum stub_action {
	STUB_ANSWER, /* status and body, as they should be */
	STUB_RAW,    /* these bytes and the end */
	STUB_CUT,    /* nothing but the end */
	STUB_SILENCE /* nothing until the client has gone */
};

struct stub_step {
	const char *path; /* the request that it is for; the first step for it that was not used yet */
	enum stub_action action;
	int status;       /* HTTP's */
	const char *body; /* or the bytes of STUB_RAW */
	const char *header; /* one more line with its end; NULL: none */
};

/* Starts it; returns its address, http://127.0.0.1:PORT, which stays. Aborts if it cannot. */
const char *stub_start(void);
void stub_stop(void);

/*
 * What it does from now on; requests that no step is for get what a good
 * authority says: a version, a fresh nonce, {"state":"done"}. Forgets the requests.
 * The steps are copied.
 *
 * A request that its client has given up may be read later, when the next script
 * is there already: what is not answered in time needs a path that no other test has.
 */
void stub_script(const struct stub_step *steps, size_t count);

/* How many requests came for a path. */
size_t stub_count(const char *path);

/* The body of the nth of them, from 0; owned by the server until the next script. */
const unsigned char *stub_body(const char *path, size_t n, size_t *len);

#endif
