#include "config.h"

#include <stdio.h>
#include <string.h>

#include "profiles/aids.h"
#include "tools/twcard/apdu_words.h"
#include "tools/twcard/message.h"

/* ---- instructions ---- */

static const struct {
	uint8_t ins;
	bool secret; /* ISO/IEC 7816-4, 7.5: verification data in the body */
	const char *name;
} instructions[] = {
	{0x20, true, "VERIFY"},
	{0x21, true, "VERIFY"},
	{0x24, true, "CHANGE REFERENCE DATA"},
	{0x25, true, "CHANGE REFERENCE DATA"},
	{0x26, true, "DISABLE VERIFICATION"},
	{0x28, true, "ENABLE VERIFICATION"},
	{0x2C, true, "RESET RETRY COUNTER"},
	{0x2D, true, "RESET RETRY COUNTER"},
	{0xC2, true, "ENVELOPE"}, /* another command is inside */
	{0xC3, true, "ENVELOPE"},
	{0x04, false, "DEACTIVATE FILE"},
	{0x0E, false, "ERASE BINARY"},
	{0x22, false, "MANAGE SECURITY ENVIRONMENT"},
	{0x2A, false, "PERFORM SECURITY OPERATION"},
	{0x44, false, "ACTIVATE FILE"},
	{0x46, false, "GENERATE KEY PAIR"},
	{0x50, false, "INITIALIZE UPDATE"},
	{0x70, false, "MANAGE CHANNEL"},
	{0x82, false, "EXTERNAL AUTHENTICATE"},
	{INS_GET_CHALLENGE, false, "GET CHALLENGE"},
	{0x86, false, "GENERAL AUTHENTICATE"},
	{0x87, false, "GENERAL AUTHENTICATE"},
	{0x88, false, "INTERNAL AUTHENTICATE"},
	{INS_SELECT, false, "SELECT"},
	{INS_READ_BINARY, false, "READ BINARY"},
	{INS_READ_BINARY_TLV, false, "READ BINARY"},
	{INS_READ_RECORD, false, "READ RECORD"},
	{INS_READ_RECORD_TLV, false, "READ RECORD"},
	{INS_GET_RESPONSE, false, "GET RESPONSE"},
	{INS_REST, false, "REST OF THE RESULT"}, /* the cards' own */
	{INS_GET_DATA, false, "GET DATA"},
	{INS_GET_DATA_TLV, false, "GET DATA"},
	{0xD0, false, "WRITE BINARY"},
	{0xD2, false, "WRITE RECORD"},
	{0xD6, false, "UPDATE BINARY"},
	{0xD7, false, "UPDATE BINARY"},
	{0xD8, false, "PUT KEY"},
	{0xDA, false, "PUT DATA"},
	{0xDB, false, "PUT DATA"},
	{0xDC, false, "UPDATE RECORD"},
	{0xE0, false, "CREATE FILE"},
	{0xE2, false, "APPEND RECORD"},
	{0xE4, false, "DELETE FILE"},
	{INS_PRIVATE, false, "RSA PRIVATE OPERATION"}, /* the cards' own */
	{0xF2, false, "GET STATUS"},
};

const char *apdu_ins_name(uint8_t ins)
{
	for (size_t i = 0; i < sizeof instructions / sizeof *instructions; i++)
		if (instructions[i].ins == ins)
			return instructions[i].name;
	return NULL;
}

bool apdu_is_secret(uint8_t ins)
{
	for (size_t i = 0; i < sizeof instructions / sizeof *instructions; i++)
		if (instructions[i].ins == ins)
			return instructions[i].secret;
	return false;
}

/* ISO/IEC 7816-4, 5.4.1: bits 4 and 3, or bit 6 of the further classes; GlobalPlatform's 84 the same. */
bool apdu_is_secured(uint8_t cla)
{
	return cla & 0x40 ? cla & 0x20 : cla & 0x0C;
}

/* ---- files ---- */

static const struct {
	uint16_t fid;
	const char *name;
} files[] = {
	{0x3F00, N_("master file")},
	{0x7FFF, N_("current application")},
	{0x2F00, N_("list of applications")},
	{0x0900, N_("card data")},
	{0x0903, N_("card number")},
	{0x0905, N_("card operating system")},
	{0x5030, N_("PKI files")},
	{0x5032, N_("token information")},
	{0x4100, N_("list of private keys")},
	{0x4101, N_("list of public keys")},
	{0x4104, N_("list of certificates")},
	{0x4107, N_("list of data objects")},
	{0x4108, N_("list of PINs")},
	{0x08F2, N_("certificates")},
	{0x0870, N_("data objects")},
	{0x0810, N_("keys")},
	{0x0811, N_("public keys")},
};

const char *apdu_file_name(unsigned fid)
{
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (files[i].fid == fid)
			return _(files[i].name);
	return NULL;
}

static const struct {
	const struct aid *aid;
	const char *name;
} applications[] = {
	{&aid_pki, N_("PKI application")},
	{&aid_issuer_domain, N_("issuer's security domain")},
	{&aid_key_domain, N_("security domain of the keys")},
};

const char *apdu_application_name(const uint8_t *aid, size_t len)
{
	for (size_t i = 0; i < sizeof applications / sizeof *applications; i++)
		if (applications[i].aid->len == len && memcmp(applications[i].aid->bytes, aid, len) == 0)
			return _(applications[i].name);
	return NULL;
}

/* ---- status words (ISO/IEC 7816-4, 5.6) ---- */

/* First match wins; after a blank comes what the mask leaves over. */
static const struct {
	uint16_t mask, value;
	const char *text;
} statuses[] = {
	{0xFFFF, 0x9000, N_("success")},
	{0xFF00, 0x6100, N_("success; bytes that wait: ")},
	{0xFFFF, 0x6282, N_("the file ended")},
	{0xFFFF, 0x6283, N_("the file is deactivated")},
	{0xFF00, 0x6200, N_("done, with a warning")},
	{0xFFF0, 0x63C0, N_("wrong; tries left: ")},
	{0xFF00, 0x6300, N_("done, with a warning: something changed")},
	{0xFF00, 0x6400, N_("failed, nothing changed")},
	{0xFF00, 0x6500, N_("failed, memory may have changed")},
	{0xFFFF, 0x6700, N_("wrong length")},
	{0xFFFF, 0x6881, N_("logical channels are not supported")},
	{0xFFFF, 0x6882, N_("secure messaging is not supported")},
	{0xFF00, 0x6800, N_("this class is not supported")},
	{0xFFFF, 0x6982, N_("the PIN or a key is wanted first")},
	{0xFFFF, 0x6983, N_("locked")},
	{0xFFFF, 0x6984, N_("what it refers to cannot be used")},
	{0xFFFF, 0x6985, N_("not possible now")},
	{0xFFFF, 0x6986, N_("no file is selected")},
	{0xFFFF, 0x6987, N_("secure messaging is wanted")},
	{0xFFFF, 0x6988, N_("wrong secure messaging")},
	{0xFF00, 0x6900, N_("not allowed")},
	{0xFFFF, 0x6A80, N_("wrong data")},
	{0xFFFF, 0x6A81, N_("not supported")},
	{0xFFFF, 0x6A82, N_("there is no such file")},
	{0xFFFF, 0x6A83, N_("there is no such record")},
	{0xFFFF, 0x6A84, N_("no room")},
	{0xFFFF, 0x6A86, N_("wrong parameters")},
	{0xFFFF, 0x6A88, N_("there is no such key or object")},
	{0xFF00, 0x6A00, N_("wrong parameters")},
	{0xFFFF, 0x6B00, N_("beyond the end of the file")},
	{0xFF00, 0x6C00, N_("wrong length; bytes that are there: ")},
	{0xFF00, 0x6D00, N_("the card does not know this command")},
	{0xFF00, 0x6E00, N_("the card does not know this class")},
	{0xFF00, 0x6F00, N_("the card failed")},
};

const char *apdu_status_text(uint16_t sw)
{
	static char text[200];

	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		unsigned rest = sw & ~statuses[i].mask & 0xFFFFu;

		if ((sw & statuses[i].mask) != statuses[i].value)
			continue;
		if (statuses[i].text[strlen(statuses[i].text) - 1] != ' ')
			return _(statuses[i].text);
		if (!rest && statuses[i].mask == 0xFF00)
			rest = 256;
		snprintf(text, sizeof text, "%s%u", _(statuses[i].text), rest);
		return text;
	}
	return _("not in the standard");
}
