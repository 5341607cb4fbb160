/* The Cryptoki calls that encrypt and decrypt, alone or with another operation. */
#include "config.h"

#include "src/abi/operate.h"

CK_RV C_EncryptInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return operate_init(__func__, handle, OPERATION_ENCRYPT, mechanism, key);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG len,
		unsigned char *encrypted, CK_ULONG *encrypted_len)
{
	return operate_single(__func__, handle, OPERATION_ENCRYPT, data, len, encrypted,
			      encrypted_len);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
		      unsigned char *out, CK_ULONG *out_len)
{
	return operate_transform(__func__, handle, OPERATION_ENCRYPT, part, len, out, out_len);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE handle, unsigned char *out, CK_ULONG *out_len)
{
	return operate_final(__func__, handle, OPERATION_ENCRYPT, out, out_len);
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	return operate_init(__func__, handle, OPERATION_DECRYPT, mechanism, key);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE handle, unsigned char *encrypted, CK_ULONG len,
		unsigned char *data, CK_ULONG *data_len)
{
	return operate_single(__func__, handle, OPERATION_DECRYPT, encrypted, len, data, data_len);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
		      unsigned char *out, CK_ULONG *out_len)
{
	return operate_transform(__func__, handle, OPERATION_DECRYPT, part, len, out, out_len);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE handle, unsigned char *out, CK_ULONG *out_len)
{
	return operate_final(__func__, handle, OPERATION_DECRYPT, out, out_len);
}

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
			    unsigned char *out, CK_ULONG *out_len)
{
	return operate_dual(__func__, handle, OPERATION_ENCRYPT, OPERATION_DIGEST, part, len, out,
			    out_len);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
			    unsigned char *out, CK_ULONG *out_len)
{
	return operate_dual(__func__, handle, OPERATION_DECRYPT, OPERATION_DIGEST, part, len, out,
			    out_len);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
			  unsigned char *out, CK_ULONG *out_len)
{
	return operate_dual(__func__, handle, OPERATION_ENCRYPT, OPERATION_SIGN, part, len, out,
			    out_len);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG len,
			    unsigned char *out, CK_ULONG *out_len)
{
	return operate_dual(__func__, handle, OPERATION_DECRYPT, OPERATION_VERIFY, part, len, out,
			    out_len);
}
