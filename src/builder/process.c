/* SPDX-License-Identifier: MIT */
/* Child processes; see process.h. Children are waited for by pidfd, so that nobody else's are
 * taken. */
#include "builder/process.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

enum { PARALLEL_MAX = 256 };

/* Set by a signal handler: relaxed is enough, nothing else is published with it. */
static atomic_bool cancelled;

struct running {
	struct process_job *job;
	pid_t pid;
	int fd;
};

void process_cancel(void)
{
	atomic_store_explicit(&cancelled, true, memory_order_relaxed);
}

bool process_cancelled(void)
{
	return atomic_load_explicit(&cancelled, memory_order_relaxed);
}

void process_uncancel(void)
{
	atomic_store_explicit(&cancelled, false, memory_order_relaxed);
}

/* Has the list something to say about the variable? */
static bool is_decided(const struct strings *list, const char *assignment)
{
	size_t length = strcspn(assignment, "=");

	if (list && list->count && strcmp(list->items[0], "-") == 0)
		return true;
	for (size_t i = 0; list && i < list->count; i++)
		if (strcspn(list->items[i], "=") == length &&
		    strncmp(list->items[i], assignment, length) == 0)
			return true;
	return false;
}

/*
 * Ours, what the job does to it, and PWD naming the child's folder: GCC takes DW_AT_comp_dir from
 * it. TMPDIR is where we clear up after who is killed: nothing takes it out.
 */
static int environment_init(const struct process_job *job, struct strings *environment)
{
	const struct strings *list = job->environment;
	const char *temporary = getenv("TMPDIR");

	for (char **from = environ; *from; from++)
		if (strncmp(*from, "PWD=", 4) != 0 && strncmp(*from, "TMPDIR=", 7) != 0 &&
		    !is_decided(list, *from))
			strings_add(environment, *from);
	for (size_t i = 0; list && i < list->count; i++) {
		if (strchr(list->items[i], '='))
			strings_add(environment, list->items[i]);
		if (strncmp(list->items[i], "TMPDIR=", 7) == 0)
			temporary = NULL;
	}
	if (temporary)
		strings_add_format(environment, "TMPDIR=%s", temporary);
	strings_add_format(environment, "PWD=%s", job->directory);
	return strings_ok(environment) ? 0 : -1;
}

static int actions_add(posix_spawn_file_actions_t *actions, const struct process_job *job)
{
	const char *out = job->out_path ? job->out_path : "/dev/null";
	const char *error = job->error_path ? job->error_path : "/dev/null";
	const int flags = O_WRONLY | O_CREAT | O_TRUNC;
	int rc = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);

	if (!rc)
		rc = posix_spawn_file_actions_addopen(actions, 1, out, flags, 0600);
	if (!rc && job->out_path && job->error_path && strcmp(out, error) == 0)
		rc = posix_spawn_file_actions_adddup2(actions, 1, 2);
	else if (!rc)
		rc = posix_spawn_file_actions_addopen(actions, 2, error, flags, 0600);
	return rc ? rc : posix_spawn_file_actions_addchdir_np(actions, job->directory);
}

static int spawn(struct process_job *job, struct running *slot)
{
	posix_spawn_file_actions_t actions;
	struct strings environment = {0};
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	int rc = ENOMEM;

	if (posix_spawn_file_actions_init(&actions))
		return ENOMEM;
	if (posix_spawnattr_init(&attributes))
		goto destroy_actions;
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	if (environment_init(job, &environment))
		goto destroy_attributes;
	rc = actions_add(&actions, job);
	if (!rc)
		rc = posix_spawnattr_setsigmask(&attributes, &none);
	if (!rc)
		rc = posix_spawnattr_setsigdefault(&attributes, &defaults);
	/* A group of its own: a compiler's driver is killed together with what it started. */
	if (!rc)
		rc = posix_spawnattr_setpgroup(&attributes, 0);
	if (!rc)
		rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
								   POSIX_SPAWN_SETSIGDEF |
								   POSIX_SPAWN_SETPGROUP);
	if (!rc)
		rc = posix_spawnp(&slot->pid, job->argv->items[0], &actions, &attributes,
				  job->argv->items, environment.items);
destroy_attributes:
	strings_fini(&environment);
	posix_spawnattr_destroy(&attributes);
destroy_actions:
	posix_spawn_file_actions_destroy(&actions);
	if (rc)
		return rc;
	slot->job = job;
	slot->fd = pidfd_open(slot->pid, 0);
	return 0;
}

static void reap(struct running *slot, process_done *done, void *context)
{
	while (waitpid(slot->pid, &slot->job->status, 0) < 0 && errno == EINTR) {
	}
	if (slot->fd >= 0)
		close(slot->fd);
	if (done && !process_cancelled())
		done(slot->job, context);
}

/* Waits for a child to end and takes it off the list. Without pidfds: for the oldest. */
static void wait_for_one(struct running *running, size_t *count, process_done *done, void *context)
{
	struct pollfd polled[PARALLEL_MAX];
	size_t ended = 0;

	if (!*count)
		return;
	for (size_t i = 0; i < *count; i++)
		polled[i] = (struct pollfd){.fd = running[i].fd, .events = POLLIN};
	while (running[0].fd >= 0) {
		/* The timeout covers a signal that another thread took. */
		int ready = poll(polled, *count, 100);

		if (process_cancelled()) {
			for (size_t i = 0; i < *count; i++)
				kill(-running[i].pid, SIGKILL);
			break;
		}
		for (; ready > 0 && ended < *count && !polled[ended].revents; ended++) {
		}
		if (ready > 0)
			break;
	}
	if (ended == *count)
		ended = 0;
	reap(&running[ended], done, context);
	running[ended] = running[--*count];
}

int process_run(struct process_job *jobs, size_t count, unsigned parallel, process_done *done,
		void *context, struct suture_error *err)
{
	struct running running[PARALLEL_MAX];
	size_t running_count = 0, next = 0;

	if (parallel < 1)
		parallel = 1;
	if (parallel > PARALLEL_MAX)
		parallel = PARALLEL_MAX;
	while (next < count || running_count) {
		if (process_cancelled() && !running_count)
			break;
		if (next < count && running_count < parallel && !process_cancelled()) {
			struct process_job *job = &jobs[next++];
			int rc = spawn(job, &running[running_count]);

			if (!rc) {
				running_count++;
				continue;
			}
			job->status = 127 << 8;
			if (rc == ENOMEM || rc == EAGAIN)
				error_errno(err, SUTURE_E_IO, rc, "can't start %s",
					    job->argv->items[0]);
			if (done)
				done(job, context);
			continue;
		}
		wait_for_one(running, &running_count, done, context);
	}
	if (process_cancelled())
		return error_set(err, SUTURE_E_TIMEOUT, "interrupted");
	return 0;
}
