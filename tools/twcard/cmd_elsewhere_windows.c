/* The commands that Windows has not: each says so, and what there is in its place. */
#include "config.h"

#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"

static enum exit_code no_network(const struct arguments *args)
{
	message_error(_("twcard for Windows has no network, and so no '%s'\nUse twcard on Linux for it."),
		      args->command->name);
	return EXIT_FILE;
}

static enum exit_code no_agent(const struct arguments *args)
{
	message_error(_("there is no agent for Windows, and so no '%s'\nUse twcard on Linux for it."), args->command->name);
	return EXIT_FILE;
}

static enum exit_code no_recording(const struct arguments *args)
{
	(void)args;
	message_error(_("Windows has no 'trace record'\n"
			"Set TWCARD_DEBUG=trace and TWCARD_DEBUG_FILE=FILE for the other program."));
	return EXIT_FILE;
}

/* Whatever is said is not looked at. */
#define ELSEWHERE(variable, command, function)                                                      \
	const struct subcommand command_##variable = {                                              \
		.name = command,                                                                    \
		.words = "…",                                                                       \
		.words_max = -1,                                                                    \
		.summary = N_("(not for Windows)"),                                                 \
		.run = function,                                                                    \
	}

ELSEWHERE(authz_activate, "authz activate", no_network);
ELSEWHERE(authz_cancel, "authz cancel", no_network);
ELSEWHERE(authz_delegate, "authz delegate", no_network);
ELSEWHERE(authz_history, "authz history", no_network);
ELSEWHERE(authz_issue, "authz issue", no_network);
ELSEWHERE(authz_modify, "authz modify", no_network);
ELSEWHERE(authz_resume, "authz resume", no_network);
ELSEWHERE(authz_save, "authz save", no_network);
ELSEWHERE(authz_show, "authz show", no_network);
ELSEWHERE(authz_undelegate, "authz undelegate", no_network);
ELSEWHERE(agent_log, "agent log", no_agent);
ELSEWHERE(agent_open, "agent open", no_agent);
ELSEWHERE(agent_probe, "agent probe", no_agent);
ELSEWHERE(agent_start, "agent start", no_agent);
ELSEWHERE(agent_status, "agent status", no_agent);
ELSEWHERE(agent_stop, "agent stop", no_agent);
ELSEWHERE(trace_record, "trace record", no_recording);
