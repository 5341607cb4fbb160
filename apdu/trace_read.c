#include "config.h"

#include <string.h>

#include "apdu/atr.h"
#include "apdu/trace_read.h"

#define ATR_LEAST 2

const char *trace_problem_text(enum trace_problem problem)
{
#define TRACE_PROBLEM_TEXT(code, text) text,
	static const char *const texts[] = {TRACE_PROBLEM_LIST(TRACE_PROBLEM_TEXT)};
#undef TRACE_PROBLEM_TEXT

	return (unsigned)problem < TRACE_PROBLEM_COUNT ? texts[problem] : "unknown";
}

static bool fail(struct trace_line *line, enum trace_problem problem)
{
	line->problem = problem;
	line->len = 0;
	line->text[0] = '\0';
	return false;
}

/* ---- bytes ---- */

static int digit(char c)
{
	static const char digits[] = "0123456789ABCDEF0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) & 15 : -1;
}

static bool add_hidden(struct trace_line *line, size_t count)
{
	if (count > TRACE_BYTES_MAX - line->len)
		return false;
	memset(line->bytes + line->len, 0, count);
	memset(line->hidden + line->len, true, count);
	line->len += count;
	return true;
}

/* "**N": answers the characters it took; 0: it is not that. */
static size_t take_hidden(const char *text, size_t len, struct trace_line *line)
{
	size_t at = 2, count = 0;

	if (len < 3 || text[1] != '*')
		return 0;
	for (; at < len && text[at] >= '0' && text[at] <= '9' && count <= TRACE_BYTES_MAX; at++)
		count = 10 * count + (size_t)(text[at] - '0');
	if (at == 2 || !count || (at < len && text[at] != ' ') || !add_hidden(line, count))
		return 0;
	return at;
}

bool trace_read_bytes(const char *text, size_t len, struct trace_line *out)
{
	size_t at = 0, took;

	out->len = 0;
	out->problem = TRACE_GOOD;
	while (at < len) {
		if (text[at] == ' ') {
			at++;
			continue;
		}
		if (text[at] == '*') {
			took = take_hidden(text + at, len - at, out);
			if (!took)
				return fail(out, TRACE_BAD_HIDDEN);
			at += took;
			continue;
		}
		if (digit(text[at]) < 0)
			return fail(out, TRACE_BAD_DIGIT);
		if (at + 1 == len || digit(text[at + 1]) < 0)
			return fail(out, TRACE_ODD_DIGITS);
		if (out->len == TRACE_BYTES_MAX)
			return fail(out, TRACE_MANY_BYTES);
		out->hidden[out->len] = false;
		out->bytes[out->len++] = (uint8_t)(digit(text[at]) << 4 | digit(text[at + 1]));
		at += 2;
	}
	return true;
}

/* ---- lines ---- */

static bool read_text(const char *text, size_t len, struct trace_line *out)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
			return fail(out, TRACE_BAD_TEXT);
	memcpy(out->text, text, len);
	out->text[len] = '\0';
	return true;
}

static bool read_atr(const char *text, size_t len, struct trace_line *out)
{
	if (!trace_read_bytes(text, len, out))
		return false;
	for (size_t i = 0; i < out->len; i++)
		if (out->hidden[i])
			return fail(out, TRACE_BAD_ATR);
	return (out->len >= ATR_LEAST && out->len <= ATR_MAX) || fail(out, TRACE_BAD_ATR);
}

static const struct {
	char mark;
	bool (*read)(const char *text, size_t len, struct trace_line *out);
} marks[] = {
	{'#', read_text}, {'@', read_text}, {'!', read_text},
	{'=', read_atr}, {'>', trace_read_bytes}, {'<', trace_read_bytes},
};

bool trace_read_line(const char *text, size_t len, struct trace_line *out)
{
	out->mark = 0;
	out->len = 0;
	out->text[0] = '\0';
	out->problem = TRACE_GOOD;
	if (len && text[len - 1] == '\r')
		len--;
	if (len >= TRACE_TEXT_MAX)
		return fail(out, TRACE_LONG_LINE);
	if (len && (len == 1 || text[1] == ' ')) {
		for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
			if (marks[i].mark != text[0])
				continue;
			out->mark = text[0];
			return marks[i].read(text + (len > 1 ? 2 : 1), len - (len > 1 ? 2 : 1), out);
		}
	}
	return fail(out, TRACE_BAD_MARK);
}

/* ---- files ---- */

struct trace_reader trace_reader_of(FILE *stream)
{
	return (struct trace_reader){.stream = stream};
}

/*
 * A line without its newline; of one that is too long as much as shows that,
 * and the rest is gone. False: the file, or what may be read of it, is at its end.
 */
static bool read_raw(struct trace_reader *reader, char text[TRACE_TEXT_MAX + 1], size_t *len)
{
	int c = EOF;

	*len = 0;
	while (reader->bytes < TRACE_FILE_MAX && (c = getc(reader->stream)) != EOF) {
		reader->bytes++;
		if (c == '\n')
			break;
		if (*len < TRACE_TEXT_MAX + 1)
			text[(*len)++] = (char)c;
	}
	if (c == EOF && !*len && reader->bytes < TRACE_FILE_MAX)
		return false;
	reader->number++;
	return true;
}

bool trace_next(struct trace_reader *reader, struct trace_line *out)
{
	char text[TRACE_TEXT_MAX + 1];
	size_t len;

	while (!reader->ended && read_raw(reader, text, &len)) {
		out->number = reader->number;
		if (reader->bytes >= TRACE_FILE_MAX) { /* nobody knows what of it is missing */
			reader->ended = true;
			out->mark = 0;
			(void)fail(out, TRACE_LARGE_FILE);
			return true;
		}
		if (!len || (len == 1 && text[0] == '\r'))
			continue;
		(void)trace_read_line(text, len, out);
		return true;
	}
	reader->ended = true;
	return false;
}

static void put_bytes(const struct trace_line *line, FILE *stream)
{
	size_t at = 0, from;

	while (at < line->len) {
		if (!line->hidden[at]) {
			fprintf(stream, "%02X", line->bytes[at++]);
			continue;
		}
		for (from = at; at < line->len && line->hidden[at];)
			at++;
		fprintf(stream, "%s**%zu%s", from ? " " : "", at - from, at < line->len ? " " : "");
	}
}

void trace_put(const struct trace_line *line, FILE *stream)
{
	if (line->problem != TRACE_GOOD)
		return;
	fprintf(stream, "%c %s", line->mark, line->text);
	put_bytes(line, stream);
	putc('\n', stream);
}
