/* SPDX-License-Identifier: MIT */
/*
 * Why each function is in the patch: a hunk lies in it, or in a function that the compiler inlined
 * into it. The comparison of objects knows that a function changed, this tells a reviewer why.
 */
#ifndef BUILDER_CAUSES_H
#define BUILDER_CAUSES_H

#include "builder/build.h"
#include "builder/plan.h"

/*
 * Fills result->causes, and sets kind and reason of functions that changed because of what was
 * inlined into them. Has to come before lines are mapped back (plan_real_line()).
 */
int causes_find(const struct plan *plan, struct build_result *result, struct suture_error *err);

#endif
