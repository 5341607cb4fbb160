/*
 * An authorization on its way: whom it is for, what it is to say, who signs.
 * In the order of the manual: the attached card (what is on it is read), what
 * is to be said, the card that signs, and the attached card again.
 */
#ifndef TWCARD_TOOLS_AUTHZ_WORK_H
#define TWCARD_TOOLS_AUTHZ_WORK_H

#include "tools/twcard/authz_cards.h"
#include "tools/twcard/authz_client.h"
#include "tools/twcard/authz_content.h"
#include "tools/twcard/authz_pending.h"

struct authz_work;

/* What the commands differ in. */
struct authz_way {
	const char *operation; /* in JSON */
	enum authz_kind kind;
	bool needs_previous;   /* a certificate must be on the card */
	bool may_replace;      /* one that is there needs no question */
	bool holder_confirms;  /* of a delegation: with the attached card's PIN */
	const char *question;  /* before it is signed, translated where it is asked */
	const char *done;
	/* Sets work->content. The user has been told of all that is not EXIT_GOOD. */
	enum exit_code (*say)(struct authz_work *work);
};

struct authz_work {
	const struct arguments *args;
	const struct authz_way *way;
	struct authz_client *client;
	struct json_object *terms;     /* the authority's */
	struct json_object *catalogue; /* NULL: not asked for */
	struct authz_session holder, authorizer;
	struct authz_cert *previous;   /* on the card; NULL: none */
	struct authz_content content;
	struct json_object *reserved;  /* the authority's answer */
	struct authz_cert *cert;       /* NULL: not signed yet */
	struct authz_pending pending;
};

/* All of a way, with its result told. */
enum exit_code authz_work_run(const struct arguments *args, const struct authz_way *way);

/* ---- its parts ---- */

/*
 * What would be signed, without a signature and with the first sequence number:
 * all rules of the library are asked. EXIT_NEGATIVE: one says no (--json:
 * "reason"); the user has been told.
 */
enum exit_code authz_work_try(struct authz_work *work);

/*
 * With the card that signs: reserves, signs, registers. work->pending is kept
 * before the authority hears of the signature. The user has been told of all
 * that is not EXIT_GOOD.
 */
enum exit_code authz_work_sign(struct authz_work *work);

/* Tells a reason of the library. Answers EXIT_NEGATIVE, or EXIT_GOOD for AUTHZ_GOOD. */
enum exit_code authz_work_tell_reason(enum authz_reason reason, const char *what);

#endif
