#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <winscard.h>

#include "fakepcsc.h"
#include "hostile.h"
#include "profiles/keyset.h"
#include "script.h"
#include "steady_chance.h"

#define EDITS_MAX 24
#define EDIT_SIZE 7
#define FILES_MAX 64
#define FILE_MAX 65535
#define COMMANDS_MAX 20000 /* a module that sends more to one input is in a loop */
#define EVERY_KIND 0x80

struct edit {
	uint8_t what, kind, from, times;
	uint16_t place;
	const uint8_t *bytes;
	size_t len;
};

struct file {
	char path[64];
	uint8_t *bytes;
	size_t len;
	bool changed;
};

/* A card as it was made, and what it is made to be again. */
struct original {
	struct vcard *card;
	struct file files[FILES_MAX];
	size_t count;
};

static struct {
	struct original cards[2];
	struct original *now;
	struct edit edits[EDITS_MAX];
	size_t count;
	unsigned seen[256]; /* commands by INS */
	unsigned commands, verifies;
	bool struck, reads_spoilt, stopped;
} hostile;

/* ---- in place of what waits, and of what reads key sets from files ---- */

int nanosleep(const struct timespec *time, struct timespec *rest)
{
	(void)time;
	if (rest)
		*rest = (struct timespec){0, 0};
	return 0;
}

enum result keyset_find(const char *const *dirs, const char *profile, unsigned skip, struct keyset *out)
{
	static const uint8_t aid[] = {0xA0, 0x00, 0x00, 0x02, 0x83, 0xFF, 0x08, 0x86,
				      0x92, 0x53, 0x53, 0x89, 0xC0, 0x00, 0x14};

	(void)dirs;
	if (skip)
		return RESULT_NO_KEYSET;
	MUST(strcmp(profile, "gppki") == 0);
	for (uint8_t i = 0; i < sizeof out->master_key; i++)
		out->master_key[i] = i;
	memcpy(out->aid, aid, sizeof aid);
	out->aid_len = sizeof aid;
	return RESULT_OK;
}

/* ---- what an edit does to an answer ---- */

struct answer {
	uint8_t *bytes; /* FAKE_ANSWER_MAX */
	size_t len;
};

static void keep_data(struct answer *a, const struct edit *e)
{
	if (a->len < 2)
		return;
	a->bytes[a->len - 2] = (uint8_t)(e->place >> 8);
	a->bytes[a->len - 1] = (uint8_t)e->place;
}

static void status_alone(struct answer *a, const struct edit *e)
{
	a->len = 2;
	keep_data(a, e);
}

static void cut(struct answer *a, const struct edit *e)
{
	a->len = e->place < a->len ? e->place : a->len;
}

static void replace(struct answer *a, const struct edit *e)
{
	a->len = e->len;
	if (e->len)
		memcpy(a->bytes, e->bytes, e->len);
}

static void flip(struct answer *a, const struct edit *e)
{
	for (size_t i = 0; a->len && i < e->len; i++)
		a->bytes[(e->place + i) % a->len] ^= e->bytes[i];
}

static void overwrite(struct answer *a, const struct edit *e)
{
	for (size_t i = 0; i < e->len && e->place + i < a->len; i++)
		a->bytes[e->place + i] = e->bytes[i];
}

static void insert(struct answer *a, const struct edit *e)
{
	size_t at = e->place < a->len ? e->place : a->len, n = e->len;

	n = n < FAKE_ANSWER_MAX - a->len ? n : FAKE_ANSWER_MAX - a->len;
	memmove(a->bytes + at + n, a->bytes + at, a->len - at);
	if (n)
		memcpy(a->bytes + at, e->bytes, n);
	a->len += n;
}

/* To any length, as no card should answer. */
static void lengthen(struct answer *a, const struct edit *e)
{
	size_t len = e->place % (FAKE_ANSWER_MAX + 1);

	while (a->len < len) {
		a->bytes[a->len] = e->len ? e->bytes[a->len % e->len] : 0;
		a->len++;
	}
}

static void be_mute(struct answer *a, const struct edit *e)
{
	(void)e;
	a->len = 0;
}

/* ---- what happens to the card before it answers ---- */

static void reset(const struct edit *e)
{
	(void)e;
	fake_foreign_reset(HOSTILE_READER);
}

static void pull(const struct edit *e)
{
	(void)e;
	fake_eject(HOSTILE_READER);
}

/* What PC/SC says while card and service are still there. */
static void fail(const struct edit *e)
{
	static const long codes[] = {(long)SCARD_E_NOT_TRANSACTED, (long)SCARD_F_COMM_ERROR, (long)SCARD_E_TIMEOUT,
				     (long)SCARD_E_NO_MEMORY, (long)SCARD_E_SHARING_VIOLATION};

	fake_fail(HOSTILE_READER, 1, codes[e->place % (sizeof codes / sizeof *codes)]);
}

static void stop_service(const struct edit *e)
{
	(void)e;
	fake_service_stop();
	hostile.stopped = true;
}

/* ---- what an edit does to a file ---- */

static void write_file(uint8_t *bytes, size_t *len, const struct edit *e)
{
	size_t times = (size_t)e->from << 8 | e->times, at = e->place;

	for (times = times ? times : 1; times && e->len && at + e->len <= FILE_MAX; times--) {
		if (at > *len)
			memset(bytes + *len, 0xFF, at - *len);
		memcpy(bytes + at, e->bytes, e->len);
		at += e->len;
		*len = at > *len ? at : *len;
	}
}

static void insert_in_file(uint8_t *bytes, size_t *len, const struct edit *e)
{
	size_t at = e->place < *len ? e->place : *len;

	if (*len + e->len > FILE_MAX || !e->len)
		return;
	memmove(bytes + at + e->len, bytes + at, *len - at);
	memcpy(bytes + at, e->bytes, e->len);
	*len += e->len;
}

static void cut_file(uint8_t *bytes, size_t *len, const struct edit *e)
{
	(void)bytes;
	*len = e->place < *len ? e->place : *len;
}

/* The file many times in a row: a directory of 64 KiB of records. */
static void repeat_file(uint8_t *bytes, size_t *len, const struct edit *e)
{
	size_t whole = e->place && e->place < *len ? e->place : *len;

	for (size_t at = whole; whole && at + whole <= FILE_MAX; at += whole) {
		memcpy(bytes + at, bytes, whole);
		*len = at + whole;
	}
}

static const struct {
	void (*answer)(struct answer *a, const struct edit *e);
	void (*event)(const struct edit *e);
	void (*file)(uint8_t *bytes, size_t *len, const struct edit *e);
} whats[] = {
	{keep_data, NULL, NULL},
	{status_alone, NULL, NULL},
	{cut, NULL, NULL},
	{replace, NULL, NULL},
	{flip, NULL, NULL},
	{overwrite, NULL, NULL},
	{insert, NULL, NULL},
	{lengthen, NULL, NULL},
	{be_mute, NULL, NULL},
	{NULL, reset, NULL},
	{NULL, pull, NULL},
	{NULL, fail, NULL},
	{NULL, stop_service, NULL},
	{NULL, NULL, write_file},
	{NULL, NULL, insert_in_file},
	{NULL, NULL, cut_file},
	{NULL, NULL, repeat_file},
};

/* SELECT, READ BINARY, GET DATA, READ RECORD, GET RESPONSE, the channel's two, VERIFY, the private operation's two. */
static const uint8_t kinds[] = {0xA4, 0xB0, 0xCA, 0xB2, 0xC0, 0x50, 0x82, 0x20, 0xEA, 0xC1};

#define WHATS (sizeof whats / sizeof *whats)
#define KINDS (sizeof kinds / sizeof *kinds)

/* ---- the card in the reader ---- */

static const struct edit *edit_for(uint8_t ins, bool event)
{
	for (size_t i = 0; i < hostile.count; i++) {
		const struct edit *e = &hostile.edits[i];
		bool every = e->what & EVERY_KIND;
		unsigned nth = every ? hostile.commands - 1 : hostile.seen[ins] - 1;

		if ((whats[e->what % WHATS].event != NULL) != event || whats[e->what % WHATS].file)
			continue;
		if (!every && kinds[e->kind % KINDS] != ins)
			continue;
		if (nth >= e->from && (!e->times || nth < (unsigned)e->from + e->times))
			return e;
	}
	return NULL;
}

static void note_strike(uint8_t ins)
{
	hostile.struck = true;
	if (ins != 0x20 && ins != 0xEA && ins != 0xC1)
		hostile.reads_spoilt = true;
}

static void on_command(void *context, const uint8_t *cmd, size_t len)
{
	const struct edit *e;

	(void)context;
	MUST(len >= 4 && len <= COMMAND_MAX_SIZE);
	MUST(++hostile.commands <= COMMANDS_MAX);
	hostile.seen[cmd[1]]++;
	hostile.verifies += cmd[1] == 0x20;
	e = edit_for(cmd[1], true);
	if (e) {
		hostile.struck = true;
		whats[e->what % WHATS].event(e);
	}
}

static size_t answer(void *context, const uint8_t *cmd, size_t len, uint8_t bytes[FAKE_ANSWER_MAX])
{
	struct answer a = {bytes, 0};
	const struct edit *e;

	(void)context;
	if (vcard_transmit(hostile.now->card, cmd, len, bytes, FAKE_ANSWER_MAX, &a.len) != VCARD_ANSWERED)
		return 0;
	e = edit_for(cmd[1], false);
	if (e) {
		note_strike(cmd[1]);
		whats[e->what % WHATS].answer(&a, e);
	}
	return a.len;
}

static void power(void *context, bool on)
{
	(void)context;
	if (on)
		vcard_power_on(hostile.now->card);
	else
		vcard_power_off(hostile.now->card);
}

static void put_in(void)
{
	struct fake_card in_reader = {.answer = answer, .power = power};
	const uint8_t *atr = vcard_atr(hostile.now->card, &in_reader.atr_len);

	memcpy(in_reader.atr, atr, in_reader.atr_len);
	fake_insert_card(HOSTILE_READER, &in_reader);
}

/* ---- the cards, and what the input makes of them ---- */

static void keep_file(void *context, const char *path, bool df, size_t len)
{
	struct original *o = context;
	struct file *f = &o->files[o->count];
	const uint8_t *bytes;

	if (df)
		return;
	MUST(o->count < FILES_MAX && strlen(path) < sizeof f->path);
	strcpy(f->path, path);
	MUST(vcard_file_get(o->card, path, &bytes, &f->len) && f->len == len);
	f->bytes = malloc(len + 1);
	MUST(f->bytes);
	memcpy(f->bytes, bytes, len);
	o->count++;
}

static struct original *original(unsigned generation)
{
	struct original *o = &hostile.cards[generation];
	const char *top = getenv("top_srcdir");
	char path[1024], error[200];

	if (o->card)
		return o;
	snprintf(path, sizeof path, "%s/tests/fuzz/cards/gen%u.card", top ? top : ".", generation + 1);
	if (!vcard_load(path, &o->card, error, sizeof error)) {
		fprintf(stderr, "%s: %s (is top_srcdir set?)\n", path, error);
		abort();
	}
	vcard_detach(o->card);
	vcard_file_each(o->card, keep_file, o);
	return o;
}

static void restore(struct original *o)
{
	const struct vcard_behaviour none = {.select_61 = false};

	for (size_t i = 0; i < o->count; i++) {
		struct file *f = &o->files[i];

		if (f->changed)
			MUST(vcard_file_put(o->card, f->path, f->bytes, f->len));
		f->changed = false;
	}
	vcard_behaviour_set(o->card, &none);
	MUST(vcard_set_pin_tries(o->card, VCARD_PIN_TRIES));
}

static void edit_file(struct original *o, const struct edit *e)
{
	static uint8_t bytes[FILE_MAX];
	struct file *f = &o->files[e->kind % o->count];
	const uint8_t *now;
	size_t len;

	MUST(vcard_file_get(o->card, f->path, &now, &len) && len <= FILE_MAX);
	memcpy(bytes, now, len);
	whats[e->what % WHATS].file(bytes, &len, e);
	f->changed |= vcard_file_put(o->card, f->path, bytes, len);
	hostile.struck = hostile.reads_spoilt = true;
}

static void take_edits(const uint8_t *data, size_t size)
{
	while (size >= EDIT_SIZE && hostile.count < EDITS_MAX) {
		struct edit *e = &hostile.edits[hostile.count++];

		*e = (struct edit){data[0], data[1], data[2], data[3], (uint16_t)(data[4] << 8 | data[5]),
				   data + EDIT_SIZE, data[6]};
		data += EDIT_SIZE;
		size -= EDIT_SIZE;
		e->len = e->len < size ? e->len : size;
		data += e->len;
		size -= e->len;
		if (whats[e->what % WHATS].file)
			edit_file(hostile.now, e);
	}
}

static void behave(struct vcard *card, uint8_t options)
{
	const struct vcard_behaviour ways = {
		.read_end = (enum vcard_read_end)(options >> 1 & 3),
		.read_max = options & 0x08 ? 200 : 0,
		.select_61 = options & 0x10,
		.pin_lost_after_private_op = options & 0x20,
		.plain_ends_channel = options & 0x40,
	};

	vcard_behaviour_set(card, &ways);
}

/* Nothing of this machine's: no configuration, no cache, no marks of PINs in use. */
static void set_environment(void)
{
	static bool done;

	if (!done) {
		MUST(setenv("TWCARD_CONF", "/dev/null", 1) == 0 && setenv("XDG_CACHE_HOME", "/dev/null/none", 1) == 0);
		MUST(setenv("XDG_RUNTIME_DIR", "/dev/null/none", 1) == 0 && unsetenv("TWCARD_DEBUG") == 0);
	}
	done = true;
}

void hostile_begin(const uint8_t *data, size_t size)
{
	uint8_t options = size ? data[0] : 0;

	set_environment();
	hostile.now = original(options & HOSTILE_GEN2);
	hostile.count = 0;
	hostile.commands = hostile.verifies = 0;
	hostile.struck = hostile.reads_spoilt = hostile.stopped = false;
	memset(hostile.seen, 0, sizeof hostile.seen);
	steady_chance_from("");
	restore(hostile.now);
	behave(hostile.now->card, options);
	if (size)
		take_edits(data + 1, size - 1);
	fake_clear();
	fake_add_reader(HOSTILE_READER);
	fake_on_command(HOSTILE_READER, on_command, NULL);
	put_in();
}

void hostile_repent(void)
{
	fake_eject(HOSTILE_READER);
	hostile.count = 0;
	fake_fail(HOSTILE_READER, 0, 0);
	if (hostile.stopped)
		fake_service_start();
	hostile.stopped = false;
	restore(hostile.now);
	put_in();
}

void hostile_end(void)
{
	MUST(fake_open_contexts() == 0 && fake_open_handles() == 0 && fake_strange_calls() == 0);
	fake_clear();
	vcard_power_off(hostile.now->card);
}

struct vcard *hostile_card(void)
{
	return hostile.now->card;
}

unsigned hostile_generation(void)
{
	return hostile.now == &hostile.cards[1];
}

bool hostile_struck(void)
{
	return hostile.struck;
}

bool hostile_reads_are_true(void)
{
	return !hostile.reads_spoilt;
}

unsigned hostile_verifies(void)
{
	return hostile.verifies;
}
