/*
 * A table for people: columns with blanks between them and nothing drawn, so
 * that a screen reader reads it well. Cells are made safe for a terminal.
 */
#ifndef TWCARD_TOOLS_TABLE_H
#define TWCARD_TOOLS_TABLE_H

#include <stdio.h>

#include "tools/twcard/message.h"

#define TABLE_COLUMNS_MAX 12

struct table;

/* NULL: out of memory; every other function then does nothing. */
struct table *table_new(size_t columns);
void table_free(struct table **table);

/* The next cell, from left to right and top to bottom; the text is copied. */
void table_cell(struct table *table, enum style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Each line begins with `indent` blanks. */
void table_print(const struct table *table, FILE *stream, unsigned indent);

#endif
