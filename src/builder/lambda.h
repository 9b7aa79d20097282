/* SPDX-License-Identifier: MIT */
/*
 * Closures have no names: compilers count those of one function, and a new one renumbers all below
 * it, so that a live std::function would get another closure's code. Numbers are identity only
 * while each closure of O is, in P, where it was: lines of P are those of the original (#line).
 */
#ifndef BUILDER_LAMBDA_H
#define BUILDER_LAMBDA_H

#include "object.h"
#include "refusal.h"

/* Adds a refusal for each function whose closures may have other numbers in P. */
int lambda_check(struct arena *arena, const struct object *original, const struct object *patched,
		 const char *source, struct refusals *refusals, struct suture_error *err);

#endif
