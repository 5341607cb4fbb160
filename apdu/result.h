/*
 * What an operation came to. One list for the whole project: code, Cryptoki
 * return value and text. apdu/ and profiles/ know no Cryptoki type, so the
 * second column is a bare word here; only src/base/rv.c expands it.
 */
#ifndef TWCARD_APDU_RESULT_H
#define TWCARD_APDU_RESULT_H

#include <stdbool.h>

/* clang-format off */
#define RESULT_LIST(X) \
	X(RESULT_OK,                CKR_OK,                       "success") \
	X(RESULT_FAILED,            CKR_GENERAL_ERROR,            "internal error") \
	X(RESULT_NO_MEMORY,         CKR_HOST_MEMORY,              "out of memory") \
	X(RESULT_ARGUMENT,          CKR_ARGUMENTS_BAD,            "a wrong argument was given") \
	X(RESULT_CRYPTO,            CKR_FUNCTION_FAILED,          "the cryptographic library failed") \
	X(RESULT_CONFIG,            CKR_FUNCTION_FAILED,          "the configuration cannot be used") \
	X(RESULT_NO_SERVICE,        CKR_DEVICE_REMOVED,           "the PC/SC service (pcscd) is not running") \
	X(RESULT_NO_ACCESS,         CKR_DEVICE_ERROR,             "the PC/SC service refuses this user") \
	X(RESULT_NO_READER,         CKR_DEVICE_REMOVED,           "the reader is gone") \
	X(RESULT_NO_CARD,           CKR_TOKEN_NOT_PRESENT,        "there is no card in the reader") \
	X(RESULT_CARD_REMOVED,      CKR_DEVICE_REMOVED,           "the card was removed") \
	X(RESULT_CARD_RESET,        CKR_DEVICE_ERROR,             "another program reset the card") \
	X(RESULT_CARD_MUTE,         CKR_DEVICE_ERROR,             "the card or reader did not answer") \
	X(RESULT_READER_BUSY,       CKR_DEVICE_ERROR,             "another program holds the reader exclusively") \
	X(RESULT_CANCELLED,         CKR_FUNCTION_CANCELED,        "the operation was cancelled") \
	X(RESULT_NOT_READ,          CKR_GENERAL_ERROR,            "it was not read from the card yet") \
	X(RESULT_QUOTA,             CKR_DEVICE_MEMORY,            "there are too many session objects, or they are too large") \
	X(RESULT_TIMEOUT,           CKR_NO_EVENT,                 "nothing happened in time") \
	X(RESULT_UNKNOWN_CARD,      CKR_TOKEN_NOT_RECOGNIZED,     "no profile knows this card") \
	X(RESULT_BAD_ANSWER,        CKR_DEVICE_ERROR,             "the card gave an answer of the wrong form") \
	X(RESULT_BAD_DATA,          CKR_DEVICE_ERROR,             "the data on the card are damaged") \
	X(RESULT_BAD_SIGNATURE,     CKR_DEVICE_ERROR,             "the card's result does not fit its public key") \
	X(RESULT_OUT_OF_RANGE,      CKR_DATA_INVALID,             "the block is not below the modulus") \
	X(RESULT_NOT_FOUND,         CKR_DEVICE_ERROR,             "the file or record is not on the card") \
	X(RESULT_END_OF_FILE,       CKR_DEVICE_ERROR,             "the file on the card ends before the data") \
	X(RESULT_WRONG_LENGTH,      CKR_DEVICE_ERROR,             "the card refuses the length of the command") \
	X(RESULT_NOT_SUPPORTED,     CKR_FUNCTION_NOT_SUPPORTED,   "this card cannot do that") \
	X(RESULT_UNPROVEN,          CKR_FUNCTION_NOT_SUPPORTED,   "refused: never observed on a real card (allow-unproven is off)") \
	X(RESULT_SECURITY_STATUS,   CKR_USER_NOT_LOGGED_IN,       "the card wants the PIN first") \
	X(RESULT_CHANNEL,           CKR_DEVICE_ERROR,             "the secure channel could not be opened") \
	X(RESULT_NO_KEYSET,         CKR_KEY_NEEDED,               "no key set for this card is installed") \
	X(RESULT_PIN_WRONG,         CKR_PIN_INCORRECT,            "the PIN is wrong") \
	X(RESULT_PIN_LOCKED,        CKR_PIN_LOCKED,               "the PIN is locked") \
	X(RESULT_PIN_LENGTH,        CKR_PIN_LEN_RANGE,            "the PIN has the wrong length") \
	X(RESULT_PIN_INVALID,       CKR_PIN_INVALID,              "a new PIN is letters and digits, and not the old one") \
	X(RESULT_CARD_REFUSED,      CKR_DEVICE_ERROR,             "the card refused the command") \
	X(RESULT_FILE_EXISTS,       CKR_DEVICE_ERROR,             "the file is on the card already") \
	X(RESULT_AUTHENTICATION,    CKR_FUNCTION_REJECTED,        "the card does not accept the issuer's cryptogram") \
	X(RESULT_BUFFER_TOO_SMALL,  CKR_BUFFER_TOO_SMALL,         "the buffer is too small") \
	X(RESULT_NO_SPACE,          CKR_DEVICE_MEMORY,            "there is not enough space on the card") \
	X(RESULT_DATA_TOO_LARGE,    CKR_DATA_LEN_RANGE,           "the data are too large for the card") \
	X(RESULT_INDEX_FORMAT,      CKR_DEVICE_ERROR,             "the index on the card is damaged, or of an unknown form") \
	X(RESULT_SNO_EXISTS,        CKR_FUNCTION_REJECTED,        "the service exists on the card already") \
	X(RESULT_SNO_UNKNOWN,       CKR_OBJECT_HANDLE_INVALID,    "the service does not exist on the card") \
	X(RESULT_AREA_NOT_ACTIVATED, CKR_TOKEN_WRITE_PROTECTED,   "the data area of the card is not activated") \
	X(RESULT_AREA_LOCKED,       CKR_PIN_LOCKED,               "the data area of the card is locked") \
	X(RESULT_BUDGET,            CKR_DEVICE_ERROR,             "the card took too many commands for one call")
/* clang-format on */

#define RESULT_ENUM(code, rv, text) code,
enum result { RESULT_LIST(RESULT_ENUM) RESULT_COUNT };
#undef RESULT_ENUM

/* A result that nobody looks at is a bug. */
#define MUST_USE __attribute__((warn_unused_result))

/* "RESULT_PIN_WRONG"; never NULL, also for a value outside the list. */
const char *result_name(enum result r);

/* "the PIN is wrong"; never NULL. English: it goes to logs. */
const char *result_text(enum result r);

/*
 * True for an answer of the card that says no to the command (or to what it
 * names), as opposed to one that says the card, the way to it or we are broken.
 */
bool result_is_refusal(enum result r);

#endif
