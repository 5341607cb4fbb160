#include "config.h"

#include <stdio.h>
#include <time.h>

#include "tools/twcard/arguments.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/cert_problem.h"
#include "tools/twcard/message.h"

#define PROBLEM_SIZE 160

/* False: there is none. */
static bool find(const struct cert_info *info, enum cert_use use, char out[PROBLEM_SIZE])
{
	unsigned usage = use == CERT_USE_SIGN ? CERT_SIGNS : CERT_ENCRYPTS;
	char date[CERT_DATE_SIZE];

	if (!(info->usage & usage) || info->usage & CERT_IS_CA) {
		snprintf(out, PROBLEM_SIZE, "%s", use == CERT_USE_SIGN ? _("is not for signing")
								       : _("is not for encryption"));
		return true;
	}
	cert_info_date(info->validity == CERT_EXPIRED ? info->not_after : info->not_before, date);
	switch (info->validity) {
	case CERT_VALID:
		return false;
	case CERT_EXPIRED:
		snprintf(out, PROBLEM_SIZE, _("expired on %s"), date);
		return true;
	case CERT_NOT_YET_VALID:
		snprintf(out, PROBLEM_SIZE, _("is not valid before %s"), date);
		return true;
	default:
		snprintf(out, PROBLEM_SIZE, "%s", _("has no validity that can be read"));
		return true;
	}
}

enum exit_code cert_problem_allow(const struct arguments *args, const X509 *x509, enum cert_use use)
{
	char problem[PROBLEM_SIZE];
	struct cert_info info;
	enum exit_code code = EXIT_GOOD;

	if (!cert_info_read(x509, time(NULL), &info))
		return message_result(RESULT_NO_MEMORY, NULL);
	if (find(&info, use, problem)) {
		code = arguments_has(args, "force") ? EXIT_GOOD : EXIT_NEGATIVE;
		if (code == EXIT_GOOD)
			message_note(_("Warning: the certificate of %s %s."), info.holder, problem);
		else
			message_error(_("the certificate of %s %s\nWith --force it is used all the same."),
				      info.holder, problem);
	}
	cert_info_clear(&info);
	return code;
}
