#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/agent/work_card.h"
#include "tools/twcard/message.h"

#define WATCHER_SECONDS 5 /* that a module may take to wake it at the end */

/* ---- what came and went ---- */

static void *watch(void *context)
{
	struct work *w = context;
	CK_SLOT_ID slot;

	while (w->f->C_WaitForSlotEvent(0, &slot, NULL) == CKR_OK)
		w->generation++;
	w->watching = false; /* C_Finalize, or a module that does not wait */
	return NULL;
}

/* For modules that tell of no events: what a look at the slots shows, as a number. */
static uint64_t look(struct work *w)
{
	CK_SLOT_ID *ids;
	CK_ULONG count;
	uint64_t sum = 14695981039346656037u; /* FNV-1a */

	if (work_slots(w, &ids, &count) != CKR_OK)
		return 0;
	for (CK_ULONG i = 0; i < count; i++) {
		CK_SLOT_INFO info = {.flags = 0};

		(void)w->f->C_GetSlotInfo(ids[i], &info);
		sum = (sum ^ (ids[i] << 1 | !!(info.flags & CKF_TOKEN_PRESENT))) * 1099511628211u;
	}
	free(ids);
	return sum;
}

unsigned long work_generation(struct work *w)
{
	uint64_t now;

	if (w->watching)
		return w->generation;
	pthread_mutex_lock(&w->look);
	now = look(w);
	if (now != w->seen)
		w->generation++;
	w->seen = now;
	pthread_mutex_unlock(&w->look);
	return w->generation;
}

/* ---- the module ---- */

static void finish(struct work *w)
{
	if (w->finalize)
		(void)w->f->C_Finalize(NULL);
	if (w->library)
		dlclose(w->library);
	pthread_mutex_destroy(&w->turn);
	pthread_mutex_destroy(&w->look);
	free(w);
}

static struct work *give_up(struct work *w, void *library, char *problem, size_t size, const char *why)
{
	snprintf(problem, size, "%s", why);
	if (w)
		finish(w);
	else if (library)
		dlclose(library);
	return NULL;
}

struct work *work_start(CK_FUNCTION_LIST *f, void *library, char *problem, size_t size)
{
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	struct work *w = calloc(1, sizeof *w);
	char why[200];
	CK_RV rv;

	if (!w)
		return give_up(NULL, library, problem, size, strerror(ENOMEM));
	w->f = f;
	w->library = library;
	w->generation = 1;
	pthread_mutex_init(&w->turn, NULL);
	pthread_mutex_init(&w->look, NULL);
	rv = f->C_Initialize(&args);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		snprintf(why, sizeof why, _("the module's C_Initialize failed (0x%08lX); 'twcard explain' says more"), rv);
		return give_up(w, NULL, problem, size, why);
	}
	w->finalize = rv == CKR_OK;
	w->seen = look(w);
	w->watching = w->finalize; /* only C_Finalize wakes the watcher */
	if (w->finalize)
		w->has_watcher = pthread_create(&w->watcher, NULL, watch, w) == 0;
	if (!w->has_watcher)
		w->watching = false;
	return w;
}

struct work *work_open(const char *module, char *problem, size_t size)
{
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST *list = NULL;
	/* what a module leaves behind at its end (handlers, threads) must not lose its code */
	void *library = dlopen(module ? module : MODULE_PATH, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	if (!library)
		return give_up(NULL, NULL, problem, size, dlerror());
	*(void **)&get = dlsym(library, "C_GetFunctionList");
	if (!get || get(&list) != CKR_OK || !list)
		return give_up(NULL, library, problem, size, _("this is no PKCS#11 module"));
	return work_start(list, library, problem, size);
}

/*
 * A watcher that a module does not wake stays with all that it uses: the
 * process is about to end.
 */
void work_close(struct work *w)
{
	struct timespec limit;

	if (!w)
		return;
	if (w->finalize)
		(void)w->f->C_Finalize(NULL);
	w->finalize = false;
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += WATCHER_SECONDS;
	if (w->has_watcher && pthread_timedjoin_np(w->watcher, NULL, &limit) != 0)
		return;
	finish(w);
}

/* ---- functions ---- */

bool work_fail(struct work_job *job, uint32_t code, CK_RV last_error)
{
	if (job->code == WORK_OK) {
		job->code = code;
		job->last_error = last_error;
	}
	return false;
}

void work_add(struct work_job *job, const char *key, struct json_object *value)
{
	json_object_object_add(job->answer, key, value);
}

bool work_not_offered(struct work_job *job)
{
	return work_fail(job, WORK_METHOD, CKR_OK);
}

static const struct {
	bool (*run)(struct work_job *job);
	const char *func; /* of the answer; NULL: as the request calls itself */
	bool alone;       /* it may log in */
} functions[WORK_FUNCTION_COUNT] = {
	[WORK_INFO] = {work_info, "pkcs11info", false},
	[WORK_INFO_CERTS] = {work_info_certs, "pkcs11info", false},
	[WORK_SIGN] = {work_sign, "sign", true},
	[WORK_DECRYPT] = {work_decrypt, "decrypt", true},
	[WORK_UMAKESIG] = {work_umakesig, "umakeSig", true},
	[WORK_MAKE_CSR] = {work_make_csr, "csr", true},
	[WORK_WRITE_CERT] = {work_write_cert, "writeCert", false},
	[WORK_CHALLENGE] = {work_not_offered, "getChallenge", false},
	[WORK_CARD_COMMAND] = {work_card_command, NULL, true},
	[WORK_SIGN_FILE] = {work_sign_file, "sign", true},
	[WORK_AUTHZ] = {work_authz, "authz", true},
	[WORK_NOT_OFFERED] = {work_not_offered, NULL, false},
};

/* Clients read these whatever came of it. */
static void run(struct work_job *job, enum work_function function)
{
	const char *func = functions[function].func;

	job->answer = json_object_new_object();
	if (!func && json_object_is_type(job->request, json_type_object)) {
		struct json_object *asked = json_object_object_get(job->request, "func");

		if (json_object_is_type(asked, json_type_string))
			func = json_object_get_string(asked);
	}
	job->func = func;
	if (!job->answer)
		(void)work_fail(job, WORK_FAILED, CKR_HOST_MEMORY);
	else if (job->request && !json_object_is_type(job->request, json_type_object))
		(void)work_fail(job, WORK_JSON_BAD, CKR_OK);
	else if (!functions[function].run(job) && job->code == WORK_OK)
		(void)work_fail(job, WORK_FAILED, CKR_GENERAL_ERROR);
}

/* The common members first; those of the function only if it worked. */
static struct json_object *join(struct work_job *job, enum work_function function)
{
	struct json_object *to = work_error(function, job->func, job->code, job->last_error);

	if (to && job->code == WORK_OK) {
		json_object_object_foreach(job->answer, key, value)
			json_object_object_add(to, key, json_object_get(value));
	}
	return to;
}

void work_call(struct work *w, enum work_function function, struct json_object *request,
	       const struct work_consent *consent, struct work_answer *out)
{
	static const struct work_consent none = {.pin = NULL};
	struct work_job job = {.w = w, .request = request, .consent = consent ? consent : &none};

	if (functions[function].alone)
		pthread_mutex_lock(&w->turn);
	run(&job, function);
	work_card_close(&job);
	if (functions[function].alone)
		pthread_mutex_unlock(&w->turn);
	out->json = join(&job, function);
	out->ret_code = out->json ? job.code : WORK_FAILED;
	out->pin = job.pin;
	json_object_put(job.answer);
}

static enum work_pin_state tries_of(CK_FLAGS flags)
{
	return flags & CKF_USER_PIN_LOCKED ? WORK_TRIES_LOCKED
	       : flags & CKF_USER_PIN_FINAL_TRY ? WORK_TRIES_LAST
	       : flags & CKF_USER_PIN_COUNT_LOW ? WORK_TRIES_LOW : WORK_TRIES_FULL;
}

void work_preview(struct work *w, enum work_function function, struct json_object *request,
		  struct work_preview *out)
{
	struct work_job job = {.w = w, .request = request, .preview = out};
	const struct work_card *card = &job.card;

	*out = (struct work_preview){.code = WORK_OK};
	run(&job, function);
	out->code = job.code;
	memcpy(out->reader, card->reader, sizeof out->reader);
	memcpy(out->serial, card->serial, sizeof out->serial);
	out->tries = tries_of(card->token.flags);
	out->needs_pin = functions[function].alone && card->in_session &&
			 (card->token.flags & CKF_LOGIN_REQUIRED);
	out->certificate = json_object_get(card->shown);
	work_card_close(&job);
	json_object_put(job.answer);
}
