/*
 * OpenSSL 3 takes a private key that is somewhere else from a provider, which
 * is a library of its own, or from an RSA_METHOD, which is deprecated and does
 * all that is needed here. It is asked for by the API level that had it.
 */
#define OPENSSL_API_COMPAT 0x10101000L

#include "config.h"

#include <string.h>
#include <strings.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "src/crypto/rsa.h"
#include "tools/twcard/card_key.h"
#include "tools/twcard/message.h"

/* ---- the private operation ---- */

/*
 * The token's object of the certificate. Looked for anew each time: whoever
 * takes the card out while a person types ends all that was known of it.
 */
static enum exit_code look_up(const struct card_key *key, const struct object **out)
{
	struct card_certificates list;
	enum result r = card_certificates(key->slot, &list);

	*out = NULL;
	if (r != RESULT_OK)
		return message_result(r, key->slot->reader);
	for (size_t i = 0; i < list.count && !*out; i++)
		if (list.items[i].x509 && X509_cmp(list.items[i].x509, key->x509) == 0)
			*out = list.items[i].object;
	card_certificates_clear(&list);
	if (*out)
		return EXIT_GOOD;
	message_error(_("another card was put in\nNothing was done with it."));
	return EXIT_NO_CARD;
}

/* The card's result must be the certificate's key's, not only its own idea of it. */
static bool fits_certificate(const struct card_key *key, const uint8_t in[RSA_BLOCK],
			     const uint8_t out[RSA_BLOCK])
{
	struct rsa_public rsa = {.exponent = 0};
	BIGNUM *n = NULL, *e = NULL;
	const EVP_PKEY *pkey = X509_get0_pubkey(key->x509);
	bool good = EVP_PKEY_get_bn_param(pkey, "n", &n) && EVP_PKEY_get_bn_param(pkey, "e", &e) &&
		    BN_bn2binpad(n, rsa.modulus, RSA_BLOCK) == RSA_BLOCK && BN_num_bits(e) <= 32;

	if (good)
		rsa.exponent = (uint32_t)BN_get_word(e);
	BN_free(n);
	BN_free(e);
	return good && rsa_undoes(&rsa, in, out);
}

static enum exit_code operate_in_turn(const struct card_key *key, const uint8_t in[RSA_BLOCK],
				      uint8_t out[RSA_BLOCK])
{
	const struct object *certificate;
	enum exit_code code = look_up(key, &certificate);
	enum result r;

	if (code == EXIT_GOOD)
		code = card_login(key->slot, key->args);
	if (code == EXIT_GOOD)
		code = look_up(key, &certificate);
	if (code != EXIT_GOOD)
		return code;
	r = card_private_operation(key->slot, certificate, in, out);
	if (r == RESULT_OK && !fits_certificate(key, in, out))
		r = RESULT_BAD_SIGNATURE;
	return message_result(r, _("private operation"));
}

static bool operate(RSA *rsa, const uint8_t in[RSA_BLOCK], uint8_t out[RSA_BLOCK])
{
	struct card_key *key = RSA_get_app_data(rsa);

	if (key->used)
		return false;
	key->used = true;
	key->code = operate_in_turn(key, in, out);
	card_logout(key->slot);
	card_leave(key->slot);
	return key->code == EXIT_GOOD;
}

/* ---- as OpenSSL calls it ---- */

/* False: no padding that a card's key is used with here; what is OAEP or PSS comes as a whole block. */
static bool scheme_of(int padding, struct rsa_scheme *out)
{
	*out = (struct rsa_scheme){.padding = padding == RSA_NO_PADDING ? RSA_PAD_NONE : RSA_PAD_PKCS1};
	return padding == RSA_NO_PADDING || padding == RSA_PKCS1_PADDING;
}

static int private_encrypt(int len, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
	struct rsa_scheme scheme;
	uint8_t block[RSA_BLOCK];

	if (!scheme_of(padding, &scheme) || len < 0 ||
	    rsa_pad_for_signing(&scheme, from, (size_t)len, block) != RESULT_OK)
		return -1;
	return operate(rsa, block, to) ? RSA_BLOCK : -1;
}

static int private_decrypt(int len, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
	struct rsa_scheme scheme;
	uint8_t in[RSA_BLOCK] = {0}, block[RSA_BLOCK];
	size_t n, bad;

	if (!scheme_of(padding, &scheme) || len < 1 || len > RSA_BLOCK)
		return -1;
	memcpy(in + RSA_BLOCK - len, from, (size_t)len);
	if (!operate(rsa, in, block))
		return -1;
	bad = rsa_unpad_masked(&scheme, block, to, &n);
	OPENSSL_cleanse(block, sizeof block);
	return (int)(n | bad); /* -1 without a branch on the padding */
}

static RSA_METHOD *method(void)
{
	static RSA_METHOD *kept;

	if (kept)
		return kept;
	kept = RSA_meth_dup(RSA_PKCS1_OpenSSL());
	if (kept && RSA_meth_set_priv_enc(kept, private_encrypt) &&
	    RSA_meth_set_priv_dec(kept, private_decrypt))
		return kept;
	RSA_meth_free(kept);
	kept = NULL;
	return NULL;
}

static bool has_key_size(const X509 *x509)
{
	const EVP_PKEY *public = X509_get0_pubkey(x509);

	return public && EVP_PKEY_get_base_id(public) == EVP_PKEY_RSA &&
	       EVP_PKEY_get_size(public) == RSA_BLOCK;
}

/* NULL: out of memory. */
static EVP_PKEY *private_key(struct card_key *key)
{
	BIGNUM *n = NULL, *e = NULL;
	RSA *rsa = RSA_new();
	EVP_PKEY *pkey = EVP_PKEY_new();
	const EVP_PKEY *public = X509_get0_pubkey(key->x509);

	if (rsa && pkey && method() && EVP_PKEY_get_bn_param(public, "n", &n) &&
	    EVP_PKEY_get_bn_param(public, "e", &e) && RSA_set0_key(rsa, n, e, NULL)) {
		n = e = NULL; /* rsa's */
		if (RSA_set_method(rsa, method()) && RSA_set_app_data(rsa, key) &&
		    EVP_PKEY_assign_RSA(pkey, rsa))
			return pkey;
	}
	BN_free(n);
	BN_free(e);
	RSA_free(rsa);
	EVP_PKEY_free(pkey);
	return NULL;
}

/* ---- the certificate ---- */

static bool keep_others(struct card_key *out, const struct card_certificates *list)
{
	out->others = sk_X509_new_null();
	for (size_t i = 0; out->others && i < list->count; i++) {
		X509 *x509 = list->items[i].x509;

		if (!x509 || X509_cmp(x509, out->x509) == 0)
			continue;
		if (!X509_add_cert(out->others, x509, X509_ADD_FLAG_UP_REF))
			return false;
	}
	return out->others != NULL;
}

static enum exit_code take(struct card_key *out, const struct card_certificates *list, X509 *x509,
			   const char *none)
{
	if (!x509) {
		message_error("%s", none);
		return EXIT_NEGATIVE;
	}
	if (!has_key_size(x509)) {
		message_error(_("the certificate's key is no RSA key of 2048 bits"));
		return EXIT_CARD;
	}
	X509_up_ref(x509);
	out->x509 = x509;
	out->pkey = private_key(out);
	return out->pkey && keep_others(out, list) ? EXIT_GOOD : message_result(RESULT_NO_MEMORY, NULL);
}

enum exit_code card_key_find(const struct arguments *args, card_key_fits *fits, const void *context,
			     const char *none, struct card_key *out)
{
	struct card_certificates list = {NULL, 0};
	X509 *found = NULL;
	enum exit_code code;
	enum result r;

	*out = (struct card_key){.args = args};
	code = cards_choose(args, &out->slot);
	if (code != EXIT_GOOD)
		return code;
	r = card_certificates(out->slot, &list);
	if (r != RESULT_OK)
		code = message_result(r, out->slot->reader);
	for (size_t i = 0; i < list.count && !found; i++)
		if (list.items[i].x509 && fits(&list.items[i], context))
			found = list.items[i].x509;
	if (code == EXIT_GOOD)
		code = take(out, &list, found, none);
	card_certificates_clear(&list);
	card_leave(out->slot); /* what follows may take long */
	return code;
}

void card_key_clear(struct card_key *key)
{
	EVP_PKEY_free(key->pkey);
	X509_free(key->x509);
	sk_X509_pop_free(key->others, X509_free);
	key->pkey = NULL;
	key->x509 = NULL;
	key->others = NULL;
}

bool card_key_is_called(const struct card_certificate *c, const char *which)
{
	const struct buffer *id = &c->object->record->id;
	BIGNUM *number;
	char *serial;
	bool is;

	if (strcmp(c->label, which) == 0)
		return true;
	if (id->len == strlen(which) && memcmp(id->data, which, id->len) == 0)
		return true;
	number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(c->x509), NULL);
	serial = number ? BN_bn2hex(number) : NULL;
	is = serial && strcasecmp(serial, which) == 0;
	OPENSSL_free(serial);
	BN_free(number);
	return is;
}
