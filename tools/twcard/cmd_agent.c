/* twcard agent: starts, stops and shows the local service for web pages. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/twcard/agent_client.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/program.h"
#include "tools/twcard/text.h"

static enum exit_code tell_none(void)
{
	message_error(_("no agent runs\nStart one with 'twcard agent start'."));
	return EXIT_NEGATIVE;
}

/* Finds it and asks it one thing. */
static enum exit_code ask(const char *what, struct runtime *r, struct json_object **out)
{
	enum exit_code code = agent_client_find(r);

	*out = NULL;
	if (code == EXIT_GOOD)
		code = agent_client_ask(r, what, out);
	return code == EXIT_NEGATIVE ? tell_none() : code;
}

static void print_line(const char *text)
{
	char *safe = text_safe(text);

	if (safe)
		puts(safe);
	free(safe);
}

/* ---- start ---- */

static struct json_object *place_json(const struct runtime *r)
{
	struct json_object *json = json_object_new_object();
	char url[64];

	snprintf(url, sizeof url, "http://localhost:%u", r->port);
	json_object_object_add(json, "running", json_object_new_boolean(true));
	json_object_object_add(json, "url", json_object_new_string(url));
	json_object_object_add(json, "port", json_object_new_int((int)r->port));
	json_object_object_add(json, "pid", json_object_new_int64((int64_t)r->pid));
	return json;
}

static enum exit_code tell_place(const struct runtime *r)
{
	if (message_is_json())
		message_json(place_json(r));
	else
		printf(_("The agent answers at http://localhost:%u (process %ld).\n"), r->port, (long)r->pid);
	return EXIT_GOOD;
}

/* Its file may have been left behind by one that was killed: it must answer. */
static enum exit_code find_running(struct runtime *r)
{
	struct json_object *json = NULL;
	enum exit_code code = agent_client_find(r);

	if (code == EXIT_GOOD)
		code = agent_client_ask(r, "status", &json);
	json_object_put(json);
	return code;
}

static enum exit_code run_start(const struct arguments *args)
{
	char port[] = "--port", module[] = "--module", path[PATH_MAX];
	char *argv[6] = {NULL};
	struct runtime r;
	enum exit_code code = find_running(&r);
	size_t n = 1;

	if (code == EXIT_GOOD)
		return tell_place(&r);
	if (code != EXIT_NEGATIVE)
		return code;
	if (arguments_has(args, "port")) {
		argv[n++] = port;
		argv[n++] = (char *)(uintptr_t)arguments_value(args, "port");
	}
	if (arguments_has(args, "module")) {
		/* it will be in another folder */
		if (!realpath(arguments_value(args, "module"), path)) {
			message_error("%s: %s", arguments_value(args, "module"), strerror(errno));
			return EXIT_FILE;
		}
		argv[n++] = module;
		argv[n++] = path;
	}
	code = agent_client_start(argv);
	if (code == EXIT_GOOD)
		code = agent_client_find(&r);
	return code == EXIT_GOOD ? tell_place(&r) : code == EXIT_NEGATIVE ? tell_none() : code;
}

/* ---- stop ---- */

static enum exit_code run_stop(const struct arguments *args)
{
	struct json_object *json;
	struct runtime r;
	enum exit_code code = ask("stop", &r, &json);

	(void)args;
	json_object_put(json);
	if (code != EXIT_GOOD)
		return code;
	if (!agent_client_wait_end()) {
		message_error(_("the agent (process %ld) does not end; is it waiting for a card?"), (long)r.pid);
		return EXIT_NEGATIVE;
	}
	if (message_is_json()) {
		json = json_object_new_object();
		json_object_object_add(json, "running", json_object_new_boolean(false));
		message_json(json);
	} else {
		puts(_("The agent has ended."));
	}
	return EXIT_GOOD;
}

/* ---- status ---- */

static size_t length_of(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static size_t count_cards(struct json_object *slots)
{
	size_t count = 0;

	for (size_t i = 0; i < length_of(slots); i++)
		count += json_object_is_type(json_bytes_member(json_object_array_get_idx(slots, i), "token"),
					     json_type_object);
	return count;
}

static size_t count_sites(struct json_object *sites, const char *state)
{
	size_t count = 0;

	for (size_t i = 0; i < length_of(sites); i++) {
		const char *is = json_bytes_text(json_object_array_get_idx(sites, i), "state");

		count += is && strcmp(is, state) == 0;
	}
	return count;
}

static enum exit_code run_status(const struct arguments *args)
{
	struct json_object *json, *slots, *sites, *out;
	struct runtime r;
	enum exit_code code = ask("status", &r, &json);

	(void)args;
	if (code != EXIT_GOOD)
		return code;
	slots = json_bytes_member(json_bytes_member(json, "info"), "slots");
	sites = json_bytes_member(json, "sites");
	if (message_is_json()) {
		out = place_json(&r);
		json_object_object_add(out, "version", message_json_some(json_bytes_text(json, "version")));
		json_object_object_add(out, "readers", json_object_new_int64((int64_t)length_of(slots)));
		json_object_object_add(out, "cards", json_object_new_int64((int64_t)count_cards(slots)));
		json_object_object_add(out, "peer_check", json_object_get(json_bytes_member(json, "peer_check")));
		json_object_object_add(out, "sites", json_object_get(sites));
		message_json(out);
	} else {
		tell_place(&r);
		printf(_("Readers: %zu, with a card that is known: %zu\n"), length_of(slots), count_cards(slots));
		printf(_("Sites: %zu allowed, %zu blocked\n"), count_sites(sites, "allowed"), count_sites(sites, "blocked"));
	}
	json_object_put(json);
	return EXIT_GOOD;
}

/* ---- log ---- */

static enum exit_code run_log(const struct arguments *args)
{
	struct json_object *json, *lines;
	struct runtime r;
	enum exit_code code = ask("log", &r, &json);

	(void)args;
	if (code != EXIT_GOOD)
		return code;
	lines = json_bytes_member(json, "lines");
	for (size_t i = 0; !message_is_json() && i < length_of(lines); i++)
		print_line(json_object_get_string(json_object_array_get_idx(lines, i)));
	if (message_is_json())
		message_json(json);
	else
		json_object_put(json);
	return EXIT_GOOD;
}

/* ---- open ---- */

/*
 * Other users see a program's arguments: the key in the address works once and for a minute, and only the
 * user's own programs reach the agent.
 */
static enum exit_code open_browser(const char *url)
{
	const char *const argv[] = {"xdg-open", url, NULL};
	struct program_result result = PROGRAM_RESULT_INIT;
	bool good = program_run(argv, NULL, NULL, 0, &result) && result.status == 0;

	program_result_clear(&result);
	if (good)
		return EXIT_GOOD;
	message_error(_("no browser could be opened\nWith --print the address is printed, to be opened by hand within a minute."));
	return EXIT_FILE;
}

static enum exit_code run_open(const struct arguments *args)
{
	struct json_object *json;
	const char *url;
	struct runtime r;
	enum exit_code code = ask("open", &r, &json);

	if (code != EXIT_GOOD)
		return code;
	url = json_bytes_text(json, "url");
	if (!url) {
		message_error(_("the agent's answer is no JSON"));
		code = EXIT_FILE;
	} else if (message_is_json()) {
		message_json(json_object_get(json));
	} else if (arguments_has(args, "print")) {
		print_line(url);
	} else {
		code = open_browser(url);
	}
	json_object_put(json);
	return code;
}

/* ---- the rows ---- */

static const struct option_row start_options[] = {
	{"port", 'p', N_("PORT"), N_("listen here (default: 61161; 0: any that is free)")},
	{"module", 'm', N_("FILE"), N_("use another PKCS#11 module")},
	{NULL, 0, NULL, NULL},
};

static const struct option_row open_options[] = {
	{"print", 0, NULL, N_("print the address instead; it works once, within a minute")},
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_agent_start = {
	.name = "agent start",
	.summary = N_("start the local service for web pages"),
	.more = N_("Pages of government sites sign through it, after you have agreed. One that runs already is left as it is."),
	.options = start_options,
	.run = run_start,
};

const struct subcommand command_agent_stop = {
	.name = "agent stop",
	.summary = N_("end the local service for web pages"),
	.run = run_stop,
};

const struct subcommand command_agent_status = {
	.name = "agent status",
	.summary = N_("does the local service run, and what does it see?"),
	.run = run_status,
};

const struct subcommand command_agent_log = {
	.name = "agent log",
	.summary = N_("the last lines of the local service's log"),
	.more = N_("It has sites, functions and result codes; never a PIN or what was signed."),
	.run = run_log,
};

const struct subcommand command_agent_open = {
	.name = "agent open",
	.summary = N_("open the card manager in the browser"),
	.options = open_options,
	.run = run_open,
};
