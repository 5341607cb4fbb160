/*
 * Questions on the terminal (/dev/tty, whatever standard input is). However a
 * question ends, also by Ctrl-C, Ctrl-Z or a signal, the terminal is left as it
 * was found.
 */
#ifndef TWCARD_TOOLS_TERMINAL_H
#define TWCARD_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

#define TERMINAL_LINE_MAX 256 /* bytes of an answer */

enum terminal_end {
	TERMINAL_ANSWERED,
	TERMINAL_NO_ANSWER, /* the end of input, an error, or more than TERMINAL_LINE_MAX bytes */
	TERMINAL_NONE       /* there is no terminal */
};

/*
 * Prompts, and reads one line without its end; `echo`: what is typed shows.
 * The caller wipes `line`. A signal that ends the process does so after the
 * terminal is restored; one that only stops it has the question asked again.
 */
enum terminal_end terminal_ask(const char *prompt, bool echo, uint8_t line[TERMINAL_LINE_MAX],
			       int *len);

/*
 * One line of a descriptor, byte for byte, so that what follows is left for
 * the next question. -1: it is too long, or does not come.
 */
int terminal_read_line(int fd, uint8_t line[TERMINAL_LINE_MAX]);

#endif
