/*
 * Attributes are data: one table of (classes, type, getter). One function owns
 * the rules of C_GetAttributeValue for lengths, small buffers, sensitive and
 * unknown attributes.
 */
#ifndef TWCARD_SRC_ATTRIBUTE_H
#define TWCARD_SRC_ATTRIBUTE_H

#include <stdbool.h>

#include "src/cryptoki.h"
#include "src/token/slot.h"

/*
 * Fills the whole template, whatever happens to single entries, and answers
 * the first of their codes: CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID,
 * CKR_BUFFER_TOO_SMALL, or what the card did. May touch the card.
 */
CK_RV attributes_get(struct slot *slot, struct object *o, CK_ATTRIBUTE *template, CK_ULONG count);

/*
 * True in *match if the object has every attribute of the template with the
 * same value. Only an error of the card or of memory is an error here.
 */
CK_RV attributes_match(struct slot *slot, struct object *o, const CK_ATTRIBUTE *template,
		       CK_ULONG count, bool *match);

/* True if objects of the class have such an attribute at all. */
bool attribute_exists(CK_OBJECT_CLASS klass, CK_ATTRIBUTE_TYPE type);

#endif
