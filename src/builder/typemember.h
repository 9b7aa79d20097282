/* SPDX-License-Identifier: MIT */
/* Reading what is inside a type from its debug information. Private to types.c. */
#ifndef BUILDER_TYPEMEMBER_H
#define BUILDER_TYPEMEMBER_H

#include "builder/scopes.h"
#include "builder/types.h"

#include <elfutils/libdw.h>

struct type_reader {
	const struct scopes *scopes; /* for the names in members' types */
	bool failed;		     /* an allocation failed */
};

/* Adds the members of a struct, class, union or enumeration. */
void type_read_members(struct type_reader *reader, struct type *type, Dwarf_Die *die);

/* Adds what a function returns and takes. */
void type_read_signature(struct type_reader *reader, struct type *type, Dwarf_Die *die);

bool type_has_flag(Dwarf_Die *die, unsigned name);

#endif
