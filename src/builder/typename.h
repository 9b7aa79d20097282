/* SPDX-License-Identifier: MIT */
/* What tells one type from another, as text: typedefs and qualifiers taken out. */
#ifndef BUILDER_TYPENAME_H
#define BUILDER_TYPENAME_H

#include "builder/scopes.h"

#include <elfutils/libdw.h>

#include <stdbool.h>

/* "struct player *", "int[4]", "unsigned 8 bytes"… Caller frees; NULL when out of memory. */
char *typename_identity(Dwarf_Die *type, const struct scopes *scopes);

/* Follows typedefs and qualifiers, and with pointers also those and arrays; false at void. */
bool typename_strip(Dwarf_Die *type, bool pointers);

/* "player" for "struct game::player": the rest of the text. */
const char *typename_last(const char *name);

/* "struct", "union", "class", "enum". */
const char *typename_keyword(Dwarf_Die *type);

#endif
