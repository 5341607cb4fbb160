/* See posix_windows.h for what is promised. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <windows.h>

#undef fclose
#undef open
#undef rename
#undef tmpfile
#undef unlink

#define MEMORY_FILES 4
#define PATH_SIZE (MAX_PATH * 3 + 16)

int fcntl(int fd, int command, ...)
{
	const HANDLE handle = (HANDLE)_get_osfhandle(fd);
	DWORD flags = 0;
	int copy;

	if (handle == INVALID_HANDLE_VALUE) {
		errno = EBADF;
		return -1;
	}
	if (command == F_GETFD)
		return GetHandleInformation(handle, &flags) && flags & HANDLE_FLAG_INHERIT ? 0 : FD_CLOEXEC;
	copy = command == F_DUPFD_CLOEXEC ? _dup(fd) : fd;
	if (copy >= 0)
		(void)SetHandleInformation((HANDLE)_get_osfhandle(copy), HANDLE_FLAG_INHERIT, 0);
	return command == F_DUPFD_CLOEXEC ? copy : 0;
}

int dprintf(int fd, const char *format, ...)
{
	char text[4096];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (len < 0 || len >= (int)sizeof text || write(fd, text, (unsigned)len) != len)
		return -1;
	return len;
}

char *strcasestr(const char *in, const char *what)
{
	for (size_t len = strlen(what); *in; in++)
		if (strncasecmp(in, what, len) == 0)
			return (char *)in;
	return *what ? NULL : (char *)in;
}

/* As many digits as there may be; false: none, or out of range. */
static bool take_number(const char **text, int digits, int min, int max, int *out)
{
	int value = 0, n = 0;

	for (; n < digits && **text >= '0' && **text <= '9'; n++)
		value = value * 10 + *(*text)++ - '0';
	*out = value;
	return n > 0 && value >= min && value <= max;
}

static bool take_field(const char **text, char which, struct tm *out)
{
	bool ok = true;

	switch (which) {
	case 'Y':
		ok = take_number(text, 4, 0, 9999, &out->tm_year);
		out->tm_year -= 1900;
		return ok;
	case 'm':
		ok = take_number(text, 2, 1, 12, &out->tm_mon);
		out->tm_mon--;
		return ok;
	case 'd': return take_number(text, 2, 1, 31, &out->tm_mday);
	case 'H': return take_number(text, 2, 0, 23, &out->tm_hour);
	case 'M': return take_number(text, 2, 0, 59, &out->tm_min);
	case 'S': return take_number(text, 2, 0, 60, &out->tm_sec);
	default: return false;
	}
}

char *strptime(const char *text, const char *format, struct tm *out)
{
	for (; *format; format++) {
		if (*format == '%') {
			if (!take_field(&text, *++format, out))
				return NULL;
		} else if (*text++ != *format) {
			return NULL;
		}
	}
	return (char *)text;
}

/* ---- files ---- */

/* Where temporary files are; UTF-8. */
static bool temporary_folder(char out[PATH_SIZE])
{
	wchar_t wide[MAX_PATH + 2];
	DWORD len = GetTempPathW(MAX_PATH + 1, wide);

	return len > 0 && len <= MAX_PATH + 1 &&
	       WideCharToMultiByte(CP_UTF8, 0, wide, -1, out, PATH_SIZE, NULL, NULL) > 0;
}

bool platform_vanishes(int fd, bool wanted)
{
	FILE_DISPOSITION_INFO gone = {.DeleteFile = wanted};

	return SetFileInformationByHandle((HANDLE)_get_osfhandle(fd), FileDispositionInfo, &gone, sizeof gone);
}

int platform_mkstemp(char *path)
{
	return _mktemp(path) ? openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
}

int platform_nameless(void)
{
	static unsigned count;
	char folder[PATH_SIZE], path[PATH_SIZE + 64];
	int fd = -1;

	errno = ENOENT;
	if (!temporary_folder(folder))
		return -1;
	do {
		snprintf(path, sizeof path, "%s/twcard-%lx-%x", folder, GetCurrentProcessId(), count++);
		fd = openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_TEMPORARY, 0600);
	} while (fd < 0 && errno == EEXIST);
	return fd;
}

FILE *platform_tmpfile(void)
{
	const int fd = platform_nameless();
	FILE *file = fd < 0 ? NULL : _fdopen(fd, "w+b");

	if (!file && fd >= 0)
		close(fd);
	return file;
}

/* ---- files in memory: a file, which fclose() reads ---- */

static struct {
	FILE *file;
	char **out;
	size_t *size;
} memory_files[MEMORY_FILES];

FILE *open_memstream(char **out, size_t *size)
{
	size_t i = 0;

	while (i < MEMORY_FILES && memory_files[i].file)
		i++;
	if (i == MEMORY_FILES)
		return NULL;
	memory_files[i].file = platform_tmpfile();
	memory_files[i].out = out;
	memory_files[i].size = size;
	*out = NULL;
	*size = 0;
	return memory_files[i].file;
}

static bool take_all(FILE *file, char **out, size_t *size)
{
	long len;

	if (fflush(file) != 0 || ferror(file) || fseek(file, 0, SEEK_END) != 0)
		return false;
	len = ftell(file);
	rewind(file);
	*out = len < 0 ? NULL : malloc((size_t)len + 1);
	if (!*out)
		return false;
	*size = fread(*out, 1, (size_t)len, file);
	(*out)[*size] = '\0';
	return *size == (size_t)len;
}

int platform_fclose(FILE *file)
{
	bool good = true;

	for (size_t i = 0; i < MEMORY_FILES; i++) {
		if (memory_files[i].file != file)
			continue;
		good = take_all(file, memory_files[i].out, memory_files[i].size);
		memory_files[i].file = NULL;
	}
	return fclose(file) == 0 && good ? 0 : EOF;
}

FILE *fmemopen(void *bytes, size_t len, const char *mode)
{
	FILE *file = platform_tmpfile();

	(void)mode;
	if (file && fwrite(bytes, 1, len, file) != len) {
		fclose(file);
		return NULL;
	}
	if (file)
		rewind(file);
	return file;
}
