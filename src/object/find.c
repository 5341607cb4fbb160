#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/rv.h"
#include "src/object/attribute.h"
#include "src/object/find.h"
#include "src/object/profile.h"
#include "src/object/schema.h"
#include "src/object/value.h"
#include "src/token/slot.h"

static const enum p15_class order[] = {P15_CERTIFICATE, P15_PUBLIC_KEY, P15_PRIVATE_KEY, P15_DATA};

/* What is searched for. */
struct search {
	struct slot *slot;
	const CK_ATTRIBUTE *template;
	CK_ULONG count;
};

static const CK_ATTRIBUTE *asks_for(const struct search *q, CK_ATTRIBUTE_TYPE type)
{
	return value_in_template(q->template, q->count, type);
}

/* True if the template wants another value of the attribute than this. */
static bool differs(const struct search *q, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	const CK_ATTRIBUTE *a = asks_for(q, type);

	return a && (a->ulValueLen != len || memcmp(a->pValue, value, len) != 0);
}

/* False if no object of the class can match, so that there is nothing to read or to look at. */
static bool can_match(const struct search *q, CK_OBJECT_CLASS klass, bool on_card)
{
	CK_BBOOL token = on_card ? CK_TRUE : CK_FALSE;

	for (CK_ULONG i = 0; i < q->count; i++)
		if (!schema_find(klass, q->template[i].type))
			return false;
	if (klass == SCHEMA_ATTRIBUTE)
		klass = CKO_CERTIFICATE;
	return !differs(q, CKA_CLASS, &klass, sizeof klass) &&
	       !differs(q, CKA_TOKEN, &token, sizeof token);
}

/* Certificates are of two kinds, with attributes of their own. */
static bool can_match_class(const struct search *q, CK_OBJECT_CLASS klass, bool on_card)
{
	return can_match(q, klass, on_card) ||
	       (klass == CKO_CERTIFICATE && can_match(q, SCHEMA_ATTRIBUTE, on_card));
}

/* The handle stays if the object matches. */
static CK_RV add_if_match(const struct search *q, CK_OBJECT_HANDLE handle, struct find_state *found)
{
	bool match = false;
	CK_RV rv = attributes_match(q->slot, handle, q->template, q->count, &match);

	if (match)
		found->handles[found->count++] = handle;
	return rv;
}

/* Room for more handles, which are put behind those that have been found. */
static bool make_room(struct find_state *found, size_t more)
{
	CK_OBJECT_HANDLE *handles;

	if (!more) /* nothing is no size to ask for: what is there would be freed */
		return true;
	handles = realloc(found->handles, (found->count + more) * sizeof *handles);
	if (handles)
		found->handles = handles;
	return handles;
}

/*
 * Candidates lie behind what has been found: matching can mean card I/O, for
 * which the lock is let go, so that the handles are noted first.
 */
static CK_RV choose(const struct search *q, size_t candidates, struct find_state *found)
{
	size_t first = found->count;
	CK_RV rv = CKR_OK;

	for (size_t i = 0; rv == CKR_OK && i < candidates; i++)
		rv = add_if_match(q, found->handles[first + i], found);
	return rv;
}

static CK_RV find_on_card(const struct search *q, enum p15_class kind, struct find_state *found)
{
	struct object_list *list = &q->slot->token.lists[kind];
	CK_RV rv = rv_of(slot_load(q->slot, kind));
	size_t n = 0;

	if (rv != CKR_OK)
		return rv;
	slot_lock(q->slot);
	if (!make_room(found, list->count))
		rv = CKR_HOST_MEMORY;
	for (; rv == CKR_OK && n < list->count; n++)
		found->handles[found->count + n] = list->items[n].handle;
	slot_unlock(q->slot);
	return rv == CKR_OK ? choose(q, n, found) : rv;
}

/*
 * Could a record of the data area match? Its label and application are known
 * without looking at it, so that who searches for other things pays nothing.
 */
static bool can_match_record(const struct search *q, CK_OBJECT_CLASS klass)
{
	static const char label[] = TOKEN_RECORD_LABEL, application[] = TOKEN_RECORD_APPLICATION;
	const CK_CERTIFICATE_TYPE type = CKC_X_509_ATTR_CERT;
	const CK_ATTRIBUTE *a = asks_for(q, CKA_LABEL);
	const CK_BBOOL yes = CK_TRUE;

	if (a && (a->ulValueLen < sizeof label || memcmp(a->pValue, label, sizeof label - 1) != 0))
		return false;
	return can_match(q, klass, true) && !differs(q, CKA_PRIVATE, &yes, sizeof yes) &&
	       !differs(q, CKA_CERTIFICATE_TYPE, &type, sizeof type) &&
	       !differs(q, CKA_APPLICATION, application, sizeof application - 1);
}

static CK_RV load_records(const struct search *q, bool early)
{
	bool certificates = can_match_record(q, SCHEMA_ATTRIBUTE);

	if (!certificates && !can_match_record(q, CKO_DATA))
		return CKR_OK;
	return rv_of(slot_load_records(q->slot, certificates, early));
}

static CK_RV find_records_of(const struct search *q, bool certificates, struct find_state *found)
{
	const struct token *t = &q->slot->token;
	CK_RV rv = CKR_OK;
	size_t n;

	slot_lock(q->slot);
	n = token_record_handles(t, certificates, NULL);
	if (make_room(found, n))
		token_record_handles(t, certificates, found->handles + found->count);
	else
		rv = CKR_HOST_MEMORY;
	slot_unlock(q->slot);
	return rv == CKR_OK ? choose(q, n, found) : rv;
}

static CK_RV find_records(const struct search *q, struct find_state *found)
{
	CK_RV rv = load_records(q, false);

	if (rv == CKR_OK && can_match_record(q, CKO_DATA))
		rv = find_records_of(q, false, found);
	if (rv == CKR_OK && can_match_record(q, SCHEMA_ATTRIBUTE))
		rv = find_records_of(q, true, found);
	return rv;
}

/* Of the lists' first objects the oldest, which leaves its list; NULL: all are at the end. */
static const struct object *take_oldest(const struct object *lists[SESSION_CLASSES])
{
	const struct object **oldest = NULL, *o = NULL;

	for (size_t i = 0; i < SESSION_CLASSES; i++)
		if (lists[i] && (!o || lists[i]->handle < o->handle)) {
			oldest = &lists[i];
			o = lists[i];
		}
	if (oldest)
		*oldest = o->class_next;
	return o;
}

/*
 * Profile objects are for who asks for them. In the list of all objects they
 * would be a novelty to programs that know the vendor's list.
 */
static bool wants_profiles(const struct search *q)
{
	return (asks_for(q, CKA_CLASS) || asks_for(q, CKA_PROFILE_ID)) &&
	       can_match(q, CKO_PROFILE, true);
}

/* Session objects, oldest first; every session of the slot sees them. */
static CK_RV find_session_objects(const struct search *q, struct find_state *found)
{
	const struct object *lists[SESSION_CLASSES] = {NULL}, *o;
	struct token *t = &q->slot->token;
	size_t n = 0, room = 0;
	CK_RV rv = CKR_OK;

	slot_lock(q->slot);
	if (wants_profiles(q))
		rv = profile_add_objects(t);
	for (size_t i = 0; i < SESSION_CLASSES; i++) {
		CK_OBJECT_CLASS klass = session_classes[i];

		if (klass == CKO_PROFILE ? wants_profiles(q) : can_match_class(q, klass, false))
			lists[i] = token_session_objects(t, klass);
	}
	while (rv == CKR_OK && (o = take_oldest(lists))) {
		if (n == room) {
			room = room ? 2 * room : 64;
			rv = make_room(found, room) ? CKR_OK : CKR_HOST_MEMORY;
		}
		if (rv == CKR_OK)
			found->handles[found->count + n++] = o->handle;
	}
	slot_unlock(q->slot);
	return rv == CKR_OK ? choose(q, n, found) : rv;
}

CK_RV find_start(struct session *s, const CK_ATTRIBUTE *template, CK_ULONG count)
{
	const struct search q = {s->slot, template, count};
	struct find_state found = {.active = true};
	CK_RV rv = CKR_OK;
	bool logged_in;

	if (s->find.active)
		return CKR_OPERATION_ACTIVE;
	slot_lock(q.slot);
	logged_in = q.slot->token.logged_in;
	slot_unlock(q.slot);
	if (logged_in)
		rv = load_records(&q, true);
	for (size_t i = 0; rv == CKR_OK && i < sizeof order / sizeof *order; i++) {
		/* before login private keys have no handles: their directory need not be read */
		if (order[i] == P15_PRIVATE_KEY && !logged_in)
			continue;
		if (can_match_class(&q, object_class(order[i]), true))
			rv = find_on_card(&q, order[i], &found);
	}
	if (rv == CKR_OK && logged_in)
		rv = find_records(&q, &found);
	if (rv == CKR_OK)
		rv = find_session_objects(&q, &found);
	if (rv == CKR_OK)
		s->find = found;
	else
		find_end(&found);
	return rv;
}

CK_RV find_next(struct session *s, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *count)
{
	struct find_state *find = &s->find;

	if (!find->active)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (!count || (max && !objects))
		return CKR_ARGUMENTS_BAD;
	slot_lock(s->slot);
	for (*count = 0; *count < max && find->next < find->count; find->next++)
		if (token_object(&s->slot->token, find->handles[find->next])) /* still there */
			objects[(*count)++] = find->handles[find->next];
	slot_unlock(s->slot);
	return CKR_OK;
}
