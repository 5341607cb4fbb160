/* Making authorization certificates, reading them back, what is refused before a card signs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "authz_world.h"

#define NOW 1780000000 /* 2026-05-28 */

static struct world w;

static int set_up(void **state)
{
	(void)state;
	world_init(&w, NOW);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_clear(&w);
	return 0;
}

#define assert_text(got, wanted) assert_text_(got, wanted, __FILE__, __LINE__)

static void assert_text_(const char *got, const char *wanted, const char *file, int line)
{
	if (got && wanted)
		_assert_string_equal(got, wanted, file, line);
	else
		_assert_true(got == wanted, "both or none", file, line);
}

static void assert_grant(const struct authz_grant *got, const struct authz_grant *wanted)
{
	assert_text(got->application, wanted->application);
	assert_text(got->unit_name, wanted->unit_name);
	assert_text(got->unit_code, wanted->unit_code);
	assert_text(got->role, wanted->role);
}

static void assert_as_specified(const struct authz_cert *cert, const struct authz_spec *spec)
{
	const struct authz_info *info = authz_cert_info(cert);

	assert_int_equal(info->kind, spec->kind);
	assert_int_equal(info->sequence, spec->sequence);
	assert_true(info->not_before == spec->not_before && info->not_after == spec->not_after);
	assert_int_equal(info->grant_count, spec->grant_count);
	for (size_t i = 0; i < spec->grant_count; i++)
		assert_grant(&info->grants[i], &spec->grants[i]);
	assert_int_equal(info->delegation_disabled, spec->delegation_disabled);
	assert_grant(&info->delegation_scope, &spec->delegation_scope);
	assert_int_equal(info->bearer_id_kind, spec->bearer_id_kind);
	assert_text(info->bearer_id, spec->bearer_id);
}

/* ---- there and back ---- */

static void built_and_parsed_is_the_same(void **state)
{
	struct authz_spec spec = world_spec(&w);
	struct authz_cert *cert = world_build(&w, &spec, WORLD_PRIMARY), *again;
	const unsigned char *der, *der_again;
	size_t len, len_again;

	(void)state;
	assert_as_specified(cert, &spec);
	der = authz_cert_der(cert, &len);
	assert_int_equal(authz_cert_parse(der, len, NULL, &again), AUTHZ_GOOD);
	assert_as_specified(again, &spec);
	der_again = authz_cert_der(again, &len_again);
	assert_int_equal(len, len_again);
	assert_memory_equal(der, der_again, len);
	assert_true(len < 1400);
	authz_cert_free(again);
	authz_cert_free(cert);
}

static void the_frame_names_cards_and_times(void **state)
{
	struct authz_spec spec = world_spec(&w);
	struct authz_cert *cert = world_build(&w, &spec, WORLD_PRIMARY);
	const struct authz_info *info = authz_cert_info(cert);
	const ASN1_OCTET_STRING *key = X509_get0_subject_key_id(w.cards[WORLD_PRIMARY]);

	(void)state;
	assert_string_equal(info->holder_issuer, "O=測試憑證管理中心,C=TW");
	assert_string_equal(info->holder_serial, "69695511457231809986163424788281756859");
	assert_string_equal(info->issuer, "O=測試公司2,C=TW");
	assert_string_equal(info->serial, "311026782832146287338320846168273272094000020");
	assert_string_equal(info->algorithm, "SHA256withRSA");
	assert_false(info->weak_hash);
	assert_int_equal(info->signature_len, 256);
	assert_int_equal(info->authority_key_len, ASN1_STRING_length(key));
	assert_memory_equal(info->authority_key, ASN1_STRING_get0_data(key), info->authority_key_len);
	assert_int_equal(info->other_attributes, 0);
	assert_int_equal(info->other_extensions, 0);
	authz_cert_free(cert);
}

static void delegations_come_back(void **state)
{
	struct authz_spec spec = world_delegation(&w);

	(void)state;
	for (int disabled = 0; disabled < 2; disabled++) {
		struct authz_cert *cert;

		spec.delegation_disabled = disabled;
		cert = world_build(&w, &spec, WORLD_PRIMARY);
		assert_as_specified(cert, &spec);
		authz_cert_free(cert);
	}
}

static void none_and_five_authorizations_come_back(void **state)
{
	struct authz_spec spec = world_spec(&w);

	(void)state;
	for (size_t i = 0; i < AUTHZ_GRANTS_MAX; i++)
		spec.grants[i] = spec.grants[0];
	for (spec.grant_count = 0; spec.grant_count <= AUTHZ_GRANTS_MAX; spec.grant_count++) {
		struct authz_cert *cert = world_build(&w, &spec, WORLD_PRIMARY);

		assert_as_specified(cert, &spec);
		authz_cert_free(cert);
	}
}

static void an_authorization_is_found_by_its_whole_name(void **state)
{
	struct authz_spec spec = world_spec(&w);
	struct authz_cert *cert = world_build(&w, &spec, WORLD_PRIMARY);

	(void)state;
	assert_grant(authz_cert_find(cert, spec.grants[1].application), &spec.grants[1]);
	assert_null(authz_cert_find(cert, "公文交換"));
	assert_null(authz_cert_find(cert, ""));
	authz_cert_free(cert);
}

/* ---- modifying ---- */

static void add_strange(TWCARD_AC *ac, void *context)
{
	static const unsigned char sequence[] = {0x30, 0x03, 0x0C, 0x01, 'x'};
	X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_create_by_txt(NULL, "1.2.3.4.5", V_ASN1_SEQUENCE, sequence,
								 sizeof sequence);
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;
	ASN1_OBJECT *oid = OBJ_txt2obj("1.2.3.4.6", 1);

	(void)context;
	assert_true(sk_X509_ATTRIBUTE_push(ac->info->attributes, attribute) > 0);
	assert_true(ASN1_OCTET_STRING_set(data, sequence, sizeof sequence));
	extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, data);
	assert_non_null(X509v3_add_ext(&ac->info->extensions, extension, -1));
	X509_EXTENSION_free(extension);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(data);
}

static void what_is_not_known_outlives_a_change(void **state)
{
	struct authz_spec spec = world_spec(&w);
	struct authz_cert *first = world_build(&w, &spec, WORLD_PRIMARY), *strange, *changed;
	struct authz_der der = world_forge(first, add_strange, NULL, w.keys[WORLD_PRIMARY], "SHA256");
	const unsigned char *bytes;
	static const unsigned char kept[] = {0x31, 0x05, 0x30, 0x03, 0x0C, 0x01, 'x'};
	size_t len;

	(void)state;
	assert_int_equal(authz_cert_parse(der.bytes, der.len, NULL, &strange), AUTHZ_GOOD);
	assert_int_equal(authz_cert_info(strange)->other_attributes, 1);
	assert_int_equal(authz_cert_info(strange)->other_extensions, 1);
	spec.previous = strange;
	spec.sequence = 21;
	spec.grant_count = 1;
	changed = world_build(&w, &spec, WORLD_PRIMARY);
	assert_as_specified(changed, &spec);
	assert_int_equal(authz_cert_info(changed)->other_attributes, 1);
	assert_int_equal(authz_cert_info(changed)->other_extensions, 1);
	bytes = authz_cert_der(changed, &len);
	assert_non_null(memmem(bytes, len, kept, sizeof kept));
	authz_cert_free(changed);
	authz_cert_free(strange);
	authz_cert_free(first);
	free((void *)der.bytes);
}

static void other_oids_are_other_attributes(void **state)
{
	const struct authz_oids oids = {"1.2.3.1", "1.2.3.2", "1.2.3.3"};
	const struct authz_oids same = {"1.2.3.1", "1.2.3.1", "1.2.3.3"}, none = {"1.2.3.1", "x", "1.2.3.3"};
	struct authz_spec spec = world_spec(&w);
	struct authz_cert *cert, *again;
	const unsigned char *der;
	size_t len;

	(void)state;
	spec.oids = &oids;
	cert = world_build(&w, &spec, WORLD_PRIMARY);
	assert_as_specified(cert, &spec);
	der = authz_cert_der(cert, &len);
	assert_int_equal(authz_cert_parse(der, len, NULL, &again), AUTHZ_GOOD);
	assert_int_equal(authz_cert_info(again)->kind, AUTHZ_KIND_NONE);
	assert_int_equal(authz_cert_info(again)->other_attributes, 2);
	authz_cert_free(again);
	assert_int_equal(authz_cert_parse(der, len, &same, &again), AUTHZ_BAD_ARGUMENT);
	assert_int_equal(authz_cert_parse(der, len, &none, &again), AUTHZ_BAD_ARGUMENT);
	authz_cert_free(cert);
}

/* ---- of others ---- */

static void issue_by_version_1(TWCARD_AC *ac, void *context)
{
	GENERAL_NAMES *names = ac->info->issuer->form.v2_form->issuer_name;

	(void)context;
	ac->info->issuer->form.v2_form->issuer_name = NULL;
	ASN1_item_free((ASN1_VALUE *)ac->info->issuer->form.v2_form, ASN1_ITEM_rptr(TWCARD_AC_V2_FORM));
	ac->info->issuer->type = AC_ISSUER_V1;
	ac->info->issuer->form.v1_form = names;
}

static void set_version_1(TWCARD_AC *ac, void *context)
{
	(void)context;
	assert_true(ASN1_INTEGER_set(ac->info->version, 0));
}

/* Each part is there as it is in the certificate. */
static void assert_parts(const struct authz_der *der, unsigned char issuer_tag)
{
	struct authz_parts parts;
	const struct authz_part *const verbatim[] = {&parts.holder, &parts.issuer, &parts.serial};
	const unsigned char *at = der->bytes;

	assert_int_equal(authz_parts_read(der->bytes, der->len, &parts), AUTHZ_GOOD);
	for (size_t i = 0; i < sizeof verbatim / sizeof *verbatim; i++) {
		at = memmem(at, der->len - (size_t)(at - (const unsigned char *)der->bytes),
			    verbatim[i]->bytes, verbatim[i]->len);
		assert_non_null(at);
	}
	assert_int_equal(parts.holder.bytes[0], 0x30);
	assert_int_equal(parts.issuer.bytes[0], issuer_tag);
	assert_int_equal(parts.serial.bytes[0], 0x02);
	assert_int_equal(parts.types.bytes[0], 0x30);
	assert_int_equal(parts.types.bytes[2], 0x06);
	assert_true(parts.not_before < parts.not_after);
	authz_parts_clear(&parts);
	assert_null(parts.types.bytes);
}

static void any_certificate_has_parts(void **state)
{
	struct authz_spec spec = world_spec(&w);
	struct authz_cert *first = world_build(&w, &spec, WORLD_PRIMARY), *none;
	struct authz_der ours = {.len = 0};
	struct authz_der theirs = world_forge(first, issue_by_version_1, NULL, w.keys[WORLD_PRIMARY], "SHA256");
	struct authz_der old = world_forge(first, set_version_1, NULL, w.keys[WORLD_PRIMARY], "SHA256");
	struct authz_parts parts;

	(void)state;
	ours.bytes = authz_cert_der(first, &ours.len);
	assert_parts(&ours, 0xA0);
	assert_int_equal(authz_cert_parse(theirs.bytes, theirs.len, NULL, &none), AUTHZ_FORM);
	assert_parts(&theirs, 0x30);
	assert_int_equal(authz_parts_read(old.bytes, old.len, &parts), AUTHZ_FORM);
	for (size_t len = 0; len < ours.len; len++) {
		assert_int_equal(authz_parts_read(ours.bytes, len, &parts), AUTHZ_FORM);
		assert_null(parts.holder.bytes);
	}
	assert_int_equal(authz_parts_read(NULL, 1, &parts), AUTHZ_BAD_ARGUMENT);
	assert_int_equal(authz_parts_read("", 0, NULL), AUTHZ_BAD_ARGUMENT);
	assert_int_equal(authz_parts_read(ours.bytes, AUTHZ_DER_MAX + 1, &parts), AUTHZ_TOO_LARGE);
	authz_cert_free(first);
	free((void *)theirs.bytes);
	free((void *)old.bytes);
}

/* ---- refused before anything is signed ---- */

static bool never_sign(void *context, const struct authz_to_sign *what, unsigned char *signature, size_t *len)
{
	(void)context;
	(void)what;
	(void)signature;
	(void)len;
	fail_msg("a card was asked to sign");
	return false;
}

static void assert_refused(const struct authz_spec *spec, enum authz_reason wanted)
{
	struct authz_cert *cert;

	assert_int_equal(authz_cert_build(spec, never_sign, NULL, &cert), wanted);
	assert_null(cert);
	assert_int_equal(ERR_peek_error(), 0);
}

static void wrong_content_is_not_signed(void **state)
{
	static const struct {
		struct authz_grant grant;
		const char *id;
		enum authz_reason reason;
	} rows[] = {
		{{NULL, NULL, NULL, NULL}, "A123456789", AUTHZ_TEXT},
		{{"", NULL, NULL, NULL}, "A123456789", AUTHZ_TEXT},
		{{"a\nb", NULL, NULL, NULL}, "A123456789", AUTHZ_TEXT},
		{{"a\xE2\x80\xAE"
		  "b", NULL, NULL, NULL}, "A123456789", AUTHZ_TEXT}, /* writes from right to left */
		{{"\xC0\xAF", NULL, NULL, NULL}, "A123456789", AUTHZ_TEXT},
		{{"\xED\xA0\x80", NULL, NULL, NULL}, "A123456789", AUTHZ_TEXT},
		{{"a", "", NULL, NULL}, "A123456789", AUTHZ_TEXT},
		{{"a", "》b", NULL, NULL}, "A123456789", AUTHZ_UNIT_LEVELS},
		{{"a", "b》》c", NULL, NULL}, "A123456789", AUTHZ_UNIT_LEVELS},
		{{"a", "b》", NULL, NULL}, "A123456789", AUTHZ_UNIT_LEVELS},
		{{"a", "b》c", "1", NULL}, "A123456789", AUTHZ_UNIT_LEVELS},
		{{"a", NULL, "1", NULL}, "A123456789", AUTHZ_UNIT_LEVELS},
		{{"a", NULL, NULL, NULL}, "A123456788", AUTHZ_ID_CHECKSUM},
		{{"a", NULL, NULL, NULL}, NULL, AUTHZ_NO_BEARER},
		{{"a", NULL, NULL, NULL}, "", AUTHZ_NO_BEARER},
	};
	struct authz_spec spec = world_spec(&w);

	(void)state;
	spec.grant_count = 1;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		spec.grants[0] = rows[i].grant;
		spec.bearer_id = rows[i].id;
		assert_refused(&spec, rows[i].reason);
	}
	spec = world_spec(&w);
	spec.bearer_id_kind = AUTHZ_ID_OTHER;
	spec.bearer_id = "with blank";
	assert_refused(&spec, AUTHZ_ID_FORM);
	spec = world_spec(&w);
	spec.grant_count = AUTHZ_GRANTS_MAX + 1;
	assert_refused(&spec, AUTHZ_TOO_MANY);
}

static void too_long_texts_are_not_signed(void **state)
{
	struct authz_spec spec = world_spec(&w);
	static char text[100000];

	(void)state;
	memset(text, 'a', sizeof text - 1);
	spec.grants[0].role = text;
	assert_refused(&spec, AUTHZ_TEXT);
	text[AUTHZ_ROLE_MAX + 1] = '\0';
	assert_refused(&spec, AUTHZ_TEXT);
	text[AUTHZ_ROLE_MAX] = '\0';
	authz_cert_free(world_build(&w, &spec, WORLD_PRIMARY));
}

static void wrong_numbers_and_times_are_not_signed(void **state)
{
	struct authz_spec spec = world_spec(&w);

	(void)state;
	spec.sequence = 0;
	assert_refused(&spec, AUTHZ_SEQUENCE);
	spec.sequence = AUTHZ_SEQUENCE_MAX + 1;
	assert_refused(&spec, AUTHZ_SEQUENCE);
	spec = world_spec(&w);
	spec.not_after = spec.not_before - 1;
	assert_refused(&spec, AUTHZ_TIMES);
	spec.not_after = 253402300800;
	assert_refused(&spec, AUTHZ_TIMES);
	spec = world_spec(&w);
	spec.not_after = w.last + 1;
	assert_refused(&spec, AUTHZ_OUTSIDE_HOLDER);
	spec = world_spec(&w);
	spec.not_before = w.first - 1;
	assert_refused(&spec, AUTHZ_OUTSIDE_HOLDER);
	spec.not_before = w.first;
	spec.not_after = w.last;
	authz_cert_free(world_build(&w, &spec, WORLD_PRIMARY));
}

static void wrong_cards_do_not_sign(void **state)
{
	static const struct {
		enum world_card authorizer, holder;
		enum authz_kind kind;
		enum authz_reason reason;
	} rows[] = {
		{WORLD_FOREIGN_PRIMARY, WORLD_CLERK, AUTHZ_KIND_APPLICATIONS, AUTHZ_OTHER_ORGANIZATION},
		{WORLD_PRIMARY, WORLD_FOREIGN_CLERK, AUTHZ_KIND_APPLICATIONS, AUTHZ_OTHER_ORGANIZATION},
		{WORLD_PRIMARY, WORLD_PRIMARY, AUTHZ_KIND_APPLICATIONS, AUTHZ_SELF},
		{WORLD_CLERK, WORLD_CLERK, AUTHZ_KIND_APPLICATIONS, AUTHZ_SELF},
		{WORLD_CLERK, WORLD_PRIMARY, AUTHZ_KIND_APPLICATIONS, AUTHZ_HOLDER_RANK},
		{WORLD_PRIMARY, WORLD_PERSON, AUTHZ_KIND_APPLICATIONS, AUTHZ_HOLDER_RANK},
		{WORLD_PERSON, WORLD_CLERK, AUTHZ_KIND_APPLICATIONS, AUTHZ_AUTHORIZER_RANK},
		{WORLD_MANAGER, WORLD_CLERK, AUTHZ_KIND_DELEGATION, AUTHZ_DELEGATION_BY_ATTACHED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct authz_spec spec = world_spec(&w);

		spec.authorizer = w.cards[rows[i].authorizer];
		spec.holder = w.cards[rows[i].holder];
		spec.kind = rows[i].kind;
		assert_refused(&spec, rows[i].reason);
	}
}

/* What a card's certificate must have, one thing missing at a time. */
static void wrong_certificates_do_not_sign(void **state)
{
	const struct world_holder good = {"測試公司2", "12345678", "primary", "77", KU_DIGITAL_SIGNATURE, w.first, w.last};
	struct world_holder who = good;
	struct authz_spec spec = world_spec(&w);
	X509 *x;
	const struct {
		const char *id, *rank, *serial;
		int usage;
		enum authz_reason reason;
	} rows[] = {
		{"12345678", "primary", "77", KU_KEY_ENCIPHERMENT, AUTHZ_AUTHORIZER_USAGE},
		{"12345678", "primary", "77", 0, AUTHZ_AUTHORIZER_USAGE},
		{NULL, "primary", "77", KU_DIGITAL_SIGNATURE, AUTHZ_NO_ORGANIZATION},
		{"1234567", "primary", "77", KU_DIGITAL_SIGNATURE, AUTHZ_CARD_ATTRIBUTES},
		{"1234567x", "primary", "77", KU_DIGITAL_SIGNATURE, AUTHZ_CARD_ATTRIBUTES},
		{"12345678", "owner", "77", KU_DIGITAL_SIGNATURE, AUTHZ_CARD_ATTRIBUTES},
		{"12345678", "primary", "999999999999999999999999999999999999999999999", KU_DIGITAL_SIGNATURE,
		 AUTHZ_SERIAL_SIZE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		who.id = rows[i].id;
		who.rank = rows[i].rank;
		who.serial = rows[i].serial;
		who.usage = rows[i].usage;
		x = world_certificate(&w, &who, w.keys[WORLD_PRIMARY]);
		spec.authorizer = x;
		assert_refused(&spec, rows[i].reason);
		X509_free(x);
	}
}

static void short_keys_do_not_sign(void **state)
{
	const struct world_holder who = {"測試公司2", "12345678", "primary", "77", KU_DIGITAL_SIGNATURE, w.first, w.last};
	EVP_PKEY *keys[] = {EVP_RSA_gen(1024), EVP_EC_gen("P-256")};
	struct authz_spec spec = world_spec(&w);

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		spec.authorizer = world_certificate(&w, &who, keys[i]);
		assert_refused(&spec, AUTHZ_WEAK_KEY);
		X509_free(spec.authorizer);
		EVP_PKEY_free(keys[i]);
	}
}

/* ---- the signature ---- */

static bool sign_nothing(void *context, const struct authz_to_sign *what, unsigned char *signature, size_t *len)
{
	(void)context;
	(void)what;
	(void)signature;
	(void)len;
	return false;
}

static void a_signature_is_checked_at_once(void **state)
{
	struct authz_spec spec = world_spec(&w);
	struct authz_cert *cert;

	(void)state;
	assert_int_equal(authz_cert_build(&spec, sign_nothing, NULL, &cert), AUTHZ_SIGNER);
	assert_null(cert);
	assert_int_equal(authz_cert_build(&spec, world_sign, w.keys[WORLD_CLERK], &cert), AUTHZ_SIGNER_WRONG);
	assert_null(cert);
}

struct show {
	EVP_PKEY *key;
	char *text;
};

static bool show_and_sign(void *context, const struct authz_to_sign *what, unsigned char *signature, size_t *len)
{
	struct show *s = context;
	unsigned char digest[32];

	s->text = authz_cert_text(what->cert, AUTHZ_ENGLISH);
	assert_true(EVP_Q_digest(NULL, "SHA256", NULL, what->tbs, what->tbs_len, digest, NULL));
	assert_memory_equal(digest, what->sha256, sizeof digest);
	return world_sign(s->key, what, signature, len);
}

static void what_is_signed_can_be_shown_before(void **state)
{
	struct authz_spec spec = world_spec(&w);
	struct show s = {.key = w.keys[WORLD_PRIMARY]};
	struct authz_cert *cert;

	(void)state;
	assert_int_equal(authz_cert_build(&spec, show_and_sign, &s, &cert), AUTHZ_GOOD);
	assert_non_null(strstr(s.text, "  Unit: 測試公司2》高雄第一廠\n"));
	assert_non_null(strstr(s.text, "Signature: not signed yet\n"));
	free(s.text);
	authz_cert_free(cert);
}

/* ---- as text ---- */

static void every_field_is_in_the_text(void **state)
{
	static const char *const lines[] = {
		"附卡授權證(應用授權)內容\n",
		"附卡發行單位: O=測試憑證管理中心,C=TW\n",
		"附卡憑證序號: 69695511457231809986163424788281756859\n",
		"授權者識別名稱: O=測試公司2,C=TW\n",
		"簽章演算法: SHA256withRSA\n",
		"授權憑證序號: 311026782832146287338320846168273272094000020\n",
		"授權有效期間起: 2026-05-27T20:26:40Z\n",
		"授權有效期間迄: 2026-06-27T20:26:40Z\n",
		"授權內容 1\n  應用系統服務名稱: 公文交換測試平台\n",
		"  使用單位代碼: 005》12345601\n  使用者角色: 接收公文、發送公文\n",
		"授權內容 2\n  應用系統服務名稱: 電子發票測試平台\n持卡者證號(國民身分證字號): A123456789\n",
		"授權單位金鑰識別元: ",
		"附卡授權證數位簽章:\n",
	};
	struct authz_spec spec = world_spec(&w);
	struct authz_cert *cert = world_build(&w, &spec, WORLD_PRIMARY);
	char *text = authz_cert_text(cert, AUTHZ_CHINESE);

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (!strstr(text, lines[i]))
			fail_msg("not in the text: %s\n%s", lines[i], text);
	free(text);
	authz_cert_free(cert);
}

static void a_delegations_text_says_its_state(void **state)
{
	struct authz_spec spec = world_delegation(&w);
	struct authz_cert *cert;
	char *text;

	(void)state;
	spec.delegation_disabled = true;
	cert = world_build(&w, &spec, WORLD_PRIMARY);
	text = authz_cert_text(cert, AUTHZ_ENGLISH);
	assert_non_null(strstr(text, "Delegation: disabled\n  Unit: 總務處\n  Role: 卡片管理人\n"));
	assert_non_null(strstr(text, "Bearer's other id: ABCDEFG1234567890\n"));
	free(text);
	authz_cert_free(cert);
}

/* ---- small things ---- */

static void national_ids_have_a_checksum(void **state)
{
	static const char *const good[] = {"A123456789", "I100000003", "O100000004", "W100000001",
					   "Z200000004", "B200000004"};
	static const char *const bad[] = {"A123456788", "a123456789", "A323456789", "A12345678", "A1234567890",
					  "AA23456789", "A12345678X", "", "1123456789"};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (!authz_id_is_national(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (authz_id_is_national(bad[i]))
			fail_msg("taken: %s", bad[i]);
	assert_false(authz_id_is_national(NULL));
}

static void every_reason_has_its_words(void **state)
{
	size_t known = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		const char *name = authz_reason_name((enum authz_reason)i);

		assert_non_null(authz_reason_text((enum authz_reason)i));
		assert_non_null(authz_reason_text_zh((enum authz_reason)i));
		known += i == 0 || strcmp(name, "undecided") != 0;
	}
	assert_int_equal(known, 51);
}

static void no_call_with_nothing_crashes(void **state)
{
	struct authz_spec spec = world_spec(&w), none = spec;
	struct authz_cert *cert;

	(void)state;
	none.holder = NULL;
	assert_int_equal(authz_cert_parse(NULL, 0, NULL, &cert), AUTHZ_BAD_ARGUMENT);
	assert_int_equal(authz_cert_parse("", 0, NULL, &cert), AUTHZ_NOT_DER);
	assert_int_equal(authz_cert_parse("", 0, NULL, NULL), AUTHZ_BAD_ARGUMENT);
	assert_int_equal(authz_cert_build(NULL, world_sign, NULL, &cert), AUTHZ_BAD_ARGUMENT);
	assert_int_equal(authz_cert_build(&spec, NULL, NULL, &cert), AUTHZ_BAD_ARGUMENT);
	assert_int_equal(authz_cert_build(&none, world_sign, NULL, &cert), AUTHZ_BAD_ARGUMENT);
	assert_int_equal(authz_cert_build(&spec, world_sign, NULL, NULL), AUTHZ_BAD_ARGUMENT);
	spec.kind = AUTHZ_KIND_NONE;
	assert_refused(&spec, AUTHZ_BAD_ARGUMENT);
	spec = world_delegation(&w);
	spec.grant_count = 1;
	assert_refused(&spec, AUTHZ_BAD_ARGUMENT);
	authz_cert_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_and_parsed_is_the_same),
		cmocka_unit_test(the_frame_names_cards_and_times),
		cmocka_unit_test(delegations_come_back),
		cmocka_unit_test(none_and_five_authorizations_come_back),
		cmocka_unit_test(an_authorization_is_found_by_its_whole_name),
		cmocka_unit_test(what_is_not_known_outlives_a_change),
		cmocka_unit_test(other_oids_are_other_attributes),
		cmocka_unit_test(any_certificate_has_parts),
		cmocka_unit_test(wrong_content_is_not_signed),
		cmocka_unit_test(too_long_texts_are_not_signed),
		cmocka_unit_test(wrong_numbers_and_times_are_not_signed),
		cmocka_unit_test(wrong_cards_do_not_sign),
		cmocka_unit_test(wrong_certificates_do_not_sign),
		cmocka_unit_test(short_keys_do_not_sign),
		cmocka_unit_test(a_signature_is_checked_at_once),
		cmocka_unit_test(what_is_signed_can_be_shown_before),
		cmocka_unit_test(every_field_is_in_the_text),
		cmocka_unit_test(a_delegations_text_says_its_state),
		cmocka_unit_test(national_ids_have_a_checksum),
		cmocka_unit_test(every_reason_has_its_words),
		cmocka_unit_test(no_call_with_nothing_crashes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
