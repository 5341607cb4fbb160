/* What comes before main(): arguments in UTF-8, standard streams as bytes, a console that shows UTF-8. */
#include "config.h"

#include <windows.h>

#include <shellapi.h>

#undef main

static UINT code_page; /* the console's, before */

static void give_console_back(void)
{
	(void)SetConsoleOutputCP(code_page);
}

/* NULL: no memory, or no Unicode. */
static char *to_utf8(const wchar_t *text)
{
	const int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
	char *out = size > 0 ? malloc((size_t)size) : NULL;

	if (out)
		(void)WideCharToMultiByte(CP_UTF8, 0, text, -1, out, size, NULL, NULL);
	return out;
}

static char **arguments(int *count)
{
	wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), count);
	char **out = wide ? calloc((size_t)*count + 1, sizeof *out) : NULL;

	for (int i = 0; out && i < *count; i++) {
		out[i] = to_utf8(wide[i]);
		if (!out[i])
			out = NULL; /* the program ends */
	}
	LocalFree(wide);
	return out;
}

int main(void)
{
	int argc = 0;
	char **argv = arguments(&argc);

	if (!argv || !argc)
		return 1;
	for (int fd = 0; fd < 3; fd++)
		(void)_setmode(fd, _O_BINARY);
	code_page = GetConsoleOutputCP();
	if (code_page && SetConsoleOutputCP(CP_UTF8))
		atexit(give_console_back);
	platform_language();
	return twcard_main(argc, argv);
}
