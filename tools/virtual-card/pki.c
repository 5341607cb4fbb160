/*
 * pki.c - a small government PKI: root, issuing CA, and the holder's two
 * certificates, in the shape of the published profile (facts: names,
 * subjectDirectoryAttributes, certificate shape).
 *
 * Addresses end in .invalid and a comment says what the certificates are, so
 * that none of them is taken for a real one.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/asn1t.h>
#include <openssl/bn.h>
#include <openssl/conf.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

enum { CA_YEARS = 20, HOLDER_YEARS = 5, SERIAL_BITS = 128 };

#define COMMENT "twcard virtual card: for tests, issued by nobody"
#define POLICY "2.16.886.101.0.3.3" /* assurance level 3 */

struct profile {
	const char *constraints; /* NULL: end entity */
	const char *usage;
	const char *host;
	unsigned years;
};

static const struct profile root_profile = {
	"critical,CA:TRUE", "critical,keyCertSign,cRLSign", "grca.virtual-card.invalid", CA_YEARS
};
static const struct profile ca_profile = {
	"critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign",
	"grca.virtual-card.invalid", CA_YEARS
};
static const struct profile sign_profile = {
	NULL, "critical,digitalSignature", "ca.virtual-card.invalid", HOLDER_YEARS
};
static const struct profile encrypt_profile = {
	NULL, "critical,keyEncipherment,dataEncipherment", "ca.virtual-card.invalid", HOLDER_YEARS
};

static const struct {
	const char *unit;         /* the CA's OU */
	const char *subject_type; /* of its holders */
} issuers[] = {
	[VCARD_CA_MOICA] = { "內政部憑證管理中心", "2.16.886.1.100.3.1.1" },
	[VCARD_CA_MOEACA] = { "工商憑證管理中心", "2.16.886.1.100.3.2.2.1.1" },
};

/* ---- names ---------------------------------------------------------------------- */

static bool
add_name(X509_NAME *name, const char *type, const char *value)
{
	int format = strcmp(type, "C") == 0 || strcmp(type, "serialNumber") == 0 ?
	    V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;

	return X509_NAME_add_entry_by_txt(name, type, format, (const unsigned char *)value,
	    -1, -1, 0) == 1;
}

static X509_NAME *
root_name(void)
{
	X509_NAME *name = X509_NAME_new();

	if (name != NULL && add_name(name, "C", "TW") &&
	    add_name(name, "O", "Government Root Certification Authority"))
		return name;
	X509_NAME_free(name);
	return NULL;
}

static X509_NAME *
ca_name(enum vcard_ca ca)
{
	X509_NAME *name = X509_NAME_new();

	if (name != NULL && add_name(name, "C", "TW") && add_name(name, "O", "行政院") &&
	    add_name(name, "OU", issuers[ca].unit))
		return name;
	X509_NAME_free(name);
	return NULL;
}

/* Persons: CN and 16 digits that are not the national ID. Companies: O. The
 * digits come from the card number, so that both certificates agree. */
static X509_NAME *
holder_name(const struct vc_person *person)
{
	X509_NAME *name = X509_NAME_new();
	char digits[17];

	snprintf(digits, sizeof(digits), "00%.14s", person->number + 2);
	if (name == NULL || !add_name(name, "C", "TW"))
		goto fail;
	if (person->ca == VCARD_CA_MOICA) {
		if (!add_name(name, "CN", person->name) || !add_name(name, "serialNumber", digits))
			goto fail;
	} else if (!add_name(name, "L", "臺北市") || !add_name(name, "O", person->name) ||
	    !add_name(name, "serialNumber", person->id))
		goto fail;
	return name;
fail:
	X509_NAME_free(name);
	return NULL;
}

/* ---- extensions -------------------------------------------------------------------- */

static bool
add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	/* Empty: the policy parser wants a configuration to look in. */
	CONF *conf = NCONF_new(NULL);
	X509_EXTENSION *ext = NULL;
	X509V3_CTX ctx;
	bool ok = false;

	if (conf == NULL)
		return false;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, conf);
	ext = X509V3_EXT_nconf_nid(conf, &ctx, nid, value);
	ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	NCONF_free(conf);
	return ok;
}

typedef STACK_OF(X509_ATTRIBUTE) DIRECTORY_ATTRIBUTES;
DECLARE_ASN1_ITEM(DIRECTORY_ATTRIBUTES)
ASN1_ITEM_TEMPLATE(DIRECTORY_ATTRIBUTES) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, attributes, X509_ATTRIBUTE)
ASN1_ITEM_TEMPLATE_END(DIRECTORY_ATTRIBUTES)

/* One value per SET, as in every sample. `type` V_ASN1_OBJECT takes an OID. */
static bool
add_attribute(STACK_OF(X509_ATTRIBUTE) *list, const char *oid, int type, const char *value)
{
	ASN1_OBJECT *name = OBJ_txt2obj(oid, 1), *object = NULL;
	X509_ATTRIBUTE *attr = NULL;
	bool ok = false;

	if (name == NULL)
		goto out;
	if (type == V_ASN1_OBJECT) {
		object = OBJ_txt2obj(value, 1);
		if (object != NULL)
			attr = X509_ATTRIBUTE_create_by_OBJ(NULL, name, V_ASN1_OBJECT, object, -1);
	} else
		attr = X509_ATTRIBUTE_create_by_OBJ(NULL, name, type, value, (int)strlen(value));
	if (attr == NULL || sk_X509_ATTRIBUTE_push(list, attr) <= 0)
		goto out;
	attr = NULL;
	ok = true;
out:
	X509_ATTRIBUTE_free(attr);
	ASN1_OBJECT_free(object);
	ASN1_OBJECT_free(name);
	return ok;
}

static bool
fill_attributes(STACK_OF(X509_ATTRIBUTE) *list, const struct vc_person *person)
{
	size_t id_len = strlen(person->id);

	if (!add_attribute(list, "2.16.886.1.100.2.1", V_ASN1_OBJECT,
	    issuers[person->ca].subject_type))
		return false;
	if (person->rank != VCARD_RANK_DEFAULT &&
	    !add_attribute(list, "2.16.886.1.100.2.2", V_ASN1_PRINTABLESTRING,
	    person->rank == VCARD_RANK_PRIMARY ? "primary" : "secondary"))
		return false;
	if (person->ca == VCARD_CA_MOICA)
		return add_attribute(list, "2.16.886.1.100.2.51", V_ASN1_PRINTABLESTRING,
		    person->id + (id_len > 4 ? id_len - 4 : 0));
	return add_attribute(list, "2.16.886.1.100.2.101", V_ASN1_PRINTABLESTRING, person->id);
}

static bool
add_directory_attributes(X509 *cert, const struct vc_person *person)
{
	STACK_OF(X509_ATTRIBUTE) *list = sk_X509_ATTRIBUTE_new_null();
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	unsigned char *der = NULL;
	bool ok = false;
	int len;

	if (list == NULL || value == NULL || !fill_attributes(list, person))
		goto out;
	len = ASN1_item_i2d((const ASN1_VALUE *)list, &der, ASN1_ITEM_rptr(DIRECTORY_ATTRIBUTES));
	if (len <= 0 || ASN1_OCTET_STRING_set(value, der, len) != 1)
		goto out;
	ext = X509_EXTENSION_create_by_NID(NULL, NID_subject_directory_attributes, 0, value);
	ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
out:
	X509_EXTENSION_free(ext);
	OPENSSL_free(der);
	ASN1_OCTET_STRING_free(value);
	sk_X509_ATTRIBUTE_pop_free(list, X509_ATTRIBUTE_free);
	return ok;
}

static bool
add_extensions(X509 *cert, X509 *issuer, const struct profile *profile,
    const struct vc_person *person)
{
	char crl[128], aia[128];

	snprintf(crl, sizeof(crl), "URI:http://%s/repository/complete.crl", profile->host);
	snprintf(aia, sizeof(aia), "caIssuers;URI:http://%s/repository/issuer.p7b", profile->host);
	if (!add_ext(cert, issuer, NID_subject_key_identifier, "hash") ||
	    !add_ext(cert, issuer, NID_key_usage, profile->usage) ||
	    !add_ext(cert, issuer, NID_netscape_comment, COMMENT))
		return false;
	if (profile->constraints != NULL &&
	    !add_ext(cert, issuer, NID_basic_constraints, profile->constraints))
		return false;
	if (issuer == cert)
		return true;
	if (!add_ext(cert, issuer, NID_authority_key_identifier, "keyid:always") ||
	    !add_ext(cert, issuer, NID_certificate_policies, POLICY) ||
	    !add_ext(cert, issuer, NID_crl_distribution_points, crl) ||
	    !add_ext(cert, issuer, NID_info_access, aia))
		return false;
	return profile->constraints != NULL || add_directory_attributes(cert, person);
}

/* ---- certificates --------------------------------------------------------------------- */

/* 128 bits with the top bit set: a leading 00 in DER, as on real cards. */
static bool
set_serial(X509 *cert)
{
	BIGNUM *bn = BN_new();
	bool ok;

	ok = bn != NULL &&
	    BN_rand(bn, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL;
	BN_free(bn);
	return ok;
}

/* From yesterday: the clocks of two machines may differ. The holder's may be asked for. */
static bool
set_validity(X509 *cert, const struct profile *profile, const struct vcard_options *options)
{
	time_t now = time(NULL);
	int from = -1, until = (int)(profile->years * 365 + profile->years / 4);

	if (profile->constraints == NULL && options->valid_days != 0) {
		from = options->valid_from;
		until = from + (int)options->valid_days;
	}
	return X509_time_adj_ex(X509_getm_notBefore(cert), from, 0, &now) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), until, 0, &now) != NULL;
}

/* Takes `subject`. `issuer` NULL: self-signed. */
static X509 *
make_cert(X509_NAME *subject, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
    const struct profile *profile, const struct vc_person *person)
{
	X509 *cert = X509_new();
	X509 *parent = issuer != NULL ? issuer : cert;
	bool ok = false;

	if (cert == NULL || subject == NULL || key == NULL || issuer_key == NULL)
		goto out;
	if (X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
	    !set_validity(cert, profile, person->options) || X509_set_subject_name(cert, subject) != 1 ||
	    X509_set_issuer_name(cert, X509_get_subject_name(parent)) != 1 ||
	    X509_set_pubkey(cert, key) != 1)
		goto out;
	if (!add_extensions(cert, parent, profile, person) ||
	    X509_sign(cert, issuer_key, EVP_sha256()) <= 0)
		goto out;
	ok = i2d_X509(cert, NULL) < VC_CERT_SLOT;
out:
	X509_NAME_free(subject);
	if (!ok) {
		X509_free(cert);
		cert = NULL;
	}
	return cert;
}

static EVP_PKEY *
make_key(const struct vc_person *person, const char *what)
{
	const struct vcard_options *options = person->options;

	if (options->progress != NULL)
		options->progress(options->progress_context, what);
	return EVP_RSA_gen(2048);
}

/* For tests that issue CRLs, OCSP answers or more certificates. */
static bool
write_ca_key(const char *path, const EVP_PKEY *key)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool ok;

	if (file == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	ok = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
	return fclose(file) == 0 && ok;
}

void
vc_pki_clear(struct vc_pki *pki)
{
	size_t i;

	EVP_PKEY_free(pki->root_key);
	EVP_PKEY_free(pki->ca_key);
	for (i = 0; i < VC_KEYS; i++)
		EVP_PKEY_free(pki->keys[i]);
	for (i = 0; i < VC_CERTS; i++)
		X509_free(pki->certs[i]);
	memset(pki, 0, sizeof(*pki));
}

bool
vc_pki_make(const struct vc_person *person, struct vc_pki *pki, char *err, size_t errlen)
{
	static const char *const names[VC_KEYS] = { "signing key", "encryption key",
		"second signing key" };
	const char *key_file = person->options->ca_key_file;
	size_t i;

	memset(pki, 0, sizeof(*pki));
	pki->root_key = make_key(person, "root CA key");
	pki->ca_key = make_key(person, "issuing CA key");
	for (i = 0; i < VC_KEYS; i++)
		pki->keys[i] = make_key(person, names[i]);
	pki->certs[VCARD_CERT_ROOT] = make_cert(root_name(), pki->root_key, NULL, pki->root_key,
	    &root_profile, person);
	if (pki->certs[VCARD_CERT_ROOT] == NULL)
		goto fail;
	pki->certs[VCARD_CERT_CA] = make_cert(ca_name(person->ca), pki->ca_key,
	    pki->certs[VCARD_CERT_ROOT], pki->root_key, &ca_profile, person);
	if (pki->certs[VCARD_CERT_CA] == NULL)
		goto fail;
	pki->certs[VCARD_CERT_SIGN] = make_cert(holder_name(person), pki->keys[0],
	    pki->certs[VCARD_CERT_CA], pki->ca_key, &sign_profile, person);
	pki->certs[VCARD_CERT_ENCRYPT] = make_cert(holder_name(person), pki->keys[1],
	    pki->certs[VCARD_CERT_CA], pki->ca_key, &encrypt_profile, person);
	if (pki->certs[VCARD_CERT_SIGN] == NULL || pki->certs[VCARD_CERT_ENCRYPT] == NULL ||
	    pki->keys[2] == NULL)
		goto fail;
	if (key_file == NULL || write_ca_key(key_file, pki->ca_key))
		return true;
	vc_error(err, errlen, "%s: %s", key_file, strerror(errno));
	vc_pki_clear(pki);
	return false;
fail:
	vc_error(err, errlen, "the certificates could not be made (is the name or the id too long?)");
	vc_pki_clear(pki);
	return false;
}
