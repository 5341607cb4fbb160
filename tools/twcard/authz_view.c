#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/twcard/authz_content.h"
#include "tools/twcard/authz_view.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"
#include "tools/twcard/text.h"

const char *authz_view_reason(enum authz_reason reason)
{
	return message_in_chinese() ? authz_reason_text_zh(reason) : authz_reason_text(reason);
}

enum exit_code authz_view_parse(const void *der, size_t len, enum exit_code otherwise, struct authz_cert **out)
{
	enum authz_reason reason = authz_cert_parse(der, len, NULL, out);

	if (reason == AUTHZ_GOOD)
		return EXIT_GOOD;
	message_json_error_add("reason", message_json_text(authz_reason_name(reason)));
	message_error(_("what is there is no authorization certificate: %s"), authz_view_reason(reason));
	return reason == AUTHZ_NO_MEMORY ? EXIT_INTERNAL : otherwise;
}

/* ---- for people ---- */

void authz_view_print(const struct authz_cert *cert, FILE *to)
{
	char *text = authz_cert_text(cert, message_in_chinese() ? AUTHZ_CHINESE : AUTHZ_ENGLISH), *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
		char *safe = text_safe(line);

		fprintf(to, "%s\n", safe ? safe : "?");
		free(safe);
	}
	free(text);
}

/* ---- JSON ---- */

static struct json_object *hex_json(const unsigned char *bytes, size_t len)
{
	char *text = bytes ? malloc(2 * len + 1) : NULL;
	struct json_object *value = NULL;

	if (text) {
		text[0] = '\0';
		for (size_t i = 0; i < len; i++)
			snprintf(text + 2 * i, 3, "%02x", bytes[i]);
		value = json_object_new_string(text);
	}
	free(text);
	return value;
}

static struct json_object *time_json(time_t t)
{
	char text[CERT_TIME_SIZE];

	cert_info_time(t, text);
	return json_object_new_string(text);
}

static const char *const kinds[] = {
	[AUTHZ_KIND_APPLICATIONS] = "applications",
	[AUTHZ_KIND_DELEGATION] = "delegation",
	[AUTHZ_KIND_NONE] = "other",
};

struct json_object *authz_view_json(const struct authz_cert *cert)
{
	const struct authz_info *info = authz_cert_info(cert);
	struct json_object *v = json_object_new_object(), *holder = json_object_new_object();
	const unsigned char *der;
	size_t len;

	der = authz_cert_der(cert, &len);
	json_object_object_add(holder, "issuer", message_json_text(info->holder_issuer));
	json_object_object_add(holder, "serial", message_json_text(info->holder_serial));
	json_object_object_add(v, "kind", json_object_new_string(kinds[info->kind]));
	json_object_object_add(v, "serial", message_json_text(info->serial));
	json_object_object_add(v, "sequence", json_object_new_int64(info->sequence));
	json_object_object_add(v, "issuer", message_json_text(info->issuer));
	json_object_object_add(v, "holder", holder);
	json_object_object_add(v, "not_before", time_json(info->not_before));
	json_object_object_add(v, "not_after", time_json(info->not_after));
	json_object_object_add(v, "algorithm", message_json_text(info->algorithm));
	json_object_object_add(v, "weak_hash", json_object_new_boolean(info->weak_hash));
	json_object_object_add(v, "content", info->kind == AUTHZ_KIND_NONE ? NULL : authz_content_of(info));
	json_object_object_add(v, "authority_key", hex_json(info->authority_key, info->authority_key_len));
	json_object_object_add(v, "other_attributes", json_object_new_int64((int64_t)info->other_attributes));
	json_object_object_add(v, "other_extensions", json_object_new_int64((int64_t)info->other_extensions));
	json_object_object_add(v, "signature", hex_json(info->signature, info->signature_len));
	json_object_object_add(v, "certificate", json_bytes_new(der, len));
	return v;
}

/* ---- the manual's layout ---- */

#define TAIWAN (8 * 3600) /* seconds east of Greenwich, all the year */
#define HEX_LINE 32

static void row(FILE *to, const char *name, const char *text)
{
	char *safe = text_safe(text ? text : "");

	fprintf(to, "%s：%s\r\n", name, safe ? safe : "");
	free(safe);
}

static void day(FILE *to, const char *before, time_t t)
{
	struct tm tm;

	t += TAIWAN;
	if (gmtime_r(&t, &tm))
		fprintf(to, "%s西元%04d年%02d月%02d日", before, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

static void hex_line(FILE *to, const unsigned char *bytes, size_t len, const char *digit)
{
	for (size_t i = 0; i < len; i++) {
		fprintf(to, digit[0] == 'X' ? "%02X" : "%02x", bytes[i]);
		if (digit[1] && (i + 1) % HEX_LINE == 0 && i + 1 < len)
			fputs("\r\n", to);
	}
	fputs("\r\n", to);
}

static void write_grant(FILE *to, unsigned number, const struct authz_grant *grant, const char *application)
{
	fprintf(to, "授權內容%u\r\n", number);
	row(to, "  應用系統服務名稱", application);
	row(to, "  使用單位名稱", grant->unit_name);
	row(to, "  使用單位代碼", grant->unit_code);
	row(to, "  使用者角色", grant->role);
}

/* A delegation is shown as an application of that name, of which one grants it and one takes it back. */
static void write_content(FILE *to, const struct authz_info *info)
{
	if (info->kind == AUTHZ_KIND_DELEGATION)
		write_grant(to, 1, &info->delegation_scope,
			    info->delegation_disabled ? "停用分層授權證" : "簽署分層授權證(以正卡簽附卡)");
	for (size_t i = 0; i < info->grant_count; i++)
		write_grant(to, (unsigned)i + 1, &info->grants[i], info->grants[i].application);
	if (info->kind == AUTHZ_KIND_APPLICATIONS && !info->grant_count)
		row(to, "授權內容", "無");
	row(to, "持卡者證號", info->bearer_id);
}

void authz_view_write_manual(const struct authz_cert *cert, FILE *to)
{
	static const char *const titles[] = {
		[AUTHZ_KIND_APPLICATIONS] = "附卡授權證(應用授權)內容",
		[AUTHZ_KIND_DELEGATION] = "附卡授權證(分層授權)內容",
		[AUTHZ_KIND_NONE] = "屬性憑證內容",
	};
	const struct authz_info *info = authz_cert_info(cert);

	fprintf(to, "%s：\r\n\r\n", titles[info->kind]);
	row(to, "版本", "V2");
	fputs("附卡發行資訊\r\n", to);
	row(to, "  發行單位", info->holder_issuer);
	row(to, "  憑證序號", info->holder_serial);
	row(to, "  授權者識別名稱", info->issuer);
	row(to, "  簽章演算法", info->algorithm);
	row(to, "授權憑證序號", info->serial);
	day(to, "授權有效期間：從 ", info->not_before);
	day(to, " 到 ", info->not_after);
	fputs("\r\n", to);
	write_content(to, info);
	fputs("延伸應用\r\n  授權單位金鑰識別元：", to);
	hex_line(to, info->authority_key, info->authority_key_len, "x");
	fprintf(to, "\r\n附卡授權證發行者之簽章演算法\r\n\r\n%s\r\n\r\n附卡授權證數位簽章\r\n\r\n", info->algorithm);
	hex_line(to, info->signature, info->signature_len, "XL");
}
