/* Where a file is: file identifiers from the root (MF 3F00, or 7FFF of an applet) down. */
#ifndef TWCARD_PROFILES_PATH_H
#define TWCARD_PROFILES_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apdu/cursor.h"

#define PATH_DEPTH 6
#define PATH_TEXT 40

struct card_path {
	uint8_t count; /* 0 is the root itself */
	uint16_t fid[PATH_DEPTH];
};

/*
 * Reads a path as directory entries hold it: 2 bytes for each step, with or
 * without the root (3F00 or 7FFF) in front. False: odd length or too deep.
 */
bool path_parse(struct cursor bytes, struct card_path *out);

/* "3F00/5030/4104" into out; answers out. */
const char *path_text(const struct card_path *path, char out[PATH_TEXT]);

bool path_starts_with(const struct card_path *path, const struct card_path *prefix);

/* The path of the directory that holds it; the root's is the root. */
struct card_path path_parent(const struct card_path *path);

#endif
