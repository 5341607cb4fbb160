#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "tools/authority/files.h"
#include "tools/authority/hex.h"
#include "tools/authority/options.h"
#include "tools/authority/revocation.h"

#define CERTIFICATES_MAX (1u << 20) /* bytes of a file of certificates */
#define REVOCATIONS_MAX (64u << 20) /* of revocation lists: those of a large CA have millions of bytes */
#define KEY_FILE_MAX 256

static char *read_stream(FILE *file, const char *path, size_t max, size_t *len)
{
	char *text = malloc(max + 2);
	size_t n = text ? fread(text, 1, max + 1, file) : 0;

	if (text && !ferror(file) && n <= max) {
		text[n] = '\0';
		*len = n;
		return text;
	}
	options_error("%s: %s", path, n > max ? "it is too large" : "it cannot be read");
	if (text)
		OPENSSL_cleanse(text, max + 2);
	free(text);
	return NULL;
}

char *files_read(const char *path, size_t max, size_t *len)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	char *text;

	if (!file) {
		options_error("%s: %s", path, strerror(errno));
		return NULL;
	}
	text = read_stream(file, path, max, len);
	if (!standard)
		fclose(file);
	return text;
}

bool files_trust(const char *path, X509_STORE *to)
{
	size_t len = 0, count = 0;
	char *text = files_read(path, CERTIFICATES_MAX, &len);
	BIO *from = text ? BIO_new_mem_buf(text, (int)len) : NULL;
	X509 *x;

	while (from && (x = PEM_read_bio_X509(from, NULL, NULL, NULL))) {
		count += X509_STORE_add_cert(to, x) == 1;
		X509_free(x);
	}
	ERR_clear_error();
	if (from && !count)
		options_error("%s has no certificate (PEM)", path);
	BIO_free(from);
	free(text);
	return count > 0;
}

static size_t add_list(X509_STORE *to, X509_CRL *list)
{
	size_t added = list && revocation_add(to, list);

	X509_CRL_free(list);
	return added;
}

bool files_revocations(const char *path, X509_STORE *to)
{
	size_t len = 0, count = 0;
	char *text = files_read(path, REVOCATIONS_MAX, &len);
	BIO *from = text ? BIO_new_mem_buf(text, (int)len) : NULL;
	const unsigned char *p = (const unsigned char *)text;
	X509_CRL *list;

	while (from && (list = PEM_read_bio_X509_CRL(from, NULL, NULL, NULL)))
		count += add_list(to, list);
	if (from && !count)
		count = add_list(to, d2i_X509_CRL(NULL, &p, (long)len));
	ERR_clear_error();
	if (from && !count)
		options_error("%s has no revocation list (PEM or DER)", path);
	BIO_free(from);
	free(text);
	return count > 0;
}

X509 *files_certificate(const char *path)
{
	size_t len = 0;
	char *text = files_read(path, CERTIFICATES_MAX, &len);
	BIO *from = text ? BIO_new_mem_buf(text, (int)len) : NULL;
	const unsigned char *p = (const unsigned char *)text;
	X509 *x = from ? PEM_read_bio_X509(from, NULL, NULL, NULL) : NULL;

	if (!x && text)
		x = d2i_X509(NULL, &p, (long)len);
	ERR_clear_error();
	if (text && !x)
		options_error("%s is no certificate", path);
	BIO_free(from);
	free(text);
	return x;
}

static bool is_private(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		options_error("%s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode) || st.st_mode & (S_IRWXG | S_IRWXO)) {
		options_error("%s: it is a secret, and others may read it; 'chmod 600 %s'", path, path);
		return false;
	}
	return true;
}

uint8_t *files_key(const char *path, size_t len)
{
	size_t size = 0;
	char *text = is_private(path) ? files_read(path, KEY_FILE_MAX, &size) : NULL;
	uint8_t *key = text ? OPENSSL_secure_malloc(len) : NULL;

	if (!text)
		return NULL;
	text[strcspn(text, "\r\n")] = '\0';
	if (!key || !hex_read(text, key, len)) {
		options_error("%s has not %zu hexadecimal digits", path, 2 * len);
		OPENSSL_secure_clear_free(key, len);
		key = NULL;
	}
	OPENSSL_cleanse(text, KEY_FILE_MAX + 2);
	free(text);
	return key;
}

/* ---- new files ---- */

bool files_new_open(const char *path, struct files_new *out)
{
	int fd = -1;

	*out = (struct files_new){.path = path};
	if (asprintf(&out->temporary, "%s.XXXXXX", path) < 0)
		out->temporary = NULL;
	else
		fd = mkostemp(out->temporary, O_CLOEXEC);
	out->file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out->file)
		return true;
	options_error("%s: %s", path, strerror(errno));
	free(out->temporary);
	return false;
}

void files_new_abort(struct files_new *f)
{
	fclose(f->file);
	unlink(f->temporary);
	free(f->temporary);
}

bool files_new_commit(struct files_new *f, bool force)
{
	bool good = fflush(f->file) == 0 && fsync(fileno(f->file)) == 0;

	/* link() does not replace */
	good = good && (force ? rename(f->temporary, f->path) : link(f->temporary, f->path)) == 0;
	if (!good)
		options_error("%s: %s%s", f->path, strerror(errno), errno == EEXIST ? " (--force replaces it)" : "");
	files_new_abort(f);
	return good;
}
