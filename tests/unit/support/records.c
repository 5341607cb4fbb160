#include <stdio.h>
#include <string.h>

#include "records.h"

#define OBJECTS 40

const CK_OBJECT_CLASS records_certificate_class = CKO_CERTIFICATE, records_data_class = CKO_DATA;
const CK_CERTIFICATE_TYPE records_attribute_type = CKC_X_509_ATTR_CERT;
const CK_BBOOL records_yes = CK_TRUE, records_no = CK_FALSE;

/* ---- certificates that others made, once ---- */

struct records_file records_ours, records_foreign;

static void load(const char *name, struct records_file *out)
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

int records_load_files(void **state)
{
	(void)state;
	load("applications", &records_ours);
	load("another-program", &records_foreign);
	return 0;
}

/* ---- making and finding ---- */

CK_SESSION_HANDLE records_session_with(CK_FLAGS flags)
{
	CK_SESSION_HANDLE session;

	assert_int_equal(C_OpenSession(bench.slot, CKF_SERIAL_SESSION | flags, NULL, NULL, &session), CKR_OK);
	return session;
}

CK_SESSION_HANDLE records_rw_session(void)
{
	return records_session_with(CKF_RW_SESSION);
}

/* The bench's session becomes one that may write, with a login. */
void records_begin(void)
{
	areabench_login();
	bench.session = records_rw_session();
}

void records_begin_fresh(void)
{
	areabench_fresh();
	bench.session = records_rw_session();
}

CK_RV records_create_certificate(const struct records_file *file, const char *label, CK_OBJECT_HANDLE *out)
{
	struct authz_parts parts;
	CK_OBJECT_HANDLE ignored;
	CK_RV rv;

	assert_int_equal(authz_parts_read(file->bytes, file->len, &parts), AUTHZ_GOOD);
	{
		CK_ATTRIBUTE template[] = {ONE(CKA_CLASS, records_certificate_class),
					   ONE(CKA_CERTIFICATE_TYPE, records_attribute_type),
					   ONE(CKA_TOKEN, records_yes),
					   BYTES_OF(CKA_VALUE, file->bytes, file->len),
					   BYTES_OF(CKA_OWNER, parts.holder.bytes, parts.holder.len),
					   BYTES_OF(CKA_LABEL, label, label ? strlen(label) : 0)};

		rv = C_CreateObject(bench.session, template, COUNT(template) - !label, out ? out : &ignored);
	}
	authz_parts_clear(&parts);
	return rv;
}

CK_RV records_create_data_in(CK_SESSION_HANDLE session, const char *label, size_t len, unsigned seed,
			    CK_OBJECT_HANDLE *out)
{
	static uint8_t bytes[AREA_RECORD_MAX + 1];
	CK_OBJECT_HANDLE ignored;
	CK_ATTRIBUTE template[] = {ONE(CKA_CLASS, records_data_class), ONE(CKA_TOKEN, records_yes), ONE(CKA_PRIVATE, records_yes),
				   BYTES_OF(CKA_LABEL, label, strlen(label)), BYTES_OF(CKA_VALUE, bytes, len)};

	areacard_fill(bytes, len, seed);
	return C_CreateObject(session, template, COUNT(template), out ? out : &ignored);
}

CK_RV records_create_data(const char *label, size_t len, unsigned seed)
{
	return records_create_data_in(bench.session, label, len, seed, NULL);
}

/* How many objects match; the first is in *out, if there is one. */
size_t records_find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *out)
{
	CK_OBJECT_HANDLE objects[OBJECTS];
	size_t n = find_objects(session, template, count, objects, COUNT(objects));

	if (out)
		*out = n ? objects[0] : CK_INVALID_HANDLE;
	return n;
}

size_t records_find_by_label(CK_SESSION_HANDLE session, const CK_OBJECT_CLASS *klass, const char *label,
			    CK_OBJECT_HANDLE *out)
{
	CK_ATTRIBUTE template[] = {BYTES_OF(CKA_CLASS, klass, sizeof *klass),
				   BYTES_OF(CKA_LABEL, label, strlen(label))};

	return records_find(session, template, COUNT(template), out);
}

size_t records_find_certificates(CK_OBJECT_HANDLE *out)
{
	CK_ATTRIBUTE template[] = {ONE(CKA_CERTIFICATE_TYPE, records_attribute_type)};

	return records_find(bench.session, template, COUNT(template), out);
}

bool records_has(CK_SESSION_HANDLE session, const char *label, size_t len, unsigned seed)
{
	static uint8_t want[AREA_RECORD_MAX], got[AREA_RECORD_MAX];
	CK_OBJECT_HANDLE object;
	size_t n;

	if (records_find_by_label(session, &records_data_class, label, &object) != 1)
		return false;
	n = get_attribute(session, object, CKA_VALUE, got, sizeof got);
	areacard_fill(want, len, seed);
	return n == len && memcmp(got, want, len) == 0;
}

void records_assert_bytes(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *bytes, size_t len)
{
	uint8_t got[AREA_RECORD_MAX];

	assert_int_equal(get_attribute(bench.session, object, type, got, sizeof got), len);
	assert_memory_equal(got, bytes, len);
}

void records_assert_part(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const struct authz_part *part)
{
	CK_ATTRIBUTE template[] = {BYTES_OF(type, part->bytes, part->len)};
	CK_OBJECT_HANDLE found[OBJECTS];
	size_t n = find_objects(bench.session, template, 1, found, COUNT(found));

	records_assert_bytes(object, type, part->bytes, part->len);
	while (n && found[n - 1] != object)
		n--;
	assert_true(n > 0);
}

unsigned records_costs(CK_ATTRIBUTE *template, CK_ULONG count)
{
	unsigned before = area_spy.commands;

	records_find(bench.session, template, count, NULL);
	return area_spy.commands - before;
}
