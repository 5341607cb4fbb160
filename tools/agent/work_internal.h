/*
 * Inside of work*.c: the module, and a request on its way to an answer. A
 * function of the protocol is a step that adds its members to the answer, or
 * fails with a code; what all have in common is in work.c.
 */
#ifndef TWCARD_AGENT_WORK_INTERNAL_H
#define TWCARD_AGENT_WORK_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include <json-c/json.h>
#include <openssl/types.h>

#include "src/cryptoki.h"
#include "tools/agent/work.h"

/* ret_codes that only cards bring about; names as in the table of docs/AGENT.md. */
enum {
	WORK_NO_CERT = 0x76000002,
	WORK_NO_CIPHER = 0x76000004,
	WORK_NO_MODULE = 0x76100001,
	WORK_NO_READER = 0x76100003,
	WORK_READER_INFO = 0x76100004,
	WORK_SESSION = 0x76100005,
	WORK_CERT_READ = 0x76100009,
	WORK_CERT_NOT_FOUND = 0x7610000C,
	WORK_KEY_NOT_FOUND = 0x7610000D,
	WORK_SIGN_TYPE = 0x76300002,
	WORK_SIGN_CONTENT = 0x76300003,
	WORK_SIGN_CARD = 0x76300004,
	WORK_SIGN_ENCODE = 0x76300006,
	WORK_SIGN_VERIFY = 0x76300008,
	WORK_DECRYPT_DER = 0x76400001,
	WORK_DECRYPT_TYPE = 0x76400002,
	WORK_DECRYPT_FAILED = 0x76400003,
	WORK_NOT_YET_VALID = 0x76500001,
	WORK_EXPIRED = 0x76500002,
	WORK_BASE64 = 0x76600002
};

struct work {
	CK_FUNCTION_LIST *f;
	void *library;        /* of dlopen(); NULL: not ours to close */
	bool finalize;        /* C_Initialize was done here */
	pthread_mutex_t turn; /* a login is the process's: one at a time */
	pthread_t watcher;
	bool has_watcher;
	_Atomic bool watching; /* it sees what happens; otherwise work_generation() looks */
	_Atomic unsigned long generation;
	_Atomic unsigned long slot_count; /* a reader that a list has shown is no event any more */
	pthread_mutex_t look;
	uint64_t seen;        /* what the last look saw; under `look` */
};

/*
 * A module that is loaded, initialized or not. library: closed at the end
 * (NULL: not). NULL: problem says why, and the library is closed.
 */
struct work *work_start(CK_FUNCTION_LIST *f, void *library, char *problem, size_t size);

/* The token that a request is about, and its certificate. Cleared by work_card_close(). */
struct work_card {
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	bool in_session, logged_in;
	CK_TOKEN_INFO token;
	char reader[65], serial[33];
	X509 *x509;                  /* the certificate that is used */
	struct json_object *shown;   /* the same as one of certs[] */
	unsigned char *id;           /* CKA_ID of it */
	size_t id_len;
};

struct work_job {
	struct work *w;
	struct json_object *request; /* any value, also NULL */
	const struct work_consent *consent; /* NULL in a preview */
	struct work_preview *preview;/* NULL: it is to be done */
	struct json_object *answer;
	const char *func;            /* of the answer */
	uint32_t code;
	uint64_t last_error;
	enum work_pin_end pin;
	struct work_card card;
};

/* Sets the first code that goes wrong. Answers false, for its caller to answer the same. */
bool work_fail(struct work_job *job, uint32_t code, CK_RV last_error);

/* Adds a member to the answer; a value that is NULL becomes null. */
void work_add(struct work_job *job, const char *key, struct json_object *value);

/* The functions, by work_function. False: work_fail() was called. */
bool work_info(struct work_job *job);
bool work_info_certs(struct work_job *job);
bool work_sign(struct work_job *job);
bool work_umakesig(struct work_job *job);
bool work_decrypt(struct work_job *job);
bool work_make_csr(struct work_job *job);
bool work_write_cert(struct work_job *job);
bool work_card_command(struct work_job *job);
bool work_sign_file(struct work_job *job);
bool work_authz(struct work_job *job);
bool work_not_offered(struct work_job *job);

#endif
