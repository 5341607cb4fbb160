/* What all operations have in common: active or not, output, and when they end. */
#include "config.h"

#include <string.h>

#include <openssl/crypto.h>

#include "src/base/rv.h"
#include "src/operation/internal.h"
#include "src/token/slot.h"

static struct operation *active(struct session *s, enum operation_kind kind)
{
	return s->operations[kind].mechanism ? &s->operations[kind] : NULL;
}

bool operation_active(const struct session *s, enum operation_kind kind)
{
	return s->operations[kind].mechanism;
}

static CK_RV end_with(struct operation *op, CK_RV rv)
{
	operation_end(op);
	return rv;
}

CK_RV operation_init(struct session *s, enum operation_kind kind, const CK_MECHANISM *m,
		     CK_OBJECT_HANDLE key)
{
	struct operation *op = &s->operations[kind];

	if (!m)
		return end_with(op, CKR_OK);
	return op->mechanism ? CKR_OPERATION_ACTIVE : operation_begin(s, op, kind, m, key);
}

CK_RV operation_collect(struct operation *op, const CK_BYTE *in, CK_ULONG len)
{
	return rv_of(buffer_append(&op->data, in, len));
}

/* ---- output ---- */

bool output_has_room(const CK_BYTE *out, CK_ULONG *out_len, size_t need, CK_RV *rv)
{
	if (out && *out_len >= need)
		return true;
	*rv = out ? CKR_BUFFER_TOO_SMALL : CKR_OK;
	*out_len = need;
	return false;
}

CK_RV output_deliver(const struct buffer *result, CK_BYTE *out, CK_ULONG *out_len)
{
	CK_RV rv;

	if (!output_has_room(out, out_len, result->len, &rv))
		return rv;
	if (result->len)
		memcpy(out, result->data, result->len);
	*out_len = result->len;
	return CKR_OK;
}

/* Straight into the caller's memory: there is room for all that can come. */
static CK_RV finish_direct(struct session *s, struct operation *op, const CK_BYTE *in,
			   CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len)
{
	size_t n = 0;
	CK_RV rv = op->family->finish(s, op, in, len, out, &n);

	*out_len = rv == CKR_OK ? n : 0;
	return end_with(op, rv);
}

/* By way of a buffer, which is kept with the operation if the caller's turns out too small. */
static CK_RV finish_kept(struct session *s, struct operation *op, const CK_BYTE *in,
			 CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len)
{
	struct buffer result = BUFFER_INIT;
	CK_RV rv = rv_of(buffer_reserve(&result, op->family->room(op, len) + 1));

	if (rv == CKR_OK)
		rv = op->family->finish(s, op, in, len, result.data, &result.len);
	if (rv == CKR_OK)
		rv = output_deliver(&result, out, out_len);
	if (rv == CKR_BUFFER_TOO_SMALL) {
		buffer_move(&op->result, &result);
		op->has_result = true;
		return rv;
	}
	buffer_clear(&result);
	return end_with(op, rv);
}

/* The end of an operation: a question, a result that was kept, or one to be made. */
static CK_RV produce(struct session *s, struct operation *op, const CK_BYTE *in, CK_ULONG len,
		     CK_BYTE *out, CK_ULONG *out_len)
{
	size_t need = op->family->room(op, len);
	CK_RV rv;

	if (op->has_result) {
		rv = output_deliver(&op->result, out, out_len);
		return rv == CKR_OK && out ? end_with(op, rv) : rv;
	}
	/* where the length is known a buffer that is too small costs nothing */
	if ((!out || op->family->exact) && !output_has_room(out, out_len, need, &rv))
		return rv;
	if (*out_len >= need && !op->family->holds_back)
		return finish_direct(s, op, in, len, out, out_len);
	return finish_kept(s, op, in, len, out, out_len);
}

CK_RV operation_single(struct session *s, enum operation_kind kind, const CK_BYTE *in,
		       CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = active(s, kind);

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->fed)
		return end_with(op, CKR_OPERATION_ACTIVE);
	return produce(s, op, in, len, out, out_len);
}

CK_RV operation_final(struct session *s, enum operation_kind kind, CK_BYTE *out,
		      CK_ULONG *out_len)
{
	struct operation *op = active(s, kind);

	return op ? produce(s, op, NULL, 0, out, out_len) : CKR_OPERATION_NOT_INITIALIZED;
}

/* ---- parts ---- */

CK_RV operation_update(struct session *s, enum operation_kind kind, const CK_BYTE *in,
		       CK_ULONG len)
{
	struct operation *op = active(s, kind);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	op->fed = true;
	rv = op->family->feed(op, in, len);
	return rv == CKR_OK ? rv : end_with(op, rv);
}

static size_t transformed_len(const struct operation *op, CK_ULONG len)
{
	return op->family->stream ? op->family->stream_len(op, len) : 0;
}

CK_RV operation_transform(struct session *s, enum operation_kind kind, const CK_BYTE *in,
			  CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = active(s, kind);
	size_t need;
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->has_result) /* it only waits to be fetched: a part comes too late */
		return end_with(op, CKR_OPERATION_ACTIVE);
	need = transformed_len(op, len);
	if (!output_has_room(out, out_len, need, &rv)) {
		/* nothing comes before the end: a buffer of 0 bytes would be of no use to anyone */
		if (!op->family->stream)
			*out_len = len;
		return rv;
	}
	op->fed = true;
	rv = op->family->stream ? op->family->stream(op, in, len, out)
				: op->family->feed(op, in, len);
	*out_len = rv == CKR_OK ? need : 0;
	return rv == CKR_OK ? rv : end_with(op, rv);
}

/*
 * What a call with too small a buffer, or with none, would be asked again for
 * is fed to neither. The plaintext goes to the other operation while it is
 * there: before it is encrypted, perhaps in its own place, or after it came out.
 */
CK_RV operation_dual(struct session *s, enum operation_kind kind, enum operation_kind other,
		     const CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len)
{
	struct operation *op = active(s, kind);
	bool encrypts = kind == OPERATION_ENCRYPT;
	CK_RV rv = CKR_OK;

	if (!op || !active(s, other))
		return CKR_OPERATION_NOT_INITIALIZED;
	if (!op->has_result && (!out || *out_len < transformed_len(op, len)))
		return operation_transform(s, kind, in, len, out, out_len);
	if (encrypts)
		rv = operation_update(s, other, in, len);
	if (rv == CKR_OK)
		rv = operation_transform(s, kind, in, len, out, out_len);
	if (rv == CKR_OK && !encrypts)
		rv = operation_update(s, other, out, *out_len);
	if (rv != CKR_OK) {
		operation_end(&s->operations[kind]);
		operation_end(&s->operations[other]);
	}
	return rv;
}

/* ---- verifying ---- */

CK_RV verify_final(struct session *s, const CK_BYTE *signature, CK_ULONG len)
{
	struct operation *op = active(s, OPERATION_VERIFY);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	rv = op->family->verify(s, op, signature, len);
	return end_with(op, rv);
}

CK_RV verify_single(struct session *s, const CK_BYTE *data, CK_ULONG len,
		    const CK_BYTE *signature, CK_ULONG signature_len)
{
	struct operation *op = active(s, OPERATION_VERIFY);
	CK_RV rv;

	if (!op)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->fed)
		return end_with(op, CKR_OPERATION_ACTIVE);
	rv = operation_update(s, OPERATION_VERIFY, data, len);
	return rv == CKR_OK ? verify_final(s, signature, signature_len) : rv;
}
