/* SPDX-License-Identifier: MIT */
/* Islands: code of ours in near memory. The folder's own; agent's thread, plan phase. */
#ifndef TRAMPOLINE_ISLAND_H
#define TRAMPOLINE_ISLAND_H

#include "trampoline/tier.h"

/*
 * The callable copy of the old function. Success includes that there can't be one: then
 * out->original is 0 and out->why_not says why. Fails for lack of memory or when writing fails.
 */
int island_make_original(const struct trampoline_target *target, struct near_memory *near,
			 struct trampoline *out, struct suture_error *err);

/* A far jump to the replacement, somewhere in [low, high); near out->site if it can be chosen. */
int island_make_hop(struct near_memory *near, uintptr_t low, uintptr_t high, struct trampoline *out,
		    struct suture_error *err);

/* The same at exactly one address. False when that is taken. */
bool island_make_hop_at(struct near_memory *near, uintptr_t address, struct trampoline *out);

/* Addresses that a near jump standing at `from` can lead to. */
void island_reach(uintptr_t from, uintptr_t *low, uintptr_t *high);

#endif
