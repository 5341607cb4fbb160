/* What the agent does with PINs, and with cards that come, go and change under it. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/x509.h>

#include "agentbench.h"
#include "forge.h"

#define REQUEST "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"hashAlgorithm\":\"SHA256\"}"
#define CKR_ONE_LEFT (-2147483647)
#define PATIENCE 60 /* seconds that something may take which happens at once */

static uint32_t sign(const char *pin)
{
	return agent_ask(WORK_SIGN, pin, "%s", REQUEST);
}

static struct vcard *load_other(void)
{
	return vcard_generation(bench.card) == 1 ? testcard_load_other() : gen2_load_other();
}

static enum work_pin_state tries(void)
{
	struct json_object *request = json_tokener_parse(REQUEST);
	struct work_preview preview;

	work_preview(agentbench, WORK_SIGN, request, &preview);
	json_object_put(preview.certificate);
	json_object_put(request);
	return preview.tries;
}

/* ---- PINs ---- */

static void a_wrong_pin_costs_one_try_and_is_told(void **state)
{
	(void)state;
	assert_int_equal(tries(), WORK_TRIES_FULL);
	assert_int_equal(sign(WRONG_PIN), WORK_LOGIN);
	assert_int_equal(agent_answer.pin, WORK_PIN_WRONG);
	assert_int_equal(agent_number("last_error"), CKR_PIN_INCORRECT);
	assert_true(*agent_text("message2"));
	agent_assert_idle(1);
	assert_int_equal(vcard_tries_left(bench.card), 2);
	assert_int_equal(tries(), WORK_TRIES_LOW);
	assert_int_equal(sign(WRONG_PIN), WORK_LOGIN);
	assert_int_equal(agent_number("last_error"), CKR_ONE_LEFT);
	assert_int_equal(agent_answer.pin, WORK_PIN_WRONG);
	agent_assert_idle(2);
	assert_int_equal(tries(), WORK_TRIES_LAST);
	assert_int_equal(sign(PIN), WORK_OK);
	agent_assert_idle(3);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_int_equal(tries(), WORK_TRIES_FULL);
}

static void a_locked_card_gets_no_pin_any_more(void **state)
{
	(void)state;
	assert_int_equal(sign(WRONG_PIN), WORK_LOGIN);
	assert_int_equal(sign(WRONG_PIN), WORK_LOGIN);
	assert_int_equal(sign(WRONG_PIN), WORK_LOGIN);
	assert_int_equal(agent_number("last_error"), CKR_PIN_LOCKED);
	assert_int_equal(agent_answer.pin, WORK_PIN_LOCKED);
	assert_int_equal(tries(), WORK_TRIES_LOCKED);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sign(PIN), WORK_LOGIN);
		assert_int_equal(agent_number("last_error"), CKR_PIN_LOCKED);
		assert_int_equal(agent_answer.pin, WORK_PIN_LOCKED);
	}
	agent_assert_idle(3);
}

static void a_pin_that_the_card_cannot_have_is_not_sent(void **state)
{
	static const struct {
		const char *pin;
		size_t len;
		CK_RV rv;
	} wrong[] = {
		{"12345", 5, CKR_PIN_LEN_RANGE},
		{"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
		 100, CKR_PIN_LEN_RANGE},
		{"123\00056", 6, CKR_PIN_INVALID},
		{"123456\0", 7, CKR_PIN_INVALID},
		{"12345\n", 6, CKR_PIN_INVALID},
		{"12345\x7F", 6, CKR_PIN_INVALID},
	};
	struct work_consent consent;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		consent = (struct work_consent){.pin = (const uint8_t *)wrong[i].pin, .pin_len = wrong[i].len};
		assert_int_equal(agent_ask_consent(WORK_SIGN, &consent, REQUEST), WORK_LOGIN);
		assert_int_equal(agent_number("last_error"), wrong[i].rv);
		assert_int_equal(agent_answer.pin, WORK_PIN_NOT_TRIED);
	}
	assert_int_equal(sign(NULL), WORK_NO_PIN);
	assert_int_equal(sign(""), WORK_NO_PIN);
	/* a PIN of the page's is not looked at */
	assert_int_equal(agent_ask(WORK_SIGN, NULL, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\",\"pin\":\"" PIN "\"}"),
			 WORK_NO_PIN);
	agent_assert_idle(0);
	assert_int_equal(vcard_tries_left(bench.card), 3);
}

/* A logout that failed, or anything else of this process: nobody's PIN was asked for. */
static void somebody_elses_login_is_ended_and_not_used(void **state)
{
	CK_SESSION_HANDLE session = open_session(slot_of(READER));

	(void)state;
	assert_int_equal(login(session, PIN), CKR_OK);
	assert_int_equal(sign(PIN), WORK_LOGIN);
	assert_int_equal(agent_number("last_error"), CKR_USER_ALREADY_LOGGED_IN);
	assert_int_equal(agent_answer.pin, WORK_PIN_NOT_TRIED);
	agent_assert_idle(1);
	assert_int_equal(sign(PIN), WORK_OK);
	agent_assert_idle(2);
}

/* ---- cards that are not there, or others ---- */

static void without_a_card_or_reader_that_is_told(void **state)
{
	(void)state;
	fake_eject(READER);
	assert_int_equal(sign(PIN), WORK_NO_CARD);
	fake_insert(READER, bench.card);
	assert_int_equal(sign(PIN), WORK_OK); /* at once */
	fake_eject(READER);
	fake_remove_reader(READER);
	assert_int_equal(sign(PIN), WORK_NO_CARD); /* the module keeps its slot */
	agentbench_end();
	agentbench_begin();
	assert_int_equal(sign(PIN), 0x76100003);
	assert_int_equal(agent_answer.pin, WORK_PIN_NOT_TRIED);
	agent_assert_idle(1);
}

static size_t no_answer(void *context, const uint8_t *cmd, size_t len, uint8_t answer[FAKE_ANSWER_MAX])
{
	(void)context, (void)cmd, (void)len, (void)answer;
	return 0;
}

static void a_mute_card_is_no_card(void **state)
{
	static const struct fake_card mute = {.answer = no_answer, .atr = {0x3B, 0x00}, .atr_len = 2};

	(void)state;
	fake_eject(READER);
	fake_insert_card(READER, &mute);
	assert_int_equal(sign(PIN), WORK_NO_CARD);
	assert_int_equal(agent_answer.pin, WORK_PIN_NOT_TRIED);
	fake_eject(READER);
}

static void another_card_than_the_one_shown_is_refused(void **state)
{
	struct vcard *other = load_other();
	const struct work_consent consent = {.pin = (const uint8_t *)PIN, .pin_len = strlen(PIN),
					     .serial = agent_card_number()};

	(void)state;
	assert_int_equal(agent_ask_consent(WORK_SIGN, &consent, REQUEST), WORK_OK);
	fake_eject(READER);
	vcard_stats_reset(other);
	fake_insert(READER, other);
	assert_int_equal(agent_ask_consent(WORK_SIGN, &consent, REQUEST), WORK_NO_CARD);
	assert_int_equal(agent_answer.pin, WORK_PIN_NOT_TRIED);
	assert_int_equal(verifies(other), 0);
	/* with a second reader the right one is found */
	fake_add_reader(OTHER_READER);
	fake_insert(OTHER_READER, bench.card);
	assert_int_equal(agent_ask_consent(WORK_SIGN, &consent, REQUEST), WORK_OK);
	assert_string_equal(agent_text("cardSN"), agent_card_number());
	assert_int_equal(verifies(other), 0);
	assert_int_equal(agent_ask(WORK_SIGN, PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS1\","
						   "\"slotDescription\":\"" OTHER_READER "\"}"), WORK_OK);
	assert_string_equal(agent_text("cardSN"), agent_card_number());
	fake_eject(READER);
	vcard_free(&other);
}

/* ---- in the middle of it ---- */

static struct {
	int ins;
	struct vcard *other; /* NULL: the card is only pulled */
} trouble;

static void strike(void *context, const uint8_t *cmd, size_t len)
{
	(void)context;
	if (len < 2 || cmd[1] != trouble.ins)
		return;
	fake_on_command(READER, NULL, NULL);
	fake_eject(READER);
	if (trouble.other)
		fake_insert(READER, trouble.other);
}

static void a_pulled_or_exchanged_card_signs_nothing(void **state)
{
	static const int moments[] = {0x20, 0xEA}; /* VERIFY, and the private operation */
	struct vcard *other = load_other();
	struct vcard_stats stats;

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(moments); i++) {
		trouble.ins = moments[i / 2];
		trouble.other = i % 2 ? other : NULL;
		vcard_stats_reset(other);
		fake_on_command(READER, strike, NULL);
		assert_int_not_equal(sign(PIN), WORK_OK);
		assert_false(agent_has("signature"));
		assert_false(vcard_verified(bench.card));
		vcard_stats(other, &stats);
		assert_int_equal(stats.verifies + stats.private_ops, 0);
		fake_on_command(READER, NULL, NULL);
		fake_eject(READER);
		fake_insert(READER, bench.card);
		assert_int_equal(sign(PIN), WORK_OK);
		assert_false(vcard_verified(bench.card));
	}
	assert_int_equal(vcard_tries_left(bench.card), 3);
	vcard_free(&other);
}

/* ---- certificates out of their time ---- */

/* Both times of one certificate are in the card's file as they are in it. */
static void move_years(const ASN1_TIME *t, const char *year)
{
	char from[40], to[40];

	snprintf(from, sizeof from, "%.*s", ASN1_STRING_length(t), (const char *)ASN1_STRING_get0_data(t));
	snprintf(to, sizeof to, "%s%s", year, from + 2);
	assert_int_equal(ASN1_STRING_length(t), 13);
	assert_true(forge_bytes(bench.card, vcard_generation(bench.card) == 1 ? "3F00/5030/08F2" : "7FFF/5030/08F2",
				from, to, 13) > 0);
}

static void a_certificate_out_of_its_time_is_refused_unless_the_page_says_so(void **state)
{
	X509 *x509 = vcard_certificate(bench.card, VCARD_CERT_SIGN);

	(void)state;
	fake_eject(READER);
	move_years(X509_get0_notBefore(x509), "49");
	fake_insert(READER, bench.card);
	assert_int_equal(sign(PIN), 0x76500001);
	fake_eject(READER);
	X509_free(x509);
	x509 = vcard_certificate(bench.card, VCARD_CERT_SIGN);
	move_years(X509_get0_notBefore(x509), "01");
	move_years(X509_get0_notAfter(x509), "02");
	fake_insert(READER, bench.card);
	assert_int_equal(sign(PIN), 0x76500002);
	agent_assert_idle(0);
	assert_int_equal(agent_ask(WORK_SIGN, PIN, "{\"tbs\":\"x\",\"signatureType\":\"PKCS7\","
						   "\"checkValidity\":\"false\"}"), WORK_OK);
	X509_free(x509);
}

/* ---- several at once ---- */

#define THREADS 4

static void *sign_in_thread(void *context)
{
	const struct work_consent consent = {.pin = (const uint8_t *)PIN, .pin_len = strlen(PIN)};
	struct json_object *request = json_tokener_parse(REQUEST);
	struct work_answer *answer = context;

	work_call(agentbench, WORK_SIGN, request, &consent, answer);
	json_object_put(request);
	return NULL;
}

static void requests_of_several_threads_take_turns(void **state)
{
	struct work_answer answers[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sign_in_thread, &answers[i]), 0);
	assert_int_equal(agent_ask(WORK_INFO_CERTS, NULL, "{}"), WORK_OK);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(answers[i].ret_code, WORK_OK);
		json_object_put(answers[i].json);
	}
	/* where one's turn with the card ends in another's login, the module gives the PIN once more */
	assert_in_range(verifies(bench.card), THREADS, 2 * THREADS);
	assert_int_equal(vcard_tries_left(bench.card), 3);
	assert_false(vcard_verified(bench.card));
}

static void assert_generation_moves(unsigned long from)
{
	const struct timespec moment = {0, 10000000};

	for (int i = 0; i < PATIENCE * 100 && work_generation(agentbench) == from; i++)
		nanosleep(&moment, NULL);
	assert_true(work_generation(agentbench) != from);
}

static void what_comes_and_goes_moves_the_generation(void **state)
{
	unsigned long from = work_generation(agentbench);

	(void)state;
	assert_true(from > 0);
	fake_eject(READER);
	assert_generation_moves(from);
	from = work_generation(agentbench);
	fake_insert(READER, bench.card);
	assert_generation_moves(from);
	from = work_generation(agentbench);
	fake_add_reader(OTHER_READER);
	assert_int_equal(agent_ask(WORK_INFO, NULL, "{}"), WORK_OK); /* who looks must not hide it */
	assert_generation_moves(from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AGENT_TESTS(a_wrong_pin_costs_one_try_and_is_told),
		AGENT_TESTS(a_locked_card_gets_no_pin_any_more),
		AGENT_TESTS(a_pin_that_the_card_cannot_have_is_not_sent),
		AGENT_TESTS(somebody_elses_login_is_ended_and_not_used),
		AGENT_TESTS(without_a_card_or_reader_that_is_told),
		AGENT_TESTS(a_mute_card_is_no_card),
		AGENT_TESTS(another_card_than_the_one_shown_is_refused),
		AGENT_TESTS(a_pulled_or_exchanged_card_signs_nothing),
		AGENT_TESTS(a_certificate_out_of_its_time_is_refused_unless_the_page_says_so),
		AGENT_TESTS(requests_of_several_threads_take_turns),
		AGENT_TESTS(what_comes_and_goes_moves_the_generation),
	};

	return cmocka_run_group_tests_name("the agent, PINs and cards", tests, NULL, NULL);
}
