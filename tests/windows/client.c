/*
 * client - a program of Windows that uses the module as strangers do: through
 * LoadLibrary() and C_GetFunctionList(). The PIN is the first line of standard
 * input, where a command needs one.
 *
 *   client DLL list                     labels of certificates and keys, one a line
 *   client DLL sign ID FILE OUT         SHA256-RSA-PKCS with the key ID (text)
 *   client DLL decrypt ID FILE OUT      RSA-PKCS
 *   client DLL verify ID FILE SIGNATURE with the card's public key
 *   client DLL hold ID FILE OUT         logs in, prints "ready", signs after another line of input
 *   client DLL wait                     prints "ready", waits for a slot event
 *
 * Exit code 0; 1, with "FUNCTION: CODE" on standard error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

#include <p11-kit/pkcs11.h>

#define ROOM 4096
#define OBJECTS 64

static CK_FUNCTION_LIST *p11;

static void check(const char *function, CK_RV rv)
{
	if (rv == CKR_OK)
		return;
	fprintf(stderr, "%s: %08lX\n", function, rv);
	if (p11)
		p11->C_Finalize(NULL);
	exit(1);
}

static CK_ULONG read_file(const char *name, CK_BYTE out[ROOM])
{
	FILE *file = fopen(name, "rb");
	size_t n;

	if (!file) {
		perror(name);
		exit(2);
	}
	n = fread(out, 1, ROOM, file);
	fclose(file);
	return (CK_ULONG)n;
}

static void write_file(const char *name, const CK_BYTE *bytes, CK_ULONG len)
{
	FILE *file = fopen(name, "wb");

	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0) {
		perror(name);
		exit(2);
	}
}

static CK_SLOT_ID first_card(void)
{
	CK_SLOT_ID slots[OBJECTS];
	CK_ULONG count = OBJECTS;

	check("C_GetSlotList", p11->C_GetSlotList(CK_TRUE, slots, &count));
	if (!count)
		check("no card", CKR_TOKEN_NOT_PRESENT);
	return slots[0];
}

static CK_SESSION_HANDLE log_in(int with_pin)
{
	CK_SESSION_HANDLE session;
	char line[64];

	check("C_OpenSession", p11->C_OpenSession(first_card(), CKF_SERIAL_SESSION, NULL, NULL, &session));
	if (!with_pin)
		return session;
	if (!fgets(line, sizeof line, stdin))
		exit(2);
	line[strcspn(line, "\r\n")] = '\0';
	check("C_Login", p11->C_Login(session, CKU_USER, (CK_BYTE *)line, (CK_ULONG)strlen(line)));
	return session;
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *id)
{
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
				   {CKA_ID, (void *)id, (CK_ULONG)strlen(id)}};
	CK_OBJECT_HANDLE found = 0;
	CK_ULONG count = 0;

	check("C_FindObjectsInit", p11->C_FindObjectsInit(session, template, 2));
	check("C_FindObjects", p11->C_FindObjects(session, &found, 1, &count));
	check("C_FindObjectsFinal", p11->C_FindObjectsFinal(session));
	if (!count)
		check("no such key", CKR_KEY_HANDLE_INVALID);
	return found;
}

static void list(void)
{
	CK_SESSION_HANDLE session = log_in(0);
	CK_OBJECT_HANDLE found[OBJECTS];
	CK_ULONG count = 0;

	check("C_FindObjectsInit", p11->C_FindObjectsInit(session, NULL, 0));
	check("C_FindObjects", p11->C_FindObjects(session, found, OBJECTS, &count));
	for (CK_ULONG i = 0; i < count; i++) {
		CK_OBJECT_CLASS class = 0;
		char label[256] = "", id[64] = "";
		CK_ATTRIBUTE want[] = {{CKA_CLASS, &class, sizeof class}};
		CK_ATTRIBUTE text[] = {{CKA_LABEL, label, sizeof label - 1}, {CKA_ID, id, sizeof id - 1}};

		check("C_GetAttributeValue", p11->C_GetAttributeValue(session, found[i], want, 1));
		if (p11->C_GetAttributeValue(session, found[i], text, 2) == CKR_OK)
			printf("%lu %s %s\n", class, id, label);
	}
}

static void sign(CK_SESSION_HANDLE session, char **args)
{
	CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
	CK_BYTE data[ROOM], out[ROOM];
	CK_ULONG len = read_file(args[1], data), out_len = ROOM;

	check("C_SignInit", p11->C_SignInit(session, &mechanism, find(session, CKO_PRIVATE_KEY, args[0])));
	check("C_Sign", p11->C_Sign(session, data, len, out, &out_len));
	write_file(args[2], out, out_len);
}

static void decrypt(CK_SESSION_HANDLE session, char **args)
{
	CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
	CK_BYTE data[ROOM], out[ROOM];
	CK_ULONG len = read_file(args[1], data), out_len = ROOM;

	check("C_DecryptInit",
	      p11->C_DecryptInit(session, &mechanism, find(session, CKO_PRIVATE_KEY, args[0])));
	check("C_Decrypt", p11->C_Decrypt(session, data, len, out, &out_len));
	write_file(args[2], out, out_len);
}

static void verify(CK_SESSION_HANDLE session, char **args)
{
	CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
	CK_BYTE data[ROOM], signature[ROOM];
	CK_ULONG len = read_file(args[1], data), signature_len = read_file(args[2], signature);

	check("C_VerifyInit", p11->C_VerifyInit(session, &mechanism, find(session, CKO_PUBLIC_KEY, args[0])));
	check("C_Verify", p11->C_Verify(session, data, len, signature, signature_len));
}

static void hold(char **args)
{
	CK_SESSION_HANDLE session = log_in(1);
	char line[16];

	printf("ready\n");
	fflush(stdout);
	if (fgets(line, sizeof line, stdin))
		sign(session, args);
}

static void wait_for_event(void)
{
	CK_SLOT_ID slot;

	printf("ready\n");
	fflush(stdout);
	check("C_WaitForSlotEvent", p11->C_WaitForSlotEvent(0, &slot, NULL));
	printf("slot %lu\n", slot);
}

int main(int argc, char **argv)
{
	HMODULE dll = argc > 2 ? LoadLibraryA(argv[1]) : NULL;
	CK_C_GetFunctionList get = dll ? (CK_C_GetFunctionList)(void *)GetProcAddress(dll, "C_GetFunctionList")
				       : NULL;
	const char *command = argc > 2 ? argv[2] : "";

	if (!get) {
		fprintf(stderr, "the module cannot be loaded: error %lu\n", GetLastError());
		return 2;
	}
	check("C_GetFunctionList", get(&p11));
	check("C_Initialize", p11->C_Initialize(NULL));
	if (strcmp(command, "list") == 0)
		list();
	else if (strcmp(command, "wait") == 0)
		wait_for_event();
	else if (argc < 6)
		return 2;
	else if (strcmp(command, "sign") == 0)
		sign(log_in(1), argv + 3);
	else if (strcmp(command, "decrypt") == 0)
		decrypt(log_in(1), argv + 3);
	else if (strcmp(command, "verify") == 0)
		verify(log_in(0), argv + 3);
	else if (strcmp(command, "hold") == 0)
		hold(argv + 3);
	check("C_Finalize", p11->C_Finalize(NULL));
	return 0;
}
