/*
 * Attributes of the card's objects, one function each or for several. They
 * answer from memory, under the slot's lock, and never talk to the card.
 */
#ifndef TWCARD_SRC_GETTER_H
#define TWCARD_SRC_GETTER_H

#include "src/token/slot.h"

struct request {
	struct token *token;
	struct object *object;
	CK_ULONG arg;   /* the schema's */
	unsigned needs; /* enum slot_need; set with RESULT_NOT_READ */
};

/*
 * Appends the value. RESULT_NOT_READ: q->needs must be read of the card first
 * (slot_fetch).
 */
typedef enum result (*getter)(struct request *q, struct buffer *out);

/* arg: the value */
enum result getter_bool(struct request *q, struct buffer *out);
enum result getter_ulong(struct request *q, struct buffer *out);
enum result getter_empty(struct request *q, struct buffer *out);

/* arg: where in the record the bytes are */
enum result getter_field(struct request *q, struct buffer *out);
#define GETTER_FIELD(name) offsetof(struct p15_object, name)

/* arg: usage bits, any of which makes it true */
enum result getter_usage(struct request *q, struct buffer *out);
/* arg: an access bit; a record that does not tell claims nothing */
enum result getter_access(struct request *q, struct buffer *out);

enum result getter_label(struct request *q, struct buffer *out);
enum result getter_class(struct request *q, struct buffer *out);
enum result getter_private(struct request *q, struct buffer *out);
enum result getter_unique(struct request *q, struct buffer *out);
enum result getter_modifiable(struct request *q, struct buffer *out);
enum result getter_destroyable(struct request *q, struct buffer *out);

/* Of certificates, and getter_value also of data. */
enum getter_part { GETTER_SUBJECT, GETTER_ISSUER, GETTER_SERIAL };
enum getter_date { GETTER_START, GETTER_END };
enum result getter_value(struct request *q, struct buffer *out);
enum result getter_name(struct request *q, struct buffer *out); /* arg: the part */
enum result getter_date(struct request *q, struct buffer *out); /* arg: which */
enum result getter_check_value(struct request *q, struct buffer *out);
enum result getter_category(struct request *q, struct buffer *out);
enum result getter_certificate_key_info(struct request *q, struct buffer *out);

/* Of attribute certificates, whoever made them; arg: the part. */
enum getter_attribute_part {
	GETTER_OWNER,
	GETTER_AC_ISSUER,
	GETTER_AC_SERIAL,
	GETTER_TYPES,
	GETTER_FIRST_DAY,
	GETTER_LAST_DAY
};
enum result getter_attribute_part(struct request *q, struct buffer *out);

/* Of keys. */
enum result getter_modulus(struct request *q, struct buffer *out);
enum result getter_exponent(struct request *q, struct buffer *out);
enum result getter_modulus_bits(struct request *q, struct buffer *out);
enum result getter_key_info(struct request *q, struct buffer *out);
enum result getter_key_subject(struct request *q, struct buffer *out);

#endif
