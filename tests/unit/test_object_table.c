/*
 * Session objects in their table, and the block of values of each: which are
 * looked at to find those of a class, and what ends with a session. Counts, not
 * times. And the schema, which must not contradict itself.
 */
#include <string.h>

#include "src/crypto/context.h"
#include "src/object/attribute.h"
#include "src/object/schema.h"
#include "src/object/session_object.h"
#include "src/object/template.h"
#include "src/token/slot.h"
#include "ck_objects.h"

static struct token token;

static int setup(void **state)
{
	(void)state;
	token_init(&token);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	token_clear(&token);
	assert_null(token.handles);
	assert_null(token.session_objects.owners);
	assert_int_equal(token.session_objects.count, 0);
	assert_int_equal(token.session_objects.bytes, 0);
	return 0;
}

static CK_OBJECT_HANDLE add(CK_OBJECT_CLASS klass, CK_SESSION_HANDLE owner, bool private)
{
	struct store s = STORE_INIT;
	CK_OBJECT_HANDLE handle = 0;

	assert_int_equal(store_set_ulong(&s, CKA_CLASS, klass), RESULT_OK);
	assert_int_equal(store_set_bool(&s, CKA_PRIVATE, private), RESULT_OK);
	assert_int_equal(token_add_session_object(&token, &s, owner, &handle), RESULT_OK);
	store_clear(&s);
	assert_int_equal(s.block.len, 0);
	return handle;
}

/* How many objects a search for the class looks at, oldest first. */
static size_t looked_at(CK_OBJECT_CLASS klass)
{
	CK_OBJECT_HANDLE before = 0;
	size_t n = 0;

	for (const struct object *o = token_session_objects(&token, klass); o; o = o->class_next) {
		assert_int_equal(o->klass, klass);
		assert_true(o->handle > before);
		before = o->handle;
		n++;
	}
	return n;
}

static void a_search_for_a_class_looks_at_that_class_only(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		add(CKO_SECRET_KEY, 1, false);
		if (i % 100 == 0)
			add(CKO_CERTIFICATE, 1, false);
	}
	add(CKO_PROFILE, 0, false);
	assert_int_equal(looked_at(CKO_CERTIFICATE), 10);
	assert_int_equal(looked_at(CKO_SECRET_KEY), 1000);
	assert_int_equal(looked_at(CKO_PROFILE), 1);
	assert_int_equal(looked_at(CKO_PUBLIC_KEY), 0);
	assert_int_equal(looked_at(CKO_DATA), 0);
	assert_int_equal(token.session_objects.count, 1010); /* the token's own do not count */
}

static void a_session_takes_its_own_objects_along_and_no_others(void **state)
{
	CK_OBJECT_HANDLE kept[3], gone;

	(void)state;
	kept[0] = add(CKO_DATA, 1, false);
	gone = add(CKO_DATA, 2, false);
	kept[1] = add(CKO_DATA, 3, false);
	add(CKO_CERTIFICATE, 2, false);
	kept[2] = add(CKO_PROFILE, 0, false);
	token_end_session_objects(&token, 2, false);
	assert_null(token_object(&token, gone));
	for (size_t i = 0; i < COUNT(kept); i++)
		assert_non_null(token_object(&token, kept[i]));
	assert_int_equal(looked_at(CKO_DATA), 2);
	assert_int_equal(looked_at(CKO_CERTIFICATE), 0);
	assert_int_equal(HASH_COUNT(token.session_objects.owners), 2);
	/* one that never had any, and one that has no more */
	token_end_session_objects(&token, 77, false);
	token_end_session_objects(&token, 2, false);
	assert_int_equal(token.session_objects.count, 2);
}

static void a_logout_takes_the_private_ones_of_all(void **state)
{
	CK_OBJECT_HANDLE open_one, secret;

	(void)state;
	token.logged_in = true;
	open_one = add(CKO_SECRET_KEY, 1, false);
	secret = add(CKO_SECRET_KEY, 1, true);
	add(CKO_DATA, 2, true);
	assert_non_null(token_object(&token, secret));
	token.logged_in = false;
	assert_null(token_object(&token, secret));
	token_end_session_objects(&token, 0, true);
	token.logged_in = true;
	assert_null(token_object(&token, secret));
	assert_non_null(token_object(&token, open_one));
	assert_int_equal(token.session_objects.count, 1);
	assert_int_equal(HASH_COUNT(token.session_objects.owners), 1);
}

static void removing_one_by_one_leaves_nothing(void **state)
{
	CK_OBJECT_HANDLE handles[5];

	(void)state;
	for (size_t i = 0; i < COUNT(handles); i++)
		handles[i] = add(CKO_DATA, 1, false);
	for (size_t i = 0; i < COUNT(handles); i++) /* 0, 2, 4, 1, 3 */
		token_remove_session_object(&token,
					    token_object(&token, handles[i * 2 % COUNT(handles)]));
	assert_null(token_session_objects(&token, CKO_DATA));
	assert_null(token.session_objects.owners);
	assert_int_equal(token.session_objects.bytes, 0);
}

/* ---- what a key says of its use ---- */

static struct slot *slot;
static struct session *session;

static int setup_slot(void **state)
{
	CK_SESSION_HANDLE handle = 0;

	(void)state;
	assert_true(crypto_start());
	assert_int_equal(slot_new(1, "no reader", 0, &slot), RESULT_OK);
	assert_int_equal(session_open(&slot->sessions, slot, 1, CKF_RW_SESSION, &handle), CKR_OK);
	session = slot->sessions.all;
	return 0;
}

static int teardown_slot(void **state)
{
	(void)state;
	slot_free(&slot);
	assert_int_equal(fake_open_contexts(), 0); /* session objects want no card */
	return 0;
}

/* An AES key with one attribute more. */
static CK_OBJECT_HANDLE key_with(CK_ATTRIBUTE more)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES),
				   BYTES_OF(CKA_VALUE, "sixteen bytes ..", 16), more};
	CK_OBJECT_HANDLE handle = 0;
	struct store s;

	assert_int_equal(template_build(TEMPLATE_CREATE, CK_UNAVAILABLE_INFORMATION,
					CK_UNAVAILABLE_INFORMATION, template, COUNT(template), &s),
			 CKR_OK);
	assert_int_equal(session_object_allowed(session, &s), CKR_OK);
	assert_int_equal(session_object_add(session, &s, &handle), CKR_OK);
	return handle;
}

static const struct object *key_of(CK_ATTRIBUTE more)
{
	return token_object(&slot->token, key_with(more));
}

static void a_key_with_a_list_of_mechanisms_allows_these(void **state)
{
	CK_MECHANISM_TYPE list[] = {CKM_AES_CBC, CKM_AES_GCM};
	const struct object *key =
		key_of((CK_ATTRIBUTE)BYTES_OF(CKA_ALLOWED_MECHANISMS, list, sizeof list));
	const struct object *any = key_of((CK_ATTRIBUTE)BYTES_OF(CKA_ALLOWED_MECHANISMS, NULL, 0));

	(void)state;
	assert_true(attribute_allows_mechanism(key, CKM_AES_CBC));
	assert_true(attribute_allows_mechanism(key, CKM_AES_GCM));
	assert_false(attribute_allows_mechanism(key, CKM_AES_CBC_PAD));
	assert_true(attribute_allows_mechanism(any, CKM_AES_CBC_PAD));
	assert_true(attribute_allows_mechanism(&(struct object){.klass = CKO_PRIVATE_KEY}, CKM_RSA_PKCS));
}

static void a_wrapping_key_may_say_what_it_wraps(void **state)
{
	CK_ATTRIBUTE wanted[] = {BOOL_OF(CKA_SENSITIVE, true), BYTES_OF(CKA_LABEL, "a", 1)};
	const struct object *picky =
		key_of((CK_ATTRIBUTE)BYTES_OF(CKA_WRAP_TEMPLATE, wanted, sizeof wanted));
	const struct object *any = key_of((CK_ATTRIBUTE)BYTES_OF(CKA_WRAP_TEMPLATE, NULL, 0));
	const struct object *sensitive = key_of((CK_ATTRIBUTE)BOOL_OF(CKA_SENSITIVE, true));
	const CK_ATTRIBUTE a = BYTES_OF(CKA_LABEL, "a", 1), b = BYTES_OF(CKA_LABEL, "b", 1);
	const CK_ATTRIBUTE ab = BYTES_OF(CKA_LABEL, "ab", 2);

	(void)state;
	assert_true(attribute_allows_wrapping(any, sensitive));
	assert_false(attribute_allows_wrapping(picky, sensitive));
	assert_int_equal(session_object_change(session, sensitive->handle, &b, 1), CKR_OK);
	assert_false(attribute_allows_wrapping(picky, sensitive));
	assert_int_equal(session_object_change(session, sensitive->handle, &a, 1), CKR_OK);
	assert_true(attribute_allows_wrapping(picky, sensitive));
	assert_int_equal(session_object_change(session, sensitive->handle, &ab, 1), CKR_OK);
	assert_false(attribute_allows_wrapping(picky, sensitive));
	assert_false(attribute_allows_wrapping(picky, key_of(a)));
}

static void an_unwrapping_key_may_say_what_comes_of_it(void **state)
{
	CK_ATTRIBUTE added[] = {BOOL_OF(CKA_SENSITIVE, true), BOOL_OF(CKA_EXTRACTABLE, false)};
	CK_OBJECT_HANDLE strict =
		key_with((CK_ATTRIBUTE)BYTES_OF(CKA_UNWRAP_TEMPLATE, added, sizeof added));
	CK_ATTRIBUTE type = ULONG_OF(CKA_KEY_TYPE, CKK_AES);
	CK_ATTRIBUTE same[] = {type, BOOL_OF(CKA_SENSITIVE, true)};
	CK_ATTRIBUTE other[] = {type, BOOL_OF(CKA_SENSITIVE, false)};
	struct store s;

	(void)state;
	assert_int_equal(session_object_build_unwrapped(session, strict, &type, 1, &s), CKR_OK);
	assert_true(store_bool(&s, CKA_SENSITIVE));
	assert_false(store_bool(&s, CKA_EXTRACTABLE));
	store_clear(&s);
	assert_int_equal(session_object_build_unwrapped(session, strict, same, 2, &s), CKR_OK);
	store_clear(&s);
	assert_int_equal(session_object_build_unwrapped(session, strict, other, 2, &s),
			 CKR_TEMPLATE_INCONSISTENT);
	assert_null(s.block.data);
	assert_int_equal(session_object_build_unwrapped(session, strict, NULL, 0, &s),
			 CKR_TEMPLATE_INCOMPLETE); /* of what type it is, nobody said */
	assert_int_equal(session_object_build_unwrapped(session, 0x7777, other, 2, &s), CKR_OK);
	assert_false(store_bool(&s, CKA_SENSITIVE));
	store_clear(&s);
}

static void what_may_not_be_is_told_before_anybody_works_for_it(void **state)
{
	struct store s = STORE_INIT;

	(void)state;
	assert_int_equal(store_set_bool(&s, CKA_PRIVATE, true), RESULT_OK);
	assert_int_equal(session_object_allowed(session, &s), CKR_USER_NOT_LOGGED_IN);
	slot->token.logged_in = true;
	assert_int_equal(session_object_allowed(session, &s), CKR_OK);
	slot->token.logged_in = false;
	assert_int_equal(store_set_bool(&s, CKA_TOKEN, true), RESULT_OK);
	assert_int_equal(session_object_allowed(session, &s), CKR_TOKEN_WRITE_PROTECTED);
	store_clear(&s);
	assert_int_equal(slot->token.session_objects.count, 0);
}

/* ---- the schema ---- */

static void an_attribute_of_a_class_stands_in_one_row(void **state)
{
	static const CK_OBJECT_CLASS classes[] = {CKO_CERTIFICATE, CKO_DATA,       CKO_PUBLIC_KEY,
						  CKO_PRIVATE_KEY, CKO_SECRET_KEY, CKO_PROFILE};

	(void)state;
	for (size_t i = 0; i < COUNT(classes); i++) {
		bool on_card = classes[i] != CKO_SECRET_KEY && classes[i] != CKO_PROFILE;
		const struct schema_row *row = NULL;
		size_t n = 0;

		while ((row = schema_next(classes[i], row))) {
			n++;
			assert_ptr_equal(schema_find(classes[i], row->type), row);
			/* the card's objects tell it, or never do */
			assert_true(!on_card || !row->get == !!(row->rules & RULE_SECRET));
			assert_false(row->rules & (RULE_UP | RULE_DOWN) && row->form != FORM_BOOL);
			assert_false(row->rules & RULE_FIXED && row->rules & RULE_CHANGES);
		}
		assert_true(n >= 9);
		assert_non_null(schema_find(classes[i], CKA_UNIQUE_ID));
	}
	assert_null(schema_find(CKO_HW_FEATURE, CKA_CLASS));
	assert_null(schema_next(CKO_HW_FEATURE, NULL));
}

/* ---- the block of values ---- */

static void assert_stored(const struct store *s, CK_ATTRIBUTE_TYPE type, const char *text)
{
	const struct stored *item = store_get(s, type);

	assert_non_null(item);
	assert_int_equal(item->len, strlen(text));
	assert_memory_equal(item->data, text, item->len);
	assert_int_equal((uintptr_t)item % _Alignof(struct stored), 0);
}

static void values_are_kept_replaced_and_copied(void **state)
{
	struct store s = STORE_INIT, copy = STORE_INIT;
	const struct stored *item = NULL;
	size_t n = 0;

	(void)state;
	assert_null(store_get(&s, CKA_LABEL));
	assert_null(store_next(&s, NULL));
	assert_int_equal(store_set(&s, CKA_LABEL, "a", 1), RESULT_OK);
	assert_int_equal(store_set(&s, CKA_ID, "twelve bytes", 12), RESULT_OK);
	assert_int_equal(store_set(&s, CKA_URL, NULL, 0), RESULT_OK);
	assert_int_equal(store_set(&s, CKA_LABEL, "much longer than it was before, so that all moves "
						  "to a larger block", 68), RESULT_OK);
	assert_int_equal(store_set(&s, CKA_ID, "another one!", 12), RESULT_OK);
	assert_stored(&s, CKA_ID, "another one!");
	assert_stored(&s, CKA_URL, "");
	assert_int_equal(store_set(&s, CKA_LABEL, "short", 5), RESULT_OK);
	assert_stored(&s, CKA_LABEL, "short");
	/* from itself, while it grows */
	item = store_get(&s, CKA_ID);
	assert_int_equal(store_set(&s, CKA_VALUE, item->data, item->len), RESULT_OK);
	item = store_get(&s, CKA_ID);
	assert_int_equal(store_set(&s, CKA_URL, item->data, item->len), RESULT_OK);
	assert_stored(&s, CKA_VALUE, "another one!");
	assert_stored(&s, CKA_URL, "another one!");
	assert_int_equal(store_copy(&s, &copy), RESULT_OK);
	assert_int_equal(copy.block.cap, s.block.len);
	store_clear(&s);
	for (item = NULL; (item = store_next(&copy, item)); n++)
		;
	assert_int_equal(n, 4);
	assert_stored(&copy, CKA_ID, "another one!");
	store_clear(&copy);
	assert_int_equal(store_set(&s, CKA_VALUE, "x", SIZE_MAX / 2 + 1), RESULT_QUOTA);
	assert_null(s.block.data);
}

#define TABLE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define SLOT_TEST(f) cmocka_unit_test_setup_teardown(f, setup_slot, teardown_slot)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(a_search_for_a_class_looks_at_that_class_only),
		TABLE_TEST(a_session_takes_its_own_objects_along_and_no_others),
		TABLE_TEST(a_logout_takes_the_private_ones_of_all),
		TABLE_TEST(removing_one_by_one_leaves_nothing),
		SLOT_TEST(a_key_with_a_list_of_mechanisms_allows_these),
		SLOT_TEST(a_wrapping_key_may_say_what_it_wraps),
		SLOT_TEST(an_unwrapping_key_may_say_what_comes_of_it),
		SLOT_TEST(what_may_not_be_is_told_before_anybody_works_for_it),
		cmocka_unit_test(an_attribute_of_a_class_stands_in_one_row),
		cmocka_unit_test(values_are_kept_replaced_and_copied),
	};

	return cmocka_run_group_tests_name("the table of session objects", tests, NULL, NULL);
}
