/* SPDX-License-Identifier: MIT */
/* The patch object; see object.h. */
#include "patch/object.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

int patch_create(struct patch_file *file, struct patch **patch, struct suture_error *err)
{
	struct patch *result = calloc(1, sizeof(*result));

	if (result) {
		result->modules = calloc(file->modules.count, sizeof(*result->modules));
		result->saved_data = calloc(file->data.count + 1, sizeof(*result->saved_data));
		result->places = calloc(file->data.count + 1, sizeof(*result->places));
		result->variables = calloc(file->variables.count + 1, sizeof(*result->variables));
	}
	if (!result || !result->modules || !result->saved_data || !result->places ||
	    !result->variables) {
		if (result) {
			free(result->modules);
			free(result->saved_data);
			free(result->places);
			free(result->variables);
		}
		free(result);
		return error_no_memory(err);
	}
	result->file = *file;
	result->load.store.fd = -1;
	result->name = result->file.name;
	result->state = PATCH_LOADED;
	result->old_threads = -1;
	*file = (struct patch_file){0};
	*patch = result;
	return 0;
}

void patch_attach(struct patch *patch, struct load *load, const struct image_module *const *modules,
		  const uintptr_t *taken, const uintptr_t *places)
{
	patch->load = *load;
	*load = (struct load){.store.fd = -1};
	for (size_t i = 0; i < patch->file.modules.count; i++)
		patch->modules[i] = (struct patch_module){.bias = modules[i]->bias,
							  .start = modules[i]->start,
							  .end = modules[i]->end};
	memcpy(patch->places, places, patch->file.data.count * sizeof(*places));
	for (size_t i = 0; i < patch->file.variables.count; i++)
		patch->variables[i] =
			taken[i] ? taken[i]
				 : patch_address(patch,
						 patch_file_data(&patch->file,
								 &patch->file.variables.records[i])
							 ->new_address);
}

struct patch_counter *patch_detach(struct patch *patch, struct load *load)
{
	struct patch_counter *counters = patch->counters;

	*load = patch->load;
	patch->load = (struct load){.store.fd = -1};
	for (size_t i = 0; i < patch->file.data.count; i++) {
		free(patch->saved_data[i]);
		patch->saved_data[i] = NULL;
	}
	patch->counters = NULL;
	patch->ran = patch->constructed = false;
	return counters;
}

void patch_destroy(struct patch *patch)
{
	if (!patch)
		return;
	load_undo(&patch->load);
	for (size_t i = 0; i < patch->file.data.count; i++)
		free(patch->saved_data[i]);
	free(patch->saved_data);
	free(patch->places);
	free(patch->modules);
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
	const struct patch_file *file = &patch->file;
	const struct load *load = &patch->load;

	for (; load->next && address >= file->split; load = load->next) {
		address -= file->shift;
		file = file->next;
	}
	return (uintptr_t)(load->base + address);
}

bool patch_module_gone(const struct patch *patch, uint64_t module_ref)
{
	return patch->modules[module_ref / sizeof(struct format_module)].gone;
}

uintptr_t patch_target(const struct patch *patch, uint64_t module_ref, uint64_t target)
{
	return patch->modules[module_ref / sizeof(struct format_module)].bias + (uintptr_t)target;
}
