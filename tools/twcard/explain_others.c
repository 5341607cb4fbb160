/* Codes of other software of which the manuals name a few. */
#include "config.h"

#include "tools/twcard/explain_internal.h"
#include "tools/twcard/message.h"

/* The program for authorizing attached cards (工商憑證附卡授權). */
static const struct explain_row scap_rows[] = {
	{.code = 7411, .action = ACTION_ATTACHED_OPEN,
	 .meaning = N_("The component's own number behind 9702: the application service chosen "
			    "exists on the card already.")},
	{.code = 9702, .action = ACTION_ATTACHED_OPEN,
	 .meaning = N_("The component failed while it opened the attached card's area for "
			    "authorizations; the number behind it says why (7411: it is open already).")},
};

const struct explain_source explain_scap = {
	.name = "scap",
	.title = N_("attached-card authorization (SCAP)"),
	.rows = scap_rows,
	.count = sizeof scap_rows / sizeof *scap_rows,
	.likelihood = {1, 4, 0, 0},
	.is_decimal = true,
};

/* Windows itself, as web pages pass it on. */
static const struct explain_row windows_rows[] = {
	{.code = 0x80070005, .name = "E_ACCESSDENIED", .action = ACTION_VISTA,
	 .meaning = N_("Windows refused access: the browser's rights are not sufficient to make "
			    "or store the key.")},
	{.code = 0x80092004, .name = "CRYPT_E_NOT_FOUND", .action = ACTION_SAME_COMPUTER,
	 .meaning = N_("Windows did not find the private key or another object that belongs to "
			    "the certificate.")},
};

const struct explain_source explain_windows = {
	.name = "windows",
	.title = N_("Windows"),
	.rows = windows_rows,
	.count = sizeof windows_rows / sizeof *windows_rows,
	.likelihood = {2, 1, 1, 0},
	.bare_digits = 8,
};

/* A bank's platform for certificates in files (合作金庫憑證管理平台). */
static const struct explain_row bank_rows[] = {
	{.code = 6025, .action = ACTION_NEW_CERT_SOON,
	 .meaning = N_("The CA is still issuing the certificate.")},
	{.code = 6036, .action = ACTION_NEW_CERT,
	 .meaning = N_("There is no certificate to download: the last one has expired or was "
			    "revoked.")},
};

const struct explain_source explain_bank = {
	.name = "bank",
	.title = N_("bank's certificate platform"),
	.rows = bank_rows,
	.count = sizeof bank_rows / sizeof *bank_rows,
	.likelihood = {1, 4, 0, 0},
	.is_decimal = true,
};
