/* The certificates of the card that is meant, numbered as people see them. */
#ifndef TWCARD_TOOLS_CERT_LIST_H
#define TWCARD_TOOLS_CERT_LIST_H

#include "src/base/names.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/subcommand.h"

struct cert_item {
	size_t number;  /* from 1, in the card's order */
	char *label;    /* as the card says; owned */
	char *id;       /* CKA_ID as text; owned */
	char *id_hex;   /* the same in hex digits; owned */
	X509 *x509;     /* owned; NULL: what is on the card is no certificate, and info is empty */
	struct cert_info info;
};

struct cert_list {
	char *reader; /* owned */
	char name[NAMES_SIZE]; /* the user's own for the card; empty: none */
	struct cert_item *items;
	size_t count;
};

/*
 * Chooses the card (--reader) and reads them; the card is let go of before
 * this returns. now: for days left. The user has been told of all that is not
 * EXIT_GOOD; then *out is empty.
 */
enum exit_code cert_list_read(const struct arguments *args, time_t now, struct cert_list *out);
void cert_list_clear(struct cert_list *list);

/*
 * The one that a word means: its number, CKA_ID (text or hex) or label. NULL:
 * none or several, and the user has been told.
 */
const struct cert_item *cert_list_find(const struct cert_list *list, const char *which);

/* True if it is a holder's, not a CA's. */
bool cert_item_is_users(const struct cert_item *item);

/*
 * {"number", "label", "id", "id_hex", "certificate": cert_info_json() or null}.
 * NULL: out of memory. Owned by the caller.
 */
struct json_object *cert_item_json(const struct cert_item *item);

#endif
