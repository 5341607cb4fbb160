#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tools/agent/answer.h"
#include "tools/agent/call.h"

#define FILES "/pages/"

/* A window of a site gets a token, which no other page can read. */
static void open_window(struct call *c, struct popup *popup, const char *site)
{
	const char *const marks[] = {"@TOKEN@", popup ? popup->token : "", "@READY@", c->route->ready ? c->route->ready : "",
				     "@SITE@", site, NULL};

	if (!popup) {
		call_refuse(c, REFUSAL_INTERNAL);
		return;
	}
	(void)origin_of_url(c->q->referer, popup->opener);
	if (answer_page(c->out, c->a->page_list, c->route->page, AGENT_POPUP, marks)) {
		popups_put(c->a->popups, popup, c->now);
	} else {
		popup_free(popup);
		call_refuse(c, REFUSAL_NOT_FOUND);
	}
}

void open_popup(struct call *c)
{
	open_window(c, popup_new(POPUP_OPEN), "");
}

/* A site names itself by its host alone. Where the browser says who opened the window, that one only may be named. */
static bool site_to_add(const struct call *c, char out[ORIGIN_MAX])
{
	char opener[ORIGIN_MAX];
	bool named = origin_of_name(c->q->domain, out);

	if (!named || !origin_of_url(c->q->referer, opener))
		return named;
	named = origin_has_host(opener, strstr(out, "://") + 3);
	snprintf(out, ORIGIN_MAX, "%s", named ? opener : "");
	return named;
}

void open_add(struct call *c)
{
	struct popup *popup = popup_new(POPUP_ADD);
	char site[ORIGIN_MAX] = "";

	if (popup && site_to_add(c, site))
		snprintf(popup->origin, sizeof popup->origin, "%s", site);
	open_window(c, popup, site);
}

static void show_page(struct call *c, enum agent_kind kind)
{
	static const char *const none[] = {NULL};

	if (!answer_page(c->out, c->a->page_list, c->route->page, kind, none))
		call_refuse(c, REFUSAL_NOT_FOUND);
}

void open_page(struct call *c)
{
	show_page(c, AGENT_PAGE);
}

/* It opens windows as sites do, and they must find it. */
void open_self_test(struct call *c)
{
	show_page(c, AGENT_POPUP);
}

/* Names of the list only: no path leads anywhere else. */
void open_file(struct call *c)
{
	const char *name = c->route->page ? c->route->page : c->q->path + strlen(FILES), *dot = strrchr(name, '.');

	if (!dot || strcmp(dot, ".html") == 0 || !answer_file(c->out, c->a->page_list, name))
		call_refuse(c, REFUSAL_NOT_FOUND);
}

/* Browsers ask for a page's picture by themselves: there is none, and the log need not say so each time. */
void open_nothing(struct call *c)
{
	c->out->status = 204;
}
