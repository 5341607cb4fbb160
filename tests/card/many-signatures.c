/*
 * many-signatures MODULE PIN ID COUNT [times] - signs COUNT times in one session.
 *
 * For the tests that count what each further signature costs the card: no
 * object search, no attribute and no second login lies between them. The
 * signatures are of one message with SHA256-RSA-PKCS, so they must be equal.
 *
 * With "times" it says "ready" after the login, begins when its input ends, and
 * prints for each signature when it was asked for and when it was there, in
 * microseconds of the clock that all processes share, and at the end the
 * signature, in hex.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <p11-kit/pkcs11.h>

struct token {
	void *library;
	CK_FUNCTION_LIST *p11;
	CK_SESSION_HANDLE session;
};

/* Says which function failed; true if none did. */
static bool good(const char *function, CK_RV rv)
{
	if (rv != CKR_OK)
		fprintf(stderr, "many-signatures: %s: 0x%08lX\n", function, (unsigned long)rv);
	return rv == CKR_OK;
}

static bool load(struct token *t, const char *module)
{
	CK_C_GetFunctionList get;

	t->library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	if (t->library == NULL) {
		fprintf(stderr, "many-signatures: %s\n", dlerror());
		return false;
	}
	*(void **)&get = dlsym(t->library, "C_GetFunctionList");
	if (get == NULL) {
		fprintf(stderr, "many-signatures: no C_GetFunctionList in %s\n", module);
		return false;
	}
	return good("C_GetFunctionList", get(&t->p11));
}

static bool open_session(struct token *t)
{
	CK_SLOT_ID slots[16];
	CK_ULONG count = 16;

	if (!good("C_Initialize", t->p11->C_Initialize(NULL)) ||
	    !good("C_GetSlotList", t->p11->C_GetSlotList(CK_TRUE, slots, &count)))
		return false;
	if (count == 0) {
		fprintf(stderr, "many-signatures: no token\n");
		return false;
	}
	return good("C_OpenSession",
		    t->p11->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &t->session));
}

static bool find_key(struct token *t, char *id, CK_OBJECT_HANDLE *key)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_ID, id, strlen(id)},
	};
	CK_ULONG found = 0;

	if (!good("C_FindObjectsInit", t->p11->C_FindObjectsInit(t->session, template, 2)) ||
	    !good("C_FindObjects", t->p11->C_FindObjects(t->session, key, 1, &found)) ||
	    !good("C_FindObjectsFinal", t->p11->C_FindObjectsFinal(t->session)))
		return false;
	if (found != 1)
		fprintf(stderr, "many-signatures: no private key %s\n", id);
	return found == 1;
}

static bool sign(struct token *t, CK_OBJECT_HANDLE key, CK_BYTE *signature, CK_ULONG size)
{
	CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
	CK_BYTE message[] = "the same message again";
	CK_ULONG len = size;

	return good("C_SignInit", t->p11->C_SignInit(t->session, &mechanism, key)) &&
	       good("C_Sign",
		    t->p11->C_Sign(t->session, message, sizeof(message), signature, &len)) &&
	       len == size;
}

static long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void wait_for_start(void)
{
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		continue;
}

static void print_signature(const CK_BYTE *signature, size_t len)
{
	size_t i;

	fputs("signature ", stdout);
	for (i = 0; i < len; i++)
		printf("%02x", signature[i]);
	putchar('\n');
}

static bool sign_all(struct token *t, CK_OBJECT_HANDLE key, unsigned long count, bool times)
{
	CK_BYTE first[256], next[256];
	unsigned long i;

	if (times)
		wait_for_start();
	for (i = 0; i < count; i++) {
		long long asked = now_us();

		if (!sign(t, key, i == 0 ? first : next, sizeof(first)))
			return false;
		if (times)
			printf("%lld %lld\n", asked, now_us());
		if (i > 0 && memcmp(first, next, sizeof(first)) != 0) {
			fprintf(stderr, "many-signatures: signature %lu is another\n", i + 1);
			return false;
		}
	}
	if (times && count > 0)
		print_signature(first, sizeof(first));
	return true;
}

int main(int argc, char **argv)
{
	struct token t = {NULL, NULL, 0};
	CK_OBJECT_HANDLE key;
	bool ok;

	if (argc != 5 && !(argc == 6 && strcmp(argv[5], "times") == 0)) {
		fprintf(stderr, "usage: many-signatures MODULE PIN ID COUNT [times]\n");
		return 2;
	}
	ok = load(&t, argv[1]) && open_session(&t) &&
	     good("C_Login", t.p11->C_Login(t.session, CKU_USER, (CK_UTF8CHAR *)argv[2],
					    strlen(argv[2]))) &&
	     find_key(&t, argv[3], &key) &&
	     sign_all(&t, key, strtoul(argv[4], NULL, 10), argc == 6) &&
	     good("C_Finalize", t.p11->C_Finalize(NULL));
	if (t.library != NULL)
		dlclose(t.library);
	return ok ? 0 : 1;
}
