#include "config.h"

#include <stdlib.h>

#include <utlist.h>

#include "src/base/config_file.h"
#include "src/token/token.h"

/* The head of the list of a class. The schema makes objects of no other. */
static struct object **list_of(struct session_objects *all, CK_OBJECT_CLASS klass)
{
	size_t i = 0;

	while (i < SESSION_CLASSES - 1 && session_classes[i] != klass)
		i++;
	return &all->of_class[i];
}

struct object *token_session_objects(const struct token *t, CK_OBJECT_CLASS klass)
{
	return *list_of((struct session_objects *)&t->session_objects, klass);
}

static bool exceeds(const struct token *t, size_t count, size_t bytes)
{
	size_t limit = config_current()->session_objects;

	return limit && (t->session_objects.count + count > limit ||
			 t->session_objects.bytes + bytes > limit * SESSION_OBJECT_BYTES);
}

enum result token_has_room(const struct token *t, const struct store *attributes)
{
	return exceeds(t, 1, attributes->block.len) ? RESULT_QUOTA : RESULT_OK;
}

/* NULL: out of memory. */
static struct object_owner *owner_entry(struct session_objects *all, CK_SESSION_HANDLE session)
{
	struct object_owner *owner = NULL;

	HASH_FIND(hh, all->owners, &session, sizeof session, owner);
	if (owner)
		return owner;
	owner = calloc(1, sizeof *owner);
	if (!owner)
		return NULL;
	owner->session = session;
	HASH_ADD(hh, all->owners, session, sizeof owner->session, owner);
	if (!owner->hh.tbl) {
		free(owner);
		return NULL;
	}
	return owner;
}

static void drop_if_idle(struct session_objects *all, struct object_owner *owner)
{
	if (owner->objects)
		return;
	HASH_DEL(all->owners, owner);
	free(owner);
}

/* False: out of memory, and o is nowhere. */
static bool put_in_lists(struct token *t, struct object *o)
{
	struct session_objects *all = &t->session_objects;
	struct object **same = list_of(all, o->klass);
	struct object_owner *owner = NULL;

	if (o->owner && !(owner = owner_entry(all, o->owner)))
		return false;
	o->handle = t->next_handle;
	HASH_ADD(hh, t->handles, handle, sizeof o->handle, o);
	if (!o->hh.tbl) {
		if (owner)
			drop_if_idle(all, owner);
		return false;
	}
	t->next_handle++;
	DL_APPEND2(*same, o, class_prev, class_next);
	if (!owner)
		return true;
	DL_APPEND2(owner->objects, o, owner_prev, owner_next);
	all->count++;
	all->bytes += o->attributes->block.len;
	return true;
}

enum result token_add_session_object(struct token *t, const struct store *attributes,
				     CK_SESSION_HANDLE owner, CK_OBJECT_HANDLE *handle)
{
	struct object *o = calloc(1, sizeof *o);
	enum result r = RESULT_NO_MEMORY;

	if (o)
		o->attributes = calloc(1, sizeof *o->attributes);
	if (o && o->attributes)
		r = owner ? token_has_room(t, attributes) : RESULT_OK;
	if (r == RESULT_OK)
		r = store_copy(attributes, o->attributes); /* which is smaller */
	if (r == RESULT_OK) {
		o->owner = owner;
		o->klass = store_ulong(o->attributes, CKA_CLASS);
		o->is_attribute = store_ulong(o->attributes, CKA_CERTIFICATE_TYPE) == CKC_X_509_ATTR_CERT;
		o->is_private = store_bool(o->attributes, CKA_PRIVATE);
		r = put_in_lists(t, o) ? RESULT_OK : RESULT_NO_MEMORY;
	}
	if (r == RESULT_OK) {
		*handle = o->handle;
	} else if (o) {
		object_release(o);
		free(o);
	}
	return r;
}

enum result token_change_session_object(struct token *t, struct object *o,
					const struct store *attributes)
{
	size_t before = o->attributes->block.len, after = attributes->block.len;
	enum result r = RESULT_OK;

	if (after > before && o->owner && exceeds(t, 0, after - before))
		r = RESULT_QUOTA;
	if (r == RESULT_OK)
		r = store_copy(attributes, o->attributes);
	if (r == RESULT_OK && o->owner)
		t->session_objects.bytes += after - before; /* modulo 2^n: also when it shrinks */
	return r;
}

void token_remove_session_object(struct token *t, struct object *o)
{
	struct session_objects *all = &t->session_objects;
	struct object **same = list_of(all, o->klass);
	struct object_owner *owner = NULL;

	DL_DELETE2(*same, o, class_prev, class_next);
	HASH_DEL(t->handles, o);
	if (o->owner)
		HASH_FIND(hh, all->owners, &o->owner, sizeof o->owner, owner);
	if (owner) {
		all->count--;
		all->bytes -= o->attributes->block.len;
		DL_DELETE2(owner->objects, o, owner_prev, owner_next);
		drop_if_idle(all, owner);
	}
	object_release(o);
	free(o);
}

static void end_of_all(struct token *t, bool only_private)
{
	for (size_t i = 0; i < SESSION_CLASSES; i++) {
		struct object *o, *next;

		for (o = t->session_objects.of_class[i]; o; o = next) {
			next = o->class_next;
			if (!only_private || o->is_private)
				token_remove_session_object(t, o);
		}
	}
}

void token_end_session_objects(struct token *t, CK_SESSION_HANDLE session, bool only_private)
{
	struct object_owner *owner = NULL;
	struct object *o, *next;

	if (!session) {
		end_of_all(t, only_private);
		return;
	}
	HASH_FIND(hh, t->session_objects.owners, &session, sizeof session, owner);
	for (o = owner ? owner->objects : NULL; o; o = next) {
		next = o->owner_next;
		if (!only_private || o->is_private)
			token_remove_session_object(t, o);
	}
}
