#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "authz_scene.h"

struct world w;
struct authz_result last;

struct authz_der scene_bytes(const struct authz_cert *cert)
{
	struct authz_der der;

	der.bytes = authz_cert_der(cert, &der.len);
	return der;
}

int scene_set_up_world(void **state)
{
	(void)state;
	world_init(&w, NOW);
	return 0;
}

int scene_tear_down_world(void **state)
{
	(void)state;
	world_clear(&w);
	return 0;
}

int scene_set_up(void **state)
{
	struct scene *s = calloc(1, sizeof *s);
	struct authz_spec spec = world_spec(&w), delegation = world_delegation(&w);

	s->cert = world_build(&w, &spec, WORLD_PRIMARY);
	s->delegation = world_build(&w, &delegation, WORLD_PRIMARY);
	spec.authorizer = w.cards[WORLD_MANAGER];
	s->by_manager = world_build(&w, &spec, WORLD_MANAGER);
	s->question = (struct authz_request){
		.cert = scene_bytes(s->cert),
		.kind = AUTHZ_KIND_APPLICATIONS,
		.holder = w.cards[WORLD_CLERK],
		.authorizer = w.cards[WORLD_PRIMARY],
		.store = w.store,
		.at = NOW,
		.delegations = s->delegations,
	};
	*state = s;
	return 0;
}

int scene_tear_down(void **state)
{
	struct scene *s = *state;

	authz_cert_free(s->cert);
	authz_cert_free(s->by_manager);
	authz_cert_free(s->delegation);
	free(s);
	return 0;
}

void scene_ask_manager(struct scene *s)
{
	s->question.cert = scene_bytes(s->by_manager);
	s->question.authorizer = w.cards[WORLD_MANAGER];
	s->question.primary = w.cards[WORLD_PRIMARY];
	s->delegations[0] = scene_bytes(s->delegation);
	s->question.delegation_count = 1;
}

void assert_answer_(const struct authz_request *question, enum authz_reason wanted, const char *file, int line)
{
	struct authz_result result;
	enum authz_reason got = authz_verify(question, &result);

	if (got != wanted || got != result.reason)
		print_error("%s, wanted %s\n", authz_reason_name(got), authz_reason_name(wanted));
	_assert_int_equal(got, wanted, file, line);
	_assert_int_equal(result.reason, wanted, file, line);
	_assert_int_equal(ERR_peek_error(), 0, file, line);
	last = result;
	last.cert = NULL;
	authz_result_clear(&result);
	_assert_true(result.cert == NULL && result.reason == AUTHZ_UNDECIDED, "cleared", file, line);
}

/* A question about changed bytes. */
void assert_forged_(struct scene *s, world_edit_fn edit, void *context, EVP_PKEY *key, const char *digest,
			   enum authz_reason wanted, const char *file, int line)
{
	struct authz_request question = s->question;

	question.cert = world_forge(s->cert, edit, context, key, digest);
	assert_answer_(&question, wanted, file, line);
	free((void *)question.cert.bytes);
}
