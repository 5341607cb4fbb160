/* access.c - looking into the card, for tests and tools. */
#include "internal.h"

#include <string.h>

#include <openssl/x509.h>

int
vcard_generation(const struct vcard *card)
{
	return card->generation;
}

const char *
vcard_card_number(const struct vcard *card)
{
	return card->number;
}

const char *
vcard_holder(const struct vcard *card)
{
	return card->holder != NULL ? card->holder : "";
}

enum vcard_ca
vcard_issuer(const struct vcard *card)
{
	return card->ca;
}

unsigned
vcard_tries_left(const struct vcard *card)
{
	return card->tries;
}

unsigned
vcard_unblock_tries_left(const struct vcard *card)
{
	return card->unblock_tries;
}

unsigned
vcard_issuer_tries_left(const struct vcard *card)
{
	return card->issuer_tries;
}

bool
vcard_set_pin_tries(struct vcard *card, unsigned tries)
{
	if (tries > VCARD_PIN_TRIES)
		return false;
	card->tries = tries;
	return vc_image_update(card);
}

bool
vcard_file_get(const struct vcard *card, const char *path, const uint8_t **data, size_t *len)
{
	const struct vc_file *file = vc_fs_path(card->root, path);

	*data = NULL;
	*len = 0;
	if (file == NULL || file->kind == VC_DF)
		return false;
	*data = file->data;
	*len = file->len;
	return true;
}

bool
vcard_file_put(struct vcard *card, const char *path, const uint8_t *data, size_t len)
{
	struct vc_file *file = vc_fs_path(card->root, path), *parent;
	size_t path_len = strlen(path);
	char dir[VC_PATH_MAX];
	uint8_t fid[2];
	size_t fid_len;

	if (file != NULL)
		return vc_fs_set(file, data, len);
	if (len > VC_FILE_MAX || path_len < 9 || path_len >= sizeof(dir) || path[path_len - 5] != '/')
		return false;
	memcpy(dir, path, path_len - 5);
	dir[path_len - 5] = '\0';
	parent = vc_fs_path(card->root, dir);
	if (parent == NULL || !vc_unhex(path + path_len - 4, fid, sizeof(fid), &fid_len))
		return false;
	file = vc_fs_add(parent, (uint16_t)(fid[0] << 8 | fid[1]), VC_TRANSPARENT);
	return file != NULL && vc_fs_set(file, data, len);
}

bool
vcard_file_delete(struct vcard *card, const char *path)
{
	struct vc_file *file = vc_fs_path(card->root, path);

	if (file == NULL || file == card->root)
		return false;
	vc_deselect(card, file);
	vc_fs_remove(file);
	return true;
}

static void
visit_all(const struct vc_file *file, vcard_file_fn *visit, void *context)
{
	const struct vc_file *child;
	char path[VC_PATH_MAX];

	if (file == NULL || !vc_fs_name(file, path, sizeof(path)))
		return;
	visit(context, path, file->kind == VC_DF, file->len);
	for (child = file->children; child != NULL; child = child->next)
		visit_all(child, visit, context);
}

void
vcard_file_each(const struct vcard *card, vcard_file_fn *visit, void *context)
{
	visit_all(card->root, visit, context);
}

EVP_PKEY *
vcard_public_key(const struct vcard *card, unsigned key_ref)
{
	EVP_PKEY *public_key = NULL;
	const unsigned char *at;
	unsigned char *der = NULL;
	size_t i;
	int len;

	for (i = 0; i < VC_KEYS; i++) {
		if (card->keys[i].pkey == NULL || card->keys[i].ref != key_ref)
			continue;
		len = i2d_PUBKEY(card->keys[i].pkey, &der);
		at = der;
		if (len > 0)
			public_key = d2i_PUBKEY(NULL, &at, len);
		OPENSSL_free(der);
		break;
	}
	return public_key;
}

X509 *
vcard_certificate(const struct vcard *card, enum vcard_cert which)
{
	const struct vc_file *df = card->root != NULL ? vc_fs_child(card->root, FID_PKI) : NULL;
	const struct vc_file *file = df != NULL ? vc_fs_child(df, FID_CERTS) : NULL;
	size_t offset = (size_t)which * VC_CERT_SLOT;
	const unsigned char *at;

	if (file == NULL || (unsigned)which >= VC_CERTS || offset >= file->len)
		return NULL;
	at = file->data + offset;
	return d2i_X509(NULL, &at, (long)(file->len - offset));
}

void
vcard_set_card_challenge(struct vcard *card, const uint8_t challenge[VCARD_CHALLENGE_LEN])
{
	card->fixed_challenge = challenge != NULL;
	if (challenge != NULL)
		memcpy(card->challenge, challenge, VCARD_CHALLENGE_LEN);
}

void
vcard_set_cin(struct vcard *card, const uint8_t cin[VCARD_CIN_LEN])
{
	memcpy(card->cin, cin, VCARD_CIN_LEN);
	vc_scp_close(card);
}

void
vcard_set_master_key(struct vcard *card, const uint8_t key[VCARD_MASTER_KEY_LEN])
{
	memcpy(card->master_key, key, VCARD_MASTER_KEY_LEN);
	vc_scp_close(card);
}

bool
vcard_channel_open(const struct vcard *card)
{
	return card->session.scp.open;
}

bool
vcard_verified(const struct vcard *card)
{
	return card->session.verified && card->session.powered && !card->session.mute;
}
