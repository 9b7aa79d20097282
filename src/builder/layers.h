/* SPDX-License-Identifier: MIT */
/*
 * A unit that patches below changed: what is known of the binary's parts is handed up from layer to
 * layer, and each patch adds where it has what it brought.
 */
#ifndef BUILDER_LAYERS_H
#define BUILDER_LAYERS_H

#include "session.h"

/* Makes the last layer the unit's O. After original_check() and correlate_proof() of the first. */
int layers_climb(struct session *session, struct unit *unit);

/* What a patch below has under a global name, or NULL; *below becomes 1 + its index. */
const struct core_provide *layers_global(const struct session *session, const char *name,
					 unsigned *below);

#endif
