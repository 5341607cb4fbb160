/*
 * The component below ServiSign. Its codes from 9001 on are 9000 and the place
 * of a code in the list of PKCS#11 2.01: they are counted out in that table.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tools/twcard/explain_internal.h"
#include "tools/twcard/message.h"

#define FIRST_DERIVED 9000

static const struct explain_row rows[] = {
	{.code = 0, .name = "CG_RTN_SUCCESS",
	 .meaning = N_("It worked.")},
	{.code = 10, .name = "CG_RTN_SCARD_ESTABLISH_CONTEXT_ERROR", .action = ACTION_SERVICE,
	 .meaning = N_("The component could not connect to the smart card service.")},
	{.code = 12, .name = "CG_RTN_SCARD_GET_STATUS_ERROR", .action = ACTION_CARD_AGAIN,
	 .meaning = N_("The state of the card could not be read.")},
	{.code = 13, .name = "CG_RTN_SCARD_INVALID_STATUS", .action = ACTION_CARD_AGAIN,
	 .meaning = N_("The card is in a state in which it cannot be used.")},
	{.code = 17, .name = "CG_RTN_SCARD_REMOVED_CARD_ERROR", .action = ACTION_CARD_IN,
	 .meaning = N_("The card was taken out, or the reader unplugged, in the middle.")},
	{.code = 18, .name = "CG_RTN_SCARD_RESET_CARD_ERROR", .action = ACTION_CARD_AGAIN,
	 .meaning = N_("The card was reset in the middle, or could not be reset.")},
	{.code = 19, .name = "CG_RTN_SCARD_NOT_TRANSACTED_ERROR", .action = ACTION_CARD_AGAIN,
	 .meaning = N_("The connection to the card broke.")},
	{.code = 20, .name = "CG_RTN_SCARD_TRANSMIT_FAILED", .action = ACTION_CARD_AGAIN,
	 .meaning = N_("A command could not be sent to the card.")},
	{.code = 30, .name = "CG_RTN_FISC_PIN_ERROR", .action = ACTION_PIN_AGAIN,
	 .meaning = N_("The password of the bank card is wrong.")},
	{.code = 31, .name = "CG_RTN_FISC_PIN_LOCK", .action = ACTION_BANK,
	 .meaning = N_("The bank card is locked after too many wrong passwords; its bank unlocks "
			    "it.")},
	{.code = 3005, .name = "CG_RTN_SCARD_CARD_ABSENT", .action = ACTION_CARD_IN,
	 .meaning = N_("No card is in the reader.")},
	{.code = 3011, .name = "SCARD_E_NO_READERS_AVAILABLE", .action = ACTION_READER,
	 .meaning = N_("No reader is connected.")},
	{.code = 3999, .name = "CG_RTN_SCARD_UNKNOWN_ERROR", .action = ACTION_SEE_CARD,
	 .meaning = N_("A general error of card or reader.")},
	{.code = 5001, .name = "CG_RTN_ERROR", .action = ACTION_RESTART,
	 .meaning = N_("A general error of the component.")},
	{.code = 5002, .name = "CG_RTN_MEMALLOC_ERROR", .action = ACTION_MEMORY,
	 .meaning = N_("The computer's memory was not enough.")},
	{.code = 5003, .name = "CG_RTN_BUFFER_TOO_SMALL", .action = ACTION_SITE,
	 .meaning = N_("A buffer is too small for the answer.")},
	{.code = 5004, .name = "CG_RTN_FUNCTION_UNSUPPORTED", .action = ACTION_OTHER_WAY,
	 .meaning = N_("The component does not have this function.")},
	{.code = 5005, .name = "CG_RTN_INVALID_PARAM", .action = ACTION_SITE,
	 .meaning = N_("A parameter is wrong.")},
	{.code = 5006, .name = "CG_RTN_INVALID_HANDLE", .action = ACTION_SITE,
	 .meaning = N_("A handle is not valid, by its name; the maker's table speaks of Base64 "
			    "here, as for 5008.")},
	{.code = 5007, .name = "CG_RTN_LIB_EXPIRE", .action = ACTION_TRIAL,
	 .meaning = N_("The component is a trial version whose time is over.")},
	{.code = 5008, .name = "CG_RTN_BASE64_ERROR", .action = ACTION_SITE,
	 .meaning = N_("Data are no valid Base64.")},
	{.code = 5009, .name = "CG_RTN_HEX_ERROR", .action = ACTION_SITE,
	 .meaning = N_("Data are no valid hexadecimal text.")},
	{.code = 5010, .name = "CG_RTN_CERT_NOT_FOUND", .action = ACTION_CERT_CHOICE,
	 .meaning = N_("The certificate was not found (on Windows: not in the system's store).")},
	{.code = 5011, .name = "CG_RTN_CERT_EXPIRED", .action = ACTION_RENEW,
	 .meaning = N_("The certificate has expired.")},
	{.code = 5012, .name = "CG_RTN_CERT_NOT_YET_VALID", .action = ACTION_CLOCK,
	 .meaning = N_("The certificate is not valid yet.")},
	{.code = 5013, .name = "CG_RTN_CERT_EXPIRE_OR_NOT_YET_USE", .action = ACTION_DATES,
	 .meaning = N_("The certificate has expired or is not valid yet.")},
	{.code = 5014, .name = "CG_RTN_CERT_DENIED", .action = ACTION_CERT_CHOICE,
	 .meaning = N_("The certificate's subject is not the one that is wanted.")},
	{.code = 5015, .name = "CG_RTN_CERT_NOISSUER", .action = ACTION_CHAIN,
	 .meaning = N_("The issuer of the certificate was not found.")},
	{.code = 5016, .name = "CG_RTN_CERT_BAD_SIGNATURE", .action = ACTION_CERT_CHECK,
	 .meaning = N_("The signature on the certificate is not right.")},
	{.code = 5017, .name = "CG_RTN_CERT_INVALID_KEYUSAGE", .action = ACTION_CERT_CHOICE,
	 .meaning = N_("The certificate is not meant for this: one is for signing, another for "
			    "encryption.")},
	{.code = 5020, .name = "CG_RTN_CERT_REVOKED", .action = ACTION_REVOKED,
	 .meaning = N_("The certificate is revoked.")},
	{.code = 5021, .name = "CG_RTN_CERT_KEY_COMPROMISED", .action = ACTION_REVOKED,
	 .meaning = N_("The certificate is revoked because its key may be in other hands.")},
	{.code = 5022, .name = "CG_RTN_CERT_CA_COMPROMISED", .action = ACTION_REVOKED,
	 .meaning = N_("The certificate is revoked because the CA's key may be in other hands.")},
	{.code = 5023, .name = "CG_RTN_CERT_AFFILIATION_CHANGED", .action = ACTION_REVOKED,
	 .meaning = N_("The certificate is revoked because the holder's affiliation has changed.")},
	{.code = 5024, .name = "CG_RTN_CERT_SUPERSEDED", .action = ACTION_REVOKED,
	 .meaning = N_("The certificate is revoked because another has taken its place.")},
	{.code = 5025, .name = "CG_RTN_CERT_CESSATION", .action = ACTION_REVOKED,
	 .meaning = N_("The certificate is revoked because it is needed no more.")},
	{.code = 5026, .name = "CG_RTN_CERT_HOLD", .action = ACTION_HOLD,
	 .meaning = N_("The certificate is suspended.")},
	{.code = 5028, .name = "CG_RTN_CERT_REMOVEFROMCRL", .action = ACTION_CRL,
	 .meaning = N_("The revocation list has an entry of this certificate that takes it off "
			    "the list again; the maker's table calls it revoked.")},
	{.code = 5030, .name = "CG_RTN_CRL_EXPIRED", .action = ACTION_CRL,
	 .meaning = N_("The revocation list is out of date.")},
	{.code = 5031, .name = "CG_RTN_CRL_NOT_YET_VALID", .action = ACTION_CRL,
	 .meaning = N_("The revocation list is not valid yet.")},
	{.code = 5032, .name = "CG_RTN_CRL_NOT_FOUND", .action = ACTION_CRL,
	 .meaning = N_("The revocation list was not found.")},
	{.code = 5034, .name = "CG_RTN_CRL_BAD_SIGNATURE", .action = ACTION_CRL,
	 .meaning = N_("The signature on the revocation list is not right.")},
	{.code = 5035, .name = "CG_RTN_GET_DIGEST_ERROR", .action = ACTION_SUPPORT,
	 .meaning = N_("The digest could not be computed.")},
	{.code = 5036, .name = "CG_RTN_BAD_SIGNATURE", .action = ACTION_SIGNATURE,
	 .meaning = N_("The signature is not right.")},
	{.code = 5037, .name = "CG_RTN_BAD_CONTENT", .action = ACTION_DATA,
	 .meaning = N_("The content is not right.")},
	{.code = 5038, .name = "CG_RTN_BAD_CAPTCHA", .action = ACTION_CAPTCHA,
	 .meaning = N_("What was typed is not what the picture shows.")},
	{.code = 5040, .name = "CG_RTN_INVALID_CERT", .action = ACTION_DATA,
	 .meaning = N_("That is no certificate, or a damaged one.")},
	{.code = 5041, .name = "CG_RTN_INVALID_CRL", .action = ACTION_DATA,
	 .meaning = N_("That is no revocation list, or a damaged one.")},
	{.code = 5042, .name = "CG_RTN_INVALID_PKCS7", .action = ACTION_DATA,
	 .meaning = N_("That is no PKCS#7 (CMS), or a damaged one.")},
	{.code = 5043, .name = "CG_RTN_INVALID_KEY", .action = ACTION_DATA,
	 .meaning = N_("That is no key, or a damaged one.")},
	{.code = 5044, .name = "CG_RTN_INVALID_CERTREQ", .action = ACTION_DATA,
	 .meaning = N_("That is no certificate request (PKCS#10), or a damaged one.")},
	{.code = 5045, .name = "CG_RTN_INVALID_FORMAT", .action = ACTION_DATA,
	 .meaning = N_("The form of the data is not the right one.")},
	{.code = 5046, .name = "CG_RTN_INVALID_PKCS12", .action = ACTION_DATA,
	 .meaning = N_("That is no PKCS#12 (.pfx, .p12), or a damaged one.")},
	{.code = 5050, .name = "CG_RTN_OBJ_NOT_FOUND", .action = ACTION_SEE_CARD,
	 .meaning = N_("The object (certificate, key) does not exist.")},
	{.code = 5051, .name = "CG_RTN_PKCS7_NO_CONTENT", .action = ACTION_DATA,
	 .meaning = N_("The signature has no content with it: the signed data must be given, too.")},
	{.code = 5052, .name = "CG_RTN_PKCS7_NO_CERTIFICATE", .action = ACTION_DATA,
	 .meaning = N_("The signature has no certificate with it.")},
	{.code = 5053, .name = "CG_RTN_PKCS7_NO_SIGNERINFO", .action = ACTION_DATA,
	 .meaning = N_("The signature names no signer.")},
	{.code = 5060, .name = "CG_RTN_UNMATCH_CERT_KEY", .action = ACTION_KEY_MATCH,
	 .meaning = N_("Certificate and key do not belong together.")},
	{.code = 5061, .name = "CG_RTN_SIGN_ERROR", .action = ACTION_SEE_CARD,
	 .meaning = N_("Signing failed.")},
	{.code = 5062, .name = "CG_RTN_VERIFY_ERROR", .action = ACTION_SIGNATURE,
	 .meaning = N_("Verifying the signature failed.")},
	{.code = 5063, .name = "CG_RTN_ENCRYPT_ERROR", .action = ACTION_CERT_CHOICE,
	 .meaning = N_("Encryption failed.")},
	{.code = 5064, .name = "CG_RTN_DECRYPT_ERROR", .action = ACTION_KEY_MATCH,
	 .meaning = N_("Decryption failed.")},
	{.code = 5065, .name = "CG_RTN_GENKEY_ERROR", .action = ACTION_SUPPORT,
	 .meaning = N_("A key could not be made.")},
	{.code = 5066, .name = "CG_RTN_DELETE_USR_CERT_ERROR", .action = ACTION_SUPPORT,
	 .meaning = N_("The user's certificate could not be deleted.")},
	{.code = 5067, .name = "CG_RTN_BAD_ALGID", .action = ACTION_OTHER_WAY,
	 .meaning = N_("The algorithm is wrong or not supported.")},
	{.code = 5070, .name = "CG_RTN_OPERATION_CANCELED", .action = ACTION_CANCELLED,
	 .meaning = N_("The operation was cancelled.")},
	{.code = 5071, .name = "CG_RTN_PASSWD_INVALID", .action = ACTION_PIN_AGAIN,
	 .meaning = N_("The password or PIN is wrong.")},
	{.code = 5072, .name = "CG_RTN_SCARD_BLOCKED", .action = ACTION_BUSY,
	 .meaning = N_("The card is in use.")},
	{.code = 5073, .name = "CG_RTN_REPLUG_TIMEOUT", .action = ACTION_RETRY,
	 .meaning = N_("The card was not taken out and put in again in time.")},
	{.code = 5074, .name = "CG_RTN_DEVICE_DISABLED", .action = ACTION_READER,
	 .meaning = N_("The device cannot be used.")},
	{.code = 5080, .name = "CG_RTN_XMLPARSE_ERROR", .action = ACTION_SITE,
	 .meaning = N_("That is no valid XML.")},
	{.code = 5081, .name = "CG_RTN_XMLTAG_NOTFOUND", .action = ACTION_SITE,
	 .meaning = N_("A tag is missing in the XML.")},
	{.code = 5201, .name = "CGCAPI_RTN_OPENSTORE_ERROR", .action = ACTION_RIGHTS,
	 .meaning = N_("The certificate store could not be opened.")},
	{.code = 5202, .name = "CGCAPI_RTN_CREATECHAIN_ERROR", .action = ACTION_CHAIN,
	 .meaning = N_("The chain of certificates could not be built.")},
	{.code = 5203, .name = "CGCAPI_RTN_CRYPTCONTEXT_ERROR", .action = ACTION_REINSTALL,
	 .meaning = N_("The cryptographic module (CSP) could not be opened.")},
	{.code = 5204, .name = "CGCAPI_RTN_NO_PRIVATE_KEY", .action = ACTION_KEY_MATCH,
	 .meaning = N_("There is no private key for the certificate.")},
	{.code = 5205, .name = "CGCAPI_RTN_UNEXPORTABLE", .action = ACTION_OTHER_WAY,
	 .meaning = N_("The private key may not be exported; those of a card never may.")},
	{.code = 5206, .name = "CGCAPI_RTN_STORE_ACCESSDENY", .action = ACTION_RIGHTS,
	 .meaning = N_("Access to the certificate store was refused.")},
	{.code = 5401, .name = "CGCRYPT_RTN_CRL_NOISSUER", .action = ACTION_CHAIN,
	 .meaning = N_("The issuer of the revocation list was not found.")},
	{.code = 5901, .name = "CG_RTN_UNICODE_ERROR", .action = ACTION_SITE,
	 .meaning = N_("A text is no valid Unicode.")},
	{.code = 5902, .name = "CG_RTN_FILE_NOT_FOUND", .action = ACTION_SEE_CARD,
	 .meaning = N_("A file was not found. The maker's manual names it, beside 9056, for a "
			    "card that is not seen.")},
	{.code = 5903, .name = "CG_RTN_PATH_NOT_FOUND", .action = ACTION_FILE,
	 .meaning = N_("The path was not found.")},
	{.code = 5904, .name = "CG_RTN_BAD_NETPATH", .action = ACTION_NETWORK,
	 .meaning = N_("The address (URL) is wrong.")},
	{.code = 5905, .name = "CG_RTN_LOGON_FAILURE", .action = ACTION_PASSWORD,
	 .meaning = N_("User name or password is wrong.")},
	{.code = 5906, .name = "CG_RTN_ACCESS_DENIED", .action = ACTION_RIGHTS,
	 .meaning = N_("The rights are not sufficient.")},
	{.code = 5907, .name = "CG_RTN_BAD_INITCODE", .action = ACTION_SITE_ADDRESS,
	 .meaning = N_("The component did not accept the site.")},
	{.code = 5908, .name = "CG_RTN_INITCODE_NOT_VERIFY", .action = ACTION_SITE_ADDRESS,
	 .meaning = N_("Component and site have not verified each other.")},
	{.code = 5909, .name = "CG_RTN_BAD_PASSWD", .action = ACTION_PIN_LENGTH,
	 .meaning = N_("The password is wrong or breaks the rules for passwords.")},
	{.code = 9100, .name = "CGP11_RTN_OBJECT_NOT_EXIST", .action = ACTION_SEE_CARD,
	 .meaning = N_("The object (certificate, key) is not on the card. PKCS#11 2.01 has no "
			    "hundredth code: this number is not 9000 and a place in its list but the "
			    "maker's own.")},
	{.code = 9110, .name = "CGP11_RTN_LOAD_LIBRARY_FAIL", .action = ACTION_REINSTALL,
	 .meaning = N_("The card's PKCS#11 module could not be loaded. PKCS#11 2.01 has no 110th "
			    "code: this number is the maker's own.")},
	{.code = 9111, .action = ACTION_REINSTALL,
	 .meaning = N_("The card's PKCS#11 module was loaded, but is not usable. Like 9110, this "
			    "number is the maker's own.")},
	{.code = 9112, .action = ACTION_READER,
	 .meaning = N_("There is no slot: no reader, or the module sees none. Like 9110, this "
			    "number is the maker's own.")},
};

static bool derive(size_t n, struct explain_match *out)
{
	const struct explain_row *row = explain_pkcs11.rows;
	const struct explain_row *end = row + explain_pkcs11.count;
	size_t place = 0; /* CKR_OK's */

	for (row++; row < end; row++)
		if (!row->later && place++ == n)
			break;
	if (row == end)
		return false;
	out->first = out->last = out->code = FIRST_DERIVED + (uint32_t)place;
	snprintf(out->name, sizeof out->name, "CGP11_RTN_%s", row->name + strlen("CKR_"));
	out->equals = row->name;
	out->meaning = row->meaning;
	out->action = explain_action_text(row->action);
	return true;
}

const struct explain_source explain_component = {
	.name = "component",
	.title = N_("ServiSign component"),
	.rows = rows,
	.count = sizeof rows / sizeof *rows,
	.likelihood = {1, 4, 0, 0},
	.is_decimal = true,
	.derive = derive,
};
