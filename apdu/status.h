/* Status words (ISO/IEC 7816-4, 5.1.3) become results here and nowhere else. */
#ifndef TWCARD_APDU_STATUS_H
#define TWCARD_APDU_STATUS_H

#include <stdint.h>

#include "apdu/result.h"

#define SW_OK 0x9000
#define SW_NO_FILE 0x6A82

/* Any status word of a command other than VERIFY. Warnings (62xx, 63xx) are refusals here. */
MUST_USE enum result status_result(uint16_t sw);

/* That of a SELECT: RESULT_NOT_FOUND is 6A82, which says that there is no such file, and no other. */
MUST_USE enum result status_select_result(uint16_t sw);

/*
 * The status word of a VERIFY, or of what replaces a PIN. *tries gets the tries left where the card says
 * so (63Cx; 0 when locked), -1 where it does not.
 */
MUST_USE enum result status_pin_result(uint16_t sw, int *tries);

#endif
