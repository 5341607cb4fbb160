#include <stdio.h>

#include "plan.h"
#include "steady_chance.h"

/* SplitMix64: a number for each place, the same everywhere. */
static uint64_t number_at(uint64_t at)
{
	at = (at + UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xBF58476D1CE4E5B9);
	at = (at ^ at >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	at = (at ^ at >> 27) * UINT64_C(0x94D049BB133111EB);
	return at ^ at >> 31;
}

static void single(size_t n, struct plan_case *out)
{
	*out = (struct plan_case){.count = 1};
	out->strikes[0] = (struct strike){&faults[n % fault_count], (unsigned)(n / fault_count) + 1};
}

/* The second at one of the commands that follow, some of which are there only since the first. */
static void pair(uint64_t seed, unsigned commands, size_t n, struct plan_case *out)
{
	const uint64_t one = number_at(seed + 2 * n), other = number_at(seed + 2 * n + 1);
	const unsigned first = (unsigned)(one >> 32) % commands + 1;
	const unsigned left = commands - first + 8;

	*out = (struct plan_case){.count = 2};
	out->strikes[0] = (struct strike){&faults[(uint32_t)one % fault_count], first};
	out->strikes[1] = (struct strike){&faults[(uint32_t)other % fault_count],
					  first + 1 + (unsigned)(other >> 32) % left};
}

bool plan_case(const struct plan_options *options, unsigned commands, size_t n, struct plan_case *out)
{
	const size_t all = commands * fault_count, singles = (all + options->every - 1) / options->every;

	if (n < singles)
		single(n * options->every, out);
	else if (n < singles + options->pairs)
		pair(number_at(options->seed) + commands, commands, n - singles, out);
	else
		return false;
	return true;
}

void plan_begin_case(const struct plan_case *c)
{
	char name[200] = "";
	size_t n = 0;

	for (size_t i = 0; i < c->count && n < sizeof name; i++)
		n += (size_t)snprintf(name + n, sizeof name - n, "%u %s ", c->strikes[i].command,
				      c->strikes[i].fault->name);
	steady_chance_from(name);
}
