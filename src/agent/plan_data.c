/* SPDX-License-Identifier: MIT */
/* Plan of a transaction: data that is written with the code, and put back. See plan.h. */
#include "agent/mark.h"
#include "agent/plan_internal.h"
#include "agent/verify.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The record by which the patch has changed that address, or -1. */
static long find_record(const struct patch *patch, uintptr_t address, size_t size)
{
	for (size_t i = 0; i < patch->file.data.count; i++) {
		const struct format_data *data = &patch->file.data.records[i];

		if (patch->saved_data[i] && patch->places[i] == address && data->size == size &&
		    !patch_module_gone(patch, data->module_ref))
			return (long)i;
	}
	return -1;
}

static const uint8_t *contents(const struct patch *patch, long record)
{
	return (const uint8_t *)patch_address(patch, patch->file.data.records[record].new_address);
}

/* Of those that go and have changed that address, the latest that came before `order`. */
static const struct patch *find_latest(const struct plan *plan, uintptr_t address, size_t size,
				       unsigned order)
{
	const struct patch *found = NULL;

	for (size_t i = 0; i < plan->remove_count; i++) {
		const struct patch *patch = plan->remove[i];

		if (patch->order < order && (!found || patch->order > found->order) &&
		    find_record(patch, address, size) >= 0)
			found = patch;
	}
	return found;
}

/* Does one that stays, and came after `order`, lie there? Then what is below it is not to be seen.
 */
static bool is_covered(const struct plan *plan, uintptr_t address, size_t size, unsigned order)
{
	for (const struct patch *patch = plan->agent->patches; patch; patch = patch->next)
		if (patch->state == PATCH_APPLIED && !plan_goes(plan, patch) &&
		    patch->order > order && find_record(patch, address, size) >= 0)
			return true;
	return false;
}

/*
 * What is there without those that go: what the latest found, and so on down, as long as each finds
 * the value that it wrote. NULL: the value that is there has gone on. *now, if found, is there now.
 */
static const uint8_t *find_below(const struct plan *plan, uintptr_t address, size_t size,
				 const uint8_t **now)
{
	const uint8_t *value = (const uint8_t *)address, *below = NULL;
	const struct patch *patch = find_latest(plan, address, size, UINT_MAX);

	for (; patch; patch = find_latest(plan, address, size, patch->order)) {
		long record = find_record(patch, address, size);

		if (is_covered(plan, address, size, patch->order))
			break;
		if (memcmp(value, contents(patch, record), size) != 0)
			continue;
		if (!below)
			*now = contents(patch, record);
		value = below = patch->saved_data[record];
	}
	return below;
}

/* Data that comes: written with the code; the old bytes are kept for the way back. */
static int plan_datum(struct plan *plan, struct patch *patch, size_t index,
		      struct suture_error *err)
{
	const struct format_data *data = &patch->file.data.records[index];
	uintptr_t address = patch->places[index];
	const struct image_module *module = image_find_address(&plan->image, address);
	const uint8_t *unused, *below = find_below(plan, address, data->size, &unused);
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
	for (size_t c = 0; c < plan_comes_count(plan); c++) {
		const struct patch *patch = plan_comes(plan, c);

		for (size_t i = 0; i < patch->file.data.count; i++)
			if (patch_data_is_written(&patch->file.data.records[i]) &&
			    patch->file.data.records[i].size == size && patch->places[i] == address)
				return true;
	}
	return false;
}

static int plan_data_back(struct plan *plan, const struct patch *patch, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < patch->file.data.count; i++) {
		size_t size = patch->file.data.records[i].size;
		uintptr_t address = patch->places[i];
		const uint8_t *now, *below;

		/* Or it is done already on behalf of another one that goes. */
		if (!patch->saved_data[i] || find_record(patch, address, size) < 0 ||
		    code_edit_set_has(&plan->edits, address) ||
		    is_written_anew(plan, address, size))
			continue;
		below = find_below(plan, address, size, &now);
		if (below && memcmp(now, below, size) != 0)
			rc = code_edit_set_add(&plan->edits, CODE_EDIT_DATA, address, now, below,
					       size, err);
	}
	return rc;
}

/*
 * What the patch that lies next above found there was written by one that went: below it is what
 * that found. Those above it may have found the same value, but it was not that one's.
 */
static void hand_down(const struct plan *plan, const struct patch *gone, size_t index)
{
	size_t size = gone->file.data.records[index].size;
	uintptr_t address = gone->places[index];
	struct patch *above = NULL;
	long record;

	for (struct patch *patch = plan->agent->patches; patch; patch = patch->next)
		if (patch->state == PATCH_APPLIED && patch->order > gone->order &&
		    (!above || patch->order < above->order) &&
		    find_record(patch, address, size) >= 0)
			above = patch;
	if (!above)
		return;
	record = find_record(above, address, size);
	if (memcmp(above->saved_data[record], contents(gone, (long)index), size) == 0)
		memcpy(above->saved_data[record], gone->saved_data[index], size);
}

void plan_data_settle(const struct plan *plan)
{
	unsigned order = UINT_MAX;

	/* The latest first: who lay on it lies on the next one then. */
	for (size_t done = 0; done < plan->remove_count; done++) {
		const struct patch *latest = NULL;

		for (size_t i = 0; i < plan->remove_count; i++)
			if (plan->remove[i]->order < order &&
			    (!latest || plan->remove[i]->order > latest->order))
				latest = plan->remove[i];
		if (!latest)
			return;
		order = latest->order;
		for (size_t i = 0; i < latest->file.data.count; i++)
			if (latest->saved_data[i])
				hand_down(plan, latest, i);
	}
}

int plan_data(struct plan *plan, struct suture_error *err)
{
	int rc = 0;

	for (size_t c = 0; !rc && c < plan_comes_count(plan); c++) {
		struct patch *patch = plan_comes(plan, c);

		for (size_t i = 0; !rc && i < patch->file.data.count; i++)
			if (patch_data_is_written(&patch->file.data.records[i]))
				rc = plan_datum(plan, patch, i, err);
	}
	for (size_t i = 0; !rc && i < plan->remove_count; i++)
		rc = plan_data_back(plan, plan->remove[i], err);
	return rc ? rc : mark_plan(plan, err);
}
