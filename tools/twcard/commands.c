#include "config.h"

#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"

const struct subcommand *const commands[] = {
	&command_status,
	&command_cert_list,
	&command_cert_show,
	&command_cert_export,
	&command_cert_check,
	&command_pin_verify,
	&command_pin_change,
	&command_pin_unblock,
	&command_doctor,
	&command_explain,
	&command_trace_record,
	&command_trace_show,
	&command_trace_redact,
	&command_profile_list,
	&command_profile_show,
	&command_apdu,
	&command_cert_register,
	&command_cert_unregister,
	&command_name_set,
	&command_name_show,
	&command_name_clear,
	&command_sign,
	&command_verify,
	&command_encrypt,
	&command_decrypt,
	&command_authz_activate,
	&command_authz_issue,
	&command_authz_modify,
	&command_authz_cancel,
	&command_authz_delegate,
	&command_authz_undelegate,
	&command_authz_show,
	&command_authz_save,
	&command_authz_history,
	&command_authz_resume,
	NULL,
};

const struct option_row common_options[] = {
	{"reader", 'r', N_("NAME"), N_("the card in this reader: its number, or part of its name")},
	{"json", 'j', NULL, N_("one JSON value on standard output")},
	{"help", 'h', NULL, N_("this text")},
	{NULL, 0, NULL, NULL},
};
