/* SPDX-License-Identifier: MIT */
/* Is a file's name in any text of a tree? What nobody names, nobody includes. */
#ifndef BUILDER_MENTIONS_H
#define BUILDER_MENTIONS_H

#include <stdbool.h>

/* True also where it can't tell. */
bool mentions_any(const char *folder, const char *name);

/* True for extensions of sources and headers: files that are nearly always named somewhere. */
bool mentions_expected(const char *path);

#endif
