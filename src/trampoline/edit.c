/* SPDX-License-Identifier: MIT */
/* Planning a set of edits: see edit.h. Agent's thread only. commit.c writes them. */
#include "trampoline/edit.h"

#include "arch/arch.h"
#include "base/error.h"
#include "base/maps.h"
#include "trampoline/commit.h"
#include "trampoline/near.h"
#include "trampoline/path.h"
#include "trampoline/tier.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void code_edit_set_init(struct code_edit_set *set, const struct code_writer *writer,
			struct near_memory *near)
{
	*set = (struct code_edit_set){.writer = writer, .near = near};
}

void code_edit_set_fini(struct code_edit_set *set)
{
	free(set->edits);
	free(set->store);
	free(set->scratch);
	*set = (struct code_edit_set){0};
}

static bool grow(void **memory, size_t *capacity, size_t wanted, size_t item)
{
	size_t target = *capacity ? *capacity : 16;
	void *grown;

	while (target < wanted)
		target *= 2;
	if (target == *capacity)
		return true;
	grown = realloc(*memory, target * item);
	if (!grown)
		return false;
	*memory = grown;
	*capacity = target;
	return true;
}

int code_edit_set_add(struct code_edit_set *set, enum code_edit_kind kind, uintptr_t address,
		      const void *old_bytes, const void *new_bytes, size_t size,
		      struct suture_error *err)
{
	if (set->state != CODE_EDIT_OPEN)
		return error_set(err, SUTURE_E_INTERNAL, "edit added to a set that is planned");
	if (size == 0 || (kind == CODE_EDIT_SITE && size > ARCH_MAX_MARK + ARCH_MAX_JUMP) ||
	    size > SIZE_MAX / 4 - set->store_size || address + size < address)
		return error_set(err, SUTURE_E_INTERNAL, "edit of %zu bytes at %#" PRIxPTR, size,
				 address);
	if (!grow((void **)&set->edits, &set->capacity, set->count + 1, sizeof(*set->edits)) ||
	    !grow((void **)&set->store, &set->store_capacity, set->store_size + 2 * size, 1))
		return error_no_memory(err);
	memcpy(set->store + set->store_size, old_bytes, size);
	memcpy(set->store + set->store_size + size, new_bytes, size);
	set->edits[set->count] = (struct code_edit){
		.address = address, .size = size, .bytes = set->store_size, .kind = kind};
	set->count++;
	set->store_size += 2 * size;
	return 0;
}

/*
 * The bytes at an entry. Where the gate stands on the mark, the edit begins with it:
 *
 *	before        f3 0f 1e fa  53 48 89 fb 48     endbr64; push %rbx; mov %rdi, %rbx; ...
 *	gate_close    e9 0f 1e fa  53 48 89 fb 48     before the mark: waits; behind it: inside
 *	write_rest    e9 0f 1e fa  e9 rr rr rr rr
 *	gate_open     f3 0f 1e fa  e9 rr rr rr rr     endbr64; jmp replacement
 */
static int add_entry(struct code_edit_set *set, const struct trampoline *trampoline,
		     const uint8_t *from, const uint8_t *to, struct suture_error *err)
{
	uintptr_t start = trampoline_gate(trampoline);
	size_t mark = trampoline->site - start, size = mark + trampoline->window_size;
	uint8_t before[ARCH_MAX_MARK + ARCH_MAX_JUMP], after[ARCH_MAX_MARK + ARCH_MAX_JUMP];

	memcpy(before, trampoline->mark, mark);
	memcpy(before + mark, from, trampoline->window_size);
	memcpy(after, trampoline->mark, mark);
	memcpy(after + mark, to, trampoline->window_size);
	return code_edit_set_add(set, CODE_EDIT_SITE, start, before, after, size, err);
}

int code_edit_set_add_trampoline(struct code_edit_set *set, const struct trampoline *trampoline,
				 struct suture_error *err)
{
	int rc = 0;

	if (trampoline->hole)
		rc = code_edit_set_add(set, CODE_EDIT_CODE, trampoline->hole, trampoline->hole_old,
				       trampoline->hole_new, trampoline->hole_size, err);
	if (rc)
		return rc;
	return add_entry(set, trampoline, trampoline->old_bytes, trampoline->new_bytes, err);
}

int code_edit_set_add_revert(struct code_edit_set *set, const struct trampoline *trampoline,
			     struct suture_error *err)
{
	int rc = 0;

	if (trampoline->hole)
		rc = code_edit_set_add(set, CODE_EDIT_CODE, trampoline->hole, trampoline->hole_new,
				       trampoline->hole_old, trampoline->hole_size, err);
	if (rc)
		return rc;
	return add_entry(set, trampoline, trampoline->new_bytes, trampoline->old_bytes, err);
}

int code_edit_set_add_change(struct code_edit_set *set, const struct trampoline *from,
			     const struct trampoline *to, struct suture_error *err)
{
	const struct arch_ops *arch = arch_native();
	uint8_t before[ARCH_MAX_JUMP], after[ARCH_MAX_JUMP];
	int rc = 0;

	if (from->site != to->site || from->tier != to->tier || from->hole != to->hole)
		return error_set(err, SUTURE_E_INTERNAL, "trampolines of different sites");
	/* Threads may be on their way through hole and hop: these are sites as well. */
	if (from->hole && memcmp(from->hole_new, to->hole_new, from->hole_size) != 0)
		rc = code_edit_set_add(set, CODE_EDIT_SITE, from->hole, from->hole_new,
				       to->hole_new, from->hole_size, err);
	if (!rc && from->hop && from->hop == to->hop && from->replacement != to->replacement) {
		arch->far_jump(from->replacement, before);
		arch->far_jump(to->replacement, after);
		rc = code_edit_set_add(set, CODE_EDIT_SITE, from->hop, before, after,
				       arch->far_jump_size, err);
	}
	if (!rc && memcmp(from->new_bytes, to->new_bytes, from->window_size) != 0)
		rc = add_entry(set, from, from->new_bytes, to->new_bytes, err);
	return rc;
}

static int by_address(const void *a, const void *b)
{
	const struct code_edit *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

static int check_overlaps(const struct code_edit_set *set, struct suture_error *err)
{
	for (size_t i = 1; i < set->count; i++) {
		const struct code_edit *before = &set->edits[i - 1];

		if (before->address + before->size > set->edits[i].address)
			return error_set(err, SUTURE_E_DEPENDENCY,
					 "two edits overlap at %#" PRIxPTR, set->edits[i].address);
	}
	return 0;
}

/*
 * Makes the page private by writing the byte that is there. Writable memory changes under our eyes,
 * so there it has to be one atomic operation; it partners with whatever the program stores there.
 */
static int touch(const struct code_edit_set *set, uintptr_t address, int prot)
{
	uint8_t byte;
	int rc;

	if (prot & PROT_WRITE) {
		__atomic_fetch_or((uint8_t *)address, 0, __ATOMIC_RELAXED);
		return 0;
	}
	rc = code_writer_read_stopped(set->writer, CODE_WRITER_READ, address, &byte, 1);
	if (rc)
		return rc;
	return code_writer_replace_stopped(set->writer, CODE_WRITER_WRITE, address, &byte, &byte,
					   1);
}

static int prefault_edit(const struct code_edit_set *set, const struct code_edit *edit,
			 const struct maps *maps, struct suture_error *err)
{
	uintptr_t end = edit->address + edit->size;

	for (uintptr_t at = edit->address; at < end;) {
		const struct map_region *region = maps_find(maps, at);
		int rc;

		if (!region || region->prot == PROT_NONE)
			return error_set(err, SUTURE_E_FUNCTION_CHANGED,
					 "nothing is mapped at %#" PRIxPTR, at);
		if (region->shared)
			return error_set(
				err, SUTURE_E_UNSUPPORTED,
				"%#" PRIxPTR
				" is in a shared mapping of \"%s\": a write would reach others",
				at, region->path);
		rc = touch(set, at, region->prot);
		if (rc)
			return error_errno(err, SUTURE_E_IO, -rc, "touching %#" PRIxPTR, at);
		at = (at & ~(uintptr_t)(COMMIT_PAGE - 1)) + COMMIT_PAGE;
	}
	return 0;
}

static int prefault_all(struct code_edit_set *set, struct suture_error *err)
{
	struct maps maps;
	int rc = maps_read(0, &maps, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < set->count && !rc; i++)
		rc = prefault_edit(set, &set->edits[i], &maps, err);
	maps_fini(&maps);
	return rc;
}

/* Before prefaulting: pages of islands are mapped. */
static void plan_paths(struct code_edit_set *set)
{
	if (!set->near)
		return;
	near_look(set->near);
	for (size_t i = 0; i < set->count; i++)
		if (set->edits[i].kind == CODE_EDIT_SITE)
			path_reserve(set->near, &set->edits[i], commit_old(set, &set->edits[i]));
	for (size_t i = 0; i < set->count; i++)
		if (set->edits[i].kind == CODE_EDIT_SITE)
			path_plan(set->near, &set->edits[i], commit_old(set, &set->edits[i]),
				  commit_new(set, &set->edits[i]));
}

int code_edit_set_prefault(struct code_edit_set *set, struct suture_error *err)
{
	int rc;

	if (set->state != CODE_EDIT_OPEN)
		return error_set(err, SUTURE_E_INTERNAL, "set planned twice");
	if (!set->scratch) {
		set->scratch = malloc(2 * (size_t)COMMIT_PAGE);
		if (!set->scratch)
			return error_no_memory(err);
	}
	/* NULL has no elements, and must not be given to qsort. */
	if (set->count)
		qsort(set->edits, set->count, sizeof(*set->edits), by_address);
	rc = check_overlaps(set, err);
	if (rc)
		return rc;
	plan_paths(set);
	rc = prefault_all(set, err);
	if (rc)
		return rc;
	rc = commit_check_stopped(set);
	if (rc)
		return code_edit_error(set, rc, err);
	set->state = CODE_EDIT_PLANNED;
	return 0;
}

bool code_edit_set_can_gate(const struct code_edit_set *set, bool threads_run, const char **why)
{
	const char *reason = NULL;

	if (!set->writer->can_sync)
		reason = "the system can't synchronise instruction streams (membarrier)";
	for (size_t i = 0; i < set->count && !reason; i++) {
		if (set->edits[i].kind != CODE_EDIT_SITE)
			continue;
		switch (commit_gate(&set->edits[i])) {
		case CODE_EDIT_GATE_NONE:
			reason = "a site is smaller than a gate";
			break;
		case CODE_EDIT_GATE_STOPPED:
			if (threads_run)
				reason = "there is no place where threads could wait at a site";
			break;
		default:
			break;
		}
	}
	if (why)
		*why = reason ? reason : "";
	return !reason;
}

bool code_edit_set_waits_at(const struct code_edit_set *set, uintptr_t address)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct code_edit *edit = &set->edits[i];

		if (edit->kind == CODE_EDIT_SITE && address >= edit->address &&
		    address < edit->address + edit->size)
			return commit_gate(edit) == CODE_EDIT_GATE_STEPS;
	}
	return false;
}

bool code_edit_set_has(const struct code_edit_set *set, uintptr_t address)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->edits[i].address == address)
			return true;
	return false;
}

bool code_edit_set_has_data(const struct code_edit_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->edits[i].kind == CODE_EDIT_DATA)
			return true;
	return false;
}

int code_edit_set_reverse(struct code_edit_set *set, struct suture_error *err)
{
	if (set->state != CODE_EDIT_WRITTEN)
		return error_set(err, SUTURE_E_INTERNAL, "set reversed that is not written");
	set->reversed = !set->reversed;
	for (size_t i = 0; i < set->count; i++)
		set->edits[i].dirty = set->edits[i].done = set->edits[i].step_count = 0;
	set->state = CODE_EDIT_OPEN;
	return 0;
}

static void format_bytes(char *text, size_t size, const uint8_t *bytes, size_t count)
{
	text[0] = '\0';
	for (size_t i = 0; i < count && 3 * i + 4 <= size; i++)
		snprintf(text + 3 * i, size - 3 * i, "%02x ", bytes[i]);
}

int code_edit_error(const struct code_edit_set *set, int result, struct suture_error *err)
{
	const struct code_edit_failure *failure = &set->failure;
	enum suture_code code = (enum suture_code) - result;
	char found[80];

	if (failure->result == -ESTALE) {
		format_bytes(found, sizeof(found), failure->found, failure->found_size);
		return error_set(err, code, "the bytes at %#" PRIxPTR " are not as expected: %s",
				 failure->address, found);
	}
	if (failure->result)
		return error_errno(err, code, -failure->result, "writing at %#" PRIxPTR,
				   failure->address);
	return error_set(err, code, "illegal state of a set of edits: %d", (int)set->state);
}
