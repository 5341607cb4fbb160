/* What the user set: environment (and, later, configuration files). */
#ifndef TWCARD_SRC_SETTINGS_H
#define TWCARD_SRC_SETTINGS_H

#include <stdbool.h>

#include "apdu/log.h"

/*
 * Starts logging as TWCARD_DEBUG (error, info, debug, trace) and
 * TWCARD_DEBUG_FILE say; both are ignored in set-user-id programs. The file is
 * made with mode 0600 and appended to; without one the log goes to stderr.
 */
void settings_start_log(void);

/* Stops logging and closes the file. */
void settings_stop_log(void);

#endif
