/* SPDX-License-Identifier: MIT */
/* Waiting islands: see waiting.h. */
#include "trampoline/waiting.h"

#include "arch/arch.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_LIMIT = 1024 /* of memory for them: 4 MiB, and as many mappings */ };

/* Index of the first island at or above place. */
static size_t lower_bound(const struct near_memory *near, uintptr_t place)
{
	size_t low = 0, high = near->wait_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (near->waits[middle].place < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool reserve(struct near_memory *near)
{
	size_t wanted = near->wait_capacity ? near->wait_capacity * 2 : 16;
	void *grown;

	if (near->wait_count < near->wait_capacity)
		return true;
	grown = realloc(near->waits, wanted * sizeof(*near->waits));
	if (!grown)
		return false;
	near->waits = grown;
	near->wait_capacity = wanted;
	return true;
}

bool waiting_obtain(struct near_memory *near, uintptr_t entry, uintptr_t place)
{
	const struct arch_ops *arch = arch_native();
	size_t at = lower_bound(near, place), size = arch->near_jump_size;
	uint8_t island[ARCH_MAX_JUMP];

	if (at < near->wait_count && near->waits[at].place == place)
		return near->waits[at].entry == entry;
	if (arch->near_jump(place, entry, island) != ARCH_OK || !reserve(near) ||
	    !near_alloc_at(near, place, size, PAGE_LIMIT))
		return false;
	if (near_write(near, place, island, size, NULL)) {
		near_free(near, place, size);
		return false;
	}
	memmove(near->waits + at + 1, near->waits + at,
		(near->wait_count - at) * sizeof(*near->waits));
	near->waits[at] = (struct near_wait){.place = place, .entry = entry};
	near->wait_count++;
	return true;
}
