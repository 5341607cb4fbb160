/*
 * Functions of libraries that fail when a test wants it: linked with --wrap for
 * each. refused_openssl.c has those of OpenSSL.
 */
#ifndef TESTS_REFUSALS_H
#define TESTS_REFUSALS_H

#include <stdbool.h>

/* The test's: does this call of that function fail? */
bool refusals_now(const char *name);

/* A function that answers `failure` instead of doing anything. */
#define REFUSES(type, failure, name, parameters, arguments)                                        \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return refusals_now(#name) ? failure : __real_##name arguments;                       \
	}

#endif
