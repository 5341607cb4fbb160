/* The pages that the build put into the program (tools/agent/embed.sh). */
#ifndef TWCARD_AGENT_PAGES_H
#define TWCARD_AGENT_PAGES_H

#include <stddef.h>

struct page {
	const char *name;           /* of the file: "popup.html"; NULL at the end */
	const unsigned char *data;
	size_t len;
};

extern const struct page pages[];

#endif
