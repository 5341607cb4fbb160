#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "tools/twcard/cert_finding.h"

void cert_finding_set(struct cert_finding *f, enum cert_state state, const char *next,
		      const char *format, ...)
{
	va_list args;

	*f = (struct cert_finding){.state = state, .is_told = true, .next = next};
	va_start(args, format);
	vsnprintf(f->text, sizeof f->text, format, args);
	va_end(args);
}
