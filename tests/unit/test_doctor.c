/*
 * twcard doctor: each state of the computer, the service, the reader and the
 * card is told apart, with what to do; nothing is changed, and what is secret
 * does not get into a report.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "gen2card.h"
#include "apdu/log.h"
#include "tools/twcard/doctor.h"

#define DAY (24 * 60 * 60)
#define NAME "王大明"
#define ID "A123456789"
#define NUMBER "TP07240513190395"

static struct doctor d;
static struct vcard *card, *other;
static int listening = -1;
static char root[300], socket_path[300], home[300], cache[300], runtime[300], module[300];

/* ---- a computer where all is well ---- */

static void make_folders(const char *path)
{
	char command[1400];

	snprintf(command, sizeof command, "mkdir -p '%s'", path);
	assert_int_equal(system(command), 0);
}

static void remove_all(const char *path)
{
	char command[1400];

	snprintf(command, sizeof command, "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

/* A file under the root, with its folders. */
static void put(const char *path, const char *text)
{
	char whole[1200], folder[1200];
	FILE *file;

	snprintf(whole, sizeof whole, "%s%s", root, path);
	snprintf(folder, sizeof folder, "%s", whole);
	*strrchr(folder, '/') = '\0';
	make_folders(folder);
	file = fopen(whole, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void take_away(const char *path)
{
	char whole[1200];

	snprintf(whole, sizeof whole, "%s%s", root, path);
	remove_all(whole);
}

static void start_listening(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listening >= 0 && strlen(socket_path) < sizeof address.sun_path);
	strcpy(address.sun_path, socket_path);
	unlink(socket_path);
	assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listening, 8), 0);
}

static void stop_listening(void)
{
	if (listening >= 0)
		close(listening);
	listening = -1;
}

static struct vcard *make_card(int generation)
{
	const struct vcard_options options = {
		.generation = generation, .name = NAME, .id = ID, .card_number = NUMBER};
	char error[200] = "";
	struct vcard *made;

	if (!vcard_create(&options, &made, error, sizeof error))
		fail_msg("no card: %s", error);
	return made;
}

static int setup(void **state)
{
	(void)state;
	home_make();
	snprintf(root, sizeof root, "%s", home_path("root"));
	snprintf(socket_path, sizeof socket_path, "%s", home_path("comm"));
	snprintf(home, sizeof home, "%s", home_path("user"));
	snprintf(cache, sizeof cache, "%s", home_path("cache"));
	snprintf(runtime, sizeof runtime, "%s", home_path("run"));
	snprintf(module, sizeof module, "%s", home_path("twcard-pkcs11.so"));
	remove_all(root);
	remove_all(home);
	remove_all(cache);
	remove_all(runtime);
	make_folders(home);
	make_folders(runtime);
	put("/usr/sbin/pcscd", "");
	put("/usr/lib/pcsc/drivers/ifd-ccid.bundle/Info", "");
	put("/sys/bus/usb/devices/1-1:1.0/bInterfaceClass", "0b\n");
	put("/sys/bus/usb/devices/product", "USB Reader (EF1CA4C6)\n");
	home_write("twcard-pkcs11.so", "no module", 0600);
	home_write("test.conf", "", 0600);
	setenv("TWCARD_CONF", home_path("test.conf"), 1);
	setenv("XDG_CACHE_HOME", cache, 1);
	fake_clear();
	if (!card)
		card = make_card(1);
	testcard_freshen(card);
	fake_add_reader(READER);
	fake_insert(READER, card);
	start_listening();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cards_end();
	doctor_clear(&d);
	stop_listening();
	assert_int_equal(fake_open_handles(), 0);
	assert_int_equal(fake_open_contexts(), 0);
	return 0;
}

static void prepare(void)
{
	cards_end();
	doctor_clear(&d);
	d.place = (struct doctor_place){.root = root, .socket = socket_path, .home = home,
					.cache_home = cache, .runtime_dir = runtime, .module = module,
					.module_configs = "/usr/share/p11-kit/modules",
					.system_configs = "/etc/pkcs11/modules",
					.now = time(NULL), .built = 1700000000};
}

static void examine(void)
{
	prepare();
	doctor_run(&d);
}

static const struct doctor_finding *finding(const char *name)
{
	for (size_t i = 0; i < d.count; i++)
		if (strcmp(d.findings[i].check->name, name) == 0)
			return &d.findings[i];
	fail_msg("no finding of %s", name);
	return NULL;
}

/* The state, a part of what is said and a part of what to do ("": anything). */
static void assert_found(const char *name, enum doctor_state state, const char *text, const char *todo)
{
	const struct doctor_finding *f = finding(name);

	if (f->state != state || !strstr(f->text, text) || !strstr(f->todo, todo))
		fail_msg("%s is %s: %s / %s", name, doctor_state_name(f->state), f->text, f->todo);
}

static void assert_all_skipped_from(const char *first)
{
	bool found = false;

	for (size_t i = 0; i < d.count; i++) {
		const struct doctor_finding *f = &d.findings[i];

		found = found || strcmp(f->check->name, first) == 0;
		if (found && f->check->of_card && f->state != DOCTOR_SKIPPED)
			fail_msg("%s is not left out: %s", f->check->name, f->text);
	}
	assert_true(found);
}

/* ---- all is well ---- */

static void a_good_card_on_a_good_computer_has_no_problem(void **state)
{
	static const char *const good[] = {
		"config", "usb", "pcscd", "service", "readers", "driver", "card", "answer", "profile",
		"number", "keyset", "certificates", "validity", "chain", "clock", "cache", "runtime", "vendor"};

	(void)state;
	examine();
	for (size_t i = 0; i < COUNT(good); i++)
		assert_found(good[i], DOCTOR_OK, "", "");
	assert_found("pin", DOCTOR_SKIPPED, "never gives one", "twcard pin verify");
	assert_found("profile", DOCTOR_OK, "hicos-v3", "");
	assert_found("certificates", DOCTOR_OK, "2 of the holder (1 sign, 1 decrypt), 2 of CAs", "");
	assert_found("usb", DOCTOR_OK, "USB Reader (serial)", "");
}

static void no_pin_is_given_and_nothing_stays_behind(void **state)
{
	struct vcard_stats stats;

	(void)state;
	unlink(home_path("cache"));
	examine();
	vcard_stats(card, &stats);
	assert_int_equal(stats.verifies, 0);
	assert_int_equal(stats.private_ops, 0);
	assert_true(stats.commands > 0);
	assert_int_equal(vcard_tries_left(card), 3);
	assert_int_not_equal(access(cache, F_OK), 0);
	/* nobody has to wait for who has ended */
	assert_int_equal(fake_foreign_command(READER, (const uint8_t *)"\x80\xA4\0\0\x02\x3F\0", 7), 0x9000);
}

/* ---- the service ---- */

static void usb_is_told_apart_from_no_usb(void **state)
{
	(void)state;
	put("/sys/bus/usb/devices/1-1:1.0/bInterfaceClass", "08\n");
	examine();
	assert_found("usb", DOCTOR_NOTE, "no smart-card reader", "");
	take_away("/sys");
	examine();
	assert_found("usb", DOCTOR_SKIPPED, "container", "");
}

static void a_service_that_is_not_there_has_its_reason(void **state)
{
	(void)state;
	stop_listening();
	fake_service_stop();
	examine();
	assert_found("service", DOCTOR_PROBLEM, "left its socket", "systemctl enable --now pcscd.socket");
	assert_found("readers", DOCTOR_SKIPPED, "\"PC/SC service\"", "");
	assert_all_skipped_from("answer");
	unlink(socket_path);
	examine();
	assert_found("service", DOCTOR_PROBLEM, "there is no socket", "systemctl enable --now pcscd.socket");
	assert_found("pcscd", DOCTOR_OK, "", "");
	take_away("/usr/sbin/pcscd");
	examine();
	assert_found("pcscd", DOCTOR_PROBLEM, "not installed", "apt install pcscd");
}

static void access_that_is_denied_is_not_a_service_that_is_missing(void **state)
{
	(void)state;
	fake_service_stop(); /* it listens, and hangs up: as older ones refuse */
	examine();
	assert_found("service", DOCTOR_PROBLEM, "refuses you", "/etc/polkit-1/rules.d");
	fake_service_start();
	fake_deny(NULL, true);
	examine();
	assert_found("service", DOCTOR_PROBLEM, "refuses you", "/etc/polkit-1/rules.d");
	assert_all_skipped_from("answer");
	fake_deny(NULL, false);
	fake_deny(READER, true);
	examine();
	assert_found("service", DOCTOR_OK, "", "");
	assert_found("answer", DOCTOR_PROBLEM, "polkit", "access_card");
	assert_all_skipped_from("profile");
}

static void a_reader_that_pcscd_does_not_know_wants_a_driver(void **state)
{
	(void)state;
	fake_remove_reader(READER);
	take_away("/usr/lib/pcsc");
	examine();
	assert_found("readers", DOCTOR_PROBLEM, "no reader", "libccid");
	assert_found("driver", DOCTOR_PROBLEM, "not installed", "apt install libccid");
	assert_all_skipped_from("answer");
	take_away("/sys");
	examine();
	assert_found("readers", DOCTOR_PROBLEM, "no reader", "Plug");
}

static void another_driver_is_only_noted(void **state)
{
	(void)state;
	take_away("/usr/lib/pcsc");
	examine();
	assert_found("driver", DOCTOR_NOTE, "another one", "");
}

/* ---- the card ---- */

static size_t be_mute(void *context, const uint8_t *cmd, size_t len, uint8_t answer[FAKE_ANSWER_MAX])
{
	(void)context;
	(void)cmd;
	(void)len;
	(void)answer;
	return 0;
}

static size_t be_unknown(void *context, const uint8_t *cmd, size_t len, uint8_t answer[FAKE_ANSWER_MAX])
{
	(void)be_mute(context, cmd, len, answer);
	memcpy(answer, "\x6E", 2);
	return 2;
}

static void a_card_that_is_none_of_ours_is_told_by_how_it_answers(void **state)
{
	const struct fake_card dead = {.answer = be_mute}, mute = {.answer = be_mute, .atr = "\x3B", .atr_len = 2},
			       unknown = {.answer = be_unknown, .atr = "\x3B", .atr_len = 2};

	(void)state;
	fake_eject(READER);
	examine();
	assert_found("card", DOCTOR_PROBLEM, "no card", "chip first");
	assert_all_skipped_from("answer");
	fake_insert_card(READER, &dead);
	examine();
	assert_found("answer", DOCTOR_PROBLEM, "does not answer", "contacts");
	fake_eject(READER);
	fake_insert_card(READER, &mute);
	examine();
	assert_found("answer", DOCTOR_OK, "3B00", "");
	assert_found("profile", DOCTOR_PROBLEM, "did not answer", "contacts");
	assert_all_skipped_from("number");
	fake_eject(READER);
	fake_insert_card(READER, &unknown);
	examine();
	assert_found("profile", DOCTOR_PROBLEM, "no profile", "--report");
}

static void a_card_that_others_hold_makes_nobody_wait_for_ever(void **state)
{
	(void)state;
	fake_hold_exclusively(READER, true);
	examine();
	assert_found("answer", DOCTOR_PROBLEM, "for itself", "End the other program");
	fake_hold_exclusively(READER, false);
	fake_hold_transaction(READER, true);
	examine();
	assert_found("answer", DOCTOR_PROBLEM, "held the card", "restart pcscd");
	assert_all_skipped_from("profile");
	fake_hold_transaction(READER, false);
}

static void a_key_set_that_is_missing_is_told_with_the_reason(void **state)
{
	struct vcard *second = make_card(2);
	char conf[400];

	(void)state;
	fake_eject(READER);
	fake_insert(READER, second);
	snprintf(conf, sizeof conf, "keyset-dir = %s\n", home_path("keysets"));
	home_write("test.conf", conf, 0600);
	keyset_remove();
	examine();
	assert_found("keyset", DOCTOR_PROBLEM, "no usable key set", "KEYSETS.md");
	assert_found("certificates", DOCTOR_OK, "", "");
	keyset_install();
	assert_int_equal(chmod(home_path("keysets/test.keyset"), 0644), 0);
	examine();
	assert_found("keyset", DOCTOR_PROBLEM, "refused", "KEYSETS.md");
	keyset_install();
	examine();
	assert_found("keyset", DOCTOR_OK, "", "");
	fake_eject(READER);
	vcard_free(&second);
}

static time_t expiry(void)
{
	X509 *x = vcard_certificate(card, VCARD_CERT_SIGN);
	struct tm end;

	assert_non_null(x);
	assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(x), &end), 1);
	X509_free(x);
	return timegm(&end);
}

static void examine_at(time_t now)
{
	prepare();
	d.place.now = now;
	doctor_run(&d);
}

static void time_decides_on_certificates_and_the_clock(void **state)
{
	(void)state;
	examine_at(expiry() - 300 * DAY);
	assert_found("validity", DOCTOR_OK, "in 300 days", "");
	examine_at(expiry() - 59 * DAY);
	assert_found("validity", DOCTOR_NOTE, "in 59 days", "Renew");
	examine_at(expiry() + 3 * DAY);
	assert_found("validity", DOCTOR_PROBLEM, "expired", "renew");
	assert_found("clock", DOCTOR_OK, "", "");
	assert_true(doctor_found_problem(&d));
	examine_at(1800000000 > time(NULL) ? 1700000001 : 1750000000);
	assert_found("validity", DOCTOR_PROBLEM, "not valid yet", "");
	assert_found("clock", DOCTOR_PROBLEM, "was issued on", "timedatectl");
	examine_at(0);
	assert_found("clock", DOCTOR_PROBLEM, "1970-01-01T00:00:00Z, but twcard was built on", "timedatectl");
}

static void all_cards_are_looked_at_or_the_one_that_is_meant(void **state)
{
	size_t profiles = 0;

	(void)state;
	other = testcard_load();
	fake_add_reader(OTHER_READER);
	fake_insert(OTHER_READER, other);
	examine();
	for (size_t i = 0; i < d.count; i++)
		profiles += strcmp(d.findings[i].check->name, "profile") == 0 &&
			    d.findings[i].state == DOCTOR_OK;
	assert_int_equal(profiles, 2);
	(void)fake_new_commands(READER);
	prepare();
	d.wanted = OTHER_READER;
	doctor_run(&d);
	assert_int_equal(fake_new_commands(READER), 0);
	assert_string_equal(finding("profile")->reader, OTHER_READER);
	prepare();
	d.wanted = "Nobody";
	doctor_run(&d);
	assert_found("card", DOCTOR_PROBLEM, "Nobody", "status");
	fake_eject(OTHER_READER);
	vcard_free(&other);
}

/* ---- files ---- */

static void a_wrong_configuration_is_cited(void **state)
{
	(void)state;
	home_write("test.conf", "cache = perhaps\nnonsense = 1\n", 0600);
	examine();
	assert_found("config", DOCTOR_PROBLEM, "2 things are wrong", "twcard.conf(5)");
	assert_found("config", DOCTOR_PROBLEM, "cache = perhaps", "");
	home_write("test.conf", "allow-unproven = yes\n", 0600);
	examine();
	assert_found("config", DOCTOR_NOTE, "allow-unproven", "");
}

static void folders_that_others_may_use_are_told(void **state)
{
	(void)state;
	make_folders(home_path("cache/twcard"));
	assert_int_equal(chmod(home_path("cache/twcard"), 0755), 0);
	make_folders(home_path("run/twcard"));
	assert_int_equal(chmod(home_path("run/twcard"), 0777), 0);
	examine();
	assert_found("cache", DOCTOR_PROBLEM, "others have access", "chmod 700");
	assert_found("runtime", DOCTOR_PROBLEM, "others have access", "chmod 700");
	home_write("test.conf", "cache = no\n", 0600);
	examine();
	assert_found("cache", DOCTOR_OK, "turned off", "");
	home_write("test.conf", "", 0600);
	remove_all(cache);
	home_write("cache", "a file", 0600);
	prepare();
	d.place.runtime_dir = NULL;
	doctor_run(&d);
	assert_found("cache", DOCTOR_PROBLEM, "Not a directory", "");
	assert_found("runtime", DOCTOR_NOTE, "XDG_RUNTIME_DIR", "");
}

static void the_vendors_software_is_noted(void **state)
{
	char link[700];

	(void)state;
	put("/proc/net/tcp", "  sl  local_address rem_address   st\n"
			     "   0: 0100007F:EEE9 00000000:0000 01 00000000:00000000\n");
	examine();
	assert_found("vendor", DOCTOR_OK, "", "");
	put("/proc/net/tcp", "  sl  local_address rem_address   st\n"
			     "   0: 0100007F:EEE9 00000000:0000 0A 00000000:00000000\n");
	put("/usr/lib/libHicos_p11.so", "");
	examine();
	assert_found("vendor", DOCTOR_NOTE, "/usr/lib/libHicos_p11.so, its service listens on port 61161", "");
	take_away("/proc");
	take_away("/usr/lib/libHicos_p11.so");
	snprintf(link, sizeof link, "%s/usr/lib/libHicos_p11.so", root);
	assert_int_equal(symlink(module, link), 0);
	examine();
	assert_found("vendor", DOCTOR_OK, "", "");
}

/* ---- the module ---- */

static void what_is_no_module_is_told(void **state)
{
	(void)state;
	examine();
	assert_found("module", DOCTOR_PROBLEM, "does not work", "anew");
	unlink(module);
	examine();
	assert_found("module", DOCTOR_PROBLEM, "is not there", "make install");
}

static void register_module(const char *file, const char *path)
{
	char text[500];

	snprintf(text, sizeof text, "# a comment\nmodule: %s\n", path);
	put(file, text);
}

static void p11_kits_folders_are_read(void **state)
{
	(void)state;
	examine();
	assert_found("p11-kit", DOCTOR_NOTE, "no:", "twcard cert register --p11-kit");
	register_module("/usr/share/p11-kit/modules/twcard.module", module);
	examine();
	assert_found("p11-kit", DOCTOR_OK, "yes", "");
	register_module("/etc/pkcs11/modules/opensc.module", "opensc-pkcs11.so");
	examine();
	assert_found("p11-kit", DOCTOR_NOTE, "OpenSC", "");
	register_module("/etc/pkcs11/modules/old.module", "/nowhere/twcard-pkcs11.so");
	examine();
	assert_found("p11-kit", DOCTOR_PROBLEM, "/nowhere/twcard-pkcs11.so, which is not there", "");
}

/* A database's list of modules, in the user's home. */
static void put_database(const char *folder, const char *library)
{
	char path[500], text[700];

	snprintf(path, sizeof path, "%s/%s", home, folder);
	make_folders(path);
	snprintf(path, sizeof path, "user/%s/pkcs11.txt", folder);
	snprintf(text, sizeof text, "library=\nname=NSS Internal PKCS #11 Module\n\nlibrary=%s\nname=x\n",
		 library);
	home_write(path, text, 0600);
}

static void nss_databases_are_read(void **state)
{
	(void)state;
	examine();
	assert_found("nss", DOCTOR_NOTE, "no NSS database", "");
	assert_found("firefox", DOCTOR_NOTE, "no NSS database", "");
	put_database(".pki/nssdb", module);
	put_database(".mozilla/firefox/a.default", module);
	put_database(".mozilla/firefox/b.old", "/usr/lib/p11-kit-proxy.so");
	examine();
	assert_found("nss", DOCTOR_OK, "yes", "");
	assert_found("firefox", DOCTOR_NOTE, "in 1 of 2 databases", "twcard cert register --firefox");
	register_module("/usr/share/p11-kit/modules/twcard.module", module);
	examine();
	assert_found("firefox", DOCTOR_OK, "yes", "");
	put_database(".pki/nssdb", "/nowhere/twcard-pkcs11.so");
	examine();
	assert_found("nss", DOCTOR_PROBLEM, "which is not there", "");
}

/* ---- the report ---- */

static char *make_report(void)
{
	char *log = NULL, *trace = NULL, *report;
	size_t log_size, trace_size;

	prepare();
	d.report = true;
	d.log = open_memstream(&log, &log_size);
	d.trace = open_memstream(&trace, &trace_size);
	assert_true(d.log && d.trace);
	doctor_run(&d);
	log_set(LOG_NONE, NULL, NULL);
	fclose(d.log);
	fclose(d.trace);
	d.log = d.trace = NULL;
	report = doctor_report(&d, log, trace);
	free(log);
	free(trace);
	assert_non_null(report);
	return report;
}

static void a_report_has_what_helps_and_no_secret(void **state)
{
	static const char *const secrets[] = {NAME, ID, "6789", NUMBER, PIN, "E78E8B"},
				*const wanted[] = {"twcard: ", "OpenSSL", "hicos-v3", "certificates: 4",
						   "private keys: 3", "3BB813008131FA52", "> 80A4", "< **16 9000"};
	char *report;

	(void)state;
	setenv("HOME", home, 1);
	make_folders(home_path("cache/twcard"));
	report = make_report();
	for (size_t i = 0; i < COUNT(secrets); i++)
		if (strstr(report, secrets[i]))
			fail_msg("%s is in the report:\n%s", secrets[i], report);
	for (size_t i = 0; i < COUNT(wanted); i++)
		if (!strstr(report, wanted[i]))
			fail_msg("%s is not in the report:\n%s", wanted[i], report);
	assert_null(strstr(report, home));
	free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define DOCTOR_TESTS(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		DOCTOR_TESTS(a_good_card_on_a_good_computer_has_no_problem),
		DOCTOR_TESTS(no_pin_is_given_and_nothing_stays_behind),
		DOCTOR_TESTS(usb_is_told_apart_from_no_usb),
		DOCTOR_TESTS(a_service_that_is_not_there_has_its_reason),
		DOCTOR_TESTS(access_that_is_denied_is_not_a_service_that_is_missing),
		DOCTOR_TESTS(a_reader_that_pcscd_does_not_know_wants_a_driver),
		DOCTOR_TESTS(another_driver_is_only_noted),
		DOCTOR_TESTS(a_card_that_is_none_of_ours_is_told_by_how_it_answers),
		DOCTOR_TESTS(a_card_that_others_hold_makes_nobody_wait_for_ever),
		DOCTOR_TESTS(a_key_set_that_is_missing_is_told_with_the_reason),
		DOCTOR_TESTS(time_decides_on_certificates_and_the_clock),
		DOCTOR_TESTS(all_cards_are_looked_at_or_the_one_that_is_meant),
		DOCTOR_TESTS(a_wrong_configuration_is_cited),
		DOCTOR_TESTS(folders_that_others_may_use_are_told),
		DOCTOR_TESTS(the_vendors_software_is_noted),
		DOCTOR_TESTS(what_is_no_module_is_told),
		DOCTOR_TESTS(p11_kits_folders_are_read),
		DOCTOR_TESTS(nss_databases_are_read),
		DOCTOR_TESTS(a_report_has_what_helps_and_no_secret),
	};
	int failed = cmocka_run_group_tests_name("doctor", tests, NULL, NULL);

	vcard_free(&card);
	return failed;
}
