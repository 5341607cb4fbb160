/* Requests to the authority, signed as a card signs them. */
#ifndef TESTS_UNIT_AUTHORITY_REQUEST_H
#define TESTS_UNIT_AUTHORITY_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>
#include <openssl/x509.h>

#include "authz/twcard-authz.h"

/* A CMS message with its content inside. Owned by the caller: free(). Aborts if anything fails. */
uint8_t *authority_request_sign(EVP_PKEY *key, X509 *x509, const void *content, size_t content_len, size_t *len);

/* The same without signing-certificate-v2, or with another digest (NULL: SHA-256). */
uint8_t *authority_request_sign_other(EVP_PKEY *key, X509 *x509, const void *content, size_t content_len,
				      const char *digest, unsigned flags, size_t *len);

/* What a specification says, in the protocol's words. */
struct json_object *authority_request_content(const struct authz_spec *spec);

struct json_object *authority_request_x509(const X509 *x509);
struct json_object *authority_request_base64(const void *bytes, size_t len);

#endif
