/*
 * Records of the data area as objects of Cryptoki, on both generations: seen
 * while somebody is logged in, looked at only by who could mean them, written
 * and deleted where that is allowed.
 */
#include <stdio.h>
#include <string.h>

#include "records.h"

static const CK_CERTIFICATE_TYPE x509_type = CKC_X_509;

/* ---- what they tell ---- */

static void tells_what_it_is(CK_OBJECT_HANDLE object, const struct records_file *file, const char *label)
{
	struct authz_parts parts;
	char day[9];
	struct tm tm;

	assert_int_equal(authz_parts_read(file->bytes, file->len, &parts), AUTHZ_GOOD);
	assert_int_equal(ck_ulong(bench.session, object, CKA_CLASS), CKO_CERTIFICATE);
	assert_int_equal(ck_ulong(bench.session, object, CKA_CERTIFICATE_TYPE), CKC_X_509_ATTR_CERT);
	records_assert_bytes(object, CKA_LABEL, label, strlen(label));
	records_assert_bytes(object, CKA_VALUE, file->bytes, file->len);
	records_assert_part(object, CKA_OWNER, &parts.holder);
	records_assert_part(object, CKA_AC_ISSUER, &parts.issuer);
	records_assert_part(object, CKA_SERIAL_NUMBER, &parts.serial);
	records_assert_part(object, CKA_ATTR_TYPES, &parts.types);
	gmtime_r(&parts.not_before, &tm);
	strftime(day, sizeof day, "%Y%m%d", &tm);
	records_assert_bytes(object, CKA_START_DATE, day, 8);
	assert_true(ck_bool(bench.session, object, CKA_TOKEN));
	assert_true(ck_bool(bench.session, object, CKA_PRIVATE));
	assert_true(ck_bool(bench.session, object, CKA_DESTROYABLE));
	assert_false(ck_bool(bench.session, object, CKA_MODIFIABLE));
	assert_false(ck_bool(bench.session, object, CKA_COPYABLE));
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_SUBJECT), CKR_ATTRIBUTE_TYPE_INVALID);
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_ID), CKR_ATTRIBUTE_TYPE_INVALID);
	authz_parts_clear(&parts);
}

static void a_certificate_and_its_record_tell_what_they_are(void **state)
{
	const struct records_file *files[] = {&records_ours, &records_foreign};
	CK_OBJECT_HANDLE made, record;

	(void)state;
	records_begin_fresh();
	for (size_t i = 0; i < COUNT(files); i++) {
		const char *label = i ? "SNO 1" : "SNO 77";

		/* without a label it is the one that authorizations have */
		assert_int_equal(records_create_certificate(files[i], i ? NULL : label, &made), CKR_OK);
		tells_what_it_is(made, files[i], label);
		records_begin();
		assert_int_equal(records_find_by_label(bench.session, &records_certificate_class, label, &made), 1);
		tells_what_it_is(made, files[i], label);
		assert_int_equal(records_find_by_label(bench.session, &records_data_class, label, &record), 1);
		records_assert_bytes(record, CKA_VALUE, files[i]->bytes, files[i]->len);
		records_assert_bytes(record, CKA_APPLICATION, "data area", 9);
		records_assert_bytes(record, CKA_OBJECT_ID, "", 0);
		assert_true(ck_bool(bench.session, record, CKA_PRIVATE));
		assert_true(ck_bool(bench.session, record, CKA_MODIFIABLE));
	}
	assert_int_equal(records_find_certificates(NULL), 2);
	assert_int_equal(records_create_data("SNO 5", 300, 1), CKR_OK);
	assert_int_equal(records_find_certificates(NULL), 2); /* that is none */
	assert_int_equal(records_create_data("SNO 10", 30, 2), CKR_OK);
	assert_true(records_has(bench.session, "SNO 10", 30, 2));
	records_begin();
	assert_true(records_has(bench.session, "SNO 5", 300, 1));
	assert_int_equal(records_find_certificates(NULL), 2);
}

static void they_are_seen_by_who_is_logged_in(void **state)
{
	CK_OBJECT_HANDLE before, record, after;
	size_t all;

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_certificate(&records_ours, NULL, &before), CKR_OK);
	all = records_find(bench.session, NULL, 0, NULL);
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 1", &record), 1);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_false(ck_exists(bench.session, before));
	assert_false(ck_exists(bench.session, record));
	assert_int_equal(records_find_certificates(NULL), 0);
	assert_int_equal(records_find(bench.session, NULL, 0, NULL), all - 2 - 3); /* and three private keys */
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_false(ck_exists(bench.session, before));
	assert_int_equal(records_find_certificates(&after), 1);
	assert_int_not_equal(after, before);
	assert_int_equal(records_find(bench.session, NULL, 0, NULL), all);
}
/* ---- what it costs ---- */

static void who_cannot_mean_them_pays_nothing(void **state)
{
	const CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY, public_key = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE searches[][3] = {
		{ONE(CKA_CLASS, private_key)},
		{ONE(CKA_CLASS, public_key)},
		{ONE(CKA_CLASS, records_certificate_class), ONE(CKA_CERTIFICATE_TYPE, x509_type)},
		{ONE(CKA_CLASS, records_certificate_class), BYTES_OF(CKA_ID, "SIGN", 4)},
		{ONE(CKA_CLASS, records_certificate_class), ONE(CKA_PRIVATE, records_no)},
		{ONE(CKA_CLASS, records_certificate_class), BYTES_OF(CKA_LABEL, "cert1", 5)},
		{ONE(CKA_CLASS, records_data_class), ONE(CKA_PRIVATE, records_no)},
		{ONE(CKA_CLASS, records_data_class), BYTES_OF(CKA_LABEL, "other", 5)},
		{ONE(CKA_CLASS, records_data_class), BYTES_OF(CKA_APPLICATION, "other", 5)},
		{ONE(CKA_TOKEN, records_no)},
	};

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_certificate(&records_ours, NULL, NULL), CKR_OK);
	areabench_again();
	records_find(bench.session, NULL, 0, NULL); /* all that is public */
	records_find(bench.session, searches[5], 2, NULL);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&area_spy);
	for (size_t i = 0; i < COUNT(searches); i++)
		assert_int_equal(records_costs(searches[i], searches[i][1].type ? 2 : 1), 0);
	assert_int_equal(area_spy.verifies, 0);
}

/* Numbers of docs/CRYPTOKI.md. */
static void looking_costs_once_for_a_login(void **state)
{
	CK_ATTRIBUTE data[] = {ONE(CKA_CLASS, records_data_class)};
	CK_ATTRIBUTE certificates[] = {ONE(CKA_CLASS, records_certificate_class)};
	unsigned index, values;

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_certificate(&records_ours, NULL, NULL), CKR_OK);
	assert_int_equal(records_create_data("SNO 9", 100, 1), CKR_OK);
	areabench_again();
	records_find(bench.session, NULL, 0, NULL);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&area_spy);
	index = records_costs(data, 1);
	values = records_costs(certificates, 1);
	print_message("# generation %d: %u commands for which records there are, %u for what is in two\n",
		      vcard_generation(bench.card), index, values);
	assert_in_range(index, 1, 12);
	assert_in_range(values, 1, 16);
	assert_int_equal(area_spy.verifies, 0);
	assert_int_equal(records_costs(data, 1) + records_costs(certificates, 1), 0);
	assert_int_equal(records_costs(NULL, 0), 0);
	assert_true(records_has(bench.session, "SNO 9", 100, 1));
	assert_int_equal(records_costs(NULL, 0), 0);
}

static void a_card_without_an_area_is_asked_once(void **state)
{
	unsigned first;

	(void)state;
	records_find(bench.session, NULL, 0, NULL);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&area_spy);
	first = records_costs(NULL, 0);
	print_message("# generation %d: %u commands on a card without an area\n",
		      vcard_generation(bench.card), first);
	assert_in_range(first, 1, 6);
	assert_int_equal(records_costs(NULL, 0), 0);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&area_spy);
	assert_int_equal(records_costs(NULL, 0), 0);
	assert_int_equal(area_spy.verifies, 0);
}

/* What a program costs that has looked at a certificate of the holder, and logs in. */
static unsigned costs_who_read_a_certificate(void)
{
	uint8_t der[4096];

	records_find(bench.session, NULL, 0, NULL);
	get_attribute(bench.session, find_one(bench.session, CKO_CERTIFICATE, "SIGN"), CKA_VALUE, der,
		      sizeof der);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&area_spy);
	return records_costs(NULL, 0);
}

static void a_card_that_is_no_attached_one_is_not_asked(void **state)
{
	(void)state;
	assert_int_equal(costs_who_read_a_certificate(), 0);
}

static void a_card_that_is_one_is_asked(void **state)
{
	const struct vcard_options options = {.generation = vcard_generation(bench.card),
					      .rank = VCARD_RANK_SECONDARY};
	struct vcard *before = bench.card;
	char error[200] = "";

	(void)state;
	if (!vcard_create(&options, &bench.card, error, sizeof error))
		fail_msg("no card: %s", error);
	areabench_again();
	vcard_free(&before);
	assert_in_range(costs_who_read_a_certificate(), 1, 6);
}

/* ---- who may ---- */

static void refused_everywhere(CK_RV rv)
{
	spy_watch(&area_spy);
	assert_int_equal(records_create_certificate(&records_ours, NULL, NULL), rv);
	assert_int_equal(records_create_data("SNO 2", 10, 1), rv);
	assert_int_equal(records_create_data("whatever", 10, 1), rv);
	assert_int_equal(area_spy.commands, 0);
}

static void without_leave_the_token_is_write_protected(void **state)
{
	CK_OBJECT_HANDLE record, certificate;

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_certificate(&records_ours, NULL, NULL), CKR_OK);
	areabench_configure("no", "");
	areabench_again();
	refused_everywhere(CKR_TOKEN_WRITE_PROTECTED);
	bench.session = records_rw_session();
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	refused_everywhere(CKR_TOKEN_WRITE_PROTECTED);
	assert_int_equal(records_find_certificates(&certificate), 1);
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 1", &record), 1);
	assert_false(ck_bool(bench.session, certificate, CKA_DESTROYABLE));
	assert_false(ck_bool(bench.session, record, CKA_MODIFIABLE));
	spy_watch(&area_spy);
	assert_int_equal(C_DestroyObject(bench.session, certificate), CKR_ACTION_PROHIBITED);
	assert_int_equal(C_DestroyObject(bench.session, record), CKR_ACTION_PROHIBITED);
	assert_int_equal(ck_set(bench.session, record, CKA_VALUE, "new", 3), CKR_ACTION_PROHIBITED);
	assert_int_equal(area_spy.commands, 0);
}

static void it_takes_a_login_and_a_session_that_may_write(void **state)
{
	CK_OBJECT_HANDLE record;
	CK_SESSION_HANDLE reading;

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_data("SNO 1", 10, 1), CKR_OK);
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 1", &record), 1);
	reading = records_session_with(0);
	spy_watch(&area_spy);
	assert_int_equal(records_create_data_in(reading, "SNO 2", 10, 1, NULL), CKR_SESSION_READ_ONLY);
	assert_int_equal(C_DestroyObject(reading, record), CKR_SESSION_READ_ONLY);
	assert_int_equal(ck_set(reading, record, CKA_VALUE, "new", 3), CKR_SESSION_READ_ONLY);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(records_create_data("SNO 2", 10, 1), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(C_DestroyObject(bench.session, record), CKR_OBJECT_HANDLE_INVALID);
	assert_int_equal(area_spy.commands, 0);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_true(records_has(bench.session, "SNO 1", 10, 1));
}

static void what_cannot_be_written_has_its_code(void **state)
{
	static const char *const labels[] = {"", "SNO", "SNO ", "SNO 0", "SNO 01", "SNO 4294967296", "SNO 1x",
					     "SNO -1", "sno 1", "SNO 99999999999999999999999"};
	CK_ATTRIBUTE other[] = {ONE(CKA_CLASS, records_data_class), ONE(CKA_TOKEN, records_yes), BYTES_OF(CKA_VALUE, "a", 1),
				BYTES_OF(CKA_LABEL, "SNO 3", 5), BYTES_OF(CKA_APPLICATION, "mine", 4)};
	CK_OBJECT_HANDLE made;

	(void)state;
	records_begin();
	assert_int_equal(records_create_data("SNO 1", 10, 1), CKR_TOKEN_WRITE_PROTECTED); /* not activated */
	records_begin_fresh();
	for (size_t i = 0; i < COUNT(labels); i++)
		assert_int_equal(records_create_data(labels[i], 10, 1), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(records_create_data("SNO 1", 0, 1), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(records_create_data("SNO 1", AREA_RECORD_MAX + 1, 1), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(C_CreateObject(bench.session, other, 5, &made), CKR_TEMPLATE_INCONSISTENT);
	assert_int_equal(C_CreateObject(bench.session, other, 3, &made), CKR_TEMPLATE_INCOMPLETE);
	other[4] = (CK_ATTRIBUTE)ONE(CKA_PRIVATE, records_no);
	assert_int_equal(C_CreateObject(bench.session, other, 5, &made), CKR_TEMPLATE_INCONSISTENT);
	other[4] = (CK_ATTRIBUTE)BYTES_OF(CKA_ID, "1", 1);
	assert_int_equal(C_CreateObject(bench.session, other, 5, &made), CKR_ATTRIBUTE_TYPE_INVALID);
	/* a boolean of two bytes; a length and no bytes; no value at all */
	other[4] = (CK_ATTRIBUTE)BYTES_OF(CKA_PRIVATE, "\1\1", 2);
	assert_int_equal(C_CreateObject(bench.session, other, 5, &made), CKR_ATTRIBUTE_VALUE_INVALID);
	other[3] = (CK_ATTRIBUTE){CKA_LABEL, NULL, 5};
	assert_int_equal(C_CreateObject(bench.session, other, 4, &made), CKR_ARGUMENTS_BAD);
	other[2] = (CK_ATTRIBUTE)BYTES_OF(CKA_LABEL, "SNO 3", 5);
	assert_int_equal(C_CreateObject(bench.session, other, 3, &made), CKR_TEMPLATE_INCOMPLETE);
	/* wherever in the template it stands */
	assert_int_equal(C_CreateObject(bench.session, (CK_ATTRIBUTE[]){BYTES_OF(CKA_PRIVATE, "\1\1", 2), other[0], other[1], other[2],
									BYTES_OF(CKA_VALUE, "a", 1)}, 5, &made), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 3", NULL), 0);
	assert_int_equal(records_create_data("SNO 2", AREA_RECORD_MAX, 2), CKR_OK);
	assert_true(records_has(bench.session, "SNO 2", AREA_RECORD_MAX, 2));
	assert_int_equal(records_create_data("SNO 4294967295", 10, 1), CKR_OK);
	assert_int_equal(records_create_data("SNO 4294967295", 10, 2), CKR_FUNCTION_REJECTED);
	assert_true(records_has(bench.session, "SNO 4294967295", 10, 1));
}

static void a_certificate_must_be_one(void **state)
{
	CK_ATTRIBUTE template[] = {ONE(CKA_CLASS, records_certificate_class), ONE(CKA_CERTIFICATE_TYPE, records_attribute_type),
				   ONE(CKA_TOKEN, records_yes), BYTES_OF(CKA_VALUE, records_ours.bytes, records_ours.len),
				   BYTES_OF(CKA_OWNER, "0", 1)};
	struct records_file broken = records_ours;
	CK_OBJECT_HANDLE made;

	(void)state;
	records_begin_fresh();
	spy_watch(&area_spy);
	assert_int_equal(C_CreateObject(bench.session, template, 4, &made), CKR_TEMPLATE_INCOMPLETE);
	assert_int_equal(C_CreateObject(bench.session, template, 5, &made), CKR_TEMPLATE_INCONSISTENT);
	broken.bytes[0] ^= 1;
	template[3].pValue = broken.bytes;
	assert_int_equal(C_CreateObject(bench.session, template, 5, &made), CKR_TEMPLATE_INCONSISTENT);
	assert_int_equal(area_spy.commands, 0);
	template[1] = (CK_ATTRIBUTE)ONE(CKA_CERTIFICATE_TYPE, x509_type);
	assert_int_equal(C_CreateObject(bench.session, template, 5, &made), CKR_TOKEN_WRITE_PROTECTED);
}

static void a_full_area_is_told(void **state)
{
	char label[20];
	unsigned n = 0;
	CK_RV rv = CKR_OK;

	(void)state;
	records_begin_fresh();
	while (rv == CKR_OK && n < 30) {
		snprintf(label, sizeof label, "SNO %u", ++n);
		rv = records_create_data(label, 2000, n);
	}
	assert_int_equal(rv, CKR_DEVICE_MEMORY);
	assert_in_range(n, 3, 9);
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, label, NULL), 0);
	for (unsigned i = 1; i < n; i++) {
		snprintf(label, sizeof label, "SNO %u", i);
		assert_true(records_has(bench.session, label, 2000, i));
	}
}

/* ---- what changes ---- */

static void all_sessions_see_what_changed(void **state)
{
	CK_OBJECT_HANDLE certificate, record, seen;
	CK_SESSION_HANDLE other;
	CK_ULONG size;

	(void)state;
	records_begin_fresh();
	other = open_session(bench.slot);
	assert_int_equal(records_find_by_label(other, &records_data_class, "SNO 1", NULL), 0);
	assert_int_equal(records_create_certificate(&records_ours, NULL, &certificate), CKR_OK);
	assert_int_equal(records_find_by_label(other, &records_data_class, "SNO 1", &record), 1);
	assert_int_equal(records_find_by_label(other, &records_certificate_class, "SNO 1", &seen), 1);
	assert_int_equal(seen, certificate);
	assert_int_equal(C_GetObjectSize(other, record, &size), CKR_OK);
	assert_in_range(size, records_ours.len, records_ours.len + 100);
	assert_int_equal(C_CopyObject(bench.session, record, NULL, 0, &seen), CKR_ACTION_PROHIBITED);
	/* another value: the record stays what it is, the certificate goes */
	assert_int_equal(ck_set(bench.session, record, CKA_LABEL, "SNO 2", 5), CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(ck_set(bench.session, certificate, CKA_VALUE, "new", 3), CKR_ACTION_PROHIBITED);
	assert_int_equal(ck_set(bench.session, record, CKA_VALUE, "new", 3), CKR_OK);
	assert_false(ck_exists(other, certificate));
	records_assert_bytes(record, CKA_VALUE, "new", 3);
	assert_int_equal(ck_set(bench.session, record, CKA_VALUE, records_foreign.bytes, records_foreign.len), CKR_OK);
	assert_int_equal(records_find_by_label(other, &records_certificate_class, "SNO 1", &certificate), 1);
	records_assert_bytes(certificate, CKA_VALUE, records_foreign.bytes, records_foreign.len);
	/* with one of the two both go */
	assert_int_equal(C_DestroyObject(bench.session, certificate), CKR_OK);
	assert_false(ck_exists(other, certificate));
	assert_false(ck_exists(other, record));
	assert_int_equal(C_DestroyObject(bench.session, record), CKR_OBJECT_HANDLE_INVALID);
	records_begin();
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 1", NULL), 0);
}
/* ---- of a session ---- */

static void a_session_may_have_one_of_its_own(void **state)
{
	CK_ATTRIBUTE template[] = {ONE(CKA_CLASS, records_certificate_class), ONE(CKA_CERTIFICATE_TYPE, records_attribute_type),
				   BYTES_OF(CKA_OWNER, "owner", 5), BYTES_OF(CKA_VALUE, "value", 5),
				   BYTES_OF(CKA_SERIAL_NUMBER, "serial", 6)};
	CK_ATTRIBUTE wanted[] = {BYTES_OF(CKA_OWNER, "owner", 5)};
	CK_OBJECT_HANDLE made, found;

	(void)state;
	spy_watch(&area_spy);
	made = ck_create(bench.session, template, COUNT(template));
	assert_int_equal(records_find(bench.session, wanted, 1, &found), 1);
	assert_int_equal(found, made);
	records_assert_bytes(made, CKA_SERIAL_NUMBER, "serial", 6);
	records_assert_bytes(made, CKA_AC_ISSUER, "", 0);
	assert_int_equal(ck_attribute_rv(bench.session, made, CKA_SUBJECT), CKR_ATTRIBUTE_TYPE_INVALID);
	assert_int_equal(ck_set(bench.session, made, CKA_LABEL, "label", 5), CKR_OK);
	assert_int_equal(ck_set(bench.session, made, CKA_OWNER, "other", 5), CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(C_DestroyObject(bench.session, made), CKR_OK);
	assert_int_equal(ck_try_create(bench.session, template, 2, &made), CKR_TEMPLATE_INCOMPLETE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AREABENCH_TESTS(a_certificate_and_its_record_tell_what_they_are),
		AREABENCH_TESTS(they_are_seen_by_who_is_logged_in),
		AREABENCH_TESTS(who_cannot_mean_them_pays_nothing),
		AREABENCH_TESTS(looking_costs_once_for_a_login),
		AREABENCH_TESTS(a_card_without_an_area_is_asked_once),
		AREABENCH_TESTS(a_card_that_is_no_attached_one_is_not_asked),
		AREABENCH_TESTS(a_card_that_is_one_is_asked),
		AREABENCH_TESTS(without_leave_the_token_is_write_protected),
		AREABENCH_TESTS(it_takes_a_login_and_a_session_that_may_write),
		AREABENCH_TESTS(what_cannot_be_written_has_its_code),
		AREABENCH_TESTS(a_certificate_must_be_one),
		AREABENCH_TESTS(a_full_area_is_told),
		AREABENCH_TESTS(all_sessions_see_what_changed),
		AREABENCH_TESTS(a_session_may_have_one_of_its_own),
	};

	return cmocka_run_group_tests_name("records as objects", tests, records_load_files, NULL);
}
