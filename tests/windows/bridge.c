/*
 * bridge - does what winscard.dll, the test double, is asked under wine, with
 * the pcscd of with-pcscd. Prints its port, then serves until it is killed. A
 * program that ends lets its connections go, and so its contexts: as the
 * resource manager and pcscd do it.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <winscard.h>

#include "bridge.h"

#define STATES_MAX (BRIDGE_DATA / sizeof(struct bridge_state))

struct client {
	int fd;
	SCARDCONTEXT context;
	bool has_context;
	struct bridge_frame f;
	char data[BRIDGE_DATA + 1];
};

static bool move(int fd, void *at, size_t len, bool in)
{
	for (char *p = at; len;) {
		ssize_t n = in ? recv(fd, p, len, 0) : send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static LONG watch(struct client *c)
{
	struct bridge_state *all = (struct bridge_state *)(void *)c->data;
	size_t count = c->f.len / sizeof *all;
	SCARD_READERSTATE states[STATES_MAX];
	DWORD timeout = c->f.a == UINT32_MAX ? INFINITE : (DWORD)c->f.a;
	LONG code;

	memset(states, 0, sizeof states);
	for (size_t i = 0; i < count; i++) {
		states[i].szReader = all[i].name;
		states[i].dwCurrentState = all[i].known;
	}
	code = SCardGetStatusChange(c->context, timeout, states, (DWORD)count);
	for (size_t i = 0; i < count; i++) {
		all[i].seen = (uint32_t)states[i].dwEventState;
		all[i].atr_len = (uint32_t)states[i].cbAtr;
		memcpy(all[i].atr, states[i].rgbAtr, sizeof states[i].rgbAtr);
	}
	return code;
}

static LONG transmit(struct client *c)
{
	const SCARD_IO_REQUEST *pci = c->f.b == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
	unsigned char answer[BRIDGE_DATA];
	DWORD len = c->f.a < sizeof answer ? (DWORD)c->f.a : sizeof answer;
	LONG code = SCardTransmit((SCARDHANDLE)c->f.handle, pci, (unsigned char *)c->data, c->f.len, NULL,
				  answer, &len);

	c->f.len = code == SCARD_S_SUCCESS ? (uint32_t)len : 0;
	memcpy(c->data, answer, c->f.len);
	return code;
}

static LONG status(struct client *c)
{
	DWORD state = 0, protocol = 0, name_len = 0, atr_len = BRIDGE_ATR;
	LONG code = SCardStatus((SCARDHANDLE)c->f.handle, NULL, &name_len, &state, &protocol,
				(unsigned char *)c->data, &atr_len);

	c->f.a = state;
	c->f.b = protocol;
	c->f.len = code == SCARD_S_SUCCESS ? (uint32_t)atr_len : 0;
	return code;
}

static LONG reader_call(struct client *c)
{
	DWORD len = BRIDGE_DATA, protocol = 0;
	SCARDHANDLE handle = 0;
	LONG code;

	switch (c->f.call) {
	case BRIDGE_ESTABLISH:
		code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &c->context);
		c->has_context = code == SCARD_S_SUCCESS;
		c->f.handle = (uint64_t)c->context;
		break;
	case BRIDGE_LIST:
		code = SCardListReaders(c->context, NULL, c->data, &len);
		c->f.len = code == SCARD_S_SUCCESS ? (uint32_t)len : 0;
		break;
	case BRIDGE_CANCEL:
		return SCardCancel((SCARDCONTEXT)c->f.a);
	case BRIDGE_CONNECT:
		code = SCardConnect(c->context, c->data, c->f.a, c->f.b, &handle, &protocol);
		c->f.handle = (uint64_t)handle;
		c->f.b = protocol;
		c->f.len = 0;
		break;
	default:
		return watch(c);
	}
	return code;
}

static LONG card_call(struct client *c)
{
	SCARDHANDLE handle = (SCARDHANDLE)c->f.handle;
	DWORD protocol = 0;
	LONG code;

	switch (c->f.call) {
	case BRIDGE_RECONNECT:
		code = SCardReconnect(handle, c->f.a, c->f.b, c->f.c, &protocol);
		c->f.b = protocol;
		return code;
	case BRIDGE_DISCONNECT:
		return SCardDisconnect(handle, c->f.c);
	case BRIDGE_BEGIN:
		return SCardBeginTransaction(handle);
	case BRIDGE_END:
		return SCardEndTransaction(handle, c->f.c);
	case BRIDGE_TRANSMIT:
		return transmit(c);
	default:
		return status(c);
	}
}

static void *serve(void *arg)
{
	struct client *c = arg;

	while (move(c->fd, &c->f, sizeof c->f, true) && c->f.len <= BRIDGE_DATA &&
	       move(c->fd, c->data, c->f.len, true)) {
		c->data[c->f.len] = '\0';
		c->f.call = (uint32_t)(c->f.call >= BRIDGE_RECONNECT ? card_call(c) : reader_call(c));
		if (!move(c->fd, &c->f, sizeof c->f, false) || !move(c->fd, c->data, c->f.len, false))
			break;
	}
	if (c->has_context)
		SCardReleaseContext(c->context);
	close(c->fd);
	free(c);
	return NULL;
}

int main(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof at;

	if (listener < 0 || bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 64) != 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &len) != 0) {
		perror("bridge");
		return 1;
	}
	printf("%u\n", (unsigned)ntohs(at.sin_port));
	fflush(stdout);
	for (;;) {
		struct client *c = calloc(1, sizeof *c);
		pthread_t thread;

		if (!c)
			return 1;
		c->fd = accept(listener, NULL, NULL);
		if (c->fd < 0 || pthread_create(&thread, NULL, serve, c) != 0) {
			perror("bridge");
			return 1;
		}
		pthread_detach(thread);
	}
}
