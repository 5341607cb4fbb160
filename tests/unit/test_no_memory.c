/*
 * Memory that runs out, at each single request for it that the module makes:
 * the call says so, does no harm, and works when there is memory again. And
 * memory that is given back: when all has ended, there is as much as before.
 * Linked with --wrap for what gives memory, and for what the card itself does.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ck_objects.h"
#include "gen2card.h"

#define BLOCKS 65536 /* a power of 2, many more than there ever are */
#define MOST 3000    /* requests in one call */

static struct {
	bool armed, fired;
	unsigned until;   /* requests before the one that fails */
	unsigned in_card; /* the card's own requests do not count */
	void *blocks[BLOCKS];
	size_t count;
} memory;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void __real_free(void *p);
void *__real_mmap(void *at, size_t len, int rights, int flags, int fd, off_t offset);
int __real_munmap(void *p, size_t len);
enum vcard_result __real_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);

/* ---- blocks that are in use ---- */

static size_t place_of(const void *p)
{
	size_t i = (size_t)p / 16 % BLOCKS;

	while (memory.blocks[i] && memory.blocks[i] != p)
		i = (i + 1) % BLOCKS;
	return i;
}

static void *taken(void *p)
{
	if (p && memory.count < BLOCKS / 2) {
		memory.blocks[place_of(p)] = p;
		memory.count++;
	}
	return p;
}

static void given_back(const void *p)
{
	size_t hole, i;

	if (!p || !memory.blocks[hole = place_of(p)])
		return;
	memory.blocks[hole] = NULL;
	memory.count--;
	for (i = (hole + 1) % BLOCKS; memory.blocks[i]; i = (i + 1) % BLOCKS) {
		void *moved = memory.blocks[i];

		memory.blocks[i] = NULL;
		memory.blocks[place_of(moved)] = moved;
	}
}

static bool fails_now(void)
{
	if (!memory.armed || memory.in_card || memory.fired || memory.until-- > 0)
		return false;
	memory.fired = true;
	return true;
}

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
void __wrap_free(void *p);
void *__wrap_mmap(void *at, size_t len, int rights, int flags, int fd, off_t offset);
int __wrap_munmap(void *p, size_t len);
enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : taken(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : taken(__real_calloc(count, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	void *q;

	if (fails_now())
		return NULL;
	given_back(p);
	q = __real_realloc(p, size);
	return taken(q ? q : p);
}

char *__wrap_strdup(const char *text)
{
	return fails_now() ? NULL : taken(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t len)
{
	return fails_now() ? NULL : taken(__real_strndup(text, len));
}

void __wrap_free(void *p)
{
	given_back(p);
	__real_free(p);
}

void *__wrap_mmap(void *at, size_t len, int rights, int flags, int fd, off_t offset)
{
	return fails_now() ? MAP_FAILED : taken(__real_mmap(at, len, rights, flags, fd, offset));
}

int __wrap_munmap(void *p, size_t len)
{
	given_back(p);
	return __real_munmap(p, len);
}

enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len)
{
	enum vcard_result r;

	memory.in_card++;
	r = __real_vcard_transmit(card, cmd, cmd_len, resp, resp_cap, resp_len);
	memory.in_card--;
	return r;
}

/* ---- calls ---- */

static CK_OBJECT_HANDLE key, public_key, object;
static unsigned char sig[256];

/* Again and again, each time with one request more that is granted, until none is refused. */
static void until_it_has_memory(const char *name, void (*prepare)(void), CK_RV (*call)(void),
				void (*undo)(void))
{
	unsigned refused = 0, n;

	for (n = 0;; n++) {
		CK_RV rv;

		assert_in_range(n, 0, MOST);
		if (prepare)
			prepare();
		memory.until = n;
		memory.fired = false;
		memory.armed = true;
		rv = call();
		memory.armed = false;
		if (!memory.fired && rv != CKR_OK)
			fail_msg("%s: %lX after %u requests", name, rv, n);
		if (memory.fired && rv != CKR_OK && rv != CKR_HOST_MEMORY)
			fail_msg("%s: %lX without the memory of request %u", name, rv, n);
		refused += rv != CKR_OK;
		if (rv == CKR_OK && undo)
			undo();
		if (!memory.fired)
			break;
	}
	print_message("# %s: %u of %u refused\n", name, refused, n);
}

#define CALL(f) until_it_has_memory(#f, NULL, f, NULL)
#define CALL_UNDO(f, undo) until_it_has_memory(#f, NULL, f, undo)
#define CALL_AFTER(prepare, f) until_it_has_memory(#f, prepare, f, NULL)

static CK_RV initialize(void)
{
	return C_Initialize(NULL);
}

static void finalize(void)
{
	assert_int_equal(C_Finalize(NULL), CKR_OK);
}

static CK_RV list_slots(void)
{
	CK_ULONG count = 0;

	return C_GetSlotList(CK_FALSE, NULL, &count);
}

static CK_RV show_token(void)
{
	CK_TOKEN_INFO info;
	CK_RV rv = C_GetTokenInfo(bench.slot, &info);

	if (rv == CKR_OK) /* as it is on the card, not made up */
		assert_memory_equal(info.serialNumber, vcard_card_number(bench.card), 15);
	return rv;
}

/* That it is there is known, and nothing else any more. */
static void insert_again(void)
{
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO info;

	fake_eject(READER);
	assert_int_not_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
	fake_insert(READER, bench.card);
	assert_int_equal(C_GetSlotInfo(bench.slot, &slot), CKR_OK);
	assert_true(slot.flags & CKF_TOKEN_PRESENT);
}

static CK_RV begin_session(void)
{
	return C_OpenSession(bench.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &bench.session);
}

static void end_session(void)
{
	assert_int_equal(C_CloseSession(bench.session), CKR_OK);
}

static void begin_anew(void)
{
	insert_again();
	bench.session = open_session(bench.slot);
}

static CK_RV log_in(void)
{
	return login(bench.session, PIN);
}

static void log_out(void)
{
	assert_int_equal(C_Logout(bench.session), CKR_OK);
}

/* All objects, or an error. */
static CK_RV find_all(void)
{
	CK_OBJECT_HANDLE found[64];
	CK_ULONG count = 0;
	CK_RV rv = C_FindObjectsInit(bench.session, NULL, 0);

	if (rv != CKR_OK)
		return rv;
	rv = C_FindObjects(bench.session, found, COUNT(found), &count);
	assert_int_equal(C_FindObjectsFinal(bench.session), CKR_OK);
	if (rv == CKR_OK)
		assert_int_equal(count, 4 + 3 + 2);
	return rv;
}

/* Without memory in the middle of an operation the login may be lost. */
static void be_logged_in(void)
{
	CK_SESSION_INFO info;

	assert_int_equal(C_GetSessionInfo(bench.session, &info), CKR_OK);
	if (info.state != CKS_RW_USER_FUNCTIONS)
		assert_int_equal(login(bench.session, PIN), CKR_OK);
	key = find_one(bench.session, CKO_PRIVATE_KEY, "SIGN");
	public_key = find_one(bench.session, CKO_PUBLIC_KEY, "SIGN");
}

/* From the card's reset on: all that a signature needs. */
static void be_logged_in_anew(void)
{
	begin_anew();
	be_logged_in();
}

static CK_RV sign(void)
{
	return sign_sha256(bench.session, key, "text", sig);
}

static CK_RV create(void)
{
	CK_OBJECT_CLASS klass = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass},
				   {CKA_KEY_TYPE, &type, sizeof type},
				   {CKA_ENCRYPT, &yes, sizeof yes},
				   TEXT_ATTRIBUTE(CKA_LABEL, "a key"),
				   TEXT_ATTRIBUTE(CKA_VALUE, "0123456789abcdef")};

	return C_CreateObject(bench.session, template, COUNT(template), &object);
}

static void destroy(void)
{
	assert_int_equal(C_DestroyObject(bench.session, object), CKR_OK);
}

static CK_RV copy(void)
{
	CK_OBJECT_HANDLE other;
	CK_RV rv = C_CopyObject(bench.session, object, NULL, 0, &other);

	if (rv == CKR_OK)
		assert_int_equal(C_DestroyObject(bench.session, other), CKR_OK);
	return rv;
}

static CK_RV rename_it(void)
{
	CK_ATTRIBUTE label = TEXT_ATTRIBUTE(CKA_LABEL, "another name");

	return C_SetAttributeValue(bench.session, object, &label, 1);
}

static CK_RV encrypt(void)
{
	CK_BYTE iv[16] = {0}, out[64];
	CK_MECHANISM mechanism = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ULONG len = sizeof out;
	CK_RV rv = C_EncryptInit(bench.session, &mechanism, object);

	return rv == CKR_OK ? C_Encrypt(bench.session, (CK_BYTE *)"twenty bytes of text", 20, out, &len) : rv;
}

static CK_RV digest(void)
{
	CK_BYTE out[32];
	CK_ULONG len = sizeof out;
	CK_RV rv = C_DigestInit(bench.session, MECHANISM(CKM_SHA256));

	return rv == CKR_OK ? C_Digest(bench.session, (CK_BYTE *)"text", 4, out, &len) : rv;
}

static CK_RV verify(void)
{
	CK_RV rv = C_VerifyInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), public_key);

	return rv == CKR_OK ? C_Verify(bench.session, (CK_BYTE *)"text", 4, sig, sizeof sig) : rv;
}

static void all_calls(void)
{
	CALL_UNDO(initialize, finalize);
	assert_int_equal(C_Initialize(NULL), CKR_OK);
	CALL(list_slots);
	bench.slot = slot_of(READER);
	CALL_AFTER(insert_again, show_token);
	insert_again();
	CALL_UNDO(begin_session, end_session);
	CALL_AFTER(insert_again, begin_session);
	CALL_AFTER(begin_anew, find_all);
	CALL_AFTER(begin_anew, log_in);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	begin_anew();
	CALL_UNDO(log_in, log_out);
	CALL_AFTER(be_logged_in, sign);
	CALL_AFTER(be_logged_in_anew, sign);
	CALL_AFTER(be_logged_in, verify);
	assert_true(is_signature(bench.card, KEY_SIGN, "text", sig));
	CALL_UNDO(create, destroy);
	assert_int_equal(create(), CKR_OK);
	CALL(copy);
	CALL(rename_it);
	CALL(encrypt);
	CALL(digest);
	assert_int_equal(C_Finalize(NULL), CKR_OK);
}

static void without_memory_calls_fail_and_nothing_else(void **state)
{
	size_t before;

	fake_clear();
	bench.card = *(int *)*state == 1 ? testcard_load() : gen2_load();
	before = memory.count;
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	all_calls();
	assert_int_equal(memory.count, before);
	fake_clear();
	vcard_free(&bench.card);
}

static int generations[] = {1, 2};

static int setup_keyset(void **state)
{
	(void)state;
	home_make();
	keyset_install();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"generation 1: without_memory_calls_fail_and_nothing_else",
		 without_memory_calls_fail_and_nothing_else, NULL, NULL, &generations[0]},
		{"generation 2: without_memory_calls_fail_and_nothing_else",
		 without_memory_calls_fail_and_nothing_else, setup_keyset, NULL, &generations[1]},
	};

	return cmocka_run_group_tests_name("no memory", tests, NULL, NULL);
}
