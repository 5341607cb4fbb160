/*
 * internal.h - shared between the files of the virtual card only.
 *
 * External names start with vc_: test programs link the virtual card and the
 * card library together, and neither may take the other's functions.
 */
#ifndef VCARD_INTERNAL_H
#define VCARD_INTERNAL_H

#include "vcard.h"

#include <openssl/evp.h>

/* ---- status words (ISO 7816-4) --------------------------------------------- */

enum {
	SW_OK = 0x9000,
	SW_END_OF_FILE = 0x6282,
	SW_AUTH_FAILED = 0x6300,
	SW_PIN_WRONG = 0x63C0, /* plus the tries left */
	SW_MEMORY_FAILURE = 0x6581,
	SW_WRONG_LENGTH = 0x6700,
	SW_WRONG_FILE_TYPE = 0x6981,
	SW_SECURITY_STATUS = 0x6982,
	SW_BLOCKED = 0x6983,
	SW_CONDITIONS = 0x6985,
	SW_NO_EF = 0x6986,
	SW_SM_DATA = 0x6988,
	SW_WRONG_DATA = 0x6A80,
	SW_FILE_NOT_FOUND = 0x6A82,
	SW_NO_MEMORY = 0x6A84,
	SW_FILE_EXISTS = 0x6A89,
	SW_RECORD_NOT_FOUND = 0x6A83,
	SW_WRONG_P1P2 = 0x6A86,
	SW_NO_REFERENCE = 0x6A88,
	SW_WRONG_OFFSET = 0x6B00,
	SW_WRONG_LE = 0x6C00, /* plus the right Le */
	SW_WRONG_INS = 0x6D00,
	SW_WRONG_CLA = 0x6E00,
	SW_MORE_DATA = 0x6100 /* plus the length */
};

/* ---- file system ------------------------------------------------------------- */

enum vc_file_kind { VC_DF, VC_TRANSPARENT, VC_RECORDS };

/* When a file lets something be done to it (ISO 7816-4, compact security conditions). */
enum { VC_ALWAYS = 0x00, VC_AFTER_PIN = 0x10, VC_AFTER_ISSUER = 0x20, VC_NEVER = 0xFF };

struct vc_access {
	bool own;           /* false: personalised; read by all, changed by none */
	uint8_t remove;
	uint8_t change;     /* EF: update; DF: make files in it */
	uint8_t read;       /* EF: read; DF: delete what is in it */
};

struct vc_file {
	uint16_t fid;
	enum vc_file_kind kind;
	struct vc_file *parent;
	struct vc_file *children; /* DF: first child */
	struct vc_file *next;     /* next child of the same parent */
	uint8_t *data;            /* EF: owned */
	size_t len;
	struct vc_access access;
};

enum {
	FID_MF = 0x3F00,
	FID_APPLET = 0x7FFF,
	FID_DIR = 0x2F00,
	FID_CARD_DATA = 0x0900,
	FID_CARD_NUMBER = 0x0903,
	FID_OS_TEXT = 0x0905,
	FID_PKI = 0x5030,
	FID_TOKEN_INFO = 0x5032,
	FID_PRKDF = 0x4100,
	FID_PUKDF = 0x4101,
	FID_CDF = 0x4104,
	FID_DODF = 0x4107,
	FID_AODF = 0x4108,
	FID_CERTS = 0x08F2,
	FID_ATTRIBUTE_CERTS = 0x08F3, /* assumed */
	FID_DATA = 0x0870,
	FID_KEYS = 0x0810,
	FID_PUBLIC_KEYS = 0x0811
};

enum { VC_FILE_MAX = 0x8000 }; /* a 15-bit offset reaches no further */

/* NULL without memory, or when the name is taken. `parent` NULL makes a root. */
struct vc_file *vc_fs_add(struct vc_file *parent, uint16_t fid, enum vc_file_kind kind);
/* Out of the tree, and to the end of a directory of it. */
void vc_fs_take(struct vc_file *file);
void vc_fs_give(struct vc_file *parent, struct vc_file *file);
/* True when `file`, which may be NULL, is `top` or lies below it. */
bool vc_fs_within(const struct vc_file *file, const struct vc_file *top);
/* Frees the file with all in it and unlinks it from its parent. */
void vc_fs_remove(struct vc_file *file);
struct vc_file *vc_fs_child(const struct vc_file *df, uint16_t fid);
/* "3F00/5030": NULL when there is no such file. */
struct vc_file *vc_fs_path(struct vc_file *root, const char *path);
/* Copies data into an EF; false without memory or above VC_FILE_MAX. */
bool vc_fs_set(struct vc_file *file, const uint8_t *data, size_t len);
/* A fixed-size EF: `data` and then padding. False when it does not fit. */
bool vc_fs_set_padded(struct vc_file *file, const uint8_t *data, size_t len, size_t size, uint8_t pad);
/* Path of a file, for the image; `size` at least VC_PATH_MAX. */
enum { VC_PATH_MAX = 64, VC_DEPTH_MAX = 8 };
bool vc_fs_name(const struct vc_file *file, char *path, size_t size);

/* ---- commands ---------------------------------------------------------------- */

struct vc_apdu {
	uint8_t cla, ins, p1, p2;
	const uint8_t *data; /* lc bytes, in the caller's command */
	size_t lc;
	bool has_le;
	unsigned le; /* 1 to 256 when has_le */
};

struct vc_reply {
	uint8_t data[256];
	size_t len;
	uint16_t sw;
};

/* False for anything that is no short APDU. */
bool vc_apdu_parse(const uint8_t *cmd, size_t len, struct vc_apdu *apdu);
/* Sets data and 9000; len at most 256. */
void vc_reply_data(struct vc_reply *reply, const uint8_t *data, size_t len);

/* ---- the card ------------------------------------------------------------------ */

enum {
	VC_PIN_MIN = 6,
	VC_PIN_MAX = 8,
	VC_PIN_BLOCK = 10, /* the PIN padded with FF */
	VC_BLOCK = 256,    /* RSA-2048 */
	VC_HALF = 128,
	VC_KEYS = 3
};

#define VC_UNBLOCK_CODE "87654321" /* unless another is given */
/* A test key that is known to all (GlobalPlatform's): 40 to 4F. */
#define VC_ISSUER_KEY "@ABCDEFGHIJKLMNO"

struct vc_key {
	uint8_t ref;
	EVP_PKEY *pkey;
};

/* The parts of a private operation that live between its commands. */
struct vc_keyop {
	bool have_half;
	uint8_t half_ref;
	uint8_t half[VC_HALF];
	bool have_result;
	uint8_t result[VC_BLOCK];
};

/* SCP03, card side. */
struct vc_scp {
	bool initialised; /* INITIALIZE UPDATE done, EXTERNAL AUTHENTICATE next */
	bool open;
	uint8_t s_enc[16], s_mac[16];
	uint8_t chaining[16];
	uint8_t host_cryptogram[8];
	uint32_t counter;
};

enum vc_application { VC_APP_NONE, VC_APP_PKI, VC_APP_KEY_INFO, VC_APP_ISSUER };

/* All that reset and power-off forget. */
struct vc_session {
	bool powered;
	bool mute;
	struct vc_file *df; /* current DF; NULL on gen 2 without the applet */
	struct vc_file *ef; /* current EF or NULL */
	bool verified;
	struct vc_keyop keyop;
	enum vc_application application; /* gen 2 */
	bool df_in_channel;              /* the DF was selected inside the channel */
	bool issuer;                     /* the issuer has authenticated himself */
	uint8_t challenge[VCARD_CHALLENGE_LEN]; /* good as long as its age is not 0 */
	unsigned challenge_age;
	struct vc_scp scp;
	uint8_t more[256];               /* waits for GET RESPONSE */
	size_t more_len;
};

struct vc_fault {
	unsigned nth; /* 0: none */
	enum vcard_fault_kind kind;
	uint16_t sw;
};

struct vcard {
	int generation;
	uint8_t atr[VCARD_ATR_MAX];
	size_t atr_len;
	struct vc_file *root;
	struct vc_key keys[VC_KEYS];
	char pin[VC_PIN_MAX + 1];
	unsigned tries;
	char unblock_code[VC_PIN_MAX + 1];
	unsigned unblock_tries;
	uint8_t issuer_key[VCARD_ISSUER_KEY_LEN];
	unsigned issuer_tries;
	bool tear; /* the write at hand is cut in the middle */
	char number[17];
	enum vcard_ca ca;
	char *holder;
	uint8_t cin[VCARD_CIN_LEN];
	uint8_t master_key[VCARD_MASTER_KEY_LEN];
	bool fixed_challenge;
	uint8_t challenge[VCARD_CHALLENGE_LEN];
	struct vcard_behaviour behaviour;
	char *path; /* image, or NULL */
	struct vc_session session;
	struct vcard_stats stats;
	struct vc_fault fault;
	vcard_trace_fn *trace;
	void *trace_context;
};

/* An empty card without files. */
struct vcard *vc_card_new(int generation);

/* One per generation: a parsed command in, an answer out. */
void vc_gen1_command(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply);
void vc_gen2_command(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply);

/* ---- shared by both generations (command.c) ------------------------------------ */

/* `guarded`: it came where the PIN counts: anywhere on gen 1, in the channel on gen 2. */
void vc_read_binary(struct vcard *card, const struct vc_apdu *apdu, bool guarded,
    struct vc_reply *reply);
/* DF 5030/0810, where PIN and keys live, is current. */
bool vc_in_key_df(const struct vcard *card);
/* Raw private operation in two halves; the caller has checked DF and PIN. */
void vc_private_half(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply);
void vc_private_rest(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply);
void vc_keyop_clear(struct vc_keyop *keyop);
void vc_get_challenge(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply);

/* ---- files that are made, written and deleted (writing.c) ------------------------ */

/* 9000, or what refuses it: 6982, 6983. */
uint16_t vc_permits(const struct vcard *card, uint8_t condition, bool guarded);
/* Out of the session, before the file goes. */
void vc_deselect(struct vcard *card, const struct vc_file *file);
/*
 * UPDATE BINARY, CREATE FILE, DELETE FILE, EXTERNAL AUTHENTICATE of the issuer,
 * where the PIN counts. What they change is in the image before the answer, or
 * did not happen. False: it is another command.
 */
bool vc_writing_command(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply);
bool vc_is_writing(uint8_t ins);

/* ---- PIN (pin.c) ------------------------------------------------------------------ */

bool vc_pin_valid(const char *pin);
/* Compares a padded block and answers 9000, 63Cx, 6983 or 6581. */
uint16_t vc_pin_check(struct vcard *card, const uint8_t block[VC_PIN_BLOCK]);
/* Takes a try without a comparison; answers `sw`, or 6983 when locked. */
uint16_t vc_pin_refuse(struct vcard *card, uint16_t sw);
/* The same for the unblocking code's own counter. */
uint16_t vc_code_refuse(struct vcard *card, uint16_t sw);
/*
 * Both take two padded blocks: old PIN or unblocking code, and new PIN. They
 * answer as vc_pin_check(), or 6A80 for a new PIN that cannot be one.
 */
uint16_t vc_pin_change(struct vcard *card, const uint8_t blocks[2 * VC_PIN_BLOCK]);
uint16_t vc_pin_unblock(struct vcard *card, const uint8_t blocks[2 * VC_PIN_BLOCK]);
/*
 * Undoes the gen-1 protection of `count` blocks, 1 or 2; false when length,
 * padding or MAC is wrong.
 */
bool vc_pin_unprotect(const uint8_t *data, size_t len, uint8_t *blocks, size_t count);

/* 3DES-CBC with a key of 16 bytes; whole blocks, no padding. */
bool vc_des_cbc(const uint8_t *key, bool encrypt, const uint8_t *iv, const uint8_t *in, size_t len,
    uint8_t *out);

/* ---- SCP03 (scp03.c) ---------------------------------------------------------------- */

/* Both also end an open channel. The reply has its status word. */
void vc_scp_initialize(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply);
void vc_scp_authenticate(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply);
/*
 * Checks and decrypts a command that came inside the channel. `plain` gets
 * the logical command, its data in `buffer` (255 bytes). False closes the
 * channel.
 */
bool vc_scp_unwrap(struct vcard *card, const struct vc_apdu *apdu, struct vc_apdu *plain,
    uint8_t buffer[255]);
void vc_scp_close(struct vcard *card);

/* ---- personalisation (pki.c, p15.c, personalise.c) ----------------------------------- */

struct vc_pki {
	EVP_PKEY *root_key, *ca_key;
	EVP_PKEY *keys[VC_KEYS]; /* SIGN, KEYX, SIGN02 */
	X509 *certs[4];          /* in the order of enum vcard_cert */
};

/* Options with every default filled in. */
struct vc_person {
	const struct vcard_options *options;
	enum vcard_ca ca;
	enum vcard_rank rank;
	const char *name;
	const char *id;
	const char *number;
};

bool vc_pki_make(const struct vc_person *person, struct vc_pki *pki, char *err, size_t errlen);
void vc_pki_clear(struct vc_pki *pki);

enum { VC_CERT_SLOT = 0x700, VC_CERTS = 4 };

/* A growing byte string for DER; `failed` sticks. */
struct vc_der {
	uint8_t *data;
	size_t len, cap;
	bool failed;
};

/* The files' contents without padding; `root` is the first two path bytes. */
void vc_p15_dir(struct vc_der *out, const uint8_t *root);
void vc_p15_token_info(struct vc_der *out, const char *number);
void vc_p15_private_keys(struct vc_der *out, const uint8_t *root);
void vc_p15_public_keys(struct vc_der *out, const uint8_t *root);
void vc_p15_certificates(struct vc_der *out, const uint8_t *root, X509 *const certs[VC_CERTS]);
/* One record more in that directory: an attribute certificate of len bytes. */
void vc_p15_attribute_certificate(struct vc_der *out, const uint8_t *root, size_t len);
/* Two objects of these lengths, one after the other in EF 0870. */
void vc_p15_data_objects(struct vc_der *out, const uint8_t *root, size_t first, size_t second);
void vc_p15_authentication(struct vc_der *out, const uint8_t *root);
void vc_der_clear(struct vc_der *der);

extern const uint8_t vc_key_refs[VC_KEYS];

/* ---- image, trace, small things ------------------------------------------------------- */

/* Saves to the card's own path; true when it has none. */
bool vc_image_update(struct vcard *card);

void vc_trace_atr(struct vcard *card);
void vc_trace_command(struct vcard *card, const uint8_t *cmd, size_t len);
/* `cmd` says what in the answer is secret. */
void vc_trace_answer(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
    const uint8_t *resp, size_t len);

void vc_error(char *err, size_t errlen, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* `hex` gets 2 * len digits and a NUL. */
void vc_hex(const uint8_t *data, size_t len, char *hex);
/* An even number of hex digits, nothing else, at most `cap` bytes. */
bool vc_unhex(const char *hex, uint8_t *data, size_t cap, size_t *len);

/* Ends the session: what reset does to everything but power. */
void vc_session_clear(struct vcard *card);

#endif
