/*
 * The rules of C_GetAttributeValue and of matching: lengths, small buffers,
 * sensitive and unknown attributes, and what has to be read of the card
 * first. The schema says which attributes there are.
 */
#ifndef TWCARD_SRC_ATTRIBUTE_H
#define TWCARD_SRC_ATTRIBUTE_H

#include <stdbool.h>

#include "src/cryptoki.h"
#include "src/token/slot.h"

/*
 * Fills the whole template, whatever happens to single entries, and answers
 * the first of their codes: CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID,
 * CKR_BUFFER_TOO_SMALL, or what the card did. CKR_OBJECT_HANDLE_INVALID: there
 * is no such object. Called without the slot's lock; may touch the card.
 */
CK_RV attributes_get(struct slot *slot, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *template,
		     CK_ULONG count);

/*
 * True in *match if the object is there and has every attribute of the
 * template with the same value. Only an error of the card or of memory is an
 * error here. Called without the slot's lock; may touch the card.
 */
CK_RV attributes_match(struct slot *slot, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *template,
		       CK_ULONG count, bool *match);

/*
 * CKR_OK if an object that is only thought of, with all that its attributes come
 * from in memory, has these values; CKR_TEMPLATE_INCONSISTENT if not;
 * CKR_HOST_MEMORY and CKR_FUNCTION_FAILED say nothing of them. Under the slot's lock.
 */
CK_RV attributes_agree(struct token *t, struct object *o, const CK_ATTRIBUTE *template, CK_ULONG count);

/* False if the key has a list of mechanisms (CKA_ALLOWED_MECHANISMS) without this one. Under the lock. */
bool attribute_allows_mechanism(const struct object *key, CK_MECHANISM_TYPE mechanism);

/*
 * False if the wrapping key says (CKA_WRAP_TEMPLATE) what keys it wraps, and
 * the session key `key` is not like that. Under the lock.
 */
bool attribute_allows_wrapping(const struct object *wrapping, const struct object *key);

#endif
