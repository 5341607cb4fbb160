/*
 * OpenSSL's default context is the program's: the module fetches nothing in
 * it. A provider there may be one that itself calls the module, which would
 * wait for its own lock. Here one watches, and is not asked. Linked with
 * --wrap for what the virtual card does: it is no part of the module.
 */
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "every_call.h"
#include "records.h"

#define MANY 64

static struct {
	bool armed;
	unsigned in_card; /* what the card fetches does not count */
	unsigned asked;
} watch;

enum vcard_result __real_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);
enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);

enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len)
{
	enum vcard_result r;

	watch.in_card++;
	r = __real_vcard_transmit(card, cmd, cmd_len, resp, resp_cap, resp_len);
	watch.in_card--;
	return r;
}

/* ---- the provider that watches ---- */

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
	(void)context;
	(void)operation;
	*no_cache = 1; /* asked each time, not only the first */
	watch.asked += watch.armed && !watch.in_card;
	return NULL;
}

static const OSSL_DISPATCH functions[] = {
	{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
	{0, NULL},
};

static int start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
		 void **context)
{
	(void)in;
	*out = functions;
	*context = (void *)handle;
	return 1;
}

static struct {
	OSSL_PROVIDER *usual, *watcher;
} loaded;

static int load(void **state)
{
	loaded.usual = OSSL_PROVIDER_load(NULL, "default");
	if (!loaded.usual || !OSSL_PROVIDER_add_builtin(NULL, "watcher", start))
		return -1;
	loaded.watcher = OSSL_PROVIDER_load(NULL, "watcher");
	return loaded.watcher ? records_load_files(state) : -1;
}

static int unload(void **state)
{
	(void)state;
	return OSSL_PROVIDER_unload(loaded.watcher) && OSSL_PROVIDER_unload(loaded.usual) ? 0 : -1;
}

/* ---- the tests ---- */

static void a_program_s_own_question_is_heard(void **state)
{
	EVP_MD *md;

	(void)state;
	watch.asked = 0;
	watch.armed = true;
	md = EVP_MD_fetch(NULL, "no such hash", NULL);
	watch.armed = false;
	assert_null(md);
	assert_int_not_equal(watch.asked, 0);
}

static void make(const char *name, void (*prepare)(void), CK_RV (*call)(void), void (*undo)(void))
{
	CK_RV rv;

	if (prepare)
		prepare();
	watch.asked = 0;
	watch.armed = true;
	rv = call();
	watch.armed = false;
	assert_int_equal(rv, CKR_OK);
	if (watch.asked)
		fail_msg("%s: %u questions to the program's context", name, watch.asked);
	if (undo)
		undo();
}

static void no_call_asks_in_the_program_s_context(void **state)
{
	every_call(*(int *)*state, make);
}

/* What is computed of a certificate, too, and what certificates say of the data area. */
static CK_RV read_everything(void)
{
	static const CK_ATTRIBUTE_TYPE types[] = {
		CKA_VALUE, CKA_CHECK_VALUE, CKA_START_DATE, CKA_END_DATE, CKA_PUBLIC_KEY_INFO, CKA_SUBJECT,
		CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_CERTIFICATE_CATEGORY, CKA_MODULUS, CKA_MODULUS_BITS,
		CKA_PUBLIC_EXPONENT, CKA_LABEL, CKA_UNIQUE_ID};
	CK_OBJECT_HANDLE objects[MANY];
	size_t count = find_objects(bench.session, NULL, 0, objects, MANY);
	unsigned read = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < COUNT(types); k++) {
			unsigned char value[4096];
			CK_ATTRIBUTE a = {types[k], value, sizeof value};

			read += C_GetAttributeValue(bench.session, objects[i], &a, 1) == CKR_OK;
		}
	return read > count * 4 ? CKR_OK : CKR_GENERAL_ERROR;
}

static void no_attribute_is_made_in_it(void **state)
{
	(void)state;
	make("read_everything", NULL, read_everything, NULL);
}

static CK_RV create_record(void)
{
	return records_create_certificate(&records_ours, NULL, NULL);
}

static CK_RV log_in(void)
{
	return login(bench.session, PIN);
}

static void no_record_is_made_or_read_in_it(void **state)
{
	(void)state;
	records_begin_fresh();
	make("create_record", NULL, create_record, NULL);
	for (int again = 0; again < 2; again++) { /* the second time certificates tell whether to look */
		assert_int_equal(C_Logout(bench.session), CKR_OK);
		make("log_in", NULL, log_in, NULL);
		make("read_everything", NULL, read_everything, NULL);
	}
}

int main(void)
{
	static int generations[] = {1, 2};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_s_own_question_is_heard),
		{"generation 1: no_call_asks_in_the_program_s_context", no_call_asks_in_the_program_s_context,
		 NULL, NULL, &generations[0]},
		{"generation 2: no_call_asks_in_the_program_s_context", no_call_asks_in_the_program_s_context,
		 NULL, NULL, &generations[1]},
		LOGIN_TEST(no_attribute_is_made_in_it),
		AREABENCH_TESTS(no_record_is_made_or_read_in_it),
	};

	return cmocka_run_group_tests_name("own context", tests, load, unload);
}
