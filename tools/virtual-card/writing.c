/*
 * writing.c - files with access rules: making, writing and deleting them, and
 * the issuer who may. All of it is assumed (docs/PROTOCOL.md).
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

enum {
	INS_AUTHENTICATE = 0x82,
	INS_UPDATE = 0xD6,
	INS_CREATE = 0xE0,
	INS_DELETE = 0xE4,
	TAG_TEMPLATE = 0x62,
	TAG_SIZE = 0x80,
	TAG_DESCRIPTOR = 0x82,
	TAG_FID = 0x83,
	TAG_SECURITY = 0x8C,
	DESCRIPTOR_DF = 0x38,
	DESCRIPTOR_TRANSPARENT = 0x01,
	MODES = 0x43, /* delete, update or make files, read or delete files */
	SECURITY_LEN = 4,
	CRYPTOGRAM_LEN = 16,
	MADE_MAX = 0x6000, /* bytes in all files that were made: ours */
	UPDATE_MAX = 200
};

bool
vc_is_writing(uint8_t ins)
{
	return ins == INS_AUTHENTICATE || ins == INS_UPDATE || ins == INS_CREATE || ins == INS_DELETE;
}

uint16_t
vc_permits(const struct vcard *card, uint8_t condition, bool guarded)
{
	switch (condition) {
	case VC_ALWAYS:
		return SW_OK;
	case VC_AFTER_PIN:
		if (card->tries == 0)
			return SW_BLOCKED;
		return guarded && card->session.verified ? SW_OK : SW_SECURITY_STATUS;
	case VC_AFTER_ISSUER:
		return guarded && card->session.issuer ? SW_OK : SW_SECURITY_STATUS;
	default:
		return SW_SECURITY_STATUS;
	}
}

void
vc_deselect(struct vcard *card, const struct vc_file *file)
{
	if (vc_fs_within(card->session.ef, file))
		card->session.ef = NULL;
	if (vc_fs_within(card->session.df, file)) {
		card->session.df = card->root;
		card->session.df_in_channel = false;
	}
}

/* ---- the issuer ------------------------------------------------------------------- */

/* The try is in the image before it is looked at: pulling the card gives none back. */
static bool
set_tries(struct vcard *card, unsigned tries)
{
	unsigned before = card->issuer_tries;

	if (before == tries)
		return true;
	card->issuer_tries = tries;
	if (vc_image_update(card))
		return true;
	card->issuer_tries = before;
	return false;
}

/* 3DES-CBC over the challenge and its PKCS#7 padding, from zeros. */
static bool
is_cryptogram(const struct vcard *card, const uint8_t *data)
{
	static const uint8_t iv[VCARD_CHALLENGE_LEN];
	uint8_t padded[CRYPTOGRAM_LEN], expected[CRYPTOGRAM_LEN];
	bool same;

	memset(padded, CRYPTOGRAM_LEN - VCARD_CHALLENGE_LEN, sizeof(padded));
	memcpy(padded, card->session.challenge, VCARD_CHALLENGE_LEN);
	same = vc_des_cbc(card->issuer_key, true, iv, padded, sizeof(padded), expected) &&
	    CRYPTO_memcmp(expected, data, sizeof(expected)) == 0;
	OPENSSL_cleanse(expected, sizeof(expected));
	return same;
}

static uint16_t
authenticate(struct vcard *card, const struct vc_apdu *apdu)
{
	unsigned left;

	card->session.issuer = false;
	if (apdu->p1 != 0 || apdu->p2 != 0)
		return SW_WRONG_P1P2;
	if (apdu->lc != CRYPTOGRAM_LEN)
		return 0x6710; /* facts: external authenticate, static */
	if (card->issuer_tries == 0)
		return SW_BLOCKED;
	if (card->session.challenge_age == 0)
		return SW_CONDITIONS;
	left = card->issuer_tries - 1;
	if (!set_tries(card, left))
		return SW_MEMORY_FAILURE;
	if (!is_cryptogram(card, apdu->data))
		return (uint16_t)(SW_PIN_WRONG | left);
	if (!set_tries(card, VCARD_ISSUER_TRIES))
		return SW_MEMORY_FAILURE;
	card->session.issuer = true;
	return SW_OK;
}

/* ---- making ------------------------------------------------------------------------ */

/* What a template asks for. */
struct wish {
	bool directory;
	size_t size;
	uint16_t fid;
	struct vc_access access;
};

static bool
take_member(struct wish *wish, uint8_t tag, const uint8_t *value, size_t len)
{
	switch (tag) {
	case TAG_SIZE:
		wish->size = len == 2 ? (size_t)(value[0] << 8 | value[1]) : 0;
		return len == 2;
	case TAG_DESCRIPTOR:
		wish->directory = len == 1 && value[0] == DESCRIPTOR_DF;
		return len == 1 && (wish->directory || value[0] == DESCRIPTOR_TRANSPARENT);
	case TAG_FID:
		wish->fid = len == 2 ? (uint16_t)(value[0] << 8 | value[1]) : 0;
		return len == 2;
	case TAG_SECURITY:
		if (len != SECURITY_LEN || value[0] != MODES)
			return false;
		wish->access = (struct vc_access){ .own = true, .remove = value[1],
		    .change = value[2], .read = value[3] };
		return true;
	default:
		return false;
	}
}

static bool
parse_template(const struct vc_apdu *apdu, struct wish *wish)
{
	const uint8_t *at = apdu->data, *end = at + apdu->lc;

	memset(wish, 0, sizeof(*wish));
	if (apdu->lc < 2 || at[0] != TAG_TEMPLATE || at[1] != apdu->lc - 2)
		return false;
	for (at += 2; end - at >= 2 && end - at - 2 >= at[1]; at += 2 + at[1])
		if (!take_member(wish, at[0], at + 2, at[1]))
			return false;
	return at == end && wish->access.own && wish->fid != 0 && wish->fid != FID_MF &&
	    wish->fid != FID_APPLET && wish->fid != 0xFFFF && wish->directory == (wish->size == 0) &&
	    wish->size < VC_FILE_MAX;
}

static size_t
bytes_made(const struct vc_file *file)
{
	size_t sum = file->access.own ? file->len : 0;
	const struct vc_file *child;

	for (child = file->children; child != NULL; child = child->next)
		sum += bytes_made(child);
	return sum;
}

static size_t
depth(const struct vc_file *file)
{
	size_t n = 0;

	for (; file != NULL; file = file->parent)
		n++;
	return n;
}

/* 9000, and the file is there with all bytes FF. */
static uint16_t
make(struct vcard *card, const struct wish *wish, struct vc_file **made)
{
	struct vc_file *df = card->session.df, *file;

	*made = NULL;
	if (wish->fid == df->fid || vc_fs_child(df, wish->fid) != NULL)
		return SW_FILE_EXISTS;
	if (bytes_made(card->root) + wish->size > MADE_MAX || depth(df) + 1 >= VC_DEPTH_MAX)
		return SW_NO_MEMORY;
	file = vc_fs_add(df, wish->fid, wish->directory ? VC_DF : VC_TRANSPARENT);
	if (file == NULL)
		return SW_MEMORY_FAILURE;
	file->access = wish->access;
	if ((!wish->directory && !vc_fs_set_padded(file, NULL, 0, wish->size, 0xFF)) ||
	    !vc_image_update(card)) {
		vc_fs_remove(file);
		return SW_MEMORY_FAILURE;
	}
	*made = file;
	return SW_OK;
}

/* The new file is the current one (ISO 7816-9). */
static uint16_t
create(struct vcard *card, const struct vc_apdu *apdu)
{
	struct vc_session *s = &card->session;
	struct vc_file *made;
	struct wish wish;
	uint16_t sw;

	if (apdu->p1 != 0 || apdu->p2 != 0)
		return SW_WRONG_P1P2;
	if (s->df == NULL)
		return SW_CONDITIONS;
	sw = vc_permits(card, s->df->access.own ? s->df->access.change : VC_AFTER_ISSUER, true);
	if (sw != SW_OK)
		return sw;
	if (!parse_template(apdu, &wish))
		return SW_WRONG_DATA;
	sw = make(card, &wish, &made);
	if (sw == SW_OK && wish.directory) {
		s->df = made;
		s->ef = NULL;
	} else if (sw == SW_OK)
		s->ef = made;
	return sw;
}

/* ---- deleting and writing ------------------------------------------------------------- */

static uint16_t
delete_file(struct vcard *card, const struct vc_apdu *apdu)
{
	struct vc_file *df = card->session.df, *file;
	uint16_t sw;

	if (apdu->p1 != 0 || apdu->p2 != 0)
		return SW_WRONG_P1P2;
	if (apdu->lc != 2)
		return SW_WRONG_LENGTH;
	if (df == NULL)
		return SW_CONDITIONS;
	file = vc_fs_child(df, (uint16_t)(apdu->data[0] << 8 | apdu->data[1]));
	if (file == NULL)
		return SW_FILE_NOT_FOUND;
	sw = vc_permits(card, file->access.own ? file->access.remove : VC_NEVER, true);
	if (sw == SW_OK && df->access.own)
		sw = vc_permits(card, df->access.read, true);
	if (sw != SW_OK)
		return sw;
	vc_fs_take(file);
	if (!vc_image_update(card)) {
		vc_fs_give(df, file);
		return SW_MEMORY_FAILURE;
	}
	vc_deselect(card, file);
	vc_fs_remove(file);
	return SW_OK;
}

/* All of it in one image, or nothing; half of it when power fails. */
static uint16_t
write_bytes(struct vcard *card, struct vc_file *ef, size_t offset, const uint8_t *data, size_t len)
{
	uint8_t before[UPDATE_MAX];

	if (card->tear)
		len /= 2;
	memcpy(before, ef->data + offset, len);
	memcpy(ef->data + offset, data, len);
	if (vc_image_update(card))
		return SW_OK;
	memcpy(ef->data + offset, before, len);
	return SW_MEMORY_FAILURE;
}

static uint16_t
update(struct vcard *card, const struct vc_apdu *apdu)
{
	size_t offset = (size_t)apdu->p1 << 8 | apdu->p2;
	struct vc_file *ef = card->session.ef;
	uint16_t sw;

	if (apdu->lc == 0 || apdu->lc > UPDATE_MAX)
		return SW_WRONG_LENGTH;
	if ((apdu->p1 & 0x80) != 0)
		return SW_WRONG_P1P2;
	if (ef == NULL)
		return SW_NO_EF;
	if (ef->kind != VC_TRANSPARENT)
		return SW_WRONG_FILE_TYPE;
	sw = vc_permits(card, ef->access.own ? ef->access.change : VC_NEVER, true);
	if (sw != SW_OK)
		return sw;
	if (offset >= ef->len)
		return SW_WRONG_OFFSET;
	if (apdu->lc > ef->len - offset)
		return SW_NO_MEMORY;
	return write_bytes(card, ef, offset, apdu->data, apdu->lc);
}

bool
vc_writing_command(struct vcard *card, const struct vc_apdu *apdu, struct vc_reply *reply)
{
	switch (apdu->ins) {
	case INS_AUTHENTICATE:
		reply->sw = authenticate(card, apdu);
		return true;
	case INS_UPDATE:
		reply->sw = update(card, apdu);
		return true;
	case INS_CREATE:
		reply->sw = create(card, apdu);
		return true;
	case INS_DELETE:
		reply->sw = delete_file(card, apdu);
		return true;
	default:
		return false;
	}
}
