/* SPDX-License-Identifier: MIT */
/*
 * Waiting for who sleeps in the way. Many a server's tick sleeps inside the function that its loop
 * calls again at once: its thread is outside for some microseconds of a tick, and attempts at
 * moments of our own hardly ever find it there. It can't leave before it has had a processor, and
 * who runs inside is let run on until it is outside (trace.c): so the moment to look is when it has
 * just woken. Runs on the helper, while nobody is stopped: raw system calls.
 */
#include "stop/session.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	LATE_NS = 500000,
	LOOK_NS = 20000,      /* between two looks at the counters */
	AWAIT_NS = 150000000, /* per attempt: what a helper may live longer than it works */
	TIMER_SLACK_NS = 1,
};

void wake_remember(struct stop_session *session, const struct stop_result *result,
		   uint64_t limit_ns)
{
	session->awaited_count = 0;
	session->await_ns = limit_ns < AWAIT_NS ? limit_ns : AWAIT_NS;
	/* Of more nothing is known. */
	if (result->blocker_count >= STOP_MAX_BLOCKERS)
		return;
	for (unsigned i = 0; i < result->blocker_count; i++) {
		const struct stop_blocker *blocker = &result->blockers[i];

		if (blocker->reason != STOP_REASON_FUNCTION || blocker->tid <= 0) {
			session->awaited_count = 0;
			return;
		}
		session->awaited[session->awaited_count++] =
			(struct stop_task){.tid = blocker->tid, .counter_fd = -1};
	}
}

/* False where one of them does not sleep, or can't be looked at: nothing to wait for. */
static bool all_sleep(struct stop_session *session)
{
	for (unsigned i = 0; i < session->awaited_count; i++) {
		struct stop_task *task = &session->awaited[i];
		struct sleep_state sleep;

		/* In this order: who wakes in between, and sleeps again, is noticed. */
		tasks_open_counter_stopped(session, task);
		if (task->counter_fd < 0 ||
		    !tasks_read_turns_stopped(session, task, &task->turns) ||
		    !tasks_read_sleep_stopped(session, task->tid, &sleep) || !sleep.asleep)
			return false;
	}
	return session->awaited_count > 0;
}

static bool any_woke(struct stop_session *session)
{
	for (unsigned i = 0; i < session->awaited_count; i++) {
		struct stop_task *task = &session->awaited[i];
		uint64_t turns;

		if (!tasks_read_turns_stopped(session, task, &turns) || turns != task->turns)
			return true;
	}
	return false;
}

void wake_await_stopped(struct stop_session *session)
{
	struct timespec moment = {.tv_nsec = LOOK_NS};
	uint64_t start = wait_now_stopped(), now = start, before;
	struct priority forgotten = {0};

	if (!all_sleep(session))
		return;
	/* The helper's own, who ends with the attempt. */
	arch_syscall(SYS_prctl, PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0, 0);
	while (!any_woke(session) && now - start < session->await_ns) {
		before = now;
		arch_syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&moment, 0, 0, 0);
		now = wait_now_stopped();
		/* It would come too late, and take next to nothing from anybody. */
		if (now - before > LATE_NS && session->may_raise && !forgotten.saved)
			priority_hurry_stopped(session->helper, &forgotten);
	}
}
