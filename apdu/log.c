#include "config.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>

#include "apdu/log.h"

#define LOG_LINE 1024

/* A global: a process has one log, whatever library part speaks. */
static struct {
	_Atomic int level;
	log_sink sink; /* set before level is raised, never while it is above LOG_NONE */
	void *context;
} log_state;

static const char *const names[] = {
	[LOG_NONE] = "none",   [LOG_ERROR] = "error", [LOG_INFO] = "info",
	[LOG_DEBUG] = "debug", [LOG_TRACE] = "trace",
};

const char *log_level_name(enum log_level level)
{
	return (unsigned)level <= LOG_TRACE ? names[level] : "unknown";
}

bool log_level_parse(const char *name, enum log_level *out)
{
	for (int i = LOG_NONE; i <= LOG_TRACE; i++) {
		if (strcasecmp(name, names[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_set(enum log_level level, log_sink sink, void *context)
{
	atomic_store(&log_state.level, LOG_NONE);
	log_state.sink = sink;
	log_state.context = context;
	atomic_store(&log_state.level, sink ? (int)level : LOG_NONE);
}

bool log_wants(enum log_level level)
{
	return (int)level <= atomic_load(&log_state.level);
}

/* Reader names and card texts come from outside: they must not forge log lines. */
static void defang(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7F)
			*line = '?';
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE];
	va_list args;

	if (!log_wants(level))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	defang(line);
	log_state.sink(level, line, log_state.context);
}
