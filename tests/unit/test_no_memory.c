/*
 * Memory that runs out, at each single request for it that the module makes:
 * the call says so, does no harm, and works when there is memory again. And
 * memory that is given back: when all has ended, there is as much as before.
 * Linked with --wrap for what gives memory, and for what the card itself does.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "every_call.h"

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
void *__real_mmap64(void *at, size_t len, int rights, int flags, int fd, int64_t offset);
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

static void without_memory_calls_fail_and_nothing_else(void **state)
{
	const size_t before = memory.count;

	every_call(*(int *)*state, until_it_has_memory);
	assert_int_equal(memory.count, before);
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

int main(void)
{
	static int generations[] = {1, 2};
	const struct CMUnitTest tests[] = {
		{"generation 1: without_memory_calls_fail_and_nothing_else",
		 without_memory_calls_fail_and_nothing_else, NULL, NULL, &generations[0]},
		{"generation 2: without_memory_calls_fail_and_nothing_else",
		 without_memory_calls_fail_and_nothing_else, NULL, NULL, &generations[1]},
		SESSION_TEST(a_logout_without_memory_is_one),
	};

	return cmocka_run_group_tests_name("no memory", tests, NULL, NULL);
}
