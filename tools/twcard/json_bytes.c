#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "tools/twcard/json_bytes.h"

#define DEPTH 16

struct json_object *json_bytes_parse(const void *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
	struct json_object *value = NULL;

	if (tokener && len && len <= INT_MAX) {
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		value = json_tokener_parse_ex(tokener, text, (int)len);
		if (json_tokener_get_error(tokener) != json_tokener_success ||
		    json_tokener_get_parse_end(tokener) != len || !json_object_is_type(value, json_type_object)) {
			json_object_put(value);
			value = NULL;
		}
	}
	json_tokener_free(tokener);
	return value;
}

struct json_object *json_bytes_member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		(void)json_object_object_get_ex(object, key, &value);
	return value;
}

const char *json_bytes_text(struct json_object *object, const char *key)
{
	struct json_object *value = json_bytes_member(object, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

bool json_bytes_take(struct json_object *object, const char *key, unsigned char **out, size_t *len)
{
	const char *text = json_bytes_text(object, key);
	size_t size = text ? strlen(text) : 0;
	int n = -1;

	*len = 0;
	*out = size && size % 4 == 0 && size < INT_MAX ? malloc(size / 4 * 3 + 1) : NULL;
	if (*out)
		n = EVP_DecodeBlock(*out, (const unsigned char *)text, (int)size);
	for (size_t i = 1; n > 0 && i <= 2 && text[size - i] == '='; i++)
		n--;
	ERR_clear_error();
	if (n > 0) {
		*len = (size_t)n;
		return true;
	}
	free(*out);
	*out = NULL;
	return false;
}

X509 *json_bytes_x509(struct json_object *object, const char *key)
{
	unsigned char *der;
	const unsigned char *at;
	size_t len;
	X509 *x509;

	if (!json_bytes_take(object, key, &der, &len))
		return NULL;
	at = der;
	x509 = d2i_X509(NULL, &at, (long)len);
	if (at != der + len) {
		X509_free(x509);
		x509 = NULL;
	}
	ERR_clear_error();
	free(der);
	return x509;
}

struct json_object *json_bytes_new(const void *bytes, size_t len)
{
	unsigned char *text = len < INT_MAX / 2 ? malloc((len + 2) / 3 * 4 + 1) : NULL;
	struct json_object *value = NULL;

	if (text)
		value = json_object_new_string_len((const char *)text, EVP_EncodeBlock(text, bytes, (int)len));
	free(text);
	return value;
}

struct json_object *json_bytes_from_x509(X509 *x509)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x509, &der);
	struct json_object *value = len > 0 ? json_bytes_new(der, (size_t)len) : NULL;

	OPENSSL_free(der);
	return value;
}
