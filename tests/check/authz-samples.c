/*
 * authz-samples make DIRECTORY [TIME]  certificates of a made-up company, and its authorizations
 * authz-samples show FILE              what an attribute certificate in DER says
 *
 * For tests that let other programs read ours, and ours read theirs. TIME
 * (seconds since 1970; default: now) is when the certificates are good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "authz_world.h"

static FILE *create(const char *folder, const char *name)
{
	char path[1024];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

static void finish(FILE *file, bool ok)
{
	if (fclose(file) != 0 || !ok) {
		fprintf(stderr, "authz-samples: cannot write\n");
		exit(1);
	}
}

static void put_cards(const struct world *w, const char *folder)
{
	static const struct {
		enum world_card card;
		const char *name;
	} rows[] = {{WORLD_CA, "ca"}, {WORLD_PRIMARY, "primary"}, {WORLD_MANAGER, "manager"}, {WORLD_CLERK, "clerk"}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char name[64];
		FILE *file;

		snprintf(name, sizeof name, "%s.pem", rows[i].name);
		file = create(folder, name);
		finish(file, PEM_write_X509(file, w->cards[rows[i].card]) == 1);
		snprintf(name, sizeof name, "%s-key.pem", rows[i].name);
		file = create(folder, name);
		finish(file, PEM_write_PrivateKey(file, w->keys[rows[i].card], NULL, NULL, 0, NULL, NULL) == 1);
	}
}

static void put(const struct authz_cert *cert, const char *folder, const char *name)
{
	size_t len;
	const unsigned char *der = authz_cert_der(cert, &len);
	FILE *file = create(folder, name);

	finish(file, fwrite(der, 1, len, file) == len);
}

static void build(const struct world *w, const struct authz_spec *spec, enum world_card signer, const char *folder,
		  const char *name)
{
	struct authz_cert *cert = world_build(w, spec, signer);

	put(cert, folder, name);
	authz_cert_free(cert);
}

static void put_certificates(const struct world *w, const char *folder)
{
	struct authz_spec spec = world_spec(w), delegation = world_delegation(w);

	build(w, &spec, WORLD_PRIMARY, folder, "applications.der");
	spec.authorizer = w->cards[WORLD_MANAGER];
	build(w, &spec, WORLD_MANAGER, folder, "by-manager.der");
	spec = world_spec(w);
	spec.grant_count = AUTHZ_GRANTS_MAX;
	for (size_t i = 2; i < AUTHZ_GRANTS_MAX; i++)
		spec.grants[i] = spec.grants[0];
	build(w, &spec, WORLD_PRIMARY, folder, "five.der");
	spec.grant_count = 0;
	build(w, &spec, WORLD_PRIMARY, folder, "none.der");
	build(w, &delegation, WORLD_PRIMARY, folder, "delegation.der");
	delegation.sequence++;
	delegation.delegation_disabled = true;
	build(w, &delegation, WORLD_PRIMARY, folder, "disabled.der");
}

static int make(const char *folder, time_t now)
{
	struct world w;

	world_init(&w, now);
	put_cards(&w, folder);
	put_certificates(&w, folder);
	world_clear(&w);
	return 0;
}

static int show(const char *path)
{
	static unsigned char der[AUTHZ_DER_MAX + 1];
	FILE *file = fopen(path, "rb");
	size_t len = file ? fread(der, 1, sizeof der, file) : 0;
	struct authz_cert *cert;
	enum authz_reason r = authz_cert_parse(der, len, NULL, &cert);
	char *text = r == AUTHZ_GOOD ? authz_cert_text(cert, AUTHZ_ENGLISH) : NULL;

	if (file)
		fclose(file);
	if (!text) {
		printf("%s\n", authz_reason_text(r));
		return 1;
	}
	fputs(text, stdout);
	free(text);
	authz_cert_free(cert);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "make") == 0)
		return make(argv[2], argc > 3 ? (time_t)strtoll(argv[3], NULL, 10) : time(NULL));
	if (argc == 3 && strcmp(argv[1], "show") == 0)
		return show(argv[2]);
	fprintf(stderr, "usage: authz-samples make DIRECTORY [TIME] | show FILE\n");
	return 2;
}
