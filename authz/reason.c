#include "config.h"

#include <stddef.h>

#include "authz/twcard-authz.h"

static const struct {
	enum authz_reason reason;
	const char *name;
	const char *text;
	const char *text_zh;
} rows[] = {
	{AUTHZ_UNDECIDED, "undecided", "nothing was checked", "尚未檢查"},
	{AUTHZ_GOOD, "good", "the certificate is good", "授權證有效"},

	{AUTHZ_BAD_ARGUMENT, "bad-argument", "the library was called with something that cannot be",
	 "呼叫函式庫的參數不正確"},
	{AUTHZ_NO_MEMORY, "no-memory", "out of memory", "記憶體不足"},

	{AUTHZ_TOO_LARGE, "too-large", "the certificate is larger than one can be", "授權證過大"},
	{AUTHZ_NOT_DER, "not-der", "the bytes are not DER", "資料不是 DER 編碼"},
	{AUTHZ_FORM, "form", "this is no attribute certificate as RFC 5755 describes them",
	 "不是 RFC 5755 的屬性憑證"},
	{AUTHZ_ALGORITHM, "algorithm", "it is signed with an algorithm that is not read here",
	 "簽章演算法不支援"},
	{AUTHZ_DUPLICATE, "duplicate", "an attribute or an extension is there twice", "屬性或延伸欄位重複"},
	{AUTHZ_ATTRIBUTE_FORM, "attribute-form", "an authorization attribute is not of its form",
	 "授權屬性的格式不正確"},
	{AUTHZ_TOO_MANY, "too-many", "there are more than five authorizations", "授權內容超過五個"},
	{AUTHZ_TEXT, "text", "a text is empty, too long, or has characters that it must not have",
	 "文字欄位空白、過長或含有不允許的字元"},

	{AUTHZ_NO_CONTENT, "no-content", "it holds neither authorizations nor a delegation",
	 "未含應用授權或分層授權"},
	{AUTHZ_TWO_KINDS, "two-kinds", "it holds authorizations and a delegation", "同時含有應用授權與分層授權"},
	{AUTHZ_OTHER_KIND, "other-kind", "it is not of the kind that was asked for", "授權證類別不符"},
	{AUTHZ_UNIT_LEVELS, "unit-levels", "the levels of a unit's name and code do not fit each other",
	 "使用單位名稱與代碼的層級不符"},
	{AUTHZ_NO_BEARER, "no-bearer", "the id number of the card's bearer is missing", "缺少持卡者證號"},
	{AUTHZ_ID_CHECKSUM, "id-checksum", "the national id number is wrong", "國民身分證統一編號不正確"},
	{AUTHZ_ID_FORM, "id-form", "the id number has characters that these do not have", "其他證號含有不允許的字元"},
	{AUTHZ_SEQUENCE, "sequence", "the sequence number is not 1 to 999999", "授權證流水號不在 1 至 999999 之間"},
	{AUTHZ_SERIAL_SIZE, "serial-size",
	 "the authorizer certificate's serial number is too long to make others from it",
	 "授權者憑證序號過長，無法編成授權證序號"},
	{AUTHZ_TIMES, "times", "the times are none, or the end is before the beginning", "有效期間不正確"},

	{AUTHZ_WEAK_HASH, "weak-hash", "it is signed with SHA-1, which is not accepted", "以 SHA-1 簽章，不予接受"},
	{AUTHZ_WEAK_KEY, "weak-key", "the authorizer's key is not RSA or too short", "授權者的金鑰不是 RSA 或長度不足"},
	{AUTHZ_ISSUER, "issuer", "it names another authorizer", "授權者識別名稱不符"},
	{AUTHZ_SERIAL, "serial", "its serial number does not come from the authorizer's certificate",
	 "授權憑證序號不屬於授權者憑證"},
	{AUTHZ_AUTHORITY_KEY, "authority-key", "it does not name the authorizer's key", "授權單位金鑰識別元不符"},
	{AUTHZ_SIGNATURE, "signature", "the signature is not the authorizer's over this content",
	 "數位簽章驗證失敗"},
	{AUTHZ_CRITICAL, "critical", "it has a critical extension that is not known", "含有無法辨識的關鍵延伸欄位"},
	{AUTHZ_AUTHORIZER_USAGE, "authorizer-usage", "the authorizer's certificate is not for signatures",
	 "授權者憑證不是簽章用憑證"},
	{AUTHZ_AUTHORIZER_CHAIN, "authorizer-chain", "the authorizer's certificate is not trusted",
	 "授權者憑證無法驗證"},
	{AUTHZ_HOLDER, "holder", "it was issued for another card", "授權證不屬於此張附卡"},
	{AUTHZ_HOLDER_CHAIN, "holder-chain", "the holder's certificate is not trusted", "附卡憑證無法驗證"},
	{AUTHZ_WITHDRAWN, "withdrawn", "it was withdrawn", "授權證已取消"},

	{AUTHZ_CARD_ATTRIBUTES, "card-attributes", "the attributes in a card's certificate cannot be read",
	 "無法讀取卡片憑證中的屬性"},
	{AUTHZ_NO_ORGANIZATION, "no-organization", "a card's certificate has no organisation id",
	 "卡片憑證沒有統一編號"},
	{AUTHZ_OTHER_ORGANIZATION, "other-organization", "the two cards are not of the same organisation",
	 "兩張卡片不屬於同一工商事業主體"},
	{AUTHZ_HOLDER_RANK, "holder-rank", "the authorized card is no attached card", "被授權的卡片不是附卡"},
	{AUTHZ_AUTHORIZER_RANK, "authorizer-rank", "the authorizing card is neither a primary nor an attached card",
	 "授權的卡片不是正卡或附卡"},
	{AUTHZ_SELF, "self", "a card cannot authorize itself", "卡片不可對自己授權"},

	{AUTHZ_NOT_YET_VALID, "not-yet-valid", "it is not valid yet", "授權證尚未生效"},
	{AUTHZ_EXPIRED, "expired", "it has expired", "授權證已過期"},
	{AUTHZ_OUTSIDE_HOLDER, "outside-holder", "it is valid when the holder's certificate is not",
	 "授權證的效期超出附卡憑證的效期"},

	{AUTHZ_DELEGATION_BY_ATTACHED, "delegation-by-attached", "only a primary card can delegate",
	 "只有正卡可以簽發分層授權"},
	{AUTHZ_DELEGATION_MISSING, "delegation-missing", "the authorizing attached card has no delegation",
	 "授權的附卡沒有分層授權證"},
	{AUTHZ_DELEGATION_BAD, "delegation-bad", "the authorizing attached card has no good delegation",
	 "授權的附卡沒有有效的分層授權證"},
	{AUTHZ_DELEGATION_DISABLED, "delegation-disabled", "the delegation was disabled", "分層授權已停用"},
	{AUTHZ_DELEGATION_NOT_YET_VALID, "delegation-not-yet-valid", "the delegation is not valid yet",
	 "分層授權證尚未生效"},
	{AUTHZ_DELEGATION_EXPIRED, "delegation-expired", "the delegation has expired", "分層授權證已過期"},

	{AUTHZ_SIGNER, "signer", "no signature was made", "未能簽章"},
	{AUTHZ_SIGNER_WRONG, "signer-wrong", "the signature that was made is not the authorizer's",
	 "簽章不是授權者金鑰所簽"},
};

/* Its row; for a number that is no reason, the first. */
static size_t row(enum authz_reason reason)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].reason == reason)
			return i;
	return 0;
}

const char *authz_reason_text(enum authz_reason reason)
{
	return rows[row(reason)].text;
}

const char *authz_reason_text_zh(enum authz_reason reason)
{
	return rows[row(reason)].text_zh;
}

const char *authz_reason_name(enum authz_reason reason)
{
	return rows[row(reason)].name;
}
