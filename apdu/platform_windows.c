/* Paths are UTF-8 outside and UTF-16 inside; see platform.h and posix_windows.h for what is promised. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

#include <aclapi.h>
#include <sddl.h>

#include "apdu/platform.h"

#undef mkdir
#undef access
#undef fopen

#define WIDE_MAX 4096 /* UTF-16 units of a path, with the NUL */
#define VALUE_MAX 4096
#define VALUES 8
/* The owner, the system and the administrators, and nothing from the directory above. */
#define PRIVATE_FILE L"D:P(A;;FA;;;OW)(A;;FA;;;SY)(A;;FA;;;BA)"
#define PRIVATE_FOLDER L"D:P(A;OICI;FA;;;OW)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"

static const struct {
	DWORD code;
	int error;
} errors[] = {
	{ERROR_FILE_NOT_FOUND, ENOENT},	    {ERROR_PATH_NOT_FOUND, ENOENT},
	{ERROR_INVALID_NAME, ENOENT},	    {ERROR_BAD_NETPATH, ENOENT},
	{ERROR_ACCESS_DENIED, EACCES},	    {ERROR_SHARING_VIOLATION, EACCES},
	{ERROR_LOCK_VIOLATION, EWOULDBLOCK}, {ERROR_IO_PENDING, EWOULDBLOCK},
	{ERROR_FILE_EXISTS, EEXIST},	    {ERROR_ALREADY_EXISTS, EEXIST},
	{ERROR_DISK_FULL, ENOSPC},	    {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
	{ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG}, {ERROR_BUFFER_OVERFLOW, ENAMETOOLONG},
};

/* -1, with errno. */
static int fail_as(DWORD code)
{
	errno = EIO;
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].code == code)
			errno = errors[i].error;
	return -1;
}

/* ---- names ---- */

/* False, with errno: too long, or no UTF-8. */
static bool to_wide(const char *text, wchar_t out[WIDE_MAX])
{
	if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, out, WIDE_MAX) > 0)
		return true;
	errno = GetLastError() == ERROR_INSUFFICIENT_BUFFER ? ENAMETOOLONG : EINVAL;
	return false;
}

static bool to_utf8(const wchar_t *text, char *out, size_t size)
{
	return WideCharToMultiByte(CP_UTF8, 0, text, -1, out, (int)size, NULL, NULL) > 0;
}

bool platform_is_absolute(const char *path)
{
	const char drive = path[0] | 0x20;
	const bool has_drive = drive >= 'a' && drive <= 'z' && path[1] == ':';

	return (has_drive && (path[2] == '\\' || path[2] == '/')) || strncmp(path, "\\\\", 2) == 0;
}

/* The path of what `path` means in the open directory; what Windows calls it needs \. */
static bool path_at(int dir, const char *path, wchar_t out[WIDE_MAX])
{
	wchar_t name[WIDE_MAX];
	DWORD len;

	if (!to_wide(path, name))
		return false;
	for (wchar_t *p = name; *p; p++)
		if (*p == L'/')
			*p = L'\\';
	if (dir == AT_FDCWD || platform_is_absolute(path)) {
		wcscpy(out, name);
		return true;
	}
	len = GetFinalPathNameByHandleW((HANDLE)_get_osfhandle(dir), out, WIDE_MAX, 0);
	if (!len || len + 1 + wcslen(name) >= WIDE_MAX) {
		errno = len ? ENAMETOOLONG : EBADF;
		return false;
	}
	out[len] = L'\\';
	wcscpy(out + len + 1, name);
	return true;
}

/* ---- the environment and folders ---- */

static bool environment(const wchar_t *name, char *out, size_t size)
{
	wchar_t value[WIDE_MAX];
	DWORD len = GetEnvironmentVariableW(name, value, WIDE_MAX);

	return len > 0 && len < WIDE_MAX && to_utf8(value, out, size);
}

const char *secure_getenv(const char *name)
{
	static struct {
		char name[32], value[VALUE_MAX];
	} values[VALUES];
	wchar_t wide[WIDE_MAX];
	size_t i = 0;

	while (i < VALUES - 1 && values[i].name[0] && strcmp(values[i].name, name) != 0)
		i++;
	if (platform_is_privileged() || strlen(name) >= sizeof values[i].name ||
	    !to_wide(name, wide))
		return NULL;
	strcpy(values[i].name, name);
	return environment(wide, values[i].value, VALUE_MAX) ? values[i].value : NULL;
}

static PSECURITY_DESCRIPTOR security_of(HANDLE handle, PSID *owner, PACL *acl)
{
	PSECURITY_DESCRIPTOR security = NULL;

	if (GetSecurityInfo(handle, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
			    owner, NULL, acl, NULL, &security) != ERROR_SUCCESS)
		return NULL;
	return security;
}

static bool is_user(PSID sid)
{
	union {
		TOKEN_USER user;
		uint8_t room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
	} is;
	HANDLE token;
	DWORD len;
	bool ok;

	if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
		return false;
	ok = GetTokenInformation(token, TokenUser, &is, sizeof is, &len) && EqualSid(is.user.User.Sid, sid);
	CloseHandle(token);
	return ok;
}

static bool is_administrator(PSID sid)
{
	return IsWellKnownSid(sid, WinLocalSystemSid) || IsWellKnownSid(sid, WinBuiltinAdministratorsSid);
}

/* Everybody may make folders in %PROGRAMDATA%: one that another user made says nothing to us. */
static bool system_folder_is_safe(const char *base)
{
	char path[VALUE_MAX + 8];
	PSECURITY_DESCRIPTOR security;
	PSID owner = NULL;
	PACL acl = NULL;
	bool safe;
	int fd;

	if (snprintf(path, sizeof path, "%s/twcard", base) >= (int)sizeof path)
		return false;
	fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	security = security_of((HANDLE)_get_osfhandle(fd), &owner, &acl);
	safe = security && owner && (is_user(owner) || is_administrator(owner));
	LocalFree(security);
	close(fd);
	return safe;
}

bool platform_folder(enum platform_folder which, char *out, size_t size)
{
	static const wchar_t *const variables[] = {
		[PLATFORM_CONFIG] = L"APPDATA",
		[PLATFORM_CACHE] = L"LOCALAPPDATA",
		[PLATFORM_RUNTIME] = L"LOCALAPPDATA",
		[PLATFORM_SYSTEM] = L"PROGRAMDATA",
		[PLATFORM_SHARED] = NULL, /* the user's is always there */
	};

	out[0] = '\0';
	if (!variables[which] || !environment(variables[which], out, size) || !platform_is_absolute(out))
		return false;
	return which != PLATFORM_SYSTEM || system_folder_is_safe(out);
}

/* There are no set-user-id programs. */
bool platform_is_privileged(void)
{
	return false;
}

/* ---- who may ---- */

static bool grants_nothing_to_others(PACL acl, PSID owner)
{
	for (DWORD i = 0; acl && i < acl->AceCount; i++) {
		ACCESS_ALLOWED_ACE *ace;
		PSID sid;

		if (!GetAce(acl, i, (void **)&ace))
			return false;
		if (ace->Header.AceType == ACCESS_DENIED_ACE_TYPE || ace->Header.AceFlags & INHERIT_ONLY_ACE)
			continue;
		sid = (PSID)&ace->SidStart;
		if (ace->Header.AceType != ACCESS_ALLOWED_ACE_TYPE)
			return false;
		if (!EqualSid(sid, owner) && !is_user(sid) && !is_administrator(sid) &&
		    !IsWellKnownSid(sid, WinCreatorOwnerRightsSid))
			return false;
	}
	return acl != NULL; /* no list at all: everybody may everything */
}

const char *platform_file_exposed(int fd)
{
	PSID owner = NULL;
	PACL acl = NULL;
	PSECURITY_DESCRIPTOR security = security_of((HANDLE)_get_osfhandle(fd), &owner, &acl);
	const char *exposed = NULL;

	if (!security || !owner)
		exposed = "it cannot be examined";
	else if (!is_user(owner) && !is_administrator(owner))
		exposed = "it belongs to another user";
	else if (!grants_nothing_to_others(acl, owner))
		exposed = "others have access to it (Properties, Security: only you, SYSTEM and Administrators)";
	LocalFree(security);
	return exposed;
}

bool is_private(int fd, mode_t type)
{
	BY_HANDLE_FILE_INFORMATION info;
	bool folder;

	if (!GetFileInformationByHandle((HANDLE)_get_osfhandle(fd), &info))
		return false;
	folder = info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY;
	return folder == (type == S_IFDIR) && !platform_file_exposed(fd);
}

/* ---- files ---- */

/*
 * Who may reach what is made with this mode: the user alone, or whom the directory
 * above says (*out is NULL then). False: there is no memory, and nothing must be
 * made. LocalFree(*out).
 */
static bool private_security(const wchar_t *sddl, int mode, PSECURITY_DESCRIPTOR *out)
{
	*out = NULL;
	return mode & 077 || ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, out, NULL);
}

/* What was opened must be what was asked for. */
static bool is_wanted(HANDLE handle, int flags)
{
	BY_HANDLE_FILE_INFORMATION info;

	if (!GetFileInformationByHandle(handle, &info)) {
		fail_as(GetLastError());
		return false;
	}
	if (flags & O_NOFOLLOW && info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
		errno = ELOOP;
	else if (flags & O_DIRECTORY && !(info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY))
		errno = ENOTDIR;
	else
		return true;
	return false;
}

static bool empty_if_asked(HANDLE handle, int flags)
{
	if (!(flags & O_TRUNC) || SetEndOfFile(handle))
		return true;
	fail_as(GetLastError());
	return false;
}

static HANDLE create(const wchar_t *path, int flags, int mode)
{
	const DWORD write = flags & O_APPEND ? FILE_APPEND_DATA | SYNCHRONIZE : GENERIC_WRITE;
	/* who made it may take it away again */
	const DWORD access = (flags & O_WRONLY ? 0 : GENERIC_READ) | READ_CONTROL |
			     (flags & (O_WRONLY | O_RDWR) ? write : 0) | (flags & (O_EXCL | O_TEMPORARY) ? DELETE : 0);
	const DWORD how = flags & O_CREAT ? (flags & O_EXCL ? CREATE_NEW : OPEN_ALWAYS) : OPEN_EXISTING;
	const DWORD attributes = FILE_FLAG_BACKUP_SEMANTICS |
				 (flags & O_NOFOLLOW ? FILE_FLAG_OPEN_REPARSE_POINT : 0) |
				 (flags & O_TEMPORARY ? FILE_FLAG_DELETE_ON_CLOSE | FILE_ATTRIBUTE_TEMPORARY : 0);
	SECURITY_ATTRIBUTES security = {.nLength = sizeof security};
	HANDLE handle = INVALID_HANDLE_VALUE;

	if (private_security(PRIVATE_FILE, flags & O_CREAT ? mode : 077, &security.lpSecurityDescriptor))
		handle = CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
				     &security, how, attributes, NULL);
	if (handle == INVALID_HANDLE_VALUE)
		fail_as(GetLastError());
	LocalFree(security.lpSecurityDescriptor);
	return handle;
}

int openat(int dir, const char *path, int flags, ...)
{
	wchar_t wide[WIDE_MAX];
	int mode = 0, fd = -1;
	HANDLE handle;
	va_list more;

	va_start(more, flags);
	if (flags & O_CREAT)
		mode = va_arg(more, int);
	va_end(more);
	if (!path_at(dir, path, wide))
		return -1;
	handle = create(wide, flags, mode);
	if (handle == INVALID_HANDLE_VALUE)
		return -1;
	if (is_wanted(handle, flags) && empty_if_asked(handle, flags))
		fd = _open_osfhandle((intptr_t)handle, (flags & _O_APPEND) | _O_BINARY | _O_NOINHERIT);
	if (fd < 0)
		CloseHandle(handle);
	return fd;
}

FILE *platform_fopen(const char *path, const char *mode)
{
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : _fdopen(fd, "rb");

	(void)mode;
	if (!file && fd >= 0)
		close(fd);
	return file;
}

int platform_mkdir(const char *path, int mode)
{
	SECURITY_ATTRIBUTES security = {.nLength = sizeof security};
	wchar_t wide[WIDE_MAX];
	BOOL ok;

	if (!path_at(AT_FDCWD, path, wide))
		return -1;
	ok = private_security(PRIVATE_FOLDER, mode, &security.lpSecurityDescriptor) && CreateDirectoryW(wide, &security);
	if (!ok)
		fail_as(GetLastError());
	LocalFree(security.lpSecurityDescriptor);
	return ok ? 0 : -1;
}

int platform_access(const char *path, int mode)
{
	wchar_t wide[WIDE_MAX];

	(void)mode;
	if (!path_at(AT_FDCWD, path, wide))
		return -1;
	return GetFileAttributesW(wide) == INVALID_FILE_ATTRIBUTES ? fail_as(GetLastError()) : 0;
}

int unlinkat(int dir, const char *path, int flags)
{
	wchar_t wide[WIDE_MAX];
	DWORD code, found;

	(void)flags;
	if (!path_at(dir, path, wide))
		return -1;
	if (DeleteFileW(wide))
		return 0;
	code = GetLastError();
	found = GetFileAttributesW(wide);
	fail_as(code);
	if (found != INVALID_FILE_ATTRIBUTES && found & FILE_ATTRIBUTE_DIRECTORY)
		errno = EISDIR; /* Windows has the same number for what nobody may remove */
	return -1;
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	wchar_t old[WIDE_MAX], new[WIDE_MAX];

	if (!path_at(from_dir, from, old) || !path_at(to_dir, to, new))
		return -1;
	return MoveFileExW(old, new, flags & RENAME_NOREPLACE ? 0 : MOVEFILE_REPLACE_EXISTING) ? 0
											       : fail_as(GetLastError());
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

int fchmod(int fd, int mode)
{
	(void)fd;
	(void)mode;
	return 0;
}

/* A folder's names are in the file system's journal; there is no call that waits for it. */
int fsync(int fd)
{
	const HANDLE handle = (HANDLE)_get_osfhandle(fd);
	BY_HANDLE_FILE_INFORMATION info;

	if (GetFileInformationByHandle(handle, &info) && info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
		return 0;
	return FlushFileBuffers(handle) ? 0 : fail_as(GetLastError());
}

int flock(int fd, int operation)
{
	const DWORD wait = operation & LOCK_NB ? LOCKFILE_FAIL_IMMEDIATELY : 0;
	OVERLAPPED whole = {0};

	return LockFileEx((HANDLE)_get_osfhandle(fd), LOCKFILE_EXCLUSIVE_LOCK | wait, 0, MAXDWORD, MAXDWORD, &whole)
		       ? 0
		       : fail_as(GetLastError());
}

/* Who reads or writes more asks again for the rest. */
static DWORD at_once(size_t len)
{
	return len < MAXDWORD ? (DWORD)len : MAXDWORD;
}

ssize_t pread(int fd, void *out, size_t len, off_t at)
{
	OVERLAPPED from = {.Offset = (DWORD)at, .OffsetHigh = (DWORD)((uint64_t)at >> 32)};
	DWORD n = 0;

	if (ReadFile((HANDLE)_get_osfhandle(fd), out, at_once(len), &n, &from) ||
	    GetLastError() == ERROR_HANDLE_EOF)
		return (ssize_t)n;
	return fail_as(GetLastError());
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	OVERLAPPED to = {.Offset = (DWORD)at, .OffsetHigh = (DWORD)((uint64_t)at >> 32)};
	DWORD n = 0;

	if (WriteFile((HANDLE)_get_osfhandle(fd), bytes, at_once(len), &n, &to))
		return (ssize_t)n;
	return fail_as(GetLastError());
}

char *realpath(const char *path, char *out)
{
	wchar_t wide[WIDE_MAX], full[WIDE_MAX];
	const size_t size = (size_t)WIDE_MAX * 3;
	DWORD len;

	(void)out;
	if (platform_access(path, 0) != 0 || !path_at(AT_FDCWD, path, wide))
		return NULL;
	len = GetFullPathNameW(wide, WIDE_MAX, full, NULL);
	if (!len || len >= WIDE_MAX)
		return NULL;
	out = malloc(size);
	if (out && !to_utf8(full, out, size)) {
		free(out);
		out = NULL;
	}
	return out;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
}

/* False: no memory. */
static bool take_entry(const wchar_t *name, int (*wanted)(const struct dirent *entry),
		       struct dirent ***list, int *count)
{
	struct dirent entry, **longer;

	if (!to_utf8(name, entry.d_name, sizeof entry.d_name) || !wanted(&entry))
		return true;
	longer = realloc(*list, ((size_t)*count + 1) * sizeof *longer);
	if (!longer)
		return false;
	*list = longer;
	longer[*count] = malloc(sizeof entry);
	if (!longer[*count])
		return false;
	*longer[(*count)++] = entry;
	return true;
}

/* A part of them would be taken for all. */
static int forget_entries(struct dirent ***list, int count)
{
	while (count > 0)
		free((*list)[--count]);
	free(*list);
	*list = NULL;
	errno = ENOMEM;
	return -1;
}

int scandir(const char *path, struct dirent ***out, int (*wanted)(const struct dirent *entry),
	    int (*compare)(const struct dirent **a, const struct dirent **b))
{
	wchar_t wide[WIDE_MAX];
	WIN32_FIND_DATAW found;
	bool enough = true;
	HANDLE search;
	int count = 0;

	(void)compare;
	*out = NULL;
	if (!path_at(AT_FDCWD, path, wide) || wcslen(wide) + 3 > WIDE_MAX)
		return -1;
	search = FindFirstFileW(wcscat(wide, L"\\*"), &found);
	if (search == INVALID_HANDLE_VALUE)
		return fail_as(GetLastError());
	do
		enough = take_entry(found.cFileName, wanted, out, &count);
	while (enough && FindNextFileW(search, &found));
	FindClose(search);
	if (!enough)
		return forget_entries(out, count);
	if (count)
		qsort(*out, (size_t)count, sizeof **out, by_bytes);
	return count;
}

int platform_standard_error(void)
{
	return _dup(_fileno(stderr));
}

/* ---- memory, clock ---- */

void *platform_pages_new(size_t size)
{
	void *p = VirtualAlloc(NULL, size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);

	if (p)
		(void)VirtualLock(p, size); /* where the working set is too small, the rest must do */
	return p;
}

void platform_pages_free(void *pages, size_t size)
{
	(void)size;
	(void)VirtualFree(pages, 0, MEM_RELEASE);
}

/* The loader's lock is held then, and other threads may have been killed with locks of the system. */
bool platform_reaches_cards_at_exit(void)
{
	return false;
}

uint64_t platform_uptime_ns(void)
{
	LARGE_INTEGER ticks, rate;

	if (!QueryPerformanceCounter(&ticks) || !QueryPerformanceFrequency(&rate))
		return 0;
	return (uint64_t)(ticks.QuadPart / rate.QuadPart) * 1000000000u +
	       (uint64_t)(ticks.QuadPart % rate.QuadPart) * 1000000000u / (uint64_t)rate.QuadPart;
}

/* ---- what the C library lacks ---- */

ssize_t getline(char **line, size_t *room, FILE *file)
{
	size_t len = 0;
	int c;

	while ((c = getc(file)) != EOF) {
		if (len + 2 > *room) {
			const size_t more = *room ? *room * 2 : 128;
			char *longer = realloc(*line, more);

			if (!longer)
				return -1;
			*line = longer;
			*room = more;
		}
		(*line)[len++] = (char)c;
		if (c == '\n')
			break;
	}
	if (!len)
		return -1;
	(*line)[len] = '\0';
	return (ssize_t)len;
}

char *strndup(const char *text, size_t max)
{
	const size_t len = strnlen(text, max);
	char *copy = malloc(len + 1);

	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

void *memmem(const void *in, size_t in_len, const void *what, size_t len)
{
	for (const uint8_t *p = in; len <= in_len; p++, in_len--)
		if (memcmp(p, what, len) == 0)
			return (void *)p;
	return NULL;
}
