/* What twcard needs of gettext's libintl; the catalog is in the program (tools/twcard/language_windows.c). */
#ifndef TWCARD_WINDOWS_LIBINTL_H
#define TWCARD_WINDOWS_LIBINTL_H

char *gettext(const char *text) __attribute__((format_arg(1)));
char *ngettext(const char *one, const char *many, unsigned long n)
	__attribute__((format_arg(1), format_arg(2)));

#define bindtextdomain(domain, folder) ((void)0)
#define bind_textdomain_codeset(domain, codeset) ((void)0)
#define textdomain(domain) ((void)0)

#endif
