/*
 * OpenSSL functions that fail, each time that one is called once: the module's
 * call says so or is right all the same, and works when they do. Linked with
 * --wrap for each of them, and for what the card itself does with them.
 */
#include <string.h>

#include "every_call.h"
#include "refusals.h"

#define MOST 3000 /* functions in one call */

static struct {
	bool armed;
	const char *failed;  /* the function; NULL: none yet */
	unsigned until;      /* functions before it */
	unsigned in_card;    /* what the card calls does not count */
} openssl;

bool refusals_now(const char *name)
{
	if (!openssl.armed || openssl.in_card || openssl.failed || openssl.until-- > 0)
		return false;
	openssl.failed = name;
	return true;
}

enum vcard_result __real_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);
enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);

enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len)
{
	enum vcard_result r;

	openssl.in_card++;
	r = __real_vcard_transmit(card, cmd, cmd_len, resp, resp_cap, resp_len);
	openssl.in_card--;
	return r;
}

/*
 * Nothing that blames the PIN or the caller; the card, where its answer could
 * not be checked; a login that could not be taken up again is over; and the
 * data, where the function that fails has no other word for those that are wrong.
 */
static bool tells_of_it(CK_RV rv)
{
	if (rv == CKR_ENCRYPTED_DATA_INVALID)
		return strcmp(openssl.failed, "EVP_CipherFinal_ex") == 0;
	return rv == CKR_FUNCTION_FAILED || rv == CKR_HOST_MEMORY || rv == CKR_GENERAL_ERROR ||
	       rv == CKR_DEVICE_ERROR || rv == CKR_USER_NOT_LOGGED_IN;
}

/* Again and again, each time with one function more that works, until none fails. */
static void until_it_works(const char *name, void (*prepare)(void), CK_RV (*call)(void),
			   void (*undo)(void))
{
	unsigned failed = 0, n;

	for (n = 0;; n++) {
		CK_RV rv;

		assert_in_range(n, 0, MOST);
		if (prepare)
			prepare();
		openssl.until = n;
		openssl.failed = NULL;
		openssl.armed = true;
		rv = call();
		openssl.armed = false;
		if (!openssl.failed && rv != CKR_OK)
			fail_msg("%s: %lX", name, rv);
		if (openssl.failed && rv != CKR_OK && !tells_of_it(rv))
			fail_msg("%s: %lX when %s fails (%u)", name, rv, openssl.failed, n);
		failed += rv != CKR_OK;
		if (rv == CKR_OK && undo)
			undo();
		if (!openssl.failed)
			break;
	}
	print_message("# %s: %u of %u failed\n", name, failed, n);
}

static void when_openssl_fails_calls_fail_and_nothing_else(void **state)
{
	every_call(*(int *)*state, until_it_works);
}

int main(void)
{
	static int generations[] = {1, 2};
	const struct CMUnitTest tests[] = {
		{"generation 1: when_openssl_fails_calls_fail_and_nothing_else",
		 when_openssl_fails_calls_fail_and_nothing_else, NULL, NULL, &generations[0]},
		{"generation 2: when_openssl_fails_calls_fail_and_nothing_else",
		 when_openssl_fails_calls_fail_and_nothing_else, NULL, NULL, &generations[1]},
	};

	return cmocka_run_group_tests_name("no OpenSSL", tests, NULL, NULL);
}
