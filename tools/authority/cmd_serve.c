/* twcard-authority serve */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/authority/commands.h"
#include "tools/authority/fields.h"
#include "tools/authority/files.h"
#include "tools/authority/log.h"
#include "tools/authority/revocation.h"
#include "tools/authority/server.h"

#define TIDY_SECONDS 3600
#define TERMS_MAX 65536
#define BURST_FACTOR 6 /* seconds of a card's rate that may come at once; of an address's: 2 */

static bool set_name(const struct options *o, char out[AUTHORITY_NAME_MAX + 1])
{
	if (o->name && (!*o->name || strlen(o->name) > AUTHORITY_NAME_MAX)) {
		options_error("--name: 1 to %d bytes", AUTHORITY_NAME_MAX);
		return false;
	}
	if (o->name)
		snprintf(out, AUTHORITY_NAME_MAX + 1, "%s", o->name);
	else if (gethostname(out, AUTHORITY_NAME_MAX) < 0 || !*out)
		strcpy(out, "twcard-authority");
	return true;
}

static bool load_terms(const char *path, struct authority *a)
{
	size_t len = 0;
	char *text = files_read(path, TERMS_MAX, &len);

	a->terms = text ? fields_parse(text, len) : NULL;
	if (text && !(a->terms && fields_text(a->terms, "version") && fields_object(a->terms, "text"))) {
		options_error("%s is not {\"version\":\"…\",\"text\":{\"en\":\"…\",\"zh_TW\":\"…\"}}", path);
		json_object_put(a->terms);
		a->terms = NULL;
	}
	free(text);
	return a->terms != NULL;
}

static bool load_trust(const struct options *o, struct authority *a)
{
	a->trust = X509_STORE_new();
	if (!a->trust)
		return false;
	/* a CA that is named is trusted, also one that is no root */
	X509_STORE_set_flags(a->trust, X509_V_FLAG_PARTIAL_CHAIN);
	for (size_t i = 0; i < o->trust.count; i++)
		if (!files_trust(o->trust.path[i], a->trust))
			return false;
	for (size_t i = 0; i < o->crl.count; i++)
		if (!files_revocations(o->crl.path[i], a->trust))
			return false;
	if (!o->trust.count)
		options_error("--trust names no CA: no card's request will be accepted");
	return o->trust.count > 0;
}

static bool load_rates(const struct options *o, struct authority *a)
{
	unsigned signer, address;

	if (!options_number("signer-rate", o->signer_rate, 10, 1000000, &signer) ||
	    !options_number("address-rate", o->address_rate, 200, 1000000, &address))
		return false;
	a->signers = rates_new(BURST_FACTOR * signer, signer);
	a->addresses = rates_new(2 * address, address);
	return a->signers && a->addresses;
}

static bool load(const struct options *o, struct store *store, struct authority *a)
{
	char name[AUTHORITY_NAME_MAX + 1];

	if (!set_name(o, name) || !load_trust(o, a) || !load_rates(o, a))
		return false;
	if (o->activation_key) {
		a->activation_key = files_key(o->activation_key, AUTHORITY_ACTIVATION_KEY_LEN);
		if (!a->activation_key)
			return false;
	}
	if (o->terms && !load_terms(o->terms, a))
		return false;
	return authority_init(a, store, name);
}

static bool read_settings(const struct options *o, struct server_settings *s)
{
	*s = (struct server_settings){.listen = o->listen ? o->listen : "127.0.0.1:8443",
				      .tls_cert = o->tls_cert, .tls_key = o->tls_key};
	if (!options_number("threads", o->threads, 8, 256, &s->threads) ||
	    !options_number("connections", o->connections, 500, 100000, &s->connections))
		return false;
	if (s->threads < 2 || s->connections < s->threads) {
		options_error("at least two threads, and as many connections, are needed");
		return false;
	}
	s->connections_per_address = s->connections / 4 ? s->connections / 4 : 1;
	return true;
}

static void tidy(struct authority *a)
{
	char problem[STORE_PROBLEM_SIZE] = "";

	if (authority_tidy(a, problem) != STORE_OK)
		log_line("old answers were not removed: %s", problem);
}

/* Nobody else notices before the first card is refused. */
static void look_at_lists(const struct authority *a)
{
	unsigned count = revocation_outdated(a->trust, time(NULL));

	if (count)
		log_line("%u revocation lists (--crl) are outdated: cards of these CAs are refused until it is "
			 "started again with new ones", count);
}

static void wait_for_end(struct authority *a, const sigset_t *signals)
{
	const struct timespec hour = {.tv_sec = TIDY_SECONDS};

	for (;;) {
		tidy(a);
		look_at_lists(a);
		if (sigtimedwait(signals, NULL, &hour) > 0)
			return;
	}
}

static enum command_exit serve(struct authority *a, const struct server_settings *settings)
{
	char problem[SERVER_PROBLEM_SIZE] = "out of memory";
	struct server *server;
	sigset_t signals;

	/* before there are threads: the signals wait until they are asked for */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	server = server_start(a, settings, problem);
	if (!server) {
		options_error("%s", problem);
		return COMMAND_FILE;
	}
	printf("ready: %s\n", server_url(server));
	fflush(stdout);
	wait_for_end(a, &signals);
	log_line("ending: no new connections");
	server_stop(server);
	return COMMAND_GOOD;
}

enum command_exit command_serve(const struct options *o, struct store *store, char **words)
{
	struct authority a = {.store = NULL};
	struct server_settings settings;
	enum command_exit code = COMMAND_FILE;

	(void)words;
	if (!read_settings(o, &settings))
		code = COMMAND_USAGE;
	else if (load(o, store, &a))
		code = serve(&a, &settings);
	authority_clear(&a);
	return code;
}
