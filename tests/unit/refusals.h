/*
 * Functions of libraries that fail when a test wants it: linked with --wrap for
 * each. refused_openssl.c has those of OpenSSL.
 */
#ifndef TESTS_REFUSALS_H
#define TESTS_REFUSALS_H

#include <stdbool.h>

/* The test's: does this call of that function fail? */
bool refusals_now(const char *name);

/*
 * A function that answers `failure` instead of doing anything. It is seen by all: where symbols
 * have no versions (musl), the linker takes what a library asks of the C library for this one.
 */
#define REFUSES(type, failure, name, parameters, arguments)                                        \
	type __real_##name parameters;                                                             \
	__attribute__((visibility("default"))) type __wrap_##name parameters;                      \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return refusals_now(#name) ? failure : __real_##name arguments;                       \
	}

#endif
