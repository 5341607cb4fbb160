/*
 * The disk cache against other cards that gave themselves this one's number
 * (docs/SECURITY.md), and against what was read wrong once: the genuine card
 * is shown as it is, by the program that comes next.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "cachebench.h"
#include "child.h"
#include "forge.h"
#include "src/token/internal.h"

#define END_SIZE 200
#define DAY (24 * 60 * 60)
#define FIREFOX_FIRST 15  /* commands after the token info, the promise */
#define FIREFOX_SECOND 23

static const struct {
	const char *id;
	unsigned key_ref;
} keys[] = {{"SIGN", KEY_SIGN}, {"KEYX", KEY_KEYX}, {"SIGN02", KEY_SIGN02}};

/* The objects of a class; none if the card does not let itself be read. */
static size_t try_find(CK_OBJECT_CLASS klass, CK_OBJECT_HANDLE *found, size_t max)
{
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &klass, sizeof klass}};
	CK_ULONG n = 0;

	if (C_FindObjectsInit(bench.session, template, 1) != CKR_OK)
		return 0;
	if (C_FindObjects(bench.session, found, max, &n) != CKR_OK)
		n = 0;
	(void)C_FindObjectsFinal(bench.session);
	return n;
}

/* A program that asks everything public; what it gets is not looked at. */
static void fill(void)
{
	static const CK_OBJECT_CLASS classes[] = {CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_DATA};
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_VALUE, CKA_MODULUS, CKA_LABEL};

	for (size_t k = 0; k < COUNT(classes); k++) {
		CK_OBJECT_HANDLE found[8];
		size_t n = try_find(classes[k], found, COUNT(found));
		unsigned char value[4096];

		for (size_t i = 0; i < n; i++)
			(void)C_GetAttributeValue(bench.session, found[i],
						  &(CK_ATTRIBUTE){types[k], value, sizeof value}, 1);
	}
}

/* What C_Encrypt makes of a text with the public key, the card's private key undoes. */
static void assert_encrypts(void)
{
	CK_OBJECT_HANDLE public = find_one(bench.session, CKO_PUBLIC_KEY, "KEYX");
	CK_OBJECT_HANDLE private = find_one(bench.session, CKO_PRIVATE_KEY, "KEYX");
	unsigned char sealed[256], opened[256], text[] = "a secret";
	CK_ULONG sealed_len = sizeof sealed, opened_len = sizeof opened;

	assert_int_equal(C_EncryptInit(bench.session, MECHANISM(CKM_RSA_PKCS), public), CKR_OK);
	assert_int_equal(C_Encrypt(bench.session, text, sizeof text, sealed, &sealed_len), CKR_OK);
	assert_int_equal(decrypt_pkcs(bench.session, private, sealed, opened, &opened_len), CKR_OK);
	assert_int_equal(opened_len, sizeof text);
	assert_memory_equal(opened, text, sizeof text);
}

static void assert_signs(const char *id, unsigned key_ref)
{
	unsigned char sig[256];

	assert_int_equal(sign_sha256(bench.session, find_one(bench.session, CKO_PRIVATE_KEY, id), "x", sig),
			 CKR_OK);
	assert_true(is_signature(bench.card, key_ref, "x", sig));
}

/* The card in the bench as it is, whatever the cache says. */
static void assert_genuine(void)
{
	assert_int_equal(list_objects(), 9);
	read_certificates();
	for (size_t i = 0; i < COUNT(keys); i++)
		read_modulus(keys[i].id, keys[i].key_ref);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_signs("SIGN", KEY_SIGN);
	assert_signs("SIGN02", KEY_SIGN02);
	assert_encrypts();
}

/* Names may be wrong until the private keys' directory was read; what they name is the card's. */
static void assert_all_but_names(void)
{
	CK_OBJECT_HANDLE found[8];

	assert_int_equal(list_objects(), 9);
	read_certificates();
	assert_int_equal(find_class(bench.session, CKO_PUBLIC_KEY, found, COUNT(found)), COUNT(keys));
	for (size_t i = 0; i < COUNT(keys); i++) {
		unsigned char modulus[256];
		bool own = false;

		get_attribute(bench.session, found[i], CKA_MODULUS, modulus, sizeof modulus);
		for (size_t k = 0; k < COUNT(keys); k++)
			own = own || is_modulus(keys[k].key_ref, modulus);
		assert_true(own);
	}
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	assert_signs("SIGN", KEY_SIGN);
}

/* ---- other cards ---- */

static void other_keys_under_the_same_signatures(struct vcard *card)
{
	static const enum vcard_cert all[] = {VCARD_CERT_SIGN, VCARD_CERT_ENCRYPT, VCARD_CERT_CA,
					      VCARD_CERT_ROOT};

	for (size_t i = 0; i < COUNT(all); i++)
		forge_key(card, all[i], ck_rsa(2048));
}

static void one_other_key_under_the_same_signature(struct vcard *card)
{
	forge_key(card, VCARD_CERT_ENCRYPT, ck_rsa(2048));
}

static void an_own_root(struct vcard *card)
{
	forge_other_world(card, ck_rsa(2048));
}

/* The signatures' ends, as far as they are read, are the genuine card's. */
static void an_own_root_with_copied_ends(struct vcard *card)
{
	static const enum vcard_cert all[] = {VCARD_CERT_SIGN, VCARD_CERT_ENCRYPT, VCARD_CERT_CA,
					      VCARD_CERT_ROOT};

	for (size_t i = 0; i < COUNT(all); i++) {
		X509 *genuine = vcard_certificate(card, all[i]), *forged;
		unsigned char *from = NULL, *to = NULL;
		struct vcard *copy = cache_card();
		int from_len, to_len;

		forge_world(copy);
		an_own_root(copy);
		forged = vcard_certificate(copy, all[i]);
		from_len = i2d_X509(forged, &from);
		to_len = i2d_X509(genuine, &to);
		assert_int_equal(from_len, to_len);
		memcpy(from + from_len - END_SIZE, to + to_len - END_SIZE, END_SIZE);
		assert_int_equal(forge_bytes(card, on_card("5030/08F2"), to, from, (size_t)to_len), 1);
		OPENSSL_free(from);
		OPENSSL_free(to);
		X509_free(forged);
		X509_free(genuine);
		vcard_free(&copy);
	}
}

/* What the forger can get from an honest issuer: a certificate of his own. */
static void a_certificate_of_the_same_issuer(struct vcard *card)
{
	forge_issue(card, VCARD_CERT_ENCRYPT, ck_rsa(2048));
}

/* In the middle of each half of each modulus. */
static void other_public_keys(struct vcard *card)
{
	const char *path = on_card("5030/0810/0811");
	unsigned char copy[0x2000];
	const uint8_t *data;
	size_t len;

	assert_true(vcard_file_get(card, path, &data, &len) && len <= sizeof copy);
	memcpy(copy, data, len);
	for (size_t at = 64; at < len; at += generation == 1 ? 129 : 130)
		copy[at] ^= 0x10;
	assert_true(vcard_file_put(card, path, copy, len));
}

static void other_ids(struct vcard *card)
{
	static const char *const files[] = {"5030/4101", "5030/4104"};

	for (size_t i = 0; i < COUNT(files); i++) {
		assert_int_equal(forge_bytes(card, on_card(files[i]), "\x04\x04SIGN", "\x04\x04WHAT", 6), 1);
		assert_int_equal(forge_bytes(card, on_card(files[i]), "\x04\x04KEYX", "\x04\x04SIGN", 6), 1);
		assert_int_equal(forge_bytes(card, on_card(files[i]), "\x04\x04WHAT", "\x04\x04KEYX", 6), 1);
	}
}

static void other_ids_of_certificates(struct vcard *card)
{
	const char *path = on_card("5030/4104");

	assert_int_equal(forge_bytes(card, path, "\x04\x04SIGN", "\x04\x04WHAT", 6), 1);
	assert_int_equal(forge_bytes(card, path, "\x04\x04KEYX", "\x04\x04SIGN", 6), 1);
	assert_int_equal(forge_bytes(card, path, "\x04\x04WHAT", "\x04\x04KEYX", 6), 1);
}

static void another_subject(struct vcard *card)
{
	assert_true(forge_bytes(card, on_card("5030/4104"), "Government Root", "Governmint Root", 15) > 0);
}

static void everything(struct vcard *card)
{
	an_own_root(card);
	other_public_keys(card);
	other_ids(card);
}

static void other_cards_of_the_same_number_change_nothing(void **state)
{
	static const struct {
		const char *name;
		void (*forge)(struct vcard *card);
		bool names;
	} attacks[] = {
		{"other keys, signatures kept", other_keys_under_the_same_signatures, false},
		{"one other key, signature kept", one_other_key_under_the_same_signature, false},
		{"an own root", an_own_root, false},
		{"an own root, ends copied", an_own_root_with_copied_ends, false},
		{"a certificate of the same issuer", a_certificate_of_the_same_issuer, false},
		{"other public keys", other_public_keys, false},
		{"other ids", other_ids, true},
		{"other ids of certificates", other_ids_of_certificates, false},
		{"another subject", another_subject, false},
		{"everything", everything, false},
	};
	struct vcard *genuine = bench.card;

	(void)state;
	forge_world(genuine);
	for (size_t i = 0; i < COUNT(attacks); i++) {
		struct vcard *forged = cache_card();

		print_message("# generation %d: %s\n", generation, attacks[i].name);
		forge_world(forged);
		attacks[i].forge(forged);
		begin_with(forged);
		fill();
		begin_with(genuine);
		(attacks[i].names ? assert_all_but_names : assert_genuine)();
		begin_again(); /* and nothing of it is left */
		assert_genuine();
		begin_again();
		list_objects();
		assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
		module_stop();
		home_remove(FOLDER);
		fake_insert(READER, genuine);
		begin();
		vcard_free(&forged);
	}
}

/* Piece by piece: what the genuine card left in the file is no help to what is forged. */
static void forged_pieces_between_genuine_ones_are_not_shown(void **state)
{
	struct vcard *genuine = bench.card, *forged = cache_card();
	CK_OBJECT_HANDLE found[8];
	unsigned char der[4096];

	(void)state;
	forge_world(genuine);
	forge_world(forged);
	an_own_root(forged);
	for (unsigned mix = 1; mix < 15; mix++) {
		for (size_t i = 0; i < 4; i++) {
			begin_with(mix & 1u << i ? forged : genuine);
			assert_int_equal(try_find(CKO_CERTIFICATE, found, COUNT(found)), 4);
			get_attribute(bench.session, found[i], CKA_VALUE, der, sizeof der);
		}
		begin_with(genuine);
		assert_genuine();
		begin_again();
		assert_genuine();
		module_stop();
		home_remove(FOLDER);
		fake_insert(READER, genuine);
		begin();
	}
	vcard_free(&forged);
}

/* The forger came first and the genuine card's program only lists: his key checks no result. */
static void a_forged_key_is_dropped_when_a_result_does_not_fit(void **state)
{
	struct vcard *genuine = bench.card, *forged = cache_card();

	(void)state;
	other_public_keys(forged);
	begin_with(forged);
	fill();
	begin_with(genuine);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	for (int i = 0; i < 3; i++)
		for (size_t k = 0; k < COUNT(keys); k += 2)
			assert_signs(keys[k].id, keys[k].key_ref);
	begin_again();
	assert_genuine();
	vcard_free(&forged);
}

/* ---- what is believed for a while ---- */

static bool age(void *context, struct cache *c)
{
	const int64_t *by = context;

	for (unsigned k = 0; k < P15_CLASSES; k++) {
		uint64_t when = (uint64_t)(time(NULL) - *by);
		uint8_t bytes[8];

		for (int i = 0; i < 8; i++)
			bytes[i] = (uint8_t)(when >> (56 - 8 * i));
		if (cache_get(c, CACHE_DATE, k) && !cache_put(c, CACHE_DATE, k, bytes, sizeof bytes))
			return false;
	}
	return true;
}

static void directories_are_read_anew_after_a_day(void **state)
{
	static const int64_t too_old[] = {DAY + 10, 400LL * DAY, -DAY};
	const char *const labels[2] = {"\x0C\x05" "cert1", "\x0C\x05" "cert9"};

	(void)state;
	for (size_t i = 0; i < COUNT(too_old); i++) {
		const char *from = labels[i % 2], *to = labels[1 - i % 2];
		CK_OBJECT_HANDLE found[2];
		int64_t by = too_old[i];
		unsigned char label[8];

		warm_up();
		module_stop();
		cache_update(vcard_card_number(bench.card), age, &by);
		assert_int_equal(forge_bytes(bench.card, on_card("5030/4104"), from, to, 7), 1);
		fake_foreign_reset(READER);
		begin();
		assert_true(find_class(bench.session, CKO_CERTIFICATE, found, 2) == 2);
		assert_int_equal(get_attribute(bench.session, found[0], CKA_LABEL, label, 5), 5);
		assert_memory_equal(label, to + 2, 5);
		/* the certificates themselves are still proven, which costs less than reading them */
		fake_new_commands(READER);
		read_certificates();
		assert_in_range(fake_new_commands(READER), 1, 6);
		list_objects();
		begin_again();
		list_objects();
		assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
	}
}

/* Nothing tells at once, and nothing wrong is signed by it: the CA's old certificate is a true one. */
static void an_issuers_renewal_for_the_same_key_is_noticed_after_a_day(void **state)
{
	int64_t by = DAY + 10;

	(void)state;
	forge_world(bench.card);
	warm_up();
	module_stop();
	forge_renew(bench.card, VCARD_CERT_CA, NULL);
	cache_update(vcard_card_number(bench.card), age, &by);
	fake_foreign_reset(READER);
	begin();
	assert_genuine();
}

/* For the same key, too: its own signature is looked at. */
static void a_renewed_root_is_noticed_at_once(void **state)
{
	(void)state;
	forge_world(bench.card);
	warm_up();
	forge_renew(bench.card, VCARD_CERT_ROOT, NULL);
	list_objects();
	assert_true(fake_new_commands(READER) > WARM_LIST);
	begin_again();
	assert_genuine();
}

/* With a free exponent a key can be made for a result that is known. */
static void a_key_with_another_exponent_is_not_taken_from_the_disk(void **state)
{
	static const uint32_t others[] = {0, 1, 3, 65539, 0x10001 + 0x10000};
	struct rsa_public key = {.modulus = {[0] = 0x80, [255] = 1}, .exponent = 65537}, back;
	struct buffer bytes = {(uint8_t[KEY_BYTES]){0}, KEY_BYTES, KEY_BYTES};

	(void)state;
	key_to_bytes(&key, bytes.data);
	assert_true(key_from_bytes(&bytes, &back));
	assert_memory_equal(back.modulus, key.modulus, sizeof key.modulus);
	for (size_t i = 0; i < COUNT(others); i++) {
		key.exponent = others[i];
		key_to_bytes(&key, bytes.data);
		assert_false(key_from_bytes(&bytes, &back));
	}
	key.exponent = 65537;
	key_to_bytes(&key, bytes.data);
	bytes.len--;
	assert_false(key_from_bytes(&bytes, &back));
}

/* ---- what was read wrong ---- */

static void what_was_read_wrong_once_is_not_kept(void **state)
{
	(void)state;
	for (unsigned nth = 1; nth < 46; nth++) {
		vcard_fault(bench.card, nth, VCARD_FAULT_GARBLE, 0);
		fill();
		vcard_fault(bench.card, 0, VCARD_FAULT_NONE, 0);
		begin_again();
		list_objects();
		read_certificates();
		for (size_t i = 0; i < COUNT(keys); i++)
			read_modulus(keys[i].id, keys[i].key_ref);
		module_stop();
		home_remove(FOLDER);
		fake_foreign_reset(READER);
		begin();
	}
}

/* All objects are looked for in one call; what comes of it is not looked at. */
static void try_find_all(void)
{
	CK_OBJECT_HANDLE found[32];
	CK_ULONG n;

	if (C_FindObjectsInit(bench.session, NULL, 0) != CKR_OK)
		return;
	(void)C_FindObjects(bench.session, found, COUNT(found), &n);
	(void)C_FindObjectsFinal(bench.session);
}

/* For cache_update(): counts in *context the directories that are there, and changes nothing. */
static bool count_directories(void *context, struct cache *c)
{
	unsigned *count = context;

	*count = 0;
	for (unsigned k = 0; k < P15_CLASSES; k++)
		*count += cache_get(c, CACHE_DIRECTORY, k) != NULL;
	return true;
}

static unsigned kept_directories(void)
{
	unsigned count = 0;

	cache_update(vcard_card_number(bench.card), count_directories, &count);
	return count;
}

/*
 * A SELECT that was answered and not done shows the file of before in another
 * one's place, also when the directories in the cache are too old: those are
 * gone from the file then.
 */
static void a_directory_in_another_ones_place_is_not_kept(void **state)
{
	unsigned all = 0, fewest = P15_CLASSES, count;
	int64_t by = 2 * DAY;

	(void)state;
	for (unsigned nth = 1; nth < 30; nth++) {
		warm_up();
		module_stop();
		cache_update(vcard_card_number(bench.card), age, &by);
		all = kept_directories();
		fake_foreign_reset(READER);
		begin();
		vcard_fault(bench.card, nth, VCARD_FAULT_STATUS, 0x9000);
		try_find_all();
		vcard_fault(bench.card, 0, VCARD_FAULT_NONE, 0);
		module_stop();
		count = kept_directories();
		fewest = count < fewest ? count : fewest;
		fake_foreign_reset(READER);
		begin();
		assert_int_equal(list_objects(), 9);
		read_certificates();
		for (size_t i = 0; i < COUNT(keys); i++)
			read_modulus(keys[i].id, keys[i].key_ref);
		begin_again();
	}
	assert_in_range(fewest, 1, all - 1);
}

/* The second certificate's issuer is there already: its signature tells. */
static void a_certificate_that_its_issuer_did_not_sign_is_read_again(void **state)
{
	CK_OBJECT_HANDLE found[8];
	unsigned char der[4096];
	unsigned cost;

	(void)state;
	assert_int_equal(find_class(bench.session, CKO_CERTIFICATE, found, COUNT(found)), 4);
	for (int i = 3; i > 0; i--)
		get_attribute(bench.session, found[i], CKA_VALUE, der, sizeof der);
	fake_new_commands(READER);
	vcard_fault(bench.card, 5, VCARD_FAULT_GARBLE, 0); /* in the middle: the key */
	read_certificates();
	cost = fake_new_commands(READER);
	assert_in_range(cost, 9, 16);
	begin_again();
	read_certificates();
	assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
}

static void a_certificate_that_is_none_is_not_kept(void **state)
{
	static unsigned char file[FILE_MAX];
	struct vcard *damaged = cache_card();
	unsigned char der[4096];
	X509 *x = vcard_certificate(damaged, VCARD_CERT_SIGN);
	const X509_NAME *name = X509_get_subject_name(x);
	const unsigned char *subject;
	CK_OBJECT_HANDLE found[8];
	size_t subject_len, len;
	unsigned char other[300];

	(void)state;
	assert_int_equal(X509_NAME_get0_der(name, &subject, &subject_len), 1);
	assert_true(subject_len <= sizeof other);
	memcpy(other, subject, subject_len);
	other[subject_len - 1] ^= 1;
	assert_true(forge_bytes(damaged, on_card("5030/08F2"), subject, other, subject_len) > 0);
	begin_with(damaged);
	assert_int_equal(find_class(bench.session, CKO_CERTIFICATE, found, COUNT(found)), 4);
	/* the card says so twice: it is what it holds */
	get_attribute(bench.session, found[0], CKA_VALUE, der, sizeof der);
	module_stop();
	len = read_cache(file_of(damaged), file);
	assert_true(len > 100);
	assert_null(memmem(file, len, der + 4, 200));
	fake_insert(READER, bench.card);
	begin();
	assert_genuine();
	X509_free(x);
	vcard_free(&damaged);
}

/* ---- who fills it, and what stays ---- */

static void a_program_that_reads_little_takes_nothing_away(void **state)
{
	int64_t by = 2 * DAY;

	(void)state;
	warm_up();
	list_objects();
	read_modulus("SIGN02", KEY_SIGN02);
	begin_again();
	list_objects();
	read_certificates();
	assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
	module_stop();
	cache_update(vcard_card_number(bench.card), age, &by);
	fake_foreign_reset(READER);
	begin();
	list_objects();
	begin_again();
	list_objects();
	read_certificates();
	assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
}

static void the_pieces_of_several_programs_add_up(void **state)
{
	CK_OBJECT_HANDLE found[8];
	unsigned char der[4096];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(find_class(bench.session, CKO_CERTIFICATE, found, COUNT(found)), 4);
		get_attribute(bench.session, found[i], CKA_VALUE, der, sizeof der);
		begin_again();
	}
	list_objects();
	begin_again();
	list_objects();
	read_certificates();
	assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
}

static void a_program_that_logs_in_first_fills_it_too(void **state)
{
	unsigned cold, warm;

	(void)state;
	fake_new_commands(READER);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(login(bench.session, PIN), CKR_OK);
		list_objects();
		read_certificates();
		assert_signs("SIGN", KEY_SIGN);
		cold = i ? cold : fake_new_commands(READER);
		warm = fake_new_commands(READER);
		if (!i)
			begin_again();
	}
	print_message("# generation %d: login, list, certificates, signature: %u commands cold, %u warm\n",
		      generation, cold, warm);
	assert_true(warm < cold - 20);
	begin_again();
	list_objects();
	assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
}

/* What Firefox does after its start: certificates with values, then a login and a signature. */
static void a_warm_visit_of_a_browser_is_cheap(void **state)
{
	CK_TOKEN_INFO info;
	unsigned cost = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(C_GetTokenInfo(bench.slot, &info), CKR_OK);
		fake_new_commands(READER);
		read_certificates();
		list_objects();
		assert_int_equal(login(bench.session, PIN), CKR_OK);
		assert_signs("SIGN", KEY_SIGN);
		cost = fake_new_commands(READER);
		print_message("# generation %d: %s visit: %u commands\n", generation,
			      i ? "warm" : "cold", cost);
		begin_again();
	}
	assert_in_range(cost, 1, generation == 1 ? FIREFOX_FIRST : FIREFOX_SECOND);
}

static pid_t start_reader(size_t from, size_t to)
{
	pid_t child = child_start();

	if (child == 0) {
		CK_OBJECT_HANDLE found[8];

		CHILD_WANTS(C_Initialize(NULL) == CKR_OK);
		bench.slot = slot_of(READER);
		bench.session = open_session(bench.slot);
		CHILD_WANTS(find_class(bench.session, CKO_CERTIFICATE, found, COUNT(found)) == 4);
		for (size_t i = from; i < to; i++) {
			unsigned char der[4096];

			get_attribute(bench.session, found[i], CKA_VALUE, der, sizeof der);
		}
		CHILD_WANTS(C_Finalize(NULL) == CKR_OK);
		child_done_leaving_memory();
	}
	return child;
}

/* False: one had to wait for the lock so long that it gave up, and said so. */
static bool all_of_them_saved(void)
{
	pid_t children[4];

	module_stop();
	home_remove(FOLDER);
	log_clear();
	for (size_t i = 0; i < COUNT(children); i++)
		children[i] = start_reader(i, i + 1);
	for (size_t i = 0; i < COUNT(children); i++)
		child_assert_well(children[i]);
	return !strstr(log_text(), "nothing is saved");
}

static void programs_that_save_at_once_lose_nothing(void **state)
{
	int rounds = 0;

	(void)state;
	log_level("info");
	for (int tried = 0; rounds < 10 && tried < 50; tried++) {
		const bool saved = all_of_them_saved();

		fake_foreign_reset(READER);
		begin();
		read_certificates();
		if (saved)
			assert_in_range(fake_new_commands(READER), 1, WARM_LIST);
		rounds += saved;
	}
	log_level("none");
	if (rounds == 0) {
		print_message("# SKIP this machine is too slow for four programs at once\n");
		skip();
	}
}

static void who_cannot_get_the_lock_goes_on_without(void **state)
{
	struct stat st;
	unsigned start;
	int lock;

	(void)state;
	assert_int_equal(mkdir(home_path(FOLDER), 0700), 0);
	lock = open(home_path(FOLDER "/lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	start = ck_now_ms();
	assert_int_equal(list_objects(), 9);
	read_certificates();
	assert_in_range(ck_now_ms() - start, 0, 5000);
	assert_int_equal(stat(home_path(file_of(bench.card)), &st), -1);
	close(lock);
	begin_again();
	list_objects();
	assert_int_equal(stat(home_path(file_of(bench.card)), &st), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(other_cards_of_the_same_number_change_nothing),
		BOTH(forged_pieces_between_genuine_ones_are_not_shown),
		BOTH(a_forged_key_is_dropped_when_a_result_does_not_fit),
		BOTH(directories_are_read_anew_after_a_day),
		FIRST(an_issuers_renewal_for_the_same_key_is_noticed_after_a_day),
		BOTH(a_renewed_root_is_noticed_at_once),
		FIRST(a_key_with_another_exponent_is_not_taken_from_the_disk),
		BOTH(what_was_read_wrong_once_is_not_kept),
		BOTH(a_directory_in_another_ones_place_is_not_kept),
		FIRST(a_certificate_that_its_issuer_did_not_sign_is_read_again),
		BOTH(a_certificate_that_is_none_is_not_kept),
		BOTH(a_program_that_reads_little_takes_nothing_away),
		BOTH(the_pieces_of_several_programs_add_up),
		BOTH(a_program_that_logs_in_first_fills_it_too),
		BOTH(a_warm_visit_of_a_browser_is_cheap),
		FIRST(programs_that_save_at_once_lose_nothing),
		FIRST(who_cannot_get_the_lock_goes_on_without),
	};

	return cmocka_run_group_tests_name("disk cache and forgers", tests, NULL, NULL);
}
