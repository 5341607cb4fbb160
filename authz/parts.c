/* Fields of any attribute certificate, as the DER that they are. */
#include "config.h"

#include <openssl/err.h>

#include "authz/cert.h"

#define VERSION_2 1

static bool put(const void *value, const ASN1_ITEM *item, struct authz_part *out)
{
	int len = ASN1_item_i2d(value, &out->bytes, item);

	out->len = len > 0 ? (size_t)len : 0;
	return len > 0;
}

/* In the order of the certificate. */
static bool put_types(const STACK_OF(X509_ATTRIBUTE) *attributes, struct authz_part *out)
{
	TWCARD_AC_TYPES *types = sk_ASN1_OBJECT_new_null();
	bool ok = types != NULL;

	for (int i = 0; ok && i < sk_X509_ATTRIBUTE_num(attributes); i++)
		ok = sk_ASN1_OBJECT_push(types, X509_ATTRIBUTE_get0_object(
							sk_X509_ATTRIBUTE_value(attributes, i))) > 0;
	ok = ok && put(types, ASN1_ITEM_rptr(TWCARD_AC_TYPES), out);
	sk_ASN1_OBJECT_free(types);
	return ok;
}

static enum authz_reason take(const TWCARD_AC_INFO *info, struct authz_parts *out)
{
	if (ASN1_INTEGER_get(info->version) != VERSION_2)
		return AUTHZ_FORM;
	if (!cert_time(info->validity->not_before, &out->not_before) ||
	    !cert_time(info->validity->not_after, &out->not_after))
		return AUTHZ_FORM;
	return put(info->holder, ASN1_ITEM_rptr(TWCARD_AC_HOLDER), &out->holder) &&
			       put(info->issuer, ASN1_ITEM_rptr(TWCARD_AC_ISSUER), &out->issuer) &&
			       put(info->serial, ASN1_ITEM_rptr(ASN1_INTEGER), &out->serial) &&
			       put_types(info->attributes, &out->types)
		       ? AUTHZ_GOOD
		       : AUTHZ_NO_MEMORY;
}

enum authz_reason authz_parts_read(const void *der, size_t len, struct authz_parts *out)
{
	enum authz_reason r;
	TWCARD_AC *ac;

	if (!out)
		return AUTHZ_BAD_ARGUMENT;
	*out = (struct authz_parts){.not_before = 0};
	if (!der)
		return AUTHZ_BAD_ARGUMENT;
	if (len > AUTHZ_DER_MAX)
		return AUTHZ_TOO_LARGE;
	ERR_set_mark();
	r = cert_decode(der, len, &ac);
	if (r == AUTHZ_GOOD)
		r = take(ac->info, out);
	ASN1_item_free((ASN1_VALUE *)ac, ASN1_ITEM_rptr(TWCARD_AC));
	ERR_pop_to_mark();
	if (r != AUTHZ_GOOD)
		authz_parts_clear(out);
	return r;
}

void authz_parts_clear(struct authz_parts *parts)
{
	OPENSSL_free(parts->holder.bytes);
	OPENSSL_free(parts->issuer.bytes);
	OPENSSL_free(parts->serial.bytes);
	OPENSSL_free(parts->types.bytes);
	*parts = (struct authz_parts){.not_before = 0};
}
