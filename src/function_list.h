/* The table that C_GetFunctionList gives out. */
#ifndef TWCARD_SRC_FUNCTION_LIST_H
#define TWCARD_SRC_FUNCTION_LIST_H

#include "src/cryptoki.h"

extern const CK_FUNCTION_LIST function_list;

#endif
