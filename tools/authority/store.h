/*
 * The authority's memory: answered requests, sequences, certificates, cards that
 * are or will be activated, the catalogue and the audit. On SQLite (one
 * machine, one file) or PostgreSQL (several instances on one database); the
 * callers see no difference.
 *
 * All that changes happens in store_run(): one transaction, kept as a whole or
 * not at all, and durable when it answers STORE_OK. Write transactions come one
 * after the other, over all threads and instances: what one reads stays true
 * until it ends, the audit has one order, no number is given twice. So keep
 * what is slow (signatures, hashes of codes) out of them.
 *
 * Texts are UTF-8 and end with a NUL; times are seconds since 1970, UTC. What
 * goes in belongs to the caller; what comes out is the caller's, who gives it
 * back with the _clear() of its kind (which leaves the struct empty, and may be
 * called on an empty one) or, a single text, with free(). A function that does
 * not answer STORE_OK has put nothing there.
 *
 * Any function may answer STORE_UNAVAILABLE, STORE_FULL, STORE_BROKEN,
 * STORE_NO_MEMORY, and inside of a transaction STORE_CONFLICT; a work function
 * hands on what it is given. Only the others are named below.
 */
#ifndef TWCARD_AUTHORITY_STORE_H
#define TWCARD_AUTHORITY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STORE_PROBLEM_SIZE 512 /* bytes of a problem's text, with its NUL */
#define STORE_HASH 32          /* bytes of a SHA-256 */

enum store_result {
	STORE_OK,
	STORE_NONE,        /* there is no such row */
	STORE_EXISTS,      /* there is one already */
	STORE_STOP,        /* a work function's own: roll back, and no more */
	STORE_CONFLICT,    /* somebody else was first: store_run() begins again */
	STORE_UNAVAILABLE, /* the database does not answer, or not in time. What was asked of it last is done or not. */
	STORE_FULL,        /* no room on the disk; nothing was kept */
	STORE_NEWER,       /* a newer version of this program made the database; it was left alone */
	STORE_REFUSED,     /* cannot be done with this database; the problem says what can */
	STORE_BROKEN,      /* what is in the database makes no sense, or the file is damaged or none of ours */
	STORE_NO_MEMORY
};

#define STORE_MUST_USE __attribute__((warn_unused_result))

/* For logs: "disk full". Never NULL. */
const char *store_result_text(enum store_result result);

struct store;    /* a pool of connections, for any number of threads */
struct store_tx; /* a transaction, for the thread that runs it */

/* ---- opening ---- */

/*
 * url: "sqlite:PATH" or a path alone; "postgresql://…" or "postgres://…" as
 * libpq has them. Makes the tables in an empty database and brings older ones
 * up to date, in one transaction. A new SQLite file can be read by its owner
 * alone. problem: why not, in one line for people, without passwords.
 * STORE_NEWER; STORE_REFUSED: built without PostgreSQL, or a server older than 12.
 */
STORE_MUST_USE enum store_result store_open(const char *url, struct store **out, char problem[STORE_PROBLEM_SIZE]);

/* After the last transaction has ended. *s is NULL then; may be it before. */
void store_close(struct store **s);

/* 32 random bytes, made once with the database and the same for all instances: the key of nonces. */
void store_secret(const struct store *s, uint8_t out[32]);

/*
 * A copy of the whole database as it was at one moment, while others go on. It
 * is at `path` when all of it is good, or not at all (and then what was there
 * still is). STORE_EXISTS: a file is there and not `replace`. STORE_REFUSED:
 * PostgreSQL has its own; the problem has the command.
 */
STORE_MUST_USE enum store_result store_backup(struct store *s, const char *path, bool replace,
                                              char problem[STORE_PROBLEM_SIZE]);

/* Reads all of an SQLite file for damage; PostgreSQL watches its pages itself, so there it only says whether it answers. STORE_BROKEN. */
STORE_MUST_USE enum store_result store_check(struct store *s, char problem[STORE_PROBLEM_SIZE]);

/* ---- transactions ---- */

/* STORE_OK: keep what was done. All else: keep nothing. */
typedef enum store_result store_work(struct store_tx *tx, void *context);

/*
 * Runs work in a transaction, and answers what work did, or why it could not be
 * kept. After STORE_CONFLICT, or when the connection was lost before the end,
 * work is run again from the start (for some time; then STORE_UNAVAILABLE): it
 * must do nothing outside of the transaction and begin by emptying what it
 * fills in. STORE_UNAVAILABLE when the connection is lost at the very end: it
 * may have been kept or not; ask store_request_find(). problem may be NULL.
 */
STORE_MUST_USE enum store_result store_run(struct store *s, store_work *work, void *context,
                                           char problem[STORE_PROBLEM_SIZE]);

/* The same for work that only reads: it sees one moment and waits for no other. Writing in it: STORE_BROKEN. */
STORE_MUST_USE enum store_result store_look(struct store *s, store_work *work, void *context,
                                            char problem[STORE_PROBLEM_SIZE]);

/* ---- requests: an answer is given once ---- */

struct store_request {
	char *id;                   /* of the request, 32 hex digits; one answer each */
	char *nonce;                /* one request each */
	uint8_t sha256[STORE_HASH]; /* of what was signed */
	int status;                 /* HTTP */
	char *response;             /* the body, byte for byte */
	int64_t at;
};

void store_request_clear(struct store_request *r);

/* STORE_NONE. */
STORE_MUST_USE enum store_result store_request_find(struct store_tx *tx, const char *id, struct store_request *out);

/* STORE_EXISTS: the id or the nonce was there. */
STORE_MUST_USE enum store_result store_request_put(struct store_tx *tx, const struct store_request *in);

/* STORE_OK: a request with this nonce was answered. STORE_NONE: none was. */
STORE_MUST_USE enum store_result store_nonce_used(struct store_tx *tx, const char *nonce);

/* Forgets answers from before a time; those must be too old to be accepted again, by their time and their nonce. */
STORE_MUST_USE enum store_result store_requests_expire(struct store_tx *tx, int64_t before);

/* ---- sequences ---- */

/* The next number for an authorizer, from 1; never given twice. STORE_REFUSED: 999999 was the last. */
STORE_MUST_USE enum store_result store_sequence_next(struct store_tx *tx, const char *authorizer, uint32_t *out);

/* ---- certificates, from reservation to the end ---- */

#define STORE_SEQUENCE_MAX 999999

enum store_kind { STORE_APPLICATIONS, STORE_DELEGATION };

enum store_state {
	STORE_RESERVED,
	STORE_SIGNED,
	STORE_WRITTEN,
	STORE_REPLACED,
	STORE_ACTIVE, /* a delegation */
	STORE_DISABLED,
	STORE_WITHDRAWN
};

/* The protocol's words; NULL: no such number. Back: false: no such word. */
const char *store_kind_name(enum store_kind kind);
const char *store_state_name(enum store_state state);
bool store_kind_of(const char *name, enum store_kind *out);
bool store_state_of(const char *name, enum store_state *out);

struct store_bytes {
	uint8_t *data; /* NULL: none */
	size_t len;
};

struct store_certificate {
	char *reservation; /* unique */
	char *serial;      /* decimal, unique; NULL until it is signed */
	enum store_kind kind;
	enum store_state state;
	char *authorizer, *holder; /* what their certificates are known by: any text that is the same for the same certificate */
	struct store_bytes authorizer_der, holder_der;
	struct store_bytes primary_der; /* the primary card of an attached authorizer, else none */
	uint32_t sequence;              /* unique for its authorizer */
	int64_t not_before, not_after;
	char *content;                  /* JSON */
	struct store_bytes der;         /* none until it is signed */
	uint8_t sha256[STORE_HASH];     /* of der; zeros until then. Kept by the store. */
	int64_t created, changed;       /* changed: kept by the store on every change */
	uint64_t number;                /* the store's own: 1, 2, 3 … in the order they were put */
};

void store_certificate_clear(struct store_certificate *c);

/* Copies bytes into an empty struct. STORE_NO_MEMORY. */
STORE_MUST_USE enum store_result store_bytes_set(struct store_bytes *b, const void *data, size_t len);

/* A new one; `changed` is `created`, `number` and `sha256` are not read. STORE_EXISTS: reservation, serial, or the authorizer's sequence. */
STORE_MUST_USE enum store_result store_certificate_put(struct store_tx *tx, const struct store_certificate *in);

/* STORE_NONE. */
STORE_MUST_USE enum store_result store_certificate_by_reservation(struct store_tx *tx, const char *reservation,
                                                                  struct store_certificate *out);
STORE_MUST_USE enum store_result store_certificate_by_serial(struct store_tx *tx, const char *serial,
                                                             struct store_certificate *out);

/* The certificate has come: its serial and bytes, and the state that follows. STORE_NONE; STORE_EXISTS: the serial was there. */
STORE_MUST_USE enum store_result store_certificate_set_signed(struct store_tx *tx, const char *reservation,
                                                              const char *serial, const struct store_bytes *der,
                                                              enum store_state state, int64_t at);

/* STORE_NONE. */
STORE_MUST_USE enum store_result store_certificate_set_state(struct store_tx *tx, const char *reservation,
                                                             enum store_state state, int64_t at);

/* All of this holder and kind that are in state `from`, but the one reserved as `except` (NULL: all), go to `to`. None is good too. */
STORE_MUST_USE enum store_result store_certificate_move(struct store_tx *tx, const char *holder, enum store_kind kind,
                                                        enum store_state from, enum store_state to,
                                                        const char *except, int64_t at);

struct store_filter {
	const char *authorizer, *holder;    /* NULL: any; both: both must be */
	const enum store_kind *kind;        /* NULL: any */
	unsigned int states;                /* 1U << STORE_…, several; 0: any */
	int64_t from, to;                   /* `created`, both included; to 0: no end */
	uint64_t before;                    /* only numbers under this one, for the next page; 0: from the newest */
	size_t limit;                       /* at most so many, 1 to 1000 */
};

struct store_certificates {
	struct store_certificate *rows; /* newest (largest number) first */
	size_t count;
	bool more; /* there are others after these */
};

void store_certificates_clear(struct store_certificates *list);

STORE_MUST_USE enum store_result store_certificate_list(struct store_tx *tx, const struct store_filter *filter,
                                                        struct store_certificates *out);

/* ---- activation ---- */

struct store_activation {
	char *card;     /* what it is known by */
	bool activated; /* its area is open; once in its life */
	int64_t changed;
	bool has_code; /* an operator has set a user code */
	int tries;     /* wrong ones since then */
};

void store_activation_clear(struct store_activation *a);

/* STORE_NONE: never heard of. */
STORE_MUST_USE enum store_result store_activation_find(struct store_tx *tx, const char *card,
                                                       struct store_activation *out);

/* STORE_EXISTS: it is. */
STORE_MUST_USE enum store_result store_activation_done(struct store_tx *tx, const char *card, int64_t at);

/* An operator lets a card be activated again (its area was lost). STORE_NONE: it is not activated. */
STORE_MUST_USE enum store_result store_activation_undo(struct store_tx *tx, const char *card, int64_t at);

#define STORE_CODE_TRIES 10 /* wrong ones, then only an operator's new code helps */

/*
 * The user code of a card, kept as a slow salted hash; len 0: removes it.
 * Transactions of their own, and slow on purpose: not from inside of one.
 */
STORE_MUST_USE enum store_result store_code_set(struct store *s, const char *card, const char *code, size_t len,
                                                int64_t at);

enum store_code { STORE_CODE_RIGHT, STORE_CODE_WRONG, STORE_CODE_LOCKED, STORE_CODE_NOT_SET };

/* Each question is counted as a wrong one before it is answered, and taken back if it was right. */
STORE_MUST_USE enum store_result store_code_check(struct store *s, const char *card, const char *code, size_t len,
                                                  enum store_code *out);

/* ---- catalogue: one JSON document, replaced as a whole ---- */

/* STORE_NONE: there is none. version: 1, 2, 3 … */
STORE_MUST_USE enum store_result store_catalogue_get(struct store_tx *tx, char **document, uint32_t *version);
STORE_MUST_USE enum store_result store_catalogue_set(struct store_tx *tx, const char *document, int64_t at,
                                                     uint32_t *version);

/* ---- audit ---- */

/*
 * Rows are appended and never changed: the database's own triggers forbid it.
 * Each has the SHA-256 over the one before it and its own bytes, so that a
 * change by hand is found; who can rewrite the whole database can rewrite the
 * chain too, unless its head was noted elsewhere.
 */
struct store_audit {
	uint64_t number; /* 1, 2, 3 … without a gap. Given by the store. */
	int64_t at;
	char *signer;    /* as in certificates; "" for what the operator did */
	char *operation;
	char *request;   /* its id, or "" */
	char *outcome;   /* "ok" or the error's code */
	char *detail;    /* JSON, or "" */
	uint8_t previous[STORE_HASH], hash[STORE_HASH]; /* by the store */
};

void store_audit_clear(struct store_audit *a);

/* number, previous and hash are not read. A text that is NULL is taken as "". */
STORE_MUST_USE enum store_result store_audit_append(struct store_tx *tx, const struct store_audit *in);

/* The newest number (0: there is none) and its hash (zeros then): what to note elsewhere. */
STORE_MUST_USE enum store_result store_audit_head(struct store_tx *tx, uint64_t *number, uint8_t hash[STORE_HASH]);

/* Anything but STORE_OK ends the reading, and is its answer. */
typedef enum store_result store_audit_visit(const struct store_audit *row, void *context);

/* All rows from a number on, in their order. Others may append meanwhile; those are read too or not. */
STORE_MUST_USE enum store_result store_audit_each(struct store *s, uint64_t first, store_audit_visit *visit,
                                                  void *context, char problem[STORE_PROBLEM_SIZE]);

/*
 * Is every row there as it was appended? count: how many there are. STORE_BROKEN:
 * no; first_bad is the number of the first that is changed or missing.
 */
STORE_MUST_USE enum store_result store_audit_verify(struct store *s, uint64_t *count, uint64_t *first_bad,
                                                    char problem[STORE_PROBLEM_SIZE]);

/* One JSON object a line: number, at (RFC 3339), signer, operation, request, outcome, detail, previous and hash (hex).
 * STORE_FULL: it could not be written. */
STORE_MUST_USE enum store_result store_audit_export(struct store *s, uint64_t first, FILE *out,
                                                    char problem[STORE_PROBLEM_SIZE]);

#endif
