#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "tools/agent/work_card.h"
#include "tools/agent/work_certificate.h"
#include "tools/agent/work_request.h"
#include "tools/twcard/cert_info.h"

#define SLOTS_MAX 4096
#define LOOKS 8            /* for a list that grows while it is read */
#define VALUE_MAX 0x20000  /* bytes of an attribute */
#define ONE_TRY_LEFT 0x80000001UL /* as the vendor's module says it: pages know that number */
#define TWO_TRIES_LEFT 0x80000002UL

/* ---- the module ---- */

void work_field(const unsigned char *field, size_t size, char *out)
{
	while (size && (field[size - 1] == ' ' || field[size - 1] == '\0'))
		size--;
	memcpy(out, field, size);
	out[size] = '\0';
}

static CK_RV list_slots(struct work *w, CK_SLOT_ID **ids, CK_ULONG *count)
{
	CK_RV rv = CKR_BUFFER_TOO_SMALL;

	*ids = NULL;
	for (int i = 0; rv == CKR_BUFFER_TOO_SMALL && i < LOOKS; i++) {
		free(*ids);
		*ids = NULL;
		rv = w->f->C_GetSlotList(CK_FALSE, NULL, count);
		if (rv != CKR_OK || *count == 0)
			return rv;
		*ids = *count <= SLOTS_MAX ? calloc(*count, sizeof **ids) : NULL;
		if (!*ids)
			return CKR_HOST_MEMORY;
		rv = w->f->C_GetSlotList(CK_FALSE, *ids, count);
	}
	if (rv == CKR_OK)
		return rv;
	free(*ids);
	*ids = NULL;
	return rv;
}

CK_RV work_slots(struct work *w, CK_SLOT_ID **ids, CK_ULONG *count)
{
	CK_RV rv = list_slots(w, ids, count);

	if (rv == CKR_OK && atomic_exchange(&w->slot_count, *count) != *count)
		w->generation++;
	return rv;
}

CK_RV work_find(struct work *w, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
		CK_OBJECT_HANDLE out[WORK_OBJECTS_MAX], CK_ULONG *found)
{
	CK_RV rv = w->f->C_FindObjectsInit(session, template, count);

	*found = 0;
	if (rv != CKR_OK)
		return rv;
	rv = w->f->C_FindObjects(session, out, WORK_OBJECTS_MAX, found);
	(void)w->f->C_FindObjectsFinal(session);
	if (rv != CKR_OK)
		*found = 0;
	return rv;
}

CK_RV work_value(struct work *w, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
		 CK_ATTRIBUTE_TYPE type, unsigned char **out, size_t *len)
{
	CK_ATTRIBUTE a = {type, NULL, 0};
	CK_RV rv = w->f->C_GetAttributeValue(session, object, &a, 1);

	*out = NULL;
	*len = 0;
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID || (rv == CKR_OK && !a.ulValueLen))
		return CKR_OK;
	if (rv != CKR_OK || a.ulValueLen > VALUE_MAX)
		return rv == CKR_OK ? CKR_FUNCTION_FAILED : rv;
	*out = calloc(1, a.ulValueLen + 1);
	if (!*out)
		return CKR_HOST_MEMORY;
	a.pValue = *out;
	rv = w->f->C_GetAttributeValue(session, object, &a, 1);
	if (rv == CKR_OK) {
		*len = a.ulValueLen;
		return rv;
	}
	free(*out);
	*out = NULL;
	return rv;
}

/* ---- which token ---- */

static bool is_absence(CK_RV rv)
{
	return rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_TOKEN_NOT_RECOGNIZED || rv == CKR_DEVICE_REMOVED ||
	       rv == CKR_SLOT_ID_INVALID;
}

struct wanted {
	const char *reader; /* NULL: any */
	const char *serial; /* NULL: any */
};

/* CKR_OK: it is the one. CKR_TOKEN_NOT_PRESENT: not this one, but another may be. */
static CK_RV look_at(struct work_job *job, CK_SLOT_ID slot, const struct wanted *wanted, bool *reader_seen)
{
	struct work_card *card = &job->card;
	CK_SLOT_INFO info;
	CK_RV rv = job->w->f->C_GetSlotInfo(slot, &info);

	if (rv != CKR_OK)
		return rv;
	work_field(info.slotDescription, sizeof info.slotDescription, card->reader);
	if (wanted->reader && strcmp(wanted->reader, card->reader) != 0)
		return CKR_TOKEN_NOT_PRESENT;
	*reader_seen = true;
	if (!(info.flags & CKF_TOKEN_PRESENT))
		return CKR_TOKEN_NOT_PRESENT;
	rv = job->w->f->C_GetTokenInfo(slot, &card->token);
	if (rv != CKR_OK)
		return rv;
	if (!(card->token.flags & CKF_TOKEN_INITIALIZED)) /* SoftHSM has such a one for the next token */
		return CKR_TOKEN_NOT_RECOGNIZED;
	work_field(card->token.serialNumber, sizeof card->token.serialNumber, card->serial);
	card->slot = slot;
	return wanted->serial && strcmp(wanted->serial, card->serial) != 0 ? CKR_TOKEN_NOT_PRESENT : CKR_OK;
}

/* The first that is wanted; card management has another name for the reader. With a serial another card in the reader is as good as none. */
static bool choose(struct work_job *job, bool to_manage)
{
	struct wanted wanted = {.serial = job->consent ? job->consent->serial : NULL};
	CK_SLOT_ID *ids;
	CK_ULONG count = 0;
	bool reader_seen = false;
	CK_RV rv, problem = CKR_OK;

	if (!work_text(job, "slotDescription", &wanted.reader) ||
	    (to_manage && !wanted.reader && !work_text(job, "readername", &wanted.reader)))
		return false;
	rv = work_slots(job->w, &ids, &count);
	if (rv != CKR_OK)
		return work_fail(job, WORK_READER_INFO, rv);
	rv = CKR_TOKEN_NOT_PRESENT;
	for (CK_ULONG i = 0; i < count && rv != CKR_OK; i++) {
		rv = look_at(job, ids[i], &wanted, &reader_seen);
		if (rv != CKR_OK && rv != CKR_TOKEN_NOT_PRESENT && !problem)
			problem = rv;
	}
	free(ids);
	if (count && rv == CKR_OK)
		return true;
	job->card.reader[0] = job->card.serial[0] = '\0';
	return work_fail(job, reader_seen ? WORK_NO_CARD : WORK_NO_READER, problem);
}

/* ---- which certificate ---- */

/* An id that the request names is taken at its word; otherwise the use decides. */
static bool fits(X509 *x509, enum work_use use, bool named)
{
	const EVP_PKEY *key = X509_get0_pubkey(x509); /* NULL: of a kind that OpenSSL does not know */
	struct cert_info info;
	unsigned usage;

	if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || !cert_info_read(x509, time(NULL), &info))
		return false;
	usage = info.usage;
	cert_info_clear(&info);
	if (usage & CERT_IS_CA)
		return false;
	return named || usage & (use == WORK_TO_SIGN ? CERT_SIGNS : CERT_ENCRYPTS);
}

/* Keeps it, if it is the one. */
static CK_RV take(struct work_job *job, CK_OBJECT_HANDLE object, enum work_use use, bool named)
{
	struct work_card *card = &job->card;
	struct work *w = job->w;
	unsigned char *der = NULL, *label = NULL, *id = NULL;
	const unsigned char *at;
	size_t der_len, label_len, id_len;
	X509 *x509 = NULL;
	CK_RV rv = work_value(w, card->session, object, CKA_VALUE, &der, &der_len);

	at = der;
	if (rv == CKR_OK && der)
		x509 = d2i_X509(NULL, &at, (long)der_len);
	ERR_clear_error();
	if (x509 && fits(x509, use, named)) {
		rv = work_value(w, card->session, object, CKA_LABEL, &label, &label_len);
		if (rv == CKR_OK)
			rv = work_value(w, card->session, object, CKA_ID, &id, &id_len);
		if (rv == CKR_OK && id) {
			card->x509 = x509;
			card->id = id;
			card->id_len = id_len;
			card->shown = work_certificate_json(x509, (char *)label, id, id_len);
			x509 = NULL;
			id = NULL;
		}
	}
	X509_free(x509);
	free(der);
	free(label);
	free(id);
	return rv;
}

static bool find_certificate(struct work_job *job, enum work_use use, const char *id_key)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_ATTRIBUTE template[3] = {{CKA_CLASS, &class, sizeof class}, {CKA_CERTIFICATE_TYPE, &type, sizeof type}};
	CK_OBJECT_HANDLE found[WORK_OBJECTS_MAX];
	unsigned char *id;
	size_t id_len;
	CK_ULONG count;
	CK_RV rv, problem = CKR_OK;

	if (!work_base64(job, id_key, &id, &id_len))
		return false;
	template[2] = (CK_ATTRIBUTE){CKA_ID, id, id_len};
	rv = work_find(job->w, job->card.session, template, id ? 3 : 2, found, &count);
	for (CK_ULONG i = 0; rv == CKR_OK && i < count && !job->card.x509; i++) {
		problem = take(job, found[i], use, id != NULL);
		if (is_absence(problem))
			rv = problem;
	}
	free(id);
	if (job->card.x509)
		return true;
	if (is_absence(rv))
		return work_fail(job, WORK_NO_CARD, rv);
	if (rv != CKR_OK || problem != CKR_OK)
		return work_fail(job, WORK_CERT_READ, rv != CKR_OK ? rv : problem);
	return work_fail(job, WORK_CERT_NOT_FOUND, CKR_OK);
}

bool work_card_open(struct work_job *job, enum work_use use, const char *id_key)
{
	struct work_card *card = &job->card;
	CK_RV rv;

	if (!choose(job, use == WORK_NO_KEY))
		return false;
	rv = job->w->f->C_OpenSession(card->slot, CKF_SERIAL_SESSION | (use == WORK_NO_KEY ? CKF_RW_SESSION : 0),
				      NULL, NULL, &card->session);
	if (rv != CKR_OK)
		return work_fail(job, is_absence(rv) ? WORK_NO_CARD : WORK_SESSION, rv);
	card->in_session = true;
	return use == WORK_NO_KEY || find_certificate(job, use, id_key);
}

bool work_card_check_dates(struct work_job *job)
{
	const X509 *x509 = job->card.x509;
	bool check;

	if (!work_flag(job, "checkValidity", true, &check))
		return false;
	if (!check)
		return true;
	if (X509_cmp_current_time(X509_get0_notBefore(x509)) >= 0)
		return work_fail(job, WORK_NOT_YET_VALID, CKR_OK);
	return X509_cmp_current_time(X509_get0_notAfter(x509)) > 0 || work_fail(job, WORK_EXPIRED, CKR_OK);
}

/* ---- the login ---- */

bool work_card_check_pin(struct work_job *job)
{
	const struct work_consent *consent = job->consent;
	const CK_TOKEN_INFO *token = &job->card.token;

	if (!consent || !consent->pin || !consent->pin_len)
		return work_fail(job, WORK_NO_PIN, CKR_OK);
	if (token->flags & CKF_USER_PIN_LOCKED) {
		job->pin = WORK_PIN_LOCKED;
		return work_fail(job, WORK_LOGIN, CKR_PIN_LOCKED);
	}
	if (consent->pin_len < token->ulMinPinLen ||
	    (token->ulMaxPinLen && consent->pin_len > token->ulMaxPinLen))
		return work_fail(job, WORK_LOGIN, CKR_PIN_LEN_RANGE);
	for (size_t i = 0; i < consent->pin_len; i++)
		if (consent->pin[i] < ' ' || consent->pin[i] == 0x7F)
			return work_fail(job, WORK_LOGIN, CKR_PIN_INVALID);
	return true;
}

/* With these no VERIFY was sent for certain. After all others a try may be gone. */
static bool is_before_verify(CK_RV rv)
{
	static const CK_RV before[] = {
		CKR_ARGUMENTS_BAD, CKR_HOST_MEMORY, CKR_PIN_LEN_RANGE, CKR_PIN_INVALID, CKR_KEY_NEEDED,
		CKR_FUNCTION_NOT_SUPPORTED, CKR_SESSION_HANDLE_INVALID, CKR_SESSION_READ_ONLY,
		CKR_TOKEN_NOT_PRESENT, CKR_USER_ALREADY_LOGGED_IN, CKR_TOKEN_WRITE_PROTECTED,
	};

	for (size_t i = 0; i < sizeof before / sizeof *before; i++)
		if (before[i] == rv)
			return true;
	return false;
}

bool work_card_pin_result(struct work_job *job, CK_RV rv)
{
	CK_TOKEN_INFO token = {.flags = 0};
	bool wrong = rv == CKR_PIN_INCORRECT || rv == ONE_TRY_LEFT || rv == TWO_TRIES_LEFT;

	if (rv == CKR_OK) {
		job->pin = WORK_PIN_RIGHT;
		return true;
	}
	if (wrong && job->w->f->C_GetTokenInfo(job->card.slot, &token) == CKR_OK) {
		if (token.flags & CKF_USER_PIN_LOCKED)
			rv = CKR_PIN_LOCKED;
		else if (token.flags & CKF_USER_PIN_FINAL_TRY)
			rv = ONE_TRY_LEFT;
	}
	if (!is_before_verify(rv))
		job->pin = rv == CKR_PIN_LOCKED ? WORK_PIN_LOCKED : WORK_PIN_WRONG;
	return work_fail(job, is_absence(rv) ? WORK_NO_CARD : WORK_LOGIN, rv);
}

/*
 * Somebody else's login in this process cannot be: there is one turn. If it is
 * there nevertheless a logout has failed, and it is not used but ended.
 */
bool work_card_login(struct work_job *job)
{
	struct work_card *card = &job->card;
	CK_FUNCTION_LIST *f = job->w->f;
	CK_RV rv;

	if (!(card->token.flags & CKF_LOGIN_REQUIRED) && (!job->consent || !job->consent->pin))
		return true;
	if (!work_card_check_pin(job))
		return false;
	rv = f->C_Login(card->session, CKU_USER, (unsigned char *)job->consent->pin, job->consent->pin_len);
	card->logged_in = rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN;
	return work_card_pin_result(job, rv);
}

bool work_card_key(struct work_job *job, CK_OBJECT_HANDLE *out)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, job->card.id, job->card.id_len}};
	CK_OBJECT_HANDLE found[WORK_OBJECTS_MAX];
	CK_ULONG count;
	CK_RV rv = work_find(job->w, job->card.session, template, 2, found, &count);

	if (is_absence(rv))
		return work_fail(job, WORK_NO_CARD, rv);
	if (rv != CKR_OK || !count)
		return work_fail(job, WORK_KEY_NOT_FOUND, rv);
	*out = found[0];
	return true;
}

void work_card_close(struct work_job *job)
{
	struct work_card *card = &job->card;
	CK_FUNCTION_LIST *f = job->w->f;

	if (card->logged_in && f->C_Logout(card->session) != CKR_OK)
		(void)f->C_CloseAllSessions(card->slot); /* which ends a login, too */
	else if (card->in_session)
		(void)f->C_CloseSession(card->session);
	card->logged_in = card->in_session = false;
	X509_free(card->x509);
	card->x509 = NULL;
	json_object_put(card->shown);
	card->shown = NULL;
	free(card->id);
	card->id = NULL;
}
