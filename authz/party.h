/*
 * What a card's X.509 certificate says about the card: the attributes that the
 * government's CAs write into subjectDirectoryAttributes.
 */
#ifndef TWCARD_AUTHZ_PARTY_H
#define TWCARD_AUTHZ_PARTY_H

#include <openssl/x509.h>

#include "authz/twcard-authz.h"

enum party_rank { PARTY_NO_RANK, PARTY_PRIMARY, PARTY_ATTACHED };

#define PARTY_ORGANIZATION_LEN AUTHZ_ORGANIZATION_LEN
#define PARTY_CARD_NUMBER_MAX AUTHZ_CARD_NUMBER_MAX

struct party {
	enum party_rank rank;
	char organization[PARTY_ORGANIZATION_LEN + 1]; /* "": not said */
	char card_number[PARTY_CARD_NUMBER_MAX + 1];   /* "": not said */
};

/*
 * AUTHZ_CARD_ATTRIBUTES: the extension is there twice or is none, or one of
 * these is there twice, with two values, or is not of its form. Without the
 * extension all is empty.
 */
enum authz_reason party_read(const X509 *x, struct party *out);

#endif
