#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "apdu/command.h"
#include "apdu/cursor.h"
#include "apdu/result.h"
#include "profiles/aids.h"
#include "tools/twcard/apdu_words.h"
#include "tools/twcard/trace_redact.h"

#define READERS_MAX 64
#define HEADER 4
#define STATUS_WORD 2
#define VALUE_MAX 8       /* of a template's member: sizes and identifiers are shorter */
#define VERSION_GROUP 3   /* digits between the dots */
#define VERSION_MAX 15
#define NO_INS -1

struct state {
	struct trace_line line;
	struct trace_redaction *done;
	char *readers[READERS_MAX]; /* owned */
	size_t reader_count;
	bool no_memory;
	int ins; /* of the command whose answer comes; NO_INS */
};

/* ---- what may stay ---- */

static bool has_hidden(const struct trace_line *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line->hidden[i])
			return true;
	return false;
}

static bool is_known_aid(const uint8_t *bytes, size_t len)
{
	const struct aid *const known[] = {&aid_pki, &aid_issuer_domain, &aid_key_domain};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (len == known[i]->len && memcmp(bytes, known[i]->bytes, len) == 0)
			return true;
	return false;
}

/* A SELECT's body that names a file, or an application that we know. */
static bool keeps_body(const uint8_t *apdu, size_t lc)
{
	if (apdu[1] != INS_SELECT || (apdu[0] != 0x00 && apdu[0] != 0x80))
		return false;
	return (apdu[2] == 0x00 && lc == 2) || (apdu[2] == 0x04 && is_known_aid(apdu + 5, lc));
}

static void keep_command(const struct trace_line *line, bool keep[TRACE_BYTES_MAX])
{
	const uint8_t *apdu = line->bytes;
	size_t lc;

	if (line->len < HEADER)
		return;
	memset(keep, true, HEADER);
	/* where a PIN begins and ends in a command of the wrong length, nobody knows */
	if (line->len == HEADER || has_hidden(line, HEADER + 1) || line->len > COMMAND_MAX_SIZE)
		return;
	lc = line->len == HEADER + 1 ? 0 : apdu[HEADER];
	if (line->len != HEADER + 1 + lc && line->len != HEADER + 2 + lc)
		return;
	keep[HEADER] = lc || !apdu_is_secret(apdu[1]);
	if (line->len == HEADER + 2 + lc && !apdu_is_secret(apdu[1]))
		keep[line->len - 1] = true;
	if (lc && keeps_body(apdu, lc))
		memset(keep + HEADER + 1, true, lc);
}

/* Templates of which some members say nothing about the holder. */
static const struct {
	uint32_t tag;
	uint32_t members[8];
} templates[] = {
	/* ISO/IEC 7816-4, 7.4: sizes, descriptor, identifiers, life cycle, security attributes */
	{0x62, {0x80, 0x81, 0x82, 0x83, 0x88, 0x8A, 0x8B, 0x8C}},
	/* GlobalPlatform: key information */
	{0xE0, {0xC0}},
};

static bool is_member(size_t which, const struct tlv *tlv)
{
	for (size_t i = 0; i < sizeof templates->members / sizeof *templates->members; i++)
		if (tlv->tag && tlv->tag == templates[which].members[i])
			return tlv->value.left <= VALUE_MAX;
	return false;
}

static void keep_members(size_t which, const uint8_t *start, const struct tlv *whole,
			 bool keep[TRACE_BYTES_MAX])
{
	struct cursor c = whole->value;
	struct tlv tlv;

	memset(keep, true, whole->size - whole->value.left);
	while (c.left) {
		size_t at = (size_t)(c.p - start);

		if (cursor_tlv(&c, &tlv, NULL) != TLV_OK)
			return;
		memset(keep + at, true,
		       is_member(which, &tlv) ? tlv.size : tlv.size - tlv.value.left);
	}
}

static void keep_template(const uint8_t *data, size_t len, bool keep[TRACE_BYTES_MAX])
{
	struct cursor c = cursor_of(data, len);
	struct tlv whole;

	if (cursor_tlv(&c, &whole, NULL) != TLV_OK || c.left)
		return;
	for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
		if (templates[i].tag == whole.tag)
			keep_members(i, data, &whole, keep);
}

/* "CHT V32N" and what pads it: the operating system. */
static void keep_os_text(const uint8_t *data, size_t len, bool keep[TRACE_BYTES_MAX])
{
	static const char start[] = "CHT V";
	size_t at = sizeof start - 1;

	if (len < at + 2 || memcmp(data, start, at) != 0 || !isdigit(data[at]) || !isdigit(data[at + 1]))
		return;
	at += 2;
	if (at < len && isupper(data[at]))
		at++;
	while (at < len && (data[at] == ' ' || data[at] == 0x00 || data[at] == 0xFF))
		at++;
	memset(keep, true, at);
}

static const struct {
	uint8_t ins;
	void (*keep)(const uint8_t *data, size_t len, bool keep[TRACE_BYTES_MAX]);
} answers[] = {
	{INS_SELECT, keep_template},
	{INS_GET_RESPONSE, keep_template},
	{INS_GET_DATA, keep_template},
	{INS_READ_BINARY, keep_os_text},
};

static void keep_answer(const struct trace_line *line, int ins, bool keep[TRACE_BYTES_MAX])
{
	size_t data = line->len - STATUS_WORD;

	if (line->len < STATUS_WORD || line->len > COMMAND_MAX_LE + STATUS_WORD)
		return;
	/* else it is no status word, but data of an answer that was cut */
	if ((line->bytes[data] & 0xF0) != 0x60 && (line->bytes[data] & 0xF0) != 0x90)
		return;
	keep[data] = keep[data + 1] = true;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		if (answers[i].ins == ins) /* what is hidden already is 0, and stays hidden */
			answers[i].keep(line->bytes, data, keep);
}

/* ---- lines ---- */

static bool hide_rest(struct state *s, const bool keep[TRACE_BYTES_MAX])
{
	size_t before = s->done->bytes;

	for (size_t i = 0; i < s->line.len; i++) {
		if (keep[i] || s->line.hidden[i])
			continue;
		s->line.hidden[i] = true;
		s->line.bytes[i] = 0;
		s->done->bytes++;
	}
	return s->done->bytes > before;
}

static bool redact_command(struct state *s)
{
	bool keep[TRACE_BYTES_MAX] = {false};

	s->ins = s->line.len >= HEADER && !s->line.hidden[1] ? s->line.bytes[1] : NO_INS;
	keep_command(&s->line, keep);
	s->done->exchanges += s->line.len >= HEADER;
	s->done->commands += hide_rest(s, keep);
	return true;
}

static bool redact_answer(struct state *s)
{
	bool keep[TRACE_BYTES_MAX] = {false};

	keep_answer(&s->line, s->ins, keep);
	s->ins = NO_INS;
	s->done->answers += hide_rest(s, keep);
	return true;
}

static bool redact_atr(struct state *s)
{
	s->ins = NO_INS;
	return true;
}

/* Names of readers may have a serial number in them. */
static bool redact_reader(struct state *s)
{
	size_t i = 0;

	while (i < s->reader_count && strcmp(s->readers[i], s->line.text) != 0)
		i++;
	if (i == s->reader_count && i < READERS_MAX) {
		s->readers[i] = strdup(s->line.text);
		s->no_memory |= !s->readers[i];
		s->reader_count += s->readers[i] != NULL;
		s->done->readers = s->reader_count;
	}
	snprintf(s->line.text, sizeof s->line.text, "reader %zu", i + 1);
	return true;
}

/* What the card library says of a card, and the virtual card of itself. */
static bool is_known_event(const char *text)
{
	static const char *const own[] = {"reset", "removed", "event"};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strcmp(text, own[i]) == 0)
			return true;
	for (int r = 0; r < RESULT_COUNT; r++)
		if (strcmp(text, result_text((enum result)r)) == 0)
			return true;
	return false;
}

static bool redact_event(struct state *s)
{
	s->ins = NO_INS;
	if (is_known_event(s->line.text))
		return true;
	strcpy(s->line.text, "event");
	s->done->events++;
	return true;
}

/* "3.0.13": too short between the dots to be anybody's number. */
static bool is_version(const char *text)
{
	size_t group = 0, i;

	for (i = 0; text[i]; i++) {
		group = text[i] == '.' ? 0 : group + 1;
		if ((text[i] != '.' && !isdigit((unsigned char)text[i])) || group > VERSION_GROUP)
			return false;
	}
	return i && i <= VERSION_MAX;
}

/* Comments are anybody's text: the head's versions stay, all else goes. */
static bool redact_comment(struct state *s)
{
	static const char *const heads[] = {"twcard trace ", "twcard ", "OpenSSL "};

	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		if (strncmp(s->line.text, heads[i], strlen(heads[i])) == 0 &&
		    is_version(s->line.text + strlen(heads[i])))
			return true;
	s->done->comments++;
	return false;
}

static bool redact_line(struct state *s)
{
	static const struct {
		char mark;
		bool (*redact)(struct state *s); /* false: the line is left out */
	} rules[] = {
		{'>', redact_command}, {'<', redact_answer}, {'=', redact_atr},
		{'@', redact_reader},  {'!', redact_event},  {'#', redact_comment},
	};

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i].mark == s->line.mark)
			return rules[i].redact(s);
	return false;
}

bool trace_redact(FILE *in, FILE *out, struct trace_redaction *done)
{
	struct trace_reader reader = trace_reader_of(in);
	struct state *s = calloc(1, sizeof *s);
	bool good = s != NULL;

	memset(done, 0, sizeof *done);
	if (!good)
		return false;
	s->done = done;
	s->ins = NO_INS;
	while (trace_next(&reader, &s->line)) {
		if (s->line.problem != TRACE_GOOD) {
			if (!done->bad++)
				done->first_bad = s->line;
			s->ins = NO_INS;
			good = good && s->line.problem != TRACE_LARGE_FILE;
		} else if (redact_line(s)) {
			trace_put(&s->line, out);
			done->lines++;
		}
	}
	good = good && !s->no_memory && !ferror(in);
	for (size_t i = 0; i < s->reader_count; i++)
		free(s->readers[i]);
	free(s);
	return good;
}
