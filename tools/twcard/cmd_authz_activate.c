/* twcard authz activate: the area of an attached card is opened, once, by the authority's cryptogram. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "src/token/data_area.h"
#include "tools/twcard/authz_cards.h"
#include "tools/twcard/authz_client.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/pin_ask.h"
#include "tools/twcard/terminal.h"

struct activation {
	struct authz_client *client;
	const char *ticket;  /* of the answer */
	enum exit_code code; /* of the authority; told unless EXIT_GOOD */
};

/* ---- the user code ---- */

/* Many have none: an empty answer, or no terminal, is none. */
static enum exit_code read_code(const struct arguments *args, uint8_t line[TERMINAL_LINE_MAX], int *len)
{
	const char *path = arguments_value(args, "user-code");
	int fd;

	*len = 0;
	if (!path) {
		(void)terminal_ask(_("User code of the authority (empty: none): "), false, line, len);
		return EXIT_GOOD;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		message_error("%s: %s", path, strerror(errno));
		return EXIT_FILE;
	}
	*len = terminal_read_line(fd, line);
	close(fd);
	if (*len > 0)
		return EXIT_GOOD;
	message_error(_("%s has no user code in its first line"), path);
	return EXIT_FILE;
}

static enum exit_code code_fields(const struct arguments *args, struct json_object **out)
{
	uint8_t line[TERMINAL_LINE_MAX];
	int len;
	enum exit_code code = read_code(args, line, &len);

	*out = json_object_new_object();
	json_object_object_add(*out, "user_code",
			       len > 0 ? json_object_new_string_len((const char *)line, len) : NULL);
	OPENSSL_cleanse(line, sizeof line);
	return code;
}

/* ---- the authority ---- */

static struct authz_signer signer_of(const struct authz_session *s)
{
	return (struct authz_signer){s->pkey, s->party.x509, s->party.others};
}

/* Hexadecimal digits, exactly of the size. */
static bool take_hex(const char *hex, uint8_t *out, size_t size)
{
	size_t got;

	return hex && strlen(hex) == 2 * size && OPENSSL_hexstr2buf_ex(out, size, &got, hex, '\0') && got == size;
}

static struct json_object *challenge_json(const struct activation *a, const uint8_t challenge[CARD_CHALLENGE_SIZE])
{
	struct json_object *json = json_object_new_object();
	char hex[2 * CARD_CHALLENGE_SIZE + 1];

	for (size_t i = 0; i < CARD_CHALLENGE_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", challenge[i]);
	json_object_object_add(json, "ticket", json_object_new_string(a->ticket));
	json_object_object_add(json, "challenge", json_object_new_string(hex));
	return json;
}

/*
 * An area_authority. The card signs nothing here: its challenge is good for the
 * next command only. What it signed before is the ticket.
 */
static enum result ask_cryptogram(void *context, const uint8_t challenge[CARD_CHALLENGE_SIZE],
				  uint8_t cryptogram[CARD_CRYPTOGRAM_SIZE])
{
	struct activation *a = context;
	struct json_object *answer;
	const char *hex = NULL;

	a->code = authz_client_post(a->client, "/v1/cryptogram", challenge_json(a, challenge), &answer);
	if (a->code == EXIT_GOOD)
		a->code = authz_client_text(answer, "cryptogram", &hex);
	if (a->code == EXIT_GOOD && !take_hex(hex, cryptogram, CARD_CRYPTOGRAM_SIZE)) {
		message_error(_("the authority's answer cannot be used\nNothing was changed on the card."));
		a->code = EXIT_FILE;
	}
	json_object_put(answer);
	return a->code == EXIT_GOOD ? RESULT_OK : RESULT_CANCELLED;
}

/* ---- the card ---- */

static enum exit_code is_inactive(struct slot *slot)
{
	size_t count;
	enum result r = data_area_list(slot, NULL, &count);

	if (r == RESULT_AREA_NOT_ACTIVATED)
		return EXIT_GOOD;
	return authz_session_tell(r == RESULT_OK ? RESULT_SNO_EXISTS : r, slot->reader);
}

static enum exit_code make_area(struct authz_session *card, struct activation *a)
{
	enum result r = data_area_activate(card->slot, ask_cryptogram, a);

	if (a->code != EXIT_GOOD) /* the authority's error is the cause */
		return a->code;
	return r == RESULT_OK ? EXIT_GOOD : authz_session_tell(r, card->slot->reader);
}

/* The card is active: what the authority writes down of it changes nothing there. */
static void tell_active(struct authz_client *client, const struct authz_session *card)
{
	const struct authz_signer signer = signer_of(card);
	struct json_object *answer;

	if (authz_client_request(client, &signer, "activated", NULL, &answer) != EXIT_GOOD)
		message_note(_("The card is active; the authority could not be told, which it can do without."));
	json_object_put(answer);
}

static enum exit_code work(struct authz_session *card, struct json_object *fields, struct activation *a)
{
	const struct authz_signer signer = signer_of(card);
	struct json_object *answer = NULL;
	enum exit_code code = authz_session_login(card);

	if (code == EXIT_GOOD)
		code = is_inactive(card->slot);
	if (code == EXIT_GOOD)
		code = authz_client_request(a->client, &signer, "activate", json_object_get(fields), &answer);
	if (code == EXIT_GOOD)
		code = authz_client_text(answer, "ticket", &a->ticket);
	if (code == EXIT_GOOD)
		code = make_area(card, a);
	if (code == EXIT_GOOD)
		tell_active(a->client, card);
	authz_session_logout(card);
	json_object_put(answer);
	return code;
}

static void tell_done(const struct authz_session *card)
{
	struct json_object *json;
	char *title;

	if (message_is_json()) {
		json = json_object_new_object();
		json_object_object_add(json, "operation", json_object_new_string("activate"));
		json_object_object_add(json, "state", json_object_new_string("activated"));
		json_object_object_add(json, "holder", authz_cards_json(&card->party));
		message_json(json);
		return;
	}
	title = authz_cards_title(&card->party);
	message_note(_("%s: the area for authorizations is active"), title ? title : "");
	free(title);
}

static enum exit_code run(const struct arguments *args)
{
	struct authz_session card = AUTHZ_SESSION_NONE;
	struct activation a = {.client = NULL, .code = EXIT_GOOD};
	struct json_object *fields = NULL;
	enum exit_code code = message_result(cards_begin(), NULL);
	enum result r;

	if (code == EXIT_GOOD)
		code = authz_client_open(args, &a.client);
	if (code == EXIT_GOOD)
		code = authz_cards_ask(args, AUTHZ_ROLE_HOLDER, NULL, &card);
	if (code == EXIT_GOOD) {
		r = authz_session_may_write(&card);
		code = r == RESULT_OK ? EXIT_GOOD : authz_session_tell(r, card.slot->reader);
	}
	if (code == EXIT_GOOD)
		code = code_fields(args, &fields);
	if (code == EXIT_GOOD)
		code = work(&card, fields, &a);
	if (code == EXIT_GOOD)
		tell_done(&card);
	json_object_put(fields);
	authz_session_clear(&card);
	authz_client_close(&a.client);
	return code;
}

static const struct option_row options[] = {
	{"user-code", 0, N_("FILE"), N_("read the user code from the first line of FILE")},
	AUTHZ_CARDS_OPTIONS,
	AUTHZ_CLIENT_OPTIONS,
	PIN_OPTIONS,
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_authz_activate = {
	.name = "authz activate",
	.summary = N_("open the area of an attached card for authorizations, once"),
	.more = N_("The authority makes the cryptogram that the card asks for. A card that is active already stays"
		   " as it is."),
	.options = options,
	.run = run,
};
