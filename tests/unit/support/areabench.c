#include <stdio.h>
#include <string.h>

#include "areabench.h"
#include "src/module/slots.h"

struct spy area_spy;
struct area_issuer area_issuer;

void areabench_configure(const char *allow_unproven, const char *more)
{
	char conf[400];

	snprintf(conf, sizeof conf, "cache = no\nkeyset-dir = %s\nallow-unproven = %s\n%s",
		 home_path("keysets"), allow_unproven, more);
	home_write("twcard.conf", conf, 0600);
}

static int set_up(int generation)
{
	home_make();
	areabench_configure("yes", "");
	area_issuer = (struct area_issuer){.asked = 0};
	spy_bench(&area_spy, generation);
	return 0;
}

int areabench_first(void **state)
{
	(void)state;
	return set_up(1);
}

int areabench_second(void **state)
{
	(void)state;
	return set_up(2);
}

struct slot *areabench_slot(void)
{
	struct slot *slot = slots_find(bench.slot);

	assert_non_null(slot);
	return slot;
}

void areabench_again(void)
{
	spy_bench_again(&area_spy);
}

void areabench_login(void)
{
	areabench_again();
	assert_int_equal(login(bench.session, PIN), CKR_OK);
}

void areabench_fresh(void)
{
	enum result r;

	areabench_login();
	r = data_area_activate(areabench_slot(), areacard_authority, &area_issuer);
	slot_leave(areabench_slot());
	assert_int_equal(r, RESULT_OK);
}

enum result areabench_write(uint32_t sno, enum area_mode mode, size_t len, unsigned seed)
{
	static uint8_t data[AREA_RECORD_MAX + 1];
	enum result r;

	areacard_fill(data, len, seed);
	r = data_area_write(areabench_slot(), sno, mode, data, len);
	slot_leave(areabench_slot());
	return r;
}

bool areabench_has(uint32_t sno, size_t len, unsigned seed)
{
	static uint8_t want[AREA_RECORD_MAX];
	struct buffer got = BUFFER_INIT;
	bool same;

	areacard_fill(want, len, seed);
	same = data_area_read(areabench_slot(), sno, &got) == RESULT_OK && got.len == len &&
	       memcmp(got.data, want, len) == 0;
	slot_leave(areabench_slot());
	buffer_clear(&got);
	return same;
}
