/* SPDX-License-Identifier: MIT */
/*
 * The agent's beginning and end in its process: constructor, thread, fork, exit. It never exits,
 * aborts or prints; where it can't start, the program runs without it.
 */
#include "agent/lifetime.h"

#include "agent/admit.h"
#include "agent/agent.h"
#include "agent/commands.h"
#include "agent/confirm.h"
#include "agent/denials.h"
#include "agent/hostcommand.h"
#include "agent/late.h"
#include "agent/objects.h"
#include "agent/pending.h"
#include "agent/probation.h"
#include "agent/restore.h"
#include "agent/shadow.h"
#include "agent/tls.h"
#include "arch/arch.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/forkguard.h"
#include "base/log.h"
#include "base/restraint.h"
#include "base/text.h"
#include "patch/store.h"
#include "stop/fiber.h"
#include "stop/forks.h"
#include "stop/stop.h"

#include <suture/suture.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	AGENT_STACK = 512 << 10,   /* bytes; a transaction needs about 100 KiB */
	RESTORE_PATCH_SECONDS = 5, /* for threads in the way of one patch; there are few yet */
	RESTORE_SECONDS = 30,	   /* for which main() is kept waiting at most */
};

static struct agent the_agent;
static struct server *the_server;
static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static pid_t initialised_for; /* the process whose memory the_agent's writer writes; 0: none */
static bool running;
static char socket_path[128]; /* "" while nobody serves */

/* Set before main(), taken by the worker, which then posts restore_done. */
static atomic_bool restore_wanted;
static sem_t restore_done;

/*
 * The process that the agent was last started in. A child of its fork() has the value of its
 * parent: so `suture` sees from outside that nobody has started the agent there.
 */
extern volatile pid_t suture_served_pid;
__attribute__((visibility("default"))) volatile pid_t suture_served_pid;

/*
 * Its own address once the constructor is through. Before that nobody may call suture_start() from
 * outside: the library may lie there unrelocated, in the middle of somebody's dlopen(), or for ever
 * in a child that was forked then.
 */
extern void *volatile suture_begun;
__attribute__((visibility("default"))) void *volatile suture_begun;

/* `suture attach --make-dumpable` sets it from outside; who ends the service takes that back. */
extern volatile int suture_made_dumpable;
__attribute__((visibility("default"))) volatile int suture_made_dumpable;

/*
 * Seccomp filters over the agent when it was started, -1 if that is not known: what it does was
 * permitted by them. Others than root can't read filters, but count them.
 */
extern volatile int suture_filters;
__attribute__((visibility("default"))) volatile int suture_filters = -1;

/* Why it last did not start, "" if it did: suture_start() returns a code only. */
extern char suture_why[SUTURE_ERROR_MESSAGE_SIZE];
__attribute__((visibility("default"))) char suture_why[SUTURE_ERROR_MESSAGE_SIZE];

#define EXPORT __attribute__((visibility("default")))

EXPORT const char *suture_version(void)
{
	return SUTURE_VERSION;
}

/* After `detach`, or when the socket failed: what the agent knows stays for another start. */
static void retire(struct server *server)
{
	bool leaving;

	pthread_mutex_lock(&start_lock);
	leaving = the_server == server && server_is_leaving(server);
	if (the_server == server) {
		modules_wake(-1);
		the_server = NULL;
		running = false;
		socket_path[0] = '\0';
	}
	/* Under the lock: who starts anew meanwhile must not lose the new socket with the old. */
	server_destroy(server);
	if (leaving && suture_made_dumpable) {
		suture_made_dumpable = 0;
		prctl(PR_SET_DUMPABLE, 0);
	}
	pthread_mutex_unlock(&start_lock);
}

static void *agent_thread(void *arg)
{
	struct suture_error err;

	pthread_setname_np(pthread_self(), "suture");
	if (server_run(arg, &err) < 0)
		log_error("the agent's socket: %s", err.message);
	retire(arg);
	return NULL;
}

/*
 * Creates the thread with every signal blocked but 32 and 33: the game's handlers must not run on
 * it, and glibc's own signals must reach it (blocking 33 hangs the game's setuid()).
 */
static int start_thread(struct server *server, struct suture_error *err)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	pthread_t thread;
	int rc;

	/* sigfillset() leaves glibc's internal signals out. */
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, AGENT_STACK);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &attributes, agent_thread, server);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	/* Too many, or another thread is in execve(): it need not stay so. */
	return rc ? error_errno(err, rc == EAGAIN ? SUTURE_E_AGENT_BUSY : SUTURE_E_INTERNAL, rc,
				"the agent's thread")
		  : 0;
}

static uint64_t chore_due(void *agent)
{
	uint64_t confirm = confirm_due(agent), probation = probation_due();
	uint64_t modules = modules_due(agent);

	if (atomic_load(&restore_wanted) || events_are_owed(&the_agent.events))
		return 0;
	if (modules < confirm)
		confirm = modules;
	return confirm < probation ? confirm : probation;
}

static void restore(struct agent *agent)
{
	const struct transaction_options options = {
		.timeout_ns = UINT64_C(1000000000) * RESTORE_PATCH_SECONDS,
		.persists = true,
	};
	struct json_object *answer = NULL;
	struct suture_error err;

	/* What went wrong is kept for status and list, and was recorded as an event. */
	restore_run(agent, &options, NULL, &answer, &err);
	json_object_put(answer);
}

static void chore_run(void *agent)
{
	if (atomic_exchange(&restore_wanted, false)) {
		restore(agent);
		sem_post(&restore_done);
	}
	probation_end();
	confirm_run(agent);
	restore_look(agent);
	pending_look(agent);
	events_write(&the_agent.events);
}

void lifetime_restore(void)
{
	struct timespec limit;
	bool wanted;

	pthread_mutex_lock(&start_lock);
	wanted = running && initialised_for == getpid() && restore_is_due();
	if (wanted) {
		sem_init(&restore_done, 0, 0);
		atomic_store(&restore_wanted, true);
		server_wake(the_server);
	}
	pthread_mutex_unlock(&start_lock);
	if (!wanted)
		return;
	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += RESTORE_SECONDS;
	while (sem_clockwait(&restore_done, CLOCK_MONOTONIC, &limit) < 0 && errno == EINTR)
		;
}

static void record_denial(void *agent, const struct peer *peer, const char *what,
			  const struct suture_error *err)
{
	static struct denials denials; /* the server's thread only */
	char text[EVENT_TEXT_SIZE];
	struct event_actor who;
	struct timespec now;
	unsigned more;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!denials_count(&denials, peer->uid, what, (uint64_t)now.tv_sec, &more))
		return;
	snprintf(text, sizeof(text), "%.*s", text_fit(err->message, 160), err->message);
	if (more)
		snprintf(text, sizeof(text), "%.*s; %u times more since that was last recorded",
			 text_fit(err->message, 160), err->message, more);
	event_actor_take_name(peer, &who);
	events_keep(&((struct agent *)agent)->events,
		    &(struct event_note){.what = what, .who = &who, .err = err, .text = text});
}

static int start_locked(struct suture_error *err)
{
	struct server_options options = {
		.commands = agent_commands,
		.command_count = agent_command_count,
		.context = &the_agent,
		.denied = record_denial,
		.due = chore_due,
		.work = chore_run,
	};
	int rc = 0;

	environment_keep();
	suture_filters = filters_of(gettid());
	/* A child that no handler of fork() told of it: the descriptors are the parent's. */
	if (initialised_for && initialised_for != getpid() && the_server) {
		server_forget(the_server);
		the_server = NULL;
	}
	if (!initialised_for) {
		admit_require(secure_getenv("SUTURE_REQUIRE_SIGNATURE"));
		rc = agent_init(&the_agent, err);
	} else {
		/* A child; or a start after an end, before which the program may have closed
		 * anything. */
		rc = agent_adopt(&the_agent, err);
	}
	if (!rc)
		initialised_for = getpid();
	if (!rc)
		rc = server_create(&options, &the_server, err);
	/*
	 * Not on its thread: that has a file of its own open at no time while the program may be
	 * closing what it did not open, and opening others by the same numbers.
	 */
	if (!rc) {
		store_prune();
		stop_bury_strays();
		rc = start_thread(the_server, err);
		if (rc) {
			server_destroy(the_server);
			the_server = NULL;
		}
	}
	running = rc == 0;
	if (running) {
		snprintf(socket_path, sizeof(socket_path), "%s", server_path(the_server));
		suture_served_pid = getpid();
		modules_wake(server_event_fd(the_server));
		events_add(&the_agent.events, &(struct event_note){.what = "start"});
	}
	return rc;
}

EXPORT int suture_start(void)
{
	struct suture_error err;
	int rc = 0;

	pthread_mutex_lock(&start_lock);
	/*
	 * Its thread may wait for ever at descriptors that are no more, and keeps what it has; or
	 * it has only answers to get rid of.
	 */
	if (running && initialised_for == getpid() &&
	    (server_is_robbed(the_server) || server_is_leaving(the_server))) {
		modules_wake(-1);
		the_server = NULL;
		running = false;
	}
	if (!running || initialised_for != getpid())
		rc = start_locked(&err);
	snprintf(suture_why, sizeof(suture_why), "%s", rc ? err.message : "");
	pthread_mutex_unlock(&start_lock);
	if (rc)
		log_error("the agent did not start: %s", err.message);
	return rc;
}

EXPORT const char *suture_socket_path(void)
{
	return socket_path[0] ? socket_path : NULL;
}

/*
 * In the child of a fork() there is no agent thread. Its descriptors are the parent's: closed, so
 * that nobody talks to the wrong process. Patches stay in force; docs/LIMITS.md tells the rest.
 */
static void after_fork_in_child(void)
{
	modules_wake(-1);
	if (the_server)
		server_forget(the_server);
	the_server = NULL;
	running = false;
	socket_path[0] = '\0';
	pthread_mutex_init(&start_lock, NULL);
	pthread_mutex_init(&the_agent.lock, NULL);
	if (!initialised_for)
		return;
	events_adopt(&the_agent.events);
	/* Nobody may ever ask for this child, and its patch must not outlive its time. */
	if (confirm_due(&the_agent) != UINT64_MAX)
		suture_start();
}

/* Programs that the server starts are left alone: the agent's entry leaves LD_PRELOAD. */
static void leave_preload(void)
{
	const char *preload = getenv("LD_PRELOAD"), *follow = getenv("SUTURE_FOLLOW_EXEC");
	bool removed = false;
	char *kept, *out;

	if (!preload || (follow && strcmp(follow, "1") == 0))
		return;
	kept = malloc(strlen(preload) + 1);
	if (!kept)
		return;
	out = kept;
	while (*preload) {
		size_t length = strcspn(preload, ": ");

		if (memmem(preload, length, "libsuture.so", strlen("libsuture.so"))) {
			removed = true;
		} else if (length) {
			if (out != kept)
				*out++ = ':';
			memcpy(out, preload, length);
			out += length;
		}
		preload += length;
		preload += strspn(preload, ": ");
	}
	*out = '\0';
	/* Untouched where we are not named: an attached agent must not race with getenv(). */
	if (removed && out == kept)
		unsetenv("LD_PRELOAD");
	else if (removed)
		setenv("LD_PRELOAD", kept, 1);
	free(kept);
}

/* Who loads us for `suture attach` calls suture_start() itself, when the loader is done. */
static bool starts_later(void)
{
	char name[16] = "";

	if (gettid() != getpid())
		prctl(PR_GET_NAME, name);
	return strcmp(name, ARCH_ERRAND_THREAD) == 0;
}

static void begin(void)
{
	const char *disable = getenv("SUTURE_DISABLE");

	tls_begin();
	log_set_level(log_level_from_name(getenv("SUTURE_LOG")));
	leave_preload();
	if (disable && strcmp(disable, "1") == 0)
		return;
	forks_guard_begin();
	fork_guard_begin();
	objects_guard_fork();
	shadow_guard_fork();
	hostcommand_guard_fork();
	fiber_guard_fork();
	pthread_atfork(NULL, NULL, after_fork_in_child);
	late_be_found();
	if (!starts_later())
		suture_start();
}

__attribute__((constructor)) static void agent_begin(void)
{
	begin();
	suture_begun = (void *)&suture_begun;
}

/* At a regular exit the socket and the patches' files go; after a crash the next start prunes them.
 */
__attribute__((destructor)) static void agent_end(void)
{
	const char *path = suture_socket_path();

	probation_end();
	if (path)
		unlink(path);
	/* Also when detached; not in a child that only inherited all this. */
	if (initialised_for == getpid())
		store_close();
}
