#include "config.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "tools/twcard/message.h"
#include "tools/twcard/trace_file.h"

enum exit_code trace_file_open(const char *path, FILE **out)
{
	*out = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (*out)
		return EXIT_GOOD;
	message_error(_("%s cannot be read: %s"), path, strerror(errno));
	return EXIT_FILE;
}

void trace_file_close(FILE *stream)
{
	if (stream != stdin)
		fclose(stream);
}

void trace_file_head(FILE *stream)
{
	fprintf(stream, "# twcard trace 1\n# twcard %s\n# OpenSSL %s\n", PACKAGE_VERSION,
		OpenSSL_version(OPENSSL_VERSION_STRING));
}

enum exit_code trace_file_tell(const char *path, const struct trace_line *line)
{
	message_error(_("%s, line %zu: %s\n"
			"A trace has lines that begin with #, @, =, >, < or !: see twcard-trace(1)."),
		      path, line->number, _(trace_problem_text(line->problem)));
	return EXIT_FILE;
}
