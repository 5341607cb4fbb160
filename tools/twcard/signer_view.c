#include "config.h"

#include "tools/twcard/message.h"
#include "tools/twcard/signer_view.h"

static const char *const ess_words[] = {
	[SIGNER_ESS_MISSING] = "missing", [SIGNER_ESS_MATCHES] = "match", [SIGNER_ESS_DIFFERS] = "mismatch"};
static const char *const chain_words[] = {
	[TRUST_GOOD] = "good", [TRUST_BAD] = "bad", [TRUST_NOT_CHECKED] = "not-checked"};

bool signer_is_good(const struct signer *s)
{
	return s->intact && !s->problem_count;
}

void signer_view_time(const struct signer *s, char out[CERT_TIME_SIZE])
{
	struct tm tm;

	*out = '\0';
	if (s->time && ASN1_TIME_to_tm(s->time, &tm))
		cert_info_time(timegm(&tm), out);
}

/* What the chain was checked against; NULL: nothing. */
static const char *against(const struct signer *s, enum trust_source source)
{
	if (s->chain == TRUST_NOT_CHECKED)
		return NULL;
	return source == TRUST_CARD ? "card" : "files";
}

struct json_object *signer_view_json(const struct signer *s, enum trust_source source, bool raw)
{
	struct json_object *o = json_object_new_object(), *problems = json_object_new_array();
	struct cert_info info;
	char when[CERT_TIME_SIZE];
	struct json_object *certificate = NULL;

	if (s->x509 && cert_info_read(s->x509, time(NULL), &info)) {
		certificate = cert_info_json(&info);
		cert_info_clear(&info);
	}
	signer_view_time(s, when);
	for (size_t i = 0; i < s->problem_count; i++)
		json_object_array_add(problems, message_json_text(s->problems[i]));
	json_object_object_add(o, "valid", json_object_new_boolean(signer_is_good(s)));
	json_object_object_add(o, "certificate", certificate);
	json_object_object_add(o, "intact", json_object_new_boolean(s->intact));
	json_object_object_add(o, "digest", message_json_some(s->digest));
	json_object_object_add(o, "signing_time", message_json_some(when));
	json_object_object_add(o, "signing_certificate", message_json_some(raw ? NULL : ess_words[s->ess]));
	json_object_object_add(o, "chain", message_json_text(chain_words[s->chain]));
	json_object_object_add(o, "chain_against", message_json_some(against(s, source)));
	json_object_object_add(o, "problems", problems);
	return o;
}
