#include "config.h"

#include <stdint.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "authz/content.h"
#include "authz/oids.h"
#include "authz/rules.h"

#define SIGNATURE_ROOM 1024
#define TIME_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* ---- parts ---- */

/* names, which may be there already: this one alone. */
static bool set_name(GENERAL_NAMES **names, const X509_NAME *name)
{
	GENERAL_NAME *general = GENERAL_NAME_new();
	X509_NAME *copy = X509_NAME_dup(name);

	if (!*names)
		*names = sk_GENERAL_NAME_new_null();
	if (!general || !copy || !*names || sk_GENERAL_NAME_push(*names, general) <= 0) {
		GENERAL_NAME_free(general);
		X509_NAME_free(copy);
		return false;
	}
	GENERAL_NAME_set0_value(general, GEN_DIRNAME, copy);
	return true;
}

static bool set_holder(TWCARD_AC_HOLDER *to, X509 *holder)
{
	TWCARD_AC_ISSUER_SERIAL *base =
		(TWCARD_AC_ISSUER_SERIAL *)ASN1_item_new(ASN1_ITEM_rptr(TWCARD_AC_ISSUER_SERIAL));

	to->base_certificate = base;
	return base && set_name(&base->issuer, X509_get_issuer_name(holder)) &&
	       ASN1_STRING_copy(base->serial, X509_get0_serialNumber(holder));
}

static bool set_issuer(TWCARD_AC_ISSUER *to, X509 *authorizer)
{
	to->form.v2_form = (TWCARD_AC_V2_FORM *)ASN1_item_new(ASN1_ITEM_rptr(TWCARD_AC_V2_FORM));
	if (!to->form.v2_form)
		return false;
	to->type = AC_ISSUER_V2;
	return set_name(&to->form.v2_form->issuer_name, X509_get_subject_name(authorizer));
}

static bool set_times(TWCARD_AC_VALIDITY *to, const struct authz_spec *spec)
{
	return ASN1_GENERALIZEDTIME_set(to->not_before, spec->not_before) &&
	       ASN1_GENERALIZEDTIME_set(to->not_after, spec->not_after);
}

static bool set_algorithm(X509_ALGOR *to)
{
	return X509_ALGOR_set0(to, OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_NULL, NULL);
}

static enum authz_reason set_serial(TWCARD_AC_INFO *to, const struct authz_spec *spec)
{
	ASN1_INTEGER *serial;
	BIGNUM *bn;
	bool fits;

	if (spec->sequence < 1 || spec->sequence > AUTHZ_SEQUENCE_MAX)
		return AUTHZ_SEQUENCE;
	serial = rules_serial(spec->authorizer, spec->sequence);
	if (!serial)
		return AUTHZ_NO_MEMORY;
	ASN1_INTEGER_free(to->serial);
	to->serial = serial;
	bn = ASN1_INTEGER_to_BN(serial, NULL);
	fits = bn && !BN_is_negative(bn) && BN_num_bits(bn) <= CERT_SERIAL_BITS_MAX;
	BN_free(bn);
	return fits ? AUTHZ_GOOD : AUTHZ_SERIAL_SIZE;
}

static bool add_authority_key(X509 *authorizer, STACK_OF(X509_EXTENSION) **to)
{
	unsigned char bytes[RULES_KEY_ID_MAX];
	AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
	X509_EXTENSION *extension = NULL;
	size_t len;
	bool ok;

	if (id)
		id->keyid = ASN1_OCTET_STRING_new();
	if (id && id->keyid && rules_key_id(authorizer, bytes, &len) &&
	    ASN1_OCTET_STRING_set(id->keyid, bytes, (int)len))
		extension = X509V3_EXT_i2d(NID_authority_key_identifier, 0, id);
	ok = extension && X509v3_add_ext(to, extension, -1);
	X509_EXTENSION_free(extension);
	AUTHORITY_KEYID_free(id);
	return ok;
}

static bool copy_extensions(const STACK_OF(X509_EXTENSION) *from, STACK_OF(X509_EXTENSION) **to)
{
	for (int i = 0; i < sk_X509_EXTENSION_num(from); i++) {
		X509_EXTENSION *extension = sk_X509_EXTENSION_value(from, i);

		if (OBJ_obj2nid(X509_EXTENSION_get_object(extension)) == NID_authority_key_identifier)
			continue;
		if (!X509v3_add_ext(to, extension, -1))
			return false;
	}
	return true;
}

static enum authz_reason set_content(TWCARD_AC_INFO *to, const struct authz_spec *spec)
{
	const TWCARD_AC_INFO *before = spec->previous ? spec->previous->ac->info : NULL;
	struct oids oids;
	enum authz_reason r = oids_init(&oids, spec->oids);

	if (r == AUTHZ_GOOD)
		r = content_write(spec, &oids, to->attributes);
	if (r == AUTHZ_GOOD && before && !content_copy_others(before->attributes, &oids, to->attributes))
		r = AUTHZ_NO_MEMORY;
	oids_clear(&oids);
	if (r == AUTHZ_GOOD && (!add_authority_key(spec->authorizer, &to->extensions) ||
				(before && !copy_extensions(before->extensions, &to->extensions))))
		r = AUTHZ_NO_MEMORY;
	return r;
}

/* ---- the whole ---- */

/* An argument of 64 bits: where time_t has 32, compilers complain of a comparison that is never true. */
static bool can_be_written(int64_t time)
{
	return time <= TIME_MAX;
}

static enum authz_reason fill(TWCARD_AC *ac, const struct authz_spec *spec)
{
	TWCARD_AC_INFO *info = ac->info;
	enum authz_reason r = set_serial(info, spec);

	if (r != AUTHZ_GOOD)
		return r;
	if (spec->not_before < 0 || spec->not_after < spec->not_before || !can_be_written(spec->not_after))
		return AUTHZ_TIMES;
	if (!ASN1_INTEGER_set(info->version, 1) || !set_holder(info->holder, spec->holder) ||
	    !set_issuer(info->issuer, spec->authorizer) || !set_times(info->validity, spec) ||
	    !set_algorithm(info->algorithm) || !set_algorithm(ac->algorithm))
		return AUTHZ_NO_MEMORY;
	return set_content(info, spec);
}

/* Through the parser: what it would not read is not made. */
static enum authz_reason encode(TWCARD_AC *ac, const struct authz_spec *spec, struct authz_cert **out)
{
	unsigned char *der = NULL;
	int len = ASN1_item_i2d((ASN1_VALUE *)ac, &der, ASN1_ITEM_rptr(TWCARD_AC));
	enum authz_reason r = len > 0 ? authz_cert_parse(der, (size_t)len, spec->oids, out) : AUTHZ_NO_MEMORY;

	OPENSSL_free(der);
	return r;
}

static enum authz_reason check(const struct authz_cert *cert, const struct authz_spec *spec)
{
	enum authz_reason r = rules_issuer(cert, spec->authorizer);

	if (r == AUTHZ_GOOD)
		r = rules_holder(cert, spec->holder);
	if (r == AUTHZ_GOOD)
		r = rules_times(cert, spec->holder);
	return r == AUTHZ_GOOD ? content_check(&cert->info) : r;
}

static enum authz_reason make_signature(const struct authz_cert *cert, authz_sign_fn sign, void *context,
					ASN1_BIT_STRING *out)
{
	struct authz_to_sign what = {.tbs = cert->tbs, .tbs_len = cert->tbs_len, .cert = cert};
	unsigned char signature[SIGNATURE_ROOM];
	size_t len = sizeof signature;

	if (!EVP_Q_digest(NULL, "SHA256", NULL, what.tbs, what.tbs_len, what.sha256, NULL))
		return AUTHZ_NO_MEMORY;
	if (!sign(context, &what, signature, &len) || len == 0 || len > sizeof signature)
		return AUTHZ_SIGNER;
	if (!ASN1_BIT_STRING_set(out, signature, (int)len))
		return AUTHZ_NO_MEMORY;
	/* all bits of all bytes count, also a 0 at the end */
	out->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 7);
	out->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	return AUTHZ_GOOD;
}

static enum authz_reason build(TWCARD_AC *ac, const struct authz_spec *spec, authz_sign_fn sign, void *context,
			       struct authz_cert **out)
{
	struct authz_cert *draft = NULL;
	enum authz_reason r = fill(ac, spec);

	if (r == AUTHZ_GOOD)
		r = encode(ac, spec, &draft);
	if (r == AUTHZ_GOOD)
		r = check(draft, spec);
	if (r == AUTHZ_GOOD)
		r = make_signature(draft, sign, context, ac->signature);
	authz_cert_free(draft);
	if (r == AUTHZ_GOOD)
		r = encode(ac, spec, out);
	if (r == AUTHZ_GOOD && rules_signature(*out, spec->authorizer) != AUTHZ_GOOD) {
		authz_cert_free(*out);
		*out = NULL;
		r = AUTHZ_SIGNER_WRONG;
	}
	return r;
}

enum authz_reason authz_cert_build(const struct authz_spec *spec, authz_sign_fn sign, void *context,
				   struct authz_cert **out)
{
	TWCARD_AC *ac;
	enum authz_reason r;

	if (!out)
		return AUTHZ_BAD_ARGUMENT;
	*out = NULL;
	if (!spec || !sign || !spec->holder || !spec->authorizer)
		return AUTHZ_BAD_ARGUMENT;
	ERR_set_mark();
	r = rules_signer(spec->authorizer);
	if (r == AUTHZ_GOOD)
		r = rules_cards(spec->authorizer, spec->holder, spec->kind);
	if (r == AUTHZ_GOOD) {
		ac = (TWCARD_AC *)ASN1_item_new(ASN1_ITEM_rptr(TWCARD_AC));
		r = ac ? build(ac, spec, sign, context, out) : AUTHZ_NO_MEMORY;
		ASN1_item_free((ASN1_VALUE *)ac, ASN1_ITEM_rptr(TWCARD_AC));
	}
	ERR_pop_to_mark();
	return r;
}
