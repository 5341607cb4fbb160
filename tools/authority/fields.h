/* JSON that came from outside, field by field; and what it says of an authorization. */
#ifndef TWCARD_AUTHORITY_FIELDS_H
#define TWCARD_AUTHORITY_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <json-c/json.h>
#include <openssl/x509.h>

#include "authz/twcard-authz.h"

/* One object and nothing behind it; not deeper than FIELDS_DEPTH. NULL: it is none. Owned by the caller. */
#define FIELDS_DEPTH 8
struct json_object *fields_parse(const void *bytes, size_t len);

/* NULL: not there, null, no text, or with a NUL inside. Lives as long as its object. */
const char *fields_text(struct json_object *from, const char *name);

/* Is it not said, or null? */
bool fields_absent(struct json_object *from, const char *name);

/* NULL or false: not there, or not of its form. */
struct json_object *fields_object(struct json_object *from, const char *name);
bool fields_bool(struct json_object *from, const char *name, bool *out);
bool fields_number(struct json_object *from, const char *name, int64_t *out);
bool fields_time(struct json_object *from, const char *name, time_t *out);
bool fields_hex(struct json_object *from, const char *name, uint8_t *out, size_t len);

/* Base64 of DER, of at most max bytes. Owned by the caller: free(). */
uint8_t *fields_der(struct json_object *from, const char *name, size_t max, size_t *len);
X509 *fields_x509(struct json_object *from, const char *name);

/* For answers; NULL data is null. Out of memory shows as null. */
struct json_object *fields_base64(const uint8_t *data, size_t len);
struct json_object *fields_time_json(time_t t);

/*
 * The protocol's "content" of a kind: sets grants, scope, disabled and bearer of
 * a specification; the texts live as long as the object. Only the form is
 * looked at: the rest is the library's. False: not of its form.
 */
bool fields_content(struct json_object *content, enum authz_kind kind, struct authz_spec *out);

/* Does a certificate say what a specification does: kind, content, sequence, times? */
bool fields_same(const struct authz_spec *wanted, const struct authz_info *got);

#endif
