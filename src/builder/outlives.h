/* SPDX-License-Identifier: MIT */
/*
 * May objects of a lambda whose captures change (recapture.h) live on after the call that made
 * them? Where new code would meet them, nothing helps; where only old code can, they keep what they
 * do, which the user is asked about.
 */
#ifndef BUILDER_OUTLIVES_H
#define BUILDER_OUTLIVES_H

#include "recapture.h"

struct outlives {
	struct arena arena;
	const char *path; /* of the original */
	const char *code; /* the same as it runs, or NULL */
	struct closures original;
	struct closures patched;
	struct recaptures recaptures;
	struct typegraph before; /* of the original, marked */
};

/* What keeps one. */
struct outlives_reason {
	const struct recapture *lambda;
	const char *text; /* "the variable x has it" */
	bool meets;	  /* new code may meet it */
};

/* code: what runs, which may take addresses that o_path does not; or NULL. */
int outlives_read(const char *o_path, const char *p_path, const char *code,
		  struct outlives *outlives, struct suture_error *err);
void outlives_fini(struct outlives *outlives);

/* Is a type or function of the original such a closure, or named by one? */
bool outlives_covers(const struct outlives *outlives, uint64_t place);

/*
 * True with the first reason, skipping those that only old code can meet of lambdas that
 * accepted() says are.
 */
bool outlives_find(struct outlives *outlives,
		   bool (*accepted)(void *context, const struct recapture *lambda), void *context,
		   struct outlives_reason *reason);

#endif
