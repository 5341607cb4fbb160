/* The agent with modules that it loads itself: ours, SoftHSM where it is installed, and what is none. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "agentbench.h"

#define SO_PIN "87654321"
#define LABEL "soft"
#define OURS "src/.libs/twcard-pkcs11.so"

static const char *const places[] = {
	"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "libsofthsm2.so",
};

static void what_is_no_module_is_told(void **state)
{
	char problem[200] = "";

	(void)state;
	assert_null(work_open("/dev/null/none.so", problem, sizeof problem));
	assert_true(*problem);
	*problem = '\0';
	assert_null(work_open("libc.so.6", problem, sizeof problem));
	assert_true(*problem);
	work_close(NULL);
}

/* Without a PC/SC service, so that no reader of this machine is seen. */
static void our_module_is_loaded_and_let_go(void **state)
{
	const char *build = getenv("top_builddir");
	char path[1000], problem[200] = "";

	(void)state;
	snprintf(path, sizeof path, "%s/" OURS, build ? build : ".");
	setenv("PCSCLITE_CSOCK_NAME", "/dev/null/none", 1);
	setenv("TWCARD_CONF", "/dev/null", 1);
	agentbench = work_open(path, problem, sizeof problem);
	if (!agentbench)
		fail_msg("%s", problem);
	assert_int_equal(agent_ask(WORK_INFO_CERTS, NULL, "{}"), WORK_OK);
	assert_int_equal(json_object_array_length(json_object_object_get(agent_answer.json, "slots")), 0);
	assert_int_equal(agent_ask(WORK_SIGN, PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\"}"), 0x76100003);
	agentbench_end();
}

/* ---- SoftHSM ---- */

static struct {
	const char *path; /* NULL: it is not installed */
	EVP_PKEY *key;
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
} soft;

static X509 *make_certificate(void)
{
	X509 *x509 = X509_new();
	X509_NAME *name = X509_get_subject_name(x509);
	X509_EXTENSION *usage = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, "digitalSignature,keyEncipherment");

	X509_set_version(x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"soft", -1, -1, 0);
	X509_set_issuer_name(x509, name);
	X509_set_pubkey(x509, soft.key);
	X509_gmtime_adj(X509_getm_notBefore(x509), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
	X509_add_ext(x509, usage, -1);
	assert_true(X509_sign(x509, soft.key, EVP_sha256()) > 0);
	X509_EXTENSION_free(usage);
	return x509;
}

static void put_certificate(void)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	X509 *x509 = make_certificate();
	unsigned char *der = NULL, *subject = NULL;
	int der_len = i2d_X509(x509, &der), subject_len = i2d_X509_NAME(X509_get_subject_name(x509), &subject);
	CK_ATTRIBUTE template[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_CERTIFICATE_TYPE, &type, sizeof type},
		{CKA_TOKEN, &yes, sizeof yes}, {CKA_PRIVATE, &no, sizeof no}, {CKA_ID, (char *)"k", 1},
		{CKA_LABEL, (char *)LABEL, strlen(LABEL)}, {CKA_SUBJECT, subject, (CK_ULONG)subject_len},
		{CKA_VALUE, der, (CK_ULONG)der_len},
	};
	CK_OBJECT_HANDLE made;

	assert_int_equal(soft.f->C_CreateObject(soft.session, template, COUNT(template), &made), CKR_OK);
	OPENSSL_free(subject);
	OPENSSL_free(der);
	X509_free(x509);
}

static void put_key(void)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		const char *name;
	} parts[] = {
		{CKA_MODULUS, "n"}, {CKA_PUBLIC_EXPONENT, "e"}, {CKA_PRIVATE_EXPONENT, "d"},
		{CKA_PRIME_1, "rsa-factor1"}, {CKA_PRIME_2, "rsa-factor2"}, {CKA_EXPONENT_1, "rsa-exponent1"},
		{CKA_EXPONENT_2, "rsa-exponent2"}, {CKA_COEFFICIENT, "rsa-coefficient1"},
	};
	static unsigned char bytes[COUNT(parts)][384]; /* of the longest */
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type = CKK_RSA;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE template[20] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_TOKEN, &yes, sizeof yes},
		{CKA_PRIVATE, &yes, sizeof yes}, {CKA_SIGN, &yes, sizeof yes}, {CKA_DECRYPT, &yes, sizeof yes},
		{CKA_SENSITIVE, &yes, sizeof yes}, {CKA_ID, (char *)"k", 1},
	};
	CK_ULONG count = 8;
	CK_OBJECT_HANDLE made;

	for (size_t i = 0; i < COUNT(parts); i++) {
		BIGNUM *n = NULL;

		assert_int_equal(EVP_PKEY_get_bn_param(soft.key, parts[i].name, &n), 1);
		template[count++] = (CK_ATTRIBUTE){parts[i].type, bytes[i], (CK_ULONG)BN_bn2bin(n, bytes[i])};
		BN_clear_free(n);
	}
	assert_int_equal(soft.f->C_CreateObject(soft.session, template, count, &made), CKR_OK);
}

/* A token with a certificate and its key, in the test's own folder; SoftHSM is ended again. */
static void fill_token(void *library)
{
	CK_C_GetFunctionList get;
	unsigned char label[32];
	CK_SLOT_ID slots[4];
	CK_ULONG count = COUNT(slots);

	*(void **)&get = dlsym(library, "C_GetFunctionList");
	assert_int_equal(get(&soft.f), CKR_OK);
	assert_int_equal(soft.f->C_Initialize(NULL), CKR_OK);
	assert_int_equal(soft.f->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
	memset(label, ' ', sizeof label);
	memcpy(label, LABEL, strlen(LABEL));
	assert_int_equal(soft.f->C_InitToken(slots[0], (unsigned char *)SO_PIN, strlen(SO_PIN), label), CKR_OK);
	assert_int_equal(soft.f->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &soft.session),
			 CKR_OK);
	assert_int_equal(soft.f->C_Login(soft.session, CKU_SO, (unsigned char *)SO_PIN, strlen(SO_PIN)), CKR_OK);
	assert_int_equal(soft.f->C_InitPIN(soft.session, (unsigned char *)PIN, strlen(PIN)), CKR_OK);
	assert_int_equal(soft.f->C_Logout(soft.session), CKR_OK);
	assert_int_equal(soft.f->C_Login(soft.session, CKU_USER, (unsigned char *)PIN, strlen(PIN)), CKR_OK);
	put_certificate();
	put_key();
	assert_int_equal(soft.f->C_Finalize(NULL), CKR_OK);
}

static int soft_setup(void **state)
{
	char conf[400];
	void *library = NULL;

	(void)state;
	home_make();
	snprintf(conf, sizeof conf, "directories.tokendir = %s\nobjectstore.backend = file\n", home_path("tokens"));
	home_write("softhsm2.conf", conf, 0600);
	assert_int_equal(mkdir(home_path("tokens"), 0700), 0);
	setenv("SOFTHSM2_CONF", home_path("softhsm2.conf"), 1);
	for (size_t i = 0; i < COUNT(places) && !library; i++) {
		library = dlopen(places[i], RTLD_NOW | RTLD_LOCAL);
		soft.path = library ? places[i] : NULL;
	}
	if (!library)
		return 0;
	soft.key = EVP_RSA_gen(3072); /* no card's size */
	fill_token(library);
	dlclose(library);
	return 0;
}

static int soft_teardown(void **state)
{
	(void)state;
	agentbench_end();
	EVP_PKEY_free(soft.key);
	json_object_put(agent_answer.json);
	agent_answer.json = NULL;
	return 0;
}

static void assert_soft_signature(const char *data)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len;
	const unsigned char *sig = agent_bytes("signature", &len);

	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, soft.key), 1);
	assert_int_equal(EVP_DigestVerify(ctx, sig, len, (const unsigned char *)data, strlen(data)), 1);
	EVP_MD_CTX_free(ctx);
}

static void encrypt_to_soft(const char *text, unsigned char *out, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(soft.key, NULL);

	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, out, len, (const unsigned char *)text, strlen(text)), 1);
	EVP_PKEY_CTX_free(ctx);
}

static void another_programs_module_works(void **state)
{
	char problem[200] = "";
	unsigned char block[512];
	size_t len = sizeof block;
	unsigned long generation;

	(void)state;
	if (!soft.path) {
		print_message("# SoftHSM is not installed (package softhsm2)\n");
		skip();
	}
	agentbench = work_open(soft.path, problem, sizeof problem);
	if (!agentbench)
		fail_msg("%s", problem);
	assert_int_equal(agent_ask(WORK_INFO_CERTS, NULL, "{}"), WORK_OK);
	/* the next token, that nobody has initialized, is no card */
	assert_int_equal(json_object_array_length(json_object_object_get(agent_answer.json, "slots")), 2);
	assert_string_equal(json_object_get_string(json_object_object_get(agent_slot(1), "token")), "unknown token");
	generation = work_generation(agentbench);
	assert_int_equal(work_generation(agentbench), generation);
	assert_int_equal(agent_ask(WORK_SIGN, PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\"}"), WORK_OK);
	assert_soft_signature("x");
	assert_int_equal(agent_ask(WORK_SIGN, PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS7\",\"withCardSN\":\"true\","
						   "\"withSCAP\":\"true\"}"), WORK_OK);
	encrypt_to_soft("plain", block, &len);
	assert_int_equal(agent_ask(WORK_DECRYPT, PIN, "{\"cipher\":\"%s\"}", agent_base64(block, len)), WORK_OK);
	assert_string_equal(agent_text("plain"), "plain");
	assert_int_equal(agent_ask(WORK_SIGN, WRONG_PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\"}"), WORK_LOGIN);
	assert_int_equal(agent_number("last_error"), CKR_PIN_INCORRECT);
	assert_int_equal(agent_answer.pin, WORK_PIN_WRONG);
	assert_int_equal(agent_ask(WORK_MAKE_CSR, PIN, "{}"), WORK_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_module_is_told),
		cmocka_unit_test(our_module_is_loaded_and_let_go),
		cmocka_unit_test_setup_teardown(another_programs_module_works, soft_setup, soft_teardown),
	};

	return cmocka_run_group_tests_name("the agent and modules", tests, NULL, NULL);
}
