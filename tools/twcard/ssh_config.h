/*
 * Our lines in a user's ssh_config(5): between two marks, at the end, so that
 * whatever the user says before them wins. All else stays byte for byte.
 */
#ifndef TWCARD_TOOLS_SSH_CONFIG_H
#define TWCARD_TOOLS_SSH_CONFIG_H

#include <stdbool.h>

#include "apdu/buffer.h"

enum ssh_config_state {
	SSH_CONFIG_NONE,    /* no marks */
	SSH_CONFIG_OURS,    /* one block, as we write it */
	SSH_CONFIG_CHANGED  /* somebody edited between the marks, or they do not fit together */
};

struct ssh_config {
	enum ssh_config_state state;
	size_t start, len; /* of the block: OURS only */
	char module[4096]; /* that it names: OURS only */
};

void ssh_config_look(const struct buffer *file, struct ssh_config *out);

/*
 * True if a line outside of the block names a provider. *same: it is this
 * module, so that ours is not needed.
 */
bool ssh_config_names_provider(const struct buffer *file, const struct ssh_config *found,
			       const char *module, bool *same);

/*
 * The file with the block (in place of one that is there), or (module NULL)
 * without it. Appends to *out. False: out of memory, or it was CHANGED.
 */
bool ssh_config_edit(const struct buffer *file, const char *module, struct buffer *out);

#endif
