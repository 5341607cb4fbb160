/*
 * The disk cache: whatever the file of a card says, what is shown of the card
 * are the card's own certificates and keys. The file is the input, or the
 * module's own file with edits. Byte 0:
 *   bit 0  generation
 *   bit 1  the rest is the file; else edits: place (2), bytes to take out, n, n bytes
 *   bit 2  the hash is made right, as no fuzzer can guess it
 *   bit 3  the format's name and the card's number are put before it
 *   bit 4  the edits are of the other generation's file under this card's
 *          number, as if a card had been here that gave itself this one's
 */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "src/token/cache.h"
#include "folder.h"
#include "fuzz.h"
#include "hostile.h"
#include "script.h"
#include "user.h"

#define RAW 0x02
#define REPAIR 0x04
#define HEAD 0x08
#define OTHER 0x10
#define FILE_MAX 70000
#define HASH_SIZE 32
#define OBJECTS_MAX 200
#define VALUE_MAX 5000

struct bytes {
	uint8_t data[FILE_MAX];
	size_t len;
	char number[32]; /* of the card that it is of */
};

static const char *serial(void)
{
	return vcard_card_number(hostile_card());
}

static const char *file_name(void)
{
	static char name[64];

	snprintf(name, sizeof name, "twcard/%s.cache", serial());
	return name;
}

/* ---- the module's own file, made once for each generation ---- */

static void begin(uint8_t options)
{
	const uint8_t generation = options & HOSTILE_GEN2;

	folder_make();
	hostile_begin(&generation, 1);
	MUST(setenv("XDG_CACHE_HOME", folder, 1) == 0);
}

static void read_own(struct bytes *out)
{
	FILE *file = fopen(folder_path(file_name()), "rb");

	MUST(file);
	out->len = fread(out->data, 1, FILE_MAX, file);
	MUST(out->len > HASH_SIZE && fclose(file) == 0);
}

static const struct bytes *own_file(uint8_t options)
{
	static struct bytes files[2];
	struct bytes *b = &files[options & HOSTILE_GEN2];
	struct listing seen;

	if (!b->len) {
		begin(options);
		user_list(user_start(), &seen);
		user_stop();
		read_own(b);
		snprintf(b->number, sizeof b->number, "%s", serial());
		hostile_end();
	}
	return b;
}

/* ---- the file of the input ---- */

static void put(struct bytes *b, const void *data, size_t len)
{
	MUST(b->len + len <= FILE_MAX);
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void edit(struct bytes *b, const uint8_t *data, size_t size)
{
	while (size >= 4) {
		size_t at = (size_t)data[0] << 8 | data[1], out = data[2], n = data[3];

		data += 4;
		size -= 4;
		n = n < size ? n : size;
		at = at < b->len ? at : b->len;
		out = out < b->len - at ? out : b->len - at;
		if (b->len - out + n > FILE_MAX)
			return;
		memmove(b->data + at + n, b->data + at + out, b->len - at - out);
		memcpy(b->data + at, data, n);
		b->len = b->len - out + n;
		data += n;
		size -= n;
	}
}

/* Under this card's number, which is as long. */
static void put_file(struct bytes *b, const struct bytes *own, size_t len)
{
	const size_t n = strlen(own->number);

	MUST(n && n == strlen(serial()));
	put(b, own->data, len);
	for (size_t at = 0; at + n <= b->len; at++)
		if (memcmp(b->data + at, own->number, n) == 0)
			memcpy(b->data + at, serial(), n);
}

static void make_file(uint8_t options, const uint8_t *data, size_t size, struct bytes *out)
{
	const char magic[] = "twcard cache 2\n";
	const uint8_t tag[] = {0xC0, (uint8_t)strlen(serial())};
	uint8_t hash[HASH_SIZE];

	out->len = 0;
	if (options & RAW) {
		if (options & HEAD) {
			put(out, magic, sizeof magic - 1);
			put(out, tag, sizeof tag);
			put(out, serial(), tag[1]);
		}
		put(out, data, size);
	} else {
		const struct bytes *own = own_file(options & OTHER ? options ^ HOSTILE_GEN2 : options);

		put_file(out, own, own->len - (options & REPAIR ? HASH_SIZE : 0));
		edit(out, data, size);
	}
	if (options & REPAIR && out->len + HASH_SIZE <= FILE_MAX) {
		MUST(EVP_Digest(out->data, out->len, hash, NULL, EVP_sha256(), NULL));
		put(out, hash, sizeof hash);
	}
}

/* ---- what must hold ---- */

static void must_be_same(const struct cache *a, const struct cache *b)
{
	MUST(a->count == b->count && a->count <= CACHE_ENTRIES_MAX);
	for (size_t i = 0; i < a->count; i++) {
		const struct cache_entry *e = &a->entries[i];
		const struct buffer *other = cache_get(b, e->kind, e->index);

		MUST(e->kind >= CACHE_DIRECTORY && e->kind < CACHE_KINDS && e->index <= UINT8_MAX);
		MUST(cache_get(a, e->kind, e->index) == &e->bytes); /* there is no second of its name */
		MUST(other && other->len == e->bytes.len && (!other->len || memcmp(other->data, e->bytes.data, other->len) == 0));
	}
}

static bool leave_as_it_is(void *context, struct cache *c)
{
	must_be_same(context, c);
	return true;
}

/* What was taken from the file is taken from it again when it was written anew. */
static void check_file(void)
{
	struct cache first, second;

	if (!cache_load(serial(), &first)) {
		MUST(first.count == 0);
		return;
	}
	cache_update(serial(), leave_as_it_is, &first);
	MUST(cache_load(serial(), &second));
	must_be_same(&first, &second);
	cache_clear(&first);
	cache_clear(&second);
}

static size_t value_of(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		       uint8_t out[VALUE_MAX])
{
	CK_ATTRIBUTE a = {type, out, VALUE_MAX};

	return C_GetAttributeValue(session, object, &a, 1) == CKR_OK ? a.ulValueLen : 0;
}

static bool is_certificate(const uint8_t *value, size_t len)
{
	bool same = false;

	for (int which = VCARD_CERT_ROOT; which <= VCARD_CERT_ENCRYPT && !same; which++) {
		X509 *cert = vcard_certificate(hostile_card(), (enum vcard_cert)which);
		uint8_t *der = NULL;
		int n = i2d_X509(cert, &der);

		MUST(cert && n > 0);
		same = (size_t)n == len && memcmp(der, value, len) == 0;
		OPENSSL_free(der);
		X509_free(cert);
	}
	return same;
}

static bool is_modulus(const uint8_t *value, size_t len)
{
	static const unsigned references[] = {0x01, 0x05, 0x11};
	bool same = false;

	for (size_t i = 0; i < sizeof references / sizeof *references && !same; i++) {
		EVP_PKEY *key = vcard_public_key(hostile_card(), references[i]);
		uint8_t modulus[512];
		BIGNUM *n = NULL;

		MUST(key && EVP_PKEY_get_bn_param(key, "n", &n) && BN_num_bytes(n) <= (int)sizeof modulus);
		same = (size_t)BN_bn2bin(n, modulus) == len && memcmp(modulus, value, len) == 0;
		BN_free(n);
		EVP_PKEY_free(key);
	}
	return same;
}

static void check_shown(CK_SESSION_HANDLE session)
{
	CK_OBJECT_HANDLE objects[OBJECTS_MAX];
	uint8_t value[VALUE_MAX];
	CK_ULONG count = 0;

	MUST(C_FindObjectsInit(session, NULL, 0) == CKR_OK);
	MUST(C_FindObjects(session, objects, OBJECTS_MAX, &count) == CKR_OK);
	MUST(C_FindObjectsFinal(session) == CKR_OK);
	for (CK_ULONG i = 0; i < count; i++) {
		CK_OBJECT_CLASS klass = 0;
		CK_CERTIFICATE_TYPE type = CKC_X_509;
		CK_ATTRIBUTE what[] = {{CKA_CLASS, &klass, sizeof klass}, {CKA_CERTIFICATE_TYPE, &type, sizeof type}};
		size_t len;

		(void)!C_GetAttributeValue(session, objects[i], what, 2);
		if (klass == CKO_CERTIFICATE && type == CKC_X_509) {
			len = value_of(session, objects[i], CKA_VALUE, value);
			MUST(!len || is_certificate(value, len));
		} else if (klass == CKO_PUBLIC_KEY || klass == CKO_PRIVATE_KEY) {
			len = value_of(session, objects[i], CKA_MODULUS, value);
			MUST(!len || is_modulus(value, len));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bytes file;
	uint8_t options = size ? data[0] : 0;
	CK_SESSION_HANDLE session;

	(void)own_file(options); /* both are made while no card is in the reader */
	(void)own_file(options ^ HOSTILE_GEN2);
	begin(options);
	make_file(options, data + (size != 0), size - (size != 0), &file);
	folder_write(file_name(), file.data, file.len);
	check_file();
	folder_write(file_name(), file.data, file.len);
	session = user_start();
	MUST(session);
	check_shown(session);
	user_stop();
	hostile_end();
	return 0;
}
