/* The tables that C_GetFunctionList and C_GetInterface give out. */
#ifndef TWCARD_SRC_FUNCTION_LIST_H
#define TWCARD_SRC_FUNCTION_LIST_H

#include "src/cryptoki.h"

extern const CK_FUNCTION_LIST function_list;
extern const CK_FUNCTION_LIST_3_0 function_list_3_0;

/* C_GetInfo of the 3.0 table. */
CK_RV get_info_3_0(CK_INFO *info);

#endif
