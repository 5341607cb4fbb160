#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/twcard/authz_content.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/stream.h"

#define FILE_MAX (64u * 1024) /* bytes */

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char *const id_kinds[] = {[AUTHZ_ID_NATIONAL] = "national", [AUTHZ_ID_OTHER] = "other"};

/* The texts of an authorization; a delegation has all but the first. */
static const struct {
	const char *key;
	size_t offset;
} texts[] = {
	{"application", offsetof(struct authz_grant, application)},
	{"unit_name", offsetof(struct authz_grant, unit_name)},
	{"unit_code", offsetof(struct authz_grant, unit_code)},
	{"role", offsetof(struct authz_grant, role)},
};

void authz_content_clear(struct authz_content *content)
{
	json_object_put(content->json);
	*content = (struct authz_content){.json = NULL};
}

/* ---- an object's form ---- */

static enum exit_code not_right(const char *where, const char *what)
{
	message_error(_("what is to be authorized cannot be used: %s: %s\n"
			"twcard-authz(1) describes the file."), where, what);
	return EXIT_USAGE;
}

/* Only keys that are known: a word that is misspelt must not be as if it were not there. */
static bool has_only(struct json_object *json, const char *const *keys)
{
	if (!json_object_is_type(json, json_type_object))
		return false;
	json_object_object_foreach(json, key, value) {
		const char *const *known = keys;

		(void)value;
		while (*known && strcmp(*known, key) != 0)
			known++;
		if (!*known)
			return false;
	}
	return true;
}

/* A text; NULL: not said. False: it is none, or has a NUL in it. */
static bool take_text(struct json_object *from, const char *key, const char **out)
{
	struct json_object *value = json_object_object_get(from, key);

	*out = NULL;
	if (!value)
		return true;
	if (!json_object_is_type(value, json_type_string))
		return false;
	*out = json_object_get_string(value);
	return strlen(*out) == (size_t)json_object_get_string_len(value);
}

static enum exit_code take_texts(struct json_object *from, size_t first, struct authz_grant *out)
{
	static const char *const keys[] = {"application", "unit_name", "unit_code", "role", NULL};

	*out = (struct authz_grant){.application = NULL};
	if (!has_only(from, keys + first))
		return not_right(first ? "scope" : "grants", _("not an object of the right form"));
	for (size_t i = first; i < COUNT(texts); i++)
		if (!take_text(from, texts[i].key, (const char **)((char *)out + texts[i].offset)))
			return not_right(texts[i].key, _("not a text"));
	return EXIT_GOOD;
}

/* ---- its parts ---- */

static enum exit_code take_grants(struct authz_content *out)
{
	struct json_object *list = json_object_object_get(out->json, "grants");
	enum exit_code code = EXIT_GOOD;

	if (!json_object_is_type(list, json_type_array))
		return not_right("grants", _("not a list"));
	if (json_object_array_length(list) > AUTHZ_GRANTS_MAX) {
		message_error(_("a card is authorized for five applications at most, and here are %zu\n"
				"Leave some out; nothing was signed."), json_object_array_length(list));
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < json_object_array_length(list) && code == EXIT_GOOD; i++) {
		struct authz_grant *grant = &out->grants[i];

		code = take_texts(json_object_array_get_idx(list, i), 0, grant);
		if (code == EXIT_GOOD && !grant->application)
			code = not_right("grants", _("an application has no name"));
		for (size_t j = 0; code == EXIT_GOOD && j < i; j++)
			if (strcmp(out->grants[j].application, grant->application) == 0)
				code = not_right("grants", _("an application is there twice"));
		out->grant_count = i + 1;
	}
	return code;
}

static enum exit_code take_delegation(struct authz_content *out)
{
	struct json_object *disabled = json_object_object_get(out->json, "disabled");
	struct json_object *scope = json_object_object_get(out->json, "scope");

	if (disabled && !json_object_is_type(disabled, json_type_boolean))
		return not_right("disabled", _("neither true nor false"));
	out->disabled = json_object_get_boolean(disabled);
	return scope ? take_texts(scope, 1, &out->scope) : EXIT_GOOD;
}

static enum exit_code take_bearer(struct authz_content *out)
{
	static const char *const keys[] = {"kind", "number", NULL};
	struct json_object *bearer = json_object_object_get(out->json, "bearer");
	const char *kind;
	size_t i = 0;

	if (!bearer)
		return not_right("bearer", _("the id number of the card's bearer is missing"));
	if (!has_only(bearer, keys) || !take_text(bearer, "kind", &kind) ||
	    !take_text(bearer, "number", &out->bearer) || !kind || !out->bearer || !*out->bearer)
		return not_right("bearer", _("wants \"kind\" and \"number\""));
	while (i < COUNT(id_kinds) && strcmp(id_kinds[i], kind) != 0)
		i++;
	if (i == COUNT(id_kinds))
		return not_right("kind", _("neither \"national\" nor \"other\""));
	out->bearer_kind = (enum authz_id_kind)i;
	if (out->bearer_kind == AUTHZ_ID_NATIONAL && !authz_id_is_national(out->bearer)) {
		message_error(_("the bearer's number is no national id: a letter, 1 or 2, and digits of which"
				" the last is a check digit\nLook at it again, or say that it is another id."));
		return EXIT_USAGE;
	}
	return EXIT_GOOD;
}

enum exit_code authz_content_take(struct json_object *json, enum authz_kind kind,
				  struct authz_content *out)
{
	static const char *const applications[] = {"grants", "bearer", NULL};
	static const char *const delegation[] = {"disabled", "scope", "bearer", NULL};
	bool delegates = kind == AUTHZ_KIND_DELEGATION;
	enum exit_code code;

	*out = (struct authz_content){.json = json, .kind = kind};
	if (!has_only(json, delegates ? delegation : applications))
		return not_right("JSON", _("not an object of the right form"));
	code = delegates ? take_delegation(out) : take_grants(out);
	return code == EXIT_GOOD ? take_bearer(out) : code;
}

/* ---- from a file ---- */

struct text {
	char *bytes; /* FILE_MAX of them */
	size_t len;
};

static bool keep(void *context, const uint8_t *data, size_t len)
{
	struct text *text = context;

	if (len > FILE_MAX - text->len)
		return false;
	memcpy(text->bytes + text->len, data, len);
	text->len += len;
	return true;
}

static enum exit_code read_file(const char *path, struct text *text)
{
	struct stream_in in = STREAM_CLOSED;
	enum exit_code code = stream_open(path, &in);

	if (code == EXIT_GOOD)
		code = stream_pump(&in, NULL, keep, text);
	if (code == EXIT_INTERNAL) {
		message_error(_("%s is too large"), path);
		code = EXIT_FILE;
	}
	stream_close(&in);
	return code;
}

enum exit_code authz_content_load(const char *path, enum authz_kind kind, struct authz_content *out)
{
	struct text text = {.bytes = calloc(1, FILE_MAX + 1)};
	struct json_object *json = NULL;
	enum exit_code code;

	*out = (struct authz_content){.json = NULL};
	if (!text.bytes)
		return message_result(RESULT_NO_MEMORY, NULL);
	code = read_file(path, &text);
	if (code == EXIT_GOOD) {
		json = json_bytes_parse(text.bytes, text.len);
		code = json ? authz_content_take(json, kind, out) : not_right(path, _("not JSON"));
	}
	free(text.bytes);
	return code;
}

/* ---- from a certificate ---- */

static struct json_object *grant_json(const struct authz_grant *grant, size_t first)
{
	struct json_object *json = json_object_new_object();

	for (size_t i = first; i < COUNT(texts); i++)
		json_object_object_add(json, texts[i].key,
				       message_json_text(*(const char *const *)((const char *)grant +
										texts[i].offset)));
	return json;
}

struct json_object *authz_content_of(const struct authz_info *info)
{
	struct json_object *json = json_object_new_object(), *list, *bearer;

	if (info->kind == AUTHZ_KIND_DELEGATION) {
		json_object_object_add(json, "disabled", json_object_new_boolean(info->delegation_disabled));
		json_object_object_add(json, "scope", grant_json(&info->delegation_scope, 1));
	} else {
		list = json_object_new_array();
		for (size_t i = 0; i < info->grant_count; i++)
			json_object_array_add(list, grant_json(&info->grants[i], 0));
		json_object_object_add(json, "grants", list);
	}
	if (info->bearer_id) {
		bearer = json_object_new_object();
		json_object_object_add(bearer, "kind", json_object_new_string(id_kinds[info->bearer_id_kind]));
		json_object_object_add(bearer, "number", message_json_text(info->bearer_id));
		json_object_object_add(json, "bearer", bearer);
	}
	return json;
}

bool authz_content_remove(struct json_object *json, const char *application)
{
	struct json_object *list = json_object_object_get(json, "grants"), *name;

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		name = json_object_object_get(json_object_array_get_idx(list, i), "application");
		if (strcmp(json_object_get_string(name), application) == 0)
			return json_object_array_del_idx(list, i, 1) == 0;
	}
	return false;
}

void authz_content_specify(const struct authz_content *content, struct authz_spec *spec)
{
	spec->kind = content->kind;
	spec->grant_count = content->grant_count;
	memcpy(spec->grants, content->grants, sizeof spec->grants);
	spec->delegation_disabled = content->disabled;
	spec->delegation_scope = content->scope;
	spec->bearer_id_kind = content->bearer_kind;
	spec->bearer_id = content->bearer;
}
