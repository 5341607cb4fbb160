/* command.c - commands that both generations answer alike. */
#include "internal.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

/* What a read that starts inside the file and goes beyond its end gets. */
static void
read_past_end(const struct vcard *card, const struct vc_apdu *apdu, const uint8_t *data,
    size_t rest, struct vc_reply *reply)
{
	switch (card->behaviour.read_end) {
	case VCARD_READ_END_EXACT:
		if (apdu->le != 256) {
			reply->sw = (uint16_t)(SW_WRONG_LE | (rest & 0xFF));
			return;
		}
		vc_reply_data(reply, data, rest);
		return;
	case VCARD_READ_END_STRICT:
		reply->sw = SW_WRONG_LENGTH;
		return;
	case VCARD_READ_END_WARN:
		vc_reply_data(reply, data, rest);
		reply->sw = SW_END_OF_FILE;
		return;
	case VCARD_READ_END_SHORT:
	default:
		vc_reply_data(reply, data, rest);
		return;
	}
}

void
vc_read_binary(struct vcard *card, const struct vc_apdu *apdu, bool guarded,
    struct vc_reply *reply)
{
	const struct vc_file *ef = card->session.ef;
	size_t offset = (size_t)apdu->p1 << 8 | apdu->p2;
	uint16_t refusal = ef != NULL && ef->access.own ?
	    vc_permits(card, ef->access.read, guarded) : SW_OK;

	if (apdu->lc > 0 || !apdu->has_le)
		reply->sw = SW_WRONG_LENGTH;
	else if ((apdu->p1 & 0x80) != 0) /* short file identifiers: 15-bit offset only */
		reply->sw = SW_WRONG_P1P2;
	else if (ef == NULL)
		reply->sw = SW_NO_EF;
	else if (ef->kind != VC_TRANSPARENT)
		reply->sw = SW_WRONG_FILE_TYPE;
	else if (refusal != SW_OK)
		reply->sw = refusal;
	else if (card->behaviour.read_max != 0 && apdu->le > card->behaviour.read_max)
		reply->sw = SW_WRONG_LENGTH;
	else if (offset >= ef->len)
		reply->sw = SW_WRONG_OFFSET;
	else if (apdu->le > ef->len - offset)
		read_past_end(card, apdu, ef->data + offset, ef->len - offset, reply);
	else
		vc_reply_data(reply, ef->data + offset, apdu->le);
}

bool
vc_in_key_df(const struct vcard *card)
{
	const struct vc_file *df = card->session.df;

	return df != NULL && df->fid == FID_KEYS && df->parent != NULL &&
	    df->parent->fid == FID_PKI && df->parent->parent == card->root;
}

void
vc_get_challenge(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	uint8_t challenge[VCARD_CHALLENGE_LEN];

	if (apdu->p1 != 0 || apdu->p2 != 0)
		reply->sw = SW_WRONG_P1P2;
	else if (apdu->lc > 0 || !apdu->has_le)
		reply->sw = SW_WRONG_LENGTH;
	else if (apdu->le != sizeof(challenge) && apdu->le != 256)
		reply->sw = SW_WRONG_LE | sizeof(challenge);
	else if (RAND_bytes(challenge, sizeof(challenge)) != 1)
		reply->sw = SW_MEMORY_FAILURE;
	else {
		memcpy(card->session.challenge, challenge, sizeof(challenge));
		card->session.challenge_age = 2; /* this command and the next */
		vc_reply_data(reply, challenge, sizeof(challenge));
	}
}

/* ---- private operation -------------------------------------------------------- */

void
vc_keyop_clear(struct vc_keyop *keyop)
{
	OPENSSL_cleanse(keyop, sizeof(*keyop));
}

static EVP_PKEY *
find_key(const struct vcard *card, uint8_t ref)
{
	size_t i;

	for (i = 0; i < VC_KEYS; i++)
		if (card->keys[i].pkey != NULL && card->keys[i].ref == ref)
			return card->keys[i].pkey;
	return NULL;
}

/* The card answers a block that is no residue with "wrong data". */
static bool
below_modulus(EVP_PKEY *pkey, const uint8_t block[VC_BLOCK])
{
	BIGNUM *n = NULL, *m = BN_bin2bn(block, VC_BLOCK, NULL);
	bool below = m != NULL && EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
	    BN_cmp(m, n) < 0;

	BN_clear_free(m);
	BN_free(n);
	return below;
}

static bool
rsa_private(EVP_PKEY *pkey, const uint8_t in[VC_BLOCK], uint8_t out[VC_BLOCK])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	size_t len = VC_BLOCK;
	bool ok;

	ok = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
	    EVP_PKEY_decrypt(ctx, out, &len, in, VC_BLOCK) == 1 && len == VC_BLOCK;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static void
second_half(struct vcard *card, const struct vc_apdu *apdu, EVP_PKEY *pkey, struct vc_reply *reply)
{
	struct vc_keyop *keyop = &card->session.keyop;
	uint8_t block[VC_BLOCK];

	if (!keyop->have_half || keyop->half_ref != apdu->p2) {
		reply->sw = SW_CONDITIONS;
		return;
	}
	if (apdu->has_le && apdu->le != VC_HALF && apdu->le != 256) {
		reply->sw = SW_WRONG_LE | VC_HALF;
		return;
	}
	memcpy(block, keyop->half, VC_HALF);
	memcpy(block + VC_HALF, apdu->data, VC_HALF);
	vc_keyop_clear(keyop);
	if (!below_modulus(pkey, block)) {
		reply->sw = SW_WRONG_DATA;
		goto out;
	}
	if (!rsa_private(pkey, block, keyop->result)) {
		reply->sw = SW_MEMORY_FAILURE;
		goto out;
	}
	keyop->have_result = true;
	card->stats.private_ops++;
	if (card->behaviour.pin_lost_after_private_op)
		card->session.verified = false;
	vc_reply_data(reply, keyop->result, VC_HALF);
out:
	OPENSSL_cleanse(block, sizeof(block));
}

void
vc_private_half(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	struct vc_keyop *keyop = &card->session.keyop;
	EVP_PKEY *pkey = find_key(card, apdu->p2);

	/* EA 82, EA 02 and C1 follow each other, or the operation is lost
	 * (facts: RSA private, observed order). */
	keyop->have_result = false;
	if (apdu->p1 != 0x02)
		vc_keyop_clear(keyop);
	if (apdu->p1 != 0x82 && apdu->p1 != 0x02)
		reply->sw = SW_WRONG_P1P2;
	else if (apdu->lc != VC_HALF)
		reply->sw = SW_WRONG_LENGTH;
	else if (pkey == NULL)
		reply->sw = SW_NO_REFERENCE;
	else if (apdu->p1 == 0x02)
		second_half(card, apdu, pkey, reply);
	else {
		memcpy(keyop->half, apdu->data, VC_HALF);
		keyop->half_ref = apdu->p2;
		keyop->have_half = true;
		reply->sw = SW_OK;
		return;
	}
	/* The half is used up, or the attempt was wrong: either way it goes. */
	keyop->have_half = false;
}

void
vc_private_rest(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	struct vc_keyop *keyop = &card->session.keyop;

	keyop->have_half = false;
	if (!keyop->have_result) {
		reply->sw = SW_CONDITIONS;
	} else if (apdu->p1 != 0 || apdu->p2 != VC_HALF) {
		reply->sw = SW_WRONG_P1P2;
		vc_keyop_clear(keyop);
	} else if (apdu->lc > 0 || !apdu->has_le) {
		reply->sw = SW_WRONG_LENGTH;
		vc_keyop_clear(keyop);
	} else if (apdu->le != VC_HALF && apdu->le != 256) {
		reply->sw = SW_WRONG_LE | VC_HALF;
	} else {
		vc_reply_data(reply, keyop->result + VC_HALF, VC_HALF);
		vc_keyop_clear(keyop);
	}
}
