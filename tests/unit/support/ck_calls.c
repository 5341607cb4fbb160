#include "ck_calls.h"

/* What the calls point to; nothing of it matters. */
static unsigned char data[512];
static CK_ULONG number;
static CK_OBJECT_HANDLE object;
static CK_INFO info;
static CK_SLOT_INFO slot_info;
static CK_TOKEN_INFO token_info;
static CK_MECHANISM_INFO mechanism_info;
static CK_SESSION_INFO session_info;
static CK_FUNCTION_LIST *list;
static CK_INTERFACE *interface;
static CK_SLOT_ID slot;
static CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
static CK_ATTRIBUTE template[] = {{CKA_LABEL, data, 4}};

#define OUT data, &number

/* clang-format off */
#define CALLS \
	X(C_GetFunctionList, CK_CALL_FREE, &list) \
	X(C_GetInterfaceList, CK_CALL_FREE, NULL, &number) \
	X(C_GetInterface, CK_CALL_FREE, NULL, NULL, &interface, 0) \
	X(C_Finalize, CK_CALL_LIBRARY, NULL) \
	X(C_GetInfo, CK_CALL_LIBRARY, &info) \
	X(C_GetSlotList, CK_CALL_LIBRARY, CK_FALSE, NULL, &number) \
	X(C_WaitForSlotEvent, CK_CALL_LIBRARY, CKF_DONT_BLOCK, &slot, NULL) \
	X(C_GetSlotInfo, CK_CALL_SLOT, h, &slot_info) \
	X(C_GetTokenInfo, CK_CALL_SLOT, h, &token_info) \
	X(C_GetMechanismList, CK_CALL_SLOT, h, NULL, &number) \
	X(C_GetMechanismInfo, CK_CALL_SLOT, h, CKM_SHA256, &mechanism_info) \
	X(C_InitToken, CK_CALL_SLOT, h, data, 6, data) \
	X(C_OpenSession, CK_CALL_SLOT, h, CKF_SERIAL_SESSION, NULL, NULL, &object) \
	X(C_CloseAllSessions, CK_CALL_SLOT, h) \
	X(C_InitPIN, CK_CALL_SESSION, h, data, 6) \
	X(C_SetPIN, CK_CALL_SESSION, h, data, 6, data, 6) \
	X(C_CloseSession, CK_CALL_SESSION, h) \
	X(C_GetSessionInfo, CK_CALL_SESSION, h, &session_info) \
	X(C_GetOperationState, CK_CALL_SESSION, h, OUT) \
	X(C_SetOperationState, CK_CALL_SESSION, h, data, 4, 0, 0) \
	X(C_Login, CK_CALL_SESSION, h, CKU_USER, data, 6) \
	X(C_LoginUser, CK_CALL_SESSION, h, CKU_USER, data, 6, NULL, 0) \
	X(C_Logout, CK_CALL_SESSION, h) \
	X(C_SessionCancel, CK_CALL_SESSION, h, CKF_SIGN) \
	X(C_CreateObject, CK_CALL_SESSION, h, template, 1, &object) \
	X(C_CopyObject, CK_CALL_SESSION, h, 1, template, 1, &object) \
	X(C_DestroyObject, CK_CALL_SESSION, h, 1) \
	X(C_GetObjectSize, CK_CALL_SESSION, h, 1, &number) \
	X(C_GetAttributeValue, CK_CALL_SESSION, h, 1, template, 1) \
	X(C_SetAttributeValue, CK_CALL_SESSION, h, 1, template, 1) \
	X(C_FindObjectsInit, CK_CALL_SESSION, h, template, 1) \
	X(C_FindObjects, CK_CALL_SESSION, h, &object, 1, &number) \
	X(C_FindObjectsFinal, CK_CALL_SESSION, h) \
	X(C_EncryptInit, CK_CALL_SESSION, h, &mechanism, 1) \
	X(C_Encrypt, CK_CALL_SESSION, h, data, 4, OUT) \
	X(C_EncryptUpdate, CK_CALL_SESSION, h, data, 4, OUT) \
	X(C_EncryptFinal, CK_CALL_SESSION, h, OUT) \
	X(C_DecryptInit, CK_CALL_SESSION, h, &mechanism, 1) \
	X(C_Decrypt, CK_CALL_SESSION, h, data, 4, OUT) \
	X(C_DecryptUpdate, CK_CALL_SESSION, h, data, 4, OUT) \
	X(C_DecryptFinal, CK_CALL_SESSION, h, OUT) \
	X(C_DigestInit, CK_CALL_SESSION, h, &mechanism) \
	X(C_Digest, CK_CALL_SESSION, h, data, 4, OUT) \
	X(C_DigestUpdate, CK_CALL_SESSION, h, data, 4) \
	X(C_DigestKey, CK_CALL_SESSION, h, 1) \
	X(C_DigestFinal, CK_CALL_SESSION, h, OUT) \
	X(C_SignInit, CK_CALL_SESSION, h, &mechanism, 1) \
	X(C_Sign, CK_CALL_SESSION, h, data, 4, OUT) \
	X(C_SignUpdate, CK_CALL_SESSION, h, data, 4) \
	X(C_SignFinal, CK_CALL_SESSION, h, OUT) \
	X(C_SignRecoverInit, CK_CALL_SESSION, h, &mechanism, 1) \
	X(C_SignRecover, CK_CALL_SESSION, h, data, 4, OUT) \
	X(C_VerifyInit, CK_CALL_SESSION, h, &mechanism, 1) \
	X(C_Verify, CK_CALL_SESSION, h, data, 4, data, 256) \
	X(C_VerifyUpdate, CK_CALL_SESSION, h, data, 4) \
	X(C_VerifyFinal, CK_CALL_SESSION, h, data, 256) \
	X(C_VerifyRecoverInit, CK_CALL_SESSION, h, &mechanism, 1) \
	X(C_VerifyRecover, CK_CALL_SESSION, h, data, 256, OUT) \
	X(C_DigestEncryptUpdate, CK_CALL_SESSION, h, data, 4, OUT) \
	X(C_DecryptDigestUpdate, CK_CALL_SESSION, h, data, 4, OUT) \
	X(C_SignEncryptUpdate, CK_CALL_SESSION, h, data, 4, OUT) \
	X(C_DecryptVerifyUpdate, CK_CALL_SESSION, h, data, 4, OUT) \
	X(C_GenerateKey, CK_CALL_SESSION, h, &mechanism, template, 1, &object) \
	X(C_GenerateKeyPair, CK_CALL_SESSION, h, &mechanism, template, 1, template, 1, &object, &object) \
	X(C_WrapKey, CK_CALL_SESSION, h, &mechanism, 1, 1, OUT) \
	X(C_UnwrapKey, CK_CALL_SESSION, h, &mechanism, 1, data, 256, template, 1, &object) \
	X(C_DeriveKey, CK_CALL_SESSION, h, &mechanism, 1, template, 1, &object) \
	X(C_SeedRandom, CK_CALL_SESSION, h, data, 4) \
	X(C_GenerateRandom, CK_CALL_SESSION, h, data, 4) \
	X(C_GetFunctionStatus, CK_CALL_SESSION, h) \
	X(C_CancelFunction, CK_CALL_SESSION, h) \
	X(C_MessageEncryptInit, CK_CALL_MESSAGE, h, &mechanism, 1) \
	X(C_EncryptMessage, CK_CALL_MESSAGE, h, NULL, 0, NULL, 0, data, 4, OUT) \
	X(C_EncryptMessageBegin, CK_CALL_MESSAGE, h, NULL, 0, NULL, 0) \
	X(C_EncryptMessageNext, CK_CALL_MESSAGE, h, NULL, 0, data, 4, OUT, 0) \
	X(C_MessageEncryptFinal, CK_CALL_MESSAGE, h) \
	X(C_MessageDecryptInit, CK_CALL_MESSAGE, h, &mechanism, 1) \
	X(C_DecryptMessage, CK_CALL_MESSAGE, h, NULL, 0, NULL, 0, data, 4, OUT) \
	X(C_DecryptMessageBegin, CK_CALL_MESSAGE, h, NULL, 0, NULL, 0) \
	X(C_DecryptMessageNext, CK_CALL_MESSAGE, h, NULL, 0, data, 4, OUT, 0) \
	X(C_MessageDecryptFinal, CK_CALL_MESSAGE, h) \
	X(C_MessageSignInit, CK_CALL_MESSAGE, h, &mechanism, 1) \
	X(C_SignMessage, CK_CALL_MESSAGE, h, NULL, 0, data, 4, OUT) \
	X(C_SignMessageBegin, CK_CALL_MESSAGE, h, NULL, 0) \
	X(C_SignMessageNext, CK_CALL_MESSAGE, h, NULL, 0, data, 4, OUT) \
	X(C_MessageSignFinal, CK_CALL_MESSAGE, h) \
	X(C_MessageVerifyInit, CK_CALL_MESSAGE, h, &mechanism, 1) \
	X(C_VerifyMessage, CK_CALL_MESSAGE, h, NULL, 0, data, 4, data, 256) \
	X(C_VerifyMessageBegin, CK_CALL_MESSAGE, h, NULL, 0) \
	X(C_VerifyMessageNext, CK_CALL_MESSAGE, h, NULL, 0, data, 4, data, 256) \
	X(C_MessageVerifyFinal, CK_CALL_MESSAGE, h)

#define X(function, kind, ...) \
	static CK_RV call_##function(CK_ULONG h) \
	{ \
		(void)h; \
		number = sizeof data; \
		return function(__VA_ARGS__); \
	}
CALLS
#undef X

#define X(function, kind, ...) {#function, kind, call_##function},
const struct ck_call ck_calls[] = {CALLS};
#undef X
/* clang-format on */

const size_t ck_call_count = sizeof ck_calls / sizeof *ck_calls;
