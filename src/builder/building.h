/* SPDX-License-Identifier: MIT */
/* One build on its way, and the patches below it. Private to build.c, modules.c,
 * stack.c and build_result.c. */
#ifndef BUILDER_BUILDING_H
#define BUILDER_BUILDING_H

#include "builder/build.h"
#include "builder/compile.h"
#include "builder/plan.h"
#include "builder/stack.h"

struct build {
	const struct build_options *options;
	struct build_result *result;
	struct plan plan;
	struct compile_options compile;
	unsigned parallel;
	struct strings sought;	   /* functions that witnesses have been looked for */
	struct strings witnesses;  /* objects (witness.h) */
	const struct stack *stack; /* what it is built on, or NULL */
};

/* All of a build but its temporary folder. */
int build_in(struct build *build, char *work_dir, struct suture_error *err);

/* A build below its temporary folder, and of the patches that it is built on. */
int build_within(struct build *build, char *work_dir, struct suture_error *err);

int build_init_result(const struct build_options *options, struct build_result *result,
		      struct suture_error *err);

/*
 * Objects that we had compiled lie in a temporary folder, of which the user knows nothing: an error
 * about one is about its source and compiler.
 */
void build_name_objects(const struct plan *plan, struct suture_error *err);

#endif
