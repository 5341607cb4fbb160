#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include <json-c/json.h>
#include <openssl/err.h>

#include "tools/agent/verify.h"
#include "tools/twcard/cms_file.h"
#include "tools/twcard/message.h"
#include "tools/twcard/signer_view.h"

/* The upload keeps its file: it may be asked about again. */
static bool open_stream(const struct upload *u, struct stream_in *in)
{
	bool good = fflush(u->file) == 0;

	*in = (struct stream_in){.fd = good ? fcntl(fileno(u->file), F_DUPFD_CLOEXEC, 3) : -1,
				 .name = "signature", .size = u->size};
	return in->fd >= 0 && lseek(in->fd, 0, SEEK_SET) == 0;
}

/* What the content inside goes through. NULL: OpenSSL failed. */
static BIO *inner_digests(CMS_ContentInfo *cms)
{
	BIO *end = BIO_new(BIO_s_null()), *digests = end ? CMS_dataInit(cms, end) : NULL;

	if (!digests)
		BIO_free(end);
	return digests;
}

static bool pass_content(struct cms_file *message, BIO *digests)
{
	return cms_file_pump(message, "signature", stream_to_bio, digests) == EXIT_GOOD;
}

static struct json_object *check_signers(CMS_ContentInfo *cms, BIO *digests, const struct trust *trust)
{
	STACK_OF(CMS_SignerInfo) *list = CMS_get0_SignerInfos(cms);
	struct json_object *o = json_object_new_object(), *signers = json_object_new_array();
	bool valid = sk_CMS_SignerInfo_num(list) > 0;

	(void)CMS_set1_signers_certs(cms, NULL, 0);
	for (int i = 0; i < sk_CMS_SignerInfo_num(list); i++) {
		struct signer s;

		signer_check(cms, sk_CMS_SignerInfo_value(list, i), digests, trust, &s);
		valid = valid && signer_is_good(&s);
		json_object_array_add(signers, signer_view_json(&s, trust->source, false));
		signer_clear(&s);
	}
	json_object_object_add(o, "valid", json_object_new_boolean(valid));
	json_object_object_add(o, "signers", signers);
	return o;
}

static enum verify_end check_message(struct cms_file *message, const struct upload *data, const struct trust *trust,
				     struct json_object **out)
{
	bool inside = cms_file_has_content(message);
	enum verify_end end = VERIFY_FAILED;
	BIO *digests;

	if (OBJ_obj2nid(CMS_get0_type(message->cms)) != NID_pkcs7_signed ||
	    sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(message->cms)) <= 0)
		return VERIFY_NO_SIGNATURE;
	if (!inside && !data)
		return VERIFY_NEEDS_DATA;
	if (inside && data)
		return VERIFY_DATA_INSIDE;
	digests = inside ? inner_digests(message->cms) : upload_bio(data);
	if (digests && (!inside || pass_content(message, digests))) {
		*out = check_signers(message->cms, digests, trust);
		json_object_object_add(*out, "inside", json_object_new_boolean(inside));
		json_object_object_add(*out, "encoding", json_object_new_string(cms_file_encoding_name(message->encoding)));
		end = VERIFY_DONE;
	} else if (digests) {
		end = VERIFY_NO_SIGNATURE; /* damaged in its middle */
	}
	BIO_free_all(digests);
	return end;
}

enum verify_end verify_upload(struct upload *signature, const struct upload *data, const struct trust *trust,
			      struct json_object **out)
{
	struct cms_file message;
	struct stream_in in;
	enum verify_end end = VERIFY_FAILED;
	enum exit_code code;

	*out = NULL;
	if (!open_stream(signature, &in)) {
		stream_close(&in);
		return VERIFY_FAILED;
	}
	code = cms_file_take(&in, &message);
	if (code == EXIT_GOOD)
		end = check_message(&message, data, trust, out);
	else if (code == EXIT_NEGATIVE)
		end = VERIFY_NO_SIGNATURE;
	cms_file_clear(&message);
	ERR_clear_error();
	return end;
}
