#include "config.h"

#include <stdlib.h>

#include "src/token/object.h"

const CK_OBJECT_CLASS session_classes[SESSION_CLASSES] = {CKO_CERTIFICATE, CKO_PUBLIC_KEY,
							  CKO_SECRET_KEY, CKO_DATA, CKO_PROFILE};

CK_OBJECT_CLASS object_class(enum p15_class kind)
{
	static const CK_OBJECT_CLASS classes[P15_CLASSES] = {
		[P15_PRIVATE_KEY] = CKO_PRIVATE_KEY,
		[P15_PUBLIC_KEY] = CKO_PUBLIC_KEY,
		[P15_CERTIFICATE] = CKO_CERTIFICATE,
		[P15_DATA] = CKO_DATA,
	};

	return classes[kind];
}

void object_release(struct object *o)
{
	buffer_clear(&o->value);
	buffer_clear(&o->draft);
	o->value_read = false;
	if (o->attributes)
		store_clear(o->attributes);
	free(o->attributes);
	o->attributes = NULL;
}
