#include "config.h"

#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "tools/twcard/message.h"
#include "tools/twcard/mime.h"

#define PIECE 4096        /* bytes that are turned at once */
#define ENCODED (2 * PIECE) /* base64 of them, and the most that is left of before */
#define NAME_MAX_BYTES 255

/* Text whose lines end with LF, to both. */
static bool pass_lines(struct mime_entity *e, const uint8_t *text, size_t len)
{
	uint8_t out[2 * ENCODED];
	size_t n = 0;

	if (e->copy && fwrite(text, 1, len, e->copy) != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			out[n++] = '\r';
		out[n++] = text[i];
	}
	return !n || e->take(e->context, out, n);
}

static bool encode(struct mime_entity *e, const uint8_t *data, size_t len)
{
	uint8_t text[ENCODED];
	int n;

	return EVP_EncodeUpdate(e->encoder, text, &n, data, (int)len) >= 0 &&
	       pass_lines(e, text, (size_t)n);
}

/* Lines may end with CR LF already; a CR alone stays. */
static bool unify(struct mime_entity *e, const uint8_t *data, size_t len)
{
	uint8_t text[2 * PIECE];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (e->carriage_return && data[i] != '\n')
			text[n++] = '\r';
		e->carriage_return = data[i] == '\r';
		if (!e->carriage_return)
			text[n++] = data[i];
	}
	return pass_lines(e, text, n);
}

static bool turn(void *entity, const uint8_t *data, size_t len)
{
	struct mime_entity *e = entity;
	bool good = true;

	while (good && len) {
		size_t n = len < PIECE ? len : PIECE;

		good = e->encoder ? encode(e, data, n) : unify(e, data, n);
		data += n;
		len -= n;
	}
	return good;
}

static bool is_entity(const struct stream_in *in, size_t len)
{
	static const char *const heads[] = {"Content-Type:", "MIME-Version:", "Content-Transfer-Encoding:"};

	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		if (len > strlen(heads[i]) &&
		    strncasecmp((const char *)in->head, heads[i], strlen(heads[i])) == 0)
			return true;
	return false;
}

/* Every name in one way (RFC 2231), that of a file in Chinese or with quotes, too. */
static bool pass_heading(struct mime_entity *e)
{
	char text[3 * NAME_MAX_BYTES + 256];
	const char *slash = strrchr(e->name, '/'), *name = slash ? slash + 1 : e->name;
	size_t n = (size_t)snprintf(text, sizeof text,
				    "Content-Type: application/octet-stream\n"
				    "Content-Transfer-Encoding: base64\n"
				    "Content-Disposition: attachment;\n filename*=UTF-8''");

	for (size_t i = 0; name[i] && i < NAME_MAX_BYTES; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%%%02X", (unsigned char)name[i]);
	n += (size_t)snprintf(text + n, sizeof text - n, "\n\n");
	return pass_lines(e, (const uint8_t *)text, n);
}

static bool pass_rest(struct mime_entity *e)
{
	uint8_t text[ENCODED];
	int n = 0;

	if (!e->encoder)
		return !e->carriage_return || pass_lines(e, (const uint8_t *)"\r", 1);
	EVP_EncodeFinal(e->encoder, text, &n);
	return pass_lines(e, text, (size_t)n);
}

enum exit_code mime_pump(struct mime_entity *e, const char *what)
{
	size_t len;
	enum exit_code code = stream_look(e->in, &len);

	if (code != EXIT_GOOD)
		return code;
	if (!is_entity(e->in, len)) {
		e->encoder = EVP_ENCODE_CTX_new();
		if (!e->encoder)
			return message_result(RESULT_NO_MEMORY, NULL);
		EVP_EncodeInit(e->encoder);
		code = pass_heading(e) ? EXIT_GOOD : EXIT_INTERNAL;
	}
	if (code == EXIT_GOOD)
		code = stream_pump(e->in, what, turn, e);
	if (code == EXIT_GOOD && !pass_rest(e))
		code = EXIT_INTERNAL;
	EVP_ENCODE_CTX_free(e->encoder);
	e->encoder = NULL;
	return code;
}
