/*
 * A card that lies is listed and read whole, through PKCS#11 (hostile.h has the
 * form of the input). Nothing is written beyond a buffer, no loop has no end;
 * and when the card has become honest, the same module shows all of it, as if
 * nothing had been.
 */
#include <string.h>

#include "fuzz.h"
#include "hostile.h"
#include "script.h"
#include "user.h"

struct honest {
	struct listing all, glance;
};

/* What an honest card shows; each generation is looked at once. */
static const struct honest *expected(unsigned generation)
{
	static struct honest known[2];
	struct honest *h = &known[generation];
	const uint8_t options = (uint8_t)generation;
	CK_SESSION_HANDLE session;

	if (!h->all.count) {
		hostile_begin(&options, 1);
		session = user_start();
		user_list(session, &h->all);
		user_glance(session, &h->glance);
		user_stop();
		hostile_end();
		MUST(h->all.whole && h->all.count && h->glance.whole);
	}
	return h;
}

static void must_be(const struct listing *l, const struct listing *honest)
{
	MUST(l->whole && l->count == honest->count && memcmp(l->digest, honest->digest, sizeof l->digest) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct honest *honest = expected(size ? data[0] & HOSTILE_GEN2 : 0);
	struct listing seen = {.whole = false};
	CK_SESSION_HANDLE session;

	hostile_begin(data, size);
	session = user_start();
	if (session)
		user_list(session, &seen);
	if (!hostile_struck())
		must_be(&seen, &honest->all);
	MUST(hostile_verifies() == 0);
	hostile_repent();
	session = user_begin_session();
	MUST(session);
	user_glance(session, &seen);
	must_be(&seen, &honest->glance);
	user_stop();
	hostile_end();
	return 0;
}
