#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "src/base/file.h"
#include "tools/twcard/arguments.h"
#include "tools/twcard/cms_file.h"
#include "tools/twcard/message.h"

static const struct {
	const char *name;
	const char *before, *after; /* with the S/MIME type where %s is */
	bool base64;
} encodings[] = {
	[CMS_AS_DER] = {"der", "", "", false},
	[CMS_AS_PEM] = {"pem", "-----BEGIN CMS-----\n", "-----END CMS-----\n", true},
	[CMS_AS_SMIME] = {"smime",
			  "MIME-Version: 1.0\n"
			  "Content-Disposition: attachment; filename=\"smime.p7m\"\n"
			  "Content-Type: application/pkcs7-mime; smime-type=%s; name=\"smime.p7m\"\n"
			  "Content-Transfer-Encoding: base64\n\n",
			  "\n", true},
};
#define ENCODINGS (sizeof encodings / sizeof *encodings)

const char *cms_file_encoding_name(enum cms_encoding encoding)
{
	return encodings[encoding].name;
}

enum exit_code cms_file_encoding(const struct arguments *args, enum cms_encoding *out)
{
	size_t asked = 0;

	*out = CMS_AS_DER;
	for (size_t i = 0; i < ENCODINGS; i++) {
		if (!arguments_has(args, encodings[i].name))
			continue;
		*out = (enum cms_encoding)i;
		asked++;
	}
	if (asked <= 1)
		return EXIT_GOOD;
	return message_usage(args->command, _("--der, --pem and --smime exclude each other"));
}

/* ---- writing ---- */

/* The BIO that takes DER, with what stands before it written; NULL: it failed. */
static BIO *begin(enum cms_encoding encoding, const char *smime_type, FILE *file)
{
	BIO *out = BIO_new_fp(file, BIO_NOCLOSE), *filter;
	const char *before = encodings[encoding].before, *type = strstr(before, "%s");

	if (type)
		fprintf(file, "%.*s%s%s", (int)(type - before), before, smime_type, type + 2);
	else
		fputs(before, file);
	if (!out || !encodings[encoding].base64)
		return out;
	filter = BIO_new(BIO_f_base64());
	if (filter)
		return BIO_push(filter, out);
	BIO_free(out);
	return NULL;
}

static bool end(BIO *out, enum cms_encoding encoding, FILE *file)
{
	bool good = BIO_flush(out) == 1;

	BIO_free_all(out);
	return good && fputs(encodings[encoding].after, file) >= 0 && !ferror(file);
}

bool cms_file_write(CMS_ContentInfo *cms, enum cms_encoding encoding, const char *smime_type, FILE *file)
{
	BIO *out = begin(encoding, smime_type, file);
	bool good = out && i2d_CMS_bio(out, cms) == 1;

	return out && end(out, encoding, file) && good;
}

/* OpenSSL's streaming writer never begins where there is no content. */
static bool write_empty(CMS_ContentInfo *cms, enum cms_encoding encoding, const char *smime_type,
			FILE *file)
{
	BIO *content = CMS_dataInit(cms, NULL);
	bool good = content && BIO_flush(content) == 1 && CMS_dataFinal(cms, content) == 1;

	BIO_free_all(content);
	return good && cms_file_write(cms, encoding, smime_type, file);
}

/* Frees the BIOs above `bottom`. */
static void pop_down_to(BIO *top, const BIO *bottom)
{
	while (top && top != bottom) {
		BIO *next = BIO_pop(top);

		BIO_free(top);
		top = next;
	}
}

enum exit_code cms_file_pass(CMS_ContentInfo *cms, enum cms_encoding encoding, const char *smime_type,
			     bool empty, cms_file_source *source, void *context, FILE *file)
{
	BIO *out, *top;
	enum exit_code code = EXIT_INTERNAL;

	if (empty)
		return write_empty(cms, encoding, smime_type, file) ? EXIT_GOOD : EXIT_INTERNAL;
	out = begin(encoding, smime_type, file);
	top = out ? BIO_new_CMS(out, cms) : NULL;
	if (top)
		code = source(context, stream_to_bio, top);
	if (code == EXIT_GOOD && BIO_flush(top) != 1)
		code = EXIT_INTERNAL;
	pop_down_to(top, out);
	if (out && !end(out, encoding, file) && code == EXIT_GOOD)
		code = EXIT_INTERNAL;
	return code;
}

/* ---- reading ---- */

static enum cms_encoding recognize(const struct stream_in *in, size_t len)
{
	static const char mark[] = "\nContent-Type:";
	char head[STREAM_HEAD + 2] = "\n";

	if (len && in->head[0] == 0x30)
		return CMS_AS_DER;
	memcpy(head + 1, in->head, len);
	for (size_t i = 0; i + sizeof mark - 1 <= len + 1; i++)
		if (strncasecmp(head + i, mark, sizeof mark - 1) == 0)
			return CMS_AS_SMIME;
	return memmem(head, len + 1, "-----BEGIN ", 11) ? CMS_AS_PEM : CMS_AS_SMIME;
}

/* The file's bytes again, with those that were looked at. */
static BIO *reader_of(struct stream_in *in, size_t looked)
{
	BIO *file = BIO_new_fd(in->fd, BIO_NOCLOSE);
	BIO *buffer = BIO_new(BIO_f_buffer());

	if (file && buffer && BIO_set_buffer_read_data(buffer, in->head, (long)looked) == 1)
		return BIO_push(buffer, file);
	BIO_free(buffer);
	BIO_free(file);
	return NULL;
}

static void parse_in_memory(struct stream_in *in, size_t looked, struct cms_file *out)
{
	BIO *bio = reader_of(in, looked);

	if (bio && out->encoding == CMS_AS_PEM)
		out->cms = PEM_read_bio_CMS(bio, NULL, NULL, NULL);
	else if (bio)
		out->cms = SMIME_read_CMS(bio, &out->beside);
	BIO_free_all(bio);
}

static bool write_to_fd(void *fd, const uint8_t *data, size_t len)
{
	return file_write(*(int *)fd, data, len);
}

/* A pipe's data are wanted from their middle, too: into a file without a name. */
static enum exit_code make_seekable(struct stream_in *in)
{
	FILE *copy = NULL;
	int fd;
	enum exit_code code;

	if (in->size || lseek(in->fd, 0, SEEK_CUR) >= 0)
		return EXIT_GOOD;
	copy = tmpfile();
	fd = copy ? fcntl(fileno(copy), F_DUPFD_CLOEXEC, 3) : -1;
	if (copy)
		fclose(copy);
	if (fd < 0) {
		message_error(_("no temporary file: %s"), strerror(errno));
		return EXIT_FILE;
	}
	code = stream_pump(in, _("reading"), write_to_fd, &fd);
	if (code == EXIT_INTERNAL) {
		message_error(_("the temporary file cannot be written: %s"), strerror(errno));
		code = EXIT_FILE;
	}
	close(in->fd);
	in->fd = fd;
	in->size = in->done;
	return code;
}

static enum exit_code parse_split(struct cms_file *out)
{
	enum exit_code code = make_seekable(&out->in);
	const uint8_t *der;

	if (code == EXIT_GOOD && cms_split_open(out->in.fd, out->in.size, out->in.name, &out->split)) {
		der = out->split.rest.data;
		out->cms = d2i_CMS_ContentInfo(NULL, &der, (long)out->split.rest.len);
	}
	return code;
}

static enum exit_code parse(struct cms_file *out)
{
	size_t looked = 0;
	enum exit_code code = stream_look(&out->in, &looked);

	if (code != EXIT_GOOD)
		return code;
	out->encoding = recognize(&out->in, looked);
	if (out->encoding == CMS_AS_DER)
		code = parse_split(out);
	else
		parse_in_memory(&out->in, looked, out);
	ERR_clear_error();
	if (code != EXIT_GOOD || out->cms)
		return code;
	message_error(_("%s is no signed or encrypted message (CMS, S/MIME), or it is damaged"), out->in.name);
	return EXIT_NEGATIVE;
}

enum exit_code cms_file_take(struct stream_in *in, struct cms_file *out)
{
	*out = (struct cms_file){.encoding = CMS_AS_DER, .in = *in, .split = {.fd = -1}};
	*in = (struct stream_in)STREAM_CLOSED;
	return parse(out);
}

enum exit_code cms_file_read(const char *path, struct cms_file *out)
{
	struct stream_in in;
	enum exit_code code = stream_open(path, &in);

	*out = (struct cms_file){.encoding = CMS_AS_DER, .in = STREAM_CLOSED, .split = {.fd = -1}};
	return code == EXIT_GOOD ? cms_file_take(&in, out) : code;
}

void cms_file_clear(struct cms_file *file)
{
	CMS_ContentInfo_free(file->cms);
	BIO_free_all(file->beside);
	cms_split_clear(&file->split);
	stream_close(&file->in);
	file->cms = NULL;
	file->beside = NULL;
}

/* ---- the content ---- */

/* NULL: it is not in memory. */
static const ASN1_OCTET_STRING *in_memory(const struct cms_file *file)
{
	ASN1_OCTET_STRING **inside = CMS_get0_content(file->cms);

	return inside ? *inside : NULL;
}

bool cms_file_has_content(const struct cms_file *file)
{
	return file->split.has_content || file->beside || in_memory(file);
}

static enum exit_code pump_bio(BIO *from, stream_taker *take, void *context)
{
	uint8_t piece[8192];
	int n;

	while ((n = BIO_read(from, piece, sizeof piece)) > 0)
		if (!take(context, piece, (size_t)n))
			return EXIT_INTERNAL;
	return EXIT_GOOD;
}

enum exit_code cms_file_pump(struct cms_file *file, const char *what, stream_taker *take, void *context)
{
	const ASN1_OCTET_STRING *inside = in_memory(file);

	if (file->split.has_content)
		return cms_split_pump(&file->split, what, take, context);
	if (!inside)
		return file->beside ? pump_bio(file->beside, take, context) : EXIT_GOOD;
	if (!ASN1_STRING_length(inside) ||
	    take(context, ASN1_STRING_get0_data(inside), (size_t)ASN1_STRING_length(inside)))
		return EXIT_GOOD;
	return EXIT_INTERNAL;
}
