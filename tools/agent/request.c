#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <json-c/printbuf.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "tools/agent/request.h"
#include "tools/twcard/json_bytes.h"

#define FIELD "tbsPackage="
#define DEPTH 8
#define ABSENT "__NotExistedTag__" /* clients write it for what they do not say */

static const struct {
	const char *func;
	enum work_function function;
} functions[] = {
	{"CheckEnvir", WORK_INFO},
	{"GetUserCert", WORK_INFO_CERTS},
	{"MakeSignature", WORK_SIGN},
	{"DecryptData", WORK_DECRYPT},
	{"umakeSig", WORK_UMAKESIG},
	{"makeCsr", WORK_MAKE_CSR},
	{"writecert", WORK_WRITE_CERT},
	{"getChallenge", WORK_CHALLENGE},
	{"changeUserPINCode", WORK_CARD_COMMAND},
	{"bulidResetUserPINRequest", WORK_CARD_COMMAND},
	{"resetUserPIN", WORK_CARD_COMMAND},
	{"bulidUnblockCardRequest", WORK_CARD_COMMAND},
	{"unblockCard", WORK_CARD_COMMAND},
	{"buildOpenCardGetUserPINRequest", WORK_CARD_COMMAND},
	{"buildOpenCardValidateUserRequest", WORK_CARD_COMMAND},
	{"openCard", WORK_CARD_COMMAND},
};

static const char *const kinds[WORK_FUNCTION_COUNT] = {
	[WORK_INFO] = "info",
	[WORK_INFO_CERTS] = "info",
	[WORK_SIGN] = "sign",
	[WORK_DECRYPT] = "decrypt",
	[WORK_UMAKESIG] = "sign",
	[WORK_MAKE_CSR] = "csr",
	[WORK_WRITE_CERT] = "write",
	[WORK_CHALLENGE] = "info",
	[WORK_CARD_COMMAND] = "card",
	[WORK_SIGN_FILE] = "sign",
	[WORK_AUTHZ] = "info",
	[WORK_NOT_OFFERED] = "info",
};

enum work_function request_function(const char *func)
{
	for (size_t i = 0; func && i < sizeof functions / sizeof *functions; i++)
		if (strcmp(func, functions[i].func) == 0)
			return functions[i].function;
	return WORK_NOT_OFFERED;
}

const char *request_kind(enum work_function function)
{
	return kinds[function];
}

/* ---- the form ---- */

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. What is no %xx stays as it is: some clients encode nothing. */
static size_t decode(uint8_t *text, size_t len)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(text[i + 2]) : -1;

		if (low >= 0) {
			text[out++] = (uint8_t)(high << 4 | low);
			i += 2;
		} else {
			text[out++] = text[i] == '+' ? ' ' : text[i];
		}
	}
	return out;
}

/*
 * Where the field's value is: all that follows, or up to a '&' that begins another field. Clients that
 * encode nothing may have a '&' in what they sign: so only the JSON's end ends it.
 */
static bool find_value(uint8_t *body, size_t len, uint8_t **value, size_t *value_len)
{
	size_t name = strlen(FIELD);

	if (len < name || memcmp(body, FIELD, name) != 0)
		return false;
	*value = body + name;
	*value_len = len - name;
	return true;
}

/* ---- the JSON ---- */

static void wipe(struct json_object *value)
{
	/* json-c has no way to write into a text */
	if (json_object_is_type(value, json_type_string))
		OPENSSL_cleanse((void *)(uintptr_t)json_object_get_string(value),
				(size_t)json_object_get_string_len(value));
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member) {
			(void)key;
			wipe(member);
		}
	}
	for (size_t i = 0; json_object_is_type(value, json_type_array) && i < json_object_array_length(value); i++)
		wipe(json_object_array_get_idx(value, i));
}

void request_free(struct json_object *request)
{
	wipe(request);
	json_object_put(request);
}

/* The tokener's own buffer has held every text: made large enough before, so that it never moves, and wiped. */
static struct json_object *parse(const uint8_t *text, size_t len)
{
	struct json_tokener *tokener = len < INT_MAX / 2 ? json_tokener_new_ex(DEPTH) : NULL;
	struct json_object *value = NULL;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	if (printbuf_memset(tokener->pb, 0, 0, (int)len + 1) >= 0) {
		printbuf_reset(tokener->pb);
		value = json_tokener_parse_ex(tokener, (const char *)text, (int)len);
	}
	if (json_tokener_get_error(tokener) != json_tokener_success || json_tokener_get_parse_end(tokener) != len ||
	    !json_object_is_type(value, json_type_object)) {
		request_free(value);
		value = NULL;
	}
	OPENSSL_cleanse(tokener->pb->buf, (size_t)tokener->pb->size);
	json_tokener_free(tokener);
	return value;
}

/* The card's PIN by any of its names: the first that is there. */
static const char *pin_name(struct json_object *request)
{
	return json_bytes_member(request, "pin") || !json_bytes_member(request, "currentPIN") ? "pin" : "currentPIN";
}

static enum work_code take_pin(struct json_object *request, struct secret *pin)
{
	const char *name = pin_name(request);
	struct json_object *value = json_bytes_member(request, name);
	int len = json_object_is_type(value, json_type_string) ? json_object_get_string_len(value) : 0;
	enum work_code code = WORK_OK;

	if (value && !json_object_is_type(value, json_type_string))
		return WORK_PARAMETER_BAD;
	if (len > 0 && strcmp(json_object_get_string(value), ABSENT) != 0 &&
	    secret_set(pin, json_object_get_string(value), (size_t)len) != RESULT_OK)
		code = WORK_FAILED;
	wipe(value);
	json_object_object_del(request, name);
	return code;
}

enum work_code request_parse(uint8_t *text, size_t len, struct json_object **out, struct secret *pin)
{
	struct json_object *request = len ? parse(text, len) : json_object_new_object();
	enum work_code code = request ? take_pin(request, pin) : WORK_JSON_BAD;

	OPENSSL_cleanse(text, len);
	if (code != WORK_OK) {
		request_free(request);
		request = NULL;
	}
	*out = request;
	return code;
}

enum work_code request_read(uint8_t *body, size_t len, struct json_object **out, struct secret *pin)
{
	uint8_t *value = body;
	size_t value_len = 0, decoded;
	enum work_code code = WORK_JSON_BAD;

	*out = NULL;
	if (!len || find_value(body, len, &value, &value_len)) {
		decoded = decode(value, value_len);
		code = request_parse(value, decoded, out, pin);
	}
	OPENSSL_cleanse(body, len);
	return code;
}

/* ---- what is shown of it ---- */

static bool decode_base64(const char *text, size_t len, uint8_t **data, size_t *out_len)
{
	EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
	uint8_t *out = malloc(len + 1);
	char *clean = malloc(len + 1);
	int first = 0, last = 0;
	bool good = context && out && clean && len < INT_MAX;

	/* a '+' that a form has made a blank is one again */
	for (size_t i = 0; good && i < len; i++)
		clean[i] = text[i] == ' ' ? '+' : text[i];
	if (good) {
		EVP_DecodeInit(context);
		good = EVP_DecodeUpdate(context, out, &first, (const unsigned char *)clean, (int)len) >= 0 &&
		       EVP_DecodeFinal(context, out + first, &last) >= 0;
	}
	EVP_ENCODE_CTX_free(context);
	free(clean);
	if (!good) {
		free(out);
		out = NULL;
	}
	*data = out;
	*out_len = (size_t)first + (size_t)last;
	return good;
}

bool request_data(struct json_object *request, uint8_t **data, size_t *len)
{
	struct json_object *value = json_bytes_member(request, "tbs");
	const char *encoding = json_bytes_text(request, "tbsEncoding"), *text;

	*data = NULL;
	*len = 0;
	if (!json_object_is_type(value, json_type_string))
		return false;
	text = json_object_get_string(value);
	*len = (size_t)json_object_get_string_len(value);
	if (encoding && strcmp(encoding, "base64") == 0)
		return decode_base64(text, *len, data, len);
	*data = malloc(*len + 1);
	if (*data)
		memcpy(*data, text, *len);
	return *data != NULL;
}
