/*
 * Records of the data area when something is wrong: another program has
 * changed them, they are damaged or not for us, the card is pulled at any
 * command of a change. And attribute certificates in the directory of
 * certificates, whole and damaged.
 */
#include <stdio.h>
#include <string.h>

#include "records.h"

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
	records_begin_fresh();
	assert_int_equal(records_create_data("SNO 3", 10, 3), CKR_OK);
	copy_index(without);
	assert_int_equal(records_create_data("SNO 1", 10, 1), CKR_OK);
	records_begin();
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 1", &record), 1);
	put_index(without);
	fake_foreign_reset(READER);
	assert_int_equal(ck_attribute_rv(bench.session, record, CKA_VALUE), CKR_OBJECT_HANDLE_INVALID);
	assert_false(ck_exists(bench.session, record));
	assert_true(records_has(bench.session, "SNO 3", 10, 3));
	/* and a number that it has given is told when it is written */
	assert_int_equal(records_create_data("SNO 1", 10, 2), CKR_OK);
	put_index(without);
	assert_int_equal(C_DestroyObject(bench.session, record), CKR_OBJECT_HANDLE_INVALID);
}

/* Who looks for certificates reads records that the index had: one less is no error. */
static void what_another_program_deleted_spoils_no_search(void **state)
{
	uint8_t without[2][INDEX_SIZE];
	CK_OBJECT_HANDLE record;

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_certificate(&records_ours, "SNO 3", NULL), CKR_OK);
	copy_index(without);
	assert_int_equal(records_create_certificate(&records_foreign, "SNO 1", NULL), CKR_OK);
	records_begin();
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 1", &record), 1);
	put_index(without);
	fake_foreign_reset(READER);
	assert_int_equal(records_find_certificates(NULL), 1);
	assert_false(ck_exists(bench.session, record));
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 1", NULL), 0);
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 3", NULL), 1);
}

static void a_damaged_record_does_not_hide_the_others(void **state)
{
	CK_OBJECT_HANDLE record;
	uint8_t bytes[AREA_BLOCKS * AREA_BLOCK];
	const uint8_t *data, *at;
	size_t len;

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_certificate(&records_foreign, "SNO 1", NULL), CKR_OK);
	assert_int_equal(records_create_certificate(&records_ours, "SNO 2", NULL), CKR_OK);
	assert_true(vcard_file_get(bench.card, area_file("0883"), &data, &len));
	assert_int_equal(len, sizeof bytes);
	memcpy(bytes, data, len);
	at = memmem(bytes, len, records_foreign.bytes, 100);
	assert_non_null(at);
	bytes[at - bytes + 50] ^= 1;
	assert_true(vcard_file_put(bench.card, area_file("0883"), bytes, len));
	records_begin();
	assert_true(records_find(bench.session, NULL, 0, NULL) > 0);
	assert_int_equal(records_find_certificates(NULL), 1);
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 1", &record), 1);
	assert_int_equal(ck_attribute_rv(bench.session, record, CKA_VALUE), CKR_DEVICE_ERROR);
	assert_true(slot_logged_in(areabench_slot()));
	spy_watch(&area_spy);
	assert_int_equal(records_costs(NULL, 0), 0); /* it was told once */
}

/* How many objects a search finds where there are no records; then there is one. */
static size_t put_one_record_after_counting(void)
{
	size_t all;

	records_begin();
	all = records_find(bench.session, NULL, 0, NULL);
	records_begin_fresh();
	assert_int_equal(records_create_data("SNO 1", 10, 1), CKR_OK);
	return all;
}

/* A damaged index is no error for who searches for keys and certificates. */
static void a_damaged_index_shows_nothing_and_spoils_nothing(void **state)
{
	uint8_t damaged[2][INDEX_SIZE];
	size_t all;

	(void)state;
	all = put_one_record_after_counting();
	memset(damaged, 0x5A, sizeof damaged);
	put_index(damaged);
	records_begin();
	assert_int_equal(records_find(bench.session, NULL, 0, NULL), all);
	assert_true(slot_logged_in(areabench_slot()));
	assert_int_equal(records_create_data("SNO 2", 10, 1), CKR_DEVICE_ERROR);
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

/* What the area's files from this one on are answered with when they are read; 9000: as they are. */
static struct {
	uint8_t from;
	uint16_t status;
} refusal;

/* As if they wanted other rights than the PIN's; in the clear, on the first generation. */
static size_t answer_or_refuse(void *context, const uint8_t *cmd, size_t len, uint8_t answer[FAKE_ANSWER_MAX])
{
	static bool in_area;
	size_t n = 0;

	(void)context;
	if (len == 7 && cmd[1] == 0xA4)
		in_area = cmd[5] == 0x08 && cmd[6] >= refusal.from && cmd[6] <= 0x83;
	if (cmd[1] == 0xB0 && in_area && refusal.status != 0x9000) {
		answer[0] = (uint8_t)(refusal.status >> 8);
		answer[1] = (uint8_t)refusal.status;
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
	bench.session = records_rw_session();
	assert_int_equal(login(bench.session, PIN), CKR_OK);
}

/* No search ends a login for that. */
static void an_area_that_is_not_for_us_spoils_no_search(void **state)
{
	struct vcard_stats stats;
	size_t all;

	(void)state;
	all = put_one_record_after_counting();
	refusal.from = 0x81;
	refusal.status = 0x6982;
	insert_as(answer_or_refuse);
	vcard_stats_reset(bench.card);
	assert_int_equal(records_find(bench.session, NULL, 0, NULL), all);
	assert_int_equal(records_find(bench.session, NULL, 0, NULL), all);
	vcard_stats(bench.card, &stats);
	assert_int_equal(stats.verifies, 1); /* it might have forgotten the PIN: once for an insertion */
	assert_true(slot_logged_in(areabench_slot()));
	assert_true(vcard_verified(bench.card));
}

/* The same of files that are said to be blocked, or not to be read at all. */
static void an_area_that_cannot_be_read_spoils_no_search(void **state)
{
	static const uint16_t statuses[] = {0x6983, 0x6D00};
	size_t all;

	(void)state;
	all = put_one_record_after_counting();
	refusal.from = 0x81;
	for (size_t i = 0; i < COUNT(statuses); i++) {
		refusal.status = statuses[i];
		insert_as(answer_or_refuse);
		assert_int_equal(records_find(bench.session, NULL, 0, NULL), all);
		assert_true(slot_logged_in(areabench_slot()));
		assert_true(vcard_verified(bench.card));
	}
}

/* A record that is not for us is no certificate; one that could not be read may be one, and is asked for again. */
static void what_cannot_be_read_is_told_and_what_is_not_for_us_is_not(void **state)
{
	CK_ATTRIBUTE certificates[] = {ONE(CKA_CLASS, records_certificate_class)};
	CK_RV rv;

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_certificate(&records_ours, NULL, NULL), CKR_OK);
	refusal.from = 0x83;
	refusal.status = 0x6F00;
	insert_as(answer_or_refuse);
	rv = C_FindObjectsInit(bench.session, certificates, 1);
	if (rv == CKR_OK)
		C_FindObjectsFinal(bench.session);
	assert_int_equal(rv, CKR_DEVICE_ERROR);
	refusal.status = 0x9000;
	assert_int_equal(records_find_certificates(NULL), 1);
	refusal.status = 0x6982;
	insert_as(answer_or_refuse);
	assert_int_equal(records_find_certificates(NULL), 0);
	assert_true(slot_logged_in(areabench_slot()));
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 1", NULL), 1);
}

/* ---- a bad moment at each command of a search ---- */

/* A search for records, or for the certificates among them, in a new login; CKR_OK with too few of them is none. */
static CK_RV search(bool certificates, size_t *found)
{
	CK_ATTRIBUTE template[] = {ONE(CKA_CLASS, records_data_class), ONE(CKA_PRIVATE, records_yes)};
	CK_ATTRIBUTE attribute[] = {ONE(CKA_CLASS, records_certificate_class),
				    ONE(CKA_CERTIFICATE_TYPE, records_attribute_type)};
	CK_OBJECT_HANDLE objects[8];
	CK_ULONG count = 0;
	CK_RV rv = C_FindObjectsInit(bench.session, certificates ? attribute : template, 2);

	if (rv == CKR_OK)
		rv = C_FindObjects(bench.session, objects, COUNT(objects), &count);
	(void)C_FindObjectsFinal(bench.session);
	*found = count;
	return rv;
}

struct search {
	bool certificates;
	bool reset; /* by another program, so that the PIN is given again before anything else */
	size_t want;
};

struct bad_moment {
	enum vcard_fault_kind kind;
	uint16_t sw;
};

static void search_in(const struct search *s, struct bad_moment moment, unsigned at)
{
	CK_SESSION_INFO info;
	size_t found;
	CK_RV rv;

	records_begin();
	if (s->reset)
		fake_foreign_reset(READER);
	vcard_fault(bench.card, at, moment.kind, moment.sw);
	rv = search(s->certificates, &found);
	vcard_fault(bench.card, 1, VCARD_FAULT_NONE, 0);
	if (rv == CKR_OK && found != s->want)
		fail_msg("command %u, fault %d %04X: %zu of %zu", at, (int)moment.kind, moment.sw, found, s->want);
	if (C_GetSessionInfo(bench.session, &info) != CKR_OK)
		bench.session = records_rw_session();
	if (!slot_logged_in(areabench_slot()))
		assert_int_equal(login(bench.session, PIN), CKR_OK);
	rv = search(s->certificates, &found);
	if (rv != CKR_OK || found != s->want)
		fail_msg("after a fault %d %04X at command %u: %lX, %zu of %zu", (int)moment.kind, moment.sw, at,
			 rv, found, s->want);
}

/* Each at each command of every kind of search. `data`: records of data objects that are there. */
static void search_in_each(const struct bad_moment *moments, size_t count, size_t data)
{
	for (unsigned which = 0; which < 4; which++) {
		const struct search s = {which & 1, which & 2, which & 1 ? 1 : data};
		unsigned commands;
		size_t found;

		records_begin();
		if (s.reset)
			fake_foreign_reset(READER);
		commands = fake_commands(READER);
		assert_int_equal(search(s.certificates, &found), CKR_OK);
		assert_int_equal(found, s.want);
		commands = fake_commands(READER) - commands;
		for (size_t i = 0; i < count; i++)
			for (unsigned at = 1; at <= commands; at++)
				search_in(&s, moments[i], at);
	}
}

static void a_bad_moment_hides_no_record(void **state)
{
	static const struct bad_moment moments[] = {
		{VCARD_FAULT_GARBLE, 0}, {VCARD_FAULT_TRUNCATE, 0}, {VCARD_FAULT_STATUS, 0x6D00},
		{VCARD_FAULT_STATUS, 0x6E00}, {VCARD_FAULT_STATUS, 0x6A82}, {VCARD_FAULT_STATUS, 0x6A81},
		{VCARD_FAULT_STATUS, 0x6982}, {VCARD_FAULT_STATUS, 0x6983}, {VCARD_FAULT_STATUS, 0x6985},
		{VCARD_FAULT_STATUS, 0x6700}, {VCARD_FAULT_STATUS, 0x6B00}, {VCARD_FAULT_STATUS, 0x6F00},
		{VCARD_FAULT_STATUS, 0x6282}, {VCARD_FAULT_STATUS, 0x9000},
	};

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_certificate(&records_ours, "SNO 3", NULL), CKR_OK);
	assert_int_equal(records_create_data("SNO 5", 300, 1), CKR_OK);
	search_in_each(moments, COUNT(moments), 2);
}

/* The second copy of the index is the newer now: the first in its place has one record less. */
static void the_older_index_shown_as_the_newer_hides_no_record(void **state)
{
	static const struct bad_moment only_said_to_be_selected = {VCARD_FAULT_STATUS, 0x9000};

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_certificate(&records_ours, "SNO 3", NULL), CKR_OK);
	assert_int_equal(records_create_data("SNO 5", 300, 1), CKR_OK);
	assert_int_equal(records_create_data("SNO 7", 10, 1), CKR_OK);
	search_in_each(&only_said_to_be_selected, 1, 3);
}

enum change { CREATE, REPLACE, DESTROY };

static CK_RV change(enum change what, CK_OBJECT_HANDLE record)
{
	static uint8_t bytes[700];

	areacard_fill(bytes, sizeof bytes, 2);
	if (what == CREATE)
		return records_create_data("SNO 1", sizeof bytes, 2);
	return what == REPLACE ? ck_set(bench.session, record, CKA_VALUE, bytes, sizeof bytes)
			       : C_DestroyObject(bench.session, record);
}

/* Before the change; the answer is the record's object, if there is one. */
static CK_OBJECT_HANDLE prepare(enum change what)
{
	CK_OBJECT_HANDLE record;

	if (records_find_by_label(bench.session, &records_data_class, "SNO 1", &record) == 1)
		assert_int_equal(C_DestroyObject(bench.session, record), CKR_OK);
	record = CK_INVALID_HANDLE;
	if (what != CREATE)
		assert_int_equal(records_create_data_in(bench.session, "SNO 1", 450, 1, &record), CKR_OK);
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
		old = what == CREATE ? records_find_by_label(bench.session, &records_data_class, "SNO 1", NULL) == 0
				     : records_has(bench.session, "SNO 1", 450, 1);
		new = what == DESTROY ? records_find_by_label(bench.session, &records_data_class, "SNO 1", NULL) == 0
				      : records_has(bench.session, "SNO 1", 700, 2);
		assert_true(old != new);
		assert_true(new || cut.pulled);
		assert_true(records_has(bench.session, "SNO 9", 250, 9));
		if (old) { /* the next try is right */
			records_find_by_label(bench.session, &records_data_class, "SNO 1", &record);
			assert_int_equal(change(what, record), CKR_OK);
		}
	} while (cut.pulled);
	return at - 1;
}

static void pulled_at_any_command_the_old_or_the_new_record_is_there(void **state)
{
	static const char *const names[] = {"create", "replace", "destroy"};

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_data("SNO 9", 250, 9), CKR_OK);
	cut.at = 0;
	insert_as(answer_or_pull);
	for (enum change what = CREATE; what <= DESTROY; what++)
		print_message("# generation %d: %s: %u points\n", vcard_generation(bench.card), names[what],
			      cut_each_command(what));
}

/* True: the fault had its turn. What is there then is the old record or the new one, and no other is lost. */
static bool change_in(enum change what, struct bad_moment moment, unsigned at)
{
	CK_OBJECT_HANDLE record;
	CK_SESSION_INFO info;
	struct vcard_stats stats;
	bool old, new;
	CK_RV rv;

	records_begin();
	record = prepare(what);
	vcard_stats_reset(bench.card);
	vcard_fault(bench.card, at, moment.kind, moment.sw);
	rv = change(what, record);
	vcard_stats(bench.card, &stats);
	vcard_fault(bench.card, 1, VCARD_FAULT_NONE, 0);
	if (C_GetSessionInfo(bench.session, &info) != CKR_OK)
		bench.session = records_rw_session();
	if (!slot_logged_in(areabench_slot()))
		assert_int_equal(login(bench.session, PIN), CKR_OK);
	old = what == CREATE ? records_find_by_label(bench.session, &records_data_class, "SNO 1", NULL) == 0
			     : records_has(bench.session, "SNO 1", 450, 1);
	new = what == DESTROY ? records_find_by_label(bench.session, &records_data_class, "SNO 1", NULL) == 0
			      : records_has(bench.session, "SNO 1", 700, 2);
	if (old == new || (rv == CKR_OK && !new) || !records_has(bench.session, "SNO 9", 250, 9))
		fail_msg("change %d, command %u, fault %d %04X: %lX, old %d, new %d", (int)what, at,
			 (int)moment.kind, moment.sw, rv, old, new);
	if (old) { /* the next try is right */
		records_find_by_label(bench.session, &records_data_class, "SNO 1", &record);
		assert_int_equal(change(what, record), CKR_OK);
	}
	return stats.commands >= at;
}

static void a_bad_moment_in_a_change_loses_nothing(void **state)
{
	static const struct bad_moment moments[] = {
		{VCARD_FAULT_GARBLE, 0}, {VCARD_FAULT_TRUNCATE, 0}, {VCARD_FAULT_STATUS, 0x6A82},
		{VCARD_FAULT_STATUS, 0x6982}, {VCARD_FAULT_STATUS, 0x6581}, {VCARD_FAULT_STATUS, 0x6D00},
		{VCARD_FAULT_STATUS, 0x6F00},
	};

	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_data("SNO 9", 250, 9), CKR_OK);
	for (enum change what = CREATE; what <= DESTROY; what++)
		for (size_t i = 0; i < COUNT(moments); i++)
			for (unsigned at = 1; change_in(what, moments[i], at); at++)
				assert_in_range(at, 1, 200);
}

static void a_card_that_is_pulled_meanwhile_says_so(void **state)
{
	(void)state;
	records_begin_fresh();
	fake_eject(READER);
	assert_int_equal(records_create_data("SNO 1", 10, 1), CKR_DEVICE_REMOVED);
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

static void put_in_directory(uint8_t tag, bool private, const struct records_file *value)
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
	before = records_find(bench.session, NULL, 0, NULL);
	put_in_directory(0xA0, false, &records_foreign);
	areabench_again();
	assert_int_equal(records_find(bench.session, NULL, 0, NULL), before + 1);
	assert_int_equal(records_find_certificates(&object), 1);
	records_assert_bytes(object, CKA_LABEL, "attr", 4);
	records_assert_bytes(object, CKA_VALUE, records_foreign.bytes, records_foreign.len);
	assert_int_equal(authz_parts_read(records_foreign.bytes, records_foreign.len, &parts), AUTHZ_GOOD);
	records_assert_part(object, CKA_OWNER, &parts.holder);
	records_assert_part(object, CKA_SERIAL_NUMBER, &parts.serial);
	authz_parts_clear(&parts);
	assert_false(ck_bool(bench.session, object, CKA_PRIVATE));
	assert_false(ck_bool(bench.session, object, CKA_DESTROYABLE));
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_ID), CKR_ATTRIBUTE_TYPE_INVALID);
	bench.session = records_rw_session();
	assert_int_equal(C_DestroyObject(bench.session, object), CKR_ACTION_PROHIBITED);
	/* the key's certificate is the one that it was, with the same id */
	find_one(bench.session, CKO_CERTIFICATE, "SIGN");
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(records_find_certificates(NULL), 1);
}

static void a_private_one_wants_a_login(void **state)
{
	(void)state;
	put_in_directory(0xA0, true, &records_ours);
	areabench_again();
	assert_int_equal(records_find_certificates(NULL), 0);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(records_find_certificates(NULL), 1);
	assert_int_equal(C_Logout(bench.session), CKR_OK);
	assert_int_equal(records_find_certificates(NULL), 0);
}

static void a_damaged_one_spoils_no_other(void **state)
{
	struct records_file broken = records_ours;
	CK_OBJECT_HANDLE object;
	uint8_t der[4096];

	(void)state;
	put_in_directory(0xA1, false, &records_ours); /* another kind, which nobody knows */
	areabench_again();
	assert_int_equal(records_find_certificates(NULL), 0);
	broken.bytes[4] = 0x31;
	put_in_directory(0xA0, false, &broken);
	areabench_again();
	assert_int_equal(records_find_certificates(&object), 1);
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_OWNER), CKR_DEVICE_ERROR);
	assert_int_equal(ck_attribute_rv(bench.session, object, CKA_LABEL), CKR_OK);
	get_attribute(bench.session, find_one(bench.session, CKO_CERTIFICATE, "SIGN"), CKA_VALUE, der,
		      sizeof der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AREABENCH_TESTS(what_another_program_deleted_is_gone_when_it_is_read),
		AREABENCH_TESTS(what_another_program_deleted_spoils_no_search),
		AREABENCH_TESTS(a_damaged_record_does_not_hide_the_others),
		AREABENCH_TESTS(a_damaged_index_shows_nothing_and_spoils_nothing),
		{"an_area_that_is_not_for_us_spoils_no_search", an_area_that_is_not_for_us_spoils_no_search,
		 areabench_first, bench_teardown, NULL},
		{"an_area_that_cannot_be_read_spoils_no_search", an_area_that_cannot_be_read_spoils_no_search,
		 areabench_first, bench_teardown, NULL},
		{"what_cannot_be_read_is_told_and_what_is_not_for_us_is_not, generation 1",
		 what_cannot_be_read_is_told_and_what_is_not_for_us_is_not, areabench_first, bench_teardown, NULL},
		AREABENCH_TESTS(a_bad_moment_hides_no_record),
		AREABENCH_TESTS(the_older_index_shown_as_the_newer_hides_no_record),
		AREABENCH_TESTS(pulled_at_any_command_the_old_or_the_new_record_is_there),
		AREABENCH_TESTS(a_bad_moment_in_a_change_loses_nothing),
		AREABENCH_TESTS(a_card_that_is_pulled_meanwhile_says_so),
		AREABENCH_TESTS(one_in_the_directory_is_shown_like_the_others),
		AREABENCH_TESTS(a_private_one_wants_a_login),
		AREABENCH_TESTS(a_damaged_one_spoils_no_other),
	};

	return cmocka_run_group_tests_name("records in trouble", tests, records_load_files, NULL);
}
