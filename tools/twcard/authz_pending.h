/*
 * What was signed and is not finished: one file for each, which only its owner
 * can read, in $XDG_STATE_HOME/twcard/authz (by default ~/.local/state). It is
 * written before the step that could get lost, and removed when the work is
 * finished or withdrawn. `twcard authz resume` lists and finishes them.
 *
 * The steps: the authorizer's card has signed (the authority may not know it
 * yet); the authority has registered it (the holder's card may not have it
 * yet); it is on the holder's card (the authority may not have been told).
 */
#ifndef TWCARD_TOOLS_AUTHZ_PENDING_H
#define TWCARD_TOOLS_AUTHZ_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/x509.h>

#include "tools/twcard/subcommand.h"

#define AUTHZ_PENDING_ID 32 /* hex digits */

enum authz_pending_step {
	AUTHZ_PENDING_SIGNED,     /* register it, or withdraw the reservation */
	AUTHZ_PENDING_REGISTERED, /* write it to the holder's card, tell "written" */
	AUTHZ_PENDING_WRITTEN,    /* tell "written" */
	AUTHZ_PENDING_STEPS
};

/* To be cleared with authz_pending_clear(), which owns what it points to. */
struct authz_pending {
	char id[AUTHZ_PENDING_ID + 1]; /* the file's name; "": not kept yet */
	enum authz_pending_step step;
	char *server;       /* the authority's address */
	char *reservation;  /* its words */
	unsigned char *cert; /* the authorization certificate, DER */
	size_t cert_len;
	X509 *authorizer, *holder; /* the cards' signing certificates */
	char *authorizer_number, *holder_number; /* of the cards, for people */
	time_t since;       /* when it was signed */
	int lock;           /* held by this process; -1: not */
};

#define AUTHZ_PENDING_NONE {.lock = -1}

/*
 * Keeps it as it is now: a new file (which gives it its id and locks it, and
 * its time if it has none), or in place of the one before. When it returns
 * EXIT_GOOD it outlives a loss of power. EXIT_FILE: it could not be written,
 * and what was there before is still there; the user has been told. Nothing
 * may be sent then that only the file would remember.
 */
enum exit_code authz_pending_keep(struct authz_pending *pending);

/* It is finished, or withdrawn: removes the file. EXIT_FILE: it is still there; the user has been told. */
enum exit_code authz_pending_drop(struct authz_pending *pending);

/* Frees, lets go of the lock; the file stays. */
void authz_pending_clear(struct authz_pending *pending);

struct authz_pending_list {
	struct authz_pending *items; /* oldest first; not locked */
	size_t count;
	size_t damaged; /* files that are none, or cannot be read; kept, and told */
};

/* No folder is no error. EXIT_FILE: it cannot be read; the user has been told. */
enum exit_code authz_pending_list(struct authz_pending_list *out);
void authz_pending_list_clear(struct authz_pending_list *list);

/*
 * Takes it for this process and reads it again, since another may have gone on
 * with it. EXIT_FILE: another one has it, or it is gone; the user has been told.
 */
enum exit_code authz_pending_take(struct authz_pending *pending);

/* What remains to be done, translated. */
const char *authz_pending_text(enum authz_pending_step step);
/* One word for JSON: "signed", "registered", "written". */
const char *authz_pending_word(enum authz_pending_step step);

#endif
