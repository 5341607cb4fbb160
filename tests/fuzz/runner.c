/*
 * runner [-n MUTATIONS] [-s SEED] [FILE|DIRECTORY...] - runs a fuzz target
 * without libFuzzer: on every file of its corpus, then on mutations of them
 * made by a generator with a fixed seed, so that every run is the same. Prints
 * TAP. What is run when it crashes is kept as crash-input in the current
 * directory. Without arguments: $top_srcdir/tests/fuzz/corpus/TARGET.
 */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#ifndef FUZZ_TARGET
#error FUZZ_TARGET is the name of the target
#endif
#define INPUT_MAX 8192
#define INPUTS_MAX 1000
#ifndef FUZZ_MUTATIONS
#define FUZZ_MUTATIONS 3000 /* fewer where one costs more */
#endif
#define SECONDS_MAX 120 /* of one input; most take a hundredth of one */

struct input {
	uint8_t *data;
	size_t len;
};

static struct {
	struct input inputs[INPUTS_MAX];
	size_t count;
	uint64_t random;
	struct input now; /* what runs */
} runner;

/* xorshift64*: the same numbers everywhere. */
static uint32_t roll(uint32_t below)
{
	runner.random ^= runner.random >> 12;
	runner.random ^= runner.random << 25;
	runner.random ^= runner.random >> 27;
	return (uint32_t)((runner.random * 2685821657736338717u) >> 32) % below;
}

/* Only what a signal handler may do. */
static void keep_input(int signal)
{
	static const char text[] = "Bail out! the input is in " FUZZ_TARGET ".crash-input\n";
	FILE *file = fopen(FUZZ_TARGET ".crash-input", "wb");

	if (file) {
		fwrite(runner.now.data, 1, runner.now.len, file);
		fclose(file);
	}
	if (write(STDOUT_FILENO, text, sizeof text - 1) < 0)
		_exit(98);
	_exit(signal == SIGALRM ? 97 : 96);
}

/* On the heap and no longer than it is, so that reading beyond its end is seen. */
static void run(const uint8_t *data, size_t len)
{
	runner.now = (struct input){malloc(len ? len : 1), len};
	if (!runner.now.data)
		abort();
	if (len)
		memcpy(runner.now.data, data, len);
	alarm(SECONDS_MAX);
	LLVMFuzzerTestOneInput(runner.now.data, len);
	alarm(0);
	free(runner.now.data);
}

static void load_file(const char *path)
{
	uint8_t bytes[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	struct input *in = &runner.inputs[runner.count];

	if (!file || runner.count == INPUTS_MAX) {
		printf("Bail out! cannot read %s\n", path);
		exit(1);
	}
	in->len = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	in->data = malloc(in->len + 1);
	if (!in->data)
		exit(1);
	memcpy(in->data, bytes, in->len);
	runner.count++;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Sorted by name, so that mutations are the same on every file system. */
static void load(const char *path)
{
	struct dirent **names;
	struct stat st;
	int count;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		load_file(path);
		return;
	}
	count = scandir(path, &names, is_visible, alphasort);
	if (count < 0) {
		printf("Bail out! no corpus in %s\n", path);
		exit(1);
	}
	for (int i = 0; i < count; i++) {
		char file[2048];

		snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
		load_file(file);
		free(names[i]);
	}
	free(names);
}

static size_t mutate_once(uint8_t *data, size_t len)
{
	static const uint8_t telling[] = {0x00, 0x01, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFF, 0x30, 0x61};
	size_t at = len ? roll((uint32_t)len) : 0, n = 1 + roll(16);

	switch (len ? roll(9) : 8) {
	case 0:
	case 1:
		data[at] ^= (uint8_t)(1u << roll(8));
		return len;
	case 2:
	case 3:
		data[at] = (uint8_t)roll(256);
		return len;
	case 4:
	case 5:
		data[at] = telling[roll(sizeof telling)];
		return len;
	case 6: /* cut out */
		n = n < len - at ? n : len - at;
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	case 7: /* cut off */
		return at;
	default: /* put in */
		if (len + n > INPUT_MAX)
			return len;
		memmove(data + at + n, data + at, len - at);
		for (size_t i = 0; i < n; i++)
			data[at + i] = (uint8_t)roll(256);
		return len + n;
	}
}

static void run_mutation(void)
{
	const struct input *from = &runner.inputs[roll((uint32_t)runner.count)];
	static uint8_t bytes[INPUT_MAX];
	size_t len = from->len;

	memcpy(bytes, from->data, len);
	for (uint32_t rounds = 1 + roll(4); rounds; rounds--)
		len = mutate_once(bytes, len);
	run(bytes, len);
}

static void watch_signals(void)
{
	static const int signals[] = {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], keep_input);
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	long mutations = FUZZ_MUTATIONS;
	char corpus[1024];
	int option;

	runner.random = 20201101;
	while ((option = getopt(argc, argv, "n:s:")) != -1) {
		if (option == 'n')
			mutations = atol(optarg);
		else if (option == 's')
			runner.random = strtoull(optarg, NULL, 0) | 1;
		else
			return 2;
	}
	snprintf(corpus, sizeof corpus, "%s/tests/fuzz/corpus/" FUZZ_TARGET, top ? top : ".");
	if (optind == argc)
		load(corpus);
	for (int i = optind; i < argc; i++)
		load(argv[i]);
	watch_signals();
	printf("1..2\n");
	run(NULL, 0);
	for (size_t i = 0; i < runner.count; i++)
		run(runner.inputs[i].data, runner.inputs[i].len);
	printf("ok 1 - " FUZZ_TARGET ": %zu inputs of the corpus\n", runner.count);
	fflush(stdout);
	for (long i = 0; runner.count && i < mutations; i++)
		run_mutation();
	printf("ok 2 - " FUZZ_TARGET ": %ld mutations of them\n", mutations);
	for (size_t i = 0; i < runner.count; i++)
		free(runner.inputs[i].data);
	return 0;
}
