/* twcard agent probe: which local service a page wants, which one is there, and what it lets every page do. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "tools/twcard/agent_client.h"
#include "tools/twcard/agent_page.h"
#include "tools/twcard/agent_probe.h"
#include "tools/twcard/arguments.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/table.h"

#define PORT 61161
#define ADDRESS_MAX 1024

/* What is asked. */
struct target {
	char base[ADDRESS_MAX], path[ADDRESS_MAX]; /* of the page; "": only the service */
	unsigned port;                             /* of the service; 0: as the page says */
};

struct found {
	bool has_page;
	struct agent_page page;
	struct agent_probe probe;
	unsigned port;
	struct json_object *own; /* what this user's own agent says; NULL: it is not that one */
};

static const char *const kind_words[] = {
	[AGENT_PROBE_NOBODY] = "none",
	[AGENT_PROBE_FOREIGN] = "foreign",
	[AGENT_PROBE_VENDOR] = "other",
	[AGENT_PROBE_OWN] = "twcard-agent",
};

static const char *const kind_texts[] = {
	[AGENT_PROBE_NOBODY] = N_("nobody answers"),
	[AGENT_PROBE_FOREIGN] = N_("a program of another kind answers"),
	[AGENT_PROBE_VENDOR] = N_("another signing service: the vendor's, or one like it"),
	[AGENT_PROBE_OWN] = N_("twcard-agent"),
};

static const struct {
	const char *key, *text;
} right_rows[AGENT_PROBE_RIGHTS] = {
	[AGENT_PROBE_CARDS] = {"cards", N_("read which readers and cards there are")},
	[AGENT_PROBE_PICTURE] = {"picture", N_("the same out of a picture")},
	[AGENT_PROBE_NAME] = {"name", N_("ask under a name of its own (DNS rebinding)")},
	[AGENT_PROBE_FRAME] = {"frame", N_("show the service's windows inside itself")},
};

/* ---- what is asked ---- */

/* "https://host/path", "host": of the second, its first page. False: too long. */
static bool split(const char *word, struct target *t)
{
	const char *host = strstr(word, "://"), *slash;
	char url[ADDRESS_MAX];

	if (snprintf(url, sizeof url, "%s%s", host ? "" : "https://", word) >= (int)sizeof url)
		return false;
	slash = strchr(strstr(url, "://") + 3, '/');
	snprintf(t->path, sizeof t->path, "%s", slash ? slash : "/");
	if (slash)
		url[slash - url] = '\0';
	snprintf(t->base, sizeof t->base, "%s", url);
	return true;
}

static bool is_number(const char *text, unsigned *out)
{
	char *end = NULL;
	unsigned long n = strtoul(text, &end, 10);

	*out = (unsigned)n;
	return *text >= '1' && *text <= '9' && !*end && n <= 65535;
}

/* The service itself, by its address: then there is no page. */
static void take_service(struct target *t)
{
	const char *colon;

	if (strncmp(t->base, "http://", 7) != 0 || strcmp(t->path, "/") != 0)
		return;
	colon = strrchr(t->base + 7, ':');
	if (colon && !t->port && !is_number(colon + 1, &t->port))
		return;
	t->base[0] = '\0';
}

/* "localhost" alone is this machine, not a page with that name. */
static bool read_target(const struct arguments *args, struct target *t)
{
	const char *word = args->word_count ? args->words[0] : NULL, *port = arguments_value(args, "port");
	char local[ADDRESS_MAX];

	*t = (struct target){.port = 0};
	if (port && !is_number(port, &t->port))
		return false;
	if (!word)
		return true;
	if (strncmp(word, "localhost", 9) == 0 || strncmp(word, "127.0.0.1", 9) == 0) {
		if (snprintf(local, sizeof local, "http://%s", word) >= (int)sizeof local)
			return false;
		word = local;
	}
	if (!split(word, t) || !http_is_allowed(t->base))
		return false;
	take_service(t);
	return true;
}

/* ---- asking ---- */

static enum exit_code fetch_page(const struct target *t, struct found *r)
{
	struct http_answer answer;
	enum http_failure failure = agent_page_fetch(t->base, t->path, &r->page, &answer);
	enum exit_code code = EXIT_GOOD;

	r->has_page = true;
	if (failure == HTTP_NO_MEMORY) {
		code = message_result(RESULT_NO_MEMORY, NULL);
	} else if (failure != HTTP_OK) {
		message_error(_("%s does not answer: %s\nIs the address right, and is there a network?"), t->base, answer.why);
		code = EXIT_FILE;
	} else if (answer.status != 200) {
		message_error(_("%s%s: HTTP %ld\nGive the address of the page itself; redirections are not followed."), t->base,
			      t->path, answer.status);
		code = EXIT_FILE;
	}
	http_answer_clear(&answer);
	return code;
}

/* Whose version we can know. */
static struct json_object *ask_own(unsigned port)
{
	struct json_object *json = NULL;
	struct runtime runtime;

	if (!runtime_read(&runtime) || runtime.port != port)
		return NULL;
	return agent_client_ask(&runtime, "status", &json) == EXIT_GOOD ? json : NULL;
}

static enum exit_code ask(const struct target *t, struct found *r)
{
	enum exit_code code = *t->base ? fetch_page(t, r) : EXIT_GOOD;

	if (code != EXIT_GOOD)
		return code;
	r->port = t->port ? t->port : r->page.port ? r->page.port : PORT;
	if (!agent_probe(r->port, &r->probe))
		return message_result(RESULT_NO_MEMORY, NULL);
	if (r->probe.kind == AGENT_PROBE_OWN)
		r->own = ask_own(r->port);
	return EXIT_GOOD;
}

/* ---- telling ---- */

static struct json_object *list_json(const char *const *names, const bool *has)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; names[i]; i++)
		if (has[i])
			json_object_array_add(list, json_object_new_string(names[i]));
	return list;
}

static struct json_object *page_json(const struct target *t, const struct agent_page *page)
{
	struct json_object *json = json_object_new_object();
	char url[2 * ADDRESS_MAX];

	snprintf(url, sizeof url, "%s%s", t->base, t->path);
	json_object_object_add(json, "url", message_json_text(url));
	json_object_object_add(json, "port", page->port ? json_object_new_int((int)page->port) : NULL);
	json_object_object_add(json, "paths", list_json(agent_page_paths, page->paths));
	json_object_object_add(json, "functions", list_json(agent_page_functions, page->functions));
	json_object_object_add(json, "servisign", json_object_new_boolean(page->servisign));
	json_object_object_add(json, "scripts", json_object_new_int64((int64_t)page->scripts));
	json_object_object_add(json, "scripts_missing", json_object_new_int64((int64_t)page->missing));
	return json;
}

static struct json_object *service_json(const struct found *r)
{
	struct json_object *json = json_object_new_object(), *rights = json_object_new_object();
	bool known = r->probe.kind == AGENT_PROBE_VENDOR || r->probe.kind == AGENT_PROBE_OWN;

	json_object_object_add(json, "port", json_object_new_int((int)r->port));
	json_object_object_add(json, "kind", json_object_new_string(kind_words[r->probe.kind]));
	json_object_object_add(json, "version", message_json_some(json_bytes_text(r->own, "version")));
	json_object_object_add(json, "protocol", message_json_some(r->probe.version));
	json_object_object_add(json, "readers", known ? json_object_new_int64((int64_t)r->probe.readers) : NULL);
	json_object_object_add(json, "cards", known ? json_object_new_int64((int64_t)r->probe.cards) : NULL);
	json_object_object_add(json, "pages", list_json(agent_probe_pages, r->probe.pages));
	for (size_t i = 0; i < AGENT_PROBE_RIGHTS; i++)
		json_object_object_add(rights, right_rows[i].key, json_object_new_boolean(r->probe.rights[i]));
	json_object_object_add(json, "every_page_may", known ? rights : NULL);
	if (!known)
		json_object_put(rights);
	return json;
}

static void add_names(struct table *table, const char *title, const char *const *names, const bool *has)
{
	const char *start = title;

	for (size_t i = 0; names[i]; i++) {
		if (!has[i])
			continue;
		table_cell(table, STYLE_PLAIN, "%s", start);
		table_cell(table, STYLE_PLAIN, "%s", names[i]);
		start = "";
	}
}

static void print_page(const struct target *t, const struct agent_page *page)
{
	struct table *table = table_new(2);

	table_cell(table, STYLE_PLAIN, "%s", _("Page:"));
	table_cell(table, STYLE_PLAIN, "%s%s", t->base, t->path);
	table_cell(table, STYLE_PLAIN, "%s", _("Local service:"));
	if (page->port)
		table_cell(table, STYLE_PLAIN, _("port %u"), page->port);
	else
		table_cell(table, STYLE_PLAIN, "%s", page->servisign ? "ServiSign" : _("none is named in what was read"));
	add_names(table, _("Asks for:"), agent_page_paths, page->paths);
	add_names(table, _("Functions:"), agent_page_functions, page->functions);
	table_print(table, stdout, 0);
	table_free(&table);
	if (page->missing)
		printf(_("%zu of its scripts could not be read.\n"), page->missing);
	putchar('\n');
}

static void print_service(const struct found *r)
{
	struct table *table = table_new(2);
	const struct agent_probe *p = &r->probe;
	const char *version = json_bytes_text(r->own, "version");

	table_cell(table, STYLE_PLAIN, _("Port %u:"), r->port);
	table_cell(table, p->kind == AGENT_PROBE_OWN ? STYLE_GOOD : STYLE_WARN, "%s %s", _(kind_texts[p->kind]),
		   version ? version : "");
	if (*p->version) {
		table_cell(table, STYLE_PLAIN, "%s", _("Protocol:"));
		table_cell(table, STYLE_PLAIN, "%s", p->version);
		table_cell(table, STYLE_PLAIN, "%s", _("Readers:"));
		table_cell(table, STYLE_PLAIN, _("%zu, with a card: %zu"), p->readers, p->cards);
	}
	add_names(table, _("Answers:"), agent_probe_pages, p->pages);
	table_print(table, stdout, 0);
	table_free(&table);
}

static void print_rights(const struct agent_probe *p)
{
	struct table *table = table_new(2);

	puts(_("\nA page of any site, without its user, can"));
	for (size_t i = 0; i < AGENT_PROBE_RIGHTS; i++) {
		table_cell(table, STYLE_PLAIN, "%s", _(right_rows[i].text));
		table_cell(table, p->rights[i] ? STYLE_BAD : STYLE_GOOD, "%s", p->rights[i] ? _("yes") : _("no"));
	}
	table_print(table, stdout, 2);
	table_free(&table);
}

static void tell(const struct target *t, const struct found *r)
{
	struct json_object *json;

	if (message_is_json()) {
		json = json_object_new_object();
		json_object_object_add(json, "page", r->has_page ? page_json(t, &r->page) : NULL);
		json_object_object_add(json, "service", service_json(r));
		message_json(json);
		return;
	}
	if (r->has_page)
		print_page(t, &r->page);
	print_service(r);
	if (r->probe.kind == AGENT_PROBE_NOBODY)
		puts(_("\nStart ours with 'twcard agent start'."));
	else if (r->probe.kind == AGENT_PROBE_FOREIGN)
		puts(_("\nPages that want this port do not work until that program is ended."));
	else
		print_rights(&r->probe);
}

static enum exit_code run_probe(const struct arguments *args)
{
	struct found r = {.port = 0};
	struct target t;
	enum exit_code code;

	if (!read_target(args, &t))
		return message_usage(args->command, _("an address is https://HOST/PAGE, or this machine's; a port is a number up to 65535"));
	code = ask(&t, &r);
	if (code == EXIT_GOOD) {
		tell(&t, &r);
		if (r.probe.kind == AGENT_PROBE_NOBODY || r.probe.kind == AGENT_PROBE_FOREIGN)
			code = EXIT_NEGATIVE;
	}
	json_object_put(r.own);
	return code;
}

static const struct option_row probe_options[] = {
	{"port", 'p', N_("PORT"), N_("the service's port (default: the page's, or 61161)")},
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_agent_probe = {
	.name = "agent probe",
	.words = N_("[URL|HOST]"),
	.words_min = 0,
	.words_max = 1,
	.summary = N_("which local service does a page want, and which one is there?"),
	.more = N_("Looks at a site's page (it is read, not run) and at the service on this machine: what it is, and what it "
		   "lets every page do. It sends no PIN, asks for no signature, and lets no site in."),
	.options = probe_options,
	.run = run_probe,
};
