/* SPDX-License-Identifier: MIT */
/*
 * Undoing a set of edits, whatever it has written so far: see edit.h and commit.c. As there: no
 * allocation, no libc, no locks.
 */
#include "trampoline/commit.h"

#include <errno.h>

/* One run of bytes: `from` becomes `to`, `to` stays, anything else is not ours: -ESTALE. */
static int restore_stopped(struct code_edit_set *set, uintptr_t address, const uint8_t *from,
			   const uint8_t *to, size_t size)
{
	uint8_t now[COMMIT_PIECE];

	for (size_t done = 0; done < size;) {
		size_t part = size - done < sizeof(now) ? size - done : sizeof(now);
		int rc = code_writer_read_stopped(set->writer, CODE_WRITER_UNDO, address + done,
						  now, part);

		if (rc)
			return commit_fail_stopped(set, address + done, rc);
		if (!commit_equal_stopped(now, to + done, part)) {
			rc = code_writer_replace_stopped(set->writer, CODE_WRITER_UNDO,
							 address + done, from + done, to + done,
							 part);
			if (rc)
				return commit_fail_stopped(set, address + done, rc);
		}
		done += part;
	}
	return 0;
}

/* Takes back one step of every site that has made it. */
static int step_back_stopped(struct code_edit_set *set, unsigned step)
{
	bool any = false;
	int rc = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct code_edit *edit = &set->edits[i];
		const struct code_edit_step *made = &edit->steps[step];

		if (edit->done <= step)
			continue;
		rc |= restore_stopped(set, edit->address + made->offset, &made->to, &made->from, 1);
		edit->done = (uint8_t)step;
		any = true;
	}
	if (any)
		code_writer_sync_stopped(set->writer);
	return rc;
}

/* A site without steps that is open already is closed again, and at last opened as it was. */
static int jump_back_stopped(struct code_edit_set *set, const struct code_edit *edit, bool close)
{
	size_t size = arch_native()->gate_size;
	uint8_t gate[ARCH_MAX_JUMP], now[ARCH_MAX_JUMP];
	int rc;

	if (!set->gated || edit->step_count || !(edit->dirty & CODE_EDIT_FIRST))
		return 0;
	arch_native()->gate(gate);
	if (!close)
		return restore_stopped(set, edit->address, gate, commit_old(set, edit), size);
	rc = code_writer_read_stopped(set->writer, CODE_WRITER_UNDO, edit->address, now, size);
	if (rc)
		return commit_fail_stopped(set, edit->address, rc);
	if (commit_equal_stopped(now, commit_old(set, edit), size))
		return 0;
	return restore_stopped(set, edit->address, commit_new(set, edit), gate, size);
}

int commit_undo_stopped(struct code_edit_set *set)
{
	int rc = 0;

	/* Every edit is tried, whatever becomes of the others: as much as can be is put back. */
	for (size_t i = 0; i < set->count; i++)
		rc |= jump_back_stopped(set, &set->edits[i], true);
	for (unsigned step = CODE_EDIT_MAX_STEPS - 1; step > 0; step--)
		rc |= step_back_stopped(set, step);
	if (set->gated)
		code_writer_sync_stopped(set->writer);
	for (size_t i = 0; i < set->count; i++) {
		const struct code_edit *edit = &set->edits[i];
		size_t first = commit_first(set, edit);

		if (!(edit->dirty & CODE_EDIT_REST))
			continue;
		rc |= restore_stopped(set, edit->address + first, commit_new(set, edit) + first,
				      commit_old(set, edit) + first, edit->size - first);
	}
	if (set->gated)
		code_writer_sync_stopped(set->writer);
	rc |= step_back_stopped(set, 0);
	for (size_t i = 0; i < set->count; i++) {
		rc |= jump_back_stopped(set, &set->edits[i], false);
		set->edits[i].dirty = 0;
	}
	code_writer_sync_stopped(set->writer);
	set->gated = false;
	set->state = rc ? CODE_EDIT_BROKEN : CODE_EDIT_PLANNED;
	return rc ? -(int)SUTURE_E_UNCERTAIN : 0;
}

int code_edit_undo_stopped(struct code_edit_set *set)
{
	switch (set->state) {
	case CODE_EDIT_OPEN:
	case CODE_EDIT_PLANNED:
		return 0;
	case CODE_EDIT_BROKEN:
		return -(int)SUTURE_E_UNCERTAIN;
	default:
		set->failure.result = 0;
		return commit_undo_stopped(set);
	}
}
