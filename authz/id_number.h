/* The id number of a card's bearer. */
#ifndef TWCARD_AUTHZ_ID_NUMBER_H
#define TWCARD_AUTHZ_ID_NUMBER_H

#include "authz/twcard-authz.h"

/* Is it a number of its kind? AUTHZ_NO_BEARER (NULL, empty), AUTHZ_ID_CHECKSUM, AUTHZ_ID_FORM. */
enum authz_reason id_number_check(enum authz_id_kind kind, const char *id);

#endif
