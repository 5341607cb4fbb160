/* What is found about one point of a certificate (cert_check.h). */
#ifndef TWCARD_TOOLS_CERT_FINDING_H
#define TWCARD_TOOLS_CERT_FINDING_H

#include <stdbool.h>
#include <stddef.h>

enum cert_state { CERT_STATE_NOT_CHECKED, CERT_STATE_GOOD, CERT_STATE_BAD };

#define CERT_FINDING_SIZE 768

struct cert_finding {
	enum cert_state state;
	bool failed;       /* not checked, although it was asked for: what was given is of no use */
	bool is_told;      /* false: nothing to say about this point */
	char text[CERT_FINDING_SIZE]; /* translated; may hold bytes of the certificate */
	const char *next;  /* translated: what to do; NULL: nothing */
};

/* Fills a finding in, whatever was there before. */
void cert_finding_set(struct cert_finding *f, enum cert_state state, const char *next,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
