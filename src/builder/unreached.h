/* SPDX-License-Identifier: MIT */
/* What a diff changes that no compiler reads for this binary. */
#ifndef BUILDER_UNREACHED_H
#define BUILDER_UNREACHED_H

#include "builder/plan.h"

/*
 * Adds a note for each such file that could have been meant to be part of the patch, a refusal
 * where it certainly was. wanted[] marks the commands whose objects are in the binary.
 */
void unreached_report(const struct plan *plan, const bool *wanted, struct build_result *result);

#endif
