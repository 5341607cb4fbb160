#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "owners.h"

static struct {
	bool file, user;
	dev_t device;
	ino_t inode;
	uid_t owner, me;
} pretended;

bool owners_pretend(const char *path, unsigned long owner)
{
	struct stat st = { 0 };

	pretended.file = stat(path, &st) == 0;
	pretended.device = st.st_dev;
	pretended.inode = st.st_ino;
	pretended.owner = (uid_t)owner;
	return pretended.file;
}

void owners_be(unsigned long user)
{
	pretended.user = true;
	pretended.me = (uid_t)user;
}

void owners_clear(void)
{
	pretended.file = pretended.user = false;
}

/* Seen by all: where symbols have no versions, the linker takes a library's calls for these, too. */
#pragma GCC visibility push(default)
int fstat(int fd, struct stat *out)
{
	const int r = fstatat(fd, "", out, AT_EMPTY_PATH);

	if (r == 0 && pretended.file && out->st_dev == pretended.device && out->st_ino == pretended.inode)
		out->st_uid = pretended.owner;
	return r;
}

uid_t geteuid(void)
{
	uid_t real, effective, saved;

	if (pretended.user)
		return pretended.me;
	return getresuid(&real, &effective, &saved) == 0 ? effective : (uid_t)-1;
}
#pragma GCC visibility pop
