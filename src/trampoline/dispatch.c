/* SPDX-License-Identifier: MIT */
/* Stubs that choose; see dispatch.h. Plan phase. */
#include "trampoline/dispatch.h"

#include "trampoline/island.h"

int dispatch_place(struct near_memory *near, uintptr_t site, uintptr_t *stub,
		   struct suture_error *err)
{
	uintptr_t low, high;

	island_reach(site, &low, &high);
	return near_alloc(near, low, high, site, arch_native()->dispatch_size, stub, err);
}

int dispatch_write(struct near_memory *near, uintptr_t stub, const struct arch_dispatch *dispatch,
		   struct suture_error *err)
{
	uint8_t code[ARCH_MAX_DISPATCH];

	arch_native()->dispatch(stub, dispatch, code);
	return near_write(near, stub, code, arch_native()->dispatch_size, err);
}

void dispatch_discard(struct near_memory *near, uintptr_t stub)
{
	near_free(near, stub, arch_native()->dispatch_size);
}
