/*
 * Continuous load on a redis server: every answer is checked against a model of what the server
 * must hold, so a single wrong, missing or late reply is counted, and so is every connection lost.
 *
 *   load [-h HOST] [-p PORT] [-a PASSWORD] [-c WORKERS] [-i IDLE] [-u PAUSE_US] [-s SECONDS]
 *        [-t TIMEOUT_S]
 *
 * Connections: WORKERS run requests of every data type on keys of their own; one subscriber and one
 * client that sits in BLPOP are fed numbered messages 20 times a second; one client waits in BLPOP
 * from the start to the end; IDLE connections do nothing until the end and must then still work.
 *
 * SIGUSR1: one JSON line about the time since the previous one (a window), on stdout.
 * SIGTERM, SIGINT, or SECONDS: final checks, a JSON line about the whole run, end.
 * Exit: 0, 1 when anything failed or was dropped, 2 usage, 3 could not start.
 *
 * Threads: each connection belongs to one thread. main only waits for signals. Shared are the
 * counters (atomics) and the two last-completion marks.
 */
#define _GNU_SOURCE
#include "resp.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CANARIES    1000
#define MAX_IDLE    1000
#define MAX_WORKERS 64
#define LIST_MAX    100
#define BIG	    (48 * 1024) /* longer than redis' static reply buffer: uses the reply list */
#define BUCKETS	    400		/* of latency: 16 per power of two, from 1 us */
#define FEED_US	    50000

static const char *host = "127.0.0.1", *password;
static int port = 6379, workers = 8, idles = 32, pause_us = 500, seconds = 300, timeout_ms = 10000;

static atomic_bool stopping;
static atomic_ulong requests, failed, dropped, shared_incr;
static atomic_ulong win_requests, win_failed, win_dropped;
static atomic_ulong max_us, win_max_us, gap_us, win_gap_us;
static atomic_ulong latency[BUCKETS];
static atomic_uint_fast64_t last_done;
static atomic_int messages; /* failure lines printed so far */
static uint64_t started;

struct worker {
	pthread_t thread;
	struct resp_conn c;
	int id;
	unsigned int rng;
	bool dead; /* its connection is gone; counted once */
	/* the model */
	long long counter, list_next, list_first, appended;
	long long hash[16]; /* -1: absent */
	int zscore[16];	    /* -1: absent */
	bool set[16];
	char *big;
};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void raise_max(atomic_ulong *max, unsigned long v)
{
	unsigned long old = atomic_load_explicit(max, memory_order_relaxed);

	while (v > old && !atomic_compare_exchange_weak(max, &old, v))
		;
}

static void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void complain(const char *fmt, ...)
{
	char line[400];
	va_list ap;

	if (atomic_fetch_add(&messages, 1) >= 20)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "load: %.3f s: %s\n", (double)(now_us() - started) / 1e6, line);
}

static void count_failed(void)
{
	failed++;
	win_failed++;
}

static void count_dropped(const char *who, const char *doing)
{
	dropped++;
	win_dropped++;
	complain("%s: connection lost in %s: %s", who, doing, strerror(errno));
}

static int bucket(unsigned long us)
{
	int log = us < 2 ? 0 : 63 - __builtin_clzl(us);
	int sub = log >= 4 ? (int)(us >> (log - 4)) & 15 : (int)(us << (4 - log)) & 15;
	int b = log * 16 + sub;

	return b < BUCKETS ? b : BUCKETS - 1;
}

static unsigned long bucket_us(int b)
{
	return (unsigned long)((double)(1ul << (b / 16)) * (1.0 + (b % 16 + 1) / 16.0));
}

static void count_done(uint64_t sent, unsigned int replies)
{
	uint64_t now = now_us(), prev;

	requests += replies;
	win_requests += replies;
	latency[bucket(now - sent)] += replies;
	raise_max(&max_us, now - sent);
	raise_max(&win_max_us, now - sent);
	/* the longest time in which no request of any worker came back */
	prev = atomic_exchange(&last_done, now);
	if (prev && now > prev) {
		raise_max(&gap_us, now - prev);
		raise_max(&win_gap_us, now - prev);
	}
}

/* ---- one request, one expected answer -------------------------------------------------------- */

enum want { WANT_INT, WANT_STATUS, WANT_BULK, WANT_NIL, WANT_ERROR };

static bool matches(const struct resp_reply *r, enum want want, const char *text, long long n)
{
	switch (want) {
	case WANT_INT:
		return r->type == RESP_INTEGER && r->integer == n;
	case WANT_STATUS:
		return resp_is(r, RESP_STATUS, text);
	case WANT_BULK:
		return resp_is(r, RESP_BULK, text);
	case WANT_NIL:
		return r->type == RESP_NIL;
	case WANT_ERROR:
		return r->type == RESP_ERROR && strstr(r->str, text);
	}
	return false;
}

static void judge(struct worker *w, const struct resp_reply *r, enum want want, const char *text,
		  long long n, const char *what)
{
	char shown[128], number[32];

	if (matches(r, want, text, n))
		return;
	count_failed();
	resp_show(r, shown, sizeof(shown));
	snprintf(number, sizeof(number), "%lld", n);
	complain("worker %d: %s: expected %.100s, got %s", w->id, what,
		 want == WANT_INT   ? number
		 : want == WANT_NIL ? "nil"
				    : text,
		 shown);
}

/* A late reply loses the stream's position, so a timeout ends the connection: it counts as both. */
static bool lost(struct worker *w, const char *doing)
{
	w->dead = true;
	count_failed();
	count_dropped("worker", doing);
	return false;
}

static bool ask(struct worker *w, enum want want, const char *text, long long n, const char *fmt,
		...) __attribute__((format(printf, 5, 6)));
static bool ask(struct worker *w, enum want want, const char *text, long long n, const char *fmt,
		...)
{
	struct resp_reply r = {.type = RESP_NIL};
	uint64_t sent = now_us();
	char *line;
	va_list ap;
	bool ok = true;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	if (!line || resp_callf(&w->c, &r, "%s", line) < 0) {
		ok = lost(w, line ? line : "malloc");
	} else {
		count_done(sent, 1);
		judge(w, &r, want, text, n, line);
	}
	resp_free(&r);
	free(line);
	return ok;
}

static unsigned int pick(struct worker *w, unsigned int n)
{
	w->rng = w->rng * 1664525u + 1013904223u;
	return (w->rng >> 8) % n;
}

/* ---- the requests: each returns false when the connection is gone ---------------------------- */

static bool op_string(struct worker *w)
{
	char val[256];
	unsigned int len = 1 + pick(w, 200);

	for (unsigned int i = 0; i < len; i++)
		val[i] = (char)('a' + pick(w, 26));
	val[len] = '\0';
	return ask(w, WANT_STATUS, "OK", 0, "SET load:%d:str %s", w->id, val) &&
	       ask(w, WANT_INT, NULL, len, "STRLEN load:%d:str", w->id) &&
	       ask(w, WANT_BULK, val, 0, "GET load:%d:str", w->id);
}

static bool op_big(struct worker *w)
{
	memset(w->big, 'A' + (int)pick(w, 26), BIG);
	return ask(w, WANT_STATUS, "OK", 0, "SET load:%d:big %s", w->id, w->big) &&
	       ask(w, WANT_BULK, w->big, 0, "GET load:%d:big", w->id);
}

static bool op_counter(struct worker *w)
{
	struct resp_reply r = {.type = RESP_NIL};
	uint64_t sent = now_us();

	w->counter++;
	if (!ask(w, WANT_INT, NULL, w->counter, "INCR load:%d:counter", w->id))
		return false;
	/* one counter for all: no INCR may be lost or done twice; its sum is checked at the end */
	if (resp_callf(&w->c, &r, "INCR load:shared") < 0)
		return lost(w, "INCR load:shared");
	shared_incr++;
	count_done(sent, 1);
	if (r.type != RESP_INTEGER)
		judge(w, &r, WANT_INT, NULL, -1, "INCR load:shared");
	resp_free(&r);
	return true;
}

static bool op_list(struct worker *w)
{
	char val[32];

	w->list_next++;
	if (!ask(w, WANT_INT, NULL, w->list_next - w->list_first, "LPUSH load:%d:list v%lld", w->id,
		 w->list_next - 1))
		return false;
	if (w->list_next - w->list_first < 1 + pick(w, LIST_MAX))
		return true;
	snprintf(val, sizeof(val), "v%lld", w->list_first++);
	return ask(w, WANT_BULK, val, 0, "RPOP load:%d:list", w->id);
}

static bool op_hash(struct worker *w)
{
	unsigned int f = pick(w, 16);
	long long v = pick(w, 100000);
	bool fresh = w->hash[f] < 0;
	char val[32];

	w->hash[f] = v;
	snprintf(val, sizeof(val), "%lld", v);
	if (!ask(w, WANT_INT, NULL, fresh, "HSET load:%d:hash f%u %lld", w->id, f, v) ||
	    !ask(w, WANT_BULK, val, 0, "HGET load:%d:hash f%u", w->id, f))
		return false;
	if (pick(w, 4))
		return true;
	w->hash[f] = -1;
	return ask(w, WANT_INT, NULL, 1, "HDEL load:%d:hash f%u", w->id, f) &&
	       ask(w, WANT_NIL, NULL, 0, "HGET load:%d:hash f%u", w->id, f);
}

static bool op_zset(struct worker *w)
{
	unsigned int m = pick(w, 16);
	int score = (int)pick(w, 1000), rank = 0;
	bool fresh = w->zscore[m] < 0;
	char val[32];

	w->zscore[m] = score;
	/* redis orders by score, then by member: m00..m15 compare as their numbers do */
	for (unsigned int i = 0; i < 16; i++)
		rank += w->zscore[i] >= 0 &&
			(w->zscore[i] < score || (w->zscore[i] == score && i < m));
	snprintf(val, sizeof(val), "%d", score);
	return ask(w, WANT_INT, NULL, fresh, "ZADD load:%d:zset %d m%02u", w->id, score, m) &&
	       ask(w, WANT_BULK, val, 0, "ZSCORE load:%d:zset m%02u", w->id, m) &&
	       ask(w, WANT_INT, NULL, rank, "ZRANK load:%d:zset m%02u", w->id, m);
}

static bool op_set(struct worker *w)
{
	unsigned int m = pick(w, 16);
	bool had = w->set[m];

	w->set[m] = !had;
	return ask(w, WANT_INT, NULL, 1, "%s load:%d:set m%u", had ? "SREM" : "SADD", w->id, m) &&
	       ask(w, WANT_INT, NULL, !had, "SISMEMBER load:%d:set m%u", w->id, m);
}

/* Sparse HyperLogLogs, merged and turned dense: the neighbourhood of one of the fixes. */
static bool op_hll(struct worker *w)
{
	return ask(w, WANT_INT, NULL, 0, "EXISTS load:%d:hll", w->id) &&
	       ask(w, WANT_INT, NULL, 1, "PFADD load:%d:hll a b c", w->id) &&
	       ask(w, WANT_INT, NULL, 3, "PFCOUNT load:%d:hll", w->id) &&
	       ask(w, WANT_INT, NULL, 1, "PFADD load:%d:hll2 c d", w->id) &&
	       ask(w, WANT_INT, NULL, 4, "PFCOUNT load:%d:hll load:%d:hll2", w->id, w->id) &&
	       ask(w, WANT_STATUS, "OK", 0, "PFMERGE load:%d:hll3 load:%d:hll load:%d:hll2", w->id,
		   w->id, w->id) &&
	       ask(w, WANT_INT, NULL, 4, "PFCOUNT load:%d:hll3", w->id) &&
	       ask(w, WANT_INT, NULL, 3, "DEL load:%d:hll load:%d:hll2 load:%d:hll3", w->id, w->id,
		   w->id);
}

/* Key patterns of ACL users: the neighbourhood of another. Answers don't depend on any of the
 * fixes. */
static bool op_acl(struct worker *w)
{
	return ask(w, WANT_STATUS, "OK", 0,
		   "ACL SETUSER load-user-%d reset on nopass %%R~read:* %%RW~rw:* +@all", w->id) &&
	       ask(w, WANT_STATUS, "OK", 0, "ACL DRYRUN load-user-%d GET read:1", w->id) &&
	       ask(w, WANT_STATUS, "OK", 0, "ACL DRYRUN load-user-%d SET rw:1 x", w->id) &&
	       ask(w, WANT_ERROR, "Syntax error", 0, "ACL SETUSER load-user-%d %%~", w->id);
}

static bool op_script(struct worker *w)
{
	char val[32];

	snprintf(val, sizeof(val), "n%u", pick(w, 1000000));
	return ask(w, WANT_BULK, val, 0, "EVAL return(ARGV[1]) 0 %s", val);
}

static bool op_multi(struct worker *w)
{
	struct resp_reply r = {.type = RESP_NIL};
	uint64_t sent;
	char val[32];

	w->counter++;
	snprintf(val, sizeof(val), "%lld", w->counter);
	if (!ask(w, WANT_STATUS, "OK", 0, "MULTI") ||
	    !ask(w, WANT_STATUS, "QUEUED", 0, "INCR load:%d:counter", w->id) ||
	    !ask(w, WANT_STATUS, "QUEUED", 0, "GET load:%d:counter", w->id))
		return false;
	sent = now_us();
	if (resp_callf(&w->c, &r, "EXEC") < 0)
		return lost(w, "EXEC");
	count_done(sent, 1);
	if (r.type != RESP_ARRAY || r.elems != 2) {
		judge(w, &r, WANT_STATUS, "an array of 2", 0, "EXEC");
	} else {
		judge(w, &r.elem[0], WANT_INT, NULL, w->counter, "EXEC, INCR");
		judge(w, &r.elem[1], WANT_BULK, val, 0, "EXEC, GET");
	}
	resp_free(&r);
	return true;
}

static bool op_pipeline(struct worker *w)
{
	enum { N = 16 };
	struct resp_reply r = {.type = RESP_NIL};
	uint64_t sent = now_us();
	char text[N * 40], val[32];
	size_t at = 0;

	for (int i = 0; i < N; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "ECHO p%d-%d\r\n", w->id, i);
	if (resp_write(&w->c, text, at) < 0)
		return lost(w, "a pipeline");
	for (int i = 0; i < N; i++) {
		if (resp_read(&w->c, &r) < 0) {
			resp_free(&r);
			return lost(w, "a pipeline");
		}
		snprintf(val, sizeof(val), "p%d-%d", w->id, i);
		judge(w, &r, WANT_BULK, val, 0, "ECHO in a pipeline");
		resp_free(&r);
	}
	count_done(sent, N);
	return true;
}

static void *worker_main(void *arg)
{
	static bool (*const ops[])(struct worker *) = {
		op_string, op_counter, op_list, op_hash,     op_zset,	op_set, op_hll,
		op_script, op_multi,   op_big,	op_pipeline, op_string, op_acl,
	};
	struct worker *w = arg;

	while (!atomic_load(&stopping) && ops[pick(w, sizeof(ops) / sizeof(*ops))](w))
		if (pause_us)
			usleep((unsigned int)pause_us);
	return NULL;
}

/* ---- the other kinds of client --------------------------------------------------------------- */

static int connect_auth(struct resp_conn *c)
{
	struct resp_reply r;
	int ret = 0;

	if (resp_connect(c, host, port, timeout_ms, 0) < 0)
		return -1;
	if (!password)
		return 0;
	if (resp_callf(c, &r, "AUTH %s", password) < 0 || !resp_is(&r, RESP_STATUS, "OK"))
		ret = -1;
	resp_free(&r);
	return ret;
}

static struct resp_conn popper, subscriber, waiter, idle[MAX_IDLE];

/* Pops and subscriber: numbered messages must come in order, none missing, until "end". */
static void in_order(struct resp_conn *c, const char *who, size_t at)
{
	struct resp_reply r;
	long long next = 0;
	char want[32];

	for (;;) {
		if (at == 1 && resp_sendf(c, "BLPOP load:queue 0") < 0)
			goto gone;
		if (resp_read(c, &r) < 0)
			goto gone_free;
		snprintf(want, sizeof(want), "%lld", next);
		if (r.type != RESP_ARRAY || r.elems != at + 1 || r.elem[at].type != RESP_BULK) {
			count_failed();
			complain("%s: not a message", who);
		} else if (!strcmp(r.elem[at].str, "end")) {
			resp_free(&r);
			return;
		} else if (strcmp(r.elem[at].str, want)) {
			count_failed();
			complain("%s: expected message %s, got %.30s", who, want, r.elem[at].str);
			next = atoll(r.elem[at].str) + 1;
		} else {
			requests++;
			win_requests++;
			next++;
		}
		resp_free(&r);
	}
gone_free:
	resp_free(&r);
gone:
	count_failed();
	count_dropped(who, "waiting for a message");
}

static void *popper_main(void *arg)
{
	(void)arg;
	in_order(&popper, "the client in BLPOP", 1);
	return NULL;
}

static void *subscriber_main(void *arg)
{
	(void)arg;
	in_order(&subscriber, "the subscriber", 2);
	return NULL;
}

static bool feed(struct worker *w, const char *val)
{
	/* RPUSH answers the length of the list; that the popper took it is seen by its order check
	 */
	struct resp_reply r = {.type = RESP_NIL};
	uint64_t sent = now_us();

	if (resp_callf(&w->c, &r, "RPUSH load:queue %s", val) < 0) {
		resp_free(&r);
		return lost(w, "RPUSH load:queue");
	}
	if (r.type != RESP_INTEGER)
		judge(w, &r, WANT_INT, NULL, 1, "RPUSH load:queue");
	count_done(sent, 1);
	resp_free(&r);
	return ask(w, WANT_INT, NULL, 1, "PUBLISH load:channel %s", val);
}

static void *feeder_main(void *arg)
{
	struct worker *w = arg;
	char val[32];

	for (long long n = 0; !atomic_load(&stopping); n++) {
		snprintf(val, sizeof(val), "%lld", n);
		if (!feed(w, val))
			return NULL;
		usleep(FEED_US);
	}
	feed(w, "end");
	return NULL;
}

/* ---- start, windows, end --------------------------------------------------------------------- */

static unsigned long percentile(double p)
{
	unsigned long total = 0, sum = 0;

	for (int i = 0; i < BUCKETS; i++)
		total += latency[i];
	for (int i = 0; i < BUCKETS; i++) {
		sum += latency[i];
		if (total && (double)sum >= p * (double)total)
			return bucket_us(i);
	}
	return 0;
}

static void print_window(uint64_t *since)
{
	uint64_t now = now_us();

	printf("{\"window_us\":%" PRIu64 ",\"requests\":%lu,\"failed\":%lu,\"dropped\":%lu,"
	       "\"longest_request_us\":%lu,\"longest_gap_us\":%lu}\n",
	       now - *since, atomic_exchange(&win_requests, 0), atomic_exchange(&win_failed, 0),
	       atomic_exchange(&win_dropped, 0), atomic_exchange(&win_max_us, 0),
	       atomic_exchange(&win_gap_us, 0));
	fflush(stdout);
	*since = now;
}

static int die(const char *doing)
{
	fprintf(stderr, "load: %s: %s\n", doing, strerror(errno));
	return 3;
}

static bool simple(struct resp_conn *c, const char *line, enum resp_type type, const char *text)
{
	struct resp_reply r;
	bool ok = resp_callf(c, &r, "%s", line) == 0 && r.type == type &&
		  (!text || !strcmp(r.str, text));

	resp_free(&r);
	return ok;
}

/* What must have survived: the state, the sum of all increments, the clients that did nothing. */
static void final_checks(struct worker *admin)
{
	struct resp_reply r;
	char sum[32], val[32];
	bool hangs = false;

	if (!admin->dead) {
		snprintf(sum, sizeof(sum), "%lu", atomic_load(&shared_incr));
		ask(admin, WANT_BULK, sum, 0, "GET load:shared");
		for (int i = 0; i < CANARIES && !admin->dead; i++) {
			snprintf(val, sizeof(val), "c%d", i * 7919);
			ask(admin, WANT_BULK, val, 0, "GET load:canary:%d", i);
		}
		if (!admin->dead)
			ask(admin, WANT_INT, NULL, 1, "LPUSH load:never now");
	}
	/* it has sat in BLPOP since the start; a nil or an error here means that it was disturbed
	 */
	if (resp_read(&waiter, &r) < 0) {
		count_failed();
		count_dropped("the waiting client", "BLPOP");
	} else if (r.type != RESP_ARRAY || r.elems != 2 || !resp_is(&r.elem[1], RESP_BULK, "now")) {
		count_failed();
		complain("the waiting client: BLPOP ended with something else");
	} else {
		requests++;
	}
	resp_free(&r);
	for (int i = 0; i < idles; i++) {
		/* of a server that no longer answers, one timeout is enough */
		if (!hangs && simple(&idle[i], "PING", RESP_STATUS, "PONG")) {
			requests++;
			continue;
		}
		hangs = hangs || errno == EAGAIN;
		count_failed();
		count_dropped("an idle client", "PING");
	}
}

static int start_up(struct worker *admin, struct worker *w)
{
	if (connect_auth(&admin->c) < 0)
		return die("connect");
	if (!simple(&admin->c, "FLUSHALL", RESP_STATUS, "OK"))
		return die("FLUSHALL");
	for (int i = 0; i < CANARIES; i++)
		if (!ask(admin, WANT_STATUS, "OK", 0, "SET load:canary:%d c%d", i, i * 7919))
			return 3;
	if (connect_auth(&popper) < 0 || connect_auth(&subscriber) < 0 || connect_auth(&waiter) < 0)
		return die("connect");
	if (resp_sendf(&waiter, "BLPOP load:never 0") < 0 ||
	    !simple(&subscriber, "SUBSCRIBE load:channel", RESP_ARRAY, NULL))
		return die("SUBSCRIBE");
	for (int i = 0; i < idles; i++)
		if (connect_auth(&idle[i]) < 0)
			return die("connect");
	for (int i = 0; i < workers; i++) {
		w[i].id = i;
		w[i].rng = (unsigned int)i * 2654435761u + 1;
		memset(w[i].hash, -1, sizeof(w[i].hash));
		memset(w[i].zscore, -1, sizeof(w[i].zscore));
		w[i].big = calloc(1, BIG + 1);
		if (!w[i].big || connect_auth(&w[i].c) < 0)
			return die("connect");
	}
	return 0;
}

static int number(const char *s, int min, int max)
{
	char *end;
	long n = strtol(s, &end, 10);

	if (*end || !*s || n < min || n > max) {
		fprintf(stderr, "load: %s is not a number from %d to %d\n", s, min, max);
		exit(2);
	}
	return (int)n;
}

int main(int argc, char **argv)
{
	struct worker *w, *admin;
	pthread_t pop, sub;
	uint64_t window, deadline;
	unsigned long gap;
	const char *ended = "signal";
	sigset_t set;
	int opt, ret;

	while ((opt = getopt(argc, argv, "h:p:a:c:i:u:s:t:")) != -1) {
		switch (opt) {
		case 'h':
			host = optarg;
			break;
		case 'p':
			port = number(optarg, 1, 65535);
			break;
		case 'a':
			password = *optarg ? optarg : NULL;
			break;
		case 'c':
			workers = number(optarg, 1, MAX_WORKERS);
			break;
		case 'i':
			idles = number(optarg, 0, MAX_IDLE);
			break;
		case 'u':
			pause_us = number(optarg, 0, 1000000);
			break;
		case 's':
			seconds = number(optarg, 1, 86400);
			break;
		case 't':
			timeout_ms = number(optarg, 1, 3600) * 1000;
			break;
		default:
			return 2;
		}
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);

	started = now_us();
	w = calloc((size_t)workers + 1, sizeof(*w));
	if (!w)
		return die("calloc");
	admin = &w[workers];
	admin->id = workers;
	ret = start_up(admin, w);
	if (ret)
		return ret;
	/* the time before the threads run is nobody's gap */
	atomic_store(&last_done, 0);
	atomic_store(&gap_us, 0);
	window = now_us();
	deadline = window + (uint64_t)seconds * 1000000;
	pthread_create(&pop, NULL, popper_main, NULL);
	pthread_create(&sub, NULL, subscriber_main, NULL);
	pthread_create(&admin->thread, NULL, feeder_main, admin);
	for (int i = 0; i < workers; i++)
		pthread_create(&w[i].thread, NULL, worker_main, &w[i]);
	printf("{\"started\":true,\"connections\":%d}\n", workers + idles + 4);
	fflush(stdout);

	for (;;) {
		struct timespec tick = {.tv_nsec = 200000000};
		int sig = sigtimedwait(&set, NULL, &tick);

		if (sig == SIGUSR1) {
			print_window(&window);
		} else if (sig == SIGTERM || sig == SIGINT) {
			break;
		} else if (now_us() > deadline) {
			ended = "deadline";
			break;
		}
	}
	gap = atomic_load(
		&gap_us); /* what follows is the end of the load, not a gap of the server */
	atomic_store(&stopping, true);
	for (int i = 0; i <= workers; i++)
		pthread_join(w[i].thread, NULL);
	final_checks(admin);
	pthread_join(pop, NULL);
	pthread_join(sub, NULL);

	printf("{\"ended\":\"%s\",\"seconds\":%.1f,\"connections\":%d,\"requests\":%lu,\"failed\":%"
	       "lu,"
	       "\"dropped\":%lu,\"p50_us\":%lu,\"p99_us\":%lu,\"p999_us\":%lu,\"longest_request_"
	       "us\":%lu,"
	       "\"longest_gap_us\":%lu}\n",
	       ended, (double)(now_us() - started) / 1e6, workers + idles + 4,
	       atomic_load(&requests), atomic_load(&failed), atomic_load(&dropped), percentile(.5),
	       percentile(.99), percentile(.999), atomic_load(&max_us), gap);
	return atomic_load(&failed) || atomic_load(&dropped);
}
