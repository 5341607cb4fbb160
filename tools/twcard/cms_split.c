#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "tools/twcard/cms_split.h"
#include "tools/twcard/message.h"
#include "tools/twcard/progress.h"

#define TAG_END 0x00
#define TAG_OCTETS 0x04
#define TAG_OID 0x06
#define TAG_SEQUENCE 0x30
#define TAG_CONTEXT_0 0x80 /* implicit, primitive */
#define CONSTRUCTED 0x20
#define HEAD_MAX 10 /* bytes of tag and length */
#define NESTING_MAX 32
#define STRING_NESTING_MAX 4

/* ---- elements ---- */

/* The bytes at `at`, fewer than HEAD_MAX only at the end of the file. */
static size_t look(struct cms_split *s, uint64_t at, const uint8_t **out)
{
	uint64_t inside = at - s->window_at;

	if (at < s->window_at || inside > s->window_len || s->window_len - inside < HEAD_MAX) {
		ssize_t got = pread(s->fd, s->window, sizeof s->window, (off_t)at);

		s->window_at = at;
		s->window_len = got > 0 ? (size_t)got : 0;
		inside = 0;
	}
	*out = s->window + inside;
	return s->window_len - (size_t)inside;
}

/* A length of more than one byte; false: of too many, or not there. */
static bool read_length(const uint8_t *bytes, size_t count, size_t have, uint64_t *out)
{
	*out = 0;
	if (count > 8 || count > have)
		return false;
	for (size_t i = 0; i < count; i++)
		*out = *out << 8 | bytes[i];
	return true;
}

/* The element at `at` in something that ends at `limit`. */
static bool read_element(struct cms_split *s, uint64_t at, uint64_t limit, struct cms_split_element *out)
{
	const uint8_t *head;
	size_t have = look(s, at, &head), more = 0;
	uint64_t len;

	if (at > limit || limit - at < 2 || have < 2 || (head[0] & 0x1F) == 0x1F)
		return false;
	*out = (struct cms_split_element){.tag = head[0], .start = at, .indefinite = head[1] == 0x80};
	len = head[1];
	if (len > 0x80) {
		more = head[1] & 0x7F;
		if (!read_length(head + 2, more, have - 2, &len))
			return false;
	}
	out->body = at + 2 + more;
	out->end = limit;
	if (out->indefinite)
		return out->tag & CONSTRUCTED && out->body <= limit;
	if (out->body > limit || len > limit - out->body)
		return false;
	out->end = out->body + len;
	return true;
}

/* The elements inside of another one, one after the other. */
struct inside {
	uint64_t at, limit;
	bool indefinite;
};

enum step { STEP_ELEMENT, STEP_END, STEP_BAD };

static struct inside inside_of(const struct cms_split_element *e)
{
	return (struct inside){e->body, e->end, e->indefinite};
}

static bool find_end(struct cms_split *s, const struct cms_split_element *e, int depth, uint64_t *after);

/* The next one, and moves behind it. At the end in->at is behind all. */
static enum step next_inside(struct cms_split *s, struct inside *in, int depth,
			     struct cms_split_element *out)
{
	if (!in->indefinite && in->at == in->limit)
		return STEP_END;
	if (!read_element(s, in->at, in->limit, out))
		return STEP_BAD;
	if (in->indefinite && out->tag == TAG_END && out->end == out->body) {
		in->at = out->end;
		return STEP_END;
	}
	return find_end(s, out, depth, &in->at) ? STEP_ELEMENT : STEP_BAD;
}

static bool find_end(struct cms_split *s, const struct cms_split_element *e, int depth, uint64_t *after)
{
	struct inside in = inside_of(e);
	struct cms_split_element child;
	enum step step = STEP_ELEMENT;

	if (!e->indefinite) {
		*after = e->end;
		return true;
	}
	while (step == STEP_ELEMENT)
		step = depth < NESTING_MAX ? next_inside(s, &in, depth + 1, &child) : STEP_BAD;
	*after = in.at;
	return step == STEP_END;
}

/* ---- the rest ---- */

static bool open_rest(struct cms_split *s, uint8_t tag)
{
	const uint8_t head[] = {tag, 0x80}; /* its length changes with what is left out */

	return buffer_append(&s->rest, head, sizeof head) == RESULT_OK;
}

static bool close_rest(struct cms_split *s)
{
	static const uint8_t end[2];

	return buffer_append(&s->rest, end, sizeof end) == RESULT_OK;
}

static bool copy(struct cms_split *s, uint64_t from, uint64_t to)
{
	uint8_t piece[4096];

	if (to - from > CMS_SPLIT_REST_MAX || s->rest.len + (to - from) > CMS_SPLIT_REST_MAX)
		return false;
	while (from < to) {
		size_t n = to - from < sizeof piece ? (size_t)(to - from) : sizeof piece;
		ssize_t got = pread(s->fd, piece, n, (off_t)from);

		if (got <= 0 || buffer_append(&s->rest, piece, (size_t)got) != RESULT_OK)
			return false;
		from += (uint64_t)got;
	}
	return true;
}

/* Signed data have an octet string in the [0], the others have one instead of it. */
static bool keep_content(struct cms_split *s, const struct cms_split_element *e, bool is_signed)
{
	struct inside in = inside_of(e);

	s->has_content = true;
	s->content = *e;
	return !is_signed || (next_inside(s, &in, 0, &s->content) == STEP_ELEMENT &&
			      (s->content.tag & ~CONSTRUCTED) == TAG_OCTETS);
}

/* EncapsulatedContentInfo, EncryptedContentInfo: all but the content. */
static bool split_content_info(struct cms_split *s, const struct cms_split_element *info, bool is_signed)
{
	struct inside in = inside_of(info);
	struct cms_split_element e;
	enum step step;
	bool good = open_rest(s, TAG_SEQUENCE);

	while (good && (step = next_inside(s, &in, 0, &e)) != STEP_END) {
		if (step == STEP_BAD)
			return false;
		if ((e.tag & ~CONSTRUCTED) == TAG_CONTEXT_0)
			good = !s->has_content && keep_content(s, &e, is_signed);
		else
			good = copy(s, e.start, in.at);
	}
	return good && close_rest(s);
}

/* SignedData, EnvelopedData, AuthEnvelopedData: the content info is the first sequence in it. */
static bool split_data(struct cms_split *s, const struct cms_split_element *data, bool is_signed)
{
	struct inside in = inside_of(data);
	struct cms_split_element e;
	enum step step;
	bool seen = false, good = open_rest(s, TAG_SEQUENCE);

	while (good && (step = next_inside(s, &in, 0, &e)) != STEP_END) {
		if (step == STEP_BAD)
			return false;
		if (e.tag == TAG_SEQUENCE && !seen) {
			seen = true;
			good = split_content_info(s, &e, is_signed);
		} else {
			good = copy(s, e.start, in.at);
		}
	}
	return good && seen && close_rest(s);
}

/* pkcs7-signedData, pkcs7-envelopedData, id-smime-ct-authEnvelopedData */
static const struct {
	uint8_t len;
	uint8_t oid[11];
	bool is_signed;
} kinds[] = {
	{9, {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02}, true},
	{9, {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03}, false},
	{11, {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x01, 0x17}, false},
};

static bool find_kind(struct cms_split *s, const struct cms_split_element *oid, bool *is_signed)
{
	uint8_t bytes[sizeof kinds->oid];
	uint64_t len = oid->end - oid->body;

	if (oid->tag != TAG_OID || len > sizeof bytes ||
	    pread(s->fd, bytes, (size_t)len, (off_t)oid->body) != (ssize_t)len)
		return false;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (len != kinds[i].len || memcmp(bytes, kinds[i].oid, (size_t)len) != 0)
			continue;
		*is_signed = kinds[i].is_signed;
		return true;
	}
	return false;
}

/* The end of what is around the message is there, too, and nothing else before it. */
static bool is_last(struct cms_split *s, struct inside *in)
{
	struct cms_split_element more;

	return next_inside(s, in, 0, &more) == STEP_END && close_rest(s);
}

static bool split(struct cms_split *s)
{
	struct cms_split_element all, oid, wrapped, data;
	struct inside in, in_wrapped;
	bool is_signed;

	if (!read_element(s, 0, s->size, &all) || all.tag != TAG_SEQUENCE || !open_rest(s, all.tag))
		return false;
	in = inside_of(&all);
	if (next_inside(s, &in, 0, &oid) != STEP_ELEMENT || !find_kind(s, &oid, &is_signed) ||
	    !copy(s, oid.start, in.at) || next_inside(s, &in, 0, &wrapped) != STEP_ELEMENT ||
	    wrapped.tag != (TAG_CONTEXT_0 | CONSTRUCTED) || !open_rest(s, wrapped.tag))
		return false;
	in_wrapped = inside_of(&wrapped);
	return next_inside(s, &in_wrapped, 0, &data) == STEP_ELEMENT && data.tag == TAG_SEQUENCE &&
	       split_data(s, &data, is_signed) && is_last(s, &in_wrapped) && is_last(s, &in);
}

bool cms_split_open(int fd, uint64_t size, const char *name, struct cms_split *out)
{
	memset(out, 0, sizeof *out);
	out->fd = fd;
	out->size = size;
	out->name = name;
	return split(out);
}

void cms_split_clear(struct cms_split *split)
{
	buffer_clear(&split->rest);
	memset(split, 0, sizeof *split);
	split->fd = -1;
}

/* ---- the content ---- */

struct pump {
	struct cms_split *split;
	stream_taker *take;
	void *context;
	uint8_t *piece;
	struct progress progress;
	int error; /* of reading; 0: none */
};

static enum exit_code pump_bytes(struct pump *p, uint64_t from, uint64_t to)
{
	while (from < to) {
		size_t n = to - from < STREAM_PIECE ? (size_t)(to - from) : STREAM_PIECE;
		ssize_t got = pread(p->split->fd, p->piece, n, (off_t)from);

		if (got < 0) {
			p->error = errno;
			return EXIT_FILE;
		}
		if (got == 0)
			return EXIT_NEGATIVE;
		if (!p->take(p->context, p->piece, (size_t)got))
			return EXIT_INTERNAL;
		from += (uint64_t)got;
		progress_add(&p->progress, (uint64_t)got);
	}
	return EXIT_GOOD;
}

/* An octet string is bytes, or is made of octet strings. */
static enum exit_code pump_string(struct pump *p, const struct cms_split_element *string, int depth)
{
	struct inside in = inside_of(string);
	struct cms_split_element e;
	enum exit_code code = EXIT_GOOD;
	enum step step;

	if (!(string->tag & CONSTRUCTED))
		return pump_bytes(p, string->body, string->end);
	while (code == EXIT_GOOD && (step = next_inside(p->split, &in, 0, &e)) != STEP_END) {
		if (step == STEP_BAD || (e.tag & ~CONSTRUCTED) != TAG_OCTETS || depth == STRING_NESTING_MAX)
			return EXIT_NEGATIVE;
		code = pump_string(p, &e, depth + 1);
	}
	return code;
}

enum exit_code cms_split_pump(struct cms_split *split, const char *what, stream_taker *take, void *context)
{
	struct pump p = {.split = split, .take = take, .context = context,
			 .piece = OPENSSL_malloc(STREAM_PIECE)};
	enum exit_code code;

	if (!p.piece)
		return message_result(RESULT_NO_MEMORY, NULL);
	progress_start(&p.progress, what, split->size);
	code = split->has_content ? pump_string(&p, &split->content, 0) : EXIT_GOOD;
	progress_end(&p.progress);
	OPENSSL_clear_free(p.piece, STREAM_PIECE);
	if (code == EXIT_FILE)
		message_error("%s: %s", split->name, strerror(p.error));
	else if (code == EXIT_NEGATIVE)
		message_error(_("%s is damaged"), split->name);
	return code;
}
