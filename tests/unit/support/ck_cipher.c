#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "ck_cipher.h"

const struct ck_cipher ck_ciphers[] = {
	{"AES-128-ECB", CKM_AES_ECB, CKK_AES, 16, "AES-128-ECB", 16, false, 0},
	{"AES-256-ECB", CKM_AES_ECB, CKK_AES, 32, "AES-256-ECB", 16, false, 0},
	{"AES-128-CBC", CKM_AES_CBC, CKK_AES, 16, "AES-128-CBC", 16, false, 0},
	{"AES-192-CBC-PAD", CKM_AES_CBC_PAD, CKK_AES, 24, "AES-192-CBC", 16, true, 0},
	{"AES-256-CBC-PAD", CKM_AES_CBC_PAD, CKK_AES, 32, "AES-256-CBC", 16, true, 0},
	{"AES-128-CTR", CKM_AES_CTR, CKK_AES, 16, "AES-128-CTR", 1, false, 0},
	{"AES-256-CTR", CKM_AES_CTR, CKK_AES, 32, "AES-256-CTR", 1, false, 0},
	{"AES-128-GCM", CKM_AES_GCM, CKK_AES, 16, "AES-128-GCM", 1, false, 16},
	{"AES-256-GCM, short tag", CKM_AES_GCM, CKK_AES, 32, "AES-256-GCM", 1, false, 12},
	{"3DES-ECB", CKM_DES3_ECB, CKK_DES3, 24, "DES-EDE3", 8, false, 0},
	{"3DES-CBC", CKM_DES3_CBC, CKK_DES3, 24, "DES-EDE3-CBC", 8, false, 0},
	{"3DES-CBC-PAD", CKM_DES3_CBC_PAD, CKK_DES3, 24, "DES-EDE3-CBC", 8, true, 0},
	{"2-key 3DES-ECB", CKM_DES3_ECB, CKK_DES2, 16, "DES-EDE", 8, false, 0},
	{"2-key 3DES-CBC-PAD", CKM_DES3_CBC_PAD, CKK_DES2, 16, "DES-EDE-CBC", 8, true, 0},
};
const size_t ck_cipher_count = COUNT(ck_ciphers);

/* Odd parity in every byte, as DES keys have. */
static const unsigned char key_bytes[32] = {
	0x01, 0x02, 0x04, 0x07, 0x08, 0x0B, 0x0D, 0x0E, 0x10, 0x13, 0x15, 0x16, 0x19, 0x1A, 0x1C, 0x1F,
	0x20, 0x23, 0x25, 0x26, 0x29, 0x2A, 0x2C, 0x2F, 0x31, 0x32, 0x34, 0x37, 0x38, 0x3B, 0x3D, 0x3E};
static const unsigned char iv[16] = {0xF0, 0xE1, 0xD2, 0xC3, 0xB4, 0xA5, 0x96, 0x87,
				     0x78, 0x69, 0x5A, 0x4B, 0x3C, 0x2D, 0x1E, 0x0F};
static const unsigned char aad[] = "not secret, but signed";

CK_MECHANISM *ck_mechanism(const struct ck_cipher *c)
{
	static CK_AES_CTR_PARAMS ctr;
	static CK_GCM_PARAMS gcm;
	static CK_MECHANISM m;

	m = (CK_MECHANISM){c->mechanism, NULL, 0};
	switch (c->mechanism) {
	case CKM_AES_CTR:
		ctr.ulCounterBits = 128;
		memcpy(ctr.cb, iv, sizeof ctr.cb);
		m = (CK_MECHANISM){c->mechanism, &ctr, sizeof ctr};
		break;
	case CKM_AES_GCM:
		gcm = (CK_GCM_PARAMS){.pIv = (unsigned char *)iv, .ulIvLen = 12, .ulIvBits = 96,
				      .pAAD = (unsigned char *)aad, .ulAADLen = sizeof aad,
				      .ulTagBits = 8 * c->tag};
		m = (CK_MECHANISM){c->mechanism, &gcm, sizeof gcm};
		break;
	case CKM_AES_ECB:
	case CKM_DES3_ECB:
		break;
	default:
		m = (CK_MECHANISM){c->mechanism, (void *)iv, c->block};
		break;
	}
	return &m;
}

CK_OBJECT_HANDLE ck_cipher_key(CK_SESSION_HANDLE session, const struct ck_cipher *c)
{
	return ck_secret(session, c->key_type, key_bytes, c->key_len);
}

const unsigned char *ck_text(void)
{
	static unsigned char text[CK_TEXT_MAX];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (unsigned char)(7 * i + i / 16);
	return text;
}

size_t ck_reference(const struct ck_cipher *c, size_t len, unsigned char out[CK_CIPHER_MAX])
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, c->openssl, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int a = 0, b = 0;

	assert_non_null(cipher);
	assert_non_null(ctx);
	assert_int_equal(EVP_EncryptInit_ex2(ctx, cipher, key_bytes, iv, NULL), 1);
	assert_int_equal(EVP_CIPHER_CTX_set_padding(ctx, c->pads), 1);
	if (c->tag)
		assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &a, aad, sizeof aad), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, out, &a, ck_text(), (int)len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, out + a, &b), 1);
	if (c->tag)
		assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)c->tag, out + a + b),
				 1);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return (size_t)(a + b) + c->tag;
}

bool ck_takes(const struct ck_cipher *c, size_t len)
{
	return c->pads || len % c->block == 0;
}

/* ---- both ways ---- */

CK_RV ck_init(enum ck_way way, CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
	      CK_OBJECT_HANDLE key)
{
	return (way == CK_ENCRYPT ? C_EncryptInit : C_DecryptInit)(session, mechanism, key);
}

CK_RV ck_single(enum ck_way way, CK_SESSION_HANDLE session, const unsigned char *in, size_t len,
		unsigned char *out, CK_ULONG *out_len)
{
	return (way == CK_ENCRYPT ? C_Encrypt : C_Decrypt)(session, (unsigned char *)in, len, out, out_len);
}

CK_RV ck_update(enum ck_way way, CK_SESSION_HANDLE session, const unsigned char *in, size_t len,
		unsigned char *out, CK_ULONG *out_len)
{
	return (way == CK_ENCRYPT ? C_EncryptUpdate : C_DecryptUpdate)(session, (unsigned char *)in, len,
								      out, out_len);
}

CK_RV ck_final(enum ck_way way, CK_SESSION_HANDLE session, unsigned char *out, CK_ULONG *out_len)
{
	return (way == CK_ENCRYPT ? C_EncryptFinal : C_DecryptFinal)(session, out, out_len);
}

/* Asks for the length, gives exactly that much room, appends what comes. */
static CK_RV exact(enum ck_way way, CK_SESSION_HANDLE session, const unsigned char *in, size_t len,
		   bool last, unsigned char *out, size_t *out_len)
{
	CK_ULONG told = 0, got;
	unsigned char *room;
	CK_RV rv = last ? ck_final(way, session, NULL, &told)
			: ck_update(way, session, in, len, NULL, &told);

	if (rv != CKR_OK)
		return rv;
	assert_in_range(told, 0, CK_CIPHER_MAX);
	room = malloc(told + 1);
	assert_non_null(room);
	got = told;
	rv = last ? ck_final(way, session, room, &got) : ck_update(way, session, in, len, room, &got);
	if (rv == CKR_OK) {
		assert_true(got <= told);
		memcpy(out + *out_len, room, got);
		*out_len += got;
	}
	free(room);
	return rv;
}

CK_RV ck_in_parts(enum ck_way way, CK_SESSION_HANDLE session, const unsigned char *in, size_t len,
		  size_t part, unsigned char *out, size_t *out_len)
{
	CK_RV rv = CKR_OK;

	*out_len = 0;
	for (size_t at = 0; rv == CKR_OK && at < len; at += part)
		rv = exact(way, session, in + at, part < len - at ? part : len - at, false, out, out_len);
	return rv == CKR_OK ? exact(way, session, NULL, 0, true, out, out_len) : rv;
}
