/*
 * The agent on its sockets: both loopback addresses, what goes with every
 * answer, other users, and those that send too much, too slowly or nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <byteswap.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agentdesk.h"
#include "child.h"
#include "tools/agent/peer.h"
#include "tools/agent/request.h"
#include "tools/agent/server.h"

#define ANSWER_MAX 65536
#define WAIT_MS 120000 /* an answer that does not come fails the test */
#define NOBODY 65534

static struct agent_server *server;
static struct loopback sockets;

static int set_up(void **state)
{
	char problem[256] = "";

	desk_set_up(state);
	assert_true(loopback_open(0, &sockets, problem, sizeof problem));
	assert_true(sockets.port > 0);
	server = agent_server_start(desk, &sockets);
	assert_non_null(server);
	return 0;
}

static int tear_down(void **state)
{
	agent_server_stop(server);
	return desk_tear_down(state);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* ---- a client that does as it is told ---- */

static int connect_to(int family)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)sockets.port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)sockets.port),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	const struct sockaddr *address = family == AF_INET ? (const void *)&v4 : (const void *)&v6;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, address, family == AF_INET ? sizeof v4 : sizeof v6) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* False: the other end has closed. */
static bool send_all(int fd, const void *data, size_t len)
{
	for (const char *at = data; len;) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* To the end of the connection. Says the status; 0: there was no answer. */
static int read_answer(int fd, char answer[ANSWER_MAX])
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len + 1 < ANSWER_MAX && poll(&p, 1, WAIT_MS) == 1) {
		n = read(fd, answer + len, ANSWER_MAX - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	answer[len] = '\0';
	return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

/* heads: lines with their ends, or "". */
static int exchange(int family, const char *method, const char *path, const char *heads, const char *body,
		    char answer[ANSWER_MAX])
{
	int fd = connect_to(family), status;
	char *text;

	if (fd < 0)
		return -1;
	assert_true(asprintf(&text, "%s %s HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
			     method, path, sockets.port, heads, strlen(body), body) > 0);
	(void)send_all(fd, text, strlen(text));
	free(text);
	status = read_answer(fd, answer);
	close(fd);
	return status;
}

static bool has_line(const char *answer, const char *line)
{
	return strcasestr(answer, line) != NULL;
}

/* ---- what goes with answers ---- */

static void test_both_addresses_answer(void **state)
{
	char answer[ANSWER_MAX];

	(void)state;
	assert_int_equal(exchange(AF_INET, "GET", "/popupForm", "", "", answer), 200);
	if (sockets.count > 1)
		assert_int_equal(exchange(AF_INET6, "GET", "/popupForm", "", "", answer), 200);
}

static void test_every_answer_has_its_guards(void **state)
{
	static const char *const paths[] = {"/popupForm", "/", "/pkcs11info", "/nothing", "/pages/popup.js", "/p11Image.bmp"};
	char answer[ANSWER_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		assert_true(exchange(AF_INET, "GET", paths[i], "", "", answer) > 0);
		assert_true(has_line(answer, "\r\nX-Frame-Options: DENY\r\n"));
		assert_true(has_line(answer, "\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; "));
		assert_true(has_line(answer, "frame-ancestors 'none'\r\n"));
		assert_false(has_line(answer, "unsafe-inline"));
		assert_true(has_line(answer, "\r\nX-Content-Type-Options: nosniff\r\n"));
		assert_true(has_line(answer, "\r\nCache-Control: no-store\r\n"));
		assert_true(has_line(answer, "\r\nCross-Origin-Resource-Policy: same-origin\r\n"));
		assert_false(has_line(answer, "Access-Control-Allow-Origin"));
		assert_true(has_line(answer, strcmp(paths[i], "/popupForm") == 0
						     ? "\r\nCross-Origin-Opener-Policy: unsafe-none\r\n"
						     : "\r\nCross-Origin-Opener-Policy: same-origin\r\n"));
	}
}

static void test_a_preflight_over_the_wire(void **state)
{
	static const char heads[] = "Origin: " DESK_SITE "\r\nAccess-Control-Request-Method: POST\r\n"
				    "Access-Control-Request-Private-Network: true\r\n";
	char answer[ANSWER_MAX];

	(void)state;
	assert_int_equal(exchange(AF_INET, "OPTIONS", "/sign", heads, "", answer), 403);
	assert_false(has_line(answer, "Access-Control-Allow"));
	assert_true(sites_set(desk->sites, DESK_SITE, SITE_ALLOWED));
	assert_int_equal(exchange(AF_INET, "OPTIONS", "/sign", heads, "", answer), 204);
	assert_true(has_line(answer, "\r\nAccess-Control-Allow-Origin: " DESK_SITE "\r\n"));
	assert_true(has_line(answer, "\r\nAccess-Control-Allow-Private-Network: true\r\n"));
	assert_true(has_line(answer, "\r\nVary: Origin\r\n"));
}

static void test_the_wire_has_the_headers_that_count(void **state)
{
	char answer[ANSWER_MAX];

	(void)state;
	assert_int_equal(exchange(AF_INET, "GET", "/popupForm", "Sec-Fetch-Dest: iframe\r\n", "", answer), 403);
	assert_int_equal(exchange(AF_INET, "GET", "/", "Sec-Fetch-Site: cross-site\r\n", "", answer), 403);
	assert_int_equal(exchange(AF_INET, "POST", "/popup", "Origin: " DESK_OTHER "\r\n", "{}", answer), 403);
	assert_int_equal(exchange(AF_INET, "GET", "/pkcs11info?withcert=true", "Sec-Fetch-Mode: no-cors\r\n", "", answer), 200);
	assert_int_equal(desk_card.calls, 0);
	assert_int_equal(exchange(AF_INET, "GET", "/pkcs11info?withcert=true", "", "", answer), 200);
	assert_int_equal(desk_card.function, WORK_INFO_CERTS);
	assert_int_equal(exchange(AF_INET, "GET", "/addDomain?domain=www.example.gov.tw", "", "", answer), 200);
	assert_true(has_line(answer, "<p>" DESK_SITE "</p>"));
	assert_int_equal(exchange(AF_INET, "POST", "/sign", "", "tbsPackage=%7B%22pin%22%3A%22123456%22%7D", answer), 200);
	assert_string_equal(desk_card.said, "123456");
}

static void test_a_name_that_points_here_is_refused(void **state)
{
	char answer[ANSWER_MAX], request[256];
	int fd = connect_to(AF_INET);

	(void)state;
	assert_true(fd >= 0);
	snprintf(request, sizeof request, "GET /pkcs11info HTTP/1.1\r\nHost: evil.example:%u\r\nConnection: close\r\n\r\n",
		 sockets.port);
	assert_true(send_all(fd, request, strlen(request)));
	assert_int_equal(read_answer(fd, answer), 403);
	assert_true(has_line(answer, "\"error\":\"host\""));
	close(fd);
	assert_int_equal(desk_card.calls, 0);
}

/* ---- what goes on ---- */

/* Reads until the text is there, again after what was found before. */
static bool comes(int fd, char answer[ANSWER_MAX], size_t *len, const char *text, size_t times)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		size_t found = 0;
		ssize_t n;

		for (const char *at = answer; (at = strstr(at, text)); at++)
			found++;
		if (found >= times)
			return true;
		if (*len + 1 >= ANSWER_MAX || poll(&p, 1, WAIT_MS) != 1)
			return false;
		n = read(fd, answer + *len, ANSWER_MAX - 1 - *len);
		if (n <= 0)
			return false;
		*len += (size_t)n;
		answer[*len] = '\0';
	}
}

static void test_changes_come_on_one_connection(void **state)
{
	char key[TOKEN_LEN + 1], token[TOKEN_LEN + 1], answer[ANSWER_MAX] = "", *request;
	int fd = connect_to(AF_INET);
	size_t len = 0;

	(void)state;
	assert_true(fd >= 0);
	assert_true(keys_open(desk->keys, desk_time, key) && keys_enter(desk->keys, key, desk_time, token));
	assert_true(asprintf(&request, "GET /manage/events?token=%s HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", token, sockets.port) > 0);
	assert_true(send_all(fd, request, strlen(request)));
	free(request);
	assert_true(comes(fd, answer, &len, "event: state", 1));
	assert_true(has_line(answer, "\r\nContent-Type: text/event-stream\r\n"));
	for (size_t i = 2; i < 5; i++) {
		atomic_fetch_add(&desk_generation, 1);
		assert_true(comes(fd, answer, &len, "event: state", i));
	}
	assert_int_equal(atomic_load(&desk->streams), 1);
	/* the agent's end is the stream's */
	atomic_store(&desk->stop, true);
	(void)comes(fd, answer, &len, "nothing of that kind", 1);
	assert_true(has_line(answer, "\r\n0\r\n\r\n"));
	close(fd);
}

/* ---- who ---- */

static void test_another_users_process_is_refused(void **state)
{
	char answer[ANSWER_MAX];
	int status = 0;
	pid_t child;

	(void)state;
	if (!peer_is_told() || geteuid() != 0) {
		print_message("this needs root, to be another user\n");
		skip();
	}
	child = child_start();
	if (!child)
		_exit(setuid(NOBODY) == 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status) {
		print_message("# SKIP there is no other user in this namespace\n");
		skip();
	}
	child = child_start();
	if (!child) {
		CHILD_WANTS(setuid(NOBODY) == 0);
		CHILD_WANTS(exchange(AF_INET, "GET", "/popupForm", "", "", answer) == 403);
		CHILD_WANTS(has_line(answer, "\"error\":\"peer\""));
		CHILD_WANTS(sockets.count < 2 || exchange(AF_INET6, "GET", "/pkcs11info", "", "", answer) == 403);
		child_done_leaving_memory();
	}
	child_assert_well(child);
	assert_int_equal(desk_card.calls, 0);
	assert_int_equal(exchange(AF_INET, "GET", "/popupForm", "", "", answer), 200);
}

static void test_a_taken_port_says_whose_it_is(void **state)
{
	struct loopback other;
	char problem[512] = "", own[64];

	(void)state;
	assert_false(loopback_open(sockets.port, &other, problem, sizeof problem));
	assert_int_equal(other.count, 0);
	assert_non_null(strstr(problem, "--port"));
	if (peer_is_told()) {
		snprintf(own, sizeof own, "process %d (", (int)getpid());
		assert_non_null(strstr(problem, own));
	}
}

/* ---- too much, too slow, nothing ---- */

static void test_too_much_is_refused(void **state)
{
	char answer[ANSWER_MAX], head[256], *block = calloc(1, 1 << 16);
	int fd = connect_to(AF_INET);
	size_t sent = 0;
	bool open = true;

	(void)state;
	assert_non_null(block);
	assert_true(fd >= 0);
	snprintf(head, sizeof head, "POST /sign HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\nContent-Length: %u\r\n\r\n",
		 sockets.port, REQUEST_BODY_MAX + 65536);
	assert_true(send_all(fd, head, strlen(head)));
	for (; open && sent < REQUEST_BODY_MAX + 65536; sent += 1 << 16)
		open = send_all(fd, block, 1 << 16);
	assert_int_equal(read_answer(fd, answer), 413);
	close(fd);
	free(block);
	assert_int_equal(desk_card.calls, 0);
}

static void test_headers_without_end_are_refused(void **state)
{
	char answer[ANSWER_MAX], *heads = malloc(100001);

	(void)state;
	assert_non_null(heads);
	for (size_t i = 0; i < 100000; i += 10)
		memcpy(heads + i, "X-a: bcd\r\n", 10);
	heads[100000] = '\0';
	/* the library may end the connection in place of an answer */
	assert_int_not_equal(exchange(AF_INET, "GET", "/pkcs11info", heads, "", answer), 200);
	free(heads);
	assert_int_equal(exchange(AF_INET, "GET", "/popupForm", "", "", answer), 200);
}

static void test_those_that_send_nothing_hold_up_nobody(void **state)
{
	static const char part[] = "POST /sign HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\ntbsPack";
	char answer[ANSWER_MAX];
	int fds[AGENT_CONNECTIONS / 2];

	(void)state;
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		fds[i] = connect_to(AF_INET);
		assert_true(fds[i] >= 0);
		assert_true(send_all(fds[i], part, i % 2 ? strlen(part) : 10));
	}
	assert_int_equal(exchange(AF_INET, "GET", "/popupForm", "", "", answer), 200);
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		close(fds[i]);
}

#define MANY (AGENT_CONNECTIONS + 50)
#define KEPT_SECONDS 20 /* the server ends a connection that is silent for longer than this */

/* What has come, not an end. */
static bool is_answered(int fd)
{
	char first;

	return recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* So many of them, or more, within the time. */
static size_t count_answered(const int fds[MANY], size_t wanted, int wait_ms)
{
	size_t count = 0;

	for (int ms = 0; ms <= wait_ms && count < wanted; ms += 10) {
		count = 0;
		for (size_t i = 0; i < MANY; i++)
			count += is_answered(fds[i]);
		usleep(10000);
	}
	return count;
}

/* More than there is room for: they get nothing, and what is closed again makes room. */
static void test_too_many_connections_pass_over(void **state)
{
	char answer[ANSWER_MAX], text[128];
	time_t begun = time(NULL);
	int fds[MANY];
	size_t more;

	(void)state;
	snprintf(text, sizeof text, "GET /popupForm HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", sockets.port);
	for (size_t i = 0; i < MANY; i++) {
		fds[i] = connect_to(AF_INET);
		if (fds[i] >= 0)
			(void)send_all(fds[i], text, strlen(text));
	}
	assert_true(count_answered(fds, AGENT_CONNECTIONS, WAIT_MS) >= AGENT_CONNECTIONS);
	more = count_answered(fds, AGENT_CONNECTIONS + 1, 500);
	/* on a machine so slow that some have ended meanwhile, others came after them */
	if (time(NULL) - begun < KEPT_SECONDS)
		assert_int_equal(more, AGENT_CONNECTIONS);
	for (size_t i = 0; i < MANY; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	/* the library sees by and by that they are gone */
	while (exchange(AF_INET, "GET", "/popupForm", "", "", answer) != 200)
		usleep(10000);
}

static void *ask_often(void *failed)
{
	char answer[ANSWER_MAX];

	for (int i = 0; i < 25; i++)
		if (exchange(AF_INET, "GET", "/pkcs11info", "", "", answer) != 200)
			*(bool *)failed = true;
	return NULL;
}

static void test_many_ask_at_once(void **state)
{
	pthread_t threads[8];
	bool failed[8] = {false};

	(void)state;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &failed[i]), 0);
	for (size_t i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < 8; i++)
		assert_false(failed[i]);
}

/*
 * The system's table of sockets has addresses as the machine has numbers. Under an emulator
 * it is another machine's, and the agent, rightly, finds nobody in it.
 */
static bool sockets_are_another_machines(void)
{
	const uint32_t there = bswap_32(htonl(INADDR_LOOPBACK));
	char problem[256] = "", entry[64], line[512];
	struct loopback own;
	bool found = false;
	FILE *f;

	if (!loopback_open(0, &own, problem, sizeof problem))
		return false;
	snprintf(entry, sizeof entry, ": %08" PRIX32 ":%04X 00000000:0000 0A", there, own.port);
	f = fopen("/proc/net/tcp", "re");
	while (f && !found && fgets(line, sizeof line, f))
		found = strstr(line, entry) != NULL;
	if (f)
		fclose(f);
	loopback_close(&own);
	return found;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SERVED(test_both_addresses_answer),
		SERVED(test_every_answer_has_its_guards),
		SERVED(test_a_preflight_over_the_wire),
		SERVED(test_changes_come_on_one_connection),
		SERVED(test_the_wire_has_the_headers_that_count),
		SERVED(test_a_name_that_points_here_is_refused),
		SERVED(test_another_users_process_is_refused),
		SERVED(test_a_taken_port_says_whose_it_is),
		SERVED(test_too_much_is_refused),
		SERVED(test_headers_without_end_are_refused),
		SERVED(test_those_that_send_nothing_hold_up_nobody),
		SERVED(test_too_many_connections_pass_over),
		SERVED(test_many_ask_at_once),
	};

	if (sockets_are_another_machines()) {
		puts("1..0 # SKIP the table of sockets is that of another machine (an emulator)");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
