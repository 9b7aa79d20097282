/* SPDX-License-Identifier: MIT */
/* Islands for the unwinder; see islands.h. Plan phase. */
#include "agent/islands.h"

#include "base/error.h"

#include <stdlib.h>

static int by_start(const void *a, const void *b)
{
	const struct unwind_moved *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

static size_t add_rows(const struct trampoline *known, struct unwind_moved *moved)
{
	size_t count = 0;

	for (size_t i = 0; known->original && i < known->row_count; i++) {
		const struct trampoline_row *row = &known->rows[i];
		size_t end =
			i + 1 < known->row_count ? known->rows[i + 1].offset : known->original_size;

		if (end <= row->offset)
			continue;
		moved[count++] = (struct unwind_moved){
			.start = known->original + row->offset,
			.end = known->original + end,
			.old = known->entry + row->old_offset,
			.pushed = row->pushed,
		};
	}
	return count;
}

/* A stub touches neither stack nor registers: all of it is like the entry. */
static size_t add_stubs(const struct dispatch_table *dispatches, struct unwind_moved *moved)
{
	for (size_t i = 0; i < dispatches->count; i++) {
		const struct dispatch *dispatch = &dispatches->records[i];

		moved[i] = (struct unwind_moved){
			.start = dispatch->stub,
			.end = dispatch->stub + arch_native()->dispatch_size,
			.old = dispatch->entry,
		};
	}
	return dispatches->count;
}

/* Who waits stands before the first instruction, with nothing more on the stack. */
static size_t add_waits(const struct near_memory *near, struct unwind_moved *moved)
{
	for (size_t i = 0; i < near->wait_count; i++)
		moved[i] = (struct unwind_moved){
			.start = near->waits[i].place,
			.end = near->waits[i].place + arch_native()->near_jump_size,
			.old = near->waits[i].entry,
		};
	return near->wait_count;
}

int islands_refresh(struct islands *islands, const struct site_table *sites,
		    const struct dispatch_table *dispatches, const struct near_memory *near,
		    struct suture_error *err)
{
	struct unwind_moved *moved;
	size_t room = 1 + dispatches->count + near->wait_count, count = 0;

	if (!islands->stale && islands->waits == near->wait_count)
		return 0;
	for (size_t i = 0; i < sites->count; i++)
		room += sites->sites[i]->has_known ? sites->sites[i]->known.row_count : 0;
	moved = calloc(room, sizeof(*moved));
	if (!moved)
		return error_no_memory(err);
	for (size_t i = 0; i < sites->count; i++)
		if (sites->sites[i]->has_known)
			count += add_rows(&sites->sites[i]->known, moved + count);
	count += add_stubs(dispatches, moved + count);
	count += add_waits(near, moved + count);
	qsort(moved, count, sizeof(*moved), by_start);
	free(islands->moved);
	*islands = (struct islands){.moved = moved, .count = count, .waits = near->wait_count};
	return 0;
}

void islands_fini(struct islands *islands)
{
	free(islands->moved);
	*islands = (struct islands){0};
}
