/* twcard cert check: is a certificate good, point by point, and what to do if not. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "tools/twcard/cert_fetch.h"
#include "tools/twcard/cert_list.h"
#include "tools/twcard/cert_view.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/table.h"
#include "tools/twcard/trust.h"

/* What the command line names. */
struct work {
	struct cert_request request;
	struct cert_list card;   /* empty with --file and without --trust-card */
	STACK_OF(X509) *file;    /* of --file: the first is checked */
	char why[X509_FILE_WHY];
	struct json_object *json;
	bool bad, failed, damaged;
	bool not_checked[CERT_POINTS];
};

/* ---- words ---- */

static const struct {
	const char *word;
	enum cert_purpose purpose;
} purposes[] = {
	{"sign", CERT_PURPOSE_SIGN},
	{"encrypt", CERT_PURPOSE_ENCRYPT},
	{"tls-client", CERT_PURPOSE_TLS_CLIENT},
};

/* ---- the command line ---- */

static enum exit_code read_purpose(const struct arguments *args, struct cert_request *to)
{
	const char *word = arguments_value(args, "purpose");

	if (!word)
		return EXIT_GOOD;
	for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++) {
		if (strcmp(word, purposes[i].word) == 0) {
			to->purpose = purposes[i].purpose;
			return EXIT_GOOD;
		}
	}
	return message_usage(args->command, _("--purpose is sign, encrypt or tls-client"));
}

static enum exit_code read_authorities(const struct arguments *args, struct work *w)
{
	enum exit_code code = EXIT_GOOD;
	const char *path;

	for (size_t n = 0; code == EXIT_GOOD && (path = arguments_nth(args, "ca", n)) != NULL; n++)
		code = x509_file_load(path, w->request.trusted);
	return code;
}

/* A list that cannot be had is told with the other points: they are worth knowing too. */
static void read_lists(const struct arguments *args, struct work *w)
{
	const char *where;

	for (size_t n = 0; (where = arguments_nth(args, "crl", n)) != NULL; n++)
		if (!fetch_crls(where, w->request.crls, w->why))
			w->request.crl_why = w->why;
}

/* What came with the first certificate of a file may be a CA's. */
static enum exit_code read_certificate_file(const char *path, struct work *w)
{
	enum exit_code code = x509_file_load(path, w->file);

	if (code != EXIT_GOOD)
		return code;
	for (int i = 1; i < sk_X509_num(w->file); i++)
		if (sk_X509_push(w->request.others, sk_X509_value(w->file, i)) <= 0)
			return message_result(RESULT_NO_MEMORY, NULL);
	return EXIT_GOOD;
}

static enum exit_code read_card(const struct arguments *args, struct work *w)
{
	enum exit_code code = cert_list_read(args, w->request.at, &w->card);

	if (code != EXIT_GOOD)
		return code;
	for (size_t i = 0; i < w->card.count; i++)
		if (w->card.items[i].info.usage & CERT_IS_CA &&
		    sk_X509_push(w->request.others, w->card.items[i].x509) <= 0)
			return message_result(RESULT_NO_MEMORY, NULL);
	return EXIT_GOOD;
}

/* The card first: a person who forgot it need not wait for the network. */
static enum exit_code read_all(const struct arguments *args, struct work *w)
{
	const char *file = arguments_value(args, "file");
	bool trust_card = arguments_has(args, "trust-card");
	enum exit_code code = read_purpose(args, &w->request);

	w->request.ocsp = arguments_value(args, "ocsp");
	w->request.online = arguments_has(args, "online");
	w->request.trust_others = trust_card;
	if (file && args->word_count)
		return message_usage(args->command, _("WHICH is on the card, --file is not: one or the other"));
	if (code == EXIT_GOOD)
		code = trust_time(args, &w->request.at);
	if (code == EXIT_GOOD)
		code = read_authorities(args, w);
	if (code == EXIT_GOOD && file)
		code = read_certificate_file(file, w);
	if (code == EXIT_GOOD && (!file || trust_card))
		code = read_card(args, w);
	if (code == EXIT_GOOD)
		read_lists(args, w);
	return code;
}

/* ---- one certificate ---- */

static void add_json(struct work *w, struct json_object *about,
		     const struct cert_finding findings[CERT_POINTS])
{
	json_object_object_add(about, "result", json_object_new_string(cert_view_result(findings)));
	json_object_object_add(about, "points", cert_view_points(findings));
	json_object_array_add(w->json, about);
}

static void print(const char *title, const struct cert_finding findings[CERT_POINTS])
{
	struct table *head = table_new(1), *t = table_new(3);

	table_cell(head, STYLE_HEAD, "%s", title);
	table_print(head, stdout, 0);
	table_free(&head);
	for (size_t i = 0; i < CERT_POINTS; i++) {
		const struct cert_finding *f = &findings[i];

		if (!f->is_told)
			continue;
		table_cell(t, STYLE_PLAIN, "%s", cert_view_point((enum cert_point)i));
		table_cell(t, cert_view_style(f->state), "%s", cert_view_state(f->state));
		table_cell(t, STYLE_PLAIN, "%s", f->text);
		if (!f->next)
			continue;
		table_cell(t, STYLE_PLAIN, "%s", "");
		table_cell(t, STYLE_PLAIN, "%s", "");
		table_cell(t, STYLE_PLAIN, "%s", f->next);
	}
	table_print(t, stdout, 2);
	table_free(&t);
}

/* about, title: what it is called; about is taken over. */
static enum exit_code check_one(struct work *w, X509 *x, struct json_object *about, const char *title)
{
	struct cert_finding findings[CERT_POINTS];

	if (!cert_check(&w->request, x, findings)) {
		json_object_put(about);
		return message_result(RESULT_NO_MEMORY, NULL);
	}
	for (size_t i = 0; i < CERT_POINTS; i++) {
		if (!findings[i].is_told)
			continue;
		w->bad = w->bad || findings[i].state == CERT_STATE_BAD;
		w->failed = w->failed || findings[i].failed;
		w->not_checked[i] = w->not_checked[i] || findings[i].state == CERT_STATE_NOT_CHECKED;
	}
	if (message_is_json())
		add_json(w, about, findings);
	else
		print(title, findings);
	if (!message_is_json())
		json_object_put(about);
	return EXIT_GOOD;
}

/* The others are checked all the same. */
static void tell_damaged(struct work *w, const struct cert_item *item)
{
	static const struct cert_finding nothing[CERT_POINTS];
	struct json_object *about;

	w->damaged = true;
	message_error(_("certificate %zu of the card (%s) is damaged: it is no certificate"), item->number,
		      item->id);
	about = message_is_json() ? cert_item_json(item) : NULL;
	if (!about)
		return;
	add_json(w, about, nothing);
	json_object_object_add(about, "result", json_object_new_string("bad"));
}

static enum exit_code check_item(struct work *w, const struct cert_item *item)
{
	char title[CERT_TEXT_MAX + 256];

	if (!item->x509) {
		tell_damaged(w, item);
		return EXIT_GOOD;
	}
	snprintf(title, sizeof title, "%zu  %s  %s  %s", item->number, item->label, item->id,
		 item->info.holder);
	return check_one(w, item->x509, cert_item_json(item), title);
}

static enum exit_code check_file(struct work *w, const char *path)
{
	X509 *x = sk_X509_value(w->file, 0);
	struct json_object *about = json_object_new_object();
	char title[CERT_TEXT_MAX + 256];
	struct cert_info info;
	enum exit_code code;

	if (!about || !cert_info_read(x, w->request.at, &info)) {
		json_object_put(about);
		return message_result(RESULT_NO_MEMORY, NULL);
	}
	json_object_object_add(about, "file", message_json_text(path));
	json_object_object_add(about, "certificate", cert_info_json(&info));
	snprintf(title, sizeof title, "%s  %s", path, info.holder);
	code = check_one(w, x, about, title);
	cert_info_clear(&info);
	return code;
}

/* ---- all of them ---- */

static enum exit_code check_card(struct work *w, const char *which)
{
	const struct cert_item *only = which ? cert_list_find(&w->card, which) : NULL;
	enum exit_code code = EXIT_GOOD;
	size_t checked = 0;

	if (which)
		return only ? check_item(w, only) : EXIT_USAGE;
	for (size_t i = 0; i < w->card.count && code == EXIT_GOOD; i++) {
		if (w->card.items[i].info.usage & CERT_IS_CA)
			continue;
		checked++;
		code = check_item(w, &w->card.items[i]);
	}
	if (code == EXIT_GOOD && !checked) {
		message_error(_("there is no certificate of a holder on this card\n"
				"'twcard cert list' shows those there are."));
		return EXIT_CARD;
	}
	return code;
}

/* Not checked is not good, and is said. */
static void print_summary(const struct work *w)
{
	const char *between = "";

	if (w->bad || w->damaged)
		printf("%s\n", _("Not good: see above."));
	else
		printf("%s", _("Nothing bad was found."));
	if (w->bad || w->damaged)
		return;
	for (size_t i = 0; i < CERT_POINTS; i++) {
		if (!w->not_checked[i])
			continue;
		printf("%s%s", *between ? between : _(" Not checked: "), cert_view_point((enum cert_point)i));
		between = _(", ");
	}
	printf("\n");
}

static enum exit_code say(struct work *w)
{
	struct json_object *value;
	bool incomplete = false;
	char at[CERT_TIME_SIZE];

	for (size_t i = 0; i < CERT_POINTS; i++)
		incomplete = incomplete || w->not_checked[i];
	if (message_is_json()) {
		value = json_object_new_object();
		cert_info_time(w->request.at, at);
		json_object_object_add(value, "result", json_object_new_string(w->bad || w->damaged ? "bad"
							      : incomplete ? "incomplete" : "good"));
		json_object_object_add(value, "at", json_object_new_string(at));
		json_object_object_add(value, "certificates", w->json);
		w->json = NULL;
		message_json(value);
	} else {
		print_summary(w);
	}
	if (w->bad)
		return EXIT_NEGATIVE;
	return w->damaged ? EXIT_CARD : w->failed ? EXIT_FILE : EXIT_GOOD;
}

static enum exit_code check_all(const struct arguments *args, struct work *w)
{
	enum exit_code code = read_all(args, w);

	if (code == EXIT_GOOD && arguments_has(args, "file"))
		code = check_file(w, arguments_value(args, "file"));
	else if (code == EXIT_GOOD)
		code = check_card(w, args->word_count ? args->words[0] : NULL);
	return code == EXIT_GOOD ? say(w) : code;
}

static enum exit_code run(const struct arguments *args)
{
	struct work w = {
		.request = {.trusted = sk_X509_new_null(), .others = sk_X509_new_null(),
			    .crls = sk_X509_CRL_new_null()},
		.file = sk_X509_new_null(),
		.json = json_object_new_array(),
	};
	enum exit_code code;

	if (w.request.trusted && w.request.others && w.request.crls && w.file && w.json)
		code = check_all(args, &w);
	else
		code = message_result(RESULT_NO_MEMORY, NULL);
	json_object_put(w.json);
	sk_X509_free(w.request.others); /* they are the card's and the file's */
	sk_X509_pop_free(w.file, X509_free);
	sk_X509_pop_free(w.request.trusted, X509_free);
	sk_X509_CRL_pop_free(w.request.crls, X509_CRL_free);
	cert_list_clear(&w.card);
	return code;
}

static const struct option_row options[] = {
	{"file", 0, N_("FILE"), N_("check this certificate, not the card's; others in the file may help its chain")},
	{"ca", 0, N_("FILE"), N_("trust the CAs in this file (PEM or DER); several times")},
	{"trust-card", 0, NULL, N_("trust the root on the card: no proof, the card may be anybody's")},
	{"crl", 0, N_("FILE|URL"), N_("a revocation list; several times")},
	{"ocsp", 0, N_("URL|FILE"), N_("ask this OCSP service, or read its answer from a file")},
	{"online", 0, NULL, N_("ask the CA at the address that the certificate names")},
	{"purpose", 0, N_("sign|encrypt|tls-client"), N_("what it is to be good for")},
	{"at", 0, N_("TIME"), N_("the time to check for: 2026-01-31, or 2026-01-31T08:00:00Z")},
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_cert_check = {
	.name = "cert check",
	.words = N_("[WHICH]"),
	.words_max = 1,
	.summary = N_("is a certificate good: chain, validity, usage, revocation"),
	.more = N_("WHICH is the certificate's number in 'twcard cert list', its id or its label; "
		   "without it, all that are the holder's. The network is used only for an address "
		   "that is given, or with --online."),
	.options = options,
	.run = run,
};
