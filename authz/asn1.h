/*
 * The ASN.1 of an attribute certificate (RFC 5755, section 4.1, whose module
 * has IMPLICIT tags) and of our attributes (docs/AUTHORIZATION.md), as
 * templates for OpenSSL's encoder. OpenSSL has these itself from 3.4 on; the
 * names here are others, so that both can be in one program.
 */
#ifndef TWCARD_AUTHZ_ASN1_H
#define TWCARD_AUTHZ_ASN1_H

#include <openssl/asn1t.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

typedef struct {
	GENERAL_NAMES *issuer;
	ASN1_INTEGER *serial;
	ASN1_BIT_STRING *issuer_uid; /* optional */
} TWCARD_AC_ISSUER_SERIAL;

typedef struct {
	ASN1_ENUMERATED *type;
	ASN1_OBJECT *other_type; /* optional */
	X509_ALGOR *algorithm;
	ASN1_BIT_STRING *digest;
} TWCARD_AC_DIGEST_INFO;

/* Each is optional. */
typedef struct {
	TWCARD_AC_ISSUER_SERIAL *base_certificate;
	GENERAL_NAMES *entity_name;
	TWCARD_AC_DIGEST_INFO *digest_info;
} TWCARD_AC_HOLDER;

/* Each is optional. */
typedef struct {
	GENERAL_NAMES *issuer_name;
	TWCARD_AC_ISSUER_SERIAL *base_certificate;
	TWCARD_AC_DIGEST_INFO *digest_info;
} TWCARD_AC_V2_FORM;

#define AC_ISSUER_V1 0
#define AC_ISSUER_V2 1

typedef struct {
	int type; /* AC_ISSUER_V1, AC_ISSUER_V2 */
	union {
		GENERAL_NAMES *v1_form;
		TWCARD_AC_V2_FORM *v2_form;
	} form;
} TWCARD_AC_ISSUER;

typedef struct {
	ASN1_GENERALIZEDTIME *not_before, *not_after;
} TWCARD_AC_VALIDITY;

typedef struct {
	ASN1_INTEGER *version;
	TWCARD_AC_HOLDER *holder;
	TWCARD_AC_ISSUER *issuer;
	X509_ALGOR *algorithm;
	ASN1_INTEGER *serial;
	TWCARD_AC_VALIDITY *validity;
	STACK_OF(X509_ATTRIBUTE) *attributes;
	ASN1_BIT_STRING *issuer_uid;         /* optional */
	STACK_OF(X509_EXTENSION) *extensions; /* optional */
} TWCARD_AC_INFO;

typedef struct {
	TWCARD_AC_INFO *info;
	X509_ALGOR *algorithm;
	ASN1_BIT_STRING *signature;
} TWCARD_AC;

DECLARE_ASN1_ITEM(TWCARD_AC_ISSUER_SERIAL)
DECLARE_ASN1_ITEM(TWCARD_AC_DIGEST_INFO)
DECLARE_ASN1_ITEM(TWCARD_AC_HOLDER)
DECLARE_ASN1_ITEM(TWCARD_AC_V2_FORM)
DECLARE_ASN1_ITEM(TWCARD_AC_ISSUER)
DECLARE_ASN1_ITEM(TWCARD_AC_VALIDITY)
DECLARE_ASN1_ITEM(TWCARD_AC_INFO)
DECLARE_ASN1_ITEM(TWCARD_AC)

/* ---- the values of our attributes ---- */

typedef struct {
	ASN1_UTF8STRING *application;
	ASN1_UTF8STRING *unit_name, *unit_code, *role; /* optional */
} TWCARD_AC_GRANT;
DEFINE_STACK_OF(TWCARD_AC_GRANT)
typedef STACK_OF(TWCARD_AC_GRANT) TWCARD_AC_GRANTS;

typedef struct {
	ASN1_ENUMERATED *state; /* AC_DELEGATION_ENABLED, … */
	ASN1_UTF8STRING *unit_name, *unit_code, *role; /* optional */
} TWCARD_AC_DELEGATION;

#define AC_DELEGATION_ENABLED 0
#define AC_DELEGATION_DISABLED 1

typedef struct {
	ASN1_ENUMERATED *kind; /* AC_ID_NATIONAL, AC_ID_OTHER */
	ASN1_UTF8STRING *number;
} TWCARD_AC_BEARER;

#define AC_ID_NATIONAL 0
#define AC_ID_OTHER 1

DECLARE_ASN1_ITEM(TWCARD_AC_GRANT)
DECLARE_ASN1_ITEM(TWCARD_AC_GRANTS)
DECLARE_ASN1_ITEM(TWCARD_AC_DELEGATION)
DECLARE_ASN1_ITEM(TWCARD_AC_BEARER)

/* subjectDirectoryAttributes of an X.509 certificate (RFC 5280, 4.2.1.8) */
typedef STACK_OF(X509_ATTRIBUTE) TWCARD_AC_DIRECTORY;
DECLARE_ASN1_ITEM(TWCARD_AC_DIRECTORY)

/* The types of a certificate's attributes, without their values. */
typedef STACK_OF(ASN1_OBJECT) TWCARD_AC_TYPES;
DECLARE_ASN1_ITEM(TWCARD_AC_TYPES)

#endif
