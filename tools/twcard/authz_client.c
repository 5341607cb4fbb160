#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "src/base/config_file.h"
#include "tools/twcard/authz_client.h"
#include "tools/twcard/authz_client_internal.h"
#include "tools/twcard/authz_refusal.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/http.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/sign_cms.h"

#define PROTOCOL 1
#define TRIES 3            /* of the same bytes */
#define PAUSE_MAX 5        /* seconds between them, whatever the server wants */
#define NAME_MAX_BYTES 256 /* of an authority */
#define NONCE_MAX 128
#define REQUEST_BYTES 16

static const struct http_limits usual = {
	.connect_ms = 10000,
	.total_ms = 30000,
	.answer_max = 1u << 20, /* 40 certificates of AUTHZ_DER_MAX, in base64, are half of it */
};

struct authz_client {
	char *url, *ca, *proxy;
	struct http_server server;
	struct http *http;
	unsigned pause; /* seconds */
	char *name;     /* the authority's; NULL: not asked yet */
	char code[AUTHZ_REFUSAL_CODE];
	bool may_be_done;
};

/* ---- whose ---- */

/* False: out of memory. */
static bool copy(const char *text, char **out)
{
	*out = text ? strdup(text) : NULL;
	return !text || *out;
}

static enum exit_code check(const struct arguments *args, const char *url)
{
	if (!url)
		return message_usage(args->command,
				     _("which authority?\nName it with --server, or in twcard.conf: authority = https://…"));
	if (!http_is_allowed(url))
		return message_usage(args->command, _("%s: an authority's address is https://HOST, perhaps with a port "
						      "and a path\n(http:// on this computer only)"), url);
	if (arguments_value(args, "proxy") && http_is_plain(url))
		return message_usage(args->command, _("what is not encrypted (http://) goes through no proxy"));
	return EXIT_GOOD;
}

enum exit_code authz_client_new(const char *url, const char *ca, const char *proxy,
				const struct http_limits *limits, unsigned pause, struct authz_client **out)
{
	struct authz_client *c = calloc(1, sizeof *c);

	*out = c;
	if (!c || !copy(url, &c->url) || !copy(ca, &c->ca) || !copy(proxy, &c->proxy)) {
		authz_client_close(out);
		return message_result(RESULT_NO_MEMORY, NULL);
	}
	c->server = (struct http_server){.base = c->url, .ca = c->ca, .proxy = c->proxy, .limits = *limits};
	c->pause = pause;
	c->http = http_new(&c->server);
	if (c->http)
		return EXIT_GOOD;
	authz_client_close(out);
	return message_result(RESULT_NO_MEMORY, NULL);
}

/* An option, or what twcard.conf says; NULL: neither. */
static const char *choose(const struct arguments *args, const char *option, const char *configured)
{
	const char *given = arguments_value(args, option);

	return given ? given : *configured ? configured : NULL;
}

enum exit_code authz_client_open(const struct arguments *args, struct authz_client **out)
{
	return authz_client_open_at(args, config_current()->authority, out);
}

enum exit_code authz_client_open_at(const struct arguments *args, const char *server, struct authz_client **out)
{
	const struct config *conf = config_current();
	const char *url = choose(args, "server", server);
	enum exit_code code = check(args, url);

	*out = NULL;
	if (code == EXIT_GOOD)
		code = authz_client_new(url, choose(args, "ca", conf->authority_ca),
					choose(args, "proxy", conf->authority_proxy), &usual, 1, out);
	return code;
}

void authz_client_close(struct authz_client **client)
{
	struct authz_client *c = *client;

	if (!c)
		return;
	http_free(&c->http);
	free(c->url);
	free(c->ca);
	free(c->proxy);
	free(c->name);
	free(c);
	*client = NULL;
}

const char *authz_client_server(const struct authz_client *client)
{
	return client->url;
}

bool authz_client_may_be_done(const struct authz_client *client)
{
	return client->may_be_done;
}

const char *authz_client_code(const struct authz_client *client)
{
	return client->code;
}

/* ---- an exchange ---- */

/* What is sent; body NULL: a question, with GET. */
struct message {
	const char *path, *type;
	const void *body;
	size_t len;
};

/* The same bytes, until they are answered or it makes no sense to go on. */
static void exchange(struct authz_client *c, const struct message *m, struct http_answer *answer)
{
	for (unsigned tried = 1;; tried++) {
		unsigned pause;

		http_exchange(c->http, m->path, m->type, m->body, m->len, answer);
		/* what was lost, or answered by somebody between, may have been done */
		if (m->body && answer->sent && (answer->failure != HTTP_OK || answer->status >= 500))
			c->may_be_done = true;
		if (tried == TRIES || !authz_refusal_is_passing(answer))
			return;
		pause = answer->retry_after > PAUSE_MAX ? PAUSE_MAX : (unsigned)answer->retry_after;
		http_answer_clear(answer);
		message_note(_("The authority did not answer: asking once more."));
		sleep(pause && c->pause ? pause : c->pause);
	}
}

static enum exit_code ask(struct authz_client *c, const struct message *m, struct json_object **out)
{
	struct http_answer answer;
	enum exit_code code = EXIT_GOOD;

	*out = NULL;
	c->code[0] = '\0';
	c->may_be_done = false;
	exchange(c, m, &answer);
	if (answer.failure == HTTP_OK)
		*out = json_bytes_parse(answer.body, answer.body_len);
	if (answer.failure != HTTP_OK || answer.status != 200 || !*out) {
		code = authz_refusal_tell(_("asking the authority"), &answer, *out, c->code);
		json_object_put(*out);
		*out = NULL;
	} else {
		c->may_be_done = false;
	}
	http_answer_clear(&answer);
	return code;
}

enum exit_code authz_client_get(struct authz_client *client, const char *path, struct json_object **out)
{
	return ask(client, &(struct message){.path = path}, out);
}

enum exit_code authz_client_post(struct authz_client *client, const char *path, struct json_object *body,
				 struct json_object **out)
{
	const char *text = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN);
	enum exit_code code;

	*out = NULL;
	if (text)
		code = ask(client, &(struct message){path, "application/json", text, strlen(text)}, out);
	else
		code = message_result(RESULT_NO_MEMORY, NULL);
	json_object_put(body);
	return code;
}

/* ---- parts of answers ---- */

enum exit_code authz_client_text(struct json_object *answer, const char *key, const char **out)
{
	*out = json_bytes_text(answer, key);
	return *out ? EXIT_GOOD : authz_refusal_tell_bad(key);
}

enum exit_code authz_client_bytes(struct json_object *answer, const char *key, unsigned char **out, size_t *len)
{
	return json_bytes_take(answer, key, out, len) ? EXIT_GOOD : authz_refusal_tell_bad(key);
}

enum exit_code authz_client_x509(struct json_object *answer, const char *key, X509 **out)
{
	bool there = json_bytes_member(answer, key) != NULL;

	*out = there ? json_bytes_x509(answer, key) : NULL;
	return !there || *out ? EXIT_GOOD : authz_refusal_tell_bad(key);
}

/* ---- signed requests ---- */

/* Who it is, which is in every request; and whether it wants a newer client. */
static enum exit_code meet(struct authz_client *c)
{
	struct json_object *version = NULL, *protocol = NULL, *minimum = NULL;
	const char *name;
	enum exit_code code = c->name ? EXIT_GOOD : authz_client_get(c, "/v1/version", &version);

	if (code != EXIT_GOOD || c->name)
		return code;
	code = authz_client_text(version, "name", &name);
	if (code == EXIT_GOOD && (!json_object_object_get_ex(version, "protocol", &protocol) ||
				  json_object_get_int(protocol) != PROTOCOL || strlen(name) > NAME_MAX_BYTES))
		code = authz_refusal_tell_bad("protocol");
	if (code == EXIT_GOOD) {
		c->name = strdup(name);
		code = c->name ? EXIT_GOOD : message_result(RESULT_NO_MEMORY, NULL);
	}
	if (json_object_object_get_ex(version, "client_minimum", &minimum) &&
	    json_object_is_type(minimum, json_type_string) &&
	    strverscmp(json_object_get_string(minimum), PACKAGE_VERSION) > 0)
		message_note(_("The authority wants a newer twcard than this one (%s)."), PACKAGE_VERSION);
	json_object_put(version);
	return code;
}

static bool add(struct json_object *to, const char *key, struct json_object *value)
{
	return value && json_object_object_add(to, key, value) == 0;
}

static bool add_text(struct json_object *to, const char *key, const char *text)
{
	return add(to, key, json_object_new_string(text));
}

/* Random, so that a request that is repeated is known by it. */
static bool add_id(struct json_object *to)
{
	unsigned char bytes[REQUEST_BYTES];
	char text[2 * REQUEST_BYTES + 1];

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return add_text(to, "request", text);
}

/* Puts in what every request has. */
static enum exit_code complete(struct authz_client *c, struct json_object *content, const char *operation)
{
	struct json_object *answer = NULL;
	const char *nonce;
	char now[CERT_TIME_SIZE];
	enum exit_code code = authz_client_get(c, "/v1/nonce", &answer);

	if (code == EXIT_GOOD)
		code = authz_client_text(answer, "nonce", &nonce);
	if (code == EXIT_GOOD && strlen(nonce) > NONCE_MAX)
		code = authz_refusal_tell_bad("nonce");
	if (code == EXIT_GOOD) {
		cert_info_time(time(NULL), now);
		if (!add(content, "protocol", json_object_new_int(PROTOCOL)) ||
		    !add_text(content, "operation", operation) || !add_text(content, "authority", c->name) ||
		    !add_id(content) || !add_text(content, "nonce", nonce) || !add_text(content, "time", now))
			code = message_result(RESULT_NO_MEMORY, NULL);
	}
	json_object_put(answer);
	return code;
}

/* NULL: OpenSSL or the card failed; the card's function has told. */
static unsigned char *sign(const struct authz_signer *signer, const char *content, int *len)
{
	const struct sign_cms_signer by = {signer->pkey, signer->x509, signer->others, EVP_sha256(), false};
	CMS_ContentInfo *cms = sign_cms_new(&by, CMS_NOSMIMECAP);
	BIO *data = BIO_new_mem_buf(content, -1);
	unsigned char *der = NULL;

	*len = -1;
	if (cms && data && CMS_final(cms, data, NULL, CMS_BINARY) == 1)
		*len = i2d_CMS_ContentInfo(cms, &der);
	BIO_free(data);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return *len > 0 ? der : NULL;
}

static enum exit_code send_signed(struct authz_client *c, const struct authz_signer *signer,
				  struct json_object *content, struct json_object **out)
{
	const char *text = json_object_to_json_string_ext(content, JSON_C_TO_STRING_PLAIN |
								    JSON_C_TO_STRING_NOSLASHESCAPE);
	int len;
	unsigned char *der = text ? sign(signer, text, &len) : NULL;
	enum exit_code code;

	if (!der)
		return text ? EXIT_CARD : message_result(RESULT_NO_MEMORY, NULL);
	code = ask(c, &(struct message){"/v1/requests", "application/pkcs7-mime", der, (size_t)len}, out);
	OPENSSL_free(der);
	return code;
}

enum exit_code authz_client_request(struct authz_client *client, const struct authz_signer *signer,
				    const char *operation, struct json_object *fields, struct json_object **out)
{
	struct json_object *content = fields ? fields : json_object_new_object();
	enum exit_code code = content ? meet(client) : message_result(RESULT_NO_MEMORY, NULL);

	*out = NULL;
	if (code == EXIT_GOOD)
		code = complete(client, content, operation);
	if (code == EXIT_GOOD)
		code = send_signed(client, signer, content, out);
	json_object_put(content);
	return code;
}
