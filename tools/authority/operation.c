#include "config.h"

#include <string.h>

#include "tools/authority/operation.h"

static const struct operation operations[] = {
	{"reserve", OPERATION_ANY_CARD, operation_reserve},
	{"register", OPERATION_ANY_CARD, operation_register},
	{"written", OPERATION_ANY_CARD, operation_written},
	{"withdraw", OPERATION_ANY_CARD, operation_withdraw},
	{"history", OPERATION_ANY_CARD, operation_history},
	{"get", OPERATION_ANY_CARD, operation_get},
	{"activate", OPERATION_ATTACHED, operation_activate},
	{"activated", OPERATION_ATTACHED, operation_activated},
};

const struct operation *operation_find(const char *name)
{
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	return NULL;
}

enum store_result operation_refuse(struct operation_call *call, enum error_code error, enum authz_reason reason)
{
	call->error = error;
	call->reason = reason;
	return STORE_OK;
}

enum store_result operation_refuse_reason(struct operation_call *call, enum authz_reason reason)
{
	static const struct {
		enum authz_reason reason;
		enum error_code error;
	} rows[] = {
		{AUTHZ_DELEGATION_MISSING, ERROR_DELEGATION_MISSING},
		{AUTHZ_DELEGATION_BAD, ERROR_DELEGATION_NOT_VALID},
		{AUTHZ_DELEGATION_DISABLED, ERROR_DELEGATION_NOT_VALID},
		{AUTHZ_DELEGATION_NOT_YET_VALID, ERROR_DELEGATION_NOT_VALID},
		{AUTHZ_DELEGATION_EXPIRED, ERROR_DELEGATION_EXPIRED},
		{AUTHZ_BAD_ARGUMENT, ERROR_BAD_REQUEST},
	};

	/* not the request's fault: nothing is kept of it, and it may come again */
	if (reason == AUTHZ_NO_MEMORY)
		return STORE_NO_MEMORY;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].reason == reason)
			return operation_refuse(call, rows[i].error, reason);
	return operation_refuse(call, ERROR_RULE, reason);
}
