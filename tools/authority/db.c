#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/authority/db.h"

const struct db_driver *db_driver_of(const char *url)
{
	static const char *const schemes[] = {"postgresql://", "postgres://"};

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (!strncmp(url, schemes[i], strlen(schemes[i])))
			return &db_postgresql;
	}
	return &db_sqlite;
}

enum store_result db_problem(struct db *db, enum store_result result, const char *format, ...)
{
	size_t len;
	va_list args;

	va_start(args, format);
	vsnprintf(db->problem, sizeof db->problem, format, args);
	va_end(args);
	len = strlen(db->problem);
	while (len && (unsigned char)db->problem[len - 1] <= ' ')
		db->problem[--len] = '\0';
	for (char *at = db->problem; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == '\x7F')
			*at = ' ';
	}
	return result;
}

struct db_value db_text(const char *text)
{
	if (!text)
		return (struct db_value){.type = DB_NULL};
	return (struct db_value){.type = DB_TEXT, .data = text, .len = strlen(text)};
}

struct db_value db_bytes(const void *data, size_t len)
{
	if (!data)
		return (struct db_value){.type = DB_NULL};
	return (struct db_value){.type = DB_BYTES, .data = data, .len = len};
}
