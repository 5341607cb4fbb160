/*
 * The rules between an authorization certificate and the two cards' X.509
 * certificates. Building asks them before it lets a card sign, verifying
 * before it says yes: there is one set. Each returns AUTHZ_GOOD or its reason.
 */
#ifndef TWCARD_AUTHZ_RULES_H
#define TWCARD_AUTHZ_RULES_H

#include "authz/cert.h"

/* Bytes: SHA-1 of a key, where its certificate names no other identifier. */
#define RULES_KEY_ID_MAX 64

/* May this certificate's key sign? AUTHZ_WEAK_KEY, AUTHZ_AUTHORIZER_USAGE */
enum authz_reason rules_signer(X509 *authorizer);

/* AUTHZ_ISSUER, AUTHZ_SERIAL, AUTHZ_AUTHORITY_KEY */
enum authz_reason rules_issuer(const struct authz_cert *cert, X509 *authorizer);

/* AUTHZ_SIGNATURE */
enum authz_reason rules_signature(const struct authz_cert *cert, X509 *authorizer);

/* AUTHZ_HOLDER */
enum authz_reason rules_holder(const struct authz_cert *cert, X509 *holder);

/* May a card of this kind authorize that one? The reasons of "who may". */
enum authz_reason rules_cards(X509 *authorizer, X509 *holder, enum authz_kind kind);

/* Is the authorizer an attached card, which needs a delegation? Of one that rules_cards() took. */
bool rules_needs_delegation(X509 *authorizer);

/* AUTHZ_OUTSIDE_HOLDER */
enum authz_reason rules_times(const struct authz_cert *cert, X509 *holder);

/* The authorizer's serial number, and six digits of a sequence. NULL: out of memory. Owned. */
ASN1_INTEGER *rules_serial(X509 *authorizer, uint32_t sequence);

/* What the authority key identifier is to say. False: OpenSSL fails, or it is longer than one is. */
bool rules_key_id(X509 *authorizer, unsigned char out[RULES_KEY_ID_MAX], size_t *len);

#endif
