/* The server's log: lines on standard error, for the journal. Never a secret, never text from outside as it came. */
#ifndef TWCARD_AUTHORITY_LOG_H
#define TWCARD_AUTHORITY_LOG_H

#include <stdarg.h>

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_arguments(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

#endif
