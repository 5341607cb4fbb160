/*
 * Certificates on a virtual card that are not those it was made with, as a
 * renewal leaves them, or as somebody makes them who wants to pass for the
 * card. Names, sizes and places stay as they are.
 */
#ifndef TESTS_FORGE_H
#define TESTS_FORGE_H

#include <openssl/types.h>

#include "vcard.h"

/*
 * Gives the card a root and an issuer whose keys the test has (the same for
 * all cards), with all four certificates signed anew: serial numbers, keys of
 * the holder and directories stay.
 */
void forge_world(struct vcard *card);

/*
 * The same by another root and issuer of the same names: a forger's. `key`:
 * the holder's keys in the certificates; NULL: as they are.
 */
void forge_other_world(struct vcard *card, EVP_PKEY *key);

/* One certificate by forge_world()'s issuers with another serial number; `key` as above. */
void forge_renew(struct vcard *card, enum vcard_cert which, EVP_PKEY *key);

/* The same with the serial number it had, which no honest issuer does. */
void forge_issue(struct vcard *card, enum vcard_cert which, EVP_PKEY *key);

/* Puts another key into a certificate and leaves everything else, also the signature. */
void forge_key(struct vcard *card, enum vcard_cert which, EVP_PKEY *key);

/* In all files of the name, replaces each `from` with the equally long `to`; how often. */
unsigned forge_bytes(struct vcard *card, const char *path, const void *from, const void *to, size_t len);

/*
 * Puts a record of `size` bytes, of a kind that nobody knows, before all others of a directory
 * of the application ("4104").
 */
void forge_first_record(struct vcard *card, const char *name, unsigned size);

#endif
