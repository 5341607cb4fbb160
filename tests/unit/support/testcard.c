#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "testcard.h"

#ifndef TESTTMP
#define TESTTMP "tests/tmp"
#endif
#define IMAGE TESTTMP "/gen1.card"
#define IMAGE_LOCK IMAGE ".lock"
#define CARD_NUMBER_FILE "3F00/0900/0903"

struct bench bench;

unsigned count_open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

int stdin_close(void)
{
	int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100);

	assert_true(saved >= 0);
	close(STDIN_FILENO);
	return saved;
}

void stdin_open(int saved)
{
	bool free = fcntl(STDIN_FILENO, F_GETFD) < 0;

	dup2(saved, STDIN_FILENO);
	close(saved);
	assert_true(free);
}

static void make_folder(const char *path)
{
	char part[512];

	snprintf(part, sizeof part, "%s", path);
	for (char *slash = part + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		if (mkdir(part, 0777) < 0)
			assert_int_equal(errno, EEXIST);
	}
	if (mkdir(part, 0777) < 0)
		assert_int_equal(errno, EEXIST);
}

/* One program makes the image, others that run at the same time wait for it. */
struct vcard *testcard_load(void)
{
	struct vcard *card = NULL;
	char error[200] = "";
	int lock;

	setenv("TWCARD_CONF", "/dev/null", 0); /* not what this machine's owner has set */
	make_folder(TESTTMP);
	lock = open(IMAGE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	if (!vcard_load(IMAGE, &card, error, sizeof error) || vcard_tries_left(card) != 3) {
		vcard_free(&card);
		steady_chance_for(IMAGE);
		if (!vcard_create(NULL, &card, error, sizeof error) ||
		    !vcard_save(card, IMAGE, error, sizeof error))
			fail_msg("no test card: %s", error);
	}
	close(lock);
	vcard_detach(card);
	return card;
}

struct vcard *testcard_load_other(void)
{
	static const char number[] = "TP99999999999999";
	struct vcard *card = testcard_load();

	assert_true(vcard_file_put(card, CARD_NUMBER_FILE, (const uint8_t *)number,
				   sizeof number - 1));
	return card;
}

void testcard_freshen(struct vcard *card)
{
	const struct vcard_behaviour none = {0};

	vcard_behaviour_set(card, &none);
	vcard_fault(card, 0, VCARD_FAULT_NONE, 0);
	assert_true(vcard_set_pin_tries(card, VCARD_PIN_TRIES));
	vcard_power_on(card);
	vcard_stats_reset(card);
}

/* ---- the bench ---- */

int bench_setup(void **state)
{
	*state = &bench;
	memset(&bench, 0, sizeof bench);
	fake_clear();
	bench.card = testcard_load();
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	module_start();
	bench.slot = slot_of(READER);
	return 0;
}

int bench_setup_session(void **state)
{
	bench_setup(state);
	bench.session = open_session(bench.slot);
	return 0;
}

int bench_setup_login(void **state)
{
	bench_setup_session(state);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	return 0;
}

int bench_teardown(void **state)
{
	CK_RV rv = C_Finalize(NULL);
	bool leak = fake_open_contexts() != 0 || fake_open_handles() != 0;

	(void)state;
	fake_clear();
	vcard_free(&bench.card);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_NOT_INITIALIZED)
		return 1;
	if (leak)
		print_error("a PC/SC context or handle was left open\n");
	return leak;
}

/* ---- the module ---- */

void module_start(void)
{
	assert_int_equal(C_Initialize(NULL), CKR_OK);
}

void module_stop(void)
{
	assert_int_equal(C_Finalize(NULL), CKR_OK);
}

CK_SLOT_ID slot_of(const char *reader)
{
	CK_SLOT_ID ids[16];
	CK_ULONG count = COUNT(ids);
	CK_SLOT_INFO info;

	assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
	assert_true(count <= COUNT(ids));
	assert_int_equal(C_GetSlotList(CK_FALSE, ids, &count), CKR_OK);
	for (CK_ULONG i = 0; i < count; i++) {
		assert_int_equal(C_GetSlotInfo(ids[i], &info), CKR_OK);
		if (strncmp((const char *)info.slotDescription, reader, strlen(reader)) == 0)
			return ids[i];
	}
	fail_msg("no slot for %s", reader);
	return 0;
}

CK_SESSION_HANDLE open_session(CK_SLOT_ID slot)
{
	CK_SESSION_HANDLE session = 0;

	assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
				       &session),
			 CKR_OK);
	return session;
}

CK_RV login(CK_SESSION_HANDLE session, const char *pin)
{
	return C_Login(session, CKU_USER, (unsigned char *)pin, strlen(pin));
}

CK_FLAGS token_flags(CK_SLOT_ID slot)
{
	CK_TOKEN_INFO info;

	assert_int_equal(C_GetTokenInfo(slot, &info), CKR_OK);
	return info.flags;
}

size_t find_objects(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
		    CK_OBJECT_HANDLE *out, size_t max)
{
	CK_ULONG found = 0;

	assert_int_equal(C_FindObjectsInit(session, template, count), CKR_OK);
	assert_int_equal(C_FindObjects(session, out, max, &found), CKR_OK);
	assert_int_equal(C_FindObjectsFinal(session), CKR_OK);
	return found;
}

size_t find_class(CK_SESSION_HANDLE session, CK_OBJECT_CLASS klass, CK_OBJECT_HANDLE *out,
		  size_t max)
{
	CK_ATTRIBUTE template = {CKA_CLASS, &klass, sizeof klass};

	return find_objects(session, &template, 1, out, max);
}

CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE session, CK_OBJECT_CLASS klass, const char *id)
{
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass},
				   {CKA_ID, (char *)id, strlen(id)}};
	CK_OBJECT_HANDLE found[2] = {0};

	assert_int_equal(find_objects(session, template, COUNT(template), found, COUNT(found)), 1);
	return found[0];
}

size_t get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		     void *out, size_t max)
{
	CK_ATTRIBUTE template = {type, out, max};

	assert_int_equal(C_GetAttributeValue(session, object, &template, 1), CKR_OK);
	return template.ulValueLen;
}

CK_RV sign_sha256(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const char *data,
		  unsigned char *sig)
{
	CK_ULONG len = 256;
	CK_RV rv = C_SignInit(session, MECHANISM(CKM_SHA256_RSA_PKCS), key);

	if (rv == CKR_OK)
		rv = C_Sign(session, (unsigned char *)data, strlen(data), sig, &len);
	if (rv == CKR_OK)
		assert_int_equal(len, 256);
	return rv;
}

bool is_signature(struct vcard *card, unsigned key_ref, const char *data, const unsigned char *sig)
{
	EVP_PKEY *pkey = vcard_public_key(card, key_ref);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	assert_non_null(pkey);
	good = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
	       EVP_DigestVerify(ctx, sig, 256, (const unsigned char *)data, strlen(data)) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return good;
}
