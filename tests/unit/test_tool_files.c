/*
 * What twcard's signing and encryption stand on: messages that are taken apart
 * without being believed, files that are there complete or not at all, the
 * MIME entity that S/MIME signs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tools/twcard/cms_split.h"
#include "tools/twcard/mime.h"
#include "tools/twcard/output.h"
#include "gen2card.h"

#define CONTENT_SIZE 5000

static EVP_PKEY *key;
static X509 *certificate;
static uint8_t content[CONTENT_SIZE];

static int make_key(void **state)
{
	(void)state;
	home_make();
	key = EVP_RSA_gen(2048);
	certificate = X509_new();
	assert_non_null(key);
	assert_true(X509_set_version(certificate, X509_VERSION_3));
	assert_true(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7));
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
	assert_true(X509_set_pubkey(certificate, key));
	assert_true(X509_sign(certificate, key, EVP_sha256()));
	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 7);
	return 0;
}

static int drop_key(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	X509_free(certificate);
	return 0;
}

/* ---- messages ---- */

struct bytes {
	uint8_t *data;
	size_t len;
};

static struct bytes take_bio(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	struct bytes b = {malloc((size_t)len), (size_t)len};

	assert_non_null(b.data);
	memcpy(b.data, data, b.len);
	BIO_free(bio);
	return b;
}

enum kind { SIGNED, SIGNED_STREAMED, SIGNED_DETACHED, ENVELOPED, ENVELOPED_STREAMED, AUTHENTICATED, KINDS };

static struct bytes make_message(enum kind kind)
{
	BIO *in = BIO_new_mem_buf(content, sizeof content), *out = BIO_new(BIO_s_mem());
	unsigned flags = CMS_BINARY;
	STACK_OF(X509) *to = sk_X509_new_null();
	CMS_ContentInfo *cms;

	assert_true(sk_X509_push(to, certificate));
	if (kind == SIGNED_STREAMED || kind == ENVELOPED_STREAMED)
		flags |= CMS_STREAM;
	if (kind == SIGNED_DETACHED)
		flags |= CMS_DETACHED;
	if (kind <= SIGNED_DETACHED)
		cms = CMS_sign(certificate, key, NULL, in, flags);
	else
		cms = CMS_encrypt(to, in, kind == AUTHENTICATED ? EVP_aes_256_gcm() : EVP_aes_256_cbc(), flags);
	assert_non_null(cms);
	assert_true(flags & CMS_STREAM ? i2d_CMS_bio_stream(out, cms, in, (int)flags) : i2d_CMS_bio(out, cms));
	CMS_ContentInfo_free(cms);
	sk_X509_free(to);
	BIO_free(in);
	return take_bio(out);
}

/* A file with these bytes, open for reading. */
static int file_of(const uint8_t *data, size_t len)
{
	int fd = open(home_path("message"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static bool collect(void *context, const uint8_t *data, size_t len)
{
	return buffer_append(context, data, len) == RESULT_OK;
}

static bool refuse(void *context, const uint8_t *data, size_t len)
{
	(void)context;
	(void)data;
	(void)len;
	return false;
}

static void split_leaves_a_message_that_openssl_reads(void **state)
{
	(void)state;
	for (enum kind kind = SIGNED; kind < KINDS; kind++) {
		struct bytes message = make_message(kind);
		int fd = file_of(message.data, message.len);
		struct buffer got = BUFFER_INIT;
		struct cms_split split;
		const uint8_t *der;
		CMS_ContentInfo *rest;

		assert_true(cms_split_open(fd, message.len, "message", &split));
		assert_int_equal(split.has_content, kind != SIGNED_DETACHED);
		assert_true(split.rest.len < message.len || kind == SIGNED_DETACHED);
		der = split.rest.data;
		rest = d2i_CMS_ContentInfo(NULL, &der, (long)split.rest.len);
		assert_non_null(rest);
		assert_ptr_equal(der, split.rest.data + split.rest.len);
		assert_int_equal(cms_split_pump(&split, "", collect, &got), EXIT_GOOD);
		if (kind <= SIGNED_STREAMED) {
			assert_int_equal(got.len, sizeof content);
			assert_memory_equal(got.data, content, sizeof content);
		} else if (kind != SIGNED_DETACHED) {
			assert_in_range(got.len, sizeof content, sizeof content + 16);
		}
		if (split.has_content)
			assert_int_equal(cms_split_pump(&split, "", refuse, NULL), EXIT_INTERNAL);
		CMS_ContentInfo_free(rest);
		cms_split_clear(&split);
		buffer_clear(&got);
		close(fd);
		free(message.data);
	}
}

static void what_is_cut_off_is_damaged(void **state)
{
	(void)state;
	for (enum kind kind = SIGNED; kind < KINDS; kind++) {
		struct bytes message = make_message(kind);
		int fd = file_of(message.data, message.len);

		for (size_t len = 0; len < message.len; len += len < 400 || len + 400 > message.len ? 1 : 97) {
			struct cms_split split;

			assert_false(cms_split_open(fd, len, "message", &split));
			cms_split_clear(&split);
		}
		close(fd);
		free(message.data);
	}
}

/* Whatever a byte becomes: no crash, no endless work, no more content than there are bytes. */
static void changed_bytes_are_not_believed(void **state)
{
	static const uint8_t changes[] = {0x01, 0x20, 0x80, 0xFF};

	(void)state;
	for (enum kind kind = SIGNED; kind < KINDS; kind++) {
		struct bytes message = make_message(kind);
		int fd = file_of(message.data, message.len);

		for (size_t i = 0; i < 4 * message.len; i++) {
			size_t at = i / 4;
			uint8_t changed = message.data[at] ^ changes[i % 4];
			struct buffer got = BUFFER_INIT;
			struct cms_split split;

			if (at > 900 && at + 900 < message.len)
				continue;
			assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
			if (cms_split_open(fd, message.len, "message", &split)) {
				(void)cms_split_pump(&split, "", collect, &got);
				assert_true(got.len <= message.len && split.rest.len <= 2 * message.len);
			}
			cms_split_clear(&split);
			buffer_clear(&got);
			assert_int_equal(pwrite(fd, message.data + at, 1, (off_t)at), 1);
		}
		close(fd);
		free(message.data);
	}
}

static bool opens(const uint8_t *data, size_t len, struct cms_split *split)
{
	int fd = file_of(data, len);
	bool good = cms_split_open(fd, len, "message", split);

	if (!good) {
		cms_split_clear(split);
		close(fd);
	}
	return good;
}

static void strings_are_nested_so_far_and_no_further(void **state)
{
	/* signedData, version 1, no digests, data as an octet string of octet strings, no signer */
	static const uint8_t before[] = {0x30, 0x80, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02,
					 0xA0, 0x80, 0x30, 0x80, 0x02, 0x01, 0x01, 0x31, 0x00, 0x30, 0x80, 0x06, 0x09,
					 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01, 0xA0, 0x80};
	static const uint8_t bytes[] = {0x04, 0x02, 'a', 'b', 0x24, 0x04, 0x04, 0x02, 'c', 'd', 0x04, 0x00};

	(void)state;
	for (size_t depth = 1; depth < 100; depth++) {
		struct buffer message = BUFFER_INIT, got = BUFFER_INIT;
		struct cms_split split;

		assert_int_equal(buffer_append(&message, before, sizeof before), RESULT_OK);
		for (size_t i = 0; i < depth; i++)
			assert_int_equal(buffer_append(&message, "\x24\x80", 2), RESULT_OK);
		assert_int_equal(buffer_append(&message, bytes, sizeof bytes), RESULT_OK);
		for (size_t i = 0; i < depth + 5; i++)
			assert_int_equal(buffer_append(&message, "\0\0", 2), RESULT_OK);
		if (!opens(message.data, message.len, &split)) {
			assert_true(depth > 20);
		} else if (depth <= 3) { /* and one more in `bytes` */
			assert_int_equal(cms_split_pump(&split, "", collect, &got), EXIT_GOOD);
			assert_int_equal(got.len, 4);
			assert_memory_equal(got.data, "abcd", 4);
		} else {
			assert_int_equal(cms_split_pump(&split, "", collect, &got), EXIT_NEGATIVE);
		}
		if (split.fd >= 0)
			close(split.fd);
		cms_split_clear(&split);
		buffer_clear(&message);
		buffer_clear(&got);
	}
}

static void what_is_no_message_is_none(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} none[] = {
		{"", 0}, {"\x30", 1}, {"\x30\x00", 2}, {"\x30\x80", 2}, {"\x30\x80\x00\x00", 4},
		{"\x30\x89\x01\x01\x01\x01\x01\x01\x01\x01\x01", 11},
		{"\x30\x88\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 10},
		{"\x30\x0B\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02", 13},
		{"\x30\x0B\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01", 13},
		{"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02", 11},
	};
	struct cms_split split;

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(opens((const uint8_t *)none[i].bytes, none[i].len, &split));
}

/* ---- files that are written ---- */

#define BEHIND_4_GIB ((uint64_t)5 << 30)

/* A file with a hole, which takes no room. Only half of such a position is what another system has. */
static void what_is_behind_4_gib_is_read_there(void **state)
{
	char byte = 0;
	struct stat about;
	int fd;

	(void)state;
	if (sizeof(off_t) < sizeof(uint64_t))
		skip();
	fd = open(home_path("far"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "near", 4, (off_t)(BEHIND_4_GIB & UINT32_MAX)), 4);
	assert_int_equal(pwrite(fd, "far", 3, (off_t)BEHIND_4_GIB), 3);
	assert_int_equal(pread(fd, &byte, 1, (off_t)BEHIND_4_GIB), 1);
	assert_int_equal(byte, 'f');
	assert_int_equal(pread(fd, &byte, 1, (off_t)(BEHIND_4_GIB & UINT32_MAX)), 1);
	assert_int_equal(byte, 'n');
	assert_int_equal(fstat(fd, &about), 0);
	assert_true((uint64_t)about.st_size == BEHIND_4_GIB + 3);
	assert_true((uint64_t)lseek(fd, 0, SEEK_END) == BEHIND_4_GIB + 3);
	close(fd);
	home_remove("far");
}

static char *kept; /* home_path() has one answer at a time */

static const char *path_of(const char *name)
{
	free(kept);
	kept = strdup(home_path(name));
	assert_non_null(kept);
	return kept;
}

static void assert_file(const char *name, const char *text, mode_t mode)
{
	char got[64] = "";
	struct stat about;
	FILE *file = fopen(home_path(name), "r");

	assert_non_null(file);
	assert_int_equal(fread(got, 1, sizeof got - 1, file), strlen(text));
	fclose(file);
	assert_string_equal(got, text);
	assert_int_equal(stat(home_path(name), &about), 0);
	assert_int_equal(about.st_mode & 0777, mode);
}

static void a_file_is_there_when_it_is_complete(void **state)
{
	const char *path = path_of("written");
	struct output out;

	(void)state;
	umask(022);
	unlink(path);
	assert_int_equal(output_open(path, OUTPUT_PUBLIC, false, &out), EXIT_GOOD);
	assert_true(fputs("one", out.file) >= 0);
	assert_int_equal(fflush(out.file), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(output_commit(&out), EXIT_GOOD);
	assert_file("written", "one", 0644);
	output_abort(&out); /* too late */
	assert_file("written", "one", 0644);

	assert_int_equal(output_open(path, OUTPUT_SECRET, true, &out), EXIT_GOOD);
	assert_true(fputs("two", out.file) >= 0);
	output_abort(&out);
	assert_file("written", "one", 0644);

	assert_int_equal(output_open(path, OUTPUT_SECRET, true, &out), EXIT_GOOD);
	assert_true(fputs("three", out.file) >= 0);
	assert_int_equal(output_commit(&out), EXIT_GOOD);
	assert_file("written", "three", 0600);
}

static void a_file_that_is_there_stays(void **state)
{
	const char *path = path_of("taken");
	struct output out;

	(void)state;
	unlink(path);
	home_write("taken", "mine", 0640);
	assert_int_equal(output_open(path, OUTPUT_PUBLIC, false, &out), EXIT_FILE);
	assert_null(out.file);
	unlink(path);
	assert_int_equal(output_open(path, OUTPUT_PUBLIC, false, &out), EXIT_GOOD);
	assert_true(fputs("late", out.file) >= 0);
	home_write("taken", "mine", 0640); /* it came meanwhile */
	assert_int_equal(output_commit(&out), EXIT_FILE);
	assert_file("taken", "mine", 0640);
}

static void a_full_disk_is_noticed(void **state)
{
	struct output out;

	(void)state;
	assert_int_equal(output_open("/dev/full", OUTPUT_PUBLIC, false, &out), EXIT_GOOD);
	assert_true(fputs("text", out.file) >= 0);
	assert_int_equal(output_commit(&out), EXIT_FILE);
	assert_null(out.file);
	assert_int_equal(output_open(path_of("no/folder"), OUTPUT_PUBLIC, false, &out), EXIT_FILE);
}

/* ---- what is signed as S/MIME ---- */

/* The entity that `text` becomes, as it is signed and as it is written. */
static void make_entity(const char *text, size_t len, const char *name, struct buffer *taken, char *copy)
{
	int fd = file_of((const uint8_t *)text, len);
	struct stream_in in;
	FILE *file = tmpfile();
	struct mime_entity e = {.in = &in, .name = name, .copy = file, .take = collect, .context = taken};

	close(fd);
	assert_non_null(file);
	assert_int_equal(stream_open(path_of("message"), &in), EXIT_GOOD);
	assert_int_equal(mime_pump(&e, ""), EXIT_GOOD);
	assert_int_equal(in.done, len);
	stream_close(&in);
	rewind(file);
	copy[fread(copy, 1, 4095, file)] = '\0';
	fclose(file);
}

static void an_entity_is_taken_as_it_is(void **state)
{
	static const char *const texts[] = {"Content-Type: text/plain\n\nfoo\nbar\n",
					    "content-type: text/plain\r\n\r\nfoo\r\nbar\r\n",
					    "MIME-Version: 1.0\nContent-Type: text/plain\r\n\nfoo\r\n"};
	static const char *const wanted[] = {"Content-Type: text/plain\r\n\r\nfoo\r\nbar\r\n",
					     "content-type: text/plain\r\n\r\nfoo\r\nbar\r\n",
					     "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nfoo\r\n"};
	char copy[4096];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct buffer taken = BUFFER_INIT;

		make_entity(texts[i], strlen(texts[i]), "x", &taken, copy);
		assert_int_equal(taken.len, strlen(wanted[i]));
		assert_memory_equal(taken.data, wanted[i], taken.len);
		assert_null(strchr(copy, '\r'));
		buffer_clear(&taken);
	}
}

/* Its CR and LF fall onto both sides of every border of a piece. */
static void line_ends_may_fall_anywhere(void **state)
{
	static const char head[] = "Content-Type: text/plain\r\n\r\n";
	static char text[3 * 4096], copy[4096];

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		struct buffer taken = BUFFER_INIT;
		size_t n = sizeof head - 1;

		memcpy(text, head, n);
		while (n < 500 + shift)
			text[n++] = 'x';
		while (n + 2 <= sizeof text) {
			text[n++] = '\r';
			text[n++] = '\n';
		}
		text[n - 1] = '\r'; /* two at the end, without their LF */
		make_entity(text, n, "x", &taken, copy);
		assert_int_equal(taken.len, n);
		assert_memory_equal(taken.data, text, n);
		buffer_clear(&taken);
	}
}

static void anything_else_is_an_attachment(void **state)
{
	struct buffer taken = BUFFER_INIT;
	char copy[4096];

	(void)state;
	make_entity("\0\1\2", 3, "dir/a\"\r\n文", &taken, copy);
	assert_string_equal(copy, "Content-Type: application/octet-stream\n"
				  "Content-Transfer-Encoding: base64\n"
				  "Content-Disposition: attachment;\n"
				  " filename*=UTF-8''%61%22%0D%0A%E6%96%87\n\nAAEC\n");
	buffer_clear(&taken);
	make_entity("", 0, "x", &taken, copy);
	assert_non_null(strstr(copy, "''%78\n\n"));
	buffer_clear(&taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_leaves_a_message_that_openssl_reads),
		cmocka_unit_test(what_is_cut_off_is_damaged),
		cmocka_unit_test(changed_bytes_are_not_believed),
		cmocka_unit_test(strings_are_nested_so_far_and_no_further),
		cmocka_unit_test(what_is_no_message_is_none),
		cmocka_unit_test(what_is_behind_4_gib_is_read_there),
		cmocka_unit_test(a_file_is_there_when_it_is_complete),
		cmocka_unit_test(a_file_that_is_there_stays),
		cmocka_unit_test(a_full_disk_is_noticed),
		cmocka_unit_test(an_entity_is_taken_as_it_is),
		cmocka_unit_test(line_ends_may_fall_anywhere),
		cmocka_unit_test(anything_else_is_an_attachment),
	};
	int failed = cmocka_run_group_tests(tests, make_key, drop_key);

	free(kept);
	return failed;
}
