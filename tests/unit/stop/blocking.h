/* SPDX-License-Identifier: MIT */
/*
 * Threads that sleep in one blocking call each while stops happen, on each rung in turn; then each
 * is woken in its own way and says what its call returned.
 */
#ifndef TESTS_STOP_BLOCKING_H
#define TESTS_STOP_BLOCKING_H

#include "fixture.h"

#include <errno.h>

/* What is made before the thread is started. */
enum blocking_kind { PIPE, SOCKETS, LISTENER, LOCK, CHILD, NONE };
enum { BLOCKING_RUNGS = 3 };

struct sleeper {
	const char *name;
	long (*sleep)(struct sleeper *sleeper); /* what the call returned, or -errno */
	void (*wake)(struct sleeper *sleeper);
	long expected;
	enum blocking_kind kind;
	int fds[2];
	int word;
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic bool returned;
	long result[BLOCKING_RUNGS];
	long answer;
	bool unavailable; /* set by sleep, which then returns what is expected */
};

#define SLEEPER(name_, sleep_, wake_, expected_, kind_)                                       \
	{                                                                                     \
		.name = (name_), .sleep = (sleep_), .wake = (wake_), .expected = (expected_), \
		.kind = (kind_)                                                               \
	}

static inline long answer(long rc)
{
	return rc < 0 ? -errno : rc;
}

/* Writes until the pipe or socket is full, so that the next write sleeps. */
void blocking_fill(int fd);

/* A FIFO that is opened at one end, and sleeps until the other one is opened to wake it. */
long blocking_open_fifo(struct sleeper *sleeper, int flags);
void blocking_open_other_end(struct sleeper *sleeper, int flags);

/*
 * Ways to wake: a byte into fds[1]; taking out what is in fds[0]; the futex at word; the end of the
 * child that is word; SIGUSR1, which is blocked; SIGUSR2, which has a handler; none.
 */
void wake_write(struct sleeper *sleeper);
void wake_read(struct sleeper *sleeper);
void wake_futex(struct sleeper *sleeper);
void wake_child(struct sleeper *sleeper);
void wake_signal(struct sleeper *sleeper);
void wake_by_handler(struct sleeper *sleeper);
void wake_nothing(struct sleeper *sleeper);

/* Starts their threads, and waits until each sleeps. */
void blocking_start(struct sleeper *sleepers, size_t count);

/* Prints the table of what each returned, and fails where that is not what was expected. */
void blocking_run(struct sleeper *sleepers, size_t count);

#endif
