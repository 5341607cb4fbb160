/*
 * endings MODULE PIN STEP... - takes the steps one after the other.
 *
 * For tests of how programs end and what they leave behind on the card. Each
 * step that calls the module prints its name and what was answered; the first
 * step is nearly always "init". A program whose steps are over returns from
 * main() and leaves all as it is.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

static struct {
	void *library;
	CK_FUNCTION_LIST *p11;
	const char *pin;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
} own;

static bool load(const char *module)
{
	CK_C_GetFunctionList get;

	own.library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	if (own.library == NULL) {
		fprintf(stderr, "endings: %s\n", dlerror());
		return false;
	}
	*(void **)&get = dlsym(own.library, "C_GetFunctionList");
	return get != NULL && get(&own.p11) == CKR_OK;
}

/* ---- steps that call the module -------------------------------------------------- */

static CK_RV init(void)
{
	return own.p11->C_Initialize(NULL);
}

static CK_RV finalize(void)
{
	return own.p11->C_Finalize(NULL);
}

static CK_RV slot_info(void)
{
	CK_SLOT_INFO info;

	return own.p11->C_GetSlotInfo(0, &info);
}

static CK_RV token_info(void)
{
	CK_TOKEN_INFO info;

	return own.p11->C_GetTokenInfo(0, &info);
}

static CK_RV open_session(void)
{
	return own.p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &own.session);
}

static CK_RV find_key(void)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	char id[] = "SIGN";
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_ID, id, 4}};
	CK_ULONG found = 0;
	CK_RV rv = own.p11->C_FindObjectsInit(own.session, template, 2);

	if (rv == CKR_OK) {
		rv = own.p11->C_FindObjects(own.session, &own.key, 1, &found);
		own.p11->C_FindObjectsFinal(own.session);
	}
	return rv == CKR_OK && found != 1 ? CKR_KEY_HANDLE_INVALID : rv;
}

static CK_RV login(void)
{
	CK_RV rv = own.p11->C_Login(own.session, CKU_USER, (CK_UTF8CHAR *)own.pin, strlen(own.pin));

	return rv == CKR_OK ? find_key() : rv;
}

static CK_RV logout(void)
{
	return own.p11->C_Logout(own.session);
}

static CK_RV sign(void)
{
	CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
	CK_BYTE signature[256];
	CK_ULONG len = sizeof(signature);
	CK_RV rv = own.p11->C_SignInit(own.session, &mechanism, own.key);

	return rv == CKR_OK ? own.p11->C_Sign(own.session, (CK_BYTE *)"text", 4, signature, &len) : rv;
}

/* The session's state, 3 or 1, in place of a CK_RV. */
static CK_RV state(void)
{
	CK_SESSION_INFO info;
	CK_RV rv = own.p11->C_GetSessionInfo(own.session, &info);

	return rv == CKR_OK ? info.state : rv;
}

/* ---- other steps ----------------------------------------------------------------- */

/* Until the test writes a line, or has none more. */
static CK_RV wait_for_line(void)
{
	int c;

	do
		c = getchar();
	while (c != EOF && c != '\n');
	return CKR_OK;
}

static CK_RV unload(void)
{
	return dlclose(own.library) == 0 ? CKR_OK : CKR_GENERAL_ERROR;
}

static CK_RV call_exit(void)
{
	exit(0);
}

/* A child that ends as programs do, with all exit handlers and destructors. */
static CK_RV fork_child(void)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0)
		exit(0);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? CKR_OK
									       : CKR_GENERAL_ERROR;
}

static const struct step {
	const char *name;
	CK_RV (*take)(void);
} steps[] = {
	{"init", init},
	{"finalize", finalize},
	{"slot-info", slot_info},
	{"token-info", token_info},
	{"open", open_session},
	{"login", login},
	{"logout", logout},
	{"sign", sign},
	{"state", state},
	{"wait", wait_for_line},
	{"unload", unload},
	{"exit", call_exit},
	{"fork", fork_child},
};

static bool take(const char *name)
{
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (strcmp(steps[i].name, name) != 0)
			continue;
		printf("%s 0x%lx\n", name, (unsigned long)steps[i].take());
		fflush(stdout);
		return true;
	}
	fprintf(stderr, "endings: no step %s\n", name);
	return false;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: endings MODULE PIN STEP...\n");
		return 2;
	}
	own.pin = argv[2];
	if (!load(argv[1]))
		return 1;
	for (int i = 3; i < argc; i++)
		if (!take(argv[i]))
			return 2;
	return 0;
}
