/* SPDX-License-Identifier: MIT */
/* The debug information of one file, an object or a linked one. */
#ifndef BUILDER_DEBUGINFO_H
#define BUILDER_DEBUGINFO_H

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

/*
 * By libdwfl, which applies the relocations of an object's debug sections; libdw alone doesn't.
 * NULL without memory, and to be closed by dwfl_end(). *module is NULL where the file can't be
 * read: dwfl_errmsg(-1) says why.
 */
Dwfl *debuginfo_open(const char *path, Dwfl_Module **module);

/* The file that declares it, or NULL. */
const char *debuginfo_file(Dwarf_Die *die);

#endif
