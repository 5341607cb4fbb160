/*
 * gen2.c - the second-generation card: a GlobalPlatform card with the PKI
 * application, two applications that tell about keys, and SCP03.
 */
#include "internal.h"

#include <string.h>

#include <openssl/crypto.h>

enum {
	CLA_ISO = 0x00,
	CLA_GP = 0x80,
	CLA_ISO_SECURE = 0x04,
	CLA_GP_SECURE = 0x84,
	INS_VERIFY = 0x20,
	INS_CHANGE = 0x24,
	INS_UNBLOCK = 0x2C,
	INS_INITIALIZE = 0x50,
	INS_AUTHENTICATE = 0x82,
	INS_CHALLENGE = 0x84,
	INS_SELECT = 0xA4,
	INS_READ_BINARY = 0xB0,
	INS_READ_RECORD = 0xB2,
	INS_GET_RESPONSE = 0xC0,
	INS_REST = 0xC1,
	INS_GET_DATA = 0xCA,
	INS_PRIVATE = 0xEA,
	RECORD_LEN = 2 + VC_HALF /* key reference, part, half of the modulus */
};

static const uint8_t aid_pki[] = {
	0xA0, 0x00, 0x00, 0x02, 0x83, 0x00, 0x00, 0x06, 0x22, 0x01, 0x69, 0x64, 0x00, 0x01, 0x01, 0x01
};
static const uint8_t aid_key_info[] = {
	0xA0, 0x00, 0x00, 0x02, 0x83, 0xFF, 0x08, 0x86, 0x92, 0x53, 0x53, 0x89, 0xC0, 0x00, 0x14
};
static const uint8_t aid_issuer[] = { 0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00 };

/* Three keys of the key set: identifier, version, AES (88), 16 bytes (facts:
 * key diversification, observed: byte 7 is the key length). */
static const uint8_t key_information[] = {
	0xE0, 0x12,
	0xC0, 0x04, 0x01, 0x01, 0x88, 0x10,
	0xC0, 0x04, 0x02, 0x01, 0x88, 0x10,
	0xC0, 0x04, 0x03, 0x01, 0x88, 0x10
};

/* ---- select ------------------------------------------------------------------------ */

/* Data in the answer to a SELECT: at once, as 61xx, or not at all without Le. */
static void
select_answer(struct vcard *card, const struct vc_apdu *apdu, bool in_channel,
    const uint8_t *data, size_t len, struct vc_reply *reply)
{
	struct vc_session *s = &card->session;

	reply->sw = SW_OK;
	/* Inside the channel GET RESPONSE would be a plain command: there
	 * data is only held back when the client asked for some. */
	if (card->behaviour.select_61 && (apdu->has_le || !in_channel)) {
		memcpy(s->more, data, len);
		s->more_len = len;
		reply->sw = (uint16_t)(SW_MORE_DATA | len);
	} else if (apdu->has_le && apdu->le < len)
		reply->sw = (uint16_t)(SW_WRONG_LE | len);
	else if (apdu->has_le)
		vc_reply_data(reply, data, len);
}

static bool
is_aid(const struct vc_apdu *apdu, const uint8_t *aid, size_t len)
{
	return apdu->lc == len && memcmp(apdu->data, aid, len) == 0;
}

/* FCI of a security domain: its name. */
static void
select_domain(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	uint8_t fci[4 + 16] = { 0x6F, (uint8_t)(apdu->lc + 2), 0x84, (uint8_t)apdu->lc };

	if (apdu->p2 == 0x0C) {
		reply->sw = SW_OK;
		return;
	}
	memcpy(fci + 4, apdu->data, apdu->lc);
	select_answer(card, apdu, false, fci, 4 + apdu->lc, reply);
}

/* Selecting by name ends the channel, also when it is the same application. */
static void
select_name(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	struct vc_session *s = &card->session;
	enum vc_application application;

	if (apdu->p2 != 0x00 && apdu->p2 != 0x0C) {
		reply->sw = SW_WRONG_P1P2;
		return;
	}
	if (is_aid(apdu, aid_pki, sizeof(aid_pki)))
		application = VC_APP_PKI;
	else if (is_aid(apdu, aid_key_info, sizeof(aid_key_info)))
		application = VC_APP_KEY_INFO;
	else if (is_aid(apdu, aid_issuer, sizeof(aid_issuer)))
		application = VC_APP_ISSUER;
	else {
		reply->sw = SW_FILE_NOT_FOUND;
		return;
	}
	/* The one form that was observed for the PKI application: no answer
	 * data (P2 0C), and yet an Le. */
	if (application == VC_APP_PKI && apdu->p2 != 0x0C) {
		reply->sw = SW_WRONG_P1P2;
		return;
	}
	if (application == VC_APP_PKI && !apdu->has_le) {
		reply->sw = SW_WRONG_LENGTH;
		return;
	}
	vc_scp_close(card);
	s->application = application;
	s->df = application == VC_APP_PKI ? card->root : NULL;
	s->ef = NULL;
	if (application == VC_APP_PKI)
		reply->sw = SW_OK;
	else
		select_domain(card, apdu, reply);
}

/* File control parameters (ISO 7816-4); the real template is not recorded. */
static size_t
make_fcp(const struct vc_file *file, uint8_t fcp[24])
{
	uint8_t *at = fcp + 2;

	if (file->kind != VC_DF) {
		*at++ = 0x80;
		*at++ = 0x02;
		*at++ = (uint8_t)(file->len >> 8);
		*at++ = (uint8_t)(file->len & 0xFF);
	}
	*at++ = 0x82;
	*at++ = 0x01;
	*at++ = file->kind == VC_DF ? 0x38 : file->kind == VC_RECORDS ? 0x02 : 0x01;
	*at++ = 0x83;
	*at++ = 0x02;
	*at++ = (uint8_t)(file->fid >> 8);
	*at++ = (uint8_t)(file->fid & 0xFF);
	*at++ = 0x8A; /* life cycle: activated */
	*at++ = 0x01;
	*at++ = 0x05;
	fcp[0] = 0x62;
	fcp[1] = (uint8_t)(at - fcp - 2);
	return (size_t)(at - fcp);
}

/* The application's root (7FFF, as its paths say) from anywhere, the current
 * DF, and its children. Wider searching was not observed. */
static struct vc_file *
find_file(const struct vcard *card, uint16_t fid)
{
	struct vc_file *df = card->session.df;

	if (df == NULL)
		return NULL;
	if (fid == FID_APPLET)
		return card->root;
	return fid == df->fid ? df : vc_fs_child(df, fid);
}

static void
select_file(struct vcard *card, const struct vc_apdu *apdu, bool in_channel,
    struct vc_reply *reply)
{
	struct vc_session *s = &card->session;
	struct vc_file *file;
	uint8_t fcp[24];
	size_t len;

	if (apdu->p2 != 0x04 && apdu->p2 != 0x0C) {
		reply->sw = SW_WRONG_P1P2;
		return;
	}
	if (apdu->lc != 2) {
		reply->sw = SW_WRONG_LENGTH;
		return;
	}
	file = find_file(card, (uint16_t)(apdu->data[0] << 8 | apdu->data[1]));
	if (file == NULL) {
		reply->sw = SW_FILE_NOT_FOUND;
		return;
	}
	if (file->kind == VC_DF) {
		s->df = file;
		s->ef = NULL;
		s->df_in_channel = in_channel;
	} else
		s->ef = file;
	if (apdu->p2 == 0x0C) {
		reply->sw = SW_OK;
		return;
	}
	len = make_fcp(file, fcp);
	select_answer(card, apdu, in_channel, fcp, len, reply);
}

static void
do_select(struct vcard *card, const struct vc_apdu *apdu, bool in_channel, struct vc_reply *reply)
{
	if (apdu->p1 == 0x04 && !in_channel)
		select_name(card, apdu, reply);
	else if (apdu->p1 == 0x00)
		select_file(card, apdu, in_channel, reply);
	else
		reply->sw = SW_WRONG_P1P2;
}

static void
get_response(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	struct vc_session *s = &card->session;
	size_t len = apdu->le < s->more_len ? apdu->le : s->more_len;

	if (s->more_len == 0)
		reply->sw = SW_CONDITIONS;
	else if (apdu->p1 != 0 || apdu->p2 != 0)
		reply->sw = SW_WRONG_P1P2;
	else if (apdu->lc > 0 || !apdu->has_le)
		reply->sw = SW_WRONG_LENGTH;
	else {
		vc_reply_data(reply, s->more, len);
		s->more_len -= len;
		memmove(s->more, s->more + len, s->more_len);
		if (s->more_len > 0)
			reply->sw = (uint16_t)(SW_MORE_DATA | s->more_len);
	}
}

/* ---- data ----------------------------------------------------------------------------- */

/* Big-endian halves of the modulus, by key reference and part (facts: gen 2
 * public key, observed). */
static void
read_record(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	const struct vc_file *ef = card->session.ef;
	size_t at;

	if (apdu->p2 != 0x03 && apdu->p2 != 0x04)
		reply->sw = SW_WRONG_P1P2;
	else if (apdu->lc > 0 || !apdu->has_le)
		reply->sw = SW_WRONG_LENGTH;
	else if (ef == NULL)
		reply->sw = SW_NO_EF;
	else if (ef->kind != VC_RECORDS)
		reply->sw = SW_WRONG_FILE_TYPE;
	else if (apdu->le != VC_HALF && apdu->le != 256)
		reply->sw = SW_WRONG_LE | VC_HALF;
	else {
		reply->sw = SW_RECORD_NOT_FOUND;
		for (at = 0; at + RECORD_LEN <= ef->len; at += RECORD_LEN) {
			if (ef->data[at] != apdu->p1 || ef->data[at + 1] != apdu->p2)
				continue;
			vc_reply_data(reply, ef->data + at + 2, VC_HALF);
			return;
		}
	}
}

static void
get_data(const struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	enum vc_application application = card->session.application;
	uint8_t cin[2 + VCARD_CIN_LEN] = { 0x45, VCARD_CIN_LEN };

	if (apdu->lc > 0 || !apdu->has_le)
		reply->sw = SW_WRONG_LENGTH;
	else if (application == VC_APP_KEY_INFO && apdu->p1 == 0x00 && apdu->p2 == 0xE0)
		vc_reply_data(reply, key_information, sizeof(key_information));
	else if (application == VC_APP_ISSUER && apdu->p1 == 0x00 && apdu->p2 == 0x45) {
		memcpy(cin + 2, card->cin, VCARD_CIN_LEN);
		vc_reply_data(reply, cin, sizeof(cin));
	} else
		reply->sw = SW_NO_REFERENCE;
}

/* ---- PIN and keys: only inside the channel -------------------------------------------- */

static void
verify(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	if (apdu->p1 != 0 || apdu->p2 != 1)
		reply->sw = SW_WRONG_P1P2;
	else if (apdu->lc != VC_PIN_BLOCK)
		reply->sw = SW_WRONG_LENGTH;
	else
		reply->sw = vc_pin_check(card, apdu->data);
}

/* Ours, by analogy: the old PIN or the unblocking code, then the new PIN. */
static void
replace_pin(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	if (apdu->p1 != 0 || apdu->p2 != 1)
		reply->sw = SW_WRONG_P1P2;
	else if (apdu->lc != 2 * VC_PIN_BLOCK)
		reply->sw = SW_WRONG_LENGTH;
	else if (apdu->ins == INS_CHANGE)
		reply->sw = vc_pin_change(card, apdu->data);
	else
		reply->sw = vc_pin_unblock(card, apdu->data);
}

static void
private_op(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	if (!card->session.verified)
		reply->sw = SW_SECURITY_STATUS;
	else if (!vc_in_key_df(card) || !card->session.df_in_channel)
		reply->sw = SW_CONDITIONS;
	else {
		vc_private_half(card, apdu, reply);
		return;
	}
	vc_keyop_clear(&card->session.keyop);
}

/* Class and instruction, as they are without secure messaging. */
static unsigned
code(const struct vc_apdu *apdu)
{
	return (unsigned)apdu->cla << 8 | apdu->ins;
}

/* As it is without secure messaging. */
static void
inner_command(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	switch (code(apdu)) {
	case CLA_ISO << 8 | INS_VERIFY:
		verify(card, apdu, reply);
		break;
	case CLA_ISO << 8 | INS_CHANGE:
	case CLA_ISO << 8 | INS_UNBLOCK:
		replace_pin(card, apdu, reply);
		break;
	case CLA_ISO << 8 | INS_SELECT:
		do_select(card, apdu, true, reply);
		break;
	case CLA_ISO << 8 | INS_READ_BINARY:
		vc_read_binary(card, apdu, true, reply);
		break;
	case CLA_ISO << 8 | INS_CHALLENGE:
		vc_get_challenge(card, apdu, reply);
		break;
	case CLA_GP << 8 | INS_READ_RECORD:
		read_record(card, apdu, reply);
		break;
	case CLA_GP << 8 | INS_PRIVATE:
		private_op(card, apdu, reply);
		break;
	case CLA_GP << 8 | INS_REST:
		vc_private_rest(card, apdu, reply);
		break;
	default:
		if (apdu->cla != CLA_ISO || !vc_writing_command(card, apdu, reply))
			reply->sw = SW_WRONG_INS;
		break;
	}
}

static void
channel_command(struct vcard *card, const struct vc_apdu *wrapped, struct vc_reply *reply)
{
	uint8_t buffer[255];
	struct vc_apdu apdu;

	if (!card->session.scp.open) {
		reply->sw = SW_SECURITY_STATUS;
		return;
	}
	if (vc_scp_unwrap(card, wrapped, &apdu, buffer))
		inner_command(card, &apdu, reply);
	else
		reply->sw = SW_SM_DATA;
	OPENSSL_cleanse(buffer, sizeof(buffer));
}

/* Ours: a PIN in clear is as dear as on gen 1. False: it is another command. */
static bool
refuse_clear_pin(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	if (apdu->ins == INS_UNBLOCK)
		reply->sw = vc_code_refuse(card, SW_SECURITY_STATUS);
	else if (apdu->ins == INS_VERIFY || apdu->ins == INS_CHANGE)
		reply->sw = vc_pin_refuse(card, SW_SECURITY_STATUS);
	else
		return false;
	return true;
}

static void
plain_command(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	bool pki = card->session.application == VC_APP_PKI;

	if (refuse_clear_pin(card, apdu, reply))
		return;
	switch (code(apdu)) {
	case CLA_ISO << 8 | INS_SELECT:
		do_select(card, apdu, false, reply);
		break;
	case CLA_ISO << 8 | INS_READ_BINARY:
		vc_read_binary(card, apdu, false, reply);
		break;
	case CLA_ISO << 8 | INS_GET_RESPONSE:
		get_response(card, apdu, reply);
		break;
	case CLA_GP << 8 | INS_READ_RECORD:
		read_record(card, apdu, reply);
		break;
	case CLA_GP << 8 | INS_GET_DATA:
		get_data(card, apdu, reply);
		break;
	case CLA_GP << 8 | INS_CHALLENGE:
	case CLA_ISO << 8 | INS_CHALLENGE:
		vc_get_challenge(card, apdu, reply);
		break;
	case CLA_GP << 8 | INS_INITIALIZE:
		if (pki)
			vc_scp_initialize(card, apdu, reply);
		else
			reply->sw = SW_CONDITIONS;
		break;
	case CLA_GP << 8 | INS_PRIVATE:
	case CLA_GP << 8 | INS_REST:
		reply->sw = SW_SECURITY_STATUS;
		break;
	default:
		/* Ours: to write is for the channel. */
		reply->sw = vc_is_writing(apdu->ins) ? SW_SECURITY_STATUS : SW_WRONG_INS;
		break;
	}
}

void
vc_gen2_command(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	struct vc_session *s = &card->session;
	bool secure = apdu->cla == CLA_ISO_SECURE || apdu->cla == CLA_GP_SECURE;

	if (!secure || (apdu->ins != INS_PRIVATE && apdu->ins != INS_REST))
		vc_keyop_clear(&s->keyop);
	if (apdu->ins != INS_GET_RESPONSE)
		s->more_len = 0;
	/* GET RESPONSE belongs to the command before it. */
	if (!secure && card->behaviour.plain_ends_channel && apdu->ins != INS_GET_RESPONSE && s->scp.open)
		vc_scp_close(card);
	/* INITIALIZE UPDATE and EXTERNAL AUTHENTICATE follow each other. */
	if (s->scp.initialised && apdu->ins != INS_INITIALIZE &&
	    !(apdu->cla == CLA_GP_SECURE && apdu->ins == INS_AUTHENTICATE))
		vc_scp_close(card);
	if (apdu->cla == CLA_GP_SECURE && apdu->ins == INS_AUTHENTICATE)
		vc_scp_authenticate(card, apdu, reply);
	else if (secure)
		channel_command(card, apdu, reply);
	else if (apdu->cla == CLA_ISO || apdu->cla == CLA_GP)
		plain_command(card, apdu, reply);
	else
		/* Also gen 1's 8C 20, which costs nothing here. */
		reply->sw = SW_WRONG_CLA;
}
