/*
 * twcard cert register and unregister on Windows: copies of the card's
 * certificates in the user's own certificate stores. No program reaches the
 * card's keys by them: for that Windows wants a minidriver, which this is not.
 * A certificate of ours is known by its friendly name.
 */
#include "config.h"

#include <string.h>

#include <windows.h>

#include <wincrypt.h>

/* OpenSSL's and ours are others. */
#undef KEY_READ
#undef OCSP_REQUEST
#undef OCSP_RESPONSE
#undef PKCS7_SIGNER_INFO
#undef X509_EXTENSIONS
#undef X509_NAME

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tools/twcard/card.h"
#include "tools/twcard/commands.h"
#include "tools/twcard/message.h"
#include "tools/twcard/register.h"

#define TARGET "store"
#define MARK L"twcard: " /* in front of a friendly name */
#define MARK_LEN 8
#define NAME_SIZE 128

/* The user's own; Windows' trusted roots are not touched. */
static const struct {
	const wchar_t *store;
	const char *name;
	bool of_ca;
} stores[] = {
	{L"MY", "MY", false},
	{L"CA", "CA", true},
};
#define STORES (sizeof stores / sizeof *stores)

static HCERTSTORE open_store(size_t which)
{
	return CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_CURRENT_USER, stores[which].store);
}

/* False: what was changed may not be kept. */
static bool close_store(HCERTSTORE store)
{
	const bool kept = CertControlStore(store, 0, CERT_STORE_CTRL_COMMIT, NULL);

	return CertCloseStore(store, 0) && kept;
}

static bool is_ours(PCCERT_CONTEXT found)
{
	wchar_t name[NAME_SIZE];
	DWORD size = sizeof name;

	return CertGetCertificateContextProperty(found, CERT_FRIENDLY_NAME_PROP_ID, name, &size) &&
	       size >= MARK_LEN * sizeof *name && wcsncmp(name, MARK, MARK_LEN) == 0;
}

/* ---- adding ---- */

static bool mark(PCCERT_CONTEXT added, const char *label)
{
	wchar_t name[NAME_SIZE] = MARK;
	CRYPT_DATA_BLOB blob = {.pbData = (BYTE *)name};

	if (MultiByteToWideChar(CP_UTF8, 0, label, -1, name + MARK_LEN, NAME_SIZE - MARK_LEN) <= 0)
		name[MARK_LEN] = L'\0'; /* the mark is enough */
	blob.cbData = (DWORD)((wcslen(name) + 1) * sizeof *name);
	return CertSetCertificateContextProperty(added, CERT_FRIENDLY_NAME_PROP_ID, 0, &blob);
}

/* What is there already stays as it is, whoever put it there. */
static enum register_action add_der(HCERTSTORE store, const uint8_t *der, int len, const char *label)
{
	PCCERT_CONTEXT wanted = CertCreateCertificateContext(X509_ASN_ENCODING, der, (DWORD)len), there, added = NULL;
	enum register_action action = REGISTER_FAILED;

	if (!wanted)
		return action;
	there = CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_EXISTING, wanted, NULL);
	if (there) {
		action = REGISTER_PRESENT;
		CertFreeCertificateContext(there);
	} else if (CertAddCertificateContextToStore(store, wanted, CERT_STORE_ADD_NEW, &added)) {
		action = REGISTER_ADDED;
		if (!mark(added, label)) { /* we could not take it back */
			CertDeleteCertificateFromStore(CertDuplicateCertificateContext(added));
			action = REGISTER_FAILED;
		}
		CertFreeCertificateContext(added);
	}
	CertFreeCertificateContext(wanted);
	return action;
}

/* Roots are left out: nothing of a card makes one trusted. */
static bool is_wanted(X509 *x509, bool of_ca)
{
	const bool ca = X509_check_ca(x509) == 1;

	return ca == of_ca && (!ca || X509_NAME_cmp(X509_get_subject_name(x509), X509_get_issuer_name(x509)) != 0);
}

static enum exit_code add_one(struct registration *r, size_t which, HCERTSTORE store, const struct card_certificate *c)
{
	enum register_action action = REGISTER_ADDED;
	uint8_t *der = NULL;
	const int len = i2d_X509(c->x509, &der);

	if (len <= 0)
		action = REGISTER_FAILED;
	else if (!r->dry_run)
		action = add_der(store, der, len, c->label);
	OPENSSL_free(der);
	register_say(r, stores[which].name, c->label, action, NULL);
	return action == REGISTER_FAILED ? EXIT_FILE : EXIT_GOOD;
}

static enum exit_code add_all(struct registration *r, size_t which, const struct card_certificates *list)
{
	const HCERTSTORE store = open_store(which);
	enum exit_code code = EXIT_GOOD;

	if (!store)
		return register_fail(r, stores[which].name, "-", EXIT_FILE, NULL);
	for (size_t i = 0; i < list->count; i++) {
		enum exit_code one = EXIT_GOOD;

		if (list->items[i].x509 && is_wanted(list->items[i].x509, stores[which].of_ca))
			one = add_one(r, which, store, &list->items[i]);
		code = code == EXIT_GOOD ? one : code;
	}
	if (!close_store(store) && code == EXIT_GOOD)
		code = register_fail(r, stores[which].name, "-", EXIT_FILE, NULL);
	return code;
}

static enum exit_code add_card(struct registration *r)
{
	struct card_certificates list;
	struct slot *slot = NULL;
	enum exit_code code = cards_choose(r->args, &slot);
	enum result result;

	if (code != EXIT_GOOD)
		return code;
	result = card_certificates(slot, &list);
	card_leave(slot);
	if (result != RESULT_OK)
		return message_result(result, slot->reader);
	for (size_t i = 0; i < STORES; i++) {
		enum exit_code one = add_all(r, i, &list);

		code = code == EXIT_GOOD ? one : code;
	}
	card_certificates_clear(&list);
	return code;
}

/* ---- removing ---- */

static void say_removed(struct registration *r, size_t which, PCCERT_CONTEXT found, bool failed)
{
	wchar_t wide[NAME_SIZE] = L"";
	char label[NAME_SIZE * 3] = "";
	DWORD size = sizeof wide - sizeof *wide;

	(void)CertGetCertificateContextProperty(found, CERT_FRIENDLY_NAME_PROP_ID, wide, &size);
	(void)WideCharToMultiByte(CP_UTF8, 0, wide + MARK_LEN, -1, label, sizeof label, NULL, NULL);
	register_say(r, stores[which].name, label, failed ? REGISTER_FAILED : REGISTER_REMOVED, NULL);
}

/* The store's list changes while it is gone through: each round looks from the beginning for one more. */
static PCCERT_CONTEXT next_of_ours(HCERTSTORE store, PCCERT_CONTEXT from)
{
	while ((from = CertEnumCertificatesInStore(store, from)) && !is_ours(from))
		continue;
	return from;
}

static enum exit_code remove_all(struct registration *r, size_t which)
{
	const HCERTSTORE store = open_store(which);
	enum exit_code code = EXIT_GOOD;
	PCCERT_CONTEXT found = NULL;

	if (!store)
		return register_fail(r, stores[which].name, "-", EXIT_FILE, NULL);
	while (code == EXIT_GOOD && (found = next_of_ours(store, r->dry_run ? found : NULL))) {
		PCCERT_CONTEXT copy = CertDuplicateCertificateContext(found);
		const bool gone = r->dry_run || CertDeleteCertificateFromStore(CertDuplicateCertificateContext(found));

		say_removed(r, which, copy, !gone);
		CertFreeCertificateContext(copy);
		code = gone ? EXIT_GOOD : EXIT_FILE;
		if (!r->dry_run || !gone) /* else the next round does */
			CertFreeCertificateContext(found);
	}
	if (!close_store(store) && code == EXIT_GOOD)
		code = register_fail(r, stores[which].name, "-", EXIT_FILE, NULL);
	return code;
}

/* ---- both ---- */

static void say_json(const struct registration *r)
{
	struct json_object *v = json_object_new_object();

	json_object_object_add(v, "dry-run", json_object_new_boolean(r->dry_run));
	json_object_object_add(v, "changed", json_object_new_boolean(r->changed));
	json_object_object_add(v, "steps", json_object_get(r->steps));
	message_json(v);
}

static enum exit_code run(const struct arguments *args, bool removing)
{
	struct registration r = {.args = args,
				 .target = TARGET,
				 .removing = removing,
				 .dry_run = arguments_has(args, "dry-run"),
				 .steps = json_object_new_array()};
	enum exit_code code = EXIT_GOOD;

	if (!arguments_has(args, TARGET))
		code = message_usage(args->command, _("say where: --store\nFor programs that load the PKCS#11 module see docs/WINDOWS.md."));
	else if (!removing)
		code = add_card(&r);
	for (size_t i = 0; removing && code == EXIT_GOOD && i < STORES; i++)
		code = remove_all(&r, i);
	if (message_is_json() && json_object_array_length(r.steps))
		say_json(&r);
	else if (code == EXIT_GOOD && !r.changed)
		message_note(_("Nothing was changed."));
	json_object_put(r.steps);
	return code;
}

static enum exit_code run_register(const struct arguments *args)
{
	return run(args, false);
}

static enum exit_code run_unregister(const struct arguments *args)
{
	return run(args, true);
}

static const struct option_row options[] = {
	{TARGET, 0, NULL, N_("this user's certificate stores of Windows")},
	{"dry-run", 0, NULL, N_("say what would be done, and do nothing")},
	{NULL, 0, NULL, NULL},
};

const struct subcommand command_cert_register = {
	.name = "cert register",
	.summary = N_("put copies of the card's certificates into Windows' stores"),
	.more = N_("Programs that ask Windows (Edge, Chrome, Outlook) then show them, but cannot use the card's keys:\n"
		   "that takes a minidriver, which twcard is not. Firefox, Java, OpenSSL, OpenVPN and Adobe Reader\n"
		   "load twcard-pkcs11.dll, and need nothing of this. Root certificates are never added."),
	.options = options,
	.run = run_register,
};

const struct subcommand command_cert_unregister = {
	.name = "cert unregister",
	.summary = N_("undo 'twcard cert register'"),
	.more = N_("What 'twcard cert register' added is removed; all else stays. No card is needed."),
	.options = options,
	.run = run_unregister,
};
