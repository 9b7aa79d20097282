/* SPDX-License-Identifier: MIT */
/* What a diff changes that no compiler reads for this binary. */
#ifndef BUILDER_UNREACHED_H
#define BUILDER_UNREACHED_H

#include "builder/deps.h"
#include "builder/plan.h"

/*
 * Adds a note for each such file that could have been meant to be part of the patch, a refusal
 * where it certainly was, and fills plan->uncompiled. wanted[] marks the commands whose objects are
 * in the binary.
 */
int unreached_report(struct plan *plan, const struct deps_options *deps, const bool *wanted,
		     struct build_result *result, struct suture_error *err);

#endif
