/* twcard-agent: reads its options, takes its port, answers until it is told to end or nobody asks any more. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "src/base/file.h"
#include "tools/agent/pages.h"
#include "tools/agent/peer.h"
#include "tools/agent/runtime.h"
#include "tools/agent/server.h"
#include "tools/twcard/message.h"

#define PROBLEM_MAX 512
#define NUMBER_MAX 86400
#define FORGET_MS 60000 /* after its time, a window may still ask what became of it */

struct options {
	unsigned port, idle, consent_seconds; /* seconds; 0: no end */
	const char *module;
	bool autostart, help, version;
};

static const char help_text[] = N_(
	"Usage: twcard-agent [OPTION…]\n"
	"\n"
	"A signing service on this machine for web pages (HiPKI's page protocol).\n"
	"\n"
	"  --port PORT             listen here (default 61161; 0: any that is free)\n"
	"  --module FILE           use another PKCS#11 module\n"
	"  --idle SECONDS          end when nobody has asked for so long (default 0: never)\n"
	"  --autostart             end at once where systemd runs: its units start the service\n"
	"  --consent-seconds N     so long the user may take to agree (default 13; 0: no limit)\n"
	"  -V, --version           the version\n"
	"  -h, --help              this text\n");

static int64_t tell_time(void)
{
	struct timespec t = {.tv_sec = 0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tell(const char *text)
{
	fprintf(stderr, "twcard-agent: %s\n", text);
}

/* ---- options ---- */

static bool read_number(const char *name, const char *text, unsigned max, unsigned *out)
{
	char *end = NULL;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n > max) {
		fprintf(stderr, _("twcard-agent: --%s: a number from 0 to %u is needed\n"), name, max);
		return false;
	}
	*out = (unsigned)n;
	return true;
}

/* False: it is not right, and the user has been told. */
static bool read_options(int argc, char **argv, struct options *o)
{
	static const struct option rows[] = {
		{"port", required_argument, NULL, 'p'},
		{"module", required_argument, NULL, 'm'},
		{"idle", required_argument, NULL, 'i'},
		{"consent-seconds", required_argument, NULL, 'c'},
		{"autostart", no_argument, NULL, 'a'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool good = true;
	int c;

	*o = (struct options){.port = AGENT_PORT, .consent_seconds = AGENT_CONSENT_SECONDS};
	while (good && (c = getopt_long(argc, argv, "Vh", rows, NULL)) != -1) {
		if (c == 'p')
			good = read_number("port", optarg, 65535, &o->port);
		else if (c == 'i')
			good = read_number("idle", optarg, NUMBER_MAX, &o->idle);
		else if (c == 'c')
			good = read_number("consent-seconds", optarg, NUMBER_MAX, &o->consent_seconds);
		else if (c == 'm')
			o->module = optarg;
		else if (c == 'a')
			o->autostart = true;
		else if (c == 'V')
			o->version = true;
		else if (c == 'h')
			o->help = true;
		else
			good = false;
	}
	if (good && optind < argc) {
		tell(_("no words are taken, only options (--help)"));
		good = false;
	}
	return good;
}

/* ---- the run ---- */

/* It holds PINs for moments: nothing of it goes into a core file, and no other process of the user looks into it. */
static void protect(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static bool is_idle(struct agent *a, unsigned idle)
{
	int64_t now = a->now();

	return idle && now - atomic_load(&a->used) > (int64_t)idle * 1000 && !popups_count(a->popups, now);
}

static void wait_for_end(struct agent *a, unsigned idle, const sigset_t *signals)
{
	const struct timespec soon = {.tv_nsec = 200000000};

	while (sigtimedwait(signals, NULL, &soon) < 0) {
		/* a PIN that came with a request which nobody answered does not stay */
		(void)popups_count(a->popups, a->now() - FORGET_MS);
		if (atomic_load(&a->stop) || is_idle(a, idle))
			return;
	}
}

static enum exit_code serve(struct agent *a, const struct options *o, struct loopback *sockets, const sigset_t *signals)
{
	struct runtime r = {.port = sockets->port, .pid = getpid()};
	struct agent_server *server;

	snprintf(r.secret, sizeof r.secret, "%s", keys_secret(a->keys));
	server = agent_server_start(a, sockets);
	if (!server) {
		tell(_("the HTTP library does not start; is there enough memory?"));
		return EXIT_INTERNAL;
	}
	if (!runtime_write(&r)) {
		fprintf(stderr, _("twcard-agent: its file in $XDG_RUNTIME_DIR/twcard: %s\n"), strerror(errno));
		agent_server_stop(server);
		return EXIT_FILE;
	}
	if (!peer_is_told())
		journal_line(a->journal, "this system does not tell whose a connection is: other users can reach the windows");
	printf("ready: http://localhost:%u\n", sockets->port);
	fflush(stdout);
	wait_for_end(a, o->idle, signals);
	runtime_remove();
	agent_server_stop(server);
	return EXIT_GOOD;
}

static bool open_parts(struct agent *a, const struct options *o)
{
	char path[FILE_PATH_MAX], problem[PROBLEM_MAX] = "";

	if (!runtime_sites_path(path, sizeof path)) {
		tell(_("there is no place for the list of sites: set HOME"));
		return false;
	}
	a->sites = sites_open(path, problem, sizeof problem);
	a->work = a->sites ? work_open(o->module, problem, sizeof problem) : NULL;
	if (!a->work) {
		tell(problem);
		return false;
	}
	a->journal = journal_new(true);
	a->page_list = pages;
	a->now = tell_time;
	a->consent_seconds = o->consent_seconds;
	return agent_init(a);
}

static bool open_sockets(const struct options *o, struct loopback *sockets)
{
	char problem[PROBLEM_MAX] = "";
	bool good = loopback_inherit(sockets, problem, sizeof problem) &&
		    (sockets->count || loopback_open(o->port, sockets, problem, sizeof problem));

	if (!good)
		tell(problem);
	return good;
}

/* As sd_booted(3) says it. */
static bool systemd_runs(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

/* The lock is there: no other agent of the user's is. */
static enum exit_code run(const struct options *o)
{
	struct agent a = {.port = 0};
	struct loopback sockets = {.count = 0};
	enum exit_code code = EXIT_FILE;
	sigset_t signals;

	/* before there are threads: the signals wait until they are asked for */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (open_sockets(o, &sockets) && open_parts(&a, o))
		code = serve(&a, o, &sockets, &signals);
	loopback_close(&sockets);
	agent_clear(&a);
	return code;
}

static enum exit_code run_alone(const struct options *o)
{
	struct runtime other;
	int lock = runtime_lock();
	enum exit_code code;

	if (lock < 0 && errno == EWOULDBLOCK) {
		if (runtime_read(&other))
			fprintf(stderr, _("twcard-agent: one of yours runs already: process %ld, port %u (twcard agent stop)\n"),
				(long)other.pid, other.port);
		else
			tell(_("one of yours runs already (twcard agent stop)"));
		return EXIT_NEGATIVE;
	}
	if (lock < 0) {
		fprintf(stderr, _("twcard-agent: its lock in $XDG_RUNTIME_DIR/twcard: %s\n"), strerror(errno));
		return EXIT_FILE;
	}
	code = run(o);
	close(lock);
	return code;
}

int main(int argc, char **argv)
{
	struct options o;

	message_start();
	if (!read_options(argc, argv, &o))
		return EXIT_USAGE;
	if (o.help || o.version) {
		fputs(o.help ? _(help_text) : "twcard-agent " PACKAGE_VERSION "\n", stdout);
		return EXIT_GOOD;
	}
	if (o.autostart && systemd_runs())
		return EXIT_GOOD;
	protect();
	return run_alone(&o);
}
