/*
 * bench_module MODULE - does with any PKCS#11 module what its driver asks for (tests/bench/modules.py).
 *
 * The first line of the input is the PIN; each further line is one of
 *
 *   start        C_Initialize, the first token, a session
 *   information  C_GetTokenInfo
 *   list         all objects, and of each what a program shows
 *   read         all objects, and of each all: certificates, public keys and data whole
 *   login        C_Login
 *   sign N       N signatures (SHA-256, PKCS#1 v1.5) with the first key that may sign
 *   tls          one signature as TLS 1.3 has it (PSS); if refused, as TLS 1.2 has it
 *   decrypt      one text, encrypted here to the first key that may decrypt
 *   threads N    N threads, each with a session of its own, ROUNDS signatures each
 *   prepare      finds that key and encrypts; to be done before decrypt
 *   check        is what the last step computed right? OpenSSL says it
 *   end          C_Finalize
 *
 * and is answered by a line of JSON: step, rv and function of the first call that
 * failed ("" if none did), times in microseconds (of the processor, in this process;
 * and of the wall), the process's peak memory in KiB, and a count: objects, signatures.
 *
 * Under callgrind the instructions of each step are one dump, named after it.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <p11-kit/pkcs11.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS do { } while (0)
#define CALLGRIND_DUMP_STATS_AT(name) ((void)(name))
#endif

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define OBJECTS_MAX 1024
#define VALUE_MAX 4096
#define ID_MAX 64
#define BLOCK_MAX 512
#define THREADS_MAX 64
#define ROUNDS 2

struct key {
	CK_OBJECT_HANDLE handle;
	unsigned char id[ID_MAX];
	CK_ULONG id_len;
};

static struct {
	CK_FUNCTION_LIST *p11;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	char pin[128];
	struct key signer;
	unsigned long count;
	bool (*check)(void); /* of the last step; NULL: nothing was computed */
	const char *failed;  /* the function */
	CK_RV rv;
	unsigned char text[32];
	unsigned char result[BLOCK_MAX];
	CK_ULONG result_len;
} b;

/* Keeps the first call that failed; true if this one did not. */
static bool good(const char *function, CK_RV rv)
{
	if (rv != CKR_OK && b.failed == NULL) {
		b.failed = function;
		b.rv = rv;
	}
	return rv == CKR_OK;
}

/* ---- objects ---- */

static CK_ULONG find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG n,
		     CK_OBJECT_HANDLE *found, CK_ULONG max)
{
	CK_ULONG all = 0, more = 1;

	if (!good("C_FindObjectsInit", b.p11->C_FindObjectsInit(session, template, n)))
		return 0;
	while (all < max && more > 0) {
		CK_ULONG room = max - all < 16 ? max - all : 16;

		if (!good("C_FindObjects", b.p11->C_FindObjects(session, found + all, room, &more)))
			break;
		all += more;
	}
	good("C_FindObjectsFinal", b.p11->C_FindObjectsFinal(session));
	return all;
}

/* A missing attribute is no failure: modules differ in what they have. */
static CK_ULONG attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG max)
{
	CK_ATTRIBUTE a = {type, value, max};
	CK_RV rv = b.p11->C_GetAttributeValue(b.session, object, &a, 1);

	if (rv != CKR_OK || a.ulValueLen == CK_UNAVAILABLE_INFORMATION)
		return 0;
	return a.ulValueLen;
}

static bool first_key(CK_ATTRIBUTE_TYPE may, struct key *key)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {may, &yes, sizeof yes}};

	if (find(b.session, template, COUNT(template), &key->handle, 1) != 1)
		return good("C_FindObjects: no such private key", CKR_KEY_HANDLE_INVALID);
	key->id_len = attribute(key->handle, CKA_ID, key->id, sizeof key->id);
	return true;
}

static EVP_PKEY *rsa_key(const unsigned char *n, CK_ULONG n_len, const unsigned char *e, CK_ULONG e_len)
{
	BIGNUM *modulus = BN_bin2bn(n, (int)n_len, NULL), *exponent = BN_bin2bn(e, (int)e_len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (modulus != NULL && exponent != NULL && build != NULL && ctx != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (params != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_BLD_free(build);
	BN_free(exponent);
	BN_free(modulus);
	return key;
}

/* The other half of a private key, as the module shows it. */
static EVP_PKEY *public_half(struct key *key)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, key->id, key->id_len}};
	unsigned char n[BLOCK_MAX], e[16];
	CK_ULONG n_len, e_len;
	CK_OBJECT_HANDLE object;

	if (find(b.session, template, COUNT(template), &object, 1) != 1)
		return NULL;
	n_len = attribute(object, CKA_MODULUS, n, sizeof n);
	e_len = attribute(object, CKA_PUBLIC_EXPONENT, e, sizeof e);
	return n_len > 0 && e_len > 0 ? rsa_key(n, n_len, e, e_len) : NULL;
}

/* ---- steps ---- */

static bool step_start(unsigned long n)
{
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	CK_SLOT_ID slots[16];
	CK_ULONG count = COUNT(slots);

	(void)n;
	if (!good("C_Initialize", b.p11->C_Initialize(&args)) ||
	    !good("C_GetSlotList", b.p11->C_GetSlotList(CK_TRUE, slots, &count)))
		return false;
	if (count == 0)
		return good("C_GetSlotList: no token that it knows", CKR_TOKEN_NOT_PRESENT);
	b.slot = slots[0];
	return good("C_OpenSession",
		    b.p11->C_OpenSession(b.slot, CKF_SERIAL_SESSION, NULL, NULL, &b.session));
}

static bool step_information(unsigned long n)
{
	CK_TOKEN_INFO info;

	(void)n;
	return good("C_GetTokenInfo", b.p11->C_GetTokenInfo(b.slot, &info));
}

static bool show_all(const CK_ATTRIBUTE_TYPE *types, size_t n)
{
	static CK_OBJECT_HANDLE objects[OBJECTS_MAX];
	unsigned char value[VALUE_MAX];

	b.count = find(b.session, NULL, 0, objects, COUNT(objects));
	for (CK_ULONG i = 0; i < b.count; i++)
		for (size_t j = 0; j < n; j++)
			(void)attribute(objects[i], types[j], value, sizeof value);
	return b.failed == NULL;
}

/* What `pkcs11-tool --list-objects` prints, and the issuer. */
static bool step_list(unsigned long n)
{
	static const CK_ATTRIBUTE_TYPE types[] = {
		CKA_CLASS, CKA_LABEL, CKA_ID, CKA_SUBJECT, CKA_ISSUER, CKA_SERIAL_NUMBER,
		CKA_KEY_TYPE, CKA_MODULUS_BITS, CKA_ENCRYPT, CKA_VERIFY, CKA_WRAP, CKA_APPLICATION,
	};

	(void)n;
	return show_all(types, COUNT(types));
}

static bool step_read(unsigned long n)
{
	static const CK_ATTRIBUTE_TYPE types[] = {
		CKA_CLASS, CKA_LABEL, CKA_ID, CKA_SUBJECT, CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_VALUE,
	};

	(void)n;
	return show_all(types, COUNT(types));
}

static bool step_login(unsigned long n)
{
	(void)n;
	return good("C_Login", b.p11->C_Login(b.session, CKU_USER, (CK_UTF8CHAR *)b.pin,
					      (CK_ULONG)strlen(b.pin)));
}

static bool sign_once(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_MECHANISM *mechanism,
		      unsigned char *data, CK_ULONG len, unsigned char *sig, CK_ULONG *sig_len)
{
	*sig_len = BLOCK_MAX;
	return good("C_SignInit", b.p11->C_SignInit(session, mechanism, key)) &&
	       good("C_Sign", b.p11->C_Sign(session, data, len, sig, sig_len));
}

static bool step_sign(unsigned long n)
{
	CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};

	if (b.signer.handle == 0 && !first_key(CKA_SIGN, &b.signer))
		return false;
	for (b.count = 0; b.count < n; b.count++)
		if (!sign_once(b.session, b.signer.handle, &mechanism, b.text, sizeof b.text, b.result,
			       &b.result_len))
			return false;
	return true;
}

static bool is_signature(int padding)
{
	EVP_PKEY *key = public_half(&b.signer);
	EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	unsigned char digest[32];
	bool right;

	SHA256(b.text, sizeof b.text, digest);
	right = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
		EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1 &&
		EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		EVP_PKEY_verify(ctx, b.result, b.result_len, digest, sizeof digest) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return right;
}

static bool check_sign(void)
{
	return is_signature(RSA_PKCS1_PADDING);
}

static int tls_padding;

static bool step_tls(unsigned long n)
{
	/* The DigestInfo of SHA-256, as RFC 8017 has it. */
	static const unsigned char head[] = {0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
					     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
	CK_RSA_PKCS_PSS_PARAMS params = {CKM_SHA256, CKG_MGF1_SHA256, 32};
	CK_MECHANISM pss = {CKM_RSA_PKCS_PSS, &params, sizeof params}, old = {CKM_RSA_PKCS, NULL, 0};
	unsigned char info[sizeof head + 32];

	(void)n;
	if (b.signer.handle == 0 && !first_key(CKA_SIGN, &b.signer))
		return false;
	memcpy(info, head, sizeof head);
	SHA256(b.text, sizeof b.text, info + sizeof head);
	b.count = 1;
	tls_padding = RSA_PKCS1_PSS_PADDING;
	if (sign_once(b.session, b.signer.handle, &pss, info + sizeof head, 32, b.result, &b.result_len))
		return true;
	b.failed = NULL;
	tls_padding = RSA_PKCS1_PADDING;
	return sign_once(b.session, b.signer.handle, &old, info, sizeof info, b.result, &b.result_len);
}

static bool check_tls(void)
{
	return is_signature(tls_padding);
}

/* ---- decrypt ---- */

static struct key reader;
static unsigned char secret[BLOCK_MAX];
static size_t secret_len;

static bool step_prepare(unsigned long n)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = NULL;

	(void)n;
	secret_len = sizeof secret;
	if (first_key(CKA_DECRYPT, &reader))
		key = public_half(&reader);
	if (key != NULL)
		ctx = EVP_PKEY_CTX_new(key, NULL);
	if (ctx == NULL || EVP_PKEY_encrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_encrypt(ctx, secret, &secret_len, b.text, sizeof b.text) != 1)
		good("no public key to encrypt to", CKR_KEY_HANDLE_INVALID);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return b.failed == NULL;
}

static bool step_decrypt(unsigned long n)
{
	CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};

	(void)n;
	b.count = 1;
	b.result_len = sizeof b.result;
	return good("C_DecryptInit", b.p11->C_DecryptInit(b.session, &mechanism, reader.handle)) &&
	       good("C_Decrypt", b.p11->C_Decrypt(b.session, secret, (CK_ULONG)secret_len, b.result,
						  &b.result_len));
}

static bool check_decrypt(void)
{
	return b.result_len == sizeof b.text && memcmp(b.result, b.text, sizeof b.text) == 0;
}

/* ---- threads ---- */

static atomic_ulong thread_count, thread_failures;

static void *one_thread(void *unused)
{
	CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
	unsigned char text[sizeof b.text], sig[BLOCK_MAX];
	CK_SESSION_HANDLE session;
	CK_ULONG len = sizeof sig;

	memcpy(text, b.text, sizeof text);
	if (b.p11->C_OpenSession(b.slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK) {
		thread_failures++;
		return unused;
	}
	for (int i = 0; i < ROUNDS; i++, len = sizeof sig) {
		if (b.p11->C_SignInit(session, &mechanism, b.signer.handle) != CKR_OK ||
		    b.p11->C_Sign(session, text, sizeof text, sig, &len) != CKR_OK ||
		    len != b.result_len || memcmp(sig, b.result, len) != 0)
			thread_failures++;
		else
			thread_count++;
	}
	(void)b.p11->C_CloseSession(session);
	return unused;
}

/* All sign the text that was signed before: the signatures must be that one. */
static bool step_threads(unsigned long n)
{
	pthread_t threads[THREADS_MAX];
	unsigned long started = 0;

	thread_count = thread_failures = 0;
	while (started < n && started < THREADS_MAX &&
	       pthread_create(&threads[started], NULL, one_thread, NULL) == 0)
		started++;
	for (unsigned long i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	b.count = thread_count;
	return good("a thread could not sign, or signed wrongly",
		    thread_failures == 0 && started == n ? CKR_OK : CKR_GENERAL_ERROR);
}

static bool step_end(unsigned long n)
{
	(void)n;
	return good("C_Finalize", b.p11->C_Finalize(NULL));
}

/* ---- measuring ---- */

static bool step_check(unsigned long n)
{
	(void)n;
	return b.check == NULL || good("the result is wrong", b.check() ? CKR_OK : CKR_SIGNATURE_INVALID);
}

static const struct step {
	const char *name;
	bool (*run)(unsigned long n);
	bool (*check)(void);
} steps[] = {
	{"start", step_start, NULL},
	{"information", step_information, NULL},
	{"list", step_list, NULL},
	{"read", step_read, NULL},
	{"login", step_login, NULL},
	{"sign", step_sign, check_sign},
	{"tls", step_tls, check_tls},
	{"prepare", step_prepare, NULL},
	{"decrypt", step_decrypt, check_decrypt},
	{"threads", step_threads, NULL},
	{"check", step_check, NULL},
	{"end", step_end, NULL},
};

static long long processor_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
	       usage.ru_stime.tv_usec;
}

static long long wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* Not getrusage's: that begins with what the parent had. */
static long peak_kib(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return kib;
}

static void do_step(const struct step *step, unsigned long n)
{
	long long cpu = processor_us(), wall = wall_us();

	b.failed = NULL;
	b.rv = CKR_OK;
	b.count = 0;
	CALLGRIND_ZERO_STATS;
	if (!step->run(n))
		good("not done", CKR_GENERAL_ERROR);
	CALLGRIND_DUMP_STATS_AT(step->name);
	cpu = processor_us() - cpu;
	wall = wall_us() - wall;
	if (step->run != step_check)
		b.check = step->check;
	printf("{\"step\": \"%s\", \"rv\": %lu, \"failed\": \"%s\", \"cpu_us\": %lld, \"wall_us\": %lld, "
	       "\"peak_kib\": %ld, \"count\": %lu}\n",
	       step->name, (unsigned long)b.rv, b.failed != NULL ? b.failed : "", cpu, wall, peak_kib(),
	       b.count);
	fflush(stdout);
}

/* False: no such step. */
static bool do_line(const char *line)
{
	char name[16];
	unsigned long n = 1;

	if (sscanf(line, "%15s %lu", name, &n) < 1)
		return true;
	for (size_t i = 0; i < COUNT(steps); i++)
		if (strcmp(steps[i].name, name) == 0) {
			do_step(&steps[i], n);
			return true;
		}
	fprintf(stderr, "bench_module: no step %s\n", name);
	return false;
}

static bool load(const char *module)
{
	void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = NULL;

	if (library == NULL) {
		fprintf(stderr, "bench_module: %s\n", dlerror());
		return false;
	}
	*(void **)&get = dlsym(library, "C_GetFunctionList");
	if (get == NULL)
		fprintf(stderr, "bench_module: no C_GetFunctionList in %s\n", module);
	else if (get(&b.p11) != CKR_OK || b.p11 == NULL)
		fprintf(stderr, "bench_module: C_GetFunctionList of %s gives nothing\n", module);
	return b.p11 != NULL;
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc != 2) {
		fprintf(stderr, "usage: bench_module MODULE (see the head of its source)\n");
		return 2;
	}
	if (!load(argv[1]) || fgets(b.pin, sizeof b.pin, stdin) == NULL)
		return 1;
	b.pin[strcspn(b.pin, "\n")] = '\0';
	memset(b.text, 'T', sizeof b.text);
	while (fgets(line, sizeof line, stdin) != NULL)
		if (!do_line(line))
			return 2;
	OPENSSL_cleanse(b.pin, sizeof b.pin);
	return 0;
}
