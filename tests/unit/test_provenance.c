/* Nothing that changes a card is sent unless it was seen on a real one; the documents say the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol_table.h"
#include "testcard.h"
#include "wire.h"

#ifndef TOPSRC
#define TOPSRC "."
#endif
#define DOCUMENT TOPSRC "/docs/PROTOCOL.md"

static void operations_and_marks_have_names(void **state)
{
	(void)state;
	for (int op = 0; op < OP_COUNT; op++)
		assert_string_not_equal(card_op_name((enum card_op)op), "unknown operation");
	assert_string_equal(card_op_name(OP_COUNT), "unknown operation");
	assert_string_equal(provenance_name(OBSERVED), "observed");
	assert_string_equal(provenance_name((enum provenance)77), "unknown");
}

static void what_is_not_known_counts_as_dangerous(void **state)
{
	static const enum card_op changing[] = {OP_VERIFY_PIN, OP_CHANGE_PIN, OP_UNBLOCK_PIN,
						OP_WRITE_FILE, OP_CREATE_FILE, OP_DELETE_FILE,
						OP_AUTHENTICATE_ISSUER, OP_GENERATE_KEY};

	(void)state;
	assert_true(card_op_changes_card(OP_COUNT));
	for (size_t i = 0; i < COUNT(changing); i++)
		assert_true(card_op_changes_card(changing[i]));
	assert_false(card_op_changes_card(OP_READ_FILE));
}

/* An operation that a profile has built is one whose form is known at all. */
static void nothing_is_built_on_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; card_profiles[i]; i++) {
		const struct card_profile *p = card_profiles[i];

		assert_true(!p->verify_pin || p->marks[OP_VERIFY_PIN] == OBSERVED);
		assert_true(!p->private_op || p->marks[OP_PRIVATE_OP] != PROVENANCE_NONE);
		assert_true(!p->read_public_key || p->marks[OP_READ_PUBLIC_KEY] != PROVENANCE_NONE);
		assert_true(!p->change_pin || p->marks[OP_CHANGE_PIN] != PROVENANCE_NONE);
		assert_true(!p->unblock_pin || p->marks[OP_UNBLOCK_PIN] != PROVENANCE_NONE);
		assert_true(!p->get_challenge || p->marks[OP_CHALLENGE] != PROVENANCE_NONE);
		assert_true(!p->authenticate_issuer ||
			    p->marks[OP_AUTHENTICATE_ISSUER] != PROVENANCE_NONE);
		assert_true(!p->update_binary || p->marks[OP_WRITE_FILE] != PROVENANCE_NONE);
		assert_true(!p->create_file || p->marks[OP_CREATE_FILE] != PROVENANCE_NONE);
		assert_true(!p->delete_file || p->marks[OP_DELETE_FILE] != PROVENANCE_NONE);
		assert_true(!p->read_token || p->marks[OP_READ_TOKEN] != PROVENANCE_NONE);
	}
}

static enum result verify_with_mark(enum provenance mark, bool allow_unproven, unsigned *verifies)
{
	struct vcard *card = testcard_load();
	struct card_profile doubtful = profile_hicos_v3;
	struct vcard_stats stats;
	struct wire w;
	struct card c = {.channel = wire_vcard(&w, card), .profile = &doubtful, .read_size = 200,
			 .options.allow_unproven = allow_unproven};
	enum result r;
	int tries;

	doubtful.marks[OP_VERIFY_PIN] = mark;
	r = card_verify_pin(&c, (const uint8_t *)PIN, 6, &tries);
	vcard_stats(card, &stats);
	*verifies = (unsigned)stats.verifies;
	if (r == RESULT_UNPROVEN)
		assert_int_equal(w.commands, 0);
	channel_free(&c.channel);
	vcard_free(&card);
	return r;
}

static void an_unproven_operation_that_changes_the_card_is_refused(void **state)
{
	static const enum provenance marks[] = {PROVENANCE_NONE, ASSUMED, STATIC, DOCUMENTED};
	unsigned verifies;

	(void)state;
	for (size_t i = 0; i < COUNT(marks); i++) {
		assert_int_equal(verify_with_mark(marks[i], false, &verifies), RESULT_UNPROVEN);
		assert_int_equal(verifies, 0);
	}
}

/* What `twcard profile` tells is what the operations themselves go by. */
static void what_is_told_of_an_operation_is_what_happens(void **state)
{
	const struct card_profile *profile;
	enum provenance mark;
	size_t count = 0;

	(void)state;
	for (; (profile = card_profile_at(count)) != NULL; count++) {
		struct card c = {.profile = profile};

		assert_string_equal(card_profile_facts(profile).name, profile->name);
		assert_int_equal(card_profile_facts(profile).pin_tries, profile->pin_tries);
		for (enum card_op op = 0; op < OP_COUNT; op++) {
			enum card_permission may = card_profile_permits(profile, op, &mark);
			bool unproven = card_op_changes_card(op) && profile->marks[op] != OBSERVED;

			assert_int_equal(mark, profile->marks[op]);
			if (may == CARD_CANNOT)
				assert_true(card_refuse(&c, op) ==
					    (unproven ? RESULT_UNPROVEN : RESULT_NOT_SUPPORTED));
			else
				assert_int_equal(may, unproven ? CARD_MAY_IF_ALLOWED : CARD_MAY);
		}
		assert_int_equal(card_profile_permits(profile, OP_VERIFY_PIN, &mark), CARD_MAY);
		assert_int_equal(card_profile_permits(profile, OP_GENERATE_KEY, &mark), CARD_CANNOT);
	}
	assert_int_equal(count, 2);
	assert_null(card_profile_at(count));
	assert_null(card_profile_at(100));
}

static void a_doubtful_form_is_told_as_one(void **state)
{
	struct card_profile doubtful = profile_hicos_v3;
	enum provenance mark;

	(void)state;
	doubtful.marks[OP_VERIFY_PIN] = STATIC;
	assert_int_equal(card_profile_permits(&doubtful, OP_VERIFY_PIN, &mark), CARD_MAY_IF_ALLOWED);
	doubtful.verify_pin = NULL;
	assert_int_equal(card_profile_permits(&doubtful, OP_VERIFY_PIN, &mark), CARD_CANNOT);
}

static void an_observed_or_allowed_one_is_sent(void **state)
{
	unsigned verifies;

	(void)state;
	assert_int_equal(verify_with_mark(OBSERVED, false, &verifies), RESULT_OK);
	assert_int_equal(verifies, 1);
	assert_int_equal(verify_with_mark(ASSUMED, true, &verifies), RESULT_OK);
	assert_int_equal(verifies, 1);
}

/* What a program may ask of the module, and what must not reach the card. */
static void writing_through_the_module_reaches_no_card(void **state)
{
	CK_OBJECT_CLASS klass = CKO_DATA;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass}, {CKA_TOKEN, &yes, 1}};
	CK_OBJECT_HANDLE cert = find_one(bench.session, CKO_CERTIFICATE, "SIGN"), made;
	CK_UTF8CHAR label[32];
	CK_ULONG verifies;
	struct vcard_stats stats;

	(void)state;
	memset(label, ' ', sizeof label);
	vcard_stats(bench.card, &stats);
	verifies = stats.verifies;
	fake_new_commands(READER);
	assert_int_not_equal(C_CreateObject(bench.session, template, COUNT(template), &made), CKR_OK);
	assert_int_not_equal(C_CopyObject(bench.session, cert, template, COUNT(template), &made), CKR_OK);
	assert_int_not_equal(C_DestroyObject(bench.session, cert), CKR_OK);
	assert_int_not_equal(C_SetAttributeValue(bench.session, cert, &template[1], 1), CKR_OK);
	assert_int_not_equal(C_SetPIN(bench.session, (CK_BYTE *)PIN, 6, (CK_BYTE *)"222222", 6), CKR_OK);
	assert_int_not_equal(C_InitPIN(bench.session, (CK_BYTE *)PIN, 6), CKR_OK);
	assert_int_not_equal(C_InitToken(bench.slot, (CK_BYTE *)PIN, 6, label), CKR_OK);
	assert_int_not_equal(C_GenerateKeyPair(bench.session, MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN), NULL,
					       0, NULL, 0, &made, &made),
			     CKR_OK);
	vcard_stats(bench.card, &stats);
	assert_int_equal(stats.verifies, verifies);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	find_one(bench.session, CKO_CERTIFICATE, "SIGN");
}

/* ---- docs/PROTOCOL.md ---- */

static char *read_document(void)
{
	FILE *file = fopen(DOCUMENT, "r");
	char *text = NULL;
	long size;

	if (!file)
		return NULL;
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)size + 1);
	if (text && fread(text, 1, (size_t)size, file) != (size_t)size)
		text[0] = '\0';
	fclose(file);
	return text;
}

/* The part under the heading that ends with the name; its end is cut off with a NUL. */
static char *find_section(char *text, const char *name)
{
	for (char *line = text; line; line = strchr(line, '\n')) {
		char *end, *next;

		line += *line == '\n';
		end = strchr(line, '\n');
		if (line[0] != '#' || !end || !memmem(line, (size_t)(end - line), name, strlen(name)))
			continue;
		next = strstr(end, "\n#");
		if (next)
			*next = '\0';
		return end;
	}
	return NULL;
}

static void the_document_has_every_row_of_every_profile(void **state)
{
	(void)state;
	for (size_t i = 0; card_profiles[i]; i++) {
		char *text = read_document(), *section, row[100], line[120];

		if (!text) {
			print_message("# skipped: there is no docs/PROTOCOL.md\n");
			skip();
		}
		section = find_section(text, card_profiles[i]->name);
		if (!section)
			fail_msg("PROTOCOL.md has no heading with %s", card_profiles[i]->name);
		for (int op = 0; op < OP_COUNT; op++) {
			protocol_row(card_profiles[i], (enum card_op)op, row, sizeof row);
			snprintf(line, sizeof line, "\n%s", row);
			if (!strstr(section, line))
				fail_msg("%s: not in PROTOCOL.md: %s", card_profiles[i]->name, row);
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_and_marks_have_names),
		cmocka_unit_test(what_is_not_known_counts_as_dangerous),
		cmocka_unit_test(nothing_is_built_on_nothing),
		cmocka_unit_test(an_unproven_operation_that_changes_the_card_is_refused),
		cmocka_unit_test(what_is_told_of_an_operation_is_what_happens),
		cmocka_unit_test(a_doubtful_form_is_told_as_one),
		cmocka_unit_test(an_observed_or_allowed_one_is_sent),
		LOGIN_TEST(writing_through_the_module_reaches_no_card),
		cmocka_unit_test(the_document_has_every_row_of_every_profile),
	};

	return cmocka_run_group_tests_name("provenance", tests, NULL, NULL);
}
