/* The CAs on the cards that are in the readers, as trust.h takes them: the module has read them already. */
#ifndef TWCARD_AGENT_CARD_TRUST_H
#define TWCARD_AGENT_CARD_TRUST_H

#include <stdbool.h>

#include "tools/twcard/trust.h"

struct json_object;

/* info: what WORK_INFO_CERTS answers. False: out of memory. To be cleared in any case: trust_clear(). */
bool card_trust_gather(struct json_object *info, struct trust *out);

#endif
