/* A name of the registry is one of ours, too; and what pcsc-lite has. */
#include_next <winscard.h>
#undef KEY_READ
#define MAX_ATR_SIZE 33
