#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <curl/curl.h>

#include "apdu/buffer.h"
#include "tools/twcard/http.h"

struct http {
	const struct http_server *server;
	CURL *curl;
	struct buffer body;
	char error[CURL_ERROR_SIZE];
};

/* ---- addresses ---- */

static bool is_this_machine(const char *host)
{
	struct in_addr v4;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static char *part(CURLU *u, CURLUPart which)
{
	char *text = NULL;

	return curl_url_get(u, which, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool has_part(CURLU *u, CURLUPart which)
{
	char *text = part(u, which);
	bool has = text != NULL;

	curl_free(text);
	return has;
}

bool http_is_plain(const char *url)
{
	return strncmp(url, "http://", 7) == 0;
}

bool http_is_allowed(const char *url)
{
	static const CURLUPart never[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
					  CURLUPART_QUERY, CURLUPART_FRAGMENT};
	bool plain = http_is_plain(url), good = plain || strncmp(url, "https://", 8) == 0;
	CURLU *u = good ? curl_url() : NULL;
	char *host = NULL;

	good = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;
	if (good)
		host = part(u, CURLUPART_HOST);
	good = good && host && (!plain || is_this_machine(host));
	for (size_t i = 0; good && i < sizeof never / sizeof *never; i++)
		good = !has_part(u, never[i]);
	curl_free(host);
	curl_url_cleanup(u);
	return good;
}

/* ---- the connection ---- */

static size_t take_body(char *data, size_t size, size_t n, void *context)
{
	struct http *http = context;
	size_t len = size * n;

	if (len > http->server->limits.answer_max - http->body.len)
		return 0; /* which is an error to libcurl */
	return buffer_append(&http->body, data, len) == RESULT_OK ? len : 0;
}

static bool set_server(CURL *c, const struct http_server *server)
{
	bool plain = http_is_plain(server->base);
	CURLcode bad = CURLE_OK;

	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	bad |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	bad |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, server->limits.connect_ms);
	bad |= curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, server->limits.total_ms);
	bad |= curl_easy_setopt(c, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	if (server->ca) {
		bad |= curl_easy_setopt(c, CURLOPT_CAINFO, server->ca);
		bad |= curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	}
	if (plain)
		bad |= curl_easy_setopt(c, CURLOPT_PROXY, "");
	else if (server->proxy)
		bad |= curl_easy_setopt(c, CURLOPT_PROXY, server->proxy);
	return bad == CURLE_OK;
}

static bool set_up(struct http *http)
{
	CURL *c = http->curl;

	return c && set_server(c, http->server) &&
	       curl_easy_setopt(c, CURLOPT_ERRORBUFFER, http->error) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEDATA, http) == CURLE_OK;
}

struct http *http_new(const struct http_server *server)
{
	struct http *http = calloc(1, sizeof *http);

	if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(http);
		return NULL;
	}
	http->server = server;
	http->curl = curl_easy_init();
	if (!set_up(http))
		http_free(&http);
	return http;
}

void http_free(struct http **http)
{
	if (!*http)
		return;
	curl_easy_cleanup((*http)->curl);
	curl_global_cleanup();
	buffer_clear(&(*http)->body);
	free(*http);
	*http = NULL;
}

/* ---- an exchange ---- */

/* What is not here is HTTP_NETWORK. */
static const struct {
	CURLcode code;
	enum http_failure failure;
} failures[] = {
	{CURLE_OK, HTTP_OK},
	{CURLE_OUT_OF_MEMORY, HTTP_NO_MEMORY},
	{CURLE_COULDNT_RESOLVE_PROXY, HTTP_PROXY},
	{CURLE_PROXY, HTTP_PROXY},
	{CURLE_SSL_CONNECT_ERROR, HTTP_TLS},
	{CURLE_PEER_FAILED_VERIFICATION, HTTP_TLS},
	{CURLE_SSL_CACERT_BADFILE, HTTP_TLS},
	{CURLE_SSL_CERTPROBLEM, HTTP_TLS},
	{CURLE_SSL_CIPHER, HTTP_TLS},
	{CURLE_SSL_ISSUER_ERROR, HTTP_TLS},
	{CURLE_SSL_INVALIDCERTSTATUS, HTTP_TLS},
	{CURLE_OPERATION_TIMEDOUT, HTTP_TIMEOUT},
	{CURLE_GOT_NOTHING, HTTP_CUT},
	{CURLE_PARTIAL_FILE, HTTP_CUT},
	{CURLE_RECV_ERROR, HTTP_CUT},
	{CURLE_SEND_ERROR, HTTP_CUT},
	{CURLE_WRITE_ERROR, HTTP_ANSWER},
	{CURLE_WEIRD_SERVER_REPLY, HTTP_ANSWER},
	{CURLE_UNSUPPORTED_PROTOCOL, HTTP_ANSWER},
	{CURLE_BAD_CONTENT_ENCODING, HTTP_ANSWER},
};

static enum http_failure failure_of(CURLcode code, long connect_status)
{
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
		if (failures[i].code == code)
			/* a proxy that refuses hangs up */
			return code != CURLE_OK && connect_status >= 300 ? HTTP_PROXY : failures[i].failure;
	return connect_status >= 300 ? HTTP_PROXY : HTTP_NETWORK;
}

static long number_of(CURL *c, CURLINFO info)
{
	long number = 0;

	return curl_easy_getinfo(c, info, &number) == CURLE_OK ? number : 0;
}

/* A text of its own: the body has a NUL at its end, which is not counted. */
static bool take_answer(struct http *http, struct http_answer *out)
{
	curl_off_t wait = 0;

	out->status = number_of(http->curl, CURLINFO_RESPONSE_CODE);
	if (curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
		out->retry_after = wait < 3600 ? (long)wait : 3600;
	out->body_len = http->body.len;
	out->body = malloc(out->body_len + 1);
	if (!out->body)
		return false;
	if (out->body_len)
		memcpy(out->body, http->body.data, out->body_len);
	out->body[out->body_len] = '\0';
	return true;
}

/* False: out of memory; then the list is gone. */
static bool add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (!more)
		curl_slist_free_all(*list);
	*list = more;
	return more != NULL;
}

/* type: NULL for a request without a body. False: out of memory. */
static bool headers_of(const struct http_server *server, const char *type, struct curl_slist **list)
{
	char line[128];

	*list = NULL;
	snprintf(line, sizeof line, "Content-Type: %s", type ? type : "");
	if (type && !add_header(list, line))
		return false;
	if (type && !add_header(list, "Expect:")) /* one way there and back, not two */
		return false;
	for (size_t i = 0; server->headers && server->headers[i]; i++)
		if (!add_header(list, server->headers[i]))
			return false;
	return true;
}

static bool set_request(CURL *c, const char *url, struct curl_slist *headers, const void *body, size_t len)
{
	CURLcode bad = curl_easy_setopt(c, CURLOPT_URL, url);

	bad |= curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	if (!body)
		return (bad | curl_easy_setopt(c, CURLOPT_HTTPGET, 1L)) == CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_POST, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	return bad == CURLE_OK;
}

static void perform(struct http *http, struct http_answer *out)
{
	CURLcode code;

	http->error[0] = '\0';
	http->body.len = 0;
	code = curl_easy_perform(http->curl);
	out->failure = failure_of(code, number_of(http->curl, CURLINFO_HTTP_CONNECTCODE));
	out->sent = code == CURLE_OK || number_of(http->curl, CURLINFO_REQUEST_SIZE) > 0;
	if (!take_answer(http, out))
		out->failure = HTTP_NO_MEMORY;
	snprintf(out->why, sizeof out->why, "%s", *http->error ? http->error : curl_easy_strerror(code));
}

enum http_failure http_exchange(struct http *http, const char *path, const char *type, const void *body,
				size_t len, struct http_answer *out)
{
	const char *base = http->server->base;
	size_t base_len = strlen(base), room = base_len + strlen(path) + 1;
	struct curl_slist *headers;
	bool good = headers_of(http->server, body ? type : NULL, &headers);
	char *url = malloc(room);

	*out = (struct http_answer){.failure = HTTP_NO_MEMORY};
	while (base_len && base[base_len - 1] == '/') /* every path begins with one */
		base_len--;
	if (url)
		snprintf(url, room, "%.*s%s", (int)base_len, base, path);
	if (url && good && set_request(http->curl, url, headers, body, len))
		perform(http, out);
	(void)curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	free(url);
	return out->failure;
}

void http_answer_clear(struct http_answer *answer)
{
	free(answer->body);
	*answer = (struct http_answer){.failure = HTTP_OK};
}

const char *http_header(struct http *http, const char *name)
{
	struct curl_header *header = NULL;

	return curl_easy_header(http->curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}
