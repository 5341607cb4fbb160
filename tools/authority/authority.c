#include "config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "tools/authority/authority.h"
#include "tools/authority/fields.h"

/* By default: what one person at a terminal never needs, and a script does. */
#define SIGNER_BURST 60
#define SIGNER_PER_SECOND 10
#define ADDRESS_BURST 400
#define ADDRESS_PER_SECOND 200

static time_t clock_now(void)
{
	return time(NULL);
}

/* For those who have no terms of their own. */
static struct json_object *default_terms(void)
{
	struct json_object *all = json_object_new_object(), *text = json_object_new_object();

	json_object_object_add(text, "en",
			       json_object_new_string("I am the bearer of this card, and what I authorize with it is "
						      "what my organization wants. What is signed is kept."));
	json_object_object_add(text, "zh_TW",
			       json_object_new_string("本人為此卡片之持卡人，所為之授權係依本單位之意思為之。簽署之內容將予以保存。"));
	json_object_object_add(all, "version", json_object_new_string("1"));
	json_object_object_add(all, "text", text);
	return all;
}

bool authority_init(struct authority *a, struct store *store, const char *name)
{
	a->store = store;
	snprintf(a->name, sizeof a->name, "%s", name);
	store_secret(store, a->secret);
	if (!a->now)
		a->now = clock_now;
	if (!a->terms)
		a->terms = default_terms();
	if (!a->signers)
		a->signers = rates_new(SIGNER_BURST, SIGNER_PER_SECOND);
	if (!a->addresses)
		a->addresses = rates_new(ADDRESS_BURST, ADDRESS_PER_SECOND);
	if (!a->trust)
		a->trust = X509_STORE_new();
	return a->trust && a->signers && a->addresses && fields_text(a->terms, "version");
}

void authority_clear(struct authority *a)
{
	OPENSSL_cleanse(a->secret, sizeof a->secret);
	OPENSSL_secure_clear_free(a->activation_key, AUTHORITY_ACTIVATION_KEY_LEN);
	X509_STORE_free(a->trust);
	json_object_put(a->terms);
	rates_free(a->signers);
	rates_free(a->addresses);
	*a = (struct authority){.store = NULL};
}

/* ---- tidying ---- */

static enum store_result expire(struct store_tx *tx, void *context)
{
	const time_t *before = context;

	return store_requests_expire(tx, *before);
}

enum store_result authority_tidy(struct authority *a, char problem[STORE_PROBLEM_SIZE])
{
	time_t before = a->now() - AUTHORITY_KEEP_SECONDS;

	return store_run(a->store, expire, &before, problem);
}
