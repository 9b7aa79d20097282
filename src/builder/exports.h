/* SPDX-License-Identifier: MIT */
/* The names that a program or library offers to others: its dynamic symbols. */
#ifndef BUILDER_EXPORTS_H
#define BUILDER_EXPORTS_H

#include "builder/strings.h"

#include <stdbool.h>

/* Adds them, unsorted. A file that can't be read offers nothing. */
void exports_read(const char *path, bool functions_only, struct strings *names);

#endif
