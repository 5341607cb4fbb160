/*
 * What was in memory when it was wiped. For programs that are linked with
 * --wrap=OPENSSL_cleanse and --wrap=BN_clear: every wipe is seen; and with
 * --wrap=vcard_transmit: the virtual card's own do not count.
 */
#ifndef TESTS_WIPES_H
#define TESTS_WIPES_H

#include <stddef.h>

/* Forgets what there was, and records from now on. */
void wipes_record(void);
void wipes_stop(void);
/* Also stops. */
void wipes_forget(void);

size_t wipes_count(void);

/* Wipes of exactly that size which began with these bytes. */
unsigned wiped(size_t size, const void *start, size_t len);

/* Wipes of another size than `but` that had these bytes somewhere. */
unsigned wiped_within(size_t but, const void *bytes, size_t len);

#endif
