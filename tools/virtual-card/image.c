/*
 * image.c - the card image: a JSON file that holds a whole card, private
 * keys and PIN included. It is a test card; the file is still 0600.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

enum { FORMAT = 1, IMAGE_MAX = 4 << 20 };

static const char *const kinds[] = { "df", "transparent", "records" };
static const char *const ca_names[] = { "moica", "moeaca" };

/* ---- writing ------------------------------------------------------------------- */

/* Takes `value`, which may be NULL after a failed allocation. */
static bool
put(struct json_object *object, const char *key, struct json_object *value)
{
	if (value == NULL)
		return false;
	if (json_object_object_add(object, key, value) != 0) {
		json_object_put(value);
		return false;
	}
	return true;
}

static bool
push(struct json_object *array, struct json_object *value)
{
	if (value == NULL)
		return false;
	if (json_object_array_add(array, value) != 0) {
		json_object_put(value);
		return false;
	}
	return true;
}

static struct json_object *
hex_object(const uint8_t *data, size_t len)
{
	char *hex = malloc(2 * len + 1);
	struct json_object *object = NULL;

	if (hex != NULL) {
		vc_hex(data, len, hex);
		object = json_object_new_string(hex);
	}
	free(hex);
	return object;
}

static struct json_object *
key_object(const struct vc_key *key)
{
	struct json_object *object = json_object_new_object();
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = false;
	char *pem;
	long len;

	if (object == NULL || bio == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		goto out;
	len = BIO_get_mem_data(bio, &pem);
	ok = put(object, "reference", json_object_new_int(key->ref)) &&
	    put(object, "private-key", json_object_new_string_len(pem, (int)len));
out:
	BIO_free(bio);
	if (!ok) {
		json_object_put(object);
		object = NULL;
	}
	return object;
}

/* Delete, update, read; or of a directory: delete, make, delete in it. */
static bool
put_access(struct json_object *object, const struct vc_access *access)
{
	const uint8_t conditions[3] = { access->remove, access->change, access->read };

	return !access->own || put(object, "access", hex_object(conditions, sizeof(conditions)));
}

static bool
put_files(struct json_object *array, const struct vc_file *file)
{
	struct json_object *object;
	const struct vc_file *child;
	char path[VC_PATH_MAX];

	if (!vc_fs_name(file, path, sizeof(path)))
		return false;
	object = json_object_new_object();
	if (object == NULL || !push(array, object))
		return false;
	if (!put(object, "path", json_object_new_string(path)) ||
	    !put(object, "kind", json_object_new_string(kinds[file->kind])))
		return false;
	if (file->kind != VC_DF && !put(object, "content", hex_object(file->data, file->len)))
		return false;
	if (!put_access(object, &file->access))
		return false;
	for (child = file->children; child != NULL; child = child->next)
		if (!put_files(array, child))
			return false;
	return true;
}

static bool
put_behaviour(struct json_object *object, const struct vcard_behaviour *b)
{
	static const char *const read_ends[] = { "short", "warn", "exact", "strict" };
	char text[160];

	snprintf(text, sizeof(text), "plain-ends-channel=%s,pin-lost-after-private-op=%s,"
	    "select-61=%s,read-max=%u,read-end=%s", b->plain_ends_channel ? "on" : "off",
	    b->pin_lost_after_private_op ? "on" : "off", b->select_61 ? "on" : "off",
	    b->read_max, read_ends[b->read_end]);
	return put(object, "behaviour", json_object_new_string(text));
}

static bool
fill(struct json_object *image, const struct vcard *card)
{
	struct json_object *keys = json_object_new_array(), *files;
	size_t i;

	if (!put(image, "twcard-virtual-card", json_object_new_int(FORMAT)) ||
	    !put(image, "generation", json_object_new_int(card->generation)) ||
	    !put(image, "ca", json_object_new_string(ca_names[card->ca])) ||
	    !put(image, "holder", json_object_new_string(card->holder)) ||
	    !put(image, "card-number", json_object_new_string(card->number)) ||
	    !put(image, "atr", hex_object(card->atr, card->atr_len)) ||
	    !put(image, "pin", json_object_new_string(card->pin)) ||
	    !put(image, "tries-left", json_object_new_int((int)card->tries)) ||
	    !put(image, "unblock-code", json_object_new_string(card->unblock_code)) ||
	    !put(image, "unblock-tries-left", json_object_new_int((int)card->unblock_tries)) ||
	    !put(image, "issuer-key", hex_object(card->issuer_key, sizeof(card->issuer_key))) ||
	    !put(image, "issuer-tries-left", json_object_new_int((int)card->issuer_tries)) ||
	    !put(image, "cin", hex_object(card->cin, sizeof(card->cin))) ||
	    !put(image, "master-key", hex_object(card->master_key, sizeof(card->master_key))) ||
	    !put_behaviour(image, &card->behaviour)) {
		json_object_put(keys);
		return false;
	}
	if (!put(image, "keys", keys))
		return false;
	for (i = 0; i < VC_KEYS; i++)
		if (card->keys[i].pkey != NULL && !push(keys, key_object(&card->keys[i])))
			return false;
	files = json_object_new_array();
	return put(image, "files", files) && put_files(files, card->root);
}

static bool
write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* The new name is only safe once its directory is. */
static void
sync_directory(const char *path)
{
	char *copy = strdup(path), *slash;
	int fd;

	if (copy == NULL)
		return;
	slash = strrchr(copy, '/');
	if (slash != NULL)
		slash[slash == copy ? 1 : 0] = '\0';
	fd = open(slash != NULL ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(copy);
}

static bool
replace_file(const char *path, const char *text, size_t len, char *err, size_t errlen)
{
	char *temp = malloc(strlen(path) + 8);
	bool ok = false;
	int fd = -1;

	if (temp == NULL) {
		vc_error(err, errlen, "out of memory");
		return false;
	}
	sprintf(temp, "%s.XXXXXX", path);
	fd = mkstemp(temp); /* 0600 */
	if (fd < 0) {
		vc_error(err, errlen, "%s: cannot be written: %s", path, strerror(errno));
		goto out;
	}
	if (!write_all(fd, text, len) || fsync(fd) != 0 || rename(temp, path) != 0) {
		vc_error(err, errlen, "%s: cannot be written: %s", path, strerror(errno));
		unlink(temp);
		goto out;
	}
	sync_directory(path);
	ok = true;
out:
	if (fd >= 0)
		close(fd);
	free(temp);
	return ok;
}

bool
vcard_save(struct vcard *card, const char *path, char *err, size_t errlen)
{
	struct json_object *image = json_object_new_object();
	char *copy = strdup(path);
	const char *text;
	bool ok = false;
	size_t len;

	if (image == NULL || copy == NULL || !fill(image, card)) {
		vc_error(err, errlen, "out of memory");
		goto out;
	}
	text = json_object_to_json_string_length(image, JSON_C_TO_STRING_PRETTY |
	    JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (text == NULL) {
		vc_error(err, errlen, "out of memory");
		goto out;
	}
	if (!replace_file(path, text, len, err, errlen))
		goto out;
	free(card->path);
	card->path = copy;
	copy = NULL;
	ok = true;
out:
	free(copy);
	json_object_put(image);
	return ok;
}

void
vcard_detach(struct vcard *card)
{
	free(card->path);
	card->path = NULL;
}

bool
vc_image_update(struct vcard *card)
{
	return card->path == NULL || vcard_save(card, card->path, NULL, 0);
}

/* ---- reading -------------------------------------------------------------------- */

static const char *
get_string(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static bool
get_int(struct json_object *object, const char *key, int low, int high, int *out)
{
	struct json_object *value;
	int64_t n;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return false;
	n = json_object_get_int64(value);
	if (n < low || n > high)
		return false;
	*out = (int)n;
	return true;
}

static bool
get_hex(struct json_object *object, const char *key, uint8_t *data, size_t cap, size_t *len)
{
	const char *hex = get_string(object, key);

	return hex != NULL && vc_unhex(hex, data, cap, len);
}

static bool
load_key(struct vc_key *key, struct json_object *object)
{
	const char *pem = get_string(object, "private-key");
	BIO *bio;
	int ref;

	if (pem == NULL || !get_int(object, "reference", 0, 255, &ref))
		return false;
	bio = BIO_new_mem_buf(pem, -1);
	key->ref = (uint8_t)ref;
	/* No password callback that would ask on the terminal. */
	key->pkey = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;
	BIO_free(bio);
	return key->pkey != NULL && EVP_PKEY_is_a(key->pkey, "RSA") &&
	    EVP_PKEY_get_bits(key->pkey) == VC_BLOCK * 8;
}

static bool
load_keys(struct vcard *card, struct json_object *image)
{
	struct json_object *array;
	size_t i, count;

	if (!json_object_object_get_ex(image, "keys", &array) ||
	    !json_object_is_type(array, json_type_array))
		return false;
	count = json_object_array_length(array);
	if (count > VC_KEYS)
		return false;
	for (i = 0; i < count; i++)
		if (!load_key(&card->keys[i], json_object_array_get_idx(array, i)))
			return false;
	return true;
}

static bool
load_content(struct vc_file *file, struct json_object *object)
{
	const char *hex = get_string(object, "content");
	bool ok = false;
	uint8_t *data;
	size_t cap, len;

	if (hex == NULL || strlen(hex) > (size_t)2 * VC_FILE_MAX)
		return false;
	cap = strlen(hex) / 2;
	data = malloc(cap + 1);
	if (data != NULL)
		ok = vc_unhex(hex, data, cap, &len) && vc_fs_set(file, data, len);
	free(data);
	return ok;
}

static bool
load_access(struct vc_file *file, struct json_object *object)
{
	uint8_t conditions[3];
	size_t len;

	if (!json_object_object_get_ex(object, "access", NULL))
		return true;
	if (!get_hex(object, "access", conditions, sizeof(conditions), &len) ||
	    len != sizeof(conditions))
		return false;
	file->access = (struct vc_access){ .own = true, .remove = conditions[0],
	    .change = conditions[1], .read = conditions[2] };
	return true;
}

static bool
load_file(struct vcard *card, struct json_object *object)
{
	const char *path = get_string(object, "path"), *kind = get_string(object, "kind");
	uint16_t root = card->generation == 1 ? FID_MF : FID_APPLET;
	struct vc_file *parent = NULL, *file;
	char dir[VC_PATH_MAX];
	uint8_t fid[2];
	size_t len, k;

	if (path == NULL || kind == NULL || strlen(path) >= sizeof(dir) || strlen(path) < 4)
		return false;
	for (k = 0; k < 3 && strcmp(kind, kinds[k]) != 0; k++)
		;
	len = strlen(path);
	if (k == 3 || !vc_unhex(path + len - 4, fid, sizeof(fid), &(size_t){ 0 }))
		return false;
	if (len > 4) {
		memcpy(dir, path, len - 5);
		dir[len - 5] = '\0';
		parent = vc_fs_path(card->root, dir);
		if (parent == NULL || path[len - 5] != '/' || len / 5 >= VC_DEPTH_MAX)
			return false;
	} else if (card->root != NULL || (fid[0] << 8 | fid[1]) != root || k != VC_DF)
		return false;
	file = vc_fs_add(parent, (uint16_t)(fid[0] << 8 | fid[1]), (enum vc_file_kind)k);
	if (file == NULL)
		return false;
	if (parent == NULL)
		card->root = file;
	return load_access(file, object) && (k == VC_DF || load_content(file, object));
}

static bool
load_files(struct vcard *card, struct json_object *image)
{
	struct json_object *array;
	size_t i, count;

	if (!json_object_object_get_ex(image, "files", &array) ||
	    !json_object_is_type(array, json_type_array))
		return false;
	count = json_object_array_length(array);
	for (i = 0; i < count; i++)
		if (!load_file(card, json_object_array_get_idx(array, i)))
			return false;
	return card->root != NULL;
}

/* Images of before there was a code have none: they keep the usual one. */
static const char *
load_unblocking(struct vcard *card, struct json_object *image)
{
	const char *code = get_string(image, "unblock-code");
	int tries;

	if (code == NULL && !json_object_object_get_ex(image, "unblock-code", NULL))
		return NULL;
	if (code == NULL || !vc_pin_valid(code))
		return "unblock-code";
	strcpy(card->unblock_code, code);
	if (!get_int(image, "unblock-tries-left", 0, VCARD_UNBLOCK_TRIES, &tries))
		return "unblock-tries-left";
	card->unblock_tries = (unsigned)tries;
	return NULL;
}

/* The same: the known key. */
static const char *
load_issuer(struct vcard *card, struct json_object *image)
{
	size_t len;
	int tries;

	if (!json_object_object_get_ex(image, "issuer-key", NULL))
		return NULL;
	if (!get_hex(image, "issuer-key", card->issuer_key, sizeof(card->issuer_key), &len) ||
	    len != VCARD_ISSUER_KEY_LEN)
		return "issuer-key";
	if (!get_int(image, "issuer-tries-left", 0, VCARD_ISSUER_TRIES, &tries))
		return "issuer-tries-left";
	card->issuer_tries = (unsigned)tries;
	return NULL;
}

/* Names the first thing that is wrong, or NULL. */
static const char *
load_identity(struct vcard *card, struct json_object *image)
{
	const char *ca = get_string(image, "ca"), *holder = get_string(image, "holder");
	const char *number = get_string(image, "card-number"), *pin = get_string(image, "pin");
	uint8_t atr[VCARD_ATR_MAX];
	size_t len;
	int tries;

	if (ca == NULL || (strcmp(ca, ca_names[0]) != 0 && strcmp(ca, ca_names[1]) != 0))
		return "ca";
	card->ca = strcmp(ca, ca_names[0]) == 0 ? VCARD_CA_MOICA : VCARD_CA_MOEACA;
	if (holder == NULL || (card->holder = strdup(holder)) == NULL)
		return "holder";
	if (number == NULL || strlen(number) != sizeof(card->number) - 1)
		return "card-number";
	strcpy(card->number, number);
	if (pin == NULL || !vc_pin_valid(pin))
		return "pin";
	strcpy(card->pin, pin);
	if (!get_int(image, "tries-left", 0, VCARD_PIN_TRIES, &tries))
		return "tries-left";
	card->tries = (unsigned)tries;
	if (!get_hex(image, "atr", atr, sizeof(atr), &len) || !vcard_set_atr(card, atr, len))
		return "atr";
	if (!get_hex(image, "cin", card->cin, sizeof(card->cin), &len) || len != VCARD_CIN_LEN)
		return "cin";
	if (!get_hex(image, "master-key", card->master_key, sizeof(card->master_key), &len) ||
	    len != VCARD_MASTER_KEY_LEN)
		return "master-key";
	return NULL;
}

static const char *
load_image(struct vcard *card, struct json_object *image)
{
	const char *behaviour = get_string(image, "behaviour"), *wrong;

	wrong = load_identity(card, image);
	if (wrong == NULL)
		wrong = load_unblocking(card, image);
	if (wrong == NULL)
		wrong = load_issuer(card, image);
	if (wrong != NULL)
		return wrong;
	if (behaviour != NULL && !vcard_behaviour_parse(&card->behaviour, behaviour, NULL, 0))
		return "behaviour";
	if (!load_keys(card, image))
		return "keys";
	return load_files(card, image) ? NULL : "files";
}

/* The whole file as text, for free(). Not more than an image can be. */
static char *
read_text(const char *path, char *err, size_t errlen)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	struct stat st;
	ssize_t n = -1;

	if (fd < 0 || fstat(fd, &st) != 0) {
		vc_error(err, errlen, "%s: %s (make a card with 'twcard-virtual create --out %s')",
		    path, strerror(errno), path);
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > IMAGE_MAX) {
		vc_error(err, errlen, "%s: not a card image", path);
		goto out;
	}
	text = malloc((size_t)st.st_size + 1);
	if (text != NULL)
		n = read(fd, text, (size_t)st.st_size);
	if (n < 0) {
		vc_error(err, errlen, "%s: cannot be read", path);
		free(text);
		text = NULL;
		goto out;
	}
	text[n] = '\0';
out:
	if (fd >= 0)
		close(fd);
	return text;
}

bool
vcard_load(const char *path, struct vcard **cardp, char *err, size_t errlen)
{
	struct json_object *image = NULL;
	struct vcard *card = NULL;
	const char *wrong;
	int format, generation;
	char *text;

	*cardp = NULL;
	text = read_text(path, err, errlen);
	if (text == NULL)
		return false;
	image = json_tokener_parse(text);
	if (image == NULL || !json_object_is_type(image, json_type_object) ||
	    !get_int(image, "twcard-virtual-card", 1, 1 << 30, &format)) {
		vc_error(err, errlen, "%s: not a card image", path);
		goto out;
	}
	if (format != FORMAT || !get_int(image, "generation", 1, 2, &generation)) {
		vc_error(err, errlen, "%s: a card image of an unknown format or generation", path);
		goto out;
	}
	card = vc_card_new(generation);
	wrong = card != NULL ? load_image(card, image) : "(memory)";
	if (wrong == NULL && (card->path = strdup(path)) == NULL)
		wrong = "(memory)";
	if (wrong != NULL) {
		vc_error(err, errlen, "%s: damaged card image: bad \"%s\"", path, wrong);
		vcard_free(&card);
		goto out;
	}
	*cardp = card;
	card = NULL;
out:
	json_object_put(image);
	OPENSSL_cleanse(text, strlen(text));
	free(text);
	return *cardp != NULL;
}
