/*
 * CMS messages (RFC 5652) in files: as DER, as PEM, or as S/MIME (RFC 8551).
 * What is written may be of any size, with the content passed through.
 */
#ifndef TWCARD_TOOLS_CMS_FILE_H
#define TWCARD_TOOLS_CMS_FILE_H

#include <stdio.h>

#include <openssl/cms.h>

#include "tools/twcard/cms_split.h"
#include "tools/twcard/stream.h"

enum cms_encoding { CMS_AS_DER, CMS_AS_PEM, CMS_AS_SMIME };

/* The rows of commands that write one, and what was asked for. */
#define CMS_FILE_OPTIONS \
	{"der", 0, NULL, N_("write DER (the default)")}, \
	{"pem", 0, NULL, N_("write PEM")}, \
	{"smime", 0, NULL, N_("write an S/MIME message for mail programs")}

/* EXIT_USAGE: more than one was asked for; the user has been told. */
enum exit_code cms_file_encoding(const struct arguments *args, enum cms_encoding *out);

/* "der", "pem", "smime" */
const char *cms_file_encoding_name(enum cms_encoding encoding);

/* Writes one that is complete. False: OpenSSL or the file failed; the user has not been told. */
bool cms_file_write(CMS_ContentInfo *cms, enum cms_encoding encoding, const char *smime_type,
		    FILE *file);

/* Gives the content to `take`. */
typedef enum exit_code cms_file_source(void *context, stream_taker *take, void *taker_context);

/*
 * Writes one while its content goes through it; what OpenSSL does at the end
 * (it signs) is done then. empty: there is no content. The answer is what
 * `source` answered, or EXIT_INTERNAL: as cms_file_write() fails.
 */
enum exit_code cms_file_pass(CMS_ContentInfo *cms, enum cms_encoding encoding, const char *smime_type,
			     bool empty, cms_file_source *source, void *context, FILE *file);

/*
 * One that was read; to be cleared. The content of DER stays in the file until
 * it is asked for, so it may be of any size; PEM and S/MIME are held in memory.
 */
struct cms_file {
	CMS_ContentInfo *cms;
	enum cms_encoding encoding;
	struct stream_in in;       /* DER: the file, or a nameless copy of what cannot be read twice */
	struct cms_split split; /* DER */
	BIO *beside;            /* what an S/MIME message brings beside the signature; NULL: nothing */
};

/*
 * Reads one from a file ("-": standard input), and finds out its encoding.
 * EXIT_FILE: it cannot be read; EXIT_NEGATIVE: it is no CMS message that is
 * known. The user has been told.
 */
enum exit_code cms_file_read(const char *path, struct cms_file *out);
/* The same from a file that is open, at its beginning; it is taken over. */
enum exit_code cms_file_take(struct stream_in *in, struct cms_file *out);

void cms_file_clear(struct cms_file *file);

/* Does it bring its content, and not only say something about it? */
bool cms_file_has_content(const struct cms_file *file);

/*
 * Gives the content (enveloped data: encrypted) to `take`, once. Answers as
 * stream_pump(); EXIT_NEGATIVE: it is damaged, the user has been told.
 */
enum exit_code cms_file_pump(struct cms_file *file, const char *what, stream_taker *take, void *context);

#endif
