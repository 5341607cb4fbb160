/*
 * record TARGET DIRECTORY - makes the corpus of a fuzz target: what the
 * virtual cards of both generations answer to the target's own client, and
 * what is in their files. Linked with the target; not part of `make check`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "script.h"
#include "vcard.h"

#define INPUT_MAX 65536

static struct {
	const char *target, *directory;
	struct vcard *card;
	uint8_t input[INPUT_MAX]; /* what will be written */
	size_t len;
	size_t most; /* answers wanted, then the card is mute */
} record;

static void put(const void *bytes, size_t len)
{
	MUST(record.len + len <= INPUT_MAX);
	memcpy(record.input + record.len, bytes, len);
	record.len += len;
}

static void put_byte(uint8_t byte)
{
	put(&byte, 1);
}

size_t script_live(const uint8_t *cmd, size_t len, uint8_t *answer, size_t cap)
{
	bool repair = cmd[1] == 0x50 || cmd[1] == 0xCA;
	size_t n = 0;

	if (!record.most || vcard_transmit(record.card, cmd, len, answer, cap, &n) != VCARD_ANSWERED)
		return 0;
	record.most--;
	put_byte((uint8_t)(n >> 8 | (repair ? SCRIPT_REPAIR : 0)));
	put_byte((uint8_t)n);
	put(answer, n);
	return n;
}

static void save(const char *name)
{
	char path[1024];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", record.directory, name);
	file = fopen(path, "wb");
	MUST(file && fwrite(record.input, 1, record.len, file) == record.len && fclose(file) == 0);
	record.len = 0;
}

/* One run of the target's client against the card. */
static void run(const char *name, uint8_t options, const char *behaviour)
{
	struct vcard_behaviour ways = {0};

	MUST(vcard_behaviour_parse(&ways, behaviour, NULL, 0));
	vcard_behaviour_set(record.card, &ways);
	vcard_power_on(record.card);
	record.most = 1000;
	put_byte(options);
	LLVMFuzzerTestOneInput(&options, 1);
	save(name);
}

/* The content of a file, with the bytes before it that the target wants. */
static void dump(const char *prefix, const char *path, const uint8_t *front, size_t front_len)
{
	const uint8_t *data;
	char name[128];
	size_t len;

	MUST(vcard_file_get(record.card, path, &data, &len));
	put(front, front_len);
	put(data, len < 2000 ? len : 2000);
	snprintf(name, sizeof name, "%s-%s", prefix, strrchr(path, '/') + 1);
	save(name);
}

static void dump_all(int generation, const uint8_t *front, size_t front_len)
{
	static const char *const files[] = {"0900/0903", "0900/0905", "5030/5032", "5030/4100",
					    "5030/4101", "5030/4104", "5030/4107", "5030/08F2"};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[32], prefix[16];

		snprintf(path, sizeof path, "%s/%s", generation == 1 ? "3F00" : "7FFF", files[i]);
		snprintf(prefix, sizeof prefix, "gen%d-%u", generation, front_len ? front[0] : 0u);
		dump(prefix, path, front, front_len);
	}
}

static void make_card(int generation)
{
	static const uint8_t cin[VCARD_CIN_LEN] = {0x01, 0x23, 0x45, 0x67, 0x89,
						   0x01, 0x23, 0x45, 0x67, 0x89};
	static const uint8_t challenge[VCARD_CHALLENGE_LEN] = {0x99, 0xAA, 0xBB, 0xCC,
							       0xDD, 0xEE, 0xFF, 0x00};
	const struct vcard_options options = {
		.generation = generation, .cin = cin, .card_number = "TP07240513190395"};
	char error[200];

	vcard_free(&record.card);
	if (!vcard_create(&options, &record.card, error, sizeof error)) {
		fprintf(stderr, "record: %s\n", error);
		exit(1);
	}
	if (generation == 2)
		vcard_set_card_challenge(record.card, challenge);
	vcard_power_on(record.card);
}

static void record_scp03(void)
{
	static const uint8_t select_pki[] = {0x00, 0xA4, 0x04, 0x0C, 0x10, 0xA0, 0x00, 0x00,
					     0x02, 0x83, 0x00, 0x00, 0x06, 0x22, 0x01, 0x69,
					     0x64, 0x00, 0x01, 0x01, 0x01, 0x00};
	uint8_t answer[VCARD_RESPONSE_MAX], options = 1;
	size_t n;

	make_card(2);
	MUST(vcard_transmit(record.card, select_pki, sizeof select_pki, answer, sizeof answer, &n) ==
	     VCARD_ANSWERED);
	record.most = 1000;
	put_byte(options);
	LLVMFuzzerTestOneInput(&options, 1);
	save("channel-alone");
	run("token", 0x00, "");
	run("token-signs-four-times", 0x06, "");
	run("token-plain-ends-channel", 0x02, "plain-ends-channel");
	run("token-pin-lost", 0x04, "pin-lost-after-private-op");
	run("token-select-61", 0x02, "select-61");
	run("token-read-max", 0x02, "read-max=200,read-end=exact");
	run("token-all-ways", 0x04,
	    "plain-ends-channel,pin-lost-after-private-op,select-61,read-max=200,read-end=strict");
}

static void record_directory(void)
{
	for (int generation = 1; generation <= 2; generation++) {
		const uint8_t options[] = {(uint8_t)(generation - 1), (uint8_t)(generation - 1 + 0x0A),
					   (uint8_t)(generation - 1 + 0x14)};

		make_card(generation);
		for (size_t i = 0; i < sizeof options; i++)
			dump_all(generation, &options[i], 1);
		run(generation == 1 ? "gen1-listing" : "gen2-listing",
		    (uint8_t)(0x80 | (generation - 1)), "");
		if (generation == 2)
			run("gen2-listing-select-61", 0x81, "select-61,read-max=200,read-end=warn");
	}
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: record TARGET DIRECTORY\n");
		return 2;
	}
	record.target = argv[1];
	record.directory = argv[2];
	if (strcmp(record.target, "scp03") == 0)
		record_scp03();
	else if (strcmp(record.target, "directory") == 0)
		record_directory();
	else
		for (int generation = 1; generation <= 2; generation++) {
			make_card(generation);
			dump_all(generation, NULL, 0);
		}
	vcard_free(&record.card);
	return 0;
}
