/*
 * RESP2, client side. The parser trusts nothing but the socket's liveness: lengths are bounded, so
 * a server that went mad is reported as a protocol error (EPROTO), not as a crash of the client.
 */
#define _GNU_SOURCE
#include "resp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define MAX_BULK  (64u << 20)
#define MAX_ELEMS (1u << 20)
#define MAX_DEPTH 8

int resp_connect(struct resp_conn *c, const char *host, int port, int timeout_ms, int rcvbuf)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	struct timeval tv = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	int one = 1;

	memset(c, 0, sizeof(*c));
	c->fd = -1;
	if (inet_pton(AF_INET, host, &sa.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -1;
	if (rcvbuf)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int saved = errno;

		resp_close(c);
		errno = saved;
		return -1;
	}
	return 0;
}

void resp_close(struct resp_conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->buf);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

int resp_write(struct resp_conn *c, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int resp_sendv(struct resp_conn *c, int argc, const char *const argv[], const size_t len[])
{
	size_t size = 32, at;
	char *out;
	int ret;

	for (int i = 0; i < argc; i++)
		size += (len ? len[i] : strlen(argv[i])) + 32;
	out = malloc(size);
	if (!out)
		return -1;
	at = (size_t)sprintf(out, "*%d\r\n", argc);
	for (int i = 0; i < argc; i++) {
		size_t n = len ? len[i] : strlen(argv[i]);

		at += (size_t)sprintf(out + at, "$%zu\r\n", n);
		memcpy(out + at, argv[i], n);
		at += n;
		memcpy(out + at, "\r\n", 2);
		at += 2;
	}
	ret = resp_write(c, out, at);
	free(out);
	return ret;
}

static int send_words(struct resp_conn *c, const char *fmt, va_list ap)
{
	const char *argv[64];
	char *line, *save = NULL;
	int argc = 0, ret;

	if (vasprintf(&line, fmt, ap) < 0)
		return -1;
	for (char *w = strtok_r(line, " ", &save); w && argc < 64; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	ret = resp_sendv(c, argc, argv, NULL);
	free(line);
	return ret;
}

int resp_sendf(struct resp_conn *c, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = send_words(c, fmt, ap);
	va_end(ap);
	return ret;
}

static int fill(struct resp_conn *c)
{
	ssize_t n;

	if (c->start == c->end)
		c->start = c->end = 0;
	if (c->end == c->cap && c->start) {
		memmove(c->buf, c->buf + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	if (c->end == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 16384;
		char *buf = realloc(c->buf, cap);

		if (!buf)
			return -1;
		c->buf = buf;
		c->cap = cap;
	}
	do
		n = recv(c->fd, c->buf + c->end, c->cap - c->end, 0);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ECONNRESET;
	if (n <= 0)
		return -1;
	c->end += (size_t)n;
	return 0;
}

/* Copies one line without its CRLF; the longest line of RESP is an error message. */
static int read_line(struct resp_conn *c, char *out, size_t size, size_t *len)
{
	size_t scanned = 0;

	for (;;) {
		char *nl = c->end - c->start > scanned ? memchr(c->buf + c->start + scanned, '\n',
								c->end - c->start - scanned)
						       : NULL;

		if (nl) {
			*len = (size_t)(nl - (c->buf + c->start));
			if (*len < 1 || *len >= size || nl[-1] != '\r')
				break;
			*len -= 1;
			memcpy(out, c->buf + c->start, *len);
			out[*len] = '\0';
			c->start += *len + 2;
			return 0;
		}
		scanned = c->end - c->start;
		if (scanned >= size)
			break;
		if (fill(c) < 0)
			return -1;
	}
	errno = EPROTO;
	return -1;
}

static int read_reply(struct resp_conn *c, struct resp_reply *r, int depth)
{
	char line[4096];
	long long n;
	size_t len;

	memset(r, 0, sizeof(*r));
	r->type = RESP_NIL;
	if (read_line(c, line, sizeof(line), &len) < 0)
		return -1;
	switch (line[0]) {
	case '+':
	case '-':
		r->str = strdup(line + 1);
		if (!r->str)
			return -1;
		r->len = len - 1;
		r->type = line[0];
		return 0;
	case ':':
		r->integer = strtoll(line + 1, NULL, 10);
		r->type = RESP_INTEGER;
		return 0;
	case '$':
		n = strtoll(line + 1, NULL, 10);
		if (n == -1)
			return 0;
		if (n < 0 || n > MAX_BULK)
			break;
		while (c->end - c->start < (size_t)n + 2)
			if (fill(c) < 0)
				return -1;
		r->str = malloc((size_t)n + 1);
		if (!r->str)
			return -1;
		memcpy(r->str, c->buf + c->start, (size_t)n);
		r->str[n] = '\0';
		r->len = (size_t)n;
		r->type = RESP_BULK;
		if (memcmp(c->buf + c->start + n, "\r\n", 2))
			break;
		c->start += (size_t)n + 2;
		return 0;
	case '*':
		n = strtoll(line + 1, NULL, 10);
		if (n == -1)
			return 0;
		if (n < 0 || n > MAX_ELEMS || depth >= MAX_DEPTH)
			break;
		r->type = RESP_ARRAY;
		r->elem = calloc(n ? (size_t)n : 1, sizeof(*r->elem));
		if (!r->elem)
			return -1;
		for (; r->elems < (size_t)n; r->elems++)
			if (read_reply(c, &r->elem[r->elems], depth + 1) < 0) {
				resp_free(&r->elem[r->elems]);
				return -1;
			}
		return 0;
	}
	errno = EPROTO;
	return -1;
}

int resp_read(struct resp_conn *c, struct resp_reply *r)
{
	return read_reply(c, r, 0);
}

int resp_callf(struct resp_conn *c, struct resp_reply *r, const char *fmt, ...)
{
	va_list ap;
	int ret;

	memset(r, 0, sizeof(*r));
	r->type = RESP_NIL;
	va_start(ap, fmt);
	ret = send_words(c, fmt, ap);
	va_end(ap);
	return ret < 0 ? ret : resp_read(c, r);
}

void resp_free(struct resp_reply *r)
{
	for (size_t i = 0; i < r->elems; i++)
		resp_free(&r->elem[i]);
	free(r->elem);
	free(r->str);
	memset(r, 0, sizeof(*r));
	r->type = RESP_NIL;
}

bool resp_is(const struct resp_reply *r, enum resp_type type, const char *text)
{
	return r->type == type && r->str && !strcmp(r->str, text);
}

void resp_show(const struct resp_reply *r, char *out, size_t size)
{
	switch (r->type) {
	case RESP_INTEGER:
		snprintf(out, size, ":%lld", r->integer);
		break;
	case RESP_ARRAY:
		snprintf(out, size, "*%zu", r->elems);
		break;
	case RESP_NIL:
		snprintf(out, size, "nil");
		break;
	default:
		snprintf(out, size, "%c%.*s", (char)r->type, 100, r->str ? r->str : "");
	}
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < ' ' || *p == '"' || *p == '\\' || (unsigned char)*p > '~')
			*p = '.';
}
