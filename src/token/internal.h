/* What the files of src/token share. */
#ifndef TWCARD_SRC_TOKEN_INTERNAL_H
#define TWCARD_SRC_TOKEN_INTERNAL_H

#include "src/token/token.h"

/* Errors after which nothing more can be asked of the card in this call. */
#define SENDS_CARD_AWAY(r)                                                                         \
	((r) == RESULT_CARD_REMOVED || (r) == RESULT_CARD_MUTE || (r) == RESULT_NO_READER ||       \
	 (r) == RESULT_NO_SERVICE || (r) == RESULT_CARD_RESET || (r) == RESULT_NO_MEMORY)

#endif
