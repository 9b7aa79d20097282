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

/* Of two who may do the same: is one dropped rather than the other? */
static bool goes_first(const struct session *one, const struct session *other)
{
	if (one->asked != other->asked)
		return !one->asked;
	return one->active_at < other->active_at;
}

/*
 * A slot for a new client of that role: a free one, else that of the client that goes first among
 * those who may do least, and never one of somebody who may do more than the new one. Nobody's who
 * waits for the worker or came just now. SERVER_CLIENTS: none; *again_at tells when one that came
 * just now is no longer safe, else UINT64_MAX.
 */
static size_t find_slot(const struct server *server, enum peer_role role, uint64_t now,
			uint64_t *again_at)
{
	size_t first = SERVER_CLIENTS;

	*again_at = UINT64_MAX;
	for (size_t i = 0; i < server->options.clients; i++) {
		const struct session *session = server->sessions[i];
		uint64_t safe_until;

		if (!session || session->dead)
			return i;
		if (session->call || session->peer.role > role)
			continue;
		if (session->peer.role < role) {
			role = session->peer.role;
			first = SERVER_CLIENTS;
			*again_at = UINT64_MAX;
		}
		safe_until = session->since + server->options.fresh_ms;
		if (now < safe_until)
			*again_at = safe_until < *again_at ? safe_until : *again_at;
		else if (first == SERVER_CLIENTS || goes_first(session, server->sessions[first]))
			first = i;
	}
	return first;
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
	uint64_t again_at;
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
	slot = find_slot(server, peer.role, now, &again_at);
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
	/* What it said while it waited outside is heard before others are judged by their silence.
	 */
	session_receive(session, now);
}

/* The listener stays readable meanwhile: left where it is, it would make the loop spin. */
static void pause_accepting(struct server *server, uint64_t until, bool crowded)
{
	epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listener.fd, NULL);
	server->accept_again_at = until;
	server->crowded = crowded;
}

/*
 * All that could be dropped came just now: who knocks waits outside (the listener's queue takes
 * care of the order) until one has had its moment, rather than pushing out one that had none.
 * However many clients come again and again, each is let in, and heard, in its turn.
 */
static bool wait_outside(struct server *server, uint64_t now)
{
	uint64_t again_at;

	if (find_slot(server, PEER_WRITER, now, &again_at) != SERVER_CLIENTS ||
	    again_at == UINT64_MAX)
		return false;
	pause_accepting(server, again_at, true);
	return true;
}

void server_accept(struct server *server, uint64_t now)
{
	for (int i = 0; i < SERVER_ACCEPT_TURN && !wait_outside(server, now); i++) {
		int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			admit_client(server, fd, now);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(server, now + SERVER_ACCEPT_PAUSE_MS, false);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

int server_left(struct suture_error *err)
{
	return error_set(err, SUTURE_E_NO_AGENT, "the agent was told to stop serving");
}

void server_leave(struct server *server)
{
	struct suture_error err;
	int fd;

	/* The call that ends the service wakes us, and looks at the listener for that: it must be
	 * done. */
	if (!atomic_load(&server->finishing) || atomic_load(&server->leaving) ||
	    server_worker_is_at_work(server) || server_is_robbed(server))
		return;
	/* Who came before it was hidden is still in its queue. */
	rpc_listener_hide(&server->listener);
	while ((fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		server_left(&err);
		turn_away(fd, &err);
	}
	rpc_listener_close(&server->listener);
	server->accept_again_at = 0;
	atomic_store(&server->leaving, true);
}

static bool has_room(const struct server *server)
{
	for (size_t i = 0; i < server->options.clients; i++)
		if (!server->sessions[i])
			return true;
	return false;
}

void server_resume_accepting(struct server *server, uint64_t now)
{
	if (server->accept_again_at == 0 ||
	    (now < server->accept_again_at && !(server->crowded && has_room(server))))
		return;
	server->accept_again_at = 0;
	if (server_watch(server, server->listener.fd, &server->listener, NULL) < 0)
		pause_accepting(server, now + SERVER_ACCEPT_PAUSE_MS, false);
}
