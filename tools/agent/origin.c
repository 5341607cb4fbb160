#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/agent/origin.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789.-_"
#define ADDRESS_CHARACTERS "0123456789abcdef:."
#define PORT_MAX 65535

static const struct {
	const char *start;
	unsigned long port;
} schemes[] = {{"http://", 80}, {"https://", 443}};

static const char *const own_names[] = {"localhost", "127.0.0.1", "[::1]"};

/* How many characters the host has; 0: it is none. */
static size_t host_length(const char *text)
{
	size_t len;

	if (*text != '[') {
		len = strspn(text, NAME_CHARACTERS);
		return *text == '.' || *text == '-' ? 0 : len;
	}
	len = strspn(text + 1, ADDRESS_CHARACTERS);
	return len && text[len + 1] == ']' ? len + 2 : 0;
}

/* ":8000" or nothing. False: not of this form; *port stays as it is when there is none. */
static bool read_port(const char *text, unsigned long *port)
{
	size_t digits;

	if (!*text)
		return true;
	digits = *text == ':' ? strspn(text + 1, "0123456789") : 0;
	if (!digits || digits > 5 || text[digits + 1])
		return false;
	*port = strtoul(text + 1, NULL, 10);
	return *port > 0 && *port <= PORT_MAX;
}

/* In small letters. False: too long, or something that no origin has. */
static bool fold(const char *text, size_t len, char out[ORIGIN_MAX])
{
	if (len >= ORIGIN_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	out[len] = '\0';
	return true;
}

static bool parse(char text[ORIGIN_MAX])
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t start = strlen(schemes[i].start), host;
		unsigned long port = schemes[i].port;

		if (strncmp(text, schemes[i].start, start) != 0)
			continue;
		host = host_length(text + start);
		if (!host || !read_port(text + start + host, &port))
			return false;
		text[start + host] = '\0';
		if (port == schemes[i].port)
			return true;
		return snprintf(text + start + host, ORIGIN_MAX - start - host, ":%lu", port) <
		       (int)(ORIGIN_MAX - start - host);
	}
	return false;
}

bool origin_parse(const char *text, char out[ORIGIN_MAX])
{
	bool good = text && fold(text, strlen(text), out) && parse(out);

	if (!good)
		out[0] = '\0';
	return good;
}

bool origin_of_url(const char *url, char out[ORIGIN_MAX])
{
	const char *host = url ? strstr(url, "://") : NULL;
	bool good = host && fold(url, (size_t)(host - url) + 3 + strcspn(host + 3, "/?#"), out) && parse(out);

	if (!good)
		out[0] = '\0';
	return good;
}

bool origin_of_name(const char *name, char out[ORIGIN_MAX])
{
	char text[ORIGIN_MAX] = "";

	if (!name || strchr(name, ':') || snprintf(text, sizeof text, "https://%s", name) >= (int)sizeof text)
		text[0] = '\0';
	return origin_parse(text, out);
}

bool origin_has_host(const char *origin, const char *host)
{
	const char *start = strstr(origin, "://");
	size_t len = start ? host_length(start + 3) : 0;

	return len && strlen(host) == len && strncmp(start + 3, host, len) == 0;
}

bool origin_is_own_host(const char *host, unsigned port)
{
	char own[32];

	for (size_t i = 0; host && i < sizeof own_names / sizeof *own_names; i++) {
		snprintf(own, sizeof own, "%s:%u", own_names[i], port);
		if (strcasecmp(host, own) == 0)
			return true;
	}
	return false;
}

bool origin_is_own(const char *origin, unsigned port)
{
	size_t start = strlen(schemes[0].start);

	return origin && strncmp(origin, schemes[0].start, start) == 0 && origin_is_own_host(origin + start, port);
}
