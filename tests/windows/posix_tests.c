/* The PC/SC double is no DLL: what the card library takes for imported of one. */
#include <winscard.h>

extern const SCARD_IO_REQUEST *const __imp_g_rgSCardT0Pci, *const __imp_g_rgSCardT1Pci;

const SCARD_IO_REQUEST *const __imp_g_rgSCardT0Pci = &g_rgSCardT0Pci;
const SCARD_IO_REQUEST *const __imp_g_rgSCardT1Pci = &g_rgSCardT1Pci;
