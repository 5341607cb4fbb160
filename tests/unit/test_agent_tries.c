/*
 * What reaches the card of what windows and programs ask: no try that the user
 * did not spend, and nothing for another card than the one that was shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agentdesk.h"

/* ---- PINs ---- */

/* A site that may do what it likes: once. */
static void give_a_wrong_pin(void)
{
	const char *token;

	desk_allow();
	sites_grant(desk->sites, DESK_SITE);
	assert_int_equal(desk_code(desk_begin(DESK_SITE, DESK_SIGN_WRONG, &token)), WORK_LOGIN);
}

static void test_no_page_burns_tries(void **state)
{
	const char *token;
	struct desk_reply reply;

	(void)state;
	give_a_wrong_pin();
	assert_int_equal(desk_card.verifies, 1);
	for (int i = 0; i < 5; i++) {
		reply = desk_begin(DESK_SITE, DESK_SIGN_WRONG, &token);
		assert_true(desk_is_asked(reply));
		assert_string_equal(desk_text(reply.json, "pin"), "ask");
		assert_string_equal(desk_text(reply.json, "why"), "wrong-before");
		/* a click does not do: the user types */
		assert_true(desk_is_asked(desk_say(token, reply, "yes", "")));
	}
	assert_int_equal(desk_card.verifies, 1);
	reply = desk_begin(DESK_SITE, DESK_SIGN_WRONG, &token);
	assert_int_equal(desk_code(desk_say(token, reply, "yes", DESK_PIN)), WORK_OK);
	assert_string_equal(desk_card.said, "123456");
	/* right again: the page may try once more */
	assert_int_equal(desk_code(desk_begin(DESK_SITE, DESK_SIGN, &token)), WORK_OK);
}

/* A card that does not tell its tries: the agent remembers. */
static void test_no_page_burns_tries_of_a_card_that_tells_nothing(void **state)
{
	const char *token;
	struct desk_reply reply;

	(void)state;
	give_a_wrong_pin();
	desk_card.tries = WORK_TRIES_FULL;
	reply = desk_begin(DESK_SITE, DESK_SIGN_WRONG, &token);
	assert_string_equal(desk_text(reply.json, "why"), "wrong-before");
	/* of another card nothing is known */
	desk_card.serial = "TP00000000000001";
	assert_int_equal(desk_code(desk_begin(DESK_SITE, DESK_SIGN, &token)), WORK_OK);
	desk_card.serial = DESK_SERIAL;
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	assert_true(desk_is_asked(reply));
	assert_int_equal(desk_card.verifies, 2);
	/* one that the user types, wrong again, opens nothing for the page; the right one does */
	assert_int_equal(desk_code(desk_say(token, reply, "yes", "\"pin\":\"000000\"")), WORK_LOGIN);
	desk_card.tries = WORK_TRIES_FULL;
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	assert_true(desk_is_asked(reply));
	assert_int_equal(desk_code(desk_say(token, reply, "yes", DESK_PIN)), WORK_OK);
	assert_int_equal(desk_code(desk_begin(DESK_SITE, DESK_SIGN, &token)), WORK_OK);
}

static void test_no_program_burns_tries(void **state)
{
	struct agent_question q = desk_question("POST", "/sign");

	(void)state;
	for (int i = 0; i < 5; i++)
		desk_ask(&q, "tbsPackage=" DESK_SIGN_WRONG);
	assert_int_equal(desk_card.verifies, 1);
	assert_int_equal(desk_code(desk_ask(&q, "tbsPackage=" DESK_SIGN)), WORK_NO_PIN);
	assert_int_equal(desk_card.verifies, 1);
}

static void test_the_last_try_is_confirmed(void **state)
{
	const char *token;
	struct desk_reply reply, again;

	(void)state;
	desk_allow();
	desk_card.tries = WORK_TRIES_LAST;
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	assert_string_equal(desk_text(reply.json, "why"), "last-try");
	assert_string_equal(desk_text(reply.json, "typed"), DESK_TYPED);
	again = desk_say(token, reply, "yes", DESK_PIN);
	assert_true(desk_is_asked(again));
	assert_string_not_equal(desk_text(again.json, "token"), desk_text(reply.json, "token"));
	/* the first consent is used up */
	desk_assert_refused(desk_say(token, reply, "yes", DESK_PIN ",\"typed\":\"" DESK_TYPED "\""), "token");
	again = desk_say(token, again, "yes", DESK_PIN ",\"typed\":\"1111\"");
	assert_true(desk_is_asked(again));
	assert_int_equal(desk_card.verifies, 0);
	assert_int_equal(desk_code(desk_say(token, again, "yes", DESK_PIN ",\"typed\":\"" DESK_TYPED "\"")), WORK_OK);
	assert_int_equal(desk_card.verifies, 1);
}

static void test_a_locked_card_is_said_at_once(void **state)
{
	const char *token;

	(void)state;
	desk_allow();
	desk_card.tries = WORK_TRIES_LOCKED;
	assert_int_equal(desk_code(desk_begin(DESK_SITE, DESK_SIGN, &token)), WORK_LOGIN);
	assert_int_equal(desk_card.verifies, 0);
}

/* Whoever asks, with a PIN or the user's own: nothing helps. */
static void test_no_one_tries_a_locked_card(void **state)
{
	struct agent_question program = desk_question("POST", "/sign");
	const char *page = desk_enter(), *token;
	struct desk_reply reply;

	(void)state;
	desk_card.tries = WORK_TRIES_LOCKED;
	assert_int_equal(desk_code(desk_ask(&program, "tbsPackage=" DESK_SIGN)), WORK_LOGIN);
	assert_int_equal(desk_code(desk_own("/manage/call", page, DESK_SIGN)), WORK_LOGIN);
	assert_int_equal(desk_code(desk_own("/manage/call", page, DESK_SIGN_NO_PIN)), WORK_LOGIN);
	/* a site that is not known is told only after the user has agreed */
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	assert_string_equal(desk_text(reply.json, "why"), "locked");
	assert_int_equal(desk_code(desk_say(token, reply, "yes", DESK_PIN ",\"typed\":\"" DESK_TYPED "\"")), WORK_LOGIN);
	assert_int_equal(desk_card.verifies, 0);
	assert_int_equal(desk_card.calls, 0);
}

static void test_a_program_without_a_pin_reaches_no_card(void **state)
{
	struct agent_question q = desk_question("POST", "/sign");

	(void)state;
	assert_int_equal(desk_code(desk_ask(&q, "tbsPackage=" DESK_SIGN_NO_PIN)), WORK_NO_PIN);
	assert_int_equal(desk_card.calls, 0);
	/* a card that needs none is another thing */
	desk_card.needs_pin = false;
	assert_int_equal(desk_code(desk_ask(&q, "tbsPackage=" DESK_SIGN_NO_PIN)), WORK_OK);
}

static void test_no_pin_is_asked_for(void **state)
{
	const char *token;
	struct desk_reply reply = desk_begin(DESK_SITE, DESK_SIGN_NO_PIN, &token);

	(void)state;
	assert_string_equal(desk_text(reply.json, "pin"), "ask");
	assert_string_equal(desk_text(reply.json, "why"), "no-pin");
	reply = desk_say(token, reply, "yes", "\"pin\":\"\"");
	assert_true(desk_is_asked(reply));
	assert_int_equal(desk_card.verifies, 0);
	assert_int_equal(desk_code(desk_say(token, reply, "yes", DESK_PIN)), WORK_OK);
}

/* ---- what changes in between ---- */

/* Two windows with a wrong PIN, both agreed to: the second one is asked again. */
static void test_a_try_that_was_spent_meanwhile_counts(void **state)
{
	const char *one, *two;
	struct desk_reply first, second;

	(void)state;
	desk_allow();
	first = desk_begin(DESK_SITE, DESK_SIGN_WRONG, &one);
	second = desk_begin(DESK_SITE, DESK_SIGN_WRONG, &two);
	assert_int_equal(desk_code(desk_say(one, first, "yes", "")), WORK_LOGIN);
	second = desk_say(two, second, "yes", "");
	assert_true(desk_is_asked(second));
	assert_string_equal(desk_text(second.json, "why"), "wrong-before");
	desk_card.tries = WORK_TRIES_LAST;
	second = desk_say(two, second, "yes", DESK_PIN);
	assert_true(desk_is_asked(second));
	assert_string_equal(desk_text(second.json, "why"), "last-try");
	desk_card.tries = WORK_TRIES_LOCKED;
	assert_int_equal(desk_code(desk_say(two, second, "yes", DESK_PIN)), WORK_LOGIN);
	assert_int_equal(desk_card.verifies, 1);
}

/* Also a PIN of the user's own is not sent before the user knows that there was a wrong one. */
static void test_the_user_knows_of_a_try_that_was_spent(void **state)
{
	const char *one, *two;
	struct desk_reply first, second;

	(void)state;
	first = desk_begin(DESK_SITE, DESK_SIGN_WRONG, &one);
	second = desk_begin(DESK_SITE, DESK_SIGN_NO_PIN, &two);
	assert_string_equal(desk_text(second.json, "why"), "no-pin");
	assert_int_equal(desk_code(desk_say(one, first, "yes", "")), WORK_LOGIN);
	second = desk_say(two, second, "yes", DESK_PIN);
	assert_true(desk_is_asked(second));
	assert_string_equal(desk_text(second.json, "why"), "wrong-before");
	assert_int_equal(desk_card.verifies, 1);
	assert_int_equal(desk_code(desk_say(two, second, "yes", DESK_PIN)), WORK_OK);
}

static void test_a_card_that_was_swapped_is_refused(void **state)
{
	const char *token;
	struct desk_reply reply = desk_begin(DESK_SITE, DESK_SIGN, &token);

	(void)state;
	desk_card.serial = "TP00000000000001";
	assert_int_equal(desk_code(desk_say(token, reply, "yes", "")), WORK_NO_CARD);
	assert_int_equal(desk_card.calls, 0);
}

#define MANY 8

static _Atomic unsigned at_the_card;

/* Long enough for the others to come as well, if nothing keeps them from it. */
static void wait_for_others(void)
{
	unsigned here = atomic_fetch_add(&at_the_card, 1) + 1;

	for (int i = 0; i < 200 && here < MANY && atomic_load(&at_the_card) < MANY; i++)
		usleep(1000);
}

static void *try_a_wrong_pin(void *unused)
{
	char body[] = "tbsPackage=" DESK_SIGN_WRONG;
	struct agent_question q = desk_question("POST", "/sign");
	struct agent_answer answer;

	(void)unused;
	q.body = (uint8_t *)body;
	q.len = strlen(body);
	agent_ask(desk, &q, &answer);
	free(answer.body);
	return NULL;
}

/* Between a look at the card and its VERIFY there is no other VERIFY. */
static void test_of_many_at_once_one_tries(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	atomic_store(&at_the_card, 0);
	desk_card.called = wait_for_others;
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, try_a_wrong_pin, NULL), 0);
	for (size_t i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(desk_card.previews, MANY);
	assert_int_equal(desk_card.verifies, 1);
	assert_int_equal(turns_count(desk->turns), 0);
}

static void swap_card(void)
{
	desk_card.serial = "TP00000000000001";
}

/* Between the look and the VERIFY: it is that card or none, and nobody is asked a second time. */
static void test_a_card_that_is_swapped_at_the_last_moment_is_refused(void **state)
{
	struct agent_question q = desk_question("POST", "/sign");
	const char *token;
	struct desk_reply reply;

	(void)state;
	desk_card.looked = swap_card;
	assert_int_equal(desk_code(desk_ask(&q, "tbsPackage=" DESK_SIGN)), WORK_NO_CARD);
	desk_card.serial = DESK_SERIAL;
	desk_card.looked = NULL;
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	desk_card.looked = swap_card;
	assert_int_equal(desk_code(desk_say(token, reply, "yes", "")), WORK_NO_CARD);
	desk_card.serial = DESK_SERIAL;
	assert_int_equal(desk_code(desk_own("/manage/call", desk_enter(), DESK_SIGN)), WORK_NO_CARD);
	assert_int_equal(desk_card.verifies, 0);
}

static void test_a_card_that_is_gone_is_said(void **state)
{
	const char *token;
	struct desk_reply reply = desk_begin(DESK_SITE, DESK_SIGN, &token);

	(void)state;
	desk_card.code = WORK_NO_CARD;
	assert_int_equal(desk_code(desk_say(token, reply, "yes", "")), WORK_NO_CARD);
	assert_int_equal(desk_card.calls, 0);
	/* of an unknown site the user is asked before it is told even that */
	reply = desk_begin(DESK_SITE, DESK_SIGN, &token);
	assert_true(desk_is_asked(reply));
	assert_null(desk_member(reply.json, "card"));
	desk_allow();
	assert_int_equal(desk_code(desk_begin(DESK_SITE, DESK_SIGN, &token)), WORK_NO_CARD);
}

static void test_a_site_that_cannot_be_kept_gets_nothing(void **state)
{
	const char *token;
	struct desk_reply reply = desk_begin(DESK_SITE, DESK_SIGN, &token);

	(void)state;
	desk_write_sites("damaged");
	desk_assert_refused(desk_say(token, reply, "yes", "\"remember\":\"site\""), "file");
	assert_int_equal(desk_card.calls, 0);
	assert_int_equal(sites_state(desk->sites, DESK_SITE), SITE_UNKNOWN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		DESK(test_no_page_burns_tries),
		DESK(test_no_page_burns_tries_of_a_card_that_tells_nothing),
		DESK(test_no_program_burns_tries),
		DESK(test_the_last_try_is_confirmed),
		DESK(test_a_locked_card_is_said_at_once),
		DESK(test_no_one_tries_a_locked_card),
		DESK(test_a_program_without_a_pin_reaches_no_card),
		DESK(test_no_pin_is_asked_for),
		DESK(test_a_try_that_was_spent_meanwhile_counts),
		DESK(test_the_user_knows_of_a_try_that_was_spent),
		DESK(test_a_card_that_was_swapped_is_refused),
		DESK(test_of_many_at_once_one_tries),
		DESK(test_a_card_that_is_swapped_at_the_last_moment_is_refused),
		DESK(test_a_card_that_is_gone_is_said),
		DESK(test_a_site_that_cannot_be_kept_gets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
