/*
 * gen1.c - the first-generation card application.
 *
 * Facts marked "observed" were seen on real cards; what is ours is said so.
 */
#include "internal.h"

#include <string.h>

#include <openssl/crypto.h>

enum {
	CLA_PLAIN = 0x80,
	CLA_SECURE = 0x8C,
	INS_VERIFY = 0x20,
	INS_CHANGE = 0x24,
	INS_UNBLOCK = 0x2C,
	INS_CHALLENGE = 0x84,
	INS_SELECT = 0xA4,
	INS_READ_BINARY = 0xB0,
	INS_READ_RECORD = 0xB2,
	INS_REST = 0xC1,
	INS_PRIVATE = 0xEA,
	RECORD_LEN = 129, /* the record's number and 128 bytes */
	VERIFY_LEN = 0x20,
	CHANGE_LEN = 0x28 /* ours: both in one cryptogram (PROTOCOL.md, assumed) */
};

/* The MF from anywhere, the current DF, and its children. The answer has no
 * FCI (facts: gen 1 select, observed); an offered Le is ignored. */
static void
do_select(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	struct vc_session *s = &card->session;
	struct vc_file *file;
	uint16_t fid;

	if (apdu->p1 != 0 || apdu->p2 != 0) {
		reply->sw = SW_WRONG_P1P2;
		return;
	}
	if (apdu->lc != 2) {
		reply->sw = SW_WRONG_LENGTH;
		return;
	}
	fid = (uint16_t)(apdu->data[0] << 8 | apdu->data[1]);
	if (fid == FID_MF)
		file = card->root;
	else if (fid == s->df->fid)
		file = s->df;
	else
		file = vc_fs_child(s->df, fid);
	if (file == NULL) {
		reply->sw = SW_FILE_NOT_FOUND;
		return;
	}
	if (file->kind == VC_DF) {
		s->df = file;
		s->ef = NULL;
	} else
		s->ef = file;
	reply->sw = SW_OK;
}

/* P2 is 00, not ISO's mode (facts: gen 1 read record, observed). */
static void
read_record(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	const struct vc_file *ef = card->session.ef;
	size_t at;

	if (apdu->p2 != 0)
		reply->sw = SW_WRONG_P1P2;
	else if (apdu->lc > 0 || !apdu->has_le)
		reply->sw = SW_WRONG_LENGTH;
	else if (ef == NULL)
		reply->sw = SW_NO_EF;
	else if (ef->kind != VC_RECORDS)
		reply->sw = SW_WRONG_FILE_TYPE;
	else {
		reply->sw = SW_RECORD_NOT_FOUND;
		for (at = 0; at + RECORD_LEN <= ef->len; at += RECORD_LEN)
			if (ef->data[at] == apdu->p1)
				break;
		if (at + RECORD_LEN > ef->len)
			return;
		if (apdu->le == RECORD_LEN || apdu->le == 256)
			vc_reply_data(reply, ef->data + at, RECORD_LEN);
		else
			reply->sw = SW_WRONG_LE | RECORD_LEN;
	}
}

static bool
is_pin_command(const struct vc_apdu *apdu)
{
	return apdu->ins == INS_VERIFY || apdu->ins == INS_CHANGE || apdu->ins == INS_UNBLOCK;
}

/* A try of what the command compares. */
static uint16_t
refuse_pin(struct vcard *card, const struct vc_apdu *apdu, uint16_t sw)
{
	return apdu->ins == INS_UNBLOCK ? vc_code_refuse(card, sw) : vc_pin_refuse(card, sw);
}

static void
pin_protected(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	bool one = apdu->ins == INS_VERIFY;
	uint8_t blocks[2 * VC_PIN_BLOCK];

	if (apdu->p1 != 0 || apdu->p2 != 1)
		reply->sw = SW_WRONG_P1P2;
	else if (apdu->lc != (one ? VERIFY_LEN : CHANGE_LEN))
		reply->sw = SW_WRONG_LENGTH;
	else if (!vc_in_key_df(card))
		reply->sw = SW_CONDITIONS;
	else if (!vc_pin_unprotect(apdu->data, apdu->lc, blocks, one ? 1 : 2))
		/* Ours: as on a wrong PIN, so that a client never treats a
		 * spoiled cryptogram as free. */
		reply->sw = refuse_pin(card, apdu, SW_SM_DATA);
	else if (one)
		reply->sw = vc_pin_check(card, blocks);
	else if (apdu->ins == INS_CHANGE)
		reply->sw = vc_pin_change(card, blocks);
	else
		reply->sw = vc_pin_unblock(card, blocks);
	OPENSSL_cleanse(blocks, sizeof(blocks));
}

static void
private_op(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	if (!vc_in_key_df(card))
		reply->sw = SW_CONDITIONS;
	else if (!card->session.verified)
		reply->sw = SW_SECURITY_STATUS;
	else {
		vc_private_half(card, apdu, reply);
		return;
	}
	vc_keyop_clear(&card->session.keyop);
}

static void
plain_command(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	switch (apdu->ins) {
	case INS_SELECT:
		do_select(card, apdu, reply);
		break;
	case INS_READ_BINARY:
		vc_read_binary(card, apdu, true, reply);
		break;
	case INS_READ_RECORD:
		read_record(card, apdu, reply);
		break;
	case INS_CHALLENGE:
		vc_get_challenge(card, apdu, reply);
		break;
	case INS_PRIVATE:
		private_op(card, apdu, reply);
		break;
	case INS_REST:
		vc_private_rest(card, apdu, reply);
		break;
	default:
		if (!vc_writing_command(card, apdu, reply))
			reply->sw = SW_WRONG_INS;
		break;
	}
}

void
vc_gen1_command(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	if (apdu->ins != INS_PRIVATE && apdu->ins != INS_REST)
		vc_keyop_clear(&card->session.keyop);
	/* A clear VERIFY is refused and can cost a try (facts: PIN protection,
	 * observed); here it always does, and so does a clear change. */
	if (is_pin_command(apdu) && (apdu->cla == CLA_PLAIN || apdu->cla == 0x00))
		reply->sw = refuse_pin(card, apdu, SW_SECURITY_STATUS);
	else if (apdu->cla == CLA_PLAIN)
		plain_command(card, apdu, reply);
	else if (apdu->cla == CLA_SECURE && is_pin_command(apdu))
		pin_protected(card, apdu, reply);
	else if (apdu->cla == CLA_SECURE)
		reply->sw = SW_WRONG_INS;
	else {
		/* Facts: gen 1 refuses class 00 with 6E00, observed. */
		reply->sw = SW_WRONG_CLA;
		vc_keyop_clear(&card->session.keyop);
	}
}
