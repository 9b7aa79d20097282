/*
 * A small RESP2 client over a blocking loopback socket: just what the load and the probes need.
 * Every read and write is bounded by the connection's timeout. One connection belongs to one
 * thread.
 */
#ifndef SUTURE_TESTS_REDIS_RESP_H
#define SUTURE_TESTS_REDIS_RESP_H

#include <stdbool.h>
#include <stddef.h>

struct resp_conn {
	int fd;
	char *buf; /* received, not yet consumed: [start, end) of cap */
	size_t start, end, cap;
};

enum resp_type {
	RESP_STATUS = '+',
	RESP_ERROR = '-',
	RESP_INTEGER = ':',
	RESP_BULK = '$',
	RESP_ARRAY = '*',
	RESP_NIL = '_',
};

struct resp_reply {
	enum resp_type type;
	long long integer; /* RESP_INTEGER */
	char *str;	   /* STATUS, ERROR, BULK: also NUL-terminated */
	size_t len;
	struct resp_reply *elem; /* RESP_ARRAY */
	size_t elems;
};

/* All return 0, or -1 with errno set; a close by the server is ECONNRESET, a timeout EAGAIN. */

/* rcvbuf: bytes of socket receive buffer asked for, 0 for the system's choice. */
int resp_connect(struct resp_conn *c, const char *host, int port, int timeout_ms, int rcvbuf);
void resp_close(struct resp_conn *c);
int resp_write(struct resp_conn *c, const void *data, size_t len);
int resp_sendv(struct resp_conn *c, int argc, const char *const argv[], const size_t len[]);
/* Words separated by single spaces; for arguments without spaces or NUL only. */
int resp_sendf(struct resp_conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The caller frees the reply with resp_free, also after a failure. */
int resp_read(struct resp_conn *c, struct resp_reply *r);
int resp_callf(struct resp_conn *c, struct resp_reply *r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void resp_free(struct resp_reply *r);
bool resp_is(const struct resp_reply *r, enum resp_type type, const char *text);
/* One line for messages: cut to the size, non-printing bytes as dots. */
void resp_show(const struct resp_reply *r, char *out, size_t size);

#endif
