/*
 * What makes other programs see the card, done and undone: `twcard cert
 * register` and `unregister`. What was registered is known by the marks it
 * carries where it is (the module's name, the certificates' names, our lines
 * in a file), so that no record of ours can be lost or be wrong.
 */
#ifndef TWCARD_TOOLS_REGISTER_H
#define TWCARD_TOOLS_REGISTER_H

#include <json-c/json.h>

#include "apdu/buffer.h"
#include "tools/twcard/arguments.h"
#include "tools/twcard/subcommand.h"

#define REGISTER_NAME "twcard"           /* of the module, also the file's of p11-kit */
#define REGISTER_LIBRARY "twcard-pkcs11.so"
#define REGISTER_CA_MARK "twcard CA "    /* in front of a certificate's name */
#define REGISTER_CA_HEX 16               /* digits of its SHA-256 that follow */
#define REGISTER_CA_NAME_SIZE (sizeof REGISTER_CA_MARK + REGISTER_CA_HEX)
#define REGISTER_CAS_MAX 16

struct register_ca {
	char name[REGISTER_CA_NAME_SIZE]; /* REGISTER_CA_MARK and the digits */
	char *holder;      /* its subject, safe on a terminal; owned */
	uint8_t *der;      /* owned by OpenSSL */
	int der_len;
	char id[2 * 20 + 1]; /* hex: what NSS finds it by, SHA-1 of the public key */
	bool root;         /* it signed itself, by its name */
	bool written;      /* by this run, as a file */
};

struct registration {
	const struct arguments *args;
	const char *target;      /* the option that is being done: "nss" */
	const char *module;      /* its absolute path */
	const char *root;        /* --root, or "" */
	bool removing, dry_run;
	struct register_ca cas[REGISTER_CAS_MAX]; /* of the card; none when removing */
	size_t ca_count;
	struct json_object *keys;  /* for authorized_keys, an array of strings; owned; NULL: no card */
	struct json_object *steps; /* what was done, an array; owned */
	bool changed;
};

/* What became of one thing. */
enum register_action {
	REGISTER_ADDED,
	REGISTER_CHANGED,
	REGISTER_REMOVED,
	REGISTER_PRESENT, /* nothing to do: it is there */
	REGISTER_ABSENT,  /* nothing to do: it is not there */
	REGISTER_KEPT,    /* not ours: left as it is */
	REGISTER_FAILED
};

/* Says it, as a line or for the JSON value. The detail may be NULL and is untrusted. */
void register_say(struct registration *r, const char *place, const char *what,
		  enum register_action action, const char *detail);

/* The same for a failure; answers the code. */
enum exit_code register_fail(struct registration *r, const char *place, const char *what,
			     enum exit_code code, const char *detail);

/* ---- one target each: they say all that they do; EXIT_GOOD, or the first failure ---- */

enum exit_code register_nss(struct registration *r);      /* each --nss */
enum exit_code register_firefox(struct registration *r);
enum exit_code register_chromium(struct registration *r);
enum exit_code register_p11_kit(struct registration *r);
enum exit_code register_ssh(struct registration *r);
enum exit_code register_system_ca(struct registration *r);

/* ---- for them ---- */

/* One NSS database. */
enum exit_code register_nss_folder(struct registration *r, const char *folder);

/*
 * Writes a file of ours, or (text NULL) removes it, unless dry_run, and says so.
 * `action` is what it is called.
 */
enum exit_code register_write(struct registration *r, const char *path, const char *what,
			      const struct buffer *text, mode_t mode, enum register_action action);

/* $VARIABLE/REST, or ~/FALLBACK/REST (variable NULL: always). False: there is no home; it was told. */
bool register_home(const char *variable, const char *fallback, const char *rest, char *out,
		   size_t size);

/* Reads what is needed of the card, and lets go of it. The user has been told of a failure. */
enum exit_code register_read_card(struct registration *r, bool needed);
void register_clear(struct registration *r);

#endif
