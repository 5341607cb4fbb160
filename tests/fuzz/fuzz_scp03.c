/*
 * The SCP03 answers, and through them the second generation's login and
 * signatures. Byte 0 chooses the client: bit 0 set, the secure channel alone,
 * with the known-answer session's challenge; else a token that is read,
 * logged into and signs, as many times as bits 1-2 say, with blocks of any
 * value if bit 3 is set. The rest is a script of answers (script.h); a
 * repaired answer to INITIALIZE UPDATE has the right cryptogram, as no fuzzer
 * can guess one.
 */
#include <openssl/evp.h>

#include "apdu/scp03.h"
#include "profiles/internal.h"
#include "profiles/keyset.h"
#include "src/crypto/rsa.h"
#include "src/token/token.h"
#include "fuzz.h"
#include "script.h"

#define CHALLENGE_AT 13   /* in the answer to INITIALIZE UPDATE */
#define CRYPTOGRAM_AT 21
#define UPDATE_ANSWER 31  /* with the status word */

static const uint8_t atr_gen2[] = {0x3B, 0xD8, 0x96, 0x00, 0x81, 0xB1, 0xFE, 0x45, 0x1F, 0x07,
				   0x43, 0x48, 0x54, 0x47, 0x50, 0x4B, 0x49, 0x4A, 0xDD};
static const uint8_t master_key[SCP03_KEY_SIZE] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
						   0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F};
static const uint8_t aid[] = {0xA0, 0x00, 0x00, 0x02, 0x83, 0xFF, 0x08, 0x86,
			      0x92, 0x53, 0x53, 0x89, 0xC0, 0x00, 0x14};
static const uint8_t pin[] = {'1', '2', '3', '4', '5', '6'};

/* What the card has seen, and what it must not see. */
struct watch {
	uint8_t cin[SCP03_CIN_SIZE]; /* as the client was told it */
	uint8_t host_challenge[SCP03_CHALLENGE_SIZE];
	bool updated;       /* INITIALIZE UPDATE came last */
	bool authenticated; /* EXTERNAL AUTHENTICATE came since the last SELECT by name */
	unsigned verifies;
};

/* In place of the one that reads files: the linker takes the first. */
enum result keyset_find(const char *const *dirs, const char *profile, unsigned skip,
			struct keyset *out)
{
	(void)dirs;
	if (skip)
		return RESULT_NO_KEYSET;
	MUST(strcmp(profile, "gppki") == 0);
	memcpy(out->master_key, master_key, sizeof master_key);
	memcpy(out->aid, aid, sizeof aid);
	out->aid_len = sizeof aid;
	return RESULT_OK;
}

/* ---- the card's side of the key agreement, not shared with the library ---- */

static void cmac(const uint8_t key[16], const uint8_t *data, size_t len, uint8_t out[16])
{
	size_t n = 16;

	MUST(EVP_Q_mac(NULL, "CMAC", NULL, "AES-128-CBC", NULL, key, 16, data, len, out, 16, &n));
}

static void derive(const uint8_t key[16], uint8_t constant, uint8_t bits, const uint8_t context[16],
		   uint8_t out[16])
{
	uint8_t block[32] = {[11] = constant, [14] = bits, [15] = 1};

	memcpy(block + 16, context, 16);
	cmac(key, block, sizeof block, out);
}

static void on_command(void *context, const uint8_t *cmd, size_t len)
{
	struct watch *w = context;

	MUST(cmd[0] != 0x8C); /* the first generation's */
	MUST(cmd[0] == 0x04 || cmd[0] == 0x84 || (cmd[1] != 0x20 && cmd[1] != 0xEA));
	if (cmd[1] == 0xC0) /* GET RESPONSE belongs to the command before it */
		return;
	if (cmd[1] == 0xA4 && cmd[2] == 0x04)
		w->authenticated = false;
	if (cmd[1] == 0x82) {
		MUST(w->updated && len == 21);
		w->authenticated = true;
	}
	w->updated = cmd[1] == 0x50;
	if (w->updated)
		memcpy(w->host_challenge, cmd + 5, SCP03_CHALLENGE_SIZE);
	if (cmd[1] == 0x20) {
		MUST(w->authenticated && len == 29);
		w->verifies++;
	}
}

/* The static keys follow from the CIN that the card said last. */
static void repair(void *context, const uint8_t *cmd, size_t len, uint8_t *answer, size_t n)
{
	uint8_t static_context[16], challenges[16], k_mac[16], s_mac[16], cryptogram[16];
	struct watch *w = context;

	if (len >= 5 && cmd[1] == 0xCA && cmd[3] == 0x45 && n >= 12)
		memcpy(w->cin, answer + 2, SCP03_CIN_SIZE);
	if (cmd[1] != 0x50 || n < UPDATE_ANSWER)
		return;
	static_context[0] = 2;
	memcpy(static_context + 1, w->cin, SCP03_CIN_SIZE);
	memcpy(static_context + 11, aid + sizeof aid - 5, 5);
	memcpy(challenges, w->host_challenge, 8);
	memcpy(challenges + 8, answer + CHALLENGE_AT, 8);
	derive(master_key, 0x06, 0x80, static_context, k_mac);
	derive(k_mac, 0x06, 0x80, challenges, s_mac);
	derive(s_mac, 0x00, 0x40, challenges, cryptogram);
	memcpy(answer + CRYPTOGRAM_AT, cryptogram, 8);
}

/* ---- the channel alone ---- */

static bool is_wiped(const struct scp03 *s)
{
	static const struct scp03_session empty;

	return memcmp(&s->session, &empty, sizeof empty) == 0;
}

static void transmit_all(struct channel *ch, struct scp03 *s)
{
	static const uint8_t body[SCP03_MAX_DATA + 1] = {'1',  '2',  '3',  '4',  '5',
							 '6',  0xFF, 0xFF, 0xFF, 0xFF};
	static const uint8_t fid[] = {0x50, 0x30};
	static const struct command commands[] = {
		{.ins = 0x20, .p2 = 1, .data = body, .len = 10, .sensitive = true},
		{.ins = 0xA4, .p2 = 4, .data = fid, .len = sizeof fid, .ignore_more = true},
		{.cla = 0x80, .ins = 0xEA, .data = body, .len = 128, .le = 128},
		{.cla = 0x80, .ins = 0xC1, .p2 = 128, .le = 128},
		{.ins = 0xB0, .le = 256},
		{.ins = 0xDA, .data = body, .len = SCP03_MAX_DATA},
		{.ins = 0xDA, .data = body, .len = SCP03_MAX_DATA + 1},
	};
	struct response resp = RESPONSE_INIT;

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		bool was_open = s->open, fits = commands[i].len <= SCP03_MAX_DATA;
		enum result r = scp03_transmit(ch, s, &commands[i], &resp);

		if (!was_open)
			MUST(r == RESULT_CHANNEL);
		else if (fits)
			MUST(s->open == (r == RESULT_OK && resp.sw == 0x9000));
		else
			MUST(r == RESULT_ARGUMENT);
		MUST(s->open || is_wiped(s));
	}
	response_clear(&resp);
}

static void use_channel(struct channel *ch, struct watch *w)
{
	static const uint8_t challenge[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
	static const uint8_t cin[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0x01, 0x23, 0x45, 0x67, 0x89};
	struct scp03_keys keys;
	struct scp03 s = {.open = false};
	bool was_reset;
	enum result r;

	memcpy(w->cin, cin, sizeof cin);
	MUST(scp03_diversify(NULL, master_key, cin, aid + sizeof aid - 5, &keys) == RESULT_OK);
	MUST(channel_begin(ch, &was_reset) == RESULT_OK);
	r = scp03_open(NULL, ch, &keys, challenge, &s);
	MUST(s.open == (r == RESULT_OK));
	MUST(s.open || is_wiped(&s));
	if (r == RESULT_OK)
		MUST(w->authenticated);
	transmit_all(ch, &s);
	scp03_release(&s);
	MUST(is_wiped(&s));
	channel_free(&ch);
}

/* ---- a whole token ---- */

static void next_transaction(struct token *t)
{
	bool was_reset;

	(void)!card_end(t->card, false);
	MUST(card_begin(t->card, &was_reset) == RESULT_OK);
	if (was_reset && t->logged_in)
		t->verified = false;
}

static void sign(struct token *t, const struct object *key, bool any_block, struct watch *w)
{
	static const uint8_t block[CARD_MODULUS_SIZE] = {0, 1, 0xFF};
	static const uint8_t nothing[CARD_MODULUS_SIZE];
	uint8_t out[CARD_MODULUS_SIZE];
	unsigned before = w->verifies;
	const struct rsa_public *rsa;
	enum result r;

	memset(out, 0xA5, sizeof out);
	r = token_private_op(t, key, any_block, block, out);
	MUST(w->verifies <= before + 1);
	if (r != RESULT_OK)
		MUST(memcmp(out, nothing, sizeof out) == 0 || out[0] == 0xA5);
	else if (token_has_public_key(t, key) && token_public_key(t, key, &rsa) == RESULT_OK)
		MUST(rsa_undoes(rsa, block, out));
}

static void use_token(struct channel *ch, struct watch *w, uint8_t options)
{
	const struct card_options none = {0};
	unsigned signatures = 1 + (options >> 1 & 3);
	struct p15_object record = {.kind = P15_PRIVATE_KEY, .key_ref = 1};
	struct object key = {.record = &record};
	struct card *card;
	struct token t;
	int tries;

	if (card_open(ch, &none, &card) != RESULT_OK)
		return;
	if (card_profile_of(card) != &profile_gppki) { /* it answered as the other generation */
		card_free(&card);
		return;
	}
	token_init(&t);
	token_take_card(&t, card);
	(void)!token_read_data(&t);
	next_transaction(&t);
	if (token_login(&t, pin, sizeof pin, &tries) == RESULT_OK)
		MUST(w->verifies == 1 && t.logged_in && t.pin.len == sizeof pin);
	else
		MUST(w->verifies <= 1 && !t.logged_in && !t.pin.data);
	if (t.lists[P15_PRIVATE_KEY].records.count)
		key.record = &t.lists[P15_PRIVATE_KEY].records.items[0];
	for (unsigned i = 0; i < signatures && t.logged_in; i++) {
		next_transaction(&t);
		sign(&t, &key, options & 8, w);
	}
	(void)!card_end(t.card, true);
	token_logout(&t);
	MUST(!t.pin.data);
	card = token_clear(&t);
	card_free(&card);
	pthread_mutex_destroy(&t.lock);
}

/* Marks of PINs in use stay out of the file system. */
static void set_environment(void)
{
	static bool done;

	if (!done)
		MUST(setenv("XDG_RUNTIME_DIR", "/dev/null/none", 1) == 0);
	done = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct watch watch = {.verifies = 0};
	struct script script = {.on_command = on_command, .repair = repair, .context = &watch};
	struct channel *ch;

	if (size < 1)
		return 0;
	set_environment();
	script.in = cursor_of(data + 1, size - 1);
	ch = script_channel(&script, atr_gen2, sizeof atr_gen2);
	if (!ch)
		return 0;
	if (data[0] & 1)
		use_channel(ch, &watch);
	else
		use_token(ch, &watch, data[0]);
	MUST(!script.in_transaction);
	return 0;
}
