/* SPDX-License-Identifier: MIT */
/*
 * Precompiled headers: they hold the text of other headers as it was. Nothing that is compared may
 * come out of one, and gcc doesn't say which headers it took from there.
 */
#ifndef BUILDER_PRECOMPILED_H
#define BUILDER_PRECOMPILED_H

#include "builder/command.h"

#include <stdbool.h>

bool precompiled_is(const char *path);

/*
 * True when a unit that was made from `files`, as a make file lists them, may have been made from
 * more: what comes before its text has a precompiled twin, or what it includes first is not listed.
 */
bool precompiled_hides(const struct compdb_entry *entry, const struct command *command,
		       const struct strings *files);

#endif
