#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "hostile.h"
#include "script.h"
#include "user.h"

#define VALUE_MAX (1u << 20) /* nothing on a card is longer */
#define BLOCK 256
#define TEXT "a text that nobody else has"
#define KEYS_MAX 8
#define GLANCE 5
#define ASKED_OBJECTS 50 /* of more than that, some are asked for their attributes */

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The first ones are all that a glance takes. */
static const CK_ATTRIBUTE_TYPE asked[] = {
	CKA_CLASS, CKA_LABEL, CKA_ID, CKA_VALUE, CKA_MODULUS, CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE,
	CKA_APPLICATION, CKA_OBJECT_ID, CKA_CERTIFICATE_TYPE, CKA_CERTIFICATE_CATEGORY, CKA_CHECK_VALUE,
	CKA_START_DATE, CKA_END_DATE, CKA_OWNER, CKA_AC_ISSUER, CKA_SERIAL_NUMBER, CKA_ATTR_TYPES, CKA_SUBJECT,
	CKA_ISSUER, CKA_URL, CKA_TRUSTED, CKA_KEY_TYPE, CKA_LOCAL, CKA_KEY_GEN_MECHANISM,
	CKA_ALLOWED_MECHANISMS, CKA_PUBLIC_EXPONENT, CKA_PUBLIC_KEY_INFO, CKA_MODULUS_BITS, CKA_ENCRYPT,
	CKA_VERIFY, CKA_WRAP, CKA_DECRYPT, CKA_SIGN, CKA_UNWRAP, CKA_SENSITIVE, CKA_EXTRACTABLE,
	CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_ALWAYS_AUTHENTICATE, CKA_PRIVATE_EXPONENT, CKA_UNIQUE_ID,
};

/* ---- the module ---- */

CK_SESSION_HANDLE user_begin_session(void)
{
	CK_SLOT_ID ids[8];
	CK_ULONG count = COUNT(ids);
	CK_SESSION_HANDLE session = 0;
	CK_RV rv;

	if (C_GetSlotList(CK_TRUE, ids, &count) != CKR_OK || count == 0)
		return 0;
	MUST(count == 1);
	rv = C_OpenSession(ids[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
	MUST((rv == CKR_OK) == (session != 0));
	return session;
}

CK_SESSION_HANDLE user_start(void)
{
	MUST(C_Initialize(NULL) == CKR_OK);
	return user_begin_session();
}

void user_stop(void)
{
	MUST(C_Finalize(NULL) == CKR_OK);
	MUST(!vcard_verified(hostile_card()));
}

/* ---- reading ---- */

struct reading {
	EVP_MD_CTX *digest;
	bool whole;
};

static void note(struct reading *r, const void *bytes, size_t len)
{
	MUST(EVP_DigestUpdate(r->digest, &len, sizeof len) && EVP_DigestUpdate(r->digest, bytes, len));
}

/* An answer that says something about the object, and not about trouble. */
static bool is_plain_answer(CK_RV rv)
{
	return rv == CKR_OK || rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE;
}

static void read_attribute(struct reading *r, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			   CK_ATTRIBUTE_TYPE type)
{
	CK_ATTRIBUTE a = {type, NULL, 0};
	CK_RV rv = C_GetAttributeValue(session, object, &a, 1);
	CK_ULONG len = a.ulValueLen;

	MUST(rv != CKR_BUFFER_TOO_SMALL && rv != CKR_OBJECT_HANDLE_INVALID);
	r->whole &= is_plain_answer(rv);
	note(r, &rv, sizeof rv);
	if (rv != CKR_OK)
		return;
	MUST(len <= VALUE_MAX);
	a.pValue = malloc(len ? len : 1); /* no longer than it says: what is written beyond it is seen */
	MUST(a.pValue);
	rv = C_GetAttributeValue(session, object, &a, 1);
	MUST(rv != CKR_OK || a.ulValueLen <= len);
	r->whole &= rv == CKR_OK && a.ulValueLen == len;
	if (rv == CKR_OK)
		note(r, a.pValue, a.ulValueLen);
	free(a.pValue);
}

static size_t find_all(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE *out,
		       size_t max, bool *whole)
{
	CK_ULONG got = 0;
	size_t count = 0;
	CK_RV rv = C_FindObjectsInit(session, template, n);

	*whole = rv == CKR_OK;
	if (rv != CKR_OK)
		return 0;
	do {
		CK_ULONG room = max - count < 7 ? max - count : 7;

		rv = C_FindObjects(session, out + count, room, &got);
		*whole &= rv == CKR_OK;
		MUST(rv != CKR_OK || got <= room);
		count += rv == CKR_OK ? got : 0;
	} while (rv == CKR_OK && got && count < max);
	MUST(C_FindObjectsFinal(session) == CKR_OK || !*whole);
	return count;
}

/* Padded with blanks, as the standard wants them. */
static void check_text(const CK_UTF8CHAR *text, size_t size)
{
	MUST(!memchr(text, '\0', size));
}

static void read_token(struct reading *r, CK_SESSION_HANDLE session)
{
	CK_SESSION_INFO info;
	CK_TOKEN_INFO token;
	CK_RV rv = C_GetSessionInfo(session, &info);

	if (rv == CKR_OK)
		rv = C_GetTokenInfo(info.slotID, &token);
	r->whole &= rv == CKR_OK;
	note(r, &rv, sizeof rv);
	if (rv != CKR_OK)
		return;
	check_text(token.label, sizeof token.label);
	check_text(token.manufacturerID, sizeof token.manufacturerID);
	check_text(token.model, sizeof token.model);
	check_text(token.serialNumber, sizeof token.serialNumber);
	note(r, token.label, sizeof token.label);
	note(r, token.model, sizeof token.model);
	note(r, token.serialNumber, sizeof token.serialNumber);
}

static void list(CK_SESSION_HANDLE session, size_t attributes, struct listing *out)
{
	static CK_OBJECT_HANDLE objects[USER_OBJECTS_MAX];
	struct reading r = {.digest = EVP_MD_CTX_new(), .whole = true};
	bool found_all;

	MUST(r.digest && EVP_DigestInit_ex(r.digest, EVP_sha256(), NULL));
	read_token(&r, session);
	out->count = find_all(session, NULL, 0, objects, COUNT(objects), &found_all);
	for (size_t i = 0; i < out->count; i += 1 + out->count / ASKED_OBJECTS)
		for (size_t j = 0; j < attributes; j++)
			read_attribute(&r, session, objects[i], asked[j]);
	out->whole = r.whole && found_all;
	MUST(EVP_DigestFinal_ex(r.digest, out->digest, NULL));
	EVP_MD_CTX_free(r.digest);
}

void user_list(CK_SESSION_HANDLE session, struct listing *out)
{
	list(session, COUNT(asked), out);
}

void user_glance(CK_SESSION_HANDLE session, struct listing *out)
{
	list(session, GLANCE, out);
}

/* ---- the PIN ---- */

CK_RV user_login(CK_SESSION_HANDLE session)
{
	unsigned before = hostile_verifies();
	CK_RV rv = C_Login(session, CKU_USER, (CK_BYTE *)HOSTILE_PIN, sizeof HOSTILE_PIN - 1);

	MUST(hostile_verifies() <= before + 1);
	if (rv != CKR_OK)
		MUST(!vcard_verified(hostile_card()));
	return rv;
}

void user_logout(CK_SESSION_HANDLE session)
{
	(void)C_Logout(session);
	MUST(!vcard_verified(hostile_card()));
}

/* ---- private operations ---- */

/* The card's own keys, which no lie changes; made once a generation. */
struct truth {
	EVP_PKEY *keys[3];
	uint8_t cryptogram[BLOCK];
};

static const struct truth *truth(void)
{
	static const unsigned references[] = {0x01, 0x05, 0x11};
	static struct truth all[2];
	struct truth *t = &all[hostile_generation()];
	EVP_PKEY_CTX *ctx;
	size_t len = BLOCK;

	if (t->keys[0])
		return t;
	for (size_t i = 0; i < COUNT(references); i++)
		t->keys[i] = vcard_public_key(hostile_card(), references[i]);
	ctx = EVP_PKEY_CTX_new(t->keys[1], NULL);
	MUST(ctx && EVP_PKEY_encrypt_init(ctx) == 1);
	MUST(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1);
	MUST(EVP_PKEY_encrypt(ctx, t->cryptogram, &len, (const uint8_t *)TEXT, sizeof TEXT - 1) == 1 && len == BLOCK);
	EVP_PKEY_CTX_free(ctx);
	return t;
}

static bool is_signature(const uint8_t *sig, size_t len)
{
	const struct truth *t = truth();
	bool good = false;

	for (size_t i = 0; i < COUNT(t->keys) && !good; i++) {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();

		MUST(ctx);
		good = t->keys[i] && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, t->keys[i]) == 1 &&
		       EVP_DigestVerify(ctx, sig, len, (const uint8_t *)TEXT, sizeof TEXT - 1) == 1;
		EVP_MD_CTX_free(ctx);
	}
	return good;
}

/* One VERIFY at most for one operation, and the buffer is kept to. */
static void check_result(CK_RV rv, CK_ULONG len, unsigned verifies_before)
{
	MUST(hostile_verifies() <= verifies_before + 1);
	MUST(rv != CKR_OK || len <= BLOCK);
}

static bool sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
	unsigned before = hostile_verifies();
	uint8_t sig[BLOCK];
	CK_ULONG len = sizeof sig;
	CK_RV rv = C_SignInit(session, &mechanism, key);

	if (rv == CKR_OK)
		rv = C_Sign(session, (CK_BYTE *)TEXT, sizeof TEXT - 1, sig, &len);
	check_result(rv, len, before);
	if (rv == CKR_OK && hostile_reads_are_true())
		MUST(is_signature(sig, len));
	return rv == CKR_OK;
}

static bool decrypt(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
	unsigned before = hostile_verifies();
	uint8_t text[BLOCK];
	CK_ULONG len = sizeof text;
	CK_RV rv = C_DecryptInit(session, &mechanism, key);

	if (rv == CKR_OK)
		rv = C_Decrypt(session, (CK_BYTE *)truth()->cryptogram, BLOCK, text, &len);
	check_result(rv, len, before);
	if (rv == CKR_OK && hostile_reads_are_true())
		MUST(len == sizeof TEXT - 1 && memcmp(text, TEXT, len) == 0);
	return rv == CKR_OK;
}

static bool for_keys(CK_SESSION_HANDLE session, CK_ATTRIBUTE_TYPE use,
		     bool (*operate)(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key))
{
	CK_OBJECT_CLASS klass = CKO_PRIVATE_KEY;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass}, {use, &yes, sizeof yes}};
	CK_OBJECT_HANDLE keys[KEYS_MAX];
	bool all;
	size_t count = find_all(session, template, COUNT(template), keys, COUNT(keys), &all);

	for (size_t i = 0; i < count; i++)
		all &= operate(session, keys[i]);
	return all && count;
}

bool user_sign(CK_SESSION_HANDLE session)
{
	return for_keys(session, CKA_SIGN, sign);
}

bool user_decrypt(CK_SESSION_HANDLE session)
{
	return for_keys(session, CKA_DECRYPT, decrypt);
}
