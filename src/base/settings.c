#include "config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apdu/platform.h"
#include "src/base/settings.h"

#define LINE_ROOM 1200

static int log_fd = -1; /* belongs to the log sink; changes only while logging is off */

/* One write() a line, so that lines of threads and processes do not mix. */
static void write_line(enum log_level level, const char *line, void *context)
{
	char text[LINE_ROOM];
	int n;

	(void)context;
	if (level == LOG_TRACE) /* in the trace format already */
		n = snprintf(text, sizeof text, "%s\n", line);
	else
		n = snprintf(text, sizeof text, "# twcard[%ld] %s: %s\n", (long)getpid(),
			     log_level_name(level), line);
	if (n > 0 && write(log_fd, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1) < 0)
		return; /* there is nowhere to complain to */
}

/* A level's name or number; anything else that is set means "info". */
static enum log_level parse_level(const char *text, enum log_level unset)
{
	enum log_level level;

	if (!text || !*text)
		return unset;
	if (log_level_parse(text, &level))
		return level;
	if (text[0] >= '0' && text[0] <= '0' + LOG_TRACE && !text[1])
		return (enum log_level)(text[0] - '0');
	return LOG_INFO;
}

void settings_start_log(const struct config *config)
{
	enum log_level level = parse_level(secure_getenv("TWCARD_DEBUG"), config->log);
	const char *path = secure_getenv("TWCARD_DEBUG_FILE");

	if (!path || !*path)
		path = config->log_file;
	settings_stop_log();
	if (level == LOG_NONE)
		return;
	if (*path)
		log_fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
				0600);
	else
		log_fd = platform_standard_error();
	if (log_fd < 0)
		return;
	log_set(level, write_line, NULL);
	log_line(LOG_TRACE, "# twcard trace 1");
}

void settings_stop_log(void)
{
	log_set(LOG_NONE, NULL, NULL);
	if (log_fd >= 0)
		close(log_fd);
	log_fd = -1;
}
