/* The profile objects of a token (PKCS#11 Profiles 3.0): what the module promises. */
#ifndef TWCARD_SRC_PROFILE_H
#define TWCARD_SRC_PROFILE_H

#include "src/token/token.h"

/* Makes them, once for a card. Under the slot's lock. */
CK_RV profile_add_objects(struct token *t);

#endif
