/*
 * Values of attributes: what they must be like, and those that follow from
 * others. Knows no object, no card and no template.
 */
#ifndef TWCARD_SRC_VALUE_H
#define TWCARD_SRC_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "apdu/buffer.h"
#include "src/cryptoki.h"
#include "src/token/store.h"

#define VALUE_DATE_SIZE 8 /* CK_DATE: YYYYMMDD */
#define VALUE_CHECK_SIZE 3

/* What a value looks like. */
enum value_form {
	FORM_BOOL,
	FORM_ULONG,
	FORM_BYTES,
	FORM_DATE,       /* a day of the calendar, or empty */
	FORM_INTEGER,    /* big-endian, leading zeros or not */
	FORM_MECHANISMS, /* a row of CK_MECHANISM_TYPE */
	FORM_TEMPLATE,   /* a row of CK_ATTRIBUTE; kept as a store (value_of_template) */
	VALUE_FORMS
};

/* True if a caller's value has the form. Reads no more than its length. */
bool value_has_form(enum value_form form, const CK_ATTRIBUTE *a);

/* More about single attributes; called for values that have their form. */
bool value_is_x509(const void *value, size_t len);
bool value_is_category(const void *value, size_t len);
bool value_is_security_domain(const void *value, size_t len);
bool value_is_name_hash(const void *value, size_t len);
bool value_is_rsa(const void *value, size_t len);
bool value_is_check_value(const void *value, size_t len); /* or the wish to have none */

/* PKCS#11, DES keys: every byte has an odd number of bits. */
bool value_has_odd_parity(const uint8_t *key, size_t len);

/* The first attribute of the type in a template; NULL: it has none. */
const CK_ATTRIBUTE *value_in_template(const CK_ATTRIBUTE *template, CK_ULONG count,
				      CK_ATTRIBUTE_TYPE type);

/* Appends the attributes of an array attribute, as the bytes of a store. */
MUST_USE enum result value_of_template(const CK_ATTRIBUTE *array, struct buffer *out);

/* The store that value_of_template() made; a view into the bytes, not to be cleared. */
struct store value_as_store(const uint8_t *bytes, size_t len);

/* Bits of a big-endian number without its leading zeros. */
size_t value_bits(const uint8_t *number, size_t len);

/* Appends what an i2d_ function made and answered, and frees it. RESULT_CRYPTO: it made nothing. */
MUST_USE enum result value_put_der(struct buffer *out, unsigned char *der, int len);

/* Appends the DER SubjectPublicKeyInfo of an RSA key, or of the key in a certificate. */
MUST_USE enum result value_rsa_key_info(const uint8_t *modulus, size_t modulus_len,
					const uint8_t *exponent, size_t exponent_len,
					struct buffer *out);
MUST_USE enum result value_certificate_key_info(const uint8_t *der, size_t len, struct buffer *out);

/* CKA_CHECK_VALUE of a certificate or a secret key (PKCS#11, secret key objects). */
MUST_USE enum result value_check_certificate(const uint8_t *der, size_t len,
					     uint8_t out[VALUE_CHECK_SIZE]);
MUST_USE enum result value_check_secret(CK_KEY_TYPE type, const uint8_t *key, size_t len,
					uint8_t out[VALUE_CHECK_SIZE]);

#define VALUE_UNIQUE_SIZE 37 /* a UUID and its NUL */

/* CKA_UNIQUE_ID: random, or always the same for the same words, which do not show in it. */
MUST_USE enum result value_unique_random(char out[VALUE_UNIQUE_SIZE]);
MUST_USE enum result value_unique_of(const char *words, char out[VALUE_UNIQUE_SIZE]);

#endif
