/* SPDX-License-Identifier: MIT */
/* See fiber.h. The upper half is called by the application's threads, the lower in a stop. */
#include "stop/fiber.h"

#include "base/error.h"
#include "base/forkguard.h"
#include "stop/session.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/* Guards the list. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct suture_fiber *list;
static size_t list_count, list_capacity;

/* Changed, with release, before the list is; partner of the acquire in fiber_changed_stopped(). */
static _Atomic unsigned generation;
/* list_count for those who don't lock; relaxed: whoever cares compares generations as well. */
static _Atomic size_t any_count;

static void change(void)
{
	atomic_fetch_add_explicit(&generation, 1, memory_order_acq_rel);
}

void fiber_guard_fork(void)
{
	fork_guard_add(&lock, false, NULL);
}

/* ---- the application's side ----------------------------------------------------------------- */

static bool makes_sense(const struct suture_fiber *fiber)
{
	uintptr_t start = (uintptr_t)fiber->stack;

	if (!start || !fiber->stack_size || start + fiber->stack_size <= start)
		return false;
	if (fiber->context)
		return true;
	if (!fiber->saved_sp)
		return false;
	for (size_t i = 0; i < SUTURE_FIBER_REGISTERS; i++) {
		if (fiber->registers[i] == SUTURE_FIBER_RETURN)
			return true;
		if (fiber->registers[i] != SUTURE_FIBER_OTHER &&
		    fiber->registers[i] >= ARCH_MAX_REGISTERS)
			return false;
	}
	return false;
}

static bool overlap(const struct suture_fiber *a, const struct suture_fiber *b)
{
	uintptr_t a_start = (uintptr_t)a->stack, b_start = (uintptr_t)b->stack;

	return a_start < b_start + b->stack_size && b_start < a_start + a->stack_size;
}

static int add_locked(const struct suture_fiber *fiber)
{
	for (size_t i = 0; i < list_count; i++)
		if (overlap(&list[i], fiber))
			return -(int)SUTURE_E_USAGE;
	if (list_count == list_capacity) {
		size_t wanted = list_capacity ? list_capacity * 2 : 64;
		void *grown = realloc(list, wanted * sizeof(*list));

		if (!grown)
			return -(int)SUTURE_E_NO_MEMORY;
		list = grown;
		list_capacity = wanted;
	}
	change();
	list[list_count++] = *fiber;
	atomic_store_explicit(&any_count, list_count, memory_order_relaxed);
	return 0;
}

int fiber_add(const struct suture_fiber *fiber)
{
	int rc;

	if (!fiber || !makes_sense(fiber))
		return -(int)SUTURE_E_USAGE;
	pthread_mutex_lock(&lock);
	rc = add_locked(fiber);
	pthread_mutex_unlock(&lock);
	return rc;
}

void fiber_remove(const void *stack)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < list_count; i++) {
		if (list[i].stack != stack)
			continue;
		change();
		list[i] = list[--list_count];
		atomic_store_explicit(&any_count, list_count, memory_order_relaxed);
		break;
	}
	pthread_mutex_unlock(&lock);
}

/* ---- before a stop -------------------------------------------------------------------------- */

bool fiber_any(void)
{
	return atomic_load_explicit(&any_count, memory_order_relaxed) != 0;
}

static int by_stack(const void *a, const void *b)
{
	const struct suture_fiber *left = a, *right = b;

	return left->stack < right->stack ? -1 : left->stack > right->stack;
}

static void nothing(void)
{
}

/*
 * glibc lets the functions of contexts return to code of its own, whose unwind information does not
 * cover the byte in front of it, where a return address is looked up: a context made for the
 * purpose tells where that is.
 */
static uintptr_t find_context_end(void)
{
	_Alignas(16) uint8_t stack[1024];
	struct arch_regs regs;
	ucontext_t context;

	getcontext(&context);
	context.uc_stack.ss_sp = stack;
	context.uc_stack.ss_size = sizeof(stack);
	context.uc_link = NULL;
	makecontext(&context, nothing, 0);
	arch_regs_from_context_stopped(&context, &regs);
	return arch_return_address_at_entry(&regs);
}

int fiber_snapshot_take(struct fiber_snapshot *snapshot, struct suture_error *err)
{
	int rc = 0;

	*snapshot = (struct fiber_snapshot){.context_end = find_context_end()};
	pthread_mutex_lock(&lock);
	if (list_count) {
		snapshot->fibers = malloc(list_count * sizeof(*list));
		snapshot->running = malloc(list_count * sizeof(*snapshot->running));
		if (snapshot->fibers && snapshot->running) {
			memcpy(snapshot->fibers, list, list_count * sizeof(*list));
			snapshot->count = list_count;
		} else {
			rc = error_no_memory(err);
		}
	}
	snapshot->generation = atomic_load_explicit(&generation, memory_order_acquire);
	pthread_mutex_unlock(&lock);
	if (rc)
		fiber_snapshot_fini(snapshot);
	if (snapshot->count)
		qsort(snapshot->fibers, snapshot->count, sizeof(*snapshot->fibers), by_stack);
	return rc;
}

void fiber_snapshot_fini(struct fiber_snapshot *snapshot)
{
	free(snapshot->fibers);
	free(snapshot->running);
	*snapshot = (struct fiber_snapshot){0};
}

/* ---- in a stop ------------------------------------------------------------------------------ */

bool fiber_changed_stopped(const struct fiber_snapshot *snapshot)
{
	/* Acquire: partner of change(). */
	return atomic_load_explicit(&generation, memory_order_acquire) != snapshot->generation;
}

const struct suture_fiber *fiber_at_stopped(const struct fiber_snapshot *snapshot,
					    uintptr_t address)
{
	size_t low = 0, high = snapshot->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct suture_fiber *fiber = &snapshot->fibers[middle];

		if (address < (uintptr_t)fiber->stack)
			high = middle;
		else if (address - (uintptr_t)fiber->stack >= fiber->stack_size)
			low = middle + 1;
		else
			return fiber;
	}
	return NULL;
}

/* Threads were walked: what they run needs no look at registers of earlier. */
static void mark_running(struct stop_session *session)
{
	struct fiber_snapshot *snapshot = &session->fibers;

	for (size_t i = 0; i < snapshot->count; i++)
		snapshot->running[i] = false;
	for (size_t i = 0; i < session->task_count; i++) {
		const struct stop_task *task = &session->tasks[i];
		const struct suture_fiber *fiber;

		if (task->state != TASK_STOPPED && task->state != TASK_STANDS)
			continue;
		fiber = fiber_at_stopped(snapshot, (uintptr_t)task->sp);
		if (fiber)
			snapshot->running[fiber - snapshot->fibers] = true;
	}
}

static bool read_context(struct stop_session *session, const struct suture_fiber *fiber,
			 struct arch_regs *regs)
{
	_Alignas(16) uint8_t context[1024];
	size_t size = arch_context_size();

	if (size > sizeof(context) ||
	    !unwind_memory_read_stopped(&session->memory, (uintptr_t)fiber->context, context, size))
		return false;
	arch_regs_from_context_stopped(context, regs);
	return true;
}

/* Words upward from the saved stack pointer, as registers[] names them. */
static bool read_words(struct stop_session *session, const struct suture_fiber *fiber,
		       struct arch_regs *regs, bool *empty)
{
	uint64_t sp, word;

	if (!unwind_memory_read_stopped(&session->memory, (uintptr_t)fiber->saved_sp, &sp,
					sizeof(sp)))
		return false;
	*empty = sp == 0;
	regs->known = 0;
	for (size_t i = 0; !*empty && i < SUTURE_FIBER_REGISTERS; i++, sp += sizeof(word)) {
		unsigned number = fiber->registers[i];

		if (!unwind_memory_read_stopped(&session->memory, sp, &word, sizeof(word)))
			return false;
		if (number == SUTURE_FIBER_OTHER)
			continue;
		regs->value[number] = word;
		regs->known |= UINT64_C(1) << number;
		if (number != SUTURE_FIBER_RETURN)
			continue;
		regs->pc = word;
		regs->value[arch_native()->dwarf_sp] = sp + sizeof(word);
		regs->known |= UINT64_C(1) << arch_native()->dwarf_sp;
		break;
	}
	return true;
}

static void look_at(struct stop_session *session, const struct suture_fiber *fiber)
{
	uintptr_t start = (uintptr_t)fiber->stack, end = start + fiber->stack_size;
	struct stop_blocker blocker = {.reason = STOP_REASON_NONE};
	struct arch_regs regs = {.known = 0};
	bool empty = false, known;
	enum sight sight;

	known = fiber->context ? read_context(session, fiber, &regs)
			       : read_words(session, fiber, &regs, &empty);
	if (known && empty)
		return;
	session->depth = 0;
	sight = known ? walk_within_stopped(session, &regs, start, end, &blocker)
		      : SIGHT_NEEDS_REGISTER;
	if (sight == SIGHT_CLEAN)
		return;
	if (sight == SIGHT_NEEDS_REGISTER)
		blocker.reason = STOP_REASON_UNKNOWN_FRAME;
	walk_report_other_stopped(session, "fiber", &blocker);
	if (session->outcome == OUTCOME_CLEAN)
		session->outcome = OUTCOME_BUSY;
}

void fiber_look_stopped(struct stop_session *session)
{
	if (fiber_changed_stopped(&session->fibers)) {
		session->outcome = OUTCOME_FIBERS;
		return;
	}
	mark_running(session);
	for (size_t i = 0; i < session->fibers.count; i++)
		if (!session->fibers.running[i])
			look_at(session, &session->fibers.fibers[i]);
}
