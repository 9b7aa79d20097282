/* SPDX-License-Identifier: MIT */
/*
 * Writing a set of edits: see edit.h; undo.c takes it back. Everything here may run while threads
 * are stopped, on the stop's helper or the agent's thread: no allocation, no libc, no locks; it
 * either succeeds or puts the old bytes back.
 *
 * The gated commit. Each site goes its way byte by byte (path.h has the drawing), all sites one
 * step at a time, with the instruction streams synchronised in between:
 *
 *	gate_close    the first step of each: a thread that comes now waits at the entry
 *	write_rest    the steps between; then what lies behind the first bytes, and all other edits
 *	gate_open     the last step of each: waiting threads go to the replacement
 *
 * A site without a way is closed by a jump to itself, which takes stopped threads. Since single
 * bytes can't be torn, the steps of all sites in a page are one write.
 *
 * Once one gate is open, a thread may have run new code: from there on there is no way back, only
 * forward. A write that fails is repeated; gates that still can't be opened stay closed, and the
 * answer is UNCERTAIN.
 */
#include "trampoline/commit.h"

#include <errno.h>

enum { OPEN_TRIES = 8 };

/* transitions[state] has bit N set when N may follow. */
static const unsigned transitions[] = {
	[CODE_EDIT_OPEN] = 1u << CODE_EDIT_PLANNED,
	[CODE_EDIT_PLANNED] = 1u << CODE_EDIT_GATED | 1u << CODE_EDIT_WRITTEN,
	[CODE_EDIT_GATED] = 1u << CODE_EDIT_RESTED | 1u << CODE_EDIT_PLANNED,
	[CODE_EDIT_RESTED] =
		1u << CODE_EDIT_WRITTEN | 1u << CODE_EDIT_PLANNED | 1u << CODE_EDIT_BROKEN,
	[CODE_EDIT_WRITTEN] = 1u << CODE_EDIT_PLANNED | 1u << CODE_EDIT_OPEN,
	[CODE_EDIT_BROKEN] = 0,
};

enum code_edit_gate commit_gate(const struct code_edit *edit)
{
	if (edit->step_count)
		return CODE_EDIT_GATE_STEPS;
	return edit->size >= arch_native()->gate_size ? CODE_EDIT_GATE_STOPPED
						      : CODE_EDIT_GATE_NONE;
}

size_t commit_first(const struct code_edit_set *set, const struct code_edit *edit)
{
	if (!set->gated || edit->kind != CODE_EDIT_SITE)
		return 0;
	return edit->step_count ? arch_native()->near_jump_size : arch_native()->gate_size;
}

/* ---- failures ------------------------------------------------------------------------------- */

int commit_fail_stopped(struct code_edit_set *set, uintptr_t address, int result)
{
	if (!set->failure.result) {
		set->failure.result = result;
		set->failure.address = address;
		set->failure.found_size = 0;
	}
	return result;
}

void commit_found_stopped(struct code_edit_set *set, const uint8_t *found, size_t size)
{
	if (size > sizeof(set->failure.found))
		size = sizeof(set->failure.found);
	commit_copy_stopped(set->failure.found, found, size);
	set->failure.found_size = size;
}

static int code_of(int result)
{
	return result == -ESTALE ? -(int)SUTURE_E_FUNCTION_CHANGED : -(int)SUTURE_E_IO;
}

/* Ends a step that failed: the code of the failure, or of the undoing if that fails too. */
static int give_up_stopped(struct code_edit_set *set, int result)
{
	int code = code_of(result);
	int rc = commit_undo_stopped(set);

	return rc ? rc : code;
}

/* ---- going forward ------------------------------------------------------------------------- */

static int begin_stopped(struct code_edit_set *set, enum code_edit_state next)
{
	if (!(transitions[set->state] & 1u << next))
		return -(int)SUTURE_E_INTERNAL;
	set->failure.result = 0;
	return 0;
}

int commit_sync_stopped(struct code_edit_set *set)
{
	int rc = code_writer_sync_stopped(set->writer);

	return rc ? commit_fail_stopped(set, 0, rc) : 0;
}

/* What was found at the edit instead of the bytes that were to be there. */
static void note_found_stopped(struct code_edit_set *set, const struct code_edit *edit)
{
	uint8_t now[sizeof(set->failure.found)];
	size_t seen = edit->size < sizeof(now) ? edit->size : sizeof(now);

	if (!code_writer_read_stopped(set->writer, CODE_WRITER_READ, edit->address, now, seen))
		commit_found_stopped(set, now, seen);
}

/* ---- sites without a way --------------------------------------------------------------------- */

/* Sites without a way, while no thread runs: a jump to itself over the old bytes, or away from it.
 */
static int jump_stopped(struct code_edit_set *set, struct code_edit *edit, bool close)
{
	size_t size = arch_native()->gate_size;
	uint8_t gate[ARCH_MAX_JUMP], dirty = edit->dirty;
	int rc;

	if (edit->kind != CODE_EDIT_SITE || edit->step_count)
		return 0;
	arch_native()->gate(gate);
	edit->dirty |= CODE_EDIT_FIRST;
	rc = code_writer_replace_stopped(set->writer, CODE_WRITER_WRITE, edit->address,
					 close ? commit_old(set, edit) : gate,
					 close ? gate : commit_new(set, edit), size);
	if (!rc)
		return 0;
	commit_fail_stopped(set, edit->address, rc);
	if (rc == -ESTALE) {
		edit->dirty = dirty; /* nothing was written */
		note_found_stopped(set, edit);
	}
	return rc;
}

int code_edit_gate_close_stopped(struct code_edit_set *set)
{
	int rc = begin_stopped(set, CODE_EDIT_GATED);
	size_t count;

	if (rc)
		return rc;
	if (!code_edit_set_can_gate(set, false, NULL))
		return -(int)SUTURE_E_INTERNAL;
	/* First the state: whoever has to undo after our death must know. */
	set->gated = true;
	set->state = CODE_EDIT_GATED;
	for (size_t i = 0; i < set->count && !rc; i++)
		rc = jump_stopped(set, &set->edits[i], true);
	for (size_t i = 0; i < set->count && !rc; i += count) {
		count = commit_merge_stopped(set, i);
		rc = commit_step_page_stopped(set, i, count, PHASE_CLOSE, 0);
	}
	if (!rc)
		rc = commit_sync_stopped(set);
	return rc ? give_up_stopped(set, rc) : 0;
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* One edit by itself, whatever its size; no scratch memory is needed. */
static int write_one_stopped(struct code_edit_set *set, struct code_edit *edit)
{
	size_t skip = commit_first(set, edit);
	int rc;

	edit->dirty |= CODE_EDIT_REST;
	rc = code_writer_replace_stopped(set->writer, CODE_WRITER_WRITE, edit->address + skip,
					 commit_old(set, edit) + skip, commit_new(set, edit) + skip,
					 edit->size - skip);
	if (!rc)
		return 0;
	commit_fail_stopped(set, edit->address, rc);
	if (rc != -ESTALE)
		return rc;
	edit->dirty &= ~CODE_EDIT_REST; /* nothing was written */
	note_found_stopped(set, edit);
	return rc;
}

static int write_merged_stopped(struct code_edit_set *set, size_t first, size_t count)
{
	struct code_edit *edits = set->edits + first;
	uintptr_t start = edits[0].address;
	size_t size = edits[count - 1].address + edits[count - 1].size - start;
	uint8_t *before = set->scratch, *after = set->scratch + COMMIT_PAGE;
	int rc = code_writer_read_stopped(set->writer, CODE_WRITER_READ, start, before, size);

	if (rc)
		return commit_fail_stopped(set, start, rc);
	commit_copy_stopped(after, before, size);
	for (size_t i = 0; i < count; i++) {
		const struct code_edit *edit = &edits[i];
		size_t skip = commit_first(set, edit), at = edit->address - start;

		if (!commit_equal_stopped(before + at + skip, commit_old(set, edit) + skip,
					  edit->size - skip)) {
			commit_fail_stopped(set, edit->address, -ESTALE);
			commit_found_stopped(set, before + at, edit->size);
			return -ESTALE;
		}
		commit_copy_stopped(after + at + skip, commit_new(set, edit) + skip,
				    edit->size - skip);
	}
	for (size_t i = 0; i < count; i++)
		edits[i].dirty |= CODE_EDIT_REST;
	rc = code_writer_replace_stopped(set->writer, CODE_WRITER_WRITE, start, before, after,
					 size);
	return rc ? commit_fail_stopped(set, start, rc) : 0;
}

static int write_stopped(struct code_edit_set *set)
{
	size_t count;
	int rc = 0;

	for (size_t i = 0; i < set->count && !rc; i += count) {
		count = commit_merge_stopped(set, i);
		rc = count == 1 ? write_one_stopped(set, &set->edits[i])
				: write_merged_stopped(set, i, count);
	}
	return rc;
}

int code_edit_write_rest_stopped(struct code_edit_set *set)
{
	int rc = begin_stopped(set, CODE_EDIT_RESTED);

	if (rc)
		return rc;
	set->state = CODE_EDIT_RESTED;
	rc = commit_walk_stopped(set);
	if (!rc)
		rc = write_stopped(set);
	if (!rc)
		rc = commit_sync_stopped(set);
	return rc ? give_up_stopped(set, rc) : 0;
}

/* Opens sites of one page, stubbornly: what made a write fail may be over at the next. */
static int open_stopped(struct code_edit_set *set, size_t first, size_t count)
{
	int rc = 0;

	for (int tries = 0; tries < OPEN_TRIES; tries++) {
		rc = commit_has_step(set, first, count, PHASE_OPEN, 0)
			     ? commit_step_page_stopped(set, first, count, PHASE_OPEN, 0)
			     : jump_stopped(set, &set->edits[first], false);
		if (!rc)
			break;
	}
	return rc;
}

/*
 * Opens those sites that have a way, or those that have none. Once one is open there is no way
 * back, and the others are tried all the same: *failed says what became of them.
 */
static int open_all_stopped(struct code_edit_set *set, bool steps, bool *any_open, int *failed)
{
	size_t count;

	for (size_t i = 0; i < set->count; i += count) {
		bool site = set->edits[i].kind == CODE_EDIT_SITE && !set->edits[i].step_count;
		int rc;

		count = steps ? commit_merge_stopped(set, i) : 1;
		if (steps ? !commit_has_step(set, i, count, PHASE_OPEN, 0) : !site)
			continue;
		rc = open_stopped(set, i, count);
		if (rc && !*any_open)
			return rc;
		*any_open = *any_open || !rc;
		*failed = rc ? rc : *failed;
	}
	return 0;
}

int code_edit_gate_open_stopped(struct code_edit_set *set)
{
	bool any_open = false;
	int failed = 0;
	int rc;

	if (set->state != CODE_EDIT_RESTED)
		return -(int)SUTURE_E_INTERNAL;
	rc = begin_stopped(set, CODE_EDIT_WRITTEN);
	if (!rc)
		rc = open_all_stopped(set, true, &any_open, &failed);
	if (!rc)
		rc = open_all_stopped(set, false, &any_open, &failed);
	/* Nobody has run new code: back, while that is exact. */
	if (rc)
		return give_up_stopped(set, rc);
	/*
	 * A processor that is not synchronised sees the gate a little longer, until its next
	 * return from the kernel: nothing to fail for.
	 */
	code_writer_sync_stopped(set->writer);
	set->state = failed ? CODE_EDIT_BROKEN : CODE_EDIT_WRITTEN;
	if (failed)
		return -(int)SUTURE_E_UNCERTAIN;
	set->failure.result = 0;
	return 0;
}

int code_edit_write_all_stopped(struct code_edit_set *set)
{
	int rc;

	if (set->state != CODE_EDIT_PLANNED)
		return -(int)SUTURE_E_INTERNAL;
	rc = begin_stopped(set, CODE_EDIT_WRITTEN);
	if (rc)
		return rc;
	set->gated = false;
	set->state = CODE_EDIT_WRITTEN;
	rc = write_stopped(set);
	/* Without membarrier the threads' own return from the stop serialises. */
	if (!rc && set->writer->can_sync)
		rc = commit_sync_stopped(set);
	return rc ? give_up_stopped(set, rc) : 0;
}

int commit_check_stopped(struct code_edit_set *set)
{
	uint8_t now[COMMIT_PIECE];

	set->failure.result = 0;
	for (size_t i = 0; i < set->count; i++) {
		const struct code_edit *edit = &set->edits[i];

		for (size_t done = 0; done < edit->size;) {
			size_t left = edit->size - done;
			size_t part = left < sizeof(now) ? left : sizeof(now);
			int rc = code_writer_read_stopped(set->writer, CODE_WRITER_READ,
							  edit->address + done, now, part);

			if (!rc && !commit_equal_stopped(now, commit_old(set, edit) + done, part))
				rc = -ESTALE;
			if (rc) {
				commit_fail_stopped(set, edit->address + done, rc);
				if (rc == -ESTALE)
					commit_found_stopped(set, now, part);
				return code_of(rc);
			}
			done += part;
		}
	}
	return 0;
}
