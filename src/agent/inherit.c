/* SPDX-License-Identifier: MIT */
/* Taking over variables; see inherit.h. */
#include "agent/inherit.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static const char *text(const struct patch_file *file, uint64_t ref)
{
	const char *string = patch_file_string(file, ref);

	return string ? string : "";
}

static bool same_module(const struct patch_file *left, uint64_t left_ref,
			const struct patch_file *right, uint64_t right_ref)
{
	const struct format_module *a = patch_file_module(left, left_ref);
	const struct format_module *b = patch_file_module(right, right_ref);

	return a->build_id_size == b->build_id_size &&
	       memcmp(a->build_id, b->build_id, a->build_id_size) == 0;
}

static bool same_identity(const struct patch_file *left, size_t left_index,
			  const struct patch_file *right, size_t right_index)
{
	const struct format_variable *a = &left->variables.records[left_index];
	const struct format_variable *b = &right->variables.records[right_index];
	const struct format_data *a_data = patch_file_data(left, a);
	const struct format_data *b_data = patch_file_data(right, b);

	return strcmp(text(left, a->stem_ref), text(right, b->stem_ref)) == 0 &&
	       strcmp(text(left, a->owner_ref), text(right, b->owner_ref)) == 0 &&
	       strcmp(text(left, a_data->unit_ref), text(right, b_data->unit_ref)) == 0 &&
	       same_module(left, a_data->module_ref, right, b_data->module_ref);
}

/* The variable of a patch that goes, and its index there; the latest patch's counts. */
static const struct patch *find_living(const struct plan *plan, const struct patch_file *file,
				       size_t index, size_t *there)
{
	const struct patch *found = NULL;

	for (size_t i = 0; i < plan->remove_count; i++) {
		const struct patch *patch = plan->remove[i];

		for (size_t k = 0; k < patch->file.variables.count; k++) {
			if (!same_identity(file, index, &patch->file, k) ||
			    (found && found->order > patch->order))
				continue;
			found = patch;
			*there = k;
		}
	}
	return found;
}

static int refuse(const struct patch_file *file, const struct patch *patch, const char *name,
		  const char *why, struct suture_error *err)
{
	error_set(err, SUTURE_E_DATA_CHANGED, "%s would take over %s from %s, but %s", file->name,
		  name, patch->name, why);
	return error_next(err, "give it another name, or revert %s first: its values are lost then",
			  patch->name);
}

static int take(const struct patch_file *file, size_t index, const struct patch *patch,
		size_t there, uintptr_t *address, struct suture_error *err)
{
	const struct format_variable *ours = &file->variables.records[index];
	const struct format_variable *theirs = &patch->file.variables.records[there];
	const char *name = text(file, ours->stem_ref);

	if ((ours->flags | theirs->flags) & FORMAT_VARIABLE_AMBIGUOUS)
		return refuse(file, patch, name, "several of that name can't be told apart", err);
	if (patch_file_data(file, ours)->size != patch_file_data(&patch->file, theirs)->size ||
	    memcmp(ours->type_hash, theirs->type_hash, sizeof(ours->type_hash)) != 0)
		return refuse(file, patch, name, "its type is another one now", err);
	*address = patch->variables[there];
	return 0;
}

/* How many of a constructor's variables there are, and how many of them are taken over. */
static void count_constructed(const struct patch_file *file, const uintptr_t *taken,
			      size_t constructor, size_t *all, size_t *old, const char **name)
{
	*all = *old = 0;
	for (size_t i = 0; i < file->constructs.count; i++) {
		const struct format_construct *construct = &file->constructs.records[i];
		size_t variable = construct->variable_ref / sizeof(struct format_variable);

		if (construct->constructor_ref / sizeof(struct format_constructor) != constructor)
			continue;
		++*all;
		if (taken[variable])
			++*old;
		else
			*name = text(file, file->variables.records[variable].stem_ref);
	}
}

static int check_constructors(const struct patch_file *file, const uintptr_t *taken,
			      struct suture_error *err)
{
	for (size_t i = 0; i < file->constructors.count; i++) {
		const char *name = "";
		size_t all, old;

		count_constructed(file, taken, i, &all, &old, &name);
		if (!old || old == all)
			continue;
		error_set(
			err, SUTURE_E_CONSTRUCTOR_CHANGED,
			"%s: one constructor makes %s, which is new, and objects that live already",
			file->name, name);
		return error_next(err, "put the new object into another file");
	}
	return 0;
}

int inherit_find(const struct plan *plan, const struct patch_file *file, uintptr_t **taken,
		 struct suture_error *err)
{
	uintptr_t *list = calloc(file->variables.count + 1, sizeof(*list));
	int rc = list ? 0 : error_no_memory(err);

	for (size_t i = 0; !rc && i < file->variables.count; i++) {
		size_t there = 0;
		const struct patch *patch = find_living(plan, file, i, &there);

		if (patch)
			rc = take(file, i, patch, there, &list[i], err);
	}
	if (!rc)
		rc = check_constructors(file, list, err);
	if (rc)
		free(list);
	else
		*taken = list;
	return rc;
}

int inherit_check(const struct plan *plan, const struct patch *patch, struct suture_error *err)
{
	uintptr_t *taken = NULL;
	int rc = inherit_find(plan, &patch->file, &taken, err);

	for (size_t i = 0; !rc && i < patch->file.variables.count; i++) {
		const struct format_variable *variable = &patch->file.variables.records[i];

		if (!taken[i] || taken[i] == patch->variables[i])
			continue;
		error_set(err, SUTURE_E_UNSUPPORTED, "%s is loaded already, with a %s of its own",
			  patch->name, text(&patch->file, variable->stem_ref));
		rc = error_next(err, "build it again under another --name");
	}
	free(taken);
	return rc;
}

bool inherit_constructed(const struct patch *patch, size_t constructor)
{
	for (size_t i = 0; i < patch->file.constructs.count; i++) {
		const struct format_construct *construct = &patch->file.constructs.records[i];
		size_t variable = construct->variable_ref / sizeof(struct format_variable);
		const struct format_data *data;

		if (construct->constructor_ref / sizeof(struct format_constructor) != constructor)
			continue;
		data = patch_file_data(&patch->file, &patch->file.variables.records[variable]);
		/* All of them are, or none: inherit_find() has seen to it. */
		return patch->variables[variable] != patch_address(patch, data->new_address);
	}
	return false;
}
