/*
 * What a certificate is to say: from a file (--from), from questions, or from
 * the certificate that is on the card. It is a JSON object of one form, in the
 * file, in requests to the server and in what is shown:
 *
 *   applications: {"grants": [{"application": "…", "unit_name": "…",
 *                  "unit_code": "…", "role": "…"}, … up to five],
 *                  "bearer": {"kind": "national" or "other", "number": "…"}}
 *   delegation:   {"disabled": false, "scope": {"unit_name": …, "unit_code": …,
 *                  "role": …}, "bearer": {…}}
 *
 * What is null or not there is not said; but for an application and the bearer
 * all may be.
 */
#ifndef TWCARD_TOOLS_AUTHZ_CONTENT_H
#define TWCARD_TOOLS_AUTHZ_CONTENT_H

#include <json-c/json.h>

#include "authz/twcard-authz.h"
#include "tools/twcard/subcommand.h"

struct authz_content {
	struct json_object *json; /* owned */
	enum authz_kind kind;
	/* the same, with texts that belong to `json` */
	size_t grant_count;
	struct authz_grant grants[AUTHZ_GRANTS_MAX];
	bool disabled;
	struct authz_grant scope;
	enum authz_id_kind bearer_kind;
	const char *bearer;
};

void authz_content_clear(struct authz_content *content);

/*
 * Takes the object over, also on failure, and checks what needs no card: its
 * form, no more than five, none twice, the bearer's number. EXIT_USAGE: it is
 * not right; the user has been told. To be cleared in any case.
 */
enum exit_code authz_content_take(struct json_object *json, enum authz_kind kind,
				  struct authz_content *out);

/* The same from a file of at most 64 KiB, "-": standard input. EXIT_FILE, too. */
enum exit_code authz_content_load(const char *path, enum authz_kind kind, struct authz_content *out);

/* What a certificate says, as that object. NULL: out of memory. Owned by the caller. */
struct json_object *authz_content_of(const struct authz_info *info);

/* Takes an application out of such an object. False: it is not there. */
bool authz_content_remove(struct json_object *json, const char *application);

/* Sets the parts of *spec that say what; the texts stay the content's. */
void authz_content_specify(const struct authz_content *content, struct authz_spec *spec);

#endif
