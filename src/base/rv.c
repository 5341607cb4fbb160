#include "config.h"

#include "src/base/rv.h"

#define RESULT_RV(code, rv, text) rv,
static const CK_RV rvs[] = {RESULT_LIST(RESULT_RV)};
#undef RESULT_RV

CK_RV rv_of(enum result r)
{
	return (unsigned)r < RESULT_COUNT ? rvs[r] : CKR_GENERAL_ERROR;
}
