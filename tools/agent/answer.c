#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "apdu/buffer.h"
#include "tools/agent/answer.h"

#define FORMAT (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

static const struct {
	const char *end, *type;
} types[] = {
	{".html", "text/html; charset=utf-8"},
	{".js", "text/javascript; charset=utf-8"},
	{".css", "text/css; charset=utf-8"},
	{".svg", "image/svg+xml"},
	{".gif", "image/gif"},
};

static void put(struct agent_answer *out, const char *type, void *body, size_t len)
{
	free(out->body);
	out->status = 200;
	out->type = type;
	out->body = body;
	out->len = body ? len : 0;
	out->fixed = NULL;
}

void answer_json(struct agent_answer *out, struct json_object *value)
{
	const char *text = value ? json_object_to_json_string_ext(value, FORMAT) : NULL;

	put(out, ANSWER_JSON, text ? strdup(text) : NULL, text ? strlen(text) : 0);
	json_object_put(value);
}

void answer_done(struct agent_answer *out, struct json_object *value)
{
	const char *text = value ? json_object_to_json_string_ext(value, FORMAT) : NULL;
	struct json_object *done = json_object_new_object();

	json_object_object_add(done, "state", json_object_new_string("done"));
	json_object_object_add(done, "answer", text ? json_object_new_string(text) : NULL);
	json_object_put(value);
	answer_json(out, done);
}

/* ---- pages ---- */

static const struct page *find(const struct page *list, const char *name)
{
	while (list && list->name && strcmp(list->name, name) != 0)
		list++;
	return list && list->name ? list : NULL;
}

static const char *type_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
		if (strcmp(dot, types[i].end) == 0)
			return types[i].type;
	return "application/octet-stream";
}

bool answer_file(struct agent_answer *out, const struct page *list, const char *name)
{
	const struct page *page = find(list, name);

	if (!page)
		return false;
	put(out, type_of(name), NULL, 0);
	out->fixed = page->data;
	out->len = page->len;
	return true;
}

/* The mark that begins here; NULL: none. */
static const char *const *mark_at(const char *text, size_t len, const char *const *marks)
{
	for (; *marks; marks += 2)
		if (strlen(*marks) <= len && memcmp(text, *marks, strlen(*marks)) == 0)
			return marks;
	return NULL;
}

bool answer_page(struct agent_answer *out, const struct page *list, const char *name, enum agent_kind kind,
		 const char *const *marks)
{
	const struct page *page = find(list, name);
	const char *text = page ? (const char *)page->data : NULL;
	struct buffer all = BUFFER_INIT;
	bool good = page != NULL;

	for (size_t i = 0; good && i < page->len;) {
		const char *const *mark = text[i] == '@' ? mark_at(text + i, page->len - i, marks) : NULL;

		good = buffer_append(&all, mark ? mark[1] : text + i, mark ? strlen(mark[1]) : 1) == RESULT_OK;
		i += mark ? strlen(*mark) : 1;
	}
	if (good) {
		put(out, type_of(name), NULL, 0);
		out->kind = kind;
		out->body = malloc(all.len + 1);
		if (out->body && all.len)
			memcpy(out->body, all.data, all.len);
		out->len = out->body ? all.len : 0;
	}
	buffer_clear(&all);
	return good;
}

/* ---- the bitmap ---- */

#define BITMAP_HEAD 54      /* BITMAPFILEHEADER and BITMAPINFOHEADER */
#define BITMAP_WIDTH 2000   /* pixels: pages draw so many */
#define BITMAP_PIXEL 3      /* bytes: blue, green, red */
#define BITMAP_ROW (BITMAP_WIDTH * BITMAP_PIXEL) /* a multiple of 4, so that no row is padded */

static void put_le(unsigned char *at, uint32_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (unsigned char)(value >> (8 * i));
}

static void write_head(unsigned char *head)
{
	memcpy(head, "BM", 2);
	put_le(head + 2, BITMAP_HEAD + BITMAP_ROW, 4);
	put_le(head + 10, BITMAP_HEAD, 4);
	put_le(head + 14, 40, 4); /* of the second header */
	put_le(head + 18, BITMAP_WIDTH, 4);
	put_le(head + 22, 1, 4); /* rows */
	put_le(head + 26, 1, 2); /* planes */
	put_le(head + 28, 8 * BITMAP_PIXEL, 2);
	put_le(head + 34, BITMAP_ROW, 4);
}

/* A page makes a character of each byte: all that is not ASCII is \uXXXX. 0: it does not fit. */
static size_t write_ascii(const char *text, unsigned char *out, size_t room)
{
	size_t len = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		char escape[16] = {(char)*c, '\0'};
		uint32_t code = *c;
		size_t n, more = *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2 : *c >= 0xc0 ? 1 : 0;

		if (more) {
			code = *c & (0x3fu >> more);
			for (; more && (c[1] & 0xc0) == 0x80; more--)
				code = code << 6 | (*++c & 0x3f);
		}
		if (code > 0xffff)
			snprintf(escape, sizeof escape, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
				 0xdc00 + (code & 0x3ff));
		else if (code >= 0x7f)
			snprintf(escape, sizeof escape, "\\u%04x", code);
		n = strlen(escape);
		if (len + n > room)
			return 0;
		memcpy(out + len, escape, n);
		len += n;
	}
	return len;
}

void answer_bitmap(struct agent_answer *out, struct json_object *value)
{
	const char *text = value ? json_object_to_json_string_ext(value, FORMAT) : NULL;
	unsigned char *image = calloc(1, BITMAP_HEAD + BITMAP_ROW);
	size_t len;

	if (image) {
		write_head(image);
		/* what does not fit is the empty picture, which pages know: the program failed */
		len = text ? write_ascii(text, image + BITMAP_HEAD, BITMAP_ROW) : 0;
		/* a NUL in the last pixel would be read as part of the text */
		while (len % BITMAP_PIXEL)
			image[BITMAP_HEAD + len++] = ' ';
	}
	put(out, "image/bmp", image, BITMAP_HEAD + BITMAP_ROW);
	json_object_put(value);
}
