#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ssl.h>

#include "tools/twcard/cert_fetch.h"
#include "tools/twcard/message.h"

#define CONNECT_TIMEOUT 10 /* seconds */
#define TIMEOUT 30         /* of a transfer */

/* OpenSSL's own words, for those who search for them. */
static void say_openssl(char why[X509_FILE_WHY], const char *where)
{
	const char *data = NULL;
	int flags = 0;
	unsigned long e = ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
	const char *reason = ERR_SYSTEM_ERROR(e) ? strerror(ERR_GET_REASON(e)) : ERR_reason_error_string(e);

	snprintf(why, X509_FILE_WHY, _("%s: nothing was received (%s%s%.100s)"), where,
		 reason ? reason : "?", data && flags & ERR_TXT_STRING && *data ? ": " : "",
		 data && flags & ERR_TXT_STRING ? data : "");
	ERR_clear_error();
}

/* ---- https ---- */

struct server {
	SSL_CTX *tls;
	char *host;
	int is_tls;
	bool wrapped;
};

/* OpenSSL's HTTP client asks for its connection to be wrapped, and unwrapped. */
static BIO *wrap(BIO *bio, void *arg, int connect, int detail)
{
	struct server *server = arg;
	BIO *top, *rest;
	SSL *ssl = NULL;

	if (connect ? !detail : !server->wrapped) /* detail: with TLS */
		return bio;
	if (!connect) {
		server->wrapped = false;
		rest = BIO_pop(bio);
		BIO_free(bio);
		return rest;
	}
	top = server->tls ? BIO_new_ssl(server->tls, 1) : NULL;
	if (top && BIO_get_ssl(top, &ssl) == 1 && SSL_set_tlsext_host_name(ssl, server->host) == 1 &&
	    SSL_set1_host(ssl, server->host) == 1) {
		server->wrapped = true;
		return BIO_push(top, bio);
	}
	BIO_free(top);
	return NULL;
}

/* Certificates are those that the system trusts, as in a browser. */
static bool server_init(const char *url, struct server *out, char **port, char **path)
{
	char *query = NULL, *plain = NULL;
	size_t size;
	bool ok;

	*out = (struct server){.tls = NULL};
	*port = *path = NULL;
	if (OSSL_HTTP_parse_url(url, &out->is_tls, NULL, &out->host, port, NULL, &plain, &query, NULL) != 1)
		return false;
	size = strlen(plain) + strlen(query) + 2;
	*path = OPENSSL_malloc(size);
	ok = *path != NULL;
	if (ok)
		snprintf(*path, size, "%s%s%s", plain, *query ? "?" : "", query);
	OPENSSL_free(plain);
	OPENSSL_free(query);
	if (!ok || !out->is_tls)
		return ok;
	out->tls = SSL_CTX_new(TLS_client_method());
	if (!out->tls || SSL_CTX_set_default_verify_paths(out->tls) != 1)
		return false;
	SSL_CTX_set_verify(out->tls, SSL_VERIFY_PEER, NULL);
	return true;
}

/*
 * OpenSSL's own goes on trying when there is no such name, or nobody listens,
 * until all the time is over.
 */
static BIO *connect_to(const char *host, const char *port)
{
	time_t deadline = time(NULL) + CONNECT_TIMEOUT;
	BIO *bio = BIO_new_connect(host);

	if (!bio || BIO_set_conn_port(bio, port) != 1 || BIO_set_nbio(bio, 1) != 1)
		goto fail;
	while (BIO_do_connect(bio) <= 0)
		if (!BIO_should_retry(bio) || BIO_wait(bio, deadline, 50) <= 0)
			goto fail;
	return bio;
fail:
	BIO_free_all(bio);
	return NULL;
}

/* request NULL: GET. Redirections are not followed: the address was meant, not another. */
static BIO *exchange(struct server *server, const char *port, const char *path, BIO *request,
		     size_t max)
{
	bool proxy = OSSL_HTTP_adapt_proxy(NULL, NULL, server->host, server->is_tls) != NULL;
	BIO *own = proxy ? NULL : connect_to(server->host, port), *answer;

	if (!own && !proxy)
		return NULL;
	answer = OSSL_HTTP_transfer(NULL, server->host, port, path, server->is_tls, NULL, NULL, own, NULL,
				    wrap, server, 0, NULL, request ? "application/ocsp-request" : NULL,
				    request, request ? "application/ocsp-response" : NULL, 1, max,
				    TIMEOUT, 0);
	BIO_free_all(own);
	return answer;
}

BIO *fetch_transfer(const char *url, BIO *request, size_t max, char why[X509_FILE_WHY])
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	struct server server;
	char *port, *path;
	BIO *answer = NULL;

	ERR_clear_error();
	sigaction(SIGPIPE, &ignore, &before); /* a server that hangs up must not end us */
	if (server_init(url, &server, &port, &path))
		answer = exchange(&server, port, path, request, max);
	sigaction(SIGPIPE, &before, NULL);
	if (!answer)
		say_openssl(why, url);
	SSL_CTX_free(server.tls);
	OPENSSL_free(server.host);
	OPENSSL_free(port);
	OPENSSL_free(path);
	return answer;
}
