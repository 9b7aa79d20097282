/* SPDX-License-Identifier: MIT */
/*
 * Closures in a mangled name. They have no names: compilers number those of one function or class
 * (UliE0_), clang those that only one unit knows through the whole unit ($_3).
 */
#ifndef BUILDER_MANGLED_H
#define BUILDER_MANGLED_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>

struct mangled_closure {
	size_t start; /* of what spells the number in the mangled name */
	size_t length;
	bool by_unit;	 /* spelled $_3 */
	const char *key; /* all of its readable name but the number, scopes first */
	unsigned number;
	bool is_scope; /* another thing inside of it is meant */
	bool is_outer; /* it isn't an argument of anything */
};

/* Does the name mention any? A guess that errs on the side of yes. */
bool mangled_may_have_closures(const char *name);

/* Those that the name spells, in its order. False: it can't be read. NULL lists: no memory. */
bool mangled_closures(struct arena *arena, const char *name, struct mangled_closure **list,
		      size_t *count);

/* The name with other numbers: numbers[i] for list[i]. */
const char *mangled_renumber(struct arena *arena, const char *name,
			     const struct mangled_closure *list, size_t count,
			     const unsigned *numbers);

/* "player" for "N4game6playerE", else the name itself. Caller frees; NULL without memory. */
char *mangled_type(const char *name);

#endif
