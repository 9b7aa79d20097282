/* SPDX-License-Identifier: MIT */
/*
 * The admin socket of the agent: JSON-RPC 2.0 lines (docs/PROTOCOL.md).
 *
 * Threads. server_run() is the body of the agent's thread: epoll, non-blocking, never in the hands
 * of one client. Commands that are neither `mutates` nor `slow` run on it and must answer in
 * milliseconds. All others run one at a time on the worker thread ("suture-work"), which is
 * created at the first of them and then stays. So a quick command may run WHILE a slow one does:
 * what both look at needs a lock that is held briefly. Requests that find the worker at work wait,
 * at most SERVER_QUEUE of them and each no longer than its own "timeout_us" parameter (10 s without
 * one), else they are answered AGENT_BUSY.
 *
 * Both threads block every signal but 32 and 33. Nothing here exits, aborts or prints. Without
 * clients and without work that falls due there are no timers: no wake-ups.
 */
#ifndef AGENT_SERVER_H
#define AGENT_SERVER_H

#include "agent/peer.h"

#include <json-c/json.h>
#include <stdint.h>
#include <suture/error.h>

enum {
	SERVER_CLIENTS = 64, /* one more, and one of them is dropped (server_admit.c says which) */
	SERVER_FRESH_MS = 200, /* but none that came just now: it has a moment to speak */
	SERVER_QUEUE = 16,
	SERVER_IDLE_MS = 30000,	    /* a client that asks nothing is dropped */
	SERVER_STALL_MS = 5000,	    /* one that does not read its answer, or not finish its line */
	SERVER_WAIT_MS = 10000,	    /* in the queue, unless the request says otherwise */
	SERVER_OUT_LIMIT = 8 << 20, /* bytes of answers waiting for one client */
};

struct server;
struct server_call; /* one request being carried out */

struct server_command {
	const char *method;
	const char *help; /* one line, for `help`; NULL hides it there */
	bool mutates;	  /* needs a writer; runs on the worker */
	bool slow;	  /* runs on the worker although it only reads */
	bool at_once;	  /* mutates, but in no time: must not wait for the worker */
	bool fd_optional; /* takes_fd, but a request may do without */
	bool takes_fd;	  /* a request without a descriptor is refused, others' are closed */
	/*
	 * 0 with *result (handed over; NULL is null), or a negative code with err filled. On
	 * failure *result may be an object whose members go into the error's data:
	 * {"blockers":[…]}. params is an object or NULL, fd open until return or -1: both stay the
	 * server's. rpc/params.h has checked readers.
	 */
	int (*run)(struct server_call *call, struct json_object *params, int fd,
		   struct json_object **result, struct suture_error *err);
};

struct server_options {
	const struct server_command *commands; /* borrowed, as long as the server lives */
	size_t command_count;
	void *context;	    /* for the commands */
	const char *socket; /* instead of $SUTURE_SOCKET, or NULL */
	/*
	 * Told of each request that a client may not make (its method), and of each connection of
	 * somebody who may make none ("connect"). May be NULL. The server's thread.
	 */
	void (*denied)(void *context, const struct peer *peer, const char *what,
		       const struct suture_error *err);
	/*
	 * Work that falls due by itself, or NULLs. `due` says when (us of CLOCK_MONOTONIC,
	 * UINT64_MAX: never) and is asked after each request; `work` runs on the worker, before
	 * what waits there.
	 */
	uint64_t (*due)(void *context);
	void (*work)(void *context);
	unsigned clients; /* the limits above, or 0: other ones for tests */
	unsigned fresh_ms;
	unsigned idle_ms;
	unsigned stall_ms;
};

/* Makes socket and descriptors; nothing runs yet. `hello`, `ping` and `help` are built in. */
int server_create(const struct server_options *options, struct server **server,
		  struct suture_error *err);

/* Serves until server_stop(). One thread, once. Returns an error only if it can't go on. */
int server_run(struct server *server, struct suture_error *err);

/* Any thread, also before server_run(); async-signal-safe. */
void server_stop(struct server *server);

/*
 * After server_run() has returned (or never began). Waits for a command that is running, removes
 * the socket. NULL is fine.
 */
void server_destroy(struct server *server);

/* The program has closed the server's descriptors: it can't be reached any more. Any thread. */
bool server_is_robbed(const struct server *server);

/* It was told to finish, and nobody finds it any more: another one may take its place. Any thread.
 */
bool server_is_leaving(const struct server *server);

/*
 * For the child of a fork(), where neither thread exists: closes the descriptors that it inherited
 * so that nobody talks to it by mistake; frees nothing. Async-signal-safe.
 */
void server_forget(struct server *server);

/* Has options.due asked again. Any thread; async-signal-safe. */
void server_wake(struct server *server);

/* An eventfd: whoever writes 1 to it has the server ask again what is due. While it lives. */
int server_event_fd(const struct server *server);

/* Path of the socket, as long as the server lives. */
const char *server_path(const struct server *server);

/* Thread id of the worker, 0 while there is none. Any thread. */
pid_t server_worker_tid(const struct server *server);

/* For commands, on the thread that runs them. */
void *server_call_context(const struct server_call *call);
const struct peer *server_call_peer(const struct server_call *call);

/* Time that the request spent in the queue, to be taken off its timeout. */
uint64_t server_call_waited_us(const struct server_call *call);

/* True once the client is gone: nobody will read the answer. A command that retries may give up. */
bool server_call_abandoned(const struct server_call *call);

/*
 * The server ends once this call is answered, and answers under way are read. Whoever has the
 * answer finds nobody any more; what waits behind this call is refused. On the worker.
 */
void server_call_finish(struct server_call *call);

/*
 * Sends the notification `progress` with {"id": of the request, …members of info}; info is handed
 * over. Dropped when too many are waiting. Allocates and locks: not while threads are stopped.
 */
void server_call_progress(struct server_call *call, struct json_object *info);

#endif
