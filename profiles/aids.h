/* The applications that are selected by name (facts: gen 2). */
#ifndef TWCARD_PROFILES_AIDS_H
#define TWCARD_PROFILES_AIDS_H

#include <stddef.h>
#include <stdint.h>

#define AID_MAX 16

struct aid {
	uint8_t bytes[AID_MAX];
	size_t len;
};

extern const struct aid aid_pki;           /* the second generation's PKI applet */
extern const struct aid aid_issuer_domain; /* GlobalPlatform's issuer security domain */
extern const struct aid aid_key_domain;    /* asked for the key information; a key set names its own */

#endif
