/* What the files of profiles/ share. */
#ifndef TWCARD_PROFILES_INTERNAL_H
#define TWCARD_PROFILES_INTERNAL_H

#include "profiles/card.h"
#include "profiles/provenance.h"

struct card {
	struct channel *channel; /* owned */
	const struct card_profile *profile;
	struct card_options options;
	void *state;             /* the profile's own; released by profile->release */
	struct buffer number;    /* EF 0903, once read; another card could answer after a reset */
	unsigned read_size;      /* bytes one READ BINARY asks for; shrinks when the card gives less */
	unsigned read_max;       /* what it was at first, and is again after a while */
	unsigned full_reads;     /* whole answers since it shrank … */
	unsigned grow_after;     /* … and how many of them make it grow */
	/*
	 * The directory that is selected. `known` only holds inside one
	 * transaction: between two, another program may have selected elsewhere.
	 */
	struct card_path current;
	bool known;
	uint16_t file;           /* the elementary file selected in it; 0: none */
	unsigned file_size;      /* bytes, if its FCP told; only a hint: 0 if not known */
	bool warned;             /* the last SELECT was answered with a warning and no template … */
	bool warns;              /* … and that is this card's way: seen twice in a row */
	/*
	 * The key directory was selected last by us; kept across transactions. A
	 * private operation may try on this belief, because the card refuses it
	 * anywhere else.
	 */
	bool at_keys;
	/*
	 * The files at hand have access rules: their commands go where the PIN was
	 * given. What was selected there and what was selected plainly are two
	 * things. guarded.c sets it, for the time of one call.
	 */
	bool guarded;
	bool selected_guarded; /* how `current` was selected */
};

/* A PIN, and what gives the right to set it: the old one, or the unblocking code. Not owned. */
struct new_pin {
	const uint8_t *right;
	size_t right_len;
	const uint8_t *pin;
	size_t pin_len;
};

/*
 * One card application. A NULL operation is "not supported"; marks[] says for
 * each operation, present or not, how well its form is known.
 */
struct card_profile {
	const char *name;
	const char *cards; /* which cards carry it, for people */
	enum provenance marks[OP_COUNT];
	size_t pin_min, pin_max; /* bytes */
	int pin_tries;
	uint8_t cla;             /* of plain commands */
	uint8_t get_response_cla;
	bool keys_readable_any_time; /* reading records costs no verified state */

	/* A guess from the ATR: which profile is asked first. */
	bool (*atr_hint)(const uint8_t *atr, size_t len);
	/*
	 * Is this the card? RESULT_UNKNOWN_CARD, a refusal, or an answer of the
	 * wrong form: no, if the card says so twice (card.c). Sets card->state if
	 * it wants one.
	 */
	enum result (*probe)(struct card *card);
	enum result (*read_token)(struct card *card, struct token_data *out);
	enum result (*select_root)(struct card *card);
	/* RESULT_NOT_FOUND: 6A82 and nothing else, see status_select_result(). */
	enum result (*select_child)(struct card *card, uint16_t fid);
	enum result (*read_public_key)(struct card *card, unsigned key_ref, struct rsa_public *out);
	enum result (*verify_pin)(struct card *card, const uint8_t *pin, size_t len, int *tries);
	/* A new PIN, for the old one or for the unblocking code. */
	enum result (*change_pin)(struct card *card, const struct new_pin *pins, int *tries);
	enum result (*unblock_pin)(struct card *card, const struct new_pin *pins, int *tries);
	enum result (*private_op)(struct card *card, unsigned key_ref,
				  const uint8_t in[CARD_MODULUS_SIZE],
				  uint8_t out[CARD_MODULUS_SIZE]);
	/* Files with access rules: those of guarded.c, or NULL. */
	enum result (*get_challenge)(struct card *card, uint8_t out[CARD_CHALLENGE_SIZE]);
	enum result (*authenticate_issuer)(struct card *card,
					   const uint8_t cryptogram[CARD_CRYPTOGRAM_SIZE]);
	enum result (*update_binary)(struct card *card, unsigned offset, const uint8_t *data,
				     size_t len);
	enum result (*create_file)(struct card *card, uint16_t fid, unsigned size);
	enum result (*delete_file)(struct card *card, uint16_t fid);
	/*
	 * The channel that their commands, SELECT and READ BINARY too, go through;
	 * NULL: they go plainly. RESULT_SECURITY_STATUS: it is not open.
	 */
	enum result (*send_guarded)(struct card *card, const struct command *cmd,
				    struct response *resp);
	/* The card lost its state: reset, by others or by us. */
	void (*forget)(struct card *card);
	/* Releases card->state. */
	void (*release)(struct card *card);
	/* Is what VERIFY takes beside the PIN installed? NULL: it takes nothing. */
	bool (*can_login)(const struct card *card);
	/* Is what the PIN opened known to be closed? */
	bool (*wants_pin_again)(const struct card *card);
};

/* The profiles in probing order, NULL at the end: see registry.c for the reasons. */
extern const struct card_profile *const card_profiles[];
extern const struct card_profile profile_hicos_v3;
extern const struct card_profile profile_gppki;

/* The file identifiers that both generations use (facts: gen 1, file system). */
#define FID_CARD_DATA 0x0900
#define FID_CARD_NUMBER 0x0903
#define FID_CARD_OS 0x0905
#define FID_PKI 0x5030
#define FID_TOKEN_INFO 0x5032
#define FID_DIRECTORIES 0x4100 /* plus the ODF context tag of the kind */
#define FID_KEYS 0x0810
#define FID_PUBLIC_KEYS 0x0811

extern const struct card_path path_keys;        /* 5030/0810 */
extern const struct card_path path_public_keys; /* 5030/0810/0811 */

/* ---- files.c: over the profile's select and READ BINARY ---- */

/* Selects the directory, with as few commands as what is known allows. */
MUST_USE enum result files_enter(struct card *card, const struct card_path *dir);
/* Selects an elementary file: its directory first. */
MUST_USE enum result files_select(struct card *card, const struct card_path *file);
/* Appends exactly length bytes of the file. RESULT_END_OF_FILE: it is shorter. */
MUST_USE enum result files_read(struct card *card, const struct card_path *file, unsigned offset,
				unsigned length, struct buffer *out);
/* Appends the first `most` bytes of the file, or all if it is shorter. */
MUST_USE enum result files_read_start(struct card *card, const struct card_path *file,
				      unsigned most, struct buffer *out);
/*
 * Appends the records of a directory file, without the padding.
 * RESULT_NOT_FOUND: the directory above it was there, and the card said twice
 * that this file is not; whatever else was not found is another error.
 */
MUST_USE enum result files_read_directory(struct card *card, const struct card_path *file,
					  struct buffer *out);
/* Appends the whole of a file: the one BER-TLV object that it holds, else all bytes. */
MUST_USE enum result files_read_object(struct card *card, const struct card_path *file,
				       struct buffer *out);
/* It has turned out that this directory is selected. */
void files_at(struct card *card, const struct card_path *dir);
/* Nothing is known any more about what is selected. */
void files_forget(struct card *card);

/* ---- guarded.c: the commands on files with access rules, of both generations ---- */

/* Through the profile's channel, or plainly. */
MUST_USE enum result guarded_send(struct card *card, const struct command *cmd,
				  struct response *resp);
MUST_USE enum result guarded_get_challenge(struct card *card, uint8_t out[CARD_CHALLENGE_SIZE]);
MUST_USE enum result guarded_authenticate(struct card *card,
					  const uint8_t cryptogram[CARD_CRYPTOGRAM_SIZE]);
/* One command, on the file that is selected. */
MUST_USE enum result guarded_update_binary(struct card *card, unsigned offset, const uint8_t *data,
					   size_t len);
/* In the directory that is selected; size 0: a directory. */
MUST_USE enum result guarded_create_file(struct card *card, uint16_t fid, unsigned size);
MUST_USE enum result guarded_delete_file(struct card *card, uint16_t fid);

/* ---- private_op.c ---- */

/* How a card's command goes out: plainly, or in its secure channel. */
typedef enum result (*card_send)(struct card *card, const struct command *cmd,
				 struct response *resp);

/* The private operation in three commands; second_le: what the second one asks for (0: no Le). */
MUST_USE enum result private_op_in_halves(struct card *card, card_send send, unsigned second_le,
					  unsigned key_ref, const uint8_t in[CARD_MODULUS_SIZE],
					  uint8_t out[CARD_MODULUS_SIZE]);

/* ---- token_info.c ---- */

/*
 * Token data from EF 0903 (number) and 5032 (TokenInfo); the model is the
 * profile's own business. A TokenInfo that cannot be read costs label and
 * manufacturer only: the names all these cards carry are put there.
 */
MUST_USE enum result token_info_read(struct card *card, struct token_data *out);

/*
 * The card's number into card->number, and as text to out (size bytes).
 * `again`: from the card, also if it is there already. RESULT_BAD_DATA: it was
 * not sixteen letters and digits, and not the same when it was read once more.
 */
MUST_USE enum result token_info_read_number(struct card *card, bool again, char *out, size_t size);

/* Does this look like what the file should hold? */
typedef bool looks_right(const struct buffer *content);

/*
 * As token_info_card_file(), into an empty buffer. What does not look right is
 * read once more, and believed if it is right now or the same again.
 */
MUST_USE enum result token_info_believed_file(struct card *card, uint16_t fid, unsigned want,
					      looks_right *is_right, struct buffer *out);

/* The first `want` bytes of an EF under DF 0900, or all if it is shorter. */
MUST_USE enum result token_info_card_file(struct card *card, uint16_t fid, unsigned want,
					  struct buffer *out);

#endif
