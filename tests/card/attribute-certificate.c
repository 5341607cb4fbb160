/*
 * attribute-certificate MODULE PIN create FILE - puts it on the card.
 * attribute-certificate MODULE PIN list - the attribute certificates, a line
 *   each: label, bytes of the value, and of owner, issuer, serial and types.
 * attribute-certificate MODULE PIN delete - all that may be deleted.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "authz/twcard-authz.h"

#define BYTES_MAX 8192

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE session;

static bool good(const char *function, CK_RV rv)
{
	if (rv != CKR_OK)
		fprintf(stderr, "%s: 0x%08lX\n", function, (unsigned long)rv);
	return rv == CKR_OK;
}

static bool begin(const char *module, const char *pin)
{
	CK_SLOT_ID slots[16];
	CK_ULONG count = 16;
	CK_C_GetFunctionList get = NULL;
	void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);

	if (library)
		*(void **)&get = dlsym(library, "C_GetFunctionList");
	return get && good("C_GetFunctionList", get(&p11)) &&
	       good("C_Initialize", p11->C_Initialize(NULL)) &&
	       good("C_GetSlotList", p11->C_GetSlotList(CK_TRUE, slots, &count)) && count &&
	       good("C_OpenSession", p11->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
							NULL, &session)) &&
	       good("C_Login", p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)));
}

static bool create(const char *path)
{
	static unsigned char der[BYTES_MAX];
	CK_OBJECT_CLASS klass = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509_ATTR_CERT;
	CK_BBOOL yes = CK_TRUE;
	struct authz_parts parts;
	CK_OBJECT_HANDLE object;
	FILE *file = fopen(path, "rb");
	size_t len = file ? fread(der, 1, sizeof der, file) : 0;
	bool ok = authz_parts_read(der, len, &parts) == AUTHZ_GOOD;
	CK_ATTRIBUTE template[] = {
		{CKA_CLASS, &klass, sizeof klass}, {CKA_CERTIFICATE_TYPE, &type, sizeof type},
		{CKA_TOKEN, &yes, sizeof yes},     {CKA_PRIVATE, &yes, sizeof yes},
		{CKA_VALUE, der, len},             {CKA_OWNER, parts.holder.bytes, parts.holder.len},
	};

	if (file)
		fclose(file);
	ok = ok && good("C_CreateObject", p11->C_CreateObject(session, template,
							       sizeof template / sizeof *template, &object));
	authz_parts_clear(&parts);
	return ok;
}

static bool show(CK_OBJECT_HANDLE object)
{
	static unsigned char bytes[5][BYTES_MAX];
	unsigned char label[64];
	CK_ATTRIBUTE all[] = {
		{CKA_LABEL, label, sizeof label},       {CKA_VALUE, bytes[0], BYTES_MAX},
		{CKA_OWNER, bytes[1], BYTES_MAX},       {CKA_AC_ISSUER, bytes[2], BYTES_MAX},
		{CKA_SERIAL_NUMBER, bytes[3], BYTES_MAX}, {CKA_ATTR_TYPES, bytes[4], BYTES_MAX},
	};

	if (!good("C_GetAttributeValue", p11->C_GetAttributeValue(session, object, all, 6)))
		return false;
	printf("%.*s %lu %lu %lu %lu %lu\n", (int)all[0].ulValueLen, (char *)label, all[1].ulValueLen,
	       all[2].ulValueLen, all[3].ulValueLen, all[4].ulValueLen, all[5].ulValueLen);
	return true;
}

static bool delete(CK_OBJECT_HANDLE object)
{
	return good("C_DestroyObject", p11->C_DestroyObject(session, object));
}

static bool for_each(bool (*what)(CK_OBJECT_HANDLE object))
{
	CK_CERTIFICATE_TYPE type = CKC_X_509_ATTR_CERT;
	CK_ATTRIBUTE template[] = {{CKA_CERTIFICATE_TYPE, &type, sizeof type}};
	CK_OBJECT_HANDLE objects[32];
	CK_ULONG count = 0;
	bool ok = good("C_FindObjectsInit", p11->C_FindObjectsInit(session, template, 1)) &&
		  good("C_FindObjects", p11->C_FindObjects(session, objects, 32, &count)) &&
		  good("C_FindObjectsFinal", p11->C_FindObjectsFinal(session));

	for (CK_ULONG i = 0; ok && i < count; i++)
		ok = what(objects[i]);
	return ok;
}

int main(int argc, char **argv)
{
	const char *what = argc > 3 ? argv[3] : "";
	bool ok;

	if (argc < 4 || !begin(argv[1], argv[2]))
		return 2;
	if (strcmp(what, "create") == 0 && argc > 4)
		ok = create(argv[4]);
	else
		ok = for_each(strcmp(what, "delete") == 0 ? delete : show);
	return good("C_Finalize", p11->C_Finalize(NULL)) && ok ? 0 : 1;
}
