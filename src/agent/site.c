/* SPDX-License-Identifier: MIT */
/* Patched entries; see site.h. Plan phase. */
#include "agent/site.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static void destroy(struct site *site)
{
	free(site->original);
	free(site->versions);
	free(site);
}

void site_table_fini(struct site_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		destroy(table->sites[i]);
	free(table->sites);
	*table = (struct site_table){0};
}

/* Index of the first site at or above entry. */
static size_t lower_bound(const struct site_table *table, uintptr_t entry)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->sites[middle]->entry < entry)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct site *site_find(const struct site_table *table, uintptr_t entry)
{
	size_t at = lower_bound(table, entry);

	return at < table->count && table->sites[at]->entry == entry ? table->sites[at] : NULL;
}

int site_obtain(struct site_table *table, uintptr_t entry, size_t size, const uint8_t *original,
		struct site **site, struct suture_error *err)
{
	size_t at = lower_bound(table, entry);
	struct site *fresh;

	if (at < table->count && table->sites[at]->entry == entry) {
		*site = table->sites[at];
		return 0;
	}
	if (table->count == table->capacity) {
		size_t wanted = table->capacity ? table->capacity * 2 : 64;
		void *grown = realloc(table->sites, wanted * sizeof(struct site *));

		if (!grown)
			return error_no_memory(err);
		table->sites = grown;
		table->capacity = wanted;
	}
	fresh = calloc(1, sizeof(*fresh));
	if (fresh)
		fresh->original = malloc(size);
	if (!fresh || !fresh->original) {
		free(fresh);
		return error_no_memory(err);
	}
	fresh->entry = entry;
	fresh->size = size;
	memcpy(fresh->original, original, size);
	memmove(&table->sites[at + 1], &table->sites[at],
		(table->count - at) * sizeof(struct site *));
	table->sites[at] = fresh;
	table->count++;
	*site = fresh;
	return 0;
}

struct site_version *site_top(const struct site *site)
{
	return site->count ? &site->versions[site->count - 1] : NULL;
}

long site_version_of(const struct site *site, const struct patch *patch)
{
	for (size_t i = 0; i < site->count; i++)
		if (site->versions[i].patch == patch)
			return (long)i;
	return -1;
}

int site_reserve(struct site *site, size_t more, struct suture_error *err)
{
	size_t wanted = site->capacity ? site->capacity * 2 : 2;
	void *grown;

	if (site->count + more <= site->capacity)
		return 0;
	if (wanted < site->count + more)
		wanted = site->count + more;
	grown = realloc(site->versions, wanted * sizeof(*site->versions));
	if (!grown)
		return error_no_memory(err);
	site->versions = grown;
	site->capacity = wanted;
	return 0;
}

void site_push_reserved(struct site *site, const struct site_version *version)
{
	site->versions[site->count++] = *version;
}

void site_remove(struct site *site, const struct patch *patch)
{
	long at = site_version_of(site, patch);

	if (at < 0)
		return;
	memmove(&site->versions[at], &site->versions[at + 1],
		(site->count - (size_t)at - 1) * sizeof(*site->versions));
	site->count--;
}

/* Lays the part of [start, start + size) that falls into the copied range over the copy. */
static void overlay(uintptr_t address, uint8_t *out, size_t size, uintptr_t start,
		    const uint8_t *bytes, size_t count)
{
	uintptr_t from = start > address ? start : address;
	uintptr_t to = start + count < address + size ? start + count : address + size;

	if (from < to)
		memcpy(out + (from - address), bytes + (from - start), to - from);
}

void site_forget(struct site_table *table, uintptr_t start, uintptr_t end, struct near_memory *near)
{
	size_t first = lower_bound(table, start), last = lower_bound(table, end);

	for (size_t i = first; i < last; i++) {
		if (table->sites[i]->has_known)
			trampoline_retire(&table->sites[i]->known, near);
		destroy(table->sites[i]);
	}
	memmove(&table->sites[first], &table->sites[last],
		(table->count - last) * sizeof(struct site *));
	table->count -= last - first;
}

int site_read_original(const struct site_table *table, const struct code_writer *writer,
		       uintptr_t address, uint8_t *out, size_t size)
{
	int rc = code_writer_read_stopped(writer, CODE_WRITER_READ, address, out, size);

	if (rc)
		return rc;
	/* Sites are few; a version's window and hole may lie outside its own function. */
	for (size_t i = 0; i < table->count; i++) {
		const struct site_version *top = site_top(table->sites[i]);

		if (!top)
			continue;
		overlay(address, out, size, top->trampoline.site, top->trampoline.old_bytes,
			top->trampoline.window_size);
		for (size_t v = 0; v < table->sites[i]->count; v++) {
			const struct trampoline *each = &table->sites[i]->versions[v].trampoline;

			if (each->hole)
				overlay(address, out, size, each->hole, each->hole_old,
					each->hole_size);
		}
	}
	return 0;
}

/*
 * A punned jump's hop can stand in one place only, and still leads to where the version of last
 * time was. Nothing is on its way through it: the commit that reverted it saw to that.
 */
static int turn_hop(const struct trampoline *known, const struct trampoline *to,
		    struct code_edit_set *set, struct suture_error *err)
{
	const struct arch_ops *arch = arch_native();
	uint8_t before[ARCH_MAX_JUMP], after[ARCH_MAX_JUMP];

	if (!to->hop || known->hop != to->hop || known->replacement == to->replacement)
		return 0;
	arch->far_jump(known->replacement, before);
	arch->far_jump(to->replacement, after);
	return code_edit_set_add(set, CODE_EDIT_CODE, to->hop, before, after, arch->far_jump_size,
				 err);
}

int site_edit(const struct site *site, const struct trampoline *from, const struct trampoline *to,
	      struct code_edit_set *set, struct suture_error *err)
{
	int rc;

	if (!to)
		return code_edit_set_add_revert(set, from, err);
	if (from)
		return code_edit_set_add_change(set, from, to, err);
	rc = code_edit_set_add_trampoline(set, to, err);
	if (!rc && site->has_known)
		rc = turn_hop(&site->known, to, set, err);
	return rc;
}
