/* SPDX-License-Identifier: MIT */
/*
 * Planning one trampoline: see tier.h. The tiers themselves, with drawings, are in fit.c. Agent's
 * thread, plan phase.
 */
#include "trampoline/tier.h"

#include "base/error.h"
#include "trampoline/fit.h"
#include "trampoline/island.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *trampoline_tier_name(enum trampoline_tier tier)
{
	switch (tier) {
	case TRAMPOLINE_PLAIN:
		return "plain";
	case TRAMPOLINE_PADDING:
		return "padding";
	case TRAMPOLINE_HOLE:
		return "hole";
	case TRAMPOLINE_PUN:
		return "pun";
	default:
		return "none";
	}
}

uintptr_t trampoline_gate(const struct trampoline *trampoline)
{
	const struct arch_ops *arch = arch_native();
	size_t mark = trampoline->site - trampoline->entry;

	return arch->gate_on_mark && mark >= arch->gate_size ? trampoline->entry : trampoline->site;
}

bool trampoline_read_self(void *writer, uintptr_t address, void *out, size_t size)
{
	return code_writer_read_stopped(writer, CODE_WRITER_READ, address, out, size) == 0;
}

static const struct {
	enum trampoline_tier tier;
	enum arch_reason (*fit)(struct planner *planner);
} tiers[] = {
	{TRAMPOLINE_PLAIN, fit_plain},
	{TRAMPOLINE_PADDING, fit_padding},
	{TRAMPOLINE_HOLE, fit_hole},
	{TRAMPOLINE_PUN, fit_pun},
};

enum { TIER_COUNT = sizeof(tiers) / sizeof(tiers[0]) };

/* ---- planning ------------------------------------------------------------------------------ */

static void release_hop(struct planner *planner)
{
	if (planner->plan.hop)
		near_free(planner->near, planner->plan.hop, planner->plan.hop_size);
}

static void reset(struct planner *planner, uintptr_t replacement)
{
	const struct trampoline_target *target = planner->target;

	planner->plan = (struct trampoline){.entry = target->entry,
					    .site = target->entry + planner->mark,
					    .replacement = replacement};
}

static bool is_relocatable(const struct planner *planner)
{
	struct trampoline trial = planner->plan;

	/* Without near memory nothing is made, which can't fail. */
	island_make_original(planner->target, NULL, &trial, NULL);
	return trial.why_not == ARCH_OK;
}

/* Tries one tier afresh. */
static enum arch_reason try_tier(struct planner *planner, size_t index)
{
	enum arch_reason reason;

	reset(planner, planner->plan.replacement);
	reason = tiers[index].fit(planner);
	if (reason == ARCH_OK)
		planner->plan.tier = tiers[index].tier;
	else
		release_hop(planner);
	return reason;
}

static int refuse(const struct planner *planner, const enum arch_reason *reasons)
{
	const struct trampoline_target *target = planner->target;
	char text[512];
	int used = 0;

	for (size_t i = 0; i < TIER_COUNT && used < (int)sizeof(text); i++) {
		if (tiers[i].tier == TRAMPOLINE_PADDING && reasons[0] != ARCH_TOO_SHORT)
			continue;
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%s%s: %s",
				 i ? "; " : "", trampoline_tier_name(tiers[i].tier),
				 reasons[i] == ARCH_NO_SPACE
					 ? "the bytes are in use by another trampoline"
					 : arch_reason_text(reasons[i]));
	}
	return error_set(planner->err, SUTURE_E_UNPATCHABLE_ENTRY,
			 "%s at %#" PRIxPTR " (%zu bytes): no jump fits: %s",
			 target->name ? target->name : "function", target->entry, target->size,
			 text);
}

/* The best tier whose displaced instructions can be moved, else the best one. */
static int choose(struct planner *planner)
{
	enum arch_reason reasons[TIER_COUNT] = {ARCH_OK};
	size_t first = TIER_COUNT;

	for (size_t i = 0; i < TIER_COUNT; i++) {
		/* Padding helps functions that are too short, and changes nothing for
		 * others. */
		if (tiers[i].tier == TRAMPOLINE_PADDING && reasons[0] != ARCH_TOO_SHORT) {
			reasons[i] = reasons[0];
			continue;
		}
		reasons[i] = try_tier(planner, i);
		if (reasons[i] != ARCH_OK)
			continue;
		if (is_relocatable(planner))
			return 0;
		release_hop(planner);
		if (first == TIER_COUNT)
			first = i;
	}
	if (first == TIER_COUNT || try_tier(planner, first) != ARCH_OK)
		return refuse(planner, reasons);
	return 0;
}

/* What the trampoline changes or relies on at the entry; the mark too, which holds the gate. */
static size_t held_size(const struct trampoline *plan)
{
	return plan->site - plan->entry + plan->window_size + plan->borrowed_size;
}

static bool hold(struct trampoline *plan, struct near_memory *near)
{
	if (!near_borrow(near, plan->entry, held_size(plan)))
		return false;
	if (plan->hole && !near_borrow(near, plan->hole, plan->hole_size)) {
		near_return(near, plan->entry, held_size(plan));
		return false;
	}
	plan->holds = true;
	return true;
}

static int finish(struct planner *planner)
{
	struct trampoline *plan = &planner->plan;
	int rc;

	memcpy(plan->mark, planner->target->code, planner->mark);
	if (!fit_bytes(planner, 0, plan->old_bytes, plan->window_size)) {
		release_hop(planner);
		return error_set(planner->err, SUTURE_E_INTERNAL, "bytes of padding are missing");
	}
	rc = island_make_original(planner->target, planner->near, plan, planner->err);
	if (rc || !planner->near) {
		if (rc)
			release_hop(planner);
		return rc;
	}
	if (!hold(plan, planner->near)) {
		trampoline_discard(plan, planner->near);
		return error_no_memory(planner->err);
	}
	return 0;
}

int trampoline_plan(const struct trampoline_target *target, uintptr_t replacement,
		    struct near_memory *near, struct trampoline *out, struct suture_error *err)
{
	struct planner planner = {
		.target = target, .arch = arch_native(), .near = near, .err = err};
	int rc;

	if (target->size == 0 || target->padding_after > target->following_size)
		return error_set(err, SUTURE_E_INTERNAL, "%s: impossible sizes",
				 target->name ? target->name : "function");
	planner.mark = planner.arch->entry_mark_size(target->code, target->size);
	planner.parts = calloc(target->cold_count + 1, sizeof(*planner.parts));
	if (!planner.parts)
		return error_no_memory(err);
	planner.parts[0] = (struct arch_range){target->entry, target->entry + target->size};
	for (size_t i = 0; i < target->cold_count; i++)
		planner.parts[i + 1] = (struct arch_range){
			target->cold[i].address, target->cold[i].address + target->cold[i].size};
	reset(&planner, replacement);
	rc = choose(&planner);
	if (!rc)
		rc = finish(&planner);
	free(planner.parts);
	if (!rc)
		*out = planner.plan;
	return rc;
}

int trampoline_retarget(const struct trampoline *current, uintptr_t replacement,
			struct near_memory *near, struct trampoline *out, struct suture_error *err)
{
	struct planner planner = {.arch = arch_native(), .near = near, .plan = *current};
	struct trampoline *plan = &planner.plan;
	enum arch_reason reason = ARCH_OK;

	plan->replacement = replacement;
	if (current->tier != TRAMPOLINE_PUN &&
	    !(current->hop && current->replacement == replacement)) {
		/* A new hop if one is needed: threads may still be on their way through the
		 * old one. One that leads there already serves again. */
		plan->hop = 0;
		plan->hop_size = 0;
		reason = current->hole ? fit_aim(&planner, plan->hole, plan->hole_new)
				       : fit_aim(&planner, plan->site, plan->new_bytes);
	}
	if (reason != ARCH_OK)
		return error_set(err, SUTURE_E_NO_ROOM, "site %#" PRIxPTR ": %s", plan->site,
				 arch_reason_text(reason));
	*out = *plan;
	return 0;
}

void trampoline_retire(struct trampoline *trampoline, struct near_memory *near)
{
	if (!trampoline->holds)
		return;
	near_return(near, trampoline->entry, held_size(trampoline));
	if (trampoline->hole)
		near_return(near, trampoline->hole, trampoline->hole_size);
	trampoline->holds = false;
}

void trampoline_discard(struct trampoline *trampoline, struct near_memory *near)
{
	trampoline_retire(trampoline, near);
	if (trampoline->hop)
		near_free(near, trampoline->hop, trampoline->hop_size);
	if (trampoline->original)
		near_free(near, trampoline->original, trampoline->original_size);
	*trampoline = (struct trampoline){0};
}
