#include "config.h"

#include <stddef.h>

#include "tools/twcard/nss_folders.h"

const struct nss_firefox nss_firefox[] = {
	{".mozilla/firefox", false},
	{".config/mozilla/firefox", false},
	{"snap/firefox/common/.mozilla/firefox", true},
	{".var/app/org.mozilla.firefox/.mozilla/firefox", true},
	{NULL, false},
};
