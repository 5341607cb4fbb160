/* What of a card is registered: its CA certificates, and its key for SSH. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "src/base/text.h"
#include "src/crypto/context.h"
#include "tools/twcard/card.h"
#include "tools/twcard/message.h"
#include "tools/twcard/register.h"
#include "tools/twcard/text.h"

#define SHA1_SIZE 20
#define MODULUS_MAX 2048 /* bytes */

static void to_hex(const uint8_t *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static bool digest(const char *name, const void *bytes, size_t len, uint8_t out[EVP_MAX_MD_SIZE])
{
	const EVP_MD *md = crypto_digest(name);

	return md && EVP_Digest(bytes, len, out, NULL, md, NULL);
}

/* ---- CA certificates ---- */

/* NSS's CKA_ID: SHA-1 of an RSA modulus, of other keys as they stand in the certificate. */
static bool find_id(X509 *x509, char *out)
{
	const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(x509);
	uint8_t hash[EVP_MAX_MD_SIZE], modulus[MODULUS_MAX];
	EVP_PKEY *key = X509_get0_pubkey(x509);
	BIGNUM *n = NULL;
	bool ok = false;
	int len;

	if (key && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n)) {
		len = BN_num_bytes(n) <= MODULUS_MAX ? BN_bn2bin(n, modulus) : 0;
		ok = len > 0 && digest("SHA1", modulus, (size_t)len, hash);
	} else if (bits) {
		ok = digest("SHA1", bits->data, (size_t)bits->length, hash);
	}
	BN_free(n);
	if (ok)
		to_hex(hash, SHA1_SIZE, out);
	return ok;
}

static char *holder_of(X509 *x509)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *holder = NULL, *name, *text;
	long len;

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(x509), 0,
				      XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_get_mem_data(bio, &text);
		name = len >= 0 ? strndup(text, (size_t)len) : NULL;
		holder = name ? text_safe(name) : NULL;
		free(name);
	}
	BIO_free(bio);
	return holder;
}

static bool is_root(X509 *x509)
{
	return X509_NAME_cmp(X509_get_subject_name(x509), X509_get_issuer_name(x509)) == 0;
}

static bool add_ca(struct registration *r, X509 *x509)
{
	struct register_ca *ca = &r->cas[r->ca_count];
	uint8_t hash[EVP_MAX_MD_SIZE];

	*ca = (struct register_ca){.holder = holder_of(x509)};
	ca->der_len = i2d_X509(x509, &ca->der);
	r->ca_count++; /* register_clear() frees what is there */
	if (!ca->holder || ca->der_len <= 0 || !find_id(x509, ca->id) ||
	    !digest("SHA256", ca->der, (size_t)ca->der_len, hash))
		return false;
	memcpy(ca->name, REGISTER_CA_MARK, sizeof REGISTER_CA_MARK);
	to_hex(hash, REGISTER_CA_HEX / 2, ca->name + sizeof REGISTER_CA_MARK - 1);
	ca->root = is_root(x509);
	return true;
}

static void drop_last(struct registration *r)
{
	struct register_ca *last = &r->cas[--r->ca_count];

	free(last->holder);
	OPENSSL_free(last->der);
}

/* A card may have the same certificate twice. */
static void drop_if_known(struct registration *r)
{
	for (size_t i = 0; i + 1 < r->ca_count; i++) {
		if (strcmp(r->cas[i].name, r->cas[r->ca_count - 1].name) == 0) {
			drop_last(r);
			return;
		}
	}
}

/* The roots before what they signed. */
static bool take_cas(struct registration *r, const struct card_certificates *list)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < list->count && r->ca_count < REGISTER_CAS_MAX; i++) {
			X509 *x509 = list->items[i].x509;

			if (!x509 || X509_check_ca(x509) != 1 || is_root(x509) != (pass == 0))
				continue;
			if (!add_ca(r, x509))
				return false;
			drop_if_known(r);
		}
	}
	return true;
}

/* ---- keys for SSH (RFC 4253, 6.6) ---- */

static bool put_string(struct buffer *out, const void *bytes, size_t len)
{
	const uint8_t head[] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
				(uint8_t)len};

	return buffer_append(out, head, sizeof head) == RESULT_OK &&
	       buffer_append(out, bytes, len) == RESULT_OK;
}

/* A number that is not negative has a zero in front of a high bit. */
static bool put_number(struct buffer *out, const EVP_PKEY *key, const char *name)
{
	uint8_t bytes[MODULUS_MAX + 1] = {0};
	BIGNUM *number = NULL;
	bool ok = false;
	int len, pad;

	if (EVP_PKEY_get_bn_param(key, name, &number) && BN_num_bytes(number) <= MODULUS_MAX) {
		pad = BN_num_bits(number) % 8 == 0;
		len = BN_bn2bin(number, bytes + pad);
		ok = put_string(out, bytes, (size_t)len + (size_t)pad);
	}
	BN_free(number);
	return ok;
}

/* "ssh-rsa BASE64 COMMENT"; NULL: no RSA key, or out of memory. */
static struct json_object *ssh_line(X509 *x509, const char *comment)
{
	const EVP_PKEY *key = X509_get0_pubkey(x509);
	struct buffer blob = BUFFER_INIT, line = BUFFER_INIT;
	struct json_object *text = NULL;
	size_t room;
	int n;

	if (!key || !EVP_PKEY_is_a(key, "RSA") || !put_string(&blob, "ssh-rsa", 7) ||
	    !put_number(&blob, key, OSSL_PKEY_PARAM_RSA_E) ||
	    !put_number(&blob, key, OSSL_PKEY_PARAM_RSA_N))
		goto out;
	room = 4 * ((blob.len + 2) / 3) + 1;
	if (buffer_append(&line, "ssh-rsa ", 8) != RESULT_OK ||
	    buffer_reserve(&line, room) != RESULT_OK)
		goto out;
	n = EVP_EncodeBlock(line.data + line.len, blob.data, (int)blob.len);
	line.len += (size_t)n;
	if (buffer_append(&line, " ", 1) == RESULT_OK &&
	    buffer_append(&line, comment, strlen(comment)) == RESULT_OK)
		text = json_object_new_string_len((const char *)line.data, (int)line.len);
out:
	buffer_clear(&blob);
	buffer_clear(&line);
	return text;
}

static void take_keys(struct registration *r, const struct card_certificates *list,
		      const char *number)
{
	char comment[64];

	snprintf(comment, sizeof comment, "twcard%s%s", text_is_word(number) ? "-" : "",
		 text_is_word(number) ? number : "");
	r->keys = json_object_new_array();
	for (size_t i = 0; i < list->count; i++) {
		struct json_object *line = card_certificate_signs(&list->items[i])
						   ? ssh_line(list->items[i].x509, comment)
						   : NULL;

		if (line)
			json_object_array_add(r->keys, line);
	}
}

/* ---- both ---- */

enum exit_code register_read_card(struct registration *r, bool needed)
{
	struct card_certificates list;
	struct card_identity card;
	struct slot *slot = NULL;
	enum exit_code code = EXIT_GOOD;
	enum result result = RESULT_OK;

	if (needed) {
		code = cards_choose(r->args, &slot);
	} else if (cards_begin() == RESULT_OK) {
		for (size_t i = 0; !slot && i < cards_count(); i++)
			slot = slot_look_for_card(cards_slot(i)) ? cards_slot(i) : NULL;
		if (slot)
			code = cards_choose(r->args, &slot);
	}
	if (code != EXIT_GOOD || !slot)
		return code;
	result = card_identify(slot, &card);
	if (result == RESULT_OK)
		result = card_certificates(slot, &list);
	card_leave(slot); /* the programs that are run next may want it */
	if (result != RESULT_OK)
		return message_result(result, slot->reader);
	take_keys(r, &list, card.number);
	if (!take_cas(r, &list))
		code = message_result(RESULT_NO_MEMORY, NULL);
	card_certificates_clear(&list);
	return code;
}

void register_clear(struct registration *r)
{
	while (r->ca_count)
		drop_last(r);
	json_object_put(r->keys);
	json_object_put(r->steps);
	r->keys = r->steps = NULL;
}
