/* SPDX-License-Identifier: MIT */
/*
 * The patches that a patch is built on. That a file is what its diff makes of these sources is
 * proven by building it again: the same bytes must come out. The objects of that build are then
 * what runs, and the new patch is compared with them.
 */
#ifndef BUILDER_STACK_H
#define BUILDER_STACK_H

#include "builder/onpatch.h"
#include "builder/plan.h"
#include "builder/state.h"

struct build;

struct stack_layer {
	struct onpatch patch;
	struct plan plan; /* of building it again: has its objects */
	char *work_dir;	  /* owned */
};

struct stack {
	struct stack_layer *layers; /* owned, the lowest first */
	size_t count;
	size_t capacity;
	const struct plan **plans; /* owned: of the layers */
	struct core_below *below;  /* owned: what the core wants to know of them */
	struct state before; /* files as the binary was built from, where the tree has others */
	struct state now;    /* files with the diffs of all layers */
};

/*
 * Builds the patches that build->options names, from the lowest up, below work_dir, and makes
 * build->stack of them; nothing where none is named. What is wrong with one is a refusal of build.
 */
int stack_build(struct stack *stack, struct build *build, const char *work_dir,
		struct suture_error *err);
void stack_fini(struct stack *stack);

/* As the plan of what is built on it wants it. */
struct plan_base stack_base(const struct stack *stack);

#endif
