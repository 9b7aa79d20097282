/* SPDX-License-Identifier: MIT */
/*
 * The worker thread of the server and its queue. A call belongs to one side at a time: to the
 * worker from submission until it is in `done`, else to the server's thread. Only the server's
 * thread frees calls and looks at sessions.
 */
#include "agent/server_internal.h"

#include "base/error.h"
#include "stop/hurry.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Hooks of patches run on this thread, hence not the smallest stack; a host under mlockall() pays
 * for every byte of it, hence not the default 8 MiB either.
 */
enum { WORKER_STACK = 1 << 20, WORKER_NOTES = 64 };

void server_worker_init(struct server_worker *worker)
{
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->wake, NULL);
}

static void run_call(struct server_call *call)
{
	call->waited_us = server_now_us() - call->queued_at;
	call->rc =
		call->command->run(call, call->message.params, call->fd, &call->result, &call->err);
}

/* Under the lock, which is given up meanwhile. */
static void run_chore(struct server *server)
{
	struct server_worker *worker = &server->worker;

	pthread_mutex_unlock(&worker->lock);
	server->options.work(server->options.context);
	pthread_mutex_lock(&worker->lock);
	worker->chore = false;
	server_wake(server);
}

/* How long it took to wake up says how long all that follows would take. */
static void hurry_if_late(struct hurry *hurry, uint64_t since_us, bool *slept)
{
	hurry->start_ns = since_us * 1000;
	if (*slept && hurry_is_harmless())
		hurry_check_stopped(hurry);
	*slept = false;
}

static void *worker_main(void *argument)
{
	struct server *server = argument;
	struct server_worker *worker = &server->worker;
	struct hurry hurry = {0};
	bool slept = true; /* or was born just now */

	pthread_setname_np(pthread_self(), "suture-work");
	atomic_store(&worker->tid, (int)syscall(SYS_gettid));
	pthread_mutex_lock(&worker->lock);
	while (!worker->stopping) {
		struct server_call *call = worker->queue;

		/* Another server may be in our place already, with a worker of its own. */
		if (atomic_load(&server->finishing)) {
			pthread_cond_wait(&worker->wake, &worker->lock);
			continue;
		}
		if (worker->chore) {
			hurry_if_late(&hurry, worker->chore_at, &slept);
			run_chore(server);
			continue;
		}
		if (!call) {
			hurry_end(&hurry);
			slept = true;
			pthread_cond_wait(&worker->wake, &worker->lock);
			continue;
		}
		worker->queue = call->next;
		worker->queued--;
		worker->running = call;
		pthread_mutex_unlock(&worker->lock);
		hurry_if_late(&hurry, call->queued_at, &slept);
		run_call(call);
		pthread_mutex_lock(&worker->lock);
		worker->running = NULL;
		call->next = worker->done;
		worker->done = call;
		server_wake(server);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

bool server_worker_is_at_work(struct server *server)
{
	struct server_worker *worker = &server->worker;
	bool at_work;

	pthread_mutex_lock(&worker->lock);
	at_work = worker->running != NULL;
	pthread_mutex_unlock(&worker->lock);
	return at_work;
}

/* EAGAIN: a limit; or another thread is in execve(), which may yet fail. */
static int no_thread(int errnum, struct suture_error *err)
{
	error_errno(err, errnum == EAGAIN ? SUTURE_E_AGENT_BUSY : SUTURE_E_NO_MEMORY, errnum,
		    "the agent's second thread can't be started");
	return error_next(err, "try again; threads are limited by user (ulimit -u), container "
			       "(pids.max) and kernel.pid_max");
}

/* Created with every signal blocked: glibc's sigfillset() leaves out 32 and 33, as we must. */
static int start_thread(struct server *server, struct suture_error *err)
{
	struct server_worker *worker = &server->worker;
	pthread_attr_t attributes;
	sigset_t all, old;
	int rc;

	rc = pthread_attr_init(&attributes);
	if (rc)
		return no_thread(rc, err);
	pthread_attr_setstacksize(&attributes, WORKER_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&worker->thread, &attributes, worker_main, server);
	/* EINVAL: the program's thread-local data alone is larger than that stack. */
	if (rc == EINVAL)
		rc = pthread_create(&worker->thread, NULL, worker_main, server);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	if (rc)
		return no_thread(rc, err);
	worker->started = true;
	return 0;
}

static int queue_full(const struct server_call *running, struct suture_error *err)
{
	return error_set(err, SUTURE_E_AGENT_BUSY,
			 "the agent is at work on '%s' for pid %d, and %d "
			 "requests are waiting",
			 running ? running->command->method : "a request",
			 running ? (int)running->peer.pid : 0, SERVER_QUEUE);
}

int server_worker_submit(struct server *server, struct server_call *call, struct suture_error *err)
{
	struct server_worker *worker = &server->worker;
	int rc = worker->started ? 0 : start_thread(server, err);
	struct server_call **end;

	if (rc)
		return rc;
	pthread_mutex_lock(&worker->lock);
	if (worker->queued >= SERVER_QUEUE) {
		rc = queue_full(worker->running, err);
	} else {
		for (end = &worker->queue; *end; end = &(*end)->next)
			;
		call->next = NULL;
		*end = call;
		worker->queued++;
		pthread_cond_signal(&worker->wake);
	}
	pthread_mutex_unlock(&worker->lock);
	return rc;
}

uint64_t server_worker_chore_deadline(struct server *server)
{
	struct server_worker *worker = &server->worker;
	bool running;

	if (!server->options.due || atomic_load(&server->finishing))
		return UINT64_MAX;
	pthread_mutex_lock(&worker->lock);
	running = worker->chore;
	pthread_mutex_unlock(&worker->lock);
	return running ? UINT64_MAX : server->options.due(server->options.context);
}

void server_worker_chores(struct server *server, uint64_t now)
{
	struct server_worker *worker = &server->worker;

	if (server_worker_chore_deadline(server) > now)
		return;
	/* Without memory for a thread: again in the next round, a second from now. */
	if (!worker->started && start_thread(server, NULL) < 0)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->chore = true;
	worker->chore_at = now;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
}

static int still_busy(const struct server_worker *worker, struct suture_error *err)
{
	return error_set(err, SUTURE_E_AGENT_BUSY, "the agent is at work on '%s' for pid %d",
			 worker->running ? worker->running->command->method : "a request",
			 worker->running ? (int)worker->running->peer.pid : 0);
}

/* Takes expired calls out of the queue, as a list. */
static struct server_call *take_expired(struct server *server, uint64_t now)
{
	struct server_worker *worker = &server->worker;
	bool finishing = atomic_load(&server->finishing);
	struct server_call *expired = NULL, **at = &worker->queue;

	while (*at) {
		struct server_call *call = *at;

		if (call->expires_at > now && !finishing) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		worker->queued--;
		call->rc = finishing ? server_left(&call->err) : still_busy(worker, &call->err);
		call->next = expired;
		expired = call;
	}
	return expired;
}

static void deliver_notes(struct server_note *newest)
{
	struct server_note *oldest = NULL;

	while (newest) {
		struct server_note *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct server_note *next = oldest->next;
		struct session *session = oldest->call->session;

		if (session)
			bytes_add(&session->out, oldest->line.data, oldest->line.size);
		bytes_fini(&oldest->line);
		free(oldest);
		oldest = next;
	}
}

static void answer_all(struct server_call *call)
{
	while (call) {
		struct server_call *next = call->next;

		server_call_answer(call);
		server_call_destroy(call);
		call = next;
	}
}

void server_worker_collect(struct server *server, uint64_t now)
{
	struct server_worker *worker = &server->worker;
	struct server_call *done, *expired;
	struct server_note *notes;

	if (!worker->started)
		return;
	pthread_mutex_lock(&worker->lock);
	done = worker->done;
	notes = worker->notes;
	worker->done = NULL;
	worker->notes = NULL;
	worker->note_count = 0;
	expired = take_expired(server, now);
	pthread_mutex_unlock(&worker->lock);
	deliver_notes(notes); /* before the answers, which free the calls that notes point to */
	answer_all(done);
	answer_all(expired);
}

uint64_t server_worker_deadline(struct server_worker *worker)
{
	uint64_t deadline = UINT64_MAX;

	if (!worker->started)
		return deadline;
	pthread_mutex_lock(&worker->lock);
	for (const struct server_call *call = worker->queue; call; call = call->next)
		if (call->expires_at < deadline)
			deadline = call->expires_at;
	pthread_mutex_unlock(&worker->lock);
	return deadline;
}

void server_worker_abandon(struct server *server, struct server_call *call)
{
	struct server_worker *worker = &server->worker;
	bool waiting = false;

	call->session = NULL;
	atomic_store_explicit(&call->abandoned, true, memory_order_relaxed);
	pthread_mutex_lock(&worker->lock);
	for (struct server_call **at = &worker->queue; *at; at = &(*at)->next)
		if (*at == call) {
			*at = call->next;
			worker->queued--;
			waiting = true;
			break;
		}
	pthread_mutex_unlock(&worker->lock);
	if (waiting)
		server_call_destroy(call);
}

void server_call_progress(struct server_call *call, struct json_object *info)
{
	struct server_worker *worker = &call->server->worker;
	struct server_note *note;

	/* A quick command runs on the server's thread and is answered at once. */
	if (!info || !server_for_worker(call->command) || server_call_abandoned(call)) {
		json_object_put(info);
		return;
	}
	note = calloc(1, sizeof(*note));
	if (note) {
		note->call = call;
		/* The id is formatted here while the message is the worker's. */
		rpc_json_add(info, "id", json_object_get(call->message.id));
		rpc_add_notification(&note->line, "progress", info);
	}
	json_object_put(info);
	pthread_mutex_lock(&worker->lock);
	if (note && bytes_ok(&note->line) && worker->note_count < WORKER_NOTES) {
		note->next = worker->notes;
		worker->notes = note;
		worker->note_count++;
		note = NULL;
		server_wake(call->server);
	}
	pthread_mutex_unlock(&worker->lock);
	if (note)
		bytes_fini(&note->line);
	free(note);
}

static void destroy_all(struct server_call *call)
{
	while (call) {
		struct server_call *next = call->next;

		server_call_destroy(call);
		call = next;
	}
}

void server_worker_fini(struct server_worker *worker)
{
	if (worker->started) {
		pthread_mutex_lock(&worker->lock);
		worker->stopping = true;
		if (worker->running)
			atomic_store_explicit(&worker->running->abandoned, true,
					      memory_order_relaxed);
		pthread_cond_signal(&worker->wake);
		pthread_mutex_unlock(&worker->lock);
		pthread_join(worker->thread, NULL);
		worker->started = false;
	}
	while (worker->notes) {
		struct server_note *next = worker->notes->next;

		bytes_fini(&worker->notes->line);
		free(worker->notes);
		worker->notes = next;
	}
	destroy_all(worker->queue);
	destroy_all(worker->done);
	worker->queue = worker->done = NULL;
	pthread_cond_destroy(&worker->wake);
	pthread_mutex_destroy(&worker->lock);
}
