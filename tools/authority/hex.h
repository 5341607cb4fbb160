/* Bytes as hexadecimal digits, small letters, and back; random numbers; RFC 3339 times; base64. */
#ifndef TWCARD_AUTHORITY_HEX_H
#define TWCARD_AUTHORITY_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define HEX_ID_LEN 32 /* digits of a request's or reservation's number */
#define HEX_SHA256_LEN 64
#define HEX_TIME_MAX 32

/* out has room for two characters a byte, and a NUL. */
void hex_write(const uint8_t *bytes, size_t len, char *out);

/* Exactly len bytes, and nothing behind them; either case. */
bool hex_read(const char *text, uint8_t *out, size_t len);

/* A random number. False: no random bytes. */
bool hex_random_id(char out[HEX_ID_LEN + 1]);

/* "2026-11-21T21:00:00Z", and nothing else. */
void hex_time_write(time_t t, char out[HEX_TIME_MAX]);
bool hex_time_read(const char *text, time_t *out);

/* Base64 without line ends. NULL: it is none, or longer, or out of memory. Owned by the caller: free(). */
uint8_t *hex_base64_read(const char *text, size_t max, size_t *len);
char *hex_base64_write(const uint8_t *bytes, size_t len);

#endif
