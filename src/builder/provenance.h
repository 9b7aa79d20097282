/* SPDX-License-Identifier: MIT */
/* What a reader of the patch file wants to know about its making; nothing that differs from run to
 * run. */
#ifndef BUILDER_PROVENANCE_H
#define BUILDER_PROVENANCE_H

#include "builder/core.h"
#include "builder/plan.h"
#include "builder/strings.h"

#include "base/hash.h"

struct provenance {
	char diff_hash[HASH_TEXT_SIZE];
	struct core_pair *pairs; /* owned */
	size_t count;
	struct strings texts;
};

/*
 * The diff, what was decided, and the commands of the units that have a P: all that is needed to
 * build the patch again (stack.h).
 */
int provenance_init(struct provenance *provenance, const struct plan *plan,
		    const struct build_options *options, struct suture_error *err);
void provenance_fini(struct provenance *provenance);

#endif
