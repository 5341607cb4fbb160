/* twcard.conf: found, read, and turned into settings. See twcard.conf(5). */
#ifndef TWCARD_SRC_CONFIG_FILE_H
#define TWCARD_SRC_CONFIG_FILE_H

#include <stdbool.h>

#include "apdu/log.h"

#define CONFIG_PATH_MAX 1024
#define CONFIG_DIRS_MAX 2

struct config {
	bool allow_unproven;   /* allow-unproven */
	bool cache;            /* cache */
	bool vendor_compat;    /* vendor-compat */
	bool token_name;       /* token-name */
	bool holder_labels;    /* labels: holder, not card */
	bool verified_for_operation; /* verified-state: operation, not session */
	enum log_level log;    /* log */
	unsigned long session_objects; /* session-objects; 0: no limit */
	char reader[CONFIG_PATH_MAX];     /* reader: a part of its name; empty: all readers */
	char log_file[CONFIG_PATH_MAX];   /* log-file; empty: standard error */
	char authority[CONFIG_PATH_MAX];  /* authority: an address; empty: none */
	char authority_ca[CONFIG_PATH_MAX]; /* authority-ca; empty: the system's */
	char authority_proxy[CONFIG_PATH_MAX]; /* authority-proxy; empty: curl's environment */
	char keyset_dir[CONFIG_PATH_MAX]; /* keyset-dir; empty: the defaults */
	/* where key sets are looked for, NULL at the end; points into this struct */
	const char *keyset_dirs[CONFIG_DIRS_MAX + 1];
	char system_keysets[CONFIG_PATH_MAX], user_keysets[CONFIG_PATH_MAX];
};

/*
 * Reads the system's file, then the user's, or only the one that TWCARD_CONF
 * names; what is set later wins. A missing file is no error. Set-user-id
 * programs get the system's file only.
 */
void config_read(struct config *out);

/* Reads them into what config_current() answers. Called by C_Initialize, before any call is inside. */
void config_load(void);
const struct config *config_current(void);

/* From now on as if the files said "cache = no": for who wants to see the card itself. */
void config_without_cache(void);

/*
 * Reads the same files again and logs what is wrong with them: a name that is
 * not known, a value that is not understood, a file that cannot be read. After
 * config_read(), because logging starts with what that found.
 */
void config_report(void);

/*
 * $XDG_CONFIG_HOME/twcard/NAME, or ~/.config/twcard/NAME; also while TWCARD_CONF is set. False:
 * there is no home, or this is a set-user-id program.
 */
bool config_user_path(const char *name, char out[CONFIG_PATH_MAX]);

#endif
