/*
 * steady_chance.h - the unit tests' random numbers: the same in every run.
 *
 * A random key, challenge or vector looks like something else once in 256
 * runs, and a test that fails for that cannot be run again. OpenSSL's random
 * generator is replaced in every unit test program by a sequence that depends
 * on TWCARD_TEST_SEED (a number; 1 without it) alone. `make check-chances`
 * goes through many seeds.
 *
 * UNIT_CPPFLAGS includes this header in every file: naming the function is
 * what makes the linker take it.
 */
#ifndef TEST_STEADY_CHANCE_H
#define TEST_STEADY_CHANCE_H

/* The seed of this run. */
unsigned long steady_chance_seed(void);

/*
 * Other numbers from here on, by this name. For what is made once and kept for
 * all programs: two of them would make two cards with the same key.
 */
void steady_chance_for(const char *name);

/*
 * The numbers of this name and the seed, whatever was drawn before: for a case that is run alone,
 * too. "" is as in a new program.
 */
void steady_chance_from(const char *name);

__attribute__((used)) static unsigned long (*const steady_chance_linked)(void) = steady_chance_seed;

#endif
