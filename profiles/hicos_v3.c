#include "config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "apdu/pin_block.h"
#include "apdu/log.h"
#include "apdu/status.h"
#include "profiles/internal.h"

/*
 * First-generation cards. Every command has class 80 (the standard's 00 is
 * refused), VERIFY the secure-messaging class 8C (facts: gen 1, observed).
 */
#define CLA 0x80
#define CLA_PROTECTED 0x8C
#define MF 0x3F00
#define HALF 128         /* a record, and half an RSA block */
#define OS_TEXT_SIZE 24
#define WORD 4

static const char known_os[] = "CHT V32"; /* facts: which cards; V21 to V31 have no known protocol */

static enum result select_fid(struct card *card, uint16_t fid)
{
	const uint8_t data[2] = {(uint8_t)(fid >> 8), (uint8_t)fid};
	const struct command cmd = {.cla = CLA, .ins = 0xA4, .data = data, .len = sizeof data};
	struct response resp = RESPONSE_INIT;
	enum result r = channel_transmit(card->channel, &cmd, &resp);

	if (r == RESULT_OK)
		r = status_select_result(resp.sw);
	response_clear(&resp);
	return r;
}

static enum result hicos_select_root(struct card *card)
{
	return select_fid(card, MF);
}

/* The historical bytes name the CA: CHTMOICA. The second generation's say CHTGPKI. */
static bool hicos_atr_hint(const uint8_t *atr, size_t len)
{
	static const char vendor[] = "CHT", second[] = "CHTGPKI";

	for (size_t i = 0; i + sizeof vendor - 1 <= len; i++) {
		if (memcmp(atr + i, vendor, sizeof vendor - 1) != 0)
			continue;
		return i + sizeof second - 1 > len || memcmp(atr + i, second, sizeof second - 1) != 0;
	}
	return false;
}

static enum result hicos_probe(struct card *card)
{
	const struct card_path root = {0, {0}};
	struct buffer text = BUFFER_INIT;
	enum result r;

	r = files_enter(card, &root);
	if (r == RESULT_OK)
		r = token_info_card_file(card, FID_CARD_OS, OS_TEXT_SIZE, &text);
	if (r == RESULT_OK && (text.len < sizeof known_os - 1 ||
			       memcmp(text.data, known_os, sizeof known_os - 1) != 0)) {
		log_line(LOG_ERROR, "card OS \"%.*s\": no protocol is known for it", (int)text.len,
			 text.len ? (const char *)text.data : "");
		r = RESULT_UNKNOWN_CARD;
	}
	buffer_clear(&text);
	return r;
}

static enum result hicos_read_token(struct card *card, struct token_data *out)
{
	snprintf(out->model, sizeof out->model, "T7S"); /* facts: which cards */
	return token_info_read(card, out);
}

/* A record is its number and 128 bytes; P2 is 00, which is not the standard's use. */
static enum result read_record(struct card *card, unsigned number, uint8_t out[HALF])
{
	const struct command cmd = {.cla = CLA, .ins = 0xB2, .p1 = (uint8_t)number, .le = 1 + HALF};
	struct response resp = RESPONSE_INIT;
	enum result r;

	if (number > UINT8_MAX)
		return RESULT_NOT_FOUND;
	r = channel_transmit(card->channel, &cmd, &resp);
	if (r == RESULT_OK)
		r = status_result(resp.sw);
	if (r == RESULT_OK && (resp.data.len != 1 + HALF || resp.data.data[0] != number))
		r = RESULT_BAD_ANSWER;
	if (r == RESULT_OK)
		memcpy(out, resp.data.data + 1, HALF);
	response_clear(&resp);
	return r;
}

/* The modulus is stored as 32-bit words in reverse order (facts: gen 1, public keys). */
static void reverse_words(uint8_t *data, size_t len)
{
	for (size_t front = 0, back = len - WORD; front < back; front += WORD, back -= WORD) {
		uint8_t word[WORD];

		memcpy(word, data + front, WORD);
		memcpy(data + front, data + back, WORD);
		memcpy(data + back, word, WORD);
	}
}

static enum result hicos_read_public_key(struct card *card, unsigned key_ref,
					 struct rsa_public *out)
{
	uint8_t record[HALF];
	enum result r;

	r = files_select(card, &path_public_keys);
	if (r == RESULT_OK)
		r = read_record(card, key_ref, record);
	if (r == RESULT_OK) {
		out->exponent = (uint32_t)record[0] << 24 | (uint32_t)record[1] << 16 |
				(uint32_t)record[2] << 8 | record[3];
		r = read_record(card, key_ref + 2, out->modulus);
	}
	if (r == RESULT_OK)
		r = read_record(card, key_ref + 3, out->modulus + HALF);
	if (r == RESULT_OK)
		reverse_words(out->modulus, sizeof out->modulus);
	return r;
}

/* What has PINs in it: never sent in the clear, never sent twice. */
static enum result send_protected(struct card *card, uint8_t ins, const uint8_t *data, size_t len,
				  int *tries)
{
	const struct command cmd = {.cla = CLA_PROTECTED, .ins = ins, .p2 = 0x01, .data = data,
				    .len = len, .sensitive = true};
	struct response resp = RESPONSE_INIT;
	enum result r = files_enter(card, &path_keys);

	if (r == RESULT_OK)
		r = channel_transmit(card->channel, &cmd, &resp);
	if (r == RESULT_OK)
		r = status_pin_result(resp.sw, tries);
	if (r == RESULT_SECURITY_STATUS) /* not about the PIN: it was not looked at */
		r = RESULT_CARD_REFUSED;
	response_clear(&resp);
	return r;
}

static enum result make_iv(struct card *card, uint8_t iv[PIN_IV_SIZE])
{
	return RAND_bytes_ex(card->options.libctx, iv, PIN_IV_SIZE, 0) == 1 ? RESULT_OK
									     : RESULT_CRYPTO;
}

static enum result hicos_verify_pin(struct card *card, const uint8_t *pin, size_t len, int *tries)
{
	uint8_t iv[PIN_IV_SIZE], data[PIN_PROTECTED_SIZE];
	enum result r = make_iv(card, iv);

	if (r == RESULT_OK)
		r = pin_protect(card->options.libctx, pin, len, iv, data);
	if (r == RESULT_OK)
		r = send_protected(card, 0x20, data, sizeof data, tries);
	OPENSSL_cleanse(data, sizeof data);
	return r;
}

static enum result send_new_pin(struct card *card, uint8_t ins, const struct new_pin *pins,
				int *tries)
{
	uint8_t iv[PIN_IV_SIZE], data[PIN_PAIR_PROTECTED_SIZE];
	enum result r = make_iv(card, iv);

	if (r == RESULT_OK)
		r = pin_protect_pair(card->options.libctx, pins->right, pins->right_len, pins->pin,
				     pins->pin_len, iv, data);
	if (r == RESULT_OK)
		r = send_protected(card, ins, data, sizeof data, tries);
	OPENSSL_cleanse(data, sizeof data);
	return r;
}

/* CHANGE REFERENCE DATA: static; with both PINs in one cryptogram: assumed. */
static enum result hicos_change_pin(struct card *card, const struct new_pin *pins, int *tries)
{
	return send_new_pin(card, 0x24, pins, tries);
}

/* RESET RETRY COUNTER of ISO/IEC 7816-4: assumed, no real card is known to have it. */
static enum result hicos_unblock_pin(struct card *card, const struct new_pin *pins, int *tries)
{
	return send_new_pin(card, 0x2C, pins, tries);
}

static enum result send_plain(struct card *card, const struct command *cmd, struct response *resp)
{
	return channel_transmit(card->channel, cmd, resp);
}

static enum result hicos_private_op(struct card *card, unsigned key_ref,
				    const uint8_t in[CARD_MODULUS_SIZE],
				    uint8_t out[CARD_MODULUS_SIZE])
{
	enum result r;

	if (card->at_keys) {
		r = private_op_in_halves(card, send_plain, 0, key_ref, in, out);
		if (r == RESULT_OK)
			files_at(card, &path_keys); /* it worked, so that is where we are */
		if (!result_is_refusal(r))
			return r;
		/* another program selected elsewhere: go back there, once */
		log_line(LOG_DEBUG, "%s: private operation: %s: selecting the keys again",
			 card->channel->name, result_text(r));
	}
	r = files_enter(card, &path_keys);
	return r == RESULT_OK ? private_op_in_halves(card, send_plain, 0, key_ref, in, out) : r;
}

const struct card_profile profile_hicos_v3 = {
	.name = "hicos-v3",
	.cards = SHOWN("first-generation MOICA, MOEACA and other GPKI cards"),
	/* facts: gen 1, the command table; probing is a SELECT and two reads */
	.marks = {
		[OP_PROBE] = OBSERVED,
		[OP_READ_TOKEN] = OBSERVED,
		[OP_READ_DIRECTORY] = OBSERVED,
		[OP_READ_FILE] = OBSERVED,
		[OP_READ_PUBLIC_KEY] = OBSERVED,
		[OP_VERIFY_PIN] = OBSERVED,
		[OP_PRIVATE_OP] = OBSERVED,
		[OP_CHALLENGE] = STATIC,
		[OP_AUTHENTICATE_ISSUER] = STATIC, /* its data: assumed */
		[OP_CHANGE_PIN] = STATIC,
		[OP_UNBLOCK_PIN] = ASSUMED,
		[OP_WRITE_FILE] = STATIC,
		[OP_CREATE_FILE] = ASSUMED,
		[OP_DELETE_FILE] = ASSUMED,
		[OP_GENERATE_KEY] = PROVENANCE_NONE,
	},
	.pin_min = 6, /* facts: PIN rules, documented */
	.pin_max = 8,
	.pin_tries = 3,
	.cla = CLA,
	.get_response_cla = CLA,
	.keys_readable_any_time = true,
	.atr_hint = hicos_atr_hint,
	.probe = hicos_probe,
	.read_token = hicos_read_token,
	.select_root = hicos_select_root,
	.select_child = select_fid,
	.read_public_key = hicos_read_public_key,
	.verify_pin = hicos_verify_pin,
	.change_pin = hicos_change_pin,
	.unblock_pin = hicos_unblock_pin,
	.private_op = hicos_private_op,
	.get_challenge = guarded_get_challenge,
	.authenticate_issuer = guarded_authenticate,
	.update_binary = guarded_update_binary,
	.create_file = guarded_create_file,
	.delete_file = guarded_delete_file,
};
