/* SPDX-License-Identifier: MIT */
/* Identical code folding: the linker gives one address to what is the same in several files. */
#ifndef BUILDER_FOLDED_H
#define BUILDER_FOLDED_H

#include "part.h"
#include "session.h"

/*
 * Another function, or variable, that is where the twin of part is in the binary, and is no alias
 * of it in its own file: its name, or NULL. What has no name in the binary is not seen.
 */
const char *folded_with(const struct session *session, const struct unit *unit,
			const struct part *part);

#endif
