#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "cachebench.h"

int generation;
static struct vcard *(*const load[])(void) = {testcard_load, gen2_load};

struct vcard *cache_card(void)
{
	return load[generation - 1]();
}

const char *on_card(const char *path)
{
	static char text[100];

	snprintf(text, sizeof text, "%s/%s", generation == 1 ? "3F00" : "7FFF", path);
	return text;
}

const char *file_of(struct vcard *card)
{
	static char name[100];

	snprintf(name, sizeof name, FOLDER "/%.16s.cache", vcard_card_number(card));
	return name;
}

void begin(void)
{
	module_start();
	fake_new_commands(READER);
	bench.slot = slot_of(READER);
	bench.session = open_session(bench.slot);
}

void begin_again(void)
{
	module_stop();
	fake_foreign_reset(READER);
	begin();
}

void begin_with(struct vcard *card)
{
	fake_insert(READER, card);
	begin_again();
}

void configure(const char *cache)
{
	char conf[400];

	snprintf(conf, sizeof conf, "keyset-dir = %s\ncache = %s\n", home_path("keysets"), cache);
	home_write("twcard.conf", conf, 0600);
}

int setup_cold(void **state)
{
	generation = (int)(uintptr_t)*state;
	*state = &bench;
	memset(&bench, 0, sizeof bench);
	home_make();
	configure("yes");
	keyset_install();
	home_remove("xdg");
	assert_int_equal(mkdir(home_path("xdg"), 0700), 0);
	setenv("XDG_CACHE_HOME", home_path("xdg"), 1);
	fake_clear();
	bench.card = load[generation - 1]();
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	begin();
	return 0;
}

size_t list_objects(void)
{
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_LABEL, CKA_ID, CKA_SUBJECT, CKA_SERIAL_NUMBER,
						  CKA_KEY_TYPE, CKA_MODULUS_BITS, CKA_ENCRYPT,
						  CKA_APPLICATION, CKA_OBJECT_ID, CKA_PRIVATE};
	CK_OBJECT_HANDLE found[32];
	size_t n;

	n = find_objects(bench.session, NULL, 0, found, COUNT(found));
	for (size_t i = 0; i < n; i++) {
		unsigned char value[2048];

		for (size_t k = 0; k < COUNT(types); k++)
			(void)C_GetAttributeValue(bench.session, found[i],
						  &(CK_ATTRIBUTE){types[k], value, sizeof value}, 1);
	}
	return n;
}

void read_certificates(void)
{
	static const enum vcard_cert which[] = {VCARD_CERT_SIGN, VCARD_CERT_ENCRYPT, VCARD_CERT_ROOT,
						VCARD_CERT_CA};
	CK_OBJECT_HANDLE found[8];

	assert_int_equal(find_class(bench.session, CKO_CERTIFICATE, found, COUNT(found)), COUNT(which));
	for (size_t i = 0; i < COUNT(which); i++) {
		unsigned char der[4096], *wanted = NULL;
		X509 *x = vcard_certificate(bench.card, which[i]);
		int len = i2d_X509(x, &wanted);

		assert_int_equal(get_attribute(bench.session, found[i], CKA_VALUE, der, sizeof der), len);
		assert_memory_equal(der, wanted, len);
		OPENSSL_free(wanted);
		X509_free(x);
	}
}

bool is_modulus(unsigned key_ref, const unsigned char modulus[256])
{
	EVP_PKEY *key = vcard_public_key(bench.card, key_ref);
	unsigned char wanted[256];
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	assert_int_equal(BN_bn2binpad(n, wanted, sizeof wanted), sizeof wanted);
	BN_free(n);
	EVP_PKEY_free(key);
	return memcmp(wanted, modulus, sizeof wanted) == 0;
}

void read_modulus(const char *id, unsigned key_ref)
{
	unsigned char modulus[256];

	assert_int_equal(get_attribute(bench.session, find_one(bench.session, CKO_PUBLIC_KEY, id),
				       CKA_MODULUS, modulus, sizeof modulus),
			 sizeof modulus);
	assert_true(is_modulus(key_ref, modulus));
}

void warm_up(void)
{
	list_objects();
	read_certificates();
	get_attribute(bench.session, find_one(bench.session, CKO_PUBLIC_KEY, "SIGN"), CKA_MODULUS,
		      (unsigned char[256]){0}, 256);
	begin_again();
}

size_t read_cache(const char *name, unsigned char out[FILE_MAX])
{
	FILE *file = fopen(home_path(name), "re");
	size_t n = file ? fread(out, 1, FILE_MAX, file) : 0;

	if (file)
		fclose(file);
	return n;
}
