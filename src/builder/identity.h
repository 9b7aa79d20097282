/* SPDX-License-Identifier: MIT */
/*
 * Who declares what, from DWARF: for each function and variable of an object the function around it
 * and the line of its declaration. Lines in P are those of the original where nothing was edited,
 * since P is compiled with #line directives. An object without DWARF leaves everything unknown.
 */
#ifndef BUILDER_IDENTITY_H
#define BUILDER_IDENTITY_H

#include "part.h"

#include <elfutils/libdw.h>

/* Fills the identity of the set's parts. Damaged DWARF is an error, missing one is not. */
int identity_read(struct arena *arena, struct part_set *set, struct suture_error *err);

/* die describes the variable that part is. */
typedef void identity_visit(void *context, Dwarf_Die *die, struct part *part);

/*
 * Calls visit for each variable that has a place, several times for one that the compiler took
 * apart, and with NULL for those declared only.
 */
int identity_variables(struct arena *arena, struct part_set *set, identity_visit *visit,
		       void *context, struct suture_error *err);

/* Calls visit for each parameter and variable that the code of a function has, inlined ones too. */
int identity_uses(struct arena *arena, struct part_set *set, identity_visit *visit, void *context,
		  struct suture_error *err);

enum identity_declaration {
	IDENTITY_UNDECLARED,
	IDENTITY_DECLARED, /* wherever its value is */
	IDENTITY_CONSTANT, /* the compiler knows that its value never changes */
};

/* Is the variable declared in an object's sources, at that line of that function? */
int identity_declares(struct arena *arena, struct part_set *set,
		      const struct part_identity *identity, enum identity_declaration *declares,
		      struct suture_error *err);

#endif
