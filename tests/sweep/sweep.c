/*
 * The sweep: each scene, both generations, each command, every fault, and
 * pairs of faults. Without arguments it takes every 43rd case and speaks TAP,
 * for `make check`; `make sweep` takes all.
 *
 * Each scene runs in a child: a crash or a hang is a finding, and the next
 * case goes on. The same seed gives the same cases and the same numbers.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge.h"
#include "plan.h"

#define SLICE 43
#define SLICE_PAIRS 2
#define ALL_PAIRS 150
#define CASE_LIMIT 240   /* s of the real clock; a lock that nobody lets go, or a loop */
#define CRASHES_MAX 20   /* then the scene is given up */

/* Of one scene and generation; shared by parent and child. */
struct tally {
	unsigned commands, cases, right, errors, violations;
	unsigned found[QUESTIONS];
	size_t at;     /* the case that runs */
	bool complete;
};

struct group {
	const struct scene *scene;
	int generation;
	struct tally *tally;
	FILE *list; /* its part of the full list */
	pid_t child;
	unsigned crashes;
	bool over;
};

static struct {
	struct plan_options plan;
	const char *out, *scene, *fault;
	int generation;
	unsigned jobs;
	bool tap;
} options = {{1, SLICE, SLICE_PAIRS}, NULL, NULL, NULL, 0, 1, true};

/* ---- in the child ---- */

static void tell_case(FILE *out, const struct group *g, const struct plan_case *c, const char *answer,
		      const char *verdict)
{
	fprintf(out, "%s\t%d", g->scene->name, g->generation);
	for (size_t i = 0; i < COUNT(c->strikes); i++)
		if (i < c->count)
			fprintf(out, "\t%u\t%s", c->strikes[i].command, c->strikes[i].fault->name);
		else
			fprintf(out, "\t\t");
	fprintf(out, "\t%s\t%s\n", answer, verdict);
	fflush(out);
}

static void count_verdict(struct tally *t, const struct verdict *v)
{
	t->cases++;
	t->right += v->first == CKR_OK;
	t->errors += v->first != CKR_OK;
	t->violations += v->count != 0;
	for (size_t q = 0; q < QUESTIONS; q++)
		t->found[q] += v->found[q] != 0;
}

static void run_case(const struct group *g, const struct judge *judge, const struct plan_case *c)
{
	struct verdict v;
	char answer[32] = "right";

	plan_begin_case(c);
	alarm(CASE_LIMIT);
	judge_case(judge, c->strikes, c->count, &v);
	alarm(0);
	if (!v.struck)
		return;
	count_verdict(g->tally, &v);
	if (v.first != CKR_OK)
		snprintf(answer, sizeof answer, "0x%lx", v.first);
	tell_case(g->list, g, c, answer, v.count ? v.text : "ok");
	if (v.count)
		tell_case(stderr, g, c, answer, v.text);
}

/*
 * What whole sweeps have found, again in every slice: a directory that was
 * read in another one's place stayed in the cache.
 */
static void run_found(const struct group *g, const struct judge *judge)
{
	struct plan_case c = {.count = 1};

	for (unsigned at = 1; g->scene->renewed && at <= judge->commands; at++) {
		c.strikes[0] = (struct strike){fault_find("not done: 9000"), at};
		run_case(g, judge, &c);
	}
}

static void run_group(struct group *g, size_t from)
{
	static struct judge judge;
	struct plan_case c;

	scene_open(g->scene, g->generation);
	judge_begin(&judge, g->scene);
	g->tally->commands = judge.commands;
	for (size_t i = from; plan_case(&options.plan, judge.commands, i, &c); i++) {
		g->tally->at = i;
		if (!options.fault || strcmp(options.fault, c.strikes[0].fault->name) == 0)
			run_case(g, &judge, &c);
	}
	if (options.tap)
		run_found(g, &judge);
	scene_close();
	g->tally->complete = true;
}

/* ---- in the parent ---- */

static void start(struct group *g, size_t from)
{
	fflush(NULL);
	g->child = fork();
	if (g->child < 0) {
		perror("fork");
		exit(2);
	}
	if (g->child == 0) {
		run_group(g, from);
		exit(0);
	}
}

/* A child that did not end well: the case that it died of is a finding, and the next ones follow. */
static void ended(struct group *g, int status)
{
	char how[60];

	g->child = 0;
	g->over = true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && g->tally->complete)
		return;
	g->tally->violations++;
	if (WIFSIGNALED(status))
		snprintf(how, sizeof how, WTERMSIG(status) == SIGALRM ? "hang" : "crash: signal %d",
			 WTERMSIG(status));
	else
		snprintf(how, sizeof how, "%s: status %d",
			 g->tally->complete ? "leak at the end" : "crash", WEXITSTATUS(status));
	fprintf(g->list, "%s\t%d\tcase %zu\t\t\t\t\t%s\n", g->scene->name, g->generation, g->tally->at, how);
	fprintf(stderr, "%s, generation %d, case %zu: %s\n", g->scene->name, g->generation, g->tally->at, how);
	if (g->tally->complete || ++g->crashes > CRASHES_MAX)
		return;
	g->over = false;
	start(g, g->tally->at + 1);
}

static void wait_for_one(struct group *groups, size_t count)
{
	int status;
	pid_t child = wait(&status);

	for (size_t i = 0; i < count; i++)
		if (child > 0 && groups[i].child == child)
			ended(&groups[i], status);
}

static void run_all(struct group *groups, size_t count)
{
	unsigned running;

	do {
		running = 0;
		for (size_t i = 0; i < count; i++) {
			if (!groups[i].over && !groups[i].child && running < options.jobs)
				start(&groups[i], 0);
			running += groups[i].child != 0;
		}
		if (running)
			wait_for_one(groups, count);
	} while (running);
}

static size_t make_groups(struct group *groups)
{
	struct tally *tallies = mmap(NULL, 2 * scene_count * sizeof *tallies, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t count = 0;

	if (tallies == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	for (size_t i = 0; i < 2 * scene_count; i++) {
		const struct scene *scene = &scenes[i / 2];
		const int generation = (int)(i % 2) + 1;

		if ((options.scene && strcmp(options.scene, scene->name) != 0) ||
		    (options.generation && options.generation != generation))
			continue;
		groups[count] = (struct group){.scene = scene, .generation = generation,
					       .tally = &tallies[i], .list = tmpfile()};
		if (!groups[count++].list) {
			perror("tmpfile");
			exit(2);
		}
	}
	return count;
}

/* ---- what is said ---- */

static void print_row(const char *name, int generation, const struct tally *t)
{
	printf("%-22s %3d %8u %7u %7u %7u %10u", name, generation, t->commands, t->cases, t->right, t->errors,
	       t->violations);
	for (size_t q = 0; q < QUESTIONS; q++)
		if (t->found[q])
			printf("  %s %u", judge_questions[q], t->found[q]);
	printf("\n");
}

static void print_table(const struct group *groups, size_t count, const struct tally *sum)
{
	printf("%-22s %3s %8s %7s %7s %7s %10s\n", "scene", "gen", "commands", "cases", "right", "errors",
	       "violations");
	for (size_t i = 0; i < count; i++)
		print_row(groups[i].scene->name, groups[i].generation, groups[i].tally);
	print_row("all", 0, sum);
	printf("%zu faults, %u pairs a scene, seed %lu\n", fault_count, options.plan.pairs, options.plan.seed);
}

static void print_tap(const struct group *groups, size_t count)
{
	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		const struct tally *t = groups[i].tally;

		printf("%sok %zu - generation %d: %s: %u cases, %u violations\n",
		       t->violations || !t->cases ? "not " : "", i + 1, groups[i].generation,
		       groups[i].scene->name, t->cases, t->violations);
	}
}

static void write_list(const struct group *groups, size_t count)
{
	FILE *out = options.out ? fopen(options.out, "we") : NULL;
	char block[4096];
	size_t n;

	if (!options.out)
		return;
	if (!out) {
		perror(options.out);
		exit(2);
	}
	fprintf(out, "scene\tgeneration\tcommand\tfault\tcommand 2\tfault 2\tanswer\tverdict\n");
	for (size_t i = 0; i < count; i++) {
		rewind(groups[i].list);
		while ((n = fread(block, 1, sizeof block, groups[i].list)) > 0)
			fwrite(block, 1, n, out);
	}
	if (ferror(out) | fclose(out)) {
		perror(options.out);
		exit(2);
	}
}

static void add(struct tally *sum, const struct tally *t)
{
	sum->commands += t->commands;
	sum->cases += t->cases;
	sum->right += t->right;
	sum->errors += t->errors;
	sum->violations += t->violations;
	for (size_t q = 0; q < QUESTIONS; q++)
		sum->found[q] += t->found[q];
}

static void usage(FILE *out)
{
	fputs("usage: sweep [--all] [--out FILE] [--pairs N] [--every N] [--seed N] [--jobs N]\n"
	      "             [--scene NAME] [--generation 1|2] [--fault NAME]\n"
	      "  --all         every case, and a table; without it a slice of them, and TAP\n"
	      "  --out FILE    every case in a line, with tabs between what is known of it\n"
	      "  --pairs N     pairs of faults in each scene\n"
	      "  --every N     every Nth case only\n"
	      "  --seed N      other pairs\n"
	      "  --jobs N      scenes at a time\n"
	      "  --scene, --generation, --fault: only those\n",
	      out);
}

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{"all", no_argument, NULL, 'a'},	 {"out", required_argument, NULL, 'o'},
		{"pairs", required_argument, NULL, 'p'}, {"every", required_argument, NULL, 'e'},
		{"seed", required_argument, NULL, 's'},	 {"jobs", required_argument, NULL, 'j'},
		{"scene", required_argument, NULL, 'c'}, {"generation", required_argument, NULL, 'g'},
		{"fault", required_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		const unsigned number = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;

		switch (c) {
		case 'a':
			options.plan.every = 1;
			options.plan.pairs = ALL_PAIRS;
			options.tap = false;
			break;
		case 'o':
			options.out = optarg;
			break;
		case 'p':
			options.plan.pairs = number;
			break;
		case 'e':
			options.plan.every = number ? number : 1;
			break;
		case 's':
			options.plan.seed = number;
			break;
		case 'j':
			options.jobs = number ? number : 1;
			break;
		case 'c':
			options.scene = optarg;
			break;
		case 'g':
			options.generation = (int)number;
			break;
		case 'f':
			options.fault = optarg;
			break;
		default:
			usage(c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
}

int main(int argc, char **argv)
{
	struct tally sum = {.commands = 0};
	struct group *groups;
	size_t count;

	read_options(argc, argv);
	groups = calloc(2 * scene_count, sizeof *groups);
	if (!groups)
		return 2;
	count = make_groups(groups);
	run_all(groups, count);
	for (size_t i = 0; i < count; i++)
		add(&sum, groups[i].tally);
	if (options.tap)
		print_tap(groups, count);
	else
		print_table(groups, count, &sum);
	write_list(groups, count);
	free(groups);
	return sum.violations || !sum.cases;
}
