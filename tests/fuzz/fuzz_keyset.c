/*
 * Key sets: whatever is in the first file, one that can be used has all parts,
 * one that cannot is passed over for the next file and leaves nothing of its
 * key, and no line of the log has a key in it.
 */
#include "apdu/log.h"
#include "profiles/keyset.h"
#include "folder.h"
#include "fuzz.h"
#include "script.h"

#define LOG_MAX 8192
#define GOOD_KEY "00112233445566778899AABBCCDDEEFF"
#define GOOD "profile = gppki\nmaster-key = " GOOD_KEY "\ndiversification-aid = A0000000031122\n"

static struct {
	char text[LOG_MAX];
	size_t len;
} heard;

static void hear(enum log_level level, const char *line, void *context)
{
	size_t n = strlen(line);

	(void)level;
	(void)context;
	MUST(heard.len + n + 2 < sizeof heard.text);
	memcpy(heard.text + heard.len, line, n);
	heard.len += n;
	heard.text[heard.len++] = '\n';
	heard.text[heard.len] = '\0';
}

/* In hex of any case, or as it is. */
static void must_be_unheard(const struct keyset *k)
{
	char hex[2 * sizeof k->master_key + 1];

	for (size_t i = 0; i < sizeof k->master_key; i++)
		snprintf(hex + 2 * i, 3, "%02X", k->master_key[i]);
	for (char *c = heard.text; *c; c++)
		if (*c >= 'a' && *c <= 'f')
			*c = (char)(*c - 'a' + 'A');
	MUST(!strstr(heard.text, hex) && !memmem(heard.text, heard.len, k->master_key, sizeof k->master_key));
}

static bool is_good(const struct keyset *k)
{
	static const uint8_t key[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
				      0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF};

	return memcmp(k->master_key, key, sizeof key) == 0 && k->aid_len == 7;
}

static enum result find(unsigned skip, struct keyset *out)
{
	const char *const dirs[] = {folder_path("nowhere"), folder, NULL};
	enum result r;

	memset(out, 0xA5, sizeof *out);
	memset(&heard, 0, sizeof heard);
	log_set(LOG_TRACE, hear, NULL);
	r = keyset_find(dirs, "gppki", skip, out);
	log_set(LOG_NONE, NULL, NULL);
	if (r == RESULT_OK) {
		MUST(out->aid_len >= 5 && out->aid_len <= KEYSET_AID_MAX);
		must_be_unheard(out);
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct keyset nothing;
	struct keyset first, second, third;

	folder_make();
	folder_write("a.keyset", data, size);
	folder_write("b.keyset", (const uint8_t *)GOOD, sizeof GOOD - 1);
	MUST(find(0, &first) == RESULT_OK);
	if (find(1, &second) == RESULT_OK) { /* both can be used */
		MUST(is_good(&second) && find(2, &third) == RESULT_NO_KEYSET);
		return 0;
	}
	MUST(is_good(&first) && memcmp(&second, &nothing, sizeof second) == 0);
	return 0;
}
