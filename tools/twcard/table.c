#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/twcard/table.h"
#include "tools/twcard/text.h"

#define CELL_MAX 1024
#define GAP 2

struct cell {
	char *text;
	enum style style;
};

struct table {
	size_t columns, count, room;
	struct cell *cells;
};

struct table *table_new(size_t columns)
{
	struct table *t = columns && columns <= TABLE_COLUMNS_MAX ? calloc(1, sizeof *t) : NULL;

	if (t)
		t->columns = columns;
	return t;
}

void table_free(struct table **table)
{
	struct table *t = *table;

	for (size_t i = 0; t && i < t->count; i++)
		free(t->cells[i].text);
	if (t)
		free(t->cells);
	free(t);
	*table = NULL;
}

static bool make_room(struct table *t)
{
	struct cell *more;

	if (t->count < t->room)
		return true;
	more = realloc(t->cells, (2 * t->room + 16) * sizeof *more);
	if (!more)
		return false;
	t->cells = more;
	t->room = 2 * t->room + 16;
	return true;
}

void table_cell(struct table *t, enum style style, const char *format, ...)
{
	char text[CELL_MAX], *safe;
	va_list args;

	if (!t || !make_room(t))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	safe = text_safe(text);
	if (safe)
		t->cells[t->count++] = (struct cell){safe, style};
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < t->count; i += t->columns)
		if (text_width(t->cells[i].text) > width)
			width = text_width(t->cells[i].text);
	return width;
}

static void print_blanks(FILE *stream, size_t count)
{
	while (count--)
		fputc(' ', stream);
}

void table_print(const struct table *t, FILE *stream, unsigned indent)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0};

	for (size_t i = 0; t && i < t->columns; i++)
		widths[i] = column_width(t, i);
	for (size_t i = 0; t && i < t->count; i++) {
		const struct cell *c = &t->cells[i];
		bool last = i % t->columns == t->columns - 1 || i == t->count - 1;

		if (i % t->columns == 0)
			print_blanks(stream, indent);
		fprintf(stream, "%s%s%s", message_style(stream, c->style), c->text,
			c->style == STYLE_PLAIN ? "" : message_style_end(stream));
		if (last)
			fputc('\n', stream);
		else
			print_blanks(stream, widths[i % t->columns] + GAP - text_width(c->text));
	}
}
