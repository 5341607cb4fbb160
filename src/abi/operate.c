#include "config.h"

#include "src/abi/abi.h"
#include "src/abi/call.h"
#include "src/abi/operate.h"

CK_RV operate_init(const char *function, CK_SESSION_HANDLE handle, enum operation_kind kind,
		   CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, function, handle, LOOK);

	if (rv != CKR_OK)
		return rv;
	return call_leave(&call, operation_init(call.session, kind, mechanism, key));
}

CK_RV operate_update(const char *function, CK_SESSION_HANDLE handle, enum operation_kind kind,
		     const CK_BYTE *in, CK_ULONG len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, function, handle, LOOK_AWAY);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(in, len) ? operation_update(call.session, kind, in, len)
				   : abi_refuse(call.session, kind);
	return call_leave(&call, rv);
}

typedef CK_RV in_and_out(struct session *s, enum operation_kind kind, const CK_BYTE *in,
			 CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len);

static CK_RV operate(const char *function, CK_SESSION_HANDLE handle, in_and_out *work,
		     enum operation_kind kind, const CK_BYTE *in, CK_ULONG len, CK_BYTE *out,
		     CK_ULONG *out_len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, function, handle, LOOK_AWAY);

	if (rv != CKR_OK)
		return rv;
	rv = abi_is_bytes(in, len) && out_len ? work(call.session, kind, in, len, out, out_len)
					      : abi_refuse(call.session, kind);
	return call_leave(&call, rv);
}

CK_RV operate_single(const char *function, CK_SESSION_HANDLE handle, enum operation_kind kind,
		     const CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len)
{
	return operate(function, handle, operation_single, kind, in, len, out, out_len);
}

CK_RV operate_transform(const char *function, CK_SESSION_HANDLE handle, enum operation_kind kind,
			const CK_BYTE *in, CK_ULONG len, CK_BYTE *out, CK_ULONG *out_len)
{
	return operate(function, handle, operation_transform, kind, in, len, out, out_len);
}

CK_RV operate_dual(const char *function, CK_SESSION_HANDLE handle, enum operation_kind kind,
		   enum operation_kind other, const CK_BYTE *in, CK_ULONG len, CK_BYTE *out,
		   CK_ULONG *out_len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, function, handle, LOOK_AWAY);

	if (rv != CKR_OK)
		return rv;
	if (abi_is_bytes(in, len) && out_len)
		rv = operation_dual(call.session, kind, other, in, len, out, out_len);
	else if (!operation_active(call.session, kind) || !operation_active(call.session, other))
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else { /* both were asked for, both end */
		(void)abi_refuse(call.session, kind);
		rv = abi_refuse(call.session, other);
	}
	return call_leave(&call, rv);
}

CK_RV operate_final(const char *function, CK_SESSION_HANDLE handle, enum operation_kind kind,
		    CK_BYTE *out, CK_ULONG *out_len)
{
	struct call call;
	CK_RV rv = call_enter_session(&call, function, handle, LOOK_AWAY);

	if (rv != CKR_OK)
		return rv;
	rv = out_len ? operation_final(call.session, kind, out, out_len)
		     : abi_refuse(call.session, kind);
	return call_leave(&call, rv);
}
