/*
 * A card with a data area in the reader of the module: what the token layer
 * and Cryptoki make of it. The card is watched (spycard.h).
 */
#ifndef TESTS_AREABENCH_H
#define TESTS_AREABENCH_H

#include "areacard.h"
#include "gen2card.h"
#include "spycard.h"
#include "src/token/data_area.h"

extern struct spy area_spy;
extern struct area_issuer area_issuer;

/* A session with a card that has no area; what changes it is allowed. */
int areabench_first(void **state);
int areabench_second(void **state);
#define AREABENCH_TESTS(f)                                                                         \
	{#f ", generation 1", f, areabench_first, bench_teardown, NULL},                           \
	{#f ", generation 2", f, areabench_second, bench_teardown, NULL}

/* What the module's next life goes by; `more` are further lines of twcard.conf. */
void areabench_configure(const char *allow_unproven, const char *more);

/* The next life of the module, with what the card holds; a session, no login. */
void areabench_again(void);
/* The same, and logged in. */
void areabench_login(void);
/* Logged in, with an empty area. */
void areabench_fresh(void);

/* The bench's. */
struct slot *areabench_slot(void);

/* A call of data_area.h's, its turn ended; bytes of areacard_fill(). */
MUST_USE enum result areabench_write(uint32_t sno, enum area_mode mode, size_t len, unsigned seed);
bool areabench_has(uint32_t sno, size_t len, unsigned seed);

#endif
