#include "config.h"

#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tools/agent/card_trust.h"
#include "tools/twcard/json_bytes.h"

/* Of another program's module it may be anything. */
static size_t length_of(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

/* What is no CA's certificate is passed over. */
static bool add_one(struct trust *t, struct json_object *certificate)
{
	X509 *x509 = json_bytes_x509(certificate, "certb64");
	bool good = true;

	if (x509 && X509_check_ca(x509)) {
		good = X509_STORE_add_cert(t->store, x509) == 1 && X509_add_cert(t->others, x509, X509_ADD_FLAG_UP_REF) == 1;
		t->source = TRUST_CARD;
	}
	X509_free(x509);
	ERR_clear_error();
	return good;
}

bool card_trust_gather(struct json_object *info, struct trust *out)
{
	struct json_object *slots = json_bytes_member(info, "slots");
	bool good;

	*out = (struct trust){trust_store_new(time(NULL)), TRUST_NOBODY, sk_X509_new_null()};
	good = out->store && out->others;
	for (size_t i = 0; i < length_of(slots); i++) {
		struct json_object *token = json_bytes_member(json_object_array_get_idx(slots, i), "token");
		struct json_object *certs = json_bytes_member(token, "certs");

		for (size_t k = 0; good && k < length_of(certs); k++)
			good = add_one(out, json_object_array_get_idx(certs, k));
	}
	return good;
}
