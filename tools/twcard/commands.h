/* The commands of twcard, each in its own file. */
#ifndef TWCARD_TOOLS_COMMANDS_H
#define TWCARD_TOOLS_COMMANDS_H

#include "tools/twcard/arguments.h"
#include "tools/twcard/subcommand.h"

extern const struct subcommand command_agent_log;
extern const struct subcommand command_agent_open;
extern const struct subcommand command_agent_probe;
extern const struct subcommand command_agent_start;
extern const struct subcommand command_agent_status;
extern const struct subcommand command_agent_stop;
extern const struct subcommand command_authz_activate;
extern const struct subcommand command_authz_cancel;
extern const struct subcommand command_authz_delegate;
extern const struct subcommand command_authz_issue;
extern const struct subcommand command_authz_modify;
extern const struct subcommand command_authz_undelegate;
extern const struct subcommand command_doctor;
extern const struct subcommand command_explain;
extern const struct subcommand command_apdu;
extern const struct subcommand command_authz_history;
extern const struct subcommand command_authz_resume;
extern const struct subcommand command_authz_save;
extern const struct subcommand command_authz_show;
extern const struct subcommand command_profile_list;
extern const struct subcommand command_profile_show;
extern const struct subcommand command_cert_register;
extern const struct subcommand command_cert_unregister;
extern const struct subcommand command_name_clear;
extern const struct subcommand command_name_set;
extern const struct subcommand command_name_show;
extern const struct subcommand command_decrypt;
extern const struct subcommand command_encrypt;
extern const struct subcommand command_sign;
extern const struct subcommand command_pin_change;
extern const struct subcommand command_pin_unblock;
extern const struct subcommand command_pin_verify;
extern const struct subcommand command_status;
extern const struct subcommand command_cert_list;
extern const struct subcommand command_cert_show;
extern const struct subcommand command_cert_export;
extern const struct subcommand command_cert_check;
extern const struct subcommand command_trace_record;
extern const struct subcommand command_trace_redact;
extern const struct subcommand command_trace_show;
extern const struct subcommand command_verify;

#endif
