/*
 * A small world for tests of authorization certificates: a CA, a company with
 * a primary and two attached cards, and another company. Keys are made anew;
 * names, serial numbers, key identifiers and times are always the same.
 */
#ifndef TESTS_UNIT_AUTHZ_WORLD_H
#define TESTS_UNIT_AUTHZ_WORLD_H

#include "authz/asn1.h"
#include "authz/twcard-authz.h"

enum world_card {
	WORLD_CA,
	WORLD_PRIMARY,
	WORLD_MANAGER,         /* attached */
	WORLD_CLERK,           /* attached */
	WORLD_FOREIGN_PRIMARY, /* of the other company */
	WORLD_FOREIGN_CLERK,
	WORLD_PERSON,          /* no rank, no organisation */
	WORLD_COUNT
};

struct world {
	EVP_PKEY *keys[WORLD_COUNT];
	X509 *cards[WORLD_COUNT];
	X509_STORE *store;
	time_t first, last; /* of all certificates */
	time_t now;         /* between them */
};

/* Certificates from two years before `now` to two years after. Aborts if anything fails. */
void world_init(struct world *w, time_t now);
void world_clear(struct world *w);

/* A certificate for another name, rank, number, usage or time than the card's own. */
struct world_holder {
	const char *organization; /* the name */
	const char *id;           /* NULL: none */
	const char *rank;         /* NULL: none */
	const char *serial;       /* decimal */
	int usage;                /* KU_…; 0: no extension */
	time_t first, last;
};
X509 *world_certificate(const struct world *w, const struct world_holder *who, EVP_PKEY *key);

/* Signs as a card does: an authz_sign_fn, with an EVP_PKEY as its context. */
bool world_sign(void *key, const struct authz_to_sign *what, unsigned char *signature, size_t *len);

/* A specification that is good: two authorizations, primary card to clerk. */
struct authz_spec world_spec(const struct world *w);
/* The primary card's delegation to the manager. */
struct authz_spec world_delegation(const struct world *w);

/* The certificate of a specification, signed by the card that it names. */
struct authz_cert *world_build(const struct world *w, const struct authz_spec *spec, enum world_card signer);

/*
 * What the library would not make: a certificate whose ASN.1 is changed, and
 * that is signed anew. Its bytes, owned by the caller (free()).
 */
typedef void (*world_edit_fn)(TWCARD_AC *ac, void *context);
struct authz_der world_forge(const struct authz_cert *from, world_edit_fn edit, void *context, EVP_PKEY *key,
			     const char *digest);

/* Signs *ac anew, with RSA and a digest. */
void world_sign_ac(TWCARD_AC *ac, EVP_PKEY *key, const char *digest);

#endif
