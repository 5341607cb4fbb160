/*
 * A pinentry program, which asks for the PIN in a window of its own: the
 * Assuan dialogue of GnuPG's pinentry, as far as one question needs it.
 */
#ifndef TWCARD_TOOLS_PINENTRY_H
#define TWCARD_TOOLS_PINENTRY_H

#include "apdu/secret.h"

enum pinentry_end {
	PINENTRY_ANSWERED,
	PINENTRY_CANCELLED, /* by the user, or nobody answered in time */
	PINENTRY_FAILED     /* no such program, or one that does not speak Assuan */
};

/*
 * Starts the program (looked for in PATH), asks, and ends it. Texts are UTF-8.
 * timeout_s: seconds for the whole dialogue, for a person to answer in. *out is
 * set when PINENTRY_ANSWERED, and may be no bytes then: nothing was typed.
 */
enum pinentry_end pinentry_ask(const char *program, const char *description, const char *prompt,
			       unsigned timeout_s, struct secret *out);

#endif
