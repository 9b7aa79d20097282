/* SPDX-License-Identifier: MIT */
/*
 * Islands where threads wait before a closed entry: a jump back to it. The entry leads there, so
 * that a thread goes to and fro until the entry leads elsewhere, and then goes on by itself.
 * Nothing needs to be opened, and an island is never changed nor given back: a thread may be in it.
 * It serves every later commit at that entry.
 *
 * Where the islands are is not for us to choose: the bytes of the entry say it (path.h).
 */
#ifndef TRAMPOLINE_WAITING_H
#define TRAMPOLINE_WAITING_H

#include "trampoline/near.h"

/*
 * Makes the island of entry at place, or finds it again. False when other memory is there, when too
 * many pages were mapped for such islands, or when the way back is too far. After near_look(). Plan
 * phase.
 */
bool waiting_obtain(struct near_memory *near, uintptr_t entry, uintptr_t place);

#endif
