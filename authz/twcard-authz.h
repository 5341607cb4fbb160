/*
 * Authorization certificates of attached cards: X.509 attribute certificates
 * (RFC 5755, version 2) by which a company's primary card (正卡) says what the
 * bearer of one of its attached cards (附卡) may do. This library makes, reads,
 * prints and verifies them. It talks to no card and to no server: a signature
 * is made by the caller's function.
 *
 * docs/AUTHORIZATION.md has the format, and what in it is public and what is
 * assumed.
 *
 * All functions may be called by any number of threads at once; a struct
 * authz_cert does not change after it was made, and may be shared. Texts are
 * UTF-8. Times are seconds since 1970, UTC. OpenSSL's error queue is left as
 * it was found.
 */
#ifndef TWCARD_AUTHZ_H
#define TWCARD_AUTHZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <openssl/x509.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define AUTHZ_API __attribute__((visibility("default")))
#define AUTHZ_CHECK_RESULT __attribute__((warn_unused_result))
#else
#define AUTHZ_API
#define AUTHZ_CHECK_RESULT
#endif

/* ---- reasons ---- */

/* New ones are added at the end of their group, with a new number: numbers do not change. */
enum authz_reason {
	AUTHZ_UNDECIDED = 0, /* nothing was checked: what a cleared struct says */
	AUTHZ_GOOD = 1,

	/* the call */
	AUTHZ_BAD_ARGUMENT = 10,
	AUTHZ_NO_MEMORY = 11, /* or OpenSSL fails where it does so for no other reason */

	/* reading: it is no such certificate */
	AUTHZ_TOO_LARGE = 20,     /* more than AUTHZ_DER_MAX bytes */
	AUTHZ_NOT_DER = 21,       /* cut off, followed by something, or not the one encoding */
	AUTHZ_FORM = 22,          /* DER, but no attribute certificate of RFC 5755 */
	AUTHZ_ALGORITHM = 23,     /* signed by none of the algorithms that are read */
	AUTHZ_DUPLICATE = 24,     /* an attribute or extension is there twice */
	AUTHZ_ATTRIBUTE_FORM = 25, /* an attribute of ours is not of its form */
	AUTHZ_TOO_MANY = 26,      /* more than AUTHZ_GRANTS_MAX authorizations */
	AUTHZ_TEXT = 27,          /* empty, too long, not UTF-8, or with characters that hide others */

	/* what it says */
	AUTHZ_NO_CONTENT = 40,    /* neither authorizations nor a delegation */
	AUTHZ_TWO_KINDS = 41,     /* both */
	AUTHZ_OTHER_KIND = 42,    /* not the one that was asked for */
	AUTHZ_UNIT_LEVELS = 43,   /* unit name and code differ in levels, or one is empty */
	AUTHZ_NO_BEARER = 44,     /* no id number of the bearer */
	AUTHZ_ID_CHECKSUM = 45,   /* it says national id, and is none */
	AUTHZ_ID_FORM = 46,       /* another id number, with characters that these do not have */
	AUTHZ_SEQUENCE = 47,      /* building: not 1 to AUTHZ_SEQUENCE_MAX */
	AUTHZ_SERIAL_SIZE = 48,   /* building: the authorizer's serial number is too long for the rule */
	AUTHZ_TIMES = 49,         /* it ends before it begins, or at no time that can be written */

	/* whose it is */
	AUTHZ_WEAK_HASH = 60,     /* SHA-1, and the policy takes none */
	AUTHZ_WEAK_KEY = 61,      /* the authorizer's key is not RSA, or shorter than AUTHZ_KEY_BITS_MIN */
	AUTHZ_ISSUER = 62,        /* the issuer is not the authorizer's subject */
	AUTHZ_SERIAL = 63,        /* does not begin with the authorizer certificate's serial number */
	AUTHZ_AUTHORITY_KEY = 64, /* names another key than the authorizer's, or none */
	AUTHZ_SIGNATURE = 65,     /* not made by the authorizer's key over these bytes */
	AUTHZ_CRITICAL = 66,      /* a critical extension that is not known */
	AUTHZ_AUTHORIZER_USAGE = 67, /* the authorizer's certificate is not for signatures */
	AUTHZ_AUTHORIZER_CHAIN = 68, /* it does not lead to a trusted root; chain_error says why */
	AUTHZ_HOLDER = 69,        /* it was made for another certificate than the holder's */
	AUTHZ_HOLDER_CHAIN = 70,  /* as AUTHZ_AUTHORIZER_CHAIN */
	AUTHZ_WITHDRAWN = 71,     /* the caller says so */

	/* who may */
	AUTHZ_CARD_ATTRIBUTES = 80,  /* subjectDirectoryAttributes of a card cannot be read */
	AUTHZ_NO_ORGANIZATION = 81,  /* a card's certificate has no uniformOrganizationID */
	AUTHZ_OTHER_ORGANIZATION = 82,
	AUTHZ_HOLDER_RANK = 83,      /* the holder is no attached card */
	AUTHZ_AUTHORIZER_RANK = 84,  /* the authorizer is neither a primary nor an attached card */
	AUTHZ_SELF = 85,             /* a card authorizes itself */

	/* when */
	AUTHZ_NOT_YET_VALID = 90,
	AUTHZ_EXPIRED = 91,
	AUTHZ_OUTSIDE_HOLDER = 92,   /* its time is not inside the holder certificate's */

	/* delegation (分層授權): the authorizer is an attached card */
	AUTHZ_DELEGATION_BY_ATTACHED = 100, /* only a primary card delegates */
	AUTHZ_DELEGATION_MISSING = 101,
	AUTHZ_DELEGATION_BAD = 102,      /* none is good; the result's `delegation` says why */
	AUTHZ_DELEGATION_DISABLED = 103,
	AUTHZ_DELEGATION_NOT_YET_VALID = 104,
	AUTHZ_DELEGATION_EXPIRED = 105,

	/* building */
	AUTHZ_SIGNER = 120,       /* the caller's function made no signature */
	AUTHZ_SIGNER_WRONG = 121  /* it made one that is not the authorizer's */
};

/* One sentence, in English or 繁體中文. Never NULL, also for numbers that are no reason. */
AUTHZ_API const char *authz_reason_text(enum authz_reason reason);
AUTHZ_API const char *authz_reason_text_zh(enum authz_reason reason);
/* One word for programs and logs: "other-organization". */
AUTHZ_API const char *authz_reason_name(enum authz_reason reason);

/* ---- what a certificate says ---- */

#define AUTHZ_DER_MAX 8192       /* bytes of a certificate */
#define AUTHZ_GRANTS_MAX 5       /* the manual's limit */
#define AUTHZ_SEQUENCE_MAX 999999 /* six digits */
#define AUTHZ_KEY_BITS_MIN 2048
/* Bytes of texts, without the NUL; assumed. */
#define AUTHZ_APPLICATION_MAX 192
#define AUTHZ_UNIT_NAME_MAX 384
#define AUTHZ_UNIT_CODE_MAX 128
#define AUTHZ_ROLE_MAX 192
#define AUTHZ_ID_MAX 32
/* Between the levels of a unit's name and code: U+300B, 》. */
#define AUTHZ_UNIT_SEPARATOR "\xE3\x80\x8B"

enum authz_kind {
	AUTHZ_KIND_APPLICATIONS, /* 應用授權 */
	AUTHZ_KIND_DELEGATION,   /* 分層授權: the holder may authorize other attached cards */
	AUTHZ_KIND_NONE          /* reading only: an attribute certificate of others */
};

enum authz_id_kind { AUTHZ_ID_NATIONAL, AUTHZ_ID_OTHER };

/* One authorization. NULL: not said. In a delegation the application is NULL. */
struct authz_grant {
	const char *application; /* 應用系統服務名稱 */
	const char *unit_name;   /* 使用單位名稱: levels between AUTHZ_UNIT_SEPARATOR */
	const char *unit_code;   /* 使用單位代碼: if both are said, with as many levels */
	const char *role;        /* 使用者角色 */
};

/* The OIDs of the attributes, dotted. NULL instead of a struct: the defaults. */
struct authz_oids {
	const char *authorizations;
	const char *delegation;
	const char *bearer_id;
};
AUTHZ_API const struct authz_oids *authz_oids_default(void);

/* An attribute certificate that was read or made. */
struct authz_cert;

/* Lives as long as its certificate, which owns all of it. */
struct authz_info {
	enum authz_kind kind;
	const char *holder_issuer; /* "OU=…,O=…,C=TW"; NULL: the holder is named in another way */
	const char *holder_serial; /* decimal; NULL: as above */
	const char *issuer;        /* the authorizer's name */
	const char *serial;        /* decimal */
	uint32_t sequence;         /* its last six digits */
	time_t not_before, not_after; /* both belong to it */
	const char *algorithm;     /* "SHA256withRSA" */
	bool weak_hash;            /* it is SHA-1 */
	const unsigned char *signature; /* of signature_len bytes */
	size_t signature_len;
	const unsigned char *authority_key; /* the key identifier; NULL: none */
	size_t authority_key_len;
	size_t grant_count;        /* of a delegation: 0 */
	struct authz_grant grants[AUTHZ_GRANTS_MAX];
	bool delegation_disabled;
	struct authz_grant delegation_scope; /* unit and role that a delegation names */
	enum authz_id_kind bearer_id_kind;
	const char *bearer_id;     /* NULL: none */
	size_t other_attributes;   /* how many are not known here */
	size_t other_extensions;
};

/*
 * Reads one, in DER. What is good here has a form; whether it is true, only
 * authz_verify() says. *out is owned by the caller, NULL on failure.
 * Reasons: those of the call and of reading, AUTHZ_TWO_KINDS, AUTHZ_TIMES.
 */
AUTHZ_API enum authz_reason authz_cert_parse(const void *der, size_t len, const struct authz_oids *oids,
					     struct authz_cert **out) AUTHZ_CHECK_RESULT;
AUTHZ_API void authz_cert_free(struct authz_cert *cert); /* NULL: nothing */

AUTHZ_API const struct authz_info *authz_cert_info(const struct authz_cert *cert);
/* The bytes; owned by the certificate. */
AUTHZ_API const unsigned char *authz_cert_der(const struct authz_cert *cert, size_t *len);
/* The authorization for an application, by its whole name; NULL: none. */
AUTHZ_API const struct authz_grant *authz_cert_find(const struct authz_cert *cert, const char *application);

enum authz_language { AUTHZ_ENGLISH, AUTHZ_CHINESE };
/* All of it as lines of text. NULL: out of memory. Owned by the caller: free(). */
AUTHZ_API char *authz_cert_text(const struct authz_cert *cert, enum authz_language language);

/* DER, in OpenSSL's memory. */
struct authz_part {
	unsigned char *bytes;
	size_t len;
};

/* What programs that list attribute certificates sort them by. */
struct authz_parts {
	struct authz_part holder; /* Holder */
	struct authz_part issuer; /* AttCertIssuer, with the tag of its form */
	struct authz_part serial; /* INTEGER */
	struct authz_part types;  /* of the attributes: SEQUENCE OF OBJECT IDENTIFIER */
	time_t not_before, not_after;
};

/*
 * Fields of any attribute certificate (version 2), whoever made it and whatever
 * it says: less is asked of it than by authz_cert_parse(). Cleared by
 * authz_parts_clear(), whatever the reason. AUTHZ_TOO_LARGE, AUTHZ_FORM,
 * AUTHZ_NO_MEMORY, which says nothing of the bytes.
 */
AUTHZ_API enum authz_reason authz_parts_read(const void *der, size_t len,
					     struct authz_parts *out) AUTHZ_CHECK_RESULT;
AUTHZ_API void authz_parts_clear(struct authz_parts *parts);

/* True: ten characters, a letter, 1 or 2, and digits with the right last one. */
AUTHZ_API bool authz_id_is_national(const char *id);

/* ---- cards ---- */

enum authz_rank { AUTHZ_RANK_NONE, AUTHZ_RANK_PRIMARY /* 正卡 */, AUTHZ_RANK_ATTACHED /* 附卡 */ };

#define AUTHZ_ORGANIZATION_LEN 8 /* 統一編號 */
#define AUTHZ_CARD_NUMBER_MAX 32

/* What a card's X.509 certificate says of the card. */
struct authz_card {
	enum authz_rank rank;
	char organization[AUTHZ_ORGANIZATION_LEN + 1]; /* "": not said */
	char card_number[AUTHZ_CARD_NUMBER_MAX + 1];   /* "": not said */
};

/* AUTHZ_CARD_ATTRIBUTES: they cannot be read. Whether it is true, only a chain says. */
AUTHZ_API enum authz_reason authz_card_read(const X509 *x, struct authz_card *out) AUTHZ_CHECK_RESULT;

/* ---- building ---- */

struct authz_spec {
	X509 *holder;              /* the attached card's certificate */
	X509 *authorizer;          /* of the card that signs */
	uint32_t sequence;         /* 1 to AUTHZ_SEQUENCE_MAX; never twice for one authorizer */
	time_t not_before, not_after;
	enum authz_kind kind;
	size_t grant_count;        /* 0 to AUTHZ_GRANTS_MAX; 0: nothing is authorized any more */
	struct authz_grant grants[AUTHZ_GRANTS_MAX];
	bool delegation_disabled;  /* of a delegation, as the next field */
	struct authz_grant delegation_scope;
	enum authz_id_kind bearer_id_kind;
	const char *bearer_id;
	const struct authz_oids *oids; /* NULL: the defaults */
	/* What this one replaces: attributes and extensions of it that are not known here are
	   taken over as they are. NULL: nothing. */
	const struct authz_cert *previous;
};

/* What the card signs: PKCS #1 v1.5 with SHA-256. */
struct authz_to_sign {
	const unsigned char *tbs; /* the bytes, AttributeCertificateInfo */
	size_t tbs_len;
	unsigned char sha256[32]; /* of them */
	const struct authz_cert *cert; /* to be shown before it is signed; it has no signature yet */
};

/*
 * Makes the signature. *len: the room at `signature`, and then its length.
 * False: there is none (the reason is AUTHZ_SIGNER).
 */
typedef bool (*authz_sign_fn)(void *context, const struct authz_to_sign *what, unsigned char *signature,
			      size_t *len);

/*
 * Makes a certificate. All that authz_verify() asks of names, ranks, content
 * and times is asked here before anything is signed, and the signature is
 * checked; chains and an attached authorizer's delegation are not looked at.
 * *out is owned by the caller, NULL on failure.
 */
AUTHZ_API enum authz_reason authz_cert_build(const struct authz_spec *spec, authz_sign_fn sign, void *context,
					     struct authz_cert **out) AUTHZ_CHECK_RESULT;

/* ---- verification ---- */

enum authz_flags {
	AUTHZ_ALLOW_SHA1 = 1 << 0 /* old certificates: the result's weak_hash says so */
};

#define AUTHZ_DELEGATIONS_MAX 64

struct authz_der {
	const void *bytes;
	size_t len;
};

struct authz_request {
	struct authz_der cert;     /* the certificate to verify */
	enum authz_kind kind;      /* what it must be */
	X509 *holder;              /* the certificate that the bearer has proved to have the key of */
	X509 *authorizer;
	X509_STORE *store;         /* trusted roots, and what else chains need; its flags count */
	STACK_OF(X509) *untrusted; /* CA certificates between; NULL: none */
	time_t at;                 /* the time that counts; 0: now */
	unsigned flags;            /* enum authz_flags */
	const struct authz_oids *oids; /* NULL: the defaults */
	/* If the authorizer may be an attached card: who delegated to it, and by which. In any
	   order; those of other cards do no harm. */
	X509 *primary;
	const struct authz_der *delegations;
	size_t delegation_count;   /* at most AUTHZ_DELEGATIONS_MAX */
	/* Is asked last, for the certificate and its delegation. NULL: none is withdrawn. */
	bool (*withdrawn)(void *context, const struct authz_cert *cert);
	void *context;
};

struct authz_result {
	enum authz_reason reason;
	enum authz_reason delegation; /* AUTHZ_DELEGATION_BAD: why; else what was found of it */
	int chain_error;           /* X509_V_ERR_…, of the chain that was refused */
	bool weak_hash;            /* SHA-1 was taken, here or in the delegation */
	struct authz_cert *cert;   /* what was read; NULL: nothing. True only if the reason is AUTHZ_GOOD */
};

/*
 * One question, one answer: may it be relied on? Returns result->reason. The
 * first thing that is wrong counts, in the order of docs/AUTHORIZATION.md.
 * The result is cleared by authz_result_clear(), whatever the reason.
 */
AUTHZ_API enum authz_reason authz_verify(const struct authz_request *request,
					 struct authz_result *result) AUTHZ_CHECK_RESULT;
AUTHZ_API void authz_result_clear(struct authz_result *result);

#ifdef __cplusplus
}
#endif

#endif
