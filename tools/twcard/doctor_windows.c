/* What doctor looks at outside the card, on Windows: its card service, folders, the module, other software. */
#include "config.h"

#include <string.h>

#include <windows.h>

#undef KEY_READ /* ours is another */

#include "apdu/pcsc.h"
#include "src/cryptoki.h"
#include "tools/twcard/doctor.h"
#include "tools/twcard/message.h"
#include "tools/twcard/run_child.h"

#define PATH_SIZE 1200
#define SERVICE_MS 10000
#define MODULE_MS 10000
#define START _("Open services.msc, and start \"Smart Card\" (SCardSvr)")

/* ---- not there ---- */

static void not_here(struct doctor_finding *f)
{
	doctor_say(f, DOCTOR_SKIPPED, _("Windows has it not"));
}

void doctor_check_usb(struct doctor *d, struct doctor_finding *f)
{
	(void)d;
	doctor_say(f, DOCTOR_SKIPPED, _("not looked at: the device manager (devmgmt.msc) shows the readers"));
}

void doctor_check_driver(struct doctor *d, struct doctor_finding *f)
{
	(void)d;
	doctor_say(f, DOCTOR_SKIPPED, _("not looked at: Windows has a driver for CCID readers"));
}

void doctor_check_p11kit(struct doctor *d, struct doctor_finding *f)
{
	(void)d;
	not_here(f);
}

void doctor_check_nss(struct doctor *d, struct doctor_finding *f)
{
	(void)d;
	doctor_say(f, DOCTOR_SKIPPED, _("Edge and Chrome use Windows' own certificates, which this card's keys are not among"));
}

void doctor_check_firefox(struct doctor *d, struct doctor_finding *f)
{
	(void)d;
	doctor_say(f, DOCTOR_SKIPPED, _("not looked at: in Firefox, Settings, Privacy & Security, Security Devices lists the module"));
}

const char *doctor_how_to_set_clock(void)
{
	return _("Set it: Settings, Time & language, Date & time");
}

/* ---- the service ---- */

void doctor_check_pcscd(struct doctor *d, struct doctor_finding *f)
{
	(void)d;
	doctor_say(f, DOCTOR_OK, _("not needed: Windows has a card service of its own"));
}

static void ask_service(int out, void *context)
{
	struct pcsc_readers readers = {.count = 0};
	struct pcsc *pcsc = NULL;
	enum result r = pcsc_open(&pcsc);

	(void)context;
	if (r == RESULT_OK)
		r = pcsc_list(pcsc, &readers);
	pcsc_close(&pcsc);
	dprintf(out, "%d", (int)r);
}

void doctor_check_service(struct doctor *d, struct doctor_finding *f)
{
	struct child_answer answer;
	enum result r;

	(void)d;
	child_run(ask_service, NULL, SERVICE_MS, &answer);
	r = answer.end == CHILD_DONE && answer.len ? (enum result)atoi(answer.text) : RESULT_FAILED;
	if (r == RESULT_OK || r == RESULT_NO_READER) {
		doctor_say(f, DOCTOR_OK, _("the card service answers"));
		return;
	}
	if (answer.end == CHILD_HUNG)
		doctor_say(f, DOCTOR_PROBLEM, _("the card service does not answer within %d seconds"), SERVICE_MS / 1000);
	else
		doctor_say(f, DOCTOR_PROBLEM, _("the card service does not work: %s"), _(result_text(r)));
	doctor_todo(f, "%s", START);
}

void doctor_say_no_reader(struct doctor *d, struct doctor_finding *f)
{
	(void)d;
	doctor_say(f, DOCTOR_PROBLEM, _("the card service knows no reader"));
	doctor_todo(f, _("Plug a reader in, or try another cable or USB port"));
}

/* ---- folders ---- */

static void check_folder(struct doctor_finding *f, enum platform_folder which)
{
	char base[PATH_SIZE - 16], path[PATH_SIZE];
	int fd;

	if (!platform_folder(which, base, sizeof base)) {
		doctor_say(f, DOCTOR_NOTE, _("Windows names no folder for it (%%LOCALAPPDATA%%)"));
		return;
	}
	snprintf(path, sizeof path, "%s\\twcard", base);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		doctor_say(f, DOCTOR_OK, _("%s is made when it is needed"), path);
		return;
	}
	if (is_private(fd, S_IFDIR)) {
		doctor_say(f, DOCTOR_OK, _("%s is yours alone"), path);
	} else {
		doctor_say(f, DOCTOR_PROBLEM, _("%s is not used, because others have access to it"), path);
		doctor_todo(f, _("Delete it, or take the others out: Properties, Security"));
	}
	close(fd);
}

void doctor_check_cache(struct doctor *d, struct doctor_finding *f)
{
	(void)d;
	check_folder(f, PLATFORM_CACHE);
}

void doctor_check_runtime(struct doctor *d, struct doctor_finding *f)
{
	(void)d;
	check_folder(f, PLATFORM_RUNTIME);
}

/* ---- the module ---- */

static bool to_wide(const char *text, wchar_t out[PATH_SIZE])
{
	return MultiByteToWideChar(CP_UTF8, 0, text, -1, out, PATH_SIZE) > 0;
}

/* A bare name is looked for beside the program, and nowhere else. */
static HMODULE load(const char *path)
{
	wchar_t wide[PATH_SIZE];

	if (!to_wide(path, wide))
		return NULL;
	return LoadLibraryExW(wide, NULL, platform_is_absolute(path) ? LOAD_WITH_ALTERED_SEARCH_PATH
								     : LOAD_LIBRARY_SEARCH_APPLICATION_DIR);
}

/* "N slots", or nothing. */
static void try_module(int out, void *context)
{
	const HMODULE module = load(context);
	CK_C_GetFunctionList get = NULL;
	CK_FUNCTION_LIST *list = NULL;
	CK_ULONG count = 0;

	if (module)
		get = (CK_C_GetFunctionList)(void *)GetProcAddress(module, "C_GetFunctionList");
	if (!get || get(&list) != CKR_OK || list->C_Initialize(NULL) != CKR_OK)
		return;
	if (list->C_GetSlotList(CK_FALSE, NULL, &count) == CKR_OK)
		dprintf(out, "%lu", (unsigned long)count);
	(void)list->C_Finalize(NULL);
}

void doctor_check_module(struct doctor *d, struct doctor_finding *f)
{
	struct child_answer answer;

	child_run(try_module, (void *)(uintptr_t)d->place.module, MODULE_MS, &answer);
	if (answer.end == CHILD_DONE && answer.len) {
		doctor_say(f, DOCTOR_OK, _("%s works and has %s slots"), d->place.module, answer.text);
		return;
	}
	if (answer.end == CHILD_HUNG)
		doctor_say(f, DOCTOR_PROBLEM, _("%s does not answer"), d->place.module);
	else
		doctor_say(f, DOCTOR_PROBLEM, _("%s is not there, or does not work"), d->place.module);
	doctor_todo(f, _("Put %s beside twcard.exe, or name it: --module FILE"), MODULE_PATH);
}

/* ---- the vendor's software ---- */

void doctor_check_vendor(struct doctor *d, struct doctor_finding *f)
{
	static const wchar_t *const modules[] = {
		L"%SystemRoot%\\System32\\HiCOSPKCS11.dll",
		L"%SystemRoot%\\SysWOW64\\HiCOSPKCS11.dll",
	};
	wchar_t path[MAX_PATH];

	(void)d;
	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
		const DWORD len = ExpandEnvironmentStringsW(modules[i], path, MAX_PATH);

		if (!len || len > MAX_PATH || GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES)
			continue;
		doctor_say(f, DOCTOR_NOTE, _("HiCOS is here, too: both can use the card, in turns"));
		return;
	}
	doctor_say(f, DOCTOR_OK, _("none is seen"));
}

/* ---- the report ---- */

/* A name of Windows' that is not to be in it. */
static void add(struct redactor *r, const wchar_t *variable, const char *instead)
{
	wchar_t wide[512];
	char text[sizeof wide / sizeof *wide * 3];
	const DWORD len = GetEnvironmentVariableW(variable, wide, sizeof wide / sizeof *wide);

	if (len > 0 && len < sizeof wide / sizeof *wide &&
	    WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, sizeof text, NULL, NULL) > 0)
		redact_add(r, text, instead);
}

void doctor_add_computer(struct redactor *r)
{
	add(r, L"USERPROFILE", "<home>");
	add(r, L"USERNAME", "<user>");
	add(r, L"COMPUTERNAME", "<host>");
	add(r, L"USERDOMAIN", "<host>");
}

void doctor_put_system(FILE *out, const struct doctor *d)
{
	wchar_t text[128] = L"";
	DWORD size = sizeof text - sizeof *text;

	(void)d;
	(void)RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion", L"CurrentBuildNumber",
			   RRF_RT_REG_SZ, NULL, text, &size);
	fprintf(out, "Windows: build %ls\n", text);
}
