/* What is found about a certificate (cert_check.h), as words and JSON. */
#ifndef TWCARD_TOOLS_CERT_VIEW_H
#define TWCARD_TOOLS_CERT_VIEW_H

#include <json-c/json.h>

#include "tools/twcard/cert_check.h"
#include "tools/twcard/message.h"

/* Of a point: translated, "Chain". */
const char *cert_view_point(enum cert_point point);

/* Of a state: translated, "good"; and how it is shown. */
const char *cert_view_state(enum cert_state state);
enum style cert_view_style(enum cert_state state);

/* Of all points: "good", "bad" or "incomplete". */
const char *cert_view_result(const struct cert_finding findings[CERT_POINTS]);

/* [{"point", "state", "text", "next"}] of those that are told. Owned by the caller. */
struct json_object *cert_view_points(const struct cert_finding findings[CERT_POINTS]);

#endif
