/* What a page sends: tbsPackage= and JSON, with the PIN taken out. */
#ifndef TWCARD_AGENT_REQUEST_H
#define TWCARD_AGENT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apdu/secret.h"
#include "tools/agent/work.h"

struct json_object;

/* The largest body: a text to sign in base64, form-encoded, and a PIN. */
#define REQUEST_BODY_MAX (8u << 20)

/*
 * A form's body, decoded once, in place, and wiped; an empty one is {}. The PIN, if it is a text and not empty,
 * goes to *pin. WORK_OK, WORK_JSON_BAD, WORK_PARAMETER_BAD (the PIN is no text), WORK_FAILED (out of
 * memory); only then *out is owned by the caller: request_free().
 */
enum work_code request_read(uint8_t *body, size_t len, struct json_object **out, struct secret *pin);

/* The same of JSON as it is. */
enum work_code request_parse(uint8_t *text, size_t len, struct json_object **out, struct secret *pin);

/* Wipes every text in it. NULL: nothing. */
void request_free(struct json_object *request);

/* What a func means; of one that is not known: WORK_NOT_OFFERED. NULL: the same. */
enum work_function request_function(const char *func);

/* "info", "sign", "decrypt", "csr", "write", "card": which words the user is asked with. */
const char *request_kind(enum work_function function);

/* The data to be signed, for the user's eyes: as bytes. False: there is none. Owned by the caller: free(). */
bool request_data(struct json_object *request, uint8_t **data, size_t *len);

#endif
