/* A certificate as pages know it. */
#ifndef TWCARD_AGENT_WORK_CERTIFICATE_H
#define TWCARD_AGENT_WORK_CERTIFICATE_H

#include <stddef.h>

#include <json-c/json.h>
#include <openssl/types.h>

/* One of certs[] of pkcs11info. NULL: out of memory. Owned by the caller. */
struct json_object *work_certificate_json(X509 *x509, const char *label, const unsigned char *id, size_t id_len);

#endif
