/* Status words (ISO/IEC 7816-4, 5.1.3) become results here and nowhere else. */
#ifndef TWCARD_APDU_STATUS_H
#define TWCARD_APDU_STATUS_H

#include <stdint.h>

#include "apdu/result.h"

#define SW_OK 0x9000
#define SW_NO_FILE 0x6A82
#define SW_FILE_EXISTS 0x6A89

/* Any status word of a command other than VERIFY. Warnings (62xx, 63xx) are refusals here. */
MUST_USE enum result status_result(uint16_t sw);

/* That of a SELECT: RESULT_NOT_FOUND is 6A82, which says that there is no such file, and no other. */
MUST_USE enum result status_select_result(uint16_t sw);

/*
 * That of a command on a file with access rules, and of what makes and deletes
 * such files: as status_result(), but RESULT_AREA_LOCKED (6983, 6984),
 * RESULT_NO_SPACE (6A84) and RESULT_FILE_EXISTS (6A89) are told apart.
 */
MUST_USE enum result status_guarded_result(uint16_t sw);

/*
 * That of an EXTERNAL AUTHENTICATE. RESULT_AUTHENTICATION: the cryptogram is
 * not accepted (63xx); RESULT_AREA_LOCKED: no further one is looked at.
 */
MUST_USE enum result status_authenticate_result(uint16_t sw);

/*
 * The status word of a VERIFY, or of what replaces a PIN. *tries gets the tries left where the card says
 * so (63Cx; 0 when locked), -1 where it does not.
 */
MUST_USE enum result status_pin_result(uint16_t sw, int *tries);

#endif
