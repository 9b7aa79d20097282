/* SPDX-License-Identifier: MIT */
/*
 * The server's loop. One round: wait for events, read and write what is possible, carry out a few
 * requests per client, deliver what the worker finished, drop who is silent or slow, bury the
 * dead. A session is destroyed only at the end of a round, so that events of the same round never
 * meet one that is gone.
 */
#include "agent/server.h"

#include "agent/server_internal.h"
#include "base/descriptor.h"
#include "base/error.h"
#include "rpc/error.h"
#include "stop/safepoint.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SERVER_EVENTS = 16,
	SERVER_TURN = 8,	 /* requests of one client before others have their turn */
	SERVER_FINISH_MS = 1000, /* for answers that are on their way at the end */
	SERVER_FINISH_STEP_MS = 20,
};

uint64_t server_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t now_ms(void)
{
	return server_now_us() / 1000;
}

void server_wake(struct server *server)
{
	uint64_t one = 1;

	if (server_is_robbed(server))
		return; /* the number may be a file of the program's */
	if (write(server->event_fd, &one, sizeof(one)) < 0) {
		/* Full: it is awake already. */
	}
}

static void fill_defaults(struct server_options *options)
{
	if (options->clients == 0 || options->clients > SERVER_CLIENTS)
		options->clients = SERVER_CLIENTS;
	if (options->fresh_ms == 0)
		options->fresh_ms = SERVER_FRESH_MS;
	if (options->idle_ms == 0)
		options->idle_ms = SERVER_IDLE_MS;
	if (options->stall_ms == 0)
		options->stall_ms = SERVER_STALL_MS;
}

int server_watch(struct server *server, int fd, void *tag, struct suture_error *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};

	if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return error_errno(err, SUTURE_E_IO, errno, "epoll");
	return 0;
}

int server_create(const struct server_options *options, struct server **server,
		  struct suture_error *err)
{
	struct rpc_owner owner = rpc_owner_self();
	struct server *made = calloc(1, sizeof(*made));
	int rc;

	if (!made)
		return error_no_memory(err);
	made->options = *options;
	fill_defaults(&made->options);
	made->listener.fd = made->epoll_fd = made->event_fd = -1;
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		atomic_init(&made->session_fds[i], -1);
	server_worker_init(&made->worker);
	if (options->socket)
		owner.socket = options->socket;
	rc = peer_policy_init(&made->policy, secure_getenv("SUTURE_ALLOW_UID"),
			      secure_getenv("SUTURE_ALLOW_GID"), err);
	if (!rc)
		rc = rpc_listener_open(&owner, made->policy.count > 0, &made->listener, err);
	if (!rc) {
		made->epoll_fd = descriptor_set_apart(epoll_create1(EPOLL_CLOEXEC));
		made->event_fd = descriptor_set_apart(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
		if (made->epoll_fd < 0 || made->event_fd < 0)
			rc = error_errno(err, SUTURE_E_IO, errno, "epoll");
	}
	if (!rc)
		rc = server_watch(made, made->listener.fd, &made->listener, err);
	if (!rc)
		rc = server_watch(made, made->event_fd, &made->event_fd, err);
	if (rc)
		server_destroy(made);
	else
		*server = made;
	return rc;
}

void server_drop_session(struct server *server, size_t slot)
{
	struct session *session = server->sessions[slot];

	if (session->call)
		server_worker_abandon(server, session->call);
	server->sessions[slot] = NULL;
	atomic_store(&server->session_fds[slot], -1);
	/*
	 * A child that was forked meanwhile has the descriptor as well until it has run its
	 * handlers, or for good after a raw clone(): closing ours alone would leave the events of
	 * this connection coming, for a session that is no more.
	 */
	epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, session->fd, NULL);
	session_destroy(session);
}

/* A line that can't be cut: says so, and hangs up once that is read. */
static void refuse_stream(struct session *session, const struct suture_error *err)
{
	struct json_object *error = rpc_error_object(err, RPC_NUMBER_PARSE, NULL);

	if (error)
		rpc_add_failure(&session->out, NULL, error);
	json_object_put(error);
	session->doomed = true;
	session->ready = false;
}

static void take_turn(struct server *server, struct session *session, uint64_t now)
{
	for (int i = 0; i < SERVER_TURN && session->ready && session_may_ask(session); i++) {
		struct suture_error err;
		size_t length;
		char *line;
		int rc = rpc_lines_next(&session->in, &line, &length, &err);

		if (rc <= 0)
			session->ready = false;
		if (rc < 0)
			refuse_stream(session, &err);
		if (rc > 0) {
			session->line_since = 0;
			session->asked = true;
			server_dispatch(server, session, line, length);
		}
	}
	if (rpc_lines_partial(&session->in) == 0)
		session->line_since = 0;
	else if (session->line_since == 0)
		session->line_since = now;
}

/* After its events: requests, answers, and what to wait for next. True: has more to do. */
static bool serve_session(struct server *server, struct session *session, uint64_t now)
{
	unsigned interest;

	take_turn(server, session, now);
	session_flush(session, now);
	if (session->half_closed && !session->ready && !session->call && !session_pending(session))
		session->dead = true;
	if (!session->dead &&
	    now >= session_deadline(session, server->options.idle_ms, server->options.stall_ms))
		session->dead = true;
	if (session->dead)
		return false;
	interest = session_interest(session);
	if (interest != session->events) {
		struct epoll_event event = {.events = interest, .data.ptr = session};

		if (epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, session->fd, &event) < 0)
			session->dead = true;
		session->events = interest;
	}
	return session->ready && session_may_ask(session);
}

static void take_events(struct server *server, const struct epoll_event *events, int count,
			uint64_t now)
{
	bool accepting = false;

	for (int i = 0; i < count; i++) {
		struct session *session = events[i].data.ptr;
		uint64_t ignored;

		if (events[i].data.ptr == &server->listener) {
			accepting = true;
		} else if (events[i].data.ptr == &server->event_fd) {
			if (read(server->event_fd, &ignored, sizeof(ignored)) < 0) {
				/* Somebody else's wake-up: fine. */
			}
		} else if (events[i].events & (EPOLLHUP | EPOLLERR)) {
			session->dead = true; /* both directions: nobody reads an answer */
		} else if (events[i].events & EPOLLIN) {
			session_receive(session, now);
		}
	}
	/* Last: it may destroy a session to make room. */
	if (accepting && !atomic_load(&server->leaving))
		server_accept(server, now);
}

/* Milliseconds for epoll_wait() until the next deadline, -1 when there is none. */
static int next_timeout(struct server *server)
{
	uint64_t queue = server_worker_deadline(&server->worker);
	uint64_t chore = server_worker_chore_deadline(server);
	uint64_t first = queue < chore ? queue : chore;
	uint64_t next = first == UINT64_MAX ? UINT64_MAX : first / 1000 + 1;
	uint64_t now = now_ms();

	for (size_t i = 0; i < server->options.clients; i++) {
		struct session *session = server->sessions[i];
		uint64_t deadline;

		if (!session)
			continue;
		deadline = session_deadline(session, server->options.idle_ms,
					    server->options.stall_ms);
		if (deadline < next)
			next = deadline;
	}
	if (server->accept_again_at && server->accept_again_at < next)
		next = server->accept_again_at;
	if (next == UINT64_MAX)
		return -1;
	/* What is due and could not be begun (no memory for its thread) waits a moment. */
	if (next <= now)
		return chore / 1000 < now ? SERVER_FINISH_STEP_MS : 0;
	return next - now > INT_MAX ? INT_MAX : (int)(next - now);
}

static int run_round(struct server *server, int timeout, struct suture_error *err)
{
	struct epoll_event events[SERVER_EVENTS];
	int count = epoll_wait(server->epoll_fd, events, SERVER_EVENTS, timeout);
	uint64_t now = now_ms();
	bool more = false;

	if (count < 0 && errno != EINTR)
		return error_errno(err, SUTURE_E_IO, errno, "epoll");
	/* Else what was waited for may be the program's, and the events too. */
	if (server_is_robbed(server))
		return error_set(err, SUTURE_E_IO, "the program closed the agent's descriptors");
	take_events(server, events, count, now);
	server_worker_collect(server, server_now_us());
	server_leave(server);
	server_worker_chores(server, server_now_us());
	for (size_t i = 0; i < server->options.clients; i++)
		if (server->sessions[i] && serve_session(server, server->sessions[i], now))
			more = true;
	for (size_t i = 0; i < server->options.clients; i++)
		if (server->sessions[i] && server->sessions[i]->dead)
			server_drop_session(server, i);
	server_resume_accepting(server, now);
	return more ? 0 : next_timeout(server);
}

static void wake_up(void *server)
{
	server_wake(server);
}

/* Told to finish: does anybody still wait for an answer, and is there time for it? */
static bool is_finished(struct server *server)
{
	uint64_t now = now_ms();

	if (!atomic_load(&server->finishing))
		return false;
	if (!server->finish_at)
		server->finish_at = now + SERVER_FINISH_MS;
	for (size_t i = 0; i < server->options.clients && now < server->finish_at; i++)
		if (server->sessions[i] &&
		    (server->sessions[i]->call || session_pending(server->sessions[i])))
			return false;
	return true;
}

int server_run(struct server *server, struct suture_error *err)
{
	sigset_t all;
	int timeout = 0, rc = 0;

	sigfillset(&all); /* glibc leaves out 32 and 33, which setuid() and pthread_cancel() need */
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	/* Where ptrace is not permitted, a commit at a safe point needs this thread to stand too.
	 */
	safepoint_join_own(wake_up, server);
	while (!rc && !atomic_load(&server->stopping) && !is_finished(server)) {
		if (server->finish_at && (timeout < 0 || timeout > SERVER_FINISH_STEP_MS))
			timeout = SERVER_FINISH_STEP_MS;
		timeout = run_round(server, timeout, err);
		rc = timeout < -1 ? timeout : 0;
		safepoint_visit();
	}
	safepoint_depart();
	return rc;
}

void server_stop(struct server *server)
{
	atomic_store(&server->stopping, true);
	server_wake(server);
}

void server_call_finish(struct server_call *call)
{
	atomic_store(&call->server->finishing, true);
	server_wake(call->server);
}

bool server_is_leaving(const struct server *server)
{
	return atomic_load(&server->leaving);
}

bool server_is_robbed(const struct server *server)
{
	return server->listener.fd >= 0 && !rpc_listener_is_open(&server->listener);
}

/*
 * Who closes the listener closes whatever is open: none of the numbers is ours any more. Sessions
 * that came later are left open rather than closed by mistake.
 */
static void forget_numbers(struct server *server)
{
	if (!server_is_robbed(server))
		return;
	for (size_t i = 0; i < SERVER_CLIENTS; i++) {
		atomic_store(&server->session_fds[i], -1);
		if (server->sessions[i])
			server->sessions[i]->fd = -1;
	}
	server->event_fd = server->epoll_fd = -1;
}

void server_destroy(struct server *server)
{
	if (!server)
		return;
	forget_numbers(server);
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (server->sessions[i])
			server_drop_session(server, i);
	server_worker_fini(&server->worker);
	rpc_listener_close(&server->listener);
	if (server->event_fd >= 0)
		close(server->event_fd);
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	free(server);
}

void server_forget(struct server *server)
{
	bool robbed = server_is_robbed(server);

	rpc_listener_forget(&server->listener);
	for (size_t i = 0; i < SERVER_CLIENTS; i++) {
		int fd = atomic_exchange(&server->session_fds[i], -1);

		if (fd >= 0 && !robbed)
			close(fd);
	}
	if (server->event_fd >= 0 && !robbed)
		close(server->event_fd);
	if (server->epoll_fd >= 0 && !robbed)
		close(server->epoll_fd);
	server->event_fd = server->epoll_fd = -1;
}

int server_event_fd(const struct server *server)
{
	return server->event_fd;
}

const char *server_path(const struct server *server)
{
	return server->listener.path;
}

pid_t server_worker_tid(const struct server *server)
{
	return atomic_load(&server->worker.tid);
}

void *server_call_context(const struct server_call *call)
{
	return call->server->options.context;
}

const struct peer *server_call_peer(const struct server_call *call)
{
	return &call->peer;
}

uint64_t server_call_waited_us(const struct server_call *call)
{
	return call->waited_us;
}

bool server_call_abandoned(const struct server_call *call)
{
	return atomic_load_explicit(&call->abandoned, memory_order_relaxed);
}
