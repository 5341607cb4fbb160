/*
 * For tests of whose a file may be, without another user: in a program that
 * links owners.c, fstat() and geteuid() say what was pretended. Without that
 * they say the truth. So the test is the same for root, for anybody, and in a
 * namespace that knows one user only.
 *
 * It is no part of the support library, where every test would get it.
 */
#ifndef TEST_OWNERS_H
#define TEST_OWNERS_H

#include <stdbool.h>
#include <sys/types.h>

/* From now on the file that is now at `path` is this user's. False: there is none. */
bool owners_pretend(const char *path, unsigned long owner);
/* And this process is this user's. */
void owners_be(unsigned long user);
/* The truth again. */
void owners_clear(void);

#endif
