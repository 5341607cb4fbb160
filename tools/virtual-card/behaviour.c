/* behaviour.c - the ways in which real cards may differ, by name. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

void
vcard_behaviour_get(const struct vcard *card, struct vcard_behaviour *behaviour)
{
	*behaviour = card->behaviour;
}

void
vcard_behaviour_set(struct vcard *card, const struct vcard_behaviour *behaviour)
{
	card->behaviour = *behaviour;
}

static const char *const read_ends[] = { "short", "warn", "exact", "strict" };

static bool
parse_switch(const char *value, bool *flag)
{
	if (*value == '\0' || strcmp(value, "on") == 0 || strcmp(value, "1") == 0 ||
	    strcmp(value, "yes") == 0)
		*flag = true;
	else if (strcmp(value, "off") == 0 || strcmp(value, "0") == 0 || strcmp(value, "no") == 0)
		*flag = false;
	else
		return false;
	return true;
}

static bool
parse_number(const char *value, unsigned *number)
{
	char *end;
	unsigned long n;

	if (*value < '0' || *value > '9')
		return false;
	n = strtoul(value, &end, 10);
	if (*end != '\0' || n > 256)
		return false;
	*number = (unsigned)n;
	return true;
}

static bool
parse_read_end(const char *value, enum vcard_read_end *read_end)
{
	size_t i;

	for (i = 0; i < sizeof(read_ends) / sizeof(read_ends[0]); i++) {
		if (strcmp(value, read_ends[i]) == 0) {
			*read_end = (enum vcard_read_end)i;
			return true;
		}
	}
	return false;
}

static bool
apply(struct vcard_behaviour *behaviour, const char *name, const char *value,
    char *err, size_t errlen)
{
	bool ok;

	if (strcmp(name, "plain-ends-channel") == 0)
		ok = parse_switch(value, &behaviour->plain_ends_channel);
	else if (strcmp(name, "pin-lost-after-private-op") == 0)
		ok = parse_switch(value, &behaviour->pin_lost_after_private_op);
	else if (strcmp(name, "select-61") == 0)
		ok = parse_switch(value, &behaviour->select_61);
	else if (strcmp(name, "read-max") == 0)
		ok = parse_number(value, &behaviour->read_max);
	else if (strcmp(name, "read-end") == 0)
		ok = parse_read_end(value, &behaviour->read_end);
	else {
		vc_error(err, errlen, "unknown behaviour '%s': plain-ends-channel, "
		    "pin-lost-after-private-op, select-61, read-max=N or read-end=MODE", name);
		return false;
	}
	if (!ok)
		vc_error(err, errlen, "bad value '%s' for behaviour '%s'", value, name);
	return ok;
}

bool
vcard_behaviour_parse(struct vcard_behaviour *behaviour, const char *text,
    char *err, size_t errlen)
{
	struct vcard_behaviour work = *behaviour;
	char *copy = strdup(text), *rest = NULL, *item, *value;
	bool ok = false;

	if (copy == NULL) {
		vc_error(err, errlen, "out of memory");
		return false;
	}
	for (item = strtok_r(copy, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
		value = strchr(item, '=');
		if (value != NULL)
			*value++ = '\0';
		if (!apply(&work, item, value != NULL ? value : "", err, errlen))
			goto out;
	}
	*behaviour = work;
	ok = true;
out:
	free(copy);
	return ok;
}
