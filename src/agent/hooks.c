/* SPDX-License-Identifier: MIT */
/* Hooks and constructors; see hooks.h. */
#include "agent/hooks.h"

#include "agent/inherit.h"
#include "base/error.h"

/* Calls a hook: int hook(void), as include/suture/patch.h has it. */
static int call(const struct patch *patch, size_t index)
{
	uint64_t address = patch->file.hooks.records[index].function_address;

	return ((int (*)(void))patch_address(patch, address))();
}

int hooks_run(struct patch *patch, enum format_hook_kind kind, struct suture_error *err)
{
	bool before = kind == FORMAT_HOOK_PRE_APPLY || kind == FORMAT_HOOK_PRE_REVERT;

	for (size_t i = 0; i < patch->file.hooks.count; i++) {
		int result;

		if (patch->file.hooks.records[i].kind != (uint32_t)kind)
			continue;
		patch->ran = true;
		result = call(patch, i);
		if (result)
			return error_set(err, before ? SUTURE_E_HOOK_VETO : SUTURE_E_HOOK_FAILED,
					 "hook %s of %s returned %d", patch_hook_name(kind),
					 patch->name, result);
	}
	return 0;
}

int hooks_run_stopped(const struct patch *patch, enum format_hook_kind kind)
{
	for (size_t i = 0; i < patch->file.hooks.count; i++) {
		int result;

		if (patch->file.hooks.records[i].kind != (uint32_t)kind)
			continue;
		result = call(patch, i);
		if (result)
			return result;
	}
	return 0;
}

bool hooks_any(const struct patch *patch, enum format_hook_kind kind)
{
	for (size_t i = 0; i < patch->file.hooks.count; i++)
		if (patch->file.hooks.records[i].kind == (uint32_t)kind)
			return true;
	return false;
}

void hooks_construct(struct patch *patch)
{
	if (patch->constructed)
		return;
	patch->constructed = true;
	for (size_t i = 0; i < patch->file.constructors.count; i++) {
		uint64_t address = patch->file.constructors.records[i].function_address;

		if (inherit_constructed(patch, i))
			continue;
		patch->ran = true;
		((void (*)(void))patch_address(patch, address))();
	}
}
