/*
 * may APPLICATION ROOTS HOLDER AUTHORIZER CERTIFICATE [PRIMARY DELEGATION...]
 *
 * What a relying application asks when the bearer of an attached card has
 * logged in: may this card act here, and as what? ROOTS, HOLDER, AUTHORIZER
 * and PRIMARY are certificates in PEM, CERTIFICATE and DELEGATION attribute
 * certificates in DER. The last two matter if the authorizer is an attached
 * card. Prints the answer; status 0: yes, 1: no, 2: wrong use.
 *
 *     cc may.c $(pkg-config --cflags --libs twcard-authz)
 */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/pem.h>
#include <twcard-authz.h>

#define DELEGATIONS 8

static X509 *read_certificate(const char *path)
{
	FILE *file = fopen(path, "r");
	X509 *x = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

	if (file)
		fclose(file);
	if (!x)
		fprintf(stderr, "may: no certificate in %s\n", path);
	return x;
}

/* One byte more than there may be, so that the library sees what is too large. */
static struct authz_der read_der(const char *path)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes = malloc(AUTHZ_DER_MAX + 1);
	struct authz_der der = {bytes, 0};

	if (!file)
		fprintf(stderr, "may: cannot read %s\n", path);
	else if (bytes)
		der.len = fread(bytes, 1, AUTHZ_DER_MAX + 1, file);
	if (file)
		fclose(file);
	return der;
}

static int answer(const struct authz_request *question, const char *application)
{
	const struct authz_grant *grant = NULL;
	struct authz_result result;
	int status = 1;

	if (authz_verify(question, &result) != AUTHZ_GOOD)
		printf("no: %s (%s)\n", authz_reason_text(result.reason), authz_reason_name(result.reason));
	else if ((grant = authz_cert_find(result.cert, application)) == NULL)
		printf("no: it says nothing of %s\n", application);
	if (grant) {
		printf("yes: %s, %s\n", grant->unit_name ? grant->unit_name : "no unit",
		       grant->role ? grant->role : "no role");
		status = 0;
	}
	authz_result_clear(&result);
	return status;
}

int main(int argc, char **argv)
{
	struct authz_der delegations[DELEGATIONS];
	struct authz_request question = {.kind = AUTHZ_KIND_APPLICATIONS, .delegations = delegations};
	int status = 2;

	if (argc < 6 || argc > 7 + DELEGATIONS) {
		fprintf(stderr, "usage: may APPLICATION ROOTS HOLDER AUTHORIZER CERTIFICATE "
				"[PRIMARY DELEGATION...]\n");
		return 2;
	}
	question.store = X509_STORE_new();
	question.holder = read_certificate(argv[3]);
	question.authorizer = read_certificate(argv[4]);
	question.cert = read_der(argv[5]);
	question.primary = argc > 6 ? read_certificate(argv[6]) : NULL;
	for (int i = 7; i < argc; i++)
		delegations[question.delegation_count++] = read_der(argv[i]);
	if (!question.store || X509_STORE_load_file(question.store, argv[2]) != 1)
		fprintf(stderr, "may: no certificates in %s\n", argv[2]);
	else if (question.holder && question.authorizer && question.cert.bytes)
		status = answer(&question, argv[1]);
	for (size_t i = 0; i < question.delegation_count; i++)
		free((void *)delegations[i].bytes);
	free((void *)question.cert.bytes);
	X509_free(question.primary);
	X509_free(question.authorizer);
	X509_free(question.holder);
	X509_STORE_free(question.store);
	return status;
}
