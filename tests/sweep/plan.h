/* Which cases a sweep has: a list that follows from the options alone. */
#ifndef TESTS_SWEEP_PLAN_H
#define TESTS_SWEEP_PLAN_H

#include "fault.h"

struct plan_options {
	unsigned long seed;
	unsigned every; /* every nth single fault; 1: all */
	unsigned pairs; /* of faults, for each scene and generation */
};

struct plan_case {
	struct strike strikes[2];
	size_t count;
};

/* The nth case of a scene with that many commands; false: there are no more. */
bool plan_case(const struct plan_options *options, unsigned commands, size_t n, struct plan_case *out);

/* The random numbers of this case, whatever came before it. */
void plan_begin_case(const struct plan_case *c);

#endif
