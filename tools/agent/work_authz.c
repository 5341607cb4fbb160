/* The authorization certificates on an attached card, which are behind its PIN. */
#include "config.h"

#include <stdlib.h>

#include "tools/agent/work_card.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"

static bool read_all(struct work_job *job, struct json_object *list)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509_ATTR_CERT;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_CERTIFICATE_TYPE, &type, sizeof type}};
	CK_OBJECT_HANDLE found[WORK_OBJECTS_MAX];
	CK_ULONG count;
	CK_RV rv = work_find(job->w, job->card.session, template, 2, found, &count);

	for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
		unsigned char *der = NULL;
		size_t len = 0;

		rv = work_value(job->w, job->card.session, found[i], CKA_VALUE, &der, &len);
		if (rv == CKR_OK && der)
			json_object_array_add(list, json_bytes_new(der, len));
		free(der);
	}
	return rv == CKR_OK || work_fail(job, WORK_CERT_READ, rv);
}

/* {"certificates": [base64], "holder": base64 of the holder's, "cardSN"} */
bool work_authz(struct work_job *job)
{
	struct json_object *list;

	if (!work_card_open(job, WORK_TO_SIGN, "keyidb64"))
		return false;
	if (job->preview)
		return true;
	list = json_object_new_array();
	work_add(job, "certificates", list);
	work_add(job, "holder", json_bytes_from_x509(job->card.x509));
	work_add(job, "cardSN", message_json_text(job->card.serial));
	return work_card_login(job) && read_all(job, list);
}
