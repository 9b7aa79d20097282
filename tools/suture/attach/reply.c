/* SPDX-License-Identifier: MIT */
/* The new thread's course, seen from outside; see reply.h and struct arch_errand. */
#include "cli/attach/reply.h"

#include "base/error.h"
#include "cli/attach/hold.h"
#include "cli/attach/resident.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
	NAP_NS = 100000,
	/* A thread is away meanwhile: look often, but not while nothing can have come of it yet,
	 * since each look at its memory makes the loader wait. */
	HELD_FIRST_NS = 150000,
	HELD_NAP_NS = 10000,
	HELD_LOOK_US = 1000, /* how often at whether the other one sleeps */
	HELD_US = 2000000,   /* loading takes milliseconds, where there is a processor for it */
	HELD_BLOCKED_US = 100000, /* it waits for a slow disk, or for somebody who waits for it */
};

static void nap(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

bool reply_read(const struct errand *errand, struct arch_errand *data)
{
	return remote_read(errand->remote, errand->data, data, sizeof(*data));
}

static int told(const struct errand *errand, const struct arch_errand *data,
		struct suture_error *err)
{
	char text[ARCH_ERRAND_TEXT], why[SUTURE_ERROR_MESSAGE_SIZE];

	if (data->state == ARCH_ERRAND_DONE && data->result == 0)
		return 0;
	if (data->state == ARCH_ERRAND_DONE) {
		enum suture_code code = (enum suture_code) - data->result;

		if (code == SUTURE_E_UNCERTAIN) {
			error_set(err, code, "it was forked while a patch was put in or out");
			return error_next(err, "let its parent start it again");
		}
		if (!resident_why(errand->process, why))
			snprintf(why, sizeof(why), "%s", suture_code_text(code));
		error_set(err, code, "the agent did not start: %s", why);
		return error_next(err, "it needs four free descriptors, a thread, some MiB of "
				       "memory, and a folder for its socket");
	}
	snprintf(text, sizeof(text), "%s", data->text);
	error_set(err, SUTURE_E_UNSUPPORTED, "its loader: %s", text);
	return error_next(err,
			  "%s must be readable for its user, who needs a free descriptor and some "
			  "MiB of memory for it",
			  errand->library->own);
}

static void write_data(const struct errand *errand, size_t offset, int64_t value)
{
	remote_write(errand->remote, errand->data + offset, &value, sizeof(value));
}

/* The thread has made a memfd, or has failed to, and waits. */
static int supply(struct errand *errand, int64_t fd, struct suture_error *err)
{
	struct library *library = errand->library;
	int rc;

	if (fd >= 0)
		rc = library_fill(errand->process, (int)fd, library, err);
	else
		rc = error_errno(err, SUTURE_E_UNSUPPORTED, (int)-fd,
				 "it sees no %s, and can't make memory for it", library->own);

	if (!rc &&
	    !remote_write(errand->remote, errand->path, library->path, strlen(library->path) + 1))
		rc = error_set(err, SUTURE_E_NO_PROCESS, "the process ended meanwhile");
	write_data(errand, offsetof(struct arch_errand, filled), rc ? -1 : 1);
	return rc;
}

/* One look; false when the process is gone. */
static bool look(struct errand *errand)
{
	if (!reply_read(errand, &errand->answer))
		return false;
	if (errand->waits && errand->answer.fd != ARCH_ERRAND_NO_FD) {
		errand->failed = supply(errand, errand->answer.fd, &errand->failure);
		errand->waits = false;
	}
	return true;
}

void reply_await_held(struct errand *errand, pid_t borrowed)
{
	uint64_t start = borrow_now_us(), now = start, looked = start, ran = start;
	int slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);

	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	nap(HELD_FIRST_NS);
	while (now - start < HELD_US && now - ran < HELD_BLOCKED_US && look(errand) &&
	       !errand->answer.loaded && errand->answer.state == ARCH_ERRAND_BEGUN) {
		nap(HELD_NAP_NS);
		now = borrow_now_us();
		if (now - looked < HELD_LOOK_US)
			continue;
		looked = now;
		if (!hold_is_blocked(errand->remote->pid, borrowed))
			ran = now;
	}
	prctl(PR_SET_TIMERSLACK, slack, 0, 0, 0);
}

int reply_await(struct errand *errand, uint64_t deadline, struct suture_error *err)
{
	const struct arch_errand *data = &errand->answer;
	int rc;

	for (;;) {
		if (!look(errand))
			return error_set(err, SUTURE_E_NO_PROCESS, "the process ended meanwhile");
		if (data->state != ARCH_ERRAND_BEGUN || borrow_now_us() > deadline)
			break;
		nap(NAP_NS);
	}
	if (errand->failed) {
		*err = errand->failure;
		rc = errand->failed;
	} else if (data->state == ARCH_ERRAND_BEGUN) {
		error_set(err, SUTURE_E_TIMEOUT, "its loader is still busy with something else");
		rc = error_next(err, "the agent starts when it is not; ask 'suture status -p %d'",
				(int)errand->remote->pid);
	} else {
		rc = told(errand, data, err);
	}
	write_data(errand, offsetof(struct arch_errand, dismissed), 1);
	return rc;
}
