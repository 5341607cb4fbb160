/*
 * What changes a card: writing a certificate, and card management. Refused
 * where it was never observed on a real card; the module decides that for a
 * new PIN, of all others no command is known.
 */
#include "config.h"

#include <string.h>

#include <openssl/crypto.h>

#include "apdu/secret.h"
#include "tools/agent/work_card.h"
#include "tools/agent/work_request.h"

enum {
	WRITE_FAILED = 0x77200102,
	WRITE_TWO_PINS = 0x77200103,
	MANAGE_NO_FUNC = 0x77301003,
	MANAGE_NO_MEMBER = 0x77301004, /* the first of a code for each; which is which is assumed */
	MANAGE_NO_SUCH_FUNC = 0x77301025,
	MANAGE_NO_CARD_ID = 0x77301027
};

/* ---- writecert ---- */

static bool has_text(struct work_job *job, const char *key, bool *has)
{
	const char *text;

	*has = work_text(job, key, &text) && text;
	return job->code == WORK_OK;
}

/* The request is looked at, so that its author learns of mistakes; the card is not touched. */
bool work_write_cert(struct work_job *job)
{
	unsigned char *value;
	size_t len;
	bool pin, so_pin;

	if (!has_text(job, "pin", &pin) || !has_text(job, "sopin", &so_pin))
		return false;
	pin = pin || (job->consent && job->consent->pin);
	if (pin && so_pin)
		return work_fail(job, WRITE_TWO_PINS, CKR_OK);
	if (!work_base64(job, "value", &value, &len))
		return false;
	work_bytes_free(value, len);
	return work_fail(job, value ? WRITE_FAILED : WORK_NO_CERT, value ? CKR_TOKEN_WRITE_PROTECTED : CKR_OK);
}

/* ---- card management ---- */

enum member {
	READER_NAME = 1 << 0, CA_NAME = 1 << 1, USER_CODE = 1 << 2, NEW_PIN = 1 << 3, CA_RESPONSE = 1 << 4,
};

static const struct {
	unsigned member;
	const char *key, *other; /* other: the same by another name; NULL: none */
} members[] = {
	{READER_NAME, "readername", "slotDescription"}, {CA_NAME, "caname", NULL}, {USER_CODE, "sid", NULL},
	{NEW_PIN, "newpin", NULL},                      {CA_RESPONSE, "cmsresponse", NULL},
};

static bool change_pin(struct work_job *job);

/* Those of the CA's services need commands of which none was seen. */
static const struct {
	const char *func;
	unsigned needs;
	bool (*run)(struct work_job *job);
} commands[] = {
	{"changeUserPINCode", NEW_PIN, change_pin},
	{"bulidResetUserPINRequest", READER_NAME | CA_NAME | USER_CODE, work_not_offered},
	{"resetUserPIN", READER_NAME | CA_NAME | NEW_PIN | CA_RESPONSE, work_not_offered},
	{"bulidUnblockCardRequest", READER_NAME | CA_NAME | USER_CODE, work_not_offered},
	{"unblockCard", READER_NAME | CA_NAME | CA_RESPONSE, work_not_offered},
	{"buildOpenCardGetUserPINRequest", READER_NAME | CA_NAME | USER_CODE, work_not_offered},
	{"buildOpenCardValidateUserRequest", READER_NAME | CA_NAME | USER_CODE, work_not_offered},
	{"openCard", READER_NAME | CA_NAME | CA_RESPONSE, work_not_offered},
};

static bool check_members(struct work_job *job, unsigned needs)
{
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		bool has, has_other = false;

		if (!(needs & members[i].member))
			continue;
		if (!has_text(job, members[i].key, &has) ||
		    (members[i].other && !has_text(job, members[i].other, &has_other)))
			return false;
		if (!has && !has_other)
			return work_fail(job, MANAGE_NO_MEMBER + (uint32_t)i, CKR_OK);
	}
	return true;
}

bool work_card_command(struct work_job *job)
{
	const char *func;

	if (!work_text(job, "func", &func))
		return false;
	if (!func)
		return work_fail(job, MANAGE_NO_FUNC, CKR_OK);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(func, commands[i].func) == 0)
			return check_members(job, commands[i].needs) && commands[i].run(job);
	return work_fail(job, MANAGE_NO_SUCH_FUNC, CKR_OK);
}

/* Takes the new PIN out of the request, where it would stay in memory. */
static bool take_new_pin(struct work_job *job, struct secret *out)
{
	const char *text;
	size_t len;

	if (!work_text(job, "newpin", &text))
		return false;
	len = strlen(text);
	if (secret_set(out, text, len) != RESULT_OK)
		return work_fail(job, WORK_FAILED, CKR_HOST_MEMORY);
	OPENSSL_cleanse((char *)text, len);
	return true;
}

/* A page that names the card, and another one is there. */
static bool check_card(struct work_job *job)
{
	const char *serial;

	return work_text(job, "cardid", &serial) &&
	       (!serial || strcmp(serial, job->card.serial) == 0 || work_fail(job, MANAGE_NO_CARD_ID, CKR_OK));
}

static bool set_pin(struct work_job *job, struct secret *new_pin)
{
	CK_RV rv;

	if (!take_new_pin(job, new_pin))
		return false;
	rv = job->w->f->C_SetPIN(job->card.session, (unsigned char *)job->consent->pin, job->consent->pin_len,
				 new_pin->data, new_pin->len);
	if (rv == CKR_FUNCTION_NOT_SUPPORTED)
		return work_fail(job, WORK_METHOD, rv);
	return work_card_pin_result(job, rv);
}

/* One command, and no login. The old PIN is the consent's. */
static bool change_pin(struct work_job *job)
{
	struct secret new_pin = SECRET_INIT;
	bool good;

	if (!work_card_open(job, WORK_NO_KEY, NULL) || !check_card(job))
		return false;
	if (job->preview)
		return true;
	good = work_card_check_pin(job) && set_pin(job, &new_pin);
	secret_clear(&new_pin);
	return good;
}
