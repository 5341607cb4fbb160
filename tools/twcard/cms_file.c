#include "config.h"

#include <string.h>
#include <strings.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

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

static enum cms_encoding recognize(const struct stream *in, size_t len)
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
static BIO *reader_of(struct stream *in, size_t looked)
{
	BIO *file = BIO_new_fd(in->fd, BIO_NOCLOSE);
	BIO *buffer = BIO_new(BIO_f_buffer());

	if (file && buffer && BIO_set_buffer_read_data(buffer, in->head, (long)looked) == 1)
		return BIO_push(buffer, file);
	BIO_free(buffer);
	BIO_free(file);
	return NULL;
}

static enum exit_code parse(struct stream *in, size_t looked, struct cms_file *out)
{
	BIO *bio = reader_of(in, looked);

	if (!bio)
		return message_result(RESULT_NO_MEMORY, NULL);
	if (out->encoding == CMS_AS_DER)
		out->cms = d2i_CMS_bio(bio, NULL);
	else if (out->encoding == CMS_AS_PEM)
		out->cms = PEM_read_bio_CMS(bio, NULL, NULL, NULL);
	else
		out->cms = SMIME_read_CMS(bio, &out->content);
	BIO_free_all(bio);
	ERR_clear_error();
	if (out->cms)
		return EXIT_GOOD;
	message_error(_("%s is no CMS or S/MIME message, or it is damaged"), in->name);
	return EXIT_NEGATIVE;
}

enum exit_code cms_file_read(const char *path, struct cms_file *out)
{
	struct stream in;
	size_t looked = 0;
	enum exit_code code = stream_open(path, &in);

	*out = (struct cms_file){NULL, NULL, CMS_AS_DER};
	if (code == EXIT_GOOD)
		code = stream_look(&in, &looked);
	if (code == EXIT_GOOD) {
		out->encoding = recognize(&in, looked);
		code = parse(&in, looked, out);
	}
	stream_close(&in);
	return code;
}

void cms_file_clear(struct cms_file *file)
{
	CMS_ContentInfo_free(file->cms);
	BIO_free_all(file->content);
	*file = (struct cms_file){NULL, NULL, CMS_AS_DER};
}
