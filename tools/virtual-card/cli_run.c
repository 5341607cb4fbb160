/* cli_run.c - run, and the commands that talk to a running card. */
#include "server.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

/* FILE.sock, for free(). */
static char *
default_socket(const char *file)
{
	char *path = malloc(strlen(file) + sizeof(".sock"));

	if (path != NULL)
		sprintf(path, "%s.sock", file);
	return path;
}

/* ---- run ------------------------------------------------------------------------------ */

static const char run_help[] =
"Usage: twcard-virtual run FILE [OPTION...]\n"
"Puts the card into the virtual reader and serves it until SIGTERM or SIGINT.\n"
"Prints one line that starts with \"ready\" when the card is in the reader.\n\n"
"      --host HOST       where vpcd listens (127.0.0.1)\n"
"      --port PORT       (35963; the reader's second slot has the next one)\n"
"      --control SOCKET  control socket (FILE.sock)\n"
"      --trace OUT       record commands and answers, without secrets\n"
"      --ejected         start outside the reader; 'insert' puts the card in\n";

static int
run(const char *file, struct vc_server_options *options)
{
	char *socket = default_socket(file);
	struct vcard *card = NULL;
	char err[256];
	int rc = VC_EXIT_OK;

	if (options->control == NULL)
		options->control = socket;
	if (options->control == NULL)
		rc = vc_cli_fail("out of memory");
	else if (!vcard_load(file, &card, err, sizeof(err)) ||
	    !vc_server_run(&card, options, err, sizeof(err)))
		rc = vc_cli_fail("%s", err);
	free(socket);
	return rc;
}

int
vc_cli_run(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "host", required_argument, NULL, 'H' },
		{ "port", required_argument, NULL, 'p' },
		{ "control", required_argument, NULL, 'c' },
		{ "trace", required_argument, NULL, 't' },
		{ "ejected", no_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	struct vc_server_options options = { .host = "127.0.0.1", .port = "35963" };
	int option;

	while ((option = getopt_long(argc, argv, "H:p:c:t:eh", long_options, NULL)) != -1) {
		switch (option) {
		case 'H': options.host = optarg; break;
		case 'p': options.port = optarg; break;
		case 'c': options.control = optarg; break;
		case 't': options.trace = optarg; break;
		case 'e': options.ejected = true; break;
		case 'h':
			fputs(run_help, stdout);
			return VC_EXIT_OK;
		default:
			return vc_cli_usage("run", "bad option");
		}
	}
	if (optind + 1 != argc)
		return vc_cli_usage("run", "one card image is needed");
	return run(argv[optind], &options);
}

/* ---- control commands ------------------------------------------------------------------- */

static const struct {
	const char *name;
	int min, max; /* arguments after FILE */
	const char *help;
} controls[] = {
	{ "insert", 0, 1, "insert [FILE] [OTHER]\n"
	    "Puts the card into the reader. With OTHER, that image is served from now on." },
	{ "eject", 0, 0, "eject [FILE]\nTakes the card out of the reader." },
	{ "reset", 0, 0, "reset [FILE]\n"
	    "Resets the card behind the reader's back: selection, PIN and channel are lost." },
	{ "stats", 0, 0, "stats [FILE] [--reset] [--json]\n"
	    "Counters since the start or the last --reset, which is done after reading." },
	{ "fault", 0, 0, "fault [FILE] --at N --kind drop|garble|truncate|status|tear|none [--sw 6F00]\n"
	    "Spoils the answer to the N-th command from now (1: the next), once." },
	{ "trace", 1, 2, "trace [FILE] on OUT | off\n"
	    "Records commands and answers in OUT, without PINs and key data." },
	{ "behaviour", 1, 1, "behaviour [FILE] NAME[=VALUE],...\n"
	    "Changes the running card and its image: plain-ends-channel,\n"
	    "pin-lost-after-private-op, select-61 (on, off), read-max=N,\n"
	    "read-end=short|warn|exact|strict." },
};

enum { CONTROLS = sizeof(controls) / sizeof(controls[0]) };

struct request {
	size_t which;
	const char *control;
	const char *at, *kind, *sw;
	bool reset, json, help;
	char line[VC_CONTROL_LINE];
};

/* The server has another working directory. The file may not exist yet. */
static bool
absolute(const char *path, char *out, size_t size)
{
	char cwd[PATH_MAX] = "";
	int n;

	if (path[0] != '/' && realpath(".", cwd) == NULL)
		return false;
	n = snprintf(out, size, "%s%s%s", cwd, path[0] == '/' ? "" : "/", path);
	return n > 0 && (size_t)n < size;
}

static bool
is_number(const char *text, int base, unsigned long max)
{
	char *end;
	unsigned long n;

	if (text == NULL || *text == '\0' || *text == '-' || *text == '+')
		return false;
	errno = 0;
	n = strtoul(text, &end, base);
	return *end == '\0' && errno == 0 && n <= max;
}

/* The line for the server; `args` are the arguments after FILE. */
static int
make_line(struct request *r, int count, char **args)
{
	const char *name = controls[r->which].name;
	char path[PATH_MAX] = "";
	enum vcard_fault_kind kind;
	int n;

	if (strcmp(name, "fault") == 0) {
		if (!is_number(r->at, 10, 1000000) || strtoul(r->at, NULL, 10) == 0 ||
		    r->kind == NULL || !vcard_fault_kind_parse(r->kind, &kind))
			return vc_cli_usage(name, "--at N (from 1) and --kind "
			    "drop, garble, truncate, status or none are needed");
		if (!is_number(r->sw, 16, 0xFFFF) || strlen(r->sw) > 4)
			return vc_cli_usage(name, "--sw is four hex digits");
		n = snprintf(r->line, sizeof(r->line), "fault %s %s %s", r->at, r->kind, r->sw);
	} else if (strcmp(name, "trace") == 0) {
		if (strcmp(args[0], "off") == 0 && count == 1)
			n = snprintf(r->line, sizeof(r->line), "trace off");
		else if (strcmp(args[0], "on") == 0 && count == 2 &&
		    absolute(args[1], path, sizeof(path)))
			n = snprintf(r->line, sizeof(r->line), "trace on %s", path);
		else
			return vc_cli_usage(name, "'on OUT' or 'off' is needed");
	} else if (strcmp(name, "insert") == 0 && count == 1) {
		if (!absolute(args[0], path, sizeof(path)))
			return vc_cli_fail("%s: %s", args[0], strerror(errno));
		n = snprintf(r->line, sizeof(r->line), "insert %s", path);
	} else
		n = snprintf(r->line, sizeof(r->line), "%s%s%s", name,
		    count > 0 ? " " : r->reset ? " reset" : "", count > 0 ? args[0] : "");
	if (n < 0 || (size_t)n >= sizeof(r->line))
		return vc_cli_usage(name, "the argument is too long");
	return VC_EXIT_OK;
}

/* "name value" lines as an object. */
static void
print_json(char *reply)
{
	struct json_object *object = json_object_new_object();
	char *rest = NULL, *line, *value;

	for (line = strtok_r(reply, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		value = strchr(line, ' ');
		if (value == NULL)
			continue;
		*value++ = '\0';
		json_object_object_add(object, line, json_object_new_int64(strtoll(value, NULL, 10)));
	}
	printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
}

static int
parse_control(struct request *r, int argc, char **argv)
{
	static const struct option options[] = {
		{ "control", required_argument, NULL, 'c' },
		{ "at", required_argument, NULL, 'a' },
		{ "kind", required_argument, NULL, 'k' },
		{ "sw", required_argument, NULL, 's' },
		{ "reset", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	const char *name = controls[r->which].name;
	bool fault = strcmp(name, "fault") == 0, stats = strcmp(name, "stats") == 0;
	int option;

	while ((option = getopt_long(argc, argv, "c:a:k:s:rjh", options, NULL)) != -1) {
		if (option == 'c')
			r->control = optarg;
		else if (option == 'h')
			r->help = true;
		else if (option == 'a' && fault)
			r->at = optarg;
		else if (option == 'k' && fault)
			r->kind = optarg;
		else if (option == 's' && fault)
			r->sw = optarg;
		else if (option == 'r' && stats)
			r->reset = true;
		else if (option == 'j' && stats)
			r->json = true;
		else
			return vc_cli_usage(name, "bad option");
	}
	return VC_EXIT_OK;
}

static int
ask(const struct request *r, const char *socket)
{
	char err[512], *reply = vc_control_ask(socket, r->line, err, sizeof(err));

	if (reply == NULL)
		return vc_cli_fail("%s", err);
	if (r->json)
		print_json(reply);
	else
		fputs(reply, stdout);
	free(reply);
	return VC_EXIT_OK;
}

int
vc_cli_control(int argc, char **argv)
{
	struct request r = { .which = 0, .sw = "6F00" };
	char *socket = NULL;
	int rc, count;

	while (r.which < CONTROLS - 1 && strcmp(argv[0], controls[r.which].name) != 0)
		r.which++;
	rc = parse_control(&r, argc, argv);
	if (rc != VC_EXIT_OK)
		return rc;
	if (r.help) {
		printf("Usage: twcard-virtual %s\nFILE is the image that is served, for its control "
		    "socket FILE.sock;\nwith --control SOCKET it is left out.\n",
		    controls[r.which].help);
		return VC_EXIT_OK;
	}
	if (r.control == NULL) {
		if (optind == argc)
			return vc_cli_usage(argv[0], "which card? Give the image or --control SOCKET");
		socket = default_socket(argv[optind++]);
	}
	count = argc - optind;
	if (count < controls[r.which].min || count > controls[r.which].max)
		rc = vc_cli_usage(argv[0], "%s arguments", count < controls[r.which].min ?
		    "missing" : "too many");
	else
		rc = make_line(&r, count, argv + optind);
	if (rc == VC_EXIT_OK && r.control == NULL && socket == NULL)
		rc = vc_cli_fail("out of memory");
	if (rc == VC_EXIT_OK)
		rc = ask(&r, r.control != NULL ? r.control : socket);
	free(socket);
	return rc;
}
