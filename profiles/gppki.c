#include "config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "apdu/cursor.h"
#include "apdu/log.h"
#include "apdu/pin_block.h"
#include "apdu/platform.h"
#include "apdu/scp03.h"
#include "apdu/secret.h"
#include "apdu/status.h"
#include "profiles/aids.h"
#include "profiles/internal.h"
#include "profiles/keyset.h"

/*
 * Second-generation cards: a GlobalPlatform card whose PKI applet holds the
 * same tree of files. Reading is plain ISO; everything that needs the PIN goes
 * through an SCP03 channel (facts: gen 2).
 */
#define CLA 0x00
#define CLA_GP 0x80
#define FID_APPLET 0x7FFF /* the root, as paths in directories name it */
#define HALF 128
#define OS_TEXT_SIZE 24
#define EXPONENT 65537 /* facts: gen 2, public key: not stored on the card */
#define KEYSETS_TRIED 8
#define TAG_FCP 0x62
#define TAG_DATA_BYTES 0x80 /* the file's size without structure */
#define TAG_ALL_BYTES 0x81  /* and with it */
#define KEY_LENGTH_AT 7 /* in the key information template */

/* In secure memory: card->state. */
struct gppki {
	struct scp03_keys keys; /* this card's, once made from the key set */
	bool has_keys;
	struct scp03 channel;
	bool at_keys;           /* 5030/0810 is selected inside the channel */
	bool at_root;           /* nothing was selected in it: the applet is, as it was opened */
};

static enum result simple(struct card *card, const struct command *cmd)
{
	struct response resp = RESPONSE_INIT;
	enum result r = channel_transmit(card->channel, cmd, &resp);

	if (r == RESULT_OK)
		r = resp.sw >> 8 == 0x62 ? RESULT_OK : status_result(resp.sw);
	response_clear(&resp);
	return r;
}

/* A plain command may end the channel (assumed): it does not count as open any more. */
static void end_channel(struct card *card)
{
	struct gppki *g = card->state;

	if (!g)
		return;
	if (g->channel.open)
		log_line(LOG_DEBUG, "%s: the secure channel ends here", card->channel->name);
	scp03_close(&g->channel);
	g->at_keys = false;
	g->at_root = false;
}

static enum result secure(struct card *card, const struct command *cmd, struct response *resp)
{
	struct gppki *g = card->state;

	return scp03_transmit(card->channel, &g->channel, cmd, resp);
}

/*
 * The file's or the applet's own (7FFF: assumed). That there is none is an
 * answer, and does not end the channel (assumed).
 */
static enum result select_in_channel(struct card *card, uint16_t fid)
{
	const uint8_t data[2] = {(uint8_t)(fid >> 8), (uint8_t)fid};
	const struct command cmd = {.cla = CLA, .ins = 0xA4, .p2 = 0x04, .data = data,
				    .len = sizeof data, .fine_sw = SW_NO_FILE, .ignore_more = true};
	struct gppki *g = card->state;
	struct response resp = RESPONSE_INIT;
	enum result r;

	g->at_keys = false;
	g->at_root = false;
	r = secure(card, &cmd, &resp);
	if (r == RESULT_OK)
		r = status_select_result(resp.sw);
	response_clear(&resp);
	return r;
}

static enum result gppki_send_guarded(struct card *card, const struct command *cmd,
				      struct response *resp)
{
	struct gppki *g = card->state;

	return g->channel.open ? secure(card, cmd, resp) : RESULT_SECURITY_STATUS;
}

static enum result select_guarded(struct card *card, uint16_t fid)
{
	struct gppki *g = card->state;

	card->file_size = 0;
	card->warned = false;
	return g->channel.open ? select_in_channel(card, fid) : RESULT_SECURITY_STATUS;
}

static enum result select_root_guarded(struct card *card)
{
	struct gppki *g = card->state;

	return g->at_root ? RESULT_OK : select_guarded(card, FID_APPLET);
}

static enum result gppki_select_root(struct card *card)
{
	const struct command cmd = {.cla = CLA, .ins = 0xA4, .p1 = 0x04, .p2 = 0x0C,
				    .data = aid_pki.bytes, .len = aid_pki.len, .le = COMMAND_MAX_LE,
				    .ignore_more = true};

	if (card->guarded)
		return select_root_guarded(card);
	end_channel(card);
	return simple(card, &cmd);
}

/*
 * The file's size, if the answer is an FCP template that has it (ISO/IEC
 * 7816-4, 7.4.3). Nobody recorded one, so nothing depends on it: 0 if not.
 */
static unsigned fcp_size(const struct response *resp)
{
	struct cursor c = cursor_of(resp->data.data, resp->data.len);
	struct tlv tlv;
	uint16_t size;

	if (cursor_tlv(&c, &tlv, NULL) != TLV_OK || tlv.tag != TAG_FCP)
		return 0;
	c = tlv.value;
	while (cursor_tlv(&c, &tlv, NULL) == TLV_OK)
		if ((tlv.tag == TAG_DATA_BYTES || tlv.tag == TAG_ALL_BYTES) && tlv.value.left == 2 &&
		    cursor_u16be(&tlv.value, &size))
			return size;
	return 0;
}

static enum result gppki_select_child(struct card *card, uint16_t fid)
{
	const uint8_t data[2] = {(uint8_t)(fid >> 8), (uint8_t)fid};
	const struct command cmd = {.cla = CLA, .ins = 0xA4, .p2 = 0x04, .data = data,
				    .len = sizeof data, .le = COMMAND_MAX_LE, .ignore_more = true};
	struct response resp = RESPONSE_INIT;
	enum result r;

	if (card->guarded)
		return select_guarded(card, fid);
	end_channel(card);
	r = channel_transmit(card->channel, &cmd, &resp);
	if (r == RESULT_OK)
		r = resp.sw >> 8 == 0x62 ? RESULT_OK : status_select_result(resp.sw);
	card->file_size = r == RESULT_OK ? fcp_size(&resp) : 0;
	card->warned = r == RESULT_OK && resp.sw != SW_OK && !resp.data.len;
	response_clear(&resp);
	return r;
}

/* Contact: historical bytes end in CHTGPKIJ. Contactless: facts, which cards. */
static bool gppki_atr_hint(const uint8_t *atr, size_t len)
{
	static const uint8_t contact[] = {'C', 'H', 'T', 'G', 'P', 'K', 'I'};
	static const uint8_t contactless[] = {0x3B, 0x8B, 0x80, 0x01, 0x00, 0x31, 0xC1, 0x64,
					      0x08, 0x40, 0x21, 0x30, 0x00, 0x90, 0x00, 0x57};

	if (len == sizeof contactless && memcmp(atr, contactless, len) == 0)
		return true;
	for (size_t i = 0; i + sizeof contact <= len; i++)
		if (memcmp(atr + i, contact, sizeof contact) == 0)
			return true;
	return false;
}

static enum result gppki_probe(struct card *card)
{
	const struct card_path root = {0, {0}};
	enum result r = files_enter(card, &root);

	if (r != RESULT_OK)
		return r;
	card->state = secret_new(sizeof(struct gppki));
	return card->state ? RESULT_OK : RESULT_NO_MEMORY;
}

static void gppki_release(struct card *card)
{
	struct gppki *g = card->state;

	if (g)
		scp03_release(&g->channel);
	secret_free(g, sizeof *g);
	card->state = NULL;
}

static bool is_v32(const struct buffer *os)
{
	return os->len && memmem(os->data, os->len, "V32", 3);
}

/*
 * "T7", S or U for the card OS, and 12 digits made from the first 8 bytes of
 * the card number read as little-endian numbers (facts: gen 2, token data).
 */
static void make_model(const struct buffer *number, const struct buffer *os, char *out, size_t size)
{
	const uint8_t *n = number->data;
	bool v32 = is_v32(os);
	unsigned a, b;
	unsigned long c;
	char digits[17];

	if (number->len < 8) {
		snprintf(out, size, "T7%c", v32 ? 'S' : 'U');
		return;
	}
	a = (unsigned)(n[0] | n[1] << 8);
	b = (unsigned)(n[2] | n[3] << 8);
	c = (unsigned long)n[4] | (unsigned long)n[5] << 8 | (unsigned long)n[6] << 16 |
	    (unsigned long)n[7] << 24;
	snprintf(digits, sizeof digits, "%04u%04u%08lu", a % 10000, b % 10000, c % 100000000);
	snprintf(out, size, "T7%c%.12s", v32 ? 'S' : 'U', digits);
}

/*
 * What the card OS is called: printable, padded perhaps. Of "V32" a letter may
 * have been read wrong: another name is asked for once more.
 */
static bool is_known_os(const struct buffer *content)
{
	for (size_t i = 0; i < content->len; i++) {
		uint8_t c = content->data[i];

		if ((c < 0x20 || c > 0x7E) && c != 0x00 && c != 0xFF)
			return false;
	}
	return content->len == OS_TEXT_SIZE && is_v32(content);
}

static enum result gppki_read_token(struct card *card, struct token_data *out)
{
	struct buffer os = BUFFER_INIT;
	enum result r;

	r = token_info_believed_file(card, FID_CARD_OS, OS_TEXT_SIZE, is_known_os, &os);
	if (r == RESULT_OK)
		r = token_info_read(card, out);
	if (r == RESULT_OK)
		make_model(&card->number, &os, out->model, sizeof out->model);
	buffer_clear(&os);
	return r;
}

static enum result gppki_read_public_key(struct card *card, unsigned key_ref, struct rsa_public *out)
{
	struct response resp = RESPONSE_INIT;
	enum result r = files_select(card, &path_public_keys);

	for (unsigned part = 0; r == RESULT_OK && part < 2; part++) {
		const struct command cmd = {.cla = CLA_GP, .ins = 0xB2, .p1 = (uint8_t)key_ref,
					    .p2 = (uint8_t)(3 + part), .le = COMMAND_MAX_LE};

		r = channel_transmit(card->channel, &cmd, &resp);
		if (r == RESULT_OK)
			r = status_result(resp.sw);
		if (r == RESULT_OK && resp.data.len != HALF)
			r = RESULT_BAD_ANSWER;
		if (r == RESULT_OK)
			memcpy(out->modulus + HALF * part, resp.data.data, HALF);
	}
	out->exponent = EXPONENT;
	response_clear(&resp);
	return r;
}

/* ---- the secure channel ---- */

static enum result select_domain(struct card *card, const uint8_t *aid, size_t len)
{
	const struct command cmd = {.cla = CLA, .ins = 0xA4, .p1 = 0x04, .data = aid, .len = len,
				    .ignore_more = true};

	end_channel(card);
	return simple(card, &cmd);
}

static enum result get_data(struct card *card, uint8_t tag, struct response *resp)
{
	const struct command cmd = {.cla = CLA_GP, .ins = 0xCA, .p2 = tag, .le = COMMAND_MAX_LE};
	enum result r = channel_transmit(card->channel, &cmd, resp);

	return r == RESULT_OK ? status_result(resp->sw) : r;
}

/* E0 12 C0 04 …: byte 7 is the length of the first key (facts: key diversification). */
static enum result check_key_length(struct card *card, const struct keyset *keyset)
{
	struct response resp = RESPONSE_INIT;
	enum result r = select_domain(card, keyset->aid, keyset->aid_len);

	if (r == RESULT_OK)
		r = get_data(card, 0xE0, &resp);
	if (r == RESULT_OK && (resp.data.len <= KEY_LENGTH_AT || resp.data.data[0] != 0xE0)) {
		r = RESULT_BAD_ANSWER;
	} else if (r == RESULT_OK && resp.data.data[KEY_LENGTH_AT] != SCP03_KEY_SIZE) {
		log_line(LOG_ERROR, "the card's keys have %u bytes: only 16 are known",
			 resp.data.data[KEY_LENGTH_AT]);
		r = RESULT_CHANNEL;
	}
	response_clear(&resp);
	return r;
}

static enum result read_cin(struct card *card, uint8_t cin[SCP03_CIN_SIZE])
{
	struct response resp = RESPONSE_INIT;
	enum result r = select_domain(card, aid_issuer_domain.bytes, aid_issuer_domain.len);

	if (r == RESULT_OK)
		r = get_data(card, 0x45, &resp);
	if (r == RESULT_OK &&
	    (resp.data.len < 2 + SCP03_CIN_SIZE || resp.data.data[0] != 0x45 ||
	     resp.data.data[1] != SCP03_CIN_SIZE))
		r = RESULT_BAD_ANSWER;
	if (r == RESULT_OK)
		memcpy(cin, resp.data.data + 2, SCP03_CIN_SIZE);
	response_clear(&resp);
	return r;
}

/* This card's keys, made once for an insertion. */
static enum result make_keys(struct card *card, unsigned skip)
{
	struct gppki *g = card->state;
	struct keyset *keyset;
	uint8_t cin[SCP03_CIN_SIZE];
	enum result r;

	if (g->has_keys)
		return RESULT_OK;
	keyset = secret_new(sizeof *keyset);
	if (!keyset)
		return RESULT_NO_MEMORY;
	r = keyset_find(card->options.keyset_dirs, card->profile->name, skip, keyset);
	if (r == RESULT_OK)
		r = check_key_length(card, keyset);
	if (r == RESULT_OK)
		r = read_cin(card, cin);
	if (r == RESULT_OK)
		r = scp03_diversify(card->options.libctx, keyset->master_key, cin,
				    keyset->aid + keyset->aid_len - SCP03_AID_TAIL_SIZE, &g->keys);
	g->has_keys = r == RESULT_OK;
	secret_free(keyset, sizeof *keyset);
	if (result_is_refusal(r)) {
		log_line(LOG_ERROR, "%s: key diversification: %s", card->channel->name, result_text(r));
		r = RESULT_CHANNEL;
	}
	return r;
}

static enum result open_with(struct card *card, unsigned skip)
{
	const struct card_path root = {0, {0}};
	struct gppki *g = card->state;
	enum result r = make_keys(card, skip);

	files_forget(card); /* also after a failed attempt the applet may not be selected */
	if (r == RESULT_OK)
		r = files_enter(card, &root);
	if (r == RESULT_OK)
		r = scp03_open(card->options.libctx, card->channel, &g->keys, NULL, &g->channel);
	g->at_root = r == RESULT_OK;
	/* perhaps another card's keys: they are made anew next time */
	if (r == RESULT_CHANNEL) {
		OPENSSL_cleanse(&g->keys, sizeof g->keys);
		g->has_keys = false;
	}
	return r;
}

/*
 * With the first key set that the card accepts. A wrong one shows in the
 * card's cryptogram, before the card is told anything that it could count.
 */
static enum result open_channel(struct card *card)
{
	enum result r = open_with(card, 0);

	for (unsigned skip = 1; r == RESULT_CHANNEL && skip < KEYSETS_TRIED; skip++) {
		enum result next = open_with(card, skip);

		if (next == RESULT_NO_KEYSET)
			break;
		r = next;
	}
	return r;
}

/* The PINs' blocks are in secure memory, and only as long as the command. */
static enum result send_pins(struct card *card, uint8_t ins, const struct new_pin *pins,
			     struct response *resp)
{
	size_t len = pins->pin ? 2 * PIN_BLOCK_SIZE : PIN_BLOCK_SIZE;
	uint8_t *blocks = secret_new(len);
	const struct command cmd = {.cla = CLA, .ins = ins, .p2 = 0x01, .data = blocks, .len = len,
				    .sensitive = true};
	enum result r = blocks ? pin_block(pins->right, pins->right_len, blocks) : RESULT_NO_MEMORY;

	if (r == RESULT_OK && pins->pin)
		r = pin_block(pins->pin, pins->pin_len, blocks + PIN_BLOCK_SIZE);
	if (r == RESULT_OK)
		r = secure(card, &cmd, resp);
	secret_free(blocks, len);
	return r;
}

/* In a channel of its own: whatever fails before this command costs no try. */
static enum result give_pins(struct card *card, uint8_t ins, const struct new_pin *pins, int *tries)
{
	struct response resp = RESPONSE_INIT;
	enum result r = open_channel(card);

	if (r == RESULT_OK)
		r = send_pins(card, ins, pins, &resp);
	if (r == RESULT_OK)
		r = status_pin_result(resp.sw, tries);
	if (r == RESULT_SECURITY_STATUS) /* about the channel: the PIN was not looked at */
		r = RESULT_CHANNEL;
	response_clear(&resp);
	return r;
}

static enum result gppki_verify_pin(struct card *card, const uint8_t *pin, size_t len, int *tries)
{
	const struct new_pin only = {.right = pin, .right_len = len};

	return give_pins(card, 0x20, &only, tries);
}

/* By analogy with VERIFY and the first generation's: assumed. */
static enum result gppki_change_pin(struct card *card, const struct new_pin *pins, int *tries)
{
	return give_pins(card, 0x24, pins, tries);
}

/* RESET RETRY COUNTER of ISO/IEC 7816-4: assumed, no real card is known to have it. */
static enum result gppki_unblock_pin(struct card *card, const struct new_pin *pins, int *tries)
{
	return give_pins(card, 0x2C, pins, tries);
}

static enum result select_keys_in_channel(struct card *card)
{
	struct gppki *g = card->state;
	enum result r = RESULT_OK;

	files_forget(card); /* a plain command that follows starts at the root */
	if (!g->at_root)
		r = select_in_channel(card, FID_APPLET);
	if (r == RESULT_OK)
		r = select_in_channel(card, FID_PKI);
	if (r == RESULT_OK)
		r = select_in_channel(card, FID_KEYS);
	g->at_keys = r == RESULT_OK;
	return r;
}

/*
 * Any refusal is told as a lost PIN state: another program's command between
 * ours explains it (another application selected, the channel gone), and which
 * status word a card without a channel has for a command with secure messaging
 * is not known: 6982, 6988, 6881, 6882, 6A86, 6700, 6F00 and others are
 * thinkable. The caller opens a new channel and gives the PIN again, once.
 */
static enum result gppki_private_op(struct card *card, unsigned key_ref,
				    const uint8_t in[CARD_MODULUS_SIZE],
				    uint8_t out[CARD_MODULUS_SIZE])
{
	struct gppki *g = card->state;
	enum result r = RESULT_OK;

	if (!g->channel.open)
		return RESULT_SECURITY_STATUS;
	if (!g->at_keys)
		r = select_keys_in_channel(card);
	if (r == RESULT_OK)
		r = private_op_in_halves(card, secure, HALF, key_ref, in, out);
	if (r != RESULT_OK) /* half an operation, or an unknown counter: not to be used any more */
		end_channel(card);
	return result_is_refusal(r) ? RESULT_SECURITY_STATUS : r;
}

static bool gppki_wants_pin_again(const struct card *card)
{
	const struct gppki *g = card->state;

	return !g->channel.open;
}

static bool gppki_can_login(const struct card *card)
{
	struct keyset *keyset = secret_new(sizeof *keyset);
	bool found = keyset && keyset_find(card->options.keyset_dirs, card->profile->name, 0,
					   keyset) == RESULT_OK;

	secret_free(keyset, sizeof *keyset);
	return found;
}

const struct card_profile profile_gppki = {
	.name = "gppki",
	.cards = SHOWN("second-generation MOICA cards"),
	/* facts: gen 2, the command table */
	.marks = {
		[OP_PROBE] = OBSERVED,
		[OP_READ_TOKEN] = OBSERVED,
		[OP_READ_DIRECTORY] = OBSERVED,
		[OP_READ_FILE] = OBSERVED,
		[OP_READ_PUBLIC_KEY] = OBSERVED,
		[OP_VERIFY_PIN] = OBSERVED,
		[OP_PRIVATE_OP] = OBSERVED,
		[OP_CHALLENGE] = ASSUMED,
		[OP_AUTHENTICATE_ISSUER] = ASSUMED,
		[OP_CHANGE_PIN] = ASSUMED,
		[OP_UNBLOCK_PIN] = ASSUMED,
		[OP_WRITE_FILE] = ASSUMED,
		[OP_CREATE_FILE] = ASSUMED,
		[OP_DELETE_FILE] = ASSUMED,
		[OP_GENERATE_KEY] = PROVENANCE_NONE,
	},
	.pin_min = 6, /* facts: PIN rules, documented */
	.pin_max = 8,
	.pin_tries = 3,
	.cla = CLA,
	.get_response_cla = CLA,
	.keys_readable_any_time = false, /* a plain command may end the channel */
	.atr_hint = gppki_atr_hint,
	.probe = gppki_probe,
	.read_token = gppki_read_token,
	.select_root = gppki_select_root,
	.select_child = gppki_select_child,
	.read_public_key = gppki_read_public_key,
	.verify_pin = gppki_verify_pin,
	.change_pin = gppki_change_pin,
	.unblock_pin = gppki_unblock_pin,
	.private_op = gppki_private_op,
	.get_challenge = guarded_get_challenge,
	.authenticate_issuer = guarded_authenticate,
	.update_binary = guarded_update_binary,
	.create_file = guarded_create_file,
	.delete_file = guarded_delete_file,
	.send_guarded = gppki_send_guarded,
	.forget = end_channel,
	.release = gppki_release,
	.can_login = gppki_can_login,
	.wants_pin_again = gppki_wants_pin_again,
};
