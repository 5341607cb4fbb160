/*
 * A card that lies is logged into, signs and decrypts, through PKCS#11
 * (hostile.h has the form of the input). One PIN try at most for a login or an
 * operation, no wrong signature and no wrong text, nothing left verified; and
 * when the card has become honest, the same module signs with it.
 */
#include "fuzz.h"
#include "hostile.h"
#include "script.h"
#include "user.h"

static bool use(CK_SESSION_HANDLE session)
{
	CK_RV rv = user_login(session);
	bool worked = rv == CKR_OK;

	if (rv == CKR_OK) {
		worked &= user_sign(session);
		worked &= user_decrypt(session);
	}
	user_logout(session);
	return worked;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CK_SESSION_HANDLE session;
	bool worked = false;

	hostile_begin(data, size);
	session = user_start();
	if (session)
		worked = use(session);
	MUST(worked || hostile_struck());
	hostile_repent();
	session = user_begin_session();
	MUST(session && use(session));
	user_stop();
	hostile_end();
	return 0;
}
