/* The console in place of /dev/tty. */
#include "config.h"

#include <string.h>

#include <windows.h>

#include <openssl/crypto.h>

#include "tools/twcard/terminal.h"

#define NEW_LINE "\r\n"

/* For the handler of Ctrl-C, while a question is asked. */
static struct {
	HANDLE in;
	DWORD mode;
} asked = {INVALID_HANDLE_VALUE, 0};

static BOOL WINAPI give_back(DWORD event)
{
	(void)event;
	if (asked.in != INVALID_HANDLE_VALUE)
		(void)SetConsoleMode(asked.in, asked.mode);
	return FALSE; /* and now it ends the program */
}

static HANDLE console(const wchar_t *name)
{
	return CreateFileW(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
			   0, NULL);
}

static void show(HANDLE out, const char *text)
{
	wchar_t wide[512];
	const int len = MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, sizeof wide / sizeof *wide);
	DWORD done;

	if (len > 1)
		(void)WriteConsoleW(out, wide, (DWORD)len - 1, &done, NULL);
}

/* A line in UTF-8, without its end; -1. */
static int read_console(HANDLE in, uint8_t line[TERMINAL_LINE_MAX])
{
	wchar_t wide[TERMINAL_LINE_MAX + 2];
	DWORD got = 0;
	int len = -1;

	if (ReadConsoleW(in, wide, TERMINAL_LINE_MAX + 2, &got, NULL) && got > 0 && wide[got - 1] == L'\n') {
		got--;
		if (got && wide[got - 1] == L'\r')
			got--;
		len = got ? WideCharToMultiByte(CP_UTF8, 0, wide, (int)got, (char *)line, TERMINAL_LINE_MAX, NULL, NULL)
			  : 0;
		if (got && !len)
			len = -1; /* too long */
	}
	OPENSSL_cleanse(wide, sizeof wide);
	return len;
}

static int ask(HANDLE in, HANDLE out, const char *prompt, bool echo, uint8_t line[TERMINAL_LINE_MAX])
{
	int len = -1;
	DWORD mode;

	if (!GetConsoleMode(in, &asked.mode))
		return -1;
	asked.in = in;
	(void)SetConsoleCtrlHandler(give_back, TRUE);
	mode = asked.mode | ENABLE_LINE_INPUT | ENABLE_PROCESSED_INPUT;
	mode = echo ? mode | ENABLE_ECHO_INPUT : mode & ~(DWORD)ENABLE_ECHO_INPUT;
	if (SetConsoleMode(in, mode)) {
		/* what was typed before the question is no answer to it */
		(void)FlushConsoleInputBuffer(in);
		show(out, prompt);
		len = read_console(in, line);
		if (!echo)
			show(out, NEW_LINE);
	}
	(void)SetConsoleMode(in, asked.mode);
	(void)SetConsoleCtrlHandler(give_back, FALSE);
	asked.in = INVALID_HANDLE_VALUE;
	return len;
}

enum terminal_end terminal_ask(const char *prompt, bool echo, uint8_t line[TERMINAL_LINE_MAX], int *len)
{
	const HANDLE in = console(L"CONIN$"), out = console(L"CONOUT$");
	enum terminal_end end = TERMINAL_NONE;

	*len = -1;
	if (in != INVALID_HANDLE_VALUE && out != INVALID_HANDLE_VALUE) {
		*len = ask(in, out, prompt, echo, line);
		end = *len < 0 ? TERMINAL_NO_ANSWER : TERMINAL_ANSWERED;
	}
	if (in != INVALID_HANDLE_VALUE)
		CloseHandle(in);
	if (out != INVALID_HANDLE_VALUE)
		CloseHandle(out);
	return end;
}

int terminal_read_line(int fd, uint8_t line[TERMINAL_LINE_MAX])
{
	int len = 0;

	for (;;) {
		const ssize_t got = read(fd, line + len, 1);

		if (got < 0 || (got == 0 && len == 0))
			return -1;
		if (got == 0 || line[len] == '\n')
			break;
		if (++len == TERMINAL_LINE_MAX)
			return -1;
	}
	return len && line[len - 1] == '\r' ? len - 1 : len;
}
