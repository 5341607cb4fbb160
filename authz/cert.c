#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "authz/cert.h"
#include "authz/content.h"
#include "authz/oids.h"
#include "authz/strict.h"

#define VERSION_2 1
#define HOLDER_SERIAL_OCTETS 64  /* more than any CA has */
#define SIGNATURE_MAX 1024       /* bytes: RSA of 8192 bits */
#define GENERALIZED_LEN 15       /* YYYYMMDDHHMMSSZ (RFC 5755, 4.2.6) */

static const struct cert_algorithm algorithms[] = {
	{NID_sha1WithRSAEncryption, "SHA1withRSA", "SHA1", true},
	{NID_sha256WithRSAEncryption, "SHA256withRSA", "SHA256", false},
	{NID_sha384WithRSAEncryption, "SHA384withRSA", "SHA384", false},
	{NID_sha512WithRSAEncryption, "SHA512withRSA", "SHA512", false},
};

/* ---- parts ---- */

const X509_NAME *cert_only_name(const GENERAL_NAMES *names)
{
	const GENERAL_NAME *first = names ? sk_GENERAL_NAME_value(names, 0) : NULL;

	if (sk_GENERAL_NAME_num(names) != 1 || !first || first->type != GEN_DIRNAME)
		return NULL;
	return first->d.directoryName;
}

bool cert_time(const ASN1_TIME *t, time_t *out)
{
	struct tm tm;

	if (!t || !ASN1_TIME_to_tm(t, &tm))
		return false;
	*out = timegm(&tm);
	return true;
}

static bool generalized_time(const ASN1_GENERALIZEDTIME *t, time_t *out)
{
	const unsigned char *text = ASN1_STRING_get0_data(t);

	if (ASN1_STRING_length(t) != GENERALIZED_LEN || text[GENERALIZED_LEN - 1] != 'Z')
		return false;
	for (int i = 0; i < GENERALIZED_LEN - 1; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return cert_time(t, out);
}

/* In the order of RFC 4514, as people here know it: the country last. */
static const char *name_text(const X509_NAME *name, struct pool *pool)
{
	BIO *out = BIO_new(BIO_s_mem());
	const char *text = NULL;
	char *bytes;
	long len;

	if (out && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_get_mem_data(out, &bytes);
		text = pool_copy(pool, bytes, len > 0 ? (size_t)len : 0);
	}
	BIO_free(out);
	return text;
}

static const char *decimal(const ASN1_INTEGER *number, struct pool *pool)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(number, NULL);
	char *digits = bn ? BN_bn2dec(bn) : NULL;
	const char *text = digits ? pool_copy(pool, digits, strlen(digits)) : NULL;

	OPENSSL_free(digits);
	BN_free(bn);
	return text;
}

static bool serial_ok(const ASN1_INTEGER *serial)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(serial, NULL);
	bool ok = bn && !BN_is_negative(bn) && !BN_is_zero(bn) && BN_num_bits(bn) <= CERT_SERIAL_BITS_MAX;

	BN_free(bn);
	return ok;
}

/* ---- reading, step by step ---- */

enum authz_reason cert_decode(const unsigned char *der, size_t len, TWCARD_AC **out)
{
	const unsigned char *p = der;
	/* the first error is the cause; but errors of others may stand before it */
	bool alone = ERR_peek_error() == 0;
	unsigned long cause;

	*out = (TWCARD_AC *)ASN1_item_d2i(NULL, &p, (long)len, ASN1_ITEM_rptr(TWCARD_AC));
	if (*out)
		return p == der + len ? AUTHZ_GOOD : AUTHZ_FORM;
	cause = alone ? ERR_peek_error() : ERR_peek_last_error();
	return ERR_GET_REASON(cause) == ERR_R_MALLOC_FAILURE ? AUTHZ_NO_MEMORY : AUTHZ_FORM;
}

/* The one encoding that there is of it: decoded and encoded, it is the same. */
static enum authz_reason read_der(const unsigned char *der, size_t len, struct authz_cert *c)
{
	unsigned char *again = NULL;
	enum authz_reason r;
	bool same;
	int size;

	if (!strict_der(der, len))
		return AUTHZ_NOT_DER;
	r = cert_decode(der, len, &c->ac);
	if (r != AUTHZ_GOOD)
		return r;
	size = ASN1_item_i2d((ASN1_VALUE *)c->ac, &again, ASN1_ITEM_rptr(TWCARD_AC));
	same = size == (int)len && memcmp(again, der, len) == 0;
	OPENSSL_free(again);
	if (!same)
		return size > 0 ? AUTHZ_NOT_DER : AUTHZ_NO_MEMORY;
	size = ASN1_item_i2d((ASN1_VALUE *)c->ac->info, &c->tbs, ASN1_ITEM_rptr(TWCARD_AC_INFO));
	c->der = malloc(len);
	if (size <= 0 || !c->der)
		return AUTHZ_NO_MEMORY;
	memcpy(c->der, der, len);
	c->der_len = len;
	c->tbs_len = (size_t)size;
	return AUTHZ_GOOD;
}

/* What RFC 5755 asks beyond its ASN.1 (4.2.1 to 4.2.5). */
static bool frame_ok(const TWCARD_AC_INFO *info)
{
	const TWCARD_AC_HOLDER *h = info->holder;
	const TWCARD_AC_V2_FORM *v2 = info->issuer->type == AC_ISSUER_V2 ? info->issuer->form.v2_form : NULL;
	const X509_NAME *issuer = v2 ? cert_only_name(v2->issuer_name) : NULL;

	if (ASN1_INTEGER_get(info->version) != VERSION_2 || !serial_ok(info->serial))
		return false;
	if (!issuer || X509_NAME_entry_count(issuer) == 0 || v2->base_certificate || v2->digest_info)
		return false;
	if (!h->base_certificate && !h->entity_name && !h->digest_info)
		return false;
	if (h->base_certificate && ASN1_STRING_length(h->base_certificate->serial) > HOLDER_SERIAL_OCTETS)
		return false;
	return sk_X509_ATTRIBUTE_num(info->attributes) > 0;
}

static enum authz_reason read_names(struct authz_cert *c)
{
	const TWCARD_AC_INFO *from = c->ac->info;
	const TWCARD_AC_ISSUER_SERIAL *base = from->holder->base_certificate;
	const X509_NAME *holder = base ? cert_only_name(base->issuer) : NULL;
	struct authz_info *info = &c->info;
	size_t len;

	info->issuer = name_text(cert_only_name(from->issuer->form.v2_form->issuer_name), &c->pool);
	info->serial = decimal(from->serial, &c->pool);
	if (holder) {
		info->holder_issuer = name_text(holder, &c->pool);
		info->holder_serial = decimal(base->serial, &c->pool);
	}
	if (!info->issuer || !info->serial || (holder && (!info->holder_issuer || !info->holder_serial)))
		return AUTHZ_NO_MEMORY;
	len = strlen(info->serial);
	info->sequence = (uint32_t)strtoul(info->serial + (len > 6 ? len - 6 : 0), NULL, 10);
	return AUTHZ_GOOD;
}

static enum authz_reason read_signature(struct authz_cert *c)
{
	const X509_ALGOR *algorithm = c->ac->algorithm;
	const ASN1_BIT_STRING *bits = c->ac->signature;
	const ASN1_OBJECT *oid;
	int parameter, nid;

	if (X509_ALGOR_cmp(algorithm, c->ac->info->algorithm) != 0)
		return AUTHZ_FORM;
	X509_ALGOR_get0(&oid, &parameter, NULL, algorithm);
	nid = OBJ_obj2nid(oid);
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (nid == algorithms[i].nid)
			c->algorithm = &algorithms[i];
	/* NULL; some leave it out, and are to be understood (RFC 4055, 5) */
	if (!c->algorithm || (parameter != V_ASN1_NULL && parameter != V_ASN1_UNDEF))
		return AUTHZ_ALGORITHM;
	if (bits->flags & 7 || ASN1_STRING_length(bits) > SIGNATURE_MAX)
		return AUTHZ_FORM;
	c->info.algorithm = c->algorithm->name;
	c->info.weak_hash = c->algorithm->weak;
	c->info.signature = ASN1_STRING_get0_data(bits);
	c->info.signature_len = (size_t)ASN1_STRING_length(bits);
	return AUTHZ_GOOD;
}

static enum authz_reason read_authority_key(X509_EXTENSION *extension, struct authz_cert *c)
{
	const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(extension);
	AUTHORITY_KEYID *id;
	enum authz_reason r = AUTHZ_FORM;

	if (!strict_der(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data)))
		return AUTHZ_FORM;
	id = X509V3_EXT_d2i(extension);
	if (id && id->keyid) {
		c->info.authority_key_len = (size_t)ASN1_STRING_length(id->keyid);
		c->info.authority_key = (const unsigned char *)pool_copy(
			&c->pool, ASN1_STRING_get0_data(id->keyid), c->info.authority_key_len);
		r = c->info.authority_key ? AUTHZ_GOOD : AUTHZ_NO_MEMORY;
	} else if (id) {
		r = AUTHZ_GOOD;
	}
	AUTHORITY_KEYID_free(id);
	return r;
}

static enum authz_reason read_extensions(struct authz_cert *c)
{
	const STACK_OF(X509_EXTENSION) *list = c->ac->info->extensions;
	enum authz_reason r = AUTHZ_GOOD;

	for (int i = 0; r == AUTHZ_GOOD && i < sk_X509_EXTENSION_num(list); i++) {
		X509_EXTENSION *extension = sk_X509_EXTENSION_value(list, i);
		const ASN1_OBJECT *type = X509_EXTENSION_get_object(extension);

		if (X509v3_get_ext_by_OBJ(list, type, -1) != i)
			return AUTHZ_DUPLICATE;
		if (OBJ_obj2nid(type) == NID_authority_key_identifier) {
			r = read_authority_key(extension, c);
			continue;
		}
		c->info.other_extensions++;
		if (X509_EXTENSION_get_critical(extension))
			c->critical_unknown = true;
	}
	return r;
}

static enum authz_reason read_all(const void *der, size_t len, const struct oids *oids, struct authz_cert *c)
{
	enum authz_reason r = read_der(der, len, c);
	const TWCARD_AC_VALIDITY *times;

	if (r != AUTHZ_GOOD)
		return r;
	if (!frame_ok(c->ac->info))
		return AUTHZ_FORM;
	times = c->ac->info->validity;
	if (!generalized_time(times->not_before, &c->info.not_before) ||
	    !generalized_time(times->not_after, &c->info.not_after))
		return AUTHZ_FORM;
	if (c->info.not_after < c->info.not_before)
		return AUTHZ_TIMES;
	r = read_signature(c);
	if (r == AUTHZ_GOOD)
		r = read_names(c);
	if (r == AUTHZ_GOOD)
		r = read_extensions(c);
	if (r == AUTHZ_GOOD)
		r = content_read(c->ac->info->attributes, oids, &c->info, &c->pool);
	return r;
}

enum authz_reason authz_cert_parse(const void *der, size_t len, const struct authz_oids *texts,
				   struct authz_cert **out)
{
	struct authz_cert *c = NULL;
	struct oids oids;
	enum authz_reason r;

	if (!out)
		return AUTHZ_BAD_ARGUMENT;
	*out = NULL;
	if (!der)
		return AUTHZ_BAD_ARGUMENT;
	if (len > AUTHZ_DER_MAX)
		return AUTHZ_TOO_LARGE;
	ERR_set_mark();
	r = oids_init(&oids, texts);
	if (r == AUTHZ_GOOD) {
		c = calloc(1, sizeof *c);
		r = c ? read_all(der, len, &oids, c) : AUTHZ_NO_MEMORY;
	}
	oids_clear(&oids);
	ERR_pop_to_mark();
	if (r == AUTHZ_GOOD)
		*out = c;
	else
		authz_cert_free(c);
	return r;
}

void authz_cert_free(struct authz_cert *cert)
{
	if (!cert)
		return;
	ASN1_item_free((ASN1_VALUE *)cert->ac, ASN1_ITEM_rptr(TWCARD_AC));
	OPENSSL_free(cert->tbs);
	free(cert->der);
	pool_clear(&cert->pool);
	free(cert);
}

/* ---- asking ---- */

const struct authz_info *authz_cert_info(const struct authz_cert *cert)
{
	return &cert->info;
}

const unsigned char *authz_cert_der(const struct authz_cert *cert, size_t *len)
{
	*len = cert->der_len;
	return cert->der;
}

const struct authz_grant *authz_cert_find(const struct authz_cert *cert, const char *application)
{
	for (size_t i = 0; i < cert->info.grant_count; i++)
		if (strcmp(cert->info.grants[i].application, application) == 0)
			return &cert->info.grants[i];
	return NULL;
}
