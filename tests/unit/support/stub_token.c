#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "stub_token.h"

#define MUST(condition) ((condition) ? (void)0 : abort())
#define SLOT 7
#define SESSION_FIRST 100

enum { CERTIFICATE = 1, PUBLIC_KEY, PRIVATE_KEY, AUTHORIZATION, OBJECTS = AUTHORIZATION };

struct stub_token stub_token;

static struct {
	EVP_PKEY *key;
	unsigned char *certificate; /* DER */
	int certificate_len;
	bool searching;
	unsigned found[OBJECTS];
	CK_ULONG found_count;
	bool signs, decrypts;
	CK_MECHANISM_TYPE mechanism;
} stub;

/* ---- the token's contents ---- */

static void make_certificate(void)
{
	X509 *x509 = X509_new();
	X509_NAME *name = X509_get_subject_name(x509);
	X509_EXTENSION *usage = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "digitalSignature,keyEncipherment");

	MUST(usage && X509_set_version(x509, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x509), 4711));
	MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"stub", -1, -1, 0));
	MUST(X509_set_issuer_name(x509, name) && X509_set_pubkey(x509, stub.key));
	MUST(X509_gmtime_adj(X509_getm_notBefore(x509), -86400) && X509_gmtime_adj(X509_getm_notAfter(x509), 86400));
	MUST(X509_add_ext(x509, usage, -1) && X509_sign(x509, stub.key, EVP_sha256()) > 0);
	stub.certificate_len = i2d_X509(x509, &stub.certificate);
	MUST(stub.certificate_len > 0);
	X509_EXTENSION_free(usage);
	X509_free(x509);
}

static CK_RV give(CK_ATTRIBUTE *a, const void *value, size_t len)
{
	if (a->pValue && a->ulValueLen < len) {
		a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return CKR_BUFFER_TOO_SMALL;
	}
	if (a->pValue)
		memcpy(a->pValue, value, len);
	a->ulValueLen = len;
	return CKR_OK;
}

static CK_RV give_number(CK_ATTRIBUTE *a, const char *name)
{
	BIGNUM *n = NULL;
	unsigned char bytes[256];
	int len;

	MUST(EVP_PKEY_get_bn_param(stub.key, name, &n) && BN_num_bytes(n) <= (int)sizeof bytes);
	len = BN_bn2bin(n, bytes);
	BN_free(n);
	return give(a, bytes, (size_t)len);
}

static CK_RV attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE *a)
{
	switch (a->type) {
	case CKA_LABEL:
		return object == AUTHORIZATION ? give(a, "SNO 1", 5) : give(a, "cert1", 5);
	case CKA_ID:
		return object == AUTHORIZATION ? CKR_ATTRIBUTE_TYPE_INVALID : give(a, "SIGN", 4);
	case CKA_VALUE:
		return object == AUTHORIZATION ? give(a, "authorization", 13)
		       : object == CERTIFICATE ? give(a, stub.certificate, (size_t)stub.certificate_len)
		       : CKR_ATTRIBUTE_SENSITIVE;
	case CKA_MODULUS:
		return give_number(a, "n");
	case CKA_PUBLIC_EXPONENT:
		return give_number(a, "e");
	default:
		return CKR_ATTRIBUTE_TYPE_INVALID;
	}
}

/* Of the attributes that the agent searches by. */
static bool matches(unsigned object, const CK_ATTRIBUTE *a)
{
	static const CK_OBJECT_CLASS classes[] = {
		[CERTIFICATE] = CKO_CERTIFICATE, [PUBLIC_KEY] = CKO_PUBLIC_KEY,
		[PRIVATE_KEY] = CKO_PRIVATE_KEY, [AUTHORIZATION] = CKO_CERTIFICATE,
	};
	CK_CERTIFICATE_TYPE type = object == AUTHORIZATION ? CKC_X_509_ATTR_CERT : CKC_X_509;
	unsigned char value[64];
	CK_ATTRIBUTE own = {a->type, value, sizeof value};

	if (a->type == CKA_CLASS)
		return *(CK_OBJECT_CLASS *)a->pValue == classes[object];
	if (a->type == CKA_CERTIFICATE_TYPE)
		return *(CK_CERTIFICATE_TYPE *)a->pValue == type;
	return attribute(object, &own) == CKR_OK && own.ulValueLen == a->ulValueLen &&
	       memcmp(value, a->pValue, a->ulValueLen) == 0;
}

/* ---- Cryptoki ---- */

static CK_RV initialize(void *args)
{
	(void)args;
	return CKR_CRYPTOKI_ALREADY_INITIALIZED; /* nobody waits for events, and nobody ends it */
}

static CK_RV get_info(CK_INFO *info)
{
	memset(info, ' ', sizeof *info);
	return CKR_OK;
}

static CK_RV get_slot_list(unsigned char present, CK_SLOT_ID *slots, CK_ULONG *count)
{
	(void)present;
	MUST(!slots || *count >= 1);
	if (slots)
		slots[0] = SLOT;
	*count = 1;
	return CKR_OK;
}

static CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	MUST(slot == SLOT);
	memset(info, ' ', sizeof *info);
	memcpy(info->slotDescription, STUB_READER, strlen(STUB_READER));
	info->flags = CKF_TOKEN_PRESENT;
	return CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	MUST(slot == SLOT);
	memset(info, ' ', sizeof *info);
	memcpy(info->serialNumber, STUB_SERIAL, sizeof info->serialNumber);
	info->flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED;
	info->ulMinPinLen = 6;
	info->ulMaxPinLen = 8;
	return CKR_OK;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *context, CK_NOTIFY notify, CK_SESSION_HANDLE *out)
{
	(void)context, (void)notify;
	MUST(slot == SLOT && flags & CKF_SERIAL_SESSION);
	*out = SESSION_FIRST + stub_token.sessions++;
	return CKR_OK;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
	MUST(session >= SESSION_FIRST && stub_token.sessions);
	stub_token.sessions--;
	stub_token.logged_in = stub_token.logged_in && stub_token.sessions;
	stub.searching = stub.signs = stub.decrypts = false;
	return CKR_OK;
}

static bool is_pin(const unsigned char *pin, CK_ULONG len)
{
	return len == strlen(STUB_PIN) && memcmp(pin, STUB_PIN, len) == 0;
}

static CK_RV log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
	(void)session;
	MUST(user == CKU_USER && len >= 6 && len <= 8 && !stub_token.logged_in);
	stub_token.logins++;
	stub_token.logged_in = is_pin(pin, len);
	return stub_token.logged_in ? CKR_OK : CKR_PIN_INCORRECT;
}

static CK_RV set_pin(CK_SESSION_HANDLE session, unsigned char *old, CK_ULONG old_len, unsigned char *pin, CK_ULONG len)
{
	(void)session, (void)pin, (void)len;
	stub_token.logins++;
	return is_pin(old, old_len) ? CKR_OK : CKR_PIN_INCORRECT;
}

static CK_RV log_out(CK_SESSION_HANDLE session)
{
	(void)session;
	MUST(stub_token.logged_in);
	stub_token.logged_in = false;
	return CKR_OK;
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
{
	(void)session;
	MUST(!stub.searching);
	stub.searching = true;
	stub.found_count = 0;
	for (unsigned object = 1; object <= OBJECTS; object++) {
		bool all = object < PRIVATE_KEY || stub_token.logged_in;

		for (CK_ULONG i = 0; all && i < count; i++)
			all = matches(object, &template[i]);
		if (all)
			stub.found[stub.found_count++] = object;
	}
	return CKR_OK;
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *count)
{
	(void)session;
	MUST(stub.searching && max >= OBJECTS);
	for (CK_ULONG i = 0; i < stub.found_count; i++)
		out[i] = stub.found[i];
	*count = stub.found_count;
	return CKR_OK;
}

static CK_RV find_objects_final(CK_SESSION_HANDLE session)
{
	(void)session;
	MUST(stub.searching);
	stub.searching = false;
	return CKR_OK;
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count)
{
	(void)session;
	MUST(object >= 1 && object <= OBJECTS && count == 1);
	return attribute(object, template);
}

/* What any private key does, with PKCS#1's padding or none. */
static CK_RV operate(bool sign, const unsigned char *data, CK_ULONG len, unsigned char *out, CK_ULONG *out_len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(stub.key, NULL);
	int padding = stub.mechanism == CKM_RSA_PKCS ? RSA_PKCS1_PADDING : RSA_NO_PADDING;
	size_t n = *out_len;
	bool good = ctx && (sign ? EVP_PKEY_sign_init(ctx) : EVP_PKEY_decrypt_init(ctx)) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1 &&
		    (sign ? EVP_PKEY_sign(ctx, out, &n, data, len) : EVP_PKEY_decrypt(ctx, out, &n, data, len)) == 1;

	EVP_PKEY_CTX_free(ctx);
	*out_len = good ? n : 0;
	return good ? CKR_OK : sign ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_INVALID;
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	(void)session;
	MUST(stub_token.logged_in && key == PRIVATE_KEY && !stub.signs);
	stub.signs = true;
	stub.mechanism = mechanism->mechanism;
	return CKR_OK;
}

static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG len, unsigned char *out, CK_ULONG *out_len)
{
	(void)session;
	MUST(stub.signs && stub_token.logged_in);
	stub.signs = false;
	return operate(true, data, len, out, out_len);
}

static CK_RV decrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	(void)session;
	MUST(stub_token.logged_in && key == PRIVATE_KEY && !stub.decrypts);
	stub.decrypts = true;
	stub.mechanism = mechanism->mechanism;
	return CKR_OK;
}

static CK_RV decrypt(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG len, unsigned char *out, CK_ULONG *out_len)
{
	(void)session;
	MUST(stub.decrypts && stub_token.logged_in);
	stub.decrypts = false;
	return operate(false, data, len, out, out_len);
}

static CK_FUNCTION_LIST module = {
	.version = {2, 40},
	.C_Initialize = initialize,
	.C_GetInfo = get_info,
	.C_GetSlotList = get_slot_list,
	.C_GetSlotInfo = get_slot_info,
	.C_GetTokenInfo = get_token_info,
	.C_OpenSession = open_session,
	.C_CloseSession = close_session,
	.C_Login = log_in,
	.C_SetPIN = set_pin,
	.C_Logout = log_out,
	.C_FindObjectsInit = find_objects_init,
	.C_FindObjects = find_objects,
	.C_FindObjectsFinal = find_objects_final,
	.C_GetAttributeValue = get_attribute_value,
	.C_SignInit = sign_init,
	.C_Sign = sign,
	.C_DecryptInit = decrypt_init,
	.C_Decrypt = decrypt,
};

CK_FUNCTION_LIST *stub_token_module(void)
{
	if (!stub.key) {
		stub.key = EVP_RSA_gen(2048);
		MUST(stub.key);
		make_certificate();
	}
	return &module;
}
