/* What Go's runtime wants of Windows for its random numbers, and wine 8 has not yet. */
#include <windows.h>

#include <bcrypt.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(BYTE *out, SIZE_T len)
{
	return BCryptGenRandom(NULL, out, (ULONG)len, BCRYPT_USE_SYSTEM_PREFERRED_RNG) >= 0;
}
