#include "config.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "apdu/cursor.h"
#include "apdu/log.h"
#include "apdu/scp03.h"
#include "apdu/status.h"

#define BLOCK 16
#define MAC_SIZE 8          /* of the 16 bytes, what goes on the wire */
#define CRYPTOGRAM_SIZE 8
#define CLA_GP 0x80
#define CLA_SM 0x04         /* the class bit of secure messaging */
#define LEVEL_MAC_AND_ENCRYPTION 0x03
#define KEY_VERSION 0x01    /* P1 of INITIALIZE UPDATE (facts: gen 2) */
#define SCP_IDENTIFIER 0x03

/* Derivation constants: Amendment D, table 4-1; the last three: facts, key diversification. */
enum constant {
	CARD_CRYPTOGRAM = 0x00,
	HOST_CRYPTOGRAM = 0x01,
	ENC = 0x04,
	MAC = 0x06,
	DEK = 0x0C
};

/*
 * AES-CMAC to copy from, under a key of zeros: to look the cipher up costs more
 * than the MAC of a command. NULL: out of memory, or there is no CMAC.
 */
static EVP_MAC_CTX *cmac_new(OSSL_LIB_CTX *libctx)
{
	static const uint8_t zeros[SCP03_KEY_SIZE];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, (char *)"AES-128-CBC", 0),
		OSSL_PARAM_construct_end()};
	EVP_MAC *mac = EVP_MAC_fetch(libctx, "CMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	if (ctx && EVP_MAC_init(ctx, zeros, sizeof zeros, params))
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

/* Over up to three pieces, in a copy of `mac`: no key outlives the call. */
static enum result cmac(const EVP_MAC_CTX *mac, const uint8_t key[SCP03_KEY_SIZE],
			const struct cursor *parts, size_t count, uint8_t out[BLOCK])
{
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_dup(mac) : NULL;
	bool ok = ctx && EVP_MAC_init(ctx, key, SCP03_KEY_SIZE, NULL);
	size_t n = 0;

	for (size_t i = 0; ok && i < count; i++)
		ok = EVP_MAC_update(ctx, parts[i].p, parts[i].left);
	ok = ok && EVP_MAC_final(ctx, out, &n, BLOCK) && n == BLOCK;
	EVP_MAC_CTX_free(ctx);
	return ok ? RESULT_OK : RESULT_CRYPTO;
}

/*
 * One block of the SP 800-108 KDF in counter mode, in SCP03's form (Amendment
 * D, 4.1.5): label of 11 zeros and the constant, 00, length in bits, counter
 * 01, context. OpenSSL's KBKDF puts its counter first and cannot make it.
 */
static enum result derive(const EVP_MAC_CTX *mac, const uint8_t key[SCP03_KEY_SIZE],
			  enum constant constant, const struct cursor *context, size_t bits,
			  uint8_t out[BLOCK])
{
	const uint8_t head[16] = {[11] = (uint8_t)constant, [13] = (uint8_t)(bits >> 8),
				  [14] = (uint8_t)bits, [15] = 0x01};
	const struct cursor parts[] = {cursor_of(head, sizeof head), *context};

	return cmac(mac, key, parts, 2, out);
}

enum result scp03_diversify(OSSL_LIB_CTX *libctx, const uint8_t master[SCP03_KEY_SIZE],
			    const uint8_t cin[SCP03_CIN_SIZE],
			    const uint8_t aid_tail[SCP03_AID_TAIL_SIZE], struct scp03_keys *out)
{
	struct {
		enum constant constant;
		uint8_t type;
		uint8_t *key;
	} rows[] = {{ENC, 0x01, out->enc}, {MAC, 0x02, out->mac}, {DEK, 0x03, out->dek}};
	uint8_t context[1 + SCP03_CIN_SIZE + SCP03_AID_TAIL_SIZE] = {0};
	const struct cursor whole = cursor_of(context, sizeof context);
	EVP_MAC_CTX *mac = cmac_new(libctx);
	enum result r = RESULT_OK;

	memcpy(context + 1, cin, SCP03_CIN_SIZE);
	memcpy(context + 1 + SCP03_CIN_SIZE, aid_tail, SCP03_AID_TAIL_SIZE);
	for (size_t i = 0; r == RESULT_OK && i < sizeof rows / sizeof *rows; i++) {
		context[0] = rows[i].type;
		r = derive(mac, master, rows[i].constant, &whole, 8 * SCP03_KEY_SIZE, rows[i].key);
	}
	EVP_MAC_CTX_free(mac);
	if (r != RESULT_OK)
		OPENSSL_cleanse(out, sizeof *out);
	return r;
}

static enum result find_algorithms(OSSL_LIB_CTX *libctx, struct scp03 *s)
{
	if (!s->mac)
		s->mac = cmac_new(libctx);
	if (!s->aes)
		s->aes = EVP_CIPHER_fetch(libctx, "AES-128-CBC", NULL);
	return s->mac && s->aes ? RESULT_OK : RESULT_CRYPTO;
}

void scp03_close(struct scp03 *s)
{
	OPENSSL_cleanse(&s->session, sizeof s->session);
	s->open = false;
}

void scp03_release(struct scp03 *s)
{
	scp03_close(s);
	EVP_MAC_CTX_free(s->mac);
	EVP_CIPHER_free(s->aes);
	s->mac = NULL;
	s->aes = NULL;
}

/* The answer to INITIALIZE UPDATE: what of it counts. */
struct update_answer {
	struct cursor card_challenge, card_cryptogram;
};

static enum result parse_update(const struct response *resp, struct update_answer *out)
{
	struct cursor c = cursor_of(resp->data.data, resp->data.len), diversification, info;

	if (!cursor_bytes(&c, 10, &diversification) || !cursor_bytes(&c, 3, &info) ||
	    !cursor_bytes(&c, SCP03_CHALLENGE_SIZE, &out->card_challenge) ||
	    !cursor_bytes(&c, CRYPTOGRAM_SIZE, &out->card_cryptogram))
		return RESULT_BAD_ANSWER;
	/* what may follow is the sequence counter of pseudo-random challenges */
	if (info.p[1] != SCP_IDENTIFIER || (c.left != 0 && c.left != 3)) {
		log_line(LOG_ERROR, "INITIALIZE UPDATE: not an SCP03 answer");
		return RESULT_BAD_ANSWER;
	}
	return RESULT_OK;
}

static enum result make_session_keys(const struct scp03_keys *keys,
				     const struct cursor *challenges, struct scp03 *s)
{
	enum result r = derive(s->mac, keys->enc, ENC, challenges, 8 * SCP03_KEY_SIZE,
			       s->session.enc);

	if (r == RESULT_OK)
		r = derive(s->mac, keys->mac, MAC, challenges, 8 * SCP03_KEY_SIZE, s->session.mac);
	return r;
}

/* MAC over the chaining value, the header as it will be sent, and the body. */
static enum result seal(struct scp03 *s, const uint8_t header[5], const struct buffer *body,
			uint8_t mac[MAC_SIZE])
{
	const struct cursor parts[] = {cursor_of(s->session.chaining, BLOCK), cursor_of(header, 5),
				       cursor_of(body->data, body->len)};
	uint8_t full[BLOCK];
	enum result r = cmac(s->mac, s->session.mac, parts, 3, full);

	if (r == RESULT_OK) {
		memcpy(s->session.chaining, full, BLOCK);
		memcpy(mac, full, MAC_SIZE);
	}
	return r;
}

static size_t padded(size_t len)
{
	return (len / BLOCK + 1) * BLOCK;
}

/*
 * AES-CBC of the body and 80 00… after it, under the IV that is the encrypted
 * counter: the first block of CBC from zeros. The body is not copied, and
 * OpenSSL not asked for an end, so its own padding has no part in it.
 */
static bool encrypt(struct scp03 *s, EVP_CIPHER_CTX *ctx, const struct command *cmd, uint8_t *out)
{
	static const uint8_t zeros[BLOCK], padding[BLOCK] = {0x80};
	uint8_t counter[BLOCK] = {0}, iv[BLOCK];
	int n = 0, whole = 0, rest = 0;

	s->session.counter++;
	for (int i = 0; i < 4; i++)
		counter[BLOCK - 1 - i] = (uint8_t)(s->session.counter >> (8 * i));
	return EVP_EncryptInit_ex2(ctx, s->aes, s->session.enc, zeros, NULL) &&
	       EVP_EncryptUpdate(ctx, iv, &n, counter, BLOCK) && n == BLOCK &&
	       EVP_EncryptInit_ex2(ctx, NULL, NULL, iv, NULL) &&
	       EVP_EncryptUpdate(ctx, out, &whole, cmd->data, (int)cmd->len) &&
	       EVP_EncryptUpdate(ctx, out + whole, &rest, padding, BLOCK - (int)(cmd->len % BLOCK)) &&
	       (size_t)whole + (size_t)rest == padded(cmd->len);
}

/* Appends the encrypted body. */
static enum result encrypt_body(struct scp03 *s, const struct command *cmd, struct buffer *out)
{
	enum result r = buffer_reserve(out, padded(cmd->len) + MAC_SIZE);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (r == RESULT_OK && !(ctx && encrypt(s, ctx, cmd, out->data + out->len)))
		r = RESULT_CRYPTO;
	if (r == RESULT_OK)
		out->len += padded(cmd->len);
	EVP_CIPHER_CTX_free(ctx); /* wipes the key, and what waited for the padding */
	return r;
}

enum result scp03_transmit(struct channel *ch, struct scp03 *s, const struct command *cmd,
			   struct response *resp)
{
	struct command wrapped = *cmd;
	struct buffer body = BUFFER_INIT;
	uint8_t header[5], mac[MAC_SIZE];
	enum result r = RESULT_OK;

	if (!s->open)
		return RESULT_CHANNEL;
	if (cmd->len > SCP03_MAX_DATA)
		return RESULT_ARGUMENT;
	if (cmd->len)
		r = encrypt_body(s, cmd, &body);
	if (r == RESULT_OK) {
		const uint8_t as_sent[5] = {cmd->cla | CLA_SM, cmd->ins, cmd->p1, cmd->p2,
					    (uint8_t)(body.len + MAC_SIZE)};

		memcpy(header, as_sent, sizeof header);
		r = seal(s, header, &body, mac);
	}
	if (r == RESULT_OK)
		r = buffer_append(&body, mac, sizeof mac);
	if (r == RESULT_OK) {
		wrapped.cla = header[0];
		wrapped.data = body.data;
		wrapped.len = body.len;
		wrapped.once = true;
		r = channel_transmit(ch, &wrapped, resp);
	}
	buffer_clear(&body);
	if (r != RESULT_OK || (resp->sw != SW_OK && (!cmd->fine_sw || resp->sw != cmd->fine_sw)))
		scp03_close(s);
	return r;
}

static enum result initialize_update(struct channel *ch,
				     const uint8_t host_challenge[SCP03_CHALLENGE_SIZE],
				     struct response *resp, struct update_answer *answer)
{
	const struct command cmd = {.cla = CLA_GP, .ins = 0x50, .p1 = KEY_VERSION,
				    .data = host_challenge, .len = SCP03_CHALLENGE_SIZE,
				    .le = COMMAND_MAX_LE};
	enum result r = channel_transmit(ch, &cmd, resp);

	if (r == RESULT_OK)
		r = status_result(resp->sw);
	return r == RESULT_OK ? parse_update(resp, answer) : r;
}

static enum result external_authenticate(struct channel *ch, struct scp03 *s,
					 const uint8_t host_cryptogram[CRYPTOGRAM_SIZE])
{
	const uint8_t header[5] = {CLA_GP | CLA_SM, 0x82, LEVEL_MAC_AND_ENCRYPTION, 0x00,
				   CRYPTOGRAM_SIZE + MAC_SIZE};
	uint8_t data[CRYPTOGRAM_SIZE + MAC_SIZE];
	const struct command cmd = {.cla = header[0], .ins = header[1], .p1 = header[2],
				    .data = data, .len = sizeof data};
	struct buffer body = {data, CRYPTOGRAM_SIZE, sizeof data}; /* a view, never cleared */
	struct response resp = RESPONSE_INIT;
	enum result r;

	memcpy(data, host_cryptogram, CRYPTOGRAM_SIZE);
	r = seal(s, header, &body, data + CRYPTOGRAM_SIZE);
	if (r == RESULT_OK)
		r = channel_transmit(ch, &cmd, &resp);
	if (r == RESULT_OK)
		r = status_result(resp.sw);
	response_clear(&resp);
	return r;
}

/* True for what means "these keys are not accepted", not "the card is gone" or "we are broken". */
static bool is_refusal(enum result r)
{
	return result_is_refusal(r) || r == RESULT_CHANNEL || r == RESULT_BAD_ANSWER;
}

/* Both challenges in hand: session keys, both cryptograms, the card's compared first. */
static enum result authenticate(struct channel *ch, const struct scp03_keys *keys,
				const uint8_t *host_challenge,
				const struct update_answer *answer, struct scp03 *s)
{
	uint8_t challenges[2 * SCP03_CHALLENGE_SIZE] = {0}, expected[BLOCK], host[BLOCK];
	const struct cursor context = cursor_of(challenges, sizeof challenges);
	enum result r;

	memcpy(challenges, host_challenge, SCP03_CHALLENGE_SIZE);
	memcpy(challenges + SCP03_CHALLENGE_SIZE, answer->card_challenge.p, SCP03_CHALLENGE_SIZE);
	r = make_session_keys(keys, &context, s);
	if (r == RESULT_OK)
		r = derive(s->mac, s->session.mac, CARD_CRYPTOGRAM, &context, 8 * CRYPTOGRAM_SIZE,
			   expected);
	if (r == RESULT_OK &&
	    CRYPTO_memcmp(expected, answer->card_cryptogram.p, CRYPTOGRAM_SIZE) != 0) {
		log_line(LOG_ERROR, "secure channel: the card's cryptogram is wrong: the key set is not "
				    "this card's");
		r = RESULT_CHANNEL;
	}
	if (r == RESULT_OK)
		r = derive(s->mac, s->session.mac, HOST_CRYPTOGRAM, &context, 8 * CRYPTOGRAM_SIZE,
			   host);
	if (r == RESULT_OK)
		r = external_authenticate(ch, s, host);
	OPENSSL_cleanse(expected, sizeof expected);
	return r;
}

enum result scp03_open(OSSL_LIB_CTX *libctx, struct channel *ch, const struct scp03_keys *keys,
		       const uint8_t host_challenge[SCP03_CHALLENGE_SIZE], struct scp03 *s)
{
	uint8_t challenge[SCP03_CHALLENGE_SIZE];
	struct response resp = RESPONSE_INIT;
	struct update_answer answer;
	enum result r = RESULT_OK;

	scp03_close(s);
	if (host_challenge)
		memcpy(challenge, host_challenge, sizeof challenge);
	else if (RAND_bytes_ex(libctx, challenge, sizeof challenge, 0) != 1)
		return RESULT_CRYPTO;
	r = find_algorithms(libctx, s);
	if (r == RESULT_OK)
		r = initialize_update(ch, challenge, &resp, &answer);
	if (r == RESULT_OK)
		r = authenticate(ch, keys, challenge, &answer, s);
	response_clear(&resp);
	if (r != RESULT_OK) {
		scp03_close(s);
		if (is_refusal(r))
			log_line(LOG_ERROR, "%s: secure channel: %s", ch->name, result_text(r));
		return is_refusal(r) ? RESULT_CHANNEL : r;
	}
	s->open = true;
	return RESULT_OK;
}
