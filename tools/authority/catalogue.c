#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "authz/twcard-authz.h"
#include "tools/authority/catalogue.h"
#include "tools/authority/fields.h"

static bool is_list(struct json_object *from, const char *name, struct json_object **out)
{
	return json_object_object_get_ex(from, name, out) && json_object_is_type(*out, json_type_array);
}

static bool short_text(struct json_object *from, const char *name, size_t max)
{
	const char *text = fields_text(from, name);

	return text ? *text && strlen(text) <= max : fields_absent(from, name);
}

static const char *check_units(struct json_object *units)
{
	for (size_t i = 0; i < json_object_array_length(units); i++) {
		struct json_object *unit = json_object_array_get_idx(units, i);

		if (!json_object_is_type(unit, json_type_object) || !short_text(unit, "name", AUTHZ_UNIT_NAME_MAX) ||
		    !short_text(unit, "code", AUTHZ_UNIT_CODE_MAX))
			return "a unit has no good \"name\" or \"code\"";
	}
	return NULL;
}

static const char *check_application(struct json_object *application)
{
	struct json_object *list = NULL;

	if (!json_object_is_type(application, json_type_object) || !fields_text(application, "name") ||
	    !short_text(application, "name", AUTHZ_APPLICATION_MAX))
		return "an application has no \"name\", or one that is too long";
	if (!is_list(application, "units", &list))
		return "an application has no list of \"units\" (it may be empty)";
	if (check_units(list))
		return check_units(list);
	if (!is_list(application, "roles", &list))
		return "an application has no list of \"roles\" (it may be empty)";
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!json_object_is_type(json_object_array_get_idx(list, i), json_type_string) ||
		    json_object_get_string_len(json_object_array_get_idx(list, i)) > AUTHZ_ROLE_MAX)
			return "a role is no text, or too long";
	return NULL;
}

struct json_object *catalogue_parse(const char *text, size_t len, const char **why)
{
	struct json_object *all = len <= CATALOGUE_MAX ? fields_parse(text, len) : NULL, *list = NULL;

	*why = "it is no JSON object, or larger than 1 MiB";
	if (!all)
		return NULL;
	*why = is_list(all, "applications", &list) ? NULL : "it has no list of \"applications\"";
	for (size_t i = 0; !*why && i < json_object_array_length(list); i++)
		*why = check_application(json_object_array_get_idx(list, i));
	if (!*why)
		return all;
	json_object_put(all);
	return NULL;
}

enum store_result catalogue_load(struct store_tx *tx, struct catalogue *out)
{
	char *document = NULL;
	const char *why;
	uint32_t version;
	enum store_result r = store_catalogue_get(tx, &document, &version);

	*out = (struct catalogue){.all = NULL};
	if (r == STORE_NONE) {
		out->all = json_object_new_object();
		json_object_object_add(out->all, "applications", json_object_new_array());
		return STORE_OK;
	}
	if (r == STORE_OK) {
		out->all = catalogue_parse(document, strlen(document), &why);
		r = out->all ? STORE_OK : STORE_BROKEN;
	}
	free(document);
	return r;
}

void catalogue_clear(struct catalogue *c)
{
	json_object_put(c->all);
	c->all = NULL;
}

bool catalogue_has(const struct catalogue *c, const char *name)
{
	struct json_object *list = NULL;

	if (!is_list(c->all, "applications", &list) || !name)
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (strcmp(fields_text(json_object_array_get_idx(list, i), "name"), name) == 0)
			return true;
	return json_object_array_length(list) == 0;
}
