/* SPDX-License-Identifier: MIT */
/*
 * Lambdas whose captures an edit changes. Such a one is a new lambda: what the old one made keeps
 * the code that it has, and no new code can meet it, as everything that is named by the type gets
 * another name (lambda.h). What is known by another name and yet leads to such objects would meet
 * old ones: that is refused, and so is what would have surprised: objects that may live on with the
 * old code, and variables inside that would start anew.
 */
#ifndef BUILDER_RECAPTURE_H
#define BUILDER_RECAPTURE_H

#include "closures.h"
#include "typegraph.h"

/* Both sides of one lambda. */
struct recapture {
	struct closure_place old;
	struct closure_place new;
	/* NULL: its own captures change; else it captures this one, of which that is true. */
	const struct closure_place *through;
};

struct recaptures {
	struct recapture *list;
	size_t count;
	size_t capacity;
	struct typegraph graph; /* of the patched object, marked; where count > 0 */
};

/* Compares the layouts that both have; path is that of the patched object. */
int recapture_find(const struct closures *original, const struct closures *patched,
		   const char *path, struct recaptures *recaptures, struct suture_error *err);

bool recapture_has(const struct recaptures *recaptures, const struct closure_place *patched);

#endif
