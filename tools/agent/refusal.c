#include "config.h"

#include <json-c/json.h>

#include "tools/agent/answer.h"
#include "tools/agent/refusal.h"

static const struct {
	const char *word;
	int status;
	const char *english, *chinese;
} rows[REFUSAL_COUNT] = {
	[REFUSAL_PEER] = {"peer", 403, "this agent belongs to another user of this computer; start your own (twcard agent start)",
			  "這個服務屬於這台電腦的另一位使用者；請啟動您自己的服務（twcard agent start）"},
	[REFUSAL_HOST] = {"host", 403, "the agent is asked under a name that is not its own; use http://localhost",
			  "請求的主機名稱不是這個服務的；請使用 http://localhost"},
	[REFUSAL_ORIGIN] = {"origin", 403, "another site asks for what only the agent's own pages may have",
			    "其他網站要求只有本服務網頁可以使用的內容"},
	[REFUSAL_FRAME] = {"frame", 403, "the agent's pages are not shown inside other pages; open them in a window",
			   "本服務的網頁不能嵌在其他網頁中；請在視窗中開啟"},
	[REFUSAL_TOKEN] = {"token", 403, "the page's token is missing, was used, or is not the agent's; open the page again",
			   "網頁的權杖不存在、已使用或不是這個服務的；請重新開啟網頁"},
	[REFUSAL_EXPIRED] = {"expired", 403, "the answer came too late; try again on the site", "回答太晚了；請在網站上再試一次"},
	[REFUSAL_NOT_FOUND] = {"not-found", 404, "there is nothing under this address", "這個網址沒有內容"},
	[REFUSAL_METHOD] = {"method", 405, "this address is not asked in this way", "這個網址不能這樣使用"},
	[REFUSAL_SIZE] = {"size", 413, "the request is too large", "請求太大"},
	[REFUSAL_JSON] = {"json", 400, "the request is not of its form", "請求的格式不正確"},
	[REFUSAL_FILE] = {"file", 500, "the file of sites could not be written; twcard agent log says more",
			  "無法寫入網站清單檔案；詳情請見 twcard agent log"},
	[REFUSAL_ROOM] = {"room", 507, "there is no room to keep the file; make room in the folder of temporary files (/tmp)",
			  "沒有空間保存檔案；請在暫存檔資料夾（/tmp）騰出空間"},
	[REFUSAL_UPLOAD] = {"upload", 404, "the file is no longer kept; choose it again", "檔案已不再保留；請重新選擇"},
	[REFUSAL_NO_SIGNATURE] = {"no-signature", 400, "the file is no signature (CMS, PEM, S/MIME), or it is damaged",
				  "這個檔案不是簽章（CMS、PEM、S/MIME），或已損壞"},
	[REFUSAL_INTERNAL] = {"internal", 500, "the agent has failed; twcard agent log says more",
			      "服務發生錯誤；詳情請見 twcard agent log"},
};

const char *refusal_word(enum refusal r)
{
	return rows[r].word;
}

void refusal_answer(enum refusal r, struct agent_answer *out)
{
	struct json_object *all = json_object_new_object(), *text = json_object_new_object();

	json_object_object_add(text, "en", json_object_new_string(rows[r].english));
	json_object_object_add(text, "zh_TW", json_object_new_string(rows[r].chinese));
	json_object_object_add(all, "error", json_object_new_string(rows[r].word));
	json_object_object_add(all, "text", text);
	answer_json(out, all);
	out->status = rows[r].status;
}
