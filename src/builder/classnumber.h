/* SPDX-License-Identifier: MIT */
/* Numbers that compilers give to classes without a name, and to local classes of one name. */
#ifndef BUILDER_CLASSNUMBER_H
#define BUILDER_CLASSNUMBER_H

#include <stdbool.h>

/* Has a mangled name the number of a class without a name? Ut0_, ._anon_0 of gcc, $_0 of clang. */
bool classnumber_is_of_nameless(const char *name);

/* Or that of a method of a local class: ..E_0.. */
bool classnumber_is_in(const char *name);

/* A lambda's number is another matter (lambda.h): ..UlvE_.. of gcc, ..$_0cl.. of clang. */
bool classnumber_is_in_lambda(const char *name);

/*
 * Takes the numbers out of a readable name. The demangler leaves them out itself, but for those
 * that stand for a name.
 */
void classnumber_drop(char *readable);

#endif
