/*
 * The last steps of an authorization: what is signed and registered is written
 * to the card that it was made for, and the authority is told. Also where they
 * were broken off before (twcard authz resume).
 */
#ifndef TWCARD_TOOLS_AUTHZ_DELIVER_H
#define TWCARD_TOOLS_AUTHZ_DELIVER_H

#include "tools/twcard/authz_client.h"
#include "tools/twcard/authz_pending.h"
#include "tools/twcard/authz_session.h"

/*
 * From AUTHZ_PENDING_REGISTERED or AUTHZ_PENDING_WRITTEN on: asks for the
 * holder's card and its PIN, writes, tells, and drops the file. A delegation is
 * not written to a card: it is finished. The user has been told of all that is
 * not EXIT_GOOD; then the file has what is still to be done.
 */
enum exit_code authz_deliver(const struct arguments *args, struct authz_client *client,
			     struct authz_pending *pending);

/*
 * After an error: says that it is kept, and how to go on; --json has "pending",
 * its id. Says nothing if there is no file.
 */
void authz_deliver_tell_kept(const struct authz_pending *pending);

#endif
