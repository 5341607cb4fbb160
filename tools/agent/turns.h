/*
 * Whose turn it is at the card: one after the other. Of those who wait each
 * asker has as many turns as any other, so that a site with twenty requests
 * does not keep another's only one waiting for all of them.
 */
#ifndef TWCARD_AGENT_TURNS_H
#define TWCARD_AGENT_TURNS_H

struct turns;

struct turns *turns_new(void);      /* NULL: out of memory */
void turns_free(struct turns *t);   /* nobody has it or waits; NULL: nothing */

/* Waits for a turn. who: an asker's name; it is kept until turns_end(). No thread may have two at once. */
void turns_begin(struct turns *t, const char *who);
void turns_end(struct turns *t);

/* How many have it or wait. */
unsigned turns_count(struct turns *t);

#endif
