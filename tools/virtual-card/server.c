/*
 * server.c - the poll loop between the virtual reader and the card, and the
 * control socket's commands.
 */
#include "server.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKOFF_FIRST_MS = 50, BACKOFF_LAST_MS = 1000 };

struct server {
	const struct vc_server_options *options;
	struct vcard *card;
	struct vc_vpcd link;
	struct vc_control control;
	FILE *trace;
	bool inserted;      /* wants to be connected */
	bool told_waiting;
	bool told_ready;
	int backoff_ms;
	int64_t next_try_ms;
};

/* The only global: a signal handler can see nothing else. */
static volatile sig_atomic_t stopped;

static void
on_signal(int number)
{
	(void)number;
	stopped = 1;
}

/* ---- reader ------------------------------------------------------------------------ */

static void
tell_ready(struct server *s)
{
	if (s->told_ready)
		return;
	s->told_ready = true;
	printf("ready: generation %d card %s, %s %s port %s, control %s\n",
	    vcard_generation(s->card), vcard_card_number(s->card),
	    s->inserted ? "in the reader at" : "ejected from", s->options->host,
	    s->options->port, s->options->control);
	fflush(stdout);
}

static void
try_connect(struct server *s)
{
	char err[256];

	if (vc_vpcd_connect(&s->link, s->options->host, s->options->port, err, sizeof(err))) {
		s->backoff_ms = BACKOFF_FIRST_MS;
		s->told_waiting = false;
		tell_ready(s);
		return;
	}
	if (!s->told_waiting)
		fprintf(stderr, "twcard-virtual: %s; waiting for it (is pcscd running, "
		    "with vsmartcard-vpcd installed?)\n", err);
	s->told_waiting = true;
	s->next_try_ms = vc_now_ms() + s->backoff_ms;
	s->backoff_ms = s->backoff_ms * 2 < BACKOFF_LAST_MS ? s->backoff_ms * 2 : BACKOFF_LAST_MS;
}

/* The card is out of the reader, or the reader is gone. */
static void
disconnect(struct server *s)
{
	vc_vpcd_close(&s->link);
	vcard_power_off(s->card);
	s->next_try_ms = vc_now_ms() + s->backoff_ms;
}

static bool
answer_apdu(struct server *s, const uint8_t *message, size_t len)
{
	uint8_t answer[VCARD_RESPONSE_MAX];
	size_t answer_len;

	if (vcard_transmit(s->card, message, len, answer, sizeof(answer), &answer_len) ==
	    VCARD_ANSWERED)
		return vc_vpcd_send(&s->link, answer, answer_len);
	/* A mute card: vpcd has no word for it, but a connection that ends is
	 * an error at the reader. A drop fault stays out until "insert". */
	if (vcard_powered(s->card))
		s->inserted = false;
	return false;
}

static bool
handle_message(struct server *s, const uint8_t *message, size_t len)
{
	const uint8_t *atr;
	size_t atr_len;

	if (len != 1)
		return answer_apdu(s, message, len);
	switch (message[0]) {
	case VC_VPCD_OFF:
		vcard_power_off(s->card);
		return true;
	case VC_VPCD_ON:
		vcard_power_on(s->card);
		return true;
	case VC_VPCD_RESET:
		vcard_reset(s->card);
		return true;
	case VC_VPCD_ATR:
		atr = vcard_atr(s->card, &atr_len);
		return vc_vpcd_send(&s->link, atr, atr_len);
	default:
		return true;
	}
}

static void
serve_reader(struct server *s)
{
	const uint8_t *message;
	size_t len;

	if (!vc_vpcd_receive(&s->link)) {
		disconnect(s);
		return;
	}
	while (vc_vpcd_next(&s->link, &message, &len)) {
		if (!handle_message(s, message, len)) {
			disconnect(s);
			return;
		}
	}
}

/* ---- trace ---------------------------------------------------------------------------- */

static void
trace_off(struct server *s)
{
	vcard_set_trace_file(s->card, NULL);
	if (s->trace != NULL)
		fclose(s->trace);
	s->trace = NULL;
}

static bool
trace_on(struct server *s, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (file == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	trace_off(s);
	s->trace = file;
	vcard_set_trace_file(s->card, file);
	return true;
}

/* A swapped card goes on in the same trace, without a second header. */
static void
keep_trace(struct vcard *from, struct vcard *to)
{
	vcard_set_trace(to, from->trace, from->trace_context);
}

/* ---- control commands: `args` is the rest of the line ------------------------------------ */

static void
do_insert(struct server *s, char *args, char *reply, size_t size)
{
	struct vcard *card;
	char err[256];

	if (s->inserted && s->link.fd >= 0 && *args == '\0') {
		snprintf(reply, size, "error the card is in the reader already ('eject' first)\n");
		return;
	}
	if (*args != '\0') {
		if (!vcard_load(args, &card, err, sizeof(err))) {
			snprintf(reply, size, "error %s\n", err);
			return;
		}
		if (s->link.fd >= 0)
			vcard_trace_event(s->card, "eject");
		disconnect(s);
		keep_trace(s->card, card);
		vcard_free(&s->card);
		s->card = card;
	}
	s->inserted = true;
	s->backoff_ms = BACKOFF_FIRST_MS;
	vcard_trace_event(s->card, "insert");
	try_connect(s);
	snprintf(reply, size, "ok\n%s\n", s->link.fd >= 0 ? "inserted" : "waiting for the reader");
}

static void
do_eject(struct server *s, char *args, char *reply, size_t size)
{
	(void)args;
	if (!s->inserted) {
		snprintf(reply, size, "error the card is not in the reader\n");
		return;
	}
	vcard_trace_event(s->card, "eject");
	s->inserted = false;
	disconnect(s);
	snprintf(reply, size, "ok\n");
}

static void
do_reset(struct server *s, char *args, char *reply, size_t size)
{
	(void)args;
	if (!vcard_powered(s->card)) {
		snprintf(reply, size, "error the card has no power\n");
		return;
	}
	vcard_reset(s->card);
	snprintf(reply, size, "ok\n");
}

static void
do_stats(struct server *s, char *args, char *reply, size_t size)
{
	struct vcard_stats stats;

	vcard_stats(s->card, &stats);
	snprintf(reply, size, "ok\ncommands %" PRIu64 "\nbytes_in %" PRIu64 "\nbytes_out %" PRIu64
	    "\nprivate_ops %" PRIu64 "\nverifies %" PRIu64 "\ncard_time_us %" PRIu64
	    "\ntries_left %u\n", stats.commands, stats.bytes_in, stats.bytes_out,
	    stats.private_ops, stats.verifies, stats.card_time_us, vcard_tries_left(s->card));
	if (strcmp(args, "reset") == 0)
		vcard_stats_reset(s->card);
}

static void
do_fault(struct server *s, char *args, char *reply, size_t size)
{
	enum vcard_fault_kind kind;
	unsigned nth, sw;
	char name[16];

	if (sscanf(args, "%u %15s %4x", &nth, name, &sw) != 3 || nth == 0 ||
	    !vcard_fault_kind_parse(name, &kind)) {
		snprintf(reply, size, "error bad fault\n");
		return;
	}
	vcard_fault(s->card, nth, kind, (uint16_t)sw);
	snprintf(reply, size, "ok\n");
}

static void
do_trace(struct server *s, char *args, char *reply, size_t size)
{
	if (strcmp(args, "off") == 0) {
		trace_off(s);
		snprintf(reply, size, "ok\n");
	} else if (strncmp(args, "on ", 3) != 0 || args[3] == '\0')
		snprintf(reply, size, "error bad trace command\n");
	else if (trace_on(s, args + 3))
		snprintf(reply, size, "ok\n");
	else
		snprintf(reply, size, "error %s: %s\n", args + 3, strerror(errno));
}

static void
do_behaviour(struct server *s, char *args, char *reply, size_t size)
{
	struct vcard_behaviour behaviour;
	char err[256];

	vcard_behaviour_get(s->card, &behaviour);
	if (!vcard_behaviour_parse(&behaviour, args, err, sizeof(err))) {
		snprintf(reply, size, "error %s\n", err);
		return;
	}
	vcard_behaviour_set(s->card, &behaviour);
	if (!vc_image_update(s->card))
		snprintf(reply, size, "error the card image could not be saved\n");
	else
		snprintf(reply, size, "ok\n");
}

static const struct {
	const char *name;
	void (*handle)(struct server *s, char *args, char *reply, size_t size);
} commands[] = {
	{ "insert", do_insert },
	{ "eject", do_eject },
	{ "reset", do_reset },
	{ "stats", do_stats },
	{ "fault", do_fault },
	{ "trace", do_trace },
	{ "behaviour", do_behaviour },
};

static void
handle_control(void *context, char *line, char *reply, size_t size)
{
	struct server *s = context;
	char *args = strchr(line, ' ');
	size_t i;

	if (args != NULL)
		*args++ = '\0';
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(line, commands[i].name) == 0) {
			commands[i].handle(s, args != NULL ? args : line + strlen(line), reply, size);
			return;
		}
	}
	snprintf(reply, size, "error unknown command '%.40s'\n", line);
}

/* ---- loop ------------------------------------------------------------------------------------ */

/* Milliseconds until something is due, or -1. */
static int
wait_time(const struct server *s)
{
	int wait = vc_control_timeout(&s->control);
	int64_t left;

	if (s->inserted && s->link.fd < 0) {
		left = s->next_try_ms - vc_now_ms();
		if (left < 0)
			left = 0;
		if (wait < 0 || left < wait)
			wait = (int)left;
	}
	return wait;
}

static void
loop(struct server *s, const sigset_t *mask)
{
	struct pollfd fds[VC_CONTROL_CLIENTS + 2];
	struct timespec limit;
	nfds_t n;
	int wait;

	while (!stopped) {
		if (s->inserted && s->link.fd < 0 && s->next_try_ms <= vc_now_ms())
			try_connect(s);
		n = vc_control_poll(&s->control, fds);
		if (s->link.fd >= 0) {
			fds[n].fd = s->link.fd;
			fds[n++].events = POLLIN;
		}
		wait = wait_time(s);
		limit.tv_sec = wait / 1000;
		limit.tv_nsec = (long)(wait % 1000) * 1000000;
		/* Signals come only here: none is lost between test and sleep. */
		if (ppoll(fds, n, wait < 0 ? NULL : &limit, mask) < 0 && errno != EINTR)
			break;
		if (s->link.fd >= 0)
			serve_reader(s);
		vc_control_serve(&s->control, handle_control, s);
	}
}

static void
catch_signals(sigset_t *unblocked)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t block;

	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, unblocked);
	sigdelset(unblocked, SIGTERM);
	sigdelset(unblocked, SIGINT);
}

bool
vc_server_run(struct vcard **card, const struct vc_server_options *options,
    char *err, size_t errlen)
{
	struct server *s = calloc(1, sizeof(*s));
	sigset_t mask;
	bool ok = false;

	if (s == NULL) {
		vc_error(err, errlen, "out of memory");
		return false;
	}
	s->options = options;
	s->card = *card;
	*card = NULL;
	s->inserted = !options->ejected;
	s->backoff_ms = BACKOFF_FIRST_MS;
	vc_vpcd_init(&s->link);
	vc_control_init(&s->control);
	catch_signals(&mask);
	if (!vc_control_listen(&s->control, options->control, err, errlen))
		goto out;
	if (options->trace != NULL && !trace_on(s, options->trace)) {
		vc_error(err, errlen, "%s: %s", options->trace, strerror(errno));
		goto out;
	}
	if (options->ejected)
		tell_ready(s);
	loop(s, &mask);
	ok = true;
out:
	vc_control_close(&s->control);
	vc_vpcd_close(&s->link);
	trace_off(s);
	vcard_free(&s->card);
	free(s);
	return ok;
}
