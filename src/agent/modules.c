/* SPDX-License-Identifier: MIT */
/* Modules that come and go; see modules.h. */
#include "agent/modules.h"

#include "agent/commit.h"
#include "agent/idle.h"
#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	TOLD_US = 5000000,  /* between looks where the loader tells us: a debugger may undo that */
	UNTOLD_US = 200000, /* where it does not */
	ALIGNMENT = 16,	    /* of functions in the loader: up to there is padding, if it looks so */
	STOP_NS = 500000000,
};

static _Atomic uint64_t notes;
static atomic_int wake_fd = -1;
static atomic_int wake_pid; /* set before wake_fd: whose descriptor that is */

uint64_t modules_generation(void)
{
	return image_generation() - load_changes();
}

/* In a child that was forked past fork() the number may mean any file. */
void modules_note(void)
{
	const uint64_t one = 1;
	int saved = errno, fd;

	atomic_fetch_add(&notes, 1);
	fd = atomic_load(&wake_fd);
	if (fd >= 0 && getpid() == atomic_load(&wake_pid) && write(fd, &one, sizeof(one)) < 0) {
		/* Full: it is awake already. */
	}
	errno = saved;
}

void modules_wake(int event_fd)
{
	atomic_store(&wake_pid, getpid());
	atomic_store(&wake_fd, event_fd);
}

/* The function that the loader calls, from the DT_DEBUG entry of the main program. */
static uintptr_t find_entry(const struct image *image)
{
	const ElfW(Dyn) *entry = image_executable(image)->dynamic;

	for (; entry && entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_DEBUG && entry->d_un.d_ptr)
			return ((const struct r_debug *)entry->d_un.d_ptr)->r_brk;
	return 0;
}

/* The empty function: what is there, and how much of it is the function itself. */
static int read_entry(struct agent *agent, uintptr_t entry, uint8_t *code, size_t *size,
		      struct suture_error *err)
{
	struct arch_insn insn = {0};
	size_t room = ALIGNMENT - entry % ALIGNMENT, at = 0;

	if (!trampoline_read_self(&agent->writer, entry, code, room))
		return error_set(err, SUTURE_E_IO, "the loader's notification can't be read");
	do {
		at += insn.size;
		if (at >= room ||
		    arch_native()->decode(code + at, room - at, entry + at, &insn) != ARCH_OK ||
		    (insn.kind != ARCH_INSN_RETURN && insn.kind != ARCH_INSN_ENTRY_MARK &&
		     insn.kind != ARCH_INSN_PADDING))
			return error_set(err, SUTURE_E_FUNCTION_CHANGED,
					 "the loader's notification is not the empty function");
	} while (insn.kind != ARCH_INSN_RETURN);
	*size = at + insn.size;
	return 0;
}

static int write_jump(struct agent *agent, struct plan *plan, uintptr_t entry,
		      struct suture_error *err)
{
	const struct transaction_options options = {.timeout_ns = STOP_NS};
	struct trampoline_target target = {.name = "r_brk", .entry = entry};
	struct trampoline trampoline;
	struct stop_result stopped;
	uint8_t code[ALIGNMENT];
	int rc = read_entry(agent, entry, code, &target.size, err);

	if (rc)
		return rc;
	target.code = code;
	target.following = code + target.size;
	target.following_size = ALIGNMENT - entry % ALIGNMENT - target.size;
	target.padding_after = trampoline_padding(code, target.size, entry, target.following,
						  target.following_size);
	rc = trampoline_plan(&target, (uintptr_t)modules_note, &agent->near, &trampoline, err);
	if (rc)
		return rc;
	rc = code_edit_set_add_trampoline(&plan->edits, &trampoline, err);
	if (!rc)
		rc = idle_add(plan, entry, ALIGNMENT - entry % ALIGNMENT, 0, "r_brk", err);
	if (!rc)
		rc = agent_refresh_unwind(agent, err);
	if (!rc)
		rc = code_edit_set_prefault(&plan->edits, err);
	if (!rc)
		rc = commit_run(plan, &options, &stopped, err);
	if (rc && rc != -(int)SUTURE_E_UNCERTAIN)
		trampoline_discard(&trampoline, &agent->near);
	if (rc)
		return rc;
	memcpy(agent->watch.jump, trampoline.new_bytes, trampoline.window_size);
	agent->watch.jump_size = trampoline.window_size;
	atomic_store(&agent->watch.entry, trampoline.site);
	return 0;
}

void modules_watch(struct agent *agent)
{
	struct suture_error err;
	struct plan plan;
	uintptr_t entry;
	int rc;

	if (!agent->watch.tried) {
		agent->watch.tried = true;
		plan_init(&plan, agent);
		rc = image_take(&plan.image, &err);
		entry = rc ? 0 : find_entry(&plan.image);
		if (!rc && !entry)
			rc = error_set(&err, SUTURE_E_UNSUPPORTED, "no DT_DEBUG");
		if (!rc)
			rc = write_jump(agent, &plan, entry, &err);
		plan_fini(&plan);
		if (rc)
			log_debug("modules are asked for, not told: %s", err.message);
	}
	atomic_store(&agent->watch.wanted, true);
}

bool modules_are_told(const struct agent *agent)
{
	uintptr_t entry = atomic_load(&agent->watch.entry);

	/* The loader and its text are never unloaded. */
	return entry && memcmp((const void *)entry, agent->watch.jump, agent->watch.jump_size) == 0;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void modules_seen(struct agent *agent, uint64_t generation, uint64_t again_at)
{
	struct modules_watch *watch = &agent->watch;

	atomic_store(&watch->seen_generation, generation);
	/* Those of our own loading too; what others did is in the generation. */
	atomic_store(&watch->seen_notes, atomic_load(&notes));
	atomic_store(&watch->again_at, again_at);
}

uint64_t modules_due(struct agent *agent)
{
	struct modules_watch *watch = &agent->watch;
	uint64_t again = atomic_load(&watch->again_at), next;

	if (!atomic_load(&watch->wanted))
		return UINT64_MAX;
	if (atomic_load(&notes) != atomic_load(&watch->seen_notes) ||
	    modules_generation() != atomic_load(&watch->seen_generation))
		return 0;
	/* Asked again by then; a look that finds nothing new costs nothing. */
	next = now_us() + (modules_are_told(agent) ? TOLD_US : UNTOLD_US);
	return again < next ? again : next;
}
