/* SPDX-License-Identifier: MIT */
/* Namespaces and classes that hold the types of an object: two types may share all but those. */
#ifndef BUILDER_SCOPES_H
#define BUILDER_SCOPES_H

#include <elfutils/libdw.h>

#include <stdbool.h>
#include <stddef.h>

struct scope {
	Dwarf_Off type;
	char *text; /* owned: "game::Room::" */
};

struct scopes {
	struct scope *list; /* owned, by rising offset once sorted */
	size_t count;
	size_t room;
	bool failed; /* an allocation failed */
};

/* Adds the types of a unit. Those of C and those outside everything have no scope. */
void scopes_add_unit(struct scopes *scopes, Dwarf_Die *unit);
void scopes_sort(struct scopes *scopes);
void scopes_fini(struct scopes *scopes);

/* What stands in front of the type's name, "" for nothing. */
const char *scopes_of(const struct scopes *scopes, Dwarf_Die *type);

#endif
