/* SPDX-License-Identifier: MIT */
/* Plan of a transaction: data that is written with the code, and put back. See plan.h. */
#include "agent/mark.h"
#include "agent/plan_internal.h"
#include "agent/verify.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* Would taking out the patch put something else there? Only where its value is still the one. */
static bool is_restored(const struct patch *patch, size_t index)
{
	const struct format_data *data = &patch->file.data.records[index];

	return patch->saved_data[index] && !patch_module_gone(patch, data->module_ref) &&
	       memcmp((const void *)patch->places[index],
		      (const void *)patch_address(patch, data->new_address), data->size) == 0;
}

/* What was at that address before a patch that goes, or NULL: none of them has changed it. */
static const uint8_t *find_below(const struct plan *plan, uintptr_t address, size_t size)
{
	for (size_t i = 0; i < plan->remove_count; i++) {
		const struct patch *patch = plan->remove[i];

		for (size_t k = 0; k < patch->file.data.count; k++) {
			const struct format_data *data = &patch->file.data.records[k];

			if (data->size == size && is_restored(patch, k) &&
			    patch->places[k] == address)
				return patch->saved_data[k];
		}
	}
	return NULL;
}

/* Data that comes: written with the code; the old bytes are kept for the way back. */
static int plan_datum(struct plan *plan, size_t index, struct suture_error *err)
{
	struct patch *patch = plan->add;
	const struct format_data *data = &patch->file.data.records[index];
	uintptr_t address = patch->places[index];
	const struct image_module *module = image_find_address(&plan->image, address);
	const uint8_t *below = find_below(plan, address, data->size);
	cleanup_memory uint8_t *now = NULL;
	int rc = fault_at("plan.data", err);

	if (!rc && !module)
		rc = error_set(err, SUTURE_E_BAD_PATCH_FILE, "data lies outside every module");
	if (!rc)
		rc = verify_data(plan->agent, &patch->file, data, address, module, below, &now,
				 err);
	if (!rc)
		rc = code_edit_set_add(&plan->edits, CODE_EDIT_DATA, address, now,
				       (const void *)patch_address(patch, data->new_address),
				       data->size, err);
	if (rc)
		return rc;
	if (below)
		memcpy(now, below, data->size);
	free(patch->saved_data[index]);
	patch->saved_data[index] = now;
	now = NULL;
	return 0;
}

/* Does what comes write there as well? Then it needs no other edit. */
static bool is_written_anew(const struct plan *plan, uintptr_t address, size_t size)
{
	for (size_t i = 0; plan->add && i < plan->add->file.data.count; i++) {
		const struct format_data *data = &plan->add->file.data.records[i];

		if (patch_data_is_written(data) && data->size == size &&
		    plan->add->places[i] == address)
			return true;
	}
	return false;
}

static int plan_data_back(struct plan *plan, const struct patch *patch, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < patch->file.data.count; i++) {
		const struct format_data *data = &patch->file.data.records[i];
		uintptr_t address = patch->places[i];

		if (is_restored(patch, i) && !is_written_anew(plan, address, data->size))
			rc = code_edit_set_add(
				&plan->edits, CODE_EDIT_DATA, address,
				(const void *)patch_address(patch, data->new_address),
				patch->saved_data[i], data->size, err);
	}
	return rc;
}

int plan_data(struct plan *plan, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && plan->add && i < plan->add->file.data.count; i++)
		if (patch_data_is_written(&plan->add->file.data.records[i]))
			rc = plan_datum(plan, i, err);
	for (size_t i = 0; !rc && i < plan->remove_count; i++)
		rc = plan_data_back(plan, plan->remove[i], err);
	return rc ? rc : mark_plan(plan, err);
}
