/* SPDX-License-Identifier: MIT */
/* Buffers and times of one client; see session.h. Nothing here waits. */
#include "agent/session.h"

#include "agent/server.h"
#include "rpc/descriptor.h"
#include "rpc/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A client that does not read its answers gets no more of them. */
enum { SESSION_OUT_PAUSE = 64 << 10, SESSION_KEEP = 64 << 10 };

struct session *session_create(int fd, const struct peer *peer, uint64_t now)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session) {
		close(fd);
		return NULL;
	}
	session->fd = fd;
	session->passed = -1;
	session->peer = *peer;
	session->since = now;
	session->active_at = now;
	rpc_lines_init(&session->in, RPC_REQUEST_LINE);
	return session;
}

void session_destroy(struct session *session)
{
	if (!session)
		return;
	/* Said to the client at once, whoever has inherited the descriptor. */
	shutdown(session->fd, SHUT_RDWR);
	close(session->fd);
	if (session->passed >= 0)
		close(session->passed);
	rpc_lines_fini(&session->in);
	bytes_fini(&session->out);
	free(session);
}

static void receive_end(struct session *session)
{
	size_t size;
	char *room;

	session->half_closed = true;
	/* `printf status | socat`: the end of the stream ends the line too. */
	if (rpc_lines_partial(&session->in) == 0)
		return;
	room = rpc_lines_room(&session->in, &size);
	if (room) {
		*room = '\n';
		rpc_lines_added(&session->in, 1);
		session->ready = true;
	}
}

void session_receive(struct session *session, uint64_t now)
{
	size_t size;
	ssize_t got;
	char *room = rpc_lines_room(&session->in, &size);

	if (!room) {
		session->dead = true;
		return;
	}
	got = rpc_receive(session->fd, room, size, &session->passed, MSG_DONTWAIT);
	if (got > 0) {
		rpc_lines_added(&session->in, (size_t)got);
		session->active_at = now;
		session->ready = true;
	} else if (got == 0) {
		receive_end(session);
	} else if (errno != EAGAIN && errno != EINTR) {
		session->dead = true;
	}
}

size_t session_pending(const struct session *session)
{
	return session->out.size - session->out_sent;
}

void session_flush(struct session *session, uint64_t now)
{
	if (!bytes_ok(&session->out) || session_pending(session) > SERVER_OUT_LIMIT) {
		session->dead = true;
		return;
	}
	while (session_pending(session)) {
		ssize_t put = rpc_send(session->fd, session->out.data + session->out_sent,
				       session_pending(session), -1, MSG_DONTWAIT);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno != EAGAIN)
			session->dead = true;
		if (put < 0)
			break;
		session->out_sent += (size_t)put;
		session->out_since = now;
	}
	if (session_pending(session)) {
		if (session->out_since == 0)
			session->out_since = now;
		return;
	}
	session->out_since = 0;
	session->out_sent = 0;
	session->out.size = 0;
	if (session->out.capacity > SESSION_KEEP)
		bytes_fini(&session->out);
	if (session->doomed)
		session->dead = true;
}

bool session_may_ask(const struct session *session)
{
	return !session->call && !session->doomed && !session->dead &&
	       session_pending(session) < SESSION_OUT_PAUSE;
}

unsigned session_interest(const struct session *session)
{
	unsigned events = 0;

	/* Not read while lines are left: what it sends waits in its own buffer, not in ours. */
	if (session_may_ask(session) && !session->ready && !session->half_closed)
		events |= EPOLLIN;
	if (session_pending(session))
		events |= EPOLLOUT;
	return events;
}

uint64_t session_deadline(const struct session *session, unsigned idle_ms, unsigned stall_ms)
{
	if (session->out_since)
		return session->out_since + stall_ms;
	if (session->call)
		return UINT64_MAX;
	if (session->line_since)
		return session->line_since + stall_ms;
	return session->active_at + idle_ms;
}
