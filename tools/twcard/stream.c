#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "tools/twcard/message.h"
#include "tools/twcard/progress.h"
#include "tools/twcard/stream.h"

enum exit_code stream_open(const char *path, struct stream_in *out)
{
	bool standard = strcmp(path, "-") == 0;
	struct stat about;

	*out = (struct stream_in)STREAM_CLOSED;
	out->name = standard ? _("standard input") : path;
	out->fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
	if (out->fd < 0 || fstat(out->fd, &about) != 0) {
		message_error("%s: %s", out->name, strerror(errno));
		stream_close(out);
		return EXIT_FILE;
	}
	if (S_ISREG(about.st_mode))
		out->size = (uint64_t)about.st_size;
	(void)posix_fadvise(out->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return EXIT_GOOD;
}

void stream_close(struct stream_in *in)
{
	if (in->fd >= 0)
		close(in->fd);
	OPENSSL_cleanse(in->head, sizeof in->head);
	in->fd = -1;
}

static ssize_t read_some(const struct stream_in *in, uint8_t *to, size_t len)
{
	ssize_t got;

	do
		got = read(in->fd, to, len);
	while (got < 0 && errno == EINTR);
	return got;
}

static enum exit_code tell(const struct stream_in *in, int error)
{
	message_error("%s: %s", in->name, strerror(error));
	return EXIT_FILE;
}

enum exit_code stream_look(struct stream_in *in, size_t *len)
{
	ssize_t got = 1;

	while (got > 0 && in->ahead < sizeof in->head) {
		got = read_some(in, in->head + in->ahead, sizeof in->head - in->ahead);
		if (got < 0)
			return tell(in, errno);
		in->ahead += (size_t)got;
	}
	*len = in->ahead;
	return EXIT_GOOD;
}

/* What was looked at first, then what is read. */
static ssize_t next_piece(struct stream_in *in, uint8_t *piece)
{
	size_t n = in->ahead;

	if (!n)
		return read_some(in, piece, STREAM_PIECE);
	memcpy(piece, in->head, n);
	OPENSSL_cleanse(in->head, sizeof in->head);
	in->ahead = 0;
	return (ssize_t)n;
}

enum exit_code stream_pump(struct stream_in *in, const char *what, stream_taker *take, void *context)
{
	uint8_t *piece = OPENSSL_malloc(STREAM_PIECE);
	struct progress progress;
	bool taken = piece != NULL;
	ssize_t got = 0;
	int error;

	progress_start(&progress, what, in->size);
	while (taken && (got = next_piece(in, piece)) > 0) {
		in->done += (uint64_t)got;
		taken = take(context, piece, (size_t)got);
		progress_add(&progress, (uint64_t)got);
	}
	error = errno;
	progress_end(&progress);
	OPENSSL_clear_free(piece, piece ? STREAM_PIECE : 0);
	if (got < 0)
		return tell(in, error);
	return taken ? EXIT_GOOD : EXIT_INTERNAL;
}

bool stream_to_bio(void *bio, const uint8_t *data, size_t len)
{
	size_t written;

	return BIO_write_ex(bio, data, len, &written) && written == len;
}

bool stream_to_signature(void *md, const uint8_t *data, size_t len)
{
	return EVP_DigestSignUpdate(md, data, len) == 1;
}

bool stream_to_verification(void *md, const uint8_t *data, size_t len)
{
	return EVP_DigestVerifyUpdate(md, data, len) == 1;
}
