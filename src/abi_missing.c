/*
 * The Cryptoki calls that are not built (yet): they exist, because programs
 * call through the table without looking, and say so.
 */
#include "config.h"

#include "src/module.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

static CK_RV not_supported(const char *function)
{
	CK_RV rv = module_enter();

	return rv == CKR_OK ? module_leave(function, CKR_FUNCTION_NOT_SUPPORTED) : rv;
}

CK_RV C_InitToken(CK_SLOT_ID slot_id, unsigned char *pin, CK_ULONG pin_len, unsigned char *label)
{
	return not_supported(__func__);
}

CK_RV C_InitPIN(CK_SESSION_HANDLE session, unsigned char *pin, CK_ULONG pin_len)
{
	return not_supported(__func__);
}

CK_RV C_SetPIN(CK_SESSION_HANDLE session, unsigned char *old_pin, CK_ULONG old_len,
	       unsigned char *new_pin, CK_ULONG new_len)
{
	return not_supported(__func__);
}

CK_RV C_GetOperationState(CK_SESSION_HANDLE session, unsigned char *operation_state,
			  CK_ULONG *operation_state_len)
{
	return not_supported(__func__);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE session, unsigned char *operation_state,
			  CK_ULONG operation_state_len, CK_OBJECT_HANDLE encryption_key,
			  CK_OBJECT_HANDLE authentication_key)
{
	return not_supported(__func__);
}

CK_RV C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *templ, CK_ULONG count,
		     CK_OBJECT_HANDLE *object)
{
	return not_supported(__func__);
}

CK_RV C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ,
		   CK_ULONG count, CK_OBJECT_HANDLE *new_object)
{
	return not_supported(__func__);
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	return not_supported(__func__);
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG *size)
{
	return not_supported(__func__);
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *templ,
			  CK_ULONG count)
{
	return not_supported(__func__);
}

CK_RV C_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return not_supported(__func__);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG data_len,
		unsigned char *encrypted_data, CK_ULONG *encrypted_data_len)
{
	return not_supported(__func__);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE session, unsigned char *part, CK_ULONG part_len,
		      unsigned char *encrypted_part, CK_ULONG *encrypted_part_len)
{
	return not_supported(__func__);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE session, unsigned char *last_encrypted_part,
		     CK_ULONG *last_encrypted_part_len)
{
	return not_supported(__func__);
}

CK_RV C_DigestKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	return not_supported(__func__);
}

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return not_supported(__func__);
}

CK_RV C_SignRecover(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG data_len,
		    unsigned char *signature, CK_ULONG *signature_len)
{
	return not_supported(__func__);
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return not_supported(__func__);
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE session, unsigned char *signature, CK_ULONG signature_len,
		      unsigned char *data, CK_ULONG *data_len)
{
	return not_supported(__func__);
}

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE session, unsigned char *part, CK_ULONG part_len,
			    unsigned char *encrypted_part, CK_ULONG *encrypted_part_len)
{
	return not_supported(__func__);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE session, unsigned char *encrypted_part,
			    CK_ULONG encrypted_part_len, unsigned char *part, CK_ULONG *part_len)
{
	return not_supported(__func__);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE session, unsigned char *part, CK_ULONG part_len,
			  unsigned char *encrypted_part, CK_ULONG *encrypted_part_len)
{
	return not_supported(__func__);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE session, unsigned char *encrypted_part,
			    CK_ULONG encrypted_part_len, unsigned char *part, CK_ULONG *part_len)
{
	return not_supported(__func__);
}

CK_RV C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *templ,
		    CK_ULONG count, CK_OBJECT_HANDLE *key)
{
	return not_supported(__func__);
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
			CK_ATTRIBUTE *public_key_template, CK_ULONG public_key_attribute_count,
			CK_ATTRIBUTE *private_key_template, CK_ULONG private_key_attribute_count,
			CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
	return not_supported(__func__);
}

CK_RV C_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
		CK_OBJECT_HANDLE key, unsigned char *wrapped_key, CK_ULONG *wrapped_key_len)
{
	return not_supported(__func__);
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
		  CK_OBJECT_HANDLE unwrapping_key, unsigned char *wrapped_key,
		  CK_ULONG wrapped_key_len, CK_ATTRIBUTE *templ, CK_ULONG attribute_count,
		  CK_OBJECT_HANDLE *key)
{
	return not_supported(__func__);
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
		  CK_ATTRIBUTE *templ, CK_ULONG attribute_count, CK_OBJECT_HANDLE *key)
{
	return not_supported(__func__);
}

CK_RV C_SeedRandom(CK_SESSION_HANDLE session, unsigned char *seed, CK_ULONG seed_len)
{
	return not_supported(__func__);
}

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session)
{
	return not_supported(__func__);
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session)
{
	return not_supported(__func__);
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
	return not_supported(__func__);
}
