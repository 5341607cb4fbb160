/* The log as the user wants it. */
#ifndef TWCARD_SRC_SETTINGS_H
#define TWCARD_SRC_SETTINGS_H

#include "apdu/log.h"
#include "src/base/config_file.h"

/*
 * Starts logging as the configuration says, or TWCARD_DEBUG (error, info,
 * debug, trace) and TWCARD_DEBUG_FILE, which win where they are set and are
 * ignored in set-user-id programs. The file is made with mode 0600 and
 * appended to; without one the log goes to stderr.
 */
void settings_start_log(const struct config *config);

/* Stops logging and closes the file. */
void settings_stop_log(void);

#endif
