#include "config.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/agent/peer.h"

#define ADDRESS_MAX 48   /* of an address in the tables: 32 digits, a colon, 4 digits */
#define LISTENING 0x0A /* TCP_LISTEN, as the tables have it */
#define LINE 512

static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};

struct row {
	char local[ADDRESS_MAX], remote[ADDRESS_MAX];
	unsigned state;
	unsigned long uid, inode;
};

static bool read_row(const char *line, struct row *out)
{
	return sscanf(line, "%*d: %47s %47s %x %*s %*s %*s %lu %*d %lu", out->local, out->remote, &out->state,
		      &out->uid, &out->inode) == 5;
}

/* An address as the tables have it: words of the machine's order. Says which table. */
static const char *name_address(const struct sockaddr_storage *address, char out[ADDRESS_MAX])
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;
	uint32_t words[4];

	if (address->ss_family == AF_INET) {
		snprintf(out, ADDRESS_MAX, "%08" PRIX32 ":%04X", (uint32_t)v4->sin_addr.s_addr, (unsigned)ntohs(v4->sin_port));
		return tables[0];
	}
	memcpy(words, &v6->sin6_addr, sizeof words);
	snprintf(out, ADDRESS_MAX, "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 ":%04X", words[0], words[1],
		 words[2], words[3], (unsigned)ntohs(v6->sin6_port));
	return tables[1];
}

bool peer_is_told(void)
{
	return access(tables[0], R_OK) == 0;
}

enum agent_peer peer_of(int fd)
{
	struct sockaddr_storage own = {.ss_family = 0}, other = {.ss_family = 0};
	socklen_t own_len = sizeof own, other_len = sizeof other;
	char local[ADDRESS_MAX], remote[ADDRESS_MAX], line[LINE];
	enum agent_peer peer = AGENT_PEER_OTHER;
	const char *table;
	struct row row;
	FILE *f;

	if (getsockname(fd, (struct sockaddr *)&own, &own_len) < 0 ||
	    getpeername(fd, (struct sockaddr *)&other, &other_len) < 0)
		return AGENT_PEER_OTHER;
	(void)name_address(&own, remote);
	table = name_address(&other, local);
	f = fopen(table, "re");
	if (!f)
		return AGENT_PEER_UNKNOWN;
	/* the other end's row: its local address is our remote one. A socket without a process has no inode */
	while (peer == AGENT_PEER_OTHER && fgets(line, sizeof line, f))
		if (read_row(line, &row) && strcmp(row.local, local) == 0 && strcmp(row.remote, remote) == 0 &&
		    row.inode && row.uid == getuid())
			peer = AGENT_PEER_OWN;
	fclose(f);
	return peer;
}

/* ---- who listens ---- */

static bool find_listener(unsigned port, struct row *out)
{
	char line[LINE], *colon;
	bool found = false;

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		FILE *f = fopen(tables[i], "re");

		while (f && !found && fgets(line, sizeof line, f)) {
			if (!read_row(line, out) || out->state != LISTENING)
				continue;
			colon = strchr(out->local, ':');
			found = colon && strtoul(colon + 1, NULL, 16) == port;
		}
		if (f)
			fclose(f);
	}
	return found;
}

/* Does this process have the socket open? Only of the user's own is it told. */
static bool has_socket(const char *pid, unsigned long inode)
{
	char path[LINE], link[64], wanted[64];
	const struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
	snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof link - 1);

		if (n > 0) {
			link[n] = '\0';
			found = strcmp(link, wanted) == 0;
		}
	}
	if (d)
		closedir(d);
	return found;
}

/* "process 123 (java)"; "a process" if that is not told. */
static void name_process(unsigned long inode, char out[128])
{
	char path[64], name[32] = "";
	const struct dirent *e;
	DIR *d = opendir("/proc");
	FILE *f;

	snprintf(out, 128, "a process");
	while (d && (e = readdir(d))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || !has_socket(e->d_name, inode))
			continue;
		snprintf(path, sizeof path, "/proc/%.20s/comm", e->d_name);
		f = fopen(path, "re");
		if (f && fgets(name, sizeof name, f))
			name[strcspn(name, "\n")] = '\0';
		if (f)
			fclose(f);
		snprintf(out, 128, "process %.20s (%s)", e->d_name, name);
		break;
	}
	if (d)
		closedir(d);
}

void peer_listener(unsigned port, char *out, size_t size)
{
	struct passwd entry, *found = NULL;
	char process[128], room[4096];
	struct row row;

	if (!find_listener(port, &row)) {
		snprintf(out, size, "another program");
		return;
	}
	name_process(row.inode, process);
	if (getpwuid_r((uid_t)row.uid, &entry, room, sizeof room, &found) == 0 && found)
		snprintf(out, size, "%s of user %s", process, found->pw_name);
	else
		snprintf(out, size, "%s of user %lu", process, row.uid);
}
