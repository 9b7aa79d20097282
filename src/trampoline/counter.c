/* SPDX-License-Identifier: MIT */
/* Stubs that count calls; see counter.h. Plan phase. */
#include "trampoline/counter.h"

#include "arch/arch.h"
#include "base/error.h"
#include "trampoline/island.h"

int counter_make(struct near_memory *near, uintptr_t site, const uint64_t *calls,
		 uintptr_t replacement, uintptr_t *stub, struct suture_error *err)
{
	const struct arch_ops *arch = arch_native();
	uint8_t code[ARCH_MAX_COUNTER];
	uintptr_t low, high, place;
	int rc;

	island_reach(site, &low, &high);
	rc = near_alloc(near, low, high, site, arch->counter_size, &place, err);
	if (rc)
		return rc;
	arch->counter((uint64_t)(uintptr_t)calls, replacement, code);
	rc = near_write(near, place, code, arch->counter_size, err);
	if (rc) {
		near_free(near, place, arch->counter_size);
		return rc;
	}
	*stub = place;
	return 0;
}

void counter_discard(struct near_memory *near, uintptr_t stub)
{
	near_free(near, stub, arch_native()->counter_size);
}
