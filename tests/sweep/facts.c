#include <stdio.h>
#include <string.h>

#include "facts.h"

static uint64_t hash_of(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	uint64_t hash = 0xCBF29CE484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ b[i]) * 0x100000001B3u;
	return hash;
}

void facts_clear(struct facts *f)
{
	f->count = f->logins = f->private_ops = 0;
}

CK_RV facts_note(struct facts *f, CK_RV rv, unsigned object, CK_ATTRIBUTE_TYPE type, const void *bytes,
		 size_t len)
{
	struct fact *fact = &f->items[f->count];

	assert_true(f->count < FACTS_MAX);
	if (rv != CKR_OK)
		len = 0;
	*fact = (struct fact){rv, object, type, len, hash_of(bytes, len)};
	f->count++;
	return rv;
}

CK_RV facts_note_failure(struct facts *f, CK_RV rv)
{
	return rv == CKR_OK ? rv : facts_note(f, rv, 0, 0, NULL, 0);
}

bool facts_is_error(CK_RV rv)
{
	return rv != CKR_OK && rv != CKR_ATTRIBUTE_TYPE_INVALID && rv != CKR_ATTRIBUTE_SENSITIVE;
}

CK_RV facts_first_error(const struct facts *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (facts_is_error(f->items[i].rv))
			return f->items[i].rv;
	return CKR_OK;
}

static bool same(const struct fact *a, const struct fact *b)
{
	return a->rv == b->rv && a->object == b->object && a->type == b->type && a->len == b->len &&
	       a->hash == b->hash;
}

static void tell_difference(const struct fact *right, const struct fact *is, char *text, size_t size)
{
	if (right->type == FOUND)
		snprintf(text, size, "the search: 0x%lx, or another number of objects", is->rv);
	else
		snprintf(text, size, "object %u, attribute %lx: %zu bytes and 0x%lx for %zu and 0x%lx",
			 right->object, right->type, is->len, is->rv, right->len, right->rv);
}

bool facts_agree(const struct facts *right, const struct facts *f, bool errors, char *text, size_t size)
{
	bool failed = false;

	for (size_t i = 0; i < f->count && i < right->count; i++) {
		const struct fact *is = &f->items[i];

		failed |= facts_is_error(is->rv);
		if (same(is, &right->items[i]) || (errors && facts_is_error(is->rv)))
			continue;
		tell_difference(&right->items[i], is, text, size); /* what follows is out of step */
		return false;
	}
	if (f->count == right->count || (errors && failed))
		return true;
	snprintf(text, size, "%zu answers for %zu", f->count, right->count);
	return false;
}

bool facts_results_agree(const struct facts *right, const struct facts *f, char *text, size_t size)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct fact *is = &f->items[i];
		bool known = is->rv != CKR_OK || (is->type != CKA_SIGN && is->type != CKA_DECRYPT) ||
			     is->object; /* the attribute of an object */

		for (size_t k = 0; k < right->count; k++)
			known |= same(is, &right->items[k]);
		if (known)
			continue;
		snprintf(text, size, "a wrong result of a key, %zu bytes", is->len);
		return false;
	}
	return true;
}
