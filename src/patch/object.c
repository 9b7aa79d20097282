/* SPDX-License-Identifier: MIT */
/* The patch object; see object.h. */
#include "patch/object.h"

#include "base/error.h"

#include <stdlib.h>

int patch_create(struct patch_file *file, struct load *load, struct patch **patch,
		 struct suture_error *err)
{
	struct patch *result = calloc(1, sizeof(*result));

	if (result) {
		result->biases = calloc(file->modules.count, sizeof(*result->biases));
		result->saved_data = calloc(file->data.count + 1, sizeof(*result->saved_data));
		result->variables = calloc(file->variables.count + 1, sizeof(*result->variables));
	}
	if (!result || !result->biases || !result->saved_data || !result->variables) {
		if (result) {
			free(result->biases);
			free(result->saved_data);
			free(result->variables);
		}
		free(result);
		return error_no_memory(err);
	}
	result->file = *file;
	result->load = *load;
	result->name = result->file.name;
	result->state = PATCH_LOADED;
	*file = (struct patch_file){0};
	*load = (struct load){.store.fd = -1};
	for (size_t i = 0; i < result->file.variables.count; i++)
		result->variables[i] = patch_address(
			result, patch_file_data(&result->file, &result->file.variables.records[i])
					->new_address);
	*patch = result;
	return 0;
}

void patch_destroy(struct patch *patch)
{
	if (!patch)
		return;
	load_undo(&patch->load);
	for (size_t i = 0; i < patch->file.data.count; i++)
		free(patch->saved_data[i]);
	free(patch->saved_data);
	free(patch->biases);
	free(patch->variables);
	free(patch->counters);
	patch_file_fini(&patch->file);
	free(patch);
}

int patch_set_state(struct patch *patch, enum patch_state state, struct suture_error *err)
{
	if (!patch_state_legal(patch->state, state))
		return error_set(err, SUTURE_E_INTERNAL, "%s can't go from %s to %s", patch->name,
				 patch_state_name(patch->state), patch_state_name(state));
	patch->state = state;
	return 0;
}

uintptr_t patch_address(const struct patch *patch, uint64_t address)
{
	return (uintptr_t)(patch->load.base + address);
}

uintptr_t patch_target(const struct patch *patch, uint64_t module_ref, uint64_t target)
{
	return patch->biases[module_ref / sizeof(struct format_module)] + (uintptr_t)target;
}
