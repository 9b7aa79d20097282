/* SPDX-License-Identifier: MIT */
/*
 * Types that the source gives no name, in the texts that tell types apart (typename.h): closures by
 * what the compiler calls them, structs by their members, " NAME@PLACE:BITS TYPE;" each.
 */
#ifndef BUILDER_NAMELESS_H
#define BUILDER_NAMELESS_H

#include "base/bytes.h"

#include <stdbool.h>

/* Does the compiler's name speak of such a type: "box<<lambda(int)> >"? Then it says little of it.
 */
bool nameless_in(const char *name);

/* Adds the name without the line and column that clang puts into it. */
void nameless_add(struct bytes *text, const char *name);

/* The same type: at most, members have new names where they were. Not names that changed places. */
bool nameless_same(const char *old, const char *new);

#endif
