/* pkcs11info: the module, its readers, and what is on their cards. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "src/crypto/rsa.h"
#include "tools/agent/work_card.h"
#include "tools/agent/work_certificate.h"
#include "tools/agent/work_request.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"

#define FIELD_MAX 65 /* the longest of Cryptoki's texts, and a NUL */

static struct json_object *field_json(const unsigned char *field, size_t size)
{
	char text[FIELD_MAX];

	work_field(field, size, text);
	return message_json_text(text);
}

static void add_library(struct work_job *job)
{
	CK_INFO info = {.flags = 0};
	char version[16];

	if (job->w->f->C_GetInfo(&info) != CKR_OK)
		return;
	snprintf(version, sizeof version, "%u.%u", info.cryptokiVersion.major, info.cryptokiVersion.minor);
	work_add(job, "cryptokiVersion", json_object_new_string(version));
	work_add(job, "libraryDescription", field_json(info.libraryDescription, sizeof info.libraryDescription));
	snprintf(version, sizeof version, "%u.%u", info.libraryVersion.major, info.libraryVersion.minor);
	work_add(job, "libraryVersion", json_object_new_string(version));
}

/* ---- what is on a card ---- */

/* NULL: it cannot be read, or is none. */
typedef struct json_object *object_json(struct work *w, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
					const char *label, const unsigned char *id, size_t id_len);

static struct json_object *certificate_json(struct work *w, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
					    const char *label, const unsigned char *id, size_t id_len)
{
	struct json_object *value = NULL;
	unsigned char *der;
	const unsigned char *at;
	size_t len;
	X509 *x509 = NULL;

	if (work_value(w, session, object, CKA_VALUE, &der, &len) == CKR_OK && der) {
		at = der;
		x509 = d2i_X509(NULL, &at, (long)len);
	}
	if (x509)
		value = work_certificate_json(x509, label, id, id_len);
	ERR_clear_error();
	X509_free(x509);
	free(der);
	return value;
}

/* keyb64 is its SubjectPublicKeyInfo (assumed: what it is was seen nowhere). */
static struct json_object *key_json(struct work *w, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
				    const char *label, const unsigned char *id, size_t id_len)
{
	struct json_object *value = NULL;
	unsigned char *n = NULL, *e = NULL, *der = NULL;
	size_t n_len, e_len;
	EVP_PKEY *key = NULL;
	int len = -1;

	if (work_value(w, session, object, CKA_MODULUS, &n, &n_len) == CKR_OK && n &&
	    work_value(w, session, object, CKA_PUBLIC_EXPONENT, &e, &e_len) == CKR_OK && e)
		key = rsa_public_key(NULL, n, n_len, e, e_len);
	if (key)
		len = i2d_PUBKEY(key, &der);
	if (len > 0 && (value = json_object_new_object())) {
		json_object_object_add(value, "id", id_len ? json_bytes_new(id, id_len) : json_object_new_string(""));
		json_object_object_add(value, "label", message_json_text(label ? label : ""));
		json_object_object_add(value, "type", json_object_new_string("RSA"));
		json_object_object_add(value, "keyb64", json_bytes_new(der, (size_t)len));
	}
	ERR_clear_error();
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	free(n);
	free(e);
	return value;
}

/* One that cannot be read hides no other. */
static struct json_object *list_json(struct work *w, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
				     object_json *json)
{
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_CERTIFICATE_TYPE, &type, sizeof type}};
	struct json_object *list = json_object_new_array();
	CK_OBJECT_HANDLE found[WORK_OBJECTS_MAX];
	CK_ULONG count;

	(void)work_find(w, session, template, class == CKO_CERTIFICATE ? 2 : 1, found, &count);
	for (CK_ULONG i = 0; list && i < count; i++) {
		unsigned char *label = NULL, *id = NULL;
		size_t label_len, id_len = 0;
		struct json_object *one;

		(void)work_value(w, session, found[i], CKA_LABEL, &label, &label_len);
		(void)work_value(w, session, found[i], CKA_ID, &id, &id_len);
		one = json(w, session, found[i], (char *)label, id, id_len);
		if (one)
			json_object_array_add(list, one);
		free(label);
		free(id);
	}
	return list;
}

static void add_objects(struct work *w, CK_SLOT_ID slot, struct json_object *token)
{
	CK_SESSION_HANDLE session;

	if (w->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
		return;
	json_object_object_add(token, "certs", list_json(w, session, CKO_CERTIFICATE, certificate_json));
	json_object_object_add(token, "keys", list_json(w, session, CKO_PUBLIC_KEY, key_json));
	(void)w->f->C_CloseSession(session);
}

/* ---- readers ---- */

/* NULL: there is no card. */
static struct json_object *token_json(struct work *w, CK_SLOT_ID slot, bool with_certs)
{
	CK_TOKEN_INFO info;
	struct json_object *token;
	CK_RV rv = w->f->C_GetTokenInfo(slot, &info);

	if (rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_DEVICE_REMOVED)
		return NULL;
	if (rv != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED))
		return json_object_new_string("unknown token");
	token = json_object_new_object();
	json_object_object_add(token, "label", field_json(info.label, sizeof info.label));
	json_object_object_add(token, "manufacturerID", field_json(info.manufacturerID, sizeof info.manufacturerID));
	json_object_object_add(token, "model", field_json(info.model, sizeof info.model));
	json_object_object_add(token, "serialNumber", field_json(info.serialNumber, sizeof info.serialNumber));
	if (with_certs)
		add_objects(w, slot, token);
	return token;
}

/* NULL: the reader is gone. */
static struct json_object *slot_json(struct work *w, CK_SLOT_ID id, bool with_certs)
{
	CK_SLOT_INFO info;
	struct json_object *slot, *token;

	if (w->f->C_GetSlotInfo(id, &info) != CKR_OK)
		return NULL;
	slot = json_object_new_object();
	json_object_object_add(slot, "slotDescription", field_json(info.slotDescription, sizeof info.slotDescription));
	json_object_object_add(slot, "slotID", json_object_new_int64((int64_t)id));
	json_object_object_add(slot, "manufacturerID", field_json(info.manufacturerID, sizeof info.manufacturerID));
	token = info.flags & CKF_TOKEN_PRESENT ? token_json(w, id, with_certs) : NULL;
	if (token)
		json_object_object_add(slot, "token", token);
	return slot;
}

static bool is_called(struct json_object *slot, const char *reader)
{
	return !reader || strcmp(json_object_get_string(json_object_object_get(slot, "slotDescription")), reader) == 0;
}

static bool tell(struct work_job *job, bool with_certs)
{
	struct json_object *slots, *slot;
	const char *reader;
	CK_SLOT_ID *ids;
	CK_ULONG count;
	CK_RV rv;

	if (!work_text(job, "slotDescription", &reader) || !work_flag(job, "withCert", with_certs, &with_certs))
		return false;
	slots = json_object_new_array();
	rv = work_slots(job->w, &ids, &count);
	for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
		slot = slot_json(job->w, ids[i], with_certs);
		if (slot && is_called(slot, reader))
			json_object_array_add(slots, slot);
		else
			json_object_put(slot);
	}
	free(ids);
	add_library(job);
	work_add(job, "slots", slots);
	return rv == CKR_OK || work_fail(job, WORK_READER_INFO, rv);
}

bool work_info(struct work_job *job)
{
	return tell(job, false);
}

bool work_info_certs(struct work_job *job)
{
	return tell(job, true);
}
