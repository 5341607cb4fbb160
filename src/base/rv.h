/* From our results to Cryptoki's, by the one list in apdu/result.h. */
#ifndef TWCARD_SRC_RV_H
#define TWCARD_SRC_RV_H

#include "apdu/result.h"
#include "src/cryptoki.h"

CK_RV rv_of(enum result r);

#endif
