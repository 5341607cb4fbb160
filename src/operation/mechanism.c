#include "config.h"

#include <limits.h>
#include <string.h>

#include <openssl/evp.h>

#include "src/crypto/context.h"
#include "src/object/template.h"
#include "src/operation/mechanism.h"

#define RSA_BITS (8 * RSA_BLOCK)
#define SIGNS (CKF_HW | CKF_SIGN | CKF_VERIFY)
#define RECOVERS (CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER)
#define CRYPTS (CKF_ENCRYPT | CKF_DECRYPT)
#define WRAPS (CKF_WRAP | CKF_UNWRAP)
#define GENERIC_MAX_BITS (8 * TEMPLATE_SECRET_MAX)

/* clang-format off */
#define DIGEST(type, name, hash) \
	{type, name, MECHANISM_DIGEST, CKF_DIGEST, 0, 0, PARAMS_NONE, hash, type, 0, 0, NULL, false}
#define RSA(type, name, flags, padding, params) \
	{type, name, MECHANISM_RSA, flags, RSA_BITS, RSA_BITS, params, NULL, 0, padding, CKK_RSA, NULL, false}
#define RSA_HASH(type, name, padding, params, hash, hash_type) \
	{type, name, MECHANISM_RSA, SIGNS, RSA_BITS, RSA_BITS, params, hash, hash_type, padding, CKK_RSA, NULL, false}
#define HMAC(type, name, hash, params) \
	{type, name, MECHANISM_HMAC, CKF_SIGN | CKF_VERIFY, 1, TEMPLATE_SECRET_MAX, params, hash, 0, 0, CKK_GENERIC_SECRET, NULL, false}
#define CIPHER(type, name, flags, params, key, min, max, mode, pads) \
	{type, name, MECHANISM_CIPHER, flags, min, max, params, NULL, 0, 0, key, mode, pads}
#define GCM(type, name, flags, params, key, min, max, mode, pads) \
	{type, name, MECHANISM_GCM, flags, min, max, params, NULL, 0, 0, key, mode, pads}
#define KEY_GEN(type, name, key, min, max) \
	{type, name, MECHANISM_KEY_GEN, CKF_GENERATE, min, max, PARAMS_NONE, NULL, 0, 0, key, NULL, false}

static const struct mechanism rows[] = {
	RSA(CKM_RSA_PKCS, "RSA-PKCS", SIGNS | RECOVERS | CRYPTS | WRAPS, RSA_PAD_PKCS1, PARAMS_NONE),
	RSA(CKM_RSA_X_509, "RSA-X-509", SIGNS | RECOVERS | CRYPTS, RSA_PAD_NONE, PARAMS_NONE),
	RSA(CKM_RSA_PKCS_OAEP, "RSA-PKCS-OAEP", CKF_HW | CRYPTS | WRAPS, RSA_PAD_OAEP, PARAMS_OAEP),
	RSA_HASH(CKM_MD5_RSA_PKCS, "MD5-RSA-PKCS", RSA_PAD_PKCS1, PARAMS_NONE, "MD5", CKM_MD5),
	RSA_HASH(CKM_SHA1_RSA_PKCS, "SHA1-RSA-PKCS", RSA_PAD_PKCS1, PARAMS_NONE, "SHA1", CKM_SHA_1),
	RSA_HASH(CKM_SHA224_RSA_PKCS, "SHA224-RSA-PKCS", RSA_PAD_PKCS1, PARAMS_NONE, "SHA224", CKM_SHA224),
	RSA_HASH(CKM_SHA256_RSA_PKCS, "SHA256-RSA-PKCS", RSA_PAD_PKCS1, PARAMS_NONE, "SHA256", CKM_SHA256),
	RSA_HASH(CKM_SHA384_RSA_PKCS, "SHA384-RSA-PKCS", RSA_PAD_PKCS1, PARAMS_NONE, "SHA384", CKM_SHA384),
	RSA_HASH(CKM_SHA512_RSA_PKCS, "SHA512-RSA-PKCS", RSA_PAD_PKCS1, PARAMS_NONE, "SHA512", CKM_SHA512),
	RSA(CKM_RSA_PKCS_PSS, "RSA-PKCS-PSS", SIGNS, RSA_PAD_PSS, PARAMS_PSS),
	RSA_HASH(CKM_SHA1_RSA_PKCS_PSS, "SHA1-RSA-PKCS-PSS", RSA_PAD_PSS, PARAMS_PSS, "SHA1", CKM_SHA_1),
	RSA_HASH(CKM_SHA224_RSA_PKCS_PSS, "SHA224-RSA-PKCS-PSS", RSA_PAD_PSS, PARAMS_PSS, "SHA224", CKM_SHA224),
	RSA_HASH(CKM_SHA256_RSA_PKCS_PSS, "SHA256-RSA-PKCS-PSS", RSA_PAD_PSS, PARAMS_PSS, "SHA256", CKM_SHA256),
	RSA_HASH(CKM_SHA384_RSA_PKCS_PSS, "SHA384-RSA-PKCS-PSS", RSA_PAD_PSS, PARAMS_PSS, "SHA384", CKM_SHA384),
	RSA_HASH(CKM_SHA512_RSA_PKCS_PSS, "SHA512-RSA-PKCS-PSS", RSA_PAD_PSS, PARAMS_PSS, "SHA512", CKM_SHA512),
	DIGEST(CKM_MD5, "MD5", "MD5"),
	DIGEST(CKM_SHA_1, "SHA-1", "SHA1"),
	DIGEST(CKM_SHA224, "SHA224", "SHA224"),
	DIGEST(CKM_SHA256, "SHA256", "SHA256"),
	DIGEST(CKM_SHA384, "SHA384", "SHA384"),
	DIGEST(CKM_SHA512, "SHA512", "SHA512"),
	HMAC(CKM_MD5_HMAC, "MD5-HMAC", "MD5", PARAMS_NONE),
	HMAC(CKM_MD5_HMAC_GENERAL, "MD5-HMAC-GENERAL", "MD5", PARAMS_MAC_LENGTH),
	HMAC(CKM_SHA_1_HMAC, "SHA-1-HMAC", "SHA1", PARAMS_NONE),
	HMAC(CKM_SHA_1_HMAC_GENERAL, "SHA-1-HMAC-GENERAL", "SHA1", PARAMS_MAC_LENGTH),
	HMAC(CKM_SHA224_HMAC, "SHA224-HMAC", "SHA224", PARAMS_NONE),
	HMAC(CKM_SHA224_HMAC_GENERAL, "SHA224-HMAC-GENERAL", "SHA224", PARAMS_MAC_LENGTH),
	HMAC(CKM_SHA256_HMAC, "SHA256-HMAC", "SHA256", PARAMS_NONE),
	HMAC(CKM_SHA256_HMAC_GENERAL, "SHA256-HMAC-GENERAL", "SHA256", PARAMS_MAC_LENGTH),
	HMAC(CKM_SHA384_HMAC, "SHA384-HMAC", "SHA384", PARAMS_NONE),
	HMAC(CKM_SHA384_HMAC_GENERAL, "SHA384-HMAC-GENERAL", "SHA384", PARAMS_MAC_LENGTH),
	HMAC(CKM_SHA512_HMAC, "SHA512-HMAC", "SHA512", PARAMS_NONE),
	HMAC(CKM_SHA512_HMAC_GENERAL, "SHA512-HMAC-GENERAL", "SHA512", PARAMS_MAC_LENGTH),
	CIPHER(CKM_AES_ECB, "AES-ECB", CRYPTS, PARAMS_NONE, CKK_AES, 16, 32, "ECB", false),
	CIPHER(CKM_AES_CBC, "AES-CBC", CRYPTS, PARAMS_IV, CKK_AES, 16, 32, "CBC", false),
	CIPHER(CKM_AES_CBC_PAD, "AES-CBC-PAD", CRYPTS | WRAPS, PARAMS_IV, CKK_AES, 16, 32, "CBC", true),
	CIPHER(CKM_AES_CTR, "AES-CTR", CRYPTS, PARAMS_CTR, CKK_AES, 16, 32, "CTR", false),
	GCM(CKM_AES_GCM, "AES-GCM", CRYPTS, PARAMS_GCM, CKK_AES, 16, 32, "GCM", false),
	CIPHER(CKM_DES3_ECB, "DES3-ECB", CRYPTS, PARAMS_NONE, CKK_DES3, 16, 24, "ECB", false),
	CIPHER(CKM_DES3_CBC, "DES3-CBC", CRYPTS, PARAMS_IV, CKK_DES3, 16, 24, "CBC", false),
	CIPHER(CKM_DES3_CBC_PAD, "DES3-CBC-PAD", CRYPTS | WRAPS, PARAMS_IV, CKK_DES3, 16, 24, "CBC", true),
	KEY_GEN(CKM_AES_KEY_GEN, "AES-KEY-GEN", CKK_AES, 16, 32),
	KEY_GEN(CKM_DES2_KEY_GEN, "DES2-KEY-GEN", CKK_DES2, 16, 16),
	KEY_GEN(CKM_DES3_KEY_GEN, "DES3-KEY-GEN", CKK_DES3, 24, 24),
	KEY_GEN(CKM_GENERIC_SECRET_KEY_GEN, "GENERIC-SECRET-KEY-GEN", CKK_GENERIC_SECRET, 8, GENERIC_MAX_BITS),
};

/* What PSS and OAEP parameters may name. */
static const struct {
	CK_MECHANISM_TYPE hash;
	CK_RSA_PKCS_MGF_TYPE mgf;
	const char *name;
} hashes[] = {
	{CKM_SHA_1, CKG_MGF1_SHA1, "SHA1"},
	{CKM_SHA224, CKG_MGF1_SHA224, "SHA224"},
	{CKM_SHA256, CKG_MGF1_SHA256, "SHA256"},
	{CKM_SHA384, CKG_MGF1_SHA384, "SHA384"},
	{CKM_SHA512, CKG_MGF1_SHA512, "SHA512"},
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof *(array))

const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

const struct mechanism *mechanism_rows(size_t *count)
{
	*count = COUNT(rows);
	return rows;
}

/* Both hashes that the parameters name; unknown ones are a parameter error. */
static CK_RV find_named(CK_MECHANISM_TYPE hash, CK_RSA_PKCS_MGF_TYPE mgf,
			struct mechanism_params *out)
{
	const char *hash_name = NULL, *mgf_name = NULL;

	for (size_t i = 0; i < COUNT(hashes); i++) {
		if (hashes[i].hash == hash)
			hash_name = hashes[i].name;
		if (hashes[i].mgf == mgf)
			mgf_name = hashes[i].name;
	}
	if (!hash_name || !mgf_name)
		return CKR_MECHANISM_PARAM_INVALID;
	out->hash = crypto_digest(hash_name);
	out->mgf = crypto_digest(mgf_name);
	return out->hash && out->mgf ? CKR_OK : CKR_FUNCTION_FAILED;
}

/* Copies the parameter structure; false: it is not there, or not one. */
static bool take_struct(const CK_MECHANISM *m, void *out, size_t len)
{
	if (!m->pParameter || m->ulParameterLen != len)
		return false;
	memcpy(out, m->pParameter, len);
	return true;
}

static CK_RV parse_pss(const struct mechanism *row, const CK_MECHANISM *m,
		       struct mechanism_params *out)
{
	CK_RSA_PKCS_PSS_PARAMS params;
	CK_RV rv;

	if (!take_struct(m, &params, sizeof params))
		return CKR_MECHANISM_PARAM_INVALID;
	if (row->hash && params.hashAlg != row->hash_type)
		return CKR_MECHANISM_PARAM_INVALID;
	rv = find_named(params.hashAlg, params.mgf, out);
	if (rv != CKR_OK)
		return rv;
	/* RFC 8017, 9.1.1: emLen >= hLen + sLen + 2 */
	if (params.sLen > RSA_BLOCK - (size_t)EVP_MD_get_size(out->hash) - 2)
		return CKR_MECHANISM_PARAM_INVALID;
	out->salt_len = params.sLen;
	return CKR_OK;
}

static CK_RV parse_oaep(const CK_MECHANISM *m, struct mechanism_params *out)
{
	CK_RSA_PKCS_OAEP_PARAMS params;

	if (!take_struct(m, &params, sizeof params))
		return CKR_MECHANISM_PARAM_INVALID;
	/* a source of 0 stands for "no label" in programs that fill only the hashes in */
	if ((params.source != 0 && params.source != CKZ_DATA_SPECIFIED) ||
	    (params.ulSourceDataLen && !params.pSourceData) ||
	    params.ulSourceDataLen > RSA_LABEL_MAX)
		return CKR_MECHANISM_PARAM_INVALID;
	out->extra = params.pSourceData;
	out->extra_len = params.ulSourceDataLen;
	return find_named(params.hashAlg, params.mgf, out);
}

static CK_RV parse_mac_length(const CK_MECHANISM *m, struct mechanism_params *out)
{
	CK_ULONG len;

	if (!take_struct(m, &len, sizeof len) || len < 1 || len > out->mac_len)
		return CKR_MECHANISM_PARAM_INVALID;
	out->mac_len = len;
	return CKR_OK;
}

static CK_RV parse_iv(const struct mechanism *row, const CK_MECHANISM *m,
		      struct mechanism_params *out)
{
	out->iv_len = row->key_type == CKK_AES ? 16 : 8;
	return take_struct(m, out->iv, out->iv_len) ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

/* How many blocks follow the first one until the counter's last bits are all ones; UINT64_MAX: so many or more. */
static uint64_t blocks_after_first(const CK_BYTE counter[16], unsigned bits)
{
	unsigned byte = 16 - (bits + 7) / 8, unused = (16 - byte) * 8 - bits;
	uint64_t blocks = ~counter[byte] & (0xFF >> unused);

	while (++byte < 16) {
		if (blocks >> 56)
			return UINT64_MAX;
		blocks = blocks << 8 | (~counter[byte] & 0xFF);
	}
	return blocks;
}

/* OpenSSL counts with all 128 bits: a shorter counter that would wrap is not taken that far. */
static CK_RV parse_ctr(const CK_MECHANISM *m, struct mechanism_params *out)
{
	CK_AES_CTR_PARAMS params;
	uint64_t more;

	if (!take_struct(m, &params, sizeof params) || params.ulCounterBits < 1 ||
	    params.ulCounterBits > 128)
		return CKR_MECHANISM_PARAM_INVALID;
	if (params.ulCounterBits < 128) {
		more = blocks_after_first(params.cb, params.ulCounterBits);
		if (more < UINT64_MAX / 16 - 1)
			out->most_bytes = 16 * (more + 1);
	}
	out->iv_len = sizeof params.cb;
	memcpy(out->iv, params.cb, out->iv_len);
	return CKR_OK;
}

static CK_RV parse_gcm(const CK_MECHANISM *m, struct mechanism_params *out)
{
	CK_GCM_PARAMS params;

	if (!take_struct(m, &params, sizeof params))
		return CKR_MECHANISM_PARAM_INVALID;
	if (!params.pIv || params.ulIvLen < 1 || params.ulIvLen > IV_MAX ||
	    (params.ulAADLen && !params.pAAD) || params.ulAADLen > LONG_MAX ||
	    params.ulTagBits % 8 || params.ulTagBits < 32 || params.ulTagBits > 128)
		return CKR_MECHANISM_PARAM_INVALID;
	out->tag_len = params.ulTagBits / 8;
	out->iv_len = params.ulIvLen;
	memcpy(out->iv, params.pIv, params.ulIvLen);
	out->extra = params.pAAD;
	out->extra_len = params.ulAADLen;
	return CKR_OK;
}

CK_RV mechanism_parse(const struct mechanism *row, const CK_MECHANISM *m,
		      struct mechanism_params *out)
{
	*out = (struct mechanism_params){.most_bytes = UINT64_MAX};
	if (row->hash) {
		out->hash = crypto_digest(row->hash);
		if (!out->hash)
			return CKR_FUNCTION_FAILED;
		out->mac_len = (size_t)EVP_MD_get_size(out->hash);
	}
	switch (row->params) {
	case PARAMS_PSS:
		return parse_pss(row, m, out);
	case PARAMS_OAEP:
		return parse_oaep(m, out);
	case PARAMS_MAC_LENGTH:
		return parse_mac_length(m, out);
	case PARAMS_IV:
		return parse_iv(row, m, out);
	case PARAMS_CTR:
		return parse_ctr(m, out);
	case PARAMS_GCM:
		return parse_gcm(m, out);
	default:
		return m->ulParameterLen ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
	}
}
