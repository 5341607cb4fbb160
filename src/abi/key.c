/* The Cryptoki calls that make keys and random bytes. */
#include "config.h"

#include "src/abi/abi.h"
#include "src/abi/call.h"
#include "src/crypto/context.h"
#include "src/operation/key.h"

CK_RV C_GenerateKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
		    CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism && key && abi_is_template(template, count)
		     ? key_generate(call.session, mechanism, template, count, key)
		     : CKR_ARGUMENTS_BAD;
	return call_leave(&call, rv);
}

CK_RV C_WrapKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
		CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key,
		unsigned char *wrapped_key, CK_ULONG *wrapped_key_len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism && wrapped_key_len ? key_wrap(call.session, mechanism, wrapping_key, key,
						     wrapped_key, wrapped_key_len)
					  : CKR_ARGUMENTS_BAD;
	return call_leave(&call, rv);
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
		  CK_OBJECT_HANDLE unwrapping_key, unsigned char *wrapped_key,
		  CK_ULONG wrapped_key_len, CK_ATTRIBUTE *template, CK_ULONG count,
		  CK_OBJECT_HANDLE *key)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	rv = mechanism && wrapped_key && key && abi_is_template(template, count)
		     ? key_unwrap(call.session, mechanism, unwrapping_key, wrapped_key,
				  wrapped_key_len, template, count, key)
		     : CKR_ARGUMENTS_BAD;
	return call_leave(&call, rv);
}

/* From OpenSSL: the card's own GET CHALLENGE was never observed (facts: gen 1). */
CK_RV C_GenerateRandom(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK_AWAY);

	if (rv != CKR_OK)
		return rv;
	if (!abi_is_bytes(data, len))
		rv = CKR_ARGUMENTS_BAD;
	else if (!crypto_random(data, len))
		rv = CKR_FUNCTION_FAILED;
	return call_leave(&call, rv);
}

/* OpenSSL seeds itself and takes what else there is as additional input. */
CK_RV C_SeedRandom(CK_SESSION_HANDLE handle, unsigned char *seed, CK_ULONG len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, __func__, handle, LOOK_AWAY);

	if (rv != CKR_OK)
		return rv;
	if (!abi_is_bytes(seed, len))
		rv = CKR_ARGUMENTS_BAD;
	else if (!crypto_seed(seed, len))
		rv = CKR_FUNCTION_FAILED;
	return call_leave(&call, rv);
}
