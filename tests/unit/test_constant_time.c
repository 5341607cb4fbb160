/*
 * Nothing branches on a secret, and none is an index: what is taken off a
 * decrypted key, and the comparison of the card's cryptogram.
 *
 * Under valgrind the secrets are marked as if they were uninitialised:
 * memcheck then reports each branch and each address that depends on one. Without
 * valgrind the same calls are made, and only their results are looked at.
 * tests/check/constant-time.test runs both, and with --leak N what must be found:
 * a comparison that stops at the first difference (1), a table (2).
 *
 * The limits: it sees the paths that are taken here, with the code that this
 * compiler made and that OpenSSL takes on the processor that valgrind shows it. It
 * knows nothing of instructions whose time depends on their operands, nor of
 * caches. What is a result (good or bad, once) is declared public where it becomes one.
 */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "ck_objects.h"
#include "gen2card.h"
#include "marks.h"
#include "rsamech.h"
#include "src/crypto/rsa.h"
#include "src/object/template.h"
#include "src/operation/internal.h"

#define BLOCK 16
#define KEY_SIZE 16

static bool marking; /* what the module computes now is secret */
static unsigned marked, compared, settled;

static void mark(const void *at, size_t len)
{
	if (!marking)
		return;
	VALGRIND_MAKE_MEM_UNDEFINED(at, len);
	marked++;
}

static void publish(const void *at, size_t len)
{
	VALGRIND_MAKE_MEM_DEFINED(at, len);
}

/* ---- where secrets begin and end ---- */

size_t __real_rsa_unpad_masked(const struct rsa_scheme *scheme, const uint8_t block[RSA_BLOCK],
			       uint8_t out[RSA_BLOCK], size_t *len);
size_t __wrap_rsa_unpad_masked(const struct rsa_scheme *scheme, const uint8_t block[RSA_BLOCK],
			       uint8_t out[RSA_BLOCK], size_t *len);
int __real_EVP_CipherUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len, const unsigned char *in,
			    int in_len);
int __wrap_EVP_CipherUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len, const unsigned char *in,
			    int in_len);
CK_RV __real_template_set_secret(struct store *attributes, const void *value, size_t len, bool local,
				 CK_MECHANISM_TYPE mechanism);
CK_RV __wrap_template_set_secret(struct store *attributes, const void *value, size_t len, bool local,
				 CK_MECHANISM_TYPE mechanism);
int __real_EVP_MAC_final(EVP_MAC_CTX *ctx, unsigned char *out, size_t *out_len, size_t size);
int __wrap_EVP_MAC_final(EVP_MAC_CTX *ctx, unsigned char *out, size_t *out_len, size_t size);
int __real_CRYPTO_memcmp(const void *a, const void *b, size_t len);
int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t len);
enum vcard_result __real_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len, uint8_t *resp,
					size_t resp_cap, size_t *resp_len);
enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len, uint8_t *resp,
					size_t resp_cap, size_t *resp_len);

/* What the card decrypted. */
size_t __wrap_rsa_unpad_masked(const struct rsa_scheme *scheme, const uint8_t block[RSA_BLOCK],
			       uint8_t out[RSA_BLOCK], size_t *len)
{
	mark(block, RSA_BLOCK);
	return __real_rsa_unpad_masked(scheme, block, out, len);
}

/* What a session key decrypted. */
int __wrap_EVP_CipherUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *out_len, const unsigned char *in,
			    int in_len)
{
	int ok = __real_EVP_CipherUpdate(ctx, out, out_len, in, in_len);

	if (ok && out != NULL)
		mark(out, (size_t)*out_len);
	return ok;
}

/* Here it is a key, the wrapped one or a stand-in: length and the one answer are public. */
CK_RV __wrap_template_set_secret(struct store *attributes, const void *value, size_t len, bool local,
				 CK_MECHANISM_TYPE mechanism)
{
	const struct unwrapped *whole =
		(const void *)((const char *)value - offsetof(struct unwrapped, value));

	if (marking) {
		publish(whole, sizeof *whole);
		publish(&len, sizeof len);
		settled++;
	}
	return __real_template_set_secret(attributes, value, len, local, mechanism);
}

/* Keys and cryptograms of a secure channel. */
int __wrap_EVP_MAC_final(EVP_MAC_CTX *ctx, unsigned char *out, size_t *out_len, size_t size)
{
	int ok = __real_EVP_MAC_final(ctx, out, out_len, size);

	if (ok)
		mark(out, size < BLOCK ? size : BLOCK);
	return ok;
}

int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t len)
{
	int differ = __real_CRYPTO_memcmp(a, b, len);

	if (marking) {
		publish(&differ, sizeof differ);
		compared++;
	}
	return differ;
}

/* What goes to the card anyone may see; what the card does is not the module's. */
enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len, uint8_t *resp,
					size_t resp_cap, size_t *resp_len)
{
	bool was = marking;
	enum vcard_result result;

	if (was)
		publish(cmd, cmd_len);
	marking = false;
	result = __real_vcard_transmit(card, cmd, cmd_len, resp, resp_cap, resp_len);
	marking = was;
	return result;
}

/* ---- the tests ---- */

static CK_RV unwrap(CK_MECHANISM *m, CK_OBJECT_HANDLE by, uint8_t *wrapped, CK_ULONG len)
{
	CK_ATTRIBUTE template[] = {ULONG_OF(CKA_CLASS, CKO_SECRET_KEY), ULONG_OF(CKA_KEY_TYPE, CKK_AES)};
	CK_OBJECT_HANDLE key = 0;
	CK_RV rv;

	marked = settled = 0;
	marking = true;
	rv = C_UnwrapKey(bench.session, m, by, wrapped, len, template, COUNT(template), &key);
	marking = false;
	publish(&rv, sizeof rv);
	assert_true(marked > 0);
	assert_int_equal(settled, 1);
	return rv;
}

static void a_wrapped_key_s_padding_decides_no_branch(void **state)
{
	static const struct {
		size_t at; /* a byte from the end that is changed; 0: none */
		uint8_t to;
		CK_RV rv;
	} rows[] = {{0, 0, CKR_OK}, {1, 0, CKR_WRAPPED_KEY_INVALID}, {1, BLOCK + 1, CKR_WRAPPED_KEY_INVALID},
		    {2, 7, CKR_WRAPPED_KEY_INVALID}, {BLOCK, 1, CKR_WRAPPED_KEY_INVALID}};
	CK_OBJECT_HANDLE by = ck_secret(bench.session, CKK_AES, "sixteen bytes ..", KEY_SIZE);
	uint8_t iv[BLOCK] = {0}, plain[KEY_SIZE + BLOCK], wrapped[sizeof plain];
	CK_MECHANISM pads = {CKM_AES_CBC_PAD, iv, sizeof iv}, bare = {CKM_AES_CBC, iv, sizeof iv};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		CK_ULONG len = sizeof wrapped;

		memset(plain, 'k', KEY_SIZE);
		memset(plain + KEY_SIZE, BLOCK, BLOCK);
		if (rows[i].at)
			plain[sizeof plain - rows[i].at] = rows[i].to;
		assert_int_equal(C_EncryptInit(bench.session, &bare, by), CKR_OK);
		assert_int_equal(C_Encrypt(bench.session, plain, sizeof plain, wrapped, &len), CKR_OK);
		assert_int_equal(unwrap(&pads, by, wrapped, len), rows[i].rv);
	}
}

static void nor_does_that_of_a_key_wrapped_for_the_card(void **state)
{
	static const struct {
		int padding;
		size_t len;
		CK_RV pkcs1, oaep;
	} rows[] = {{RSA_PKCS1_PADDING, KEY_SIZE, CKR_OK, CKR_WRAPPED_KEY_INVALID},
		    {RSA_PKCS1_PADDING, KEY_SIZE + 1, CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_INVALID},
		    {RSA_PKCS1_OAEP_PADDING, KEY_SIZE, CKR_WRAPPED_KEY_INVALID, CKR_OK}};
	CK_RSA_PKCS_OAEP_PARAMS params = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
	CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0}, oaep = {CKM_RSA_PKCS_OAEP, &params, sizeof params};
	CK_OBJECT_HANDLE by = find_one(bench.session, CKO_PRIVATE_KEY, "KEYX");
	EVP_PKEY *pkey = vcard_public_key(bench.card, KEY_KEYX);
	uint8_t plain[2 * KEY_SIZE], wrapped[256];

	(void)state;
	memset(plain, 'k', sizeof plain);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(rsamech_encrypt(pkey, rows[i].padding, "SHA256", NULL, 0, plain, rows[i].len, wrapped));
		assert_int_equal(unwrap(&pkcs1, by, wrapped, sizeof wrapped), rows[i].pkcs1);
		assert_int_equal(unwrap(&oaep, by, wrapped, sizeof wrapped), rows[i].oaep);
	}
	EVP_PKEY_free(pkey);
}

/* C_Decrypt tells good from bad; until then nothing does. */
static void nor_does_that_of_what_is_decrypted(void **state)
{
	static const struct rsa_scheme pkcs1 = {.padding = RSA_PAD_PKCS1};
	uint8_t block[RSA_BLOCK], out[RSA_BLOCK];

	(void)state;
	for (size_t end = 0; end < RSA_BLOCK; end += 5) { /* where the padding ends */
		size_t len, bad;

		memset(block, 'r', sizeof block);
		block[0] = 0;
		block[1] = 2;
		block[end] = 0;
		marking = true;
		bad = rsa_unpad_masked(&pkcs1, block, out, &len);
		marking = false;
		publish(&bad, sizeof bad);
		publish(&len, sizeof len);
		assert_int_equal(bad == 0, end >= 10);
		assert_int_equal(len, end >= 10 ? RSA_BLOCK - 1 - end : 0);
	}
}

static CK_RV channel_login(void)
{
	CK_RV rv;

	log_level("none");
	marked = compared = 0;
	marking = true;
	rv = login(bench.session, PIN);
	marking = false;
	assert_true(marked > 0);
	return rv;
}

static void the_card_s_cryptogram_is_compared_whole(void **state)
{
	(void)state;
	assert_int_equal(channel_login(), CKR_OK);
	assert_int_equal(compared, 1);
}

static void and_so_is_a_wrong_one(void **state)
{
	static const uint8_t other[VCARD_MASTER_KEY_LEN] = {0xFF};

	(void)state;
	vcard_set_master_key(bench.card, other);
	assert_int_not_equal(channel_login(), CKR_OK);
	assert_true(compared > 0);
}

static int same_until(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t i = 0;

	while (i < len && a[i] == b[i])
		i++;
	return i == len;
}

/* What the check must find. 77: not under valgrind. */
static int leak(int which)
{
	static const uint8_t table[256] = {1, 2, 3};
	uint8_t secret[BLOCK] = {1}, other[BLOCK] = {1};
	volatile unsigned result;

	marking = true;
	mark(secret, sizeof secret);
	result = which == 1 ? (unsigned)same_until(secret, other, sizeof other) : table[secret[0]];
	(void)result;
	return RUNNING_ON_VALGRIND ? 0 : 77;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SESSION_TEST(a_wrapped_key_s_padding_decides_no_branch),
		LOGIN_TEST(nor_does_that_of_a_key_wrapped_for_the_card),
		cmocka_unit_test(nor_does_that_of_what_is_decrypted),
		cmocka_unit_test_setup_teardown(the_card_s_cryptogram_is_compared_whole, gen2_setup_session,
						gen2_teardown),
		cmocka_unit_test_setup_teardown(and_so_is_a_wrong_one, gen2_setup_session, gen2_teardown),
	};

	if (argc == 3 && strcmp(argv[1], "--leak") == 0)
		return leak(argv[2][0] - '0');
	return cmocka_run_group_tests_name("constant time", tests, NULL, NULL);
}
