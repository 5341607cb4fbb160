/* One reader and the card in it, as `twcard status` and --watch show them. */
#ifndef TWCARD_TOOLS_STATUS_H
#define TWCARD_TOOLS_STATUS_H

#include "src/base/names.h"
#include "tools/twcard/card.h"
#include "tools/twcard/cert_info.h"

struct json_object;

struct status {
	size_t number;  /* of the reader, from 1 */
	const char *reader;
	enum result result; /* RESULT_OK: the card was read; RESULT_NO_CARD */
	struct card_identity card;
	enum result certificates_result;
	struct card_certificates certificates;
	struct cert_info *infos; /* one a certificate */
	char name[NAMES_SIZE]; /* the user's own for the card; empty: none */
};

/* Reads what is shown. Talks to the card, and lets go of it. */
void status_read(struct slot *slot, size_t number, struct status *out);
void status_clear(struct status *s);

/* EXIT_GOOD, EXIT_NO_CARD, or what the card's failure is. Says nothing. */
enum exit_code status_code(const struct status *s);

void status_print(const struct status *s);
struct json_object *status_json(const struct status *s);

/* The certificate that says who holds the card; NULL: none does. */
const struct cert_info *status_holder(const struct status *s);

/* Prints what happens to readers and cards until it is interrupted. */
enum exit_code status_watch(void);

#endif
