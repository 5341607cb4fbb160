/* The computer's side: folders, and other software for the same cards. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apdu/platform.h"
#include "src/base/config_file.h"
#include "tools/twcard/doctor.h"
#include "tools/twcard/message.h"

#define PATH_SIZE 1200

const char *doctor_how_to_set_clock(void)
{
	return _("Set it: sudo timedatectl set-ntp true");
}

/* ---- folders ---- */

/* Made at its first use: could it be? `parent` may itself be missing where `makes_parent`. */
static bool can_be_made(const char *parent, bool makes_parent)
{
	char above[PATH_SIZE];

	if (access(parent, W_OK | X_OK) == 0)
		return true;
	if (errno != ENOENT || !makes_parent)
		return false;
	snprintf(above, sizeof above, "%s", parent);
	if (!strrchr(above, '/') || strrchr(above, '/') == above)
		return false;
	*strrchr(above, '/') = '\0';
	return access(above, W_OK | X_OK) == 0;
}

/* What is there under the name must be a folder of ours alone; it may be missing. */
static void check_folder(struct doctor_finding *f, const char *parent, bool makes_parent,
			 const char *without)
{
	char path[PATH_SIZE];
	int fd;

	snprintf(path, sizeof path, "%s/twcard", parent);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT && can_be_made(parent, makes_parent)) {
		doctor_say(f, DOCTOR_OK, _("%s is made when it is needed"), path);
	} else if (fd < 0) {
		doctor_say(f, DOCTOR_PROBLEM, _("%s cannot be used (%s): %s"), path, strerror(errno), without);
		doctor_todo(f, _("Make %s a folder of your own"), parent);
	} else if (!is_private(fd, S_IFDIR)) {
		doctor_say(f, DOCTOR_PROBLEM, _("%s is not used, because others have access to it: %s"), path,
			   without);
		doctor_todo(f, "sudo chown $(id -u):$(id -g) '%s' && chmod 700 '%s'", path, path);
	} else {
		doctor_say(f, DOCTOR_OK, _("%s is yours alone"), path);
	}
	if (fd >= 0)
		close(fd);
}

void doctor_check_cache(struct doctor *d, struct doctor_finding *f)
{
	struct config *config = calloc(1, sizeof *config);
	bool wanted = true;
	char base[PATH_SIZE];

	if (config) {
		config_read(config);
		wanted = config->cache;
	}
	free(config);
	if (!wanted) {
		doctor_say(f, DOCTOR_OK, _("turned off in the configuration"));
		return;
	}
	if (d->place.cache_home && *d->place.cache_home == '/') {
		snprintf(base, sizeof base, "%s", d->place.cache_home);
	} else if (d->place.home && *d->place.home == '/') {
		snprintf(base, sizeof base, "%s/.cache", d->place.home);
	} else {
		doctor_say(f, DOCTOR_NOTE, _("there is no home folder, so nothing is cached"));
		return;
	}
	check_folder(f, base, true, _("each program reads the whole card"));
}

void doctor_check_runtime(struct doctor *d, struct doctor_finding *f)
{
	if (d->place.runtime_dir && *d->place.runtime_dir == '/') {
		check_folder(f, d->place.runtime_dir, false,
			     _("programs that use the card at once cannot take turns"));
		return;
	}
	doctor_say(f, DOCTOR_NOTE, _("XDG_RUNTIME_DIR is not set, as in a service or after su: programs that use "
				     "the card at once do not take turns"));
}

/* ---- the vendor's software ---- */

static const char *const vendor_modules[] = {
	"/usr/lib/libHicos_p11.so",
	"/usr/lib64/libHicos_p11.so",
	"/usr/lib/x86_64-linux-gnu/libHicos_p11.so",
	"/usr/local/lib/libHicos_p11.so",
	"/usr/local/HiCOS/libHicos_p11.so",
};

#define VENDOR_PORT 61161 /* of the vendor's component for browsers */

/* Our own module may be installed under the vendor's name. */
static bool is_vendors(const struct doctor *d, const char *path)
{
	char *real = realpath(doctor_path(d, path), NULL);
	bool is = real && !strstr(real, "/twcard-pkcs11.so");

	free(real);
	return is;
}

/* Reads what the kernel lists; talks to nobody. */
static bool listens(const struct doctor *d, const char *table, unsigned port)
{
	FILE *file = fopen(doctor_path(d, table), "re");
	unsigned local, state;
	char line[512];
	bool found = false;

	while (file && !found && fgets(line, sizeof line, file))
		found = sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x", &local, &state) == 2 &&
			local == port && state == 0x0A;
	if (file)
		fclose(file);
	return found;
}

void doctor_check_vendor(struct doctor *d, struct doctor_finding *f)
{
	bool serves = listens(d, "/proc/net/tcp", VENDOR_PORT) || listens(d, "/proc/net/tcp6", VENDOR_PORT);
	const char *module = NULL;

	for (size_t i = 0; i < sizeof vendor_modules / sizeof *vendor_modules; i++)
		if (!module && is_vendors(d, vendor_modules[i]))
			module = vendor_modules[i];
	if (!module && !serves) {
		doctor_say(f, DOCTOR_OK, _("none is seen"));
		return;
	}
	doctor_say(f, DOCTOR_NOTE, _("HiCOS is here, too (%s%s%s): both can use the card, in turns"),
		   module ? module : "", module && serves ? _(", ") : "",
		   serves ? _("its service listens on port 61161") : "");
}
