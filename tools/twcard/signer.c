#include "config.h"

#include <openssl/err.h>
#include <openssl/ess.h>

#include "tools/twcard/message.h"
#include "tools/twcard/signer.h"

void signer_add_problem(struct signer *signer, const char *problem)
{
	if (problem && signer->problem_count < SIGNER_PROBLEMS)
		signer->problems[signer->problem_count++] = problem;
}

void signer_check_chain(struct signer *signer, const struct trust *trust, STACK_OF(X509) *extra)
{
	const char *why;

	signer->chain = trust_check(trust, signer->x509, extra, &why);
	signer_add_problem(signer, why);
}

void signer_clear(struct signer *signer)
{
	X509_free(signer->x509);
	ASN1_TIME_free(signer->time);
	*signer = (struct signer){.x509 = NULL};
}

/* ---- attributes ---- */

static const ASN1_STRING *sequence_of(const CMS_SignerInfo *info, int nid)
{
	return CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(nid), -3, V_ASN1_SEQUENCE);
}

static ASN1_TIME *time_of(const CMS_SignerInfo *info)
{
	int at = CMS_signed_get_attr_by_NID(info, NID_pkcs9_signingTime, -1);
	X509_ATTRIBUTE *attribute = at >= 0 ? CMS_signed_get_attr(info, at) : NULL;
	const ASN1_TYPE *value = attribute ? X509_ATTRIBUTE_get0_type(attribute, 0) : NULL;
	int type = value ? ASN1_TYPE_get(value) : V_ASN1_UNDEF;

	if (type != V_ASN1_UTCTIME && type != V_ASN1_GENERALIZEDTIME)
		return NULL;
	return ASN1_STRING_dup(value->value.asn1_string);
}

/* Version 1 has the certificate's SHA-1, version 2 one that the signer chose. */
static enum signer_ess ess_of(const CMS_SignerInfo *info, X509 *x509, STACK_OF(X509) *certificates)
{
	const ASN1_STRING *one = sequence_of(info, NID_id_smime_aa_signingCertificate);
	const ASN1_STRING *two = sequence_of(info, NID_id_smime_aa_signingCertificateV2);
	const unsigned char *der1 = one ? ASN1_STRING_get0_data(one) : NULL;
	const unsigned char *der2 = two ? ASN1_STRING_get0_data(two) : NULL;
	ESS_SIGNING_CERT *v1 = one ? d2i_ESS_SIGNING_CERT(NULL, &der1, ASN1_STRING_length(one)) : NULL;
	ESS_SIGNING_CERT_V2 *v2 = two ? d2i_ESS_SIGNING_CERT_V2(NULL, &der2, ASN1_STRING_length(two)) : NULL;
	STACK_OF(X509) *chain = sk_X509_new_null();
	enum signer_ess ess = one || two ? SIGNER_ESS_DIFFERS : SIGNER_ESS_MISSING;

	/* the signer's comes first: the first name is its */
	if ((v1 || v2) && !v1 == !one && !v2 == !two && chain && sk_X509_push(chain, x509) &&
	    X509_add_certs(chain, certificates, X509_ADD_FLAG_NO_DUP) &&
	    OSSL_ESS_check_signing_certs(v1, v2, chain, 1) == 1)
		ess = SIGNER_ESS_MATCHES;
	sk_X509_free(chain);
	ESS_SIGNING_CERT_free(v1);
	ESS_SIGNING_CERT_V2_free(v2);
	return ess;
}

/* ---- the signature ---- */

/* Others can be forged, or nobody knows that they cannot. */
static bool is_strong(int digest)
{
	static const int strong[] = {NID_sha256, NID_sha384, NID_sha512, NID_sha224, NID_sha512_256,
				     NID_sha3_256, NID_sha3_384, NID_sha3_512};

	for (size_t i = 0; i < sizeof strong / sizeof *strong; i++)
		if (strong[i] == digest)
			return true;
	return false;
}

static void check_digest(struct signer *s, const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *name;
	int digest;

	X509_ALGOR_get0(&name, NULL, NULL, algorithm);
	digest = OBJ_obj2nid(name);
	s->digest = digest == NID_undef ? "?" : OBJ_nid2sn(digest);
	if (!is_strong(digest))
		signer_add_problem(s, _("its hash is too weak: such a signature can be forged"));
}

/* Without attributes the signature is over the data themselves. */
static void check_signature(struct signer *s, CMS_SignerInfo *info, BIO *data)
{
	bool has_attributes = CMS_signed_get_attr_count(info) >= 0;

	if (has_attributes && CMS_SignerInfo_verify(info) != 1)
		signer_add_problem(s, _("the signature is damaged, or made with another key"));
	else if (CMS_SignerInfo_verify_content(info, data) != 1)
		signer_add_problem(s, has_attributes
					      ? _("the data are not those that were signed")
					      : _("the data are not those that were signed, or the signature is damaged"));
	else
		s->intact = true;
}

void signer_check(CMS_ContentInfo *cms, CMS_SignerInfo *info, BIO *data, const struct trust *trust,
		  struct signer *out)
{
	STACK_OF(X509) *certificates = CMS_get1_certs(cms);
	X509_ALGOR *digest;

	*out = (struct signer){.chain = TRUST_NOT_CHECKED};
	CMS_SignerInfo_get0_algs(info, NULL, &out->x509, &digest, NULL);
	out->time = time_of(info);
	check_digest(out, digest);
	if (out->x509) {
		X509_up_ref(out->x509);
		check_signature(out, info, data);
		out->ess = ess_of(info, out->x509, certificates);
		if (out->ess == SIGNER_ESS_DIFFERS)
			signer_add_problem(out, _("the signature names another certificate than the one that is there"));
		signer_check_chain(out, trust, certificates);
	} else {
		signer_add_problem(out, _("the signer's certificate is not there; name its file with --cert-file"));
	}
	sk_X509_pop_free(certificates, X509_free);
	ERR_clear_error();
}
