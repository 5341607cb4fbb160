/*
 * Truths as masks (all ones or 0), made without a branch: for decisions about
 * secrets that nobody may time.
 */
#ifndef TWCARD_SRC_CRYPTO_MASK_H
#define TWCARD_SRC_CRYPTO_MASK_H

#include <stddef.h>

/* The same number; the compiler does not know that, and makes no branch and no address of what it follows from it. */
static inline size_t mask_barrier(size_t a)
{
	__asm__("" : "+r"(a));
	return a;
}

/* The highest bit of a, spread. */
static inline size_t mask_top(size_t a)
{
	return (size_t)0 - (mask_barrier(a) >> (8 * sizeof a - 1));
}

static inline size_t mask_less(size_t a, size_t b)
{
	return mask_top(a ^ ((a ^ b) | ((a - b) ^ b)));
}

static inline size_t mask_zero(size_t a)
{
	return mask_top(~a & (a - 1));
}

static inline size_t mask_equal(size_t a, size_t b)
{
	return mask_zero(a ^ b);
}

/* a where the mask is ones, b where it is 0. */
static inline size_t mask_select(size_t mask, size_t a, size_t b)
{
	return (mask & a) | (~mask & b);
}

#endif
