#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "tools/agent/work_request.h"
#include "tools/twcard/json_bytes.h"

#define ABSENT "__NotExistedTag__"
#define BYTES_MAX (INT_MAX / 4)

/* NULL in *out: absent. */
static bool member(struct work_job *job, const char *key, json_type type, struct json_object **out)
{
	struct json_object *value = json_bytes_member(job->request, key);

	*out = NULL;
	if (!value)
		return true;
	if (json_object_is_type(value, json_type_string)) {
		if (strcmp(json_object_get_string(value), ABSENT) != 0)
			*out = value;
		return true;
	}
	if (!json_object_is_type(value, type))
		return work_fail(job, WORK_PARAMETER_BAD, CKR_OK);
	*out = value;
	return true;
}

bool work_text(struct work_job *job, const char *key, const char **out)
{
	struct json_object *value;

	*out = NULL;
	if (!member(job, key, json_type_string, &value))
		return false;
	if (!value || !json_object_get_string_len(value))
		return true;
	*out = json_object_get_string(value);
	if (strlen(*out) == (size_t)json_object_get_string_len(value))
		return true;
	*out = NULL; /* what it is compared with would end at the NUL */
	return work_fail(job, WORK_PARAMETER_BAD, CKR_OK);
}

bool work_flag(struct work_job *job, const char *key, bool absent, bool *out)
{
	struct json_object *value;

	*out = absent;
	if (!member(job, key, json_type_boolean, &value))
		return false;
	if (json_object_is_type(value, json_type_boolean))
		*out = json_object_get_boolean(value);
	else if (value && json_object_get_string_len(value))
		*out = strcmp(json_object_get_string(value), "true") == 0;
	return true;
}

/* ---- Base64 ---- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * What pages and form decoding did to it is undone: lines are put together,
 * blanks are + again, and so is what a page escaped once too often.
 */
static size_t mend(const char *text, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\r' || text[i] == '\n')
			continue;
		if (text[i] == '%' && i + 2 < len && hex_digit(text[i + 1]) >= 0 &&
		    hex_digit(text[i + 2]) >= 0) {
			out[n++] = (char)(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
			i += 2;
			continue;
		}
		out[n++] = text[i] == ' ' ? '+' : text[i];
	}
	return n;
}

/* OpenSSL takes padding anywhere; here it is at the end, or left out. Answers the length with it. */
static size_t pad(char *text, size_t len)
{
	size_t digits = len;

	while (digits && len - digits < 2 && text[digits - 1] == '=')
		digits--;
	if (memchr(text, '=', digits) || digits % 4 == 1 || (len != digits && len % 4 != 0))
		return 0;
	while (digits % 4)
		text[digits++] = '=';
	return digits;
}

static bool decode(const char *text, size_t len, unsigned char **out, size_t *out_len)
{
	char *mended = malloc(len + 4);
	size_t n = mended ? mend(text, len, mended) : 0;
	size_t padded = n ? pad(mended, n) : 0;
	int bytes = -1;

	*out = padded ? malloc(padded / 4 * 3 + 1) : NULL;
	if (*out)
		bytes = EVP_DecodeBlock(*out, (unsigned char *)mended, (int)padded);
	for (size_t i = 1; bytes > 0 && i <= 2 && mended[padded - i] == '='; i++)
		bytes--;
	ERR_clear_error();
	if (mended)
		OPENSSL_cleanse(mended, len + 4);
	free(mended);
	*out_len = bytes > 0 ? (size_t)bytes : 0;
	if (bytes > 0)
		return true;
	free(*out);
	*out = NULL;
	return false;
}

bool work_bytes(struct work_job *job, const char *key, bool is_base64, unsigned char **out, size_t *len)
{
	struct json_object *value;
	size_t size;

	*out = NULL;
	*len = 0;
	if (!member(job, key, json_type_string, &value))
		return false;
	size = value ? (size_t)json_object_get_string_len(value) : 0;
	if (!size)
		return true;
	if (size > BYTES_MAX)
		return work_fail(job, WORK_PARAMETER_BAD, CKR_OK);
	if (is_base64)
		return decode(json_object_get_string(value), size, out, len) ||
		       work_fail(job, WORK_BASE64, CKR_OK);
	*out = malloc(size);
	if (!*out)
		return work_fail(job, WORK_FAILED, CKR_HOST_MEMORY);
	memcpy(*out, json_object_get_string(value), size);
	*len = size;
	return true;
}

bool work_base64(struct work_job *job, const char *key, unsigned char **out, size_t *len)
{
	return work_bytes(job, key, true, out, len);
}

void work_bytes_free(unsigned char *bytes, size_t len)
{
	if (bytes)
		OPENSSL_cleanse(bytes, len);
	free(bytes);
}

/* ---- digests ---- */

/* SAH256 is what a page sends that has never set it; absent is SHA256 (assumed). */
bool work_digest(struct work_job *job, const EVP_MD **out)
{
	static const struct {
		const char *name;
		const EVP_MD *(*digest)(void);
	} digests[] = {
		{"SHA256", EVP_sha256}, {"SHA1", EVP_sha1}, {"SHA384", EVP_sha384},
		{"SHA512", EVP_sha512}, {"SAH256", EVP_sha256},
	};
	const char *name;

	if (!work_text(job, "hashAlgorithm", &name))
		return false;
	for (size_t i = 0; i < sizeof digests / sizeof *digests; i++) {
		if (name && strcmp(name, digests[i].name) != 0)
			continue;
		*out = digests[i].digest();
		return true;
	}
	return work_fail(job, WORK_PARAMETER_BAD, CKR_OK);
}
