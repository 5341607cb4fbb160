#include "config.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "authz/twcard-authz.h"
#include "tools/twcard/authz_cards.h"
#include "tools/twcard/authz_deliver.h"
#include "tools/twcard/message.h"

#define SHA256_SIZE 32

/* What the card must be is in the file: nothing else counts. */
static enum exit_code find_holder(const struct arguments *args, const struct authz_pending *pending,
				  struct authz_session *out)
{
	struct authz_party holder = {.x509 = pending->holder};

	snprintf(holder.number, sizeof holder.number, "%s", pending->holder_number);
	return authz_cards_ask(args, AUTHZ_ROLE_HOLDER_AGAIN, &holder, out);
}

static enum exit_code write_record(struct authz_session *holder, struct authz_pending *pending)
{
	enum result r = authz_session_write(holder, pending->cert, pending->cert_len);

	if (r != RESULT_OK)
		return authz_session_tell(r, holder->slot->reader);
	pending->step = AUTHZ_PENDING_WRITTEN;
	return authz_pending_keep(pending);
}

static struct json_object *written_fields(const struct authz_pending *pending, const char *serial)
{
	struct json_object *fields = json_object_new_object();
	unsigned char hash[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1] = "";

	if (EVP_Digest(pending->cert, pending->cert_len, hash, NULL, EVP_sha256(), NULL))
		for (size_t i = 0; i < SHA256_SIZE; i++)
			snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	json_object_object_add(fields, "serial", message_json_text(serial));
	json_object_object_add(fields, "sha256", json_object_new_string(hex));
	return fields;
}

static enum exit_code tell_written(struct authz_client *client, struct authz_session *holder,
				   const struct authz_pending *pending, const char *serial)
{
	const struct authz_signer signer = {holder->pkey, holder->party.x509, holder->party.others};
	struct json_object *answer;
	enum exit_code code = authz_client_request(client, &signer, "written",
						   written_fields(pending, serial), &answer);

	json_object_put(answer);
	return code;
}

static enum exit_code write_and_tell(const struct arguments *args, struct authz_client *client,
				     struct authz_pending *pending, const char *serial)
{
	struct authz_session holder;
	enum exit_code code = find_holder(args, pending, &holder);

	if (code == EXIT_GOOD)
		code = authz_session_login(&holder);
	if (code == EXIT_GOOD && pending->step == AUTHZ_PENDING_REGISTERED)
		code = write_record(&holder, pending);
	if (code == EXIT_GOOD)
		code = tell_written(client, &holder, pending, serial);
	authz_session_clear(&holder);
	return code;
}

enum exit_code authz_deliver(const struct arguments *args, struct authz_client *client,
			     struct authz_pending *pending)
{
	struct authz_cert *cert;
	const struct authz_info *info;
	enum exit_code code = EXIT_GOOD;

	if (authz_cert_parse(pending->cert, pending->cert_len, NULL, &cert) != AUTHZ_GOOD) {
		message_error(_("what was kept is no authorization certificate"));
		return EXIT_FILE;
	}
	info = authz_cert_info(cert);
	if (info->kind == AUTHZ_KIND_APPLICATIONS)
		code = write_and_tell(args, client, pending, info->serial);
	authz_cert_free(cert);
	return code == EXIT_GOOD ? authz_pending_drop(pending) : code;
}

void authz_deliver_tell_kept(const struct authz_pending *pending)
{
	if (!pending->id[0])
		return;
	message_json_error_add("pending", message_json_text(pending->id));
	message_json_error_add("step", json_object_new_string(authz_pending_word(pending->step)));
	message_note(_("What was signed is not lost: 'twcard authz resume' goes on with it (%s)."),
		     authz_pending_text(pending->step));
}
