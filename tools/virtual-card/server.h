/*
 * server.h - the card as a program: a client of the virtual reader (vpcd),
 * with a control socket. Private to twcard-virtual.
 */
#ifndef VCARD_SERVER_H
#define VCARD_SERVER_H

#include "vcard.h"

#include <poll.h>

/* ---- vpcd.c: the connection to the reader ------------------------------------ */

enum {
	VC_VPCD_OFF = 0,
	VC_VPCD_ON = 1,
	VC_VPCD_RESET = 2,
	VC_VPCD_ATR = 4,
	VC_VPCD_MESSAGE_MAX = 0xFFFF
};

struct vc_vpcd {
	int fd; /* -1: not connected */
	size_t used;
	size_t taken; /* bytes of the message handed out last */
	uint8_t in[2 + VC_VPCD_MESSAGE_MAX];
};

void vc_vpcd_init(struct vc_vpcd *link);
/* At most a second. False leaves a text in err. */
bool vc_vpcd_connect(struct vc_vpcd *link, const char *host, const char *port,
    char *err, size_t errlen);
void vc_vpcd_close(struct vc_vpcd *link);
/* Takes what has arrived; false when the reader is gone. */
bool vc_vpcd_receive(struct vc_vpcd *link);
/* The next whole message, valid until the next call; false when there is none yet. */
bool vc_vpcd_next(struct vc_vpcd *link, const uint8_t **message, size_t *len);
/* False when the reader is gone. */
bool vc_vpcd_send(struct vc_vpcd *link, const uint8_t *message, size_t len);

/* ---- control.c: the control socket ---------------------------------------------- */

enum { VC_CONTROL_CLIENTS = 8, VC_CONTROL_LINE = 4608, VC_CONTROL_REPLY = 1024 };

/* Answers one line: "ok" or "error TEXT", then more lines. */
typedef void vc_control_fn(void *context, char *line, char *reply, size_t size);

struct vc_control_client {
	int fd; /* -1: free */
	size_t in_used, out_used, out_sent;
	int64_t deadline_ms; /* a stalled client is dropped */
	char in[VC_CONTROL_LINE];
	char out[VC_CONTROL_REPLY];
};

struct vc_control {
	int fd; /* listening; -1: none */
	char *path;
	struct vc_control_client clients[VC_CONTROL_CLIENTS];
};

void vc_control_init(struct vc_control *control);
bool vc_control_listen(struct vc_control *control, const char *path, char *err, size_t errlen);
/* Closes all and removes the socket. */
void vc_control_close(struct vc_control *control);
/* Fills up to VC_CONTROL_CLIENTS + 1 entries and returns how many. */
nfds_t vc_control_poll(const struct vc_control *control, struct pollfd *fds);
/* Does what is ready, never waits. */
void vc_control_serve(struct vc_control *control, vc_control_fn *handle, void *context);
/* Milliseconds until a client times out, or -1. */
int vc_control_timeout(const struct vc_control *control);

/* Client side: sends a line, returns the reply's text after "ok" for free();
 * NULL with a text in err. */
char *vc_control_ask(const char *path, const char *line, char *err, size_t errlen);

int64_t vc_now_ms(void);

/* ---- server.c ------------------------------------------------------------------------ */

struct vc_server_options {
	const char *host;
	const char *port;
	const char *control; /* socket path */
	const char *trace;   /* file, or NULL */
	bool ejected;
};

/*
 * Serves the card until SIGTERM or SIGINT. Takes *card and frees whatever
 * card is in the reader at the end. False: it could not start.
 */
bool vc_server_run(struct vcard **card, const struct vc_server_options *options,
    char *err, size_t errlen);

/* ---- commands of the program (cli_*.c): exit codes 0, 1, 2 ----------------------------- */

enum { VC_EXIT_OK = 0, VC_EXIT_FAILED = 1, VC_EXIT_USAGE = 2 };

int vc_cli_create(int argc, char **argv);
int vc_cli_show(int argc, char **argv);
int vc_cli_export(int argc, char **argv);
int vc_cli_run(int argc, char **argv);
int vc_cli_control(int argc, char **argv); /* insert, eject, reset, stats, fault, trace, behaviour */

/* "twcard-virtual: TEXT" on stderr; returns VC_EXIT_FAILED. */
int vc_cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with a pointer to --help; returns VC_EXIT_USAGE. */
int vc_cli_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
