/* SPDX-License-Identifier: MIT */
/* What the files server*.c share; nobody else includes this. */
#ifndef AGENT_SERVER_INTERNAL_H
#define AGENT_SERVER_INTERNAL_H

#include "agent/server.h"
#include "agent/session.h"
#include "rpc/listener.h"
#include "rpc/message.h"

#include <pthread.h>
#include <stdatomic.h>

struct server_call {
	struct server *server;
	struct session *session; /* NULL once it is gone; the server's thread only */
	const struct server_command *command;
	struct rpc_message message; /* owned */
	int fd;			    /* owned, or -1 */
	struct peer peer;
	uint64_t queued_at;    /* us */
	uint64_t expires_at;   /* us; waits no longer than this */
	uint64_t waited_us;    /* set when it begins */
	atomic_bool abandoned; /* set by the server's thread, read by the worker; no order needed */
	int rc;		       /* the outcome: rc, result, err */
	struct json_object *result; /* owned */
	struct suture_error err;
	struct server_call *next;
};

/* A progress line on its way from the worker to the client of call. */
struct server_note {
	struct server_call *call;
	struct bytes line;
	struct server_note *next;
};

/* The thread that runs what mutates or takes long, and what goes in and out of it. */
struct server_worker {
	pthread_t thread;
	bool started;	      /* the server's thread only */
	atomic_int tid;	      /* written by the worker at its start */
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t wake;  /* queue or stopping changed */
	struct server_call *queue;
	size_t queued;
	struct server_call *running;
	struct server_call *done;
	struct server_note *notes; /* newest first */
	size_t note_count;
	bool chore;	   /* options.work is to be run, or is running */
	uint64_t chore_at; /* since when */
	bool stopping;
};

struct server {
	struct server_options options; /* with the defaults filled in */
	struct peer_policy policy;
	struct rpc_listener listener;
	int epoll_fd;
	int event_fd;	       /* server_stop() and the worker wake epoll_wait() by it */
	atomic_bool stopping;  /* pairs with event_fd: set before, read after it is readable */
	atomic_bool finishing; /* the same, but answers go out first */
	atomic_bool leaving;   /* finishing, and nobody finds us any more; set by the server */
	uint64_t finish_at;    /* ms; at the latest; the server's thread only */
	struct session *sessions[SERVER_CLIENTS];
	/* The sessions' descriptors again, for server_forget(), which can't trust pointers. */
	atomic_int session_fds[SERVER_CLIENTS];
	uint64_t accept_again_at; /* ms; 0 unless nobody can be let in */
	bool crowded;		  /* that is so because every place is taken by a fresh client */
	struct server_worker worker;
};

uint64_t server_now_us(void);

/* server.c: events of fd come with this tag. */
int server_watch(struct server *server, int fd, void *tag, struct suture_error *err);
void server_drop_session(struct server *server, size_t slot);

/* server_admit.c; times in ms. */
void server_accept(struct server *server, uint64_t now);
void server_resume_accepting(struct server *server, uint64_t now);
/* Told to finish: takes the socket away, before anybody hears that we do. */
void server_leave(struct server *server);
/* What everybody else is told then. */
int server_left(struct suture_error *err);
/* Tells options.denied. */
void server_denied(struct server *server, const struct peer *peer, const char *what,
		   const struct suture_error *err);

/* server_dispatch.c: begins the request in that line and answers it if it is a quick one. */
void server_dispatch(struct server *server, struct session *session, char *line, size_t length);
void server_call_answer(struct server_call *call);
void server_call_destroy(struct server_call *call);

/* server_worker.c. Submitting takes the call over; a negative code gives it back. */
void server_worker_init(struct server_worker *worker);
int server_worker_submit(struct server *server, struct server_call *call, struct suture_error *err);
/* Is a call under way? When it is not any more, it has woken the server and uses no descriptor. */
bool server_worker_is_at_work(struct server *server);
/* Delivers notes and outcomes, answers what has waited too long at the time now (us). */
void server_worker_collect(struct server *server, uint64_t now);
/* When the next call in the queue has waited too long (us); UINT64_MAX: none is waiting. */
uint64_t server_worker_deadline(struct server_worker *worker);
/* The session of this call is gone: takes the call out of the queue, or tells who runs it. */
void server_worker_abandon(struct server *server, struct server_call *call);
/* Has options.work run when it is due at the time now (us). */
void server_worker_chores(struct server *server, uint64_t now);
/* When that will be (us); UINT64_MAX while it runs, or never. */
uint64_t server_worker_chore_deadline(struct server *server);
void server_worker_fini(struct server_worker *worker);

/* Does the command run on the worker? */
static inline bool server_for_worker(const struct server_command *command)
{
	return (command->mutates && !command->at_once) || command->slow;
}

#endif
