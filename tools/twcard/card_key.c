#include "config.h"

#include <string.h>
#include <strings.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>

#include "tools/twcard/card_key.h"
#include "tools/twcard/message.h"

/* ---- the private operation ---- */

/*
 * The token's object of the certificate. Looked for anew each time: whoever
 * takes the card out while a person types ends all that was known of it.
 */
static enum exit_code look_up(struct slot *slot, const X509 *x509, const struct object **out)
{
	struct card_certificates list;
	enum result r = card_certificates(slot, &list);

	*out = NULL;
	if (r != RESULT_OK)
		return message_result(r, slot->reader);
	for (size_t i = 0; i < list.count && !*out; i++)
		if (list.items[i].x509 && X509_cmp(list.items[i].x509, x509) == 0)
			*out = list.items[i].object;
	card_certificates_clear(&list);
	if (*out)
		return EXIT_GOOD;
	message_error(_("another card was put in\nNothing was done with it."));
	return EXIT_NO_CARD;
}

enum exit_code card_key_login(struct slot *slot, const X509 *x509, const struct arguments *args)
{
	const struct object *certificate;
	enum exit_code code = look_up(slot, x509, &certificate);

	if (code == EXIT_GOOD)
		code = card_login(slot, args);
	return code == EXIT_GOOD ? look_up(slot, x509, &certificate) : code;
}

enum exit_code card_key_operate(struct slot *slot, const X509 *x509, const uint8_t in[RSA_BLOCK],
				uint8_t out[RSA_BLOCK])
{
	const struct object *certificate;
	enum exit_code code = look_up(slot, x509, &certificate);
	enum result r;

	if (code != EXIT_GOOD)
		return code;
	r = card_private_operation(slot, certificate, in, out);
	if (r == RESULT_OK && !card_rsa_undoes(x509, in, out))
		r = RESULT_BAD_SIGNATURE;
	return message_result(r, _("private operation"));
}

static bool operate(void *context, const uint8_t in[RSA_BLOCK], uint8_t out[RSA_BLOCK])
{
	struct card_key *key = context;

	if (key->used)
		return false;
	key->used = true;
	key->code = card_key_login(key->slot, key->x509, key->args);
	if (key->code == EXIT_GOOD)
		key->code = card_key_operate(key->slot, key->x509, in, out);
	card_logout(key->slot);
	card_leave(key->slot);
	return key->code == EXIT_GOOD;
}

/* ---- the certificate ---- */

STACK_OF(X509) *card_key_others(const struct card_certificates *list, const X509 *x509)
{
	STACK_OF(X509) *others = sk_X509_new_null();

	for (size_t i = 0; others && i < list->count; i++) {
		X509 *other = list->items[i].x509;

		if (!other || X509_cmp(other, x509) == 0)
			continue;
		if (X509_add_cert(others, other, X509_ADD_FLAG_UP_REF))
			continue;
		sk_X509_pop_free(others, X509_free);
		others = NULL;
	}
	return others;
}

static enum exit_code take(struct card_key *out, const struct card_certificates *list, X509 *x509,
			   const char *none)
{
	if (!x509) {
		message_error("%s", none);
		return EXIT_NEGATIVE;
	}
	if (!card_rsa_fits(x509)) {
		message_error(_("the certificate's key is no RSA key of 2048 bits"));
		return EXIT_CARD;
	}
	X509_up_ref(x509);
	out->x509 = x509;
	out->rsa = (struct card_rsa){operate, out};
	out->pkey = card_rsa_new(x509, &out->rsa);
	out->others = card_key_others(list, x509);
	return out->pkey && out->others ? EXIT_GOOD : message_result(RESULT_NO_MEMORY, NULL);
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
