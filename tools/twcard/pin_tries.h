/*
 * How many PIN tries a card had left when this user last gave it a PIN with
 * twcard: the card does not tell without a PIN, and each run is a process of
 * its own. One small file a card in $XDG_RUNTIME_DIR/twcard, gone when the
 * user has logged out; without that directory nothing is remembered. It may be
 * out of date (other programs give PINs, too): good to warn, for nothing else.
 */
#ifndef TWCARD_TOOLS_PIN_TRIES_H
#define TWCARD_TOOLS_PIN_TRIES_H

#include "apdu/result.h"

/* A PIN was given to the card with this number; `tries`: left as it said, or -1. */
void pin_tries_saw(const char *number, enum result r, int tries);

/* 0 to 15; -1: not known to be low. */
int pin_tries_last(const char *number);

#endif
