#include "config.h"

#include <stdio.h>
#include <string.h>

#include "src/token/data_area.h"
#include "tools/twcard/authz_session.h"
#include "tools/twcard/card_key.h"
#include "tools/twcard/message.h"

/* ---- who it is ---- */

void authz_party_clear(struct authz_party *party)
{
	X509_free(party->x509);
	sk_X509_pop_free(party->others, X509_free);
	memset(party, 0, sizeof *party);
}

bool authz_party_is(const struct authz_party *a, const struct authz_party *b)
{
	return a->x509 && b->x509 && strcmp(a->number, b->number) == 0 && X509_cmp(a->x509, b->x509) == 0;
}

static enum result read_attributes(struct authz_party *party)
{
	struct cert_attributes a;
	const char *id;

	if (!cert_attributes_read(party->x509, &a))
		return RESULT_NO_MEMORY;
	id = a.organization_id;
	party->rank = a.rank;
	if (id && strlen(id) < sizeof party->organization)
		snprintf(party->organization, sizeof party->organization, "%s", id);
	cert_attributes_clear(&a);
	return RESULT_OK;
}

/* The first that signs, as twcard sign has it. */
static enum result take_certificates(struct slot *slot, struct authz_party *party)
{
	struct card_certificates list;
	enum result r = card_certificates(slot, &list);

	if (r != RESULT_OK)
		return r;
	for (size_t i = 0; i < list.count && !party->x509; i++) {
		X509 *x509 = list.items[i].x509;

		if (card_certificate_signs(&list.items[i]) && card_rsa_fits(x509) && X509_up_ref(x509))
			party->x509 = x509;
	}
	r = party->x509 ? RESULT_OK : RESULT_NOT_FOUND;
	if (r == RESULT_OK)
		party->others = card_key_others(&list, party->x509);
	card_certificates_clear(&list);
	if (r != RESULT_OK)
		return r;
	return party->others ? read_attributes(party) : RESULT_NO_MEMORY;
}

/* ---- its key ---- */

static bool operate(void *context, const uint8_t in[RSA_BLOCK], uint8_t out[RSA_BLOCK])
{
	struct authz_session *s = context;

	if (!slot_logged_in(s->slot)) /* it ended with an error, which was told */
		return false;
	s->code = card_key_operate(s->slot, s->party.x509, in, out);
	return s->code == EXIT_GOOD;
}

enum result authz_session_look(const struct arguments *args, struct slot *slot,
			       struct authz_session *out)
{
	struct card_identity who;
	enum result r;

	*out = (struct authz_session){.args = *args, .slot = slot};
	r = card_identify(slot, &who);
	if (r == RESULT_OK) {
		snprintf(out->party.number, sizeof out->party.number, "%s", who.number);
		r = take_certificates(slot, &out->party);
	}
	card_leave(slot);
	if (r != RESULT_OK)
		return r;
	out->rsa = (struct card_rsa){operate, out};
	out->pkey = card_rsa_new(out->party.x509, &out->rsa);
	return out->pkey ? RESULT_OK : RESULT_NO_MEMORY;
}

/* ---- the login ---- */

static enum exit_code is_same_card(struct authz_session *s)
{
	struct card_identity now;
	enum result r = card_identify(s->slot, &now);

	if (r != RESULT_OK)
		return message_result(r, s->slot->reader);
	if (strcmp(now.number, s->party.number) == 0)
		return EXIT_GOOD;
	message_error(_("another card was put in\nNothing was done with it."));
	return EXIT_NO_CARD;
}

enum exit_code authz_session_login(struct authz_session *s)
{
	enum exit_code code = is_same_card(s);

	if (code == EXIT_GOOD)
		code = card_key_login(s->slot, s->party.x509, &s->args);
	if (code == EXIT_GOOD)
		code = is_same_card(s);
	if (code != EXIT_GOOD)
		authz_session_logout(s);
	return code;
}

void authz_session_logout(struct authz_session *s)
{
	if (s->slot)
		card_end_login(s->slot);
}

void authz_session_clear(struct authz_session *s)
{
	authz_session_logout(s);
	EVP_PKEY_free(s->pkey);
	authz_party_clear(&s->party);
	*s = (struct authz_session)AUTHZ_SESSION_NONE;
}

/* ---- the record ---- */

enum result authz_session_read(struct authz_session *s, struct buffer *out)
{
	return data_area_read(s->slot, AUTHZ_RECORD_SNO, out);
}

enum result authz_session_write(struct authz_session *s, const uint8_t *der, size_t len)
{
	return data_area_write(s->slot, AUTHZ_RECORD_SNO, AREA_PUT, der, len);
}

enum result authz_session_may_write(struct authz_session *s)
{
	enum result r = slot_touch(s->slot);

	if (r == RESULT_OK)
		r = card_allow(s->slot->token.card, OP_WRITE_FILE);
	r = slot_after_error(s->slot, r);
	card_leave(s->slot);
	return r;
}

/* What the manual of the service has a picture for, and what to do then. */
static const struct {
	enum result r;
	enum exit_code code;
	const char *text;
} area_errors[] = {
	{RESULT_AREA_NOT_ACTIVATED, EXIT_NEGATIVE,
	 N_("the card's area for authorizations is not activated\n"
	    "'twcard authz activate' does that, once for a card.")},
	{RESULT_AREA_LOCKED, EXIT_PIN,
	 N_("the card's area for authorizations is locked\nUnlock the card on the web site of the CA.")},
	{RESULT_SNO_UNKNOWN, EXIT_NEGATIVE, N_("there is no authorization certificate on the card")},
	{RESULT_SNO_EXISTS, EXIT_NEGATIVE,
	 N_("the card's area for authorizations is active already\n"
	    "Nothing is left to do: 'twcard authz issue' can be used.")},
	{RESULT_NO_SPACE, EXIT_CARD, N_("there is not enough space on the card\nNothing was changed on it.")},
	{RESULT_INDEX_FORMAT, EXIT_CARD,
	 N_("what is in the card's area for authorizations is damaged, or not understood\nNothing was changed on it.")},
	{RESULT_UNPROVEN, EXIT_REFUSED,
	 N_("nothing is written to the card: how a real card wants that was never observed\nFor a card that you can"
	    " spare, a virtual one say, 'allow-unproven = yes' in twcard.conf(5) lets it through.")},
};

enum exit_code authz_session_tell(enum result r, const char *what)
{
	for (size_t i = 0; i < sizeof area_errors / sizeof *area_errors; i++) {
		if (area_errors[i].r != r)
			continue;
		message_error("%s", _(area_errors[i].text));
		return area_errors[i].code;
	}
	return message_result(r, what);
}
