/* SPDX-License-Identifier: MIT */
/*
 * Inline functions of which the binary has another unit's copy. Every unit that uses one makes it
 * anew, and the linker takes one copy for all: callers rely on nothing that only their own shows.
 * When a unit's own copy comes out otherwise, that may be the diff, or the compiler's mood: what it
 * put into it, what it knew of something else that changed. The unit whose copy runs can tell: what
 * it makes of the patched sources is what a new build would have.
 *
 *	the unit whose copy runs           the copy that runs
 *	is not reached by the diff         stays
 *	makes the same of it as before     stays
 *	makes something else of it         is replaced by what that unit makes
 *	no longer has it, or is unknown    refused
 */
#ifndef BUILDER_COPIES_H
#define BUILDER_COPIES_H

#include "session.h"

/* A changed function of P that is in the binary by another unit's copy: copies_settle() decides. */
bool copies_elsewhere(const struct unit *unit, const struct part *part);

/* Decides on all that are marked as such, once every unit's functions have been compared. */
int copies_settle(struct session *session);

#endif
