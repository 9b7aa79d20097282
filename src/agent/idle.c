/* SPDX-License-Identifier: MIT */
/* The idle set; see idle.h. Plan phase. */
#include "agent/idle.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

int idle_add(struct plan *plan, uintptr_t start, size_t size, uintptr_t site, const char *name,
	     struct suture_error *err)
{
	if (plan->busy_count == plan->busy_capacity) {
		size_t wanted = plan->busy_capacity ? plan->busy_capacity * 2 : 64;
		void *busy = realloc(plan->busy, wanted * sizeof(*plan->busy));
		void *names;

		if (!busy)
			return error_no_memory(err);
		plan->busy = busy;
		names = realloc(plan->busy_names, wanted * sizeof(char *));
		if (!names)
			return error_no_memory(err);
		plan->busy_names = names;
		plan->busy_capacity = wanted;
	}
	plan->busy_names[plan->busy_count] = name;
	plan->busy[plan->busy_count] = (struct stop_range){
		.start = start,
		.end = start + size,
		.site = site,
		.tag = (uint32_t)plan->busy_count,
	};
	plan->busy_count++;
	return 0;
}

static const struct format_function *function_of(const struct site_version *version)
{
	return &version->patch->file.functions.records[version->function];
}

/*
 * New and old code will both be in use: nobody need be outside the function, only outside the bytes
 * that change, and behind the gate.
 */
static int add_window(struct plan *plan, const struct trampoline *to, const char *name,
		      struct suture_error *err)
{
	return idle_add(plan, to->entry, to->site + to->window_size - to->entry,
			trampoline_gate(to), name, err);
}

static int add_replaced(struct plan *plan, const struct plan_site *planned,
			struct suture_error *err)
{
	const struct site *site = planned->site;
	const struct format_function *function = function_of(&planned->version);
	const char *name = patch_file_string(&planned->version.patch->file, function->name_ref);
	int rc;

	if (plan->stubs)
		return add_window(plan, &planned->version.trampoline, name, err);
	rc = idle_add(plan, site->entry, site->size, trampoline_gate(&planned->version.trampoline),
		      name, err);
	/* The way into it that a patch of earlier took, and may still be on. */
	if (!rc && site->has_known && site->known.original)
		rc = idle_add(plan, site->known.original, site->known.original_size, 0, name, err);
	/* Versions of other patches below are old code now as well. */
	for (size_t i = 0; !rc && i < site->count; i++) {
		const struct site_version *below = &site->versions[i];

		rc = idle_add(plan,
			      patch_address(below->patch, function_of(below)->replacement_address),
			      function_of(below)->replacement_size, 0, name, err);
	}
	return rc;
}

/*
 * The original code comes back. Only the jump goes, and the gate keeps everybody from it, except
 * who stands between an entry mark with the gate on it and the jump.
 */
static int add_restored(struct plan *plan, const struct plan_site *planned,
			struct suture_error *err)
{
	const struct trampoline *before = planned->before;
	const struct site_version *top = site_top(planned->site);
	uintptr_t gate = trampoline_gate(before);

	if (gate == before->site)
		return 0;
	return idle_add(plan, gate, before->site + before->window_size - gate, gate,
			patch_file_string(&top->patch->file, function_of(top)->name_ref), err);
}

/* From stubs to plain jumps: from now on nothing but the new code, as when it is applied. */
static int add_widened(struct plan *plan, const struct plan_site *planned, struct suture_error *err)
{
	const struct site *site = planned->site;
	const char *name =
		patch_file_string(&plan->turn->file, function_of(site_top(site))->name_ref);
	int rc = idle_add(plan, site->entry, site->size, trampoline_gate(planned->before), name,
			  err);

	if (!rc && site->known.original)
		rc = idle_add(plan, site->known.original, site->known.original_size, 0, name, err);
	for (size_t i = 0; !rc && i + 1 < site->count; i++) {
		const struct format_function *below = function_of(&site->versions[i]);

		rc = idle_add(plan,
			      patch_address(site->versions[i].patch, below->replacement_address),
			      below->replacement_size, 0, name, err);
	}
	/* Who is in the stub may be on the way to the old code. */
	if (!rc)
		rc = idle_add(plan, planned->before->replacement, arch_native()->dispatch_size, 0,
			      name, err);
	return rc;
}

static int add_site(struct plan *plan, const struct plan_site *planned, struct suture_error *err)
{
	if (planned->version.patch)
		return add_replaced(plan, planned, err);
	if (planned->turns && !plan->stubs)
		return add_widened(plan, planned, err);
	return add_restored(plan, planned, err);
}

/* What patches below made of a listed function is that function too. */
static int add_versions(struct plan *plan, uintptr_t entry, struct suture_error *err)
{
	const struct site *site = site_find(&plan->agent->sites, entry);
	int rc = 0;

	for (size_t i = 0; !rc && site && i < site->count; i++) {
		const struct site_version *version = &site->versions[i];
		const struct format_function *function = function_of(version);

		rc = idle_add(plan, patch_address(version->patch, function->replacement_address),
			      function->replacement_size, 0,
			      patch_file_string(&version->patch->file, function->name_ref), err);
	}
	return rc;
}

static int add_listed(struct plan *plan, const struct patch *patch, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < patch->file.idle.count; i++) {
		const struct format_idle *idle = &patch->file.idle.records[i];

		if (patch_module_gone(patch, idle->module_ref))
			continue;
		rc = idle_add(plan, patch_target(patch, idle->module_ref, idle->target), idle->size,
			      0, patch_file_string(&patch->file, idle->name_ref), err);
		if (!rc)
			rc = add_versions(plan, patch_target(patch, idle->module_ref, idle->target),
					  err);
	}
	return rc;
}

static int by_replacement(const void *a, const void *b)
{
	const struct format_function *left = *(const struct format_function *const *)a;
	const struct format_function *right = *(const struct format_function *const *)b;

	return left->replacement_address < right->replacement_address
		       ? -1
		       : left->replacement_address > right->replacement_address;
}

/* All code of a patch, its functions under their names and what lies between under its own. */
static int add_segment(struct plan *plan, const struct patch *patch, uint64_t start, uint64_t size,
		       const struct format_function *const *functions, struct suture_error *err)
{
	uint64_t cursor = start, end = start + size;
	size_t count = patch->file.functions.count, next = 0;
	int rc = 0;

	while (!rc && cursor < end) {
		const struct format_function *function;
		uint64_t stop = end;
		bool here;

		while (next < count && functions[next]->replacement_address < cursor)
			next++;
		function = next < count ? functions[next] : NULL;
		here = function && function->replacement_address == cursor;
		if (function)
			stop = here ? cursor + function->replacement_size
				    : function->replacement_address;
		if (stop > end)
			stop = end;
		rc = idle_add(plan, patch_address(patch, cursor), stop - cursor, 0,
			      here ? patch_file_string(&patch->file, function->name_ref)
				   : patch->name,
			      err);
		cursor = stop;
	}
	return rc;
}

static int add_whole_patch(struct plan *plan, const struct patch *patch, struct suture_error *err)
{
	size_t count = patch->file.functions.count;
	const struct format_function **functions = calloc(count + 1, sizeof(*functions));
	int rc = functions ? 0 : error_no_memory(err);
	uint64_t moved = 0; /* the file's addresses among those of all */

	for (size_t i = 0; functions && i < count; i++)
		functions[i] = &patch->file.functions.records[i];
	if (functions)
		qsort(functions, count, sizeof(*functions), by_replacement);
	for (const struct patch_file *file = &patch->file; file; file = file->next) {
		for (size_t i = 0; !rc && i < file->phnum; i++) {
			const Elf64_Phdr *phdr = &file->phdrs[i];

			if (phdr->p_type == PT_LOAD && (phdr->p_flags & PF_X))
				rc = add_segment(plan, patch, moved + phdr->p_vaddr, phdr->p_memsz,
						 functions, err);
		}
		moved += file->shift;
	}
	free(functions);
	return rc;
}

static int by_start(const void *a, const void *b)
{
	const struct stop_range *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	/* The same start: the larger first, so that what follows is inside it. */
	return left->end > right->end ? -1 : left->end < right->end;
}

/* Listed twice, or partly: each address keeps the name of the range that starts first. */
static void make_disjoint(struct plan *plan)
{
	size_t count = 0;
	uintptr_t done = 0;

	for (size_t i = 0; i < plan->busy_count; i++) {
		struct stop_range range = plan->busy[i];

		if (range.end <= done)
			continue;
		if (range.start < done) {
			range.start = done;
			range.site = 0;
		}
		plan->busy[count++] = range;
		done = range.end;
	}
	plan->busy_count = count;
}

int idle_build(struct plan *plan, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < plan->site_count; i++)
		rc = add_site(plan, &plan->sites[i], err);
	/* Narrower: calls outside the scopes go back to the old code, as when it is reverted. */
	if (!rc && plan->turn && plan->stubs)
		rc = add_whole_patch(plan, plan->turn, err);
	for (size_t c = 0; !rc && c < plan_comes_count(plan); c++)
		rc = add_listed(plan, plan_comes(plan, c), err);
	for (size_t i = 0; !rc && i < plan->remove_count; i++) {
		rc = add_whole_patch(plan, plan->remove[i], err);
		if (!rc)
			rc = add_listed(plan, plan->remove[i], err);
	}
	if (rc)
		return rc;
	if (plan->busy_count)
		qsort(plan->busy, plan->busy_count, sizeof(*plan->busy), by_start);
	make_disjoint(plan);
	return 0;
}
