/*
 * What programs do with a card day by day, in a world that begins anew for
 * each of them: a card of either generation in a reader, folders of its own,
 * the module. What happens to them on the way is the caller's.
 */
#ifndef TESTS_SWEEP_SCENE_H
#define TESTS_SWEEP_SCENE_H

#include "facts.h"
#include "spycard.h"

struct scene {
	const char *name;
	void (*prepare)(void);         /* before anything goes wrong */
	void (*work)(struct facts *f); /* may be done again, after an error and after all went well */
	bool changes_card;
	bool named; /* by the holder */
	bool records; /* the card has a data area */
	bool renewed; /* the certificates on the card are newer than the cache */
	bool in_parts; /* the card's answers come with GET RESPONSE */
	bool even; /* what is read of directories first ends with a record, and more of them follow */
};

extern const struct scene scenes[];
extern const size_t scene_count;

/* NULL: there is none of that name. */
const struct scene *scene_find(const char *name);

/* The spy on the card in the reader. */
extern struct spy scene_spy;

/* Makes cards and folders for a scene; cards of the scene before must have gone. */
void scene_open(const struct scene *scene, int generation);
void scene_close(void);

/* A card from the shelf, no cache, the module's first life, prepared. */
void scene_begin(const struct scene *scene);

/* The same without what was done before, and with the card as it is now: nothing can be out of date. */
void scene_begin_unprepared(const struct scene *scene);

/* The next life of the module: the slot is looked for, there is no session. */
void scene_begin_life(void);

/* Something is in the disk cache. */
bool scene_has_cache(void);

/*
 * In a child: another program that starts now. Card, reader and what the disk cache has are a
 * copy of its own. Ends with _exit(), which leaves the parent's folders alone.
 */
void scene_be_another(void);

/* Puts the card in again; what the spy has counted and still does stays. */
void scene_insert(void);

/* True if the module says that the user is logged in. */
bool scene_says_logged_in(void);

#endif
