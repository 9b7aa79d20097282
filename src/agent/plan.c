/* SPDX-License-Identifier: MIT */
/* Plan of a transaction: what comes and what goes, verified, loaded and held. See plan.h. */
#include "agent/plan.h"

#include "agent/calls.h"
#include "agent/inherit.h"
#include "agent/migration.h"
#include "agent/scoping.h"
#include "agent/verify.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"
#include "patch/join.h"
#include "patch/place.h"

#include <stdlib.h>
#include <string.h>

void plan_init(struct plan *plan, struct agent *agent)
{
	*plan = (struct plan){.agent = agent};
	code_edit_set_init(&plan->edits, &agent->writer, &agent->near);
}

/* Nothing of it ever ran: as if it had not been loaded. */
static void unload(struct plan *plan)
{
	struct patch_counter *counters;
	struct load load;

	calls_discard(plan->agent, plan->add);
	dispatch_forget(plan->agent, plan->add);
	pthread_mutex_lock(&plan->agent->lock);
	counters = patch_detach(plan->add, &load);
	pthread_mutex_unlock(&plan->agent->lock);
	free(counters);
	load_undo(&load);
}

void plan_fini(struct plan *plan)
{
	/* Of one in an uncertain state jumps may be in place, and originals in use. */
	bool kept = plan->committed || (plan->add && plan->add->state == PATCH_BROKEN);

	for (size_t i = 0; !kept && i < plan->site_count; i++)
		if (plan->sites[i].version.patch && !plan->sites[i].site->has_known)
			trampoline_discard(&plan->sites[i].version.trampoline, &plan->agent->near);
	code_edit_set_fini(&plan->edits);
	free(plan->sites);
	free(plan->busy);
	free(plan->busy_names);
	free(plan->remove);
	free(plan->more);
	scoping_finish_plan(plan);
	migration_end(plan, false);
	/* What never ran can be unloaded; what did stays mapped for good. */
	if (plan->loaded && !plan->committed && !plan->add->ran)
		unload(plan);
	if (plan->fresh)
		patch_destroy(plan->add);
	for (size_t i = 0; i < plan->hold_count; i++)
		image_module_release(plan->holds[i]);
	free(plan->holds);
	image_fini(&plan->image);
}

static int hold(struct plan *plan, const struct image_module *module, struct suture_error *err)
{
	void *handle, *grown;
	int rc = image_module_hold(module, &handle, err);

	if (rc || !handle)
		return rc;
	grown = realloc(plan->holds, (plan->hold_count + 1) * sizeof(*plan->holds));
	if (!grown) {
		image_module_release(handle);
		return error_no_memory(err);
	}
	plan->holds = grown;
	plan->holds[plan->hold_count++] = handle;
	return 0;
}

static int take_image(struct plan *plan, struct suture_error *err)
{
	return plan->image.count ? 0 : image_take(&plan->image, err);
}

/* What is to be put back there must still be there when it is. */
static int hold_modules_of(struct plan *plan, const struct patch *patch, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < patch->file.modules.count; i++) {
		const struct image_module *module =
			image_find_address(&plan->image, patch->modules[i].start);

		if (patch->modules[i].gone)
			continue;
		rc = module ? hold(plan, module, err)
			    : error_set(err, SUTURE_E_AGENT_BUSY,
					"a module that %s is in was unloaded just now",
					patch->name);
	}
	return rc;
}

int plan_remove(struct plan *plan, struct patch *const *patches, size_t count,
		struct suture_error *err)
{
	int rc = 0;

	plan->remove = calloc(count + 1, sizeof(struct patch *));
	if (!plan->remove)
		return error_no_memory(err);
	memcpy(plan->remove, patches, count * sizeof(struct patch *));
	plan->remove_count = count;
	if (count)
		rc = take_image(plan, err);
	for (size_t i = 0; !rc && i < count; i++)
		rc = hold_modules_of(plan, patches[i], err);
	return rc;
}

bool plan_goes(const struct plan *plan, const struct patch *patch)
{
	for (size_t i = 0; i < plan->remove_count; i++)
		if (plan->remove[i] == patch)
			return true;
	return false;
}

/*
 * The patches that a file depends on, all applied and not about to go. One that waits for a module
 * makes those built on it wait too: plan->missing.
 */
static int check_depends(struct plan *plan, const struct patch_file *file, struct suture_error *err)
{
	for (size_t i = 0; i < file->depends.count; i++) {
		const struct format_depend *depend = &file->depends.records[i];
		const char *name = patch_file_string(file, depend->name_ref);
		const struct patch *patch = agent_find_hash(plan->agent, depend->hash);

		if (patch && patch->state == PATCH_APPLIED && !plan_goes(plan, patch)) {
			if (!scoping_is_in_force(patch))
				continue;
			error_set(err, SUTURE_E_DEPENDENCY,
				  "%s is built on %s, which only some calls get", file->name, name);
			return error_next(err, "widen that first: suture scope %s --all", name);
		}
		if (patch && patch->state == PATCH_PENDING) {
			plan->missing = plan->missing ? plan->missing : name;
			continue;
		}
		if (patch && plan_goes(plan, patch)) {
			error_set(err, SUTURE_E_DEPENDENCY,
				  "%s is built on %s, which --replace would take out", file->name,
				  name);
			return error_next(err, "apply it without --replace, or build a patch of "
					       "all the diffs together");
		}
		error_set(err, SUTURE_E_DEPENDENCY, "%s is built on %s, which is not applied%s",
			  file->name, name,
			  agent_find(plan->agent, name) ? " in that version" : "");
		return error_next(err, "apply %s first", name);
	}
	return 0;
}

/* A file of the patch, near its module, and those for further modules. */
static int load_file(const struct plan *plan, const struct patch_file *file,
		     const struct image_module *const *modules, const struct bind_depend *depends,
		     const uintptr_t *taken, struct load *load, struct suture_error *err)
{
	struct bind_value *values = NULL;
	int rc = bind_symbols(file, &plan->image, modules, depends, taken, &values, err);

	if (!rc)
		rc = load_near(file, modules[0], values, load, err);
	free(values);
	if (rc || !file->next)
		return rc;
	load->next = malloc(sizeof(*load->next));
	if (load->next) {
		*load->next = (struct load){.store.fd = -1};
		rc = load_file(plan, file->next, modules + JOIN_OWN(file, modules), NULL,
			       taken ? taken + JOIN_OWN(file, variables) : NULL, load->next, err);
	} else {
		rc = error_no_memory(err);
	}
	if (rc)
		load_undo(load);
	return rc;
}

static int load(struct plan *plan, const struct image_module *const *modules,
		struct suture_error *err)
{
	const struct patch_file *file = &plan->add->file;
	struct bind_depend *depends = calloc(file->depends.count + 1, sizeof(*depends));
	uintptr_t *taken = NULL, *places = NULL;
	struct load loaded = {.store.fd = -1};
	int rc = depends ? 0 : error_no_memory(err);

	for (size_t i = 0; !rc && i < file->depends.count; i++)
		depends[i].base =
			agent_find_hash(plan->agent, file->depends.records[i].hash)->load.base;
	if (!rc)
		rc = inherit_find(plan, file, &taken, err);
	if (!rc)
		rc = place_data(file, &plan->image, modules, &places, err);
	if (!rc)
		rc = load_file(plan, file, modules, depends, taken, &loaded, err);
	if (!rc) {
		pthread_mutex_lock(&plan->agent->lock);
		patch_attach(plan->add, &loaded, modules, taken, places);
		pthread_mutex_unlock(&plan->agent->lock);
		plan->loaded = true;
	}
	free(places);
	free(taken);
	free(depends);
	return rc;
}

static int check_loaded(const struct plan *plan, const struct patch *patch,
			const struct image_module *const *modules, struct suture_error *err)
{
	for (size_t i = 0; i < patch->file.modules.count; i++)
		if (patch->modules[i].bias != modules[i]->bias)
			return error_set(err, SUTURE_E_UNSUPPORTED,
					 "%s was loaded for %s at another address", patch->name,
					 image_module_name(modules[i]));
	return inherit_check(plan, patch, err);
}

int plan_add_known(struct plan *plan, struct patch *patch, struct suture_error *err)
{
	const struct patch_file *file = &patch->file;
	cleanup_memory const struct image_module **modules =
		calloc(file->modules.count, sizeof(struct image_module *));
	int rc = modules ? fault_at("plan.image", err) : error_no_memory(err);

	plan->add = patch;
	if (!rc)
		rc = take_image(plan, err);
	if (!rc)
		rc = fault_at("plan.modules", err);
	if (!rc)
		rc = verify_modules(file, &plan->image, modules, &plan->missing, err);
	if (!rc)
		rc = check_depends(plan, file, err);
	if (rc || plan->missing)
		return rc;
	for (size_t i = 0; !rc && i < file->modules.count; i++)
		rc = hold(plan, modules[i], err);
	if (!rc)
		rc = fault_at("plan.load", err);
	if (!rc)
		rc = patch->load.handle ? check_loaded(plan, patch, modules, err)
					: load(plan, modules, err);
	return rc;
}

static int add_one_more(struct plan *plan, struct patch *patch, struct suture_error *err)
{
	const struct patch_file *file = &patch->file;
	cleanup_memory const struct image_module **modules =
		calloc(file->modules.count, sizeof(struct image_module *));
	const char *missing = NULL;
	int rc = modules ? 0 : error_no_memory(err);

	if (!rc)
		rc = verify_modules(file, &plan->image, modules, &missing, err);
	if (!rc && (missing || !patch->load.handle || patch->scope || file->migrations.count))
		rc = error_set(err, SUTURE_E_UNSUPPORTED, "%s can only come alone", patch->name);
	for (size_t i = 0; !rc && i < file->modules.count; i++)
		rc = hold(plan, modules[i], err);
	return rc ? rc : check_loaded(plan, patch, modules, err);
}

int plan_add_more(struct plan *plan, struct patch *const *patches, size_t count,
		  struct suture_error *err)
{
	int rc = 0;

	plan->more = calloc(count + 1, sizeof(*plan->more));
	if (!plan->more)
		return error_no_memory(err);
	if (count && (plan->scope || plan->add->file.migrations.count))
		return error_set(err, SUTURE_E_UNSUPPORTED, "%s can only come alone",
				 plan->add->name);
	for (; !rc && plan->more_count < count; plan->more_count++) {
		plan->more[plan->more_count] = patches[plan->more_count];
		rc = add_one_more(plan, patches[plan->more_count], err);
	}
	return rc;
}

size_t plan_comes_count(const struct plan *plan)
{
	return plan->add ? 1 + plan->more_count : 0;
}

struct patch *plan_comes(const struct plan *plan, size_t i)
{
	return i ? plan->more[i - 1] : plan->add;
}

bool plan_counts(const struct plan *plan, const struct patch *patch)
{
	return plan->recount ? patch->counters != NULL : plan->count;
}

int plan_add(struct plan *plan, struct patch_file *file, struct suture_error *err)
{
	struct patch *patch = agent_find_hash(plan->agent, file->hash);
	int rc;

	if (patch) {
		patch_file_fini(file);
		return plan_add_known(plan, patch, err);
	}
	rc = patch_create(file, &patch, err);
	if (rc)
		return rc;
	plan->fresh = true;
	return plan_add_known(plan, patch, err);
}
