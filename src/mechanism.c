#include "config.h"

#include <string.h>

#include <openssl/evp.h>

#include "src/mechanism.h"
#include "src/rv.h"

#define RSA_BITS (8 * RSA_BLOCK)
#define CARD_SIGNS (CKF_HW | CKF_SIGN | CKF_VERIFY)
#define CARD_DECRYPTS (CKF_HW | CKF_DECRYPT)

/* clang-format off */
#define DIGEST(type, name, hash) \
	{type, name, MECHANISM_DIGEST, CKF_DIGEST, 0, 0, RSA_PAD_NONE, hash, type, false}
#define RSA(type, name, flags, padding, hash, hash_type, params) \
	{type, name, MECHANISM_RSA, flags, RSA_BITS, RSA_BITS, padding, hash, hash_type, params}

static const struct mechanism rows[] = {
	RSA(CKM_RSA_PKCS, "RSA-PKCS", CARD_SIGNS | CKF_DECRYPT, RSA_PAD_PKCS1, NULL, 0, false),
	RSA(CKM_RSA_X_509, "RSA-X-509", CARD_SIGNS | CKF_DECRYPT, RSA_PAD_NONE, NULL, 0, false),
	RSA(CKM_RSA_PKCS_OAEP, "RSA-PKCS-OAEP", CARD_DECRYPTS, RSA_PAD_OAEP, NULL, 0, true),
	RSA(CKM_SHA1_RSA_PKCS, "SHA1-RSA-PKCS", CARD_SIGNS, RSA_PAD_PKCS1, "SHA1", CKM_SHA_1, false),
	RSA(CKM_SHA256_RSA_PKCS, "SHA256-RSA-PKCS", CARD_SIGNS, RSA_PAD_PKCS1, "SHA256", CKM_SHA256, false),
	RSA(CKM_SHA384_RSA_PKCS, "SHA384-RSA-PKCS", CARD_SIGNS, RSA_PAD_PKCS1, "SHA384", CKM_SHA384, false),
	RSA(CKM_SHA512_RSA_PKCS, "SHA512-RSA-PKCS", CARD_SIGNS, RSA_PAD_PKCS1, "SHA512", CKM_SHA512, false),
	RSA(CKM_RSA_PKCS_PSS, "RSA-PKCS-PSS", CARD_SIGNS, RSA_PAD_PSS, NULL, 0, true),
	RSA(CKM_SHA1_RSA_PKCS_PSS, "SHA1-RSA-PKCS-PSS", CARD_SIGNS, RSA_PAD_PSS, "SHA1", CKM_SHA_1, true),
	RSA(CKM_SHA256_RSA_PKCS_PSS, "SHA256-RSA-PKCS-PSS", CARD_SIGNS, RSA_PAD_PSS, "SHA256", CKM_SHA256, true),
	RSA(CKM_SHA384_RSA_PKCS_PSS, "SHA384-RSA-PKCS-PSS", CARD_SIGNS, RSA_PAD_PSS, "SHA384", CKM_SHA384, true),
	RSA(CKM_SHA512_RSA_PKCS_PSS, "SHA512-RSA-PKCS-PSS", CARD_SIGNS, RSA_PAD_PSS, "SHA512", CKM_SHA512, true),
	DIGEST(CKM_MD5, "MD5", "MD5"),
	DIGEST(CKM_SHA_1, "SHA-1", "SHA1"),
	DIGEST(CKM_SHA224, "SHA224", "SHA224"),
	DIGEST(CKM_SHA256, "SHA256", "SHA256"),
	DIGEST(CKM_SHA384, "SHA384", "SHA384"),
	DIGEST(CKM_SHA512, "SHA512", "SHA512"),
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

/* Fetches both hashes that the parameters name; unknown ones are a parameter error. */
static CK_RV fetch_named(OSSL_LIB_CTX *libctx, CK_MECHANISM_TYPE hash, CK_RSA_PKCS_MGF_TYPE mgf,
			 struct operation *op)
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
	op->hash = EVP_MD_fetch(libctx, hash_name, NULL);
	op->mgf = EVP_MD_fetch(libctx, mgf_name, NULL);
	return op->hash && op->mgf ? CKR_OK : CKR_FUNCTION_FAILED;
}

static CK_RV prepare_pss(const struct mechanism *row, const CK_MECHANISM *m, OSSL_LIB_CTX *libctx,
			 struct operation *op)
{
	CK_RSA_PKCS_PSS_PARAMS params;
	size_t hash_len;
	CK_RV rv;

	if (!m->pParameter || m->ulParameterLen != sizeof params)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(&params, m->pParameter, sizeof params);
	if (row->hash && params.hashAlg != row->hash_type)
		return CKR_MECHANISM_PARAM_INVALID;
	rv = fetch_named(libctx, params.hashAlg, params.mgf, op);
	if (rv != CKR_OK)
		return rv;
	hash_len = (size_t)EVP_MD_get_size(op->hash);
	/* RFC 8017, 9.1.1: emLen >= hLen + sLen + 2 */
	if (params.sLen > RSA_BLOCK - hash_len - 2)
		return CKR_MECHANISM_PARAM_INVALID;
	op->scheme.salt_len = params.sLen;
	return CKR_OK;
}

static CK_RV prepare_oaep(const CK_MECHANISM *m, OSSL_LIB_CTX *libctx, struct operation *op)
{
	CK_RSA_PKCS_OAEP_PARAMS params;
	CK_RV rv;

	if (!m->pParameter || m->ulParameterLen != sizeof params)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(&params, m->pParameter, sizeof params);
	/* a source of 0 stands for "no label" in programs that fill only the hashes in */
	if ((params.source != 0 && params.source != CKZ_DATA_SPECIFIED) ||
	    (params.ulSourceDataLen && !params.pSourceData))
		return CKR_MECHANISM_PARAM_INVALID;
	rv = fetch_named(libctx, params.hashAlg, params.mgf, op);
	if (rv != CKR_OK)
		return rv;
	rv = rv_of(buffer_append(&op->label, params.pSourceData, params.ulSourceDataLen));
	op->scheme.label = op->label.data;
	op->scheme.label_len = op->label.len;
	return rv;
}

CK_RV mechanism_prepare(const struct mechanism *row, const CK_MECHANISM *m, OSSL_LIB_CTX *libctx,
			struct operation *op)
{
	CK_RV rv = CKR_OK;

	op->scheme.padding = row->padding;
	if (!row->has_params && m->ulParameterLen)
		return CKR_MECHANISM_PARAM_INVALID;
	if (row->padding == RSA_PAD_PSS && row->has_params)
		rv = prepare_pss(row, m, libctx, op);
	else if (row->padding == RSA_PAD_OAEP)
		rv = prepare_oaep(m, libctx, op);
	else if (row->hash) {
		op->hash = EVP_MD_fetch(libctx, row->hash, NULL);
		rv = op->hash ? CKR_OK : CKR_FUNCTION_FAILED;
	}
	op->scheme.hash = op->hash;
	op->scheme.mgf = op->mgf;
	return rv;
}
