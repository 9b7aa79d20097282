/* SPDX-License-Identifier: MIT */
/*
 * A set of edits to code and data that takes effect wholly or not at all.
 *
 *   plan     code_edit_set_init, _add…, _prefault     (agent's thread; may allocate)
 *   commit   either   code_edit_write_all_stopped                   (full stop)
 *            or       code_edit_gate_close_stopped                  (gated: sleepers may wake up)
 *                     code_edit_write_rest_stopped
 *                     code_edit_gate_open_stopped
 *   back     code_edit_undo_stopped, in any state
 *
 * Every _stopped function either succeeds or has undone everything that the set had written, and
 * then returns the code of the failure; only SUTURE_E_UNCERTAIN says that undoing failed too, or
 * that it came too late: when gate_open has let a thread into new code and can't open the other
 * gates, it repeats, goes on with the rest, and leaves closed what it can't open. They allocate
 * nothing, take no lock, call no libc function that could (see writer.h).
 *
 * Reverting is the same set the other way: code_edit_set_reverse() in the plan phase.
 */
#ifndef TRAMPOLINE_EDIT_H
#define TRAMPOLINE_EDIT_H

#include "trampoline/writer.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct near_memory;
struct trampoline;

enum code_edit_kind {
	CODE_EDIT_SITE, /* code that threads may enter: gated */
	CODE_EDIT_CODE, /* code that nothing runs before the sites are open (holes of padding) */
	CODE_EDIT_DATA, /* data of any size: needs a full stop */
};

/* States of a set. Legal transitions are the table `transitions` in edit.c. */
enum code_edit_state {
	CODE_EDIT_OPEN,	   /* edits may be added */
	CODE_EDIT_PLANNED, /* prefaulted; old bytes everywhere, also again after undoing */
	CODE_EDIT_GATED,   /* every site's first bytes are a jump to itself */
	CODE_EDIT_RESTED,  /* the same, and all other bytes are written */
	CODE_EDIT_WRITTEN,
	CODE_EDIT_BROKEN, /* undoing failed: bytes are neither */
};

enum code_edit_part {
	CODE_EDIT_FIRST = 1, /* the bytes under the gate */
	CODE_EDIT_REST = 2,  /* all others, or all when there is no gate */
};

/* How a site can be closed, best first. */
enum code_edit_gate {
	CODE_EDIT_GATE_STEPS, /* byte by byte, threads wait in islands: path.h */
	/* A jump to itself over the first two bytes, which may be seen torn: no thread may run. */
	CODE_EDIT_GATE_STOPPED,
	CODE_EDIT_GATE_NONE,
};

/* One byte of a site: the only thing that is sure to be stored at once. */
struct code_edit_step {
	uint8_t offset;
	uint8_t from;
	uint8_t to;
};

enum { CODE_EDIT_MAX_STEPS = 9 };

struct code_edit {
	uintptr_t address;
	size_t size;
	size_t bytes; /* offset in the set's store: two images of size bytes */
	enum code_edit_kind kind;
	uint8_t dirty; /* enum code_edit_part: what the commit has begun to write */
	/*
	 * Sites: the way of the first near_jump_size bytes from old to new. The first step closes
	 * the entry, the last one opens it; none where there is no such way. An entry mark
	 * (endbr64) is of these bytes, and a thread between it and the site is not held by a gate
	 * that stands on it: it has to count as inside (trampoline_gate() is the stop_range.site).
	 */
	struct code_edit_step steps[CODE_EDIT_MAX_STEPS];
	uint8_t step_count;
	uint8_t done; /* steps that the commit has begun */
};

/* What failed, filled in by stopped code without formatting; code_edit_error() makes it readable.
 */
struct code_edit_failure {
	int result; /* -errno; 0 when nothing failed */
	uintptr_t address;
	uint8_t found[24]; /* what was there, when result is -ESTALE; as many as the edit has */
	size_t found_size;
};

struct code_edit_set {
	const struct code_writer *writer; /* borrowed */
	struct near_memory *near;	  /* borrowed; NULL: threads have no place to wait */
	struct code_edit *edits;	  /* owned; by rising address once prefaulted */
	size_t count;
	size_t capacity;
	uint8_t *store; /* owned */
	size_t store_size;
	size_t store_capacity;
	uint8_t *scratch; /* owned: a merged write at a time is built here, before and after */
	enum code_edit_state state;
	bool gated;    /* the commit under way went through the gate */
	bool reversed; /* the first image of each edit is the new one */
	struct code_edit_failure failure;
};

void code_edit_set_init(struct code_edit_set *set, const struct code_writer *writer,
			struct near_memory *near);
void code_edit_set_fini(struct code_edit_set *set);

/* Copies both images. A site has at most ARCH_MAX_MARK + ARCH_MAX_JUMP bytes. */
int code_edit_set_add(struct code_edit_set *set, enum code_edit_kind kind, uintptr_t address,
		      const void *old_bytes, const void *new_bytes, size_t size,
		      struct suture_error *err);

/*
 * The site of a planned trampoline, with the entry mark in front of it, and the hole that it goes
 * through if it has one.
 */
int code_edit_set_add_trampoline(struct code_edit_set *set, const struct trampoline *trampoline,
				 struct suture_error *err);

/* The same, back from the trampoline to the old bytes. */
int code_edit_set_add_revert(struct code_edit_set *set, const struct trampoline *trampoline,
			     struct suture_error *err);

/* From one trampoline in place to the one that trampoline_retarget() made of it, or back. */
int code_edit_set_add_change(struct code_edit_set *set, const struct trampoline *from,
			     const struct trampoline *to, struct suture_error *err);

/*
 * Ends planning: sorts, refuses edits that overlap, memory that is shared or not mapped and bytes
 * that are not the old ones; finds the way of each site, and places where threads can wait; makes
 * private copies of the pages so that no write faults during the pause. Changes no byte.
 */
int code_edit_set_prefault(struct code_edit_set *set, struct suture_error *err);

/*
 * Can every site be closed, while threads run, or while none does? No, when the processors can't be
 * synchronised, or when a site has no gate; *why (optional) gets static text.
 */
bool code_edit_set_can_gate(const struct code_edit_set *set, bool threads_run, const char **why);

/* Has the site at address a place where threads can wait? Else it is closed while all are stopped.
 */
bool code_edit_set_waits_at(const struct code_edit_set *set, uintptr_t address);

/* Is one of the edits at that address? */
bool code_edit_set_has(const struct code_edit_set *set, uintptr_t address);

/* Is data among the edits? No gate keeps its readers out. */
bool code_edit_set_has_data(const struct code_edit_set *set);

/* A WRITTEN set becomes OPEN with old and new exchanged: prefault it, then commit. Plan phase. */
int code_edit_set_reverse(struct code_edit_set *set, struct suture_error *err);

/* All return 0 or -SUTURE_E_…: FUNCTION_CHANGED, IO, INTERNAL (illegal state), UNCERTAIN. */
int code_edit_gate_close_stopped(struct code_edit_set *set);
int code_edit_write_rest_stopped(struct code_edit_set *set);
int code_edit_gate_open_stopped(struct code_edit_set *set);
int code_edit_write_all_stopped(struct code_edit_set *set);

/*
 * Old bytes everywhere again, and PLANNED, so that the commit may be tried anew; 0 when there was
 * nothing to undo. Bytes that are neither old nor ours are left alone and reported as UNCERTAIN.
 * A set that is WRITTEN needs a full stop for this, like any revert. GATED and RESTED don't: so the
 * agent can undo what a stop's helper left behind when it died.
 */
int code_edit_undo_stopped(struct code_edit_set *set);

/* Turns the last failure into an error object. Not for stopped code. Returns -err->code. */
int code_edit_error(const struct code_edit_set *set, int result, struct suture_error *err);

#endif
