/*
 * A token: one card for as long as it stays in the reader. What was read of
 * it is kept until it leaves. Functions that may talk to the card say so; they
 * are called with the card's turn and its transaction begun (slot_touch), and
 * without the lock, which they take where they change what others look at.
 * All others are called under the lock (slot.h says what the two mean).
 */
#ifndef TWCARD_SRC_TOKEN_H
#define TWCARD_SRC_TOKEN_H

#include <pthread.h>
#include <stdbool.h>

#include "apdu/secret.h"
#include "profiles/area.h"
#include "profiles/card.h"
#include "src/crypto/rsa.h"
#include "src/token/cache.h"
#include "src/cryptoki.h"
#include "src/token/object.h"

#define TOKEN_KEYS_MAX 64 /* key references with a cached public key: one a record */

/* Objects of one class, in the order that C_FindObjects shows. */
struct object_list {
	bool loaded; /* the directory has been read */
	bool warm;   /* from the disk cache, not from the card */
	struct p15_list records;
	struct buffer raw;  /* their bytes, for the disk cache */
	struct object *items; /* one a record; NULL while none has a handle */
	size_t count;
};

/* The last two may be shown and used. */
enum key_origin {
	KEY_UNPROVEN,  /* the disk cache had it: good to check results, for nothing else */
	KEY_DOUBTED,   /* a result did not fit it: only the card's own will do */
	KEY_CERTIFIED, /* of a certificate that is bound to this card */
	KEY_READ       /* read from the card, or not there */
};

struct public_key {
	unsigned key_ref;
	bool readable;
	enum key_origin origin;
	struct rsa_public rsa;
	struct rsa_check *check; /* made when a result is checked for the first time; owned */
};

struct token {
	pthread_mutex_t lock;
	CK_OBJECT_HANDLE next_handle;
	unsigned long login; /* grows when a login ends: operations begun in it end, too */
	bool gone;           /* the card was taken away: nothing below counts any more */
	bool owes_reset;     /* a VERIFY went out since we last reset the card; with the turn */
	/* all below: of this insertion */
	struct card *card; /* NULL until it is needed for the first time; with the turn */
	bool recognized;   /* a profile knows it */
	bool unknown;      /* probed: none does */
	struct token_data data;
	bool has_data;
	size_t pin_min, pin_max; /* bytes */
	int pin_tries;
	bool can_login;    /* what a login takes beside the PIN was there at the last look */
	struct object_list lists[P15_CLASSES];
	struct session_objects session_objects;
	struct object *handles; /* uthash over the items of all lists and the session objects */
	struct public_key keys[TOKEN_KEYS_MAX];
	size_t key_count;
	bool has_profiles; /* its profile objects have been made */
	struct area_objects *records; /* utlist: those of the data area, while logged in */
	bool records_known;   /* the index was looked at since the login */
	bool no_records;      /* the card has no data area, or not for us */
	bool may_write;       /* writing to the card is allowed */
	struct area *area;    /* the data area as this transaction found it; NULL: not opened; with the turn */
	struct cache cache;   /* what the disk had; not to be believed without `bound`; with the turn */
	struct cache refuted; /* what of it was found to be wrong; with the turn */
	bool warm_loaded;     /* it has been looked for */
	bool warm_tried;      /* directories were taken from it, or could not be */
	bool bind_tried;      /* the ends of certificates were compared */
	uint64_t bound;       /* its certificates that are bound to this card, by place; with the turn */
	bool dirty;           /* something public was read that the disk does not have */
	bool names_tried;     /* the directories that labels are made of were read, or cannot be */
	bool logged_in;
	bool verified;      /* as far as we know the card still is; with the turn */
	struct secret pin;  /* while logged in: to re-establish it after a foreign reset */
	uint64_t pin_good;  /* when it was last found right (pin_watch.h) */
	int tries_left;     /* as of the last VERIFY; -1: not known to be low */
};

void token_init(struct token *t);

/*
 * Forgets everything. Handles stay unique. The card is handed over, for
 * card_free() without the lock.
 */
struct card *token_clear(struct token *t);

/* A card that was recognised: what is known of all of its kind is known of it. Takes the lock. */
void token_take_card(struct token *t, struct card *card);

/* Sets t->can_login anew. Takes the lock, wants the turn; talks to no card. */
void token_look_for_login(struct token *t);

/* Reads the token data once per insertion. Talks to the card the first time. */
MUST_USE enum result token_read_data(struct token *t);

/*
 * Reads no more than what data.serial wants; once between two resets, and what
 * was known is compared. RESULT_CARD_REMOVED: it is another card by now. Talks
 * to the card.
 */
MUST_USE enum result token_read_number(struct token *t);

/* Reads a directory once per insertion and gives its objects handles. Talks to the card. */
MUST_USE enum result token_load(struct token *t, enum p15_class kind);

/*
 * Reads the directories of certificates and public keys, for labels by holder.
 * One that is damaged is left out; with any other error names_tried is not set,
 * and they are read again next time. Talks to the card.
 */
MUST_USE enum result token_load_names(struct token *t);

/* ---- session objects (object_table.c) ---- */

/*
 * Makes a session object with a copy of the attributes. Owner 0: it is the
 * token's own. RESULT_QUOTA: there are too many.
 */
MUST_USE enum result token_add_session_object(struct token *t, const struct store *attributes,
					      CK_SESSION_HANDLE owner, CK_OBJECT_HANDLE *handle);
void token_remove_session_object(struct token *t, struct object *o);

/* Gives the object a copy of other attributes. RESULT_QUOTA. */
MUST_USE enum result token_change_session_object(struct token *t, struct object *o,
						 const struct store *attributes);

/* RESULT_QUOTA if an object of the attributes would be too much. */
MUST_USE enum result token_has_room(const struct token *t, const struct store *attributes);

/* The oldest object of the class; class_next leads to the others. NULL: there is none. */
struct object *token_session_objects(const struct token *t, CK_OBJECT_CLASS klass);

/*
 * Ends the session objects of one session, or (owner 0) all, or all private
 * ones. Costs as much as there are of that owner.
 */
void token_end_session_objects(struct token *t, CK_SESSION_HANDLE owner, bool only_private);

/* ---- all objects ---- */

/* NULL: no such handle, or a private object without login. */
struct object *token_object(struct token *t, CK_OBJECT_HANDLE handle);

/* The certificate's or data object's bytes, read once. Talks to the card the first time. */
MUST_USE enum result token_read_value(struct token *t, struct object *o);

/*
 * The public half of a key, read once. Talks to the card the first time.
 * RESULT_NOT_FOUND: the card has it not, or not in a form we know. *out: on RESULT_OK only.
 */
MUST_USE enum result token_public_key(struct token *t, const struct object *key,
				      const struct rsa_public **out);

/* The handles of one list die; the records stay. Under the lock. */
void token_drop_objects(struct token *t, struct object_list *list);

/* Frees what was computed from the public keys. */
void token_forget_checks(struct token *t);

/* True if the value is in memory: then reading it touches no card. */
bool token_has_value(const struct token *t, const struct object *o);

/* True if the public key is in memory and may be shown and used. */
bool token_has_public_key(const struct token *t, const struct object *key);

/*
 * The public half as far as it is known, to check a private operation's result
 * and for nothing else: it may come unproven from the disk cache. NULL: not
 * known. Talks to no card, wants the turn.
 */
const struct rsa_public *token_key_for_check(struct token *t, const struct object *key);

/*
 * A result did not fit that: it is not believed any more, wherever it came
 * from. What was read from the card may have been read wrong, and is read again.
 */
void token_doubt_key(struct token *t, const struct object *key);

/*
 * One VERIFY. RESULT_PIN_LENGTH is answered before anything is sent. *tries:
 * left as the card told, or -1. Talks to the card.
 */
MUST_USE enum result token_login(struct token *t, const uint8_t *pin, size_t len, int *tries);

/*
 * A new PIN for the old one, or for the unblocking code. Errors of
 * card_check_new_pin() come before anything is sent. Nothing on the card
 * counts as verified afterwards: without a login it is reset when the turn
 * ends; a login keeps the new PIN and gives it when it is needed next, or it
 * ends, where the PIN that it keeps is wrong or may be. *tries: left, of the
 * PIN or of the code, as the card told, or -1. Talks to the card.
 */
MUST_USE enum result token_change_pin(struct token *t, const uint8_t *old, size_t old_len,
				      const uint8_t *new, size_t new_len, int *tries);
MUST_USE enum result token_unblock_pin(struct token *t, const uint8_t *code, size_t code_len,
				       const uint8_t *new, size_t new_len, int *tries);

/*
 * Wipes the PIN, takes the private objects away. Takes the lock, wants the
 * turn. The card itself is reset when the turn ends: token_wants_reset().
 */
void token_logout(struct token *t);

/*
 * The one rule for who may find the card verified: true when a VERIFY went
 * out, and nobody is logged in (any more), or verified-state = operation.
 */
bool token_wants_reset(const struct token *t);

/* It was reset, by us. */
void token_was_reset(struct token *t);

/*
 * Is the result the one of the key's private half? Checked with the public key
 * of its record, or with the certificate of the same id; read if they must be.
 * RESULT_BAD_SIGNATURE: no. RESULT_NOT_FOUND: the card has neither. Any other
 * error: they could not be read. Talks to the card.
 */
MUST_USE enum result token_check_private_op(struct token *t, const struct object *key,
					    const uint8_t in[CARD_MODULUS_SIZE],
					    const uint8_t out[CARD_MODULUS_SIZE]);

/*
 * The private operation of a key of the card, its result checked against the
 * public key where that is readable. After a foreign reset the login is
 * re-established once; when that fails it is dropped (RESULT_SECURITY_STATUS).
 * `any_block`: the caller's block may not be below the modulus, as a padded one
 * always is; RESULT_OUT_OF_RANGE then.
 */
MUST_USE enum result token_private_op(struct token *t, const struct object *key, bool any_block,
				      const uint8_t in[CARD_MODULUS_SIZE],
				      uint8_t out[CARD_MODULUS_SIZE]);

/* ---- what the PIN opens ---- */

/* `last`: the PIN was just given, and the job is not done again. */
typedef enum result token_job(struct token *t, bool last, void *context);

/*
 * Does what only works on a verified card. The kept PIN is given again before
 * it if the card is not known to be verified, or after it if the card refused
 * it for want of the PIN; then it is done once more. So a job is done twice at
 * the most, and there is one VERIFY at the most. What the job answers;
 * RESULT_SECURITY_STATUS: nobody is logged in, or the login ended. Talks to
 * the card.
 */
MUST_USE enum result token_with_pin(struct token *t, token_job *job, void *context);

/*
 * What follows from such a job's result for the login: after an answer that
 * makes no sense nothing about the card's state is certain, and it ends.
 */
void token_after_pin(struct token *t, enum result r);

/* ---- the data area's records as objects (area_objects.c) ---- */

#define TOKEN_RECORD_LABEL "SNO " /* and the service number in decimal */
#define TOKEN_RECORD_APPLICATION "data area"

/* A data object for each record, and for those that are one an attribute certificate. */
struct area_objects {
	uint32_t sno;
	struct p15_object data_record, certificate_record; /* what the card would say of them */
	struct object data, certificate; /* a handle 0: it is none, or was not read yet */
	bool judged;                     /* it was read for whether it is a certificate */
	struct area_objects *prev, *next;
};

/* The area in this transaction; read if it must be. A job. */
MUST_USE enum result token_open_area(struct token *t);

/* What is known of the area ends, with the transaction in which it was read. */
void token_close_area(struct token *t);

/* What is looked for in the area; the second is the job's own, false at first. */
struct token_records_wanted {
	bool certificates; /* these, too */
	bool pin_wanted;   /* by the card, before the PIN was given again */
};

/*
 * A job, with a struct token_records_wanted. Gives what is in the area handles.
 * A card that has no area, or says twice that we may not read it, has no
 * records: that is no error.
 */
enum result token_load_records(struct token *t, bool last, void *wanted);

/* A job: reads the bytes of a record; of an object of the area. RESULT_SNO_UNKNOWN: it is gone. */
enum result token_read_record(struct token *t, bool last, void *object);

/*
 * A record was written, or (data NULL) deleted: its objects end, or tell the
 * new bytes. The data object keeps its handle. Wants the turn, takes the lock.
 */
void token_record_changed(struct token *t, uint32_t sno, const uint8_t *data, size_t len);

/* The same after a change that failed: if what the area has is not certain, all objects end. */
void token_area_doubtful(struct token *t);

/* The area was made: a card that had none has one. Wants the turn, takes the lock. */
void token_area_made(struct token *t);

/* The handles of the records' objects, of data or of certificates; `out` NULL counts them. Under the lock. */
size_t token_record_handles(const struct token *t, bool certificates, CK_OBJECT_HANDLE *out);

/* One of them; CK_INVALID_HANDLE: there is none, or it is not known yet. Under the lock. */
CK_OBJECT_HANDLE token_record_handle(const struct token *t, uint32_t sno, bool certificate);

/*
 * The objects that a record would be, without handles: to be forgotten after
 * any result. Its certificate has a value if it would be one. Under the lock.
 */
MUST_USE enum result token_imagine_record(const struct token *t, uint32_t sno, const uint8_t *data,
					  size_t len, struct area_objects **out);
void token_forget_imagined(struct token *t, struct area_objects *record);

/* All records' objects end. Under the lock, with the turn. */
void token_drop_records(struct token *t);

/*
 * True if a search for the area's objects needs the card. Under the lock; a
 * card whose certificates say that it is no attached one has no area.
 */
bool token_wants_records(const struct token *t, bool certificates);

#endif
