/*
 * Records of the data area through Cryptoki: made, found and compared in a
 * line, on the bench of areabench.h. Failing steps fail the test.
 */
#ifndef TESTS_RECORDS_H
#define TESTS_RECORDS_H

#include "areabench.h"
#include "authz/twcard-authz.h"
#include "ck_objects.h"

extern const CK_OBJECT_CLASS records_certificate_class, records_data_class;
extern const CK_CERTIFICATE_TYPE records_attribute_type;
extern const CK_BBOOL records_yes, records_no;

/* An attribute of a template, of a variable. */
#define ONE(type, value) {(type), (void *)&(value), sizeof(value)}

struct records_file {
	uint8_t bytes[AREA_RECORD_MAX];
	size_t len;
};

/* Attribute certificates: one of ours and another program's; load them before the first test. */
extern struct records_file records_ours, records_foreign;
int records_load_files(void **state);

/* A session; the second: one that may write. */
CK_SESSION_HANDLE records_session_with(CK_FLAGS flags);
CK_SESSION_HANDLE records_rw_session(void);

/* The bench's session becomes one that may write, with a login; the second: and the area is new. */
void records_begin(void);
void records_begin_fresh(void);

/* C_CreateObject; label NULL: without one. The last argument may be NULL. */
CK_RV records_create_certificate(const struct records_file *file, const char *label, CK_OBJECT_HANDLE *out);
/* The bytes are those of areacard_fill(). */
CK_RV records_create_data_in(CK_SESSION_HANDLE session, const char *label, size_t len, unsigned seed,
			     CK_OBJECT_HANDLE *out);
CK_RV records_create_data(const char *label, size_t len, unsigned seed);

/* How many objects match; the first is in *out (may be NULL), if there is one. */
size_t records_find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *out);
size_t records_find_by_label(CK_SESSION_HANDLE session, const CK_OBJECT_CLASS *klass, const char *label,
			     CK_OBJECT_HANDLE *out);
/* Attribute certificates. */
size_t records_find_certificates(CK_OBJECT_HANDLE *out);
/* A data object of that label has those bytes. */
bool records_has(CK_SESSION_HANDLE session, const char *label, size_t len, unsigned seed);
/* Commands that a search costs. */
unsigned records_costs(CK_ATTRIBUTE *template, CK_ULONG count);

void records_assert_bytes(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *bytes, size_t len);
/* The object tells it, and is found by it. */
void records_assert_part(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const struct authz_part *part);

#endif
