#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "authz_world.h"

#define MUST(condition)                                                                                      \
	((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))
#define TWO_YEARS (2 * 365 * 86400L)
#define KEY_BITS 2048

/* ---- certificates ---- */

#define PRIMARY_SERIAL "311026782832146287338320846168273272094"

static const struct {
	const char *organization, *id, *rank, *serial;
} cards[WORLD_COUNT] = {
	[WORLD_CA] = {"測試憑證管理中心", NULL, NULL, "1"},
	[WORLD_PRIMARY] = {"測試公司2", "12345678", "primary", PRIMARY_SERIAL},
	[WORLD_MANAGER] = {"測試公司2", "12345678", "secondary", "178597702969994479800369301946715282992"},
	[WORLD_CLERK] = {"測試公司2", "12345678", "secondary", "69695511457231809986163424788281756859"},
	[WORLD_FOREIGN_PRIMARY] = {"別家公司", "87654321", "primary", "4"},
	[WORLD_FOREIGN_CLERK] = {"別家公司", "87654321", "secondary", "5"},
	[WORLD_PERSON] = {"王小明", NULL, NULL, "6"},
};

static void add_entry(X509_NAME *name, const char *field, const char *text)
{
	MUST(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0));
}

static void add_directory(X509 *x, const struct world_holder *who)
{
	const char *const rows[][2] = {{"2.16.886.1.100.2.2", who->rank}, {"2.16.886.1.100.2.101", who->id}};
	STACK_OF(X509_ATTRIBUTE) *list = sk_X509_ATTRIBUTE_new_null();
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;
	unsigned char *der = NULL;
	int len;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i][1])
			MUST(sk_X509_ATTRIBUTE_push(list, X509_ATTRIBUTE_create_by_txt(
								  NULL, rows[i][0], V_ASN1_UTF8STRING,
								  (const unsigned char *)rows[i][1],
								  (int)strlen(rows[i][1]))));
	len = ASN1_item_i2d((ASN1_VALUE *)list, &der, ASN1_ITEM_rptr(TWCARD_AC_DIRECTORY));
	MUST(len > 0);
	ASN1_STRING_set0(data, der, len);
	extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_directory_attributes, 0, data);
	MUST(X509_add_ext(x, extension, -1));
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(data);
	sk_X509_ATTRIBUTE_pop_free(list, X509_ATTRIBUTE_free);
}

static void add_usage(X509 *x, int usage)
{
	unsigned char bits = (unsigned char)usage;
	ASN1_BIT_STRING *value = ASN1_BIT_STRING_new();

	MUST(ASN1_BIT_STRING_set(value, &bits, 1) && X509_add1_ext_i2d(x, NID_key_usage, value, 1, 0) == 1);
	ASN1_BIT_STRING_free(value);
}

/* The same for a serial number, whatever the key. */
static void add_key_id(X509 *x, const char *serial)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t len;

	MUST(EVP_Q_digest(NULL, "SHA1", NULL, serial, strlen(serial), digest, &len));
	MUST(ASN1_OCTET_STRING_set(id, digest, (int)len));
	MUST(X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, 0) == 1);
	ASN1_OCTET_STRING_free(id);
}

static void add_authority(X509 *x)
{
	BASIC_CONSTRAINTS ca = {.ca = 0xFF, .pathlen = NULL};

	MUST(X509_add1_ext_i2d(x, NID_basic_constraints, &ca, 1, 0) == 1);
}

static X509 *make(const struct world *w, const struct world_holder *who, EVP_PKEY *key, bool authority)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();
	BIGNUM *serial = NULL;

	add_entry(name, "C", "TW");
	add_entry(name, "O", who->organization);
	MUST(BN_dec2bn(&serial, who->serial) && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)));
	BN_free(serial);
	MUST(X509_set_version(x, X509_VERSION_3) && X509_set_subject_name(x, name) && X509_set_pubkey(x, key));
	MUST(X509_set_issuer_name(x, authority ? name : X509_get_subject_name(w->cards[WORLD_CA])));
	MUST(ASN1_TIME_set(X509_getm_notBefore(x), who->first) && ASN1_TIME_set(X509_getm_notAfter(x), who->last));
	if (authority)
		add_authority(x);
	else if (who->rank || who->id)
		add_directory(x, who);
	if (who->usage)
		add_usage(x, who->usage);
	add_key_id(x, who->serial);
	MUST(X509_sign(x, w->keys[WORLD_CA], EVP_sha256()) > 0);
	X509_NAME_free(name);
	return x;
}

X509 *world_certificate(const struct world *w, const struct world_holder *who, EVP_PKEY *key)
{
	return make(w, who, key, false);
}

void world_init(struct world *w, time_t now)
{
	*w = (struct world){.now = now, .first = now - TWO_YEARS, .last = now + TWO_YEARS};
	for (int i = 0; i < WORLD_COUNT; i++) {
		struct world_holder who = {cards[i].organization, cards[i].id, cards[i].rank, cards[i].serial,
					   i == WORLD_CA ? KU_KEY_CERT_SIGN | KU_CRL_SIGN : KU_DIGITAL_SIGNATURE, w->first,
					   w->last};

		w->keys[i] = EVP_RSA_gen(KEY_BITS);
		MUST(w->keys[i]);
		w->cards[i] = make(w, &who, w->keys[i], i == WORLD_CA);
	}
	w->store = X509_STORE_new();
	MUST(w->store && X509_STORE_add_cert(w->store, w->cards[WORLD_CA]));
}

void world_clear(struct world *w)
{
	for (int i = 0; i < WORLD_COUNT; i++) {
		X509_free(w->cards[i]);
		EVP_PKEY_free(w->keys[i]);
	}
	X509_STORE_free(w->store);
}

/* ---- authorization certificates ---- */

bool world_sign(void *key, const struct authz_to_sign *what, unsigned char *signature, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool ok = ctx && EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0 &&
		  EVP_PKEY_sign(ctx, signature, len, what->sha256, sizeof what->sha256) > 0;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

struct authz_spec world_spec(const struct world *w)
{
	return (struct authz_spec){
		.holder = w->cards[WORLD_CLERK],
		.authorizer = w->cards[WORLD_PRIMARY],
		.sequence = 20,
		.not_before = w->now - 86400,
		.not_after = w->now + 30 * 86400L,
		.kind = AUTHZ_KIND_APPLICATIONS,
		.grant_count = 2,
		.grants = {{"公文交換測試平台", "測試公司2》高雄第一廠", "005》12345601", "接收公文、發送公文"},
			   {"電子發票測試平台", NULL, NULL, NULL}},
		.bearer_id_kind = AUTHZ_ID_NATIONAL,
		.bearer_id = "A123456789",
	};
}

struct authz_spec world_delegation(const struct world *w)
{
	struct authz_spec spec = world_spec(w);

	spec.holder = w->cards[WORLD_MANAGER];
	spec.kind = AUTHZ_KIND_DELEGATION;
	spec.grant_count = 0;
	spec.delegation_scope = (struct authz_grant){NULL, "總務處", NULL, "卡片管理人"};
	spec.bearer_id_kind = AUTHZ_ID_OTHER;
	spec.bearer_id = "ABCDEFG1234567890";
	return spec;
}

struct authz_cert *world_build(const struct world *w, const struct authz_spec *spec, enum world_card signer)
{
	struct authz_cert *cert = NULL;
	enum authz_reason r = authz_cert_build(spec, world_sign, w->keys[signer], &cert);

	if (r != AUTHZ_GOOD)
		fprintf(stderr, "world_build: %s\n", authz_reason_text(r));
	MUST(r == AUTHZ_GOOD);
	return cert;
}

void world_sign_ac(TWCARD_AC *ac, EVP_PKEY *key, const char *digest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	MUST(ctx && EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) > 0);
	MUST(ASN1_item_sign_ctx(ASN1_ITEM_rptr(TWCARD_AC_INFO), ac->info->algorithm, ac->algorithm, ac->signature,
				ac->info, ctx) > 0);
	EVP_MD_CTX_free(ctx);
}

struct authz_der world_forge(const struct authz_cert *from, world_edit_fn edit, void *context, EVP_PKEY *key,
			     const char *digest)
{
	size_t size;
	const unsigned char *p = authz_cert_der(from, &size);
	TWCARD_AC *ac = (TWCARD_AC *)ASN1_item_d2i(NULL, &p, (long)size, ASN1_ITEM_rptr(TWCARD_AC));
	unsigned char *der = NULL, *copy;
	int len;

	MUST(ac);
	if (edit)
		edit(ac, context);
	if (key)
		world_sign_ac(ac, key, digest);
	len = ASN1_item_i2d((ASN1_VALUE *)ac, &der, ASN1_ITEM_rptr(TWCARD_AC));
	copy = len > 0 ? malloc((size_t)len) : NULL;
	MUST(copy);
	memcpy(copy, der, (size_t)len);
	OPENSSL_free(der);
	ASN1_item_free((ASN1_VALUE *)ac, ASN1_ITEM_rptr(TWCARD_AC));
	return (struct authz_der){copy, (size_t)len};
}
