#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/evp.h>

#include "authority_request.h"

#define MUST(condition)                                                                                      \
	((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

uint8_t *authority_request_sign_other(EVP_PKEY *key, X509 *x509, const void *content, size_t content_len,
				      const char *digest, unsigned flags, size_t *len)
{
	unsigned all = CMS_BINARY | CMS_PARTIAL;
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, all);
	BIO *in = BIO_new_mem_buf(content, (int)content_len);
	unsigned char *der = NULL;
	uint8_t *copy;
	int n;

	MUST(cms && in);
	MUST(CMS_add1_signer(cms, x509, key, EVP_get_digestbyname(digest ? digest : "SHA256"), all | flags));
	MUST(CMS_final(cms, in, NULL, all) == 1);
	n = i2d_CMS_ContentInfo(cms, &der);
	MUST(n > 0);
	copy = malloc((size_t)n);
	MUST(copy);
	memcpy(copy, der, (size_t)n);
	*len = (size_t)n;
	OPENSSL_free(der);
	BIO_free(in);
	CMS_ContentInfo_free(cms);
	return copy;
}

uint8_t *authority_request_sign(EVP_PKEY *key, X509 *x509, const void *content, size_t content_len, size_t *len)
{
	return authority_request_sign_other(key, x509, content, content_len, NULL, CMS_CADES | CMS_NOSMIMECAP, len);
}

struct json_object *authority_request_base64(const void *bytes, size_t len)
{
	char *text = malloc((len + 2) / 3 * 4 + 1);
	struct json_object *value;

	MUST(text);
	EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
	value = json_object_new_string(text);
	free(text);
	return value;
}

struct json_object *authority_request_x509(const X509 *x509)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x509, &der);
	struct json_object *value;

	MUST(len > 0);
	value = authority_request_base64(der, (size_t)len);
	OPENSSL_free(der);
	return value;
}

static void add_text(struct json_object *to, const char *name, const char *text)
{
	if (text)
		json_object_object_add(to, name, json_object_new_string(text));
}

static struct json_object *grant_json(const struct authz_grant *g)
{
	struct json_object *to = json_object_new_object();

	add_text(to, "application", g->application);
	add_text(to, "unit_name", g->unit_name);
	add_text(to, "unit_code", g->unit_code);
	add_text(to, "role", g->role);
	return to;
}

struct json_object *authority_request_content(const struct authz_spec *spec)
{
	struct json_object *content = json_object_new_object(), *bearer = json_object_new_object(), *list;

	add_text(bearer, "kind", spec->bearer_id_kind == AUTHZ_ID_NATIONAL ? "national" : "other");
	add_text(bearer, "number", spec->bearer_id);
	json_object_object_add(content, "bearer", bearer);
	if (spec->kind == AUTHZ_KIND_DELEGATION) {
		json_object_object_add(content, "disabled", json_object_new_boolean(spec->delegation_disabled));
		json_object_object_add(content, "scope", grant_json(&spec->delegation_scope));
		return content;
	}
	list = json_object_new_array();
	for (size_t i = 0; i < spec->grant_count; i++)
		json_object_array_add(list, grant_json(&spec->grants[i]));
	json_object_object_add(content, "grants", list);
	return content;
}
