/*
 * The trace parser: a file of any bytes is read to its end, what was good is
 * written as something that reads the same, and redacted twice is redacted once.
 */
#include <stdio.h>

#include "apdu/trace_read.h"
#include "tools/twcard/trace_decode.h"
#include "tools/twcard/trace_redact.h"
#include "fuzz.h"
#include "script.h"

static FILE *open_bytes(const uint8_t *data, size_t size)
{
	FILE *stream = size ? fmemopen((void *)data, size, "r") : fopen("/dev/null", "r");

	MUST(stream);
	return stream;
}

static void check_line(const struct trace_line *line)
{
	static const char marks[] = "#@=><!";

	MUST(line->problem < TRACE_PROBLEM_COUNT);
	MUST(line->len <= TRACE_BYTES_MAX && strlen(line->text) < TRACE_TEXT_MAX);
	if (line->problem != TRACE_GOOD)
		MUST(line->len == 0 && line->text[0] == '\0');
	else
		MUST(line->mark && strchr(marks, line->mark));
	for (size_t i = 0; i < line->len; i++)
		MUST(!line->hidden[i] || line->bytes[i] == 0);
}

/* Writes it and reads it back. */
static void check_written(const struct trace_line *line)
{
	static struct trace_line again;
	char *text = NULL;
	size_t len;
	FILE *stream = open_memstream(&text, &len);

	MUST(stream);
	trace_put(line, stream);
	MUST(fclose(stream) == 0);
	/* a long line of short pieces can become longer than a line may be */
	if (line->problem == TRACE_GOOD && len <= TRACE_TEXT_MAX) {
		MUST(trace_read_line(text, len - 1, &again));
		MUST(again.mark == line->mark && again.len == line->len);
		MUST(strcmp(again.text, line->text) == 0);
		MUST(memcmp(again.bytes, line->bytes, line->len) == 0);
		MUST(memcmp(again.hidden, line->hidden, line->len * sizeof *line->hidden) == 0);
	}
	free(text);
}

static char *redact(const uint8_t *data, size_t size, size_t *len, struct trace_redaction *done)
{
	FILE *in = open_bytes(data, size), *out;
	char *text = NULL;

	out = open_memstream(&text, len);
	MUST(out && trace_redact(in, out, done));
	MUST(fclose(out) == 0);
	fclose(in);
	return text;
}

static void check_redacted(const uint8_t *data, size_t size)
{
	static struct trace_redaction first, second;
	size_t len, again_len;
	char *once = redact(data, size, &len, &first);
	char *twice = redact((const uint8_t *)once, len, &again_len, &second);

	MUST(second.bad == 0 && second.bytes == 0 && second.comments == 0 && second.events == 0);
	MUST(len == again_len && memcmp(once, twice, len) == 0);
	free(once);
	free(twice);
}

static void check_decoded(const uint8_t *data, size_t size)
{
	const struct trace_listener nobody = {NULL, NULL, NULL};
	struct trace_counts counts;
	FILE *in = open_bytes(data, size);

	MUST(trace_decode(in, &nobody, &counts));
	MUST(counts.answers <= counts.commands && counts.verifies <= counts.commands);
	fclose(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trace_line line;
	FILE *stream = open_bytes(data, size);
	struct trace_reader reader = trace_reader_of(stream);
	size_t number = 0;

	while (trace_next(&reader, &line)) {
		MUST(line.number > number);
		number = line.number;
		check_line(&line);
		check_written(&line);
	}
	MUST(!trace_next(&reader, &line));
	fclose(stream);
	check_redacted(data, size);
	check_decoded(data, size);
	return 0;
}
