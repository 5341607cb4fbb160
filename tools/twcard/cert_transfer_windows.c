#include "config.h"

#include <stdio.h>

#include "tools/twcard/cert_fetch.h"
#include "tools/twcard/message.h"

/* The program for Windows has no network. */
BIO *fetch_transfer(const char *url, BIO *request, size_t max, char why[X509_FILE_WHY])
{
	(void)request;
	(void)max;
	snprintf(why, X509_FILE_WHY, _("%s: twcard for Windows has no network: load it with a browser, and give the file"),
		 url);
	return NULL;
}
