/*
 * The PKCS#15 directory files of a card (ISO/IEC 7816-15; facts: directory
 * entries): records in, structs out. Reads tolerantly, because optional
 * fields differ between cards: what is needed is picked by type and order,
 * what is not understood is left alone.
 */
#ifndef TWCARD_PROFILES_PKCS15_H
#define TWCARD_PROFILES_PKCS15_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apdu/buffer.h"
#include "apdu/result.h"
#include "profiles/path.h"

enum p15_class { P15_PRIVATE_KEY, P15_PUBLIC_KEY, P15_CERTIFICATE, P15_DATA, P15_CLASSES };

/* Key usage bits, in the order of 7816-15's KeyUsageFlags. */
enum p15_usage {
	P15_ENCRYPT = 1 << 0,
	P15_DECRYPT = 1 << 1,
	P15_SIGN = 1 << 2,
	P15_SIGN_RECOVER = 1 << 3,
	P15_WRAP = 1 << 4,
	P15_UNWRAP = 1 << 5,
	P15_VERIFY = 1 << 6,
	P15_VERIFY_RECOVER = 1 << 7,
	P15_DERIVE = 1 << 8,
	P15_NON_REPUDIATION = 1 << 9
};

/* Key access flags, in the order of 7816-15's KeyAccessFlags. */
enum p15_access {
	P15_SENSITIVE = 1 << 0,
	P15_EXTRACTABLE = 1 << 1,
	P15_ALWAYS_SENSITIVE = 1 << 2,
	P15_NEVER_EXTRACTABLE = 1 << 3,
	P15_CARD_GENERATED = 1 << 4
};

struct p15_object {
	enum p15_class kind;
	struct buffer label;    /* UTF-8 */
	struct buffer id;       /* CKA_ID; empty for data */
	bool is_private;        /* CommonObjectFlags */
	/* keys */
	unsigned usage;         /* P15_ENCRYPT … */
	unsigned access;        /* P15_SENSITIVE …; 0 if the record does not say, as real ones seem to */
	unsigned key_ref;       /* 0..255 */
	unsigned modulus_bits;  /* 0 if the record does not say */
	/* certificates: DER; empty if the record does not have them */
	struct buffer subject, issuer, serial;
	bool is_authority;      /* the record says that it is a CA's */
	bool is_attribute;      /* an attribute certificate: it has none of these, and no id */
	/* data */
	struct buffer application; /* UTF-8 */
	struct buffer oid;         /* content bytes of the object identifier */
	/* where the value is */
	struct card_path path;
	bool has_path;
	bool has_range;         /* offset and length below; otherwise the whole file */
	unsigned offset, length;
};

struct p15_list {
	struct p15_object *items;
	size_t count;
};

void p15_list_clear(struct p15_list *list);

enum p15_scan {
	P15_COMPLETE, /* the records end within these bytes */
	P15_MORE,     /* more of the file must be read */
	P15_TORN      /* no more can repair it: a record that cannot be one */
};

/*
 * Looks where the records end: at padding (00 or FF). *content gets the bytes
 * that are whole records so far; on P15_MORE *need is the least total number
 * of bytes that could say more.
 */
enum p15_scan p15_scan(const uint8_t *data, size_t len, size_t *content, size_t *need);

/*
 * Parses the content of a directory file. A record that is whole but not
 * understood is logged and left out, and so are those behind the 64th.
 * RESULT_BAD_DATA: not a row of records.
 */
MUST_USE enum result p15_parse(enum p15_class kind, const uint8_t *data, size_t len,
			       struct p15_list *out);

/*
 * The same; *odd gets how many were left out that are no other kind of object
 * by their tag either: the bytes may have changed on their way.
 */
MUST_USE enum result p15_parse_odd(enum p15_class kind, const uint8_t *data, size_t len,
				   struct p15_list *out, size_t *odd);

/* TokenInfo (EF 5032). Empty buffers where the file says nothing; to be cleared after any result. */
struct p15_token_info {
	struct buffer serial, manufacturer, label;
};

void p15_token_info_clear(struct p15_token_info *info);
MUST_USE enum result p15_parse_token_info(const uint8_t *data, size_t len,
					  struct p15_token_info *out);

#endif
