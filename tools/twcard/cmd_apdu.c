/* twcard apdu: raw commands, of the kinds that leave the card as it is. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apdu/trace_read.h"
#include "profiles/aids.h"
#include "src/base/config_file.h"
#include "tools/twcard/apdu_allow.h"
#include "tools/twcard/apdu_words.h"
#include "tools/twcard/card.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/trace_file.h"

#define COMMANDS_MAX 500 /* with what each may take of a transaction's budget */
#define LINE_BYTES 16

struct raw {
	uint8_t bytes[COMMAND_MAX_SIZE];
	size_t len;
};

struct raw_list {
	struct raw items[COMMANDS_MAX];
	size_t count;
	bool changes; /* one of them may change the card */
	struct trace_line line; /* room to read one */
};

/* ---- what is to be sent ---- */

static enum exit_code add(struct raw_list *list, const struct arguments *args, const char *where)
{
	struct raw *raw = &list->items[list->count];
	bool good = list->line.problem == TRACE_GOOD && list->line.len <= COMMAND_MAX_SIZE;

	if (list->count == COMMANDS_MAX)
		return message_usage(args->command, _("too many commands: at most %d"), COMMANDS_MAX);
	for (size_t i = 0; good && i < list->line.len; i++)
		good = !list->line.hidden[i];
	if (!good)
		return message_usage(args->command, _("%s: not the hex digits of a command"), where);
	memcpy(raw->bytes, list->line.bytes, list->line.len);
	raw->len = list->line.len;
	list->count++;
	return EXIT_GOOD;
}

/* Hex digits in lines, or a trace, of which the commands count. */
static enum exit_code add_file(struct raw_list *list, const struct arguments *args, const char *path)
{
	struct trace_reader reader;
	FILE *stream;
	enum exit_code code = trace_file_open(path, &stream);
	char where[300], text[TRACE_TEXT_MAX];

	if (code != EXIT_GOOD)
		return code;
	reader = trace_reader_of(stream);
	while (code == EXIT_GOOD && fgets(text, sizeof text, stream)) {
		size_t len = strcspn(text, "\r\n");

		snprintf(where, sizeof where, _("%.200s, line %zu"), path, ++reader.number);
		if (!len || strchr("#@=<!", text[0]))
			continue;
		if (text[0] == '>')
			(void)trace_read_line(text, len, &list->line);
		else
			(void)trace_read_bytes(text, len, &list->line);
		code = add(list, args, where);
	}
	if (code == EXIT_GOOD && ferror(stream)) {
		message_error(_("%s cannot be read: %s"), path, strerror(errno));
		code = EXIT_FILE;
	}
	trace_file_close(stream);
	return code;
}

static enum exit_code collect(struct raw_list *list, const struct arguments *args)
{
	const char *path = arguments_value(args, "file");
	char where[64];
	enum exit_code code = EXIT_GOOD;

	for (int i = 0; code == EXIT_GOOD && i < args->word_count; i++) {
		(void)trace_read_bytes(args->words[i], strlen(args->words[i]), &list->line);
		snprintf(where, sizeof where, _("command %d"), i + 1);
		code = add(list, args, where);
	}
	if (code == EXIT_GOOD && path)
		code = add_file(list, args, path);
	if (code == EXIT_GOOD && !list->count)
		code = message_usage(args->command, _("there is no command to send"));
	return code;
}

/* ---- what is let through ---- */

static enum exit_code refuse_unproven(size_t which, const struct arguments *args)
{
	bool asked = arguments_has(args, "yes-change-the-card");

	if (asked && config_current()->allow_unproven)
		return EXIT_GOOD;
	message_error(_("command %zu was refused, and nothing was sent: %s\n"
			"The CA warns that a card changed by other software may lock for good. If it may be lost:\n"
			"%s."),
		      which, apdu_verdict_text(APDU_UNPROVEN),
		      asked ? _("allow-unproven = yes in twcard.conf")
			    : _("allow-unproven = yes in twcard.conf, and --yes-change-the-card"));
	return EXIT_REFUSED;
}

/* All are looked at before the first is sent. */
static enum exit_code judge(struct raw_list *list, const struct arguments *args)
{
	enum exit_code code = EXIT_GOOD;

	for (size_t i = 0; code == EXIT_GOOD && i < list->count; i++) {
		enum apdu_verdict verdict = apdu_judge(list->items[i].bytes, list->items[i].len);

		if (verdict == APDU_READS)
			continue;
		if (verdict == APDU_UNPROVEN) {
			list->changes = true;
			code = refuse_unproven(i + 1, args);
			continue;
		}
		if (verdict == APDU_MALFORMED)
			return message_usage(args->command, _("command %zu: %s"), i + 1,
					     apdu_verdict_text(verdict));
		message_error(_("command %zu was refused, and nothing was sent: %s\n"
				"twcard never sends such a command as it is; 'twcard pin' and 'twcard sign' know how."),
			      i + 1, apdu_verdict_text(verdict));
		code = EXIT_REFUSED;
	}
	return code;
}

/* ---- sending ---- */

static void print_data(const struct buffer *data)
{
	for (size_t at = 0; at < data->len; at += LINE_BYTES) {
		size_t n = data->len - at < LINE_BYTES ? data->len - at : LINE_BYTES;

		printf("  %04zX ", at);
		for (size_t i = 0; i < LINE_BYTES; i++)
			if (i < n)
				printf(" %02X", data->data[at + i]);
			else
				printf("   ");
		printf("  ");
		for (size_t i = 0; i < n; i++) {
			uint8_t c = data->data[at + i];

			putchar(c >= 0x20 && c < 0x7F ? c : '.');
		}
		putchar('\n');
	}
}

static struct json_object *json_hex(const uint8_t *bytes, size_t len)
{
	char *hex = malloc(2 * len + 1);
	struct json_object *value;

	if (!hex)
		return NULL;
	hex[0] = '\0';
	for (size_t i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02X", bytes[i]);
	value = json_object_new_string(hex);
	free(hex);
	return value;
}

static struct json_object *json_ascii(const struct buffer *data)
{
	char *text = malloc(data->len + 1);
	struct json_object *value;

	if (!text)
		return NULL;
	for (size_t i = 0; i < data->len; i++)
		text[i] = data->data[i] >= 0x20 && data->data[i] < 0x7F ? (char)data->data[i] : '.';
	text[data->len] = '\0';
	value = json_object_new_string(text);
	free(text);
	return value;
}

static void tell(const struct raw *raw, const struct response *resp, struct json_object *list)
{
	struct json_object *value;
	char status[8];

	snprintf(status, sizeof status, "%04X", resp->sw);
	if (!message_is_json()) {
		printf("> ");
		for (size_t i = 0; i < raw->len; i++)
			printf("%02X", raw->bytes[i]);
		printf("\n< %s %s\n", status, apdu_status_text(resp->sw));
		print_data(&resp->data);
		return;
	}
	value = json_object_new_object();
	json_object_object_add(value, "command", json_hex(raw->bytes, raw->len));
	json_object_object_add(value, "status", json_object_new_string(status));
	json_object_object_add(value, "meaning", message_json_text(apdu_status_text(resp->sw)));
	json_object_object_add(value, "data", json_hex(resp->data.data, resp->data.len));
	json_object_object_add(value, "text", json_ascii(&resp->data));
	json_object_array_add(list, value);
}

/* After any other answer the next command could hit something else than was meant. */
static bool goes_on(uint16_t sw)
{
	return sw == 0x9000 || sw >> 8 == 0x62;
}

static enum result send_one(struct channel *ch, const struct raw *raw, struct response *resp)
{
	struct command cmd;

	if (!apdu_parse(raw->bytes, raw->len, &cmd))
		return RESULT_ARGUMENT;
	cmd.once = true; /* as it was written, or not at all */
	ch->get_response_cla = cmd.cla;
	return channel_transmit(ch, &cmd, resp);
}

static enum result select_applet(struct channel *ch, struct response *resp)
{
	struct raw raw = {.bytes = {0x00, INS_SELECT, 0x04, 0x0C, (uint8_t)aid_pki.len}, .len = 6 + aid_pki.len};

	memcpy(raw.bytes + 5, aid_pki.bytes, aid_pki.len);
	return send_one(ch, &raw, resp);
}

/* *sent: how many were answered; *sw: the last answer. */
static enum result send_all(struct channel *ch, const struct raw_list *list, bool applet,
			    struct json_object *json, size_t *sent, uint16_t *sw)
{
	struct response resp = RESPONSE_INIT;
	enum result r = applet ? select_applet(ch, &resp) : RESULT_OK;

	*sent = 0;
	*sw = applet ? resp.sw : 0x9000;
	while (r == RESULT_OK && goes_on(*sw) && *sent < list->count) {
		r = send_one(ch, &list->items[*sent], &resp);
		if (r != RESULT_OK)
			break;
		tell(&list->items[*sent], &resp, json);
		*sw = resp.sw;
		++*sent;
	}
	response_clear(&resp);
	return r;
}

/* Everything in one transaction. Not through the slot: a card that no profile knows is let in, too. */
static enum result transmit(const char *reader, const struct raw_list *list, bool applet,
			    struct json_object *json, size_t *sent, uint16_t *sw)
{
	struct channel *channel;
	struct pcsc *context;
	bool was_reset;
	enum result r = pcsc_open(&context), end;

	if (r != RESULT_OK)
		return r;
	r = pcsc_connect(context, reader, &channel);
	if (r == RESULT_OK) {
		r = channel_begin(channel, &was_reset);
		if (r == RESULT_OK) {
			r = send_all(channel, list, applet, json, sent, sw);
			/* what reads leaves a login of other programs as it is; what changed is not left selected */
			end = channel_end(channel, list->changes);
			r = r == RESULT_OK ? end : r;
		}
		channel_free(&channel);
	}
	pcsc_close(&context);
	return r;
}

static enum exit_code send(struct slot *slot, const struct raw_list *list, bool applet)
{
	struct json_object *json = json_object_new_array(), *value;
	size_t sent = 0;
	uint16_t sw = 0;
	enum result r = transmit(slot->reader, list, applet, json, &sent, &sw);

	if (message_is_json()) {
		value = json_object_new_object();
		json_object_object_add(value, "reader", message_json_text(slot->reader));
		json_object_object_add(value, "commands", json);
		json_object_object_add(value, "not_sent", json_object_new_int64((int64_t)(list->count - sent)));
		if (r != RESULT_OK)
			json_object_object_add(value, "error", message_json_text(_(result_text(r))));
		message_json(value);
	} else {
		json_object_put(json);
	}
	if (r != RESULT_OK)
		return message_result(r, slot->reader);
	if (goes_on(sw))
		return EXIT_GOOD;
	if (!sent)
		message_error(_("the card has no PKI application of the second generation: %04X %s\n"
				"A first-generation card has none: leave out --select-applet."), sw, apdu_status_text(sw));
	else if (sent < list->count)
		message_note(_("Not sent, after that answer: %zu"), list->count - sent);
	return EXIT_NEGATIVE;
}

static enum exit_code run(const struct arguments *args)
{
	struct raw_list *list = calloc(1, sizeof *list);
	struct slot *slot;
	enum exit_code code;

	if (!list)
		return message_result(RESULT_NO_MEMORY, NULL);
	config_load();
	code = collect(list, args);
	if (code == EXIT_GOOD)
		code = judge(list, args);
	if (code == EXIT_GOOD)
		code = cards_choose(args, &slot);
	if (code == EXIT_GOOD)
		code = send(slot, list, arguments_has(args, "select-applet"));
	free(list);
	return code;
}

static const struct option_row options[] = {
	{"file", 'f', N_("FILE"), N_("also send the commands in FILE: hex digits in lines, or a trace's")},
	{"select-applet", 'a', NULL, N_("first select the PKI application of second-generation cards")},
	{"yes-change-the-card", 0, NULL,
	 N_("send what may change the card, where allow-unproven = yes is set")},
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_apdu = {
	.name = "apdu",
	.words = N_("HEX..."),
	.words_min = 0,
	.words_max = -1,
	.summary = N_("send raw commands to the card that only read"),
	.more = N_("Each word is a short command in hex digits; all are sent in one transaction, until one is not\n"
		   "answered with 9000 or 62xx. PINs, private operations and authentications are never sent."),
	.options = options,
	.run = run,
};
