#include "config.h"

#include <limits.h>

#include "src/abi/abi.h"
#include "src/operation/operation.h"

bool abi_is_count(CK_ULONG count, size_t size)
{
	return count <= LONG_MAX / size;
}

bool abi_is_bytes(const void *data, CK_ULONG len)
{
	return (data || !len) && abi_is_count(len, 1);
}

bool abi_is_template(const CK_ATTRIBUTE *template, CK_ULONG count)
{
	if ((count && !template) || !abi_is_count(count, sizeof *template))
		return false;
	for (CK_ULONG i = 0; i < count; i++)
		if (template[i].ulValueLen && !template[i].pValue &&
		    template[i].ulValueLen != CK_UNAVAILABLE_INFORMATION) /* that is a wrong value */
			return false;
	return true;
}

CK_RV abi_refuse(struct session *s, enum operation_kind kind)
{
	if (!operation_active(s, kind))
		return CKR_OPERATION_NOT_INITIALIZED;
	operation_end(&s->operations[kind]);
	return CKR_ARGUMENTS_BAD;
}
