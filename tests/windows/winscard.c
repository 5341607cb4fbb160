/*
 * A winscard.dll for tests: wine's own knows no readers. It hands each call to
 * bridge (TWCARD_BRIDGE is its port), which has a pcscd and virtual cards, so
 * that transactions, resets, removals and the end of a process are the real
 * ones. What bridge.h says of frames is not checked: both ends are ours.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <winsock2.h>

#include <windows.h>

#include <winscard.h>

#include "bridge.h"

struct context {
	SOCKET socket;
	CRITICAL_SECTION lock;
	uint64_t number;
};

struct handle {
	struct context *context;
	uint64_t number;
};

const SCARD_IO_REQUEST g_rgSCardT0Pci = {SCARD_PROTOCOL_T0, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardT1Pci = {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardRawPci = {SCARD_PROTOCOL_RAW, sizeof(SCARD_IO_REQUEST)};

static bool move(SOCKET s, void *at, size_t len, bool in)
{
	for (char *p = at; len;) {
		int n = in ? recv(s, p, (int)len, 0) : send(s, p, (int)len, 0);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static SOCKET dial(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	const char *port = getenv("TWCARD_BRIDGE");
	WSADATA wsa;
	SOCKET s;

	if (!port || WSAStartup(MAKEWORD(2, 2), &wsa) != 0)
		return INVALID_SOCKET;
	at.sin_port = htons((u_short)atoi(port));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_STREAM, 0);
	if (s != INVALID_SOCKET && connect(s, (struct sockaddr *)&at, sizeof at) != 0) {
		closesocket(s);
		return INVALID_SOCKET;
	}
	return s;
}

static LONG ask(struct context *c, struct bridge_frame *f, const void *data, void *answer)
{
	bool ok;

	if (f->len > BRIDGE_DATA)
		return SCARD_E_INVALID_PARAMETER;
	EnterCriticalSection(&c->lock);
	ok = move(c->socket, f, sizeof *f, false) && move(c->socket, (void *)data, f->len, false) &&
	     move(c->socket, f, sizeof *f, true) && move(c->socket, answer, f->len, true);
	LeaveCriticalSection(&c->lock);
	return ok ? (LONG)f->call : SCARD_E_NO_SERVICE;
}

LONG WINAPI SCardEstablishContext(DWORD scope, const void *a, const void *b, SCARDCONTEXT *out)
{
	struct bridge_frame f = {.call = BRIDGE_ESTABLISH};
	struct context *c = calloc(1, sizeof *c);
	LONG code;

	(void)scope;
	(void)a;
	(void)b;
	if (!c)
		return SCARD_E_NO_MEMORY;
	c->socket = dial();
	InitializeCriticalSection(&c->lock);
	code = c->socket == INVALID_SOCKET ? SCARD_E_NO_SERVICE : ask(c, &f, NULL, NULL);
	c->number = f.handle;
	*out = (SCARDCONTEXT)c;
	if (code != SCARD_S_SUCCESS)
		free(c);
	return code;
}

LONG WINAPI SCardReleaseContext(SCARDCONTEXT context)
{
	struct context *c = (struct context *)context;

	closesocket(c->socket);
	DeleteCriticalSection(&c->lock);
	free(c);
	return SCARD_S_SUCCESS;
}

LONG WINAPI SCardListReadersA(SCARDCONTEXT context, const char *groups, char *out, DWORD *len)
{
	struct bridge_frame f = {.call = BRIDGE_LIST};
	char names[BRIDGE_DATA];
	LONG code = ask((struct context *)context, &f, NULL, names);

	(void)groups;
	if (code == SCARD_S_SUCCESS && out && *len < f.len)
		code = SCARD_E_INSUFFICIENT_BUFFER;
	if (code == SCARD_S_SUCCESS && out)
		memcpy(out, names, f.len);
	*len = f.len;
	return code;
}

LONG WINAPI SCardGetStatusChangeA(SCARDCONTEXT context, DWORD timeout, SCARD_READERSTATEA *states, DWORD count)
{
	struct bridge_state all[BRIDGE_DATA / sizeof(struct bridge_state)];
	struct bridge_frame f = {.call = BRIDGE_WATCH, .a = timeout, .len = (uint32_t)(count * sizeof *all)};
	LONG code;

	memset(all, 0, sizeof all);
	for (DWORD i = 0; i < count && i < sizeof all / sizeof *all; i++) {
		all[i].known = states[i].dwCurrentState;
		strncpy(all[i].name, states[i].szReader, BRIDGE_NAME - 1);
	}
	code = ask((struct context *)context, &f, all, all);
	for (DWORD i = 0; i < count && code != SCARD_E_INVALID_PARAMETER; i++) {
		states[i].dwEventState = all[i].seen;
		states[i].cbAtr = all[i].atr_len;
		memcpy(states[i].rgbAtr, all[i].atr, BRIDGE_ATR);
	}
	return code;
}

/* The context's own connection is waiting. */
LONG WINAPI SCardCancel(SCARDCONTEXT context)
{
	struct context *c = (struct context *)context, other = {.socket = dial()};
	struct bridge_frame f = {.call = BRIDGE_CANCEL, .a = c->number};
	LONG code;

	if (other.socket == INVALID_SOCKET)
		return SCARD_E_NO_SERVICE;
	InitializeCriticalSection(&other.lock);
	code = ask(&other, &f, NULL, NULL);
	DeleteCriticalSection(&other.lock);
	closesocket(other.socket);
	return code;
}

LONG WINAPI SCardConnectA(SCARDCONTEXT context, const char *reader, DWORD mode, DWORD protocols,
			  SCARDHANDLE *out, DWORD *protocol)
{
	struct bridge_frame f = {.call = BRIDGE_CONNECT, .a = mode, .b = protocols,
				 .len = (uint32_t)strlen(reader) + 1};
	struct handle *h = calloc(1, sizeof *h);
	LONG code = h ? ask((struct context *)context, &f, reader, NULL) : SCARD_E_NO_MEMORY;

	if (code != SCARD_S_SUCCESS) {
		free(h);
		return code;
	}
	h->context = (struct context *)context;
	h->number = f.handle;
	*out = (SCARDHANDLE)h;
	*protocol = (DWORD)f.b;
	return code;
}

static LONG ask_card(SCARDHANDLE card, enum bridge_call call, DWORD what)
{
	struct handle *h = (struct handle *)card;
	struct bridge_frame f = {.call = call, .handle = h->number, .c = what};

	return ask(h->context, &f, NULL, NULL);
}

LONG WINAPI SCardReconnect(SCARDHANDLE card, DWORD mode, DWORD protocols, DWORD what, DWORD *protocol)
{
	struct handle *h = (struct handle *)card;
	struct bridge_frame f = {
		.call = BRIDGE_RECONNECT, .handle = h->number, .a = mode, .b = protocols, .c = what};
	LONG code = ask(h->context, &f, NULL, NULL);

	*protocol = (DWORD)f.b;
	return code;
}

LONG WINAPI SCardDisconnect(SCARDHANDLE card, DWORD what)
{
	LONG code = ask_card(card, BRIDGE_DISCONNECT, what);

	free((struct handle *)card);
	return code;
}

LONG WINAPI SCardBeginTransaction(SCARDHANDLE card)
{
	return ask_card(card, BRIDGE_BEGIN, 0);
}

LONG WINAPI SCardEndTransaction(SCARDHANDLE card, DWORD what)
{
	return ask_card(card, BRIDGE_END, what);
}

LONG WINAPI SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *pci, const BYTE *apdu, DWORD len,
			  SCARD_IO_REQUEST *received, BYTE *answer, DWORD *answer_len)
{
	struct handle *h = (struct handle *)card;
	struct bridge_frame f = {.call = BRIDGE_TRANSMIT, .handle = h->number, .a = *answer_len,
				 .b = pci->dwProtocol, .len = len};
	LONG code = ask(h->context, &f, apdu, answer);

	(void)received;
	*answer_len = f.len;
	return code;
}

LONG WINAPI SCardStatusA(SCARDHANDLE card, char *name, DWORD *name_len, DWORD *state, DWORD *protocol,
			 BYTE *atr, DWORD *atr_len)
{
	struct handle *h = (struct handle *)card;
	struct bridge_frame f = {.call = BRIDGE_STATUS, .handle = h->number};
	BYTE bytes[BRIDGE_ATR];
	LONG code = ask(h->context, &f, NULL, bytes);

	(void)name;
	*name_len = 0;
	if (state)
		*state = (DWORD)f.a;
	if (protocol)
		*protocol = (DWORD)f.b;
	if (code == SCARD_S_SUCCESS)
		memcpy(atr, bytes, f.len < *atr_len ? f.len : *atr_len);
	*atr_len = f.len;
	return code;
}
