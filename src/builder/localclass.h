/* SPDX-License-Identifier: MIT */
/*
 * Classes of one name in several blocks of a function, and those without a name, are numbered by
 * their compiler, as closures are: one that comes or goes renumbers those below it, and names alone
 * would give living objects and statics of methods those of another class. Such a change is
 * refused.
 */
#ifndef BUILDER_LOCALCLASS_H
#define BUILDER_LOCALCLASS_H

#include "object.h"
#include "refusal.h"

#include <stdbool.h>

struct local_method;
struct local_place;

struct local_classes {
	struct arena *arena;
	struct local_method *list;
	size_t count;
	size_t capacity;
	size_t places;		      /* of classes with methods, in functions */
	struct local_place *nameless; /* where classes without a name are, sorted, each once */
	size_t nameless_count;
	size_t nameless_capacity;
	const char *loose; /* a symbol that has such a number, and no place; or NULL */
};

/* Whether names of it have such numbers: without, there is nothing to compare. */
bool localclass_has_numbers(const struct object *object);

/* By its DWARF. */
int localclass_read(struct arena *arena, const struct object *object, struct local_classes *classes,
		    struct suture_error *err);

/* Adds a refusal where a name is of another class than before. Lines are those of the original. */
void localclass_compare(const struct local_classes *before, const struct local_classes *after,
			const char *source, struct refusals *refusals);

#endif
