/* SPDX-License-Identifier: MIT */
/* Originals of replaced functions; see originals.h. */
#include "agent/originals.h"

#include "agent/calls.h"
#include "base/error.h"

/* The function of the patch that replaces what replacement_address stands for. */
static const struct plan_site *find_replacement(const struct plan *plan, const struct patch *patch,
						uint64_t address)
{
	const struct patch_file *file = &patch->file;

	for (size_t i = 0; i < plan->site_count; i++) {
		const struct site_version *version = &plan->sites[i].version;

		if (version->patch == patch &&
		    file->functions.records[version->function].replacement_address == address)
			return &plan->sites[i];
	}
	return NULL;
}

/* What it lies on: another one that comes with it, or one that stays. NULL: the old code. */
static const struct trampoline *find_below(const struct plan *plan, const struct plan_site *planned)
{
	for (const struct plan_site *each = planned; each-- > plan->sites;)
		if (each->site == planned->site)
			return &each->version.trampoline;
	return plan_staying(plan, planned->site);
}

int originals_fill(struct plan *plan, struct patch *patch, struct suture_error *err)
{
	const struct patch_file *file = &patch->file;

	for (size_t i = 0; i < file->originals.count; i++) {
		const struct format_original *original = &file->originals.records[i];
		const struct plan_site *planned =
			find_replacement(plan, patch, original->replacement_address);
		const struct trampoline *below = planned ? find_below(plan, planned) : NULL;
		const struct trampoline *own = planned ? &planned->version.trampoline : NULL;
		uintptr_t address = below ? below->replacement : own ? own->original : 0;

		if (!address)
			return error_set(err, SUTURE_E_UNPATCHABLE_ENTRY,
					 "the original of a function of %s can't be called: %s",
					 file->name,
					 own ? arch_reason_text(own->why_not) : "it is unknown");
		if (plan_counts(plan, patch) &&
		    calls_old_stub(plan->agent, patch, planned->version.function,
				   planned->site->entry, &address, err))
			return -(int)err->code;
		/* Pairs with the patch's loads: the commit synchronises all processors. */
		__atomic_store_n((uintptr_t *)patch_address(patch, original->slot_address), address,
				 __ATOMIC_RELEASE);
	}
	return 0;
}
