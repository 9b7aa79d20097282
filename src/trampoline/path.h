/* SPDX-License-Identifier: MIT */
/*
 * The way of an entry's first bytes from old to new, one byte at a time.
 *
 * Why one byte: threads run while an entry changes. The kernel copies what is written through
 * /proc/self/mem by rep movsb, and where the line is in the writer's own instruction cache that
 * proceeds byte by byte, in view of other processors, at any alignment and size. (Measured: of
 * 3,000 stores of two bytes up to 868 were executed half done.) A store of one byte can't be torn.
 *
 * The first step makes the opcode of a near jump of the first byte. What follows it, untouched, is
 * then its displacement, and where that leads is an island from which threads come back
 * (waiting.h). A thread that had run a first instruction, however short, goes on in bytes that are
 * as they were. Each further step leads to another island; the last one to where the entry shall
 * lead. An entry with the bytes b0…b4 that becomes a jump j0…j4 (j0 is e9, x of our choice):
 *
 *	before      b0 b1 b2 b3 b4
 *	close       e9 b1 b2 b3 b4     threads wait; who is inside is found by the stop, and then:
 *	            e9 b1 b2 b3 x      wait elsewhere
 *	            e9 b1 b2 j3 x      "
 *	            e9 b1 j2 j3 x      "
 *	            e9 j1 j2 j3 x      "
 *	open        e9 j1 j2 j3 j4
 *
 *	and back    e9 j1 j2 j3 j4
 *	close       e9 j1 j2 j3 x      in the same way
 *	            …
 *	            e9 b1 b2 b3 b4
 *	open        b0 b1 b2 b3 b4
 *
 * From one jump to another it is the same without the first byte. So only one island of an entry is
 * where its bytes want it (path_reserve()); x puts the others where there is room. Islands are of
 * five bytes: where b1 and j1 differ by less, a detour over another byte keeps them apart. An entry
 * mark has the same bytes before and after (edit.c has the drawing). Bytes behind the five are
 * written while the entry is closed and nobody is inside.
 */
#ifndef TRAMPOLINE_PATH_H
#define TRAMPOLINE_PATH_H

#include "trampoline/edit.h"
#include "trampoline/near.h"

/*
 * The one island that a site can't do without, before those of which there is a choice are laid
 * out: for all sites first. After near_look().
 */
void path_reserve(struct near_memory *near, const struct code_edit *edit, const uint8_t *old);

/* Fills in the steps of a site's edit, or none where there is no way. After near_look(). */
void path_plan(struct near_memory *near, struct code_edit *edit, const uint8_t *old,
	       const uint8_t *new_bytes);

#endif
