/*
 * What tests of second-generation cards add to testcard.h: such a card in the
 * reader, a key set and a configuration of the test's own, the ways in which
 * the card may behave, and a record of the commands it gets.
 */
#ifndef TESTS_GEN2CARD_H
#define TESTS_GEN2CARD_H

#include "testcard.h"

#include <openssl/types.h>

#define GEN2_MASTER_KEY "000102030405060708090A0B0C0D0E0F"
#define GEN2_AID "A000000283FF088692535389C00014"
#define GEN2_KEYSET                                                                                \
	"profile = gppki\nmaster-key = " GEN2_MASTER_KEY "\ndiversification-aid = " GEN2_AID "\n"

/* ---- the test's own folder: configuration, key sets, log ---- */

/* Makes it, points TWCARD_CONF and TWCARD_DEBUG_FILE into it; gone at exit. */
void home_make(void);
/* The path of a file in it; valid for the next 30 calls. */
const char *home_path(const char *name);
/* Writes a file with this mode, in place of one that is there. */
void home_write(const char *name, const char *text, unsigned mode);
void home_write_bytes(const char *name, const void *data, size_t len, unsigned mode);
void home_remove(const char *name);

/* A good key set in the one directory that the configuration names. */
void keyset_install(void);
/* No file there, or another text. */
void keyset_remove(void);
void keyset_replace(const char *text);

/* The module's log since log_clear(); valid until the next call. Level: TWCARD_DEBUG's words. */
const char *log_text(void);
void log_clear(void);
void log_level(const char *word);

/* ---- the card ---- */

/* As testcard_load(), of the second generation. */
struct vcard *gen2_load(void);
struct vcard *gen2_load_other(void);

/* The four ways of which real cards are not known to have any: 16 combinations. */
enum {
	WAY_PLAIN_ENDS_CHANNEL = 1,
	WAY_PIN_LOST = 2,
	WAY_SELECT_61 = 4,
	WAY_READ_MAX = 8,
	WAYS = 16,
	WAY_READ_END = 16 /* times an enum vcard_read_end: what gen 1 has, too */
};
void gen2_behave(struct vcard *card, unsigned ways);
/* "plain-ends-channel,select-61"; valid until the next call. */
const char *gen2_ways_text(unsigned ways);

/* Like bench_setup() and the others; log level debug, key set installed. */
int gen2_setup(void **state);
int gen2_setup_session(void **state);
int gen2_setup_login(void **state);
/* bench_teardown(), and no command was sent that this generation must not get. */
int gen2_teardown(void **state);

#define GEN2_TEST(f) cmocka_unit_test_setup_teardown(f, gen2_setup, gen2_teardown)
#define GEN2_SESSION_TEST(f) cmocka_unit_test_setup_teardown(f, gen2_setup_session, gen2_teardown)
#define GEN2_LOGIN_TEST(f) cmocka_unit_test_setup_teardown(f, gen2_setup_login, gen2_teardown)

/* ---- what a reader's card was sent ---- */

#define STREAM_MAX 6000

struct stream {
	struct {
		uint8_t bytes[8]; /* the first ones */
		size_t len;       /* of the whole command */
	} commands[STREAM_MAX];
	size_t count;
};

/* Records from now on; the stream must live as long. */
void stream_start(const char *reader, struct stream *stream);
/* How many commands have this class and instruction; -1 is any. */
size_t stream_count(const struct stream *stream, int cla, int ins);
/* Fails the test if the other generation's commands are in it. */
void assert_only_generation(const struct stream *stream, int generation);

/* ---- results ---- */

unsigned verifies(struct vcard *card);

/* A signature with any mechanism; sig has 256 bytes. */
CK_RV sign_with(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_MECHANISM *mechanism,
		const void *data, size_t len, unsigned char *sig);
/* What OpenSSL thinks of it: PKCS#1 v1.5, or PSS with the hash's length of salt. */
bool is_signature_with(struct vcard *card, unsigned key_ref, const EVP_MD *md, bool pss,
		       const void *data, size_t len, const unsigned char *sig);
/* PKCS#1 v1.5 encryption to a key of the card; out has 256 bytes. */
void encrypt_to(struct vcard *card, unsigned key_ref, const char *text, unsigned char *out);
CK_RV decrypt_pkcs(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const unsigned char *in,
		   unsigned char *out, CK_ULONG *out_len);

#endif
