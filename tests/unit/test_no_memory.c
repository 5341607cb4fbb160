/*
 * Memory that runs out, at each single request for it that the module makes:
 * the call says so, does no harm, and works when there is memory again. And
 * memory that is given back: when all has ended, there is as much as before.
 * Linked with --wrap for what gives memory, and for what the card itself does.
 *
 * With OPENSSL_MEMORY defined OpenSSL asks here, too. It does not always say
 * why it fails, and keeps some memory for the next time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "every_call.h"
#include "records.h"

#define BLOCKS 65536 /* a power of 2, many more than there ever are */
#define MOST 6000    /* requests in one call */

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
void *__real_mmap64(void *at, size_t len, int rights, int flags, int fd, int64_t offset);
int __real_munmap(void *p, size_t len);
enum vcard_result __real_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);

/* ---- blocks that are in use ---- */

static size_t place_of(const void *p)
{
	size_t i = (uintptr_t)p * UINT64_C(0x9E3779B97F4A7C15) >> 32 & (BLOCKS - 1); /* neighbours apart */

	while (memory.blocks[i] && memory.blocks[i] != p)
		i = (i + 1) % BLOCKS;
	return i;
}

/* Once, also where one of these functions is made of another of them. */
static void *taken(void *p)
{
	void **place = p && memory.count < BLOCKS / 2 ? &memory.blocks[place_of(p)] : NULL;

	if (place && !*place) {
		*place = p;
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

/* Seen by all: where symbols have no versions, the linker takes a library's malloc for this one, too. */
#pragma GCC visibility push(default)
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
void __wrap_free(void *p);
void *__wrap_mmap(void *at, size_t len, int rights, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t len, int rights, int flags, int fd, int64_t offset);
int __wrap_munmap(void *p, size_t len);
enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);
#pragma GCC visibility pop

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

/* glibc's name for it where lengths of files had 32 bits once. */
#ifdef __GLIBC__
void *__wrap_mmap64(void *at, size_t len, int rights, int flags, int fd, int64_t offset)
{
	return fails_now() ? MAP_FAILED : taken(__real_mmap64(at, len, rights, flags, fd, offset));
}
#endif

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

/* ---- OpenSSL's memory ---- */

#ifdef OPENSSL_MEMORY

static void *openssl_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return __wrap_malloc(size);
}

static void *openssl_realloc(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return __wrap_realloc(p, size);
}

static void openssl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	__wrap_free(p);
}

/* Before it has any: it takes these only then. */
static __attribute__((constructor(101))) void take_openssl_in(void)
{
	if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
		abort();
}

/*
 * That something could not be done, or could not be checked (CKR_DEVICE_ERROR:
 * the card's result), or that a login has ended with its channel. Not that
 * anything is wrong with a signature, a template or a key; but of a padding that
 * was not taken off nobody learns why.
 */
static bool is_honest(CK_RV rv)
{
	return rv == CKR_HOST_MEMORY || rv == CKR_FUNCTION_FAILED || rv == CKR_DEVICE_ERROR ||
	       rv == CKR_USER_NOT_LOGGED_IN || rv == CKR_ENCRYPTED_DATA_INVALID ||
	       rv == CKR_WRAPPED_KEY_INVALID;
}

static void assert_as_much_as(size_t before)
{
	(void)before;
}

#else

static bool is_honest(CK_RV rv)
{
	return rv == CKR_HOST_MEMORY;
}

static void assert_as_much_as(size_t before)
{
	assert_int_equal(memory.count, before);
}

#endif

/* ---- the calls ---- */

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
		if (memory.fired && rv != CKR_OK && !is_honest(rv))
			fail_msg("%s: %lX without the memory of request %u", name, rv, n);
		assert_int_equal(ERR_peek_error(), 0); /* OpenSSL's queue of errors is the program's */
		refused += rv != CKR_OK;
		if (rv == CKR_OK && undo)
			undo();
		if (!memory.fired)
			break;
	}
	print_message("# %s: %u of %u refused\n", name, refused, n);
}

static void without_memory_calls_fail_and_nothing_else(void **state)
{
	const size_t before = memory.count;

	every_call(*(int *)*state, until_it_has_memory);
	assert_as_much_as(before);
}

/* ---- a logout: the only object gets another handle, from the table's memory ---- */

/* Of the card's data objects the first alone, and private. */
static void leave_a_private_object(void)
{
	static const char file[] = "3F00/5030/4107", label[] = "data1";
	static const uint8_t modifiable[] = {0x03, 0x02, 0x06, 0x40};
	const uint8_t *data;
	uint8_t copy[256], *flags;
	size_t len;

	assert_true(vcard_file_get(bench.card, file, &data, &len) && len > 2);
	assert_true(data[0] == 0x30 && data[1] < 0x80 && 2u + data[1] <= len);
	len = 2u + data[1];
	memcpy(copy, data, len);
	flags = memmem(copy, len, label, sizeof label - 1);
	assert_non_null(flags);
	flags += sizeof label - 1;
	assert_memory_equal(flags, modifiable, sizeof modifiable);
	flags[sizeof modifiable - 1] |= 0x80;
	assert_true(vcard_file_put(bench.card, file, copy, len));
}

static CK_OBJECT_HANDLE private_object;

static void login_and_find_it(void)
{
	unsigned char label[20];
	CK_OBJECT_HANDLE found[2];

	assert_int_equal(find_class(bench.session, CKO_DATA, found, COUNT(found)), 0);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_int_equal(find_class(bench.session, CKO_DATA, found, COUNT(found)), 1);
	assert_true(found[0] != private_object);
	private_object = found[0];
	assert_int_equal(get_attribute(bench.session, private_object, CKA_LABEL, label, sizeof label), 5);
}

static CK_RV logout(void)
{
	return C_Logout(bench.session);
}

static void a_logout_without_memory_is_one(void **state)
{
	(void)state;
	leave_a_private_object();
	private_object = CK_INVALID_HANDLE;
	until_it_has_memory("logout with a private object", login_and_find_it, logout, NULL);
	login_and_find_it();
}

/* ---- records of the data area: of each search all of them, of each change the old or the new ---- */

#define RECORDS 4
#define RECORD_LEN 30

static CK_OBJECT_HANDLE records_found[20];
static CK_ULONG records_count;

static CK_RV find(CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_RV rv = C_FindObjectsInit(bench.session, template, count);

	if (rv != CKR_OK)
		return rv;
	rv = C_FindObjects(bench.session, records_found, COUNT(records_found), &records_count);
	(void)C_FindObjectsFinal(bench.session);
	return rv;
}

static CK_RV find_records(void)
{
	CK_ATTRIBUTE template[] = {ONE(CKA_PRIVATE, records_yes), ONE(CKA_CLASS, records_data_class)};

	return find(template, COUNT(template));
}

static void all_are_found(void)
{
	assert_int_equal(records_count, RECORDS);
	for (size_t i = 0; i < RECORDS; i++)
		assert_true(ck_exists(bench.session, records_found[i]));
}

static void read_nothing_yet(void)
{
	records_begin();
	assert_int_equal(find_records(), CKR_OK);
}

static CK_RV read_a_record(void)
{
	uint8_t got[RECORD_LEN], want[RECORD_LEN];
	CK_ATTRIBUTE value = {CKA_VALUE, got, sizeof got};
	CK_RV rv = C_GetAttributeValue(bench.session, records_found[1], &value, 1);

	if (rv != CKR_OK)
		return rv;
	areacard_fill(want, sizeof want, 2);
	assert_int_equal(value.ulValueLen, sizeof want);
	assert_memory_equal(got, want, sizeof want);
	return rv;
}

static CK_RV create_one_more(void)
{
	return records_create_data_in(bench.session, "SNO 9", RECORD_LEN, 9, NULL);
}

static void one_more_is_there(void)
{
	assert_true(records_has(bench.session, "SNO 9", RECORD_LEN, 9));
}

static void have_one_more(void)
{
	records_begin();
	if (records_find_by_label(bench.session, &records_data_class, "SNO 9", &records_found[0]) == 0)
		assert_int_equal(records_create_data_in(bench.session, "SNO 9", RECORD_LEN, 9, &records_found[0]),
				 CKR_OK);
}

static void have_none_more(void)
{
	have_one_more();
	assert_int_equal(C_DestroyObject(bench.session, records_found[0]), CKR_OK);
}

static CK_RV destroy_it(void)
{
	return C_DestroyObject(bench.session, records_found[0]);
}

static void it_is_gone(void)
{
	assert_int_equal(records_find_by_label(bench.session, &records_data_class, "SNO 9", NULL), 0);
}

/* Each is read for it: which ones are certificates, its bytes say. */
static CK_RV find_certificates(void)
{
	CK_ATTRIBUTE template[] = {ONE(CKA_CERTIFICATE_TYPE, records_attribute_type)};

	return find(template, COUNT(template));
}

static void one_is_found(void)
{
	assert_int_equal(records_count, 1);
}

static void without_memory_records_are_there_or_an_error(void **state)
{
	(void)state;
	records_begin_fresh();
	assert_int_equal(records_create_certificate(&records_ours, NULL, NULL), CKR_OK);
	until_it_has_memory("find certificates", records_begin, find_certificates, one_is_found);
	assert_int_equal(records_find_certificates(&records_found[0]), 1);
	assert_int_equal(C_DestroyObject(bench.session, records_found[0]), CKR_OK);
	for (unsigned i = 1; i <= RECORDS; i++) {
		char label[10];

		snprintf(label, sizeof label, "SNO %u", i);
		assert_int_equal(records_create_data(label, RECORD_LEN, i), CKR_OK);
	}
	until_it_has_memory("find records", records_begin, find_records, all_are_found);
	until_it_has_memory("read a record", read_nothing_yet, read_a_record, NULL);
	until_it_has_memory("create a record", have_none_more, create_one_more, one_more_is_there);
	until_it_has_memory("destroy a record", have_one_more, destroy_it, it_is_gone);
	records_begin();
	assert_int_equal(find_records(), CKR_OK);
	all_are_found();
}

int main(void)
{
	static int generations[] = {1, 2};
	const struct CMUnitTest tests[] = {
		{"generation 1: without_memory_calls_fail_and_nothing_else",
		 without_memory_calls_fail_and_nothing_else, NULL, NULL, &generations[0]},
		{"generation 2: without_memory_calls_fail_and_nothing_else",
		 without_memory_calls_fail_and_nothing_else, NULL, NULL, &generations[1]},
		SESSION_TEST(a_logout_without_memory_is_one),
		AREABENCH_TESTS(without_memory_records_are_there_or_an_error),
	};

	return cmocka_run_group_tests_name("no memory", tests, records_load_files, NULL);
}
