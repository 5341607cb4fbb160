#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tools/twcard/cert_fetch.h"
#include "tools/twcard/message.h"

#define CONNECT_TIMEOUT 10 /* seconds */
#define TIMEOUT 30         /* of a transfer */
#define CHUNK 65536

bool fetch_is_url(const char *where)
{
	return strncasecmp(where, "http://", 7) == 0 || strncasecmp(where, "https://", 8) == 0;
}

static void say(char why[FETCH_WHY_SIZE], const char *where, const char *text)
{
	snprintf(why, FETCH_WHY_SIZE, "%s: %s", where, text);
	ERR_clear_error();
}

/* OpenSSL's own words, for those who search for them. */
static void say_openssl(char why[FETCH_WHY_SIZE], const char *where)
{
	const char *data = NULL;
	int flags = 0;
	unsigned long e = ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
	const char *reason = ERR_SYSTEM_ERROR(e) ? strerror(ERR_GET_REASON(e)) : ERR_reason_error_string(e);

	snprintf(why, FETCH_WHY_SIZE, _("%s: nothing was received (%s%s%.100s)"), where,
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

static BIO *transfer(const char *url, BIO *request, size_t max, char why[FETCH_WHY_SIZE])
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

BIO *fetch_ocsp(const char *url, BIO *request, char why[FETCH_WHY_SIZE])
{
	return transfer(url, request, FETCH_OCSP_MAX, why);
}

/* ---- files ---- */

static BIO *read_file(const char *path, size_t max, char why[FETCH_WHY_SIZE])
{
	FILE *file = fopen(path, "rbe");
	BIO *to = BIO_new(BIO_s_mem());
	char bytes[CHUNK];
	size_t n, total = 0;
	bool ok = file && to;

	while (ok && (n = fread(bytes, 1, sizeof bytes, file)) > 0) {
		total += n;
		ok = total <= max && BIO_write(to, bytes, (int)n) == (int)n;
	}
	if (file && ferror(file))
		ok = false;
	if (!ok)
		say(why, path, total > max ? _("it is too large") : strerror(errno));
	if (file)
		fclose(file);
	if (ok)
		return to;
	BIO_free(to);
	return NULL;
}

BIO *fetch_bytes(const char *where, size_t max, char why[FETCH_WHY_SIZE])
{
	return fetch_is_url(where) ? transfer(where, NULL, max, why) : read_file(where, max, why);
}

/* ---- what is in them ---- */

static bool add_der(const unsigned char *bytes, long len, STACK_OF(X509) *to)
{
	const unsigned char *end = bytes;
	X509 *x = d2i_X509(NULL, &end, len);

	if (x && end == bytes + len && sk_X509_push(to, x) > 0)
		return true;
	X509_free(x);
	return false;
}

/* True if there was one at least, and nothing that is not read. */
static bool add_pem(const unsigned char *bytes, long len, STACK_OF(X509) *to)
{
	BIO *text = BIO_new_mem_buf(bytes, (int)len);
	int before = sk_X509_num(to);
	bool whole;
	X509 *x;

	ERR_clear_error();
	while (text && (x = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(to, x) <= 0) {
			X509_free(x);
			break;
		}
	}
	whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	BIO_free(text);
	return whole && sk_X509_num(to) > before;
}

bool fetch_certificates(const char *path, STACK_OF(X509) *to, char why[FETCH_WHY_SIZE])
{
	BIO *file = read_file(path, FETCH_CERTIFICATES_MAX, why);
	unsigned char *bytes;
	long len;
	bool ok;

	if (!file)
		return false;
	len = BIO_get_mem_data(file, &bytes);
	ok = len > 0 && (add_der(bytes, len, to) || add_pem(bytes, len, to));
	if (!ok)
		say(why, path, _("no certificates in PEM or DER"));
	ERR_clear_error();
	BIO_free(file);
	return ok;
}

X509_CRL *fetch_crl(const char *where, char why[FETCH_WHY_SIZE])
{
	BIO *from = fetch_bytes(where, FETCH_CRL_MAX, why), *text;
	const unsigned char *end;
	unsigned char *bytes;
	X509_CRL *crl = NULL;
	long len;

	if (!from)
		return NULL;
	len = BIO_get_mem_data(from, &bytes);
	end = bytes;
	if (len > 0)
		crl = d2i_X509_CRL(NULL, &end, len);
	text = !crl && len > 0 ? BIO_new_mem_buf(bytes, (int)len) : NULL;
	if (text)
		crl = PEM_read_bio_X509_CRL(text, NULL, NULL, NULL);
	if (!crl)
		say(why, where, _("no revocation list in DER or PEM"));
	ERR_clear_error();
	BIO_free(text);
	BIO_free(from);
	return crl;
}
