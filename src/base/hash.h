/* uthash as this project uses it: out of memory is an error to report, not an exit. */
#ifndef TWCARD_SRC_HASH_H
#define TWCARD_SRC_HASH_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif
