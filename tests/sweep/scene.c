#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "forge.h"
#include "records.h"
#include "scene.h"
#include "apdu/atr.h"

#define NEW_PIN "N3wP1n"
#define RECORDS 2 /* on a card that has a data area */
#define CACHE "xdg/twcard"
#define CACHE_MAX (256 * 1024)

struct spy scene_spy;

static unsigned char ciphertext[256];
static struct vcard *older; /* the same card before its certificates were renewed */
static const char *pin;     /* what the user takes for it */
static bool in_doubt;       /* a change of it failed: either holds */

/* ---- the world ---- */

static void make_folders(const struct scene *scene)
{
	static const char *const folders[] = {"xdg", "run"};
	char conf[400];

	snprintf(conf, sizeof conf, "keyset-dir = %s\ncache = yes\nallow-unproven = %s\nlabels = %s\n",
		 home_path("keysets"), scene->changes_card || scene->records ? "yes" : "no", scene->named ? "holder" : "card");
	home_write("twcard.conf", conf, 0600);
	home_remove("xdg/twcard");
	home_remove("run/twcard");
	for (size_t i = 0; i < COUNT(folders); i++) {
		home_remove(folders[i]);
		assert_int_equal(mkdir(home_path(folders[i]), 0700), 0);
	}
	setenv("XDG_CACHE_HOME", home_path("xdg"), 1);
	setenv("XDG_RUNTIME_DIR", home_path("run"), 1);
}

static struct vcard *load(int generation)
{
	return generation == 1 ? testcard_load() : gen2_load();
}

/* A record of a kind that nobody knows, as long as what is read at once, before all others. */
static void make_even(struct vcard *card)
{
	size_t len;
	const uint8_t *atr = vcard_atr(card, &len);
	const unsigned size = atr_read_size(atr, len);

	forge_first_record(card, "4104", size);
	forge_first_record(card, "4101", size);
}

static void begin(const struct scene *scene, struct vcard *first);

/* A data area with an attribute certificate in it, and something else. */
static void make_records(const struct scene *scene)
{
	struct area_issuer issuer = {.asked = 0};
	enum result r;

	begin(scene, NULL);
	bench.session = open_session(bench.slot);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	r = data_area_activate(areabench_slot(), areacard_authority, &issuer);
	slot_leave(areabench_slot());
	assert_int_equal(r, RESULT_OK);
	records_load_files(NULL);
	assert_int_equal(records_create_certificate(&records_foreign, "SNO 3", NULL), CKR_OK);
	assert_int_equal(records_create_data("SNO 5", 300, 2), CKR_OK);
	module_stop();
}

void scene_open(const struct scene *scene, int generation)
{
	home_make();
	keyset_install();
	log_level("none");
	bench.card = load(generation);
	if (scene->even)
		make_even(bench.card);
	encrypt_to(bench.card, KEY_KEYX, "read me if you can", ciphertext);
	if (scene->records)
		make_records(scene);
	if (!scene->renewed)
		return;
	older = load(generation);
	forge_world(older);
	forge_world(bench.card);
	forge_renew(bench.card, VCARD_CERT_SIGN, NULL);
	forge_renew(bench.card, VCARD_CERT_ENCRYPT, NULL);
}

void scene_close(void)
{
	vcard_free(&older);
	vcard_free(&bench.card);
	fake_clear();
}

void scene_begin_life(void)
{
	module_start();
	bench.slot = slot_of(READER);
	bench.session = CK_INVALID_HANDLE;
}

static void begin(const struct scene *scene, struct vcard *first)
{
	make_folders(scene);
	fake_clear();
	fake_add_reader(READER);
	if (scene->changes_card) {
		const int generation = vcard_generation(bench.card);

		vcard_free(&bench.card);
		bench.card = load(generation);
	}
	testcard_freshen(bench.card);
	pin = PIN;
	in_doubt = false;
	spy_insert(&scene_spy, READER, first ? first : bench.card);
	scene_spy.in_parts = scene->in_parts;
	scene_begin_life();
}

void scene_begin(const struct scene *scene)
{
	begin(scene, scene->renewed ? older : NULL);
	scene->prepare();
}

void scene_begin_unprepared(const struct scene *scene)
{
	begin(scene, NULL);
}

void scene_insert(void)
{
	const struct spy before = scene_spy;

	spy_insert(&scene_spy, READER, bench.card);
	scene_spy = before;
}

static size_t read_cache(const char *name, void *out)
{
	char path[400];
	FILE *file;
	size_t n;

	snprintf(path, sizeof path, CACHE "/%s", name);
	file = fopen(home_path(path), "re");
	assert_non_null(file);
	n = fread(out, 1, CACHE_MAX, file);
	fclose(file);
	return n;
}

/* How many files it has; `to`: a folder that they are copied to, or NULL. */
static unsigned go_through_cache(const char *to)
{
	static unsigned char bytes[CACHE_MAX];
	DIR *dir = opendir(home_path(CACHE));
	struct dirent *e;
	unsigned count = 0;
	char path[400];

	while (dir && (e = readdir(dir))) {
		if (!strstr(e->d_name, ".cache"))
			continue;
		count++;
		if (!to)
			continue;
		snprintf(path, sizeof path, "%s/%s", to, e->d_name);
		home_write_bytes(path, bytes, read_cache(e->d_name, bytes), 0600);
	}
	if (dir)
		closedir(dir);
	return count;
}

bool scene_has_cache(void)
{
	return go_through_cache(NULL) > 0;
}

void scene_be_another(void)
{
	static const char *const folders[] = {"another", "another/twcard", "another/run"};

	home_remove("another");
	for (size_t i = 0; i < COUNT(folders); i++)
		assert_int_equal(mkdir(home_path(folders[i]), 0700), 0);
	go_through_cache("another/twcard");
	setenv("XDG_CACHE_HOME", home_path("another"), 1);
	setenv("XDG_RUNTIME_DIR", home_path("another/run"), 1);
	scene_begin_life();
}

bool scene_says_logged_in(void)
{
	CK_SESSION_INFO info;

	return bench.session != CK_INVALID_HANDLE &&
	       C_GetSessionInfo(bench.session, &info) == CKR_OK &&
	       info.state == CKS_RW_USER_FUNCTIONS;
}

/* A session: the one that is there, if it still is one. */
static CK_RV open_if_needed(struct facts *f)
{
	CK_SESSION_INFO info;

	if (bench.session != CK_INVALID_HANDLE &&
	    C_GetSessionInfo(bench.session, &info) == CKR_OK)
		return CKR_OK;
	bench.session = CK_INVALID_HANDLE;
	return facts_note_failure(f, C_OpenSession(bench.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
						   NULL, &bench.session));
}

static CK_RV login_if_needed(struct facts *f)
{
	CK_RV rv = open_if_needed(f);

	if (rv != CKR_OK || scene_says_logged_in())
		return rv;
	f->logins++;
	return facts_note_failure(f, login(bench.session, pin));
}

/* ---- what is done ---- */

static CK_RV find(struct facts *f, CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE found[32],
		  CK_ULONG *count)
{
	CK_RV rv = C_FindObjectsInit(bench.session, template, n);

	*count = 0;
	if (rv == CKR_OK) {
		rv = C_FindObjects(bench.session, found, 32, count);
		C_FindObjectsFinal(bench.session);
	}
	return facts_note(f, rv, 0, FOUND, count, sizeof *count);
}

static void note_attributes(struct facts *f, const CK_OBJECT_HANDLE *found, CK_ULONG count,
			    const CK_ATTRIBUTE_TYPE *types, size_t n)
{
	unsigned char value[4096];

	for (CK_ULONG i = 0; i < count; i++) {
		for (size_t k = 0; k < n; k++) {
			CK_ATTRIBUTE a = {types[k], value, sizeof value};
			CK_RV rv = C_GetAttributeValue(bench.session, found[i], &a, 1);

			facts_note(f, rv, (unsigned)i + 1, types[k], value,
				   rv == CKR_OK ? a.ulValueLen : 0);
		}
	}
}

/* What a token says of itself; its flags and memory are another matter. */
static CK_RV note_token(struct facts *f)
{
	CK_TOKEN_INFO info = {0};
	CK_RV rv = C_GetTokenInfo(bench.slot, &info);

	return facts_note(f, rv, 0, CKA_LABEL, &info, offsetof(CK_TOKEN_INFO, flags));
}

static void list_objects(struct facts *f)
{
	static const CK_ATTRIBUTE_TYPE types[] = {
		CKA_CLASS, CKA_LABEL, CKA_ID, CKA_SUBJECT, CKA_ISSUER, CKA_SERIAL_NUMBER,
		CKA_CERTIFICATE_CATEGORY, CKA_KEY_TYPE, CKA_MODULUS_BITS, CKA_ENCRYPT, CKA_VERIFY,
		CKA_APPLICATION, CKA_OBJECT_ID, CKA_PRIVATE};
	CK_OBJECT_HANDLE found[32];
	CK_ULONG count;

	if (note_token(f) != CKR_OK)
		return; /* as programs do: who does not know the card opens no session */
	if (open_if_needed(f) == CKR_OK && find(f, NULL, 0, found, &count) == CKR_OK)
		note_attributes(f, found, count, types, COUNT(types));
}

/* False: the objects could not be had. */
static bool read_class(struct facts *f, CK_OBJECT_CLASS klass, const CK_ATTRIBUTE_TYPE *types,
		       size_t n)
{
	CK_ATTRIBUTE template = {CKA_CLASS, &klass, sizeof klass};
	CK_OBJECT_HANDLE found[32];
	CK_ULONG count;

	if (find(f, &template, 1, found, &count) != CKR_OK)
		return false;
	note_attributes(f, found, count, types, n);
	return true;
}

static void read_values(struct facts *f)
{
	static const CK_ATTRIBUTE_TYPE certificate[] = {CKA_VALUE};
	static const CK_ATTRIBUTE_TYPE key[] = {CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_UNIQUE_ID};
	static const CK_ATTRIBUTE_TYPE data[] = {CKA_VALUE};

	if (open_if_needed(f) == CKR_OK &&
	    read_class(f, CKO_CERTIFICATE, certificate, COUNT(certificate)) &&
	    read_class(f, CKO_PUBLIC_KEY, key, COUNT(key)))
		read_class(f, CKO_DATA, data, COUNT(data));
}

/* The records of the data area: the PIN is given again where the card has forgotten it. */
static void read_records(struct facts *f)
{
	static const CK_ATTRIBUTE_TYPE data[] = {CKA_LABEL, CKA_PRIVATE, CKA_VALUE};
	static const CK_ATTRIBUTE_TYPE certificate[] = {CKA_LABEL, CKA_CERTIFICATE_TYPE};

	if (login_if_needed(f) != CKR_OK)
		return;
	f->private_ops += 1 + RECORDS; /* each call may find the channel closed by the one before */
	/* which are certificates is found out first, without anybody who has read them */
	if (!read_class(f, CKO_CERTIFICATE, certificate, COUNT(certificate)) || facts_first_error(f) != CKR_OK)
		return; /* perhaps the login has ended: then there is less to find */
	f->private_ops++;
	read_class(f, CKO_DATA, data, COUNT(data));
}

/* What is shown of keys, where the names are those of people. */
static void name_keys(struct facts *f)
{
	static const CK_ATTRIBUTE_TYPE key[] = {CKA_LABEL, CKA_ID};

	if (login_if_needed(f) == CKR_OK && read_class(f, CKO_PRIVATE_KEY, key, COUNT(key)))
		read_class(f, CKO_PUBLIC_KEY, key, COUNT(key));
}

static void list_and_read(struct facts *f)
{
	list_objects(f);
	if (facts_first_error(f) == CKR_OK)
		read_values(f);
}

static void log_in(struct facts *f)
{
	static const CK_ATTRIBUTE_TYPE key[] = {CKA_ID, CKA_SIGN, CKA_DECRYPT};

	if (login_if_needed(f) == CKR_OK)
		read_class(f, CKO_PRIVATE_KEY, key, COUNT(key));
}

/* The private key of that id; false is noted. */
static bool find_key(struct facts *f, const char *id, CK_OBJECT_HANDLE *key)
{
	CK_OBJECT_CLASS klass = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass},
				   {CKA_ID, (char *)id, strlen(id)}};
	CK_OBJECT_HANDLE found[32];
	CK_ULONG count;

	if (login_if_needed(f) != CKR_OK ||
	    find(f, template, COUNT(template), found, &count) != CKR_OK || count != 1)
		return false;
	*key = found[0];
	f->private_ops++;
	return true;
}

static CK_RV sign_text(struct facts *f, const char *text)
{
	unsigned char sig[256] = {0};
	CK_ULONG len = sizeof sig;
	CK_OBJECT_HANDLE key;
	CK_RV rv;

	if (!find_key(f, "SIGN", &key))
		return CKR_GENERAL_ERROR;
	rv = C_SignInit(bench.session, MECHANISM(CKM_SHA256_RSA_PKCS), key);
	if (rv == CKR_OK)
		rv = C_Sign(bench.session, (unsigned char *)text, strlen(text), sig, &len);
	return facts_note(f, rv, 0, CKA_SIGN, sig, rv == CKR_OK ? len : 0);
}

static void sign(struct facts *f)
{
	(void)sign_text(f, "text");
}

static void sign_three(struct facts *f)
{
	static const char *const texts[] = {"first", "second", "third"};

	for (size_t i = 0; i < COUNT(texts); i++)
		if (sign_text(f, texts[i]) != CKR_OK)
			return; /* a program ends here, too */
}

static void decrypt(struct facts *f)
{
	unsigned char out[256] = {0};
	CK_ULONG len = sizeof out;
	CK_OBJECT_HANDLE key;
	CK_RV rv;

	if (!find_key(f, "KEYX", &key))
		return;
	rv = decrypt_pkcs(bench.session, key, ciphertext, out, &len);
	facts_note(f, rv, 0, CKA_DECRYPT, out, rv == CKR_OK ? len : 0);
}

/*
 * A new PIN, and a login that proves it. After a failure the user does not
 * know which one holds: he tries again, and if the old one is wrong by now, it
 * was the new one all along. That costs a try, and no more.
 */
static void change_pin(struct facts *f)
{
	CK_RV rv = open_if_needed(f);

	if (rv != CKR_OK)
		return;
	if (strcmp(pin, PIN) == 0) {
		rv = C_SetPIN(bench.session, (CK_BYTE *)PIN, strlen(PIN), (CK_BYTE *)NEW_PIN,
			      strlen(NEW_PIN));
		if (rv != CKR_OK && !(in_doubt && rv == CKR_PIN_INCORRECT)) {
			in_doubt = true;
			facts_note_failure(f, rv);
			return;
		}
		pin = NEW_PIN;
	}
	log_in(f);
}

/* ---- what was done before ---- */

static void nothing(void)
{
}

/* Another life has filled the cache, with what was on the card then. */
static void fill_cache(void)
{
	static struct facts f;

	facts_clear(&f);
	list_and_read(&f);
	module_stop();
	if (older)
		spy_insert(&scene_spy, READER, bench.card);
	scene_begin_life();
}

static void be_logged_in(void)
{
	static struct facts f;

	facts_clear(&f);
	assert_int_equal(login_if_needed(&f), CKR_OK);
}

const struct scene scenes[] = {
	{.name = "listing", .prepare = nothing, .work = list_objects},
	{.name = "listing with a cache", .prepare = fill_cache, .work = list_objects},
	{.name = "reading", .prepare = nothing, .work = read_values},
	{.name = "records", .prepare = nothing, .work = read_records, .records = true},
	{.name = "names", .prepare = nothing, .work = name_keys, .named = true},
	{.name = "login", .prepare = nothing, .work = log_in},
	{.name = "signature", .prepare = be_logged_in, .work = sign},
	{.name = "three signatures", .prepare = nothing, .work = sign_three},
	{.name = "decryption", .prepare = be_logged_in, .work = decrypt},
	{.name = "change of the PIN", .prepare = nothing, .work = change_pin, .changes_card = true},
	{.name = "refresh of the cache", .prepare = fill_cache, .work = list_and_read, .renewed = true},
	{.name = "listing, in parts", .prepare = nothing, .work = list_objects, .in_parts = true},
	{.name = "signature, in parts", .prepare = be_logged_in, .work = sign, .in_parts = true},
	{.name = "listing, even blocks", .prepare = nothing, .work = list_objects, .even = true},
};

const size_t scene_count = COUNT(scenes);

const struct scene *scene_find(const char *name)
{
	for (size_t i = 0; i < scene_count; i++)
		if (strcmp(scenes[i].name, name) == 0)
			return &scenes[i];
	return NULL;
}
