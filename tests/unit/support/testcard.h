/*
 * What tests of the module need again and again: a virtual first-generation
 * card in a reader of the PC/SC double, the module initialised, a session,
 * a login, objects by class and id. Failing steps fail the test.
 */
#ifndef TESTS_TESTCARD_H
#define TESTS_TESTCARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/cryptoki.h"
#include "fakepcsc.h"
#include "vcard.h"

#define READER "Virtual Reader 00 00"
#define OTHER_READER "Virtual Reader 01 00"
#define PIN "123456"
#define WRONG_PIN "654321"
#ifndef COUNT
#define COUNT(array) (sizeof(array) / sizeof *(array))
#endif

enum { KEY_SIGN = 0x01, KEY_KEYX = 0x05, KEY_SIGN02 = 0x11 };

/*
 * A card from the cached image: its keys are made once for all test programs.
 * Nothing is written back to the image. Free with vcard_free().
 */
struct vcard *testcard_load(void);
/* The same with another card number. */
struct vcard *testcard_load_other(void);
/* As from the shelf: no fault, three tries, power on. */
void testcard_freshen(struct vcard *card);

/* One reader with a card, one slot, one session: what most tests start from. */
struct bench {
	struct vcard *card;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
};
extern struct bench bench;

/*
 * For cmocka_unit_test_setup_teardown(). A setup leaves a reader with a card
 * and the module initialised; _session adds a session, _login logs in. The
 * teardown finalizes and fails on PC/SC contexts that were left open.
 */
int bench_setup(void **state);
int bench_setup_session(void **state);
int bench_setup_login(void **state);
int bench_teardown(void **state);

/* A test that starts from each of the three. */
#define BENCH_TEST(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
#define SESSION_TEST(f) cmocka_unit_test_setup_teardown(f, bench_setup_session, bench_teardown)
#define LOGIN_TEST(f) cmocka_unit_test_setup_teardown(f, bench_setup_login, bench_teardown)

/* C_Initialize without arguments and C_Finalize, which must work. */
void module_start(void);
void module_stop(void);

/* Rescans and answers the slot of a reader; the reader must have one. */
CK_SLOT_ID slot_of(const char *reader);
CK_SESSION_HANDLE open_session(CK_SLOT_ID slot);
CK_RV login(CK_SESSION_HANDLE session, const char *pin);
CK_FLAGS token_flags(CK_SLOT_ID slot);

/* All objects that match, in order; at most max. */
size_t find_objects(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
		    CK_OBJECT_HANDLE *out, size_t max);
size_t find_class(CK_SESSION_HANDLE session, CK_OBJECT_CLASS klass, CK_OBJECT_HANDLE *out,
		  size_t max);
/* The one object of that class and CKA_ID. */
CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE session, CK_OBJECT_CLASS klass, const char *id);

/* Its length; the value must be there and fit. */
size_t get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		     void *out, size_t max);

/* SHA256-RSA-PKCS over `data` with the key of that id; sig has 256 bytes. */
CK_RV sign_sha256(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const char *data,
		  unsigned char *sig);
/* True if OpenSSL finds such a signature good under the card's key. */
bool is_signature(struct vcard *card, unsigned key_ref, const char *data,
		  const unsigned char *sig);

/* How many files this process has open; they can only be compared. */
unsigned count_open_files(void);

/* A program without standard input: the file that it opens first is number 0. */
int stdin_close(void);
/* With what stdin_close() answered; fails the test if something has that number. */
void stdin_open(int saved);

/* An attribute whose value is a text. */
#define TEXT_ATTRIBUTE(type, text) {(type), (char *)(text), sizeof(text) - 1}

/* A CK_MECHANISM without parameters. */
#define MECHANISM(type) (&(CK_MECHANISM){(type), NULL, 0})

#endif
