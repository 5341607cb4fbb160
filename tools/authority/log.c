#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/authority/hex.h"
#include "tools/authority/log.h"

#define LINE 1024

void log_arguments(const char *format, va_list args)
{
	char line[LINE], now[HEX_TIME_MAX];
	size_t len;

	hex_time_write(time(NULL), now);
	vsnprintf(line, sizeof line, format, args);
	len = strlen(line);
	while (len && line[len - 1] == '\n')
		line[--len] = '\0';
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	/* one call a line: those of other threads do not come between */
	fprintf(stderr, "%s %s\n", now, line);
}

void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_arguments(format, args);
	va_end(args);
}
