/*
 * What OpenSSL's decoder is more generous about than an attribute certificate
 * may be: the bytes are DER all the way down, and texts are what they look like.
 */
#ifndef TWCARD_AUTHZ_STRICT_H
#define TWCARD_AUTHZ_STRICT_H

#include <stdbool.h>
#include <stddef.h>

/* One object, and nothing after it: definite and shortest lengths, shortest tags and integers. */
bool strict_der(const unsigned char *bytes, size_t len);

/*
 * 1 to max bytes of UTF-8, in their shortest form, without control characters
 * and those that turn the direction of writing or break lines: a text must not
 * show as another.
 */
bool strict_text(const void *bytes, size_t len, size_t max);

#endif
