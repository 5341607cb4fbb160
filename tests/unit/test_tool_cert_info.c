/* What is read of certificates: all attributes, odd ones, none, and absurd ones. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tools/twcard/cert_info.h"

#define NOW ((time_t)1800000000) /* 2027-01-15 */
#define DAY 86400
#define SDA_MAX 8192

static EVP_PKEY *key;
static struct cert_info info;

/* ---- certificates ---- */

static void add_name(X509_NAME *name, const char *type, const char *value)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)value, -1,
						    -1, 0), 1);
}

static X509 *plain(void)
{
	X509 *x = X509_new();

	assert_non_null(x);
	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 0x1234AB), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), NOW - DAY));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), NOW + 10 * DAY + 5));
	assert_int_equal(X509_set_pubkey(x, key), 1);
	add_name(X509_get_subject_name(x), "C", "TW");
	add_name(X509_get_subject_name(x), "CN", "王小明");
	add_name(X509_get_issuer_name(x), "C", "TW");
	add_name(X509_get_issuer_name(x), "O", "行政院");
	add_name(X509_get_issuer_name(x), "OU", "內政部憑證管理中心");
	return x;
}

static void add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void add_sda(X509 *x, const unsigned char *der, size_t len)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	assert_int_equal(ASN1_OCTET_STRING_set(value, der, (int)len), 1);
	e = X509_EXTENSION_create_by_NID(NULL, NID_subject_directory_attributes, 0, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(value);
}

/* Takes it over; as one that came over the wire. */
static void read_it(X509 *x)
{
	unsigned char *der = NULL;
	const unsigned char *p;
	int len;

	cert_info_clear(&info);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	len = i2d_X509(x, &der);
	assert_true(len > 0);
	X509_free(x);
	p = der;
	x = d2i_X509(NULL, &p, len);
	assert_non_null(x);
	assert_true(cert_info_read(x, NOW, &info));
	X509_free(x);
	OPENSSL_free(der);
}

/* ---- subjectDirectoryAttributes, byte by byte ---- */

struct der {
	unsigned char data[SDA_MAX];
	size_t len;
};

static void put(struct der *d, const void *bytes, size_t len)
{
	assert_true(d->len + len <= sizeof d->data);
	memcpy(d->data + d->len, bytes, len);
	d->len += len;
}

static void put_tlv(struct der *d, unsigned char tag, const void *bytes, size_t len)
{
	unsigned char head[4] = {tag, 0x82, (unsigned char)(len >> 8), (unsigned char)len};

	if (len < 128)
		head[1] = (unsigned char)len;
	put(d, head, len < 128 ? 2 : 4);
	put(d, bytes, len);
}

static void put_oid(struct der *d, const char *dotted)
{
	ASN1_OBJECT *o = OBJ_txt2obj(dotted, 1);
	unsigned char *der = NULL;
	int len = i2d_ASN1_OBJECT(o, &der);

	assert_true(len > 0);
	put(d, der, (size_t)len);
	OPENSSL_free(der);
	ASN1_OBJECT_free(o);
}

/* An attribute whose one value is this TLV. */
static void put_attribute(struct der *d, const char *oid, const struct der *value)
{
	struct der inner = {.len = 0};

	put_oid(&inner, oid);
	put_tlv(&inner, V_ASN1_SET | V_ASN1_CONSTRUCTED, value->data, value->len);
	put_tlv(d, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, inner.data, inner.len);
}

static void put_text(struct der *d, const char *oid, int tag, const void *text, size_t len)
{
	struct der value = {.len = 0};

	put_tlv(&value, (unsigned char)tag, text, len);
	put_attribute(d, oid, &value);
}

static void put_oid_value(struct der *d, const char *oid, const char *dotted)
{
	struct der value = {.len = 0};

	put_oid(&value, dotted);
	put_attribute(d, oid, &value);
}

static void read_attributes(const struct der *list)
{
	struct der all = {.len = 0};
	X509 *x = plain();

	put_tlv(&all, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, list->data, list->len);
	add_sda(x, all.data, all.len);
	read_it(x);
}

#define OID_TYPE "2.16.886.1.100.2.1"
#define OID_RANK "2.16.886.1.100.2.2"
#define OID_LAST4 "2.16.886.1.100.2.51"
#define OID_ORGANIZATION "2.16.886.1.100.2.101"
#define OID_ORGANIZATION_OID "2.16.886.1.100.2.102"
#define OID_CARD "2.16.886.1.100.2.204"
#define UTF8 V_ASN1_UTF8STRING
#define PRINTABLE V_ASN1_PRINTABLESTRING

static void assert_no_attributes(void)
{
	const struct cert_attributes *a = &info.attributes;

	assert_null(a->subject_type);
	assert_int_equal(a->rank, CERT_RANK_NONE);
	assert_null(a->id_last4);
	assert_null(a->organization_id);
	assert_null(a->organization_oid);
	assert_null(a->card_number);
	assert_null(cert_attributes_rank(a));
	assert_null(cert_attributes_subject_type(a));
}

static int teardown(void **state)
{
	(void)state;
	cert_info_clear(&info);
	return 0;
}

/* ---- attributes ---- */

static void all_attributes_are_read(void **state)
{
	struct der d = {.len = 0};
	const struct cert_attributes *a = &info.attributes;

	(void)state;
	put_oid_value(&d, OID_TYPE, "2.16.886.1.100.3.2.2.1.1");
	put_text(&d, OID_RANK, PRINTABLE, "secondary", 9);
	put_text(&d, OID_LAST4, UTF8, "6789", 4);
	put_text(&d, OID_ORGANIZATION, PRINTABLE, "12345678", 8);
	put_oid_value(&d, OID_ORGANIZATION_OID, "2.16.886.101.20003");
	put_text(&d, OID_CARD, UTF8, "MT12345678901234", 16);
	put_text(&d, "1.2.3.4", UTF8, "something else", 14);
	read_attributes(&d);
	assert_false(a->unreadable);
	assert_string_equal(cert_attributes_subject_type(a), "company");
	assert_int_equal(a->rank, CERT_RANK_SECONDARY);
	assert_string_equal(cert_attributes_rank(a), "attached card (附卡)");
	assert_string_equal(a->id_last4, "6789");
	assert_string_equal(a->organization_id, "12345678");
	assert_string_equal(a->organization_oid, "2.16.886.101.20003");
	assert_string_equal(a->card_number, "MT12345678901234");
}

static void every_subject_type_has_a_word(void **state)
{
	static const char *const types[] = {
		"1.1", "1.7", "2.1.1", "2.1.2", "2.2.1.1", "2.3.1", "2.3.3.1", "2.21", "3.1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		struct der d = {.len = 0};
		char oid[64];

		snprintf(oid, sizeof oid, "2.16.886.1.100.3.%s", types[i]);
		put_oid_value(&d, OID_TYPE, oid);
		read_attributes(&d);
		assert_string_equal(info.attributes.subject_type, oid);
		assert_non_null(cert_attributes_subject_type(&info.attributes));
	}
}

static void a_type_that_is_not_known_stays_a_number(void **state)
{
	struct der d = {.len = 0};

	(void)state;
	put_oid_value(&d, OID_TYPE, "2.16.886.1.100.3.1.11");
	read_attributes(&d);
	assert_string_equal(info.attributes.subject_type, "2.16.886.1.100.3.1.11");
	assert_null(cert_attributes_subject_type(&info.attributes));
}

static void an_organization_may_be_a_text(void **state)
{
	struct der d = {.len = 0};

	(void)state;
	put_text(&d, OID_ORGANIZATION_OID, UTF8, "2.16.886.101.9", 14);
	put_text(&d, OID_RANK, UTF8, "PRIMARY", 7);
	read_attributes(&d);
	assert_string_equal(info.attributes.organization_oid, "2.16.886.101.9");
	assert_int_equal(info.attributes.rank, CERT_RANK_PRIMARY);
}

static void a_rank_is_a_whole_word(void **state)
{
	static const char *const words[] = {"primar", "primaryx", "x", "secondary primary"};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct der d = {.len = 0};

		put_text(&d, OID_RANK, UTF8, words[i], strlen(words[i]));
		read_attributes(&d);
		assert_int_equal(info.attributes.rank, CERT_RANK_OTHER);
	}
}

static void no_attributes_are_no_error(void **state)
{
	struct der empty = {.len = 0};

	(void)state;
	read_it(plain());
	assert_no_attributes();
	assert_false(info.attributes.unreadable);
	read_attributes(&empty);
	assert_no_attributes();
	assert_false(info.attributes.unreadable);
}

static void what_is_too_long_is_not_there(void **state)
{
	static char text[4000];
	struct der d = {.len = 0};

	(void)state;
	memset(text, '7', sizeof text);
	put_text(&d, OID_LAST4, UTF8, text, 5);
	put_text(&d, OID_ORGANIZATION, UTF8, text, 33);
	put_text(&d, OID_CARD, UTF8, text, sizeof text);
	put_text(&d, OID_RANK, UTF8, text, 33);
	read_attributes(&d);
	assert_no_attributes();
}

/* An OID of a thousand bytes is not put into words, whose number grows as its square. */
static void an_absurd_oid_is_not_there(void **state)
{
	unsigned char arcs[1000];
	struct der value = {.len = 0}, d = {.len = 0};

	(void)state;
	memset(arcs, 0xFF, sizeof arcs);
	arcs[0] = 0x2A;
	arcs[sizeof arcs - 1] = 0x7F;
	put_tlv(&value, V_ASN1_OBJECT, arcs, sizeof arcs);
	put_attribute(&d, OID_TYPE, &value);
	put_attribute(&d, OID_ORGANIZATION_OID, &value);
	read_attributes(&d);
	assert_no_attributes();
}

static void other_types_are_not_taken(void **state)
{
	struct der d = {.len = 0}, value = {.len = 0};

	(void)state;
	put_text(&d, OID_LAST4, V_ASN1_OCTET_STRING, "6789", 4);
	put_text(&d, OID_ORGANIZATION, V_ASN1_IA5STRING, "12345678", 8);
	put_text(&d, OID_RANK, V_ASN1_BMPSTRING, "\0p\0r", 4);
	put_text(&d, OID_TYPE, V_ASN1_INTEGER, "\x01", 1);
	put_oid_value(&d, OID_CARD, "1.2.3");
	put_tlv(&value, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, "\x05\x00", 2);
	put_attribute(&d, OID_ORGANIZATION_OID, &value);
	read_attributes(&d);
	assert_no_attributes();
}

static void an_empty_value_is_not_there(void **state)
{
	struct der d = {.len = 0}, none = {.len = 0};

	(void)state;
	put_text(&d, OID_LAST4, UTF8, "", 0);
	put_attribute(&d, OID_CARD, &none);
	read_attributes(&d);
	assert_no_attributes();
}

static void the_first_value_counts(void **state)
{
	struct der d = {.len = 0}, two = {.len = 0};

	(void)state;
	put_tlv(&two, UTF8, "1111", 4);
	put_tlv(&two, UTF8, "2222", 4);
	put_attribute(&d, OID_LAST4, &two);
	put_text(&d, OID_LAST4, UTF8, "3333", 4);
	put_text(&d, OID_RANK, UTF8, "primary", 7);
	put_text(&d, OID_RANK, UTF8, "secondary", 9);
	read_attributes(&d);
	assert_string_equal(info.attributes.id_last4, "1111");
	assert_int_equal(info.attributes.rank, CERT_RANK_PRIMARY);
}

static void nothing_reaches_a_terminal_as_it_is(void **state)
{
	struct der d = {.len = 0};

	(void)state;
	put_text(&d, OID_LAST4, UTF8, "\x1b[2J", 4);
	put_text(&d, OID_CARD, PRINTABLE, "a\0b\xFFz", 5);
	put_text(&d, OID_ORGANIZATION, UTF8, "\xE2\x80\xAE" "1", 4);
	read_attributes(&d);
	assert_string_equal(info.attributes.id_last4, "\xEF\xBF\xBD[2J");
	assert_string_equal(info.attributes.card_number, "a\xEF\xBF\xBD" "b\xEF\xBF\xBDz");
	assert_string_equal(info.attributes.organization_id, "\xEF\xBF\xBD" "1");
}

static void an_extension_that_is_none_is_said(void **state)
{
	static const unsigned char bad[][6] = {
		{0x30, 0x05, 0x30, 0x82, 0xFF, 0xFF}, {0x04, 0x02, 0, 0}, {0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF},
		{0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		X509 *x = plain();

		add_sda(x, bad[i], sizeof bad[i]);
		read_it(x);
		assert_true(info.attributes.unreadable);
		assert_no_attributes();
		assert_string_equal(info.holder, "王小明");
	}
}

/* ---- names, times, usage ---- */

static void names_are_readable(void **state)
{
	X509 *x = plain();

	(void)state;
	read_it(x);
	assert_string_equal(info.subject, "C=TW, CN=王小明");
	assert_string_equal(info.holder, "王小明");
	assert_string_equal(info.issuer, "C=TW, O=行政院, OU=內政部憑證管理中心");
	assert_string_equal(info.issuer_name, "行政院 內政部憑證管理中心");
	assert_string_equal(info.serial, "1234AB");
	assert_int_equal(strlen(info.sha256), 64);
}

static void absurd_names_are_bounded(void **state)
{
	static char text[4001];
	X509 *x = plain();

	(void)state;
	memset(text, 'x', sizeof text - 1);
	X509_NAME_ENTRY_free(X509_NAME_delete_entry(X509_get_subject_name(x), 1));
	assert_int_equal(X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_description, V_ASN1_UTF8STRING,
						    (unsigned char *)text, -1, -1, 0), 1);
	read_it(x);
	assert_true(strlen(info.subject) <= CERT_TEXT_MAX);
	assert_true(strlen(info.holder) <= CERT_TEXT_MAX);
	assert_non_null(strstr(info.subject, "xxx\xE2\x80\xA6"));
}

static void a_text_is_cut_between_characters(void **state)
{
	char text[CERT_TEXT_MAX + 30], *kept;

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		memset(text, 'a', sizeof text);
		for (size_t i = shift; i + 3 <= sizeof text; i += 3)
			memcpy(text + i, "王", 3);
		kept = cert_text(text, sizeof text);
		assert_non_null(kept);
		assert_true(strlen(kept) <= CERT_TEXT_MAX && strlen(kept) > CERT_TEXT_MAX - 6);
		assert_null(strstr(kept, "\xEF\xBF\xBD"));
		free(kept);
	}
}

static const char *ca_of(const char *organization, const char *unit, const char *cn)
{
	X509_NAME *name = X509_NAME_new();
	const char *ca;

	add_name(name, "C", "TW");
	if (organization)
		add_name(name, "O", organization);
	if (unit)
		add_name(name, "OU", unit);
	if (cn)
		add_name(name, "CN", cn);
	ca = cert_info_ca(name);
	X509_NAME_free(name);
	return ca;
}

static void cas_are_known_by_their_whole_names(void **state)
{
	(void)state;
	assert_string_equal(ca_of("行政院", "內政部憑證管理中心", NULL), "MOICA");
	assert_string_equal(ca_of("行政院", "工商憑證管理中心", NULL), "MOEACA");
	assert_string_equal(ca_of("行政院", "組織及團體憑證管理中心", NULL), "XCA");
	assert_string_equal(ca_of("行政院", "政府憑證管理中心", NULL), "GCA");
	assert_string_equal(ca_of("行政院", "醫事憑證管理中心", NULL), "HCA");
	assert_string_equal(ca_of("行政院", "政府測試憑證管理中心", NULL), "GTestCA");
	assert_string_equal(ca_of("Government Root Certification Authority", NULL, NULL), "GRCA");
	assert_string_equal(ca_of("行政院", NULL, "Government Root Certification Authority - G3"), "GRCA G3");
	assert_null(ca_of("行政院", "內政部憑證管理中心二", NULL));
	assert_null(ca_of("行政院", "部憑證管理中心", NULL));
	assert_null(ca_of("行政院", "內政部憑證管理中心", "x"));
	assert_null(ca_of("某公司", "內政部憑證管理中心", NULL));
	assert_null(ca_of(NULL, "內政部憑證管理中心", NULL));
	assert_null(ca_of("行政院", NULL, NULL));
}

static void a_second_unit_is_another_name(void **state)
{
	X509 *x = plain();

	(void)state;
	add_name(X509_get_issuer_name(x), "OU", "內政部憑證管理中心");
	read_it(x);
	assert_null(info.ca);
}

static void days_left_are_whole(void **state)
{
	static const struct {
		long until;
		enum cert_validity validity;
		long days;
	} rows[] = {
		{10 * DAY + 5, CERT_VALID, 10}, {DAY, CERT_VALID, 1}, {DAY - 1, CERT_VALID, 0}, {0, CERT_VALID, 0},
		{-1, CERT_EXPIRED, -1}, {-DAY, CERT_EXPIRED, -1}, {-DAY - 1, CERT_EXPIRED, -2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		X509 *x = plain();

		assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), NOW - 100 * DAY));
		assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), NOW + rows[i].until));
		read_it(x);
		assert_int_equal(info.validity, rows[i].validity);
		assert_int_equal(info.days_left, rows[i].days);
	}
}

static void a_certificate_of_tomorrow_is_not_yet_valid(void **state)
{
	X509 *x = plain();

	(void)state;
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), NOW + 1));
	read_it(x);
	assert_int_equal(info.validity, CERT_NOT_YET_VALID);
}

static void dates_that_are_none_are_said(void **state)
{
	X509 *x = plain();
	struct json_object *json;

	(void)state;
	assert_int_equal(ASN1_STRING_set(X509_getm_notAfter(x), "99999999", 8), 1);
	read_it(x);
	assert_int_equal(info.validity, CERT_NO_VALIDITY);
	json = cert_info_json(&info);
	assert_null(json_object_object_get(json, "days_left"));
	assert_null(json_object_object_get(json, "not_after"));
	json_object_put(json);
}

static void usage_is_told_in_words(void **state)
{
	static const struct {
		const char *usage, *constraints, *words;
	} rows[] = {
		{"digitalSignature", NULL, "signature"},
		{"keyEncipherment,dataEncipherment", NULL, "encryption"},
		{"nonRepudiation,keyEncipherment", NULL, "signature, encryption"},
		{"keyCertSign,cRLSign", "CA:TRUE", "CA"},
		{"keyAgreement", NULL, ""},
	};
	char words[CERT_USAGE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		X509 *x = plain();

		add_extension(x, NID_key_usage, rows[i].usage);
		if (rows[i].constraints)
			add_extension(x, NID_basic_constraints, rows[i].constraints);
		read_it(x);
		cert_info_usage(&info, words);
		assert_string_equal(words, rows[i].words);
	}
}

static const char *json_text(struct json_object *json, const char *name)
{
	return json_object_get_string(json_object_object_get(json, name));
}

static void json_has_the_same(void **state)
{
	struct der d = {.len = 0};
	struct json_object *json;

	(void)state;
	put_oid_value(&d, OID_TYPE, "2.16.886.1.100.3.1.1");
	put_text(&d, OID_RANK, PRINTABLE, "primary", 7);
	put_text(&d, OID_LAST4, PRINTABLE, "6789", 4);
	read_attributes(&d);
	json = cert_info_json(&info);
	assert_non_null(json);
	assert_string_equal(json_text(json, "holder"), "王小明");
	assert_string_equal(json_text(json, "ca"), "MOICA");
	assert_string_equal(json_text(json, "validity"), "valid");
	assert_int_equal(json_object_get_int(json_object_object_get(json, "days_left")), 10);
	assert_string_equal(json_text(json, "not_after"), "2027-01-25T08:00:05Z");
	assert_string_equal(json_text(json, "subject_type"), "natural-person");
	assert_string_equal(json_text(json, "rank"), "primary");
	assert_string_equal(json_text(json, "id_last4"), "6789");
	assert_null(json_object_object_get(json, "card_number"));
	assert_true(json_object_object_get_ex(json, "card_number", NULL));
	json_object_put(json);
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

static int group_setup(void **state)
{
	(void)state;
	key = EVP_RSA_gen(2048);
	return key ? 0 : -1;
}

static int group_teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_attributes_are_read),
		TEST(every_subject_type_has_a_word),
		TEST(a_type_that_is_not_known_stays_a_number),
		TEST(an_organization_may_be_a_text),
		TEST(a_rank_is_a_whole_word),
		TEST(no_attributes_are_no_error),
		TEST(what_is_too_long_is_not_there),
		TEST(an_absurd_oid_is_not_there),
		TEST(other_types_are_not_taken),
		TEST(an_empty_value_is_not_there),
		TEST(the_first_value_counts),
		TEST(nothing_reaches_a_terminal_as_it_is),
		TEST(an_extension_that_is_none_is_said),
		TEST(names_are_readable),
		TEST(absurd_names_are_bounded),
		TEST(a_text_is_cut_between_characters),
		TEST(cas_are_known_by_their_whole_names),
		TEST(a_second_unit_is_another_name),
		TEST(days_left_are_whole),
		TEST(a_certificate_of_tomorrow_is_not_yet_valid),
		TEST(dates_that_are_none_are_said),
		TEST(usage_is_told_in_words),
		TEST(json_has_the_same),
	};

	return cmocka_run_group_tests_name("cert_info", tests, group_setup, group_teardown);
}
