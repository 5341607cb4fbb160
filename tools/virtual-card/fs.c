/* fs.c - the tree of directories and elementary files on the card. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct vc_file *
vc_fs_add(struct vc_file *parent, uint16_t fid, enum vc_file_kind kind)
{
	struct vc_file *file;

	if (parent != NULL && (parent->kind != VC_DF || vc_fs_child(parent, fid) != NULL))
		return NULL;
	file = calloc(1, sizeof(*file));
	if (file == NULL)
		return NULL;
	file->fid = fid;
	file->kind = kind;
	if (parent != NULL)
		vc_fs_give(parent, file);
	return file;
}

void
vc_fs_take(struct vc_file *file)
{
	struct vc_file **link;

	if (file->parent == NULL)
		return;
	for (link = &file->parent->children; *link != file; link = &(*link)->next)
		;
	*link = file->next;
	file->next = NULL;
	file->parent = NULL;
}

void
vc_fs_give(struct vc_file *parent, struct vc_file *file)
{
	struct vc_file **end;

	/* At the end: images keep the order of personalisation. */
	for (end = &parent->children; *end != NULL; end = &(*end)->next)
		;
	*end = file;
	file->parent = parent;
}

bool
vc_fs_within(const struct vc_file *file, const struct vc_file *top)
{
	for (; file != NULL; file = file->parent)
		if (file == top)
			return true;
	return false;
}

void
vc_fs_remove(struct vc_file *file)
{
	if (file == NULL)
		return;
	while (file->children != NULL)
		vc_fs_remove(file->children);
	vc_fs_take(file);
	free(file->data);
	free(file);
}

struct vc_file *
vc_fs_child(const struct vc_file *df, uint16_t fid)
{
	struct vc_file *file;

	for (file = df->children; file != NULL; file = file->next)
		if (file->fid == fid)
			return file;
	return NULL;
}

/* Four hex digits at `text`; false otherwise. */
static bool
parse_fid(const char *text, uint16_t *fid)
{
	uint8_t bytes[2];
	char digits[5];
	size_t len;

	if (strnlen(text, 4) < 4)
		return false;
	memcpy(digits, text, 4);
	digits[4] = '\0';
	if (!vc_unhex(digits, bytes, sizeof(bytes), &len) || len != 2)
		return false;
	*fid = (uint16_t)(bytes[0] << 8 | bytes[1]);
	return true;
}

struct vc_file *
vc_fs_path(struct vc_file *root, const char *path)
{
	struct vc_file *file = NULL;
	uint16_t fid;

	for (;;) {
		if (!parse_fid(path, &fid))
			return NULL;
		if (file == NULL)
			file = root != NULL && root->fid == fid ? root : NULL;
		else
			file = vc_fs_child(file, fid);
		path += 4;
		if (file == NULL || *path == '\0')
			return file;
		if (*path++ != '/')
			return NULL;
	}
}

bool
vc_fs_set(struct vc_file *file, const uint8_t *data, size_t len)
{
	uint8_t *copy;

	if (file->kind == VC_DF || len > VC_FILE_MAX)
		return false;
	copy = malloc(len > 0 ? len : 1);
	if (copy == NULL)
		return false;
	if (len > 0)
		memcpy(copy, data, len);
	free(file->data);
	file->data = copy;
	file->len = len;
	return true;
}

bool
vc_fs_set_padded(struct vc_file *file, const uint8_t *data, size_t len, size_t size, uint8_t pad)
{
	uint8_t *padded;
	bool ok;

	if (len > size || size > VC_FILE_MAX)
		return false;
	padded = malloc(size > 0 ? size : 1);
	if (padded == NULL)
		return false;
	memset(padded, pad, size);
	if (len > 0)
		memcpy(padded, data, len);
	ok = vc_fs_set(file, padded, size);
	free(padded);
	return ok;
}

bool
vc_fs_name(const struct vc_file *file, char *path, size_t size)
{
	const struct vc_file *chain[VC_DEPTH_MAX];
	size_t depth = 0, used = 0;

	for (; file != NULL; file = file->parent) {
		if (depth == VC_DEPTH_MAX)
			return false;
		chain[depth++] = file;
	}
	if (size < depth * 5)
		return false;
	while (depth > 0) {
		depth--;
		snprintf(path + used, size - used, "%04X%s", chain[depth]->fid, depth > 0 ? "/" : "");
		used += depth > 0 ? 5 : 4;
	}
	return true;
}
