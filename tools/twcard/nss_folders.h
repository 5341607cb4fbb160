/* Where browsers keep their NSS databases, below a person's home folder. */
#ifndef TWCARD_TOOLS_NSS_FOLDERS_H
#define TWCARD_TOOLS_NSS_FOLDERS_H

#include <stdbool.h>

#define NSS_SHARED ".pki/nssdb" /* Chromium's, and of others: one database */

/* Firefox has its profiles in these, a database each: packaged, older and newer, snap, flatpak. */
struct nss_firefox {
	const char *folder; /* NULL: the end of the list */
	bool caged;         /* it may not see the module's file, nor pcscd */
};

extern const struct nss_firefox nss_firefox[];

#endif
