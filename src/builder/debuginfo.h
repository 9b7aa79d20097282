/* SPDX-License-Identifier: MIT */
/* The debug information of one file, an object or a linked one. */
#ifndef BUILDER_DEBUGINFO_H
#define BUILDER_DEBUGINFO_H

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdbool.h>

/*
 * By libdwfl, which applies the relocations of an object's debug sections; libdw alone doesn't.
 * NULL without memory, and to be closed by dwfl_end(). *module is NULL where the file can't be
 * read: dwfl_errmsg(-1) says why.
 */
Dwfl *debuginfo_open(const char *path, Dwfl_Module **module);

/* The file that declares it, or NULL. */
const char *debuginfo_file(Dwarf_Die *die);

/* The address that an operation pushes; an index into a table of addresses, as clang has it, too.
 */
bool debuginfo_address(Dwarf_Attribute *location, Dwarf_Op *op, Dwarf_Addr *address);

/* The address of a static variable, where it is kept whole and in one place. */
bool debuginfo_variable(Dwarf_Die *die, Dwarf_Addr *address);

/* Where the declaration is that a function with code, or an abstract one, refers to. */
Dwarf_Off debuginfo_declaration(Dwarf_Die *die);

/* The section of an object that has an address; *address becomes the offset in it. 0: none. */
size_t debuginfo_section(Dwfl_Module *module, Dwarf_Addr *address);

#endif
