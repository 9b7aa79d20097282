/* SPDX-License-Identifier: MIT */
/*
 * Names of files behind the compilers' prefix maps (-ffile-prefix-map, -fdebug-prefix-map), which
 * distributions use: what debug information says is then no path that anybody could open.
 */
#ifndef BUILDER_MAPPED_H
#define BUILDER_MAPPED_H

#include "builder/compdb.h"

/*
 * The entry's source as debug information spells it after the command's maps, of which the last
 * that fits counts; NULL where none does. Distributions map their build folder to ".": what is
 * relative then begins with a slash here. Caller frees.
 */
char *mapped_source(const struct compdb_entry *entry);

/*
 * The file that debug information means, of the commands' folders; NULL where the name is a path
 * already, or where no one file, or more than one, can be meant. Caller frees.
 */
char *mapped_back(const struct compdb *db, const char *name);

#endif
