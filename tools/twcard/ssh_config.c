#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/twcard/ssh_config.h"

/* The second form tells that the line before had no end, which a removal takes back. */
#define BEGIN "# twcard cert register: begin\n"
#define BEGIN_AFTER "\n# twcard cert register: begin, after a line without end\n"
#define BODY "Host *\n\tPKCS11Provider \""
#define BODY_END "\"\n"
#define END "# twcard cert register: end\n"
#define MARK "# twcard cert register:"
#define KEYWORD "PKCS11Provider"

static size_t count(const struct buffer *file, const char *what)
{
	const uint8_t *at = file->data, *end = at + file->len;
	size_t found = 0;

	while (at && (at = memmem(at, (size_t)(end - at), what, strlen(what)))) {
		found++;
		at += strlen(what);
	}
	return found;
}

/* True if `what` stands at *at, which is moved behind it. */
static bool skip(const struct buffer *file, size_t *at, const char *what)
{
	size_t len = strlen(what);

	if (file->len - *at < len || memcmp(file->data + *at, what, len) != 0)
		return false;
	*at += len;
	return true;
}

static bool find_start(const struct buffer *file, size_t *at)
{
	const uint8_t *found = memmem(file->data, file->len, BEGIN_AFTER, strlen(BEGIN_AFTER));

	if (!found)
		found = memmem(file->data, file->len, BEGIN, strlen(BEGIN));
	if (!found)
		return false;
	*at = (size_t)(found - file->data);
	return *found == '\n' || !*at || file->data[*at - 1] == '\n';
}

static bool parse(const struct buffer *file, struct ssh_config *out)
{
	const uint8_t *quote;
	size_t at, len;

	if (!find_start(file, &at))
		return false;
	out->start = at;
	if (!(skip(file, &at, BEGIN_AFTER) || skip(file, &at, BEGIN)) || !skip(file, &at, BODY))
		return false;
	quote = memchr(file->data + at, '"', file->len - at);
	len = quote ? (size_t)(quote - file->data) - at : 0;
	if (!len || len >= sizeof out->module || memchr(file->data + at, '\n', len))
		return false;
	memcpy(out->module, file->data + at, len);
	out->module[len] = '\0';
	at += len;
	if (!skip(file, &at, BODY_END) || !skip(file, &at, END))
		return false;
	out->len = at - out->start;
	return true;
}

void ssh_config_look(const struct buffer *file, struct ssh_config *out)
{
	size_t marks = count(file, MARK);

	*out = (struct ssh_config){.state = SSH_CONFIG_NONE};
	if (marks)
		out->state = marks == 2 && parse(file, out) ? SSH_CONFIG_OURS : SSH_CONFIG_CHANGED;
}

/* ---- what the user says himself ---- */

/* The value of a line "PKCS11Provider VALUE", with or without quotes; false: another line. */
static bool provider(const char *line, size_t len, const char **value, size_t *value_len)
{
	size_t key = strlen(KEYWORD);

	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (len <= key || strncasecmp(line, KEYWORD, key) != 0 || !strchr(" \t=\"", line[key]))
		return false;
	for (line += key, len -= key; len && strchr(" \t=\"", *line); len--)
		line++;
	while (len && strchr(" \t\r\"", line[len - 1]))
		len--;
	*value = line;
	*value_len = len;
	return true;
}

bool ssh_config_names_provider(const struct buffer *file, const struct ssh_config *found,
			       const char *module, bool *same)
{
	bool any = false;
	const char *value;
	size_t value_len, len;

	*same = false;
	for (size_t at = 0; at < file->len; at += len + 1) {
		const char *line = (const char *)file->data + at;
		const char *newline = memchr(line, '\n', file->len - at);

		len = newline ? (size_t)(newline - line) : file->len - at;
		if (found->state == SSH_CONFIG_OURS && at >= found->start &&
		    at < found->start + found->len)
			continue;
		if (memchr(line, '\0', len) || !provider(line, len, &value, &value_len))
			continue;
		any = true;
		*same |= value_len == strlen(module) && memcmp(value, module, value_len) == 0;
	}
	return any;
}

/* ---- editing ---- */

static bool put(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text)) == RESULT_OK;
}

bool ssh_config_edit(const struct buffer *file, const char *module, struct buffer *out)
{
	struct ssh_config found;
	size_t behind;

	ssh_config_look(file, &found);
	if (found.state == SSH_CONFIG_CHANGED)
		return false;
	if (found.state == SSH_CONFIG_NONE)
		found.start = file->len;
	behind = found.start + found.len;
	if (buffer_append(out, file->data, found.start) != RESULT_OK)
		return false;
	if (module &&
	    (!put(out, out->len && out->data[out->len - 1] != '\n' ? BEGIN_AFTER : BEGIN) ||
	     !put(out, BODY) || !put(out, module) || !put(out, BODY_END) || !put(out, END)))
		return false;
	return buffer_append(out, file->data + behind, file->len - behind) == RESULT_OK;
}
