/* What a tool says on standard error, for tests to look at. */
#ifndef TESTS_UNIT_HEAR_H
#define TESTS_UNIT_HEAR_H

/* From now on it is kept, in place of what was kept before. Aborts if it cannot be. */
void hear_begin(void);
/* Gives standard error back. */
void hear_end(void);
/* All of it; stays until the next hear_begin(). */
const char *hear_text(void);

#endif
