/* SPDX-License-Identifier: MIT */
/* Which trampoline would serve functions of a file: each by itself, no process is asked. */
#ifndef CLI_TIERS_H
#define CLI_TIERS_H

#include "cli/codefile.h"
#include "patch/file.h"

/*
 * The trampoline of one function of the survey. Where none would serve, 0 as well: plan->tier is
 * TRAMPOLINE_NONE then, and *reason why, borrowed from err; else it is NULL.
 */
int tiers_plan(const struct survey *survey, size_t index, struct trampoline *plan,
	       const char **reason, struct suture_error *err);

/* One per function of a patch. */
struct tiers {
	struct tiers_row {
		/* Static storage. NULL: it is in another module; "unknown": the binary has no
		 * symbol of it, or one that overlaps another's. */
		const char *tier;
		char *reason; /* owned; NULL unless no trampoline serves */
	} * rows;
	size_t count;
};

/*
 * Of the functions that the patch replaces in the binary at path: BUILD_ID where that is not a
 * build that the patch was made for, or what codefile_open() says. tiers_fini() in every case.
 */
int tiers_read(struct tiers *tiers, const struct patch_file *patch, const char *path,
	       struct suture_error *err);
void tiers_fini(struct tiers *tiers);

#endif
