/*
 * The one table of attributes: which classes have them, what they look like,
 * what a caller may say and change, and where the card's objects have them
 * from. Objects of the card, session objects and the token's profile objects
 * all go by it.
 */
#ifndef TWCARD_SRC_SCHEMA_H
#define TWCARD_SRC_SCHEMA_H

#include "src/cryptoki.h"
#include "src/object/getter.h"
#include "src/object/value.h"

enum schema_class {
	ON_CERT = 1 << 0,    /* X.509 */
	ON_DATA = 1 << 1,
	ON_PUBLIC = 1 << 2,
	ON_PRIVATE = 1 << 3, /* of the card only */
	ON_SECRET = 1 << 4,  /* of sessions only */
	ON_PROFILE = 1 << 5, /* the token's own */
	ON_ATTRIBUTE = 1 << 6, /* attribute certificates */
	ON_ANY_CERT = ON_CERT | ON_ATTRIBUTE,
	ON_KEYS = ON_PUBLIC | ON_PRIVATE | ON_SECRET,
	ON_ALL = ON_ANY_CERT | ON_DATA | ON_KEYS | ON_PROFILE
};

enum schema_rule {
	RULE_NEEDED = 1 << 0,  /* C_CreateObject must have it */
	RULE_EMPTY = 1 << 1,   /* and yet it may be empty */
	RULE_FIXED = 1 << 2,   /* never the caller's to say */
	RULE_CHANGES = 1 << 3, /* C_SetAttributeValue may change it */
	RULE_COPY = 1 << 4,    /* C_CopyObject may */
	RULE_UP = 1 << 5,      /* may only become true */
	RULE_DOWN = 1 << 6,    /* may only become false */
	RULE_FILLED = 1 << 7,  /* computed, if it is not given */
	RULE_SECRET = 1 << 8   /* told only of keys that are extractable and not sensitive */
};

struct schema_row {
	CK_ATTRIBUTE_TYPE type;
	unsigned classes; /* enum schema_class */
	enum value_form form;
	unsigned rules;   /* enum schema_rule */
	CK_ULONG value;   /* the default of FORM_BOOL and FORM_ULONG; others are empty */
	bool (*check)(const void *value, size_t len); /* beyond the form; NULL: nothing */
	getter get;       /* of the card's objects; NULL: they have none, or never tell it */
	CK_ULONG arg;     /* the getter's */
};

/*
 * Attribute certificates are of class CKO_CERTIFICATE, and yet they have
 * attributes of their own: this is how the table calls them.
 */
#define SCHEMA_ATTRIBUTE (CKO_VENDOR_DEFINED | CKO_CERTIFICATE)

/* What the table calls the class of an object, or of what is to become one. */
CK_OBJECT_CLASS schema_class_of(const struct object *o);
CK_OBJECT_CLASS schema_class(CK_OBJECT_CLASS klass, CK_CERTIFICATE_TYPE type);

/* The bit of a class; 0: there are no such objects. */
unsigned schema_class_bit(CK_OBJECT_CLASS klass);

/* NULL: objects of the class have no such attribute. */
const struct schema_row *schema_find(CK_OBJECT_CLASS klass, CK_ATTRIBUTE_TYPE type);

/* All rows of a class, in a row: `before` NULL is the first, NULL the end. */
const struct schema_row *schema_next(CK_OBJECT_CLASS klass, const struct schema_row *before);

#endif
