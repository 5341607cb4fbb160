/*
 * Authorization certificates: whatever the bytes, what is taken is DER and can
 * be told as text, and nothing is good that was not signed. What can be read
 * is signed anew, so that the checks behind the signature are reached, too.
 */
#include <string.h>

#include "authz_world.h"
#include "fuzz.h"
#include "script.h"

#define NOW 1780000000 /* that of the corpus: tests/check/authz-samples.c */

/* Made once: keys are costly. */
static const struct world *world(void)
{
	static struct world w;

	if (!w.store)
		world_init(&w, NOW);
	return &w;
}

static void check_text(const char *text)
{
	if (text)
		MUST(*text);
}

static void check_info(const struct authz_cert *cert)
{
	const struct authz_info *info = authz_cert_info(cert);

	MUST(info->grant_count <= AUTHZ_GRANTS_MAX && info->not_before <= info->not_after);
	MUST(info->sequence <= AUTHZ_SEQUENCE_MAX && info->serial && info->issuer && info->algorithm);
	MUST((info->holder_issuer == NULL) == (info->holder_serial == NULL));
	MUST(info->kind == AUTHZ_KIND_APPLICATIONS || info->grant_count == 0);
	check_text(info->bearer_id);
	for (size_t i = 0; i < info->grant_count; i++) {
		check_text(info->grants[i].application);
		check_text(info->grants[i].unit_name);
		check_text(info->grants[i].unit_code);
		check_text(info->grants[i].role);
		MUST(authz_cert_find(cert, info->grants[i].application));
	}
	for (int language = AUTHZ_ENGLISH; language <= AUTHZ_CHINESE; language++) {
		char *text = authz_cert_text(cert, (enum authz_language)language);

		MUST(text && strlen(text) > 50);
		free(text);
	}
}

static void check_verify(struct authz_der der, X509 *holder, X509 *authorizer, enum authz_kind kind, bool may_be_good)
{
	const struct world *w = world();
	struct authz_request question = {
		.cert = der,
		.kind = kind,
		.holder = holder,
		.authorizer = authorizer,
		.store = w->store,
		.at = NOW,
		.primary = w->cards[WORLD_PRIMARY],
		.delegations = &der,
		.delegation_count = 1,
	};
	struct authz_result result;
	enum authz_reason r = authz_verify(&question, &result);

	MUST(r == result.reason && r != AUTHZ_UNDECIDED);
	MUST(strcmp(authz_reason_name(r), "undecided") != 0);
	if (r == AUTHZ_GOOD) {
		MUST(may_be_good && result.cert && authz_cert_info(result.cert)->kind == kind);
		MUST(authz_cert_info(result.cert)->not_after <= w->last);
		MUST(authz_cert_info(result.cert)->bearer_id);
	}
	authz_result_clear(&result);
}

/* Whatever authz_cert_parse() takes has parts; what has parts need not be taken. */
static void check_parts(const uint8_t *data, size_t size, bool must_have)
{
	struct authz_parts parts;
	enum authz_reason r = authz_parts_read(data, size, &parts);

	MUST(r == AUTHZ_GOOD || !must_have);
	MUST((r == AUTHZ_GOOD) == (parts.types.bytes != NULL));
	if (r == AUTHZ_GOOD)
		MUST(parts.holder.len && parts.issuer.len && parts.serial.len && parts.types.len);
	authz_parts_clear(&parts);
}

static void check_signed_anew(const struct authz_cert *cert)
{
	const struct world *w = world();
	struct authz_der again = world_forge(cert, NULL, NULL, w->keys[WORLD_PRIMARY], "SHA256");
	struct authz_cert *parsed = NULL;

	check_verify(again, w->cards[WORLD_CLERK], w->cards[WORLD_PRIMARY], AUTHZ_KIND_APPLICATIONS, true);
	check_verify(again, w->cards[WORLD_MANAGER], w->cards[WORLD_PRIMARY], AUTHZ_KIND_DELEGATION, true);
	check_verify(again, w->cards[WORLD_CLERK], w->cards[WORLD_MANAGER], AUTHZ_KIND_APPLICATIONS, false);
	MUST(authz_cert_parse(again.bytes, again.len, NULL, &parsed) == AUTHZ_GOOD || again.len > AUTHZ_DER_MAX);
	authz_cert_free(parsed);
	free((void *)again.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct world *w = world();
	struct authz_cert *cert = NULL;
	const unsigned char *der;
	size_t len;

	check_parts(data, size, false);
	if (authz_cert_parse(data, size, NULL, &cert) == AUTHZ_GOOD) {
		check_parts(data, size, true);
		der = authz_cert_der(cert, &len);
		MUST(len == size && memcmp(der, data, len) == 0);
		check_info(cert);
		check_signed_anew(cert);
	} else {
		MUST(!cert);
	}
	/* the keys are new in each run: nothing of the corpus is signed by them */
	check_verify((struct authz_der){data, size}, w->cards[WORLD_CLERK], w->cards[WORLD_PRIMARY],
		     AUTHZ_KIND_APPLICATIONS, false);
	authz_cert_free(cert);
	return 0;
}
