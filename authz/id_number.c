#include "config.h"

#include <string.h>

#include "authz/id_number.h"
#include "authz/strict.h"

#define NATIONAL_LEN 10

/*
 * The letter says where the person was first registered and counts as two
 * digits. They are not in the order of the alphabet: I, O, W, X, Y and Z came
 * later (Ministry of the Interior, 國民身分證統一編號).
 */
static const unsigned char letters[26] = {
	10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, /* A to M */
	22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33, /* N to Z */
};

/* Of the letter's second digit, the eight digits, and the check digit; its first counts once. */
static const unsigned char weights[NATIONAL_LEN] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 1};

bool authz_id_is_national(const char *id)
{
	unsigned sum;

	if (!id || strlen(id) != NATIONAL_LEN || id[0] < 'A' || id[0] > 'Z' || (id[1] != '1' && id[1] != '2'))
		return false;
	sum = letters[id[0] - 'A'] / 10u + letters[id[0] - 'A'] % 10u * weights[0];
	for (int i = 1; i < NATIONAL_LEN; i++) {
		if (id[i] < '0' || id[i] > '9')
			return false;
		sum += (unsigned)(id[i] - '0') * weights[i];
	}
	return sum % 10 == 0;
}

/* Of passports, residents, members: printable ASCII without blanks. */
static bool is_other(const char *id)
{
	for (const char *p = id; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return strict_text(id, strlen(id), AUTHZ_ID_MAX);
}

enum authz_reason id_number_check(enum authz_id_kind kind, const char *id)
{
	if (!id || !*id)
		return AUTHZ_NO_BEARER;
	if (kind == AUTHZ_ID_NATIONAL)
		return authz_id_is_national(id) ? AUTHZ_GOOD : AUTHZ_ID_CHECKSUM;
	return is_other(id) ? AUTHZ_GOOD : AUTHZ_ID_FORM;
}
