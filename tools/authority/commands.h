/* The commands of twcard-authority: a row each. Exit status as twcard's (twcard-authority(1)). */
#ifndef TWCARD_AUTHORITY_COMMANDS_H
#define TWCARD_AUTHORITY_COMMANDS_H

#include "tools/authority/options.h"
#include "tools/authority/store.h"

enum command_exit {
	COMMAND_GOOD = 0,
	COMMAND_NEGATIVE = 1, /* the answer is no: the audit was changed */
	COMMAND_USAGE = 2,
	COMMAND_FILE = 7, /* a file, an address or the database could not be used */
	COMMAND_INTERNAL = 8
};

struct command {
	const char *name;  /* "audit verify" */
	const char *words; /* what follows, for the help; "": nothing */
	int word_count;
	bool database;     /* it is opened before */
	const char *help;
	/* store: NULL unless `database` */
	enum command_exit (*run)(const struct options *o, struct store *store, char **words);
};

enum command_exit command_serve(const struct options *o, struct store *store, char **words);
enum command_exit command_catalogue_import(const struct options *o, struct store *store, char **words);
enum command_exit command_catalogue_show(const struct options *o, struct store *store, char **words);
enum command_exit command_audit_verify(const struct options *o, struct store *store, char **words);
enum command_exit command_audit_export(const struct options *o, struct store *store, char **words);
enum command_exit command_backup(const struct options *o, struct store *store, char **words);
enum command_exit command_user_code_set(const struct options *o, struct store *store, char **words);
enum command_exit command_version(const struct options *o, struct store *store, char **words);

#endif
