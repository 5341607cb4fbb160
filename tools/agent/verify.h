/* Is a signature that the card manager's page sent good, and whose is it? As 'twcard verify'. */
#ifndef TWCARD_AGENT_VERIFY_H
#define TWCARD_AGENT_VERIFY_H

#include "tools/agent/upload.h"
#include "tools/twcard/trust.h"

struct json_object;

enum verify_end {
	VERIFY_DONE,
	VERIFY_NEEDS_DATA,   /* the signature does not bring them, and none were sent */
	VERIFY_DATA_INSIDE,  /* it brings them, and others were sent: nothing was checked */
	VERIFY_NO_SIGNATURE, /* no CMS, damaged, another kind of message, or nobody signed */
	VERIFY_FAILED        /* out of memory, or its file cannot be read */
};

/*
 * data: NULL, or what was signed. *out, of VERIFY_DONE: {"valid", "encoding", "inside", "signers":
 * as 'twcard verify --json' has them}; owned by the caller.
 */
enum verify_end verify_upload(struct upload *signature, const struct upload *data, const struct trust *trust,
			      struct json_object **out);

#endif
