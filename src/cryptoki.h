/*
 * The Cryptoki types: p11-kit's packaged header, and what PKCS#11 3.0 adds
 * where that header is still a 2.40 one.
 */
#ifndef TWCARD_SRC_CRYPTOKI_H
#define TWCARD_SRC_CRYPTOKI_H

/* Its prototypes are what the module exports; everything else is hidden. */
#pragma GCC visibility push(default)
#include <p11-kit/pkcs11.h>
#ifdef CRYPTOKI_EXPORTS /* for Windows, where the standard wants structures without gaps */
#pragma pack(push, 1)
#endif
#include "src/cryptoki3.h"
#ifdef CRYPTOKI_EXPORTS
#pragma pack(pop)
#endif
#pragma GCC visibility pop

#ifndef CK_CERTIFICATE_CATEGORY_UNSPECIFIED
#define CK_CERTIFICATE_CATEGORY_UNSPECIFIED 0UL
#define CK_CERTIFICATE_CATEGORY_TOKEN_USER 1UL
#define CK_CERTIFICATE_CATEGORY_AUTHORITY 2UL
#endif

#ifndef CK_SECURITY_DOMAIN_UNSPECIFIED
#define CK_SECURITY_DOMAIN_UNSPECIFIED 0UL
#endif

#endif
