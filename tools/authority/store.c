/*
 * The connections, and transactions on them. A thread has a connection to
 * itself from the beginning of its transaction to the end; one that was lost is
 * closed, and the next who needs one opens another.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/utf8.h"
#include "tools/authority/store_internal.h"

#define CONNECTIONS_MAX 16
#define AGAIN_SECONDS 60 /* how long one transaction is tried while others are first, or its connections are cut */
#define AWAY_SECONDS 3   /* … and while there is no connection to be had: a restart of the database */
#define PAUSE_NS 20000000L

struct store {
	const struct db_driver *driver;
	char *url;
	const struct schema_step *steps;
	size_t step_count;
	uint8_t secret[32];
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t given;
	struct db *idle[CONNECTIONS_MAX];
	size_t idle_count, open_count;
	/* SQLite has one writer: threads wait for each other here, which costs less than to ask again and again */
	pthread_mutex_t writer;
};

struct store_tx {
	struct store *store;
	struct db *db;
	bool writes;
};

const char *store_result_text(enum store_result result)
{
	static const char *const texts[] = {
		[STORE_OK] = "done",
		[STORE_NONE] = "not there",
		[STORE_EXISTS] = "there already",
		[STORE_STOP] = "given up",
		[STORE_CONFLICT] = "others are writing",
		[STORE_UNAVAILABLE] = "the database does not answer",
		[STORE_FULL] = "no room on the disk",
		[STORE_NEWER] = "the database is of a newer version",
		[STORE_REFUSED] = "not with this database",
		[STORE_BROKEN] = "the database is damaged",
		[STORE_NO_MEMORY] = "out of memory",
	};

	return (size_t)result < sizeof texts / sizeof *texts ? texts[result] : "unknown";
}

enum store_result store_say(enum store_result result, const char *problem, char out[STORE_PROBLEM_SIZE])
{
	if (out)
		snprintf(out, STORE_PROBLEM_SIZE, "%s", problem && *problem ? problem : store_result_text(result));
	return result;
}

/* ---- connections ---- */

static enum store_result open_connection(struct store *s, bool create, struct db **out,
                                         char problem[STORE_PROBLEM_SIZE])
{
	uint8_t secret[32];
	struct db *db = NULL;
	enum store_result result = s->driver->open(s->url, create, &db);

	if (result == STORE_OK)
		result = schema_bring(db, s->steps, s->step_count, secret);
	if (result == STORE_OK && create)
		memcpy(s->secret, secret, sizeof secret);
	else if (result == STORE_OK && CRYPTO_memcmp(s->secret, secret, sizeof secret) != 0)
		result = db_problem(db, STORE_UNAVAILABLE, "another database is in its place: start again");
	OPENSSL_cleanse(secret, sizeof secret);
	if (result != STORE_OK) {
		store_say(result, db ? db->problem : NULL, problem);
		if (db)
			s->driver->close(db);
		db = NULL;
	}
	*out = db;
	return result;
}

enum store_result store_take(struct store *s, struct db **out, char problem[STORE_PROBLEM_SIZE])
{
	enum store_result result = STORE_OK;

	*out = NULL;
	pthread_mutex_lock(&s->mutex);
	while (!s->idle_count && s->open_count == CONNECTIONS_MAX)
		pthread_cond_wait(&s->given, &s->mutex);
	if (s->idle_count)
		*out = s->idle[--s->idle_count];
	else
		s->open_count++;
	pthread_mutex_unlock(&s->mutex);
	if (*out)
		return STORE_OK;
	result = open_connection(s, false, out, problem);
	if (result != STORE_OK)
		store_give(s, NULL);
	return result;
}

void store_give(struct store *s, struct db *db)
{
	bool keep = db && !db->lost;

	if (db && db->lost)
		s->driver->close(db);
	pthread_mutex_lock(&s->mutex);
	if (keep)
		s->idle[s->idle_count++] = db;
	else
		s->open_count--;
	pthread_cond_signal(&s->given);
	pthread_mutex_unlock(&s->mutex);
}

enum store_result store_open_steps(const char *url, const struct schema_step *steps, size_t count,
                                   struct store **out, char problem[STORE_PROBLEM_SIZE])
{
	struct store *s = calloc(1, sizeof *s);
	enum store_result result = STORE_NO_MEMORY;

	*out = NULL;
	if (!s || !(s->url = strdup(url))) {
		free(s);
		return store_say(result, NULL, problem);
	}
	s->driver = db_driver_of(url);
	s->steps = steps;
	s->step_count = count;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_mutex_init(&s->writer, NULL);
	pthread_cond_init(&s->given, NULL);
	result = open_connection(s, true, &s->idle[0], problem);
	if (result != STORE_OK) {
		store_close(&s);
		return result;
	}
	s->idle_count = s->open_count = 1;
	*out = s;
	return STORE_OK;
}

enum store_result store_open(const char *url, struct store **out, char problem[STORE_PROBLEM_SIZE])
{
	return store_open_steps(url, schema_steps, schema_step_count, out, problem);
}

void store_close(struct store **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < (*s)->idle_count; i++)
		(*s)->driver->close((*s)->idle[i]);
	pthread_mutex_destroy(&(*s)->mutex);
	pthread_mutex_destroy(&(*s)->writer);
	pthread_cond_destroy(&(*s)->given);
	OPENSSL_cleanse((*s)->url, strlen((*s)->url)); /* may have a password */
	free((*s)->url);
	OPENSSL_cleanse((*s)->secret, sizeof (*s)->secret);
	free(*s);
	*s = NULL;
}

void store_secret(const struct store *s, uint8_t out[32])
{
	memcpy(out, s->secret, sizeof s->secret);
}

/* ---- transactions ---- */

static bool all_utf8(const struct db_value *params, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *at = params[i].type == DB_TEXT ? params[i].data : "";
		uint32_t c;
		int n;

		while ((n = utf8_next(at, &c)) > 0)
			at += n;
		if (n < 0)
			return false;
	}
	return true;
}

enum store_result tx_problem(struct store_tx *tx, enum store_result result, const char *text)
{
	return db_problem(tx->db, result, "%s", text);
}

enum store_result tx_ask(struct store_tx *tx, enum statement number, const struct db_value *params, size_t count,
                         db_visit *visit, void *context, size_t *changed)
{
	if (!tx->writes && store_sql_writes(number))
		return tx_problem(tx, STORE_BROKEN, "a transaction that only reads was to write");
	if (!all_utf8(params, count))
		return tx_problem(tx, STORE_BROKEN, "a text is not UTF-8");
	return tx->store->driver->query(tx->db, store_sql(number), params, count, visit, context, changed);
}

enum store_result tx_change(struct store_tx *tx, enum statement number, const struct db_value *params, size_t count,
                            enum store_result none)
{
	size_t changed = 0;
	enum store_result result = tx_ask(tx, number, params, count, NULL, NULL, &changed);

	return result == STORE_OK && !changed ? none : result;
}

struct finding {
	const struct tx_form *form;
	void *out;
	bool found;
};

static enum store_result take_row(const struct db_row *row, void *context)
{
	struct finding *f = context;

	f->found = true;
	return row_load(f->form->columns, f->form->count, row, f->out);
}

enum store_result tx_find(struct store_tx *tx, enum statement number, const struct db_value *params, size_t count,
                          const struct tx_form *form, void *out)
{
	struct finding f = {form, out, false};
	enum store_result result;

	memset(out, 0, form->size);
	result = tx_ask(tx, number, params, count, take_row, &f, NULL);
	if (result == STORE_OK && !f.found)
		return STORE_NONE;
	if (result != STORE_OK)
		row_clear(form->columns, form->count, out, form->size);
	return result;
}

static enum store_result run_once(struct store_tx *tx, store_work *work, void *context, bool *at_end)
{
	const struct db_driver *driver = tx->store->driver;
	enum store_result result;

	tx->db->problem[0] = '\0';
	*at_end = false;
	result = driver->begin(tx->db, tx->writes ? DB_WRITE : DB_READ);
	if (result != STORE_OK) {
		driver->rollback(tx->db);
		return result;
	}
	result = work(tx, context);
	if (result == STORE_OK) {
		*at_end = true;
		return driver->commit(tx->db);
	}
	driver->rollback(tx->db);
	return result;
}

/* How one try went. */
struct try {
	bool connected; /* there was a connection */
	bool lost;      /* … and then no more */
	bool at_end;    /* the answer is that of the commit: it may have been heard or not */
};

/* Is another try of use, and is there time for it? Waits a little when the database is away. */
static bool again(enum store_result result, const struct try *t, const struct timespec *since)
{
	struct timespec now, pause = {0, PAUSE_NS};

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - since->tv_sec >= (t->connected ? AGAIN_SECONDS : AWAY_SECONDS))
		return false;
	if (result == STORE_CONFLICT)
		return true;
	if (result != STORE_UNAVAILABLE || t->at_end || (t->connected && !t->lost))
		return false;
	nanosleep(&pause, NULL);
	return true;
}

static enum store_result run(struct store *s, store_work *work, void *context, bool writes,
                             char problem[STORE_PROBLEM_SIZE])
{
	struct store_tx tx = {s, NULL, writes};
	bool queue = writes && s->driver->kind == DB_SQLITE;
	struct timespec since;
	struct try t;
	enum store_result result;

	clock_gettime(CLOCK_MONOTONIC, &since);
	do {
		t = (struct try){.connected = false};
		result = store_take(s, &tx.db, problem);
		if (result != STORE_OK)
			continue; /* to the question whether to try again */
		t.connected = true;
		if (queue)
			pthread_mutex_lock(&s->writer);
		result = run_once(&tx, work, context, &t.at_end);
		if (queue)
			pthread_mutex_unlock(&s->writer);
		t.lost = tx.db->lost;
		if (result != STORE_OK)
			store_say(result, tx.db->problem, problem);
		store_give(s, tx.db);
	} while (again(result, &t, &since));
	return result == STORE_CONFLICT ? STORE_UNAVAILABLE : result;
}

enum store_result store_run(struct store *s, store_work *work, void *context, char problem[STORE_PROBLEM_SIZE])
{
	return run(s, work, context, true, problem);
}

enum store_result store_look(struct store *s, store_work *work, void *context, char problem[STORE_PROBLEM_SIZE])
{
	return run(s, work, context, false, problem);
}

enum store_result store_check(struct store *s, char problem[STORE_PROBLEM_SIZE])
{
	struct db *db;
	enum store_result result = store_take(s, &db, problem);

	if (result != STORE_OK)
		return result;
	db->problem[0] = '\0';
	result = s->driver->check(db);
	if (result != STORE_OK)
		store_say(result, db->problem, problem);
	store_give(s, db);
	return result;
}
