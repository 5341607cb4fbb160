/* activate and activated: an attached card's data area is opened once. */
#include "config.h"

#include "tools/authority/fields.h"
#include "tools/authority/operation.h"
#include "tools/authority/ticket.h"

static enum store_result is_activated(struct operation_call *call, bool *out)
{
	struct store_activation found = {.card = NULL};
	enum store_result r = store_activation_find(call->tx, call->message->who, &found);

	*out = r == STORE_OK && found.activated;
	store_activation_clear(&found);
	return r == STORE_NONE ? STORE_OK : r;
}

/* The user code was asked before the transaction, because that is slow (authority.c). */
enum store_result operation_activate(struct operation_call *call)
{
	char ticket[HEX_ID_LEN + 1];
	time_t expires = 0;
	bool activated = false;
	enum store_result r;

	if (!call->a->activation_key)
		return operation_refuse(call, ERROR_NO_ACTIVATION_KEY, AUTHZ_UNDECIDED);
	r = is_activated(call, &activated);
	if (r == STORE_OK && activated)
		return operation_refuse(call, ERROR_ALREADY_ACTIVATED, AUTHZ_UNDECIDED);
	if (r == STORE_OK)
		r = ticket_put(call->tx, call->message->who, call->now, ticket, &expires);
	if (r == STORE_OK) {
		call->answer = json_object_new_object();
		json_object_object_add(call->answer, "ticket", json_object_new_string(ticket));
		json_object_object_add(call->answer, "expires", fields_time_json(expires));
	}
	return r;
}

enum store_result operation_activated(struct operation_call *call)
{
	enum store_result r = store_activation_done(call->tx, call->message->who, call->now);

	if (r != STORE_OK && r != STORE_EXISTS)
		return r;
	call->answer = json_object_new_object();
	json_object_object_add(call->answer, "state", json_object_new_string("activated"));
	return STORE_OK;
}
