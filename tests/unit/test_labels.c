/* labels = holder: objects that are named by their holder and what they are for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "apdu/buffer.h"
#include "gen2card.h"
#include "src/object/label.h"

#define HOLDER "王小明"
#define SIGNS HOLDER " 簽章"
#define ENCRYPTS HOLDER " 加密"
#define CDF "3F00/5030/4104"
#define PUKDF "3F00/5030/4101"

/* ---- labels of names ---- */

struct part {
	int nid;
	const char *value;
	int len; /* -1: a text */
	int type;
};

#define PARTS_MAX 4

/* The label that a subject of these parts makes, or "" for none; valid until the next call. */
static const char *label_of(const struct part *parts, unsigned uses)
{
	struct buffer subject = BUFFER_INIT, out = BUFFER_INIT;
	X509_NAME *name = X509_NAME_new();
	unsigned char *der = NULL;
	static char text[600];
	enum result r;
	int len;

	for (size_t i = 0; i < PARTS_MAX && parts[i].nid; i++)
		assert_int_equal(X509_NAME_add_entry_by_NID(name, parts[i].nid, parts[i].type,
							    (const unsigned char *)parts[i].value,
							    parts[i].len, -1, 0),
				 1);
	len = i2d_X509_NAME(name, &der);
	assert_int_equal(buffer_append(&subject, der, (size_t)len), RESULT_OK);
	r = label_make(&subject, uses, &out);
	assert_true(r == RESULT_OK || (r == RESULT_NOT_FOUND && !out.len));
	assert_true(out.len < sizeof text);
	if (out.len)
		memcpy(text, out.data, out.len);
	text[out.len] = '\0';
	buffer_clear(&subject);
	buffer_clear(&out);
	X509_NAME_free(name);
	OPENSSL_free(der);
	return text;
}

#define UTF8(nid, text) {nid, text, -1, MBSTRING_UTF8}

static void a_person_is_named_by_the_common_name(void **state)
{
	const struct part person[PARTS_MAX] = {UTF8(NID_countryName, "TW"), UTF8(NID_commonName, HOLDER),
					       UTF8(NID_serialNumber, "0000000112345678")};

	(void)state;
	assert_string_equal(label_of(person, LABEL_SIGNS), SIGNS);
	assert_string_equal(label_of(person, LABEL_ENCRYPTS), ENCRYPTS);
	assert_string_equal(label_of(person, LABEL_SIGNS | LABEL_ENCRYPTS), HOLDER " 簽章 加密");
	assert_string_equal(label_of(person, 0), HOLDER);
}

static void others_are_named_by_their_last_unit_or_organization(void **state)
{
	const struct part company[PARTS_MAX] = {UTF8(NID_countryName, "TW"), UTF8(NID_localityName, "臺北市"),
						UTF8(NID_organizationName, "測試股份有限公司")};
	const struct part ca[PARTS_MAX] = {UTF8(NID_countryName, "TW"), UTF8(NID_organizationName, "行政院"),
					   UTF8(NID_organizationalUnitName, "內政部憑證管理中心")};

	(void)state;
	assert_string_equal(label_of(company, LABEL_SIGNS), "測試股份有限公司 簽章");
	assert_string_equal(label_of(ca, 0), "內政部憑證管理中心");
}

static void other_encodings_of_a_name_become_utf8(void **state)
{
	const struct part latin[PARTS_MAX] = {{NID_commonName, "Ren\xE9", 4, V_ASN1_T61STRING}};
	const struct part wide[PARTS_MAX] = {
		{NID_commonName, "\x73\x8B\x5C\x0F\x66\x0E", 6, V_ASN1_BMPSTRING}};

	(void)state;
	assert_string_equal(label_of(latin, 0), "René");
	assert_string_equal(label_of(wide, LABEL_SIGNS), SIGNS);
}

static void what_could_deceive_is_no_name(void **state)
{
	static char long_name[301];
	const struct part bad[][PARTS_MAX] = {
		{{0, NULL, 0, 0}},
		{UTF8(NID_countryName, "TW")},
		{{NID_commonName, "a\0b", 3, V_ASN1_UTF8STRING}},
		{{NID_commonName, "a\033[2Jb", 6, V_ASN1_UTF8STRING}},
		{{NID_commonName, "a\nb", 3, V_ASN1_UTF8STRING}},
		{{NID_commonName, "a\xE2\x80\xAE" "b", 5, V_ASN1_UTF8STRING}}, /* right to left */
		{{NID_commonName, long_name, 300, V_ASN1_UTF8STRING}},
	};

	(void)state;
	memset(long_name, 'x', sizeof long_name - 1);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (*label_of(bad[i], LABEL_SIGNS))
			fail_msg("subject %zu became a label", i);
}

static void what_is_no_subject_makes_no_label(void **state)
{
	static const struct {
		uint8_t bytes[16];
		size_t len;
	} bad[] = {
		{{0}, 0},
		{{0x30, 0x03, 0x02, 0x01, 0x00}, 5},
		{{0x30, 0x00, 0x00}, 3}, /* and more behind it */
		{{0x30, 0x0D, 0x31, 0x0B, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, 0x02, 0xC3, 0x28},
		 15}, /* a common name that is no UTF-8 */
	};
	struct buffer out = BUFFER_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct buffer subject = BUFFER_INIT;

		assert_int_equal(buffer_append(&subject, bad[i].bytes, bad[i].len), RESULT_OK);
		assert_int_equal(label_make(&subject, LABEL_SIGNS, &out), RESULT_NOT_FOUND);
		assert_int_equal(out.len, 0);
		buffer_clear(&subject);
	}
}

/* ---- objects of a card ---- */

static void assert_label(CK_OBJECT_HANDLE object, const char *wanted)
{
	char label[200];
	size_t len = get_attribute(bench.session, object, CKA_LABEL, label, sizeof label - 1);

	label[len] = '\0';
	assert_string_equal(label, wanted);
}

static void assert_labels(CK_OBJECT_CLASS klass, const char *id, const char *wanted)
{
	assert_label(find_one(bench.session, klass, id), wanted);
}

static void begin_with(const char *settings)
{
	char text[2000];

	if (C_Finalize(NULL) != CKR_OK)
		fail_msg("C_Finalize failed");
	snprintf(text, sizeof text, "keyset-dir = %s\n%s", home_path("keysets"), settings);
	home_write("labels.conf", text, 0600);
	setenv("TWCARD_CONF", home_path("labels.conf"), 1);
	module_start();
	bench.slot = slot_of(READER);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
}

static int setup_gen1(void **state)
{
	home_make();
	bench_setup(state);
	begin_with("cache = no\nlabels = holder\n");
	return 0;
}

static int setup_gen2(void **state)
{
	gen2_setup(state);
	begin_with("cache = no\nlabels = holder\n");
	return 0;
}

static void objects_are_named_by_holder_and_use(void **state)
{
	(void)state;
	assert_labels(CKO_PRIVATE_KEY, "SIGN", SIGNS);
	assert_labels(CKO_PRIVATE_KEY, "KEYX", ENCRYPTS);
	assert_labels(CKO_CERTIFICATE, "SIGN", SIGNS);
	assert_labels(CKO_CERTIFICATE, "KEYX", ENCRYPTS);
	assert_labels(CKO_PUBLIC_KEY, "SIGN", SIGNS);
	assert_labels(CKO_PUBLIC_KEY, "KEYX", ENCRYPTS);
}

static void a_ca_is_named_and_has_no_use(void **state)
{
	(void)state;
	assert_labels(CKO_CERTIFICATE, "CACert", "內政部憑證管理中心");
	assert_labels(CKO_CERTIFICATE, "ROOTCACert", "Government Root Certification Authority");
}

static void what_has_no_certificate_keeps_the_cards_label(void **state)
{
	CK_OBJECT_HANDLE data[8];
	char label[64];

	(void)state;
	assert_labels(CKO_PRIVATE_KEY, "SIGN02", "k3");
	assert_labels(CKO_PUBLIC_KEY, "SIGN02", "k3");
	assert_true(find_class(bench.session, CKO_DATA, data, COUNT(data)) > 0);
	label[get_attribute(bench.session, data[0], CKA_LABEL, label, sizeof label - 1)] = '\0';
	assert_string_equal(label, "data1");
}

static void objects_are_found_by_that_label_and_by_no_other(void **state)
{
	CK_ATTRIBUTE signs[] = {TEXT_ATTRIBUTE(CKA_LABEL, SIGNS)};
	CK_ATTRIBUTE card[] = {TEXT_ATTRIBUTE(CKA_LABEL, "k1")};
	CK_OBJECT_HANDLE found[16];

	(void)state;
	assert_int_equal(find_objects(bench.session, signs, 1, found, COUNT(found)), 3);
	assert_int_equal(find_objects(bench.session, card, 1, found, COUNT(found)), 0);
}

/* The order in which they are asked for must not matter. */
static void a_key_that_is_asked_first_has_its_name(void **state)
{
	(void)state;
	assert_labels(CKO_PUBLIC_KEY, "KEYX", ENCRYPTS);
	assert_labels(CKO_CERTIFICATE, "SIGN", SIGNS);
}

/* A session object has what its maker said. */
static void session_objects_keep_their_labels(void **state)
{
	CK_OBJECT_CLASS klass = CKO_DATA;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass}, TEXT_ATTRIBUTE(CKA_LABEL, "mine")};
	CK_OBJECT_HANDLE object;

	(void)state;
	assert_int_equal(C_CreateObject(bench.session, template, COUNT(template), &object), CKR_OK);
	assert_label(object, "mine");
}

static void a_directory_that_is_not_there_costs_the_use_only(void **state)
{
	(void)state;
	assert_int_equal(C_Finalize(NULL), CKR_OK);
	assert_true(vcard_file_delete(bench.card, PUKDF));
	assert_int_equal(C_Initialize(NULL), CKR_OK);
	begin_with("cache = no\nlabels = holder\n");
	assert_labels(CKO_CERTIFICATE, "SIGN", HOLDER);
	assert_labels(CKO_PRIVATE_KEY, "SIGN", SIGNS);
}

static void a_damaged_directory_is_left_out_and_not_read_again(void **state)
{
	static const uint8_t damaged[] = {0x30, 0x20, 0x02, 0x01, 0x05};
	CK_OBJECT_HANDLE key, certificate;
	unsigned before;

	(void)state;
	assert_int_equal(C_Finalize(NULL), CKR_OK);
	assert_true(vcard_file_put(bench.card, PUKDF, damaged, sizeof damaged));
	assert_int_equal(C_Initialize(NULL), CKR_OK);
	begin_with("cache = no\nlabels = holder\n");
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	certificate = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	assert_label(key, SIGNS);
	before = fake_commands(READER);
	assert_label(key, SIGNS);
	assert_label(certificate, HOLDER);
	assert_int_equal(fake_commands(READER), before);
}

static void without_certificates_keys_keep_the_cards_labels(void **state)
{
	(void)state;
	assert_int_equal(C_Finalize(NULL), CKR_OK);
	assert_true(vcard_file_delete(bench.card, CDF));
	assert_int_equal(C_Initialize(NULL), CKR_OK);
	begin_with("cache = no\nlabels = holder\n");
	assert_labels(CKO_PRIVATE_KEY, "SIGN", "k1");
}

static void by_default_labels_are_the_cards(void **state)
{
	(void)state;
	begin_with("cache = no\n");
	assert_labels(CKO_PRIVATE_KEY, "KEYX", "k1");
	assert_labels(CKO_CERTIFICATE, "SIGN", "cert1");
	begin_with("cache = no\nlabels = card\n");
	assert_labels(CKO_CERTIFICATE, "SIGN", "cert1");
}

/* It costs the reading of two directories once, and nothing where a program reads them anyway. */
static void names_are_made_of_what_is_read_once(void **state)
{
	CK_OBJECT_HANDLE key, certificate;
	unsigned before;

	(void)state;
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	certificate = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	assert_label(certificate, SIGNS);
	before = fake_commands(READER);
	assert_label(certificate, SIGNS);
	assert_label(key, SIGNS);
	assert_labels(CKO_CERTIFICATE, "CACert", "內政部憑證管理中心");
	assert_int_equal(fake_commands(READER), before);
}

static CK_OBJECT_HANDLE key_of_a_new_session(void)
{
	begin_with("cache = no\nlabels = holder\n");
	return find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
}

/* One answer goes wrong while the names are read: the label is right or an error, and right after it. */
static void ask_with_a_fault(unsigned at, enum vcard_fault_kind kind, uint16_t sw)
{
	CK_OBJECT_HANDLE key = key_of_a_new_session();
	char label[200];
	CK_ATTRIBUTE a = {CKA_LABEL, label, sizeof label};
	CK_SESSION_INFO info;
	CK_RV rv;

	vcard_fault(bench.card, at, kind, sw);
	rv = C_GetAttributeValue(bench.session, key, &a, 1);
	vcard_fault(bench.card, 1, VCARD_FAULT_NONE, 0);
	if (rv == CKR_OK && (a.ulValueLen != strlen(SIGNS) || memcmp(label, SIGNS, a.ulValueLen) != 0))
		fail_msg("command %u, fault %d %04X: \"%.*s\"", at, (int)kind, sw, (int)a.ulValueLen, label);
	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_OK);
	if (info.state != CKS_RW_USER_FUNCTIONS)
		assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_labels(CKO_PRIVATE_KEY, "SIGN", SIGNS);
}

static void a_bad_moment_leaves_no_wrong_label(void **state)
{
	static const struct {
		enum vcard_fault_kind kind;
		uint16_t sw;
	} faults[] = {
		{VCARD_FAULT_GARBLE, 0}, {VCARD_FAULT_TRUNCATE, 0}, {VCARD_FAULT_STATUS, 0x6A82},
		{VCARD_FAULT_STATUS, 0x6982}, {VCARD_FAULT_STATUS, 0x6985}, {VCARD_FAULT_STATUS, 0x6F00},
		{VCARD_FAULT_STATUS, 0x6700}, {VCARD_FAULT_STATUS, 0x9000},
	};
	CK_OBJECT_HANDLE key = key_of_a_new_session();
	unsigned commands = fake_commands(READER);

	(void)state;
	assert_label(key, SIGNS);
	commands = fake_commands(READER) - commands;
	assert_true(commands > 2);
	for (size_t i = 0; i < COUNT(faults); i++)
		for (unsigned at = 1; at <= commands; at++)
			ask_with_a_fault(at, faults[i].kind, faults[i].sw);
}

static void another_card_has_its_own_names(void **state)
{
	(void)state;
	assert_labels(CKO_CERTIFICATE, "SIGN", SIGNS);
	fake_eject(READER);
	assert_true(vcard_file_delete(bench.card, PUKDF));
	fake_insert(READER, bench.card);
	bench.session = open_session(bench.slot);
	assert_labels(CKO_CERTIFICATE, "SIGN", HOLDER);
}

#define GEN1(f) cmocka_unit_test_setup_teardown(f, setup_gen1, bench_teardown)
#define BOTH(f) GEN1(f), cmocka_unit_test_setup_teardown(f, setup_gen2, gen2_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_person_is_named_by_the_common_name),
		cmocka_unit_test(others_are_named_by_their_last_unit_or_organization),
		cmocka_unit_test(other_encodings_of_a_name_become_utf8),
		cmocka_unit_test(what_could_deceive_is_no_name),
		cmocka_unit_test(what_is_no_subject_makes_no_label),
		BOTH(objects_are_named_by_holder_and_use),
		BOTH(a_ca_is_named_and_has_no_use),
		BOTH(what_has_no_certificate_keeps_the_cards_label),
		BOTH(objects_are_found_by_that_label_and_by_no_other),
		BOTH(a_key_that_is_asked_first_has_its_name),
		BOTH(session_objects_keep_their_labels),
		GEN1(a_directory_that_is_not_there_costs_the_use_only),
		GEN1(a_damaged_directory_is_left_out_and_not_read_again),
		GEN1(without_certificates_keys_keep_the_cards_labels),
		BOTH(by_default_labels_are_the_cards),
		BOTH(names_are_made_of_what_is_read_once),
		BOTH(a_bad_moment_leaves_no_wrong_label),
		GEN1(another_card_has_its_own_names),
	};

	return cmocka_run_group_tests_name("labels", tests, NULL, NULL);
}
