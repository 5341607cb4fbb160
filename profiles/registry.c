#include "config.h"

#include "profiles/internal.h"

/*
 * The order of probing when the ATR gives no hint (with a hint, that profile
 * goes first). hicos-v3 leads because its probe is a bare SELECT of the master
 * file in a class of its own, which every other card refuses at once and
 * without consequence.
 */
const struct card_profile *const card_profiles[] = {
	&profile_hicos_v3,
	&profile_gppki,
	NULL,
};
