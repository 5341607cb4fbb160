#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>

#include "marks.h"
#include "testcard.h"
#include "wipes.h"

#define WIPES_MAX 4096

struct wipe {
	size_t size;
	uint8_t *before;
};

static struct wipe wipes[WIPES_MAX];
static size_t wipe_count;
static bool recording;

static struct wipe *add(size_t size)
{
	struct wipe *w = &wipes[wipe_count];

	assert_true(wipe_count < WIPES_MAX);
	w->size = size;
	w->before = malloc(size);
	assert_non_null(w->before);
	wipe_count++;
	return w;
}

void __real_OPENSSL_cleanse(void *p, size_t size);
void __wrap_OPENSSL_cleanse(void *p, size_t size);

void __wrap_OPENSSL_cleanse(void *p, size_t size)
{
	if (recording && p && size) {
		uint8_t *before = add(size)->before;

		memcpy(before, p, size);
		(void)VALGRIND_MAKE_MEM_DEFINED(before, size); /* looked through, also where nobody has written */
	}
	__real_OPENSSL_cleanse(p, size);
}

void __real_BN_clear(BIGNUM *n);
void __wrap_BN_clear(BIGNUM *n);

void __wrap_BN_clear(BIGNUM *n)
{
	if (recording && !BN_is_zero(n))
		BN_bn2bin(n, add((size_t)BN_num_bytes(n))->before);
	__real_BN_clear(n);
}

enum vcard_result __real_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);
enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len);

enum vcard_result __wrap_vcard_transmit(struct vcard *card, const uint8_t *cmd, size_t cmd_len,
					uint8_t *resp, size_t resp_cap, size_t *resp_len)
{
	bool before = recording;
	enum vcard_result r;

	recording = false;
	r = __real_vcard_transmit(card, cmd, cmd_len, resp, resp_cap, resp_len);
	recording = before;
	return r;
}

void wipes_forget(void)
{
	while (wipe_count)
		free(wipes[--wipe_count].before);
	recording = false;
}

void wipes_record(void)
{
	wipes_forget();
	recording = true;
}

void wipes_stop(void)
{
	recording = false;
}

size_t wipes_count(void)
{
	return wipe_count;
}

unsigned wiped(size_t size, const void *start, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < wipe_count; i++)
		n += wipes[i].size == size && len <= size &&
		     (!len || memcmp(wipes[i].before, start, len) == 0);
	return n;
}

unsigned wiped_within(size_t but, const void *bytes, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < wipe_count; i++)
		n += wipes[i].size != but && memmem(wipes[i].before, wipes[i].size, bytes, len) != NULL;
	return n;
}
