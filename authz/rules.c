#include "config.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "authz/party.h"
#include "authz/rules.h"

#define SEQUENCE_BASE (AUTHZ_SEQUENCE_MAX + 1)

enum authz_reason rules_signer(X509 *authorizer)
{
	EVP_PKEY *key = X509_get0_pubkey(authorizer);

	if (!key || !EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) < AUTHZ_KEY_BITS_MIN)
		return AUTHZ_WEAK_KEY;
	/* without the extension a key may be used for all (RFC 5280), but no card's lacks it */
	if (!(X509_get_extension_flags(authorizer) & EXFLAG_KUSAGE) ||
	    !(X509_get_key_usage(authorizer) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		return AUTHZ_AUTHORIZER_USAGE;
	return AUTHZ_GOOD;
}

/* ---- who issued it ---- */

ASN1_INTEGER *rules_serial(X509 *authorizer, uint32_t sequence)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(authorizer), NULL);
	ASN1_INTEGER *serial = NULL;

	if (bn && BN_mul_word(bn, SEQUENCE_BASE) && BN_add_word(bn, sequence))
		serial = BN_to_ASN1_INTEGER(bn, NULL);
	BN_free(bn);
	return serial;
}

bool rules_key_id(X509 *authorizer, unsigned char out[RULES_KEY_ID_MAX], size_t *len)
{
	const ASN1_OCTET_STRING *named = X509_get0_subject_key_id(authorizer);
	unsigned digest_len = 0;

	if (named) {
		*len = (size_t)ASN1_STRING_length(named);
		if (*len == 0 || *len > RULES_KEY_ID_MAX)
			return false;
		memcpy(out, ASN1_STRING_get0_data(named), *len);
		return true;
	}
	if (!X509_pubkey_digest(authorizer, EVP_sha1(), out, &digest_len))
		return false;
	*len = digest_len;
	return true;
}

enum authz_reason rules_issuer(const struct authz_cert *cert, X509 *authorizer)
{
	const X509_NAME *issuer = cert_only_name(cert->ac->info->issuer->form.v2_form->issuer_name);
	unsigned char id[RULES_KEY_ID_MAX];
	ASN1_INTEGER *wanted;
	size_t len;
	bool same;

	if (X509_NAME_cmp(issuer, X509_get_subject_name(authorizer)) != 0)
		return AUTHZ_ISSUER;
	wanted = rules_serial(authorizer, cert->info.sequence);
	same = wanted && ASN1_INTEGER_cmp(wanted, cert->ac->info->serial) == 0;
	ASN1_INTEGER_free(wanted);
	if (!same)
		return AUTHZ_SERIAL;
	if (!cert->info.authority_key || !rules_key_id(authorizer, id, &len) ||
	    len != cert->info.authority_key_len || memcmp(id, cert->info.authority_key, len) != 0)
		return AUTHZ_AUTHORITY_KEY;
	return AUTHZ_GOOD;
}

enum authz_reason rules_signature(const struct authz_cert *cert, X509 *authorizer)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx &&
		    EVP_DigestVerifyInit_ex(ctx, NULL, cert->algorithm->digest, NULL, NULL,
					    X509_get0_pubkey(authorizer), NULL) > 0 &&
		    EVP_DigestVerify(ctx, cert->info.signature, cert->info.signature_len, cert->tbs,
				     cert->tbs_len) == 1;

	EVP_MD_CTX_free(ctx);
	return good ? AUTHZ_GOOD : AUTHZ_SIGNATURE;
}

/* ---- whom it is for ---- */

enum authz_reason rules_holder(const struct authz_cert *cert, X509 *holder)
{
	const TWCARD_AC_ISSUER_SERIAL *base = cert->ac->info->holder->base_certificate;
	const X509_NAME *issuer = base ? cert_only_name(base->issuer) : NULL;

	if (!issuer || X509_NAME_cmp(issuer, X509_get_issuer_name(holder)) != 0 ||
	    ASN1_INTEGER_cmp(base->serial, X509_get0_serialNumber(holder)) != 0)
		return AUTHZ_HOLDER;
	return AUTHZ_GOOD;
}

enum authz_reason rules_times(const struct authz_cert *cert, X509 *holder)
{
	time_t first, last;

	if (!cert_time(X509_get0_notBefore(holder), &first) || !cert_time(X509_get0_notAfter(holder), &last) ||
	    cert->info.not_before < first || cert->info.not_after > last)
		return AUTHZ_OUTSIDE_HOLDER;
	return AUTHZ_GOOD;
}

/* ---- who may ---- */

/* One card: it may have two certificates, of one key or one card number. */
static bool same_card(X509 *a, X509 *b, const struct party *a_says, const struct party *b_says)
{
	EVP_PKEY *key = X509_get0_pubkey(a), *other = X509_get0_pubkey(b);

	if (X509_issuer_and_serial_cmp(a, b) == 0)
		return true;
	if (key && other && EVP_PKEY_eq(key, other) == 1)
		return true;
	return a_says->card_number[0] && strcmp(a_says->card_number, b_says->card_number) == 0;
}

enum authz_reason rules_cards(X509 *authorizer, X509 *holder, enum authz_kind kind)
{
	struct party from, to;

	if (party_read(authorizer, &from) != AUTHZ_GOOD || party_read(holder, &to) != AUTHZ_GOOD)
		return AUTHZ_CARD_ATTRIBUTES;
	if (same_card(authorizer, holder, &from, &to))
		return AUTHZ_SELF;
	if (to.rank != PARTY_ATTACHED)
		return AUTHZ_HOLDER_RANK;
	if (from.rank == PARTY_NO_RANK)
		return AUTHZ_AUTHORIZER_RANK;
	if (!from.organization[0] || !to.organization[0])
		return AUTHZ_NO_ORGANIZATION;
	if (strcmp(from.organization, to.organization) != 0)
		return AUTHZ_OTHER_ORGANIZATION;
	if (kind == AUTHZ_KIND_DELEGATION && from.rank != PARTY_PRIMARY)
		return AUTHZ_DELEGATION_BY_ATTACHED;
	return AUTHZ_GOOD;
}

bool rules_needs_delegation(X509 *authorizer)
{
	struct party says;

	return party_read(authorizer, &says) != AUTHZ_GOOD || says.rank != PARTY_PRIMARY;
}
