#include "config.h"

#include "tools/authority/delegation.h"
#include "tools/authority/fields.h"

X509 *delegation_x509(const struct store_bytes *der)
{
	const unsigned char *p = der->data;

	return der->data ? d2i_X509(NULL, &p, (long)der->len) : NULL;
}

enum store_result delegation_newest(struct store_tx *tx, const char *holder, struct store_certificate *out)
{
	static const enum store_kind kind = STORE_DELEGATION;
	struct store_filter filter = {.holder = holder, .kind = &kind, .limit = 1,
				      .states = 1U << STORE_ACTIVE | 1U << STORE_DISABLED};
	struct store_certificates list = {.rows = NULL};
	enum store_result r = store_certificate_list(tx, &filter, &list);

	if (r == STORE_OK && !list.count)
		r = STORE_NONE;
	if (r == STORE_OK) {
		*out = list.rows[0];
		list.rows[0] = (struct store_certificate){.reservation = NULL};
	}
	store_certificates_clear(&list);
	return r;
}

enum authz_reason delegation_judge(const struct operation_call *call, const struct store_certificate *delegation)
{
	X509 *primary = delegation_x509(&delegation->authorizer_der), *holder = delegation_x509(&delegation->holder_der);
	struct authz_request q = {.cert = {delegation->der.data, delegation->der.len},
				  .kind = AUTHZ_KIND_DELEGATION,
				  .authorizer = primary,
				  .holder = holder,
				  .store = call->a->trust,
				  .untrusted = call->message->others,
				  .at = call->now};
	struct authz_result result;
	enum authz_reason r = authz_verify(&q, &result);

	if (result.cert && r != AUTHZ_NO_MEMORY && authz_cert_info(result.cert)->delegation_disabled)
		r = AUTHZ_DELEGATION_DISABLED;
	/* the chain may have ended with it, which is found first */
	else if (result.cert && r != AUTHZ_NO_MEMORY && call->now > authz_cert_info(result.cert)->not_after)
		r = AUTHZ_DELEGATION_EXPIRED;
	else if (r == AUTHZ_NOT_YET_VALID)
		r = AUTHZ_DELEGATION_NOT_YET_VALID;
	else if (r != AUTHZ_GOOD && r != AUTHZ_NO_MEMORY)
		r = AUTHZ_DELEGATION_BAD;
	authz_result_clear(&result);
	X509_free(primary);
	X509_free(holder);
	return r;
}

enum store_result delegation_ask(const struct operation_call *call, const char *holder,
				 struct store_certificate *out, enum authz_reason *reason)
{
	enum store_result r = delegation_newest(call->tx, holder, out);

	*reason = AUTHZ_DELEGATION_MISSING;
	if (r == STORE_NONE)
		return STORE_OK;
	if (r == STORE_OK)
		*reason = delegation_judge(call, out);
	return r;
}

void delegation_tell(struct json_object *answer, const struct store_certificate *delegation)
{
	struct json_object *list = json_object_new_array();

	if (delegation && delegation->der.data)
		json_object_array_add(list, fields_base64(delegation->der.data, delegation->der.len));
	json_object_object_add(answer, "primary",
			       delegation ? fields_base64(delegation->authorizer_der.data,
							  delegation->authorizer_der.len)
					  : NULL);
	json_object_object_add(answer, "delegations", list);
}
