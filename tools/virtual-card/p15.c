/*
 * p15.c - contents of the PKCS#15 (ISO/IEC 7816-15) files: EF.DIR, TokenInfo
 * and the directory files, with the labels, identifiers and usages that the
 * official module shows (facts: directory entries, what the official module
 * shows; observed).
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

enum {
	TAG_BOOLEAN = 0x01,
	TAG_INTEGER = 0x02,
	TAG_BIT_STRING = 0x03,
	TAG_OCTET_STRING = 0x04,
	TAG_OID = 0x06,
	TAG_ENUMERATED = 0x0A,
	TAG_UTF8 = 0x0C,
	TAG_SEQUENCE = 0x30,
	TAG_CONTEXT_0 = 0x80,
	TAG_CONTEXT_0_CONS = 0xA0,
	TAG_CONTEXT_1_CONS = 0xA1,
	RSA_BITS = 2048,
	AUTH_ID = 0x01
};

/* Named bits, leftmost is bit 0. */
enum {
	FLAG_PRIVATE = 0x80,
	FLAG_MODIFIABLE = 0x40,
	USE_ENCRYPT = 0x80,
	USE_DECRYPT = 0x40,
	USE_SIGN = 0x20,
	USE_WRAP = 0x08,
	USE_UNWRAP = 0x04,
	USE_VERIFY = 0x02,
	TOKEN_LOGIN_REQUIRED = 0x40,
	TOKEN_PRN_GENERATION = 0x20
};

const uint8_t vc_key_refs[VC_KEYS] = { 0x01, 0x05, 0x11 };

static const struct {
	const char *label;
	const char *id;
	uint8_t private_use, public_use;
} keys[VC_KEYS] = {
	{ "k1", "SIGN", USE_SIGN, USE_VERIFY },
	{ "k1", "KEYX", USE_DECRYPT | USE_UNWRAP, USE_ENCRYPT | USE_WRAP },
	{ "k3", "SIGN02", USE_SIGN, USE_VERIFY },
};

static const struct {
	const char *label;
	const char *id;
	bool authority;
} certificates[VC_CERTS] = {
	{ "ROOT CA Cert", "ROOTCACert", true },
	{ "CA Cert", "CACert", true },
	{ "cert1", "SIGN", false },
	{ "cert2", "KEYX", false },
};

/* ---- DER ---------------------------------------------------------------------- */

static void
put(struct vc_der *out, const uint8_t *data, size_t len)
{
	uint8_t *bigger;
	size_t cap = out->cap;

	if (out->failed || len == 0)
		return;
	while (cap - out->len < len)
		cap = cap > 0 ? cap * 2 : 512;
	if (cap != out->cap) {
		bigger = realloc(out->data, cap);
		if (bigger == NULL) {
			out->failed = true;
			return;
		}
		out->data = bigger;
		out->cap = cap;
	}
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

static size_t
begin(const struct vc_der *out)
{
	return out->len;
}

/* Puts tag and length in front of everything since `start`. */
static void
end(struct vc_der *out, size_t start, uint8_t tag)
{
	uint8_t header[4] = { tag };
	size_t len = out->len - start, n = 1;

	if (len > 0xFFFF) {
		out->failed = true;
		return;
	}
	if (len > 0xFF) {
		header[n++] = 0x82;
		header[n++] = (uint8_t)(len >> 8);
	} else if (len > 0x7F)
		header[n++] = 0x81;
	header[n++] = (uint8_t)(len & 0xFF);
	put(out, header, n);
	if (out->failed)
		return;
	memmove(out->data + start + n, out->data + start, len);
	memcpy(out->data + start, header, n);
}

static void
tlv(struct vc_der *out, uint8_t tag, const void *data, size_t len)
{
	size_t at = begin(out);

	put(out, data, len);
	end(out, at, tag);
}

static void
integer(struct vc_der *out, uint8_t tag, unsigned value)
{
	const uint8_t bytes[3] = { 0, (uint8_t)(value >> 8), (uint8_t)(value & 0xFF) };
	size_t skip = value > 0x7FFF ? 0 : value > 0x7F ? 1 : 2;

	tlv(out, tag, bytes + skip, sizeof(bytes) - skip);
}

static void
named_bits(struct vc_der *out, uint8_t bits)
{
	uint8_t value[2] = { 0, bits };

	while (bits != 0 && (bits >> value[0] & 1) == 0)
		value[0]++;
	tlv(out, TAG_BIT_STRING, value, bits != 0 ? 2 : 1);
}

static void
text(struct vc_der *out, uint8_t tag, const char *string)
{
	tlv(out, tag, string, strlen(string));
}

static void
boolean_true(struct vc_der *out)
{
	tlv(out, TAG_BOOLEAN, "\xFF", 1);
}

void
vc_der_clear(struct vc_der *der)
{
	free(der->data);
	memset(der, 0, sizeof(*der));
}

/* ---- common parts --------------------------------------------------------------- */

/* The path octets: root, 5030, and up to two more identifiers (0: none). */
static void
path_octets(struct vc_der *out, const uint8_t *root, unsigned first, unsigned second)
{
	const uint8_t path[8] = {
		root[0], root[1], FID_PKI >> 8, FID_PKI & 0xFF,
		(uint8_t)(first >> 8), (uint8_t)(first & 0xFF),
		(uint8_t)(second >> 8), (uint8_t)(second & 0xFF)
	};

	tlv(out, TAG_OCTET_STRING, path, first == 0 ? 4 : second == 0 ? 6 : 8);
}

/* Path with index and length. */
static void
extent(struct vc_der *out, const uint8_t *root, unsigned fid, size_t index, size_t len)
{
	size_t path = begin(out);

	path_octets(out, root, fid, 0);
	integer(out, TAG_INTEGER, (unsigned)index);
	integer(out, TAG_CONTEXT_0, (unsigned)len);
	end(out, path, TAG_SEQUENCE);
}

static void
common(struct vc_der *out, const char *label, uint8_t flags, bool needs_pin)
{
	const uint8_t auth_id = AUTH_ID;
	size_t at = begin(out);

	text(out, TAG_UTF8, label);
	named_bits(out, flags);
	if (needs_pin)
		tlv(out, TAG_OCTET_STRING, &auth_id, 1);
	end(out, at, TAG_SEQUENCE);
}

/* ---- files ------------------------------------------------------------------------ */

void
vc_p15_dir(struct vc_der *out, const uint8_t *root)
{
	static const uint8_t aid[] = { 0xA0, 0x00, 0x00, 0x00, 0x63, 'P', 'K', 'C', 'S', '-', '1', '5' };
	const uint8_t path[] = { root[0], root[1], FID_PKI >> 8, FID_PKI & 0xFF };
	size_t at = begin(out);

	/* The label is the maker's, not the token's (facts: file system). */
	tlv(out, 0x4F, aid, sizeof(aid));
	text(out, 0x50, "中華電信研究所");
	tlv(out, 0x51, path, sizeof(path));
	end(out, at, 0x61);
}

void
vc_p15_token_info(struct vc_der *out, const char *number)
{
	size_t at = begin(out);

	integer(out, TAG_INTEGER, 0);
	text(out, TAG_OCTET_STRING, number);
	text(out, TAG_UTF8, "Chunghwa TeleCom Co., Ltd.");
	/* Real labels end in blanks and tabs, to be trimmed by the reader. */
	text(out, TAG_CONTEXT_0, "HiCOS PKI Smart Card   \t");
	named_bits(out, TOKEN_LOGIN_REQUIRED | TOKEN_PRN_GENERATION);
	end(out, at, TAG_SEQUENCE);
}

/* typeAttributes [1]: where the key is, and its size. */
static void
key_type(struct vc_der *out, const uint8_t *root, unsigned file)
{
	size_t outer = begin(out), type = begin(out), path = begin(out);

	path_octets(out, root, FID_KEYS, file);
	end(out, path, TAG_SEQUENCE);
	integer(out, TAG_INTEGER, RSA_BITS);
	end(out, type, TAG_SEQUENCE);
	end(out, outer, TAG_CONTEXT_1_CONS);
}

void
vc_p15_private_keys(struct vc_der *out, const uint8_t *root)
{
	size_t i, record, class;

	for (i = 0; i < VC_KEYS; i++) {
		record = begin(out);
		common(out, keys[i].label, FLAG_PRIVATE | FLAG_MODIFIABLE, true);
		class = begin(out);
		text(out, TAG_OCTET_STRING, keys[i].id);
		named_bits(out, keys[i].private_use);
		/* native, although it is the default, and no accessFlags:
		 * real entries seem to have none (facts: directory entries). */
		boolean_true(out);
		integer(out, TAG_INTEGER, vc_key_refs[i]);
		end(out, class, TAG_SEQUENCE);
		key_type(out, root, 0);
		end(out, record, TAG_SEQUENCE);
	}
}

void
vc_p15_public_keys(struct vc_der *out, const uint8_t *root)
{
	size_t i, record, class;

	for (i = 0; i < VC_KEYS; i++) {
		record = begin(out);
		common(out, keys[i].label, FLAG_MODIFIABLE, false);
		class = begin(out);
		text(out, TAG_OCTET_STRING, keys[i].id);
		named_bits(out, keys[i].public_use);
		integer(out, TAG_INTEGER, vc_key_refs[i]);
		end(out, class, TAG_SEQUENCE);
		key_type(out, root, FID_PUBLIC_KEYS);
		end(out, record, TAG_SEQUENCE);
	}
}

static void
put_name(struct vc_der *out, const X509_NAME *name)
{
	unsigned char *der = NULL;
	int len = i2d_X509_NAME(name, &der);

	if (len <= 0)
		out->failed = true;
	else
		put(out, der, (size_t)len);
	OPENSSL_free(der);
}

/* The directory carries the names, so that a listing need not read the
 * certificate (facts: CDF, observed). */
static void
certificate_type(struct vc_der *out, const uint8_t *root, X509 *cert, size_t slot)
{
	size_t outer = begin(out), type = begin(out), issuer;
	unsigned char *serial = NULL;
	int cert_len = i2d_X509(cert, NULL), serial_len;

	if (cert_len <= 0)
		out->failed = true;
	extent(out, root, FID_CERTS, slot * VC_CERT_SLOT, (size_t)cert_len);
	put_name(out, X509_get_subject_name(cert));
	issuer = begin(out);
	put_name(out, X509_get_issuer_name(cert));
	end(out, issuer, TAG_CONTEXT_0_CONS);
	serial_len = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &serial);
	if (serial_len <= 0)
		out->failed = true;
	else
		put(out, serial, (size_t)serial_len);
	OPENSSL_free(serial);
	end(out, type, TAG_SEQUENCE);
	end(out, outer, TAG_CONTEXT_1_CONS);
}

void
vc_p15_certificates(struct vc_der *out, const uint8_t *root, X509 *const certs[VC_CERTS])
{
	size_t i, record, class;

	for (i = 0; i < VC_CERTS; i++) {
		record = begin(out);
		common(out, certificates[i].label, FLAG_MODIFIABLE, false);
		class = begin(out);
		text(out, TAG_OCTET_STRING, certificates[i].id);
		if (certificates[i].authority)
			boolean_true(out);
		end(out, class, TAG_SEQUENCE);
		certificate_type(out, root, certs[i], i);
		end(out, record, TAG_SEQUENCE);
	}
}

/*
 * CertificateType's alternative [0] (documented: 7816-15): the same record with
 * another tag. Of its own attributes only the place is there; issuer, serial
 * number and attrTypes are optional, and GeneralNames would stand where a
 * reader of X.509 records looks for the subject.
 */
void
vc_p15_attribute_certificate(struct vc_der *out, const uint8_t *root, size_t len)
{
	size_t record = begin(out), part, type;

	common(out, "attribute cert", FLAG_MODIFIABLE, false);
	part = begin(out);
	text(out, TAG_OCTET_STRING, "SIGN");
	end(out, part, TAG_SEQUENCE);
	part = begin(out);
	type = begin(out);
	extent(out, root, FID_ATTRIBUTE_CERTS, 0, len);
	end(out, type, TAG_SEQUENCE);
	end(out, part, TAG_CONTEXT_1_CONS);
	end(out, record, TAG_CONTEXT_0_CONS);
}

static void
data_object(struct vc_der *out, const uint8_t *root, const char *label, const char *application,
    const uint8_t *oid, size_t oid_len, size_t index, size_t len)
{
	size_t record = begin(out), part;

	common(out, label, FLAG_MODIFIABLE, false);
	part = begin(out);
	if (application != NULL)
		text(out, TAG_UTF8, application);
	if (oid != NULL)
		tlv(out, TAG_OID, oid, oid_len);
	end(out, part, TAG_SEQUENCE);
	part = begin(out);
	extent(out, root, FID_DATA, index, len);
	end(out, part, TAG_CONTEXT_1_CONS);
	end(out, record, TAG_SEQUENCE);
}

void
vc_p15_data_objects(struct vc_der *out, const uint8_t *root, size_t first, size_t second)
{
	/* One byte of content, 1.24: seen on a real card. */
	static const uint8_t short_oid[] = { 0x40 };
	/* 2.16.886.1.100.2.204, card number */
	static const uint8_t number_oid[] = { 0x60, 0x86, 0x76, 0x01, 0x64, 0x02, 0x81, 0x4C };

	data_object(out, root, "data1", "HiCOS", short_oid, sizeof(short_oid), 0, first);
	data_object(out, root, "data2", NULL, number_oid, sizeof(number_oid), first, second);
}

void
vc_p15_authentication(struct vc_der *out, const uint8_t *root)
{
	const uint8_t auth_id = AUTH_ID, pad = 0xFF;
	size_t record = begin(out), outer, type, path;

	common(out, "User PIN", FLAG_PRIVATE | FLAG_MODIFIABLE, false);
	type = begin(out);
	tlv(out, TAG_OCTET_STRING, &auth_id, 1);
	end(out, type, TAG_SEQUENCE);
	outer = begin(out);
	type = begin(out);
	named_bits(out, 0xCC); /* case-sensitive, local, initialized, needs-padding */
	integer(out, TAG_ENUMERATED, 2); /* utf8: letters and digits */
	integer(out, TAG_INTEGER, VC_PIN_MIN);
	integer(out, TAG_INTEGER, VC_PIN_BLOCK);
	integer(out, TAG_INTEGER, VC_PIN_MAX);
	integer(out, TAG_CONTEXT_0, 1); /* the reference in VERIFY's P2 */
	tlv(out, TAG_OCTET_STRING, &pad, 1);
	path = begin(out);
	path_octets(out, root, FID_KEYS, 0);
	end(out, path, TAG_SEQUENCE);
	end(out, type, TAG_SEQUENCE);
	end(out, outer, TAG_CONTEXT_1_CONS);
	end(out, record, TAG_SEQUENCE);
}
