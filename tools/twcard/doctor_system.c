/* What a report tells of the computer, and what of it is secret. */
#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "apdu/pcsc.h"
#include "tools/twcard/doctor.h"
#include "tools/twcard/run_child.h"

#define VERSION_MS 3000
#define LINE_SIZE 256

void doctor_add_computer(struct redactor *r)
{
	const struct passwd *user = getpwuid(getuid());
	const char *home = getenv("HOME");
	struct utsname host;

	if (uname(&host) == 0)
		redact_add(r, host.nodename, "<host>");
	if (home && strlen(home) > 1)
		redact_add(r, home, "<home>");
	if (!user || user->pw_uid == 0)
		return; /* that a user is called root is no secret */
	redact_add(r, user->pw_dir, "<home>");
	redact_add(r, user->pw_name, "<user>");
	if (user->pw_gecos) {
		char *name = strndup(user->pw_gecos, strcspn(user->pw_gecos, ","));

		redact_add(r, name, "<user>");
		free(name);
	}
}

/* PRETTY_NAME of os-release(5), with its quotes. */
static void put_distribution(FILE *out, const struct doctor *d)
{
	static const char key[] = "PRETTY_NAME=";
	FILE *file = fopen(doctor_path(d, "/etc/os-release"), "re");
	char line[LINE_SIZE];

	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, key, sizeof key - 1) == 0)
			fprintf(out, "distribution: %s", line + sizeof key - 1);
	if (file)
		fclose(file);
}

/* The daemon's version is the first line of what it says. */
static void put_pcscd(FILE *out)
{
	static char program[] = "/usr/sbin/pcscd", option[] = "--version";
	char *const argv[] = {program, option, NULL};
	struct child_answer answer;

	child_run_program(program, argv, VERSION_MS, &answer);
	fprintf(out, "pcscd: %.*s\n", (int)strcspn(answer.text, "\n"),
		answer.len ? answer.text : "not known");
}

void doctor_put_system(FILE *out, const struct doctor *d)
{
	struct utsname kernel;

	fprintf(out, "libpcsclite (built with): %s\n", pcsc_version());
	put_pcscd(out);
	if (uname(&kernel) == 0)
		fprintf(out, "kernel: %s %s %s\n", kernel.sysname, kernel.release, kernel.machine);
	put_distribution(out, d);
}
