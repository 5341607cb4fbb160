#include "config.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* RSA_new() */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "refusals.h"

/* clang-format off */
REFUSES(int, 0, EVP_DigestInit_ex2,
	(EVP_MD_CTX *c, const EVP_MD *md, const OSSL_PARAM p[]),
	(c, md, p))
REFUSES(int, 0, EVP_DigestUpdate, (EVP_MD_CTX *c, const void *in, size_t len), (c, in, len))
REFUSES(int, 0, EVP_DigestFinal_ex,
	(EVP_MD_CTX *c, unsigned char *out, unsigned *len),
	(c, out, len))
REFUSES(int, 0, EVP_Digest,
	(const void *in, size_t len, unsigned char *out, unsigned *n, const EVP_MD *md, ENGINE *e),
	(in, len, out, n, md, e))
REFUSES(EVP_MD_CTX *, NULL, EVP_MD_CTX_new, (void), ())
REFUSES(EVP_MD *, NULL, EVP_MD_fetch,
	(OSSL_LIB_CTX *lib, const char *name, const char *q),
	(lib, name, q))
REFUSES(EVP_MAC *, NULL, EVP_MAC_fetch,
	(OSSL_LIB_CTX *lib, const char *name, const char *q),
	(lib, name, q))
REFUSES(EVP_MAC_CTX *, NULL, EVP_MAC_CTX_new, (EVP_MAC *mac), (mac))
REFUSES(EVP_MAC_CTX *, NULL, EVP_MAC_CTX_dup, (const EVP_MAC_CTX *c), (c))
REFUSES(int, 0, EVP_MAC_init,
	(EVP_MAC_CTX *c, const unsigned char *k, size_t len, const OSSL_PARAM p[]),
	(c, k, len, p))
REFUSES(int, 0, EVP_MAC_update,
	(EVP_MAC_CTX *c, const unsigned char *in, size_t len),
	(c, in, len))
REFUSES(int, 0, EVP_MAC_final,
	(EVP_MAC_CTX *c, unsigned char *out, size_t *n, size_t max),
	(c, out, n, max))
REFUSES(EVP_CIPHER *, NULL, EVP_CIPHER_fetch,
	(OSSL_LIB_CTX *lib, const char *name, const char *q),
	(lib, name, q))
REFUSES(EVP_CIPHER_CTX *, NULL, EVP_CIPHER_CTX_new, (void), ())
REFUSES(int, 0, EVP_CIPHER_CTX_ctrl,
	(EVP_CIPHER_CTX *c, int type, int n, void *p),
	(c, type, n, p))
REFUSES(int, 0, EVP_CipherInit_ex2,
	(EVP_CIPHER_CTX *c, const EVP_CIPHER *t, const unsigned char *k, const unsigned char *iv, int enc, const OSSL_PARAM p[]),
	(c, t, k, iv, enc, p))
REFUSES(int, 0, EVP_CipherUpdate,
	(EVP_CIPHER_CTX *c, unsigned char *out, int *n, const unsigned char *in, int len),
	(c, out, n, in, len))
REFUSES(int, 0, EVP_CipherFinal_ex, (EVP_CIPHER_CTX *c, unsigned char *out, int *n), (c, out, n))
REFUSES(int, 0, EVP_EncryptInit_ex2,
	(EVP_CIPHER_CTX *c, const EVP_CIPHER *t, const unsigned char *k, const unsigned char *iv, const OSSL_PARAM p[]),
	(c, t, k, iv, p))
REFUSES(int, 0, EVP_EncryptUpdate,
	(EVP_CIPHER_CTX *c, unsigned char *out, int *n, const unsigned char *in, int len),
	(c, out, n, in, len))
REFUSES(int, 0, EVP_EncryptFinal_ex, (EVP_CIPHER_CTX *c, unsigned char *out, int *n), (c, out, n))
REFUSES(int, 0, RAND_bytes_ex,
	(OSSL_LIB_CTX *lib, unsigned char *out, size_t n, unsigned strength),
	(lib, out, n, strength))
REFUSES(int, 0, RAND_priv_bytes_ex,
	(OSSL_LIB_CTX *lib, unsigned char *out, size_t n, unsigned strength),
	(lib, out, n, strength))
REFUSES(EVP_PKEY_CTX *, NULL, EVP_PKEY_CTX_new_from_pkey,
	(OSSL_LIB_CTX *lib, EVP_PKEY *k, const char *q),
	(lib, k, q))
REFUSES(EVP_PKEY_CTX *, NULL, EVP_PKEY_CTX_new_from_name,
	(OSSL_LIB_CTX *lib, const char *name, const char *q),
	(lib, name, q))
REFUSES(int, 0, EVP_PKEY_fromdata,
	(EVP_PKEY_CTX *c, EVP_PKEY **k, int what, OSSL_PARAM p[]),
	(c, k, what, p))
REFUSES(int, 0, EVP_PKEY_up_ref, (EVP_PKEY *k), (k))
REFUSES(int, 0, EVP_PKEY_CTX_set_rsa_padding, (EVP_PKEY_CTX *c, int padding), (c, padding))
REFUSES(BIGNUM *, NULL, BN_bin2bn, (const unsigned char *in, int len, BIGNUM *out), (in, len, out))
REFUSES(BIGNUM *, NULL, BN_new, (void), ())
REFUSES(int, 0, BN_MONT_CTX_set, (BN_MONT_CTX *m, const BIGNUM *n, BN_CTX *c), (m, n, c))
REFUSES(int, 0, BN_mod_mul_montgomery,
	(BIGNUM *r, const BIGNUM *a, const BIGNUM *b, BN_MONT_CTX *m, BN_CTX *c),
	(r, a, b, m, c))
REFUSES(int, 0, BN_to_montgomery,
	(BIGNUM *r, const BIGNUM *a, BN_MONT_CTX *m, BN_CTX *c),
	(r, a, m, c))
REFUSES(RSA *, NULL, RSA_new, (void), ())
REFUSES(int, 0, RSA_padding_add_PKCS1_type_1,
	(unsigned char *to, int tlen, const unsigned char *f, int fl),
	(to, tlen, f, fl))
REFUSES(int, 0, i2d_PUBKEY, (const EVP_PKEY *k, unsigned char **out), (k, out))
REFUSES(ASN1_VALUE *, NULL, ASN1_item_d2i_ex,
	(ASN1_VALUE **x, const unsigned char **in, long len, const ASN1_ITEM *it, OSSL_LIB_CTX *lib, const char *q),
	(x, in, len, it, lib, q))
/* clang-format on */
