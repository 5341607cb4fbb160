/*
 * The padding functions below are deprecated in OpenSSL 3 in favour of EVP,
 * which cannot pad without also holding the key. They are asked for by the
 * API level that had them.
 */
#define OPENSSL_API_COMPAT 0x10101000L

#include "config.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "src/crypto/context.h"
#include "src/crypto/mask.h"
#include "src/crypto/rsa.h"

#define RSA_BITS (8 * RSA_BLOCK)

/*
 * DigestInfo (RFC 8017, 9.2): the digest with the name of its algorithm. Put
 * together here: OpenSSL's encoder takes as long as all the rest of the host's
 * work but the check of the result. Every length fits one byte.
 */
static enum result digest_info(const EVP_MD *hash, const uint8_t *digest, size_t len,
			       struct buffer *out)
{
	const ASN1_OBJECT *name = OBJ_nid2obj(EVP_MD_get_type(hash));
	size_t n = OBJ_length(name);
	const uint8_t head[] = {V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, (uint8_t)(n + len + 8),
				V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, (uint8_t)(n + 4),
				V_ASN1_OBJECT, (uint8_t)n};
	const uint8_t tail[] = {V_ASN1_NULL, 0, V_ASN1_OCTET_STRING, (uint8_t)len};
	enum result r = n ? buffer_append(out, head, sizeof head) : RESULT_CRYPTO;

	if (r == RESULT_OK)
		r = buffer_append(out, OBJ_get0_data(name), n);
	if (r == RESULT_OK)
		r = buffer_append(out, tail, sizeof tail);
	return r == RESULT_OK ? buffer_append(out, digest, len) : r;
}

/* The paddings that need no key make blocks of any size, for verifying, too. */
static enum result pad_pkcs1(const struct rsa_scheme *s, const uint8_t *data, size_t len,
			     uint8_t *block, size_t size)
{
	struct buffer content = BUFFER_INIT;
	enum result r;

	r = s->hash ? digest_info(s->hash, data, len, &content)
		    : buffer_append(&content, data, len);
	if (r == RESULT_OK && content.len > size - RSA_PKCS1_OVERHEAD)
		r = RESULT_ARGUMENT;
	if (r == RESULT_OK && RSA_padding_add_PKCS1_type_1(block, (int)size, content.data,
							   (int)content.len) != 1)
		r = RESULT_CRYPTO;
	buffer_clear(&content);
	return r;
}

static enum result pad_none(const uint8_t *data, size_t len, uint8_t *block, size_t size)
{
	if (len > size)
		return RESULT_ARGUMENT;
	memset(block, 0, size - len);
	if (len)
		memcpy(block + size - len, data, len);
	return RESULT_OK;
}

/* PSS only asks the key for its length: any modulus of that length will do. */
static RSA *stand_in_key(void)
{
	BIGNUM *n = BN_new(), *e = BN_new();
	RSA *rsa = RSA_new();

	if (n && e && rsa && BN_set_bit(n, RSA_BITS - 1) && BN_set_bit(n, 0) && BN_set_word(e, 65537) &&
	    RSA_set0_key(rsa, n, e, NULL))
		return rsa;
	BN_free(n);
	BN_free(e);
	RSA_free(rsa);
	return NULL;
}

static enum result pad_pss(const struct rsa_scheme *s, const uint8_t *digest,
			   uint8_t block[RSA_BLOCK])
{
	RSA *rsa = stand_in_key();
	int ok = rsa && RSA_padding_add_PKCS1_PSS_mgf1(rsa, block, digest, s->hash, s->mgf,
						       (int)s->salt_len) == 1;

	RSA_free(rsa);
	return ok ? RESULT_OK : RESULT_CRYPTO;
}

enum result rsa_pad_for_signing(const struct rsa_scheme *s, const uint8_t *data, size_t len,
				uint8_t block[RSA_BLOCK])
{
	if (s->hash && len != (size_t)EVP_MD_get_size(s->hash))
		return RESULT_ARGUMENT;
	switch (s->padding) {
	case RSA_PAD_PKCS1:
		return pad_pkcs1(s, data, len, block, RSA_BLOCK);
	case RSA_PAD_NONE:
		return pad_none(data, len, block, RSA_BLOCK);
	case RSA_PAD_PSS:
		return pad_pss(s, data, block);
	default:
		return RESULT_ARGUMENT;
	}
}

/*
 * The plaintext's bytes, or -1. OpenSSL's checks of both paddings look at all
 * bytes in any case, copy the plaintext without a branch on what it is, and
 * put this number together from masks.
 */
static int unpad(const struct rsa_scheme *s, const uint8_t block[RSA_BLOCK], uint8_t out[RSA_BLOCK])
{
	int n = -1;

	ERR_set_mark();
	switch (s->padding) {
	case RSA_PAD_NONE:
		memcpy(out, block, RSA_BLOCK);
		n = RSA_BLOCK;
		break;
	case RSA_PAD_PKCS1:
		n = RSA_padding_check_PKCS1_type_2(out, RSA_BLOCK, block, RSA_BLOCK, RSA_BLOCK);
		break;
	case RSA_PAD_OAEP:
		n = RSA_padding_check_PKCS1_OAEP_mgf1(out, RSA_BLOCK, block, RSA_BLOCK, RSA_BLOCK,
						      s->label, (int)s->label_len, s->hash, s->mgf);
		break;
	default:
		break;
	}
	ERR_pop_to_mark();
	return n;
}

size_t rsa_unpad_masked(const struct rsa_scheme *s, const uint8_t block[RSA_BLOCK],
			uint8_t out[RSA_BLOCK], size_t *len)
{
	size_t n = (size_t)unpad(s, block, out), bad = mask_top(n);

	*len = mask_select(bad, 0, n);
	return bad;
}

enum result rsa_unpad_decrypted(const struct rsa_scheme *s, const uint8_t block[RSA_BLOCK],
				uint8_t out[RSA_BLOCK], size_t *len)
{
	return rsa_unpad_masked(s, block, out, len) ? RESULT_BAD_DATA : RESULT_OK;
}

size_t rsa_max_plaintext(const struct rsa_scheme *s, size_t key_len)
{
	size_t overhead = 0;

	if (s->padding == RSA_PAD_PKCS1)
		overhead = RSA_PKCS1_OVERHEAD;
	else if (s->padding == RSA_PAD_OAEP)
		overhead = 2 * (size_t)EVP_MD_get_size(s->hash) + 2;
	return key_len > overhead ? key_len - overhead : 0;
}

struct rsa_check {
	BN_CTX *work;
	BN_MONT_CTX *mont; /* nine tenths of the cost of a check, if it is made each time */
	BIGNUM *n, *in, *out, *base, *power;
	uint32_t exponent;
};

struct rsa_check *rsa_check_new(const struct rsa_public *key)
{
	struct rsa_check *c = OPENSSL_zalloc(sizeof *c);

	if (!c)
		return NULL;
	c->work = BN_CTX_new();
	c->mont = BN_MONT_CTX_new();
	c->n = BN_bin2bn(key->modulus, sizeof key->modulus, NULL);
	c->in = BN_new();
	c->out = BN_new();
	c->base = BN_new();
	c->power = BN_new();
	c->exponent = key->exponent;
	if (c->work && c->mont && c->n && c->in && c->out && c->base && c->power &&
	    c->exponent >= 3 && c->exponent & 1 && BN_is_odd(c->n) && BN_MONT_CTX_set(c->mont, c->n, c->work))
		return c;
	rsa_check_free(&c);
	return NULL;
}

void rsa_check_free(struct rsa_check **check)
{
	struct rsa_check *c = *check;

	if (!c)
		return;
	BN_CTX_free(c->work);
	BN_MONT_CTX_free(c->mont);
	BN_free(c->n);
	BN_clear_free(c->in);
	BN_clear_free(c->out);
	BN_clear_free(c->base);
	BN_clear_free(c->power);
	OPENSSL_free(c);
	*check = NULL;
}

/*
 * Square and multiply. All but the last product is in Montgomery's form; the
 * last factor is not, and takes the result out of it: the exponent is odd.
 */
static bool raise(struct rsa_check *c)
{
	uint32_t bit = 1u << 31;
	bool ok = BN_to_montgomery(c->base, c->out, c->mont, c->work);
	const BIGNUM *so_far = c->base;

	while (!(c->exponent & bit))
		bit >>= 1;
	for (bit >>= 1; ok && bit; bit >>= 1) {
		ok = BN_mod_mul_montgomery(c->power, so_far, so_far, c->mont, c->work);
		if (ok && c->exponent & bit)
			ok = BN_mod_mul_montgomery(c->power, c->power, bit == 1 ? c->out : c->base,
						   c->mont, c->work);
		so_far = c->power;
	}
	return ok;
}

bool rsa_check_undoes(struct rsa_check *c, const uint8_t in[RSA_BLOCK],
		      const uint8_t out[RSA_BLOCK])
{
	bool ok = BN_bin2bn(out, RSA_BLOCK, c->out) && BN_bin2bn(in, RSA_BLOCK, c->in) &&
		  BN_cmp(c->out, c->n) < 0 && raise(c) && BN_cmp(c->power, c->in) == 0;

	BN_clear(c->in); /* one of them may be a plaintext */
	BN_clear(c->out);
	BN_clear(c->base);
	BN_clear(c->power);
	return ok;
}

bool rsa_undoes(const struct rsa_public *key, const uint8_t in[RSA_BLOCK],
		const uint8_t out[RSA_BLOCK])
{
	struct rsa_check *check = rsa_check_new(key);
	bool ok = check && rsa_check_undoes(check, in, out);

	rsa_check_free(&check);
	return ok;
}

EVP_PKEY *rsa_public_key(OSSL_LIB_CTX *libctx, const uint8_t *modulus, size_t modulus_len,
			 const uint8_t *exponent, size_t exponent_len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(libctx, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(modulus, (int)modulus_len, NULL);
	BIGNUM *e = BN_bin2bn(exponent, (int)exponent_len, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (ctx && build && n && e && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		params = OSSL_PARAM_BLD_to_param(build);
	if (params && (EVP_PKEY_fromdata_init(ctx) <= 0 ||
		       EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0))
		pkey = NULL;
	if (pkey && EVP_PKEY_get_size(pkey) <= 0) { /* what it keeps of the key is not there, without a word */
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* The padding of an EVP operation, with what it needs; false: OpenSSL does not want it. */
static bool set_scheme(EVP_PKEY_CTX *ctx, const struct rsa_scheme *s)
{
	static const int paddings[] = {
		[RSA_PAD_PKCS1] = RSA_PKCS1_PADDING,
		[RSA_PAD_NONE] = RSA_NO_PADDING,
		[RSA_PAD_PSS] = RSA_PKCS1_PSS_PADDING,
		[RSA_PAD_OAEP] = RSA_PKCS1_OAEP_PADDING,
	};
	unsigned char *label;

	if (EVP_PKEY_CTX_set_rsa_padding(ctx, paddings[s->padding]) <= 0)
		return false;
	if (s->padding == RSA_PAD_OAEP) {
		if (EVP_PKEY_CTX_set_rsa_oaep_md(ctx, s->hash) <= 0 ||
		    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, s->mgf) <= 0)
			return false;
		if (!s->label_len)
			return true;
		label = OPENSSL_memdup(s->label, s->label_len); /* the context's, once taken */
		if (label && EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, (int)s->label_len) > 0)
			return true;
		OPENSSL_free(label);
		return false;
	}
	if (s->hash && EVP_PKEY_CTX_set_signature_md(ctx, s->hash) <= 0)
		return false;
	return s->padding != RSA_PAD_PSS ||
	       (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, s->mgf) > 0 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)s->salt_len) > 0);
}

/* The block that data without a hash's name must have been signed as (RFC 8017, 8.2.2). */
static enum result bare_block(const struct rsa_scheme *s, const uint8_t *data, size_t len,
			      size_t size, struct buffer *out)
{
	enum result r = buffer_reserve(out, size);

	if (r != RESULT_OK)
		return r;
	r = s->padding == RSA_PAD_PKCS1 ? pad_pkcs1(s, data, len, out->data, size)
					: pad_none(data, len, out->data, size);
	out->len = r == RESULT_OK ? size : 0;
	return r == RESULT_ARGUMENT ? RESULT_BAD_SIGNATURE : r;
}

/* By comparing blocks: OpenSSL does not verify what signs no bytes at all, or is not padded. */
static enum result verify_bare(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const struct rsa_scheme *s,
			       const uint8_t *data, size_t len, const uint8_t *signature,
			       size_t signature_len)
{
	static const struct rsa_scheme none = {.padding = RSA_PAD_NONE};
	struct buffer wanted = BUFFER_INIT, block = BUFFER_INIT;
	enum result r = bare_block(s, data, len, (size_t)EVP_PKEY_get_size(key), &wanted);

	if (r == RESULT_OK)
		r = rsa_recover(libctx, key, &none, signature, signature_len, &block);
	if (r == RESULT_OK && !buffer_same(&wanted, &block))
		r = RESULT_BAD_SIGNATURE;
	buffer_clear(&wanted);
	buffer_clear(&block);
	return r;
}

/* It is RSA, or the provider's own check of what goes in, that finds something wrong with it. */
static bool is_verdict(unsigned long error)
{
	return ERR_GET_LIB(error) == ERR_LIB_RSA ||
	       (ERR_GET_LIB(error) == ERR_LIB_PROV && ERR_GET_REASON(error) != ERR_R_RSA_LIB);
}

/*
 * Why OpenSSL says no: it lacks memory, it fails, or it is a verdict on what went
 * in. Between ERR_set_mark() and ERR_pop_to_mark(); `alone`: the queue was empty.
 */
static enum result refusal(bool alone, enum result verdict)
{
	const unsigned long cause = crypto_cause(alone);

	if (ERR_GET_REASON(cause) == ERR_R_MALLOC_FAILURE)
		return RESULT_NO_MEMORY;
	return !alone || is_verdict(cause) ? verdict : RESULT_CRYPTO;
}

/* Ready for the operation that `init` begins; NULL: OpenSSL refuses. */
static EVP_PKEY_CTX *begin(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const struct rsa_scheme *s,
			   int (*init)(EVP_PKEY_CTX *ctx))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(libctx, key, NULL);

	if (ctx && init(ctx) > 0 && set_scheme(ctx, s))
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

enum result rsa_verify(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const struct rsa_scheme *s,
		       const uint8_t *data, size_t len, const uint8_t *signature,
		       size_t signature_len)
{
	const bool alone = ERR_peek_error() == 0;
	EVP_PKEY_CTX *ctx = NULL;
	enum result r = RESULT_CRYPTO;

	if (!s->hash)
		return verify_bare(libctx, key, s, data, len, signature, signature_len);
	ERR_set_mark();
	ctx = begin(libctx, key, s, EVP_PKEY_verify_init);
	if (ctx)
		r = EVP_PKEY_verify(ctx, signature, signature_len, data, len) == 1
			    ? RESULT_OK
			    : refusal(alone, RESULT_BAD_SIGNATURE);
	EVP_PKEY_CTX_free(ctx);
	ERR_pop_to_mark();
	return r;
}

typedef int transform(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *out_len,
		      const unsigned char *in, size_t in_len);

/* Appends what comes out. `refused`: the answer where OpenSSL does not want what goes in. */
static enum result run(EVP_PKEY_CTX *ctx, transform *work, const uint8_t *in, size_t len,
		       enum result refused, struct buffer *out)
{
	const bool alone = ERR_peek_error() == 0;
	size_t n = out->cap - out->len;

	if (!ctx)
		return RESULT_CRYPTO;
	if (work(ctx, out->data + out->len, &n, in, len) <= 0)
		return refusal(alone, refused);
	out->len += n;
	return RESULT_OK;
}

enum result rsa_recover(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const struct rsa_scheme *s,
			const uint8_t *signature, size_t signature_len, struct buffer *out)
{
	enum result r = buffer_reserve(out, (size_t)EVP_PKEY_get_size(key));
	EVP_PKEY_CTX *ctx;

	if (r != RESULT_OK)
		return r;
	ERR_set_mark();
	ctx = begin(libctx, key, s, EVP_PKEY_verify_recover_init);
	r = run(ctx, EVP_PKEY_verify_recover, signature, signature_len, RESULT_BAD_SIGNATURE, out);
	EVP_PKEY_CTX_free(ctx);
	ERR_pop_to_mark();
	return r;
}

enum result rsa_encrypt(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const struct rsa_scheme *s,
			const uint8_t *data, size_t len, struct buffer *out)
{
	size_t n = (size_t)EVP_PKEY_get_size(key);
	struct buffer block = BUFFER_INIT;
	EVP_PKEY_CTX *ctx;
	enum result r;

	if (len > rsa_max_plaintext(s, n))
		return RESULT_ARGUMENT;
	r = buffer_reserve(out, n);
	/* without padding OpenSSL wants a whole block: zeros in front */
	for (size_t i = len; r == RESULT_OK && s->padding == RSA_PAD_NONE && i < n; i++)
		r = buffer_append_u8(&block, 0);
	if (r == RESULT_OK)
		r = buffer_append(&block, data, len);
	if (r == RESULT_OK)
		r = buffer_reserve(&block, 1); /* a pointer even for no data */
	if (r != RESULT_OK)
		goto out;
	ERR_set_mark();
	ctx = begin(libctx, key, s, EVP_PKEY_encrypt_init);
	/* refused: not below the modulus */
	r = run(ctx, EVP_PKEY_encrypt, block.data, block.len, RESULT_ARGUMENT, out);
	EVP_PKEY_CTX_free(ctx);
	ERR_pop_to_mark();
out:
	buffer_clear(&block);
	return r;
}
