#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "farcard.h"

#define CLIENT "--client"
#define CLIENT_FD 3
#define MASK 0x5A
#define NAME_LEN 60

/* ---- messages: kind, length, bytes ---- */

enum kind {
	SAY_COMMAND = 'C',
	SAY_POWER = 'P',
	SAY_STAGE = 'S',
	SAY_SECRET = 'K',
	SAY_END = 'E',
	SAY_REPLY = 'R'
};

struct message {
	uint8_t kind;
	uint16_t len;
	uint8_t bytes[FAKE_ANSWER_MAX];
};

/* In the bytes of SAY_STAGE and SAY_SECRET. */
struct named {
	enum memory_stage stage;
	char name[NAME_LEN];
	uint8_t masked[SECRET_MAX];
	size_t len;
};

/* Not on the stack: what lies below it is to be searched, not overwritten. */
static bool put_message(int fd, uint8_t kind, const void *bytes, size_t len)
{
	static struct message m;
	bool done;

	m.kind = kind;
	m.len = (uint16_t)len;
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

static void mask(const uint8_t *in, size_t len, uint8_t *out)
{
	for (size_t i = 0; i < len; i++)
		out[i] = in[i] ^ MASK;
}

/* ---- the client ---- */

static struct {
	uint8_t masked_pin[FAR_PIN_LEN];
	uint8_t ciphertext[256];
	uint8_t atr[33];
	size_t atr_len;
} briefing;

static struct {
	bool refuses;
	int ins;
	uint16_t sw;
} refusal;

const char *far_story(int argc, char **argv)
{
	return argc > 2 && strcmp(argv[1], CLIENT) == 0 ? argv[2] : NULL;
}

static size_t client_answer(void *context, const uint8_t *cmd, size_t len,
			    uint8_t answer[FAKE_ANSWER_MAX])
{
	static struct message m;
	size_t n;

	(void)context;
	if (refusal.refuses && cmd[1] == refusal.ins && refusal.sw) {
		answer[0] = (uint8_t)(refusal.sw >> 8);
		answer[1] = (uint8_t)refusal.sw;
		return 2;
	}
	if (!put_message(CLIENT_FD, SAY_COMMAND, cmd, len) || !get_message(CLIENT_FD, &m))
		return 0;
	n = refusal.refuses && cmd[1] == refusal.ins ? 0 : m.len; /* executed, the answer lost */
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

/* Says it and waits until it was heard. */
static void tell(enum kind kind, const struct named *what)
{
	static struct message m;

	if (!put_message(CLIENT_FD, (uint8_t)kind, what, sizeof *what) || !get_message(CLIENT_FD, &m))
		_exit(3);
}

void far_begin(void)
{
	struct fake_card card = {.answer = client_answer, .power = client_power};
	struct message m;

	if (!get_message(CLIENT_FD, &m) || m.len != sizeof briefing)
		_exit(3);
	memcpy(&briefing, m.bytes, sizeof briefing);
	memcpy(card.atr, briefing.atr, briefing.atr_len);
	card.atr_len = briefing.atr_len;
	fake_add_reader(READER);
	fake_insert_card(READER, &card);
}

void far_end(void)
{
	put_message(CLIENT_FD, SAY_END, NULL, 0);
}

unsigned char *far_own_bytes(void)
{
	static void *page;

	if (!page) {
		page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(page, MAP_FAILED);
		assert_int_equal(madvise(page, (size_t)sysconf(_SC_PAGESIZE), MADV_DONTDUMP), 0);
	}
	return page;
}

CK_RV far_login(CK_SESSION_HANDLE session, bool right)
{
	unsigned char *own = far_own_bytes(); /* where the module's copy may be, too */
	CK_RV rv;

	mask(briefing.masked_pin, FAR_PIN_LEN, own);
	if (!right)
		own[0] = own[0] == 'x' ? 'y' : 'x';
	rv = C_Login(session, CKU_USER, own, FAR_PIN_LEN);
	OPENSSL_cleanse(own, FAR_PIN_LEN);
	return rv;
}

const uint8_t *far_ciphertext(void)
{
	return briefing.ciphertext;
}

void far_refuse(int ins, uint16_t sw)
{
	refusal.refuses = true;
	refusal.ins = ins;
	refusal.sw = sw;
}

void far_refuse_nothing(void)
{
	refusal.refuses = false;
}

void far_tell_secret(const char *name, uint8_t *bytes, size_t len)
{
	struct named secret = {.len = len};

	assert_true(len <= SECRET_MAX);
	snprintf(secret.name, sizeof secret.name, "%s", name);
	mask(bytes, len, secret.masked);
	OPENSSL_cleanse(bytes, len);
	tell(SAY_SECRET, &secret);
}

void far_stage(enum memory_stage stage, const char *name)
{
	struct named what = {.stage = stage};

	snprintf(what.name, sizeof what.name, "%s", name);
	tell(SAY_STAGE, &what);
}

static int searched_ins;
static enum memory_stage end_stage;

static void search_at_command(void *context, const uint8_t *cmd, size_t len)
{
	char name[NAME_LEN];

	(void)context;
	(void)len;
	if (searched_ins >= 0 && cmd[1] != searched_ins)
		return;
	snprintf(name, sizeof name, "at a command %02X", cmd[1]);
	far_stage(MEMORY_LOGGED_IN, name);
}

static void search_at_end(void *context)
{
	(void)context;
	far_stage(end_stage, "at the end of a transaction");
}

void far_search_at(int ins)
{
	searched_ins = ins;
	fake_on_command(READER, search_at_command, NULL);
}

void far_search_at_ends(enum memory_stage stage)
{
	end_stage = stage;
	fake_on_end(READER, search_at_end, NULL);
}

/* ---- the card's side: what is secret ---- */

static uint8_t pin[FAR_PIN_LEN + 1];
static uint8_t master_key[VCARD_MASTER_KEY_LEN];
static uint8_t static_keys[2][16]; /* ENC, MAC */

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

	secrets_add(SECRET_OF_LOGIN, "master key", master_key, sizeof master_key);
	memcpy(context + 1, cin, VCARD_CIN_LEN);
	memcpy(context + 1 + VCARD_CIN_LEN, tail, sizeof tail);
	context[0] = 1;
	derive(master_key, 0x04, context, static_keys[0]);
	context[0] = 2;
	derive(master_key, 0x06, context, static_keys[1]);
	context[0] = 3;
	derive(master_key, 0x0C, context, dek);
	secrets_add(SECRET_OF_CARD, "K-ENC", static_keys[0], 16);
	secrets_add(SECRET_OF_CARD, "K-MAC", static_keys[1], 16);
	secrets_add(SECRET_OF_CARD, "K-DEK", dek, 16);
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
	secrets_add(SECRET_OF_LOGIN, "S-ENC", key, 16);
	derive(static_keys[1], 0x06, context, key);
	secrets_add(SECRET_OF_LOGIN, "S-MAC", key, 16);
}

static void make_pin(void)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

	assert_int_equal(RAND_bytes(pin, FAR_PIN_LEN), 1);
	for (size_t i = 0; i < FAR_PIN_LEN; i++)
		pin[i] = (uint8_t)letters[pin[i] % 32];
	pin[FAR_PIN_LEN] = '\0';
}

static void write_keyset(void)
{
	char text[200], hex[2 * sizeof master_key + 1];

	for (size_t i = 0; i < sizeof master_key; i++)
		snprintf(hex + 2 * i, 3, "%02X", master_key[i]);
	snprintf(text, sizeof text, "profile = gppki\nmaster-key = %s\ndiversification-aid = %s\n",
		 hex, GEN2_AID);
	keyset_replace(text);
}

struct vcard *far_card_new(int generation)
{
	uint8_t cin[VCARD_CIN_LEN];
	const struct vcard_options options = {.generation = generation, .pin = (const char *)pin,
					      .cin = cin, .master_key = master_key};
	struct vcard *card;
	char error[200];

	make_pin();
	assert_int_equal(RAND_bytes(cin, sizeof cin), 1);
	assert_int_equal(RAND_bytes(master_key, sizeof master_key), 1);
	if (!vcard_create(&options, &card, error, sizeof error))
		fail_msg("%s", error);
	secrets_clear();
	secrets_add(SECRET_OF_LOGIN, "PIN", pin, FAR_PIN_LEN);
	if (generation == 2) {
		add_static_keys(cin);
		write_keyset();
	}
	vcard_power_on(card);
	return card;
}

/* ---- the card's side: a client ---- */

static pid_t start_client(const char *story, int *fd)
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
		execl("/proc/self/exe", "client", CLIENT, story, (char *)NULL);
		_exit(127);
	}
	close(ends[0]);
	*fd = ends[1];
	return pid;
}

static void make_ciphertext(struct vcard *card)
{
	EVP_PKEY *key = vcard_public_key(card, KEY_KEYX);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t plain[FAR_PLAINTEXT_LEN];
	size_t len = sizeof briefing.ciphertext;

	assert_non_null(ctx);
	assert_int_equal(RAND_bytes(plain, sizeof plain), 1);
	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, briefing.ciphertext, &len, plain, sizeof plain), 1);
	secrets_add(SECRET_OF_CALL, "plaintext", plain, sizeof plain);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static void tell_client(int fd, struct vcard *card)
{
	const uint8_t *atr = vcard_atr(card, &briefing.atr_len);

	memcpy(briefing.atr, atr, briefing.atr_len);
	mask(pin, FAR_PIN_LEN, briefing.masked_pin);
	make_ciphertext(card);
	assert_true(put_message(fd, SAY_REPLY, &briefing, sizeof briefing));
}

static void serve_command(int fd, struct vcard *card, const struct message *m)
{
	uint8_t answer[FAKE_ANSWER_MAX];
	size_t n = 0;

	vcard_transmit(card, m->bytes, m->len, answer, sizeof answer, &n);
	watch_wire(m->bytes, m->len, answer, n);
	put_message(fd, SAY_REPLY, answer, n);
}

static void serve_stage(int fd, pid_t pid, const char *story, const struct message *m,
			struct far_result *result)
{
	struct memory_found found;
	struct named what;
	char name[2 * NAME_LEN];

	memcpy(&what, m->bytes, sizeof what);
	snprintf(name, sizeof name, "%.50s, %.50s", story, what.name);
	found = memory_search(pid, what.stage, name);
	result->stages++;
	result->found.wrong += found.wrong;
	result->found.kept += found.kept;
	result->found.held += found.held;
	result->controls += what.stage == MEMORY_CONTROL;
	put_message(fd, SAY_REPLY, NULL, 0);
}

static void serve_secret(int fd, const struct message *m)
{
	struct named secret;

	memcpy(&secret, m->bytes, sizeof secret);
	mask(secret.masked, secret.len, secret.masked);
	secrets_add(SECRET_OF_CALL, secret.name, secret.masked, secret.len);
	put_message(fd, SAY_REPLY, NULL, 0);
}

/* Answers until the client ends. */
static void serve(int fd, struct vcard *card, pid_t pid, const char *story, struct far_result *result)
{
	struct message m;

	while (get_message(fd, &m) && m.kind != SAY_END) {
		switch (m.kind) {
		case SAY_COMMAND:
			serve_command(fd, card, &m);
			break;
		case SAY_POWER:
			if (m.bytes[0])
				vcard_power_on(card);
			else
				vcard_power_off(card);
			break;
		case SAY_STAGE:
			serve_stage(fd, pid, story, &m, result);
			break;
		case SAY_SECRET:
			serve_secret(fd, &m);
			break;
		default:
			fail_msg("a message of kind %d", m.kind);
		}
	}
}

struct far_result far_run(struct vcard *card, const char *story)
{
	struct far_result result = {.stages = 0};
	int fd, status;
	pid_t pid;

	pid = start_client(story, &fd);
	tell_client(fd, card);
	serve(fd, card, pid, story, &result);
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s: the client ended with status %x", story, (unsigned)status);
	return result;
}

const char *far_cannot_search(void)
{
	const char *preload = getenv("LD_PRELOAD");

	if (preload && strstr(preload, "vgpreload"))
		return "not under valgrind";
	/* an emulator of another processor need not hand the wish on */
	return memory_is_kept_out(far_own_bytes()) ? NULL : "this system does not say which pages are kept out of core dumps";
}

void far_skip_unsearched(void)
{
	const char *why = far_cannot_search();

	if (!why)
		return;
	print_message("# SKIP %s\n", why);
	skip();
}
