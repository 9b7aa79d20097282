/* SPDX-License-Identifier: MIT */
/* Plan of a transaction: every edit that makes it so. See plan.h. */
#include "agent/calls.h"
#include "agent/idle.h"
#include "agent/originals.h"
#include "agent/plan_internal.h"
#include "agent/scoping.h"
#include "agent/surroundings.h"
#include "agent/verify.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

static bool depends_on(const struct patch_file *file, const struct patch *patch)
{
	for (size_t i = 0; i < file->depends.count; i++)
		if (memcmp(file->depends.records[i].hash, patch->file.hash, FORMAT_HASH_SIZE) == 0)
			return true;
	return false;
}

static int add_site(struct plan *plan, struct site *site, struct plan_site **added,
		    struct suture_error *err)
{
	void *grown = realloc(plan->sites, (plan->site_count + 1) * sizeof(*plan->sites));

	if (!grown)
		return error_no_memory(err);
	plan->sites = grown;
	*added = &plan->sites[plan->site_count++];
	**added = (struct plan_site){.site = site};
	return 0;
}

const struct trampoline *plan_staying(const struct plan *plan, const struct site *site)
{
	for (size_t i = site->count; i > 0; i--)
		if (!plan_goes(plan, site->versions[i - 1].patch))
			return &site->versions[i - 1].trampoline;
	return NULL;
}

/* A patch may only lie over another one that it was built on: else its old code is not what runs.
 */
static int check_overlap(const struct plan *plan, const struct patch *patch,
			 const struct site *site, const char *name, struct suture_error *err)
{
	for (size_t i = 0; i < site->count; i++) {
		const struct patch *other = site->versions[i].patch;

		if (plan_goes(plan, other) || depends_on(&patch->file, other))
			continue;
		error_set(err, SUTURE_E_DEPENDENCY, "%s is already replaced by patch %s", name,
			  other->name);
		return error_next(err, "revert %s first, or build this patch --on it", other->name);
	}
	return 0;
}

/* Parts of the function that the compiler put elsewhere: "f.cold" of f. */
static size_t find_parts(const struct patch *patch, const struct format_function *function,
			 struct trampoline_range *parts)
{
	const struct patch_file *file = &patch->file;
	const char *name = patch_file_string(file, function->name_ref);
	size_t length = strlen(name), count = 0;

	for (size_t i = 0; i < file->idle.count; i++) {
		const struct format_idle *idle = &file->idle.records[i];
		const char *part = patch_file_string(file, idle->name_ref);
		uintptr_t address = patch_target(patch, idle->module_ref, idle->target);

		if (idle->module_ref != function->module_ref || strncmp(part, name, length) != 0 ||
		    part[length] != '.')
			continue;
		parts[count++] = (struct trampoline_range){
			.address = address, .size = idle->size, .code = (const uint8_t *)address};
	}
	return count;
}

/* Where calls go that a scope does not send to the patch: to the version below, or the original. */
static uintptr_t beneath(const struct plan *plan, const struct site *site,
			 const struct trampoline *own)
{
	for (size_t i = site->count; i > 0; i--) {
		const struct site_version *version = &site->versions[i - 1];

		if (version->patch != plan->turn && !plan_goes(plan, version->patch))
			return version->enters;
	}
	return own ? own->original : 0;
}

/* The stub that chooses; 0 in *stub where none is wanted. */
static int begin_stub(struct plan *plan, const struct patch *patch, const struct site *site,
		      uintptr_t enters, uintptr_t *stub, struct suture_error *err)
{
	struct dispatch wanted = {
		.patch = patch,
		.entry = site->entry,
		.set = enters,
		.otherwise = beneath(plan, site, site->has_known ? &site->known : NULL),
	};

	*stub = 0;
	if (!plan->stubs)
		return 0;
	wanted.slot = plan->stubs->slot;
	return dispatch_begin(plan->agent, &wanted, stub, err);
}

static int finish_stub(struct plan *plan, const struct site *site, uintptr_t stub,
		       const struct trampoline *trampoline, const char *name,
		       struct suture_error *err)
{
	uintptr_t otherwise = beneath(plan, site, trampoline);

	if (!stub)
		return 0;
	if (!otherwise) {
		error_set(err, SUTURE_E_UNPATCHABLE_ENTRY,
			  "%s can't be called as it was, which calls outside the scope need: %s",
			  name, arch_reason_text(trampoline->why_not));
		return error_next(err, "apply the patch to all calls");
	}
	return dispatch_finish(plan->agent, stub, otherwise, err);
}

static int plan_jump(struct plan *plan, const struct patch *patch,
		     const struct format_function *function, const struct site *site, uintptr_t to,
		     struct trampoline *out, struct suture_error *err)
{
	const struct patch_file *file = &patch->file;
	struct surroundings around;
	struct trampoline_range *parts;
	struct trampoline_target target = {
		.name = patch_file_string(file, function->name_ref),
		.entry = site->entry,
		.size = site->size,
		.code = site->original,
		.read = trampoline_read_self,
		.read_context = &plan->agent->writer,
	};
	int rc;

	if (site->has_known)
		return trampoline_retarget(&site->known, to, &plan->agent->near, out, err);
	parts = calloc(file->idle.count + 1, sizeof(*parts));
	if (!parts)
		return error_no_memory(err);
	target.cold = parts;
	target.cold_count = find_parts(patch, function, parts);
	rc = surroundings_read(&plan->agent->sites, &plan->agent->writer, patch, function, &target,
			       &around, err);
	if (!rc)
		rc = trampoline_plan(&target, to, &plan->agent->near, out, err);
	free(parts);
	return rc;
}

static int plan_trampoline(struct plan *plan, struct patch *patch,
			   const struct format_function *function, struct plan_site *planned,
			   struct suture_error *err)
{
	const struct patch_file *file = &patch->file;
	const char *name = patch_file_string(file, function->name_ref);
	struct site_version *version = &planned->version;
	const struct site *site = planned->site;
	uintptr_t stub;
	int rc = 0;

	version->enters = patch_address(patch, function->replacement_address);
	if (plan_counts(plan, patch))
		rc = calls_stub(plan->agent, patch, (size_t)(function - file->functions.records),
				site->entry, &version->enters, err);
	if (!rc)
		rc = begin_stub(plan, patch, site, version->enters, &stub, err);
	if (!rc)
		rc = plan_jump(plan, patch, function, site, stub ? stub : version->enters,
			       &version->trampoline, err);
	if (!rc) {
		rc = finish_stub(plan, site, stub, &version->trampoline, name, err);
		if (rc && !site->has_known)
			trampoline_discard(&version->trampoline, &plan->agent->near);
	}
	return rc;
}

/* Another jump for a function of a patch that is in force, and on top. */
static int plan_turn(struct plan *plan, struct site *site, struct suture_error *err)
{
	struct site_version *top = site_top(site);
	struct plan_site *planned;
	uintptr_t stub;
	int rc;

	if (top->patch != plan->turn) {
		error_set(err, SUTURE_E_DEPENDENCY, "%s lies on %s", top->patch->name,
			  plan->turn->name);
		return error_next(err, "revert %s first", top->patch->name);
	}
	rc = fault_at("plan.function", err);
	if (!rc)
		rc = add_site(plan, site, &planned, err);
	if (!rc)
		rc = begin_stub(plan, plan->turn, site, top->enters, &stub, err);
	if (!rc)
		rc = trampoline_retarget(&top->trampoline, stub ? stub : top->enters,
					 &plan->agent->near, &planned->version.trampoline, err);
	if (!rc)
		rc = finish_stub(plan, site, stub, &planned->version.trampoline, plan->turn->name,
				 err);
	if (rc)
		return rc;
	planned->turns = true;
	planned->before = &top->trampoline;
	return 0;
}

static int plan_turns(struct plan *plan, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < plan->agent->sites.count; i++)
		if (site_version_of(plan->agent->sites.sites[i], plan->turn) >= 0)
			rc = plan_turn(plan, plan->agent->sites.sites[i], err);
	return rc;
}

/* How many versions this plan has for the site so far: what comes now lies over them. */
static size_t cover(struct plan *plan, const struct site *site)
{
	size_t count = 0;

	for (size_t i = 0; plan->more_count && i < plan->site_count; i++)
		if (plan->sites[i].site == site) {
			plan->sites[i].covered = true;
			count++;
		}
	return count;
}

static int plan_function(struct plan *plan, struct patch *patch, size_t index,
			 struct suture_error *err)
{
	const struct patch_file *file = &patch->file;
	const struct format_function *function = &file->functions.records[index];
	uintptr_t entry = patch_target(patch, function->module_ref, function->target);
	const struct image_module *module = image_find_address(&plan->image, entry);
	cleanup_memory uint8_t *code = NULL;
	struct plan_site *planned;
	struct site *site = NULL;
	int rc = fault_at("plan.function", err);

	if (!rc && !module)
		rc = error_set(err, SUTURE_E_BAD_PATCH_FILE, "%s lies outside every module",
			       patch_file_string(file, function->name_ref));
	if (!rc)
		rc = verify_function(plan->agent, file, function, module, &code, err);
	if (!rc)
		rc = site_obtain(&plan->agent->sites, entry, function->size, code, &site, err);
	if (!rc)
		rc = check_overlap(plan, patch, site, patch_file_string(file, function->name_ref),
				   err);
	if (!rc)
		rc = site_reserve(site, cover(plan, site) + 1, err);
	if (!rc)
		rc = add_site(plan, site, &planned, err);
	if (!rc)
		rc = plan_trampoline(plan, patch, function, planned, err);
	if (rc)
		return rc;
	planned->version.patch = patch;
	planned->version.function = index;
	planned->before = site_top(site) ? &site_top(site)->trampoline : NULL;
	return 0;
}

/* Sites of patches that go and that nothing comes for. */
static int plan_removed_sites(struct plan *plan, struct suture_error *err)
{
	size_t with_versions = plan->site_count;

	for (size_t i = 0; i < plan->agent->sites.count; i++) {
		struct site *site = plan->agent->sites.sites[i];
		struct site_version *top = site_top(site);
		struct plan_site *planned;
		bool known = false;
		int rc;

		for (size_t j = 0; j < with_versions; j++)
			known = known || plan->sites[j].site == site;
		if (known || !top || !plan_goes(plan, top->patch))
			continue;
		rc = add_site(plan, site, &planned, err);
		if (rc)
			return rc;
		planned->before = &top->trampoline;
		planned->after = plan_staying(plan, site);
	}
	return 0;
}

static int plan_edits(struct plan *plan, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < plan->site_count; i++) {
		struct plan_site *planned = &plan->sites[i];

		/* Taken here and not earlier: the array of sites moves while it grows. */
		if (planned->version.patch || planned->turns)
			planned->after = &planned->version.trampoline;
		rc = fault_at("plan.edit", err);
		if (!rc && !planned->covered)
			rc = site_edit(planned->site, planned->before, planned->after, &plan->edits,
				       err);
	}
	return rc;
}

int plan_build(struct plan *plan, struct suture_error *err)
{
	int rc = plan->image.count ? 0 : image_take(&plan->image, err);

	for (size_t c = 0; !rc && c < plan_comes_count(plan); c++)
		for (size_t i = 0; !rc && i < plan_comes(plan, c)->file.functions.count; i++)
			rc = plan_function(plan, plan_comes(plan, c), i, err);
	if (!rc && plan->turn)
		rc = plan_turns(plan, err);
	if (!rc)
		rc = plan_removed_sites(plan, err);
	if (!rc)
		rc = plan_edits(plan, err);
	for (size_t c = 0; !rc && c < plan_comes_count(plan); c++)
		rc = originals_fill(plan, plan_comes(plan, c), err);
	if (!rc)
		rc = plan_data(plan, err);
	if (!rc)
		rc = fault_at("plan.idle", err);
	if (!rc)
		rc = idle_build(plan, err);
	if (!rc)
		rc = fault_at("plan.unwind", err);
	if (!rc)
		rc = agent_refresh_unwind(plan->agent, err);
	if (!rc)
		rc = fault_at("plan.prefault", err);
	if (!rc)
		rc = code_edit_set_prefault(&plan->edits, err);
	return rc;
}

const struct trampoline *plan_trampoline_of(const struct plan *plan, size_t function)
{
	for (size_t i = 0; i < plan->site_count; i++)
		if (plan->sites[i].version.patch && plan->sites[i].version.function == function)
			return &plan->sites[i].version.trampoline;
	return NULL;
}
