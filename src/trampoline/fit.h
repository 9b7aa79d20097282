/* SPDX-License-Identifier: MIT */
/* One function per tier, tried by tier.c; the folder's own. Agent's thread, plan phase. */
#ifndef TRAMPOLINE_FIT_H
#define TRAMPOLINE_FIT_H

#include "trampoline/tier.h"

struct planner {
	const struct trampoline_target *target;
	const struct arch_ops *arch;
	struct near_memory *near;
	struct arch_range *parts; /* owned: the function's main part and the others */
	size_t mark;
	struct trampoline plan;
	struct suture_error *err;
};

/*
 * Each fills in planner->plan, which tier.c has reset: window, new bytes, hole, hop. On another
 * result than ARCH_OK only the hop may be set, and is released by tier.c. ARCH_NO_SPACE stands for
 * bytes that another trampoline has.
 */
enum arch_reason fit_plain(struct planner *planner);
enum arch_reason fit_padding(struct planner *planner);
enum arch_reason fit_hole(struct planner *planner);
enum arch_reason fit_pun(struct planner *planner);

/* A near jump at `from` to the replacement, through a hop where it is too far. */
enum arch_reason fit_aim(struct planner *planner, uintptr_t from, uint8_t *out);

/* Bytes from the site on: of the function, then those behind it. False when some are not given. */
bool fit_bytes(const struct planner *planner, size_t offset, uint8_t *out, size_t size);

#endif
