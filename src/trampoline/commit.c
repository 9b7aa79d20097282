/* SPDX-License-Identifier: MIT */
/*
 * Writing a set of edits, and undoing it: see edit.h. Everything here may run while threads are
 * stopped, on the stop's helper or the agent's thread: no allocation, no libc, no locks; it either
 * succeeds or puts the old bytes back.
 *
 * The gated commit, of a site with the bytes b0…b4 that becomes a jump j0…j4:
 *
 *   before        b0 b1 b2 b3 b4
 *   gate_close    eb fe b2 b3 b4    one store: a thread that comes now waits at the entry
 *   write_rest    eb fe j2 j3 j4    nothing executes these bytes
 *   gate_open     j0 j1 j2 j3 j4    one store: waiting threads go to the replacement
 *
 * with the instruction streams synchronised after each step. Once one gate is open, a thread may
 * have run new code: from there on there is no way back, only forward. A store that fails is
 * repeated; gates that still can't be opened stay closed, and the answer is UNCERTAIN.
 */
#include "trampoline/commit.h"

#include "arch/arch.h"

#include <errno.h>

enum { GATE_ROOM = 4, PIECE = 256, OPEN_TRIES = 8 };

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

static const uint8_t *old_image(const struct code_edit_set *set, const struct code_edit *edit)
{
	return set->store + edit->bytes + (set->reversed ? edit->size : 0);
}

static const uint8_t *new_image(const struct code_edit_set *set, const struct code_edit *edit)
{
	return set->store + edit->bytes + (set->reversed ? 0 : edit->size);
}

static bool equal_stopped(const uint8_t *a, const uint8_t *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static void copy_stopped(uint8_t *to, const uint8_t *from, size_t size)
{
	/* A compiler must not turn this into a call of memcpy: that goes through an IFUNC's slot.
	 */
	for (size_t i = 0; i < size; i++)
		((volatile uint8_t *)to)[i] = from[i];
}

/* Notes the first failure; later ones, of undoing, follow from it. */
static int fail_stopped(struct code_edit_set *set, uintptr_t address, int result)
{
	if (!set->failure.result) {
		set->failure.result = result;
		set->failure.address = address;
		set->failure.found_size = 0;
	}
	return result;
}

static void found_stopped(struct code_edit_set *set, const uint8_t *found, size_t size)
{
	if (size > sizeof(set->failure.found))
		size = sizeof(set->failure.found);
	copy_stopped(set->failure.found, found, size);
	set->failure.found_size = size;
}

static int code_of(int result)
{
	return result == -ESTALE ? -(int)SUTURE_E_FUNCTION_CHANGED : -(int)SUTURE_E_IO;
}

/* ---- undoing ------------------------------------------------------------------------------- */

static size_t gate_part(const struct code_edit_set *set, const struct code_edit *edit)
{
	return set->gated && edit->kind == CODE_EDIT_SITE ? arch_native()->gate_size : 0;
}

/* One run of bytes: `from` becomes `to`, `to` stays, anything else is not ours: -ESTALE. */
static int restore_stopped(struct code_edit_set *set, uintptr_t address, const uint8_t *from,
			   const uint8_t *to, size_t size, bool at_once)
{
	uint8_t now[PIECE];

	for (size_t done = 0; done < size;) {
		size_t part = size - done < sizeof(now) ? size - done : sizeof(now);
		int rc = code_writer_read_stopped(set->writer, CODE_WRITER_UNDO, address + done,
						  now, part);

		if (rc)
			return fail_stopped(set, address + done, rc);
		if (!equal_stopped(now, to + done, part)) {
			rc = code_writer_replace_stopped(set->writer, CODE_WRITER_UNDO,
							 address + done, from + done, to + done,
							 part, at_once);
			if (rc)
				return fail_stopped(set, address + done, rc);
		}
		done += part;
	}
	return 0;
}

/* Sites that are open already get their gate again, so that nobody enters what is half undone. */
static int shut_stopped(struct code_edit_set *set, const struct code_edit *edit)
{
	uint8_t gate[GATE_ROOM], now[GATE_ROOM];
	size_t part = gate_part(set, edit);
	int rc;

	if (!part || !(edit->dirty & CODE_EDIT_FIRST))
		return 0;
	arch_native()->gate(gate);
	rc = code_writer_read_stopped(set->writer, CODE_WRITER_UNDO, edit->address, now, part);
	if (rc)
		return fail_stopped(set, edit->address, rc);
	if (equal_stopped(now, gate, part) || equal_stopped(now, old_image(set, edit), part))
		return 0;
	return restore_stopped(set, edit->address, new_image(set, edit), gate, part, true);
}

static int undo_stopped(struct code_edit_set *set)
{
	uint8_t gate[GATE_ROOM];
	int rc = 0;

	arch_native()->gate(gate);
	/* Every edit is tried, whatever becomes of the others: as much as can be is put back. */
	for (size_t i = 0; i < set->count; i++)
		rc |= shut_stopped(set, &set->edits[i]);
	if (set->gated)
		code_writer_sync_stopped(set->writer);
	for (size_t i = 0; i < set->count; i++) {
		const struct code_edit *edit = &set->edits[i];
		size_t part = gate_part(set, edit);

		if (!(edit->dirty & CODE_EDIT_REST))
			continue;
		rc |= restore_stopped(set, edit->address + part, new_image(set, edit) + part,
				      old_image(set, edit) + part, edit->size - part, false);
	}
	if (set->gated)
		code_writer_sync_stopped(set->writer);
	for (size_t i = 0; i < set->count; i++) {
		struct code_edit *edit = &set->edits[i];

		if (edit->dirty & CODE_EDIT_FIRST)
			rc |= restore_stopped(set, edit->address, gate, old_image(set, edit),
					      gate_part(set, edit), true);
		edit->dirty = 0;
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
		return undo_stopped(set);
	}
}

/* Ends a step that failed: the code of the failure, or of the undoing if that fails too. */
static int give_up_stopped(struct code_edit_set *set, int result)
{
	int code = code_of(result);
	int rc = undo_stopped(set);

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

static int sync_stopped(struct code_edit_set *set)
{
	int rc = code_writer_sync_stopped(set->writer);

	return rc ? fail_stopped(set, 0, rc) : 0;
}

/* A site's gated step: its first bytes, all of them at once. */
static int swap_gate_stopped(struct code_edit_set *set, struct code_edit *edit, const uint8_t *from,
			     const uint8_t *to)
{
	uint8_t dirty = edit->dirty;
	int rc;

	if (edit->kind != CODE_EDIT_SITE)
		return 0;
	edit->dirty |= CODE_EDIT_FIRST;
	rc = code_writer_replace_stopped(set->writer, CODE_WRITER_WRITE, edit->address, from, to,
					 arch_native()->gate_size, true);
	if (rc == -ESTALE) {
		uint8_t now[GATE_ROOM];

		edit->dirty = dirty;
		fail_stopped(set, edit->address, rc);
		if (!code_writer_read_stopped(set->writer, CODE_WRITER_READ, edit->address, now,
					      arch_native()->gate_size))
			found_stopped(set, now, arch_native()->gate_size);
	}
	return rc ? fail_stopped(set, edit->address, rc) : 0;
}

int code_edit_gate_close_stopped(struct code_edit_set *set)
{
	uint8_t gate[GATE_ROOM];
	int rc = begin_stopped(set, CODE_EDIT_GATED);

	if (rc)
		return rc;
	if (!code_edit_set_can_gate(set, NULL))
		return -(int)SUTURE_E_INTERNAL;
	arch_native()->gate(gate);
	/* First the state: whoever has to undo after our death must know. */
	set->gated = true;
	set->state = CODE_EDIT_GATED;
	for (size_t i = 0; i < set->count && !rc; i++)
		rc = swap_gate_stopped(set, &set->edits[i], old_image(set, &set->edits[i]), gate);
	if (!rc)
		rc = sync_stopped(set);
	return rc ? give_up_stopped(set, rc) : 0;
}

/* Bytes of an edit that this step writes: behind the gate, or all. */
static size_t skipped(const struct code_edit_set *set, const struct code_edit *edit)
{
	return gate_part(set, edit);
}

/*
 * How many edits from `first` on go into one write: code in the same page. Between them stand bytes
 * that nobody changes, and writing those again is harmless. Data may have neighbours that do
 * change, and is written by itself.
 */
static size_t merge_stopped(const struct code_edit_set *set, size_t first)
{
	const struct code_edit *head = &set->edits[first];
	uintptr_t page_end = (head->address & ~(uintptr_t)(COMMIT_PAGE - 1)) + COMMIT_PAGE;
	size_t last = first;

	if (head->kind == CODE_EDIT_DATA || head->address + head->size > page_end)
		return 1;
	while (last + 1 < set->count && set->edits[last + 1].kind != CODE_EDIT_DATA &&
	       set->edits[last + 1].address + set->edits[last + 1].size <= page_end)
		last++;
	return last - first + 1;
}

/* One edit by itself, whatever its size; no scratch memory is needed. */
static int write_one_stopped(struct code_edit_set *set, struct code_edit *edit)
{
	size_t skip = skipped(set, edit);
	uint8_t now[sizeof(set->failure.found)];
	size_t seen = edit->size < sizeof(now) ? edit->size : sizeof(now);
	int rc;

	edit->dirty |= CODE_EDIT_REST;
	rc = code_writer_replace_stopped(set->writer, CODE_WRITER_WRITE, edit->address + skip,
					 old_image(set, edit) + skip, new_image(set, edit) + skip,
					 edit->size - skip, false);
	if (!rc)
		return 0;
	fail_stopped(set, edit->address, rc);
	if (rc != -ESTALE)
		return rc;
	edit->dirty &= ~CODE_EDIT_REST; /* nothing was written */
	if (!code_writer_read_stopped(set->writer, CODE_WRITER_READ, edit->address, now, seen))
		found_stopped(set, now, seen);
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
		return fail_stopped(set, start, rc);
	copy_stopped(after, before, size);
	for (size_t i = 0; i < count; i++) {
		const struct code_edit *edit = &edits[i];
		size_t skip = skipped(set, edit), at = edit->address - start;

		if (!equal_stopped(before + at + skip, old_image(set, edit) + skip,
				   edit->size - skip)) {
			fail_stopped(set, edit->address, -ESTALE);
			found_stopped(set, before + at, edit->size);
			return -ESTALE;
		}
		copy_stopped(after + at + skip, new_image(set, edit) + skip, edit->size - skip);
	}
	for (size_t i = 0; i < count; i++)
		edits[i].dirty |= CODE_EDIT_REST;
	rc = code_writer_replace_stopped(set->writer, CODE_WRITER_WRITE, start, before, after, size,
					 false);
	return rc ? fail_stopped(set, start, rc) : 0;
}

static int write_stopped(struct code_edit_set *set)
{
	size_t count;
	int rc = 0;

	for (size_t i = 0; i < set->count && !rc; i += count) {
		count = merge_stopped(set, i);
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
	rc = write_stopped(set);
	if (!rc)
		rc = sync_stopped(set);
	return rc ? give_up_stopped(set, rc) : 0;
}

/* Opens one gate, stubbornly: what made a store fail may be over at the next. */
static int open_one_stopped(struct code_edit_set *set, struct code_edit *edit, const uint8_t *gate)
{
	int rc = 0;

	for (int tries = 0; tries < OPEN_TRIES; tries++) {
		rc = swap_gate_stopped(set, edit, gate, new_image(set, edit));
		if (!rc)
			break;
	}
	return rc;
}

int code_edit_gate_open_stopped(struct code_edit_set *set)
{
	uint8_t gate[GATE_ROOM];
	bool any_open = false;
	int failed = 0;
	int rc;

	if (set->state != CODE_EDIT_RESTED)
		return -(int)SUTURE_E_INTERNAL;
	rc = begin_stopped(set, CODE_EDIT_WRITTEN);
	if (rc)
		return rc;
	arch_native()->gate(gate);
	for (size_t i = 0; i < set->count; i++) {
		if (set->edits[i].kind != CODE_EDIT_SITE)
			continue;
		rc = open_one_stopped(set, &set->edits[i], gate);
		/* Nobody has run new code: back, while that is exact. */
		if (rc && !any_open)
			return give_up_stopped(set, rc);
		any_open = any_open || !rc;
		failed = rc ? rc : failed;
	}
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
		rc = sync_stopped(set);
	return rc ? give_up_stopped(set, rc) : 0;
}

int commit_check_stopped(struct code_edit_set *set)
{
	uint8_t now[PIECE];

	set->failure.result = 0;
	for (size_t i = 0; i < set->count; i++) {
		const struct code_edit *edit = &set->edits[i];

		for (size_t done = 0; done < edit->size;) {
			size_t left = edit->size - done;
			size_t part = left < sizeof(now) ? left : sizeof(now);
			int rc = code_writer_read_stopped(set->writer, CODE_WRITER_READ,
							  edit->address + done, now, part);

			if (!rc && !equal_stopped(now, old_image(set, edit) + done, part))
				rc = -ESTALE;
			if (rc) {
				fail_stopped(set, edit->address + done, rc);
				if (rc == -ESTALE)
					found_stopped(set, now, part);
				return code_of(rc);
			}
			done += part;
		}
	}
	return 0;
}
