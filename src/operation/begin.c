/* From mechanism and key to an operation that has all it needs. */
#include "config.h"

#include "src/operation/internal.h"

/* Which functions do a mechanism's work for a use. */
static const struct family *const families[MECHANISM_FAMILIES][KEY_USES] = {
	[MECHANISM_DIGEST] = {[OPERATION_DIGEST] = &digest_family},
	[MECHANISM_HMAC] = {[OPERATION_SIGN] = &hmac_family, [OPERATION_VERIFY] = &hmac_family},
	[MECHANISM_CIPHER] = {[OPERATION_ENCRYPT] = &cipher_encrypts,
			      [OPERATION_DECRYPT] = &cipher_decrypts,
			      [USE_WRAP] = &cipher_encrypts,
			      [USE_UNWRAP] = &cipher_unwraps},
	[MECHANISM_GCM] = {[OPERATION_ENCRYPT] = &gcm_encrypts, [OPERATION_DECRYPT] = &gcm_decrypts},
	[MECHANISM_RSA] = {[OPERATION_SIGN] = &rsa_signs,
			   [OPERATION_SIGN_RECOVER] = &rsa_signs,
			   [OPERATION_VERIFY] = &rsa_verifies,
			   [OPERATION_VERIFY_RECOVER] = &rsa_recovers,
			   [OPERATION_ENCRYPT] = &rsa_encrypts,
			   [OPERATION_DECRYPT] = &rsa_decrypts,
			   [USE_WRAP] = &rsa_encrypts,
			   [USE_UNWRAP] = &rsa_unwraps},
};

CK_RV operation_begin(struct session *s, struct operation *op, unsigned use, const CK_MECHANISM *m,
		      CK_OBJECT_HANDLE handle)
{
	const struct mechanism *row = mechanism_find(m->mechanism);
	struct operation_key key = {0};
	struct mechanism_params params;
	CK_RV rv = CKR_OK;

	if (!row || !key_use_fits(use, row->flags) || !families[row->family][use])
		return CKR_MECHANISM_INVALID;
	if (use != OPERATION_DIGEST)
		rv = key_take(s, row, handle, use, &key);
	if (rv == CKR_OK)
		rv = mechanism_parse(row, m, &params);
	if (rv == CKR_OK) {
		op->mechanism = row;
		op->family = families[row->family][use];
		op->key = handle;
		op->needs_login = key.is_private;
		rv = op->family->begin(op, &key, &params);
	}
	key_clear(&key);
	if (rv != CKR_OK)
		operation_end(op);
	return rv;
}
