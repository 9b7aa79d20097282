/* SPDX-License-Identifier: MIT */
/*
 * Who is where: the first look, before the gate, and the second, after it. stop.h has the proof
 * that the two together are exact. Runs on the helper.
 */
#include "stop/session.h"

enum {
	MAX_LAZY_PASSES = 4,
	KERNEL_IO_WORKER = 0x10,     /* PF_IO_WORKER */
	KERNEL_USER_WORKER = 0x4000, /* PF_USER_WORKER, since Linux 6.4 */
};

/*
 * It has to be stopped, unless it is a worker of the kernel (io_uring), which executes none of our
 * code: a stop would end what it waits for with EINTR, and newer kernels let us.
 */
static void want(struct stop_session *session, struct stop_task *task)
{
	uint64_t flags;

	if (tasks_read_stat_stopped(session, task->tid, &flags) &&
	    (flags & (KERNEL_IO_WORKER | KERNEL_USER_WORKER)))
		task->state = TASK_INERT;
	else
		task->wanted = true;
}

/* ---- sleepers ------------------------------------------------------------------------------- */

enum glance {
	GLANCE_ASLEEP,	/* off the processor all the while, and its sight is firm */
	GLANCE_RUNNING, /* or could not be told: has to be stopped */
	GLANCE_DEAD,
};

/*
 * Looks at a thread without touching it. The count is read before the registers and after the walk:
 * equal counts say that the stack did not change under the walk.
 */
static enum glance glance(struct stop_session *session, struct stop_task *task, enum sight *sight,
			  struct stop_blocker *blocker)
{
	struct sleep_state sleep;
	struct arch_regs regs;
	uint64_t before, after;

	if (!tasks_read_turns_stopped(session, task, &before))
		return GLANCE_DEAD;
	/* A kernel that does not count gives zero: nothing can be concluded. */
	if (!tasks_read_sleep_stopped(session, task->tid, &sleep) || !sleep.asleep || before == 0)
		return GLANCE_RUNNING;
	blocker->reason = STOP_REASON_NONE;
	blocker->tag = 0;
	blocker->busy_frame = 0;
	if (sleep.vfork) {
		session->depth = 0;
		blocker->reason = STOP_REASON_VFORK;
		*sight = SIGHT_BUSY;
	} else {
		arch_native()->regs_from_sleep_stopped(sleep.sp, sleep.pc, &regs);
		*sight = walk_stopped(session, &regs, blocker);
	}
	if (!tasks_read_turns_stopped(session, task, &after))
		return GLANCE_DEAD;
	if (after != before || *sight == SIGHT_NEEDS_REGISTER)
		return GLANCE_RUNNING;
	task->turns = after;
	return GLANCE_ASLEEP;
}

static void look_asleep(struct stop_session *session, struct stop_task *task)
{
	struct stop_blocker blocker;
	enum sight sight;

	switch (glance(session, task, &sight, &blocker)) {
	case GLANCE_DEAD:
		task->state = TASK_GONE;
		return;
	case GLANCE_RUNNING:
		want(session, task);
		return;
	case GLANCE_ASLEEP:
	default:
		break;
	}
	task->state = TASK_ASLEEP;
	if (sight == SIGHT_BUSY && session->outcome == OUTCOME_CLEAN)
		session->outcome =
			blocker.reason == STOP_REASON_VFORK ? OUTCOME_STUCK : OUTCOME_BUSY;
	if (sight == SIGHT_BUSY || session->threads)
		walk_report_stopped(session, task, &blocker);
}

/*
 * Those that were left asleep run as they please, and where hundreds do, one that is to stop may
 * get no processor for seconds: a thread that has had more than its share waits until all the
 * others have had theirs. So those that run now are to stop as well. The sleepers sleep on.
 */
void look_crowd_stopped(struct stop_session *session)
{
	for (size_t i = 0; i < session->task_count; i++) {
		struct stop_task *task = &session->tasks[i];
		struct sleep_state sleep;

		if (task->state == TASK_ASLEEP && !task->wanted &&
		    tasks_read_sleep_stopped(session, task->tid, &sleep) && !sleep.asleep)
			want(session, task);
	}
}

/* ---- who stands at a safe point -------------------------------------------------------------- */

/* In the kernel, asleep by its own will, signals blocked: it stays until it is let go. */
static void look_standing(struct stop_session *session, const struct safepoint_stand *stand,
			  struct stop_task *task)
{
	struct stop_blocker blocker = {.reason = STOP_REASON_NONE};
	enum sight sight = walk_stopped(session, &stand->regs, &blocker);

	task->state = TASK_STANDS;
	task->sp = stand->regs.value[arch_native()->dwarf_sp];
	if (sight == SIGHT_NEEDS_REGISTER) {
		blocker.reason = STOP_REASON_UNKNOWN_FRAME;
		blocker.busy_frame = session->depth ? session->depth - 1 : 0;
	}
	if (sight != SIGHT_CLEAN && session->outcome == OUTCOME_CLEAN)
		session->outcome = OUTCOME_BUSY;
	if (sight != SIGHT_CLEAN || session->threads)
		walk_report_stopped(session, task, &blocker);
}

static void look_gathered(struct stop_session *session)
{
	const struct safepoint_gathering *gathering = session->gathering;

	for (size_t i = 0; gathering && i < session->task_count; i++) {
		struct stop_task *task = &session->tasks[i];

		for (size_t j = 0; task->state == TASK_NEW && j < gathering->count; j++)
			if (gathering->stands[j].tid == task->tid)
				look_standing(session, &gathering->stands[j], task);
	}
}

/* ---- the first look ------------------------------------------------------------------------- */

static bool list(struct stop_session *session, size_t *added)
{
	switch (tasks_list_stopped(session, added)) {
	case LISTING_OK:
		return true;
	case LISTING_FULL:
		session->outcome = OUTCOME_TABLE_FULL;
		return false;
	case LISTING_FAILED:
	default:
		session->outcome = OUTCOME_NO_PROC;
		return false;
	}
}

static void look_lazy(struct stop_session *session)
{
	size_t added;

	if (!list(session, &added))
		return;
	look_gathered(session);
	for (size_t i = 0; i < session->task_count; i++) {
		if (session->tasks[i].state == TASK_STANDS)
			continue;
		tasks_open_counter_stopped(session, &session->tasks[i]);
		look_asleep(session, &session->tasks[i]);
	}
	/* A sleeper in the way: known before anybody was stopped, and nobody needs to be. */
	if (session->outcome != OUTCOME_CLEAN && !session->threads)
		return;
	trace_stop_wanted_stopped(session);
	if (session->outcome == OUTCOME_BUSY && !session->threads)
		trace_linger_stopped(session);
}

static void look_full(struct stop_session *session)
{
	size_t added;

	do {
		if (!list(session, &added))
			return;
		look_gathered(session);
		for (size_t i = 0; i < session->task_count; i++)
			if (session->tasks[i].state == TASK_NEW)
				want(session, &session->tasks[i]);
		trace_stop_wanted_stopped(session);
		if (session->outcome != OUTCOME_BUSY || session->threads)
			continue;
		/* Who runs on may give birth: list again. */
		trace_linger_stopped(session);
		added = 1;
	} while (added && session->outcome == OUTCOME_CLEAN);
	if (session->outcome == OUTCOME_CLEAN || session->threads)
		fiber_look_stopped(session);
}

void look_first_stopped(struct stop_session *session)
{
	if (session->lazy)
		look_lazy(session);
	else
		look_full(session);
}

/* ---- the second look, behind the closed gate ------------------------------------------------- */

/*
 * One clean sight of a thread at any moment after the gate was closed is enough for good: it can't
 * get in any more. So a thread that ran and sleeps again is looked at where it sleeps.
 */
static void look_after_gate(struct stop_session *session, struct stop_task *task)
{
	uint64_t turns;

	if (task->moved || task->state == TASK_STOPPED || task->state == TASK_STANDS ||
	    task->state == TASK_INERT)
		return;
	task->moved = true;
	if (task->state == TASK_ASLEEP) {
		if (!tasks_read_turns_stopped(session, task, &turns)) {
			task->state = TASK_GONE;
			return;
		}
		if (turns == task->turns)
			return;
	}
	look_asleep(session, task);
}

/* Is everyone whom the listing named alive? Only then was it a whole one. */
static bool is_whole(struct stop_session *session)
{
	bool whole = true;
	uint64_t turns;

	for (size_t i = 0; i < session->task_count; i++) {
		struct stop_task *task = &session->tasks[i];

		if (!task->named)
			continue;
		/* Most have been seen alive since the listing, when their turns were read. */
		if ((task->state == TASK_ASLEEP || task->state == TASK_INERT) && !task->alive &&
		    !tasks_read_turns_stopped(session, task, &turns))
			task->state = TASK_GONE;
		whole &= task->state != TASK_GONE;
	}
	return whole;
}

/* Threads come and go faster than they are listed: stopped ones don't, and what they bear is ours.
 */
static void want_all(struct stop_session *session)
{
	for (size_t i = 0; i < session->task_count; i++)
		if (session->tasks[i].state == TASK_ASLEEP || session->tasks[i].state == TASK_NEW)
			want(session, &session->tasks[i]);
}

void look_again_stopped(struct stop_session *session)
{
	size_t added;

	for (unsigned pass = 0; session->outcome == OUTCOME_CLEAN; pass++) {
		if (!list(session, &added))
			return;
		for (size_t i = 0; i < session->task_count; i++)
			if (session->tasks[i].named)
				look_after_gate(session, &session->tasks[i]);
		if (session->outcome != OUTCOME_CLEAN)
			return;
		if (pass >= MAX_LAZY_PASSES)
			want_all(session);
		trace_stop_wanted_stopped(session);
		if (session->outcome == OUTCOME_BUSY)
			trace_linger_stopped(session);
		if (session->outcome == OUTCOME_CLEAN && is_whole(session))
			break;
	}
	/* Added before the gate was closed, one may be suspended inside: only a full stop tells. */
	if (session->outcome == OUTCOME_CLEAN && fiber_changed_stopped(&session->fibers))
		session->outcome = OUTCOME_FIBERS;
}
