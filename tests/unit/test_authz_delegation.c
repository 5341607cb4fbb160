/* Certificates by attached cards: which delegation counts, and which does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "authz_scene.h"

static void without_a_delegation_an_attached_card_may_not(void **state)
{
	struct scene *s = *state;

	scene_ask_manager(s);
	s->question.delegation_count = 0;
	assert_answer(&s->question, AUTHZ_DELEGATION_MISSING);
	s->question.delegation_count = 1;
	s->question.primary = NULL;
	assert_answer(&s->question, AUTHZ_DELEGATION_MISSING);
}

static void a_delegation_for_others_does_not_count(void **state)
{
	struct scene *s = *state;
	struct authz_spec spec = world_delegation(&w);
	struct authz_cert *other;

	spec.holder = w.cards[WORLD_CLERK];
	other = world_build(&w, &spec, WORLD_PRIMARY);
	scene_ask_manager(s);
	s->delegations[0] = scene_bytes(other);
	assert_answer(&s->question, AUTHZ_DELEGATION_BAD);
	assert_int_equal(last.delegation, AUTHZ_HOLDER);
	s->delegations[1] = scene_bytes(s->delegation);
	s->question.delegation_count = 2;
	assert_answer(&s->question, AUTHZ_GOOD);
	/* nor does what is no delegation */
	s->question.delegation_count = 1;
	s->delegations[0] = scene_bytes(s->cert);
	assert_answer(&s->question, AUTHZ_DELEGATION_BAD);
	assert_int_equal(last.delegation, AUTHZ_OTHER_KIND);
	s->delegations[0] = (struct authz_der){"x", 1};
	assert_answer(&s->question, AUTHZ_DELEGATION_BAD);
	assert_int_equal(last.delegation, AUTHZ_NOT_DER);
	authz_cert_free(other);
}

static void a_delegation_by_another_key_does_not_count(void **state)
{
	struct scene *s = *state;
	struct authz_der forged = world_forge(s->delegation, NULL, NULL, w.keys[WORLD_MANAGER], "SHA256");

	scene_ask_manager(s);
	s->delegations[0] = forged;
	assert_answer(&s->question, AUTHZ_DELEGATION_BAD);
	assert_int_equal(last.delegation, AUTHZ_SIGNATURE);
	free((void *)forged.bytes);
	s->delegations[0] = scene_bytes(s->delegation);
	s->question.primary = w.cards[WORLD_FOREIGN_PRIMARY];
	assert_answer(&s->question, AUTHZ_DELEGATION_BAD);
	assert_int_equal(last.delegation, AUTHZ_ISSUER);
}

static void the_newest_delegation_counts(void **state)
{
	struct scene *s = *state;
	struct authz_spec spec = world_delegation(&w);
	struct authz_cert *disabled, *enabled;
	struct authz_der forged;

	scene_ask_manager(s);
	spec.delegation_disabled = true;
	spec.sequence = 21;
	disabled = world_build(&w, &spec, WORLD_PRIMARY);
	spec.delegation_disabled = false;
	spec.sequence = 22;
	enabled = world_build(&w, &spec, WORLD_PRIMARY);
	s->delegations[0] = scene_bytes(disabled);
	assert_answer(&s->question, AUTHZ_DELEGATION_DISABLED);
	s->delegations[1] = scene_bytes(s->delegation);
	s->question.delegation_count = 2;
	assert_answer(&s->question, AUTHZ_DELEGATION_DISABLED);
	s->delegations[2] = scene_bytes(enabled);
	s->question.delegation_count = 3;
	assert_answer(&s->question, AUTHZ_GOOD);
	/* nobody else can disable it */
	forged = world_forge(disabled, NULL, NULL, w.keys[WORLD_CLERK], "SHA256");
	s->delegations[0] = forged;
	s->question.delegation_count = 2;
	assert_answer(&s->question, AUTHZ_GOOD);
	free((void *)forged.bytes);
	authz_cert_free(disabled);
	authz_cert_free(enabled);
}

static void a_delegation_has_its_time(void **state)
{
	struct scene *s = *state;
	struct authz_spec spec = world_delegation(&w);
	struct authz_cert *cert;

	scene_ask_manager(s);
	spec.not_after = NOW - 1;
	cert = world_build(&w, &spec, WORLD_PRIMARY);
	s->delegations[0] = scene_bytes(cert);
	assert_answer(&s->question, AUTHZ_DELEGATION_EXPIRED);
	authz_cert_free(cert);
	spec.not_before = NOW + 1;
	spec.not_after = NOW + DAY;
	cert = world_build(&w, &spec, WORLD_PRIMARY);
	s->delegations[0] = scene_bytes(cert);
	assert_answer(&s->question, AUTHZ_DELEGATION_NOT_YET_VALID);
	authz_cert_free(cert);
}

static void a_delegation_must_not_be_weak(void **state)
{
	struct scene *s = *state;
	struct authz_der weak = world_forge(s->delegation, NULL, NULL, w.keys[WORLD_PRIMARY], "SHA1");

	scene_ask_manager(s);
	s->delegations[0] = weak;
	assert_answer(&s->question, AUTHZ_DELEGATION_BAD);
	assert_int_equal(last.delegation, AUTHZ_WEAK_HASH);
	s->question.flags = AUTHZ_ALLOW_SHA1;
	assert_answer(&s->question, AUTHZ_GOOD);
	assert_true(last.weak_hash);
	free((void *)weak.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(without_a_delegation_an_attached_card_may_not),
		SCENE(a_delegation_for_others_does_not_count),
		SCENE(a_delegation_by_another_key_does_not_count),
		SCENE(the_newest_delegation_counts),
		SCENE(a_delegation_has_its_time),
		SCENE(a_delegation_must_not_be_weak),
	};

	return cmocka_run_group_tests(tests, scene_set_up_world, scene_tear_down_world);
}
