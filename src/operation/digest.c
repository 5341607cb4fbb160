/* Digests: OpenSSL's, and of the bytes of a key. */
#include "config.h"

#include <openssl/evp.h>

#include "src/operation/internal.h"
#include "src/token/object.h"

static CK_RV begin(struct operation *op, const struct operation_key *key,
		   const struct mechanism_params *params)
{
	struct digest_state *digest = &op->digest;

	(void)key;
	digest->size = (size_t)EVP_MD_get_size(params->hash);
	digest->context = EVP_MD_CTX_new();
	if (!digest->context)
		return CKR_HOST_MEMORY;
	return EVP_DigestInit_ex2(digest->context, params->hash, NULL) ? CKR_OK
								       : CKR_FUNCTION_FAILED;
}

static CK_RV feed(struct operation *op, const CK_BYTE *in, CK_ULONG len)
{
	return EVP_DigestUpdate(op->digest.context, in, len) ? CKR_OK : CKR_FUNCTION_FAILED;
}

static size_t room(const struct operation *op, size_t len)
{
	(void)len;
	return op->digest.size;
}

static CK_RV finish(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		    CK_BYTE *out, size_t *out_len)
{
	CK_RV rv = feed(op, in, len);
	unsigned n = 0;

	(void)s;
	if (rv == CKR_OK && !EVP_DigestFinal_ex(op->digest.context, out, &n))
		rv = CKR_FUNCTION_FAILED;
	*out_len = n;
	return rv;
}

static void end(struct operation *op)
{
	EVP_MD_CTX_free(op->digest.context);
}

const struct family digest_family = {
	.begin = begin, .feed = feed, .room = room, .exact = true, .finish = finish, .end = end,
};

/* Of session keys whose value may be known; a card's key has none to give. */
static CK_RV may_digest(const struct object *key)
{
	if (key->klass != CKO_SECRET_KEY || store_bool(key->attributes, CKA_SENSITIVE) ||
	    !store_bool(key->attributes, CKA_EXTRACTABLE))
		return CKR_KEY_INDIGESTIBLE;
	return CKR_OK;
}

CK_RV digest_key(struct session *s, CK_OBJECT_HANDLE handle)
{
	struct buffer value = BUFFER_INIT;
	CK_RV rv;

	if (!s->operations[OPERATION_DIGEST].mechanism)
		return CKR_OPERATION_NOT_INITIALIZED;
	rv = key_take_value(s, handle, may_digest, &value);
	if (rv == CKR_OK)
		rv = operation_update(s, OPERATION_DIGEST, value.data, value.len);
	buffer_clear(&value);
	return rv;
}
