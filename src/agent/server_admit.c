/* SPDX-License-Identifier: MIT */
/*
 * Who comes in: accepting, asking the kernel who it is, a place for it. On the server's thread, at
 * the end of a round's events, since making room may destroy a session.
 */
#include "agent/server_internal.h"

#include "base/error.h"
#include "rpc/error.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SERVER_ACCEPT_TURN = 16,
	SERVER_ACCEPT_PAUSE_MS = 1000, /* when the process has no descriptors left */
};

/*
 * A slot for a new client: a free one, else that of the client that has been silent longest.
 * Clients that wait for the worker are not silent. SERVER_CLIENTS: none.
 */
static size_t find_slot(struct server *server)
{
	size_t oldest = SERVER_CLIENTS;

	for (size_t i = 0; i < server->options.clients; i++) {
		struct session *session = server->sessions[i];

		if (!session)
			return i;
		if (!session->call && !session->ready &&
		    (oldest == SERVER_CLIENTS ||
		     session->active_at < server->sessions[oldest]->active_at))
			oldest = i;
	}
	return oldest;
}

/* One try, without waiting: the client that gets no service is at least told why. */
static void turn_away(int fd, const struct suture_error *err)
{
	struct json_object *error = rpc_error_object(err, 0, NULL);
	struct bytes line = {0};

	if (error)
		rpc_add_failure(&line, NULL, error);
	if (bytes_ok(&line) && send(fd, line.data, line.size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		/* Then not. */
	}
	bytes_fini(&line);
	json_object_put(error);
	close(fd);
}

void server_denied(struct server *server, const struct peer *peer, const char *what,
		   const struct suture_error *err)
{
	if (server->options.denied)
		server->options.denied(server->options.context, peer, what, err);
}

static void admit_client(struct server *server, int fd, uint64_t now)
{
	struct suture_error err;
	struct session *session;
	struct peer peer;
	size_t slot;

	if (peer_identify(fd, &server->policy, &peer, &err) < 0) {
		turn_away(fd, &err);
		return;
	}
	if (peer.role == PEER_NOBODY) {
		error_set(&err, SUTURE_E_PERMISSION, "user %u may not talk to this process",
			  (unsigned)peer.uid);
		error_next(&err, "SUTURE_ALLOW_UID of the process names who may");
		server_denied(server, &peer, "connect", &err);
		turn_away(fd, &err);
		return;
	}
	slot = find_slot(server);
	if (slot == SERVER_CLIENTS) {
		error_set(&err, SUTURE_E_AGENT_BUSY, "the agent has %u clients already",
			  server->options.clients);
		turn_away(fd, &err);
		return;
	}
	if (server->sessions[slot])
		server_drop_session(server, slot);
	session = session_create(fd, &peer, now);
	if (!session)
		return;
	session->events = EPOLLIN;
	if (server_watch(server, fd, session, NULL) < 0) {
		session_destroy(session);
		return;
	}
	server->sessions[slot] = session;
	atomic_store(&server->session_fds[slot], fd);
}

static void pause_accepting(struct server *server, uint64_t now)
{
	epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listener.fd, NULL);
	server->accept_again_at = now + SERVER_ACCEPT_PAUSE_MS;
}

void server_accept(struct server *server, uint64_t now)
{
	for (int i = 0; i < SERVER_ACCEPT_TURN; i++) {
		int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			admit_client(server, fd, now);
			continue;
		}
		/* The listener stays readable then: without a pause this would spin. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(server, now);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

void server_resume_accepting(struct server *server, uint64_t now)
{
	if (server->accept_again_at == 0 || now < server->accept_again_at)
		return;
	server->accept_again_at = 0;
	if (server_watch(server, server->listener.fd, &server->listener, NULL) < 0)
		server->accept_again_at = now + SERVER_ACCEPT_PAUSE_MS;
}
