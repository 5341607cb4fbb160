#include <string.h>

#include "ck_objects.h"
#include "every_call.h"
#include "gen2card.h"

#define TEXT ((CK_BYTE *)"twenty bytes of text")
#define TEXT_LEN 20

static CK_OBJECT_HANDLE key, public_key, decryption_key, encryption_key, aes, hmac, object;
static unsigned char sig[256], cryptogram[256], parts_sig[256], wrapped[256];

/* What a call answers when it is right: the first answer, or any other that is the same. */
struct answer {
	CK_BYTE bytes[512];
	CK_ULONG len;
};

static struct {
	struct answer key_info, check_value, cbc, gcm, digest, hmac;
} known;

/* One of the card's, and what is computed of it. */
static struct {
	CK_BYTE der[4096], subject[512];
	size_t len, subject_len;
	struct answer key_info, check_value;
} certificate;

static CK_RV same(struct answer *first, CK_RV rv, const void *bytes, CK_ULONG len)
{
	if (rv != CKR_OK)
		return rv;
	if (!first->len) {
		memcpy(first->bytes, bytes, len);
		first->len = len;
	}
	assert_int_equal(len, first->len);
	assert_memory_equal(bytes, first->bytes, len);
	return rv;
}

static CK_RV initialize(void)
{
	return C_Initialize(NULL);
}

static void finalize(void)
{
	assert_int_equal(C_Finalize(NULL), CKR_OK);
}

static CK_RV list_slots(void)
{
	CK_ULONG count = 0;

	return C_GetSlotList(CK_FALSE, NULL, &count);
}

/* As it is on the card, not made up. */
static CK_RV show_token(void)
{
	CK_TOKEN_INFO info;
	CK_RV rv = C_GetTokenInfo(bench.slot, &info);

	if (rv == CKR_OK)
		assert_memory_equal(info.serialNumber, vcard_card_number(bench.card), 15);
	return rv;
}

/* That the card is there is known, and nothing else any more. */
static void insert_again(void)
{
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO info;

	fake_eject(READER);
	assert_int_not_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	fake_insert(READER, bench.card);
	assert_int_equal(C_GetSlotInfo(bench.slot, &slot), CKR_OK);
	assert_true(slot.flags & CKF_TOKEN_PRESENT);
}

static CK_RV begin_session(void)
{
	return C_OpenSession(bench.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &bench.session);
}

static void end_session(void)
{
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
}

static void begin_anew(void)
{
	insert_again();
	bench.session = open_session(bench.slot);
}

static CK_RV log_in(void)
{
	return login(bench.session, PIN);
}

static void log_out(void)
{
	assert_int_equal(C_Logout(bench.session), CKR_OK);
}

/* All objects, or an error. */
static CK_RV find_all(void)
{
	CK_OBJECT_HANDLE found[64];
	CK_ULONG count = 0;
	CK_RV rv = C_FindObjectsInit(bench.session, NULL, 0);

	if (rv != CKR_OK)
		return rv;
	rv = C_FindObjects(bench.session, found, COUNT(found), &count);
	assert_int_equal(C_FindObjectsFinal(bench.session), CKR_OK);
	if (rv == CKR_OK)
		assert_int_equal(count, 4 + 3 + 2);
	return rv;
}

/* What was refused in the middle of an operation may have ended the login. */
static void be_logged_in(void)
{
	CK_SESSION_INFO info;

	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_OK);
	if (info.state != CKS_RW_USER_FUNCTIONS)
		assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	public_key = find_one(bench.session, CKO_PUBLIC_KEY, "SIGN");
	decryption_key = find_one(bench.session, CKO_PRIVATE_KEY, "KEYX");
	encryption_key = find_one(bench.session, CKO_PUBLIC_KEY, "KEYX");
}

/* From the card's reset on: all that a signature needs. */
static void be_logged_in_anew(void)
{
	begin_anew();
	be_logged_in();
}

/* ---- attributes ---- */

static CK_RV read_attribute(CK_OBJECT_HANDLE of, CK_ATTRIBUTE_TYPE type, struct answer *first)
{
	CK_BYTE value[512];
	CK_ATTRIBUTE a = {type, value, sizeof value};
	CK_RV rv = C_GetAttributeValue(bench.session, of, &a, 1);

	return same(first, rv, value, a.ulValueLen);
}

static CK_RV read_key_info(void)
{
	return read_attribute(public_key, CKA_PUBLIC_KEY_INFO, &known.key_info);
}

static CK_RV read_check_value(void)
{
	return read_attribute(aes, CKA_CHECK_VALUE, &known.check_value);
}

static CK_RV read_unique_id(void)
{
	CK_BYTE value[64];
	CK_ATTRIBUTE a = {CKA_UNIQUE_ID, value, sizeof value};

	return C_GetAttributeValue(bench.session, public_key, &a, 1);
}

/* ---- the card's keys ---- */

static CK_RV sign(void)
{
	return sign_sha256(bench.session, key, "text", sig);
}

static void check_signature(void)
{
	assert_true(is_signature(bench.card, KEY_SIGN, "text", sig));
}

static CK_RSA_PKCS_PSS_PARAMS pss_params = {CKM_SHA256, CKG_MGF1_SHA256, 32};
static CK_MECHANISM pss = {CKM_SHA256_RSA_PKCS_PSS, &pss_params, sizeof pss_params};
static unsigned char pss_sig[256];

static CK_RV sign_pss(void)
{
	CK_ULONG len = sizeof pss_sig;
	CK_RV rv = C_SignInit(bench.session, &pss, key);

	return rv == CKR_OK ? C_Sign(bench.session, TEXT, TEXT_LEN, pss_sig, &len) : rv;
}

static CK_RV verify_pss(void)
{
	CK_RV rv = C_VerifyInit(bench.session, &pss, public_key);

	return rv == CKR_OK ? C_Verify(bench.session, TEXT, TEXT_LEN, pss_sig, sizeof pss_sig) : rv;
}

static void check_pss(void)
{
	assert_int_equal(verify_pss(), CKR_OK);
}

static CK_RV verify(void)
{
	CK_RV rv = C_VerifyInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), public_key);

	return rv == CKR_OK ? C_Verify(bench.session, (CK_BYTE *)"text", 4, sig, sizeof sig) : rv;
}

/* What must not be, whatever is refused: another text with that signature. */
static CK_RV refuse_to_verify(void)
{
	CK_RV rv = C_VerifyInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), public_key);

	if (rv == CKR_OK)
		rv = C_Verify(bench.session, (CK_BYTE *)"Text", 4, sig, sizeof sig);
	assert_int_not_equal(rv, CKR_OK);
	return rv == CKR_SIGNATURE_INVALID ? CKR_OK : rv;
}

static CK_RV sign_in_parts(void)
{
	CK_ULONG len = sizeof parts_sig;
	CK_RV rv = C_SignInit(bench.session, MECHANISM(CKM_RSA_PKCS), key);

	for (CK_ULONG at = 0; rv == CKR_OK && at < TEXT_LEN; at += 5)
		rv = C_SignUpdate(bench.session, TEXT + at, 5);
	return rv == CKR_OK ? C_SignFinal(bench.session, parts_sig, &len) : rv;
}

static CK_RV verify_in_parts(void)
{
	CK_RV rv = C_VerifyInit(bench.session, MECHANISM(CKM_RSA_PKCS), public_key);

	for (CK_ULONG at = 0; rv == CKR_OK && at < TEXT_LEN; at += 10)
		rv = C_VerifyUpdate(bench.session, TEXT + at, 10);
	return rv == CKR_OK ? C_VerifyFinal(bench.session, parts_sig, sizeof parts_sig) : rv;
}

static void check_parts(void)
{
	assert_int_equal(verify_in_parts(), CKR_OK);
}

static CK_RV encrypt_for_card(void)
{
	CK_ULONG len = sizeof cryptogram;
	CK_RV rv = C_EncryptInit(bench.session, MECHANISM(CKM_RSA_PKCS), encryption_key);

	return rv == CKR_OK ? C_Encrypt(bench.session, TEXT, TEXT_LEN, cryptogram, &len) : rv;
}

static CK_RV decrypt_by_card(void)
{
	CK_BYTE out[256];
	CK_ULONG len = sizeof out;
	CK_RV rv = C_DecryptInit(bench.session, MECHANISM(CKM_RSA_PKCS), decryption_key);

	if (rv == CKR_OK)
		rv = C_Decrypt(bench.session, cryptogram, sizeof cryptogram, out, &len);
	if (rv == CKR_OK) {
		assert_int_equal(len, TEXT_LEN);
		assert_memory_equal(out, TEXT, TEXT_LEN);
	}
	return rv;
}

/* ---- session objects ---- */

static CK_RV create(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY),
				   ULONG_OF(CKA_KEY_TYPE, CKK_AES), BOOL_OF(CKA_ENCRYPT, true),
				   TEXT_ATTRIBUTE(CKA_LABEL, "a key"),
				   TEXT_ATTRIBUTE(CKA_VALUE, "0123456789abcdef")};

	return C_CreateObject(bench.session, template, COUNT(template), &object);
}

static CK_RV generate(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_VALUE_LEN, 32), BOOL_OF(CKA_ENCRYPT, true)};

	return C_GenerateKey(bench.session, MECHANISM(CKM_AES_KEY_GEN), template, COUNT(template), &object);
}

static void destroy(void)
{
	assert_int_equal(C_DestroyObject(bench.session, object), CKR_OK);
}

static void know_certificate(void)
{
	CK_OBJECT_HANDLE from = find_one(bench.session, CKO_CERTIFICATE, "SIGN");

	certificate.len = get_attribute(bench.session, from, CKA_VALUE, certificate.der, sizeof certificate.der);
	certificate.subject_len = get_attribute(bench.session, from, CKA_SUBJECT, certificate.subject,
						sizeof certificate.subject);
	certificate.key_info.len = certificate.check_value.len = 0;
	assert_int_equal(read_attribute(from, CKA_PUBLIC_KEY_INFO, &certificate.key_info), CKR_OK);
	assert_int_equal(read_attribute(from, CKA_CHECK_VALUE, &certificate.check_value), CKR_OK);
	assert_true(certificate.key_info.len && certificate.check_value.len);
}

static CK_RV create_certificate(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_CERTIFICATE),
				   ULONG_OF(CKA_CERTIFICATE_TYPE, CKC_X_509),
				   BYTES_OF(CKA_SUBJECT, certificate.subject, certificate.subject_len),
				   BYTES_OF(CKA_VALUE, certificate.der, certificate.len)};

	return C_CreateObject(bench.session, template, COUNT(template), &object);
}

/* What was computed when it was made is kept. */
static void check_certificate(void)
{
	assert_int_equal(read_attribute(object, CKA_PUBLIC_KEY_INFO, &certificate.key_info), CKR_OK);
	assert_int_equal(read_attribute(object, CKA_CHECK_VALUE, &certificate.check_value), CKR_OK);
	destroy();
}

static CK_RV copy(void)
{
	CK_OBJECT_HANDLE other;
	CK_RV rv = C_CopyObject(bench.session, aes, NULL, 0, &other);

	if (rv == CKR_OK)
		assert_int_equal(C_DestroyObject(bench.session, other), CKR_OK);
	return rv;
}

static CK_RV rename_it(void)
{
	CK_ATTRIBUTE label = TEXT_ATTRIBUTE(CKA_LABEL, "another name");

	return C_SetAttributeValue(bench.session, aes, &label, 1);
}

static CK_RV wrap(void)
{
	CK_ULONG len = sizeof wrapped;

	return C_WrapKey(bench.session, MECHANISM(CKM_RSA_PKCS), encryption_key, aes, wrapped, &len);
}

static CK_RV unwrap(void)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				   ULONG_OF(CKA_VALUE_LEN, 16), BOOL_OF(CKA_SENSITIVE, false)};

	return C_UnwrapKey(bench.session, MECHANISM(CKM_RSA_PKCS), decryption_key, wrapped, sizeof wrapped,
			   template, COUNT(template), &object);
}

/* It is the key that was wrapped, and goes. */
static void check_unwrapped(void)
{
	CK_BYTE value[16];

	assert_int_equal(get_attribute(bench.session, object, CKA_VALUE, value, sizeof value), 16);
	assert_memory_equal(value, "0123456789abcdef", sizeof value);
	destroy();
}

/* ---- ciphers, digests, random bytes ---- */

static CK_RV encrypt_with(CK_MECHANISM *mechanism, struct answer *first)
{
	CK_BYTE out[64];
	CK_ULONG len = sizeof out;
	CK_RV rv = C_EncryptInit(bench.session, mechanism, aes);

	if (rv == CKR_OK)
		rv = C_Encrypt(bench.session, TEXT, TEXT_LEN, out, &len);
	return same(first, rv, out, len);
}

static CK_BYTE iv[16];

static CK_RV encrypt(void)
{
	return encrypt_with(&(CK_MECHANISM){CKM_AES_CBC_PAD, iv, sizeof iv}, &known.cbc);
}

static CK_RV encrypt_gcm(void)
{
	CK_GCM_PARAMS params = {iv, 12, 96, TEXT, 5, 128};

	return encrypt_with(&(CK_MECHANISM){CKM_AES_GCM, &params, sizeof params}, &known.gcm);
}

static CK_RV decrypt_with(CK_MECHANISM *mechanism, struct answer *from)
{
	CK_BYTE out[64];
	CK_ULONG len = sizeof out;
	CK_RV rv = C_DecryptInit(bench.session, mechanism, aes);

	if (rv == CKR_OK)
		rv = C_Decrypt(bench.session, from->bytes, from->len, out, &len);
	if (rv == CKR_OK) {
		assert_int_equal(len, TEXT_LEN);
		assert_memory_equal(out, TEXT, TEXT_LEN);
	}
	return rv;
}

static CK_RV decrypt(void)
{
	return decrypt_with(&(CK_MECHANISM){CKM_AES_CBC_PAD, iv, sizeof iv}, &known.cbc);
}

static CK_RV decrypt_gcm(void)
{
	CK_GCM_PARAMS params = {iv, 12, 96, TEXT, 5, 128};

	return decrypt_with(&(CK_MECHANISM){CKM_AES_GCM, &params, sizeof params}, &known.gcm);
}

static CK_RV digest(void)
{
	CK_BYTE out[32];
	CK_ULONG len = sizeof out;
	CK_RV rv = C_DigestInit(bench.session, MECHANISM(CKM_SHA256));

	if (rv == CKR_OK)
		rv = C_Digest(bench.session, TEXT, TEXT_LEN, out, &len);
	return same(&known.digest, rv, out, len);
}

static CK_RV authenticate(void)
{
	CK_BYTE out[32];
	CK_ULONG len = sizeof out;
	CK_RV rv = C_SignInit(bench.session, MECHANISM(CKM_SHA256_HMAC), hmac);

	if (rv == CKR_OK)
		rv = C_Sign(bench.session, TEXT, TEXT_LEN, out, &len);
	return same(&known.hmac, rv, out, len);
}

static CK_RV draw(void)
{
	static const CK_BYTE none[32];
	CK_BYTE out[32] = {0};
	CK_RV rv = C_GenerateRandom(bench.session, out, sizeof out);

	assert_int_equal(memcmp(out, none, sizeof out) != 0, rv == CKR_OK);
	return rv;
}

/* ---- all of them ---- */

#define CALL(f) repeat(#f, NULL, f, NULL)
#define CALL_UNDO(f, undo) repeat(#f, NULL, f, undo)
#define CALL_AFTER(prepare, f) repeat(#f, prepare, f, NULL)

static void calls_for_a_token(repeat_call *repeat)
{
	CALL_UNDO(initialize, finalize);
	assert_int_equal(C_Initialize(NULL), CKR_OK);
	CALL(list_slots);
	bench.slot = slot_of(READER);
	CALL_AFTER(insert_again, show_token);
	insert_again();
	CALL_UNDO(begin_session, end_session);
	CALL_AFTER(insert_again, begin_session);
	CALL_AFTER(begin_anew, find_all);
	CALL_AFTER(begin_anew, log_in);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	begin_anew();
	CALL_UNDO(log_in, log_out);
}

static void calls_for_its_keys(repeat_call *repeat)
{
	repeat("sign", be_logged_in, sign, check_signature);
	repeat("sign", be_logged_in_anew, sign, check_signature);
	repeat("sign_pss", be_logged_in, sign_pss, check_pss);
	CALL_AFTER(be_logged_in, verify_pss);
	repeat("sign_in_parts", be_logged_in, sign_in_parts, check_parts);
	CALL_AFTER(be_logged_in, verify_in_parts);
	CALL_AFTER(be_logged_in, verify);
	CALL_AFTER(be_logged_in, refuse_to_verify);
	CALL_AFTER(be_logged_in, read_key_info);
	CALL_AFTER(be_logged_in, read_unique_id);
	CALL_AFTER(be_logged_in, encrypt_for_card);
	CALL_AFTER(be_logged_in, decrypt_by_card);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

static void calls_for_session_keys(repeat_call *repeat)
{
	be_logged_in();
	aes = ck_secret(bench.session, CKK_AES, "0123456789abcdef", 16);
	hmac = ck_secret(bench.session, CKK_GENERIC_SECRET, "0123456789abcdef", 16);
	know_certificate();
	CALL_UNDO(create, destroy);
	CALL_UNDO(create_certificate, check_certificate);
	CALL_UNDO(generate, destroy);
	CALL(copy);
	CALL(rename_it);
	CALL(wrap);
	repeat("unwrap", be_logged_in, unwrap, check_unwrapped);
	CALL(read_check_value);
	CALL(encrypt);
	CALL(encrypt_gcm);
	CALL(decrypt);
	CALL(decrypt_gcm);
	CALL(digest);
	CALL(authenticate);
	CALL(draw);
}

void every_call(int generation, repeat_call *repeat)
{
	memset(&known, 0, sizeof known);
	if (generation == 2) {
		home_make();
		keyset_install();
	}
	fake_clear();
	bench.card = generation == 2 ? gen2_load() : testcard_load();
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	calls_for_a_token(repeat);
	calls_for_its_keys(repeat);
	calls_for_session_keys(repeat);
	assert_int_equal(C_Finalize(NULL), CKR_OK);
	assert_int_equal(fake_open_contexts() + fake_open_handles(), 0);
	fake_clear();
	vcard_free(&bench.card);
}
