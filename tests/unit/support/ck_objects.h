/*
 * What tests of all of Cryptoki need on top of testcard.h: session objects
 * made in a line, single attributes, RSA keys that OpenSSL made, and a usage
 * bit in a key's record of the card. Failing steps fail the test.
 */
#ifndef TESTS_CK_OBJECTS_H
#define TESTS_CK_OBJECTS_H

#include <stdbool.h>

#include <openssl/types.h>

#include "testcard.h"

/* Attributes of a template; the values live as long as the block they stand in. */
#define BYTES_OF(type, bytes, len) {(type), (void *)(bytes), (len)}
#define ULONG_OF(type, number) {(type), &(CK_ULONG){(number)}, sizeof(CK_ULONG)}
#define BOOL_OF(type, truth) {(type), &(CK_BBOOL){(truth) ? CK_TRUE : CK_FALSE}, sizeof(CK_BBOOL)}

/* C_CreateObject; 0 in *out unless it is made. */
CK_RV ck_try_create(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
		    CK_OBJECT_HANDLE *out);
CK_OBJECT_HANDLE ck_create(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count);

/* A secret key with these bytes, all else as by default. */
CK_OBJECT_HANDLE ck_secret(CK_SESSION_HANDLE session, CK_KEY_TYPE type, const void *value, size_t len);
/* The same, with one boolean of it said. */
CK_OBJECT_HANDLE ck_secret_with(CK_SESSION_HANDLE session, CK_KEY_TYPE type, const void *value,
				size_t len, CK_ATTRIBUTE_TYPE flag, bool truth);
/* The public half as a session object. */
CK_OBJECT_HANDLE ck_public(CK_SESSION_HANDLE session, const EVP_PKEY *key);
/* A data object with this label. */
CK_OBJECT_HANDLE ck_data(CK_SESSION_HANDLE session, const char *label);

/* An RSA key of OpenSSL's, made once for each size and test program; not to be freed. */
EVP_PKEY *ck_rsa(unsigned bits);

CK_RV ck_attribute_rv(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
bool ck_bool(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
CK_ULONG ck_ulong(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
/* C_SetAttributeValue of one attribute. */
CK_RV ck_set(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
	     const void *value, size_t len);
CK_RV ck_set_bool(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		  bool value);
/* True if the handle is one. */
bool ck_exists(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object);

/*
 * In a directory file of a card: the first usage that is `from` (PKCS#15
 * KeyUsageFlags, first byte) becomes `to`, for the next one who reads it.
 */
void ck_change_usage(struct vcard *card, const char *path, unsigned from, unsigned to);

/* Milliseconds of a clock that only goes forward. */
unsigned ck_now_ms(void);

#endif
