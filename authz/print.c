#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authz/twcard-authz.h"

#define HEX_LINE 32 /* bytes of a signature in one line */

/* The words of the manual of the service that first issued these, and what they mean. */
enum label {
	L_TITLE_APPLICATIONS,
	L_TITLE_DELEGATION,
	L_TITLE_OTHER,
	L_VERSION,
	L_HOLDER_ISSUER,
	L_HOLDER_SERIAL,
	L_HOLDER_OTHER,
	L_ISSUER,
	L_ALGORITHM,
	L_WEAK,
	L_SERIAL,
	L_FROM,
	L_TO,
	L_GRANT,
	L_NO_GRANT,
	L_APPLICATION,
	L_UNIT_NAME,
	L_UNIT_CODE,
	L_ROLE,
	L_DELEGATION,
	L_ENABLED,
	L_DISABLED,
	L_ID_NATIONAL,
	L_ID_OTHER,
	L_AUTHORITY_KEY,
	L_OTHERS,
	L_SIGNATURE,
	L_UNSIGNED
};

static const char *const labels[][2] = {
	[L_TITLE_APPLICATIONS] = {"Authorization certificate of an attached card (applications)",
				  "附卡授權證(應用授權)內容"},
	[L_TITLE_DELEGATION] = {"Authorization certificate of an attached card (delegation)",
				"附卡授權證(分層授權)內容"},
	[L_TITLE_OTHER] = {"Attribute certificate", "屬性憑證內容"},
	[L_VERSION] = {"Version", "版本"},
	[L_HOLDER_ISSUER] = {"Attached card's issuer", "附卡發行單位"},
	[L_HOLDER_SERIAL] = {"Attached card's serial number", "附卡憑證序號"},
	[L_HOLDER_OTHER] = {"not named by a certificate", "未以憑證識別"},
	[L_ISSUER] = {"Authorized by", "授權者識別名稱"},
	[L_ALGORITHM] = {"Signature algorithm", "簽章演算法"},
	[L_WEAK] = {" (SHA-1: weak)", "（SHA-1 強度不足）"},
	[L_SERIAL] = {"Serial number", "授權憑證序號"},
	[L_FROM] = {"Valid from", "授權有效期間起"},
	[L_TO] = {"Valid to", "授權有效期間迄"},
	[L_GRANT] = {"Authorization", "授權內容"},
	[L_NO_GRANT] = {"none", "無"},
	[L_APPLICATION] = {"  Application", "  應用系統服務名稱"},
	[L_UNIT_NAME] = {"  Unit", "  使用單位名稱"},
	[L_UNIT_CODE] = {"  Unit code", "  使用單位代碼"},
	[L_ROLE] = {"  Role", "  使用者角色"},
	[L_DELEGATION] = {"Delegation", "分層授權"},
	[L_ENABLED] = {"enabled", "啟用"},
	[L_DISABLED] = {"disabled", "停用"},
	[L_ID_NATIONAL] = {"Bearer's national id", "持卡者證號(國民身分證字號)"},
	[L_ID_OTHER] = {"Bearer's other id", "持卡者證號(其他證號)"},
	[L_AUTHORITY_KEY] = {"Authority key identifier", "授權單位金鑰識別元"},
	[L_OTHERS] = {"Attributes and extensions not known here", "未知的屬性及延伸欄位數"},
	[L_SIGNATURE] = {"Signature", "附卡授權證數位簽章"},
	[L_UNSIGNED] = {"not signed yet", "尚未簽章"},
};

struct printer {
	FILE *out;
	enum authz_language language;
};

static const char *say(const struct printer *p, enum label label)
{
	return labels[label][p->language];
}

static void line(const struct printer *p, enum label label, const char *text)
{
	if (text)
		fprintf(p->out, "%s: %s\n", say(p, label), text);
}

static void time_line(const struct printer *p, enum label label, time_t t)
{
	char text[40] = "?";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	line(p, label, text);
}

static void hex(const struct printer *p, const unsigned char *bytes, size_t len, size_t per_line)
{
	for (size_t i = 0; i < len; i++)
		fprintf(p->out, "%02X%s", bytes[i], (i + 1) % per_line == 0 && i + 1 < len ? "\n" : "");
	fputc('\n', p->out);
}

static void print_place(const struct printer *p, const struct authz_grant *g)
{
	line(p, L_UNIT_NAME, g->unit_name);
	line(p, L_UNIT_CODE, g->unit_code);
	line(p, L_ROLE, g->role);
}

static void print_content(const struct printer *p, const struct authz_info *info)
{
	if (info->kind == AUTHZ_KIND_DELEGATION) {
		line(p, L_DELEGATION, say(p, info->delegation_disabled ? L_DISABLED : L_ENABLED));
		print_place(p, &info->delegation_scope);
	}
	if (info->kind == AUTHZ_KIND_APPLICATIONS && info->grant_count == 0)
		line(p, L_GRANT, say(p, L_NO_GRANT));
	for (size_t i = 0; i < info->grant_count; i++) {
		fprintf(p->out, "%s %zu\n", say(p, L_GRANT), i + 1);
		line(p, L_APPLICATION, info->grants[i].application);
		print_place(p, &info->grants[i]);
	}
	line(p, info->bearer_id_kind == AUTHZ_ID_NATIONAL ? L_ID_NATIONAL : L_ID_OTHER, info->bearer_id);
}

static void print_frame(const struct printer *p, const struct authz_info *info)
{
	static const enum label titles[] = {
		[AUTHZ_KIND_APPLICATIONS] = L_TITLE_APPLICATIONS,
		[AUTHZ_KIND_DELEGATION] = L_TITLE_DELEGATION,
		[AUTHZ_KIND_NONE] = L_TITLE_OTHER,
	};

	fprintf(p->out, "%s\n", say(p, titles[info->kind]));
	line(p, L_VERSION, "V2");
	line(p, L_HOLDER_ISSUER, info->holder_issuer ? info->holder_issuer : say(p, L_HOLDER_OTHER));
	line(p, L_HOLDER_SERIAL, info->holder_serial);
	line(p, L_ISSUER, info->issuer);
	fprintf(p->out, "%s: %s%s\n", say(p, L_ALGORITHM), info->algorithm,
		info->weak_hash ? say(p, L_WEAK) : "");
	line(p, L_SERIAL, info->serial);
	time_line(p, L_FROM, info->not_before);
	time_line(p, L_TO, info->not_after);
}

static void print_end(const struct printer *p, const struct authz_info *info)
{
	if (info->authority_key) {
		fprintf(p->out, "%s: ", say(p, L_AUTHORITY_KEY));
		hex(p, info->authority_key, info->authority_key_len, SIZE_MAX);
	}
	if (info->other_attributes || info->other_extensions)
		fprintf(p->out, "%s: %zu, %zu\n", say(p, L_OTHERS), info->other_attributes,
			info->other_extensions);
	if (info->signature_len == 0) {
		line(p, L_SIGNATURE, say(p, L_UNSIGNED));
		return;
	}
	fprintf(p->out, "%s:\n", say(p, L_SIGNATURE));
	hex(p, info->signature, info->signature_len, HEX_LINE);
}

char *authz_cert_text(const struct authz_cert *cert, enum authz_language language)
{
	const struct authz_info *info = authz_cert_info(cert);
	struct printer p = {.language = language == AUTHZ_CHINESE ? AUTHZ_CHINESE : AUTHZ_ENGLISH};
	char *text = NULL;
	size_t len;
	bool failed;

	p.out = open_memstream(&text, &len);
	if (!p.out)
		return NULL;
	print_frame(&p, info);
	print_content(&p, info);
	print_end(&p, info);
	failed = ferror(p.out);
	if (fclose(p.out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}
