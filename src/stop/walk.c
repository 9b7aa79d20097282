/* SPDX-License-Identifier: MIT */
/* One thread's stack against the busy ranges. Runs on the helper; no allocation, no lock. */
#include "stop/session.h"

#include <string.h>

static const struct stop_range *find_range(const struct stop_request *request, uintptr_t pc)
{
	size_t low = 0, high = request->busy_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pc >= request->busy[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < request->busy_count && pc >= request->busy[low].start)
		return &request->busy[low];
	return NULL;
}

/* At the very entry, or at the jump or gate behind the entry mark: nothing of it was executed. */
static bool has_not_begun(const struct stop_range *range, const struct unwind_cursor *cursor)
{
	uintptr_t pc = (uintptr_t)cursor->regs.pc;

	return cursor->exact && range->site && (pc == range->start || pc == range->site);
}

static enum sight block(struct stop_session *session, struct stop_blocker *blocker,
			enum stop_reason reason, uint32_t tag, unsigned frame)
{
	(void)session;
	blocker->reason = reason;
	blocker->tag = tag;
	blocker->busy_frame = frame;
	return SIGHT_BUSY;
}

enum sight walk_stopped(struct stop_session *session, const struct arch_regs *regs,
			struct stop_blocker *blocker)
{
	uintptr_t sp = (uintptr_t)regs->value[arch_native()->dwarf_sp];
	const struct suture_fiber *fiber = fiber_at_stopped(&session->fibers, sp);
	uintptr_t start = fiber ? (uintptr_t)fiber->stack : 0;

	return walk_within_stopped(session, regs, start,
				   fiber ? start + fiber->stack_size : UINTPTR_MAX, blocker);
}

/* Was the last frame of a stack left? Of one that the application made, it knows what is beyond. */
static bool is_beyond(const struct stop_session *session, const struct unwind_cursor *cursor,
		      uintptr_t start, uintptr_t end)
{
	uint64_t sp = cursor->regs.value[arch_native()->dwarf_sp];

	if (!cursor->exact && cursor->regs.pc == session->fibers.context_end)
		return true;
	return end != UINTPTR_MAX && (sp < start || sp >= end || cursor->regs.pc == 0);
}

enum sight walk_within_stopped(struct stop_session *session, const struct arch_regs *regs,
			       uintptr_t start, uintptr_t end, struct stop_blocker *blocker)
{
	enum sight sight = SIGHT_CLEAN;
	struct unwind_cursor cursor;

	unwind_memory_forget_stopped(&session->memory);
	unwind_start_stopped(&cursor, regs);
	session->depth = 0;
	session->complete = false;
	for (unsigned frame = 0;; frame++) {
		const struct stop_range *range;

		if (session->depth < STOP_MAX_BACKTRACE)
			session->backtrace[session->depth++] = (uintptr_t)cursor.regs.pc;
		range = find_range(session->request, unwind_lookup_pc(&cursor));
		if (range && sight == SIGHT_CLEAN && !has_not_begun(range, &cursor))
			sight = block(session, blocker, STOP_REASON_FUNCTION, range->tag, frame);
		/* Busy is busy; the rest of the walk is for the backtrace. */
		if (sight == SIGHT_BUSY && session->depth == STOP_MAX_BACKTRACE) {
			session->complete = true;
			return sight;
		}
		switch (unwind_step_stopped(session->unwind, &session->memory, &cursor)) {
		case UNWIND_FRAME:
			if (!is_beyond(session, &cursor, start, end))
				break;
			session->complete = true;
			return sight;
		case UNWIND_END:
			session->complete = true;
			return sight;
		case UNWIND_NEEDS_REGISTER:
			return SIGHT_NEEDS_REGISTER;
		case UNWIND_UNKNOWN:
		default:
			if (sight == SIGHT_BUSY)
				return sight;
			return block(session, blocker, STOP_REASON_UNKNOWN_FRAME, 0, frame);
		}
	}
}

static void fill(struct stop_session *session, struct stop_blocker *to, pid_t tid,
		 const struct stop_blocker *from)
{
	to->tid = tid;
	to->reason = from->reason;
	to->tag = from->tag;
	to->busy_frame = from->busy_frame;
	to->since_ns = 0;
	if (tid)
		tasks_read_comm_stopped(session, tid, to->comm);
	to->depth = session->depth;
	for (unsigned i = 0; i < session->depth; i++)
		to->backtrace[i] = session->backtrace[i];
}

void walk_report_stopped(struct stop_session *session, const struct stop_task *task,
			 const struct stop_blocker *blocker)
{
	if (session->threads) {
		struct stop_thread *thread = &session->threads[task - session->tasks];

		fill(session, &thread->view, task->tid, blocker);
		thread->complete = session->complete;
		thread->state = task->state == TASK_ASLEEP    ? STOP_THREAD_ASLEEP
				: task->state == TASK_STANDS  ? STOP_THREAD_ASLEEP
				: task->state == TASK_STOPPED ? STOP_THREAD_RUNNING
							      : STOP_THREAD_UNSEEN;
	}
	if (blocker->reason == STOP_REASON_NONE)
		return;
	if (session->blocker_count < STOP_MAX_BLOCKERS)
		fill(session, &session->blockers[session->blocker_count++], task->tid, blocker);
}

void walk_report_other_stopped(struct stop_session *session, const char *name,
			       const struct stop_blocker *blocker)
{
	struct stop_blocker *to;
	size_t i;

	if (session->blocker_count >= STOP_MAX_BLOCKERS)
		return;
	to = &session->blockers[session->blocker_count++];
	fill(session, to, 0, blocker);
	for (i = 0; name[i] && i < STOP_COMM_SIZE - 1; i++)
		to->comm[i] = name[i];
	to->comm[i] = '\0';
}
