/*
 * What a command of twcard is: a row with its words, its options and the
 * function that does it. Help, completion and the check of the man pages are
 * made from the same rows.
 */
#ifndef TWCARD_TOOLS_SUBCOMMAND_H
#define TWCARD_TOOLS_SUBCOMMAND_H

struct arguments; /* arguments.h */

/* Documented in twcard(1); scripts live by them. */
enum exit_code {
	EXIT_GOOD = 0,
	EXIT_NEGATIVE = 1, /* the answer is no: a check, a verification, a problem found */
	EXIT_USAGE = 2,
	EXIT_NO_CARD = 3,  /* no service, no reader, no card, or it is not clear which one */
	EXIT_PIN = 4,      /* wrong, locked, not given */
	EXIT_REFUSED = 5,  /* never observed on a real card and not allowed; or not confirmed */
	EXIT_CARD = 6,     /* the card or reader failed, or no profile knows it */
	EXIT_FILE = 7,     /* a file, a program or an address that could not be used */
	EXIT_INTERNAL = 8
};

struct option_row {
	const char *name;  /* without dashes */
	char letter;       /* 0: none */
	const char *value; /* what the help calls its value; NULL: it takes none */
	const char *help;
};

struct subcommand {
	const char *name;       /* one word or two: "status", "cert list" */
	const char *words;      /* what follows, for the usage line; NULL: nothing */
	int words_min, words_max; /* how many; -1: any number */
	const char *summary;    /* one line */
	const char *more;       /* a paragraph for --help; may be NULL */
	const struct option_row *options; /* name NULL at the end; may be NULL */
	enum exit_code (*run)(const struct arguments *args);
};

/* In the order of the help; NULL at the end (commands.c). */
extern const struct subcommand *const commands[];

/* What every command takes; name NULL at the end. */
extern const struct option_row common_options[];

#endif
