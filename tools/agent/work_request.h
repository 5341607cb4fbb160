/*
 * The members of a request, whose types nobody has checked. Each function
 * answers false after work_fail(): the member is of a wrong type, or cannot be
 * decoded. A member that is not there, null, or the text __NotExistedTag__ is
 * absent; pages post one object for all functions.
 */
#ifndef TWCARD_AGENT_WORK_REQUEST_H
#define TWCARD_AGENT_WORK_REQUEST_H

#include "tools/agent/work_internal.h"

/* A text without NUL; NULL: it is absent or empty. Owned by the request. */
bool work_text(struct work_job *job, const char *key, const char **out);

/* "true": anything else is false. `absent`: what it is if it is not there, or empty. */
bool work_flag(struct work_job *job, const char *key, bool absent, bool *out);

/*
 * Base64, whose + may have become blanks on the way. *out is NULL if it is
 * absent or empty; otherwise owned by the caller: work_bytes_free(). Not
 * Base64: WORK_BASE64.
 */
bool work_base64(struct work_job *job, const char *key, unsigned char **out, size_t *len);

/* The text's bytes, which may have NULs, or (is_base64) what it encodes. As above. */
bool work_bytes(struct work_job *job, const char *key, bool is_base64, unsigned char **out, size_t *len);

/* The request's hashAlgorithm. */
bool work_digest(struct work_job *job, const EVP_MD **out);

/* Wipes them. NULL: nothing. */
void work_bytes_free(unsigned char *bytes, size_t len);

#endif
