/* SPDX-License-Identifier: MIT */
/*
 * Sources of the diff that nothing compiles: often tests or another platform's, and then no matter;
 * but where the patch needs a name that only they have, no process will ever bind it.
 */
#ifndef BUILDER_UNCOMPILED_H
#define BUILDER_UNCOMPILED_H

#include "core.h"

/* The file that defines the function, by its text; NULL: none. */
const char *uncompiled_find(const struct core_options *options, const char *symbol);

#endif
