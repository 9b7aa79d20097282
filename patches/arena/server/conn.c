/*
 * Connection: sending from any thread under the connection's own lock, and cutting what is read
 * into lines. The socket doesn't block. A connection is freed only after its player has left the
 * room, so no tick thread can still hold it.
 */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONN_OUT_MAX = 256 * 1024, CONN_READS_MAX = 16 };

struct conn *conn_create(int fd, int epoll_fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn) {
		close(fd);
		return NULL;
	}
	conn->fd = fd;
	conn->epoll_fd = epoll_fd;
	pthread_mutex_init(&conn->lock, NULL);
	event.data.ptr = conn;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		conn_destroy(conn);
		return NULL;
	}
	return conn;
}

void conn_destroy(struct conn *conn)
{
	if (!conn)
		return;
	close(conn->fd);
	pthread_mutex_destroy(&conn->lock);
	free(conn->out);
	free(conn);
}

static void conn_watch(struct conn *conn, bool writable)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};

	if (conn->waits_to_write == writable)
		return;
	if (writable)
		event.events |= EPOLLOUT;
	if (epoll_ctl(conn->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event) == 0)
		conn->waits_to_write = writable;
}

/* The network thread sees the end of the connection and does the rest. */
static void conn_break(struct conn *conn)
{
	conn->broken = true;
	conn->out_used = 0;
	shutdown(conn->fd, SHUT_RDWR);
}

/* Returns how much the socket took; on an error the connection is broken. */
static size_t conn_write(struct conn *conn, const char *text, size_t length)
{
	size_t sent = 0;

	while (sent < length) {
		ssize_t n = send(conn->fd, text + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			sent += (size_t)n;
		} else if (errno != EINTR) {
			if (errno != EAGAIN)
				conn_break(conn);
			break;
		}
	}
	return sent;
}

static void conn_keep(struct conn *conn, const char *text, size_t length)
{
	size_t needed = conn->out_used + length;

	if (needed > conn->out_size) {
		size_t size = needed < 4096 ? 4096 : needed * 2;
		char *grown = needed > CONN_OUT_MAX ? NULL : realloc(conn->out, size);

		if (!grown) {
			conn_break(conn);
			return;
		}
		conn->out = grown;
		conn->out_size = size;
	}
	memcpy(conn->out + conn->out_used, text, length);
	conn->out_used = needed;
	conn_watch(conn, true);
}

void conn_send(struct conn *conn, const char *text, size_t length)
{
	size_t sent = 0;

	pthread_mutex_lock(&conn->lock);
	if (!conn->broken && conn->out_used == 0)
		sent = conn_write(conn, text, length);
	if (!conn->broken && sent < length)
		conn_keep(conn, text + sent, length - sent);
	pthread_mutex_unlock(&conn->lock);
}

bool conn_keep_unsent(struct conn *conn, const char *text, size_t length)
{
	bool kept;

	pthread_mutex_lock(&conn->lock);
	conn_keep(conn, text, length);
	kept = !conn->broken;
	pthread_mutex_unlock(&conn->lock);
	return kept;
}

enum conn_state conn_flush(struct conn *conn)
{
	enum conn_state state;

	pthread_mutex_lock(&conn->lock);
	if (!conn->broken && conn->out_used) {
		size_t sent = conn_write(conn, conn->out, conn->out_used);

		if (!conn->broken) {
			conn->out_used -= sent;
			memmove(conn->out, conn->out + sent, conn->out_used);
		}
	}
	if (!conn->broken && conn->out_used == 0)
		conn_watch(conn, false);
	state = conn->broken ? CONN_CLOSED : CONN_OPEN;
	pthread_mutex_unlock(&conn->lock);
	return state;
}

/* Hands out the whole lines at the start of conn->in and moves the rest to the front. */
static void conn_cut_lines(struct conn *conn, void (*line)(struct conn *, char *, void *),
                           void *context)
{
	char *start = conn->in;
	char *end = conn->in + conn->in_used;
	char *newline;

	while (!conn->closing && (newline = memchr(start, '\n', (size_t)(end - start)))) {
		char *text = start;

		start = newline + 1;
		if (conn->too_long) {
			/* Its start was answered when the buffer was full. */
			conn->too_long = false;
			continue;
		}
		/* A NUL would hide the rest of the line; the client is told what is wrong. */
		for (char *c = text; c < newline; c++) {
			if (!*c)
				*c = '?';
		}
		*newline = '\0';
		line(conn, text, context);
	}
	conn->in_used = (size_t)(end - start);
	memmove(conn->in, start, conn->in_used);
	if (conn->in_used < sizeof(conn->in))
		return;
	if (!conn->too_long && !conn->closing)
		line(conn, NULL, context);
	conn->too_long = true;
	conn->in_used = 0;
}

enum conn_state conn_read(struct conn *conn, void (*line)(struct conn *, char *, void *),
                          void *context)
{
	/* Bounded, so that one who floods doesn't keep the others waiting. */
	for (int reads = 0; reads < CONN_READS_MAX; reads++) {
		ssize_t n = recv(conn->fd, conn->in + conn->in_used,
		                 sizeof(conn->in) - conn->in_used, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return CONN_OPEN;
		if (n <= 0)
			return CONN_CLOSED;
		conn->in_used += (size_t)n;
		conn_cut_lines(conn, line, context);
		if (conn->closing)
			return CONN_CLOSED;
	}
	return CONN_OPEN;
}
