/* SPDX-License-Identifier: MIT */
/* Which compiler a name stands for: gcc and clang take different options beside the common ones. */
#ifndef BUILDER_COMPILER_H
#define BUILDER_COMPILER_H

#include "builder/strings.h"

#include <stdbool.h>

/*
 * By its name, or that of the file it leads to, where that says so; else (cc, c++, a script) it is
 * started once and asked. Directory and environment are those that it compiles in, as process_job
 * has them. One thread at a time.
 */
bool compiler_is_clang(const char *name, const char *directory, const struct strings *environment);

#endif
