#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/twcard/agent_page.h"

#define SCRIPTS_MAX 16
#define TEXT_MAX (4u << 20) /* bytes of a page or script */
#define WAIT_MS 30000
#define PATH_MAX_LEN 1024

const char *const agent_page_paths[] = {
	"/popupForm", "/ChtPopupForm", "/CardManagement/CMCPopForm", "/pkcs11info",
	"/p11Image.bmp", "/addDomain", "/selfTest.htm", "/waiting.gif", NULL,
};

const char *const agent_page_functions[] = {
	"CheckEnvir", "GetUserCert", "MakeSignature", "DecryptData", "umakeSig",
	"makeCsr", "writecert", "getChallenge", "changeUserPINCode", NULL,
};

static const char *const local_names[] = {"localhost:", "127.0.0.1:"};

/* ---- a text ---- */

static bool has(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}

/* The port after this name of the machine; 0: none is named. */
static unsigned port_after(const char *text, size_t len, const char *name)
{
	const char *at = memmem(text, len, name, strlen(name)), *end = text + len;
	unsigned long port = 0;

	for (at = at ? at + strlen(name) : end; at < end && *at >= '0' && *at <= '9' && port <= 65535; at++)
		port = 10 * port + (unsigned long)(*at - '0');
	return port <= 65535 ? (unsigned)port : 0;
}

void agent_page_read(struct agent_page *page, const char *text, size_t len)
{
	for (size_t i = 0; i < AGENT_PAGE_PATHS; i++)
		page->paths[i] |= has(text, len, agent_page_paths[i]);
	for (size_t i = 0; i < AGENT_PAGE_FUNCTIONS; i++)
		page->functions[i] |= has(text, len, agent_page_functions[i]);
	page->servisign |= has(text, len, "ServiSign");
	for (size_t i = 0; !page->port && i < sizeof local_names / sizeof *local_names; i++)
		page->port = port_after(text, len, local_names[i]);
}

/* ---- its scripts ---- */

/* Where it is on the page's own server. False: on another one, or no address. */
static bool resolve(const char *source, size_t len, const char *base, const char *path, char *out, size_t size)
{
	size_t base_len = strlen(base), folder = (size_t)(strrchr(path, '/') - path) + 1;
	int n;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)source[i] <= ' ' || (unsigned char)source[i] > '~' || source[i] == '#')
			return false;
	if (len > base_len && strncmp(source, base, base_len) == 0 && source[base_len] == '/') {
		source += base_len;
		len -= base_len;
	}
	if (!len || memmem(source, len, "://", 3) || (len > 1 && source[0] == '/' && source[1] == '/'))
		return false;
	n = snprintf(out, size, "%.*s%.*s", *source == '/' ? 0 : (int)folder, path, (int)len, source);
	return n > 0 && (size_t)n < size;
}

bool agent_page_script(const char *text, const char *base, const char *path, size_t *at, char *out, size_t size)
{
	const char *tag, *source, *end;

	while ((tag = strcasestr(text + *at, "<script"))) {
		*at = (size_t)(tag - text) + strlen("<script");
		end = strchr(tag, '>');
		source = strcasestr(tag, "src=");
		if (!end || !source || source > end || (source[4] != '"' && source[4] != '\''))
			continue;
		end = strchr(source + 5, source[4]);
		if (end && resolve(source + 5, (size_t)(end - source) - 5, base, path, out, size))
			return true;
	}
	return false;
}

static void read_scripts(struct http *http, const char *text, const char *base, const char *path,
			 struct agent_page *page)
{
	char script[PATH_MAX_LEN];
	size_t at = 0;

	while (page->scripts + page->missing < SCRIPTS_MAX &&
	       agent_page_script(text, base, path, &at, script, sizeof script)) {
		struct http_answer answer;

		if (http_exchange(http, script, NULL, NULL, 0, &answer) == HTTP_OK && answer.status == 200) {
			agent_page_read(page, answer.body, answer.body_len);
			page->scripts++;
		} else {
			page->missing++;
		}
		http_answer_clear(&answer);
	}
}

enum http_failure agent_page_fetch(const char *base, const char *path, struct agent_page *page,
				   struct http_answer *answer)
{
	const struct http_server server = {
		.base = base,
		.limits = {.connect_ms = WAIT_MS, .total_ms = WAIT_MS, .answer_max = TEXT_MAX},
	};
	struct http *http = http_new(&server);

	*page = (struct agent_page){.port = 0};
	*answer = (struct http_answer){.failure = HTTP_NO_MEMORY};
	if (http && http_exchange(http, path, NULL, NULL, 0, answer) == HTTP_OK && answer->status == 200) {
		agent_page_read(page, answer->body, answer->body_len);
		read_scripts(http, answer->body, base, path, page);
	}
	http_free(&http);
	return answer->failure;
}
