#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "src/base/file.h"
#include "tools/twcard/authz_pending.h"
#include "tools/twcard/cert_info.h"
#include "tools/twcard/json_bytes.h"
#include "tools/twcard/message.h"

#define FORMAT 1
#define FILE_MAX (64u << 10) /* bytes; they have about 6000 */
#define NAME_ROOM (AUTHZ_PENDING_ID + 32)
#define HEX_DIGITS "0123456789abcdef"

static const struct {
	const char *word;
	const char *text;
} steps[AUTHZ_PENDING_STEPS] = {
	[AUTHZ_PENDING_SIGNED] = {"signed", N_("signed, and the authority may not know it")},
	[AUTHZ_PENDING_REGISTERED] = {"registered", N_("registered, and not yet on the attached card")},
	[AUTHZ_PENDING_WRITTEN] = {"written", N_("on the attached card, and the authority was not told")},
};

const char *authz_pending_text(enum authz_pending_step step)
{
	return _(steps[step].text);
}

const char *authz_pending_word(enum authz_pending_step step)
{
	return steps[step].word;
}

/* ---- the folder ---- */

/* False, with errno. */
static bool folder_path(char out[FILE_PATH_MAX])
{
	const char *base = secure_getenv("XDG_STATE_HOME"), *home = secure_getenv("HOME");
	int n = -1;

	errno = ENOENT;
	if (base && *base == '/')
		n = snprintf(out, FILE_PATH_MAX, "%s/twcard/authz", base);
	else if (home && *home == '/')
		n = snprintf(out, FILE_PATH_MAX, "%s/.local/state/twcard/authz", home);
	if (n >= FILE_PATH_MAX)
		errno = ENAMETOOLONG;
	return n > 0 && n < FILE_PATH_MAX;
}

/* A descriptor of it, or -1 with errno. */
static int open_folder(bool make)
{
	char path[FILE_PATH_MAX], inside[FILE_PATH_MAX + 2];

	if (!folder_path(path))
		return -1;
	snprintf(inside, sizeof inside, "%s/x", path);
	if (make && !file_make_folders(inside))
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void name_of(const char *id, const char *end, char out[NAME_ROOM])
{
	snprintf(out, NAME_ROOM, "%.*s.%s", AUTHZ_PENDING_ID, id, end);
}

static bool has_id(const char *name)
{
	return strspn(name, HEX_DIGITS) == AUTHZ_PENDING_ID && name[AUTHZ_PENDING_ID] == '.';
}

static enum exit_code tell_unwritten(int error)
{
	message_error(_("what waits to be finished could not be kept: %s\n"
			"It belongs in $XDG_STATE_HOME/twcard/authz, by default ~/.local/state/twcard/authz."),
		      strerror(error));
	return EXIT_FILE;
}

/* ---- writing ---- */

static bool new_id(char out[AUTHZ_PENDING_ID + 1])
{
	unsigned char bytes[AUTHZ_PENDING_ID / 2];

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

static struct json_object *to_json(const struct authz_pending *p)
{
	struct json_object *v = json_object_new_object();

	if (!v)
		return NULL;
	json_object_object_add(v, "version", json_object_new_int(FORMAT));
	json_object_object_add(v, "step", json_object_new_string(steps[p->step].word));
	json_object_object_add(v, "server", message_json_text(p->server));
	json_object_object_add(v, "reservation", message_json_text(p->reservation));
	json_object_object_add(v, "certificate", json_bytes_new(p->cert, p->cert_len));
	json_object_object_add(v, "authorizer", json_bytes_from_x509(p->authorizer));
	json_object_object_add(v, "holder", json_bytes_from_x509(p->holder));
	json_object_object_add(v, "authorizer_number", message_json_text(p->authorizer_number));
	json_object_object_add(v, "holder_number", message_json_text(p->holder_number));
	json_object_object_add(v, "since", json_object_new_int64(p->since));
	return v;
}

/* The name itself is to survive a power cut, too. False, with errno. */
static bool write_file(int folder, const struct authz_pending *p)
{
	struct json_object *v = to_json(p);
	const char *text = v ? json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN) : NULL;
	char name[NAME_ROOM];
	int error;
	bool good;

	name_of(p->id, "json", name);
	errno = ENOMEM;
	good = text && file_replace(folder, name, text, strlen(text), 0600, true) && fsync(folder) == 0;
	error = errno;
	json_object_put(v);
	errno = error;
	return good;
}

/* The first time: an id, and its lock. False, with errno. */
static bool begin(int folder, struct authz_pending *p)
{
	char name[NAME_ROOM];

	if (p->lock >= 0)
		return true;
	errno = EIO;
	if (!p->id[0] && !new_id(p->id))
		return false;
	if (!p->since)
		p->since = time(NULL);
	name_of(p->id, "lock", name);
	p->lock = file_lock(folder, name, 1);
	return p->lock >= 0;
}

static void unlock(int folder, struct authz_pending *p, bool remove)
{
	char name[NAME_ROOM];

	if (p->lock < 0)
		return;
	name_of(p->id, "lock", name);
	if (remove)
		(void)unlinkat(folder, name, 0);
	close(p->lock);
	p->lock = -1;
}

enum exit_code authz_pending_keep(struct authz_pending *pending)
{
	bool first = !pending->id[0];
	int folder = open_folder(true), error;
	bool good = folder >= 0 && begin(folder, pending) && write_file(folder, pending);

	error = errno;
	if (!good && first && folder >= 0) {
		unlock(folder, pending, true);
		pending->id[0] = '\0';
	}
	if (folder >= 0)
		close(folder);
	return good ? EXIT_GOOD : tell_unwritten(error);
}

enum exit_code authz_pending_drop(struct authz_pending *pending)
{
	int folder, error;
	char name[NAME_ROOM];
	bool gone;

	if (!pending->id[0])
		return EXIT_GOOD;
	folder = open_folder(false);
	name_of(pending->id, "json", name);
	gone = folder >= 0 && (unlinkat(folder, name, 0) == 0 || errno == ENOENT) && fsync(folder) == 0;
	error = errno;
	if (gone)
		unlock(folder, pending, true);
	if (folder >= 0)
		close(folder);
	return gone ? EXIT_GOOD : tell_unwritten(error);
}

void authz_pending_clear(struct authz_pending *pending)
{
	unlock(-1, pending, false);
	free(pending->server);
	free(pending->reservation);
	free(pending->cert);
	free(pending->authorizer_number);
	free(pending->holder_number);
	X509_free(pending->authorizer);
	X509_free(pending->holder);
	*pending = (struct authz_pending)AUTHZ_PENDING_NONE;
}

/* ---- reading ---- */

static bool step_of(const char *word, enum authz_pending_step *out)
{
	for (unsigned i = 0; word && i < AUTHZ_PENDING_STEPS; i++) {
		if (strcmp(word, steps[i].word) == 0) {
			*out = (enum authz_pending_step)i;
			return true;
		}
	}
	return false;
}

static bool copy(struct json_object *v, const char *key, char **out)
{
	const char *text = json_bytes_text(v, key);

	*out = text ? strdup(text) : NULL;
	return *out != NULL;
}

static bool from_json(struct json_object *v, struct authz_pending *out)
{
	out->since = (time_t)json_object_get_int64(json_bytes_member(v, "since"));
	out->authorizer = json_bytes_x509(v, "authorizer");
	out->holder = json_bytes_x509(v, "holder");
	return json_object_get_int(json_bytes_member(v, "version")) == FORMAT &&
	       step_of(json_bytes_text(v, "step"), &out->step) && copy(v, "server", &out->server) &&
	       copy(v, "reservation", &out->reservation) && copy(v, "holder_number", &out->holder_number) &&
	       copy(v, "authorizer_number", &out->authorizer_number) &&
	       json_bytes_take(v, "certificate", &out->cert, &out->cert_len) && out->authorizer && out->holder;
}

/* False, with errno: EBADMSG if it is none. */
static bool read_file(int folder, const char *id, struct authz_pending *out)
{
	struct buffer text = BUFFER_INIT;
	struct json_object *v = NULL;
	char name[NAME_ROOM];
	int error = 0;

	*out = (struct authz_pending)AUTHZ_PENDING_NONE;
	name_of(id, "json", name);
	if (!file_read(folder, name, FILE_MAX, &text)) {
		error = errno;
	} else {
		v = json_bytes_parse(text.data, text.len);
		if (!v || !from_json(v, out))
			error = EBADMSG;
	}
	snprintf(out->id, sizeof out->id, "%.*s", AUTHZ_PENDING_ID, id);
	json_object_put(v);
	buffer_clear(&text);
	if (error)
		authz_pending_clear(out);
	errno = error;
	return !error;
}

/* ---- the list ---- */

/* What a program left that was killed while it wrote: nothing was done on the strength of it. */
static void sweep(int folder, const char *name)
{
	char lock[NAME_ROOM], file[NAME_ROOM];
	int fd;

	name_of(name, "lock", lock);
	name_of(name, "json", file);
	fd = file_lock(folder, lock, 1);
	if (fd < 0)
		return;
	(void)unlinkat(folder, name, 0);
	if (faccessat(folder, file, F_OK, 0) != 0)
		(void)unlinkat(folder, lock, 0);
	close(fd);
}

static bool append(struct authz_pending_list *list, const struct authz_pending *item)
{
	struct authz_pending *more = realloc(list->items, (list->count + 1) * sizeof *more);

	if (!more)
		return false;
	list->items = more;
	list->items[list->count++] = *item;
	return true;
}

static bool add_file(int folder, const char *name, struct authz_pending_list *list)
{
	struct authz_pending item;

	if (read_file(folder, name, &item)) {
		if (append(list, &item))
			return true;
		authz_pending_clear(&item);
		return false;
	}
	if (errno == ENOENT) /* another program has finished it */
		return true;
	list->damaged++;
	message_note(_("%s cannot be read (%s): it is kept as it is, in $XDG_STATE_HOME/twcard/authz."), name,
		     errno == EBADMSG ? _("damaged") : strerror(errno));
	return true;
}

static int older_first(const void *a, const void *b)
{
	const struct authz_pending *x = a, *y = b;

	if (x->since != y->since)
		return x->since < y->since ? -1 : 1;
	return strcmp(x->id, y->id);
}

static bool read_all(int folder, DIR *dir, struct authz_pending_list *out)
{
	const struct dirent *e;
	bool good = true;

	while (good && (e = readdir(dir))) {
		const char *end = strrchr(e->d_name, '.');

		if (!has_id(e->d_name))
			continue;
		if (strcmp(end, ".new") == 0)
			sweep(folder, e->d_name);
		else if (strcmp(e->d_name + AUTHZ_PENDING_ID, ".json") == 0)
			good = add_file(folder, e->d_name, out);
	}
	return good;
}

enum exit_code authz_pending_list(struct authz_pending_list *out)
{
	int folder = open_folder(false), copied;
	DIR *dir;
	bool good;

	*out = (struct authz_pending_list){NULL, 0, 0};
	if (folder < 0 && errno == ENOENT)
		return EXIT_GOOD;
	copied = folder >= 0 ? fcntl(folder, F_DUPFD_CLOEXEC, 3) : -1;
	dir = copied >= 0 ? fdopendir(copied) : NULL;
	if (!dir) {
		message_error(_("$XDG_STATE_HOME/twcard/authz cannot be read: %s"), strerror(errno));
		if (copied >= 0)
			close(copied);
		if (folder >= 0)
			close(folder);
		return EXIT_FILE;
	}
	good = read_all(folder, dir, out);
	closedir(dir);
	close(folder);
	if (!good) {
		authz_pending_list_clear(out);
		return message_result(RESULT_NO_MEMORY, NULL);
	}
	if (out->count)
		qsort(out->items, out->count, sizeof *out->items, older_first);
	return EXIT_GOOD;
}

void authz_pending_list_clear(struct authz_pending_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		authz_pending_clear(&list->items[i]);
	free(list->items);
	*list = (struct authz_pending_list){NULL, 0, 0};
}

/* ---- taking one ---- */

static enum exit_code tell_not_taken(int error)
{
	if (error == EWOULDBLOCK)
		message_error(_("another twcard is at work on it\nWait for it, or end it."));
	else if (error == ENOENT)
		message_error(_("it was finished meanwhile"));
	else
		message_error(_("it cannot be gone on with: %s"), error == EBADMSG ? _("damaged") : strerror(error));
	return EXIT_FILE;
}

enum exit_code authz_pending_take(struct authz_pending *pending)
{
	struct authz_pending fresh = AUTHZ_PENDING_NONE;
	int folder = open_folder(false), error, lock = -1;
	char id[AUTHZ_PENDING_ID + 1], name[NAME_ROOM];
	bool good;

	snprintf(id, sizeof id, "%s", pending->id);
	name_of(id, "lock", name);
	if (folder >= 0)
		lock = file_lock(folder, name, 1);
	good = lock >= 0 && read_file(folder, id, &fresh);
	error = errno;
	fresh.lock = lock;
	if (good) {
		authz_pending_clear(pending);
		*pending = fresh;
	} else {
		snprintf(fresh.id, sizeof fresh.id, "%s", id);
		if (folder >= 0)
			unlock(folder, &fresh, error == ENOENT);
	}
	if (folder >= 0)
		close(folder);
	return good ? EXIT_GOOD : tell_not_taken(error);
}
