#include "config.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "tools/twcard/cert_fetch.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/cert_ocsp.h"
#include "tools/twcard/message.h"

#define CLOCKS_DIFFER 300 /* seconds */
#define OLDEST 86400      /* of an answer that does not say until when it is good */

struct question {
	const char *where;
	OCSP_CERTID *id;
	OCSP_REQUEST *request; /* with a nonce, and the id, which it owns; NULL: read from a file */
	STACK_OF(X509) *chain;
	X509_STORE *store;
	time_t at;
};

static void fail(struct cert_finding *out, const struct question *q, const char *text)
{
	cert_finding_set(out, CERT_STATE_NOT_CHECKED, NULL, "OCSP, %s: %s", q->where, text);
	out->failed = true;
	ERR_clear_error();
}

static OCSP_RESPONSE *ask(struct question *q, struct cert_finding *out)
{
	char why[X509_FILE_WHY] = "";
	OCSP_RESPONSE *response;
	BIO *body = NULL, *answer;

	if (q->request) {
		body = ASN1_item_i2d_mem_bio(ASN1_ITEM_rptr(OCSP_REQUEST), (ASN1_VALUE *)q->request);
		answer = body ? fetch_ocsp(q->where, body, why) : NULL;
	} else {
		answer = fetch_bytes(q->where, FETCH_OCSP_MAX, why);
	}
	BIO_free(body);
	if (!answer) {
		cert_finding_set(out, CERT_STATE_NOT_CHECKED,
				 _("Look at the address and the network, or give a revocation list with --crl FILE."),
				 "OCSP, %s", why);
		out->failed = true;
		return NULL;
	}
	response = d2i_OCSP_RESPONSE_bio(answer, NULL);
	BIO_free(answer);
	if (!response)
		fail(out, q, _("the answer is none of OCSP"));
	return response;
}

/* The times of an answer: is it about the time that is asked for? */
static bool is_of_now(const struct question *q, const ASN1_GENERALIZEDTIME *from,
		      const ASN1_GENERALIZEDTIME *until)
{
	time_t begin, end;

	if (!cert_info_time_of(from, &begin) || begin > q->at + CLOCKS_DIFFER)
		return false;
	if (!until)
		end = begin + OLDEST;
	else if (!cert_info_time_of(until, &end))
		return false;
	return q->at <= end + CLOCKS_DIFFER;
}

static void tell_revoked(const ASN1_GENERALIZEDTIME *when, int reason, struct cert_finding *out)
{
	char since[CERT_TIME_SIZE] = "?";
	time_t t;

	if (cert_info_time_of(when, &t))
		cert_info_time(t, since);
	cert_finding_set(out, CERT_STATE_BAD, _("Do not use this certificate, and do not trust it."),
			 _("the CA has revoked it, %s (OCSP: %s)"), since,
			 reason >= 0 ? OCSP_crl_reason_str(reason) : "-");
}

static void tell(const struct question *q, OCSP_BASICRESP *basic, struct cert_finding *out)
{
	ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *until = NULL;
	int status, reason = -1;

	if (OCSP_basic_verify(basic, q->chain, q->store, OCSP_PARTIAL_CHAIN) != 1)
		fail(out, q, _("the answer is not signed by who may speak for the CA"));
	else if (q->request && OCSP_check_nonce(q->request, basic) == 0)
		fail(out, q, _("the answer is to another question"));
	else if (OCSP_resp_find_status(basic, q->id, &status, &reason, &revoked, &from, &until) != 1)
		fail(out, q, _("the answer is about another certificate"));
	else if (!is_of_now(q, from, until))
		fail(out, q, _("the answer is not of this time"));
	else if (status == V_OCSP_CERTSTATUS_REVOKED)
		tell_revoked(revoked, reason, out);
	else if (status != V_OCSP_CERTSTATUS_GOOD)
		fail(out, q, _("the CA's service does not know this certificate"));
	else
		cert_finding_set(out, CERT_STATE_GOOD, NULL, _("not revoked, says the CA's service (OCSP)"));
}

static void answer(struct question *q, struct cert_finding *out)
{
	OCSP_RESPONSE *response = ask(q, out);
	OCSP_BASICRESP *basic;
	int status;

	if (!response)
		return;
	status = OCSP_response_status(response);
	basic = status == OCSP_RESPONSE_STATUS_SUCCESSFUL ? OCSP_response_get1_basic(response) : NULL;
	if (basic)
		tell(q, basic, out);
	else if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		fail(out, q, OCSP_response_status_str(status));
	else
		fail(out, q, _("the answer is none of OCSP"));
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
}

/* Takes the id over. */
static OCSP_REQUEST *request_for(OCSP_CERTID *id)
{
	OCSP_REQUEST *request = OCSP_REQUEST_new();

	if (request && OCSP_request_add0_id(request, id)) {
		OCSP_request_add1_nonce(request, NULL, -1);
		return request;
	}
	OCSP_REQUEST_free(request);
	OCSP_CERTID_free(id);
	return NULL;
}

void cert_ocsp_check(const char *where, STACK_OF(X509) *chain, X509_STORE *store, time_t at,
		     struct cert_finding *out)
{
	struct question q = {.where = where, .chain = chain, .store = store, .at = at};

	q.id = OCSP_cert_to_id(NULL, sk_X509_value(chain, 0), sk_X509_value(chain, 1));
	if (q.id && fetch_is_url(where)) {
		q.request = request_for(q.id);
		if (!q.request)
			q.id = NULL;
	}
	if (q.id)
		answer(&q, out);
	else
		fail(out, &q, _("no memory for the question"));
	if (q.request)
		OCSP_REQUEST_free(q.request);
	else
		OCSP_CERTID_free(q.id);
}
