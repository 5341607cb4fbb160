/*
 * What a text is read as, in which order, and what is near to a code that
 * nobody knows. That no code is missing: tests/check/explain.test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/twcard/explain_internal.h"

/* "pkcs11:0xA4 status-word:0x6983", as found. */
static const char *found(const char *text, const struct explain_source *only)
{
	static char out[1024];
	struct explain_match m[EXPLAIN_MATCHES_MAX];
	size_t count = explain_find(text, only, m), n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count; i++)
		n += (size_t)snprintf(out + n, sizeof out - n, "%s%s:%s%X", i ? " " : "",
				      explain_source_name(m[i].source),
				      explain_source_is_decimal(m[i].source) ? "" : "0x",
				      (unsigned)m[i].code);
	return out;
}

static void a_code_is_read_as_people_write_it(void **state)
{
	static const struct {
		const char *text, *found;
	} tests[] = {
		{"CKR_PIN_LOCKED", "pkcs11:0xA4"},
		{"ckr_pin_locked", "pkcs11:0xA4"},
		{" CKR_PIN_LOCKED ", "pkcs11:0xA4"},
		{"0xA4", "pkcs11:0xA4"},
		{"0x000000a4", "pkcs11:0xA4"},
		{"A4", "pkcs11:0xA4"},
		{"A4h", "pkcs11:0xA4"},
		{"164", "pkcs11:0xA4"},
		{"2147483649", "pkcs11:0x80000001"},
		{"-2147483647", "pkcs11:0x80000001"},
		{"-2147483646", "pkcs11:0x80000002"},
		{"0xFFFFFFFF80000001", "pkcs11:0x80000001"},
		{"18446744071562067969", "pkcs11:0x80000001"},
		{"6983", "status-word:0x6983"},
		{"0x6983", "status-word:0x6983"},
		{"69 83", "status-word:0x6983"},
		{"SW=6983", "status-word:0x6983"},
		{"sw 0x6983", "status-word:0x6983"},
		{"SW1=69 SW2=83", "status-word:0x6983"},
		{"27011", "status-word:0x6983"},
		{"63c2", "status-word:0x63C2"},
		{"61FF", "status-word:0x61FF"},
		{"6Cxx", "status-word:0x6C00"},
		{"8010000C", "pcsc:0x8010000C"},
		{"-2146435060", "pcsc:0x8010000C"},
		{"1979711501", "hipki:0x7600000D"},
		{"-536870893", "hipki:0xE0000013"},
		{"ServiSign_JS_VERSION_ERROR", "servisign:EF12"},
		{"80092004", "windows:0x80092004"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		print_message("# %s\n", tests[i].text);
		assert_string_equal(found(tests[i].text, NULL), tests[i].found);
	}
}

static void what_is_no_code_finds_nothing(void **state)
{
	static const char *const texts[] = {
		"", " ", "-", "0x", "x", "h", "-0x1", "0x0xA4", "+164", "164.", "0xFFFFFFFFF", "0x1FFFFFFFFA4",
		"99999999999999999999999999", "-99999999999", "SW", "SW=", "SW=698", "69 8", "6 9 8 3 1", "ERROR",
		"a name that is much longer than the name of any code that there can possibly be",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		print_message("# %s\n", texts[i]);
		assert_string_equal(found(texts[i], NULL), "");
	}
}

static void the_more_likely_comes_first(void **state)
{
	(void)state;
	assert_string_equal(found("0", NULL),
			    "servisign:0 component:0 hipki:0x0 pkcs11:0x0 pcsc:0x0");
	assert_string_equal(found("31", NULL), "component:1F pkcs11:0x31");
	assert_string_equal(found("0x31", NULL), "pkcs11:0x31");
	assert_string_equal(found("100", NULL), "pkcs11:0x64 pkcs11:0x100");
	assert_string_equal(found("9000", NULL), "status-word:0x9000");
	assert_string_equal(found("SCARD_E_NO_READERS_AVAILABLE", NULL), "pcsc:0x8010002E component:BC3");
	assert_string_equal(found("PIN_INCORRECT", NULL), "pkcs11:0xA0 component:234F");
}

static void a_source_can_be_chosen(void **state)
{
	(void)state;
	assert_string_equal(found("31", explain_source_named("pkcs11")), "pkcs11:0x31");
	assert_string_equal(found("31", explain_source_named("COMPONENT")), "component:1F");
	assert_string_equal(found("31", explain_source_named("pcsc")), "");
	assert_null(explain_source_named("pkcs"));
	assert_null(explain_source_named(""));
}

static void the_tables_ascend(void **state)
{
	(void)state;
	for (size_t i = 0; explain_sources[i]; i++)
		for (size_t n = 0; n < explain_sources[i]->count; n++) {
			const struct explain_row *row = &explain_sources[i]->rows[n];

			assert_non_null(row->meaning);
			assert_true(row->last == 0 || row->last > row->code);
			assert_true(n == 0 || row->code > row[-1].code);
			assert_true(n == 0 || row->code > row[-1].last);
			assert_true(row->action < ACTION_COUNT);
			assert_true(row->action == ACTION_NONE || explain_action_text(row->action));
		}
}

/* What the maker's table has of them fits the order of 2.01, and of no later version. */
static void component_codes_are_counted_out(void **state)
{
	static const struct {
		const char *code, *equals;
	} tests[] = {
		{"9001", "CKR_CANCEL"},           {"9039", "CKR_PIN_INCORRECT"},
		{"9043", "CKR_PIN_LOCKED"},       {"9056", "CKR_TOKEN_NOT_PRESENT"},
		{"9062", "CKR_USER_ALREADY_LOGGED_IN"}, {"9063", "CKR_USER_NOT_LOGGED_IN"},
		{"9079", "CKR_CRYPTOKI_NOT_INITIALIZED"}, {"9082", "CKR_MUTEX_NOT_LOCKED"},
	};
	struct explain_match m[EXPLAIN_MATCHES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		assert_int_equal(explain_find(tests[i].code, NULL, m), 1);
		assert_string_equal(m[0].equals, tests[i].equals);
	}
	assert_int_equal(explain_find("9110", NULL, m), 1);
	assert_null(m[0].equals);
	assert_int_equal(explain_find("9084", NULL, m), 0);
	assert_int_equal(explain_find("9000", &explain_component, m), 0);
}

static void a_range_tells_the_rest(void **state)
{
	struct explain_match m[EXPLAIN_MATCHES_MAX];

	(void)state;
	for (uint32_t tries = 1; tries < 16; tries++) {
		char text[8];

		snprintf(text, sizeof text, "63C%X", (unsigned)tries);
		assert_int_equal(explain_find(text, NULL, m), 1);
		assert_non_null(m[0].rest);
		assert_int_equal(explain_rest(&m[0]), tries);
	}
	assert_int_equal(explain_find("63C0", NULL, m), 1);
	assert_null(m[0].rest);
	assert_int_equal(explain_find("6C80", NULL, m), 1);
	assert_int_equal(explain_rest(&m[0]), 0x80);
	assert_int_equal(explain_find("0x82001234", NULL, m), 1);
	assert_int_equal(explain_rest(&m[0]), 0x1234);
	assert_int_equal(explain_find("63Cx", NULL, m), 1);
	assert_null(m[0].rest);
}

static void an_unknown_code_has_neighbours(void **state)
{
	struct explain_match m[3];

	(void)state;
	assert_int_equal(explain_near("61907", NULL, m, 3), 3);
	assert_int_equal(m[0].code, 61906);
	assert_int_equal(m[1].code, 61908);
	assert_int_equal(m[2].code, 61905);
	assert_int_equal(explain_near("0x76100016", NULL, m, 3), 3);
	assert_int_equal(m[0].code, 0x7610000D);
	assert_int_equal(explain_near("CKR_PIN_LOCKT", NULL, m, 1), 1);
	assert_string_equal(m[0].name, "CKR_PIN_LOCKED");
	assert_true(explain_near("REVOKED", NULL, m, 3) > 0);
	assert_string_equal(m[0].name, "CG_RTN_CERT_REVOKED");
	assert_int_equal(explain_near("61907", explain_source_named("pcsc"), m, 3), 0);
	assert_int_equal(explain_near("999999", NULL, m, 3), 0);
	assert_int_equal(explain_near("", NULL, m, 3), 0);
	assert_int_equal(explain_near("61907", NULL, m, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_is_read_as_people_write_it),
		cmocka_unit_test(what_is_no_code_finds_nothing),
		cmocka_unit_test(the_more_likely_comes_first),
		cmocka_unit_test(a_source_can_be_chosen),
		cmocka_unit_test(the_tables_ascend),
		cmocka_unit_test(component_codes_are_counted_out),
		cmocka_unit_test(a_range_tells_the_rest),
		cmocka_unit_test(an_unknown_code_has_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
