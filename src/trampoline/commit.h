/* SPDX-License-Identifier: MIT */
/* What edit.c, commit.c and undo.c share; the folder's own. */
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
