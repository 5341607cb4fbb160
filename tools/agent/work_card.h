/*
 * Slots, tokens and objects of the module, and one login. Where CK_RV is
 * answered nothing has been told; where bool is, work_fail() was called.
 */
#ifndef TWCARD_AGENT_WORK_CARD_H
#define TWCARD_AGENT_WORK_CARD_H

#include "tools/agent/work_internal.h"

#define WORK_OBJECTS_MAX 64 /* of one search */

/* A field that is padded with blanks, without them. `out` has size + 1 bytes. */
void work_field(const unsigned char *field, size_t size, char *out);

/* All slots; readers are looked for. *ids is owned by the caller (free()). */
CK_RV work_slots(struct work *w, CK_SLOT_ID **ids, CK_ULONG *count);

CK_RV work_find(struct work *w, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
		CK_OBJECT_HANDLE out[WORK_OBJECTS_MAX], CK_ULONG *found);

/* *out is NULL if the value is empty or not there; owned by the caller (free()), ends with a NUL more. */
CK_RV work_value(struct work *w, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
		 CK_ATTRIBUTE_TYPE type, unsigned char **out, size_t *len);

enum work_use { WORK_TO_SIGN, WORK_TO_DECRYPT, WORK_NO_KEY };

/*
 * A session with the token that the request and the consent mean, and its
 * certificate for the use (WORK_NO_KEY: none is looked for). id_key: the
 * request's member that names it, Base64 of its CKA_ID. Sends no PIN.
 */
bool work_card_open(struct work_job *job, enum work_use use, const char *id_key);

/* Is it in its time? Not asked if the request says checkValidity "false". */
bool work_card_check_dates(struct work_job *job);

/* The consent's PIN has a length and bytes that the token can take; NULL: WORK_NO_PIN. Sends nothing. */
bool work_card_check_pin(struct work_job *job);

/* Notes in job->pin, and with its code, what a PIN came to. */
bool work_card_pin_result(struct work_job *job, CK_RV rv);

/* One C_Login with the consent's PIN, never a second. */
bool work_card_login(struct work_job *job);

/* The certificate's private key. */
bool work_card_key(struct work_job *job, CK_OBJECT_HANDLE *out);

/* Logs out whatever happened, and ends the session. Works also on one that was never opened. */
void work_card_close(struct work_job *job);

#endif
