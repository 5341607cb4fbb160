/* Which card is the right one, and what a file may say that is to be authorized. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authz_world.h"
#include "tools/twcard/authz_cards.h"
#include "tools/twcard/authz_content.h"
#include "tools/twcard/message.h"

static struct world w;

static int set_up(void **state)
{
	(void)state;
	message_use_json(); /* errors are kept, not printed */
	world_init(&w, 1780000000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_clear(&w);
	return 0;
}

static struct authz_party party(enum world_card card, enum cert_rank rank, const char *number,
				const char *organization)
{
	struct authz_party p = {.rank = rank, .x509 = w.cards[card]};

	snprintf(p.number, sizeof p.number, "%s", number);
	snprintf(p.organization, sizeof p.organization, "%s", organization);
	return p;
}

/* ---- cards ---- */

static void each_wrong_card_has_its_reason(void **state)
{
	const struct authz_party holder = party(WORLD_CLERK, CERT_RANK_SECONDARY, "MT1", "12345678");
	const struct {
		enum authz_role role;
		struct authz_party card;
		enum authz_misfit misfit;
	} rows[] = {
		{AUTHZ_ROLE_HOLDER, holder, AUTHZ_MISFIT_NONE},
		{AUTHZ_ROLE_HOLDER, party(WORLD_PRIMARY, CERT_RANK_PRIMARY, "MT2", "12345678"),
		 AUTHZ_MISFIT_NOT_ATTACHED},
		{AUTHZ_ROLE_HOLDER, party(WORLD_PERSON, CERT_RANK_NONE, "TP1", ""), AUTHZ_MISFIT_NO_COMPANY_CARD},
		{AUTHZ_ROLE_HOLDER, party(WORLD_PERSON, CERT_RANK_OTHER, "TP1", ""), AUTHZ_MISFIT_NO_COMPANY_CARD},
		{AUTHZ_ROLE_HOLDER, party(WORLD_CLERK, CERT_RANK_SECONDARY, "MT1", ""), AUTHZ_MISFIT_NO_ORGANIZATION},
		{AUTHZ_ROLE_PRIMARY, party(WORLD_PRIMARY, CERT_RANK_PRIMARY, "MT2", "12345678"), AUTHZ_MISFIT_NONE},
		{AUTHZ_ROLE_PRIMARY, party(WORLD_PRIMARY, CERT_RANK_PRIMARY, "MT2", ""), AUTHZ_MISFIT_NO_ORGANIZATION},
		{AUTHZ_ROLE_PRIMARY, party(WORLD_FOREIGN_PRIMARY, CERT_RANK_PRIMARY, "MT2", "24681357"),
		 AUTHZ_MISFIT_OTHER_COMPANY},
		{AUTHZ_ROLE_PRIMARY, party(WORLD_MANAGER, CERT_RANK_SECONDARY, "MT3", "12345678"),
		 AUTHZ_MISFIT_NOT_PRIMARY},
		{AUTHZ_ROLE_PRIMARY, party(WORLD_PERSON, CERT_RANK_NONE, "TP1", ""), AUTHZ_MISFIT_NO_COMPANY_CARD},
		{AUTHZ_ROLE_ATTACHED, party(WORLD_MANAGER, CERT_RANK_SECONDARY, "MT3", "12345678"), AUTHZ_MISFIT_NONE},
		{AUTHZ_ROLE_ATTACHED, holder, AUTHZ_MISFIT_SAME_CARD},
		{AUTHZ_ROLE_ATTACHED, party(WORLD_MANAGER, CERT_RANK_SECONDARY, "MT1", "12345678"),
		 AUTHZ_MISFIT_SAME_CARD},
		{AUTHZ_ROLE_ATTACHED, party(WORLD_CLERK, CERT_RANK_SECONDARY, "MT9", "12345678"),
		 AUTHZ_MISFIT_SAME_CARD},
		{AUTHZ_ROLE_ATTACHED, party(WORLD_FOREIGN_CLERK, CERT_RANK_SECONDARY, "MT4", "24681357"),
		 AUTHZ_MISFIT_OTHER_COMPANY},
		{AUTHZ_ROLE_ATTACHED, party(WORLD_PRIMARY, CERT_RANK_PRIMARY, "MT2", "12345678"),
		 AUTHZ_MISFIT_NOT_ATTACHED},
		{AUTHZ_ROLE_HOLDER_AGAIN, holder, AUTHZ_MISFIT_NONE},
		{AUTHZ_ROLE_HOLDER_AGAIN, party(WORLD_MANAGER, CERT_RANK_SECONDARY, "MT1", "12345678"),
		 AUTHZ_MISFIT_OTHER_CERTIFICATE},
		{AUTHZ_ROLE_HOLDER_AGAIN, party(WORLD_CLERK, CERT_RANK_SECONDARY, "MT3", "12345678"),
		 AUTHZ_MISFIT_OTHER_CARD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum authz_misfit misfit = authz_cards_fit(rows[i].role, &holder, &rows[i].card);

		if (misfit != rows[i].misfit)
			print_error("row %zu\n", i);
		assert_int_equal(misfit, rows[i].misfit);
		assert_true(strlen(authz_cards_misfit_text(misfit)) > 10);
	}
}

static void a_card_is_its_number_and_its_certificate(void **state)
{
	const struct authz_party a = party(WORLD_CLERK, CERT_RANK_SECONDARY, "MT1", "12345678");
	const struct authz_party number = party(WORLD_CLERK, CERT_RANK_SECONDARY, "MT2", "12345678");
	const struct authz_party certificate = party(WORLD_MANAGER, CERT_RANK_SECONDARY, "MT1", "12345678");
	const struct authz_party none = {.number = "MT1"};

	(void)state;
	assert_true(authz_party_is(&a, &a));
	assert_false(authz_party_is(&a, &number));
	assert_false(authz_party_is(&a, &certificate));
	assert_false(authz_party_is(&a, &none));
	assert_false(authz_party_is(&none, &none));
}

/* ---- what is to be authorized ---- */

#define BEARER "\"bearer\":{\"kind\":\"national\",\"number\":\"A123456789\"}"

static enum exit_code take(const char *text, enum authz_kind kind, struct authz_content *out)
{
	return authz_content_take(json_tokener_parse(text), kind, out);
}

static void what_is_right_is_taken(void **state)
{
	struct authz_content c;
	struct authz_spec spec = {.sequence = 7};

	(void)state;
	assert_int_equal(take("{\"grants\":[{\"application\":\"a\",\"unit_name\":\"u\",\"unit_code\":null},"
			      "{\"application\":\"b\",\"role\":\"r\"}]," BEARER "}",
			      AUTHZ_KIND_APPLICATIONS, &c),
			 EXIT_GOOD);
	authz_content_specify(&c, &spec);
	assert_int_equal(spec.sequence, 7);
	assert_int_equal(spec.grant_count, 2);
	assert_string_equal(spec.grants[0].unit_name, "u");
	assert_null(spec.grants[0].unit_code);
	assert_string_equal(spec.grants[1].role, "r");
	assert_int_equal(spec.bearer_id_kind, AUTHZ_ID_NATIONAL);
	assert_string_equal(spec.bearer_id, "A123456789");
	authz_content_clear(&c);

	assert_int_equal(take("{\"grants\":[]," BEARER "}", AUTHZ_KIND_APPLICATIONS, &c), EXIT_GOOD);
	assert_int_equal(c.grant_count, 0);
	authz_content_clear(&c);

	assert_int_equal(take("{\"disabled\":true,\"scope\":{\"role\":\"r\"}," BEARER "}", AUTHZ_KIND_DELEGATION, &c),
			 EXIT_GOOD);
	assert_true(c.disabled);
	assert_string_equal(c.scope.role, "r");
	authz_content_clear(&c);
}

static void what_is_not_right_is_refused(void **state)
{
	static const struct {
		enum authz_kind kind;
		const char *text;
	} rows[] = {
		{AUTHZ_KIND_APPLICATIONS, "[]"},
		{AUTHZ_KIND_APPLICATIONS, "{" BEARER "}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":{}," BEARER "}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[1]," BEARER "}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[null]," BEARER "}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[{}]," BEARER "}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[{\"application\":1}]," BEARER "}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[{\"application\":\"a\\u0000b\"}]," BEARER "}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[{\"application\":\"a\",\"rolle\":\"r\"}]," BEARER "}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[{\"application\":\"a\"},{\"application\":\"a\"}]," BEARER "}"},
		{AUTHZ_KIND_APPLICATIONS,
		 "{\"grants\":[{\"application\":\"1\"},{\"application\":\"2\"},{\"application\":\"3\"},"
		 "{\"application\":\"4\"},{\"application\":\"5\"},{\"application\":\"6\"}]," BEARER "}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[]}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[],\"bearer\":\"A123456789\"}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[],\"bearer\":{\"number\":\"A123456789\"}}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[],\"bearer\":{\"kind\":\"other\",\"number\":\"\"}}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[],\"bearer\":{\"kind\":\"passport\",\"number\":\"1\"}}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[],\"bearer\":{\"kind\":\"national\",\"number\":\"A123456788\"}}"},
		{AUTHZ_KIND_APPLICATIONS, "{\"grants\":[],\"disabled\":true," BEARER "}"},
		{AUTHZ_KIND_DELEGATION, "{\"grants\":[]," BEARER "}"},
		{AUTHZ_KIND_DELEGATION, "{\"disabled\":1," BEARER "}"},
		{AUTHZ_KIND_DELEGATION, "{\"scope\":[]," BEARER "}"},
		{AUTHZ_KIND_DELEGATION, "{\"scope\":{\"application\":\"a\"}," BEARER "}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct authz_content c;

		if (take(rows[i].text, rows[i].kind, &c) != EXIT_USAGE)
			fail_msg("taken: %s", rows[i].text);
		authz_content_clear(&c);
		assert_null(c.json);
	}
	assert_null(json_tokener_parse(""));
}

static void a_certificate_says_what_it_was_made_of(void **state)
{
	const struct authz_spec spec = world_spec(&w), delegation = world_delegation(&w);
	struct authz_cert *cert = world_build(&w, &spec, WORLD_PRIMARY);
	struct authz_content c;
	struct json_object *json = authz_content_of(authz_cert_info(cert));

	(void)state;
	assert_false(authz_content_remove(json, "nothing"));
	assert_true(authz_content_remove(json, spec.grants[0].application));
	assert_false(authz_content_remove(json, spec.grants[0].application));
	assert_int_equal(authz_content_take(json, AUTHZ_KIND_APPLICATIONS, &c), EXIT_GOOD);
	assert_int_equal(c.grant_count, spec.grant_count - 1);
	assert_string_equal(c.grants[0].application, spec.grants[1].application);
	assert_string_equal(c.bearer, spec.bearer_id);
	authz_content_clear(&c);
	authz_cert_free(cert);

	cert = world_build(&w, &delegation, WORLD_PRIMARY);
	json = authz_content_of(authz_cert_info(cert));
	assert_int_equal(authz_content_take(json, AUTHZ_KIND_DELEGATION, &c), EXIT_GOOD);
	assert_false(c.disabled);
	authz_content_clear(&c);
	authz_cert_free(cert);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_wrong_card_has_its_reason),
		cmocka_unit_test(a_card_is_its_number_and_its_certificate),
		cmocka_unit_test(what_is_right_is_taken),
		cmocka_unit_test(what_is_not_right_is_refused),
		cmocka_unit_test(a_certificate_says_what_it_was_made_of),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
