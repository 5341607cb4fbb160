/* The options of twcard-authority, on the command line and in its file. */
#ifndef TWCARD_AUTHORITY_OPTIONS_H
#define TWCARD_AUTHORITY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_FILES_MAX 32

/* An option that may be there several times. */
struct option_files {
	char *path[OPTIONS_FILES_MAX];
	size_t count;
};

/* All texts are owned. NULL: not said. */
struct options {
	char *config, *database, *listen, *name, *tls_cert, *tls_key, *activation_key, *terms, *card, *first;
	char *threads, *connections, *signer_rate, *address_rate;
	struct option_files trust, crl;
	bool force, remove, version, help;
};

/*
 * Takes the options out of a command line (the words stay: *words of them, from argv[1]),
 * then what the file says that they did not. False: the user has been told.
 */
bool options_read(int argc, char **argv, struct options *out, int *words);
void options_clear(struct options *o);

/* A number that an option says, or another if it does not. False: it is none; the user has been told. */
bool options_number(const char *name, const char *text, unsigned otherwise, unsigned max, unsigned *out);

/* The lines of --help. */
void options_help(void);

/* To standard error, with the program's name. */
void options_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
