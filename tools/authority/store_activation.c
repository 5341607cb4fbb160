/* Cards that are activated or may be, their user codes, and the catalogue. */
#include "config.h"

#include <openssl/crypto.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

#include "tools/authority/store_internal.h"

#define SALT 16

static const struct column columns[] = {
	{COLUMN_TEXT, offsetof(struct store_activation, card)},
	{COLUMN_BOOL, offsetof(struct store_activation, activated)},
	{COLUMN_TIME, offsetof(struct store_activation, changed)},
	{COLUMN_BOOL, offsetof(struct store_activation, has_code)},
	{COLUMN_INT, offsetof(struct store_activation, tries)},
};
#define COLUMNS (sizeof columns / sizeof *columns)

void store_activation_clear(struct store_activation *a)
{
	row_clear(columns, COLUMNS, a, sizeof *a);
}

enum store_result store_activation_find(struct store_tx *tx, const char *card, struct store_activation *out)
{
	static const struct tx_form form = {columns, COLUMNS, sizeof(struct store_activation)};
	struct db_value param = db_text(card);

	return tx_find(tx, SQL_ACTIVATION_FIND, &param, 1, &form, out);
}

enum store_result store_activation_done(struct store_tx *tx, const char *card, int64_t at)
{
	struct db_value params[] = {db_text(card), db_number(at)};

	return tx_change(tx, SQL_ACTIVATION_DONE, params, 2, STORE_EXISTS);
}

enum store_result store_activation_undo(struct store_tx *tx, const char *card, int64_t at)
{
	struct db_value params[] = {db_text(card), db_number(at)};

	return tx_change(tx, SQL_ACTIVATION_UNDO, params, 2, STORE_NONE);
}

/* ---- user codes ---- */

struct kept_code {
	struct store_bytes salt;
	uint8_t hash[STORE_HASH];
	int tries;
};

static const struct column code_columns[] = {
	{COLUMN_BYTES, offsetof(struct kept_code, salt)},
	{COLUMN_HASH, offsetof(struct kept_code, hash)},
	{COLUMN_INT, offsetof(struct kept_code, tries)},
};
#define CODE_COLUMNS (sizeof code_columns / sizeof *code_columns)

/* 16 MiB and some ten milliseconds for each try: codes are short, and a copy of the database may be stolen. */
static enum store_result slow_hash(const char *code, size_t len, const void *salt, size_t salt_len,
                                   uint8_t out[STORE_HASH])
{
	uint64_t n = 16384;
	uint32_t r = 8, p = 1;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)code, len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, salt_len),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
	EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool done = context && EVP_KDF_derive(context, out, STORE_HASH, params) == 1;

	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return done ? STORE_OK : STORE_NO_MEMORY;
}

struct question {
	const char *card;
	const struct db_value *params; /* for setting */
	size_t count;
	struct kept_code kept;
	enum store_code answer;
};

static enum store_result write_code(struct store_tx *tx, void *context)
{
	struct question *q = context;

	return tx_change(tx, SQL_CODE_SET, q->params, q->count, STORE_BROKEN);
}

enum store_result store_code_set(struct store *s, const char *card, const char *code, size_t len, int64_t at)
{
	uint8_t salt[SALT], hash[STORE_HASH];
	enum store_result result = STORE_OK;
	struct db_value params[] = {db_text(card), db_number(at), {.type = DB_NULL}, {.type = DB_NULL}};
	struct question q = {.card = card, .params = params, .count = 4};

	if (len) {
		if (RAND_bytes(salt, sizeof salt) != 1)
			return STORE_UNAVAILABLE;
		result = slow_hash(code, len, salt, sizeof salt, hash);
		params[2] = db_bytes(salt, sizeof salt);
		params[3] = db_bytes(hash, sizeof hash);
	}
	if (result == STORE_OK)
		result = store_run(s, write_code, &q, NULL);
	OPENSSL_cleanse(hash, sizeof hash);
	return result;
}

/* Counts a try before the code is looked at: two questions at once count twice. */
static enum store_result count_try(struct store_tx *tx, void *context)
{
	static const struct tx_form form = {code_columns, CODE_COLUMNS, sizeof(struct kept_code)};
	struct question *q = context;
	struct db_value param = db_text(q->card);
	enum store_result result;

	row_clear(code_columns, CODE_COLUMNS, &q->kept, sizeof q->kept);
	q->answer = STORE_CODE_NOT_SET;
	result = tx_find(tx, SQL_CODE_GET, &param, 1, &form, &q->kept);
	if (result != STORE_OK)
		return result == STORE_NONE ? STORE_OK : result;
	q->answer = STORE_CODE_LOCKED;
	if (q->kept.tries >= STORE_CODE_TRIES)
		return STORE_OK;
	q->answer = STORE_CODE_WRONG;
	return tx_change(tx, SQL_CODE_TRY, &param, 1, STORE_BROKEN);
}

static enum store_result forget_tries(struct store_tx *tx, void *context)
{
	struct question *q = context;
	struct db_value params[] = {db_text(q->card), db_bytes(q->kept.hash, STORE_HASH)};

	return tx_ask(tx, SQL_CODE_RIGHT, params, 2, NULL, NULL, NULL);
}

enum store_result store_code_check(struct store *s, const char *card, const char *code, size_t len,
                                   enum store_code *out)
{
	struct question q = {.card = card};
	uint8_t hash[STORE_HASH];
	enum store_result result = store_run(s, count_try, &q, NULL);

	if (result == STORE_OK && q.answer == STORE_CODE_WRONG) {
		result = slow_hash(code, len, q.kept.salt.data, q.kept.salt.len, hash);
		if (result == STORE_OK && !CRYPTO_memcmp(hash, q.kept.hash, sizeof hash)) {
			q.answer = STORE_CODE_RIGHT;
			result = store_run(s, forget_tries, &q, NULL);
		}
		OPENSSL_cleanse(hash, sizeof hash);
	}
	row_clear(code_columns, CODE_COLUMNS, &q.kept, sizeof q.kept);
	if (result == STORE_OK)
		*out = q.answer;
	return result;
}
