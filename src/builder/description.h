/* SPDX-License-Identifier: MIT */
/*
 * What -g says of code that was compiled without. clang's code may depend on -g: where production
 * has none and that shows (original.h), O and P are what it makes without, and two more objects,
 * made with -g, describe them: types, and who declares what. Code and names of those may be others,
 * so a part of theirs is tied to one of the code only where it is sure to be the same:
 *
 *	named by the source (on_buy, _ZN4shop5priceE)    by the name
 *	numbered by the compiler (tick.count.1, $_0)     by the name, where something that is equal
 *	                                                 in both, and tied, refers to it
 *	functions so numbered (.omp_outlined..1)         by the place of such a reference
 */
#ifndef BUILDER_DESCRIPTION_H
#define BUILDER_DESCRIPTION_H

#include "session.h"

/* Reads the object at path as the description of one; NULL: it describes itself. */
int description_read(struct session *session, const char *path, struct object *object);

/*
 * Ties the parts of the object's description, if it has one, to the set's. Adds a refusal where
 * that fails for a variable, or for a lambda. Before pairing.
 */
int description_tie(struct session *session, const struct unit *unit, struct part_set *set);

/* The part of the object with DWARF that tells of a part: itself, or one of the description's; or
 * NULL. */
const struct part *description_part(const struct part_set *set, const struct part *part);

#endif
