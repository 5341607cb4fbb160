/* What was found out about a signature (signer.h), as JSON. */
#ifndef TWCARD_TOOLS_SIGNER_VIEW_H
#define TWCARD_TOOLS_SIGNER_VIEW_H

#include <json-c/json.h>

#include "tools/twcard/cert_info.h"
#include "tools/twcard/signer.h"

/* The data are what was signed, and nothing is wrong with whose key it was. */
bool signer_is_good(const struct signer *s);

/* When it was signed, as the signer says; "": it does not say. */
void signer_view_time(const struct signer *s, char out[CERT_TIME_SIZE]);

/*
 * {"valid", "certificate": cert_info_json(), "intact", "digest", "signing_time", "signing_certificate",
 * "chain", "chain_against", "problems"}. source: what the chain was checked against; raw: a bare
 * signature, which names no certificate. Owned by the caller.
 */
struct json_object *signer_view_json(const struct signer *s, enum trust_source source, bool raw);

#endif
