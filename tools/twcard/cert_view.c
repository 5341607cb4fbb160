#include "config.h"

#include "tools/twcard/cert_view.h"

static const struct {
	const char *key; /* in JSON */
	const char *text;
} points[] = {
	[CERT_POINT_CHAIN] = {"chain", N_("Chain")},
	[CERT_POINT_VALIDITY] = {"validity", N_("Validity")},
	[CERT_POINT_USAGE] = {"usage", N_("Usage")},
	[CERT_POINT_REVOCATION] = {"revocation", N_("Revocation")},
	[CERT_POINT_CA_REVOCATION] = {"ca-revocation", N_("Revocation of CAs")},
};

static const struct {
	const char *key;
	const char *text;
	enum style style;
} states[] = {
	[CERT_STATE_NOT_CHECKED] = {"not-checked", N_("not checked"), STYLE_WARN},
	[CERT_STATE_GOOD] = {"good", N_("good"), STYLE_GOOD},
	[CERT_STATE_BAD] = {"bad", N_("bad"), STYLE_BAD},
};

const char *cert_view_point(enum cert_point point)
{
	return _(points[point].text);
}

const char *cert_view_state(enum cert_state state)
{
	return _(states[state].text);
}

enum style cert_view_style(enum cert_state state)
{
	return states[state].style;
}

const char *cert_view_result(const struct cert_finding findings[CERT_POINTS])
{
	const char *result = "good";

	for (size_t i = 0; i < CERT_POINTS; i++) {
		if (findings[i].is_told && findings[i].state == CERT_STATE_BAD)
			return "bad";
		if (findings[i].is_told && findings[i].state == CERT_STATE_NOT_CHECKED)
			result = "incomplete";
	}
	return result;
}

struct json_object *cert_view_points(const struct cert_finding findings[CERT_POINTS])
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < CERT_POINTS; i++) {
		const struct cert_finding *f = &findings[i];
		struct json_object *point;

		if (!f->is_told)
			continue;
		point = json_object_new_object();
		json_object_object_add(point, "point", json_object_new_string(points[i].key));
		json_object_object_add(point, "state", json_object_new_string(states[f->state].key));
		json_object_object_add(point, "text", message_json_text(f->text));
		json_object_object_add(point, "next", message_json_text(f->next));
		json_object_array_add(list, point);
	}
	return list;
}
