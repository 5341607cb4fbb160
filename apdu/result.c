#include "config.h"

#include "apdu/result.h"

struct row {
	const char *name;
	const char *text;
};

#define RESULT_ROW(code, rv, text) {#code, text},
static const struct row rows[] = {RESULT_LIST(RESULT_ROW)};
#undef RESULT_ROW

static const struct row *find(enum result r)
{
	static const struct row unknown = {"RESULT_?", "unknown result"};

	return (unsigned)r < RESULT_COUNT ? &rows[r] : &unknown;
}

const char *result_name(enum result r)
{
	return find(r)->name;
}

const char *result_text(enum result r)
{
	return find(r)->text;
}

bool result_is_refusal(enum result r)
{
	switch (r) {
	case RESULT_NOT_FOUND:
	case RESULT_END_OF_FILE:
	case RESULT_WRONG_LENGTH:
	case RESULT_NOT_SUPPORTED:
	case RESULT_SECURITY_STATUS:
	case RESULT_CARD_REFUSED:
	case RESULT_FILE_EXISTS:
	case RESULT_AUTHENTICATION:
	case RESULT_NO_SPACE:
	case RESULT_AREA_LOCKED:
		return true;
	default:
		return false;
	}
}
