/*
 * Records of the data area as objects of Cryptoki, on both generations: seen
 * while somebody is logged in, looked at only by who could mean them, written
 * and deleted where that is allowed; and whatever happens meanwhile, the old
 * or the new one is on the card.
 */
#include <stdio.h>
#include <string.h>

#include "areabench.h"
#include "authz/twcard-authz.h"
#include "ck_objects.h"

#define OBJECTS 40

static const CK_OBJECT_CLASS certificate_class = CKO_CERTIFICATE, data_class = CKO_DATA;
static const CK_CERTIFICATE_TYPE attribute_type = CKC_X_509_ATTR_CERT, x509_type = CKC_X_509;
static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

#define ONE(type, value) {(type), (void *)&(value), sizeof(value)}

/* ---- certificates that others made, once ---- */

struct file {
	uint8_t bytes[AREA_RECORD_MAX];
	size_t len;
};

static struct file ours, foreign;

static void load(const char *name, struct file *out)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof path, "%s/tests/fuzz/corpus/authz/%s", TOPSRC, name);
	file = fopen(path, "rbe");
	assert_non_null(file);
	out->len = fread(out->bytes, 1, sizeof out->bytes, file);
	fclose(file);
	assert_in_range(out->len, 100, sizeof out->bytes - 1);
}

static int load_files(void **state)
{
	(void)state;
	load("applications", &ours);
	load("another-program", &foreign);
	return 0;
}

/* ---- making and finding ---- */

static CK_SESSION_HANDLE session_with(CK_FLAGS flags)
{
	CK_SESSION_HANDLE session;

	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION | flags, NULL, NULL, &session), CKR_OK);
	return session;
}

static CK_SESSION_HANDLE rw_session(void)
{
	return session_with(CKF_RW_SESSION);
}

/* The bench's session becomes one that may write, with a login. */
static void begin(void)
{
	areabench_login();
	bench.session = rw_session();
}

static void begin_fresh(void)
{
	areabench_fresh();
	bench.session = rw_session();
}

static CK_RV create_certificate(const struct file *file, const char *label, CK_OBJECT_HANDLE *out)
{
	struct authz_parts parts;
	CK_OBJECT_HANDLE ignored;
	CK_RV rv;

	assert_int_equal(authz_parts_read(file->bytes, file->len, &parts), AUTHZ_GOOD);
	{
		CK_ATTRIBUTE template[] = {ONE(CKA_CLASS, certificate_class),
					   ONE(CKA_CERTIFICATE_TYPE, attribute_type),
					   ONE(CKA_TOKEN, yes),
					   BYTES_OF(CKA_VALUE, file->bytes, file->len),
					   BYTES_OF(CKA_OWNER, parts.holder.bytes, parts.holder.len),
					   BYTES_OF(CKA_LABEL, label, label ? strlen(label) : 0)};

		rv = C_CreateObject(bench.session, template, COUNT(template) - !label, out ? out : &ignored);
	}
	authz_parts_clear(&parts);
	return rv;
}

static CK_RV create_data_in(CK_SESSION_HANDLE session, const char *label, size_t len, unsigned seed,
			    CK_OBJECT_HANDLE *out)
{
	static uint8_t bytes[AREA_RECORD_MAX + 1];
	CK_OBJECT_HANDLE ignored;
	CK_ATTRIBUTE template[] = {ONE(CKA_CLASS, data_class), ONE(CKA_TOKEN, yes), ONE(CKA_PRIVATE, yes),
				   BYTES_OF(CKA_LABEL, label, strlen(label)), BYTES_OF(CKA_VALUE, bytes, len)};

	areacard_fill(bytes, len, seed);
	return C_CreateObject(session, template, COUNT(template), out ? out : &ignored);
}

static CK_RV create_data(const char *label, size_t len, unsigned seed)
{
	return create_data_in(bench.session, label, len, seed, NULL);
}

/* How many objects match; the first is in *out, if there is one. */
static size_t find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *out)
{
	CK_OBJECT_HANDLE objects[OBJECTS];
	size_t n = find_objects(session, template, count, objects, COUNT(objects));

	if (out)
		*out = n ? objects[0] : CK_INVALID_HANDLE;
	return n;
}

static size_t find_by_label(CK_SESSION_HANDLE session, const CK_OBJECT_CLASS *klass, const char *label,
			    CK_OBJECT_HANDLE *out)
{
	CK_ATTRIBUTE template[] = {BYTES_OF(CKA_CLASS, klass, sizeof *klass),
				   BYTES_OF(CKA_LABEL, label, strlen(label))};

	return find(session, template, COUNT(template), out);
}

static size_t find_certificates(CK_OBJECT_HANDLE *out)
{
	CK_ATTRIBUTE template[] = {ONE(CKA_CERTIFICATE_TYPE, attribute_type)};

	return find(bench.session, template, COUNT(template), out);
}

static bool has(CK_SESSION_HANDLE session, const char *label, size_t len, unsigned seed)
{
	static uint8_t want[AREA_RECORD_MAX], got[AREA_RECORD_MAX];
	CK_OBJECT_HANDLE object;
	size_t n;

	if (find_by_label(session, &data_class, label, &object) != 1)
		return false;
	n = get_attribute(session, object, CKA_VALUE, got, sizeof got);
	areacard_fill(want, len, seed);
	return n == len && memcmp(got, want, len) == 0;
}

static void assert_bytes(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *bytes, size_t len)
{
	uint8_t got[AREA_RECORD_MAX];

	assert_int_equal(get_attribute(bench.session, object, type, got, sizeof got), len);
	assert_memory_equal(got, bytes, len);
}

static void assert_part(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const struct authz_part *part)
{
	CK_ATTRIBUTE template[] = {BYTES_OF(type, part->bytes, part->len)};
	CK_OBJECT_HANDLE found[OBJECTS];
	size_t n = find_objects(bench.session, template, 1, found, COUNT(found));

	assert_bytes(object, type, part->bytes, part->len);
	while (n && found[n - 1] != object)
		n--;
	assert_true(n > 0);
}

/* ---- what they tell ---- */

static void tells_what_it_is(CK_OBJECT_HANDLE object, const struct file *file, const char *label)
{
	struct authz_parts parts;
	char day[9];
	struct tm tm;

	assert_int_equal(authz_parts_read(file->bytes, file->len, &parts), AUTHZ_GOOD);
	assert_int_equal(ck_ulong(bench.session, object, CKA_CLASS), CKO_CERTIFICATE);
	assert_int_equal(ck_ulong(bench.session, object, CKA_CERTIFICATE_TYPE), CKC_X_509_ATTR_CERT);
	assert_bytes(object, CKA_LABEL, label, strlen(label));
	assert_bytes(object, CKA_VALUE, file->bytes, file->len);
	assert_part(object, CKA_OWNER, &parts.holder);
	assert_part(object, CKA_AC_ISSUER, &parts.issuer);
	assert_part(object, CKA_SERIAL_NUMBER, &parts.serial);
	assert_part(object, CKA_ATTR_TYPES, &parts.types);
	gmtime_r(&parts.not_before, &tm);
	strftime(day, sizeof day, "%Y%m%d", &tm);
	assert_bytes(object, CKA_START_DATE, day, 8);
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
	const struct file *files[] = {&ours, &foreign};
	CK_OBJECT_HANDLE made, record;

	(void)state;
	begin_fresh();
	for (size_t i = 0; i < COUNT(files); i++) {
		const char *label = i ? "SNO 1" : "SNO 77";

		/* without a label it is the one that authorizations have */
		assert_int_equal(create_certificate(files[i], i ? NULL : label, &made), CKR_OK);
		tells_what_it_is(made, files[i], label);
		begin();
		assert_int_equal(find_by_label(bench.session, &certificate_class, label, &made), 1);
		tells_what_it_is(made, files[i], label);
		assert_int_equal(find_by_label(bench.session, &data_class, label, &record), 1);
		assert_bytes(record, CKA_VALUE, files[i]->bytes, files[i]->len);
		assert_bytes(record, CKA_APPLICATION, "data area", 9);
		assert_bytes(record, CKA_OBJECT_ID, "", 0);
		assert_true(ck_bool(bench.session, record, CKA_PRIVATE));
		assert_true(ck_bool(bench.session, record, CKA_MODIFIABLE));
	}
	assert_int_equal(find_certificates(NULL), 2);
	assert_int_equal(create_data("SNO 5", 300, 1), CKR_OK);
	assert_int_equal(find_certificates(NULL), 2); /* that is none */
	begin();
	assert_true(has(bench.session, "SNO 5", 300, 1));
	assert_int_equal(find_certificates(NULL), 2);
}

static void they_are_seen_by_who_is_logged_in(void **state)
{
	CK_OBJECT_HANDLE before, record, after;
	size_t all;

	(void)state;
	begin_fresh();
	assert_int_equal(create_certificate(&ours, NULL, &before), CKR_OK);
	all = find(bench.session, NULL, 0, NULL);
	assert_int_equal(find_by_label(bench.session, &data_class, "SNO 1", &record), 1);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_false(ck_exists(bench.session, before));
	assert_false(ck_exists(bench.session, record));
	assert_int_equal(find_certificates(NULL), 0);
	assert_int_equal(find(bench.session, NULL, 0, NULL), all - 2 - 3); /* and three private keys */
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_false(ck_exists(bench.session, before));
	assert_int_equal(find_certificates(&after), 1);
	assert_int_not_equal(after, before);
	assert_int_equal(find(bench.session, NULL, 0, NULL), all);
}

/* ---- what it costs ---- */

static unsigned costs(CK_ATTRIBUTE *template, CK_ULONG count)
{
	unsigned before = area_spy.commands;

	find(bench.session, template, count, NULL);
	return area_spy.commands - before;
}

static void who_cannot_mean_them_pays_nothing(void **state)
{
	const CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY, public_key = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE searches[][3] = {
		{ONE(CKA_CLASS, private_key)},
		{ONE(CKA_CLASS, public_key)},
		{ONE(CKA_CLASS, certificate_class), ONE(CKA_CERTIFICATE_TYPE, x509_type)},
		{ONE(CKA_CLASS, certificate_class), BYTES_OF(CKA_ID, "SIGN", 4)},
		{ONE(CKA_CLASS, certificate_class), ONE(CKA_PRIVATE, no)},
		{ONE(CKA_CLASS, certificate_class), BYTES_OF(CKA_LABEL, "cert1", 5)},
		{ONE(CKA_CLASS, data_class), ONE(CKA_PRIVATE, no)},
		{ONE(CKA_CLASS, data_class), BYTES_OF(CKA_LABEL, "other", 5)},
		{ONE(CKA_CLASS, data_class), BYTES_OF(CKA_APPLICATION, "other", 5)},
		{ONE(CKA_TOKEN, no)},
	};

	(void)state;
	begin_fresh();
	assert_int_equal(create_certificate(&ours, NULL, NULL), CKR_OK);
	areabench_again();
	find(bench.session, NULL, 0, NULL); /* all that is public */
	find(bench.session, searches[5], 2, NULL);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&area_spy);
	for (size_t i = 0; i < COUNT(searches); i++)
		assert_int_equal(costs(searches[i], searches[i][1].type ? 2 : 1), 0);
	assert_int_equal(area_spy.verifies, 0);
}

/* Numbers of docs/CRYPTOKI.md. */
static void looking_costs_once_for_a_login(void **state)
{
	CK_ATTRIBUTE data[] = {ONE(CKA_CLASS, data_class)};
	CK_ATTRIBUTE certificates[] = {ONE(CKA_CLASS, certificate_class)};
	unsigned index, values;

	(void)state;
	begin_fresh();
	assert_int_equal(create_certificate(&ours, NULL, NULL), CKR_OK);
	assert_int_equal(create_data("SNO 9", 100, 1), CKR_OK);
	areabench_again();
	find(bench.session, NULL, 0, NULL);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&area_spy);
	index = costs(data, 1);
	values = costs(certificates, 1);
	print_message("# generation %d: %u commands for which records there are, %u for what is in two\n",
		      vcard_generation(bench.card), index, values);
	assert_in_range(index, 1, 12);
	assert_in_range(values, 1, 16);
	assert_int_equal(area_spy.verifies, 0);
	assert_int_equal(costs(data, 1) + costs(certificates, 1), 0);
	assert_int_equal(costs(NULL, 0), 0);
	assert_true(has(bench.session, "SNO 9", 100, 1));
	assert_int_equal(costs(NULL, 0), 0);
}

static void a_card_without_an_area_is_asked_once(void **state)
{
	unsigned first;

	(void)state;
	find(bench.session, NULL, 0, NULL);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&area_spy);
	first = costs(NULL, 0);
	print_message("# generation %d: %u commands on a card without an area\n",
		      vcard_generation(bench.card), first);
	assert_in_range(first, 1, 6);
	assert_int_equal(costs(NULL, 0), 0);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&area_spy);
	assert_int_equal(costs(NULL, 0), 0);
	assert_int_equal(area_spy.verifies, 0);
}

static void a_card_that_is_no_attached_one_is_not_asked(void **state)
{
	uint8_t der[4096];

	(void)state;
	find(bench.session, NULL, 0, NULL);
	get_attribute(bench.session, find_one(bench.session, CKO_CERTIFICATE, "SIGN"), CKA_VALUE, der,
		      sizeof der);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	spy_watch(&area_spy);
	assert_int_equal(costs(NULL, 0), 0);
}

/* ---- who may ---- */

static void refused_everywhere(CK_RV rv)
{
	spy_watch(&area_spy);
	assert_int_equal(create_certificate(&ours, NULL, NULL), rv);
	assert_int_equal(create_data("SNO 2", 10, 1), rv);
	assert_int_equal(create_data("whatever", 10, 1), rv);
	assert_int_equal(area_spy.commands, 0);
}

static void without_leave_the_token_is_write_protected(void **state)
{
	CK_OBJECT_HANDLE record, certificate;

	(void)state;
	begin_fresh();
	assert_int_equal(create_certificate(&ours, NULL, NULL), CKR_OK);
	areabench_configure("no", "");
	areabench_again();
	refused_everywhere(CKR_TOKEN_WRITE_PROTECTED);
	bench.session = rw_session();
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	refused_everywhere(CKR_TOKEN_WRITE_PROTECTED);
	assert_int_equal(find_certificates(&certificate), 1);
	assert_int_equal(find_by_label(bench.session, &data_class, "SNO 1", &record), 1);
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
	begin_fresh();
	assert_int_equal(create_data("SNO 1", 10, 1), CKR_OK);
	assert_int_equal(find_by_label(bench.session, &data_class, "SNO 1", &record), 1);
	reading = session_with(0);
	spy_watch(&area_spy);
	assert_int_equal(create_data_in(reading, "SNO 2", 10, 1, NULL), CKR_SESSION_READ_ONLY);
	assert_int_equal(C_DestroyObject(reading, record), CKR_SESSION_READ_ONLY);
	assert_int_equal(ck_set(reading, record, CKA_VALUE, "new", 3), CKR_SESSION_READ_ONLY);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(create_data("SNO 2", 10, 1), CKR_USER_NOT_LOGGED_IN);
	assert_int_equal(C_DestroyObject(bench.session, record), CKR_OBJECT_HANDLE_INVALID);
	assert_int_equal(area_spy.commands, 0);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_true(has(bench.session, "SNO 1", 10, 1));
}

static void what_cannot_be_written_has_its_code(void **state)
{
	static const char *const labels[] = {"", "SNO", "SNO ", "SNO 0", "SNO 01", "SNO 4294967296", "SNO 1x",
					     "SNO -1", "sno 1", "SNO 99999999999999999999999"};
	CK_ATTRIBUTE other[] = {ONE(CKA_CLASS, data_class), ONE(CKA_TOKEN, yes), BYTES_OF(CKA_VALUE, "a", 1),
				BYTES_OF(CKA_LABEL, "SNO 3", 5), BYTES_OF(CKA_APPLICATION, "mine", 4)};
	CK_OBJECT_HANDLE made;

	(void)state;
	begin();
	assert_int_equal(create_data("SNO 1", 10, 1), CKR_TOKEN_WRITE_PROTECTED); /* not activated */
	begin_fresh();
	for (size_t i = 0; i < COUNT(labels); i++)
		assert_int_equal(create_data(labels[i], 10, 1), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(create_data("SNO 1", 0, 1), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(create_data("SNO 1", AREA_RECORD_MAX + 1, 1), CKR_ATTRIBUTE_VALUE_INVALID);
	assert_int_equal(C_CreateObject(bench.session, other, 5, &made), CKR_TEMPLATE_INCONSISTENT);
	assert_int_equal(C_CreateObject(bench.session, other, 3, &made), CKR_TEMPLATE_INCOMPLETE);
	other[4] = (CK_ATTRIBUTE)ONE(CKA_PRIVATE, no);
	assert_int_equal(C_CreateObject(bench.session, other, 5, &made), CKR_TEMPLATE_INCONSISTENT);
	other[4] = (CK_ATTRIBUTE)BYTES_OF(CKA_ID, "1", 1);
	assert_int_equal(C_CreateObject(bench.session, other, 5, &made), CKR_ATTRIBUTE_TYPE_INVALID);
	assert_int_equal(find_by_label(bench.session, &data_class, "SNO 3", NULL), 0);
	assert_int_equal(create_data("SNO 4294967295", 10, 1), CKR_OK);
	assert_int_equal(create_data("SNO 4294967295", 10, 2), CKR_FUNCTION_REJECTED);
	assert_true(has(bench.session, "SNO 4294967295", 10, 1));
}

static void a_certificate_must_be_one(void **state)
{
	CK_ATTRIBUTE template[] = {ONE(CKA_CLASS, certificate_class), ONE(CKA_CERTIFICATE_TYPE, attribute_type),
				   ONE(CKA_TOKEN, yes), BYTES_OF(CKA_VALUE, ours.bytes, ours.len),
				   BYTES_OF(CKA_OWNER, "0", 1)};
	struct file broken = ours;
	CK_OBJECT_HANDLE made;

	(void)state;
	begin_fresh();
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
	begin_fresh();
	while (rv == CKR_OK && n < 30) {
		snprintf(label, sizeof label, "SNO %u", ++n);
		rv = create_data(label, 2000, n);
	}
	assert_int_equal(rv, CKR_DEVICE_MEMORY);
	assert_in_range(n, 3, 9);
	assert_int_equal(find_by_label(bench.session, &data_class, label, NULL), 0);
	for (unsigned i = 1; i < n; i++) {
		snprintf(label, sizeof label, "SNO %u", i);
		assert_true(has(bench.session, label, 2000, i));
	}
}

/* ---- what changes ---- */

static void all_sessions_see_what_changed(void **state)
{
	CK_OBJECT_HANDLE certificate, record, seen;
	CK_SESSION_HANDLE other;
	CK_ULONG size;

	(void)state;
	begin_fresh();
	other = open_session(bench.slot);
	assert_int_equal(find_by_label(other, &data_class, "SNO 1", NULL), 0);
	assert_int_equal(create_certificate(&ours, NULL, &certificate), CKR_OK);
	assert_int_equal(find_by_label(other, &data_class, "SNO 1", &record), 1);
	assert_int_equal(find_by_label(other, &certificate_class, "SNO 1", &seen), 1);
	assert_int_equal(seen, certificate);
	assert_int_equal(C_GetObjectSize(other, record, &size), CKR_OK);
	assert_in_range(size, ours.len, ours.len + 100);
	assert_int_equal(C_CopyObject(bench.session, record, NULL, 0, &seen), CKR_ACTION_PROHIBITED);
	/* another value: the record stays what it is, the certificate goes */
	assert_int_equal(ck_set(bench.session, record, CKA_LABEL, "SNO 2", 5), CKR_ATTRIBUTE_READ_ONLY);
	assert_int_equal(ck_set(bench.session, certificate, CKA_VALUE, "new", 3), CKR_ACTION_PROHIBITED);
	assert_int_equal(ck_set(bench.session, record, CKA_VALUE, "new", 3), CKR_OK);
	assert_false(ck_exists(other, certificate));
	assert_bytes(record, CKA_VALUE, "new", 3);
	assert_int_equal(ck_set(bench.session, record, CKA_VALUE, foreign.bytes, foreign.len), CKR_OK);
	assert_int_equal(find_by_label(other, &certificate_class, "SNO 1", &certificate), 1);
	assert_bytes(certificate, CKA_VALUE, foreign.bytes, foreign.len);
	/* with one of the two both go */
	assert_int_equal(C_DestroyObject(bench.session, certificate), CKR_OK);
	assert_false(ck_exists(other, certificate));
	assert_false(ck_exists(other, record));
	assert_int_equal(C_DestroyObject(bench.session, record), CKR_OBJECT_HANDLE_INVALID);
	begin();
	assert_int_equal(find_by_label(bench.session, &data_class, "SNO 1", NULL), 0);
}

/* ---- what others do meanwhile ---- */

#define INDEX_SIZE 512

static const char *area_file(const char *name)
{
	static char path[60];

	snprintf(path, sizeof path, "%s/5030/0880/%s", vcard_generation(bench.card) == 1 ? "3F00" : "7FFF", name);
	return path;
}

static void copy_index(uint8_t out[2][INDEX_SIZE])
{
	static const char *const names[] = {"0881", "0882"};
	const uint8_t *data;
	size_t len;

	for (size_t i = 0; i < 2; i++) {
		assert_true(vcard_file_get(bench.card, area_file(names[i]), &data, &len));
		assert_int_equal(len, INDEX_SIZE);
		memcpy(out[i], data, INDEX_SIZE);
	}
}

static void put_index(uint8_t in[2][INDEX_SIZE])
{
	assert_true(vcard_file_put(bench.card, area_file("0881"), in[0], INDEX_SIZE));
	assert_true(vcard_file_put(bench.card, area_file("0882"), in[1], INDEX_SIZE));
}

static void what_another_program_deleted_is_gone_when_it_is_read(void **state)
{
	uint8_t without[2][INDEX_SIZE];
	CK_OBJECT_HANDLE record;

	(void)state;
	begin_fresh();
	assert_int_equal(create_data("SNO 3", 10, 3), CKR_OK);
	copy_index(without);
	assert_int_equal(create_data("SNO 1", 10, 1), CKR_OK);
	begin();
	assert_int_equal(find_by_label(bench.session, &data_class, "SNO 1", &record), 1);
	put_index(without);
	fake_foreign_reset(READER);
	assert_int_equal(ck_attribute_rv(bench.session, record, CKA_VALUE), CKR_OBJECT_HANDLE_INVALID);
	assert_false(ck_exists(bench.session, record));
	assert_true(has(bench.session, "SNO 3", 10, 3));
	/* and a number that it has given is told when it is written */
	assert_int_equal(create_data("SNO 1", 10, 2), CKR_OK);
	put_index(without);
	assert_int_equal(C_DestroyObject(bench.session, record), CKR_OBJECT_HANDLE_INVALID);
}

static void a_damaged_record_does_not_hide_the_others(void **state)
{
	CK_OBJECT_HANDLE record;
	uint8_t bytes[AREA_BLOCKS * AREA_BLOCK];
	const uint8_t *data, *at;
	size_t len;

	(void)state;
	begin_fresh();
	assert_int_equal(create_certificate(&foreign, "SNO 1", NULL), CKR_OK);
	assert_int_equal(create_certificate(&ours, "SNO 2", NULL), CKR_OK);
	assert_true(vcard_file_get(bench.card, area_file("0883"), &data, &len));
	assert_int_equal(len, sizeof bytes);
	memcpy(bytes, data, len);
	at = memmem(bytes, len, foreign.bytes, 100);
	assert_non_null(at);
	bytes[at - bytes + 50] ^= 1;
	assert_true(vcard_file_put(bench.card, area_file("0883"), bytes, len));
	begin();
	assert_true(find(bench.session, NULL, 0, NULL) > 0);
	assert_int_equal(find_certificates(NULL), 1);
	assert_int_equal(find_by_label(bench.session, &data_class, "SNO 1", &record), 1);
	assert_int_equal(ck_attribute_rv(bench.session, record, CKA_VALUE), CKR_DEVICE_ERROR);
	assert_true(slot_logged_in(areabench_slot()));
	spy_watch(&area_spy);
	assert_int_equal(costs(NULL, 0), 0); /* it was told once */
}

/* A damaged index is no error for who searches for keys and certificates. */
static void a_damaged_index_shows_nothing_and_spoils_nothing(void **state)
{
	uint8_t damaged[2][INDEX_SIZE];
	size_t all;

	(void)state;
	begin();
	all = find(bench.session, NULL, 0, NULL);
	begin_fresh();
	assert_int_equal(create_data("SNO 1", 10, 1), CKR_OK);
	memset(damaged, 0x5A, sizeof damaged);
	put_index(damaged);
	begin();
	assert_int_equal(find(bench.session, NULL, 0, NULL), all);
	assert_true(slot_logged_in(areabench_slot()));
	assert_int_equal(create_data("SNO 2", 10, 1), CKR_DEVICE_ERROR);
}

/* ---- pulled at each command ---- */

static struct {
	unsigned at, seen;
	bool pulled;
} cut;

/* Before the command gets there: half of what it writes does, and nobody is there to tell. */
static void pull_at(void *context, const uint8_t *cmd, size_t len)
{
	(void)context;
	(void)cmd;
	(void)len;
	if (++cut.seen != cut.at)
		return;
	cut.pulled = true;
	vcard_fault(bench.card, 1, VCARD_FAULT_TEAR, 0);
}

/* The transport notices while it waits for the answer. */
static size_t answer_or_pull(void *context, const uint8_t *cmd, size_t len, uint8_t answer[FAKE_ANSWER_MAX])
{
	size_t n = 0;

	(void)context;
	pull_at(NULL, cmd, len);
	if (vcard_transmit(bench.card, cmd, len, answer, FAKE_ANSWER_MAX, &n) == VCARD_ANSWERED)
		return n;
	return 0;
}

/* The area's files want other rights than the PIN's; in the clear, on the first generation. */
static size_t answer_or_refuse(void *context, const uint8_t *cmd, size_t len, uint8_t answer[FAKE_ANSWER_MAX])
{
	static bool in_area;
	size_t n = 0;

	(void)context;
	if (len == 7 && cmd[1] == 0xA4)
		in_area = cmd[5] == 0x08 && cmd[6] >= 0x81 && cmd[6] <= 0x83;
	if (cmd[1] == 0xB0 && in_area) {
		memcpy(answer, "\x69\x82", 2);
		return 2;
	}
	if (vcard_transmit(bench.card, cmd, len, answer, FAKE_ANSWER_MAX, &n) == VCARD_ANSWERED)
		return n;
	return 0;
}

static void power(void *context, bool on)
{
	(void)context;
	if (on)
		vcard_power_on(bench.card);
	else
		vcard_power_off(bench.card);
}

static void insert_as(size_t (*answer)(void *, const uint8_t *, size_t, uint8_t[FAKE_ANSWER_MAX]))
{
	struct fake_card card = {.answer = answer, .power = power};
	const uint8_t *atr = vcard_atr(bench.card, &card.atr_len);

	fake_eject(READER);
	memcpy(card.atr, atr, card.atr_len);
	vcard_fault(bench.card, 0, VCARD_FAULT_NONE, 0);
	fake_insert_card(READER, &card);
	bench.session = rw_session();
	assert_int_equal(login(bench.session, PIN), CKR_OK);
}

/* No search ends a login for that. */
static void an_area_that_is_not_for_us_spoils_no_search(void **state)
{
	struct vcard_stats stats;
	size_t all;

	(void)state;
	begin();
	all = find(bench.session, NULL, 0, NULL);
	begin_fresh();
	assert_int_equal(create_data("SNO 1", 10, 1), CKR_OK);
	insert_as(answer_or_refuse);
	vcard_stats_reset(bench.card);
	assert_int_equal(find(bench.session, NULL, 0, NULL), all);
	assert_int_equal(find(bench.session, NULL, 0, NULL), all);
	vcard_stats(bench.card, &stats);
	assert_int_equal(stats.verifies, 1); /* it might have forgotten the PIN: once for an insertion */
	assert_true(slot_logged_in(areabench_slot()));
	assert_true(vcard_verified(bench.card));
}

enum change { CREATE, REPLACE, DESTROY };

static CK_RV change(enum change what, CK_OBJECT_HANDLE record)
{
	static uint8_t bytes[700];

	areacard_fill(bytes, sizeof bytes, 2);
	if (what == CREATE)
		return create_data("SNO 1", sizeof bytes, 2);
	return what == REPLACE ? ck_set(bench.session, record, CKA_VALUE, bytes, sizeof bytes)
			       : C_DestroyObject(bench.session, record);
}

/* Before the change; the answer is the record's object, if there is one. */
static CK_OBJECT_HANDLE prepare(enum change what)
{
	CK_OBJECT_HANDLE record;

	if (find_by_label(bench.session, &data_class, "SNO 1", &record) == 1)
		assert_int_equal(C_DestroyObject(bench.session, record), CKR_OK);
	record = CK_INVALID_HANDLE;
	if (what != CREATE)
		assert_int_equal(create_data_in(bench.session, "SNO 1", 450, 1, &record), CKR_OK);
	return record;
}

static unsigned cut_each_command(enum change what)
{
	unsigned at = 0;

	do {
		CK_OBJECT_HANDLE record = prepare(what);
		bool old, new;
		CK_RV rv;

		cut.at = ++at;
		cut.seen = 0;
		cut.pulled = false;
		rv = change(what, record);
		cut.at = 0;
		assert_int_equal(rv != CKR_OK, cut.pulled);
		assert_false(vcard_verified(bench.card) && cut.pulled);
		fake_eject(READER);
		if (cut.pulled)
			assert_int_equal(change(what, record), CKR_DEVICE_REMOVED);
		insert_as(answer_or_pull);
		old = what == CREATE ? find_by_label(bench.session, &data_class, "SNO 1", NULL) == 0
				     : has(bench.session, "SNO 1", 450, 1);
		new = what == DESTROY ? find_by_label(bench.session, &data_class, "SNO 1", NULL) == 0
				      : has(bench.session, "SNO 1", 700, 2);
		assert_true(old != new);
		assert_true(new || cut.pulled);
		assert_true(has(bench.session, "SNO 9", 250, 9));
		if (old) { /* the next try is right */
			find_by_label(bench.session, &data_class, "SNO 1", &record);
			assert_int_equal(change(what, record), CKR_OK);
		}
	} while (cut.pulled);
	return at - 1;
}

static void pulled_at_any_command_the_old_or_the_new_record_is_there(void **state)
{
	static const char *const names[] = {"create", "replace", "destroy"};

	(void)state;
	begin_fresh();
	assert_int_equal(create_data("SNO 9", 250, 9), CKR_OK);
	cut.at = 0;
	insert_as(answer_or_pull);
	for (enum change what = CREATE; what <= DESTROY; what++)
		print_message("# generation %d: %s: %u points\n", vcard_generation(bench.card), names[what],
			      cut_each_command(what));
}

static void a_card_that_is_pulled_meanwhile_says_so(void **state)
{
	(void)state;
	begin_fresh();
	fake_eject(READER);
	assert_int_equal(create_data("SNO 1", 10, 1), CKR_DEVICE_REMOVED);
}

/* ---- in the directory of certificates ---- */

#define CDF_SIZE 2048

/* The record of the standard's alternative [0], put behind the others of the directory. */
static size_t add_to_directory(uint8_t *cdf, size_t at, uint8_t tag, bool private, size_t value_len)
{
	uint8_t record[] = {0,    0x31,                                              /* its length */
			    0x30, 0x0A, 0x0C, 0x04, 'a', 't', 't', 'r', 0x03, 0x02, 0x06, 0x40, /* common */
			    0x30, 0x06, 0x04, 0x04, 'S', 'I', 'G', 'N',                  /* class: an id */
			    0xA1, 0x13, 0x30, 0x11, 0x30, 0x0F,                          /* type: where it is */
			    0x04, 0x06, 0x3F, 0x00, 0x50, 0x30, 0x08, 0xF3, 0x02, 0x01, 0x00,
			    0x80, 0x02, (uint8_t)(value_len >> 8), (uint8_t)value_len};

	record[0] = tag;
	record[1] = (uint8_t)(sizeof record - 2);
	record[13] = private ? 0xC0 : 0x40;
	record[30] = vcard_generation(bench.card) == 1 ? 0x3F : 0x7F;
	record[31] = vcard_generation(bench.card) == 1 ? 0x00 : 0xFF;
	memcpy(cdf + at, record, sizeof record);
	return at + sizeof record;
}

static const char *pki_file(const char *name)
{
	static char path[60];

	snprintf(path, sizeof path, "%s/5030/%s", vcard_generation(bench.card) == 1 ? "3F00" : "7FFF", name);
	return path;
}

static void put_in_directory(uint8_t tag, bool private, const struct file *value)
{
	uint8_t cdf[CDF_SIZE];
	const uint8_t *data;
	size_t len, end;

	assert_true(vcard_file_get(bench.card, pki_file("4104"), &data, &len));
	assert_in_range(len, 100, sizeof cdf);
	memcpy(cdf, data, len);
	end = add_to_directory(cdf, cdf[len - 2] | (size_t)cdf[len - 1] << 8, tag, private, value->len);
	cdf[len - 2] = (uint8_t)end;
	cdf[len - 1] = (uint8_t)(end >> 8);
	assert_true(vcard_file_put(bench.card, pki_file("4104"), cdf, len));
	assert_true(vcard_file_put(bench.card, pki_file("08F3"), value->bytes, value->len));
}

static void one_in_the_directory_is_shown_like_the_others(void **state)
{
	struct authz_parts parts;
	CK_OBJECT_HANDLE object;
	size_t before;

	(void)state;
	before = find(bench.session, NULL, 0, NULL);
	put_in_directory(0xA0, false, &foreign);
	areabench_again();
	assert_int_equal(find(bench.session, NULL, 0, NULL), before + 1);
	assert_int_equal(find_certificates(&object), 1);
	assert_bytes(object, CKA_LABEL, "attr", 4);
	assert_bytes(object, CKA_VALUE, foreign.bytes, foreign.len);
	assert_int_equal(authz_parts_read(foreign.bytes, foreign.len, &parts), AUTHZ_GOOD);
	assert_part(object, CKA_OWNER, &parts.holder);
	assert_part(object, CKA_SERIAL_NUMBER, &parts.serial);
	authz_parts_clear(&parts);
	assert_false(ck_bool(bench.session, object, CKA_PRIVATE));
	assert_false(ck_bool(bench.session, object, CKA_DESTROYABLE));
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_ID), CKR_ATTRIBUTE_TYPE_INVALID);
	bench.session = rw_session();
	assert_int_equal(C_DestroyObject(bench.session, object), CKR_ACTION_PROHIBITED);
	/* the key's certificate is the one that it was, with the same id */
	find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(find_certificates(NULL), 1);
}

static void a_private_one_wants_a_login(void **state)
{
	(void)state;
	put_in_directory(0xA0, true, &ours);
	areabench_again();
	assert_int_equal(find_certificates(NULL), 0);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(find_certificates(NULL), 1);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(find_certificates(NULL), 0);
}

static void a_damaged_one_spoils_no_other(void **state)
{
	struct file broken = ours;
	CK_OBJECT_HANDLE object;
	uint8_t der[4096];

	(void)state;
	put_in_directory(0xA1, false, &ours); /* another kind, which nobody knows */
	areabench_again();
	assert_int_equal(find_certificates(NULL), 0);
	broken.bytes[4] = 0x31;
	put_in_directory(0xA0, false, &broken);
	areabench_again();
	assert_int_equal(find_certificates(&object), 1);
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_OWNER), CKR_DEVICE_ERROR);
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_LABEL), CKR_OK);
	get_attribute(bench.session, find_one(bench.session, CKO_CERTIFICATE, "SIGN"), CKA_VALUE, der,
		      sizeof der);
}

/* ---- of a session ---- */

static void a_session_may_have_one_of_its_own(void **state)
{
	CK_ATTRIBUTE template[] = {ONE(CKA_CLASS, certificate_class), ONE(CKA_CERTIFICATE_TYPE, attribute_type),
				   BYTES_OF(CKA_OWNER, "owner", 5), BYTES_OF(CKA_VALUE, "value", 5),
				   BYTES_OF(CKA_SERIAL_NUMBER, "serial", 6)};
	CK_ATTRIBUTE wanted[] = {BYTES_OF(CKA_OWNER, "owner", 5)};
	CK_OBJECT_HANDLE made, found;

	(void)state;
	spy_watch(&area_spy);
	made = ck_create(bench.session, template, COUNT(template));
	assert_int_equal(find(bench.session, wanted, 1, &found), 1);
	assert_int_equal(found, made);
	assert_bytes(made, CKA_SERIAL_NUMBER, "serial", 6);
	assert_bytes(made, CKA_AC_ISSUER, "", 0);
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
		AREABENCH_TESTS(without_leave_the_token_is_write_protected),
		AREABENCH_TESTS(it_takes_a_login_and_a_session_that_may_write),
		AREABENCH_TESTS(what_cannot_be_written_has_its_code),
		AREABENCH_TESTS(a_certificate_must_be_one),
		AREABENCH_TESTS(a_full_area_is_told),
		AREABENCH_TESTS(all_sessions_see_what_changed),
		AREABENCH_TESTS(what_another_program_deleted_is_gone_when_it_is_read),
		AREABENCH_TESTS(a_damaged_record_does_not_hide_the_others),
		AREABENCH_TESTS(a_damaged_index_shows_nothing_and_spoils_nothing),
		{"an_area_that_is_not_for_us_spoils_no_search", an_area_that_is_not_for_us_spoils_no_search,
		 areabench_first, bench_teardown, NULL},
		AREABENCH_TESTS(pulled_at_any_command_the_old_or_the_new_record_is_there),
		AREABENCH_TESTS(a_card_that_is_pulled_meanwhile_says_so),
		AREABENCH_TESTS(one_in_the_directory_is_shown_like_the_others),
		AREABENCH_TESTS(a_private_one_wants_a_login),
		AREABENCH_TESTS(a_damaged_one_spoils_no_other),
		AREABENCH_TESTS(a_session_may_have_one_of_its_own),
	};

	return cmocka_run_group_tests_name("records as objects", tests, load_files, NULL);
}
