#include "config.h"

#include <stdio.h>

#include <json-c/json.h>

#include "tools/authority/error.h"

#define TEXT_MAX 512
#define SOON 5 /* seconds: a database that is restarted, a rate that has room again */

static const struct {
	const char *name;
	int status;
	unsigned retry_after;
	const char *english, *chinese;
} rows[ERROR_COUNT] = {
	[ERROR_NONE] = {"ok", 200, 0, "", ""},
	[ERROR_TOO_LARGE] = {"too-large", 413, 0, "the request is too large", "請求太大"},
	[ERROR_TOO_MANY] = {"too-many", 429, SOON, "too many requests; wait a little and try again",
			    "請求太多；請稍候再試"},
	[ERROR_BAD_REQUEST] = {"bad-request", 400, 0, "the request is not of its form", "請求的格式不正確"},
	[ERROR_BAD_SIGNATURE] = {"bad-signature", 401, 0, "the request's signature is not good",
				 "請求的簽章不正確"},
	[ERROR_SIGNER_NOT_TRUSTED] = {"signer-not-trusted", 401, 0,
				      "the authority does not trust the signer's certificate, or it has expired",
				      "授權中心不信任簽章者的憑證，或憑證已過期"},
	[ERROR_SIGNER_REVOKED] = {"signer-revoked", 401, 0, "the signer's certificate was revoked",
				  "簽章者的憑證已廢止"},
	[ERROR_REVOCATION_UNKNOWN] = {"revocation-unknown", 401, 0,
				      "the authority cannot tell whether the signer's certificate was revoked: it needs a newer list",
				      "授權中心無法判斷簽章者的憑證是否已廢止：需要較新的廢止清冊"},
	[ERROR_WRONG_AUTHORITY] = {"wrong-authority", 400, 0, "the request was made for another authority",
				   "這個請求是給另一個授權中心的"},
	[ERROR_WRONG_PROTOCOL] = {"wrong-protocol", 400, 0,
				  "the authority does not know this version of the protocol; update the program",
				  "授權中心不認得這個版本的通訊協定；請更新程式"},
	[ERROR_REQUEST_REUSED] = {"request-reused", 409, 0, "the request's number was used for another request",
				  "這個請求編號已用於另一個請求"},
	[ERROR_TIME] = {"time", 401, 0, "the request is too old, or a clock is wrong; check the computer's time",
			"請求已過時，或時鐘不正確；請檢查電腦的時間"},
	[ERROR_NONCE] = {"nonce", 401, 0, "the request's nonce has expired, was used, or is not this authority's; try again",
			 "請求的一次性號碼已過期、已使用或不是這個授權中心的；請再試一次"},
	[ERROR_WRONG_CARD] = {"wrong-card", 403, 0, "the card that signed may not do this", "簽章的卡片不能做這件事"},
	[ERROR_RULE] = {"rule", 422, 0, "this may not be authorized", "不能這樣授權"},
	[ERROR_NOT_IN_CATALOGUE] = {"not-in-catalogue", 422, 0, "the authority has no such application",
				    "授權中心沒有這個應用系統"},
	[ERROR_NOT_AS_RESERVED] = {"not-as-reserved", 422, 0,
				   "the certificate does not say what was reserved", "授權憑證的內容與預留的不同"},
	[ERROR_DELEGATION_MISSING] = {"delegation-missing", 422, 0,
				      "the card has no delegation by its primary card", "這張卡沒有正卡的分層授權"},
	[ERROR_DELEGATION_NOT_VALID] = {"delegation-not-valid", 422, 0,
					"the card's delegation was disabled, or has not begun",
					"這張卡的分層授權已停用，或尚未生效"},
	[ERROR_DELEGATION_EXPIRED] = {"delegation-expired", 422, 0, "the card's delegation has expired",
				      "這張卡的分層授權已過期"},
	[ERROR_UNKNOWN_SERIAL] = {"unknown-serial", 404, 0, "the authority knows no such certificate",
				  "授權中心沒有這張授權憑證"},
	[ERROR_UNKNOWN_RESERVATION] = {"unknown-reservation", 404, 0, "the authority knows no such reservation",
				       "授權中心沒有這個預留"},
	[ERROR_WRONG_STATE] = {"wrong-state", 409, 0, "the certificate is in another state", "這張授權憑證的狀態不允許"},
	[ERROR_ALREADY_ACTIVATED] = {"already-activated", 409, 0, "the card's data area was opened already",
				     "這張卡的資料區已經開啟過"},
	[ERROR_USER_CODE] = {"user-code", 403, 0, "the user code is not right", "用戶代碼不正確"},
	[ERROR_NO_ACTIVATION_KEY] = {"no-activation-key", 501, 0, "the authority cannot open data areas: it has no key for that",
				     "授權中心沒有開啟資料區的金鑰"},
	[ERROR_TERMS] = {"terms", 422, 0, "the terms of use were not accepted, or have changed",
			 "尚未同意使用條款，或條款已更新"},
	[ERROR_NOT_FOUND] = {"not-found", 404, 0, "there is nothing under this address; check the authority's address",
			     "這個網址沒有內容；請檢查授權中心的網址"},
	[ERROR_METHOD] = {"method", 405, 0, "this address is not asked in this way", "這個網址不能這樣使用"},
	[ERROR_DATABASE] = {"database", 503, SOON, "the authority's database does not answer; try again later",
			    "授權中心的資料庫沒有回應；請稍後再試"},
	[ERROR_INTERNAL] = {"internal", 500, 0, "the authority has failed; its operator finds more in its log",
			    "授權中心發生錯誤；管理者可在紀錄中查看"},
};

const char *error_name(enum error_code code)
{
	return rows[code].name;
}

int error_status(enum error_code code)
{
	return rows[code].status;
}

unsigned error_retry_after(enum error_code code)
{
	return rows[code].retry_after;
}

static struct json_object *text_json(const char *text, const char *more)
{
	char line[TEXT_MAX];

	snprintf(line, sizeof line, "%s%s%s", text, more ? ": " : "", more ? more : "");
	return json_object_new_string(line);
}

struct json_object *error_json(enum error_code code, enum authz_reason reason)
{
	bool has = reason != AUTHZ_UNDECIDED && reason != AUTHZ_GOOD;
	struct json_object *all = json_object_new_object(), *error = json_object_new_object(),
			   *text = json_object_new_object();

	json_object_object_add(text, "en", text_json(rows[code].english, has ? authz_reason_text(reason) : NULL));
	json_object_object_add(text, "zh_TW", text_json(rows[code].chinese, has ? authz_reason_text_zh(reason) : NULL));
	json_object_object_add(error, "code", json_object_new_string(rows[code].name));
	json_object_object_add(error, "reason", has ? json_object_new_string(authz_reason_name(reason)) : NULL);
	json_object_object_add(error, "text", text);
	json_object_object_add(all, "error", error);
	return all;
}
