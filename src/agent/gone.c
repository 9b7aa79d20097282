/* SPDX-License-Identifier: MIT */
/* Modules that were unloaded; see gone.h. */
#include "agent/gone.h"

#include "agent/confirm.h"
#include "agent/mark.h"
#include "agent/pending.h"
#include "base/error.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

enum { TAKE_OUT_NS = 2000000000 };

/*
 * Do the patch's sites in that module hold their old bytes again, or is the mark missing? Then it
 * was unloaded, and another mapping of it came to the same place.
 */
static bool is_fresh(struct agent *agent, const struct patch *patch, size_t index)
{
	const struct patch_module *module = &patch->modules[index];
	bool fresh = false;

	for (size_t i = 0; i < agent->sites.count; i++) {
		const struct site *site = agent->sites.sites[i];
		const struct site_version *top = site_top(site);
		const struct trampoline *in_place;
		uint8_t bytes[ARCH_MAX_JUMP];

		if (site->entry < module->start || site->entry >= module->end || !top ||
		    top->patch != patch)
			continue;
		in_place = &top->trampoline;
		fresh = trampoline_read_self(&agent->writer, in_place->site, bytes,
					     in_place->window_size) &&
			memcmp(bytes, in_place->old_bytes, in_place->window_size) == 0;
		if (!fresh)
			return false;
	}
	return fresh || mark_is_missing(agent, patch, index);
}

static bool is_there(struct agent *agent, const struct image *image, const struct patch *patch,
		     size_t index)
{
	const struct format_module *wanted = &patch->file.modules.records[index];
	const struct patch_module *module = &patch->modules[index];
	const struct image_module *found = image_find_address(image, module->start);

	if (wanted->flags & FORMAT_MODULE_EXECUTABLE)
		return true;
	return found && found->bias == module->bias &&
	       found->build_id_size == wanted->build_id_size &&
	       memcmp(found->build_id, wanted->build_id, found->build_id_size) == 0 &&
	       (patch->state != PATCH_APPLIED || !is_fresh(agent, patch, index));
}

/* What is gone for one patch is gone for all, although not all can tell. */
static void forget(struct agent *agent, const struct patch_module *gone)
{
	for (struct patch *patch = agent->patches; patch; patch = patch->next)
		for (size_t i = 0; patch->load.handle && i < patch->file.modules.count; i++)
			if (patch->modules[i].start == gone->start)
				patch->modules[i].gone = true;
	site_forget(&agent->sites, gone->start, gone->end, &agent->near);
	agent->islands.stale = true;
}

/*
 * Forgotten once, when it is found to be gone: the patch may keep it for long, when somebody is in
 * the way, and by then another module may lie in its place, with sites and patches of its own.
 */
static void mark(struct agent *agent, const struct image *image, struct patch *patch)
{
	for (size_t i = 0; i < patch->file.modules.count; i++) {
		struct patch_module *module = &patch->modules[i];

		if (module->gone || is_there(agent, image, patch, i))
			continue;
		log_info("%s: its module %s was unloaded", patch->name,
			 patch_file_string(&patch->file, patch->file.modules.records[i].name_ref));
		forget(agent, module);
	}
}

static bool has_gone(const struct patch *patch)
{
	for (size_t i = 0; i < patch->file.modules.count; i++)
		if (patch->modules[i].gone)
			return true;
	return false;
}

/* Its code stays mapped, for whoever kept a pointer into it, and counts as retired. */
static int retire(struct agent *agent, struct patch *patch, struct suture_error *err)
{
	struct retired *retired = calloc(1, sizeof(*retired));

	if (!retired)
		return error_no_memory(err);
	pthread_mutex_lock(&agent->lock);
	retired->counters = patch_detach(patch, &retired->load);
	retired->next = agent->retired;
	agent->retired = retired;
	pthread_mutex_unlock(&agent->lock);
	return 0;
}

static bool depends_on_any(const struct patch *patch, struct patch *const *patches, size_t count)
{
	for (size_t i = 0; i < patch->file.depends.count; i++)
		for (size_t j = 0; j < count; j++)
			if (memcmp(patch->file.depends.records[i].hash, patches[j]->file.hash,
				   FORMAT_HASH_SIZE) == 0)
				return true;
	return false;
}

/* Those in force that lost a module, and those in force that are built on them. */
static size_t collect(const struct agent *agent, struct patch **affected)
{
	size_t count = 0, before;

	do {
		before = count;
		for (struct patch *patch = agent->patches; patch; patch = patch->next) {
			bool known = false;

			for (size_t i = 0; i < count; i++)
				known = known || affected[i] == patch;
			if (!known && patch->state == PATCH_APPLIED &&
			    (has_gone(patch) || depends_on_any(patch, affected, count)))
				affected[count++] = patch;
		}
	} while (count != before);
	return count;
}

static int by_order(const void *a, const void *b)
{
	const struct patch *left = *(struct patch *const *)a, *right = *(struct patch *const *)b;

	return left->order < right->order ? -1 : left->order > right->order;
}

static int take_out(struct agent *agent, struct patch **affected, size_t count,
		    struct suture_error *err)
{
	struct transaction_options options = {.timeout_ns = TAKE_OUT_NS};
	int rc;

	/* They come back in the order in which they came. */
	qsort(affected, count, sizeof(*affected), by_order);
	rc = transaction_withdraw(agent, affected, count, false, &options, err);
	for (size_t i = 0; !rc && i < count; i++) {
		bool lost = confirm_lost(agent, affected[i]);

		events_add(
			&agent->events,
			&(struct event_note){.what = "module_gone",
					     .name = affected[i]->name,
					     .text = lost ? "its module was unloaded before it was "
							    "confirmed: reverted"
							  : "its module was unloaded: pending"});
		options.count = affected[i]->counters != NULL;
		rc = retire(agent, affected[i], err);
		if (!rc && !lost)
			rc = pending_keep(agent, affected[i], &options, modules_generation() - 1,
					  "its module", err);
	}
	return rc;
}

/* How many patches there are, or 0 when none of them lost a module. */
static size_t find_gone(struct agent *agent, const struct image *image)
{
	size_t count = 0;
	bool any = false;

	for (struct patch *patch = agent->patches; patch; patch = patch->next, count++)
		if (patch->load.handle)
			mark(agent, image, patch);
	for (const struct patch *patch = agent->patches; patch; patch = patch->next)
		any = any || (patch->load.handle && has_gone(patch));
	return any ? count : 0;
}

int gone_settle(struct agent *agent, struct suture_error *err)
{
	struct patch **affected;
	struct image image;
	size_t count;
	int rc = image_take(&image, err);

	if (rc)
		return rc;
	count = find_gone(agent, &image);
	image_fini(&image);
	if (!count)
		return 0;
	affected = calloc(count, sizeof(*affected));
	if (!affected)
		return error_no_memory(err);
	count = collect(agent, affected);
	if (count)
		rc = take_out(agent, affected, count, err);
	free(affected);
	/* Those that were not in force only lose their mapping. */
	for (struct patch *patch = agent->patches; !rc && patch; patch = patch->next)
		if (patch->load.handle && has_gone(patch) && patch->state != PATCH_APPLIED &&
		    patch->state != PATCH_BROKEN)
			rc = retire(agent, patch, err);
	if (!rc)
		confirm_settle(agent);
	return rc;
}
