/*
 * No secret leaves a trace. A client, this program again, uses the module in a
 * process of its own, with the log at its highest level; the card is here, on
 * the other side of a socket, and so are the PIN, the master key and all that
 * is derived from it. At four moments the client's memory is read and
 * searched: while it is logged in, secrets may only be in pages that are kept
 * out of core dumps; after a logout only the card's own keys may be there; at
 * the end nothing is anywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "gen2card.h"

#define CLIENT "--client"
#define CLIENT_FD 3
#define MASK 0x5A
#define PIN_LEN 8
#define MAPPING_MAX ((size_t)256 << 20) /* a sanitizer's shadow is larger: no secret is meant for it */
#define SECRETS_MAX 80
#define TRACE_MAX (4 << 20)

/* ---- messages: kind, length, bytes ---- */

enum kind { SAY_COMMAND = 'C', SAY_POWER = 'P', SAY_STAGE = 'S', SAY_END = 'E', SAY_REPLY = 'R' };

struct message {
	uint8_t kind;
	uint16_t len;
	uint8_t bytes[FAKE_ANSWER_MAX];
};

static bool put_message(int fd, uint8_t kind, const void *bytes, size_t len)
{
	struct message m = {.kind = kind, .len = (uint16_t)len};
	bool done;

	if (len)
		memcpy(m.bytes, bytes, len);
	done = send(fd, &m, sizeof m, MSG_NOSIGNAL) == (ssize_t)sizeof m;
	OPENSSL_cleanse(&m, sizeof m);
	return done;
}

static bool get_message(int fd, struct message *m)
{
	return recv(fd, m, sizeof *m, MSG_WAITALL) == (ssize_t)sizeof *m;
}

/* ---- the client: everything it knows of secrets is masked, and wiped ---- */

static struct {
	uint8_t masked_pin[PIN_LEN];
	uint8_t secret[256]; /* a ciphertext for the card */
	uint8_t atr[33];
	size_t atr_len;
} client;

static size_t client_answer(void *context, const uint8_t *cmd, size_t len,
			    uint8_t answer[FAKE_ANSWER_MAX])
{
	static struct message m;
	size_t n;

	(void)context;
	if (!put_message(CLIENT_FD, SAY_COMMAND, cmd, len) || !get_message(CLIENT_FD, &m))
		return 0;
	n = m.len;
	memcpy(answer, m.bytes, n);
	OPENSSL_cleanse(&m, sizeof m);
	return n;
}

static void client_power(void *context, bool on)
{
	uint8_t byte = on;

	(void)context;
	put_message(CLIENT_FD, SAY_POWER, &byte, 1);
}

/* The parent looks at us now; we go on when it has. */
static void client_stage(const char *name)
{
	struct message m;

	if (!put_message(CLIENT_FD, SAY_STAGE, name, strlen(name) + 1) || !get_message(CLIENT_FD, &m))
		_exit(3);
}

/* The right PIN, or one that differs from it in one character. */
static CK_RV client_login(CK_SESSION_HANDLE session, bool right)
{
	unsigned char pin[PIN_LEN];
	CK_RV rv;

	for (size_t i = 0; i < sizeof pin; i++)
		pin[i] = client.masked_pin[i] ^ MASK;
	if (!right)
		pin[0] = pin[0] == 'x' ? 'y' : 'x';
	rv = C_Login(session, CKU_USER, pin, sizeof pin);
	OPENSSL_cleanse(pin, sizeof pin);
	return rv;
}

static void client_list(CK_SESSION_HANDLE session)
{
	CK_OBJECT_HANDLE objects[32];
	unsigned char value[4096];
	size_t count = find_objects(session, NULL, 0, objects, COUNT(objects));

	for (size_t i = 0; i < count; i++) {
		CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};

		C_GetAttributeValue(session, objects[i], &a, 1);
	}
}

static void client_use_keys(CK_SESSION_HANDLE session)
{
	CK_OBJECT_HANDLE sign = find_one(session, CKO_PRIVATE_KEY, "SIGN");
	CK_OBJECT_HANDLE decrypt = find_one(session, CKO_PRIVATE_KEY, "KEYX");
	unsigned char out[256];
	CK_ULONG len;

	assert_int_equal(sign_sha256(session, sign, "text", out), CKR_OK);
	assert_int_equal(sign_sha256(session, sign, "more text", out), CKR_OK);
	assert_int_equal(decrypt_pkcs(session, decrypt, client.secret, out, &len), CKR_OK);
	fake_foreign_reset(READER); /* the login is re-established */
	assert_int_equal(sign_sha256(session, sign, "text", out), CKR_OK);
}

static void client_insert(void)
{
	struct fake_card card = {.answer = client_answer, .power = client_power};

	memcpy(card.atr, client.atr, client.atr_len);
	card.atr_len = client.atr_len;
	fake_add_reader(READER);
	fake_insert_card(READER, &card);
}

static int run_client(void)
{
	CK_SESSION_HANDLE session;
	struct message m;

	if (!get_message(CLIENT_FD, &m) || m.len > sizeof client)
		return 3;
	memcpy(&client, m.bytes, sizeof client);
	client_insert();
	module_start();
	session = open_session(slot_of(READER));
	client_list(session);
	assert_int_equal(client_login(session, false), CKR_PIN_INCORRECT);
	client_stage("after a wrong PIN");
	assert_int_equal(client_login(session, true), CKR_OK);
	client_list(session);
	client_use_keys(session);
	client_stage("logged in");
	assert_int_equal(C_Logout(session), CKR_OK);
	client_stage("logged out");
	assert_int_equal(client_login(session, true), CKR_OK);
	client_use_keys(session);
	module_stop(); /* without a logout */
	client_stage("finalized");
	put_message(CLIENT_FD, SAY_END, NULL, 0);
	return 0;
}

/* ---- the card's side: what is secret ---- */

static struct {
	struct {
		char name[40];
		uint8_t bytes[16];
		size_t len;
	} items[SECRETS_MAX];
	size_t count;
} secrets;

static uint8_t master_key[VCARD_MASTER_KEY_LEN];
static uint8_t static_keys[2][16]; /* ENC, MAC */
static char *trace_lines;

static void add_secret(const char *name, const uint8_t *bytes, size_t len)
{
	assert_true(secrets.count < SECRETS_MAX && len <= 16);
	snprintf(secrets.items[secrets.count].name, sizeof secrets.items[0].name, "%s", name);
	memcpy(secrets.items[secrets.count].bytes, bytes, len);
	secrets.items[secrets.count++].len = len;
}

/* SP 800-108 in SCP03's form, not shared with the library. */
static void derive(const uint8_t key[16], uint8_t constant, const uint8_t context[16],
		   uint8_t out[16])
{
	uint8_t block[32] = {[11] = constant, [14] = 0x80, [15] = 1};
	size_t n = 16;

	memcpy(block + 16, context, 16);
	assert_non_null(EVP_Q_mac(NULL, "CMAC", NULL, "AES-128-CBC", NULL, key, 16, block,
				  sizeof block, out, 16, &n));
}

static void add_static_keys(const uint8_t cin[VCARD_CIN_LEN])
{
	static const uint8_t tail[] = {0x53, 0x89, 0xC0, 0x00, 0x14};
	uint8_t context[16], dek[16];

	add_secret("master key", master_key, sizeof master_key);
	memcpy(context + 1, cin, VCARD_CIN_LEN);
	memcpy(context + 1 + VCARD_CIN_LEN, tail, sizeof tail);
	context[0] = 1;
	derive(master_key, 0x04, context, static_keys[0]);
	context[0] = 2;
	derive(master_key, 0x06, context, static_keys[1]);
	context[0] = 3;
	derive(master_key, 0x0C, context, dek);
	add_secret("K-ENC", static_keys[0], 16);
	add_secret("K-MAC", static_keys[1], 16);
	add_secret("K-DEK", dek, 16);
}

/* Session keys follow from what goes over the wire and the static keys. */
static void watch_wire(const uint8_t *cmd, size_t len, const uint8_t *answer, size_t n)
{
	uint8_t context[16], key[16];

	if (len != 14 || cmd[1] != 0x50 || n != 31)
		return;
	memcpy(context, cmd + 5, VCARD_CHALLENGE_LEN);
	memcpy(context + 8, answer + 13, VCARD_CHALLENGE_LEN);
	derive(static_keys[0], 0x04, context, key);
	add_secret("S-ENC", key, 16);
	derive(static_keys[1], 0x06, context, key);
	add_secret("S-MAC", key, 16);
}

static void to_trace(void *context, const char *line)
{
	(void)context;
	if (strlen(trace_lines) + strlen(line) + 2 < TRACE_MAX)
		strcat(strcat(trace_lines, line), "\n");
}

/* ---- searching ---- */

/* Writes `len` bytes as hex digits; upper or lower case. */
static void to_hex(const uint8_t *bytes, size_t len, const char *digits, char *out)
{
	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

/* The card's own keys are kept as long as the card stays in the reader. */
static bool is_static_key(const char *name)
{
	return strncmp(name, "K-", 2) == 0;
}

/* The first secret in these bytes, in any form; NULL: none. */
static const char *find_secret(const uint8_t *data, size_t len, bool static_keys_too)
{
	for (size_t i = 0; i < secrets.count; i++) {
		const uint8_t *bytes = secrets.items[i].bytes;
		size_t n = secrets.items[i].len;
		char upper[33], lower[33];

		if (is_static_key(secrets.items[i].name) && !static_keys_too)
			continue;
		to_hex(bytes, n, "0123456789ABCDEF", upper);
		to_hex(bytes, n, "0123456789abcdef", lower);
		if (memmem(data, len, bytes, n) || memmem(data, len, upper, 2 * n) ||
		    memmem(data, len, lower, 2 * n))
			return secrets.items[i].name;
	}
	return NULL;
}

static void assert_not_in_text(const char *where, const char *text)
{
	const char *name = find_secret((const uint8_t *)text, strlen(text), true);

	assert_true(strlen(text) > 1000); /* there is something to search */
	if (name)
		fail_msg("%s: in %s", name, where);
}

struct mapping {
	unsigned long start, end;
	char rights[8];
	char name[200];
	bool dont_dump;
};

/* One entry of smaps: its head line, then others up to VmFlags. */
static bool next_mapping(FILE *smaps, struct mapping *m)
{
	char line[512];
	bool head = false;

	while (fgets(line, sizeof line, smaps)) {
		if (!head) {
			m->name[0] = '\0';
			head = sscanf(line, "%lx-%lx %7s %*s %*s %*s %199[^\n]", &m->start, &m->end,
				      m->rights, m->name) >= 3;
		} else if (strncmp(line, "VmFlags:", 8) == 0) {
			m->dont_dump = strstr(line, " dd") != NULL;
			return true;
		}
	}
	return false;
}

static unsigned kept; /* mappings that have a secret, and may */

/* A secret that these bytes must not have at this stage; NULL: none. */
static const char *search_bytes(const uint8_t *data, size_t len, bool dont_dump, const char *stage)
{
	if (dont_dump && strcmp(stage, "logged in") == 0) {
		kept += find_secret(data, len, false) != NULL;
		return NULL;
	}
	return find_secret(data, len, !dont_dump || strcmp(stage, "finalized") == 0);
}

/* 1 if the mapping has a secret that it must not have; it is named. */
static unsigned search_mapping(int mem, const struct mapping *m, const char *stage)
{
	size_t len = m->end - m->start;
	const char *name = NULL;
	uint8_t *copy;
	ssize_t n;

	if (m->rights[0] != 'r' || len > MAPPING_MAX || strcmp(m->name, "[vvar]") == 0)
		return 0;
	copy = malloc(len);
	assert_non_null(copy);
	n = pread(mem, copy, len, (off_t)m->start);
	if (n > 0)
		name = search_bytes(copy, (size_t)n, m->dont_dump, stage);
	OPENSSL_cleanse(copy, len);
	free(copy);
	if (name)
		print_error("%s: %s in memory: %lx-%lx %s %s%s\n", stage, name, m->start, m->end,
			    m->rights, m->name, m->dont_dump ? " (not in core dumps)" : "");
	return name != NULL;
}

static unsigned search_memory(pid_t client_pid, const char *stage)
{
	unsigned found = 0, mappings = 0;
	struct mapping m;
	char path[64];
	FILE *smaps;
	int mem;

	snprintf(path, sizeof path, "/proc/%ld/mem", (long)client_pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem < 0)
		fail_msg("%s: %s", path, strerror(errno));
	snprintf(path, sizeof path, "/proc/%ld/smaps", (long)client_pid);
	smaps = fopen(path, "re");
	assert_non_null(smaps);
	for (; next_mapping(smaps, &m); mappings++)
		found += search_mapping(mem, &m, stage);
	fclose(smaps);
	close(mem);
	assert_true(mappings > 10);
	return found;
}

/* ---- the test ---- */

static pid_t start_client(int *fd)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[1]);
		if (ends[0] != CLIENT_FD) {
			dup2(ends[0], CLIENT_FD);
			close(ends[0]);
		}
		execl("/proc/self/exe", "client", CLIENT, (char *)NULL);
		_exit(127);
	}
	close(ends[0]);
	*fd = ends[1];
	return pid;
}

static void tell_client(int fd, struct vcard *card, const uint8_t pin[PIN_LEN])
{
	const uint8_t *atr = vcard_atr(card, &client.atr_len);

	memcpy(client.atr, atr, client.atr_len);
	for (size_t i = 0; i < PIN_LEN; i++)
		client.masked_pin[i] = pin[i] ^ MASK;
	encrypt_to(card, KEY_KEYX, "a plaintext", client.secret);
	assert_true(put_message(fd, SAY_REPLY, &client, sizeof client));
}

/* Answers until the client ends; how many findings its stages had. */
static unsigned serve(int fd, struct vcard *card, pid_t pid, unsigned *stages)
{
	uint8_t answer[FAKE_ANSWER_MAX];
	struct message m;
	unsigned found = 0;
	size_t n;

	while (get_message(fd, &m) && m.kind != SAY_END) {
		switch (m.kind) {
		case SAY_COMMAND:
			n = 0;
			vcard_transmit(card, m.bytes, m.len, answer, sizeof answer, &n);
			watch_wire(m.bytes, m.len, answer, n);
			put_message(fd, SAY_REPLY, answer, n);
			break;
		case SAY_POWER:
			if (m.bytes[0])
				vcard_power_on(card);
			else
				vcard_power_off(card);
			break;
		case SAY_STAGE:
			found += search_memory(pid, (const char *)m.bytes);
			++*stages;
			put_message(fd, SAY_REPLY, NULL, 0);
			break;
		default:
			fail_msg("a message of kind %d", m.kind);
		}
	}
	return found;
}

static void make_pin(uint8_t pin[PIN_LEN + 1])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

	assert_int_equal(RAND_bytes(pin, PIN_LEN), 1);
	for (size_t i = 0; i < PIN_LEN; i++)
		pin[i] = (uint8_t)letters[pin[i] % 32];
	pin[PIN_LEN] = '\0';
}

static void write_keyset(void)
{
	char text[200], hex[33];

	to_hex(master_key, sizeof master_key, "0123456789ABCDEF", hex);
	snprintf(text, sizeof text, "profile = gppki\nmaster-key = %s\ndiversification-aid = %s\n",
		 hex, GEN2_AID);
	keyset_replace(text);
}

static struct vcard *make_card(int generation, const uint8_t *pin)
{
	uint8_t cin[VCARD_CIN_LEN];
	const struct vcard_options options = {.generation = generation, .pin = (const char *)pin,
					      .cin = cin, .master_key = master_key};
	struct vcard *card;
	char error[200];

	assert_int_equal(RAND_bytes(cin, sizeof cin), 1);
	assert_int_equal(RAND_bytes(master_key, sizeof master_key), 1);
	if (!vcard_create(&options, &card, error, sizeof error))
		fail_msg("%s", error);
	memset(&secrets, 0, sizeof secrets);
	add_secret("PIN", pin, PIN_LEN);
	if (generation == 2) {
		add_static_keys(cin);
		write_keyset();
	}
	trace_lines = calloc(1, TRACE_MAX);
	assert_non_null(trace_lines);
	vcard_set_trace(card, to_trace, NULL);
	vcard_power_on(card);
	return card;
}

/* Its memory is also valgrind's, and so is the program that would be the client. */
static bool runs_under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload");
}

static void no_secret_leaves_a_trace(int generation)
{
	uint8_t pin[PIN_LEN + 1];
	unsigned found, stages = 0;
	struct vcard *card;
	int fd, status;
	pid_t pid;

	if (runs_under_valgrind()) {
		print_message("# SKIP not under valgrind\n");
		skip();
	}
	home_make();
	log_level("trace");
	log_clear();
	make_pin(pin);
	card = make_card(generation, pin);
	pid = start_client(&fd);
	tell_client(fd, card, pin);
	kept = 0;
	found = serve(fd, card, pid, &stages);
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(stages, 4);
	assert_true(kept > 0); /* the search does find what it looks for */
	assert_in_range(secrets.count, generation == 2 ? 1 + 4 + 2 * 4 : 1, SECRETS_MAX);
	assert_not_in_text("the log", log_text());
	assert_non_null(strstr(log_text(), "**")); /* it is a trace, and something is left out */
	assert_not_in_text("the card's trace", trace_lines);
	assert_int_equal(found, 0);
	free(trace_lines);
	vcard_free(&card);
}

static void a_first_generation_card_leaves_no_secret_behind(void **state)
{
	(void)state;
	no_secret_leaves_a_trace(1);
}

static void a_second_generation_card_leaves_no_secret_behind(void **state)
{
	(void)state;
	no_secret_leaves_a_trace(2);
}

/* The search itself finds what it is meant to find, in every form. */
static void the_search_finds_a_secret(void **state)
{
	static const uint8_t key[16] = {0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	uint8_t bytes[100] = {0};

	(void)state;
	memset(&secrets, 0, sizeof secrets);
	add_secret("key", key, sizeof key);
	assert_null(find_secret(bytes, sizeof bytes, true));
	memcpy(bytes + 7, key, sizeof key);
	assert_non_null(find_secret(bytes, sizeof bytes, true));
	memcpy(bytes, "..DEADBEEF0102030405060708090A0B0C", 34);
	assert_non_null(find_secret(bytes, 34, true));
	memcpy(bytes, "..deadbeef0102030405060708090a0b0c", 34);
	assert_non_null(find_secret(bytes, 34, true));
	assert_null(find_secret(bytes, 33, true));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_search_finds_a_secret),
		cmocka_unit_test(a_first_generation_card_leaves_no_secret_behind),
		cmocka_unit_test(a_second_generation_card_leaves_no_secret_behind),
	};

	if (argc > 1 && strcmp(argv[1], CLIENT) == 0)
		return run_client();
	return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
