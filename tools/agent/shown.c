#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <openssl/evp.h>

#include "src/base/utf8.h"
#include "tools/agent/request.h"
#include "tools/agent/shown.h"
#include "tools/twcard/text.h"

#define SHOWN_MAX 4096 /* bytes of a text */
#define HASH_LEN 32

struct json_object *shown_text(const char *text)
{
	char *safe = text_safe(text);
	struct json_object *json = safe ? json_object_new_string(safe) : NULL;

	free(safe);
	return json;
}

/* Text is what a person can read: UTF-8 with nothing that a person does not see, but for lines and tabs. */
static bool is_text(const char *data, size_t len)
{
	uint32_t c;
	int n;

	if (len > SHOWN_MAX || memchr(data, '\0', len))
		return false;
	while ((n = utf8_next(data, &c)) > 0) {
		if (utf8_is_unsafe(c) && c != '\n' && c != '\r' && c != '\t')
			return false;
		data += n;
	}
	return n == 0;
}

static struct json_object *digest_json(const uint8_t *data, size_t len)
{
	unsigned char hash[HASH_LEN];
	char hex[2 * HASH_LEN + 1];

	if (EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL) != 1)
		return NULL;
	for (size_t i = 0; i < HASH_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	return json_object_new_string(hex);
}

struct json_object *shown_request(enum work_function function, struct json_object *request)
{
	struct json_object *json = NULL;
	uint8_t *data = NULL;
	size_t len = 0;

	if (strcmp(request_kind(function), "sign") != 0 || !request_data(request, &data, &len))
		return NULL;
	data[len] = '\0';
	json = json_object_new_object();
	json_object_object_add(json, "text", len && is_text((char *)data, len) ? json_object_new_string((char *)data) : NULL);
	json_object_object_add(json, "size", json_object_new_int64((int64_t)len));
	json_object_object_add(json, "sha256", digest_json(data, len));
	free(data);
	return json;
}
