#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/mman.h>

#include "hear.h"

static char text[65536];
static int before = -1, file = -1;

void hear_begin(void)
{
	fflush(stderr);
	text[0] = '\0';
	before = dup(STDERR_FILENO);
	file = memfd_create("hear", MFD_CLOEXEC);
	if (before < 0 || file < 0 || dup2(file, STDERR_FILENO) < 0)
		abort();
}

void hear_end(void)
{
	ssize_t n;

	fflush(stderr);
	n = pread(file, text, sizeof text - 1, 0);
	if (n < 0 || dup2(before, STDERR_FILENO) < 0)
		abort();
	text[n] = '\0';
	close(before);
	close(file);
}

const char *hear_text(void)
{
	return text;
}
