/*
 * One case: a scene, one or two bad moments in it, and what is asked then.
 *
 *   value    the right value or an error, never a wrong value or a list that
 *            is shorter and said to be good
 *   error    an error that blames who is to blame
 *   again    all is right at the next try in the same process, with one new
 *            session and one new login at the most
 *   next     all is right in another process that starts when the fault is over, and finds the disk
 *            cache as it left it
 *   anew     all is right in a new process that finds the disk cache
 *   left     where the module says "logged out", nobody can use the card
 *   tries    one VERIFY for each login, one more for each private operation,
 *            and no PIN try lost
 *   time     no more than 5 s of waiting
 *   kept     no PC/SC context and no connection is left when all has ended; before that one
 *            connection at most, no transaction, and nothing for a context to close
 */
#ifndef TESTS_SWEEP_JUDGE_H
#define TESTS_SWEEP_JUDGE_H

#include "fault.h"

enum question { VALUE, ERROR, AGAIN, NEXT, ANEW, LEFT, TRIES, TIME, KEPT, QUESTIONS };
extern const char *const judge_questions[QUESTIONS];

struct verdict {
	size_t struck;        /* faults that had their turn; 0: nothing was asked */
	CK_RV first;          /* the first error that was seen; CKR_OK: the right value */
	unsigned found[QUESTIONS];
	unsigned count;       /* of all */
	char text[400];       /* the first finding, in words */
};

struct judge {
	const struct scene *scene;
	struct facts right;
	unsigned commands; /* of the scene without a fault */
};

/*
 * The scene without a fault, after scene_open(). What it finds out must have no
 * errors, and be what a program finds out that knows of nothing before: if not,
 * it says so and ends the process.
 */
void judge_begin(struct judge *judge, const struct scene *scene);

/* After judge_begin(), as often as one likes. Only those faults count that had their turn. */
void judge_case(const struct judge *judge, const struct strike *strikes, size_t count,
		struct verdict *verdict);

/*
 * The same for what strikes outside of the card: `arm` before the scene,
 * `disarm` after it, which answers how often it struck.
 */
struct judge_trouble {
	void (*arm)(void *context);
	size_t (*disarm)(void *context);
	void *context;
	bool (*may_answer)(CK_RV first, void *context);
	bool (*lies)(void *context); /* did one of those that struck lie? (fault.h) */
	bool (*deceives)(void *context); /* so that it may be kept for who comes next? */
};
void judge_trouble(const struct judge *judge, const struct judge_trouble *trouble,
		   struct verdict *verdict);

#endif
