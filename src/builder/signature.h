/* SPDX-License-Identifier: MIT */
/*
 * Changed function signatures. Direct callers are recompiled with the function and replaced with
 * it; a call through a pointer can't be seen: where the address is kept in data, or code does more
 * with it than call it, such a change is refused.
 */
#ifndef BUILDER_SIGNATURE_H
#define BUILDER_SIGNATURE_H

#include "builder/layout.h"
#include "builder/refusal.h"
#include "builder/strings.h"
#include "builder/types.h"

#include <suture/error.h>

/* Names of the functions that a binary offers to others. */
int signature_exports(const char *binary, struct strings *exports, struct suture_error *err);

/* Is a function's address in data of an object, or does its code do more with it than call it? */
bool signature_is_kept(const char *path, const char *symbol);

/*
 * Refuses when the signatures differ and the unit's code takes the function's address, or it is one
 * of `exports`.
 */
int signature_compare(const struct type *old, const struct type *new,
		      const struct layout_objects *objects, const struct strings *exports,
		      struct refusals *refusals, struct suture_error *err);

#endif
