/* One question, one answer: what authz_verify() takes, and what it refuses with which reason. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "authz_scene.h"

/* ---- what is good ---- */

static void a_primary_cards_certificate_is_good(void **state)
{
	struct scene *s = *state;
	struct authz_result result;

	assert_answer(&s->question, AUTHZ_GOOD);
	assert_int_equal(authz_verify(&s->question, &result), AUTHZ_GOOD);
	assert_string_equal(authz_cert_find(result.cert, "公文交換測試平台")->role, "接收公文、發送公文");
	assert_int_equal(result.delegation, AUTHZ_UNDECIDED);
	assert_int_equal(result.chain_error, X509_V_OK);
	assert_false(result.weak_hash);
	authz_result_clear(&result);
}

static void a_certificate_for_nothing_is_good_and_says_nothing(void **state)
{
	struct scene *s = *state;
	struct authz_spec spec = world_spec(&w);
	struct authz_cert *cert;

	spec.grant_count = 0;
	cert = world_build(&w, &spec, WORLD_PRIMARY);
	s->question.cert = scene_bytes(cert);
	assert_answer(&s->question, AUTHZ_GOOD);
	assert_null(authz_cert_find(cert, "公文交換測試平台"));
	authz_cert_free(cert);
}

static void a_delegated_certificate_is_good(void **state)
{
	struct scene *s = *state;

	scene_ask_manager(s);
	assert_answer(&s->question, AUTHZ_GOOD);
	assert_int_equal(last.delegation, AUTHZ_GOOD);
}

static void a_delegation_itself_can_be_asked_for(void **state)
{
	struct scene *s = *state;

	s->question.cert = scene_bytes(s->delegation);
	s->question.holder = w.cards[WORLD_MANAGER];
	assert_answer(&s->question, AUTHZ_OTHER_KIND);
	s->question.kind = AUTHZ_KIND_DELEGATION;
	assert_answer(&s->question, AUTHZ_GOOD);
	s->question.cert = scene_bytes(s->cert);
	s->question.holder = w.cards[WORLD_CLERK];
	assert_answer(&s->question, AUTHZ_OTHER_KIND);
}

/* ---- who made it ---- */

static void another_signer_is_refused(void **state)
{
	struct scene *s = *state;

	assert_forged_(s, NULL, NULL, w.keys[WORLD_CLERK], "SHA256", AUTHZ_SIGNATURE, __FILE__, __LINE__);
	assert_forged_(s, NULL, NULL, w.keys[WORLD_PRIMARY], "SHA256", AUTHZ_GOOD, __FILE__, __LINE__);
}

static void every_changed_byte_is_refused(void **state)
{
	struct scene *s = *state;
	struct authz_der der = s->question.cert;
	unsigned char *copy = malloc(der.len);

	assert_non_null(copy);
	for (size_t i = 0; i < der.len; i++) {
		struct authz_result result;

		memcpy(copy, der.bytes, der.len);
		copy[i] ^= 1;
		s->question.cert.bytes = copy;
		if (authz_verify(&s->question, &result) == AUTHZ_GOOD)
			fail_msg("good with another byte at %zu", i);
		authz_result_clear(&result);
	}
	free(copy);
}

static void an_altered_attribute_is_refused(void **state)
{
	struct scene *s = *state;
	struct authz_der der = s->question.cert;
	unsigned char *copy = malloc(der.len), *at;

	assert_non_null(copy);
	memcpy(copy, der.bytes, der.len);
	at = memmem(copy, der.len, "12345601", 8);
	assert_non_null(at);
	at[7] = '2';
	s->question.cert.bytes = copy;
	assert_answer(&s->question, AUTHZ_SIGNATURE);
	free(copy);
}

static void cut_or_longer_bytes_are_refused(void **state)
{
	struct scene *s = *state;
	struct authz_der der = s->question.cert;
	static unsigned char copy[AUTHZ_DER_MAX + 1];

	memcpy(copy, der.bytes, der.len);
	s->question.cert.bytes = copy;
	for (size_t len = 0; len < der.len; len++) {
		s->question.cert.len = len;
		assert_answer(&s->question, AUTHZ_NOT_DER);
	}
	s->question.cert.len = der.len + 1;
	assert_answer(&s->question, AUTHZ_NOT_DER);
	s->question.cert.len = sizeof copy;
	assert_answer(&s->question, AUTHZ_TOO_LARGE);
}

static void sha1_is_refused_unless_allowed(void **state)
{
	struct scene *s = *state;

	assert_forged_(s, NULL, NULL, w.keys[WORLD_PRIMARY], "SHA1", AUTHZ_WEAK_HASH, __FILE__, __LINE__);
	s->question.flags = AUTHZ_ALLOW_SHA1;
	assert_forged_(s, NULL, NULL, w.keys[WORLD_PRIMARY], "SHA1", AUTHZ_GOOD, __FILE__, __LINE__);
	assert_true(last.weak_hash);
	s->question.flags = 0;
	assert_forged_(s, NULL, NULL, w.keys[WORLD_PRIMARY], "SHA512", AUTHZ_GOOD, __FILE__, __LINE__);
	assert_false(last.weak_hash);
	assert_forged_(s, NULL, NULL, w.keys[WORLD_PRIMARY], "SHA224", AUTHZ_ALGORITHM, __FILE__, __LINE__);
}

static void another_authorizer_is_refused(void **state)
{
	struct scene *s = *state;
	const struct world_holder twin = {"測試公司2", "12345678", "primary", "311026782832146287338320846168273272094",
					  KU_DIGITAL_SIGNATURE, w.first, w.last};

	s->question.authorizer = w.cards[WORLD_FOREIGN_PRIMARY];
	assert_answer(&s->question, AUTHZ_ISSUER);
	s->question.authorizer = w.cards[WORLD_MANAGER]; /* of the same name */
	assert_answer(&s->question, AUTHZ_SERIAL);
	/* of the same name and numbers, with another key */
	s->question.authorizer = world_certificate(&w, &twin, w.keys[WORLD_FOREIGN_PRIMARY]);
	assert_answer(&s->question, AUTHZ_SIGNATURE);
	X509_free(s->question.authorizer);
}

static void set_sequence(TWCARD_AC *ac, void *serial)
{
	ASN1_INTEGER_set(ac->info->serial, *(long *)serial);
}

static void drop_extensions(TWCARD_AC *ac, void *context)
{
	(void)context;
	sk_X509_EXTENSION_pop_free(ac->info->extensions, X509_EXTENSION_free);
	ac->info->extensions = NULL;
}

static void make_critical(TWCARD_AC *ac, void *context)
{
	static const unsigned char null[] = {5, 0};
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	ASN1_OCTET_STRING_set(data, null, sizeof null);
	extension = X509_EXTENSION_create_by_NID(NULL, NID_target_information, *(int *)context, data);
	assert_non_null(X509v3_add_ext(&ac->info->extensions, extension, -1));
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(data);
}

static void numbers_keys_and_extensions_are_checked(void **state)
{
	struct scene *s = *state;
	long serial = 20;
	int critical = 1, not_critical = 0;

	assert_forged(s, set_sequence, &serial, AUTHZ_SERIAL);
	serial = -20;
	assert_forged(s, set_sequence, &serial, AUTHZ_FORM);
	serial = 0;
	assert_forged(s, set_sequence, &serial, AUTHZ_FORM);
	assert_forged(s, drop_extensions, NULL, AUTHZ_AUTHORITY_KEY);
	assert_forged(s, make_critical, &critical, AUTHZ_CRITICAL);
	assert_forged(s, make_critical, &not_critical, AUTHZ_GOOD);
}

static void a_chain_must_end_in_a_trusted_root(void **state)
{
	struct scene *s = *state;
	X509_STORE *empty = X509_STORE_new();

	s->question.store = empty;
	assert_answer(&s->question, AUTHZ_AUTHORIZER_CHAIN);
	assert_int_equal(last.chain_error, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	s->question.store = w.store;
	s->question.at = w.last + 1;
	assert_answer(&s->question, AUTHZ_AUTHORIZER_CHAIN);
	assert_int_equal(last.chain_error, X509_V_ERR_CERT_HAS_EXPIRED);
	X509_STORE_free(empty);
}

/* ---- for whom ---- */

static void a_swapped_holder_is_refused(void **state)
{
	struct scene *s = *state;
	const struct world_holder twin = {"測試公司2", "12345678", "secondary", "69695511457231809986163424788281756858",
					  KU_DIGITAL_SIGNATURE, w.first, w.last};

	s->question.holder = w.cards[WORLD_MANAGER];
	assert_answer(&s->question, AUTHZ_HOLDER);
	s->question.holder = world_certificate(&w, &twin, w.keys[WORLD_CLERK]);
	assert_answer(&s->question, AUTHZ_HOLDER);
	X509_free(s->question.holder);
}

static void a_holder_that_nobody_trusts_is_refused(void **state)
{
	struct scene *s = *state;
	X509 *x = X509_dup(w.cards[WORLD_CLERK]);

	assert_true(X509_sign(x, w.keys[WORLD_CLERK], EVP_sha256()) > 0); /* the same, signed by itself */
	s->question.holder = x;
	assert_answer(&s->question, AUTHZ_HOLDER_CHAIN);
	assert_int_equal(last.chain_error, X509_V_ERR_CERT_SIGNATURE_FAILURE);
	X509_free(x);
}

static void name_holder(TWCARD_AC *ac, void *holder)
{
	ASN1_STRING_copy(ac->info->holder->base_certificate->serial, X509_get0_serialNumber(holder));
}

static void no_holder(TWCARD_AC *ac, void *context)
{
	(void)context;
	ASN1_item_free((ASN1_VALUE *)ac->info->holder->base_certificate, ASN1_ITEM_rptr(TWCARD_AC_ISSUER_SERIAL));
	ac->info->holder->base_certificate = NULL;
}

/* What the library does not make, a key can sign. */
static void wrong_cards_are_refused(void **state)
{
	struct scene *s = *state;
	const struct world_holder no_id = {"測試公司2", NULL, "secondary", "50", KU_DIGITAL_SIGNATURE, w.first, w.last};

	s->question.holder = w.cards[WORLD_FOREIGN_CLERK];
	assert_forged(s, name_holder, s->question.holder, AUTHZ_OTHER_ORGANIZATION);
	s->question.holder = w.cards[WORLD_PRIMARY];
	assert_forged(s, name_holder, s->question.holder, AUTHZ_SELF);
	s->question.holder = w.cards[WORLD_FOREIGN_PRIMARY];
	assert_forged(s, name_holder, s->question.holder, AUTHZ_HOLDER_RANK);
	s->question.holder = w.cards[WORLD_PERSON];
	assert_forged(s, name_holder, s->question.holder, AUTHZ_HOLDER_RANK);
	s->question.holder = world_certificate(&w, &no_id, w.keys[WORLD_FOREIGN_CLERK]);
	assert_forged(s, name_holder, s->question.holder, AUTHZ_NO_ORGANIZATION);
	X509_free(s->question.holder);
	s->question.holder = w.cards[WORLD_CLERK];
	assert_forged(s, no_holder, NULL, AUTHZ_FORM);
}

/* ---- when ---- */

static void time_is_asked_to_the_second(void **state)
{
	struct scene *s = *state;

	s->question.at = NOW - DAY;
	assert_answer(&s->question, AUTHZ_GOOD);
	s->question.at--;
	assert_answer(&s->question, AUTHZ_NOT_YET_VALID);
	s->question.at = NOW + 30 * DAY;
	assert_answer(&s->question, AUTHZ_GOOD);
	s->question.at++;
	assert_answer(&s->question, AUTHZ_EXPIRED);
	s->question.at = 0; /* now, which is not the year of the test for ever */
	assert_int_not_equal(authz_verify(&s->question, &last), AUTHZ_UNDECIDED);
	authz_result_clear(&last);
}

static void set_end(TWCARD_AC *ac, void *t)
{
	ASN1_GENERALIZEDTIME_set(ac->info->validity->not_after, *(time_t *)t);
}

static void set_text_end(TWCARD_AC *ac, void *text)
{
	ASN1_STRING_set(ac->info->validity->not_after, text, -1);
}

static void time_outside_the_holders_is_refused(void **state)
{
	static const char *const wrong[] = {"203005280000Z", "20300528000000+0800", "20300528000000.5Z",
					    "20301328000000Z"};
	struct scene *s = *state;
	time_t end = w.last + 1;

	assert_forged(s, set_end, &end, AUTHZ_OUTSIDE_HOLDER);
	end = NOW - 2 * DAY;
	assert_forged(s, set_end, &end, AUTHZ_TIMES);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_forged(s, set_text_end, (void *)wrong[i], AUTHZ_FORM);
}

/* ---- what it says ---- */

/* Replaces the value of one of our attributes. */
struct value {
	const char *oid;
	const void *value;
	const ASN1_ITEM *item;
};

static void set_value(TWCARD_AC *ac, void *context)
{
	const struct value *v = context;
	ASN1_OBJECT *oid = OBJ_txt2obj(v->oid, 1);
	unsigned char *der = NULL;
	int len = v->value ? ASN1_item_i2d(v->value, &der, v->item) : 0, at;

	at = X509at_get_attr_by_OBJ(ac->info->attributes, oid, -1);
	if (at >= 0)
		X509_ATTRIBUTE_free(X509at_delete_attr(ac->info->attributes, at));
	if (len > 0)
		assert_non_null(X509at_add1_attr_by_OBJ(&ac->info->attributes, oid, V_ASN1_SEQUENCE, der, len));
	OPENSSL_free(der);
	ASN1_OBJECT_free(oid);
}

static void set_grants(TWCARD_AC *ac, void *count)
{
	TWCARD_AC_GRANTS *grants = sk_TWCARD_AC_GRANT_new_null();
	struct value v = {authz_oids_default()->authorizations, grants, ASN1_ITEM_rptr(TWCARD_AC_GRANTS)};

	for (int i = 0; i < *(int *)count; i++) {
		TWCARD_AC_GRANT *g = (TWCARD_AC_GRANT *)ASN1_item_new(ASN1_ITEM_rptr(TWCARD_AC_GRANT));

		ASN1_STRING_set(g->application, "a", 1);
		sk_TWCARD_AC_GRANT_push(grants, g);
	}
	set_value(ac, &v);
	ASN1_item_free((ASN1_VALUE *)grants, ASN1_ITEM_rptr(TWCARD_AC_GRANTS));
}

static void set_unit_code(TWCARD_AC *ac, void *text)
{
	TWCARD_AC_GRANTS *grants = sk_TWCARD_AC_GRANT_new_null();
	TWCARD_AC_GRANT *g = (TWCARD_AC_GRANT *)ASN1_item_new(ASN1_ITEM_rptr(TWCARD_AC_GRANT));
	struct value v = {authz_oids_default()->authorizations, grants, ASN1_ITEM_rptr(TWCARD_AC_GRANTS)};

	ASN1_STRING_set(g->application, "a", 1);
	g->unit_code = ASN1_UTF8STRING_new();
	ASN1_STRING_set(g->unit_code, text, -1);
	sk_TWCARD_AC_GRANT_push(grants, g);
	set_value(ac, &v);
	ASN1_item_free((ASN1_VALUE *)grants, ASN1_ITEM_rptr(TWCARD_AC_GRANTS));
}

struct id {
	int kind;
	const char *number;
};

static void set_id(TWCARD_AC *ac, void *context)
{
	const struct id *id = context;
	TWCARD_AC_BEARER *b = (TWCARD_AC_BEARER *)ASN1_item_new(ASN1_ITEM_rptr(TWCARD_AC_BEARER));
	struct value v = {authz_oids_default()->bearer_id, b, ASN1_ITEM_rptr(TWCARD_AC_BEARER)};

	ASN1_ENUMERATED_set(b->kind, id->kind);
	ASN1_STRING_set(b->number, id->number, -1);
	set_value(ac, &v);
	ASN1_item_free((ASN1_VALUE *)b, ASN1_ITEM_rptr(TWCARD_AC_BEARER));
}

static void set_delegation(TWCARD_AC *ac, void *context)
{
	TWCARD_AC_DELEGATION *d = (TWCARD_AC_DELEGATION *)ASN1_item_new(ASN1_ITEM_rptr(TWCARD_AC_DELEGATION));
	struct value v = {authz_oids_default()->delegation, d, ASN1_ITEM_rptr(TWCARD_AC_DELEGATION)};

	(void)context;
	ASN1_ENUMERATED_set(d->state, 0);
	set_value(ac, &v);
	ASN1_item_free((ASN1_VALUE *)d, ASN1_ITEM_rptr(TWCARD_AC_DELEGATION));
}

static void repeat_first(TWCARD_AC *ac, void *context)
{
	X509_ATTRIBUTE *copy = X509_ATTRIBUTE_dup(sk_X509_ATTRIBUTE_value(ac->info->attributes, 0));

	(void)context;
	assert_true(sk_X509_ATTRIBUTE_push(ac->info->attributes, copy) > 0);
}

static void repeat_extension(TWCARD_AC *ac, void *context)
{
	(void)context;
	assert_non_null(
		X509v3_add_ext(&ac->info->extensions, sk_X509_EXTENSION_value(ac->info->extensions, 0), -1));
}

static void wrong_content_is_refused(void **state)
{
	struct scene *s = *state;
	struct value none = {.oid = authz_oids_default()->authorizations}, no_id = {.oid = authz_oids_default()->bearer_id};
	struct id wrong = {AC_ID_NATIONAL, "A123456788"}, blank = {AC_ID_OTHER, "a b"}, kind = {2, "x"},
		  empty = {AC_ID_OTHER, ""};
	int five = 5, six = 6;

	assert_forged(s, set_grants, &five, AUTHZ_GOOD);
	assert_forged(s, set_grants, &six, AUTHZ_TOO_MANY);
	assert_forged(s, set_id, &wrong, AUTHZ_ID_CHECKSUM);
	assert_forged(s, set_id, &blank, AUTHZ_ID_FORM);
	assert_forged(s, set_id, &kind, AUTHZ_ATTRIBUTE_FORM);
	assert_forged(s, set_id, &empty, AUTHZ_TEXT);
	assert_forged(s, set_value, &no_id, AUTHZ_NO_BEARER);
	assert_forged(s, set_value, &none, AUTHZ_NO_CONTENT);
	assert_forged(s, set_delegation, NULL, AUTHZ_TWO_KINDS);
	assert_forged(s, set_unit_code, (void *)"005", AUTHZ_UNIT_LEVELS);
	assert_forged(s, set_unit_code, (void *)"a\x01", AUTHZ_TEXT);
	assert_forged(s, repeat_first, NULL, AUTHZ_DUPLICATE);
	assert_forged(s, repeat_extension, NULL, AUTHZ_DUPLICATE);
}

/* ---- the frame ---- */

static void set_version(TWCARD_AC *ac, void *context)
{
	ASN1_INTEGER_set(ac->info->version, *(long *)context);
}

static void two_issuers(TWCARD_AC *ac, void *context)
{
	GENERAL_NAMES *names = ac->info->issuer->form.v2_form->issuer_name;

	(void)context;
	assert_true(sk_GENERAL_NAME_push(names, GENERAL_NAME_dup(sk_GENERAL_NAME_value(names, 0))) > 0);
}

static void form_1(TWCARD_AC *ac, void *context)
{
	TWCARD_AC_V2_FORM *v2 = ac->info->issuer->form.v2_form;

	(void)context;
	ac->info->issuer->type = AC_ISSUER_V1;
	ac->info->issuer->form.v1_form = v2->issuer_name;
	v2->issuer_name = NULL;
	ASN1_item_free((ASN1_VALUE *)v2, ASN1_ITEM_rptr(TWCARD_AC_V2_FORM));
}

static void other_algorithm_inside(TWCARD_AC *ac, void *context)
{
	(void)context;
	X509_ALGOR_set0(ac->info->algorithm, OBJ_nid2obj(NID_sha512WithRSAEncryption), V_ASN1_NULL, NULL);
}

static void other_frames_are_refused(void **state)
{
	struct scene *s = *state;
	long version = 0;

	assert_forged(s, set_version, &version, AUTHZ_FORM);
	version = 2;
	assert_forged(s, set_version, &version, AUTHZ_FORM);
	assert_forged(s, two_issuers, NULL, AUTHZ_FORM);
	assert_forged(s, form_1, NULL, AUTHZ_FORM);
	assert_forged_(s, other_algorithm_inside, NULL, NULL, NULL, AUTHZ_FORM, __FILE__, __LINE__);
}

/* The same content with a length that is longer than it must be. */
static void ber_is_refused(void **state)
{
	struct scene *s = *state;
	const unsigned char *der = s->question.cert.bytes;
	size_t len = s->question.cert.len;
	unsigned char *ber = malloc(len + 1);

	assert_non_null(ber);
	assert_memory_equal(der, "\x30\x82", 2);
	ber[0] = 0x30;
	ber[1] = 0x83;
	ber[2] = 0;
	memcpy(ber + 3, der + 2, len - 2);
	s->question.cert = (struct authz_der){ber, len + 1};
	assert_answer(&s->question, AUTHZ_NOT_DER);
	free(ber);
}

/* ---- what the caller knows ---- */

static bool is_this(void *context, const struct authz_cert *cert)
{
	return strcmp(authz_cert_info(cert)->serial, context) == 0;
}

static void what_was_withdrawn_is_refused(void **state)
{
	struct scene *s = *state;

	s->question.withdrawn = is_this;
	s->question.context = (void *)"1";
	assert_answer(&s->question, AUTHZ_GOOD);
	s->question.context = (void *)"311026782832146287338320846168273272094000020";
	assert_answer(&s->question, AUTHZ_WITHDRAWN);
	scene_ask_manager(s);
	assert_answer(&s->question, AUTHZ_DELEGATION_DISABLED);
	s->question.context = (void *)"178597702969994479800369301946715282992000020";
	assert_answer(&s->question, AUTHZ_WITHDRAWN);
}

/* ---- the call ---- */

static void half_a_question_is_refused(void **state)
{
	struct scene *s = *state;
	struct authz_request q = s->question;

	assert_answer(NULL, AUTHZ_BAD_ARGUMENT);
	q.holder = NULL;
	assert_answer(&q, AUTHZ_BAD_ARGUMENT);
	q = s->question;
	q.authorizer = NULL;
	assert_answer(&q, AUTHZ_BAD_ARGUMENT);
	q = s->question;
	q.store = NULL;
	assert_answer(&q, AUTHZ_BAD_ARGUMENT);
	q = s->question;
	q.cert.bytes = NULL;
	assert_answer(&q, AUTHZ_BAD_ARGUMENT);
	q = s->question;
	q.kind = AUTHZ_KIND_NONE;
	assert_answer(&q, AUTHZ_BAD_ARGUMENT);
	q = s->question;
	q.delegation_count = AUTHZ_DELEGATIONS_MAX + 1;
	assert_answer(&q, AUTHZ_BAD_ARGUMENT);
	assert_int_equal(authz_verify(&s->question, NULL), AUTHZ_BAD_ARGUMENT);
}

#define THREADS 4
#define ROUNDS 40

static void *ask_often(void *question)
{
	size_t good = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct authz_result result;

		good += authz_verify(question, &result) == AUTHZ_GOOD;
		authz_result_clear(&result);
	}
	return (void *)good;
}

static void threads_ask_at_once(void **state)
{
	struct scene *s = *state;
	pthread_t threads[THREADS];

	scene_ask_manager(s);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &s->question), 0);
	for (int i = 0; i < THREADS; i++) {
		void *good;

		pthread_join(threads[i], &good);
		assert_int_equal((size_t)good, ROUNDS);
	}
}

static void a_card_says_what_it_is(void **state)
{
	struct authz_card card;

	(void)state;
	assert_int_equal(authz_card_read(w.cards[WORLD_PRIMARY], &card), AUTHZ_GOOD);
	assert_int_equal(card.rank, AUTHZ_RANK_PRIMARY);
	assert_string_equal(card.organization, "12345678");
	assert_int_equal(authz_card_read(w.cards[WORLD_CLERK], &card), AUTHZ_GOOD);
	assert_int_equal(card.rank, AUTHZ_RANK_ATTACHED);
	assert_int_equal(authz_card_read(w.cards[WORLD_PERSON], &card), AUTHZ_GOOD);
	assert_int_equal(card.rank, AUTHZ_RANK_NONE);
	assert_string_equal(card.organization, "");
	assert_int_equal(authz_card_read(NULL, &card), AUTHZ_BAD_ARGUMENT);
	assert_int_equal(authz_card_read(w.cards[WORLD_CLERK], NULL), AUTHZ_BAD_ARGUMENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_card_says_what_it_is),
		SCENE(a_primary_cards_certificate_is_good),
		SCENE(a_certificate_for_nothing_is_good_and_says_nothing),
		SCENE(a_delegated_certificate_is_good),
		SCENE(a_delegation_itself_can_be_asked_for),
		SCENE(another_signer_is_refused),
		SCENE(every_changed_byte_is_refused),
		SCENE(an_altered_attribute_is_refused),
		SCENE(cut_or_longer_bytes_are_refused),
		SCENE(sha1_is_refused_unless_allowed),
		SCENE(another_authorizer_is_refused),
		SCENE(numbers_keys_and_extensions_are_checked),
		SCENE(a_chain_must_end_in_a_trusted_root),
		SCENE(a_swapped_holder_is_refused),
		SCENE(a_holder_that_nobody_trusts_is_refused),
		SCENE(wrong_cards_are_refused),
		SCENE(time_is_asked_to_the_second),
		SCENE(time_outside_the_holders_is_refused),
		SCENE(wrong_content_is_refused),
		SCENE(other_frames_are_refused),
		SCENE(ber_is_refused),
		SCENE(what_was_withdrawn_is_refused),
		SCENE(half_a_question_is_refused),
		SCENE(threads_ask_at_once),
	};

	return cmocka_run_group_tests(tests, scene_set_up_world, scene_tear_down_world);
}
