/* SPDX-License-Identifier: MIT */
/* What edit.c, commit.c, step.c and undo.c share; the folder's own. */
#ifndef TRAMPOLINE_COMMIT_H
#define TRAMPOLINE_COMMIT_H

#include "arch/arch.h"
#include "trampoline/edit.h"

enum {
	COMMIT_PAGE = 4096,
	COMMIT_PIECE = 256, /* of a long edit, on the stack */
};

/* 0 when all old bytes are in place, else a code of edit.h with set->failure filled in. */
int commit_check_stopped(struct code_edit_set *set);

/* Old bytes everywhere, in any state that has begun to write: 0, or UNCERTAIN. */
int commit_undo_stopped(struct code_edit_set *set);

/* How this site is closed. */
enum code_edit_gate commit_gate(const struct code_edit *edit);

/* Bytes from the edit's start that its gate writes, and not the rest. */
size_t commit_first(const struct code_edit_set *set, const struct code_edit *edit);

/* Notes the first failure; later ones, of undoing, follow from it. Returns result. */
int commit_fail_stopped(struct code_edit_set *set, uintptr_t address, int result);

/* What was found where -ESTALE is the failure. */
void commit_found_stopped(struct code_edit_set *set, const uint8_t *found, size_t size);

/* All processors execute what was written. */
int commit_sync_stopped(struct code_edit_set *set);

/* ---- step.c ---------------------------------------------------------------------------------- */

enum commit_phase { PHASE_CLOSE, PHASE_BETWEEN, PHASE_OPEN };

/* How many edits from `first` on go into one write. */
size_t commit_merge_stopped(const struct code_edit_set *set, size_t first);

/* Does any of these sites make a step now? round counts those between closing and opening. */
bool commit_has_step(const struct code_edit_set *set, size_t first, size_t count,
		     enum commit_phase phase, unsigned round);

/* One step of each site among `count` edits that fit in a page, in one write. */
int commit_step_page_stopped(struct code_edit_set *set, size_t first, size_t count,
			     enum commit_phase phase, unsigned round);

/* The steps between the first and the last, each seen by every processor before the next. */
int commit_walk_stopped(struct code_edit_set *set);

static inline const uint8_t *commit_old(const struct code_edit_set *set,
					const struct code_edit *edit)
{
	return set->store + edit->bytes + (set->reversed ? edit->size : 0);
}

static inline const uint8_t *commit_new(const struct code_edit_set *set,
					const struct code_edit *edit)
{
	return set->store + edit->bytes + (set->reversed ? 0 : edit->size);
}

static inline bool commit_equal_stopped(const uint8_t *a, const uint8_t *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static inline void commit_copy_stopped(uint8_t *to, const uint8_t *from, size_t size)
{
	/* A compiler must not turn this into a call of memcpy: that goes through an IFUNC's slot.
	 */
	for (size_t i = 0; i < size; i++)
		((volatile uint8_t *)to)[i] = from[i];
}

#endif
