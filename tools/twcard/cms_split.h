/*
 * A CMS message in BER, taken apart: its content, which may be of any size,
 * and all the rest, which OpenSSL then parses as a message whose content is
 * somewhere else. So a message is verified or decrypted without holding it in
 * memory. Nothing of the message is believed: every length is checked against
 * what is around it.
 */
#ifndef TWCARD_TOOLS_CMS_SPLIT_H
#define TWCARD_TOOLS_CMS_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "apdu/buffer.h"
#include "tools/twcard/stream.h"

#define CMS_SPLIT_REST_MAX (16u << 20) /* bytes of a message without its content */

struct cms_split_element {
	uint8_t tag;
	bool indefinite;
	uint64_t start, body, end; /* offsets; indefinite: `end` is where what is around it ends */
};

struct cms_split {
	int fd;            /* not owned; can be read anywhere */
	uint64_t size;     /* bytes */
	const char *name;  /* for messages; not owned */
	struct buffer rest; /* the message without its content */
	bool has_content;
	struct cms_split_element content; /* the octet string, or what stands for it */
	uint8_t window[4096]; /* the file's bytes around what was looked at */
	uint64_t window_at;
	size_t window_len;
};

/*
 * Takes the message in the file apart: signed, enveloped or
 * auth-enveloped data. False: it is none of them, damaged, or the rest is too
 * large. To be cleared in any case.
 */
bool cms_split_open(int fd, uint64_t size, const char *name, struct cms_split *out);
void cms_split_clear(struct cms_split *split);

/* Gives the content to `take`; answers as stream_pump(). Damaged: EXIT_NEGATIVE, the user has been told. */
enum exit_code cms_split_pump(struct cms_split *split, const char *what, stream_taker *take,
			      void *context);

#endif
