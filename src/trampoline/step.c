/* SPDX-License-Identifier: MIT */
/*
 * Steps of a commit: one byte of each site that goes its way (path.h), all sites of a page in one
 * write. Callable while threads are stopped, and while they run: no allocation, no libc, no locks.
 */
#include "trampoline/commit.h"

#include <errno.h>

enum { NO_STEP = -1 };

/*
 * How many edits from `first` on go into one write: code in the same page. Between them stand bytes
 * that nobody changes, and writing those again is harmless. Data may have neighbours that do
 * change, and is written by itself.
 */
size_t commit_merge_stopped(const struct code_edit_set *set, size_t first)
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

/* Which step of its way a site makes now. */
static int step_now(const struct code_edit *edit, enum commit_phase phase, unsigned round)
{
	if (edit->kind != CODE_EDIT_SITE || !edit->step_count)
		return NO_STEP;
	switch (phase) {
	case PHASE_CLOSE:
		return 0;
	case PHASE_OPEN:
		return edit->step_count - 1;
	case PHASE_BETWEEN:
	default:
		return round + 1 < edit->step_count ? (int)round : NO_STEP;
	}
}

bool commit_has_step(const struct code_edit_set *set, size_t first, size_t count,
		     enum commit_phase phase, unsigned round)
{
	for (size_t i = first; i < first + count; i++)
		if (step_now(&set->edits[i], phase, round) != NO_STEP)
			return true;
	return false;
}

/* Is what the step finds what it is to find? Before the first one that is the whole old image. */
static bool is_expected(const struct code_edit_set *set, const struct code_edit *edit, int step,
			const uint8_t *now)
{
	if (step == 0 && !commit_equal_stopped(now, commit_old(set, edit), edit->size))
		return false;
	return now[edit->steps[step].offset] == edit->steps[step].from;
}

int commit_step_page_stopped(struct code_edit_set *set, size_t first, size_t count,
			     enum commit_phase phase, unsigned round)
{
	struct code_edit *edits = set->edits + first;
	uintptr_t start = edits[0].address, from = 0, to = 0;
	size_t size = edits[count - 1].address + edits[count - 1].size - start;
	uint8_t *before = set->scratch, *after = set->scratch + COMMIT_PAGE;
	int rc;

	for (size_t i = 0; i < count; i++) {
		int step = step_now(&edits[i], phase, round);

		if (step == NO_STEP)
			continue;
		if (!to)
			from = edits[i].address + edits[i].steps[step].offset;
		to = edits[i].address + edits[i].steps[step].offset + 1;
	}
	if (!to)
		return 0;
	rc = code_writer_read_stopped(set->writer, CODE_WRITER_READ, start, before, size);
	if (rc)
		return commit_fail_stopped(set, start, rc);
	commit_copy_stopped(after, before, size);
	for (size_t i = 0; i < count; i++) {
		const struct code_edit *edit = &edits[i];
		int step = step_now(edit, phase, round);
		size_t at = edit->address - start;

		if (step == NO_STEP)
			continue;
		if (!is_expected(set, edit, step, before + at)) {
			commit_fail_stopped(set, edit->address, -ESTALE);
			commit_found_stopped(set, before + at, edit->size);
			return -ESTALE;
		}
		after[at + edit->steps[step].offset] = edit->steps[step].to;
	}
	/* First the note: whoever has to undo must know. */
	for (size_t i = 0; i < count; i++)
		if (step_now(&edits[i], phase, round) != NO_STEP)
			edits[i].done = (uint8_t)(step_now(&edits[i], phase, round) + 1);
	rc = code_writer_replace_stopped(set->writer, CODE_WRITER_WRITE, from,
					 before + (from - start), after + (from - start),
					 to - from);
	return rc ? commit_fail_stopped(set, start, rc) : 0;
}

int commit_walk_stopped(struct code_edit_set *set)
{
	for (unsigned round = 1; round + 1 < CODE_EDIT_MAX_STEPS; round++) {
		size_t count;
		int rc = 0;

		if (!commit_has_step(set, 0, set->count, PHASE_BETWEEN, round))
			return 0;
		for (size_t i = 0; i < set->count && !rc; i += count) {
			count = commit_merge_stopped(set, i);
			rc = commit_step_page_stopped(set, i, count, PHASE_BETWEEN, round);
		}
		if (!rc)
			rc = commit_sync_stopped(set);
		if (rc)
			return rc;
	}
	return 0;
}
