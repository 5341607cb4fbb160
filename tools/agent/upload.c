#include "config.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "tools/agent/upload.h"

struct uploads {
	pthread_mutex_t lock;
	struct upload *list[UPLOADS_MAX]; /* the oldest first */
	size_t count;
};

/* Those that signatures have; weak ones, too, so that a signature is called weak and not damaged. */
static const EVP_MD *digest_of(size_t i)
{
	static const EVP_MD *(*const all[UPLOAD_DIGESTS])(void) = {EVP_sha256, EVP_sha384, EVP_sha512, EVP_sha224, EVP_sha1};

	return all[i]();
}

static bool open_digests(struct upload *u)
{
	for (size_t i = 0; i < UPLOAD_DIGESTS; i++) {
		u->digests[i] = EVP_MD_CTX_new();
		if (!u->digests[i] || EVP_DigestInit_ex(u->digests[i], digest_of(i), NULL) != 1)
			return false;
	}
	return true;
}

struct upload *upload_new(enum upload_kind kind)
{
	struct upload *u = calloc(1, sizeof *u);
	bool good = u && token_new(u->token);

	if (!u)
		return NULL;
	u->kind = kind;
	if (good && kind == UPLOAD_SIGNATURE)
		good = (u->file = tmpfile()) != NULL;
	else if (good)
		good = open_digests(u);
	ERR_clear_error();
	if (good)
		return u;
	upload_free(u);
	return NULL;
}

void upload_free(struct upload *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < UPLOAD_DIGESTS; i++)
		EVP_MD_CTX_free(u->digests[i]);
	if (u->file)
		fclose(u->file);
	free(u);
}

bool upload_add(struct upload *u, const void *data, size_t len)
{
	bool good = !u->failed;

	if (good && u->kind == UPLOAD_SIGNATURE)
		good = fwrite(data, 1, len, u->file) == len;
	for (size_t i = 0; good && u->kind == UPLOAD_DATA && i < UPLOAD_DIGESTS; i++)
		good = EVP_DigestUpdate(u->digests[i], data, len) == 1;
	u->failed = !good;
	u->size += len;
	return good;
}

bool upload_sha256(const struct upload *u, unsigned char out[32])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	bool good = copy && u->digests[0] && EVP_MD_CTX_copy_ex(copy, u->digests[0]) == 1 &&
		    EVP_DigestFinal_ex(copy, out, NULL) == 1;

	EVP_MD_CTX_free(copy);
	ERR_clear_error();
	return good;
}

/* One BIO with what a digest has seen. */
static BIO *digest_bio(const struct upload *u, size_t i)
{
	BIO *bio = BIO_new(BIO_f_md());
	EVP_MD_CTX *inside = NULL;

	if (bio && BIO_set_md(bio, digest_of(i)) == 1 && BIO_get_md_ctx(bio, &inside) == 1 &&
	    EVP_MD_CTX_copy_ex(inside, u->digests[i]) == 1)
		return bio;
	BIO_free(bio);
	return NULL;
}

BIO *upload_bio(const struct upload *u)
{
	BIO *chain = BIO_new(BIO_s_null());

	for (size_t i = 0; chain && i < UPLOAD_DIGESTS; i++) {
		BIO *one = digest_bio(u, i);

		if (!one)
			BIO_free_all(chain);
		chain = one ? BIO_push(one, chain) : NULL;
	}
	return chain;
}

/* ---- all of them ---- */

struct uploads *uploads_new(void)
{
	struct uploads *all = calloc(1, sizeof *all);

	if (all)
		pthread_mutex_init(&all->lock, NULL);
	return all;
}

void uploads_free(struct uploads *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->count; i++)
		upload_free(all->list[i]);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

/* Under the lock. */
static struct upload *take_at(struct uploads *all, size_t at)
{
	struct upload *u = all->list[at];

	all->count--;
	for (; at < all->count; at++)
		all->list[at] = all->list[at + 1];
	return u;
}

static void forget_old(struct uploads *all, int64_t now)
{
	for (size_t i = all->count; i-- > 0;)
		if (now >= all->list[i]->until)
			upload_free(take_at(all, i));
}

void uploads_put(struct uploads *all, struct upload *u, int64_t now)
{
	pthread_mutex_lock(&all->lock);
	forget_old(all, now);
	if (all->count == UPLOADS_MAX)
		upload_free(take_at(all, 0));
	u->until = now + UPLOADS_SECONDS * 1000;
	all->list[all->count++] = u;
	pthread_mutex_unlock(&all->lock);
}

struct upload *uploads_take(struct uploads *all, const char *token, enum upload_kind kind, int64_t now)
{
	struct upload *found = NULL;

	pthread_mutex_lock(&all->lock);
	forget_old(all, now);
	for (size_t i = all->count; i-- > 0 && !found;)
		if (all->list[i]->kind == kind && token_equal(all->list[i]->token, token))
			found = take_at(all, i);
	pthread_mutex_unlock(&all->lock);
	return found;
}
