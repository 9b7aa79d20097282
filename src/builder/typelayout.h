/* SPDX-License-Identifier: MIT */
/*
 * All that data of a type may hold, as text: its members with names, places and types, and those of
 * every type that it leads to, through pointers too. Two types of one text are interchangeable for
 * objects that live.
 */
#ifndef BUILDER_TYPELAYOUT_H
#define BUILDER_TYPELAYOUT_H

#include <elfutils/libdw.h>

/* Caller frees; NULL when out of memory. */
char *typelayout_text(Dwarf_Die *type);

#endif
