/* SPDX-License-Identifier: MIT */
/*
 * Which jump fits an entry: see fit.h. Agent's thread, plan phase. The tiers, with the function's
 * bytes before and after; "|" is where the function ends, a mark (endbr64) would stand in front:
 *
 *   plain     55 48 89 e5 41 54 ...             push %rbp; mov %rsp, %rbp; push %r12
 *             e9 rr rr rr rr 54 ...             jmp replacement
 *
 *   padding   31 c0 c3 | 66 90 90 ...           xor %eax, %eax; ret; (padding)
 *             e9 rr rr | rr rr 90 ...           jmp replacement
 *
 *   hole      85 ff 74 fc ... | 0f 1f 44 00 00  test %edi, %edi; je +2; ... (padding)
 *             eb nn 74 fc ... | e9 rr rr rr rr  jmp hole; hole: jmp replacement
 *
 *   pun       31 c0 48 89 07 ...                xor %eax, %eax; mov %rax, (%rdi)
 *             e9 rr 48 89 07 ...                jmp island at site + 5 + 0x078948rr
 *
 * The island of a pun is a far jump to the replacement; so is the destination of any near jump
 * whose replacement is out of reach.
 */
#include "trampoline/fit.h"

#include "trampoline/island.h"

#include <string.h>

enum { PUN_TRIES = 64, PUN_STEP = 16, LOWEST_ADDRESS = 0x10000 };

/* One past the highest address of user space with four-level page tables. */
static const uintptr_t highest_address = (uintptr_t)1 << 47;

/* ---- what is around the entry -------------------------------------------------------------- */

/* A byte of the function, or behind it. False when nobody gave it. */
static bool byte_at(const struct trampoline_target *target, size_t offset, uint8_t *out)
{
	if (offset < target->size)
		*out = target->code[offset];
	else if (offset - target->size < target->following_size)
		*out = target->following[offset - target->size];
	else
		return false;
	return true;
}

bool fit_bytes(const struct planner *planner, size_t offset, uint8_t *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!byte_at(planner->target, planner->mark + offset + i, out + i))
			return false;
	return true;
}

/* Bytes from the site on that are the function's or padding behind it. */
static size_t own_size(const struct planner *planner, bool with_padding)
{
	const struct trampoline_target *target = planner->target;

	return target->size - planner->mark + (with_padding ? target->padding_after : 0);
}

static enum arch_reason scan_part(const struct planner *planner, const uint8_t *code, size_t size,
				  uintptr_t address, size_t window_size, size_t jumps,
				  size_t *own_jumps)
{
	const struct trampoline_target *target = planner->target;
	const struct arch_scan scan = {
		.code = code,
		.size = size,
		.address = address,
		.window = planner->plan.site,
		.window_size = window_size,
		.parts = planner->parts,
		.part_count = target->cold_count + 1,
		.read = target->read,
		.context = target->read_context,
		.jumps = jumps,
		.own_jumps = own_jumps,
	};

	return planner->arch->scan_branches(&scan);
}

/* All parts of the function, which are known to have that many indirect jumps; *found is their
 * number. */
static enum arch_reason scan_parts(const struct planner *planner, size_t window_size, size_t jumps,
				   size_t *found)
{
	const struct trampoline_target *target = planner->target;
	enum arch_reason reason = scan_part(planner, target->code, target->size, target->entry,
					    window_size, jumps, found);

	for (size_t i = 0; i < target->cold_count && reason == ARCH_OK; i++) {
		const struct trampoline_range *cold = &target->cold[i];
		size_t own = 0;

		reason = scan_part(planner, cold->code, cold->size, cold->address, window_size,
				   jumps, &own);
		*found += own;
	}
	return reason;
}

/* May the first window_size bytes at the site be overwritten? */
static enum arch_reason check_window(const struct planner *planner, size_t window_size)
{
	const struct trampoline_target *target = planner->target;
	uintptr_t site = planner->plan.site;
	enum arch_reason reason;
	size_t jumps = 0, again;

	for (size_t i = 0; i < target->entry_count; i++)
		if (target->entries[i] > site && target->entries[i] < site + window_size)
			return ARCH_BRANCH_INTO_WINDOW;
	if (planner->near &&
	    near_is_borrowed(planner->near, target->entry, planner->mark + window_size))
		return ARCH_NO_SPACE;
	reason = scan_parts(planner, window_size, 0, &jumps);
	/* A table's base may be loaded in one part and used in another. */
	if (reason == ARCH_OK && jumps && target->cold_count)
		reason = scan_parts(planner, window_size, jumps, &again);
	return reason;
}

/* ---- the tiers ----------------------------------------------------------------------------- */

enum arch_reason fit_aim(struct planner *planner, uintptr_t from, uint8_t *out)
{
	struct trampoline *plan = &planner->plan;
	enum arch_reason reason = planner->arch->near_jump(from, plan->replacement, out);
	uintptr_t low, high;

	if (reason == ARCH_OK || !planner->near)
		return ARCH_OK;
	island_reach(from, &low, &high);
	if (island_make_hop(planner->near, low, high, plan, NULL))
		return ARCH_OUT_OF_REACH;
	return planner->arch->near_jump(from, plan->hop, out);
}

static enum arch_reason fit_straight(struct planner *planner, bool with_padding)
{
	struct trampoline *plan = &planner->plan;
	size_t size = planner->arch->near_jump_size;
	enum arch_reason reason;

	/* Each of the two has its functions: those that are long enough, and those that are not. */
	if (own_size(planner, with_padding) < size)
		return ARCH_TOO_SHORT;
	reason = check_window(planner, size);
	if (reason != ARCH_OK)
		return reason;
	plan->window_size = (uint8_t)size;
	return fit_aim(planner, plan->site, plan->new_bytes);
}

enum arch_reason fit_plain(struct planner *planner)
{
	return fit_straight(planner, false);
}

enum arch_reason fit_padding(struct planner *planner)
{
	return fit_straight(planner, true);
}

/* A place in the hole that the short jump reaches and nobody uses. */
static bool hole_place(const struct planner *planner, const struct trampoline_hole *hole,
		       uintptr_t *place)
{
	const struct arch_ops *arch = planner->arch;
	const struct trampoline *plan = &planner->plan;
	uintptr_t window_end = plan->site + arch->short_jump_size;
	uint8_t jump[ARCH_MAX_JUMP];

	for (size_t at = 0; at + arch->near_jump_size <= hole->size; at++) {
		uintptr_t address = hole->address + at;

		if (arch->short_jump(plan->site, address, jump) != ARCH_OK)
			continue;
		if (address < window_end && address + arch->near_jump_size > plan->site)
			continue;
		if (planner->near && near_is_borrowed(planner->near, address, arch->near_jump_size))
			continue;
		*place = address;
		return true;
	}
	return false;
}

static enum arch_reason use_hole(struct planner *planner, const struct trampoline_hole *hole)
{
	const struct arch_ops *arch = planner->arch;
	struct trampoline *plan = &planner->plan;
	enum arch_reason reason;
	uintptr_t place;

	if (!hole_place(planner, hole, &place))
		return ARCH_OUT_OF_REACH;
	reason = fit_aim(planner, place, plan->hole_new);
	if (reason != ARCH_OK)
		return reason;
	plan->hole = place;
	plan->hole_size = (uint8_t)arch->near_jump_size;
	memcpy(plan->hole_old, hole->code + (place - hole->address), plan->hole_size);
	plan->window_size = (uint8_t)arch->short_jump_size;
	return arch->short_jump(plan->site, place, plan->new_bytes);
}

enum arch_reason fit_hole(struct planner *planner)
{
	const struct trampoline_target *target = planner->target;
	const struct trampoline_hole own = {.address = target->entry + target->size,
					    .size = target->padding_after,
					    .code = target->following};
	size_t size = planner->arch->short_jump_size;
	enum arch_reason reason;

	if (size == 0 || own_size(planner, true) < size)
		return ARCH_TOO_SHORT;
	reason = check_window(planner, size);
	if (reason != ARCH_OK)
		return reason;
	reason = use_hole(planner, &own);
	for (size_t i = 0; i < target->hole_count && reason != ARCH_OK; i++)
		reason = use_hole(planner, &target->holes[i]);
	return reason;
}

/* An address in [low, high) for the hop of a punned jump. */
static bool pun_hop(struct planner *planner, uintptr_t low, uintptr_t high)
{
	uintptr_t address = low;

	if (low >= high || low < LOWEST_ADDRESS || high > highest_address)
		return false;
	if (!planner->near)
		return true;
	/* Beyond its start the last destinations leave no room to align in. */
	if (island_make_hop(planner->near, low, high - 1 + planner->arch->far_jump_size,
			    &planner->plan, NULL) == 0) {
		if (planner->plan.hop < high)
			return true;
		near_free(planner->near, planner->plan.hop, planner->plan.hop_size);
	}
	for (int tries = 0; tries < PUN_TRIES && address < high; tries++) {
		if (island_make_hop_at(planner->near, address, &planner->plan))
			return true;
		address += PUN_STEP;
	}
	planner->plan.hop = 0;
	planner->plan.hop_size = 0;
	return false;
}

enum arch_reason fit_pun(struct planner *planner)
{
	const struct arch_ops *arch = planner->arch;
	struct trampoline *plan = &planner->plan;
	uint8_t bytes[ARCH_MAX_JUMP], fixed[ARCH_MAX_JUMP];
	size_t jump_size = arch->near_jump_size;
	struct arch_insn insn;
	enum arch_reason reason;
	uint64_t low, high;

	reason = arch->decode(planner->target->code + planner->mark, own_size(planner, false),
			      plan->site, &insn);
	if (reason != ARCH_OK)
		return reason;
	if (insn.size >= jump_size)
		return ARCH_TOO_SHORT; /* tier 1 is this without borrowing */
	reason = check_window(planner, insn.size);
	if (reason != ARCH_OK)
		return reason;
	if (!fit_bytes(planner, insn.size, fixed, jump_size - insn.size))
		return ARCH_TOO_SHORT;
	if (planner->near &&
	    near_is_borrowed(planner->near, plan->site + insn.size, jump_size - insn.size))
		return ARCH_NO_SPACE;
	if (!arch->pun_range(plan->site, fixed, insn.size, &low, &high) ||
	    !pun_hop(planner, low, high))
		return ARCH_OUT_OF_REACH;
	plan->window_size = insn.size;
	plan->borrowed_size = (uint8_t)(jump_size - insn.size);
	if (!planner->near)
		return ARCH_OK;
	reason = arch->near_jump(plan->site, plan->hop, bytes);
	if (reason != ARCH_OK)
		return reason;
	/* The arithmetic above, checked: what stays must be what the jump needs. */
	if (memcmp(bytes + insn.size, fixed, plan->borrowed_size) != 0)
		return ARCH_OUT_OF_REACH;
	memcpy(plan->new_bytes, bytes, insn.size);
	return ARCH_OK;
}
