/* The way to a reader: USB, pcscd, who may use it, and the driver. */
#include "config.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/twcard/doctor.h"
#include "tools/twcard/message.h"
#include "tools/twcard/run_child.h"

#define SERVICE_MS 10000 /* a daemon that was just started by systemd takes a second or two */
#define USB_CLASS "0b"   /* smart cards (USB's list of class codes) */
#define NAMES_SIZE 512

#define INSTALL "sudo apt install pcscd libccid"
#define START "sudo systemctl enable --now pcscd.socket"
#define RESTART "sudo systemctl restart pcscd.socket pcscd.service"
/* The actions of pcscd's policy; by default only who sits at the computer may. */
#define POLKIT_RULE                                                                                \
	"echo 'polkit.addRule(function(a, s) { if ((a.id == \"org.debian.pcsc-lite.access_pcsc\" ||"  \
	" a.id == \"org.debian.pcsc-lite.access_card\") && s.isInGroup(\"plugdev\"))"              \
	" return polkit.Result.YES; });' | sudo tee /etc/polkit-1/rules.d/50-twcard.rules"

/* ---- USB ---- */

/* The first line of a small file. False: it cannot be read. */
static bool read_line(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "re");
	bool ok = file && fgets(out, (int)size, file);

	if (file)
		fclose(file);
	if (ok)
		out[strcspn(out, "\n")] = '\0';
	return ok;
}

/* Adds the product's name of an interface's device, a comma between them. */
static void add_product(const char *interface, char names[NAMES_SIZE])
{
	char path[1200], product[128], *shown;
	size_t at = strlen(names);

	snprintf(path, sizeof path, "%.*s/../product", (int)(strrchr(interface, '/') - interface),
		 interface);
	if (!read_line(path, product, sizeof product))
		return;
	shown = redact_reader(product);
	if (shown)
		snprintf(names + at, NAMES_SIZE - at, "%s%s", at ? _(", ") : "", shown);
	free(shown);
}

void doctor_check_usb(struct doctor *d, struct doctor_finding *f)
{
	char names[NAMES_SIZE] = "", class[8];
	glob_t found;
	size_t readers = 0;

	if (glob(doctor_path(d, "/sys/bus/usb/devices/*/bInterfaceClass"), 0, NULL, &found) != 0) {
		doctor_say(f, DOCTOR_SKIPPED,
			   _("not known: the kernel shows no USB devices here (a container?)"));
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (!read_line(found.gl_pathv[i], class, sizeof class) || strcmp(class, USB_CLASS) != 0)
			continue;
		readers++;
		add_product(found.gl_pathv[i], names);
	}
	globfree(&found);
	d->usb_reader = readers > 0;
	if (readers)
		doctor_say(f, DOCTOR_OK, _("the kernel sees a smart-card reader%s%s"), *names ? _(": ") : "",
			   names);
	else
		doctor_say(f, DOCTOR_NOTE, _("the kernel sees no smart-card reader on USB"));
}

/* ---- pcscd ---- */

static const char *const programs[] = {"/usr/sbin/pcscd", "/usr/bin/pcscd", "/usr/local/sbin/pcscd"};

void doctor_check_pcscd(struct doctor *d, struct doctor_finding *f)
{
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		if (doctor_has_file(d, programs[i])) {
			doctor_say(f, DOCTOR_OK, _("installed: %s"), programs[i]);
			return;
		}
	}
	if (access(d->place.socket, F_OK) == 0) {
		doctor_say(f, DOCTOR_NOTE, _("the program is not where it is looked for, but there is "
					     "its socket"));
		return;
	}
	doctor_say(f, DOCTOR_PROBLEM, _("pcscd, which talks to the readers, is not installed"));
	doctor_todo(f, "%s", INSTALL);
}

/* ---- the service ---- */

/* 0, or why nobody can be talked to there. */
static int connect_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, error = 0;

	if (strlen(path) >= sizeof address.sun_path)
		return ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		error = errno;
	close(fd);
	return error;
}

/* In a child, because nothing in the PC/SC library has a time limit. */
static void ask_service(int out, void *context)
{
	struct pcsc_readers readers = {.count = 0};
	struct pcsc *pcsc = NULL;
	enum result r = pcsc_open(&pcsc);

	(void)context;
	if (r == RESULT_OK)
		r = pcsc_list(pcsc, &readers);
	dprintf(out, "%d", (int)r);
}

static void say_denied(struct doctor_finding *f)
{
	doctor_say(f, DOCTOR_PROBLEM,
		   _("pcscd runs, and refuses you: polkit lets only who sits at the computer use it, not "
		     "a remote login or a service"));
	doctor_todo(f, _("Allow the members of a group: %s"), POLKIT_RULE);
}

static void say_unreachable(struct doctor *d, struct doctor_finding *f, int error)
{
	if (error == EACCES || error == EPERM) {
		doctor_say(f, DOCTOR_PROBLEM, _("you may not use pcscd's socket %s"), d->place.socket);
		doctor_todo(f, _("Its mode should be 0666: %s"), RESTART);
		return;
	}
	if (error == ENOENT)
		doctor_say(f, DOCTOR_PROBLEM, _("pcscd does not run: there is no socket %s"),
			   d->place.socket);
	else if (error == ECONNREFUSED)
		doctor_say(f, DOCTOR_PROBLEM, _("pcscd does not run: it left its socket %s behind"),
			   d->place.socket);
	else
		doctor_say(f, DOCTOR_PROBLEM, "%s: %s", d->place.socket, strerror(error));
	doctor_todo(f, "%s", START);
}

void doctor_check_service(struct doctor *d, struct doctor_finding *f)
{
	int error = connect_socket(d->place.socket);
	struct child_answer answer;
	enum result r;

	if (error) {
		say_unreachable(d, f, error);
		return;
	}
	child_run(ask_service, NULL, SERVICE_MS, &answer);
	r = answer.end == CHILD_DONE && answer.len ? (enum result)atoi(answer.text) : RESULT_FAILED;
	if (r == RESULT_OK) {
		doctor_say(f, DOCTOR_OK, _("pcscd runs and answers"));
	} else if (answer.end == CHILD_HUNG) {
		doctor_say(f, DOCTOR_PROBLEM, _("pcscd does not answer within %d seconds"),
			   SERVICE_MS / 1000);
		doctor_todo(f, "%s", RESTART);
	} else if (r == RESULT_NO_ACCESS || r == RESULT_NO_SERVICE) {
		say_denied(f); /* older ones hang up on who is refused */
	} else {
		doctor_say(f, DOCTOR_PROBLEM, _("pcscd does not work: %s"), _(result_text(r)));
		doctor_todo(f, "%s", RESTART);
	}
}

/* ---- readers ---- */

void doctor_say_no_reader(struct doctor *d, struct doctor_finding *f)
{
	doctor_say(f, DOCTOR_PROBLEM, _("pcscd knows no reader"));
	if (d->usb_reader)
		doctor_todo(f, _("The kernel sees one: install its driver (%s), plug it in again, restart "
				 "pcscd (%s)"), "sudo apt install libccid", RESTART);
	else
		doctor_todo(f, _("Plug a reader in, or try another cable or USB port"));
}

static const char *const drivers[] = {
	"/usr/lib/pcsc/drivers/ifd-ccid.bundle",
	"/usr/lib64/pcsc/drivers/ifd-ccid.bundle",
	"/usr/local/lib/pcsc/drivers/ifd-ccid.bundle",
};

void doctor_check_driver(struct doctor *d, struct doctor_finding *f)
{
	for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
		if (doctor_has_file(d, drivers[i])) {
			doctor_say(f, DOCTOR_OK, _("the CCID driver for USB readers is installed"));
			return;
		}
	}
	doctor_say(f, cards_count() ? DOCTOR_NOTE : DOCTOR_PROBLEM,
		   cards_count() ? _("the CCID driver is not where it is looked for; the reader has "
				     "another one") :
				   _("the CCID driver, which nearly all USB readers need, is not installed"));
	if (!cards_count())
		doctor_todo(f, "sudo apt install libccid");
}
