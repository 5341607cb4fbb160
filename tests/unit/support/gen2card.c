#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "gen2card.h"

#ifndef TESTTMP
#define TESTTMP "tests/tmp"
#endif
#define IMAGE TESTTMP "/gen2.card"
#define IMAGE_LOCK IMAGE ".lock"
#define CARD_NUMBER_FILE "7FFF/0900/0903"
#define KEYSETS "keysets"
#define KEYSET_FILE KEYSETS "/test.keyset"
#define CONF "twcard.conf"
#define LOG "twcard.log"
#define LOG_MAX (8 << 20)
#define PATHS 32

static char home[200];
static pid_t home_owner;
static struct stream bench_stream;

/* ---- the test's own folder ---- */

static void remove_tree(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char child[1024];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
		if (unlink(child) < 0 && (errno == EISDIR || errno == EPERM))
			remove_tree(child);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

/* Children of a test do not take it away. */
static void remove_home(void)
{
	if (home[0] && getpid() == home_owner)
		remove_tree(home);
}

/* A test that takes too long is told to end; nothing that it does then matters any more. */
static void end(int signal)
{
	remove_home();
	raise(signal); /* SA_RESETHAND: now it ends the program */
}

static void watch_signals(void)
{
	static const int ends[] = {SIGTERM, SIGINT, SIGHUP};
	const struct sigaction action = {.sa_handler = end, .sa_flags = (int)SA_RESETHAND};

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		sigaction(ends[i], &action, NULL);
}

void home_make(void)
{
	const char *base = getenv("TMPDIR");
	char conf[400];

	if (!home[0]) {
		snprintf(home, sizeof home, "%s/twcard-unit.XXXXXX", base && *base ? base : "/tmp");
		assert_non_null(mkdtemp(home));
		home_owner = getpid();
		atexit(remove_home);
		watch_signals();
		assert_int_equal(mkdir(home_path(KEYSETS), 0700), 0);
	}
	snprintf(conf, sizeof conf, "cache = no\nkeyset-dir = %s\n", home_path(KEYSETS));
	home_write(CONF, conf, 0600);
	setenv("TWCARD_CONF", home_path(CONF), 1);
	setenv("TWCARD_DEBUG_FILE", home_path(LOG), 1);
}

const char *home_path(const char *name)
{
	static char paths[PATHS][sizeof home + 200];
	static unsigned at;
	char *path = paths[at++ % PATHS];

	snprintf(path, sizeof paths[0], "%s/%s", home, name);
	return path;
}

void home_write_bytes(const char *name, const void *data, size_t len, unsigned mode)
{
	const char *path = home_path(name);
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(fchmod(fd, (mode_t)mode), 0);
	close(fd);
}

void home_write(const char *name, const char *text, unsigned mode)
{
	home_write_bytes(name, text, strlen(text), mode);
}

void home_remove(const char *name)
{
	if (unlink(home_path(name)) < 0 && errno != ENOENT)
		remove_tree(home_path(name));
}

void keyset_install(void)
{
	keyset_replace(GEN2_KEYSET);
}

void keyset_remove(void)
{
	home_remove(KEYSET_FILE);
}

void keyset_replace(const char *text)
{
	home_write(KEYSET_FILE, text, 0600);
}

const char *log_text(void)
{
	static char *text;
	FILE *file = fopen(home_path(LOG), "re");
	size_t n = 0;

	if (!text)
		text = malloc(LOG_MAX);
	assert_non_null(text);
	if (file) {
		n = fread(text, 1, LOG_MAX - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return text;
}

void log_clear(void)
{
	assert_true(truncate(home_path(LOG), 0) == 0 || errno == ENOENT);
}

void log_level(const char *word)
{
	setenv("TWCARD_DEBUG", word, 1);
}

/* ---- the card ---- */

struct vcard *gen2_load(void)
{
	const struct vcard_options options = {.generation = 2};
	struct vcard *card = NULL;
	char error[200] = "";
	int lock;

	vcard_free(&(struct vcard *){testcard_load()}); /* makes the folder, too */
	lock = open(IMAGE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	if (!vcard_load(IMAGE, &card, error, sizeof error) || vcard_tries_left(card) != 3) {
		vcard_free(&card);
		steady_chance_for(IMAGE);
		if (!vcard_create(&options, &card, error, sizeof error) ||
		    !vcard_save(card, IMAGE, error, sizeof error))
			fail_msg("no test card: %s", error);
	}
	close(lock);
	vcard_detach(card);
	return card;
}

struct vcard *gen2_load_other(void)
{
	static const char number[] = "TP88888888888888";
	struct vcard *card = gen2_load();

	assert_true(vcard_file_put(card, CARD_NUMBER_FILE, (const uint8_t *)number,
				   sizeof number - 1));
	return card;
}

void gen2_behave(struct vcard *card, unsigned ways)
{
	const struct vcard_behaviour behaviour = {
		.plain_ends_channel = ways & WAY_PLAIN_ENDS_CHANNEL,
		.pin_lost_after_private_op = ways & WAY_PIN_LOST,
		.select_61 = ways & WAY_SELECT_61,
		.read_max = ways & WAY_READ_MAX ? 200 : 0,
		.read_end = (enum vcard_read_end)(ways / WAY_READ_END),
	};

	vcard_behaviour_set(card, &behaviour);
}

const char *gen2_ways_text(unsigned ways)
{
	static const char *const names[] = {"plain-ends-channel", "pin-lost-after-private-op",
					    "select-61", "read-max=200"};
	static char text[120];

	text[0] = '\0';
	for (unsigned i = 0; i < COUNT(names); i++) {
		if (!(ways & 1u << i))
			continue;
		if (text[0])
			strcat(text, ",");
		strcat(text, names[i]);
	}
	return text[0] ? text : "the default card";
}

int gen2_setup(void **state)
{
	*state = &bench;
	memset(&bench, 0, sizeof bench);
	home_make();
	log_level("debug");
	keyset_install();
	fake_clear();
	bench.card = gen2_load();
	fake_add_reader(READER);
	fake_insert(READER, bench.card);
	stream_start(READER, &bench_stream);
	log_clear();
	module_start();
	bench.slot = slot_of(READER);
	return 0;
}

int gen2_setup_session(void **state)
{
	gen2_setup(state);
	bench.session = open_session(bench.slot);
	return 0;
}

int gen2_setup_login(void **state)
{
	gen2_setup_session(state);
	assert_int_equal(login(bench.session, PIN), CKR_OK);
	return 0;
}

int gen2_teardown(void **state)
{
	int status = bench_teardown(state);

	assert_only_generation(&bench_stream, 2);
	return status;
}

/* ---- commands ---- */

static void record(void *context, const uint8_t *cmd, size_t len)
{
	struct stream *s = context;
	size_t n = sizeof s->commands[0].bytes;

	if (s->count == STREAM_MAX)
		return;
	memcpy(s->commands[s->count].bytes, cmd, len < n ? len : n);
	s->commands[s->count++].len = len;
}

void stream_start(const char *reader, struct stream *stream)
{
	memset(stream, 0, sizeof *stream);
	fake_on_command(reader, record, stream);
}

size_t stream_count(const struct stream *stream, int cla, int ins)
{
	size_t n = 0;

	for (size_t i = 0; i < stream->count; i++)
		n += (cla < 0 || stream->commands[i].bytes[0] == cla) &&
		     (ins < 0 || stream->commands[i].bytes[1] == ins);
	return n;
}

/*
 * To gen 1 no class but 80 and 8C, and nothing of GlobalPlatform or by AID
 * (except for the one SELECT of the probe that finds out); to gen 2 no 8C,
 * and VERIFY and private operations in a secure channel only.
 */
void assert_only_generation(const struct stream *stream, int generation)
{
	if (generation == 2) {
		assert_int_equal(stream_count(stream, 0x8C, -1), 0);
		assert_int_equal(stream_count(stream, 0x80, 0x20), 0);
		assert_int_equal(stream_count(stream, 0x00, 0x20), 0);
		assert_int_equal(stream_count(stream, 0x80, 0xEA), 0);
		return;
	}
	assert_int_equal(stream_count(stream, 0x80, 0x50), 0);
	assert_int_equal(stream_count(stream, 0x80, 0xCA), 0);
	assert_int_equal(stream_count(stream, 0x84, -1), 0);
	assert_int_equal(stream_count(stream, 0x04, -1), 0);
	assert_int_equal(stream_count(stream, 0x00, -1), 0);
}

/* ---- results ---- */

unsigned verifies(struct vcard *card)
{
	struct vcard_stats stats;

	vcard_stats(card, &stats);
	return (unsigned)stats.verifies;
}

CK_RV sign_with(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_MECHANISM *mechanism,
		const void *data, size_t len, unsigned char *sig)
{
	CK_ULONG sig_len = 256;
	CK_RV rv = C_SignInit(session, mechanism, key);

	if (rv == CKR_OK)
		rv = C_Sign(session, (unsigned char *)data, len, sig, &sig_len);
	if (rv == CKR_OK)
		assert_int_equal(sig_len, 256);
	return rv;
}

bool is_signature_with(struct vcard *card, unsigned key_ref, const EVP_MD *md, bool pss,
		       const void *data, size_t len, const unsigned char *sig)
{
	EVP_PKEY *pkey = vcard_public_key(card, key_ref);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	bool good;

	assert_non_null(pkey);
	assert_non_null(ctx);
	good = EVP_DigestVerifyInit(ctx, &pctx, md, NULL, pkey) == 1;
	if (good && pss)
		good = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	good = good && EVP_DigestVerify(ctx, sig, 256, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return good;
}

void encrypt_to(struct vcard *card, unsigned key_ref, const char *text, unsigned char *out)
{
	EVP_PKEY *pkey = vcard_public_key(card, key_ref);
	EVP_PKEY_CTX *ctx;
	size_t len = 256;

	assert_non_null(pkey);
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	assert_non_null(ctx);
	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, out, &len, (const unsigned char *)text, strlen(text)),
			 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
}

CK_RV decrypt_pkcs(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const unsigned char *in,
		   unsigned char *out, CK_ULONG *out_len)
{
	CK_RV rv = C_DecryptInit(session, MECHANISM(CKM_RSA_PKCS), key);

	*out_len = 256;
	return rv == CKR_OK ? C_Decrypt(session, (unsigned char *)in, 256, out, out_len) : rv;
}
