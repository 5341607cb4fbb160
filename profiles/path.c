#include "config.h"

#include <stdio.h>

#include "profiles/path.h"

#define MF 0x3F00
#define CURRENT_APPLICATION 0x7FFF

bool path_parse(struct cursor bytes, struct card_path *out)
{
	struct card_path path = {0, {0}};
	uint16_t fid;
	bool first = true;

	if (bytes.left % 2)
		return false;
	for (; cursor_u16be(&bytes, &fid); first = false) {
		if (first && (fid == MF || fid == CURRENT_APPLICATION))
			continue;
		if (path.count == PATH_DEPTH)
			return false;
		path.fid[path.count++] = fid;
	}
	*out = path;
	return true;
}

const char *path_text(const struct card_path *path, char out[PATH_TEXT])
{
	int n = snprintf(out, PATH_TEXT, "%04X", MF);

	for (int i = 0; i < path->count; i++)
		n += snprintf(out + n, (size_t)(PATH_TEXT - n), "/%04X", path->fid[i]);
	return out;
}

bool path_starts_with(const struct card_path *path, const struct card_path *prefix)
{
	if (prefix->count > path->count)
		return false;
	for (int i = 0; i < prefix->count; i++)
		if (path->fid[i] != prefix->fid[i])
			return false;
	return true;
}

struct card_path path_parent(const struct card_path *path)
{
	struct card_path parent = *path;

	if (parent.count)
		parent.count--;
	return parent;
}
