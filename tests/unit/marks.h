/* What valgrind is told of memory by tests that run under it; nothing where its header is not installed. */
#ifndef TWCARD_TESTS_UNIT_MARKS_H
#define TWCARD_TESTS_UNIT_MARKS_H

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_UNDEFINED(at, len) ((void)(at), (void)(len))
#define VALGRIND_MAKE_MEM_DEFINED(at, len) ((void)(at), (void)(len))
#define RUNNING_ON_VALGRIND 0
#endif

#endif
