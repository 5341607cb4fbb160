/*
 * Cards that are damaged, lie, or fall silent at any command: an error with a
 * name, never a crash, a lost PIN try, or a wrong signature.
 */
#include <string.h>

#include <openssl/x509.h>

#include "testcard.h"

#define CERTIFICATES "3F00/5030/08F2"
#define CDF "3F00/5030/4104"
#define PRKDF "3F00/5030/4100"
#define DATA "3F00/5030/0870"
#define MESSAGE "message"
#define MOST_COMMANDS 200 /* no job here takes as many */

/* ---- one fault at each command of a job ---- */

struct outcome {
	CK_RV rv;
	unsigned char signature[256];
};

static bool is_named(CK_RV rv)
{
	switch (rv) {
	case CKR_OK:
	case CKR_DEVICE_ERROR:
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_FUNCTION_NOT_SUPPORTED: /* the garbled status word may say that */
	case CKR_USER_NOT_LOGGED_IN:
	case CKR_PIN_LOCKED:
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_KEY_HANDLE_INVALID:
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_KEY_FUNCTION_NOT_PERMITTED:
		return true;
	default:
		return false;
	}
}

static CK_RV list(CK_SESSION_HANDLE session)
{
	CK_OBJECT_HANDLE found[32];
	unsigned char value[4096];
	CK_ULONG count = 0;
	CK_RV rv = C_FindObjectsInit(session, NULL, 0);

	if (rv == CKR_OK)
		rv = C_FindObjects(session, found, COUNT(found), &count);
	if (rv == CKR_OK)
		rv = C_FindObjectsFinal(session);
	for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
		CK_ATTRIBUTE template[] = {{CKA_LABEL, value, sizeof value},
					   {CKA_VALUE, value, sizeof value},
					   {CKA_MODULUS, value, sizeof value}};

		rv = C_GetAttributeValue(session, found[i], template, COUNT(template));
		if (rv == CKR_ATTRIBUTE_TYPE_INVALID)
			rv = CKR_OK;
	}
	return rv;
}

static CK_RV find_and_sign(CK_SESSION_HANDLE session, struct outcome *o)
{
	CK_OBJECT_CLASS klass = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass}, TEXT_ATTRIBUTE(CKA_ID, "SIGN")};
	CK_OBJECT_HANDLE key = 0;
	CK_ULONG count = 0;
	CK_RV rv = C_FindObjectsInit(session, template, COUNT(template));

	if (rv == CKR_OK)
		rv = C_FindObjects(session, &key, 1, &count);
	if (rv == CKR_OK)
		rv = C_FindObjectsFinal(session);
	return rv == CKR_OK ? sign_sha256(session, key, MESSAGE, o->signature) : rv;
}

/* The jobs, each from the first command to the card on. */
static void do_list(struct outcome *o)
{
	CK_SESSION_HANDLE session;
	CK_TOKEN_INFO info;

	o->rv = C_GetTokenInfo(bench.slot, &info);
	if (o->rv == CKR_OK)
		o->rv = C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
	if (o->rv == CKR_OK)
		o->rv = list(session);
}

static void do_login(struct outcome *o)
{
	CK_SESSION_HANDLE session;

	o->rv = C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
	if (o->rv == CKR_OK)
		o->rv = login(session, PIN);
}

static void do_sign(struct outcome *o)
{
	CK_SESSION_HANDLE session;

	o->rv = C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
	if (o->rv == CKR_OK)
		o->rv = login(session, PIN);
	if (o->rv == CKR_OK)
		o->rv = find_and_sign(session, o);
}

static void assert_outcome(const struct outcome *o, enum vcard_fault_kind kind, unsigned nth)
{
	static const unsigned char zero[256];
	struct vcard_stats stats;

	vcard_stats(bench.card, &stats);
	if (!is_named(o->rv))
		fail_msg("fault %d at command %u: %lX", (int)kind, nth, o->rv);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_in_range(stats.verifies, 0, 2); /* the login, and once to re-establish it */
	if (o->rv == CKR_OK && memcmp(o->signature, zero, sizeof zero) != 0)
		assert_true(is_signature(bench.card, KEY_SIGN, MESSAGE, o->signature));
	else if (o->rv != CKR_OK)
		assert_memory_equal(o->signature, zero, sizeof zero);
}

/* After the card was pulled and put back, everything works. */
static void assert_recovers(void)
{
	struct outcome o = {.rv = CKR_OK};

	vcard_fault(bench.card, 0, VCARD_FAULT_NONE, 0);
	fake_eject(READER);
	fake_insert(READER, bench.card);
	do_sign(&o);
	assert_int_equal(o.rv, CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, MESSAGE, o.signature));
}

static void strike_each_command(void (*job)(struct outcome *o), enum vcard_fault_kind kind,
				uint16_t sw)
{
	for (unsigned nth = 1; nth < MOST_COMMANDS; nth++) {
		struct outcome o = {.rv = CKR_OK};
		struct vcard_stats stats;

		fake_eject(READER);
		testcard_freshen(bench.card);
		fake_insert(READER, bench.card);
		vcard_fault(bench.card, nth, kind, sw);
		job(&o);
		assert_outcome(&o, kind, nth);
		vcard_stats(bench.card, &stats);
		if (stats.commands < nth) { /* the job was over before it */
			assert_int_equal(o.rv, CKR_OK);
			assert_true(nth > 10);
			return;
		}
	}
	fail_msg("the job never ended");
}

static void an_answer_of_one_byte_at_each_command(void **state)
{
	(void)state;
	strike_each_command(do_list, VCARD_FAULT_TRUNCATE, 0);
	strike_each_command(do_login, VCARD_FAULT_TRUNCATE, 0);
	strike_each_command(do_sign, VCARD_FAULT_TRUNCATE, 0);
	assert_recovers();
}

static void a_garbled_answer_at_each_command(void **state)
{
	(void)state;
	strike_each_command(do_list, VCARD_FAULT_GARBLE, 0);
	strike_each_command(do_login, VCARD_FAULT_GARBLE, 0);
	strike_each_command(do_sign, VCARD_FAULT_GARBLE, 0);
	assert_recovers();
}

static void a_lost_answer_at_each_command(void **state)
{
	(void)state;
	strike_each_command(do_list, VCARD_FAULT_DROP, 0);
	strike_each_command(do_login, VCARD_FAULT_DROP, 0);
	strike_each_command(do_sign, VCARD_FAULT_DROP, 0);
	assert_recovers();
}

static void a_refusal_at_each_command(void **state)
{
	(void)state;
	strike_each_command(do_list, VCARD_FAULT_STATUS, 0x6F00);
	strike_each_command(do_login, VCARD_FAULT_STATUS, 0x6F00);
	strike_each_command(do_sign, VCARD_FAULT_STATUS, 0x6F00);
	strike_each_command(do_sign, VCARD_FAULT_STATUS, 0x6982);
	assert_recovers();
}

struct puller {
	unsigned left;
};

static void pull_in_time(void *context, const uint8_t *cmd, size_t len)
{
	struct puller *p = context;

	(void)cmd;
	(void)len;
	if (p->left && --p->left == 0)
		fake_eject(READER);
}

static void a_card_pulled_at_each_command_ends_its_sessions(void **state)
{
	(void)state;
	for (unsigned nth = 1; nth < MOST_COMMANDS; nth++) {
		struct puller p = {nth};
		struct outcome o = {.rv = CKR_OK};
		CK_SLOT_INFO info;

		fake_eject(READER);
		testcard_freshen(bench.card);
		fake_insert(READER, bench.card);
		fake_on_command(READER, pull_in_time, &p);
		do_sign(&o);
		fake_on_command(READER, NULL, NULL);
		assert_outcome(&o, VCARD_FAULT_NONE, nth);
		if (p.left) {
			assert_int_equal(o.rv, CKR_OK);
			break;
		}
		assert_true(o.rv == CKR_DEVICE_REMOVED || o.rv == CKR_TOKEN_NOT_PRESENT);
		assert_int_equal(C_GetSlotInfo(bench.slot, &info), CKR_OK);
		assert_false(info.flags & CKF_TOKEN_PRESENT);
	}
	fake_insert(READER, bench.card);
	assert_recovers();
}

/* ---- damaged files ---- */

static uint8_t *copy_file(const char *path, size_t *len)
{
	const uint8_t *data;
	uint8_t *copy;

	assert_true(vcard_file_get(bench.card, path, &data, len));
	copy = test_malloc(*len);
	memcpy(copy, data, *len);
	return copy;
}

/* Overwrites bytes of a file; the card must not have been read before. */
static void poke(const char *path, size_t at, const char *bytes, size_t len)
{
	size_t size;
	uint8_t *data = copy_file(path, &size);

	assert_true(at + len <= size);
	memcpy(data + at, bytes, len);
	assert_true(vcard_file_put(bench.card, path, data, size));
	test_free(data);
}

/* Where these bytes are in a file, in which they are. */
static size_t place_in(const char *path, const void *bytes, size_t len)
{
	const uint8_t *file, *at;
	size_t size;

	assert_true(vcard_file_get(bench.card, path, &file, &size));
	at = memmem(file, size, bytes, len);
	assert_non_null(at);
	return (size_t)(at - file);
}

static void cut(const char *path, size_t keep)
{
	size_t size;
	uint8_t *data = copy_file(path, &size);

	assert_true(keep <= size);
	assert_true(vcard_file_put(bench.card, path, data, keep));
	test_free(data);
}

/* Listing ends with this code, costs no try and no VERIFY; signing works all the same. */
static void assert_certificates_answer(CK_RV want)
{
	CK_OBJECT_CLASS klass = CKO_CERTIFICATE;
	CK_ATTRIBUTE template = {CKA_CLASS, &klass, sizeof klass};
	struct outcome o = {.rv = CKR_OK};
	CK_SESSION_HANDLE session = open_session(bench.slot);
	struct vcard_stats stats;

	assert_int_equal(C_FindObjectsInit(session, &template, 1), want);
	if (want == CKR_OK)
		assert_int_equal(C_FindObjectsFinal(session), CKR_OK);
	vcard_stats(bench.card, &stats);
	assert_int_equal(stats.verifies, 0);
	do_sign(&o);
	assert_int_equal(o.rv, CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, MESSAGE, o.signature));
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

static void a_torn_directory_is_an_error_but_signing_works(void **state)
{
	(void)state;
	cut(CDF, 300);
	assert_certificates_answer(CKR_DEVICE_ERROR);
}

static void a_record_longer_than_its_file_is_an_error(void **state)
{
	(void)state;
	poke(CDF, 0, "\x30\x82\x70\x00", 4);
	assert_certificates_answer(CKR_DEVICE_ERROR);
}

static void a_record_of_indefinite_length_is_an_error(void **state)
{
	(void)state;
	poke(CDF, 0, "\x30\x80", 2);
	assert_certificates_answer(CKR_DEVICE_ERROR);
}

static void an_empty_or_missing_directory_has_no_objects(void **state)
{
	(void)state;
	assert_true(vcard_file_delete(bench.card, CDF));
	assert_certificates_answer(CKR_OK);
}

static void a_torn_key_directory_fails_the_search_not_the_login(void **state)
{
	CK_OBJECT_CLASS klass = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template = {CKA_CLASS, &klass, sizeof klass};

	(void)state;
	cut(PRKDF, 20);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(C_FindObjectsInit(bench.session, &template, 1), CKR_DEVICE_ERROR);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

/* The index of cert2 in the CDF is 02 02 15 00; 80 02 follows with the length. */
static void an_index_beyond_the_file_fails_that_certificate_only(void **state)
{
	unsigned char der[4096];
	CK_ATTRIBUTE a = {CKA_VALUE, der, sizeof der};

	(void)state;
	poke(CDF, place_in(CDF, "\x02\x02\x15\x00\x80\x02", 6) + 2, "\x70\x00", 2);
	bench.session = open_session(bench.slot);
	assert_int_equal(C_GetAttributeValue(bench.session,
					     find_one(bench.session, CKO_CERTIFICATE, "KEYX"), &a, 1),
			 CKR_DEVICE_ERROR);
	assert_int_equal(a.ulValueLen, (CK_ULONG)-1);
	assert_true(get_attribute(bench.session, find_one(bench.session, CKO_CERTIFICATE, "SIGN"),
				  CKA_VALUE, der, sizeof der) > 500);
}

static void a_certificate_of_garbage_fails_alone(void **state)
{
	static const char garbage[64] = {[0 ... 63] = (char)0xA5};
	unsigned char der[4096];
	CK_ATTRIBUTE a = {CKA_VALUE, der, sizeof der};

	(void)state;
	poke(CERTIFICATES, 0xE00, garbage, sizeof garbage);
	bench.session = open_session(bench.slot);
	assert_int_equal(C_GetAttributeValue(bench.session,
					     find_one(bench.session, CKO_CERTIFICATE, "SIGN"), &a, 1),
			 CKR_DEVICE_ERROR);
	assert_true(get_attribute(bench.session, find_one(bench.session, CKO_CERTIFICATE, "KEYX"),
				  CKA_VALUE, der, sizeof der) > 500);
}

/* Before each READ BINARY, `times` times, the byte at `at` becomes another; then what it was. */
struct unsteady {
	const char *path;
	size_t at;
	unsigned times;
	char right;
	unsigned reads, below; /* of all; of those the ones before `edge` */
	unsigned edge;
};

static void change_a_byte(void *context, const uint8_t *cmd, size_t len)
{
	struct unsteady *u = context;
	static char byte;

	if (len < 4 || cmd[1] != 0xB0)
		return;
	u->reads++;
	u->below += (unsigned)(cmd[2] << 8 | cmd[3]) < u->edge;
	byte = u->times > 0 ? (char)(byte + 1) : u->right;
	poke(u->path, u->at, &byte, 1);
	u->times -= u->times > 0;
}

/* Its signature is wrong, twice, and not the same: nobody can say what the card holds. */
static void a_certificate_that_is_another_each_time_is_an_error(void **state)
{
	X509 *x = vcard_certificate(bench.card, VCARD_CERT_SIGN);
	struct unsteady end = {CERTIFICATES, 0xE00 + (size_t)i2d_X509(x, NULL) - 10, 99, 0, 0, 0, 0};
	size_t size;
	uint8_t *before = copy_file(CERTIFICATES, &size);
	unsigned char der[4096];
	CK_ATTRIBUTE a = {CKA_VALUE, der, sizeof der};
	CK_OBJECT_HANDLE object;

	(void)state;
	bench.session = open_session(bench.slot);
	object = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	fake_on_command(READER, change_a_byte, &end);
	assert_int_equal(C_GetAttributeValue(bench.session, object, &a, 1), CKR_DEVICE_ERROR);
	assert_int_equal(a.ulValueLen, CK_UNAVAILABLE_INFORMATION);
	fake_on_command(READER, NULL, NULL);
	assert_true(vcard_file_put(bench.card, CERTIFICATES, before, size));
	a.ulValueLen = sizeof der;
	assert_int_equal(C_GetAttributeValue(bench.session, object, &a, 1), CKR_OK);
	assert_int_equal(a.ulValueLen, i2d_X509(x, NULL));
	assert_memory_equal(der, before + 0xE00, a.ulValueLen);
	test_free(before);
	X509_free(x);
}

/* Where the certificate is in its file, and how long it is. */
static size_t place_of(enum vcard_cert which, size_t *len)
{
	X509 *x = vcard_certificate(bench.card, which);
	unsigned char *der = NULL;
	int size = i2d_X509(x, &der);
	size_t at;

	assert_true(size > 0);
	at = place_in(CERTIFICATES, der, (size_t)size);
	OPENSSL_free(der);
	X509_free(x);
	*len = (size_t)size;
	return at;
}

/* A byte of the issuer's key: one of its signature would not make the holder's certificate doubtful. */
static size_t place_of_issuers_key(void)
{
	X509 *x = vcard_certificate(bench.card, VCARD_CERT_CA);
	const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(x);
	size_t at = place_in(CERTIFICATES, key->data, (size_t)key->length) + (size_t)key->length / 2;

	X509_free(x);
	return at;
}

/* A new program asks for the holder's certificate, and gets it. */
static void read_holders(struct unsteady *u)
{
	unsigned char der[4096];
	const uint8_t *file;
	CK_OBJECT_HANDLE object;
	size_t len, all, at = place_of(VCARD_CERT_SIGN, &len);

	assert_int_equal(C_Finalize(NULL), CKR_OK);
	testcard_freshen(bench.card);
	assert_int_equal(C_Initialize(NULL), CKR_OK);
	bench.session = open_session(bench.slot);
	object = find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	fake_on_command(READER, change_a_byte, u);
	assert_int_equal(get_attribute(bench.session, object, CKA_VALUE, der, sizeof der), len);
	fake_on_command(READER, NULL, NULL);
	assert_true(vcard_file_get(bench.card, CERTIFICATES, &file, &all));
	assert_memory_equal(der, file + at, len);
}

/* What cannot be right is read again, and nothing else: neither twice nor for ever. */
static void of_a_certificate_and_its_issuers_the_wrong_one_is_read_again(void **state)
{
	size_t len, size, holder = place_of(VCARD_CERT_SIGN, &len), issuer = place_of_issuers_key();
	uint8_t *file = copy_file(CERTIFICATES, &size);
	struct unsteady good = {CERTIFICATES, 0, 0, (char)file[0], 0, 0, 0x1000000};
	struct unsteady itself = {CERTIFICATES, holder + len - 10, 0, (char)file[holder + len - 10], 0, 0, 0};
	struct unsteady above = {CERTIFICATES, issuer, 0, (char)file[issuer], 0, 0, 0};
	bool before = holder < issuer;
	unsigned own;

	(void)state;
	test_free(file);
	good.edge = (unsigned)(before ? holder + len : holder);
	read_holders(&good);
	own = before ? good.below : good.reads - good.below;
	assert_true(own > 0 && own < good.reads);
	itself.times = own;
	read_holders(&itself);
	assert_int_equal(itself.reads, good.reads + own);
	above.times = good.reads;
	read_holders(&above);
	assert_int_equal(above.reads, 2 * good.reads);
}

/* Its record has more room for it than it needs. */
static void behind_a_certificate_there_may_be_room(void **state)
{
	unsigned char der[4096];
	size_t len, place = place_of(VCARD_CERT_SIGN, &len);
	const uint8_t start[] = {0x02, 0x02, (uint8_t)(place >> 8), (uint8_t)place, 0x80, 0x02};
	const size_t room = len + 7;

	(void)state;
	poke(CDF, place_in(CDF, start, sizeof start) + sizeof start, (const char[]){(char)(room >> 8), (char)room}, 2);
	bench.session = open_session(bench.slot);
	assert_int_equal(get_attribute(bench.session, find_one(bench.session, CKO_CERTIFICATE, "SIGN"), CKA_VALUE,
				       der, sizeof der), len);
}

/* The first readings are wrong, each in another way; what is right, and no longer asked for, stays right. */
static void assert_data_object(unsigned wrong, CK_RV want)
{
	size_t size;
	uint8_t *file = copy_file(DATA, &size);
	struct unsteady first = {DATA, 0, wrong, (char)file[0], 0, 0, 0};
	unsigned char value[64];
	CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};
	CK_OBJECT_HANDLE object;

	bench.session = open_session(bench.slot);
	assert_int_equal(find_class(bench.session, CKO_DATA, &object, 1), 1);
	fake_on_command(READER, change_a_byte, &first);
	assert_int_equal(C_GetAttributeValue(bench.session, object, &a, 1), want);
	fake_on_command(READER, NULL, NULL);
	poke(DATA, 0, &first.right, 1);
	if (want != CKR_OK)
		assert_int_equal(a.ulValueLen, CK_UNAVAILABLE_INFORMATION);
	for (int i = 0; i < 2; i++) {
		a.ulValueLen = sizeof value;
		assert_int_equal(C_GetAttributeValue(bench.session, object, &a, 1), CKR_OK);
		assert_true(a.ulValueLen > 0 && a.ulValueLen <= size);
		assert_memory_equal(value, file, a.ulValueLen);
	}
	test_free(file);
}

static void a_data_object_that_is_read_wrong_once_is_right(void **state)
{
	(void)state;
	assert_data_object(0, CKR_OK);
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
	fake_eject(READER);
	fake_insert(READER, bench.card);
	assert_data_object(1, CKR_OK);
}

static void a_data_object_that_is_another_each_time_is_an_error(void **state)
{
	(void)state;
	assert_data_object(2, CKR_DEVICE_ERROR);
}

/*
 * A card that says it selected a file, and did not, shows the one of before: its
 * directory, where the value is read in the same breath.
 */
static void a_data_object_is_not_the_file_that_was_read_before(void **state)
{
	CK_OBJECT_CLASS klass = CKO_DATA;
	unsigned char right[64], value[64];
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass}, {CKA_VALUE, right, 0}};
	CK_OBJECT_HANDLE object;
	unsigned commands;

	(void)state;
	bench.session = open_session(bench.slot);
	assert_int_equal(find_class(bench.session, CKO_DATA, &object, 1), 1);
	template[1].ulValueLen = get_attribute(bench.session, object, CKA_VALUE, right, sizeof right);
	commands = fake_commands(READER);
	for (unsigned at = 1; at <= commands; at++) {
		size_t found;

		fake_eject(READER);
		fake_insert(READER, bench.card);
		bench.session = open_session(bench.slot);
		vcard_fault(bench.card, at, VCARD_FAULT_STATUS, 0x9000);
		if (C_FindObjectsInit(bench.session, template, 2) == CKR_OK)
			(void)C_FindObjectsFinal(bench.session);
		vcard_fault(bench.card, 1, VCARD_FAULT_NONE, 0);
		found = find_objects(bench.session, template, 2, &object, 1);
		if (found != 1)
			fail_msg("command %u", at);
		assert_int_equal(get_attribute(bench.session, object, CKA_VALUE, value, sizeof value),
				 template[1].ulValueLen);
		assert_memory_equal(value, right, template[1].ulValueLen);
	}
}

static void without_the_public_key_file_the_card_still_signs(void **state)
{
	struct outcome o = {.rv = CKR_OK};
	unsigned char n[256];
	CK_ATTRIBUTE a = {CKA_MODULUS, n, sizeof n};

	(void)state;
	assert_true(vcard_file_delete(bench.card, "3F00/5030/0810/0811"));
	do_sign(&o);
	assert_int_equal(o.rv, CKR_OK);
	assert_true(is_signature(bench.card, KEY_SIGN, MESSAGE, o.signature));
	bench.session = open_session(bench.slot);
	assert_int_equal(C_GetAttributeValue(bench.session,
					     find_one(bench.session, CKO_PUBLIC_KEY, "SIGN"), &a, 1),
			 CKR_DEVICE_ERROR);
}

static void without_the_application_no_pin_is_sent(void **state)
{
	struct vcard_stats stats;
	CK_SESSION_HANDLE session;
	CK_RV rv;

	(void)state;
	assert_true(vcard_file_delete(bench.card, "3F00/5030"));
	rv = C_OpenSession(bench.slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
	if (rv == CKR_OK)
		rv = login(session, PIN);
	assert_int_not_equal(rv, CKR_OK);
	assert_int_not_equal(rv, CKR_GENERAL_ERROR);
	vcard_stats(bench.card, &stats);
	assert_int_equal(stats.verifies, 0);
}

static void without_token_info_the_usual_names_are_shown(void **state)
{
	CK_TOKEN_INFO info;

	(void)state;
	assert_true(vcard_file_delete(bench.card, "3F00/5030/5032"));
	assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	assert_memory_equal(info.label, "HiCOS PKI Smart Card            ", 32);
	assert_memory_equal(info.serialNumber, vcard_card_number(bench.card), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(an_answer_of_one_byte_at_each_command),
		BENCH_TEST(a_garbled_answer_at_each_command),
		BENCH_TEST(a_lost_answer_at_each_command),
		BENCH_TEST(a_refusal_at_each_command),
		BENCH_TEST(a_card_pulled_at_each_command_ends_its_sessions),
		BENCH_TEST(a_torn_directory_is_an_error_but_signing_works),
		BENCH_TEST(a_record_longer_than_its_file_is_an_error),
		BENCH_TEST(a_record_of_indefinite_length_is_an_error),
		BENCH_TEST(an_empty_or_missing_directory_has_no_objects),
		BENCH_TEST(a_torn_key_directory_fails_the_search_not_the_login),
		BENCH_TEST(an_index_beyond_the_file_fails_that_certificate_only),
		BENCH_TEST(a_certificate_of_garbage_fails_alone),
		BENCH_TEST(a_certificate_that_is_another_each_time_is_an_error),
		BENCH_TEST(of_a_certificate_and_its_issuers_the_wrong_one_is_read_again),
		BENCH_TEST(behind_a_certificate_there_may_be_room),
		BENCH_TEST(a_data_object_that_is_read_wrong_once_is_right),
		BENCH_TEST(a_data_object_that_is_another_each_time_is_an_error),
		BENCH_TEST(a_data_object_is_not_the_file_that_was_read_before),
		BENCH_TEST(without_the_public_key_file_the_card_still_signs),
		BENCH_TEST(without_the_application_no_pin_is_sent),
		BENCH_TEST(without_token_info_the_usual_names_are_shown),
	};

	return cmocka_run_group_tests_name("bad cards", tests, NULL, NULL);
}
