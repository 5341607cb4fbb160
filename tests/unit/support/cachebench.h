/*
 * What tests of the disk cache need: a card of either generation in the
 * reader, a cache folder of the test's own, and programs that follow each
 * other. "The next program" is a new life of the module in this process.
 */
#ifndef TESTS_CACHEBENCH_H
#define TESTS_CACHEBENCH_H

#include "ck_objects.h"
#include "gen2card.h"

#define FOLDER "xdg/twcard"
#define FILE_MAX 65536
#define WARM_LIST 12 /* commands for a list of all objects, the promise */

extern int generation; /* of the card in the test that runs */

/* A further copy of the card: same number, same keys. */
struct vcard *cache_card(void);
/* The name of a card's file, for home_path(). */
const char *file_of(struct vcard *card);
/* The path of a file on a card of this generation: "5030/08F2". Valid until the next call. */
const char *on_card(const char *path);
void configure(const char *cache);
/* The first program, and the next: the card fresh from a reset. */
void begin(void);
void begin_again(void);
/* The next program, with another card in the reader. */
void begin_with(struct vcard *card);
int setup_cold(void **state);

#define BOTH(f) {"generation 1: " #f, f, setup_cold, bench_teardown, (void *)1}, \
		{"generation 2: " #f, f, setup_cold, bench_teardown, (void *)2}
#define FIRST(f) {#f, f, setup_cold, bench_teardown, (void *)1}

/* What pkcs11-tool -O asks of every object but its values. */
size_t list_objects(void);
/* All certificates; fails unless they are those of the card in the bench. */
void read_certificates(void);
/* True if it is that of a key of the card in the bench. */
bool is_modulus(unsigned key_ref, const unsigned char modulus[256]);
/* The modulus of a public key; fails unless it is that of the card in the bench. */
void read_modulus(const char *id, unsigned key_ref);
/* A cache with all in it; the module is in its next life. */
void warm_up(void);
size_t read_cache(const char *name, unsigned char out[FILE_MAX]);

#endif
