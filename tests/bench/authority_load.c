/*
 * Load for an authority: cards made of software keys, and clients that reserve
 * and register certificates with them over TLS, each on one connection.
 *
 *   authority_load make DIR
 *   authority_load run DIR URL[,URL…] CLIENTS ROUNDS ANSWERED
 *   authority_load twice DIR URL,URL ROUNDS ANSWERED
 *
 * make puts ca.pem (for the server's --trust), primary.pem and clerk.pem
 * (certificate and key) into DIR. run makes ROUNDS reservations and
 * registrations in each client (0: until SIGUSR1, and three more then), writes
 * "ID OPERATION NUMBER INSTANCE" for each that was answered into ANSWERED before
 * it goes on, and prints the numbers. DIR/tls.pem is what the server's
 * certificate is checked against.
 *
 * Several URLs are instances on one database: the clients are spread over them.
 * One whose instance is gone goes to the next, sends there what was not
 * answered, and then the last two requests again: the answers are the same.
 * twice sends each request to both instances before it reads an answer (the
 * same one from both), and two requests with one nonce (one of them is refused).
 *
 * Status 1: a client did not get to its end (the server is gone), 2: an answer
 * that is wrong.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "authority_request.h"
#include "authz_world.h"

#define CLIENTS_MAX 64
#define BODY_MAX (1 << 20)
#define TIMEOUT_SECONDS 120
#define INSTANCES_MAX 4
#define TRIES 10       /* of one request, at instances that are gone or have no database */
#define ROUNDS_AFTER 3 /* of each client, after SIGUSR1 */

#define MUST(condition)                                                                                      \
	((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), exit(2)))

struct instance {
	char host[64];
	int port;
};

static struct {
	struct instance instances[INSTANCES_MAX];
	int instance_count;
	bool tls;
	SSL_CTX *ctx;
	X509 *primary, *clerk;
	EVP_PKEY *key; /* of the primary card */
	char name[256]; /* of the authority */
	int rounds, answered;
} load;

/* A request that was answered. */
struct answered {
	uint8_t *bytes;
	size_t len;
	char *answer;
};

struct client {
	pthread_t thread;
	int fd;
	SSL *ssl;
	int at;        /* instance */
	double *times; /* milliseconds, of each request */
	int count, room;
	struct answered last;
	bool moved;    /* to another instance, in this request */
	int moves, repeats;
	bool lost;
	char body[BODY_MAX];
};

/* ---- the connection ---- */

static bool open_connection(struct client *c)
{
	const struct instance *instance = &load.instances[c->at];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)instance->port)};
	struct timeval limit = {.tv_sec = TIMEOUT_SECONDS};
	int yes = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(c->fd >= 0 && inet_pton(AF_INET, instance->host, &to.sin_addr) == 1);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0)
		return false;
	if (!load.tls)
		return true;
	c->ssl = SSL_new(load.ctx);
	MUST(c->ssl && SSL_set_fd(c->ssl, c->fd));
	return SSL_connect(c->ssl) == 1;
}

static void close_connection(struct client *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* To the next instance that is there, in the end the same. False: there is no other, or none answers. */
static bool move_on(struct client *c)
{
	for (int i = 0; load.instance_count > 1 && i < load.instance_count; i++) {
		close_connection(c);
		c->at = (c->at + 1) % load.instance_count;
		if (open_connection(c)) {
			c->moved = true;
			c->moves++;
			return true;
		}
	}
	return false;
}

static bool put(struct client *c, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, p, (int)len) : send(c->fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* One answer, into the body. 0: the connection is lost; else the status. */
static int take(struct client *c)
{
	size_t have = 0, wanted = 0;
	char *end = NULL, *length;
	int status;

	while (!end || have < wanted) {
		int room = (int)(sizeof c->body - 1 - have);
		ssize_t n = c->ssl ? SSL_read(c->ssl, c->body + have, room) : recv(c->fd, c->body + have, (size_t)room, 0);

		if (n <= 0)
			return 0;
		have += (size_t)n;
		c->body[have] = '\0';
		if (!end && (end = strstr(c->body, "\r\n\r\n"))) {
			length = strcasestr(c->body, "\r\nContent-Length:");
			MUST(length && length < end);
			wanted = (size_t)(end + 4 - c->body) + strtoul(length + 17, NULL, 10);
			MUST(wanted < sizeof c->body);
		}
	}
	status = atoi(c->body + 9);
	memmove(c->body, end + 4, have - (size_t)(end + 4 - c->body) + 1);
	return status;
}

static int get(struct client *c, const char *path)
{
	char head[256];
	int n = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, load.instances[c->at].host);

	return put(c, head, (size_t)n) ? take(c) : 0;
}

/* NULL: the connection is lost, and there is no other instance. Owned by the caller. */
static struct json_object *get_nonce(struct client *c)
{
	int status = get(c, "/v1/nonce");
	struct json_object *answer;

	for (int i = 0; !status && i < TRIES && move_on(c); i++)
		status = get(c, "/v1/nonce");
	if (!status)
		return NULL;
	MUST(status == 200 && (answer = json_tokener_parse(c->body)));
	return answer;
}

static bool put_request(struct client *c, const void *body, size_t len)
{
	char *all = malloc(len + 256);
	int n = snprintf(all, 256, "POST /v1/requests HTTP/1.1\r\nHost: %s\r\nContent-Type: application/pkcs7-mime\r\n"
				   "Content-Length: %zu\r\n\r\n", load.instances[c->at].host, len);
	bool sent;

	memcpy(all + n, body, len);
	sent = put(c, all, (size_t)n + len);
	free(all);
	return sent;
}

/* The same bytes, until an instance that has its database answers. 0: none is there; else the status. */
static int post(struct client *c, const void *body, size_t len)
{
	int status = put_request(c, body, len) ? take(c) : 0;

	for (int i = 0; (!status || status == 503) && i < TRIES && move_on(c); i++)
		status = put_request(c, body, len) ? take(c) : 0;
	return status;
}

/* ---- requests ---- */

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static void time_text(time_t t, char out[32])
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void add_text(struct json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, json_object_new_string(text));
}

static const char *text_of(struct json_object *from, const char *name)
{
	struct json_object *value = NULL;

	MUST(json_object_object_get_ex(from, name, &value));
	return json_object_get_string(value);
}

static void note(const struct client *c, const char *id, const char *operation, const char *number)
{
	char line[256];
	int n = snprintf(line, sizeof line, "%s %s %s %d\n", id, operation, number, c->at + 1);

	/* one write: whole lines, also of several threads */
	MUST(write(load.answered, line, (size_t)n) == n);
}

static void random_id(char out[33])
{
	unsigned char bytes[16];

	MUST(RAND_bytes(bytes, sizeof bytes) == 1);
	for (int i = 0; i < 16; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* The bytes to send, owned by the caller; its id. fields is completed. */
static uint8_t *sign(struct json_object *fields, const char *operation, const char *nonce, char id[33], size_t *len)
{
	char now[32];
	const char *text;

	random_id(id);
	time_text(time(NULL), now);
	json_object_object_add(fields, "protocol", json_object_new_int(1));
	add_text(fields, "nonce", nonce);
	add_text(fields, "operation", operation);
	add_text(fields, "authority", load.name);
	add_text(fields, "request", id);
	add_text(fields, "time", now);
	text = json_object_to_json_string(fields);
	return authority_request_sign(load.key, load.primary, text, strlen(text), len);
}

static void time_add(struct client *c, double ms)
{
	if (c->count == c->room) {
		c->room = 2 * c->room + 64;
		c->times = realloc(c->times, (size_t)c->room * sizeof *c->times);
		MUST(c->times);
	}
	c->times[c->count++] = ms;
}

static void answered_clear(struct answered *a)
{
	free(a->bytes);
	free(a->answer);
	*a = (struct answered){.bytes = NULL};
}

/* What was answered before, perhaps by another instance, has the same answer, byte for byte. */
static void repeat(struct client *c, const struct answered *a)
{
	int status;

	if (!a->bytes)
		return;
	status = post(c, a->bytes, a->len);
	if (status != 200 || strcmp(c->body, a->answer) != 0)
		fprintf(stderr, "repeated: %d %s\nwas: %s\n", status, c->body, a->answer);
	MUST(status == 200 && strcmp(c->body, a->answer) == 0);
	c->repeats++;
}

/* bytes is taken over. */
static void keep_last(struct client *c, uint8_t *bytes, size_t len)
{
	struct answered now = {bytes, len, strdup(c->body)};

	MUST(now.answer);
	if (c->moved) {
		repeat(c, &c->last);
		repeat(c, &now);
		c->moved = false;
	}
	answered_clear(&c->last);
	c->last = now;
}

/* NULL: the connection is lost. fields is taken over. number: the answer's field that is noted. */
static struct json_object *request(struct client *c, const char *operation, struct json_object *fields, const char *number)
{
	struct json_object *nonce = get_nonce(c), *answer = NULL;
	char id[33];
	uint8_t *bytes;
	double begun;
	size_t len;
	int status;

	if (!nonce) {
		json_object_put(fields);
		return NULL;
	}
	bytes = sign(fields, operation, text_of(nonce, "nonce"), id, &len);
	json_object_put(nonce);
	json_object_put(fields);
	begun = now_ms();
	status = post(c, bytes, len);
	if (!status) {
		free(bytes);
		return NULL;
	}
	if (status != 200)
		fprintf(stderr, "%s: %d %s\n", operation, status, c->body);
	MUST(status == 200 && (answer = json_tokener_parse(c->body)));
	time_add(c, now_ms() - begun);
	note(c, id, operation, text_of(answer, number));
	keep_last(c, bytes, len);
	return answer;
}

static time_t time_of(struct json_object *from, const char *name)
{
	struct tm tm = {0};

	MUST(strptime(text_of(from, name), "%Y-%m-%dT%H:%M:%SZ", &tm));
	return timegm(&tm);
}

static struct authz_spec new_spec(void)
{
	return (struct authz_spec){
		.holder = load.clerk,
		.authorizer = load.primary,
		.kind = AUTHZ_KIND_APPLICATIONS,
		.grant_count = 1,
		.grants = {{"公文交換測試平台", "測試公司2》高雄第一廠", "005》12345601", "接收公文、發送公文"}},
		.bearer_id_kind = AUTHZ_ID_NATIONAL,
		.bearer_id = "A123456789",
	};
}

static struct json_object *reserve_fields(const struct authz_spec *spec)
{
	struct json_object *fields = json_object_new_object();

	json_object_object_add(fields, "holder", authority_request_x509(spec->holder));
	json_object_object_add(fields, "content", authority_request_content(spec));
	add_text(fields, "kind", "applications");
	add_text(fields, "terms", "1");
	return fields;
}

static struct json_object *reserve(struct client *c, struct authz_spec *spec)
{
	struct json_object *answer = request(c, "reserve", reserve_fields(spec), "sequence");

	if (answer) {
		spec->sequence = (uint32_t)atoi(text_of(answer, "sequence"));
		spec->not_before = time_of(answer, "not_before");
		spec->not_after = time_of(answer, "not_after");
	}
	return answer;
}

/* False: the connection is lost. */
static bool one_round(struct client *c)
{
	struct authz_spec spec = new_spec();
	struct json_object *reserved = reserve(c, &spec), *fields, *answer;
	struct authz_cert *cert = NULL;
	const unsigned char *der;
	size_t len;

	if (!reserved)
		return false;
	MUST(authz_cert_build(&spec, world_sign, load.key, &cert) == AUTHZ_GOOD);
	der = authz_cert_der(cert, &len);
	fields = json_object_new_object();
	add_text(fields, "reservation", text_of(reserved, "reservation"));
	json_object_object_add(fields, "certificate", authority_request_base64(der, len));
	answer = request(c, "register", fields, "serial");
	authz_cert_free(cert);
	json_object_put(reserved);
	json_object_put(answer);
	return answer != NULL;
}

/* SIGUSR1 is blocked, and only looked for: a handler would interrupt what waits for an answer. */
static bool told_to_end(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1;
}

static void *work(void *context)
{
	struct client *c = context;
	int left = load.rounds;

	c->lost = !open_connection(c) && !move_on(c);
	while (!left && !c->lost) {
		if (told_to_end())
			left = ROUNDS_AFTER;
		else
			c->lost = !one_round(c);
	}
	for (; left && !c->lost; left--)
		c->lost = !one_round(c);
	close_connection(c);
	return NULL;
}

/* ---- what is run ---- */

static void save(const char *dir, const char *name, X509 *x509, EVP_PKEY *key)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s.pem", dir, name);
	file = fopen(path, "we");
	MUST(file && PEM_write_X509(file, x509));
	MUST(!key || PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
	MUST(fclose(file) == 0);
}

static int make(const char *dir)
{
	struct world w;

	world_init(&w, time(NULL));
	save(dir, "ca", w.cards[WORLD_CA], NULL);
	save(dir, "primary", w.cards[WORLD_PRIMARY], w.keys[WORLD_PRIMARY]);
	save(dir, "clerk", w.cards[WORLD_CLERK], w.keys[WORLD_CLERK]);
	world_clear(&w);
	return 0;
}

static X509 *load_card(const char *dir, const char *name, EVP_PKEY **key)
{
	char path[512];
	FILE *file;
	X509 *x509;

	snprintf(path, sizeof path, "%s/%s.pem", dir, name);
	file = fopen(path, "re");
	MUST(file);
	x509 = PEM_read_X509(file, NULL, NULL, NULL);
	MUST(x509);
	if (key)
		*key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	return x509;
}

static void read_url(const char *dir, const char *url)
{
	char path[512];

	load.tls = strncmp(url, "https://", 8) == 0;
	for (; url; url = strchr(url, ',') ? strchr(url, ',') + 1 : NULL) {
		struct instance *to = &load.instances[load.instance_count++];

		MUST(load.instance_count <= INSTANCES_MAX);
		MUST(sscanf(url + (load.tls ? 8 : 7), "%63[^:]:%d", to->host, &to->port) == 2);
	}
	if (!load.tls)
		return;
	snprintf(path, sizeof path, "%s/tls.pem", dir);
	load.ctx = SSL_CTX_new(TLS_client_method());
	MUST(load.ctx && SSL_CTX_load_verify_locations(load.ctx, path, NULL));
	SSL_CTX_set_verify(load.ctx, SSL_VERIFY_PEER, NULL);
}

static void client_free(struct client *c)
{
	answered_clear(&c->last);
	free(c->times);
	free(c);
}

static struct client *client_new(int instance)
{
	struct client *c = calloc(1, sizeof *c);

	MUST(c);
	c->fd = -1;
	c->at = instance;
	return c;
}

static void read_name(void)
{
	struct client *c = client_new(0);
	struct json_object *version;

	MUST(open_connection(c) && get(c, "/v1/version") == 200);
	version = json_tokener_parse(c->body);
	snprintf(load.name, sizeof load.name, "%s", text_of(version, "name"));
	json_object_put(version);
	close_connection(c);
	client_free(c);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_numbers(struct client *const *clients, int count, double seconds)
{
	int n = 0, moves = 0, repeats = 0;
	double *all;

	for (int i = 0; i < count; i++) {
		n += clients[i]->count;
		moves += clients[i]->moves;
		repeats += clients[i]->repeats;
	}
	all = calloc((size_t)n + 1, sizeof *all);
	MUST(all);
	n = 0;
	for (int i = 0; i < count; i++) {
		for (int k = 0; k < clients[i]->count; k++)
			all[n++] = clients[i]->times[k];
	}
	qsort(all, (size_t)n, sizeof *all, compare);
	printf("%d clients, %d signed requests in %.1f s: %.0f a second, p50 %.1f ms, p99 %.1f ms\n", count, n, seconds,
	       n / seconds, all[n / 2], all[n ? (n - 1) * 99 / 100 : 0]);
	if (load.instance_count > 1)
		printf("%d moves to another instance, %d repeated requests had the same answer\n", moves, repeats);
	free(all);
}

static int run(int count)
{
	struct client *clients[CLIENTS_MAX];
	double begun = now_ms();
	bool lost = false;

	for (int i = 0; i < count; i++) {
		clients[i] = client_new(i % load.instance_count);
		MUST(pthread_create(&clients[i]->thread, NULL, work, clients[i]) == 0);
	}
	for (int i = 0; i < count; i++)
		pthread_join(clients[i]->thread, NULL);
	print_numbers(clients, count, (now_ms() - begun) / 1000);
	for (int i = 0; i < count; i++) {
		lost = lost || clients[i]->lost;
		client_free(clients[i]);
	}
	return lost ? 1 : 0;
}

/* To both, and only then an answer of each: the status of the other one is put there. */
static int ask_both(struct client *const both[2], uint8_t *const bytes[2], const size_t len[2], int *other)
{
	for (int i = 0; i < 2; i++)
		MUST(put_request(both[i], bytes[i], len[i]));
	*other = take(both[1]);
	return take(both[0]);
}

/* The same request at two instances at once has one effect, and one answer. */
static void ask_one_at_both(struct client *const both[2])
{
	struct authz_spec spec = new_spec();
	struct json_object *nonce = get_nonce(both[0]), *fields = reserve_fields(&spec), *answer = NULL;
	uint8_t *bytes;
	char id[33];
	size_t len;
	int status, other;

	MUST(nonce);
	bytes = sign(fields, "reserve", text_of(nonce, "nonce"), id, &len);
	status = ask_both(both, (uint8_t *const[2]){bytes, bytes}, (size_t[2]){len, len}, &other);
	if (status != 200 || other != 200 || strcmp(both[0]->body, both[1]->body) != 0)
		fprintf(stderr, "one at both: %d %s\n%d %s\n", status, both[0]->body, other, both[1]->body);
	MUST(status == 200 && other == 200 && strcmp(both[0]->body, both[1]->body) == 0);
	MUST((answer = json_tokener_parse(both[0]->body)));
	note(both[0], id, "reserve", text_of(answer, "sequence"));
	json_object_put(answer);
	json_object_put(fields);
	json_object_put(nonce);
	free(bytes);
}

/* Two requests with one nonce: it is good for one of them, whichever. */
static void share_nonce(struct client *const both[2])
{
	struct authz_spec spec = new_spec();
	struct json_object *nonce = get_nonce(both[1]), *answer = NULL;
	int status[2], winner;
	uint8_t *bytes[2];
	char id[2][33];
	size_t len[2];

	MUST(nonce);
	for (int i = 0; i < 2; i++) {
		struct json_object *fields = reserve_fields(&spec);

		bytes[i] = sign(fields, "reserve", text_of(nonce, "nonce"), id[i], &len[i]);
		json_object_put(fields);
	}
	status[0] = ask_both(both, bytes, len, &status[1]);
	winner = status[1] == 200;
	if (status[winner] != 200 || status[!winner] != 401)
		fprintf(stderr, "one nonce: %d %s\n%d %s\n", status[0], both[0]->body, status[1], both[1]->body);
	MUST(status[winner] == 200 && status[!winner] == 401 && strstr(both[!winner]->body, "\"nonce\""));
	MUST((answer = json_tokener_parse(both[winner]->body)));
	note(both[winner], id[winner], "reserve", text_of(answer, "sequence"));
	json_object_put(answer);
	json_object_put(nonce);
	free(bytes[0]);
	free(bytes[1]);
}

static int twice(void)
{
	struct client *both[2];

	MUST(load.instance_count == 2);
	for (int i = 0; i < 2; i++) {
		both[i] = client_new(i);
		MUST(open_connection(both[i]));
	}
	for (int i = 0; i < load.rounds; i++) {
		ask_one_at_both(both);
		share_nonce(both);
	}
	for (int i = 0; i < 2; i++) {
		close_connection(both[i]);
		client_free(both[i]);
	}
	return 0;
}

static int load_clients(char **words, int clients)
{
	sigset_t usr1;
	int status;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	load.rounds = atoi(words[2]);
	load.answered = open(words[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	MUST(clients >= 0 && clients <= CLIENTS_MAX && load.rounds >= 0 && load.answered >= 0);
	load.primary = load_card(words[0], "primary", &load.key);
	load.clerk = load_card(words[0], "clerk", NULL);
	read_url(words[0], words[1]);
	read_name();
	status = clients ? run(clients) : twice();
	X509_free(load.primary);
	X509_free(load.clerk);
	EVP_PKEY_free(load.key);
	SSL_CTX_free(load.ctx);
	close(load.answered);
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make(argv[2]);
	if (argc == 7 && strcmp(argv[1], "run") == 0)
		return load_clients((char *[]){argv[2], argv[3], argv[5], argv[6]}, atoi(argv[4]));
	if (argc == 6 && strcmp(argv[1], "twice") == 0)
		return load_clients(argv + 2, 0);
	fprintf(stderr, "authority_load make DIR | run DIR URL[,URL…] CLIENTS ROUNDS ANSWERED | "
			"twice DIR URL,URL ROUNDS ANSWERED\n");
	return 2;
}
