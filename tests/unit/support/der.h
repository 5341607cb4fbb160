/* Hand-made DER for tests, readable enough to see what is in it. */
#ifndef TESTS_DER_H
#define TESTS_DER_H

#include "apdu/buffer.h"

/*
 * Appends the bytes that the text says. Each element is a tag of two hex
 * digits and then {elements}, :hexbytes, or 'text':
 * "30{ 0C'k1' 03:0780 A1{ 02:01 } }". Lengths are put in. A text that is
 * wrong fails the test.
 */
void der_put(struct buffer *out, const char *text);

#endif
