/* Files that the card manager's page sends: who may, what is kept of them, and what their signatures are found to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "agentdesk.h"
#include "tools/twcard/json_bytes.h"

#define DATA "some data"
#define HOUR 3600

static const char *enter(void)
{
	static char token[TOKEN_LEN + 1];
	char key[TOKEN_LEN + 1];

	assert_true(keys_open(desk->keys, desk_time, key));
	assert_true(keys_enter(desk->keys, key, desk_time, token));
	return token;
}

static struct agent_question page_question(const char *path, const char *token)
{
	struct agent_question q = desk_question("POST", path);

	q.origin = DESK_OWN;
	q.fetch_site = "same-origin";
	q.token = token;
	return q;
}

/* As the server: asks first, then passes the pieces on. */
static struct desk_reply send_bytes(const char *path, const char *token, const void *data, size_t len)
{
	struct agent_question q = page_question(path, token);
	struct desk_reply reply;

	q.upload = agent_upload(desk, &q);
	for (size_t i = 0; q.upload && i < len; i += 7)
		assert_true(upload_add(q.upload, (const char *)data + i, len - i < 7 ? len - i : 7));
	reply = desk_ask(&q, NULL);
	upload_free(q.upload);
	return reply;
}

static const char *sent(const char *path, const char *token, const void *data, size_t len)
{
	struct desk_reply reply = send_bytes(path, token, data, len);
	const char *name = desk_text(reply.json, "upload");

	assert_int_equal(reply.status, 200);
	assert_int_equal(strlen(name), TOKEN_LEN);
	assert_int_equal(json_object_get_int64(json_bytes_member(reply.json, "size")), len);
	return name;
}

static void assert_refused(struct desk_reply reply, const char *word)
{
	assert_string_equal(desk_text(reply.json, "error"), word);
}

/* ---- who may ---- */

static void test_files_want_the_token_and_the_own_page(void **state)
{
	static const char *const paths[] = {"/manage/file", "/manage/signature"};
	const char *token = enter(), *window = desk_window("/popupForm", NULL);
	struct agent_question q;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_refused(send_bytes(paths[i], NULL, DATA, 4), "token");
		assert_refused(send_bytes(paths[i], window, DATA, 4), "token");
		q = page_question(paths[i], token);
		q.origin = DESK_OTHER;
		assert_null(agent_upload(desk, &q));
		assert_refused(desk_ask(&q, NULL), "origin");
		q = page_question(paths[i], token);
		q.host = "evil.example";
		assert_null(agent_upload(desk, &q));
		q = page_question(paths[i], token);
		q.peer = AGENT_PEER_OTHER;
		assert_null(agent_upload(desk, &q));
		assert_refused(desk_ask(&q, NULL), "peer");
	}
	/* nor does another address take one */
	q = page_question("/manage/call", token);
	assert_null(agent_upload(desk, &q));
	assert_refused(desk_own("/manage/sign", NULL, "{}"), "token");
	assert_refused(desk_own("/manage/verify", window, "{}"), "token");
	assert_refused(desk_own("/manage/check", NULL, "{}"), "token");
	assert_refused(desk_own("/manage/authz", NULL, "{}"), "token");
	assert_int_equal(desk_card.verifies, 0);
}

/* ---- what is kept ---- */

static void test_the_digest_is_of_all_that_came(void **state)
{
	struct upload *u = upload_new(UPLOAD_DATA);
	unsigned char got[32], wanted[32];
	char data[10000];

	(void)state;
	assert_non_null(u);
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * 7);
	for (size_t i = 0, n; i < sizeof data; i += n) {
		n = i % 97 + 1 < sizeof data - i ? i % 97 + 1 : sizeof data - i;
		assert_true(upload_add(u, data + i, n));
	}
	assert_int_equal(u->size, sizeof data);
	assert_int_equal(EVP_Digest(data, sizeof data, wanted, NULL, EVP_sha256(), NULL), 1);
	for (int i = 0; i < 2; i++) {
		assert_true(upload_sha256(u, got));
		assert_memory_equal(got, wanted, sizeof got);
	}
	upload_free(u);
}

static void test_old_files_are_forgotten(void **state)
{
	const char *token = enter(), *names[UPLOADS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < UPLOADS_MAX + 1; i++)
		names[i] = sent("/manage/file", token, DATA, 4);
	assert_null(uploads_take(desk->uploads, names[0], UPLOAD_DATA, desk_time));
	assert_null(uploads_take(desk->uploads, names[1], UPLOAD_SIGNATURE, desk_time));
	assert_null(uploads_take(desk->uploads, NULL, UPLOAD_DATA, desk_time));
	upload_free(uploads_take(desk->uploads, names[1], UPLOAD_DATA, desk_time));
	assert_null(uploads_take(desk->uploads, names[1], UPLOAD_DATA, desk_time));
	desk_time += (int64_t)UPLOADS_SECONDS * 1000;
	assert_null(uploads_take(desk->uploads, names[2], UPLOAD_DATA, desk_time));
}

static void test_a_file_is_signed_by_the_users_word(void **state)
{
	const char *token = enter();
	char body[256];

	(void)state;
	snprintf(body, sizeof body, "{\"file\":\"%s\",\"pin\":\"111111\"}", sent("/manage/file", token, DATA, 4));
	assert_int_equal(desk_code(desk_own("/manage/sign", token, body)), WORK_LOGIN);
	memcpy(strstr(body, "111111"), "123456", 6);
	assert_int_equal(desk_code(desk_own("/manage/sign", token, body)), WORK_OK);
	assert_int_equal(desk_card.function, WORK_SIGN_FILE);
	assert_int_equal(desk_card.verifies, 2);
	assert_refused(desk_own("/manage/sign", token, "{\"file\":\"\",\"pin\":\"123456\"}"), "upload");
	assert_refused(desk_own("/manage/sign", token, "{\"pin\":\"123456\"}"), "upload");
	assert_int_equal(desk_card.verifies, 2);
}

/* ---- signatures ---- */

static EVP_PKEY *key;
static X509 *x509;

static int make_signer(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-256");
	x509 = X509_new();
	assert_non_null(key);
	assert_int_equal(X509_set_pubkey(x509, key), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), -HOUR));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), HOUR));
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC, (const unsigned char *)"<b>x", -1, -1, 0);
	X509_set_issuer_name(x509, X509_get_subject_name(x509));
	assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
	return 0;
}

static int free_signer(void **state)
{
	(void)state;
	X509_free(x509);
	EVP_PKEY_free(key);
	return 0;
}

/* What the agent says of a signature over DATA. data NULL: none are sent. */
static struct desk_reply verified(const char *token, unsigned flags, const EVP_MD *digest, const char *data)
{
	BIO *in = BIO_new_mem_buf(DATA, -1);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, in, CMS_BINARY | CMS_PARTIAL | flags);
	unsigned char *der = NULL;
	char body[256], file[64] = "";
	int len;

	assert_non_null(CMS_add1_signer(cms, x509, key, digest, 0));
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY | flags), 1);
	len = i2d_CMS_ContentInfo(cms, &der);
	assert_true(len > 0);
	if (data)
		snprintf(file, sizeof file, ",\"file\":\"%s\"", sent("/manage/file", token, data, strlen(data)));
	snprintf(body, sizeof body, "{\"signature\":\"%s\"%s}", sent("/manage/signature", token, der, (size_t)len), file);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return desk_own("/manage/verify", token, body);
}

/* The only signer. */
static bool signer_says(struct desk_reply reply, const char *member)
{
	struct json_object *list = json_bytes_member(reply.json, "signers");

	assert_int_equal(json_object_array_length(list), 1);
	return json_object_get_boolean(json_bytes_member(json_object_array_get_idx(list, 0), member));
}

static void test_signatures_are_found_to_be_what_they_are(void **state)
{
	const char *token = enter();
	struct desk_reply reply = verified(token, CMS_DETACHED, EVP_sha384(), DATA);

	(void)state;
	assert_string_equal(desk_text(reply.json, "state"), "done");
	assert_true(signer_says(reply, "intact"));
	/* nobody says whose key it is: that is not called good */
	assert_false(json_object_get_boolean(json_bytes_member(reply.json, "valid")));
	assert_false(signer_says(verified(token, CMS_DETACHED, EVP_sha256(), DATA "!"), "intact"));
	assert_true(signer_says(verified(token, CMS_DETACHED, EVP_sha1(), DATA), "intact"));
	assert_true(signer_says(verified(token, 0, EVP_sha512(), NULL), "intact"));
	assert_string_equal(desk_text(verified(token, 0, EVP_sha256(), DATA).json, "state"), "data-inside");
	assert_string_equal(desk_text(verified(token, CMS_DETACHED, EVP_sha256(), NULL).json, "state"), "needs-data");
}

static void test_what_is_no_signature_is_refused(void **state)
{
	static const char *const wrong[] = {"", "text", "0\x80", "\x30\x03\x02\x01\x01",
					    "-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n"};
	const char *token = enter();
	char body[256];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(body, sizeof body, "{\"signature\":\"%s\"}", sent("/manage/signature", token, wrong[i], strlen(wrong[i])));
		assert_refused(desk_own("/manage/verify", token, body), "no-signature");
	}
	assert_refused(desk_own("/manage/verify", token, "{\"signature\":\"x\"}"), "upload");
	assert_refused(desk_own("/manage/verify", token, "{}"), "upload");
	/* and a file that was named and is gone is not passed over */
	snprintf(body, sizeof body, "{\"signature\":\"%s\",\"file\":\"\"}", sent("/manage/signature", token, "x", 1));
	assert_refused(desk_own("/manage/verify", token, body), "upload");
}

static void test_a_certificate_is_checked_point_by_point(void **state)
{
	const char *token = enter();
	struct json_object *request = json_object_new_object();
	struct desk_reply reply;

	(void)state;
	json_object_object_add(request, "certb64", json_bytes_from_x509(x509));
	reply = desk_own("/manage/check", token, json_object_to_json_string(request));
	json_object_put(request);
	assert_int_equal(reply.status, 200);
	assert_string_equal(desk_text(reply.json, "result"), "bad"); /* its own issuer, whom nobody knows */
	assert_true(json_object_array_length(json_bytes_member(reply.json, "points")) >= 3);
	assert_refused(desk_own("/manage/check", token, "{\"certb64\":\"AAAA\"}"), "json");
	assert_refused(desk_own("/manage/check", token, "{}"), "json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK(test_files_want_the_token_and_the_own_page),
		DESK(test_the_digest_is_of_all_that_came),
		DESK(test_old_files_are_forgotten),
		DESK(test_a_file_is_signed_by_the_users_word),
		DESK(test_signatures_are_found_to_be_what_they_are),
		DESK(test_what_is_no_signature_is_refused),
		DESK(test_a_certificate_is_checked_point_by_point),
	};

	return cmocka_run_group_tests(tests, make_signer, free_signer);
}
