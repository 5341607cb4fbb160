/* Texts, bytes (as base64) and certificates in JSON objects that nobody has checked. Tells nothing. */
#ifndef TWCARD_TOOLS_JSON_BYTES_H
#define TWCARD_TOOLS_JSON_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>
#include <openssl/x509.h>

/* One JSON object and nothing else, of at most 16 levels. NULL: it is not. Owned by the caller. */
struct json_object *json_bytes_parse(const void *text, size_t len);

/* The member; NULL: there is none, or this is no object. Owned by the object. */
struct json_object *json_bytes_member(struct json_object *object, const char *key);

/* A member that is a text; NULL: there is none. Owned by the object. */
const char *json_bytes_text(struct json_object *object, const char *key);

/* Base64 of at least one byte. False: it is none. *out is owned by the caller: free(). */
bool json_bytes_take(struct json_object *object, const char *key, unsigned char **out, size_t *len);

/* A certificate's DER in base64, and nothing behind it. NULL: it is none. Owned by the caller. */
X509 *json_bytes_x509(struct json_object *object, const char *key);

/* The other way. NULL: out of memory. Owned by the caller. */
struct json_object *json_bytes_new(const void *bytes, size_t len);
struct json_object *json_bytes_from_x509(X509 *x509);

#endif
