/* SPDX-License-Identifier: MIT */
/*
 * Ways of compiling that leave nothing to compare function by function: said in one sentence,
 * before anything is compiled.
 */
#ifndef BUILDER_UNSUPPORTED_H
#define BUILDER_UNSUPPORTED_H

#include "builder/compile.h"
#include "builder/refusal.h"

/* A refusal for the first unit that is compiled so. */
void unsupported_refuse(const struct compile_unit *units, size_t count, struct refusals *refusals);

/*
 * Where nothing is to be patched yet: such units are skipped, with a note for each. None is where
 * there are no others.
 */
void unsupported_leave_out(struct compile_unit *units, size_t count, struct strings *notes);

#endif
