/*
 * A program that calls as no program should, on an honest card: templates,
 * mechanisms, parameters, handles and lengths are the input's. Buffers are
 * kept to, no refusal changes the card or what the module shows of it, and
 * when all is closed nothing is left.
 *
 * Byte 0: bit 0 generation, bit 1 logged in, bit 2 a read-only session. Then
 * one call after the other: a byte that says which, and its arguments.
 */
#include <string.h>

#include "fuzz.h"
#include "hostile.h"
#include "script.h"
#include "user.h"

#define CALLS_MAX 40
#define ATTRIBUTES_MAX 12
#define HANDLES 16
#define OUT_MAX 512
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct {
	struct cursor in;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE handles[HANDLES]; /* the card's first, then what calls have made */
	size_t made;
} calls;

/* ---- arguments ---- */

static uint8_t byte(void)
{
	uint8_t b = 0;

	(void)!cursor_u8(&calls.in, &b);
	return b;
}

static CK_ULONG number(void)
{
	static const CK_ULONG telling[] = {0, 1, 2, 8, 16, 20, 32, 64, 96, 128, 255, 256, 2048, 65536,
					   0x7FFFFFFF, 0x80000000, (CK_ULONG)-1, (CK_ULONG)-2, (CK_ULONG)-1 / 2, (CK_ULONG)-1 / 8};
	uint8_t which = byte(), high;

	if (which < 255)
		return which < COUNT(telling) ? telling[which] : which;
	high = byte();
	return (CK_ULONG)high << 8 | byte();
}

/* A copy of its own, that what is read beyond its end is seen; NULL: no bytes are there. */
struct bytes {
	uint8_t *data;
	CK_ULONG len;
};

/* A caller may say any length if he gives no pointer. */
static struct bytes bytes(void)
{
	struct bytes b = {NULL, 0};
	struct cursor piece;
	uint8_t n = byte();

	if (n == 255)
		return (struct bytes){NULL, number()};
	if (n == 254)
		n = 16;
	if (!cursor_bytes(&calls.in, n, &piece))
		(void)!cursor_bytes(&calls.in, calls.in.left, &piece);
	b.len = piece.left;
	b.data = malloc(b.len ? b.len : 1);
	MUST(b.data);
	if (b.len)
		memcpy(b.data, piece.p, b.len);
	return b;
}

/* What a call writes to: as long as it was told, or no buffer at all. */
static struct bytes room(void)
{
	CK_ULONG len = number();
	struct bytes b = {NULL, len};

	if (len <= OUT_MAX) {
		b.data = malloc(len ? len : 1);
		MUST(b.data);
	}
	return b;
}

static CK_OBJECT_HANDLE handle(void)
{
	uint8_t which = byte();

	return which < HANDLES ? calls.handles[which] : which < 250 ? calls.handles[which % HANDLES] : number();
}

static void keep(CK_RV rv, const CK_OBJECT_HANDLE *object)
{
	if (rv != CKR_OK)
		return;
	MUST(*object);
	calls.handles[HANDLES / 2 + calls.made++ % (HANDLES / 2)] = *object;
}

/* ---- templates ---- */

static const CK_ATTRIBUTE_TYPE types[] = {
	CKA_CLASS, CKA_TOKEN, CKA_PRIVATE, CKA_LABEL, CKA_APPLICATION, CKA_VALUE, CKA_OBJECT_ID, CKA_CERTIFICATE_TYPE,
	CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_AC_ISSUER, CKA_OWNER, CKA_ATTR_TYPES, CKA_TRUSTED, CKA_CERTIFICATE_CATEGORY,
	CKA_JAVA_MIDP_SECURITY_DOMAIN, CKA_URL, CKA_CHECK_VALUE, CKA_KEY_TYPE, CKA_SUBJECT, CKA_ID, CKA_SENSITIVE,
	CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP, CKA_SIGN, CKA_SIGN_RECOVER, CKA_VERIFY, CKA_VERIFY_RECOVER,
	CKA_DERIVE, CKA_START_DATE, CKA_END_DATE, CKA_MODULUS, CKA_MODULUS_BITS, CKA_PUBLIC_EXPONENT,
	CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_COEFFICIENT, CKA_PUBLIC_KEY_INFO, CKA_VALUE_LEN,
	CKA_EXTRACTABLE, CKA_LOCAL, CKA_NEVER_EXTRACTABLE, CKA_ALWAYS_SENSITIVE, CKA_KEY_GEN_MECHANISM, CKA_MODIFIABLE,
	CKA_COPYABLE, CKA_DESTROYABLE, CKA_ALWAYS_AUTHENTICATE, CKA_WRAP_WITH_TRUSTED, CKA_WRAP_TEMPLATE,
	CKA_UNWRAP_TEMPLATE, CKA_ALLOWED_MECHANISMS, CKA_UNIQUE_ID, CKA_PROFILE_ID, CKA_NAME_HASH_ALGORITHM,
};

struct template {
	CK_ATTRIBUTE attributes[ATTRIBUTES_MAX];
	CK_ULONG count;
};

/* A number of the machine's form: classes, types, flags. */
static struct bytes ulong_value(void)
{
	CK_ULONG value = number();
	struct bytes b = {malloc(sizeof value), sizeof value};

	MUST(b.data);
	memcpy(b.data, &value, sizeof value);
	return b;
}

static struct bytes bool_value(bool truth)
{
	struct bytes b = {malloc(sizeof(CK_BBOOL)), sizeof(CK_BBOOL)};

	MUST(b.data);
	*b.data = truth;
	return b;
}

static struct template template(void)
{
	struct template t = {.count = byte() % (ATTRIBUTES_MAX + 1)};

	for (CK_ULONG i = 0; i < t.count; i++) {
		uint8_t type = byte(), form = byte();
		struct bytes value;

		if (form < 64)
			value = bool_value(form & 1);
		else if (form < 128)
			value = ulong_value();
		else
			value = bytes();
		t.attributes[i] = (CK_ATTRIBUTE){type < COUNT(types) ? types[type] : number(), value.data, value.len};
	}
	return t;
}

static void free_template(const struct template *t)
{
	for (CK_ULONG i = 0; i < t->count; i++)
		free(t->attributes[i].pValue);
}

/* ---- mechanisms ---- */

static const CK_MECHANISM_TYPE mechanisms[] = {
	CKM_RSA_PKCS, CKM_RSA_X_509, CKM_RSA_PKCS_OAEP, CKM_SHA1_RSA_PKCS, CKM_SHA256_RSA_PKCS, CKM_SHA512_RSA_PKCS,
	CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS, CKM_SHA512_RSA_PKCS_PSS, CKM_MD5, CKM_SHA_1, CKM_SHA256, CKM_SHA512,
	CKM_SHA_1_HMAC, CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL, CKM_SHA512_HMAC_GENERAL, CKM_AES_ECB, CKM_AES_CBC,
	CKM_AES_CBC_PAD, CKM_AES_CTR, CKM_AES_GCM, CKM_DES3_ECB, CKM_DES3_CBC, CKM_DES3_CBC_PAD, CKM_AES_KEY_GEN,
	CKM_DES2_KEY_GEN, CKM_DES3_KEY_GEN, CKM_GENERIC_SECRET_KEY_GEN,
};

static CK_MECHANISM_TYPE hash(void)
{
	static const CK_MECHANISM_TYPE hashes[] = {CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512};
	uint8_t which = byte();

	return which < 250 ? hashes[which % COUNT(hashes)] : number();
}

struct mechanism_of_input {
	CK_MECHANISM is;
	struct bytes inner[2]; /* what the parameters point to */
	union {
		CK_RSA_PKCS_PSS_PARAMS pss;
		CK_RSA_PKCS_OAEP_PARAMS oaep;
		CK_GCM_PARAMS gcm;
		CK_AES_CTR_PARAMS ctr;
		CK_ULONG length;
	} params;
	struct bytes raw;
};

static void use_params(struct mechanism_of_input *m, CK_ULONG len)
{
	m->is.pParameter = &m->params;
	m->is.ulParameterLen = len;
}

/* One field after the other: in a list the order of the calls would be the compiler's. */
static void make_pss(struct mechanism_of_input *m)
{
	m->params.pss.hashAlg = hash();
	m->params.pss.mgf = byte() % 6;
	m->params.pss.sLen = number();
	use_params(m, sizeof m->params.pss);
}

static void make_oaep(struct mechanism_of_input *m)
{
	m->inner[0] = bytes();
	m->params.oaep.hashAlg = hash();
	m->params.oaep.mgf = byte() % 6;
	m->params.oaep.source = byte() % 3;
	m->params.oaep.pSourceData = m->inner[0].data;
	m->params.oaep.ulSourceDataLen = m->inner[0].len;
	use_params(m, sizeof m->params.oaep);
}

static void make_gcm(struct mechanism_of_input *m)
{
	m->inner[0] = bytes();
	m->inner[1] = bytes();
	m->params.gcm.pIv = m->inner[0].data;
	m->params.gcm.ulIvLen = m->inner[0].len;
	m->params.gcm.ulIvBits = number();
	m->params.gcm.pAAD = m->inner[1].data;
	m->params.gcm.ulAADLen = m->inner[1].len;
	m->params.gcm.ulTagBits = number();
	use_params(m, sizeof m->params.gcm);
}

static void make_ctr(struct mechanism_of_input *m)
{
	m->params.ctr.ulCounterBits = number();
	memset(m->params.ctr.cb, byte(), sizeof m->params.ctr.cb);
	use_params(m, sizeof m->params.ctr);
}

static void make_length(struct mechanism_of_input *m)
{
	m->params.length = number();
	use_params(m, sizeof m->params.length);
}

static void make_raw(struct mechanism_of_input *m)
{
	m->raw = bytes();
	m->is.pParameter = m->raw.data;
	m->is.ulParameterLen = m->raw.len;
}

static void (*const params[])(struct mechanism_of_input *m) = {make_pss, make_oaep, make_gcm, make_ctr, make_length,
							       make_raw};

static void make_mechanism(struct mechanism_of_input *m)
{
	uint8_t which = byte(), form;

	memset(m, 0, sizeof *m);
	m->is.mechanism = which < COUNT(mechanisms) ? mechanisms[which] : number();
	form = byte() % (COUNT(params) + 1);
	if (form > 0)
		params[form - 1](m);
}

static void free_mechanism(const struct mechanism_of_input *m)
{
	free(m->inner[0].data);
	free(m->inner[1].data);
	free(m->raw.data);
}

/* ---- calls on objects ---- */

static void create(void)
{
	struct template t = template();
	CK_OBJECT_HANDLE object = 0;

	keep(C_CreateObject(calls.session, t.attributes, t.count, &object), &object);
	free_template(&t);
}

static void copy(void)
{
	CK_OBJECT_HANDLE from = handle(), object = 0;
	struct template t = template();

	keep(C_CopyObject(calls.session, from, t.attributes, t.count, &object), &object);
	free_template(&t);
}

static void set(void)
{
	CK_OBJECT_HANDLE object = handle();
	struct template t = template();

	(void)C_SetAttributeValue(calls.session, object, t.attributes, t.count);
	free_template(&t);
}

static void get(void)
{
	CK_OBJECT_HANDLE object = handle();
	struct template t = template();
	CK_ULONG lengths[ATTRIBUTES_MAX];

	for (CK_ULONG i = 0; i < t.count; i++)
		lengths[i] = t.attributes[i].ulValueLen;
	(void)C_GetAttributeValue(calls.session, object, t.attributes, t.count);
	for (CK_ULONG i = 0; i < t.count; i++)
		MUST(!t.attributes[i].pValue || t.attributes[i].ulValueLen == (CK_ULONG)-1 ||
		     t.attributes[i].ulValueLen <= lengths[i]);
	free_template(&t);
}

static void find(void)
{
	CK_OBJECT_HANDLE found[8];
	struct template t = template();
	CK_ULONG max = byte() % (COUNT(found) + 1), count = 0;

	if (C_FindObjectsInit(calls.session, t.attributes, t.count) == CKR_OK &&
	    C_FindObjects(calls.session, found, max, &count) == CKR_OK)
		MUST(count <= max);
	(void)C_FindObjectsFinal(calls.session);
	free_template(&t);
}

static void destroy(void)
{
	(void)C_DestroyObject(calls.session, handle());
}

static void measure(void)
{
	CK_ULONG size = 0;

	(void)C_GetObjectSize(calls.session, handle(), &size);
}

static void generate(void)
{
	struct mechanism_of_input m;
	CK_OBJECT_HANDLE object = 0;
	struct template t;

	make_mechanism(&m);
	t = template();
	keep(C_GenerateKey(calls.session, &m.is, t.attributes, t.count, &object), &object);
	free_template(&t);
	free_mechanism(&m);
}

static void generate_pair(void)
{
	CK_OBJECT_HANDLE public = 0, private = 0;
	struct mechanism_of_input m;
	struct template t, u;

	make_mechanism(&m);
	t = template();
	u = template();
	(void)C_GenerateKeyPair(calls.session, &m.is, t.attributes, t.count, u.attributes, u.count, &public, &private);
	free_template(&t);
	free_template(&u);
	free_mechanism(&m);
}

static void unwrap(void)
{
	CK_OBJECT_HANDLE key = handle(), object = 0;
	struct mechanism_of_input m;
	struct template t;
	struct bytes b;

	make_mechanism(&m);
	t = template();
	b = bytes();
	keep(C_UnwrapKey(calls.session, &m.is, key, b.data, b.len, t.attributes, t.count, &object), &object);
	free(b.data);
	free_template(&t);
	free_mechanism(&m);
}

static void wrap(void)
{
	CK_OBJECT_HANDLE key = handle(), wrapped = handle();
	struct mechanism_of_input m;
	struct bytes out;
	CK_ULONG len;
	CK_RV rv;

	make_mechanism(&m);
	out = room();
	len = out.len;
	rv = C_WrapKey(calls.session, &m.is, key, wrapped, out.data, &len);
	MUST(rv != CKR_OK || !out.data || len <= out.len);
	free(out.data);
	free_mechanism(&m);
}

static void derive(void)
{
	CK_OBJECT_HANDLE key = handle(), object = 0;
	struct mechanism_of_input m;
	struct template t;

	make_mechanism(&m);
	t = template();
	keep(C_DeriveKey(calls.session, &m.is, key, t.attributes, t.count, &object), &object);
	free_template(&t);
	free_mechanism(&m);
}

/* ---- operations ---- */

typedef CK_RV init_fn(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
typedef CK_RV through_fn(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *out_len);
typedef CK_RV take_fn(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_len);
typedef CK_RV give_fn(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG *out_len);

static CK_RV digest_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	(void)key;
	return C_DigestInit(session, mechanism);
}

static init_fn *const inits[] = {C_EncryptInit, C_DecryptInit, C_SignInit, C_VerifyInit,
				 C_SignRecoverInit, C_VerifyRecoverInit, digest_init};
static through_fn *const throughs[] = {C_Encrypt, C_EncryptUpdate, C_Decrypt, C_DecryptUpdate, C_Sign,
				       C_SignRecover, C_VerifyRecover, C_Digest, C_DigestEncryptUpdate,
				       C_DecryptDigestUpdate, C_SignEncryptUpdate, C_DecryptVerifyUpdate};
static take_fn *const takes[] = {C_SignUpdate, C_VerifyUpdate, C_DigestUpdate, C_VerifyFinal, C_SeedRandom};
static give_fn *const gives[] = {C_EncryptFinal, C_DecryptFinal, C_SignFinal, C_DigestFinal, C_GetOperationState};

static void begin_operation(void)
{
	init_fn *init = inits[byte() % COUNT(inits)];
	CK_OBJECT_HANDLE key = handle();
	struct mechanism_of_input m;

	make_mechanism(&m);
	(void)init(calls.session, &m.is, key);
	free_mechanism(&m);
}

static void through(void)
{
	through_fn *f = throughs[byte() % COUNT(throughs)];
	struct bytes in = bytes(), out = room();
	CK_ULONG len = out.len;
	CK_RV rv = f(calls.session, in.data, in.len, out.data, &len);

	MUST(rv != CKR_OK || !out.data || len <= out.len);
	free(in.data);
	free(out.data);
}

static void take(void)
{
	take_fn *f = takes[byte() % COUNT(takes)];
	struct bytes in = bytes();

	(void)f(calls.session, in.data, in.len);
	free(in.data);
}

static void give(void)
{
	give_fn *f = gives[byte() % COUNT(gives)];
	struct bytes out = room();
	CK_ULONG len = out.len;
	CK_RV rv = f(calls.session, out.data, &len);

	MUST(rv != CKR_OK || !out.data || len <= out.len);
	free(out.data);
}

static void verify(void)
{
	struct bytes text = bytes(), sig = bytes();

	(void)C_Verify(calls.session, text.data, text.len, sig.data, sig.len);
	free(text.data);
	free(sig.data);
}

static void digest_key(void)
{
	(void)C_DigestKey(calls.session, handle());
}

static void draw(void)
{
	struct bytes out = room();

	if (out.data || out.len == 0) /* no program can give room for more */
		(void)C_GenerateRandom(calls.session, out.data, out.len);
	free(out.data);
}

static void restore_state(void)
{
	struct bytes state = bytes();
	CK_OBJECT_HANDLE cipher_key = handle(), key = handle();

	(void)C_SetOperationState(calls.session, state.data, state.len, cipher_key, key);
	free(state.data);
}

static void ask(void)
{
	CK_SESSION_INFO session;
	CK_MECHANISM_INFO info;
	CK_TOKEN_INFO token;
	CK_SLOT_ID slot = number();

	(void)C_GetMechanismInfo(slot, mechanisms[byte() % COUNT(mechanisms)], &info);
	(void)C_GetMechanismInfo(slot, number(), &info);
	(void)C_GetTokenInfo(slot, &token);
	(void)C_GetSessionInfo(number(), &session);
	(void)C_CloseSession(number());
}

static void (*const functions[])(void) = {
	create, copy, set, get, find, destroy, measure, generate, generate_pair, unwrap, wrap, derive, begin_operation,
	through, take, give, verify, digest_key, draw, restore_state, ask,
	/* again, because what begins must go on */
	begin_operation, through, through, take, give, create, get,
};

/* ---- a life ---- */

static void take_handles(void)
{
	CK_ULONG count = 0;

	memset(calls.handles, 0, sizeof calls.handles);
	calls.made = 0;
	MUST(C_FindObjectsInit(calls.session, NULL, 0) == CKR_OK);
	MUST(C_FindObjects(calls.session, calls.handles, HANDLES / 2, &count) == CKR_OK && count);
	MUST(C_FindObjectsFinal(calls.session) == CKR_OK);
}

static void begin(uint8_t options)
{
	const uint8_t generation = options & HOSTILE_GEN2;
	CK_SESSION_INFO info;

	hostile_begin(&generation, 1);
	calls.session = user_start();
	MUST(calls.session && C_GetSessionInfo(calls.session, &info) == CKR_OK);
	if (options & 4) {
		MUST(C_CloseSession(calls.session) == CKR_OK);
		MUST(C_OpenSession(info.slotID, CKF_SERIAL_SESSION, NULL, NULL, &calls.session) == CKR_OK);
	}
	if (options & 2)
		MUST(user_login(calls.session) == CKR_OK);
	take_handles();
}

static void glance(struct listing *out)
{
	CK_SESSION_HANDLE session;
	CK_SESSION_INFO info;

	if (C_GetSessionInfo(calls.session, &info) == CKR_OK)
		MUST(C_CloseAllSessions(info.slotID) == CKR_OK);
	session = user_begin_session();
	MUST(session);
	user_glance(session, out);
	MUST(out->whole && out->count);
}

static const struct listing *expected(uint8_t options)
{
	static struct listing known[2];
	struct listing *l = &known[options & HOSTILE_GEN2];

	if (!l->count) {
		begin(options & HOSTILE_GEN2);
		glance(l);
		user_stop();
		hostile_end();
	}
	return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t options = size ? data[0] : 0;
	const struct listing *before = expected(options);
	struct listing after;

	begin(options);
	calls.in = cursor_of(data + (size != 0), size - (size != 0));
	for (int i = 0; calls.in.left && i < CALLS_MAX; i++)
		functions[byte() % COUNT(functions)]();
	glance(&after);
	MUST(after.count == before->count && memcmp(after.digest, before->digest, sizeof after.digest) == 0);
	user_stop();
	hostile_end();
	return 0;
}
