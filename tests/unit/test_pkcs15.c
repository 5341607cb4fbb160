/* Directory records, hand-made: what may be missing, what is kept out, where they end. */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "der.h"
#include "profiles/pkcs15.h"
#include "wire.h"

#define COMMON "30{ 0C'k1' 03:0780 04:01 }"
#define KEY_PATH "A1{ 30{ 30{ 04:3F0050300810 } 02:0800 } }"
#define KEY "30{ " COMMON " 30{ 04'SIGN' 03:0520 02:01 } " KEY_PATH " }"
#define CERT_PATH "30{ 04:3F00503008F2 02:1500 80:0608 }"
#define CERT_COMMON "30{ 0C'cert' }"

static struct p15_list parse(enum p15_class kind, const char *text)
{
	struct buffer der = BUFFER_INIT;
	struct p15_list list;

	der_put(&der, text);
	assert_int_equal(p15_parse(kind, der.data, der.len, &list), RESULT_OK);
	buffer_clear(&der);
	return list;
}

static struct p15_list parse_one(enum p15_class kind, const char *text)
{
	struct p15_list list = parse(kind, text);

	assert_int_equal(list.count, 1);
	return list;
}

static void assert_bytes(const struct buffer *b, const char *want)
{
	assert_int_equal(b->len, strlen(want));
	if (b->len)
		assert_memory_equal(b->data, want, b->len);
}

/* ---- keys ---- */

static void a_key_record_is_read(void **state)
{
	struct p15_list list = parse_one(P15_PRIVATE_KEY, KEY);
	const struct p15_object *o = &list.items[0];

	(void)state;
	assert_bytes(&o->label, "k1");
	assert_bytes(&o->id, "SIGN");
	assert_true(o->is_private);
	assert_int_equal(o->usage, P15_SIGN);
	assert_int_equal(o->key_ref, 1);
	assert_int_equal(o->modulus_bits, 2048);
	assert_int_equal(o->access, 0);
	assert_true(o->has_path && !o->has_range);
	assert_int_equal(o->path.count, 2);
	assert_int_equal(o->path.fid[1], 0x0810);
	p15_list_clear(&list);
}

static void a_list_that_was_cleared_is_empty(void **state)
{
	struct p15_list list = parse_one(P15_PRIVATE_KEY, KEY);

	(void)state;
	assert_int_equal(list.count, 1);
	for (int i = 0; i < 2; i++) {
		p15_list_clear(&list);
		assert_int_equal(list.count, 0);
		assert_null(list.items);
	}
}

static void optional_fields_of_a_key_may_be_there_or_not(void **state)
{
	static const char *const records[] = {
		/* native, access flags, key reference in 7816-15's order */
		"30{ " COMMON " 30{ 04'SIGN' 03:0520 01:FF 03:03B8 02:01 } " KEY_PATH " }",
		"30{ 30{ } 30{ 04'SIGN' 03:0520 02:01 } " KEY_PATH " }",
		"30{ " COMMON " 30{ 04'SIGN' 03:0520 02:01 } A0{ 30{ } } " KEY_PATH " }",
		"30{ 30{ 0C'k1' } 30{ 04'SIGN' 03:0520 02:01 18'20250101000000Z' } " KEY_PATH " }",
		"30{ " COMMON " 30{ 04'SIGN' 03:0520 02:01 } A1{ 30{ 30{ 04:3F0050300810 } } } }",
		"30{ " COMMON " 30{ 04'SIGN' 03:0520 02:01 } A1{ 30{ } } }",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(records); i++) {
		struct p15_list list = parse_one(P15_PRIVATE_KEY, records[i]);

		assert_bytes(&list.items[0].id, "SIGN");
		assert_int_equal(list.items[0].usage, P15_SIGN);
		assert_int_equal(list.items[0].key_ref, 1);
		assert_int_equal(list.items[0].access != 0, i == 0);
		p15_list_clear(&list);
	}
}

static void access_flags_and_usages_are_told(void **state)
{
	struct p15_list list = parse_one(
		P15_PRIVATE_KEY, "30{ " COMMON " 30{ 04'X' 03:060440 03:03B8 02:7F } " KEY_PATH " }");

	(void)state;
	assert_int_equal(list.items[0].usage, P15_UNWRAP | P15_NON_REPUDIATION);
	assert_int_equal(list.items[0].access, P15_SENSITIVE | P15_ALWAYS_SENSITIVE |
						       P15_NEVER_EXTRACTABLE | P15_CARD_GENERATED);
	assert_int_equal(list.items[0].key_ref, 127);
	p15_list_clear(&list);
}

/* ---- certificates and data ---- */

static void index_and_length_of_a_certificate_are_read(void **state)
{
	struct p15_list list =
		parse_one(P15_CERTIFICATE, "30{ " CERT_COMMON " 30{ 04'KEYX' 01:FF } A1{ 30{ " CERT_PATH
					   " 30{ } A0{ 30{ 31{ } } } 02:0A0B } } }");
	const struct p15_object *o = &list.items[0];

	(void)state;
	assert_true(o->has_range && o->is_authority);
	assert_int_equal(o->offset, 0x1500);
	assert_int_equal(o->length, 0x0608);
	assert_int_equal(o->path.fid[1], 0x08F2);
	assert_memory_equal(o->subject.data, "\x30\x00", 2);
	assert_int_equal(o->issuer.len, 4);
	assert_memory_equal(o->issuer.data, "\x30\x02\x31\x00", 4);
	assert_memory_equal(o->serial.data, "\x02\x02\x0A\x0B", 4);
	p15_list_clear(&list);
}

static void an_issuer_without_a_tag_is_the_second_name(void **state)
{
	struct p15_list list = parse_one(P15_CERTIFICATE, "30{ " CERT_COMMON " 30{ 04'A' } A1{ 30{ " CERT_PATH
							  " 30{ } 30{ 31{ } } 02:0A0B } } }");
	const struct p15_object *o = &list.items[0];

	(void)state;
	assert_bytes(&o->id, "A");
	assert_int_equal(o->subject.len, 2);
	assert_int_equal(o->issuer.len, 4);
	assert_memory_equal(o->issuer.data, "\x30\x02\x31\x00", 4);
	assert_int_equal(o->serial.len, 4);
	p15_list_clear(&list);
}

static void a_certificate_without_a_range_is_its_whole_file(void **state)
{
	struct p15_list list = parse(
		P15_CERTIFICATE,
		"30{ " CERT_COMMON " 30{ 04'A' } A1{ 30{ 30{ 04:3F00503008F2 } } } }"
		"30{ " CERT_COMMON " 30{ 04'B' } A1{ 30{ 30{ 04:3F00503008F2 80:40 } } } }"
		"30{ " CERT_COMMON " 30{ 04'C' } A1{ 30{ 30{ 04:7FFF503008F2 02:00 80:0608 } } } }");

	(void)state;
	assert_int_equal(list.count, 3);
	assert_false(list.items[0].has_range);
	assert_true(list.items[1].has_range);
	assert_int_equal(list.items[1].offset, 0);
	assert_int_equal(list.items[1].length, 0x40);
	assert_int_equal(list.items[2].path.count, 2); /* the root is left out, whichever it is */
	assert_int_equal(list.items[0].subject.len + list.items[0].serial.len, 0);
	p15_list_clear(&list);
}

static void a_data_object_has_its_identifiers_content(void **state)
{
	struct p15_list list = parse(
		P15_DATA, "30{ 30{ 0C'd' } 30{ 0C'app' 06:40 } A1{ 30{ 04:3F0050300870 02:10 80:20 } } }"
			  "30{ 30{ 0C'e' } 30{ 0C'app' } A1{ 30{ 30{ 04:3F0050300870 } } } }");

	(void)state;
	assert_int_equal(list.count, 2);
	assert_bytes(&list.items[0].application, "app");
	assert_bytes(&list.items[0].oid, "\x40");
	assert_int_equal(list.items[0].offset, 0x10);
	assert_int_equal(list.items[0].length, 0x20);
	assert_int_equal(list.items[1].oid.len, 0);
	assert_true(list.items[1].has_path);
	p15_list_clear(&list);
}

static void labels_of_every_string_type_become_utf8(void **state)
{
	struct p15_list list = parse(P15_PUBLIC_KEY,
				     "30{ 30{ 13'plain' } 30{ 04'A' 02:01 } " KEY_PATH " }"
				     "30{ 30{ 1E:4E2D6587 } 30{ 04'B' 02:01 } " KEY_PATH " }");

	(void)state;
	assert_int_equal(list.count, 2);
	assert_bytes(&list.items[0].label, "plain");
	assert_bytes(&list.items[1].label, "\xE4\xB8\xAD\xE6\x96\x87");
	p15_list_clear(&list);
}

/* ---- what is kept out ---- */

static void what_is_not_understood_is_left_out_and_the_rest_stays(void **state)
{
	static const char *const strange[] = {
		"A0{ 30{ } 30{ } A1{ } }",                                     /* another kind of key */
		"30{ " COMMON " 30{ 04'SIGN' 03:0520 } " KEY_PATH " }",        /* no key reference */
		"30{ " COMMON " 30{ 04'SIGN' 02:0100 } " KEY_PATH " }",        /* too large a one */
		"30{ " COMMON " 30{ 04'SIGN' 02:FF } " KEY_PATH " }",          /* a negative one */
		"30{ " COMMON " }",                                            /* nothing else */
		"30{ " COMMON " 30{ 04'X' 02:01 } A1{ 30{ 30{ 04:3F } } } }",  /* half an identifier */
		"30{ " COMMON " 30{ 04'X' 02:01 } A1{ 30{ 30{ 04:3F00111122223333444455556666777788 "
		"80:01 } } } }",                                               /* too deep */
		"30{ " COMMON " 30{ 04'X' 02:01 } " KEY_PATH " 05: }",         /* more than belongs there */
		"04'not a record'",
		"30{ }",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(strange); i++) {
		char text[1000];
		struct p15_list list;

		snprintf(text, sizeof text, "%s %s %s", KEY, strange[i], KEY);
		list = parse(P15_PRIVATE_KEY, text);
		assert_int_equal(list.count, 2);
		assert_bytes(&list.items[1].id, "SIGN");
		p15_list_clear(&list);
	}
}

static void an_absurd_range_is_left_out(void **state)
{
	static const char *const paths[] = {
		"30{ 04:3F00503008F2 02:F500 80:0608 }", "30{ 04:3F00503008F2 02:00 80: }",
		"30{ 04:3F00503008F2 02:00 80:FF00 }", "30{ 04:3F00503008F2 02:00 80:0100000000 }",
		"30{ 04:3F00503008F2 02:00FFFFFFFF 80:01 }"};

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		char text[500];
		struct p15_list list;

		snprintf(text, sizeof text, "30{ " CERT_COMMON " 30{ 04'A' } A1{ 30{ %s } } }", paths[i]);
		list = parse(P15_CERTIFICATE, text);
		assert_int_equal(list.count, 0);
		p15_list_clear(&list);
	}
}

static void a_torn_row_is_bad_data(void **state)
{
	struct buffer der = BUFFER_INIT;
	struct p15_list list;

	(void)state;
	der_put(&der, KEY KEY);
	for (size_t len = der.len / 2 + 1; len < der.len; len++) {
		assert_int_equal(p15_parse(P15_PRIVATE_KEY, der.data, len, &list), RESULT_BAD_DATA);
		assert_int_equal(list.count, 0);
	}
	assert_int_equal(p15_parse(P15_PRIVATE_KEY, NULL, 0, &list), RESULT_OK);
	assert_int_equal(list.count, 0);
	p15_list_clear(&list);
	buffer_clear(&der);
}

/* They cost themselves, not the directory. */
static void records_behind_the_64th_are_left_out(void **state)
{
	struct buffer der = BUFFER_INIT;
	struct p15_list list;

	(void)state;
	for (int i = 0; i < 64; i++)
		der_put(&der, KEY);
	for (int more = 0; more < 3; more++) {
		assert_int_equal(p15_parse(P15_PRIVATE_KEY, der.data, der.len, &list), RESULT_OK);
		assert_int_equal(list.count, 64);
		assert_bytes(&list.items[63].id, "SIGN");
		p15_list_clear(&list);
		der_put(&der, KEY);
	}
	buffer_truncate(&der, der.len - 1); /* torn all the same */
	assert_int_equal(p15_parse(P15_PRIVATE_KEY, der.data, der.len, &list), RESULT_BAD_DATA);
	assert_int_equal(list.count, 0);
	buffer_clear(&der);
}

/* A file of its own is needed for what is read from one; a key is found without. */
static void a_path_of_the_root_alone_costs_what_needs_it(void **state)
{
	static const char *const roots[] = {"04:3F00", "04:7FFF", "04:"};

	(void)state;
	for (size_t i = 0; i < COUNT(roots); i++) {
		char text[1000];
		struct p15_list list;

		snprintf(text, sizeof text,
			 "30{ 30{ 0C'a' } 30{ 04'A' } A1{ 30{ 30{ %s } } } }"
			 "30{ 30{ 0C'b' } 30{ 04'B' } A1{ 30{ " CERT_PATH " } } }", roots[i]);
		list = parse_one(P15_CERTIFICATE, text);
		assert_bytes(&list.items[0].id, "B");
		p15_list_clear(&list);
		snprintf(text, sizeof text,
			 "30{ 30{ 0C'd' } 30{ 0C'app' } A1{ 30{ %s } } }"
			 "30{ 30{ 0C'e' } 30{ 0C'app' } A1{ 30{ 04:3F0050300870 } } }", roots[i]);
		list = parse_one(P15_DATA, text);
		assert_bytes(&list.items[0].label, "e");
		p15_list_clear(&list);
		snprintf(text, sizeof text,
			 "30{ 30{ 0C'k' } 30{ 04'K' 02:01 } A1{ 30{ 30{ %s } 02:0800 } } }", roots[i]);
		list = parse_one(P15_PRIVATE_KEY, text);
		assert_int_equal(list.items[0].modulus_bits, 2048);
		assert_false(list.items[0].has_path);
		p15_list_clear(&list);
	}
}

static void a_length_without_its_leading_zero_is_read_as_it_is_meant(void **state)
{
	static const struct {
		const char *path;
		unsigned length;
	} cases[] = {{"30{ 04:3F00503008F2 02:00 80:C8 }", 200},
		     {"30{ 04:3F00503008F2 02:00 80:00C8 }", 200},
		     {"30{ 04:3F00503008F2 02:00 80:8000 }", 0x8000}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[500];
		struct p15_list list;

		snprintf(text, sizeof text, "30{ " CERT_COMMON " 30{ 04'A' } A1{ 30{ %s } } }",
			 cases[i].path);
		list = parse_one(P15_CERTIFICATE, text);
		assert_true(list.items[0].has_range);
		assert_int_equal(list.items[0].length, cases[i].length);
		p15_list_clear(&list);
	}
}

static void what_no_card_meant_to_say_is_counted(void **state)
{
	static const struct {
		const char *records;
		size_t count, odd;
	} cases[] = {{KEY KEY, 2, 0},
		     {KEY "A0{ 30{ } }" KEY, 2, 0}, /* another kind of key */
		     {KEY "65{ 30{ } }" KEY, 2, 1},
		     {"30{ " COMMON " }" KEY "04'x'", 1, 2}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buffer der = BUFFER_INIT;
		struct p15_list list;
		size_t odd = 77;

		der_put(&der, cases[i].records);
		assert_int_equal(p15_parse_odd(P15_PRIVATE_KEY, der.data, der.len, &list, &odd),
				 RESULT_OK);
		assert_int_equal(list.count, cases[i].count);
		assert_int_equal(odd, cases[i].odd);
		p15_list_clear(&list);
		buffer_clear(&der);
	}
}

/* ---- where the records end ---- */

static void padding_of_either_kind_ends_the_records(void **state)
{
	(void)state;
	for (int pad = 0x00; pad <= 0xFF; pad += 0xFF) {
		struct buffer file = BUFFER_INIT;
		size_t content, need, records;

		der_put(&file, KEY KEY);
		records = file.len;
		assert_int_equal(buffer_append_u8(&file, (uint8_t)pad), RESULT_OK);
		assert_int_equal(p15_scan(file.data, file.len, &content, &need), P15_COMPLETE);
		assert_int_equal(content, records);
		buffer_clear(&file);
	}
}

static void without_padding_more_must_be_read(void **state)
{
	struct buffer file = BUFFER_INIT;
	size_t content, need;

	(void)state;
	der_put(&file, KEY);
	assert_int_equal(p15_scan(file.data, file.len, &content, &need), P15_MORE);
	assert_int_equal(content, file.len);
	assert_int_equal(need, file.len + 1);
	for (size_t len = 2; len < file.len; len++) {
		assert_int_equal(p15_scan(file.data, len, &content, &need), P15_MORE);
		assert_int_equal(content, 0);
		assert_int_equal(need, file.len);
	}
	assert_int_equal(p15_scan(file.data, 0, &content, &need), P15_MORE);
	assert_int_equal(need, 1);
	buffer_clear(&file);
}

static void what_can_be_no_record_is_torn(void **state)
{
	size_t content, need;

	(void)state;
	assert_int_equal(p15_scan((const uint8_t *)"\x30\x80\x00\x00", 4, &content, &need), P15_TORN);
	assert_int_equal(p15_scan((const uint8_t *)"\x30\x85\x01\x01", 4, &content, &need), P15_TORN);
	assert_int_equal(content, 0);
	assert_int_equal(p15_scan((const uint8_t *)"\xFF", 1, &content, &need), P15_COMPLETE);
	assert_int_equal(content, 0);
}

/* ---- TokenInfo ---- */

static void token_info_is_read_as_far_as_it_goes(void **state)
{
	struct p15_token_info info;
	struct buffer der = BUFFER_INIT;

	(void)state;
	der_put(&der, "30{ 02:00 04'TP0724' 0C'maker' 80'label  ' 03:0560 }");
	assert_int_equal(p15_parse_token_info(der.data, der.len, &info), RESULT_OK);
	assert_bytes(&info.serial, "TP0724");
	assert_bytes(&info.manufacturer, "maker");
	assert_bytes(&info.label, "label  ");
	p15_token_info_clear(&info);
	buffer_reset(&der);
	der_put(&der, "30{ 02:00 }");
	assert_int_equal(p15_parse_token_info(der.data, der.len, &info), RESULT_OK);
	assert_int_equal(info.serial.len + info.manufacturer.len + info.label.len, 0);
	p15_token_info_clear(&info);
	assert_int_equal(p15_parse_token_info((const uint8_t *)"\x31\x00", 2, &info), RESULT_BAD_DATA);
	assert_int_equal(p15_parse_token_info(NULL, 0, &info), RESULT_BAD_DATA);
	buffer_clear(&der);
}

/* The queue belongs to the program: its own error stays, ours never get there. */
static void what_is_wrong_leaves_the_programs_error_queue_alone(void **state)
{
	static const char *const records[] = {"30{ 30{ 0C'k1' } }", "30{ 02:01 }", "31{ }", "30{ 30{ 05:00 } }"};
	struct p15_token_info info;
	struct p15_list list;

	(void)state;
	ERR_clear_error();
	ERR_raise(ERR_LIB_USER, 77);
	for (size_t i = 0; i < COUNT(records); i++) {
		struct buffer der = BUFFER_INIT;

		der_put(&der, "30{ 05:00 0C'x' }");
		der_put(&der, records[i]);
		(void)!p15_parse(P15_PRIVATE_KEY, der.data, der.len - i % 2, &list);
		p15_list_clear(&list);
		(void)!p15_parse_token_info(der.data + 1, der.len - 1, &info);
		p15_token_info_clear(&info);
		buffer_clear(&der);
	}
	assert_int_equal(ERR_GET_REASON(ERR_get_error()), 77);
	assert_int_equal(ERR_get_error(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_record_is_read),
		cmocka_unit_test(a_list_that_was_cleared_is_empty),
		cmocka_unit_test(optional_fields_of_a_key_may_be_there_or_not),
		cmocka_unit_test(access_flags_and_usages_are_told),
		cmocka_unit_test(index_and_length_of_a_certificate_are_read),
		cmocka_unit_test(an_issuer_without_a_tag_is_the_second_name),
		cmocka_unit_test(a_certificate_without_a_range_is_its_whole_file),
		cmocka_unit_test(a_data_object_has_its_identifiers_content),
		cmocka_unit_test(labels_of_every_string_type_become_utf8),
		cmocka_unit_test(what_is_not_understood_is_left_out_and_the_rest_stays),
		cmocka_unit_test(an_absurd_range_is_left_out),
		cmocka_unit_test(a_torn_row_is_bad_data),
		cmocka_unit_test(records_behind_the_64th_are_left_out),
		cmocka_unit_test(a_path_of_the_root_alone_costs_what_needs_it),
		cmocka_unit_test(a_length_without_its_leading_zero_is_read_as_it_is_meant),
		cmocka_unit_test(what_no_card_meant_to_say_is_counted),
		cmocka_unit_test(padding_of_either_kind_ends_the_records),
		cmocka_unit_test(without_padding_more_must_be_read),
		cmocka_unit_test(what_can_be_no_record_is_torn),
		cmocka_unit_test(token_info_is_read_as_far_as_it_goes),
		cmocka_unit_test(what_is_wrong_leaves_the_programs_error_queue_alone),
	};

	return cmocka_run_group_tests_name("pkcs15", tests, NULL, NULL);
}
