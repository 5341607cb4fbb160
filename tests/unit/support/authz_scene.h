/* What the tests of authz_verify() share: a question that is good, and how it is asked. */
#ifndef TESTS_UNIT_AUTHZ_SCENE_H
#define TESTS_UNIT_AUTHZ_SCENE_H

#include "authz_world.h"

#define NOW 1780000000 /* 2026-05-28 */
#define DAY 86400L

extern struct world w;

/* A question that is good, with certificates that last as long as the test. */
struct scene {
	struct authz_request question;
	struct authz_cert *cert;       /* primary card to clerk */
	struct authz_cert *by_manager; /* manager to clerk */
	struct authz_cert *delegation; /* primary card to manager */
	struct authz_der delegations[3];
};

int scene_set_up_world(void **state);
int scene_tear_down_world(void **state);
int scene_set_up(void **state); /* *state: a struct scene */
int scene_tear_down(void **state);

struct authz_der scene_bytes(const struct authz_cert *cert);

/* From now on about the manager's certificate, with his delegation. */
void scene_ask_manager(struct scene *s);

extern struct authz_result last; /* of assert_answer(), without its certificate */

void assert_answer_(const struct authz_request *question, enum authz_reason wanted, const char *file, int line);
#define assert_answer(question, wanted) assert_answer_(question, wanted, __FILE__, __LINE__)

/* About a certificate that was changed, and signed by a key (NULL: as it was). */
void assert_forged_(struct scene *s, world_edit_fn edit, void *context, EVP_PKEY *key, const char *digest,
		    enum authz_reason wanted, const char *file, int line);
#define assert_forged(s, edit, context, wanted)                                                              \
	assert_forged_(s, edit, context, w.keys[WORLD_PRIMARY], "SHA256", wanted, __FILE__, __LINE__)

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set_up, scene_tear_down)

#endif
