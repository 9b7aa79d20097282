/* SPDX-License-Identifier: MIT */
/*
 * Closures are numbered by their compiler, and a new one renumbers those below it, so that a live
 * std::function would get another closure's code. What names one in P is renamed before anything is
 * paired: a closure gets the number that the one at its place had in O (lines of P are those of the
 * original), a new one gets a number that no compiler counts to. All that downstream knows is
 * names, so that templates over closures, their statics and their types follow.
 */
#ifndef BUILDER_LAMBDA_H
#define BUILDER_LAMBDA_H

#include "closures.h"
#include "part.h"
#include "refusal.h"

/*
 * Renames patched's symbols; *closures is for the functions below. known: those of the original
 * where it was renamed itself, else NULL. Adds a refusal where nothing says which is which.
 */
int lambda_rename(struct arena *arena, const struct object *original, const struct closures *known,
		  struct object *patched, const char *source, struct closures *closures,
		  struct refusals *refusals, struct suture_error *err);

/* The same for what DWARF says of the parts. */
void lambda_rename_owners(const struct closures *closures, struct part_set *patched);

/* From here on they are known by their new numbers: what was patched is the next original. */
void lambda_settle(struct closures *closures);

#endif
