#ifndef COMPAT_H
#define COMPAT_H
#include "src/module/module.h"
#include "apdu/log.h"
extern _Thread_local struct session *compat_inside;
static inline CK_RV slot_enter(CK_SLOT_ID id, struct slot **slot){ compat_inside=NULL; return module_enter_slot(id, slot);}
static inline CK_RV session_enter(CK_SESSION_HANDLE h, enum look look, struct session **s, struct slot **slot){
	CK_RV rv=module_enter_session(h,look,s); if(rv==CKR_OK){*slot=(*s)->slot; compat_inside=*s;} return rv;}
static inline CK_RV slot_exit(struct slot *slot, const char *fn, CK_RV rv){ log_line(LOG_DEBUG,"%s: %08lX",fn,rv); if(compat_inside){struct session*s=compat_inside;compat_inside=NULL;module_leave_session(s);} else module_leave_slot(slot); return rv;}
static inline CK_RV leave_(const char *fn, CK_RV rv){ log_line(LOG_DEBUG,"%s: %08lX",fn,rv); module_leave(); return rv;}
#endif
